// How a built world lies in memory. Made by build.cpp, read by step.cpp; nothing here is reallocated after build().
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "crumple/digest.hpp"
#include "crumple/fault.hpp"
#include "crumple/world.hpp"
#include "disturbance.hpp"
#include "pool.hpp"

namespace crumple {

// Where a unit lives.
struct Place {
    std::string name;
    std::unique_ptr<Unit> unit;
    Tick every = 1;
    std::size_t wave = 0;
    std::size_t thread = 0;  // the one thread that ever calls this unit
    double cost = 0.0;       // [s] per step, as rehearsed
    double dt = 0.0;         // [s] every * period
    std::size_t in_begin = 0, out_begin = 0, in_blob_begin = 0, out_blob_begin = 0;
    std::vector<std::size_t> in_offset, out_offset;  // of each port within the unit's span (of numbers or of blobs)
    std::vector<bool> driven;                        // input ports that something feeds
    Io io;
    std::unique_ptr<Histogram> time;  // apart: it is large, and places are walked
    std::int64_t spent = 0;           // [ns] on its last step, where units are timed
    Tick stepped = -1;                // the tick of that
    bool tells_faults = false;        // no unit of anybody's: what faults do, as signals
};

// What one thread does in a wave: units in unit order, in runs of one class and one step.
struct Work {
    struct Run {
        std::size_t first, count;  // in jobs and in places
        Tick every;
        double dt;  // [s]
    };
    std::vector<Run> runs;
    std::vector<Job> jobs;
    std::vector<Place*> places;
};

// One connection, resolved to runs of elements: input[to + i] = signal[from + i] * scale + offset.
struct Route {
    PortRef source, target;
    Link link;
    Affine affine;
    bool blob = false;
    std::size_t from = 0, to = 0, count = 0;  // absolute, in outputs and in inputs
};

struct Copy {
    std::uint32_t from, to;
};
struct ScaledCopy {
    std::uint32_t from, to;
    double scale, offset;
};

// What is copied into inputs at one moment of the tick. Signals hold `published` and then `latest`, so the index alone
// says whether a connection carries the last communication point (Jacobi) or this tick (same_tick).
struct Gather {
    Tick every = 1;
    bool at_end = false;  // same_tick inputs of a slow unit are read when its window closes, others when it opens
    std::vector<Copy> copies;
    std::vector<ScaledCopy> scaled;
    std::vector<Copy> blobs;
};

struct Wave {
    std::vector<Gather> gathers;
    std::vector<Disturbance*> input_faults, output_faults;  // in the order in which they act
    std::vector<Work> by_thread;                            // one entry: no parallelism
    Work apart;                                             // units in processes of their own
};

// The first failure of a thread in a wave.
struct Failure {
    const Place* place = nullptr;
    std::exception_ptr cause;
};

struct Layout {
    std::vector<Place> places;  // in unit order: sorted by name, so that the order of declaration cannot matter
    std::unordered_map<std::string, std::size_t> index;  // of a name in places
    std::vector<Route> routes;
    struct Pending {
        std::string source, target;
        Link link;
    };
    std::vector<Pending> pending;                      // as declared, until build()
    std::vector<std::unique_ptr<Disturbance>> faults;  // by their kinds, then by their names: as they act
    std::vector<Disturbance*> decided;                 // the same, each after the one that it begins with
    std::vector<Knob> knobs;
    std::vector<FaultEvent> fault_events;
    std::vector<Wave> waves;

    std::size_t outputs = 0, output_blobs = 0;  // elements
    std::size_t digested = 0;                   // outputs but for those that tell of faults, which are the last
    std::vector<double> inputs;                 // (inputs) as last gathered
    std::vector<double> signals;                // (2 * outputs): published, then latest
    std::vector<Blob> input_blobs;
    std::vector<Blob> signal_blobs;  // (2 * output_blobs)
    bool some_nonfinite_allowed = false;

    std::vector<std::unique_ptr<Judge>> judges;
    Program end_when;
    bool looks = false;                // there is a judge, or a condition that ends the run
    std::optional<std::string> ended;  // see World::ended()

    Digest digest;
    std::vector<std::shared_ptr<Probe>> probes;
    bool profiling = false;
    std::unique_ptr<Pool> pool;
    std::vector<Failure> failures;  // (threads)
    std::vector<std::string> warnings;

    double* published() { return signals.data(); }
    double* latest() { return signals.data() + outputs; }
    Blob* published_blobs() { return signal_blobs.data(); }
    Blob* latest_blobs() { return signal_blobs.data() + output_blobs; }

    // Calls fn on the thread that owns the unit, and waits; exceptions come through.
    template <class Fn>
    void on_owner(const Place& place, Fn&& fn) {
        if (place.thread == 0 || !pool) {
            fn();
        } else {
            pool->run_on(place.thread, fn);
        }
    }
};

// While a call changes the world, no other may: neither one from a unit within its own step, nor one of another thread.
class World::Exclusive {
public:
    Exclusive(World& world, const char* call) : world_(world) {
        if (world.busy_.exchange(true, std::memory_order_acquire))
            throw UsageError(std::string(call) +
                             "(): the world is in the middle of another call. Neither a unit in its step nor another "
                             "thread can call it now.");
    }
    ~Exclusive() { world_.busy_.store(false, std::memory_order_release); }
    Exclusive(const Exclusive&) = delete;
    Exclusive& operator=(const Exclusive&) = delete;

private:
    World& world_;
};

// Faults: fault_place.cpp puts them where they act, fault.cpp lets them act.
void place_faults(World& world, Layout& l, const Period& period, double start);
void add_fault_signals(const World& world, Layout& l);
void write_fault_signals(Layout& l);
// Where outputs are published as they were before the first fault on all of them; else where they are.
std::size_t undisturbed_slot(const Layout& l, std::size_t begin, std::size_t count);
void begin_faults(Layout& l, const Period& period, Tick tick, double t);  // before the step of a tick
void disturb_inputs(Layout& l, const Wave& wave, const Period& period, Tick tick, double t);
void disturb_outputs(Layout& l, const Wave& wave, const Period& period, Tick tick, double t);
void undo_outputs(Layout& l, const Wave& wave);
void reset_faults(Layout& l, std::uint64_t seed);
void first_faults(Layout& l, const Period& period, double t);  // on initial values

// Runs fn, and gives a unit's failure its place: unit, tick, time.
[[noreturn]] void rethrow_placed(const Place& place, Tick tick, double t, const std::exception_ptr& cause);

}  // namespace crumple
