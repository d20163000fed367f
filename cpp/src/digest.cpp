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
    const double* x = values.data();
    const double* const end = x + values.size();
    auto [a, b, c, d, e, f, g, h] = lanes_;  // by name, or the compiler keeps them in memory
    for (; end - x >= 8; x += 8) {
        a = mix(a, std::bit_cast<std::uint64_t>(x[0]));
        b = mix(b, std::bit_cast<std::uint64_t>(x[1]));
        c = mix(c, std::bit_cast<std::uint64_t>(x[2]));
        d = mix(d, std::bit_cast<std::uint64_t>(x[3]));
        e = mix(e, std::bit_cast<std::uint64_t>(x[4]));
        f = mix(f, std::bit_cast<std::uint64_t>(x[5]));
        g = mix(g, std::bit_cast<std::uint64_t>(x[6]));
        h = mix(h, std::bit_cast<std::uint64_t>(x[7]));
    }
    lanes_ = {a, b, c, d, e, f, g, h};
    for (std::size_t k = 0; x < end; ++x, ++k) lanes_[k] = mix(lanes_[k], std::bit_cast<std::uint64_t>(*x));
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
