#include "check.hpp"
#include "crumple/world.hpp"
#include "units.hpp"

using namespace crumple;
using namespace crumple::test;

namespace {

// Ports of all sorts and no behaviour.
class Ported final : public Unit {
public:
    explicit Ported(Ports ports) : ports_(std::move(ports)) {}
    const Ports& ports() const override { return ports_; }
    void reset(const Start&, const Io&) override {}
    void step(const Step&, const Io& io) override {
        for (std::size_t i = 0; i < io.out.size() && i < io.in.size(); ++i) io.out[i] = io.in[i];
    }

private:
    Ports ports_;
};

Port in_si(Port port, const std::string& text, double factor, double offset, std::array<std::int8_t, 8> dimension) {
    port.si = Si{text, factor, offset, dimension};
    return port;
}

constexpr std::array<std::int8_t, 8> speed{0, 1, -1, 0, 0, 0, 0, 0};
constexpr std::array<std::int8_t, 8> mass{1, 0, 0, 0, 0, 0, 0, 0};
constexpr std::array<std::int8_t, 8> kelvin{0, 0, 0, 0, 1, 0, 0, 0};
constexpr std::array<std::int8_t, 8> angle{0, 0, 0, 0, 0, 0, 0, 1};
constexpr std::array<std::int8_t, 8> none{};

std::unique_ptr<Unit> source(Port port) { return std::make_unique<Ported>(Ports{{}, {std::move(port)}, {}}); }
std::unique_ptr<Unit> sink(Port port) { return std::make_unique<Ported>(Ports{{std::move(port)}, {}, {}}); }

}  // namespace

CASE(names_are_unique_and_without_dots) {
    World world(Period(1, 10));
    world.add("a", std::make_unique<Lag>(1.0));
    CHECK_THROWS(BuildError, world.add("a", std::make_unique<Lag>(1.0)), "exists already");
    CHECK_THROWS(BuildError, world.add("a.b", std::make_unique<Lag>(1.0)), "no dot");
    CHECK_THROWS(BuildError, world.add("", std::make_unique<Lag>(1.0)), "not empty");
    CHECK_THROWS(BuildError, world.add("b", std::make_unique<Lag>(1.0), 0), "counts ticks from 1");
}

CASE(a_wrong_name_is_answered_with_the_nearest) {
    World world(Period(1, 10));
    world.add("vehicle", std::make_unique<Lag>(1.0));
    world.add("sensor", std::make_unique<Witness>());
    CHECK_THROWS(BuildError, world.connect("vehicl.y", "sensor.u"),
                 "no unit 'vehicl' in this world. Did you mean \"vehicle\"?");
    CHECK_THROWS(BuildError, world.connect("vehicle.z", "sensor.u"), "has no port \"z\". Did you mean");
    CHECK_THROWS(BuildError, world.connect("brake.y", "sensor.u"), "There are: sensor, vehicle.");
    CHECK_THROWS(BuildError, world.connect("vehicle", "sensor.u"), "not of the form");
    CHECK_THROWS(BuildError, world.connect("sensor.u", "vehicle.y"), "is an input");
    CHECK_THROWS(BuildError, world.connect("vehicle.y", "sensor.t"), "is an output");
}

CASE(an_input_has_one_source) {
    World world(Period(1, 10));
    for (const char* name : {"a", "b", "c"}) world.add(name, std::make_unique<Lag>(1.0));
    world.connect("a.y", "c.u");
    world.connect("b.y", "c.u");
    CHECK_THROWS(BuildError, world.build(), "\"c.u\" has two sources, \"a.y\" and \"b.y\"");
}

CASE(a_loop_within_a_tick_is_named) {
    World world(Period(1, 10));
    for (const char* name : {"car", "radar", "driver", "other"}) world.add(name, std::make_unique<Lag>(1.0));
    const Link now{.same_tick = true, .scale = {}, .offset = {}};
    world.connect("car.y", "radar.u", now);
    world.connect("radar.y", "driver.u", now);
    world.connect("driver.y", "car.u", now);
    CHECK_THROWS(BuildError, world.build(),
                 "These units wait for each other within one tick: car -> radar -> driver -> car. Drop same_tick from "
                 "one of these connections.");
}

CASE(sizes_must_agree) {
    World world(Period(1, 10));
    world.add("radar", source(real("range", 0.0, {3})));
    world.add("driver", sink(real("gap")));
    world.connect("radar.range", "driver.gap");
    CHECK_THROWS(BuildError, world.build(),
                 "\"driver.gap\" has size 1, its source \"radar.range\" has size 3. Connect one element: "
                 "\"radar.range[0]\".");
}

CASE(elements_of_arrays_connect_one_by_one) {
    World world(Period(1, 10));
    Port matrix = real("m", 0.0, {2, 3});
    matrix.start = {0, 1, 2, 3, 4, 5};
    world.add("a", std::make_unique<Ported>(Ports{{}, {matrix}, {}}));
    world.add("b", std::make_unique<Ported>(Ports{{real("x", 0.0, {2})}, {real("y", 0.0, {2})}, {}}));
    world.connect("a.m[1,2]", "b.x[0]");
    world.connect("a.m[1]", "b.x[1]");  // one index counts row by row
    world.reset();
    world.step();
    CHECK(world.value(world.find("b.y")) == std::vector<double>({5, 1}));
    CHECK_EQUAL(world.value(world.find("b.y[1]"))[0], 1.0);
    CHECK_THROWS(BuildError, world.find("a.m[2,0]"), "past the end");
    CHECK_THROWS(BuildError, world.find("a.m[0,0,0]"), "2 dimensions, the index 3");
}

