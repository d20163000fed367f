#include "check.hpp"
#include "crumple/table.hpp"
#include "crumple/world.hpp"

using namespace crumple;

static double at(const World& world, const std::string& name) { return world.value(world.find(name))[0]; }

CASE(reals_are_interpolated_and_others_hold) {
    World world(Period(1, 4));
    world.add("in", make_table({0.5, 1.5, 1.5, 2.0},
                               {{"x", Kind::real, {1, 3, 10, 20}}, {"n", Kind::integer, {1, 2, 5, 7}}}));
    world.reset();
    const std::vector<double> x{1, 1, 1, 1.5, 2, 2.5, 10, 15, 20, 20}, n{1, 1, 1, 1, 1, 1, 5, 5, 7, 7};
    for (std::size_t k = 0; k < x.size(); ++k) {
        CHECK_CLOSE(at(world, "in.x"), x[k], 1e-15);
        CHECK_EQUAL(at(world, "in.n"), n[k]);
        world.step();
    }
}

CASE(times_that_go_back_are_refused) {
    CHECK_THROWS(BuildError, make_table({0, 1, 0.5}, {}), "row 2");
    CHECK_THROWS(BuildError, make_table({}, {}), "at least one row");
    CHECK_THROWS(BuildError, make_table({0, 1}, {{"x", Kind::real, {1}}}), "1 values for 2 times");
}
