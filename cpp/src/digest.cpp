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
    for (std::size_t i = 0; i < values.size(); ++i)
        lanes_[i % 4] = mix(lanes_[i % 4], std::bit_cast<std::uint64_t>(values[i]));
}

bool Digest::add_and_copy(std::span<const double> values, double* to) {
    constexpr std::uint64_t magnitude = ~std::uint64_t{0} >> 1;
    constexpr std::uint64_t lowest_exponent_bit = std::uint64_t{1} << 52;
    std::uint64_t carry = 0;  // its top bit: some exponent was all ones, so a NaN or an infinity
    const auto take = [&](std::uint64_t lane, double value, double& place) {
        const auto word = std::bit_cast<std::uint64_t>(value);
        place = value;
        carry |= (word & magnitude) + lowest_exponent_bit;
        return mix(lane, word);
    };
    const double* x = values.data();
    const double* const end = x + values.size();
    auto [a, b, c, d] = lanes_;  // by name, or the compiler keeps them in memory
    for (; end - x >= 4; x += 4, to += 4) {
        a = take(a, x[0], to[0]);
        b = take(b, x[1], to[1]);
        c = take(c, x[2], to[2]);
        d = take(d, x[3], to[3]);
    }
    lanes_ = {a, b, c, d};
    for (std::size_t k = 0; x < end; ++x, ++k) lanes_[k] = take(lanes_[k], *x, to[k]);
    return carry >> 63 == 0;
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
