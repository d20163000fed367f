// Sensors, actuators and rigs over a queue and a clock that is turned by hand.

#include "crumple/live.hpp"

#include <cmath>

#include "check.hpp"
#include "crumple/world.hpp"
#include "units.hpp"

using namespace crumple;
using namespace crumple::test;

namespace {

constexpr Nanoseconds ms = 1'000'000;

double at(const World& world, const std::string& name) { return world.value(world.find(name))[0]; }

Channel channel(const std::string& name, double start = 0.0) {
    Channel made;
    made.port = real(name, start);
    made.substitute = -1.0;
    made.safe = 9.0;
    return made;
}

// A world with one sensor "front" of one channel "x", and the wire to it.
struct Bench {
    std::shared_ptr<VirtualClock> clock = std::make_shared<VirtualClock>(1000 * ms);
    std::shared_ptr<LiveContext> context = std::make_shared<LiveContext>(clock, Period(1, 1000), 0.0);
    std::shared_ptr<QueueTransport> wire = std::make_shared<QueueTransport>("queue:front");
    std::shared_ptr<Inlet> inlet;
    World world{Period(1, 1000)};
    std::uint64_t sequence = 0, session = 77;

    explicit Bench(SensorOptions options = {}) {
        options.name = "front";
        options.channels = {channel("x", 5.0)};
        inlet = std::make_shared<Inlet>(context, options, wire);
        world.add("front", make_sensor(context, inlet, nullptr));
        world.reset();
        context->epoch = clock->now();
    }

    void send(double x, Nanoseconds age = 0) {
        Header header;
        header.session = session;
        header.sequence = ++sequence;
        header.source_ns = clock->now() - age;
        header.sim_ns = static_cast<std::int64_t>(sequence) * ms;
        header.layout = inlet->layout();
        std::vector<std::byte> frame;
        encode(header, std::vector{x}, frame);
        CHECK(wire->offer(frame));
    }
    void tick(Nanoseconds passed = ms) {
        clock->advance(passed);
        world.step();
    }
    double x() const { return at(world, "front.x"); }
    SampleState state() const { return static_cast<SampleState>(at(world, "front.state")); }
};

SensorOptions with(Policy policy, Nanoseconds max_age = 2 * ms) {
    SensorOptions options;
    options.policy = policy;
    options.max_age = max_age;
    return options;
}

}  // namespace

CASE(a_sensor_latches_the_newest_sample_of_a_tick) {
    Bench bench;
    CHECK_EQUAL(bench.x(), 5.0);
    bench.tick();
    CHECK(bench.state() == SampleState::none);
    CHECK_EQUAL(bench.x(), 5.0);
    CHECK(std::isnan(at(bench.world, "front.sample_time")));
    bench.send(1.0);
    bench.send(2.0);
    bench.tick();
    CHECK_EQUAL(bench.x(), 2.0);
    CHECK(bench.state() == SampleState::fresh);
    CHECK_EQUAL(at(bench.world, "front.sequence"), 2.0);
    CHECK_CLOSE(at(bench.world, "front.sample_time"), 0.002, 1e-12);
    CHECK_CLOSE(at(bench.world, "front.age"), 0.001, 1e-9);          // sent 1 ms before it was latched
    CHECK_CLOSE(at(bench.world, "front.source_time"), 0.001, 1e-9);  // sent after the first tick of 1 ms
    CHECK_EQUAL(bench.inlet->figures().accepted, 2U);
}

CASE(a_queue_uses_every_sample_one_a_tick) {
    SensorOptions options;
    options.queue = true;
    Bench bench(options);
    for (const double x : {1.0, 2.0, 3.0}) bench.send(x);
    for (const double x : {1.0, 2.0, 3.0, 3.0}) {
        bench.tick();
        CHECK_EQUAL(bench.x(), x);
    }
    CHECK_EQUAL(bench.inlet->figures().starved, 1U);
    for (int i = 0; i < 5000; ++i) bench.send(i);
    for (int i = 0; i < 3; ++i) bench.tick();  // no more frames than that are looked at in a tick
    CHECK_EQUAL(bench.inlet->figures().overflows, 5000U - 4096U);
}

