// The floating-point mode (rounding, flush-to-zero, exception masks) belongs to the thread, and an FMU may leave it
// changed. Read and put back around calls; the sticky exception flags are nobody's business and are left alone.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#else
#include <cfenv>
#endif

namespace crumple {

#if defined(__x86_64__)

struct FpMode {
    std::uint32_t sse = 0;
    std::uint16_t x87 = 0;
    bool operator==(const FpMode&) const = default;
};

inline FpMode fp_mode() {
    FpMode mode;
    mode.sse = _mm_getcsr() & ~0x3fU;  // without the six sticky flags
    __asm__ volatile("fnstcw %0" : "=m"(mode.x87));
    return mode;
}

inline void set_fp_mode(const FpMode& mode) {
    _mm_setcsr((_mm_getcsr() & 0x3fU) | mode.sse);
    __asm__ volatile("fldcw %0" : : "m"(mode.x87));
}

inline const char* fp_mode_change(const FpMode& before, const FpMode& after) {
    if ((before.sse ^ after.sse) & 0x6000U || (before.x87 ^ after.x87) & 0x0c00U) return "rounding direction";
    if ((before.sse ^ after.sse) & 0x8040U) return "flush-to-zero mode";
    if ((before.x87 ^ after.x87) & 0x0300U) return "x87 precision";
    return "exception mask";
}

#else

struct FpMode {
    int rounding = 0;
    bool operator==(const FpMode&) const = default;
};

inline FpMode fp_mode() { return {std::fegetround()}; }
inline void set_fp_mode(const FpMode& mode) { std::fesetround(mode.rounding); }
inline const char* fp_mode_change(const FpMode&, const FpMode&) { return "rounding direction"; }

#endif

}  // namespace crumple
