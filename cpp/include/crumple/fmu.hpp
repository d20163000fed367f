// FMUs as units: FMI 2.0 and 3.0 co-simulation. What the FMU's description says comes in as an FmuSpec; the archive
// has been unpacked and its description parsed before.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crumple/unit.hpp"

namespace crumple {

// How a value crosses FMI's C interface. FMI 2: Real is float64, Integer and Enumeration are int32.
// FMI 3: Enumeration is int64.
enum class FmiType : std::uint8_t {
    float32,
    float64,
    int8,
    uint8,
    int16,
    uint16,
    int32,
    uint32,
    int64,
    uint64,
    boolean,
    string,
    binary
};

struct FmuVariable {
    std::uint32_t ref = 0;
    FmiType type = FmiType::float64;
    Port port;
};

// A value set before initialisation.
struct FmuStart {
    std::string name;
    std::uint32_t ref = 0;
    FmiType type = FmiType::float64;
    std::vector<double> numbers;
    std::vector<std::string> blobs;
    bool structural = false;  // FMI 3: set in configuration mode
};

// A model, shared by its instances.
struct FmuSpec {
    int fmi = 2;            // 2 or 3
    std::string file;       // as the user knows it, for messages
    std::string library;    // path of the shared library
    std::string token;      // FMI 2 guid, FMI 3 instantiationToken
    std::string resources;  // FMI 2: file: URI; FMI 3: path with trailing separator; empty: none
    bool once_per_process = false;
    bool can_save = false;
    bool can_serialize = false;
    bool can_vary_step = true;
    bool pinned = false;  // stays on the thread that built the world: it calls the interpreter which that thread holds
    double default_step = 0;  // [s] of the default experiment, 0: not given; named when a step is refused
    std::vector<FmuVariable> inputs;
    std::vector<FmuVariable> outputs;
    std::vector<std::vector<std::size_t>> feedthrough;  // see Ports
    std::vector<FmuVariable> tunables;                  // tunable parameters, by port name
};

struct FmuOptions {
    std::string instance;  // the unit's name
    std::vector<FmuStart> starts;
    std::optional<double> tolerance;
    std::optional<double> stop;   // [s] told to the FMU; not told by default: some refuse the last step then
    bool allow_warnings = false;  // a warning status is no error
};

// Throws BuildError where the spec is not whole. The library is loaded at the first reset.
std::unique_ptr<Unit> make_fmu_unit(std::shared_ptr<const FmuSpec> spec, FmuOptions options);

}  // namespace crumple
