#include "crumple/time.hpp"

#include <numeric>

#include "crumple/error.hpp"

namespace crumple {

Period::Period(std::int64_t numerator, std::int64_t denominator) : numerator_(numerator), denominator_(denominator) {
    if (numerator <= 0 || denominator <= 0)
        throw BuildError("period " + std::to_string(numerator) + "/" + std::to_string(denominator) +
                         " s is not positive. Give a period such as 1/1000 s.");
    const std::int64_t common = std::gcd(numerator, denominator);
    numerator_ /= common;
    denominator_ /= common;
}

double Period::at(Tick tick) const {
    constexpr std::int64_t exact = std::int64_t{1} << 53;
    std::int64_t product = 0;
    if (!__builtin_mul_overflow(tick, numerator_, &product) && product < exact && product > -exact &&
        denominator_ < exact)
        return static_cast<double>(product) / static_cast<double>(denominator_);  // one rounding: the nearest double
    // beyond 2^53: whole seconds apart, so that the fraction keeps its bits
    const __int128 wide = static_cast<__int128>(tick) * numerator_;
    const auto whole = static_cast<std::int64_t>(wide / denominator_);
    const auto rest = static_cast<std::int64_t>(wide % denominator_);
    return static_cast<double>(whole) + static_cast<double>(rest) / static_cast<double>(denominator_);
}

std::string Period::text() const {
    std::string text = std::to_string(numerator_);
    if (denominator_ != 1) text += "/" + std::to_string(denominator_);
    return text + " s";
}

}  // namespace crumple
