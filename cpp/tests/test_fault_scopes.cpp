// What a fault can be on, what begins it, and what a snapshot holds of it.

#include <limits>

#include "check.hpp"
#include "crumple/recorder.hpp"
#include "crumple/world.hpp"
#include "units.hpp"

using namespace crumple;
using namespace crumple::test;

namespace {

using Values = std::vector<double>;

double at(const World& world, const std::string& name) { return world.value(world.find(name))[0]; }

Fault from(const std::string& name, const std::string& on, FaultKind kind, std::optional<double> value, Tick since) {
    Fault fault{name, on, kind, value};
    fault.since = since;
    return fault;
}

// Output n counts in a state that can be saved and tuned; `valid` is 1.
class Meter final : public Unit {
public:
    Meter() { ports_.outputs = {real("n"), real("valid", 1.0)}; }
    const Ports& ports() const override { return ports_; }
    void reset(const Start&, const Io& io) override {
        n_ = 0.0;
        by = 1.0;
        io.out[0] = 0.0;
        io.out[1] = 1.0;
    }
    void step(const Step& now, const Io& io) override {
        told = now;
        io.out[0] = n_ += by;
        io.out[1] = 1.0;
    }
    bool tune(const std::string& parameter, std::span<const double> value) override {
        if (parameter != "by") return false;
        by = value[0];
        return true;
    }
    StatePointer save() override { return std::make_shared<Numbers>(Values{n_, by}); }
    void load(const State& state, const Io&) override {
        n_ = dynamic_cast<const Numbers&>(state).values[0];
        by = dynamic_cast<const Numbers&>(state).values[1];
    }
    std::string pack(const State& state) override {
        const Values& v = dynamic_cast<const Numbers&>(state).values;
        return std::to_string(v[0]) + " " + std::to_string(v[1]);
    }
    StatePointer unpack(const std::string& bytes) override {
        const auto space = bytes.find(' ');
        return std::make_shared<Numbers>(Values{std::stod(bytes), std::stod(bytes.substr(space))});
    }

    double by = 1.0;
    Step told{};

private:
    double n_ = 0.0;
    Ports ports_;
};

// y = u, told late; saves nothing but what it published.
class Reader final : public Unit {
public:
    Reader() {
        ports_.inputs = {real("u"), real("ok", 1.0)};
        ports_.outputs = {real("y"), real("okay")};
    }
    const Ports& ports() const override { return ports_; }
    void reset(const Start&, const Io&) override {}
    void step(const Step&, const Io& io) override {
        io.out[0] = io.in[0];
        io.out[1] = io.in[1];
    }
    StatePointer save() override { return std::make_shared<State>(); }
    std::string pack(const State&) override { return {}; }
    StatePointer unpack(const std::string&) override { return save(); }

private:
    Ports ports_;
};

// meter.n = tick feeds two readers, of which one reads every third tick only.
std::unique_ptr<World> metered(const std::vector<Fault>& faults, Tick every = 1, bool same_tick = false) {
    auto world = std::make_unique<World>(Period(1, 10));
    world->add("meter", std::make_unique<Meter>(), every);
    world->add("a", std::make_unique<Reader>());
    world->add("b", std::make_unique<Reader>(), 3);
    for (const char* reader : {"a", "b"}) {
        world->connect("meter.n", std::string(reader) + ".u", {same_tick, {}, {}});
        world->connect("meter.valid", std::string(reader) + ".ok", {same_tick, {}, {}});
    }
    for (const Fault& fault : faults) world->add_fault(fault);
    world->reset(3);
    return world;
}

Values seen(World& world, const std::string& name, int n) {
    Values values;
    for (int i = 0; i < n; ++i) {
        world.step();
        values.push_back(at(world, name));
    }
    return values;
}

Program above(const std::string& signal, double limit) {
    return Program({{"signal", 1.0, 0.0, signal}, {"number", limit, 0.0, ""}, {">", 0.0, 0.0, ""}});
}

}  // namespace

