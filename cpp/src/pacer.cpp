#include "crumple/pacer.hpp"

#include <algorithm>
#include <cmath>

#include "crumple/error.hpp"

namespace crumple {

namespace {

constexpr Nanoseconds look_every = 20'000'000;
constexpr std::size_t misses_kept = 1000;

void check_speed(double speed) {
    // beyond, moments would not fit into 64 bits of nanoseconds
    if (!(speed >= 1e-6 && speed <= 1e6))
        throw UsageError("a speed is a number from 1e-6 to 1e6, simulated seconds a second");
}

}  // namespace

Pacer::Pacer(std::shared_ptr<Clock> clock, Period period, PacerOptions options)
    : clock_(std::move(clock)), period_(period), options_(options) {
    check_speed(options_.speed);
    if (options_.catch_up < 0) throw UsageError("catch_up is a number of periods, 0 or more");
}

// In long double, which holds a century of nanoseconds exactly: the same tick always falls on the same moment.
Nanoseconds Pacer::due(Tick tick) const {
    const long double ticks = static_cast<long double>(tick - anchor_tick_);
    const long double seconds = ticks * static_cast<long double>(period_.numerator()) /
                                (static_cast<long double>(period_.denominator()) * options_.speed);
    return anchor_ + static_cast<Nanoseconds>(std::llroundl(seconds * 1e9L));
}

void Pacer::begin(Tick tick) {
    anchor(tick);
    grace_end_ = anchor_ + options_.grace;
}

void Pacer::anchor(Tick tick) {
    anchor_tick_ = tick;
    anchor_ = clock_->now();
    run_ = 0;
}

void Pacer::set_speed(double speed, Tick tick) {
    check_speed(speed);
    anchor(tick);
    options_.speed = speed;
}

Pacer::Wake Pacer::wait(Tick tick, const std::function<bool()>& disturbed) {
    const Nanoseconds target = due(tick);
    Nanoseconds now = clock_->now();
    while (now < target - options_.spin) {
        clock_->sleep_until(std::min(target - options_.spin, now + look_every));
        now = clock_->now();
        if (now < target - options_.spin && disturbed && disturbed()) return Wake::disturbed;
    }
    if (now < target) {
        clock_->spin_until(target);
        now = clock_->now();
    }
    began_ = now;
    late_ = now - target;
    if (now < grace_end_) {
        if (late_ > due(options_.catch_up) - due(0)) anchor(tick);
        return Wake::due;
    }
    figures_.late.add(static_cast<std::uint64_t>(std::max<Nanoseconds>(late_, 0)));
    if (late_ > due(options_.catch_up) - due(0)) {
        figures_.behind = late_;
        if (options_.strict) return Wake::lost;
        ++figures_.slips;
        figures_.slipped += late_;
        const std::int64_t run = run_;
        anchor(tick);
        run_ = run;
    }
    return Wake::due;
}

bool Pacer::done(Tick tick) {
    const Nanoseconds now = clock_->now();
    step_ = now - began_;
    if (began_ < grace_end_) {
        ++figures_.grace_ticks;
        return false;
    }
    ++figures_.ticks;
    figures_.step.add(static_cast<std::uint64_t>(std::max<Nanoseconds>(step_, 0)));
    if (now <= due(tick + 1)) {
        run_ = 0;
        return false;
    }
    ++figures_.missed;
    figures_.longest_run = std::max(figures_.longest_run, ++run_);
    if (figures_.misses.size() < misses_kept) figures_.misses.push_back({tick, late_, step_, "", 0});
    return true;
}

void Pacer::blame(const std::string& unit, Nanoseconds step) {
    if (figures_.misses.empty() || figures_.missed > static_cast<std::int64_t>(misses_kept)) return;
    figures_.misses.back().unit = unit;
    figures_.misses.back().unit_step = step;
}

}  // namespace crumple
