// The test FMUs of tests/fmus as units; their value references are in the README there.
#pragma once

#include <cstdlib>
#include <memory>
#include <string>

#include "check.hpp"
#include "crumple/fmu.hpp"
#include "crumple/world.hpp"

namespace crumple::test {

inline std::string library(const std::string& name) {
    return std::string(CRUMPLE_TEST_FMU_FOLDER) + "/" + name + ".so";
}

inline FmuVariable variable(const std::string& name, std::uint32_t ref, FmiType type = FmiType::float64,
                            Kind kind = Kind::real, std::vector<std::size_t> shape = {}) {
    FmuVariable v;
    v.ref = ref;
    v.type = type;
    v.port.name = name;
    v.port.kind = kind;
    v.port.shape = std::move(shape);
    return v;
}

// odd2 or odd3: x' = k u, y = x; the odd doStep is the third unless `at` says otherwise.
inline FmuSpec odd(const std::string& name) {
    FmuSpec spec;
    spec.fmi = name.back() - '0';
    spec.file = name + ".fmu";
    spec.library = library(name);
    spec.token = spec.fmi == 2 ? "{odd2}" : "{odd3}";
    spec.inputs = {variable("u", 1)};
    spec.inputs[0].port.start = {1.0};
    spec.outputs = {variable("y", 2)};
    spec.feedthrough = {{}};
    spec.tunables = {variable("k", 6)};
    spec.can_save = true;
    return spec;
}

inline std::unique_ptr<Unit> unit(FmuSpec spec, FmuOptions options = {}) {
    options.instance = "dut";
    return make_fmu_unit(std::make_shared<const FmuSpec>(std::move(spec)), std::move(options));
}

inline double at(const World& world, const std::string& name) { return world.value(world.find(name))[0]; }

// A world of one such FMU, stepped by 1/8 s.
struct Alone {
    explicit Alone(FmuSpec spec, FmuOptions options = {}) : world(Period(1, 8)) {
        world.add("dut", unit(std::move(spec), std::move(options)));
    }
    World world;
};

}  // namespace crumple::test
