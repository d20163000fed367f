// Lays a world's memory out, resolves its connections, and finds its waves and the threads of its units.

#include <algorithm>
#include <array>
#include <map>
#include <typeinfo>

#include "layout.hpp"

namespace crumple {

namespace {

void lay_out(Layout& l) {
    std::sort(l.places.begin(), l.places.end(), [](const Place& a, const Place& b) {
        return std::pair{a.tells_faults, a.name} < std::pair{b.tells_faults, b.name};
    });
    for (std::size_t i = 0; i < l.places.size(); ++i) l.index[l.places[i].name] = i;
    std::size_t inputs = 0, input_blobs = 0;
    std::vector<std::array<std::size_t, 4>> sizes;
    for (Place& place : l.places) {
        const Ports& ports = place.unit->ports();
        PortOffsets in = port_offsets(ports.inputs), out = port_offsets(ports.outputs);
        const std::array<std::size_t, 4> n{in.numbers, in.blobs, out.numbers, out.blobs};
        place.in_offset = std::move(in.offset);
        place.out_offset = std::move(out.offset);
        place.driven.assign(ports.inputs.size(), false);
        place.in_begin = inputs;
        place.in_blob_begin = input_blobs;
        place.out_begin = l.outputs;
        place.out_blob_begin = l.output_blobs;
        inputs += n[0];
        input_blobs += n[1];
        l.outputs += n[2];
        l.output_blobs += n[3];
        sizes.push_back(n);
        for (const Port& port : ports.outputs) l.some_nonfinite_allowed |= port.allow_nonfinite;
    }
    l.digested = l.places.empty() || !l.places.back().tells_faults ? l.outputs : l.places.back().out_begin;
    l.inputs.assign(inputs, 0.0);
    l.input_blobs.assign(input_blobs, nullptr);
    l.signals.assign(2 * l.outputs, 0.0);
    l.signal_blobs.assign(2 * l.output_blobs, nullptr);
    for (std::size_t i = 0; i < l.places.size(); ++i) {
        Place& place = l.places[i];
        const auto& n = sizes[i];
        place.io = {{l.inputs.data() + place.in_begin, n[0]},
                    {l.latest() + place.out_begin, n[2]},
                    {l.input_blobs.data() + place.in_blob_begin, n[1]},
                    {l.latest_blobs() + place.out_blob_begin, n[3]}};
    }
}

std::string shape_text(const Port& port) {
    if (port.shape.empty()) return "size 1";
    std::string text = "size ";
    for (std::size_t d = 0; d < port.shape.size(); ++d) text += (d ? " x " : "") + std::to_string(port.shape[d]);
    return text;
}

Affine conversion_of(Layout& l, const Layout::Pending& p, const Port& source, const Port& target) {
    if (p.link.scale || p.link.offset) return {p.link.scale.value_or(1.0), p.link.offset.value_or(0.0)};
    if (source.si && target.si) {
        const auto affine = conversion(*source.si, *target.si);
        if (!affine)
            throw BuildError("\"" + p.target + "\" is in " + target.si->text + ", its source \"" + p.source + "\" in " +
                             source.si->text +
                             ": these do not measure the same thing. Connect another port, or give a scale by hand.");
        if (source.si->dimension[7] != target.si->dimension[7])
            l.warnings.push_back("connection " + p.source + " -> " + p.target + ": " + source.si->text + " feeds " +
                                 target.si->text + "; they differ in the radian only, and the value is passed on");
        return *affine;
    }
    if (source.si || target.si) {
        const bool left = source.si.has_value();
        const std::string& known = left ? source.si->text : target.si->text;
        if (known != "1" && !known.empty())
            l.warnings.push_back("connection " + p.source + " -> " + p.target + ": " + (left ? p.target : p.source) +
                                 " declares no unit; the value is passed on as " + known);
    }
    return {};
}

void resolve(World& world, Layout& l) {
    std::map<std::pair<std::size_t, std::size_t>, std::vector<const std::string*>> fed;  // elements of input ports
    for (const auto& p : l.pending) {
        Route route;
        route.source = world.find(p.source);
        route.target = world.find(p.target);
        route.link = p.link;
        const Port& source = world.port(route.source);
        const Port& target = world.port(route.target);
        route.blob = is_blob(source.kind);
        if (is_blob(source.kind) != is_blob(target.kind) || (route.blob && source.kind != target.kind))
            throw BuildError("\"" + p.target + "\" is " + kind_name(target.kind) + ", its source \"" + p.source +
                             "\" is " + kind_name(source.kind) + ": these cannot be connected");
        const std::size_t source_size = route.source.element ? 1 : source.size();
        const std::size_t target_size = route.target.element ? 1 : target.size();
        if (source_size != target_size) {
            const bool many = source_size > target_size;
            throw BuildError("\"" + p.target + "\" has " + (route.target.element ? "size 1" : shape_text(target)) +
                             ", its source \"" + p.source + "\" has " +
                             (route.source.element ? "size 1" : shape_text(source)) + ". Connect one element: \"" +
                             (many ? p.source : p.target) + "[0]\".");
        }
        if (!route.blob) route.affine = conversion_of(l, p, source, target);
        if (!route.affine.identity() && target.kind != Kind::real && !p.link.scale && !p.link.offset)
            throw BuildError("\"" + p.target + "\" is " + kind_name(target.kind) +
                             " and cannot take a converted unit. Give scale = 1 to pass the number on as it is.");

        const Place& from = l.places[route.source.unit];
        Place& to = l.places[route.target.unit];
        route.count = source_size;
        route.from = (route.blob ? from.out_blob_begin : from.out_begin) + from.out_offset[route.source.port] +
                     route.source.element.value_or(0);
        const std::size_t first = route.target.element.value_or(0);
        route.to = (route.blob ? to.in_blob_begin : to.in_begin) + to.in_offset[route.target.port] + first;
        to.driven[route.target.port] = true;

        auto& sources = fed[{route.target.unit, route.target.port}];
        sources.resize(target.size(), nullptr);
        for (std::size_t i = first; i < first + route.count; ++i) {
            if (sources[i])
                throw BuildError("\"" + p.target + "\" has two sources, \"" + *sources[i] + "\" and \"" + p.source +
                                 "\". An input has one; remove a connection.");
            sources[i] = &p.source;
        }
        l.routes.push_back(route);
    }
    std::sort(l.routes.begin(), l.routes.end(),
              [](const Route& a, const Route& b) { return std::pair{a.blob, a.to} < std::pair{b.blob, b.to}; });
}

// A wave is one more than the highest wave among the units waited for.
void find_waves(Layout& l) {
    const std::size_t n = l.places.size();
    std::vector<std::vector<std::size_t>> waits_for(n);
    for (const Route& r : l.routes)
        if (r.link.same_tick) waits_for[r.target.unit].push_back(r.source.unit);
    enum : char { fresh, open, done };
    std::vector<char> mark(n, fresh);
    std::vector<std::size_t> path;
    const auto visit = [&](auto&& self, std::size_t i) -> void {
        if (mark[i] == done) return;
        path.push_back(i);
        if (mark[i] == open) {
            // the path goes from consumer to producer; told in the direction that signals take
            std::string loop = l.places[i].name;
            for (auto at = std::prev(path.end()); *--at != i;) loop += " -> " + l.places[*at].name;
            loop += " -> " + l.places[i].name;
            throw BuildError("These units wait for each other within one tick: " + loop +
                             ". Drop same_tick from one of these connections.");
        }
        mark[i] = open;
        for (std::size_t j : waits_for[i]) {
            self(self, j);
            l.places[i].wave = std::max(l.places[i].wave, l.places[j].wave + 1);
        }
        mark[i] = done;
        path.pop_back();
    };
    for (std::size_t i = 0; i < n; ++i) visit(visit, i);

    std::size_t waves = 1;
    for (const Place& place : l.places) waves = std::max(waves, place.wave + 1);
    l.waves.resize(waves);
}

Gather& gather_for(Layout& l, const Route& r) {
    const Place& target = l.places[r.target.unit];
    Wave& wave = l.waves[r.link.same_tick ? target.wave : 0];
    for (Gather& g : wave.gathers)
        if (g.every == target.every && g.at_end == r.link.same_tick) return g;
    wave.gathers.emplace_back();
    wave.gathers.back().every = target.every;
    wave.gathers.back().at_end = r.link.same_tick;
    return wave.gathers.back();
}

void plan_gathers(Layout& l) {
    for (const Route& r : l.routes) {
        Gather& g = gather_for(l, r);
        const std::size_t latest = r.link.same_tick ? (r.blob ? l.output_blobs : l.outputs) : 0;
        for (std::size_t i = 0; i < r.count; ++i) {
            const auto from = static_cast<std::uint32_t>(r.from + latest + i);
            const auto to = static_cast<std::uint32_t>(r.to + i);
            if (r.blob)
                g.blobs.push_back({from, to});
            else if (r.affine.identity())
                g.copies.push_back({from, to});
            else
                g.scaled.push_back({from, to, r.affine.scale, r.affine.offset});
        }
    }
}

void add_job(Work& work, Place* place) {
    const Unit& unit = *place->unit;
    const auto fits = [&](const Work::Run& run) {
        const Unit& other = *work.jobs[run.first].unit;
        return run.every == place->every && typeid(other) == typeid(unit);
    };
    if (work.runs.empty() || !fits(work.runs.back()))
        work.runs.push_back({work.jobs.size(), 0, place->every, place->dt});
    ++work.runs.back().count;
    work.jobs.push_back({place->unit.get(), &place->io});
    work.places.push_back(place);
}

// A wave goes parallel where that saves more than the barrier costs (about 0.6 us, measured on two cores).
constexpr double barrier_cost = 1e-6;

void plan_threads(Layout& l, const Options& options) {
    std::size_t used = 1;
    for (std::size_t w = 0; w < l.waves.size(); ++w) {
        std::vector<Place*> units;
        for (Place& place : l.places)
            if (place.wave == w && !place.tells_faults && !place.unit->apart()) units.push_back(&place);
        std::size_t movable = 0;
        for (const Place* place : units) movable += place->unit->pinned() ? 0 : 1;
        if (options.threads > 1 && movable > 0 && units.size() > 1) {
            if (options.spread == Spread::everywhere) {
                std::size_t next = 0;
                for (Place* place : units) place->thread = place->unit->pinned() ? 0 : next++ % options.threads;
            } else {
                double serial = 0.0;
                for (Place* place : units) {
                    place->cost = place->unit->rehearse(place->dt);
                    serial += place->cost / static_cast<double>(place->every);
                }
                // longest first, each to the thread with the least to do
                std::vector<Place*> order = units;
                std::stable_sort(order.begin(), order.end(), [](const Place* a, const Place* b) {
                    return std::pair{a->unit->pinned(), a->cost} > std::pair{b->unit->pinned(), b->cost};
                });
                std::vector<double> load(options.threads, 0.0);
                for (Place* place : order) {
                    const auto least = std::min_element(load.begin(), load.end());
                    const auto thread = place->unit->pinned() ? 0 : static_cast<std::size_t>(least - load.begin());
                    load[thread] += place->cost / static_cast<double>(place->every);
                    place->thread = thread;
                }
                const double parallel = *std::max_element(load.begin(), load.end()) + barrier_cost;
                if (parallel > 0.9 * serial)
                    for (Place* place : units) place->thread = 0;
            }
        }
        std::size_t threads = 1;
        for (const Place* place : units) threads = std::max(threads, place->thread + 1);
        l.waves[w].by_thread.resize(threads);
        for (Place* place : units) add_job(l.waves[w].by_thread[place->thread], place);
        used = std::max(used, threads);
        for (Place& place : l.places)
            if (place.wave == w && place.unit->apart()) add_job(l.waves[w].apart, &place);
    }
    for (Wave& wave : l.waves)  // the pool's barrier takes all its threads
        if (wave.by_thread.size() > 1) wave.by_thread.resize(used);
    if (used > 1) l.pool = std::make_unique<Pool>(used);
    l.failures.resize(used + 1);  // and one for the units apart
}

}  // namespace

void World::build() {
    const Exclusive exclusive(*this, "build");
    if (phase_ != Phase::open) throw UsageError("build(): the world is built already");
    Layout& l = *layout_;
    for (auto& place : l.places) place.wave = 0;
    l.outputs = l.output_blobs = 0;
    l.routes.clear();
    l.warnings.clear();
    add_fault_signals(*this, l);
    lay_out(l);
    resolve(*this, l);
    find_waves(l);
    plan_gathers(l);
    place_faults(*this, l, period_, options_.start);
    plan_threads(l, options_);
    for (Place& place : l.places)
        for (std::size_t p = 0; p < place.driven.size(); ++p)
            if (place.driven[p]) place.unit->drive(p);
    for (const Route& route : l.routes) l.places[route.source.unit].unit->feed(route.source.port);
    phase_ = Phase::built;
    try {
        bind_judges();
    } catch (...) {
        phase_ = Phase::open;
        throw;
    }
}

std::vector<ConnectionView> World::connections() const {
    const auto element = [](const std::string& name, const PortRef& ref) {
        return ref.element ? name + "[" + std::to_string(*ref.element) + "]" : name;
    };
    std::vector<ConnectionView> views;
    for (const Route& r : layout_->routes)
        views.push_back({element(layout_->places[r.source.unit].name + "." + port(r.source).name, r.source),
                         element(layout_->places[r.target.unit].name + "." + port(r.target).name, r.target),
                         r.link.same_tick, r.affine.scale, r.affine.offset});
    return views;
}

}  // namespace crumple
