// The world owns units and signal memory, and steps them in lockstep.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crumple/error.hpp"
#include "crumple/fault.hpp"
#include "crumple/probe.hpp"
#include "crumple/profile.hpp"
#include "crumple/recorder.hpp"
#include "crumple/snapshot.hpp"
#include "crumple/stl.hpp"
#include "crumple/unit.hpp"

namespace crumple {

struct Layout;

// How units are spread over threads. `everywhere` ignores cost: for tests of what must not depend on threads.
enum class Spread : std::uint8_t { by_cost, everywhere };

struct Options {
    unsigned threads = 1;     // most threads to use; results never depend on it
    bool digest = true;       // roll the digest at every tick
    double start = 0.0;       // [s] time at tick 0
    double tolerance = 1e-9;  // relative change at which an initial loop has settled
    Spread spread = Spread::by_cost;
};

// What lies between an output and an input. A scale or an offset given by hand replaces the unit conversion:
// input = output * scale + offset.
struct Link {
    bool same_tick = false;  // the consumer waits for its producer within the tick
    std::optional<double> scale;
    std::optional<double> offset;
};

// A port of a unit, or one element of it.
struct PortRef {
    std::size_t unit = 0;
    std::size_t port = 0;
    bool output = true;
    std::optional<std::size_t> element;
};

// A connection as built, for drawings of the graph.
struct ConnectionView {
    std::string source, target;
    bool same_tick;
    double scale, offset;
};

// The unit that took longest in the last tick; empty where units are not timed.
struct SlowestStep {
    std::string unit;
    std::int64_t spent = 0;  // [ns]
};

struct UnitView {
    std::string name;
    Tick every;
    std::size_t wave;
    std::size_t thread;
    double cost;  // [s] per step as rehearsed, 0 where unknown
};

class World {
public:
    explicit World(Period period, Options options = {});
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    // Description. Names are unique and have no dots; the order of the calls never changes a result.
    void add(std::string name, std::unique_ptr<Unit> unit, Tick every = 1);
    void connect(const std::string& source, const std::string& target, const Link& link = {});

    // On an input that something feeds, an output, a parameter or a unit. Acts when it says, or from inject() to
    // clear(). Several act in the order of FaultKind, then of their names, whatever the order of the calls.
    void add_fault(Fault fault);

    // A requirement, seen to at every tick, and a condition that ends the run at the first tick where it is true.
    void add_judge(std::unique_ptr<Judge> judge);
    void end_when(Program condition);

    // Lays memory out and finds the waves. reset() builds if nobody has.
    void build();

    // To tick 0: resets every unit and settles the initial values over the direct-feedthrough graph.
    void reset(std::uint64_t seed = 0);
    // Advances by n ticks, or until ended(). After an exception the world refuses to step until it is reset.
    void step(Tick n = 1);
    // Whether the run came to its end by itself: "" by end_when, or the name of a requirement that stops the run when
    // it is decided.
    std::optional<std::string> ended() const;
    Finding finding(const std::string& requirement, Closing closing) const;
    // Tells the units that the run ended well and closes the recording.
    void end();
    // Frees what the units hold. Only reset() follows.
    void close();

    Period period() const { return period_; }
    Tick tick() const { return tick_; }
    double t() const;
    std::uint64_t digest() const;
    std::uint64_t seed() const { return seed_; }

    // Access by name: "unit.port" or "unit.port[2]" (zero-based; "[1,2]" in a matrix).
    PortRef find(const std::string& name) const;
    const Port& port(const PortRef& ref) const;
    std::vector<double> value(const PortRef& ref) const;
    std::vector<Blob> blobs(const PortRef& ref) const;
    // Where a number is among the published values, once built; throws BuildError for what is no single number.
    std::size_t slot(const std::string& name) const;
    std::span<const double> published() const;
    // Sets an input that nothing feeds, from the next step on.
    void set(const PortRef& ref, std::span<const double> value);
    void set(const PortRef& ref, std::span<const Blob> value);
    // Changes a tunable parameter; false where the unit has none of that name.
    bool tune(const std::string& unit, const std::string& parameter, std::span<const double> value);

    // Start values of a unit from the next reset on; false where it must be made anew for them.
    bool set_starts(const std::string& unit, const std::vector<FmuStart>& starts);

    // A fault by hand, from the next step on.
    void inject(const std::string& fault);
    // One that is off acts from now on when it says; one that is by hand, at once.
    void arm(const std::string& fault);
    void clear(const std::string& fault);
    std::vector<std::string> active_faults() const;
    // What began and was over since the last call; at most 65,536 of them.
    std::vector<FaultEvent> take_fault_events();
    // "fault.NAME.active" of each, and ".before" and ".after" where there are values, ".flag" before it where it has a
    // flag: outputs that are no part of the digest.
    std::vector<std::string> fault_signals() const;

    // Throws UsageError naming the units that cannot be saved. `for_another`: other worlds of the same units can be
    // restored to it, too.
    std::shared_ptr<const Snapshot> snapshot(bool for_another = false);
    // Also of a world that was never reset, which so becomes a fork of that of the snapshot.
    void restore(const Snapshot& snapshot);
    // A snapshot as bytes, and back in a world of the same units, also in another process. Needs units that can.
    std::string pack(const Snapshot& snapshot);
    std::shared_ptr<const Snapshot> unpack(std::string_view bytes);

    // Watches every tick from now on (and the present one, once reset). The world shares ownership.
    void watch(std::shared_ptr<Probe> probe);
    // Columns for a recorder or trace: every element of these output ports, in unit and port order.
    // undisturbed: as they were before the faults on them.
    std::vector<Column> columns(const std::vector<std::string>& outputs, bool undisturbed = false) const;

    void set_profiling(bool on);
    std::vector<ProfileRow> profile() const;
    SlowestStep slowest_step() const;

    std::vector<std::string> units() const;  // sorted
    const Ports& ports(const std::string& unit) const;
    std::vector<UnitView> unit_views() const;
    std::vector<ConnectionView> connections() const;
    std::vector<std::string> warnings() const;
    // What a unit in a process of its own may have changed there; empty for others.
    std::map<std::string, std::string> inspect(const std::string& unit);
    // While replaying, probes see nothing: they have seen it before.
    void set_quiet(bool quiet) { quiet_ = quiet; }
    bool needs_interpreter() const;  // some unit calls Python

private:
    friend struct Initialiser;

    // step.cpp
    void step_once();
    void step_faulty(double t);
    void commit();
    void observe();
    // judgement.cpp
    void bind_judges();
    void reset_judges();
    void look();
    // world.cpp
    class Exclusive;
    std::string signature() const;
    std::shared_ptr<const Snapshot> read_snapshot(std::string_view bytes);
    void require(bool ready, const char* what) const;
    void check_finite() const;
    void fail();
    std::size_t unit_index(const std::string& name) const;

    Period period_;
    Options options_;
    std::unique_ptr<Layout> layout_;
    Tick tick_ = 0;
    std::uint64_t seed_ = 0;
    enum class Phase : std::uint8_t { open, built, ready, failed, ended } phase_ = Phase::open;
    bool quiet_ = false;
    std::atomic<bool> busy_ = false;  // see Exclusive
};

}  // namespace crumple
