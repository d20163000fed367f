#include "fmus.hpp"
#include "units.hpp"

using namespace crumple;
using namespace crumple::test;

CASE(fmi2_only_what_is_called_must_exist) {
    FmuSpec spec = odd("real_only2");
    spec.can_save = false;
    Alone alone(spec);
    alone.world.reset();
    alone.world.step(8);
    CHECK_EQUAL(at(alone.world, "dut.y"), 1.0);
    spec.outputs.push_back(variable("text", 0, FmiType::string, Kind::string));
    spec.feedthrough.push_back({});
    Alone text(spec);
    CHECK_THROWS(StepError, text.world.reset(), "fmi2GetString");
}

CASE(fmi2_all_types_pass_through) {
    FmuSpec spec = odd("plain2");
    spec.library = library("all_types2");
    spec.token = "{all_types2}";
    // one number, four variables: types count apart
    spec.inputs = {variable("b", 0, FmiType::boolean, Kind::boolean), variable("r", 0),
                   variable("i", 0, FmiType::int32, Kind::integer), variable("s", 0, FmiType::string, Kind::string),
                   variable("e", 1, FmiType::int32, Kind::enumeration)};
    spec.outputs = {variable("s", 100, FmiType::string, Kind::string),
                    variable("e", 101, FmiType::int32, Kind::enumeration),
                    variable("i", 100, FmiType::int32, Kind::integer),
                    variable("b", 100, FmiType::boolean, Kind::boolean), variable("r", 100)};
    for (FmuVariable& v : spec.outputs) v.port.name += "_out";
    spec.feedthrough.assign(5, {0, 1, 2, 3, 4});
    Alone alone(spec);
    World& world = alone.world;
    world.reset();
    const auto set = [&](const std::string& name, double x) {
        const std::vector<double> one{x};
        world.set(world.find(name), one);
    };
    set("dut.b", 1.0);
    set("dut.r", -2.5);
    set("dut.i", -123456.0);
    set("dut.e", 5.0);
    const std::vector<Blob> text{std::make_shared<const std::string>("größer")};
    world.set(world.find("dut.s"), text);
    world.step();
    CHECK_EQUAL(at(world, "dut.b_out"), 1.0);
    CHECK_EQUAL(at(world, "dut.r_out"), -2.5);
    CHECK_EQUAL(at(world, "dut.i_out"), -123456.0);
    CHECK_EQUAL(at(world, "dut.e_out"), 5.0);
    CHECK_EQUAL(*world.blobs(world.find("dut.s_out"))[0], "größer");
    set("dut.i", 0.5);
    CHECK_THROWS(StepError, world.step(), "takes whole numbers");
}

CASE(fmi2_a_refused_step_names_the_steps_allowed) {
    FmuSpec spec = odd("constant_step2");
    spec.can_vary_step = false;
    spec.default_step = 0.01;
    Alone alone(spec);
    alone.world.reset();
    CHECK_THROWS(StepError, alone.world.step(), "takes steps of one size only; its own is 0.01 s");
}

CASE(fmi2_a_fatal_error_is_the_last_call) {
    Alone alone(odd("step_fatal2"));
    alone.world.reset();
    CHECK_THROWS(StepError, alone.world.step(10), "a fatal error");
}
