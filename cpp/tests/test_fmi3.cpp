#include "fmus.hpp"
#include "units.hpp"

using namespace crumple;
using namespace crumple::test;

namespace {

constexpr FmiType types[] = {FmiType::float32, FmiType::float64, FmiType::int8,   FmiType::uint8, FmiType::int16,
                             FmiType::uint16,  FmiType::int32,   FmiType::uint32, FmiType::int64, FmiType::uint64,
                             FmiType::boolean, FmiType::string,  FmiType::binary, FmiType::int64};

FmuSpec all_types() {
    FmuSpec spec = odd("plain3");
    spec.library = library("all_types3");
    spec.token = "{all_types3}";
    spec.inputs.clear();
    spec.outputs.clear();
    spec.tunables.clear();
    return spec;
}

}  // namespace

CASE(fmi3_every_type_and_shape_passes_through) {
    const std::vector<std::vector<std::size_t>> shapes{{}, {3}, {2, 3}};
    FmuSpec spec = all_types();
    for (std::uint32_t k = 1; k <= 14; ++k) {
        for (std::uint32_t d = 0; d < 3; ++d) {
            const FmiType type = types[k - 1];
            const Kind kind = k <= 2    ? Kind::real
                              : k == 11 ? Kind::boolean
                              : k == 12 ? Kind::string
                              : k == 13 ? Kind::binary
                                        : Kind::integer;
            const std::string name = "v" + std::to_string(k) + "_" + std::to_string(d);
            spec.inputs.push_back(variable(name, 20 * d + k, type, kind, shapes[d]));
            spec.outputs.push_back(variable(name + "_out", 100 + 20 * d + k, type, kind, shapes[d]));
            spec.feedthrough.push_back({spec.inputs.size() - 1});
        }
    }
    spec.feedthrough.resize(spec.outputs.size());
    Alone alone(spec);
    World& world = alone.world;
    world.reset();
    for (const FmuVariable& v : spec.inputs) {
        const PortRef in = world.find("dut." + v.port.name);
        if (is_blob(v.port.kind)) {
            std::vector<Blob> blobs;
            for (std::size_t i = 0; i < v.port.size(); ++i)
                blobs.push_back(std::make_shared<const std::string>(
                    v.port.kind == Kind::string ? "text " + std::to_string(i) : std::string("a\0b", 3)));
            world.set(in, blobs);
        } else {
            std::vector<double> values;
            for (std::size_t i = 0; i < v.port.size(); ++i)
                values.push_back(v.port.kind == Kind::boolean                   ? static_cast<double>(i % 2)
                                 : v.port.kind == Kind::real                    ? 0.25 * static_cast<double>(i + 1)
                                 : v.type == FmiType::int64 && v.ref % 20 == 14 ? 1.0 + static_cast<double>(i % 3)
                                                                                : static_cast<double>(i + 100));
            world.set(in, values);
        }
    }
    world.step();
    for (const FmuVariable& v : spec.inputs) {
        const PortRef in = world.find("dut." + v.port.name), out = world.find("dut." + v.port.name + "_out");
        if (is_blob(v.port.kind)) {
            const auto a = world.blobs(in), b = world.blobs(out);
            for (std::size_t i = 0; i < a.size(); ++i) CHECK_EQUAL(*b[i], *a[i]);
        } else {
            CHECK(world.value(in) == world.value(out));
        }
    }
}

CASE(fmi3_a_structural_parameter_sizes_an_array) {
    FmuSpec spec = all_types();
    spec.inputs = {variable("v", 61, FmiType::float64, Kind::real, {5})};
    spec.outputs = {variable("sum", 164)};
    spec.feedthrough = {{0}};
    FmuOptions options;
    options.starts = {{"n", 60, FmiType::uint64, {5.0}, {}, true}};
    Alone alone(spec, options);
    alone.world.reset();
    const std::vector<double> v{1, 2, 4, 8, 16};
    alone.world.set(alone.world.find("dut.v"), v);
    alone.world.step();
    CHECK_EQUAL(at(alone.world, "dut.sum"), 31.0);
}

CASE(fmi3_a_step_that_ends_early_is_carried_to_its_end) {
    for (const char* name : {"step_early3", "step_early_rude3"}) {
        Alone alone(odd(name));
        alone.world.reset();
        alone.world.step(8);
        CHECK_EQUAL(at(alone.world, "dut.y"), 1.0);
    }
}

CASE(fmi3_a_number_beyond_the_range_of_its_type_is_an_error) {
    FmuSpec spec = all_types();
    spec.inputs = {variable("small", 3, FmiType::int8, Kind::integer)};
    Alone alone(spec);
    alone.world.reset();
    const std::vector<double> big{128.0};
    alone.world.set(alone.world.find("dut.small"), big);
    CHECK_THROWS(StepError, alone.world.step(), "input \"small\" takes whole numbers of its type");
}

CASE(fmi3_an_integer_beyond_the_doubles_is_an_error) {
    FmuSpec spec = all_types();
    spec.library = library("huge_integers3");
    spec.outputs = {variable("huge", 109, FmiType::int64, Kind::integer)};
    spec.feedthrough = {{}};
    Alone alone(spec);
    CHECK_THROWS(StepError, alone.world.reset(), "beyond 2^53");
}
