// A 64-bit hash rolled over the published signals of every tick, so that two runs can be compared tick by tick.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "crumple/port.hpp"

namespace crumple {

// Eight independent lanes: the multiply of one hides behind those of the others. Each lane is a bijection of its
// state for a given word, so a single changed bit always changes the digest of that lane.
class Digest {
public:
    void add(std::span<const double> values);
    void add(std::span<const Blob> blobs);
    std::uint64_t value() const;

private:
    std::array<std::uint64_t, 8> lanes_{1, 2, 3, 4, 5, 6, 7, 8};
};

}  // namespace crumple
