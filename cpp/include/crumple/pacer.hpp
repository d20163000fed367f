// Keeps a run on the wall clock. The schedule is absolute: tick k begins at anchor + k * period / speed, so a late
// wake-up does not push the next one. Who falls behind by more than `catch_up` periods slips: the schedule begins anew
// from now, and that is counted.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "crumple/clock.hpp"
#include "crumple/profile.hpp"
#include "crumple/time.hpp"

namespace crumple {

struct PacerOptions {
    double speed = 1.0;               // simulated seconds a second
    Tick catch_up = 3;                // periods
    bool strict = false;              // too far behind ends the run
    Nanoseconds grace = 100'000'000;  // at the start; misses do not count there
    Nanoseconds spin = 0;             // busy waiting before a tick begins
};

// A tick that ended after its deadline.
struct Miss {
    Tick tick = 0;
    Nanoseconds late = 0;       // how late it began
    Nanoseconds step = 0;       // how long it took
    std::string unit;           // that took longest in it, and
    Nanoseconds unit_step = 0;  // how long; empty and 0 where units are not timed
};

struct PacingFigures {
    std::int64_t ticks = 0, grace_ticks = 0;  // ticks without those in grace
    std::int64_t missed = 0, longest_run = 0, slips = 0;
    Nanoseconds slipped = 0;
    Nanoseconds behind = 0;  // at the last slip, or where a strict run was lost
    Histogram late, step;
    std::vector<Miss> misses;  // the first thousand
};

class Pacer {
public:
    enum class Wake : std::uint8_t { due, disturbed, lost };

    Pacer(std::shared_ptr<Clock> clock, Period period, PacerOptions options);

    // This tick begins now.
    void begin(Tick tick);
    // After a pause or a change of speed: the same, without a new grace, and not counted as a slip.
    void anchor(Tick tick);
    void set_speed(double speed, Tick tick);
    double speed() const { return options_.speed; }

    // Waits until a tick is to begin. `disturbed` is asked every 20 ms, and ends the waiting where it says true.
    Wake wait(Tick tick, const std::function<bool()>& disturbed);
    // The tick's step is over. True: after its deadline.
    bool done(Tick tick);
    // Who is to blame for the last miss.
    void blame(const std::string& unit, Nanoseconds step);

    Nanoseconds due(Tick tick) const;
    Nanoseconds last_late() const { return late_; }
    Nanoseconds last_step() const { return step_; }
    const PacingFigures& figures() const { return figures_; }

private:
    std::shared_ptr<Clock> clock_;
    Period period_;
    PacerOptions options_;
    Tick anchor_tick_ = 0;
    Nanoseconds anchor_ = 0, began_ = 0, grace_end_ = 0, late_ = 0, step_ = 0;
    std::int64_t run_ = 0;  // misses in a row
    PacingFigures figures_;
};

}  // namespace crumple