CASE(a_fault_on_an_output_reaches_all_who_read_it_at_its_own_time) {
    const auto world = metered({from("f", "meter.n", FaultKind::bias, 100.0, 2)});
    CHECK(seen(*world, "meter.n", 4) == (Values{1, 102, 103, 104}));  // published at the ticks 1, 2, 3, 4
    CHECK(seen(*world, "a.y", 3) == (Values{104, 105, 106}));
    CHECK_EQUAL(at(*world, "b.y"), 103.0);  // read at tick 3
}

CASE(a_fault_on_an_output_at_tick_0_is_on_its_initial_value) {
    const auto world = metered({from("f", "meter.n", FaultKind::bias, 100.0, 0)});
    CHECK_EQUAL(at(*world, "meter.n"), 100.0);
    CHECK(seen(*world, "a.y", 3) == (Values{100, 101, 102}));
}

CASE(who_reads_within_the_tick_reads_the_fault_too) {
    const auto world = metered({from("f", "meter.n", FaultKind::gain, 10.0, 2)}, 1, true);
    CHECK(seen(*world, "a.y", 3) == (Values{1, 20, 30}));
}

CASE(a_fault_does_not_get_into_the_unit_whose_output_it_is_on) {
    World world(Period(1, 10));
    world.add("count", std::make_unique<Counter>());  // reads its own output
    world.add_fault(from("f", "count.n", FaultKind::gain, 2.0, 2));
    world.reset();
    CHECK(seen(world, "count.n", 4) == (Values{1, 4, 6, 8}));
}

CASE(the_held_output_of_a_slow_unit_is_disturbed_once_and_at_any_tick) {
    const auto world = metered({from("f", "meter.n", FaultKind::bias, 100.0, 2)}, 4);
    CHECK(seen(*world, "meter.n", 9) == (Values{0, 100, 100, 101, 101, 101, 101, 102, 102}));
    Fault noise = from("f", "meter.n", FaultKind::noise, 1.0, 2);
    const auto noisy = metered({noise}, 4);
    const Values y = seen(*noisy, "meter.n", 9);
    CHECK(y[1] == y[2] && y[3] == y[4] && y[4] == y[6] && y[2] != y[3] - 1);  // drawn for each sample
}

CASE(missing_samples_lower_their_flag) {
    Fault lost = from("f", "meter.n", FaultKind::dropout, {}, 2);
    lost.until = 4;
    lost.hold = Hold::missing;
    lost.flag = "meter.valid";
    const auto world = metered({lost});
    CHECK(seen(*world, "meter.valid", 5) == (Values{1, 0, 0, 1, 1}));
    CHECK(seen(*metered({lost}), "meter.n", 5) == (Values{1, 1, 1, 4, 5}));
    lost.on = "a.u";
    lost.flag = "a.ok";
    CHECK(seen(*metered({lost}), "a.okay", 5) == (Values{1, 1, 0, 0, 1}));
    CHECK(seen(*metered({lost}), "meter.valid", 5) == (Values{1, 1, 1, 1, 1}));
    lost.flag = "b.ok";
    CHECK_THROWS(BuildError, metered({lost}), "of the same unit");
}

CASE(a_parameter_is_changed_while_a_fault_on_it_acts) {
    Fault slow = from("slow", "meter.by", FaultKind::gain, 0.5, 2);
    slow.nominal = 1.0;
    slow.until = 4;
    CHECK(seen(*metered({slow}), "meter.n", 6) == (Values{1, 2, 2.5, 3, 4, 5}));
    Fault stuck = from("stuck", "meter.by", FaultKind::stuck_at, 10.0, 3);
    stuck.nominal = 1.0;
    CHECK(seen(*metered({stuck, slow}), "meter.n", 5) == (Values{1, 2, 2.5, 12.5, 22.5}));
    const auto world = metered({slow});
    seen(*world, "meter.n", 3);
    CHECK_EQUAL(at(*world, "fault.slow.before"), 1.0);
    CHECK_EQUAL(at(*world, "fault.slow.after"), 0.5);
    world->reset();
    CHECK(seen(*world, "meter.n", 3) == (Values{1, 2, 2.5}));
    slow.on = "meter.of";
    CHECK_THROWS(StepError, seen(*metered({slow}), "meter.n", 4), "cannot be changed during a run, as fault 'slow'");
    slow.kind = FaultKind::noise;
    CHECK_THROWS(BuildError, metered({slow}), "a parameter cannot have a fault of kind noise");
}

