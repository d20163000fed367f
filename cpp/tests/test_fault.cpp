#include "check.hpp"
#include "crumple/world.hpp"
#include "units.hpp"

using namespace crumple;
using namespace crumple::test;

namespace {

double at(const World& world, const std::string& name) { return world.value(world.find(name))[0]; }

// count.n = tick feeds echo.u; echo.y = u, one tick late
std::unique_ptr<World> counting(std::optional<Fault> fault) {
    auto world = std::make_unique<World>(Period(1, 10));
    world->add("count", std::make_unique<Counter>());
    world->add("echo", std::make_unique<Gain>(1.0));
    world->connect("count.n", "echo.u");
    if (fault) world->add_fault(*fault);
    world->reset();
    return world;
}

std::vector<double> echoes(World& world, int n) {
    std::vector<double> seen;
    for (int i = 0; i < n; ++i) {
        world.step();
        seen.push_back(at(world, "echo.y"));
    }
    return seen;
}

}  // namespace

CASE(a_fault_acts_in_its_ticks_and_in_no_other) {
    const auto run = [](FaultKind kind, std::optional<double> value) {
        return echoes(*counting(Fault{"f", "echo.u", kind, value, 2, 5}), 7);
    };
    CHECK(echoes(*counting({}), 7) == (std::vector<double>{0, 1, 2, 3, 4, 5, 6}));
    CHECK(run(FaultKind::stuck_at, 9.0) == (std::vector<double>{0, 1, 9, 9, 9, 5, 6}));
    CHECK(run(FaultKind::stuck_at, {}) == (std::vector<double>{0, 1, 1, 1, 1, 5, 6}));
    CHECK(run(FaultKind::bias, 0.5) == (std::vector<double>{0, 1, 2.5, 3.5, 4.5, 5, 6}));
    CHECK(run(FaultKind::gain, -2.0) == (std::vector<double>{0, 1, -4, -6, -8, 5, 6}));
}

CASE(a_fault_comes_and_goes_by_hand) {
    const auto world = counting(Fault{"f", "echo.u", FaultKind::bias, 100.0, {}, {}});
    CHECK(echoes(*world, 2) == (std::vector<double>{0, 1}));
    world->inject("f");
    CHECK_EQUAL(world->active_faults().at(0), "f");
    CHECK(echoes(*world, 2) == (std::vector<double>{102, 103}));
    world->clear("f");
    CHECK(echoes(*world, 2) == (std::vector<double>{4, 5}));
    CHECK_THROWS(UsageError, world->inject("g"), "there is no fault 'g'");
    world->reset();
    CHECK(echoes(*world, 2) == (std::vector<double>{0, 1}));
}

CASE(a_fault_does_not_grow_on_the_held_input_of_a_slow_unit) {
    World world(Period(1, 10));
    world.add("count", std::make_unique<Counter>());
    world.add("slow", std::make_unique<Witness>(), 4);
    world.connect("count.n", "slow.u");
    world.add_fault({"f", "slow.u", FaultKind::bias, 100.0, 0, {}});
    world.reset();
    world.step(4);
    CHECK_EQUAL(at(world, "slow.seen"), 100.0);
    world.step(4);
    CHECK_EQUAL(at(world, "slow.seen"), 104.0);
}

CASE(a_snapshot_holds_what_a_fault_has_become) {
    const auto world = counting(Fault{"f", "echo.u", FaultKind::stuck_at, {}, {}, {}});
    world->step(3);
    world->inject("f");
    world->step();
    // Gain and Counter cannot be saved; their state is what they published
    CHECK_THROWS(StateError, world->snapshot(), "count, echo");
}

CASE(a_fault_that_cannot_act_is_refused) {
    const auto build = [](const std::string& on, FaultKind kind = FaultKind::bias, std::optional<double> value = 1.0) {
        World world(Period(1, 10));
        world.add("count", std::make_unique<Counter>());
        world.add("echo", std::make_unique<Gain>(1.0));
        world.add("loose", std::make_unique<Gain>(1.0));
        world.connect("count.n", "echo.u");
        world.add_fault({"f", on, kind, value, {}, {}});
        world.build();
    };
    CHECK_THROWS(BuildError, build("loose.u"), "nothing feeds this input");
    CHECK_THROWS(BuildError, build("echo.v"), "no port \"v\"");
    CHECK_THROWS(BuildError, build("echo.u", FaultKind::gain, {}), "needs a value");
    CHECK_THROWS(BuildError, build("echo.u", FaultKind::kill), "only a unit can be killed");
    CHECK_THROWS(BuildError, build("echo"), "a unit cannot have a fault of kind bias");
    CHECK_THROWS(BuildError, build("ecko", FaultKind::kill), "no unit 'ecko'");
    CHECK_THROWS(BuildError, build("echo.u", FaultKind::delay), "at least one tick");
    CHECK_THROWS(BuildError, build("echo.u", FaultKind::quantise, 0.0), "above 0");
}
