// A snapshot is the whole state of a world at a communication point.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "crumple/digest.hpp"
#include "crumple/fault.hpp"
#include "crumple/stl.hpp"
#include "crumple/unit.hpp"

namespace crumple {

struct Snapshot {
    Tick tick;
    std::uint64_t seed;
    std::vector<double> signals;  // published and latest outputs
    std::vector<double> inputs;   // as last gathered: a slow unit latched them ticks ago
    std::vector<Blob> signal_blobs;
    std::vector<Blob> input_blobs;
    Digest digest;
    std::vector<StatePointer> units;   // in unit order
    std::vector<FaultState> faults;    // in the order in which they act
    std::vector<Judge::State> judges;  // in the order of their declaration
    std::optional<std::string> ended;  // see World::ended()
    std::string world;                 // World::signature(): only a world of the same can be restored to this
};

}  // namespace crumple
