#include "channel.hpp"

#ifdef __linux__

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <iterator>

#include "fmu_log.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace crumple {

namespace {

void relax() {
#if defined(__x86_64__)
    _mm_pause();
#endif
}

constexpr std::uint64_t page = 4096;
constexpr std::uint64_t yield_for = 100'000, yield_same_core = 3'000;  // [ns]

std::uint64_t nanoseconds() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

std::uint64_t SegmentShape::bytes() const {
    const std::uint64_t all = sizeof(Segment) + (inputs + outputs) * sizeof(double) + arena;
    return (all + page - 1) / page * page;
}

const char* op_name(Op op) {
    constexpr const char* names[] = {"call", "call", "make", "drive",  "reset", "initialise", "begin",   "step", "end",
                                     "save", "load", "pack", "unpack", "tune",  "fork",       "inspect", "quit"};
    const auto k = static_cast<std::size_t>(op);
    return k < std::size(names) ? names[k] : "call";
}

std::uint64_t checksum(std::uint64_t seed, const void* bytes, std::size_t count) {
    constexpr std::uint64_t factor = 0x9e3779b97f4a7c15ULL;  // 2^64 over the golden ratio: odd, bits well spread
    std::uint64_t sum = (seed + count) * factor + 1;
    const char* at = static_cast<const char*>(bytes);
    for (; count >= 8; count -= 8, at += 8) {
        std::uint64_t word;
        std::memcpy(&word, at, 8);
        sum = (sum ^ word) * factor;
        sum ^= sum >> 32;
    }
    std::uint64_t rest = 0;
    if (count > 0) std::memcpy(&rest, at, count);
    sum = (sum ^ rest) * factor;
    return sum ^ sum >> 29;
}

void put_text(std::span<char> field, std::string_view text) {
    const std::size_t n = std::min(text.size(), field.size() - 1);
    std::memcpy(field.data(), text.data(), n);
    field[n] = '\0';
}

std::string get_text(std::span<const char> field) {
    const auto end = std::find(field.begin(), field.end(), '\0');
    return clean_text(std::string(field.begin(), end).c_str());
}

bool wait_for_change(std::atomic<std::uint32_t>& word, std::uint32_t old, std::atomic<std::uint32_t>& awaited,
                     std::uint32_t spins, std::int32_t other, double slice) {
    if (spins > 0) {
        // Not asleep yet: to wake a sleeper takes 5 us, and 100 on a virtual machine whose core went idle (measured).
        // Who is waited for may need this very core, though: then it gets it, by yielding or else by sleeping.
        const bool same_core = other == sched_getcpu();
        for (std::uint32_t i = same_core ? spins : 0; i < spins; ++i) {
            if (word.load(std::memory_order_acquire) != old) return true;
            relax();
        }
        const std::uint64_t until = nanoseconds() + (same_core ? yield_same_core : yield_for);
        while (nanoseconds() < until) {
            sched_yield();
            if (word.load(std::memory_order_acquire) != old) return true;
        }
    }
    awaited.store(1, std::memory_order_seq_cst);
    if (word.load(std::memory_order_seq_cst) == old) {
        const auto seconds = static_cast<std::time_t>(slice);
        timespec limit{seconds, static_cast<long>((slice - static_cast<double>(seconds)) * 1e9)};
        syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAIT, old, &limit, nullptr, 0);
    }
    awaited.store(0, std::memory_order_relaxed);
    return word.load(std::memory_order_acquire) != old;
}

void publish(std::atomic<std::uint32_t>& word, std::uint32_t value, std::atomic<std::uint32_t>& awaited) {
    word.store(value, std::memory_order_seq_cst);
    if (awaited.load(std::memory_order_seq_cst))
        syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

}  // namespace crumple

#endif
