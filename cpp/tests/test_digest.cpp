#include <set>

#include "check.hpp"
#include "crumple/digest.hpp"
#include "crumple/random.hpp"

using crumple::Blob;
using crumple::Digest;

static std::uint64_t of(const std::vector<double>& values) {
    Digest digest;
    digest.add(std::span<const double>(values));
    return digest.value();
}

CASE(equal_signals_have_equal_digests) { CHECK_EQUAL(of({1, 2, 3}), of({1, 2, 3})); }

CASE(every_bit_of_every_value_counts) {
    std::vector<double> values(19);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = 0.1 * static_cast<double>(i + 1);
    std::set<std::uint64_t> seen{of(values)};
    for (double& x : values) {
        for (int bit = 0; bit < 64; ++bit) {
            const double kept = x;
            std::uint64_t bits = std::bit_cast<std::uint64_t>(x) ^ (std::uint64_t{1} << bit);
            x = std::bit_cast<double>(bits);
            CHECK(seen.insert(of(values)).second);
            x = kept;
        }
    }
}

CASE(two_changed_signs_do_not_cancel) {
    Digest a, b;
    for (int tick = 0; tick < 4; ++tick) {
        std::vector<double> x{1.0}, y{tick == 1 || tick == 2 ? -1.0 : 1.0};
        a.add(std::span<const double>(x));
        b.add(std::span<const double>(y));
    }
    CHECK(a.value() != b.value());
}

CASE(order_counts) { CHECK(of({1, 2}) != of({2, 1})); }

CASE(text_counts_and_null_is_empty) {
    Digest a, b, c;
    const std::vector<Blob> null{nullptr}, empty{std::make_shared<const std::string>()},
        text{std::make_shared<const std::string>("x")};
    a.add(std::span<const Blob>(null));
    b.add(std::span<const Blob>(empty));
    c.add(std::span<const Blob>(text));
    CHECK_EQUAL(a.value(), b.value());
    CHECK(a.value() != c.value());
}

CASE(streams_differ_by_unit_and_by_seed_and_repeat) {
    using crumple::stream_seed;
    CHECK_EQUAL(stream_seed(1, "sensor"), stream_seed(1, "sensor"));
    CHECK(stream_seed(1, "sensor") != stream_seed(2, "sensor"));
    CHECK(stream_seed(1, "sensor") != stream_seed(1, "sensor2"));
}

CASE(uniform_numbers_have_the_mean_and_variance_of_the_unit_interval) {
    crumple::Random random(7);
    const int n = 200'000;
    double sum = 0, squares = 0;
    for (int i = 0; i < n; ++i) {
        const double x = random.uniform();
        CHECK(x >= 0.0 && x < 1.0);
        sum += x;
        squares += x * x;
    }
    CHECK_CLOSE(sum / n, 0.5, 0.005);  // five standard errors are 0.0032
    CHECK_CLOSE(squares / n - 0.25, 1.0 / 12.0, 0.02);
}