CASE(old_samples_are_held_and_told_so) {
    Bench bench(with(Policy::hold));
    bench.send(1.0);
    bench.tick();
    bench.tick();
    CHECK(bench.state() == SampleState::fresh);  // 2 ms old: as old as it may be
    bench.tick();
    CHECK(bench.state() == SampleState::held);
    CHECK_EQUAL(bench.x(), 1.0);
    bench.send(3.0);
    bench.tick();
    CHECK(bench.state() == SampleState::fresh);
    CHECK_EQUAL(bench.inlet->figures().states[static_cast<std::size_t>(SampleState::held)], 1U);
}

CASE(old_samples_are_continued_in_a_straight_line) {
    Bench bench(with(Policy::extrapolate));
    bench.send(1.0);
    bench.tick();
    bench.send(3.0);  // 2 in 1 ms
    bench.tick();
    CHECK_EQUAL(bench.x(), 3.0);
    bench.tick(4 * ms);  // 5 ms after it was sent
    CHECK(bench.state() == SampleState::extrapolated);
    CHECK_CLOSE(bench.x(), 13.0, 1e-12);
}

CASE(old_samples_are_replaced) {
    Bench bench(with(Policy::substitute));
    bench.send(1.0);
    bench.tick(3 * ms);
    CHECK(bench.state() == SampleState::substituted);
    CHECK_EQUAL(bench.x(), -1.0);
}

CASE(a_silent_sensor_ends_the_run_where_it_is_to) {
    Bench bench(with(Policy::stop));
    bench.send(1.0);
    bench.tick();
    CHECK_THROWS(EndError, bench.tick(5 * ms), "sensor 'front' (queue:front) has been silent for 0.006");
    SensorOptions options = with(Policy::hold);
    options.stop_age = 10 * ms;
    Bench other(options);
    CHECK_THROWS(EndError, other.tick(11 * ms), "stop_age");
}

