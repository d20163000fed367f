// To tick 0: resets the units and settles their initial values. Outputs that depend on inputs at once (direct
// feedthrough) are evaluated in the order of that graph; parts that depend on each other are iterated to a tolerance.

#include <algorithm>
#include <cmath>
#include <functional>

#include "crumple/random.hpp"
#include "layout.hpp"

namespace crumple {

namespace {

constexpr int most_rounds = 500;  // a contraction by 0.95 per round reaches 1e-9 in 404

// Relative to the larger of the two, and absolute below 1.
double difference(double before, double after) {
    if (!std::isfinite(after)) return 1.0;
    return std::fabs(after - before) / std::max({1.0, std::fabs(before), std::fabs(after)});
}

// A port in the graph of initial values.
struct Vertex {
    std::size_t unit, port;
    bool output;
};

// Strongly connected parts in dependency order (Tarjan). edges[v]: what v depends on.
std::vector<std::vector<std::size_t>> parts_in_order(const std::vector<std::vector<std::size_t>>& edges) {
    const std::size_t n = edges.size();
    constexpr std::size_t none = ~std::size_t{0};
    std::vector<std::size_t> number(n, none), low(n), next(n, 0), stack, calls;
    std::vector<bool> stacked(n, false);
    std::vector<std::vector<std::size_t>> parts;
    std::size_t count = 0;
    for (std::size_t root = 0; root < n; ++root) {
        if (number[root] != none) continue;
        calls.push_back(root);
        while (!calls.empty()) {
            const std::size_t v = calls.back();
            if (number[v] == none) {
                number[v] = low[v] = count++;
                stack.push_back(v);
                stacked[v] = true;
            }
            if (next[v] < edges[v].size()) {
                const std::size_t w = edges[v][next[v]++];
                if (number[w] == none)
                    calls.push_back(w);
                else if (stacked[w])
                    low[v] = std::min(low[v], number[w]);
                continue;
            }
            calls.pop_back();
            if (!calls.empty()) low[calls.back()] = std::min(low[calls.back()], low[v]);
            if (low[v] != number[v]) continue;
            parts.emplace_back();
            std::size_t w = none;
            do {
                w = stack.back();
                stack.pop_back();
                stacked[w] = false;
                parts.back().push_back(w);
            } while (w != v);
        }
    }
    return parts;
}

}  // namespace

struct Initialiser {
    World& world;
    Layout& l;
    std::vector<Vertex> vertices{};
    std::vector<std::vector<std::size_t>> edges{};
    std::vector<std::vector<std::size_t>> feeds{};  // by vertex: the routes into an input port
    std::vector<bool> stale{};                      // by unit: an input changed since its outputs were evaluated

    void call(Place& place, const std::function<void()>& fn) {
        try {
            l.on_owner(place, fn);
        } catch (...) {
            rethrow_placed(place, world.tick_, world.t(), std::current_exception());
        }
    }

    void reset_units(std::uint64_t seed) {
        for (Place& place : l.places) {
            const Ports& ports = place.unit->ports();
            const auto start = [&](const std::vector<Port>& list, const std::vector<std::size_t>& offset,
                                   double* numbers, Blob* blobs) {
                for (std::size_t p = 0; p < list.size(); ++p)
                    for (std::size_t i = 0; i < list[p].size(); ++i) {
                        if (!is_blob(list[p].kind))
                            numbers[offset[p] + i] = i < list[p].start.size() ? list[p].start[i] : 0.0;
                        else if (i < list[p].start_blobs.size())
                            blobs[offset[p] + i] = std::make_shared<const std::string>(list[p].start_blobs[i]);
                        else
                            blobs[offset[p] + i] = nullptr;
                    }
            };
            start(ports.inputs, place.in_offset, l.inputs.data() + place.in_begin,
                  l.input_blobs.data() + place.in_blob_begin);
            start(ports.outputs, place.out_offset, l.latest() + place.out_begin,
                  l.latest_blobs() + place.out_blob_begin);
            const Start first{stream_seed(seed, place.name), world.t(), place.dt};
            call(place, [&] { place.unit->reset(first, place.io); });
        }
    }

