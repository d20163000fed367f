#include "check.hpp"
#include "crumple/error.hpp"
#include "crumple/time.hpp"

using crumple::Period;

CASE(an_hour_of_centiseconds_ends_at_3600_exactly) { CHECK_EQUAL(Period(1, 100).at(360'000), 3600.0); }

CASE(sixty_hertz_is_exact_at_every_second) {
    const Period frame(1, 60);
    for (int s = 0; s < 10'000; ++s) CHECK_EQUAL(frame.at(60 * s), static_cast<double>(s));
}

CASE(audio_rate_is_exact_at_every_second) { CHECK_EQUAL(Period(1, 44'100).at(44'100LL * 86'400), 86'400.0); }

CASE(each_time_is_the_double_nearest_to_the_fraction) {
    const Period third(1, 3);
    for (int k = 0; k < 1000; ++k) CHECK_EQUAL(third.at(k), k / 3.0);
}

CASE(fractions_are_reduced) {
    CHECK_EQUAL(Period(10, 1000).denominator(), 100);
    CHECK_EQUAL(Period(10, 1000).text(), "1/100 s");
    CHECK_EQUAL(Period(4, 2).text(), "2 s");
}

CASE(a_product_beyond_64_bits_keeps_its_fraction) {
    // 16666666666666666 / 10^18 s is what the decimal digits of a double near 1/60 say
    const Period odd(16'666'666'666'666'666, 1'000'000'000'000'000'000);
    CHECK_CLOSE(odd.at(60'000'000), 999'999.99999999996, 1e-15);
    CHECK_EQUAL(Period(1, 1'000'000'000).at(9'007'199'254'740'993'000), 9007199254.740993);
}

CASE(time_before_the_start_is_negative) { CHECK_EQUAL(Period(1, 10).at(-5), -0.5); }

CASE(a_period_is_positive) {
    CHECK_THROWS(crumple::BuildError, Period(0, 1), "not positive");
    CHECK_THROWS(crumple::BuildError, Period(-1, 60), "not positive");
}