CASE(a_killed_or_hung_unit_ends_the_run_as_a_dead_one_does) {
    const auto killed = metered({from("stroke", "meter", FaultKind::kill, {}, 2)});
    killed->step(2);
    CHECK_THROWS(StepError, killed->step(), "it is dead (fault 'stroke')");
    CHECK_THROWS(UsageError, killed->step(), "Call reset() first");
    CHECK_THROWS(StepError, metered({from("f", "meter", FaultKind::hang, {}, 0)})->step(), "does not answer any more");
}

CASE(a_paused_unit_goes_on_where_it_was) {
    Fault pause = from("f", "meter", FaultKind::pause, {}, 2);
    pause.until = 4;
    CHECK(seen(*metered({pause}), "meter.n", 6) == (Values{1, 2, 2, 2, 3, 4}));
    World world(Period(1, 10));
    world.add("count", std::make_unique<Counter>());
    world.add("w", std::make_unique<Witness>());
    world.connect("count.n", "w.u");
    pause.on = "w";
    world.add_fault(pause);
    world.reset();
    CHECK(seen(world, "w.tick", 6) == (Values{0, 1, 1, 1, 2, 3}));  // its time stood still, too
    CHECK_EQUAL(at(world, "w.t"), Period(1, 10).at(3));
    CHECK_EQUAL(at(world, "w.seen"), 5.0);
}

CASE(a_frozen_unit_goes_on_behind_its_outputs) {
    Fault freeze = from("f", "meter", FaultKind::freeze, {}, 2);
    freeze.until = 4;
    const auto world = metered({freeze});
    const auto columns = world->columns({"meter.n"}, true);
    const auto truth = std::make_shared<Trace>(columns);
    world->watch(truth);
    CHECK(seen(*world, "meter.n", 6) == (Values{1, 1, 1, 4, 5, 6}));
    for (std::size_t row = 0; row < 7; ++row) CHECK_EQUAL(truth->values()[2 * row + 1], static_cast<double>(row));
}

CASE(a_condition_begins_a_fault_or_keeps_it) {
    Fault when{"f", "a.u", FaultKind::stuck_at, -1.0};
    when.when = above("meter.n", 2.5);
    CHECK(seen(*metered({when}), "a.y", 6) == (Values{0, 1, 2, -1, -1, -1}));
    when.duration = 2;
    CHECK(seen(*metered({when}), "a.y", 6) == (Values{0, 1, 2, -1, -1, 5}));
    when.since = 4;
    CHECK(seen(*metered({when}), "a.y", 7) == (Values{0, 1, 2, 3, -1, -1, 6}));
    Fault kept{"f", "a.u", FaultKind::stuck_at, -1.0};
    kept.when = Program({{"signal", 1.0, 0.0, "meter.n"}, {"number", 2.5, 0.0, ""}, {"<", 0.0, 0.0, ""}});
    kept.as_long = true;
    CHECK(seen(*metered({kept}), "a.y", 5) == (Values{-1, -1, -1, 3, 4}));
    kept.on = "meter.n";  // what is published at 2 keeps the fault on what is published at 3, which ends it
    CHECK(seen(*metered({kept}), "meter.n", 5) == (Values{-1, -1, -1, -1, -1}));
    when.when = above("a.u", 1.0);
    CHECK_THROWS(BuildError, metered({when}), "is no output that is a number");
}