    void draw_graph() {
        std::vector<std::size_t> first_input, first_output;
        for (std::size_t u = 0; u < l.places.size(); ++u) {
            const Ports& ports = l.places[u].unit->ports();
            first_input.push_back(vertices.size());
            for (std::size_t p = 0; p < ports.inputs.size(); ++p) vertices.push_back({u, p, false});
            first_output.push_back(vertices.size());
            for (std::size_t p = 0; p < ports.outputs.size(); ++p) vertices.push_back({u, p, true});
        }
        edges.resize(vertices.size());
        feeds.resize(vertices.size());
        for (std::size_t u = 0; u < l.places.size(); ++u) {
            const auto& feedthrough = l.places[u].unit->ports().feedthrough;
            for (std::size_t p = 0; p < feedthrough.size(); ++p)
                for (std::size_t input : feedthrough[p]) edges[first_output[u] + p].push_back(first_input[u] + input);
        }
        for (std::size_t r = 0; r < l.routes.size(); ++r) {
            const Route& route = l.routes[r];
            const std::size_t to = first_input[route.target.unit] + route.target.port;
            edges[to].push_back(first_output[route.source.unit] + route.source.port);
            feeds[to].push_back(r);
        }
        stale.assign(l.places.size(), true);
    }

    // Carries sources into an input port; returns the largest relative change.
    double carry(std::size_t vertex) {
        double change = 0.0;
        for (std::size_t r : feeds[vertex]) {
            const Route& route = l.routes[r];
            for (std::size_t i = 0; i < route.count; ++i) {
                if (route.blob) {
                    Blob& to = l.input_blobs[route.to + i];
                    const Blob& from = l.latest_blobs()[route.from + i];
                    if (!same_blob(to, from)) change = 1.0;
                    to = from;
                    continue;
                }
                double& to = l.inputs[route.to + i];
                const double x = l.latest()[route.from + i];
                const double value = route.affine.identity() ? x : x * route.affine.scale + route.affine.offset;
                change = std::max(change, difference(to, value));
                // an FMU may not know its outputs before the first step: a start value is the better guess
                if (std::isfinite(value) || world.port(route.source).allow_nonfinite) to = value;
            }
        }
        if (change > 0.0) stale[vertices[vertex].unit] = true;
        return change;
    }

    // Outputs from inputs, where an input changed; returns the largest relative change of an output.
    double evaluate(std::size_t unit) {
        if (!stale[unit]) return 0.0;
        Place& place = l.places[unit];
        const std::vector<double> before(place.io.out.begin(), place.io.out.end());
        call(place, [&] { place.unit->initialise(place.io); });
        stale[unit] = false;
        double change = 0.0;
        for (std::size_t i = 0; i < before.size(); ++i)
            change = std::max(change, difference(before[i], place.io.out[i]));
        return change;
    }

    double visit(std::size_t vertex) {
        return vertices[vertex].output ? evaluate(vertices[vertex].unit) : carry(vertex);
    }

    void settle(const std::vector<std::size_t>& part) {
        if (part.size() == 1) {
            visit(part[0]);
            return;
        }
        for (int round = 0; round < most_rounds; ++round) {
            double change = 0.0;
            for (std::size_t vertex : part) change = std::max(change, visit(vertex));
            if (change <= world.options_.tolerance) return;
        }
        std::string loop;
        for (std::size_t vertex : part) {
            const Vertex& v = vertices[vertex];
            loop += (loop.empty() ? "" : " -> ") + l.places[v.unit].name + "." +
                    world.port({v.unit, v.port, v.output, {}}).name;
        }
        throw BuildError("the initial values of this loop do not settle within " + std::to_string(most_rounds) +
                         " rounds: " + loop +
                         ". Its gain is 1 or more in size; break the loop with a unit that holds a state, or change a "
                         "start value.");
    }

    void run(std::uint64_t seed) {
        reset_units(seed);
        draw_graph();
        for (const auto& part : parts_in_order(edges)) settle(part);
        for (std::size_t u = 0; u < l.places.size(); ++u) evaluate(u);
        for (Place& place : l.places) call(place, [&] { place.unit->begin(place.io); });
    }
};

void World::reset(std::uint64_t seed) {
    if (phase_ == Phase::open) build();
    const Exclusive exclusive(*this, "reset");
    tick_ = 0;
    seed_ = seed;
    layout_->digest = {};
    for (auto& failure : layout_->failures) failure = {};
    reset_faults(*layout_, seed);
    phase_ = Phase::failed;  // until all of it went well
    Initialiser{*this, *layout_}.run(seed);
    first_faults(*layout_, period_, t());
    tick_ = -1;  // commit() publishes the initial values as tick 0
    commit();
    phase_ = Phase::ready;
    reset_judges();
    if (layout_->looks) look();
    observe();
}

}  // namespace crumple
