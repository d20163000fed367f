#include "check.hpp"
#include "crumple/world.hpp"
#include "units.hpp"

using namespace crumple;
using namespace crumple::test;

static double at(const World& world, const std::string& name) { return world.value(world.find(name))[0]; }

CASE(initial_values_pass_through_a_chain_in_its_order) {
    World world(Period(1, 10));
    // names sort against the direction of the chain
    world.add("z", std::make_unique<Lag>(1.0, 3.0));
    world.add("y", std::make_unique<Gain>(2.0));
    world.add("x", std::make_unique<Gain>(5.0, 1.0));
    world.connect("z.y", "y.u");
    world.connect("y.y", "x.u");
    world.reset();
    CHECK_EQUAL(at(world, "y.y"), 6.0);
    CHECK_EQUAL(at(world, "x.y"), 31.0);
    CHECK_EQUAL(world.tick(), 0);
}

CASE(a_loop_that_contracts_settles_on_its_fixed_point) {
    World world(Period(1, 10));
    world.add("a", std::make_unique<Gain>(0.5, 1.0));
    world.add("b", std::make_unique<Gain>(-0.8, 2.0));
    world.connect("a.y", "b.u");
    world.connect("b.y", "a.u");
    world.reset();
    // a = 0.5 b + 1, b = -0.8 a + 2: a = 2 / 1.4
    CHECK_CLOSE(at(world, "a.y"), 2.0 / 1.4, 1e-8);
    CHECK_CLOSE(at(world, "b.y"), 2.0 - 0.8 * 2.0 / 1.4, 1e-8);
}

CASE(a_loop_that_does_not_settle_is_named) {
    World world(Period(1, 10));
    world.add("a", std::make_unique<Gain>(2.0, 1.0));
    world.add("b", std::make_unique<Gain>(1.0));
    world.connect("a.y", "b.u");
    world.connect("b.y", "a.u");
    CHECK_THROWS(BuildError, world.reset(), "do not settle");
    CHECK_THROWS(BuildError, world.reset(), "a.y -> b.u -> b.y -> a.u");
    CHECK_THROWS(UsageError, world.step(), "reset");
}

CASE(without_a_loop_each_unit_is_evaluated_once) {
    World world(Period(1, 10));
    auto owned = std::make_unique<Gain>(2.0);
    Gain* const gain = owned.get();
    world.add("a", std::move(owned));
    world.add("b", std::make_unique<Lag>(1.0));
    world.connect("b.y", "a.u");
    world.reset();
    CHECK_EQUAL(gain->evaluations, 1);
}
