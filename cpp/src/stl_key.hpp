// Doubles as integers in the same order, -0.0 below +0.0, so that least, greatest and not are one instruction each.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include "crumple/stl.hpp"

namespace crumple::stl {

constexpr std::int64_t key_of(double x) {
    const std::int64_t bits = std::bit_cast<std::int64_t>(x);
    return bits ^ ((bits >> 63) & std::numeric_limits<std::int64_t>::max());
}

constexpr double value_of(std::int64_t key) {
    return std::bit_cast<double>(key ^ ((key >> 63) & std::numeric_limits<std::int64_t>::max()));
}

constexpr std::int64_t highest = key_of(std::numeric_limits<double>::infinity());
constexpr std::int64_t lowest = key_of(-std::numeric_limits<double>::infinity());
static_assert(lowest == ~highest && key_of(-0.0) == -1 && key_of(0.0) == 0);

// Which atom at which tick, in one number; nobody: no atom that was seen.
constexpr std::uint64_t nobody = ~std::uint64_t{0};
constexpr int atom_bits = 12;
constexpr std::uint64_t who(Tick tick, std::size_t atom) {
    return static_cast<std::uint64_t>(tick) << atom_bits | atom;
}

constexpr std::int64_t flipped(std::int64_t key, std::int64_t mask) { return key ^ mask; }

// Of two that are equal the first, which is the earlier, unless nobody gave it.
inline Mark least(Mark a, Mark b) { return b.key < a.key || (b.key == a.key && a.who == nobody) ? b : a; }
inline Mark greatest(Mark a, Mark b) { return b.key > a.key || (b.key == a.key && a.who == nobody) ? b : a; }

}  // namespace crumple::stl
