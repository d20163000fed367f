// Faults as a run goes on: when they act, and the calls by hand.

#include <algorithm>
#include <cmath>
#include <utility>

#include "crumple/random.hpp"
#include "layout.hpp"

namespace crumple {

namespace {

constexpr std::size_t most_events = 1 << 16;  // that nobody has taken

double seconds_since(const Disturbance& d, const Period& period, Tick at) {
    return d.state.began < 0 ? 0.0 : period.at(at - d.state.began);
}

void decide(Layout& l, Tick tick, std::span<const double> published, double t) {
    for (Disturbance* d : l.decided) {
        const Tick at = tick + (d->where == Disturbance::Where::output ? 1 : 0);
        FaultState& s = d->state;
        const bool on = d->decide(s, at, published, t);
        if (on == s.on) continue;
        s.on = on;
        if (on) s.began = at;
        if (l.fault_events.size() < most_events) l.fault_events.push_back({d->fault.name, at, on});
    }
}

void turn(Layout& l, const Knob& knob, const Period& period, Tick tick, double t) {
    const double nominal = *knob.faults.front()->fault.nominal;
    const std::vector<double>& set = knob.faults.back()->state.after;
    const double present = set.empty() ? nominal : set[0];
    double x = nominal;
    for (Disturbance* d : knob.faults) d->disturb(&x, nullptr, tick, seconds_since(*d, period, tick), true);
    if (x == present) return;
    Place& place = *knob.place;
    bool known = false;
    try {
        l.on_owner(place, [&] { known = place.unit->tune(knob.parameter, {&x, 1}); });
    } catch (...) {
        rethrow_placed(place, tick, t, std::current_exception());
    }
    if (!known)
        throw StepError(place.name, "tune", tick, t,
                        "\"" + knob.parameter + "\" cannot be changed during a run, as fault '" +
                            knob.faults.front()->fault.name + "' wants");
}

void check_finite(const Disturbance& d, Tick tick, double t) {
    for (std::size_t i = 0; i < d.count; ++i)
        if (!std::isfinite(d.state.after[i]) && std::isfinite(d.state.before[i]))
            throw StepError(d.place->name, "fault '" + d.fault.name + "'", tick, t,
                            "it makes \"" + d.fault.on + "\" " + (std::isnan(d.state.after[i]) ? "NaN" : "infinite"));
}

}  // namespace

void Disturbance::reset(std::uint64_t seed) {
    state = {};
    // two streams, so that how a fault goes does not depend on whether its happening was drawn
    state.random = stream_seed(seed, "fault." + fault.name);
    if (fault.probability < 1.0)
        state.happens = Random(stream_seed(seed, "fault." + fault.name + ".happens")).uniform() < fault.probability;
}

bool Disturbance::decide(FaultState& s, Tick at_tick, std::span<const double> published, double t) const {
    if (s.by_hand) {
        if (!fault.duration || s.latched < 0 || at_tick < s.latched + *fault.duration) {
            if (s.latched < 0) s.latched = at_tick;
            return true;
        }
        s.by_hand = false;
        s.cleared = true;
    }
    if (s.cleared || !s.happens || (fault.off && !s.armed)) return false;
    const bool begun = !fault.since || at_tick >= *fault.since;
    const bool over = fault.until && at_tick >= *fault.until;
    if (fault.when.empty() && !cause) {
        if (!fault.since || !begun || over) return false;
        return !fault.duration || at_tick < *fault.since + *fault.duration;
    }
    if (over) return false;
    if (fault.as_long) return begun && !published.empty() && fault.when.holds(published.data(), t);
    if (s.latched < 0) {
        if (!begun || published.empty()) return false;
        if (cause ? !cause->state.on : !fault.when.holds(published.data(), t)) return false;
        s.latched = at_tick;
    }
    return !fault.duration || at_tick < s.latched + *fault.duration;
}

bool Disturbance::acts(Tick at_tick) const {
    if (!state.on) return false;
    return fault.period == 0 || (at_tick - state.began) % fault.period < fault.part;
}

void reset_faults(Layout& l, std::uint64_t seed) {
    l.fault_events.clear();
    for (const auto& each : l.faults) each->reset(seed);
}

void first_faults(Layout& l, const Period& period, double t) {
    if (l.faults.empty()) return;
    decide(l, -1, {}, t);  // of the outputs at tick 0
    for (const auto& each : l.faults)
        if (each->where != Disturbance::Where::output) each->state.on = false;
    for (const Wave& wave : l.waves) disturb_outputs(l, wave, period, -1, t);
}

void begin_faults(Layout& l, const Period& period, Tick tick, double t) {
    decide(l, tick, {l.published(), l.outputs}, t);
    for (const Knob& knob : l.knobs) turn(l, knob, period, tick, t);
}

void disturb_inputs(Layout& l, const Wave& wave, const Period& period, Tick tick, double t) {
    double* const in = l.inputs.data();
    for (Disturbance* d : wave.input_faults) {
        if ((tick + (d->at_end ? 1 : 0)) % d->every != 0) continue;
        d->disturb(in + d->at, in, tick, seconds_since(*d, period, tick), true);
        check_finite(*d, tick, t);
    }
}

void disturb_outputs(Layout& l, const Wave& wave, const Period& period, Tick tick, double t) {
    double* const out = l.latest();
    for (Disturbance* d : wave.output_faults) {
        d->disturb(out + d->at, out, tick + 1, seconds_since(*d, period, tick + 1), (tick + 1) % d->every == 0);
        check_finite(*d, tick, t);
    }
}

void undo_outputs(Layout& l, const Wave& wave) {
    for (auto d = wave.output_faults.rbegin(); d != wave.output_faults.rend(); ++d)
        (*d)->undo(l.latest() + (*d)->at, l.latest());
}

std::size_t undisturbed_slot(const Layout& l, std::size_t begin, std::size_t count) {
    for (const auto& d : l.faults) {
        if (d->where != Disturbance::Where::output) continue;
        if (d->at <= begin && begin + count <= d->at + d->count) return d->signal_before + begin - d->at;
        if (d->flag == begin && count == 1) return d->signal_flag;
    }
    return begin;
}

void write_fault_signals(Layout& l) {
    for (const auto& each : l.faults) {
        const FaultState& s = each->state;
        double* const to = l.latest();
        to[each->signals] = s.on ? 1.0 : 0.0;
        if (each->signal_flag != Disturbance::nowhere) to[each->signal_flag] = s.flag_before;
        if (each->signal_before == Disturbance::nowhere) continue;
        std::copy(s.before.begin(), s.before.end(), to + each->signal_before);
        std::copy(s.after.begin(), s.after.end(), to + each->signal_after);
    }
    std::copy(l.latest() + l.digested, l.latest() + l.outputs, l.published() + l.digested);
}

// ---- by hand

void World::add_fault(Fault fault) {
    const Exclusive exclusive(*this, "add_fault");
    if (phase_ != Phase::open) throw UsageError("add_fault(): the world is built already");
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
    FaultState& state = named(*layout_, name).state;
    if (!state.by_hand) state.latched = -1;
    state.by_hand = true;
}

void World::arm(const std::string& name) {
    const Exclusive exclusive(*this, "arm");
    require(phase_ == Phase::ready, "arm");
    Disturbance& d = named(*layout_, name);
    d.state.armed = true;
    d.state.cleared = false;
    if (!d.fault.since && d.fault.when.empty() && !d.cause) d.state.by_hand = true;
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
    for (const auto& each : layout_->faults) {
        FaultState state = each->state;
        const Tick at = tick_ + (each->where == Disturbance::Where::output ? 1 : 0);
        if (each->decide(state, at, {layout_->published(), layout_->outputs}, t())) names.push_back(each->fault.name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<std::string> World::fault_signals() const {
    std::vector<std::string> names;
    for (const Place& place : layout_->places)
        if (place.tells_faults)
            for (const Port& port : place.unit->ports().outputs) names.push_back(place.name + "." + port.name);
    return names;
}

std::vector<FaultEvent> World::take_fault_events() { return std::exchange(layout_->fault_events, {}); }

}  // namespace crumple