CASE(a_fault_begins_with_another) {
    Fault first = from("z", "a.u", FaultKind::bias, 100.0, 2), then{"a", "meter.by", FaultKind::stuck_at, 5.0};
    first.until = 3;
    then.nominal = 1.0;
    then.event = "z";
    then.duration = 2;
    CHECK(seen(*metered({then, first}), "meter.n", 6) == (Values{1, 2, 7, 12, 13, 14}));
    then.event = "y";
    CHECK_THROWS(BuildError, metered({then}), "there is no such fault");
    then.event = "a";
    CHECK_THROWS(BuildError, metered({then}), "begins with itself");
}

CASE(a_fault_of_half_probability_happens_in_half_of_the_runs) {
    Fault fault = from("f", "a.u", FaultKind::bias, 100.0, 0);
    fault.probability = 0.5;
    const auto world = metered({fault});
    int happened = 0;
    for (std::uint64_t seed = 0; seed < 400; ++seed) {
        world->reset(seed);
        world->step(2);
        happened += at(*world, "a.y") > 50.0 ? 1 : 0;
    }
    CHECK(happened > 160 && happened < 240);  // four standard deviations
    fault.probability = 0.0;
    CHECK(seen(*metered({fault}), "a.y", 2) == (Values{0, 1}));
}

CASE(a_fault_that_is_off_waits_to_be_named) {
    Fault fault = from("f", "a.u", FaultKind::bias, 100.0, 3);
    fault.off = true;
    CHECK(seen(*metered({fault}), "a.y", 5) == (Values{0, 1, 2, 3, 4}));
    const auto world = metered({fault});
    world->arm("f");
    CHECK(seen(*world, "a.y", 5) == (Values{0, 1, 2, 103, 104}));
    fault.since = {};
    const auto at_once = metered({fault});
    at_once->arm("f");
    CHECK(seen(*at_once, "a.y", 2) == (Values{100, 101}));
}

CASE(a_fault_by_hand_lasts_as_long_as_it_says) {
    Fault fault{"f", "a.u", FaultKind::bias, 100.0};
    fault.duration = 2;
    const auto world = metered({fault});
    world->step();
    world->inject("f");
    CHECK(world->active_faults() == std::vector<std::string>{"f"});
    CHECK(seen(*world, "a.y", 4) == (Values{101, 102, 3, 4}));
    world->inject("f");
    CHECK(seen(*world, "a.y", 3) == (Values{105, 106, 7}));
}

CASE(the_world_tells_when_faults_begin_and_end) {
    Fault fault = from("f", "a.u", FaultKind::bias, 1.0, 2), later = from("g", "meter.n", FaultKind::bias, 1.0, 3);
    fault.until = 4;
    const auto world = metered({fault, later});
    world->step(6);
    const auto events = world->take_fault_events();
    CHECK_EQUAL(events.size(), std::size_t{3});
    CHECK(events[0].fault == "f" && events[0].tick == 2 && events[0].began);
    CHECK(events[1].fault == "g" && events[1].tick == 3 && events[1].began);
    CHECK(events[2].fault == "f" && events[2].tick == 4 && !events[2].began);
    CHECK(world->take_fault_events().empty());
}

CASE(faults_tell_what_they_do_in_signals_that_are_no_part_of_the_digest) {
    const auto plain = metered({});
    const auto idle = metered({Fault{"f", "a.u", FaultKind::bias, 1.0}});
    plain->step(5);
    idle->step(5);
    CHECK_EQUAL(plain->digest(), idle->digest());
    CHECK(idle->fault_signals() == (std::vector<std::string>{"fault.f.active", "fault.f.before", "fault.f.after"}));
    CHECK_EQUAL(at(*idle, "fault.f.after"), 4.0);
    idle->inject("f");
    idle->step();
    CHECK_EQUAL(at(*idle, "fault.f.active"), 1.0);
    CHECK_EQUAL(at(*idle, "fault.f.before"), 5.0);
    CHECK_EQUAL(at(*idle, "fault.f.after"), 6.0);
    plain->step();
    CHECK(plain->digest() != idle->digest());
    CHECK(idle->units() == plain->units());
    World clash(Period(1, 10));
    clash.add("fault", std::make_unique<Counter>());
    clash.add_fault(from("f", "fault.n", FaultKind::bias, 1.0, 0));
    CHECK_THROWS(BuildError, clash.build(), "cannot be called 'fault'");
}

