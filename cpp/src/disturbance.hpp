// A fault in its place.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "crumple/fault.hpp"
#include "crumple/port.hpp"

namespace crumple {

struct Place;

struct Disturbance {
    enum class Where : std::uint8_t { input, output, parameter, unit };
    static constexpr std::size_t nowhere = ~std::size_t{0};

    Fault fault;
    Where where = Where::input;
    Place* place = nullptr;
    std::size_t at = 0, count = 0;  // elements, among inputs or outputs
    std::size_t flag = nowhere;     // in the same memory
    Kind kind = Kind::real;
    Tick every = 1;            // of its unit
    bool at_end = false;       // same_tick inputs of a slow unit are read when its window closes
    std::size_t capacity = 0;  // samples under way in a delay
    std::size_t signals = nowhere, signal_before = nowhere, signal_after = nowhere,
                signal_flag = nowhere;   // what tells of it
    const Disturbance* cause = nullptr;  // the fault that it begins with
    FaultState state;

    // The state at the start of a run.
    void reset(std::uint64_t seed);
    // Whether it is in its window at a tick, from what was published before; remembers what it must.
    bool decide(FaultState& s, Tick at_tick, std::span<const double> published, double t) const;
    // Whether it acts: in its window, and not in the gap of an intermittent fault.
    bool acts(Tick at_tick) const;
    // What becomes of `count` elements at x. fresh: they are a new sample, and not one that is held.
    // seconds: since it began. `memory`: where its flag is.
    void disturb(double* x, double* memory, Tick at_tick, double seconds, bool fresh);
    // The elements as they were before that.
    void undo(double* x, double* memory) const;
    bool port() const { return where == Where::input || where == Where::output; }

private:
    void change(double* x, Tick at_tick, double seconds, bool fresh, bool& missing);
    void remember(const double* x, Tick at_tick, bool fresh);
    void send(const double* x, Tick at_tick);
    void arrive(double* x, Tick at_tick);
    bool drawn();
};

// The faults of one parameter, and what it is set to.
struct Knob {
    Place* place = nullptr;
    std::string parameter;
    std::vector<Disturbance*> faults;
};

}  // namespace crumple