CASE(a_name_with_brackets_is_found_before_an_index_is_read) {
    World world(Period(1, 10));
    world.add("a", source(real("body[1].x")));
    world.add("b", sink(real("der(x)[2]")));
    world.connect("a.body[1].x", "b.der(x)[2]");
    world.build();
    CHECK_EQUAL(world.connections().size(), 1u);
}

CASE(units_of_measure_are_converted) {
    World world(Period(1, 10));
    world.add("a", std::make_unique<Ported>(Ports{{},
                                                  {in_si(real("v", 36.0), "km/h", 1 / 3.6, 0, speed),
                                                   in_si(real("T", 20.0), "degC", 1, 273.15, kelvin)},
                                                  {}}));
    world.add("b", std::make_unique<Ported>(Ports{{in_si(real("v"), "m/s", 1, 0, speed),
                                                   in_si(real("T"), "degF", 5.0 / 9.0, 459.67 * 5.0 / 9.0, kelvin)},
                                                  {real("v_seen"), real("T_seen")},
                                                  {}}));
    world.connect("a.v", "b.v");
    world.connect("a.T", "b.T");
    world.reset();
    world.step();
    CHECK_CLOSE(world.value(world.find("b.v_seen"))[0], 10.0, 1e-15);
    CHECK_CLOSE(world.value(world.find("b.T_seen"))[0], 68.0, 1e-12);
}

CASE(a_clash_of_dimensions_is_refused_and_a_missing_unit_warned_of) {
    World clash(Period(1, 10));
    clash.add("a", source(in_si(real("v"), "m/s", 1, 0, speed)));
    clash.add("b", sink(in_si(real("m"), "kg", 1, 0, mass)));
    clash.connect("a.v", "b.m");
    CHECK_THROWS(BuildError, clash.build(), "\"b.m\" is in kg, its source \"a.v\" in m/s");

    World missing(Period(1, 10));
    missing.add("a", source(in_si(real("v"), "m/s", 1, 0, speed)));
    missing.add("b", sink(real("v")));
    missing.connect("a.v", "b.v");
    missing.build();
    CHECK_EQUAL(missing.warnings().size(), 1u);
    CHECK(missing.warnings()[0].find("b.v declares no unit") != std::string::npos);

    World turn(Period(1, 10));
    turn.add("a", source(in_si(real("phi"), "rad", 1, 0, angle)));
    turn.add("b", sink(in_si(real("x"), "1", 1, 0, none)));
    turn.connect("a.phi", "b.x");
    turn.build();
    CHECK_EQUAL(turn.warnings().size(), 1u);
}

CASE(a_scale_by_hand_replaces_the_conversion) {
    World world(Period(1, 10));
    world.add("a", source(in_si(real("v", 3.0), "m/s", 1, 0, speed)));
    world.add("b", sink(in_si(real("m"), "kg", 1, 0, mass)));
    world.connect("a.v", "b.m", {.same_tick = false, .scale = 2.0, .offset = {}});
    world.reset();
    world.step();
    CHECK_EQUAL(world.value(world.find("b.m"))[0], 6.0);
}

CASE(text_and_numbers_do_not_mix) {
    World world(Period(1, 10));
    world.add("a", std::make_unique<Echo>("x"));
    world.add("b", std::make_unique<Lag>(1.0));
    world.connect("a.out", "b.u");
    CHECK_THROWS(BuildError, world.build(), "\"b.u\" is real, its source \"a.out\" is string");
}

CASE(reals_stand_before_other_kinds_and_text_apart) {
    std::vector<Port> ports{real("a"), real("b", 0.0, {2}), real("c"), real("d")};
    ports[0].kind = Kind::boolean;
    ports[2].kind = Kind::string;
    const PortOffsets offsets = port_offsets(ports);
    CHECK(offsets.offset == std::vector<std::size_t>({3, 0, 0, 2}));
    CHECK_EQUAL(offsets.numbers, 4u);
    CHECK_EQUAL(offsets.blobs, 1u);
}

CASE(calls_in_the_wrong_moment_say_so) {
    World world(Period(1, 10));
    world.add("a", std::make_unique<Lag>(1.0));
    CHECK_THROWS(UsageError, world.step(), "reset");
    world.reset();
    CHECK_THROWS(UsageError, world.add("b", std::make_unique<Lag>(1.0)), "built");
    CHECK_THROWS(UsageError, world.step(-1), "not negative");
    world.end();
    CHECK_THROWS(UsageError, world.step(), "ended");
    world.reset();
    world.step();
    CHECK_EQUAL(world.tick(), 1);
}

CASE(an_input_that_nothing_feeds_can_be_set) {
    World world(Period(1, 10));
    world.add("a", std::make_unique<Witness>());
    world.add("b", std::make_unique<Lag>(1.0));
    world.connect("a.t", "b.u");
    world.reset();
    const std::vector<double> five{5.0};
    world.set(world.find("a.u"), five);
    world.step();
    CHECK_EQUAL(world.value(world.find("a.seen"))[0], 5.0);
    CHECK_THROWS(UsageError, world.set(world.find("b.u"), five), "fed by a connection");
    CHECK_THROWS(UsageError, world.set(world.find("b.y"), five), "output");
    const std::vector<double> bad{std::nan("")};
    CHECK_THROWS(UsageError, world.set(world.find("a.u"), bad), "NaN");
}
