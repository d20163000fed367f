// Where the time goes: one row per unit.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace crumple {

// Logarithmic buckets, 16 to an octave: a percentile is right within 4.4 %.
class Histogram {
public:
    void add(std::uint64_t nanoseconds);
    std::uint64_t count() const { return count_; }
    double mean() const { return count_ ? static_cast<double>(sum_) / static_cast<double>(count_) : 0.0; }  // [ns]
    double quantile(double q) const;                                                                        // [ns]
    std::uint64_t max() const { return max_; }                                                              // [ns]
    std::uint64_t sum() const { return sum_; }                                                              // [ns]
    // Upper edge [ns] and count of each bucket that has any.
    std::vector<std::pair<double, std::uint64_t>> buckets() const;

private:
    std::array<std::uint32_t, 64 * 16> buckets_{};
    std::uint64_t count_ = 0, sum_ = 0, max_ = 0;
};

struct ProfileRow {
    std::string unit;
    std::uint64_t count = 0;
    double mean_ns = 0, p99_ns = 0, max_ns = 0;
    double share = 0;  // of the time spent in all units, 0 to 1
};

}  // namespace crumple
