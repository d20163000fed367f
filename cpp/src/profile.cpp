#include "crumple/profile.hpp"

#include <algorithm>
#include <bit>

namespace crumple {

namespace {

constexpr unsigned sub = 4;  // 16 buckets to an octave

std::size_t bucket(std::uint64_t x) {
    if (x < 16) return static_cast<std::size_t>(x);
    const auto octave = static_cast<unsigned>(std::bit_width(x)) - 1;
    return (octave - sub + 1) * 16 + static_cast<std::size_t>((x >> (octave - sub)) & 15);
}

double middle(std::size_t index) {
    if (index < 16) return static_cast<double>(index);
    const auto octave = static_cast<unsigned>(index / 16) - 1 + sub;
    const auto low = static_cast<double>((16 + index % 16) << (octave - sub));
    return low + 0.5 * static_cast<double>(std::uint64_t{1} << (octave - sub));
}

double upper_edge(std::size_t index) {
    if (index < 16) return static_cast<double>(index) + 1.0;
    return middle(index) + 0.5 * static_cast<double>(std::uint64_t{1} << (index / 16 - 1));
}

}  // namespace

std::vector<std::pair<double, std::uint64_t>> Histogram::buckets() const {
    std::vector<std::pair<double, std::uint64_t>> all;
    for (std::size_t i = 0; i < buckets_.size(); ++i)
        if (buckets_[i] != 0) all.emplace_back(upper_edge(i), buckets_[i]);
    return all;
}

void Histogram::add(std::uint64_t nanoseconds) {
    ++buckets_[bucket(nanoseconds)];
    ++count_;
    sum_ += nanoseconds;
    max_ = std::max(max_, nanoseconds);
}

double Histogram::quantile(double q) const {
    const auto wanted = static_cast<std::uint64_t>(q * static_cast<double>(count_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
        seen += buckets_[i];
        if (seen > wanted) return std::min(middle(i), static_cast<double>(max_));
    }
    return static_cast<double>(max_);
}

}  // namespace crumple
