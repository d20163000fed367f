#include "check.hpp"
#include "crumple/profile.hpp"

using crumple::Histogram;

CASE(percentiles_are_within_their_bucket) {
    Histogram h;
    for (std::uint64_t ns = 1; ns <= 100'000; ++ns) h.add(ns);
    CHECK_EQUAL(h.count(), 100'000u);
    CHECK_CLOSE(h.mean(), 50'000.5, 1e-12);
    CHECK_CLOSE(h.quantile(0.5), 50'000.0, 0.045);
    CHECK_CLOSE(h.quantile(0.99), 99'000.0, 0.045);
    CHECK_EQUAL(h.max(), 100'000u);
    CHECK(h.quantile(1.0) <= 100'000.0);
}

CASE(small_and_huge_times_have_a_bucket) {
    Histogram h;
    h.add(0);
    h.add(7);
    h.add(~std::uint64_t{0});
    CHECK_EQUAL(h.quantile(0.0), 0.0);
    CHECK_EQUAL(h.quantile(0.4), 7.0);
    CHECK_EQUAL(h.max(), ~std::uint64_t{0});
}
