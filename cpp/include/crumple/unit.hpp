// A unit is one instance of a model in a world: an FMU, a Python plugin, a C++ class.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "crumple/error.hpp"
#include "crumple/port.hpp"
#include "crumple/time.hpp"

namespace crumple {

struct Step {
    Tick tick;  // at the start of the step
    double t;   // [s] at the start of the step
    double dt;  // [s], constant for a unit
};

struct Start {
    std::uint64_t seed;  // this unit's own stream, from the run's seed and the unit's name
    double t;            // [s] at tick 0
    double dt;           // [s] length of the unit's steps
};

// A unit's window into the world's memory. Laid out once at build(); the pointers never change.
// Within each span the ports stand in declared order, but real ports before all others,
// so that an FMU call can take a pointer straight into it.
struct Io {
    std::span<const double> in;
    std::span<double> out;
    std::span<const Blob> in_blobs;
    std::span<Blob> out_blobs;
};

// A unit's saved state. Immutable; may outlive the unit.
class State {
public:
    virtual ~State() = default;
};
using StatePointer = std::shared_ptr<const State>;

class Unit;
struct FmuStart;  // see fmu.hpp

// A unit and its window, as the main loop holds them.
struct Job {
    Unit* unit;
    const Io* io;
};

class Unit {
public:
    virtual ~Unit() = default;

    virtual const Ports& ports() const = 0;

    // Called once after build() for each input port that something feeds; others keep the unit's own start values.
    virtual void drive(std::size_t /*input*/) {}

    // Called once after build() for each output port that feeds something: others need no value before begin().
    virtual void feed(std::size_t /*output*/) {}

    // Back to the state before tick 0; writes the outputs known without inputs.
    virtual void reset(const Start& start, const Io& io) = 0;

    // Outputs at tick 0 from the inputs at tick 0. Called between reset() and begin(), as often as a loop needs.
    virtual void initialise(const Io& /*io*/) {}

    // The initial values have settled: the last call before the first step.
    virtual void begin(const Io& /*io*/) {}

    // Advances by now.dt: reads inputs, writes every output. Throws UnitError, or EndRequest to end the
    // run before this step (an FMU that asks for the end within a good step throws at its next one).
    virtual void step(const Step& now, const Io& io) = 0;

    // Steps units of this unit's own class, this one first. A class whose steps take nanoseconds overrides it with
    // step_each<Class>, which spares the virtual call. `current` tells who was at it when something was thrown.
    virtual void step_run(std::span<const Job> jobs, const Step& now, std::size_t& current) {
        for (current = 0; current < jobs.size(); ++current) jobs[current].unit->step(now, *jobs[current].io);
    }

    // In a process of its own: post() begins a step, step() then waits for its end, so that all such units of a wave
    // work at the same time. A step that was not posted is begun by step() itself.
    virtual bool apart() const { return false; }
    virtual void post(const Step& /*now*/, const Io& /*io*/) {}

    // The run is over and went well.
    virtual void end() {}

    // Frees what it holds; nothing but reset() follows. Throws UnitError where that went wrong, as far as can be known.
    virtual void close() {}

    // Null: cannot be saved, and the world says so.
    virtual StatePointer save() { return nullptr; }
    virtual void load(const State& /*state*/, const Io& /*io*/) {}

    // A state that another unit of the same model can load, too: for a second world. Null: there is no such state.
    virtual StatePointer save_for_another() { return save(); }
    // load() needs no reset() before it.
    virtual bool loads_unreset() const { return false; }

    // A state as bytes for a file or another process, and back. Throws UnitError where the unit cannot do that.
    virtual std::string pack(const State& /*state*/) { throw UnitError("pack", "its state cannot leave this process"); }
    virtual StatePointer unpack(const std::string& /*bytes*/) {
        throw UnitError("unpack", "its state cannot come from another process");
    }

    // A value changed by name between steps (FMI: a tunable parameter). False: no such parameter.
    virtual bool tune(const std::string& /*parameter*/, std::span<const double> /*value*/) { return false; }

    // Other start values from the next reset on, instead of those that it was made with. False: it must be made anew.
    virtual bool restart_with(const std::vector<FmuStart>& /*starts*/) { return false; }

    // Must stay on the thread that built the world (a Python unit: that thread holds the interpreter).
    virtual bool pinned() const { return false; }
    // Calls Python: the thread that steps it must hold the interpreter.
    virtual bool needs_interpreter() const { return pinned(); }

    // Seconds that one step takes, measured before the run on a throw-away instance; 0 where that is not possible.
    virtual double rehearse(double /*dt*/) { return 0.0; }

    // Facts worth telling that are no errors, such as a changed floating-point mode; each once.
    virtual std::vector<std::string> warnings() const { return {}; }
    virtual std::size_t warning_count() const { return 0; }

    // Ends, or stops for good, the process of its own; false: it has none.
    virtual bool kill() { return false; }
    virtual bool hang() { return false; }

    // What it may have changed in its process, where that is its own: see Inspection. Empty: not known.
    virtual std::map<std::string, std::string> inspect() { return {}; }
};

template <class Class>
void step_each(std::span<const Job> jobs, const Step& now, std::size_t& current) {
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        current = i;
        static_cast<Class*>(jobs[i].unit)->Class::step(now, *jobs[i].io);
    }
}

}  // namespace crumple
