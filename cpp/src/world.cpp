#include "crumple/world.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "crumple/random.hpp"
#include "layout.hpp"

namespace crumple {

World::World(Period period, Options options) : period_(period), options_(options), layout_(std::make_unique<Layout>()) {
    if (options_.threads < 1) throw BuildError("a world needs at least one thread");
    if (!std::isfinite(options_.start)) throw BuildError("the start time is not a finite number");
}

World::~World() {
    layout_->probes.clear();
    for (Place& place : layout_->places) {
        try {
            layout_->on_owner(place, [&] { place.unit.reset(); });
        } catch (...) {  // a destructor has nobody to tell
        }
    }
}

void World::add(std::string name, std::unique_ptr<Unit> unit, Tick every) {
    if (phase_ != Phase::open) throw UsageError("add(\"" + name + "\"): the world is built; make a new one");
    if (name.empty() || name.find('.') != std::string::npos)
        throw BuildError("unit name \"" + name + "\": a name is not empty and has no dot");
    if (every < 1)
        throw BuildError("unit '" + name + "': every = " + std::to_string(every) + ", but it counts ticks from 1");
    if (!layout_->index.emplace(name, layout_->places.size()).second)
        throw BuildError("unit '" + name + "' exists already; names are unique in a world");
    Place place;
    place.name = std::move(name);
    place.unit = std::move(unit);
    place.every = every;
    place.dt = period_.at(every);
    layout_->places.push_back(std::move(place));
}

void World::connect(const std::string& source, const std::string& target, const Link& link) {
    if (phase_ != Phase::open)
        throw UsageError("connect(\"" + source + "\", \"" + target + "\"): the world is built; make a new one");
    if (!find(source).output)
        throw BuildError("\"" + source + "\" is an input; a connection goes from an output to an input");
    if (find(target).output)
        throw BuildError("\"" + target + "\" is an output; a connection goes from an output to an input");
    layout_->pending.push_back({source, target, link});
}

double World::t() const { return options_.start + period_.at(tick_); }

std::uint64_t World::digest() const { return layout_->digest.value(); }

void World::require(bool ready, const char* what) const {
    if (ready) return;
    const std::string call = what;
    if (phase_ == Phase::failed)
        throw UsageError(call + "(): an earlier step failed, and the world's state is not whole. Call reset() first.");
    if (phase_ == Phase::ended) throw UsageError(call + "(): the run has ended. Call reset() to begin again.");
    throw UsageError(call + "(): the world has not been reset. Call reset() first.");
}

void World::fail() {
    // a plugin's exception holds its frames, and they may hold this world
    for (auto& failure : layout_->failures) failure = {};
    phase_ = Phase::failed;
}

void World::check_finite() const {
    for (const Place& place : layout_->places) {
        const Ports& ports = place.unit->ports();
        for (std::size_t p = 0; p < ports.outputs.size(); ++p) {
            const Port& port = ports.outputs[p];
            if (is_blob(port.kind) || port.allow_nonfinite) continue;
            for (std::size_t i = 0; i < port.size(); ++i) {
                const double x = layout_->latest()[place.out_begin + place.out_offset[p] + i];
                if (std::isfinite(x)) continue;
                const std::string element = port.shape.empty() ? "" : "[" + std::to_string(i) + "]";
                throw StepError(place.name, "output \"" + port.name + element + "\"", tick_ + 1,
                                options_.start + period_.at(tick_ + 1),
                                std::string(std::isnan(x) ? "the value is NaN" : "the value is infinite") +
                                    ". If that is meant, allow it for this output.");
            }
        }
    }
}

void rethrow_placed(const Place& place, Tick tick, double t, const std::exception_ptr& cause) {
    try {
        std::rethrow_exception(cause);
    } catch (const StepError&) {
        throw;
    } catch (const UnitError& error) {
        throw StepError(place.name, error.call(), tick, t, error.what(), error.details());
    } catch (const EndRequest& request) {
        throw EndError(place.name, "step", tick, t, request.what());
    }  // anything else comes from a binding, which knows how to place it
}

std::size_t World::unit_index(const std::string& name) const {
    const auto found = layout_->index.find(name);
    if (found != layout_->index.end()) return found->second;
    throw BuildError("no unit '" + name + "' in this world" + suggest(name, units()));
}

namespace {

// "x[1,2]" -> ("x", {1, 2}); nothing where the name does not end in an index.
std::optional<std::pair<std::string, std::vector<std::size_t>>> split_index(const std::string& name) {
    if (name.empty() || name.back() != ']') return std::nullopt;
    const auto open = name.rfind('[');
    if (open == std::string::npos || open == 0) return std::nullopt;
    std::vector<std::size_t> index(1, 0);
    bool digit = false;
    for (std::size_t i = open + 1; i + 1 < name.size(); ++i) {
        const char c = name[i];
        if (c >= '0' && c <= '9' && index.back() < (std::size_t{1} << 40)) {
            index.back() = index.back() * 10 + static_cast<std::size_t>(c - '0');
            digit = true;
        } else if (c == ',' && digit) {
            index.push_back(0);
            digit = false;
        } else {
            return std::nullopt;
        }
    }
    if (!digit) return std::nullopt;
    return std::pair{name.substr(0, open), index};
}

std::optional<PortRef> find_port(const Ports& ports, const std::string& name) {
    for (std::size_t i = 0; i < ports.outputs.size(); ++i)
        if (ports.outputs[i].name == name) return PortRef{0, i, true, {}};
    for (std::size_t i = 0; i < ports.inputs.size(); ++i)
        if (ports.inputs[i].name == name) return PortRef{0, i, false, {}};
    return std::nullopt;
}

std::size_t flat_element(const Port& port, const std::vector<std::size_t>& index, const std::string& name) {
    const auto refuse = [&](const std::string& fact) { throw BuildError("\"" + name + "\": " + fact); };
    if (index.size() == 1 && port.shape.size() != 1) {
        if (port.shape.empty()) refuse("the port is a scalar; drop the index");
        if (index[0] >= port.size()) refuse("the port has " + std::to_string(port.size()) + " elements, from 0");
        return index[0];
    }
    if (index.size() != port.shape.size())
        refuse("the port has " + std::to_string(port.shape.size()) + " dimensions, the index " +
               std::to_string(index.size()));
    std::size_t flat = 0;
    for (std::size_t d = 0; d < index.size(); ++d) {
        if (index[d] >= port.shape[d])
            refuse("index " + std::to_string(index[d]) + " is past the end: this dimension has " +
                   std::to_string(port.shape[d]) + " elements, counted from 0");
        flat = flat * port.shape[d] + index[d];
    }
    return flat;
}

}  // namespace

PortRef World::find(const std::string& name) const {
    const auto dot = name.find('.');
    if (dot == std::string::npos || dot == 0 || dot + 1 == name.size())
        throw BuildError("\"" + name + "\" is not of the form \"unit.port\"");
    const std::size_t unit = unit_index(name.substr(0, dot));
    const std::string rest = name.substr(dot + 1);
    const Ports& ports = layout_->places[unit].unit->ports();
    if (auto whole = find_port(ports, rest)) {
        whole->unit = unit;
        return *whole;
    }
    if (const auto split = split_index(rest)) {
        if (auto element = find_port(ports, split->first)) {
            const auto& list = element->output ? ports.outputs : ports.inputs;
            element->unit = unit;
            element->element = flat_element(list[element->port], split->second, name);
            return *element;
        }
    }
    std::vector<std::string> names;
    for (const Port& port : ports.outputs) names.push_back(port.name);
    for (const Port& port : ports.inputs) names.push_back(port.name);
    throw BuildError("unit '" + name.substr(0, dot) + "' has no port \"" + rest + "\"" + suggest(rest, names));
}

const Port& World::port(const PortRef& ref) const {
    const Ports& ports = layout_->places.at(ref.unit).unit->ports();
    return ref.output ? ports.outputs.at(ref.port) : ports.inputs.at(ref.port);
}

std::vector<double> World::value(const PortRef& ref) const {
    require(phase_ == Phase::ready || phase_ == Phase::ended || phase_ == Phase::failed, "value");
    const Place& place = layout_->places.at(ref.unit);
    const double* begin = ref.output ? layout_->published() + place.out_begin + place.out_offset[ref.port]
                                     : layout_->inputs.data() + place.in_begin + place.in_offset[ref.port];
    if (ref.element) return {begin[*ref.element]};
    return {begin, begin + port(ref).size()};
}

std::vector<Blob> World::blobs(const PortRef& ref) const {
    require(phase_ == Phase::ready || phase_ == Phase::ended || phase_ == Phase::failed, "value");
    const Place& place = layout_->places.at(ref.unit);
    const Blob* begin = ref.output ? layout_->published_blobs() + place.out_blob_begin + place.out_offset[ref.port]
                                   : layout_->input_blobs.data() + place.in_blob_begin + place.in_offset[ref.port];
    if (ref.element) return {begin[*ref.element]};
    return {begin, begin + port(ref).size()};
}

namespace {

template <class Value>
void set_input(World& world, Layout& layout, const PortRef& ref, std::span<const Value> value, Value* memory) {
    Place& place = layout.places.at(ref.unit);
    const Port& port = world.port(ref);
    const std::string name = place.name + "." + port.name;
    if (ref.output) throw UsageError("\"" + name + "\" is an output; only inputs can be set");
    for (const Route& route : layout.routes)
        if (route.target.unit == ref.unit && route.target.port == ref.port)
            throw UsageError("\"" + name + "\" is fed by a connection; it cannot be set as well");
    const std::size_t wanted = ref.element ? 1 : port.size();
    if (value.size() != wanted)
        throw UsageError("\"" + name + "\" takes " + std::to_string(wanted) + " values, not " +
                         std::to_string(value.size()));
    std::copy(value.begin(), value.end(), memory + place.in_offset[ref.port] + ref.element.value_or(0));
    if (!place.driven[ref.port]) {
        place.driven[ref.port] = true;
        layout.on_owner(place, [&] { place.unit->drive(ref.port); });
    }
}

}  // namespace

void World::set(const PortRef& ref, std::span<const double> value) {
    const Exclusive exclusive(*this, "set");
    require(phase_ == Phase::ready, "set");
    for (double x : value)
        if (!std::isfinite(x)) throw UsageError("an input cannot be set to NaN or infinity");
    if (is_blob(port(ref).kind)) throw UsageError("\"" + port(ref).name + "\" takes text or bytes, not numbers");
    set_input(*this, *layout_, ref, value, layout_->inputs.data() + layout_->places.at(ref.unit).in_begin);
}

void World::set(const PortRef& ref, std::span<const Blob> value) {
    const Exclusive exclusive(*this, "set");
    require(phase_ == Phase::ready, "set");
    if (!is_blob(port(ref).kind)) throw UsageError("\"" + port(ref).name + "\" takes numbers, not text");
    set_input(*this, *layout_, ref, value, layout_->input_blobs.data() + layout_->places.at(ref.unit).in_blob_begin);
}

bool World::tune(const std::string& unit, const std::string& parameter, std::span<const double> value) {
    const Exclusive exclusive(*this, "tune");
    require(phase_ == Phase::ready, "tune");
    Place& place = layout_->places[unit_index(unit)];
    bool known = false;
    try {
        layout_->on_owner(place, [&] { known = place.unit->tune(parameter, value); });
    } catch (...) {
        rethrow_placed(place, tick_, t(), std::current_exception());
    }
    return known;
}

bool World::set_starts(const std::string& unit, const std::vector<FmuStart>& starts) {
    const Exclusive exclusive(*this, "set_starts");
    Place& place = layout_->places[unit_index(unit)];
    bool taken = false;
    layout_->on_owner(place, [&] { taken = place.unit->restart_with(starts); });
    return taken;
}

std::shared_ptr<const Snapshot> World::snapshot(bool for_another) {
    const Exclusive exclusive(*this, "snapshot");
    require(phase_ == Phase::ready, "snapshot");
    auto snapshot = std::make_shared<Snapshot>(Snapshot{tick_,
                                                        seed_,
                                                        layout_->signals,
                                                        layout_->inputs,
                                                        layout_->signal_blobs,
                                                        layout_->input_blobs,
                                                        layout_->digest,
                                                        {},
                                                        {},
                                                        {},
                                                        layout_->ended,
                                                        signature()});
    for (const auto& judge : layout_->judges) snapshot->judges.push_back(judge->state());
    for (const auto& each : layout_->faults) snapshot->faults.push_back(each->state);
    std::string unable;
    for (Place& place : layout_->places) {
        StatePointer state;
        try {
            layout_->on_owner(place,
                              [&] { state = for_another ? place.unit->save_for_another() : place.unit->save(); });
        } catch (...) {
            rethrow_placed(place, tick_, t(), std::current_exception());
        }
        if (!state) unable += (unable.empty() ? "" : ", ") + place.name;
        snapshot->units.push_back(std::move(state));
    }
    if (!unable.empty())
        throw StateError("the world cannot be saved, because the state of these units cannot: " + unable +
                         ". (An FMU in this process must offer canGetAndSetFMUstate; in a worker, isolate = true, "
                         "any can be saved that has no threads.)");
    return snapshot;
}

// What two worlds must have in common for a snapshot of one to fit the other: period, start, units and their ports.
std::string World::signature() const {
    std::string text = period_.text() + " " + std::to_string(std::bit_cast<std::uint64_t>(options_.start));
    for (const Place& place : layout_->places) {
        text += "\n" + place.name + " " + std::to_string(place.every);
        for (const auto* list : {&place.unit->ports().inputs, &place.unit->ports().outputs})
            for (const Port& port : *list)
                text += "\n " + port.name + " " + kind_name(port.kind) + " " + std::to_string(port.size());
    }
    for (const auto& each : layout_->faults) text += "\nfault " + each->fault.name + " " + each->fault.on;
    for (const auto& judge : layout_->judges) text += "\nrequirement " + judge->signature();
    return text;
}

void World::restore(const Snapshot& snapshot) {
    const Exclusive exclusive(*this, "restore");
    require(phase_ != Phase::open, "restore");
    if (snapshot.world != signature())
        throw UsageError(
            "restore(): this snapshot was taken from a world of other units, or of another period or start");
    layout_->signals = snapshot.signals;  // same sizes: memory stays where it is
    layout_->inputs = snapshot.inputs;
    std::copy(snapshot.signal_blobs.begin(), snapshot.signal_blobs.end(), layout_->signal_blobs.begin());
    std::copy(snapshot.input_blobs.begin(), snapshot.input_blobs.end(), layout_->input_blobs.begin());
    layout_->digest = snapshot.digest;
    for (std::size_t i = 0; i < layout_->faults.size(); ++i) layout_->faults[i]->state = snapshot.faults.at(i);
    for (const Wave& wave : layout_->waves) undo_outputs(*layout_, wave);  // units find what they wrote
    for (auto& failure : layout_->failures) failure = {};
    for (std::size_t i = 0; i < layout_->judges.size(); ++i) layout_->judges[i]->load(snapshot.judges.at(i));
    layout_->ended = snapshot.ended;
    tick_ = snapshot.tick;
    seed_ = snapshot.seed;
    const bool unreset = phase_ == Phase::built;
    phase_ = Phase::failed;  // until all of it went well
    for (std::size_t i = 0; i < layout_->places.size(); ++i) {
        Place& place = layout_->places[i];
        const Start start{stream_seed(seed_, place.name), options_.start, place.dt};
        try {
            layout_->on_owner(place, [&] {
                if (unreset && !place.unit->loads_unreset()) {
                    const std::vector<double> outputs(place.io.out.begin(), place.io.out.end());
                    const std::vector<Blob> blobs(place.io.out_blobs.begin(), place.io.out_blobs.end());
                    place.unit->reset(start, place.io);
                    place.unit->begin(place.io);
                    std::copy(outputs.begin(), outputs.end(), place.io.out.begin());
                    std::copy(blobs.begin(), blobs.end(), place.io.out_blobs.begin());
                }
                place.unit->load(*snapshot.units[i], place.io);
            });
        } catch (...) {
            fail();
            rethrow_placed(place, tick_, t(), std::current_exception());
        }
    }
    if (!layout_->faults.empty()) layout_->signals = snapshot.signals;
    phase_ = Phase::ready;
}

void World::end() {
    const Exclusive exclusive(*this, "end");
    require(phase_ == Phase::ready, "end");
    for (Place& place : layout_->places) {
        try {
            layout_->on_owner(place, [&] { place.unit->end(); });
        } catch (...) {
            fail();
            rethrow_placed(place, tick_, t(), std::current_exception());
        }
    }
    for (const auto& probe : layout_->probes) probe->close();
    phase_ = Phase::ended;
}

void World::close() {
    const Exclusive exclusive(*this, "close");
    const Place* failed = nullptr;
    std::exception_ptr cause;
    for (Place& place : layout_->places) {
        try {
            layout_->on_owner(place, [&] { place.unit->close(); });
        } catch (...) {  // the others are freed all the same
            if (!failed) cause = std::current_exception();
            if (!failed) failed = &place;
        }
    }
    if (phase_ != Phase::open) phase_ = failed ? Phase::failed : Phase::built;
    if (failed) rethrow_placed(*failed, tick_, t(), cause);
}

void World::watch(std::shared_ptr<Probe> probe) {
    if (phase_ == Phase::open) build();
    const Exclusive exclusive(*this, "watch");
    if (phase_ == Phase::ready)
        probe->observe(tick_, t(), {layout_->published(), layout_->outputs},
                       {layout_->published_blobs(), layout_->output_blobs});
    layout_->probes.push_back(std::move(probe));
}

std::vector<Column> World::columns(const std::vector<std::string>& outputs, bool undisturbed) const {
    if (phase_ == Phase::open) throw UsageError("columns(): the world is not built. Call build() first.");
    std::vector<PortRef> refs;
    for (const auto& name : outputs) {
        refs.push_back(find(name));
        if (!refs.back().output) throw UsageError("\"" + name + "\" is an input; record the output that feeds it");
    }
    std::sort(refs.begin(), refs.end(),
              [](const PortRef& a, const PortRef& b) { return std::pair{a.unit, a.port} < std::pair{b.unit, b.port}; });
    std::vector<Column> columns;
    for (const PortRef& ref : refs) {
        const Place& place = layout_->places[ref.unit];
        const Port& p = port(ref);
        const bool blob = is_blob(p.kind);
        const std::size_t begin = (blob ? place.out_blob_begin : place.out_begin) + place.out_offset[ref.port];
        if (ref.element)
            throw UsageError("\"" + place.name + "." + p.name + "\": record the whole port, not one element");
        const std::string name = place.name + "." + p.name;
        if (!columns.empty() && columns.back().name == name) continue;
        columns.push_back({name, begin, p.size(), p.shape, blob});
        if (undisturbed && !blob) columns.back().offset = undisturbed_slot(*layout_, begin, p.size());
    }
    return columns;
}

void World::set_profiling(bool on) {
    layout_->profiling = on;
    for (Place& place : layout_->places) place.time = on ? std::make_unique<Histogram>() : nullptr;
}

std::vector<ProfileRow> World::profile() const {
    double total = 0.0;
    for (const Place& place : layout_->places)
        if (place.time) total += static_cast<double>(place.time->sum());
    std::vector<ProfileRow> rows;
    for (const Place& place : layout_->places) {
        if (!place.time || place.tells_faults) continue;
        const Histogram& h = *place.time;
        rows.push_back({place.name, h.count(), h.mean(), h.quantile(0.99), static_cast<double>(h.max()),
                        total > 0 ? static_cast<double>(h.sum()) / total : 0.0});
    }
    return rows;
}

SlowestStep World::slowest_step() const {
    const Place* slowest = nullptr;
    for (const Place& place : layout_->places)
        if (place.time && place.stepped == tick_ - 1 && (!slowest || place.spent > slowest->spent)) slowest = &place;
    if (!slowest) return {};
    return {slowest->name, slowest->spent};
}

std::vector<std::string> World::units() const {
    std::vector<std::string> names;
    for (const Place& place : layout_->places)
        if (!place.tells_faults) names.push_back(place.name);
    std::sort(names.begin(), names.end());
    return names;
}

const Ports& World::ports(const std::string& unit) const { return layout_->places[unit_index(unit)].unit->ports(); }

std::vector<UnitView> World::unit_views() const {
    std::vector<UnitView> views;
    for (const Place& place : layout_->places)
        if (!place.tells_faults) views.push_back({place.name, place.every, place.wave, place.thread, place.cost});
    return views;
}

std::vector<std::string> World::warnings() const {
    std::vector<std::string> all = layout_->warnings;
    for (const Place& place : layout_->places)
        for (const auto& text : place.unit->warnings()) all.push_back("unit '" + place.name + "': " + text);
    return all;
}

std::map<std::string, std::string> World::inspect(const std::string& unit) {
    const Exclusive exclusive(*this, "inspect");
    Place& place = layout_->places[unit_index(unit)];
    std::map<std::string, std::string> found;
    try {
        layout_->on_owner(place, [&] { found = place.unit->inspect(); });
    } catch (...) {
        rethrow_placed(place, tick_, t(), std::current_exception());
    }
    return found;
}

bool World::needs_interpreter() const {
    return std::any_of(layout_->places.begin(), layout_->places.end(),
                       [](const Place& place) { return place.unit->needs_interpreter(); });
}

}  // namespace crumple
