// Random streams: one per unit, from the run's seed and the unit's name, so that adding a unit disturbs no other.
#pragma once

#include <cstdint>
#include <string_view>

namespace crumple {

std::uint64_t stream_seed(std::uint64_t seed, std::string_view unit);

// splitmix64: 64 bits of state, passes the usual test batteries, and is trivially saved with its unit.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }
    std::uint64_t state() const { return state_; }                              // Random(state()) goes on from here
    double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }  // in [0, 1)

private:
    std::uint64_t state_;
};

}  // namespace crumple
