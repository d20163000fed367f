#include "crumple/digest.hpp"

#include <bit>

namespace crumple {

namespace {

constexpr std::uint64_t odd = 0x9fb21c651e98df25ULL;

inline std::uint64_t mix(std::uint64_t lane, std::uint64_t word) {
    lane = (lane ^ word) * odd;
    return lane ^ (lane >> 32);  // high bits come down, or two changed signs could cancel
}

}  // namespace

void Digest::add(std::span<const double> values) {
    const std::size_t n = values.size();
    auto lanes = lanes_;  // in registers
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (std::size_t k = 0; k < 8; ++k) lanes[k] = mix(lanes[k], std::bit_cast<std::uint64_t>(values[i + k]));
    for (std::size_t k = 0; i < n; ++i, ++k) lanes[k] = mix(lanes[k], std::bit_cast<std::uint64_t>(values[i]));
    lanes_ = lanes;
}

void Digest::add(std::span<const Blob> blobs) {
    for (const Blob& blob : blobs) {
        std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a: strings are short
        if (blob)
            for (unsigned char c : *blob) hash = (hash ^ c) * 0x100000001b3ULL;
        lanes_[0] = mix(lanes_[0], hash);
        lanes_[1] = mix(lanes_[1], blob ? blob->size() : 0);
    }
}

std::uint64_t Digest::value() const {
    std::uint64_t all = 0;
    for (std::uint64_t lane : lanes_) all = mix(all, lane);
    return all ^ (all >> 29);
}

}  // namespace crumple
