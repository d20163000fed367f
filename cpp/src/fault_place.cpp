// Puts faults where they act: finds what they are on, and refuses what cannot be.

#include <algorithm>
#include <cmath>

#include "faulty_unit.hpp"
#include "layout.hpp"

namespace crumple {

namespace {

constexpr const char* signals_unit = "fault";
constexpr std::size_t most_under_way = 1 << 22;  // samples in a delay

// Tells what the faults do, as signals "fault.NAME.active", ".before" and ".after". The world writes them.
class FaultSignals final : public Unit {
public:
    explicit FaultSignals(Ports ports) : ports_(std::move(ports)) {}
    const Ports& ports() const override { return ports_; }
    void reset(const Start&, const Io&) override {}
    void step(const Step&, const Io&) override {}
    StatePointer save() override { return std::make_shared<State>(); }
    std::string pack(const State&) override { return {}; }
    StatePointer unpack(const std::string&) override { return save(); }
    bool loads_unreset() const override { return true; }

private:
    Ports ports_;
};

[[noreturn]] void refuse(const Fault& fault, const std::string& fact) {
    throw BuildError("fault '" + fault.name + "' on \"" + fault.on + "\": " + fact);
}

bool of_units(FaultKind kind) {
    return kind == FaultKind::kill || kind == FaultKind::hang || kind == FaultKind::pause || kind == FaultKind::freeze;
}

bool of_parameters(FaultKind kind) {
    switch (kind) {
        case FaultKind::stuck_at:
        case FaultKind::bias:
        case FaultKind::gain:
        case FaultKind::drift:
        case FaultKind::sign_flip:
        case FaultKind::saturate:
        case FaultKind::quantise:
        case FaultKind::unit_error:
            return true;
        default:
            return false;
    }
}

// Whether there is a value before and after it.
bool tells_values(const Fault& f) { return f.kind == FaultKind::freeze || f.on.find('.') != std::string::npos; }

// What no arithmetic can be done with: true or false, and items of a list.
bool fits(FaultKind fault, Kind kind) {
    if (kind == Kind::real || kind == Kind::integer) return true;
    switch (fault) {
        case FaultKind::delay:
        case FaultKind::reorder:
        case FaultKind::duplicate:
        case FaultKind::dropout:
        case FaultKind::freeze:
        case FaultKind::stuck_at:
            return true;
        default:
            return fault == FaultKind::bit_flip && kind == Kind::boolean;
    }
}

void check_values(const Fault& f) {
    const auto needs = [&](bool there, const std::string& what) {
        if (!there) refuse(f, std::string("a fault of kind ") + fault_kind_name(f.kind) + " needs " + what);
    };
    switch (f.kind) {
        case FaultKind::bias:
        case FaultKind::gain:
        case FaultKind::drift:
        case FaultKind::noise:
        case FaultKind::spike:
        case FaultKind::unit_error:
            needs(f.value.has_value(), "a value");
            break;
        case FaultKind::quantise:
            needs(f.value && *f.value > 0.0, "a value above 0, that of its last digit");
            break;
        case FaultKind::saturate:
            needs(f.min || f.max, "a least or a greatest value");
            needs(!f.min || !f.max || *f.min <= *f.max, "a least value that is not above the greatest");
            break;
        case FaultKind::delay:
            needs(f.delay >= 0 && f.jitter >= 0 && f.delay + f.jitter > 0, "a delay or a jitter of at least one tick");
            break;
        case FaultKind::bit_flip:
            needs(f.bit >= 0 && f.bit < 64, "a bit from 0 to 63");
            needs(f.bits >= 0 && f.bits <= 53 && (f.bits == 0 || f.bit < f.bits),
                  "a word of 1 to 53 bits, with that bit");
            needs(!f.value || *f.value > 0.0, "a last digit above 0");
            break;
        default:
            break;
    }
    if (f.value && !std::isfinite(*f.value)) refuse(f, "its value is not finite");
    if (!(f.chance >= 0.0 && f.chance <= 1.0) || !(f.probability >= 0.0 && f.probability <= 1.0))
        refuse(f, "a probability is from 0 to 1");
    if (f.period != 0 && (f.part < 1 || f.part > f.period)) refuse(f, "it must act in 1 to all ticks of its period");
    if (f.duration && *f.duration < 1) refuse(f, "it lasts no tick");
}

const Route& route_to(const Layout& l, const Fault& f, const PortRef& ref) {
    for (const Route& r : l.routes)
        if (r.target.unit == ref.unit && r.target.port == ref.port &&
            (!ref.element || !r.target.element || *ref.element == *r.target.element))
            return r;
    refuse(f, "nothing feeds this input; a fault acts on a connection");
}

// Where a port is among inputs or outputs, and how many elements it has.
std::size_t place_of(Layout& l, const PortRef& ref, const Port& port, std::size_t& count) {
    const Place& place = l.places[ref.unit];
    count = ref.element ? 1 : port.size();
    return (ref.output ? place.out_begin + place.out_offset[ref.port] : place.in_begin + place.in_offset[ref.port]) +
           ref.element.value_or(0);
}

// Where a signal of a condition is published.
std::size_t slot_of(World& world, Layout& l, const Fault& f, const std::string& name) {
    const PortRef ref = world.find(name);
    const Port& port = world.port(ref);
    std::size_t count = 0;
    const std::size_t slot = is_blob(port.kind) ? 0 : place_of(l, ref, port, count);
    if (!ref.output || count != 1) refuse(f, "\"" + name + "\" in its condition is no output that is a number");
    return slot;
}

void find_flag(World& world, Layout& l, Disturbance& d, const PortRef& on) {
    const Fault& f = d.fault;
    const PortRef ref = world.find(f.flag);
    const Port& port = world.port(ref);
    if (ref.unit != on.unit || ref.output != on.output)
        refuse(f, "its flag \"" + f.flag + "\" is no " + (on.output ? "output" : "input") + " of the same unit");
    if (is_blob(port.kind) || (!ref.element && port.size() != 1)) refuse(f, "its flag \"" + f.flag + "\" is no number");
    if (!on.output && route_to(l, f, ref).link.same_tick != d.at_end)
        refuse(f, "its flag \"" + f.flag + "\" is read at another moment of the tick");
    std::size_t count = 0;
    d.flag = place_of(l, ref, port, count);
}

void put_on_port(World& world, Layout& l, Disturbance& d) {
    const Fault& f = d.fault;
    const PortRef ref = world.find(f.on);
    const Port& port = world.port(ref);
    if (is_blob(port.kind)) refuse(f, "it takes text or bytes, which no fault can act on");
    if (of_units(f.kind) && f.kind != FaultKind::freeze) refuse(f, "only a unit can be killed, hung or paused");
    if (!fits(f.kind, port.kind))
        refuse(f, std::string("it is of kind ") + kind_name(port.kind) + ", and cannot have a fault of kind " +
                      fault_kind_name(f.kind));
    d.place = &l.places[ref.unit];
    d.kind = port.kind;
    d.every = d.place->every;
    d.at = place_of(l, ref, port, d.count);
    if (ref.output) {
        d.where = Disturbance::Where::output;
        l.waves[d.place->wave].output_faults.push_back(&d);
    } else {
        const Route& route = route_to(l, f, ref);
        if (!ref.element && route.target.element) {  // fed one by one; the first that is fed
            d.at = route.to;
            d.count = 1;
        }
        d.at_end = route.link.same_tick;
        l.waves[d.at_end ? d.place->wave : 0].input_faults.push_back(&d);
    }
    if (!f.flag.empty()) find_flag(world, l, d, ref);
    const auto under_way = static_cast<std::size_t>((f.delay + f.jitter) / d.every + 2);
    if (f.kind == FaultKind::delay) d.capacity = under_way;
    if (under_way > most_under_way) refuse(f, "so long a delay would keep more than 4 million samples");
}

void put_on_parameter(Layout& l, Disturbance& d) {
    const Fault& f = d.fault;
    const auto dot = f.on.find('.');
    const auto unit = l.index.find(f.on.substr(0, dot));
    if (dot == std::string::npos || unit == l.index.end()) refuse(f, "there is no such unit");
    if (!of_parameters(f.kind))
        refuse(f, std::string("a parameter cannot have a fault of kind ") + fault_kind_name(f.kind));
    d.where = Disturbance::Where::parameter;
    d.place = &l.places[unit->second];
    d.count = 1;
    const std::string parameter = f.on.substr(dot + 1);
    for (Knob& knob : l.knobs)
        if (knob.place == d.place && knob.parameter == parameter) return knob.faults.push_back(&d);
    l.knobs.push_back({d.place, parameter, {&d}});
}

void put_on_unit(Layout& l, Disturbance& d) {
    const Fault& f = d.fault;
    const auto unit = l.index.find(f.on);
    if (unit == l.index.end()) {
        std::vector<std::string> names;
        for (const Place& place : l.places)
            if (!place.tells_faults) names.push_back(place.name);
        refuse(f, "no unit '" + f.on + "' in this world" + suggest(f.on, names));
    }
    if (!of_units(f.kind))
        refuse(f, std::string("a unit cannot have a fault of kind ") + fault_kind_name(f.kind) +
                      "; name one of its ports");
    d.place = &l.places[unit->second];
    d.where = Disturbance::Where::unit;
    if (f.kind != FaultKind::freeze) return;
    d.where = Disturbance::Where::output;
    d.every = d.place->every;
    d.at = d.place->out_begin;
    d.count = d.place->io.out.size();
    l.waves[d.place->wave].output_faults.push_back(&d);
}

// Each after the one that it begins with.
void order_decisions(Layout& l) {
    for (const auto& each : l.faults) {
        each->cause = nullptr;
        if (each->fault.event.empty()) continue;
        std::vector<std::string> names;
        for (const auto& other : l.faults) {
            names.push_back(other->fault.name);
            if (other->fault.name == each->fault.event) each->cause = other.get();
        }
        if (!each->cause)
            throw BuildError("fault '" + each->fault.name + "' begins with \"" + each->fault.event +
                             "\", and there is no such fault" + suggest(each->fault.event, names));
    }
    l.decided.clear();
    std::vector<Disturbance*> left;
    for (const auto& each : l.faults) left.push_back(each.get());
    while (!left.empty()) {
        const auto ready = std::find_if(left.begin(), left.end(), [&](const Disturbance* d) {
            return !d->cause || std::find(l.decided.begin(), l.decided.end(), d->cause) != l.decided.end();
        });
        if (ready == left.end())
            throw BuildError("fault '" + left[0]->fault.name + "' begins with itself, or with one that begins with it");
        l.decided.push_back(*ready);
        left.erase(ready);
    }
}

}  // namespace

void add_fault_signals(const World& world, Layout& l) {
    if (l.faults.empty()) return;
    std::sort(l.faults.begin(), l.faults.end(), [](const auto& a, const auto& b) {
        return std::pair{a->fault.kind, a->fault.name} < std::pair{b->fault.kind, b->fault.name};
    });
    std::erase_if(l.places, [](const Place& place) { return place.tells_faults; });  // of a build that went wrong
    if (std::any_of(l.places.begin(), l.places.end(), [](const Place& p) { return p.name == signals_unit; }))
        throw BuildError("a unit cannot be called 'fault' in a world with faults: the signals that tell of them are");
    Ports ports;
    for (const auto& each : l.faults) {
        const Fault& f = each->fault;
        Port active;
        active.name = f.name + ".active";
        active.kind = Kind::boolean;
        ports.outputs.push_back(active);
        if (!tells_values(f)) continue;
        Port value;
        value.allow_nonfinite = true;
        if (f.on.find('.') == std::string::npos) {  // all outputs of a unit, side by side
            const auto unit = l.index.find(f.on);
            if (unit != l.index.end())
                value.shape = {port_offsets(l.places[unit->second].unit->ports().outputs).numbers};
        } else if (!f.nominal) {
            const PortRef ref = world.find(f.on);
            const Port& port = world.port(ref);
            if (!ref.element) value.shape = port.shape;
            value.si = port.si;
        }
        for (const char* which : {".before", ".after"}) {
            value.name = f.name + which;
            ports.outputs.push_back(value);
        }
        if (f.flag.empty()) continue;
        value = {};
        value.allow_nonfinite = true;
        value.name = f.name + ".flag";  // as it was before
        ports.outputs.push_back(value);
    }
    Place place;
    place.name = signals_unit;
    place.unit = std::make_unique<FaultSignals>(std::move(ports));
    place.tells_faults = true;
    l.places.push_back(std::move(place));
}

void place_faults(World& world, Layout& l, const Period& period, double start) {
    l.knobs.clear();
    if (l.faults.empty()) return;
    Place& told = l.places.back();
    std::size_t signal = 0;
    for (const auto& each : l.faults) {
        Disturbance& d = *each;
        check_values(d.fault);
        if (!d.fault.when.empty())
            d.fault.when.bind([&](const std::string& name) { return slot_of(world, l, d.fault, name); });
        if (d.fault.nominal)
            put_on_parameter(l, d);
        else if (d.fault.on.find('.') == std::string::npos)
            put_on_unit(l, d);
        else
            put_on_port(world, l, d);
        const bool values = tells_values(d.fault);
        // the flag among booleans, which follow the reals: these three are not side by side
        d.signals = told.out_begin + told.out_offset[signal];
        d.signal_before = values ? told.out_begin + told.out_offset[signal + 1] : Disturbance::nowhere;
        d.signal_after = values ? told.out_begin + told.out_offset[signal + 2] : Disturbance::nowhere;
        signal += values ? 3 : 1;
        if (!d.fault.flag.empty()) d.signal_flag = told.out_begin + told.out_offset[signal++];
    }
    order_decisions(l);
    for (Place& place : l.places) {
        std::vector<Disturbance*> faults;
        for (const auto& each : l.faults)
            if (each->place == &place && each->where == Disturbance::Where::unit) faults.push_back(each.get());
        if (!faults.empty())
            place.unit =
                std::make_unique<FaultyUnit>(std::move(place.unit), std::move(faults), period, start, place.every);
    }
}

}  // namespace crumple
