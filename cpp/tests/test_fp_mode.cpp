#include "../src/fp_mode.hpp"

#include <cfenv>

#include "check.hpp"

using crumple::fp_mode;
using crumple::fp_mode_works_as_usual;
using crumple::set_fp_mode;

CASE(every_rounding_direction_but_the_usual_is_noticed) {
    const auto usual = fp_mode();
    CHECK(fp_mode_works_as_usual());
    for (const int direction : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
        std::fesetround(direction);
        const bool noticed = !fp_mode_works_as_usual() && fp_mode() != usual;
        set_fp_mode(usual);
        CHECK(noticed);
        CHECK(fp_mode_works_as_usual());
        CHECK(fp_mode() == usual);
    }
}

#if defined(__x86_64__)
CASE(flushed_subnormals_are_noticed) {
    const auto usual = fp_mode();
    for (const unsigned bits : {0x8000U, 0x0040U, 0x8040U}) {
        _mm_setcsr(_mm_getcsr() | bits);
        const bool noticed = !fp_mode_works_as_usual();
        const auto left = fp_mode();
        set_fp_mode(usual);
        CHECK(noticed);
        CHECK_EQUAL(std::string(crumple::fp_mode_change(usual, left)), "flush-to-zero mode");
    }
}

CASE(sticky_flags_are_not_a_mode) {
    const auto usual = fp_mode();
    volatile double zero = 0.0;
    CHECK(std::isinf(1.0 / zero));
    CHECK(fp_mode() == usual);
    std::feclearexcept(FE_ALL_EXCEPT);
}
#endif
