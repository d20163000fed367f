#include "crumple/fault.hpp"

#include <algorithm>

#include "layout.hpp"

namespace crumple {

bool Disturbance::active(Tick tick) const {
    if (state.by_hand) return true;
    return !state.cleared && fault.since && tick >= *fault.since && (!fault.until || tick < *fault.until);
}

void Disturbance::apply(double* inputs, Tick tick) {
    double* const x = inputs + to;
    if (!active(tick)) {
        if (fault.kind == FaultKind::stuck_at && !fault.value) state.last.assign(x, x + count);
        return;
    }
    if (fault.kind == FaultKind::stuck_at && !fault.value && state.last.empty()) state.last.assign(x, x + count);
    for (std::size_t i = 0; i < count; ++i) {
        switch (fault.kind) {
            case FaultKind::stuck_at:
                x[i] = fault.value ? *fault.value : state.last[i];
                break;
            case FaultKind::bias:
                x[i] += *fault.value;
                break;
            case FaultKind::gain:
                x[i] *= *fault.value;
                break;
        }
    }
}

void World::add_fault(Fault fault) {
    const Exclusive exclusive(*this, "add_fault");
    if (phase_ != Phase::open) throw UsageError("add_fault(): the world is built already");
    if (fault.kind != FaultKind::stuck_at && !fault.value)
        throw BuildError("fault '" + fault.name + "': a bias and a gain need a value");
    for (const auto& other : layout_->faults)
        if (other->fault.name == fault.name) throw BuildError("there are two faults '" + fault.name + "'");
    layout_->faults.push_back(std::make_unique<Disturbance>());
    layout_->faults.back()->fault = std::move(fault);
}

namespace {

Disturbance& named(Layout& layout, const std::string& name) {
    std::vector<std::string> names;
    for (const auto& each : layout.faults) {
        if (each->fault.name == name) return *each;
        names.push_back(each->fault.name);
    }
    throw UsageError("there is no fault '" + name + "'" + suggest(name, names));
}

}  // namespace

void World::inject(const std::string& name) {
    const Exclusive exclusive(*this, "inject");
    require(phase_ == Phase::ready, "inject");
    named(*layout_, name).state.by_hand = true;
}

void World::clear(const std::string& name) {
    const Exclusive exclusive(*this, "clear");
    require(phase_ == Phase::ready, "clear");
    FaultState& state = named(*layout_, name).state;
    state.by_hand = false;
    state.cleared = true;
}

std::vector<std::string> World::active_faults() const {
    std::vector<std::string> names;
    for (const auto& each : layout_->faults)
        if (each->active(tick_)) names.push_back(each->fault.name);
    return names;
}

}  // namespace crumple