CASE(a_fault_that_makes_infinity_ends_the_run_by_its_name) {
    const auto world = metered({from("blast", "a.u", FaultKind::gain, 1e308, 2)});
    world->step(2);
    CHECK_THROWS(StepError, world->step(),
                 "unit 'a' failed in fault 'blast' at t = 0.2 s (tick 2): it makes \"a.u\" inf");
    CHECK_THROWS(StepError, metered({from("blast", "meter.n", FaultKind::gain, 1e308, 2)})->step(4), "\"meter.n\" inf");
}

CASE(a_run_from_a_snapshot_goes_on_with_its_faults_bit_for_bit) {
    std::vector<Fault> faults;
    const auto add = [&](const char* name, const std::string& on, FaultKind kind, std::optional<double> value) {
        faults.push_back(from(name, on, kind, value, 3));
        return &faults.back();
    };
    faults.reserve(20);
    add("noise", "meter.n", FaultKind::noise, 1.0);
    add("late", "a.u", FaultKind::delay, {})->delay = 4;
    faults.back().jitter = 3;
    add("lost", "a.u", FaultKind::dropout, {})->chance = 0.4;
    faults.back().hold = Hold::missing;
    faults.back().flag = "a.ok";
    add("mixed", "a.u", FaultKind::reorder, {})->chance = 0.3;
    add("twice", "b.u", FaultKind::duplicate, {})->chance = 0.5;
    add("drift", "b.u", FaultKind::drift, 2.0);
    add("by", "meter.by", FaultKind::gain, 0.5)->nominal = 1.0;
    add("rest", "b", FaultKind::pause, {})->until = 9;
    const auto world = metered(faults, 2);
    world->step(8);
    const auto shot = world->snapshot();
    const std::string packed = world->pack(*shot);
    const Values first = seen(*world, "a.y", 30), b = {at(*world, "b.y"), at(*world, "a.okay")};
    const std::uint64_t digest = world->digest();
    world->restore(*shot);
    CHECK(seen(*world, "a.y", 30) == first);
    CHECK_EQUAL(world->digest(), digest);
    const auto fork = metered(faults, 2);
    fork->restore(*fork->unpack(packed));
    CHECK(seen(*fork, "a.y", 30) == first);
    CHECK_EQUAL(fork->digest(), digest);
    CHECK_EQUAL(at(*fork, "b.y"), b[0]);
    CHECK_THROWS(UsageError, metered({}, 2)->restore(*shot), "of other units");
}

CASE(faults_are_the_same_on_any_number_of_threads) {
    const auto digest = [](unsigned threads) {
        Options options;
        options.threads = threads;
        options.spread = Spread::everywhere;
        World world(Period(1, 10), options);
        for (int i = 0; i < 6; ++i) {
            const std::string name = "m" + std::to_string(i);
            world.add(name, std::make_unique<Meter>());
            world.add("r" + std::to_string(i), std::make_unique<Reader>());
            world.connect(name + ".n", "r" + std::to_string(i) + ".u");
            world.add_fault(from("f" + std::to_string(i), name + ".n", FaultKind::noise, 1.0, i));
            Fault by = from("g" + std::to_string(i), name + ".by", FaultKind::bias, 0.5, 10);
            by.nominal = 1.0;
            world.add_fault(by);
        }
        world.reset(5);
        world.step(50);
        return world.digest();
    };
    CHECK_EQUAL(digest(1), digest(3));
}
