// A 64-bit hash rolled over the published signals of every tick, so that two runs can be compared tick by tick.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "crumple/port.hpp"

namespace crumple {

// Four independent lanes, as many as fit the registers: the multiply of one hides behind those of the others. Each lane
// is a bijection of its state for a given word, so a single changed bit always changes the digest of that lane.
class Digest {
public:
    using Lanes = std::array<std::uint64_t, 4>;

    Digest() = default;
    explicit Digest(const Lanes& lanes) : lanes_(lanes) {}
    const Lanes& lanes() const { return lanes_; }

    void add(std::span<const double> values);
    // The same, copying the values on the way; returns whether all are finite. One pass, in plain 8-byte loads: wider
    // ones would wait for the stores of the units that have just written the values (2 ns a value, measured).
    bool add_and_copy(std::span<const double> values, double* to);
    void add(std::span<const Blob> blobs);
    std::uint64_t value() const;

private:
    Lanes lanes_{1, 2, 3, 4};
};

}  // namespace crumple