CASE(what_is_wrong_with_messages_is_counted_and_never_used) {
    Bench bench;
    bench.send(1.0);
    CHECK(bench.wire->offer(std::vector<std::byte>(10)));
    CHECK(bench.wire->offer(std::vector<std::byte>(100'000)));
    bench.sequence = 0;
    bench.send(2.0);  // sequence 1 again
    bench.sequence = 4;
    bench.send(3.0);  // 5: three are lost
    bench.session = 78;
    bench.sequence = 0;
    bench.send(4.0);
    bench.session = 77;
    bench.send(5.0);
    bench.tick();
    const InputFigures& f = bench.inlet->figures();
    CHECK_EQUAL(bench.x(), 4.0);
    CHECK_EQUAL(f.received, 7U);
    CHECK_EQUAL(f.accepted, 3U);
    CHECK_EQUAL(f.refused[static_cast<std::size_t>(Refusal::short_frame)], 1U);
    CHECK_EQUAL(f.refused[static_cast<std::size_t>(Refusal::magic)], 1U);
    CHECK_EQUAL(f.refused[static_cast<std::size_t>(Refusal::duplicate)], 1U);
    CHECK_EQUAL(f.refused[static_cast<std::size_t>(Refusal::old_session)], 1U);
    CHECK_EQUAL(bench.inlet->tracker().lost(), 3U);
    CHECK_EQUAL(bench.inlet->tracker().restarts(), 1U);
}

CASE(a_clock_of_another_machine_is_related_by_the_quickest_message) {
    SensorOptions options;
    options.same_clock = false;
    Bench bench(options);
    // the sender's clock is 500 ms behind ours; messages take 3, 1 and 2 ms
    for (const Nanoseconds way : {3 * ms, 1 * ms, 2 * ms}) {
        bench.clock->advance(5 * ms);
        bench.send(1.0, 500 * ms + way);
        bench.tick(0);
    }
    CHECK_CLOSE(at(bench.world, "front.age"), 0.001, 1e-6);  // 1 ms longer than the quickest
}

CASE(an_actuator_sends_what_its_source_computed_in_the_same_tick) {
    const auto clock = std::make_shared<VirtualClock>();
    const auto context = std::make_shared<LiveContext>(clock, Period(1, 1000), 0.0);
    const auto wire = std::make_shared<QueueTransport>("queue:out");
    const auto outlet = std::make_shared<Outlet>(context, ActuatorOptions{"out", {channel("y")}, 1}, wire);
    World world(Period(1, 1000));
    world.add("count", std::make_unique<Counter>());
    world.add("out", make_actuator(outlet, nullptr));
    world.connect("count.n", "out.y", {true, {}, {}});
    world.reset();
    world.step(3);
    world.end();
    world.close();
    const auto frames = wire->take();
    CHECK_EQUAL(frames.size(), 5U);  // three values, the safe ones, goodbye
    std::vector<double> values(1);
    Header header;
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(decode(frames[i], outlet->layout(), 1, header, values) == Refusal::none);
        CHECK_EQUAL(values[0], static_cast<double>(i + 1));
        CHECK_EQUAL(header.sequence, i + 1);
        CHECK_EQUAL(header.sim_ns, static_cast<std::int64_t>(i + 1) * ms);
    }
    CHECK(decode(frames[3], outlet->layout(), 1, header, values) == Refusal::none);
    CHECK_EQUAL(header.flags, flag_safe | flag_final);
    CHECK_EQUAL(values[0], 9.0);
    CHECK(decode(frames[4], outlet->layout(), 1, header, values) == Refusal::none);
    CHECK(header.type == MessageType::bye);
}

CASE(a_rig_is_never_told_a_value_that_is_not_finite) {
    const auto clock = std::make_shared<VirtualClock>();
    const auto context = std::make_shared<LiveContext>(clock, Period(1, 1000), 0.0);
    const auto wire = std::make_shared<QueueTransport>("queue:out");
    World world(Period(1, 1000));
    auto bad = std::make_unique<Gain>(std::numeric_limits<double>::infinity(), 1.0);
    world.add("bad", std::move(bad));
    world.add("count", std::make_unique<Counter>());
    world.add("out", make_actuator(std::make_shared<Outlet>(context, ActuatorOptions{"out", {channel("y")}, 1}, wire),
                                   nullptr));
    world.connect("count.n", "bad.u");
    world.connect("bad.y", "out.y", {true, {}, {}});
    CHECK_THROWS(StepError, (world.reset(), world.step(3)), "");
    world.close();
    std::vector<double> values(1);
    Header header;
    for (const auto& frame : wire->take()) {
        CHECK(decode(frame, std::nullopt, 1, header, values) == Refusal::none);
        CHECK(std::isfinite(values[0]));
    }
    CHECK(header.type == MessageType::bye);
}

namespace {

// Waits in virtual time. Where it babbles, a frame that is none comes each millisecond.
class VirtualWire final : public QueueTransport {
public:
    explicit VirtualWire(std::shared_ptr<VirtualClock> clock) : QueueTransport("queue:ecu"), clock_(std::move(clock)) {}
    std::ptrdiff_t receive(std::span<std::byte> into, Nanoseconds most = 0) override {
        if (babbles) clock_->advance(1'000'000);
        if (babbles) return 3;
        const std::ptrdiff_t n = QueueTransport::receive(into, 0);
        if (n < 0) clock_->advance(most);
        return n;
    }
    bool babbles = false;

private:
    std::shared_ptr<VirtualClock> clock_;
};

// A world paced by a rig, and the rig's side of the wire.
struct Lockstep {
    std::shared_ptr<VirtualClock> clock = std::make_shared<VirtualClock>();
    std::shared_ptr<LiveContext> context = std::make_shared<LiveContext>(clock, Period(1, 1000), 0.0);
    std::shared_ptr<VirtualWire> wire = std::make_shared<VirtualWire>(clock);
    std::shared_ptr<Rig> rig = std::make_shared<Rig>(context, "ecu", wire, 50'000'000);
    std::shared_ptr<Inlet> inlet;
    std::shared_ptr<Outlet> outlet;
    World world{Period(1, 1000)};

    Lockstep() {
        SensorOptions options;
        options.name = "in";
        options.channels = {channel("x")};
        inlet = std::make_shared<Inlet>(context, options, wire);
        outlet = std::make_shared<Outlet>(context, ActuatorOptions{"out", {channel("y")}, 1}, wire);
        rig->set_inlet(inlet);
        rig->set_outlet(outlet);
        world.add("in", make_sensor(context, inlet, rig));
        world.add("out", make_actuator(outlet, inlet));
        world.add("twice", std::make_unique<Gain>(2.0));
        world.connect("in.x", "twice.u", {true, {}, {}});
        world.connect("twice.y", "out.y", {true, {}, {}});
        world.reset();
    }
    void tell(MessageType type, std::uint64_t sequence, std::vector<double> values = {}, std::uint64_t session = 7) {
        Header header;
        header.type = type;
        header.session = session;
        header.sequence = sequence;
        header.layout = inlet->layout();
        std::vector<std::byte> frame;
        encode(header, values, frame);
        CHECK(wire->offer(frame));
    }
    // What the rig heard since: type, sequence, first value.
    std::string heard() {
        std::ostringstream text;
        for (const auto& frame : wire->take()) {
            Header header;
            std::vector<double> values(1);
            CHECK(decode(frame, std::nullopt, 1, header, values) == Refusal::none);
            text << static_cast<int>(header.type) << ":" << header.sequence << ":" << values[0]
                 << ((header.flags & flag_resent) ? "r" : "") << " ";
        }
        return text.str();
    }
    void greet() {
        tell(MessageType::hello, 0);
        CHECK(rig->greet(0, std::vector{0.0}));
    }
};

}  // namespace

CASE(a_rig_paces_a_run_message_by_message) {
    Lockstep bench;
    CHECK(!bench.rig->greet(0, std::vector{0.0}));
    bench.greet();
    CHECK_EQUAL(bench.heard(), "4:0:0 2:0:0 ");  // ready, and the values at the start
    bench.tell(MessageType::sample, 1, {3.0});
    bench.world.step();
    CHECK_EQUAL(bench.heard(), "2:1:6 ");
    bench.tell(MessageType::sample, 1, {3.0});  // our answer was lost: the same again, and no step
    bench.tell(MessageType::sample, 2, {4.0});
    bench.world.step();
    CHECK_EQUAL(bench.heard(), "2:1:6r 2:2:8 ");
    CHECK_EQUAL(bench.inlet->figures().resends, 1U);
    CHECK_EQUAL(at(bench.world, "in.sequence"), 2.0);
}

CASE(a_rig_that_lost_its_answer_gets_it_after_the_run_was_held) {
    Lockstep bench;
    bench.greet();
    bench.tell(MessageType::sample, 1, {3.0});
    bench.world.step();
    bench.outlet->safe(1, flag_paused);
    CHECK_EQUAL(bench.heard(), "4:0:0 2:0:0 2:1:6 2:2:9 ");
    bench.tell(MessageType::sample, 1, {3.0});  // the answer never arrived
    bench.tell(MessageType::sample, 2, {4.0});
    bench.world.step();
    CHECK_EQUAL(bench.heard(), "2:1:6r 2:2:8 ");
}

CASE(a_rig_may_begin_or_begin_anew_while_others_are_waited_for) {
    Lockstep bench;
    bench.greet();
    bench.tell(MessageType::hello, 0, {}, 8);  // it was started again
    CHECK(bench.rig->greet(0, std::vector{0.0}));
    CHECK_EQUAL(bench.heard(), "4:0:0 2:0:0 4:0:0 2:0:0 ");
    bench.tell(MessageType::sample, 1, {3.0}, 8);
    CHECK(bench.rig->greet(0, std::vector{0.0}));
    CHECK(bench.rig->greet(0, std::vector{0.0}));
    bench.world.step();
    CHECK_EQUAL(bench.heard(), "2:1:6 ");
    CHECK_EQUAL(bench.inlet->figures().restarts, 0U);
}

CASE(a_silent_rig_ends_the_run) {
    Lockstep bench;
    bench.greet();
    CHECK_THROWS(EndError, bench.world.step(), "rig 'ecu' (queue:ecu) did not send sample 1 within");
    CHECK_EQUAL(bench.clock->now(), 50'000'000);
}

CASE(a_rig_that_sends_nothing_but_rubbish_is_not_waited_for_longer) {
    Lockstep bench;
    bench.greet();
    bench.wire->babbles = true;
    CHECK_THROWS(EndError, bench.world.step(), "rig 'ecu' (queue:ecu) did not send sample 1 within");
    CHECK(bench.clock->now() < 100'000'000);
    CHECK(bench.inlet->figures().refused[static_cast<std::size_t>(Refusal::short_frame)] > 0);
}

CASE(a_rig_that_sends_nothing_but_rubbish_does_not_put_off_a_stop_by_hand) {
    Lockstep bench;
    bench.greet();
    bench.wire->babbles = true;
    bench.context->stop_wanted = [] { return true; };
    CHECK_THROWS(EndError, bench.world.step(), "stopped by hand");
    CHECK(bench.clock->now() < 10'000'000);
}

CASE(a_rig_that_begins_anew_skips_or_leaves_ends_the_run) {
    {
        Lockstep bench;
        bench.greet();
        bench.tell(MessageType::hello, 0, {}, 8);
        CHECK_THROWS(EndError, bench.world.step(), "began anew after sample 0");
        CHECK_EQUAL(bench.inlet->figures().restarts, 1U);
    }
    {
        Lockstep bench;
        bench.greet();
        bench.tell(MessageType::sample, 1, {1.0});
        bench.tell(MessageType::sample, 3, {1.0});
        bench.world.step();
        CHECK_THROWS(EndError, bench.world.step(), "sent sample 3 where 2 was due");
    }
    {
        Lockstep bench;
        bench.greet();
        bench.tell(MessageType::sample, 5, {1.0});
        CHECK_THROWS(EndError, bench.world.step(), "sent sample 5 where 1 was due");
    }
    {
        Lockstep bench;
        bench.greet();
        bench.tell(MessageType::bye, 1);
        CHECK_THROWS(EndError, bench.world.step(), "said goodbye after sample 0");
    }
}

CASE(a_rig_with_other_channels_is_not_let_in) {
    Lockstep bench;
    Header header;
    header.type = MessageType::hello;
    header.session = 7;
    header.layout = 1;
    std::vector<std::byte> frame;
    encode(header, {}, frame);
    CHECK(bench.wire->offer(frame));
    CHECK(!bench.rig->greet(0, std::vector{0.0}));
    CHECK(bench.rig->trouble().find("other channels") != std::string::npos);
    CHECK_EQUAL(bench.heard(), "");
}

CASE(a_tape_gives_what_was_latched_and_ends_the_run_at_its_end) {
    World world(Period(1, 10));
    std::vector<double> rows;
    for (int k = 0; k < 4; ++k) rows.insert(rows.end(), {10.0 * k, 1.0 * k});
    world.add("front", make_tape({real("x"), real("age")}, rows));
    world.reset();
    for (int k = 0; k < 4; ++k) {
        CHECK_EQUAL(at(world, "front.x"), 10.0 * k);
        if (k < 3) world.step();
    }
    CHECK_THROWS(EndError, world.step(), "it has 3 ticks");
}
