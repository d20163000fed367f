// Time is counted, not added: a tick is an integer and t = tick * period with an exact rational period.
#pragma once

#include <cstdint>
#include <string>

namespace crumple {

using Tick = std::int64_t;

// The base step as a reduced fraction of a second; 60 Hz is {1, 60} and 44.1 kHz is {1, 44100}, both exact.
class Period {
public:
    Period(std::int64_t numerator, std::int64_t denominator);  // throws BuildError unless both are positive

    std::int64_t numerator() const { return numerator_; }
    std::int64_t denominator() const { return denominator_; }

    // tick * period in seconds [s]. Correctly rounded while tick * numerator stays below 2^53, and never accumulated:
    // the same tick always gives the same double.
    double at(Tick tick) const;
    double seconds() const { return at(1); }
    std::string text() const;  // "1/60 s"

private:
    std::int64_t numerator_;
    std::int64_t denominator_;
};

}  // namespace crumple
