#include "faulty_unit.hpp"

#include "crumple/error.hpp"

namespace crumple {

const Disturbance* FaultyUnit::acting(FaultKind kind, Tick tick) const {
    for (const Disturbance* d : faults_)
        if (d->fault.kind == kind && d->acts(tick)) return d;
    return nullptr;
}

// A paused unit's time stands still with it, as that of a processor that is halted.
Step FaultyUnit::own_time(const Step& now) const {
    Tick behind = 0;
    for (const Disturbance* d : faults_)
        if (d->fault.kind == FaultKind::pause) behind += static_cast<Tick>(d->state.phase);
    if (behind == 0) return now;
    return {now.tick - behind, start_ + period_.at(now.tick - behind), now.dt};
}

void FaultyUnit::post(const Step& now, const Io& io) {
    const Tick tick = now.tick + every_ - 1;  // at which the world steps it
    for (const FaultKind kind : {FaultKind::pause, FaultKind::kill, FaultKind::hang})
        if (acting(kind, tick)) return;
    inner_->post(own_time(now), io);
}

void FaultyUnit::step(const Step& now, const Io& io) {
    const Tick tick = now.tick + every_ - 1;
    const Disturbance* const kill = acting(FaultKind::kill, tick);
    const Disturbance* const hang = acting(FaultKind::hang, tick);
    if (kill || hang) {
        const std::string by = std::string(" (fault '") + (kill ? kill : hang)->fault.name + "')";
        if (!(kill ? inner_->kill() : inner_->hang()))
            throw UnitError("step", (kill ? "it is dead" : "it does not answer any more") + by);
        try {
            inner_->step(own_time(now), io);
        } catch (const UnitError& error) {
            throw UnitError(error.call(), error.what() + by, error.details());
        }
        return;
    }
    for (Disturbance* d : faults_) {
        if (d->fault.kind != FaultKind::pause || !d->acts(tick)) continue;
        d->state.phase += static_cast<std::uint64_t>(every_);
        return;
    }
    inner_->step(own_time(now), io);
}

}  // namespace crumple
