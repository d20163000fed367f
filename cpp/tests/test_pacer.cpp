#include "check.hpp"
#include "crumple/drive.hpp"
#include "units.hpp"

using namespace crumple;
using namespace crumple::test;

namespace {

constexpr Nanoseconds ms = 1'000'000;

PacerOptions quick() {
    PacerOptions options;
    options.grace = 0;
    return options;
}

// Steps one tick of a given length, and tells how late it began.
Nanoseconds tick(Pacer& pacer, VirtualClock& clock, Tick k, Nanoseconds step) {
    CHECK(pacer.wait(k, {}) == Pacer::Wake::due);
    clock.advance(step);
    pacer.done(k);
    return pacer.last_late();
}

}  // namespace

CASE(ticks_begin_on_an_absolute_schedule) {
    const auto clock = std::make_shared<VirtualClock>(1000);
    Pacer pacer(clock, Period(1, 60), quick());
    pacer.begin(0);
    // a late wake-up does not push the next tick: an hour of ticks ends where it should, to the nanosecond
    clock->oversleep(3000);
    for (Tick k = 0; k < 216'000; ++k) tick(pacer, *clock, k, 100);
    CHECK_EQUAL(pacer.due(216'000), 1000 + 3'600'000'000'000);
    CHECK_EQUAL(pacer.figures().missed, 0);
    CHECK_EQUAL(pacer.figures().slips, 0);
    CHECK_EQUAL(pacer.figures().late.max(), 3000U);
    CHECK_EQUAL(pacer.figures().ticks, 216'000);
}

CASE(a_tick_that_ends_after_its_deadline_is_a_miss_and_is_caught_up) {
    const auto clock = std::make_shared<VirtualClock>();
    Pacer pacer(clock, Period(1, 1000), quick());
    pacer.begin(0);
    CHECK_EQUAL(tick(pacer, *clock, 0, 1 * ms), 0);            // ends at its deadline: in time
    CHECK_EQUAL(tick(pacer, *clock, 1, 5 * ms / 2), 0);        // 1.5 ms over
    CHECK_EQUAL(tick(pacer, *clock, 2, ms / 10), 3 * ms / 2);  // begins at 3.5, should have ended at 3.0
    CHECK_EQUAL(tick(pacer, *clock, 3, ms / 10), 6 * ms / 10);
    CHECK_EQUAL(tick(pacer, *clock, 4, ms / 10), 0);
    CHECK_EQUAL(pacer.figures().missed, 2);
    CHECK_EQUAL(pacer.figures().longest_run, 2);
    CHECK_EQUAL(pacer.figures().slips, 0);
    CHECK_EQUAL(pacer.figures().misses.at(0).tick, 1);
    CHECK_EQUAL(pacer.figures().misses.at(1).tick, 2);
    CHECK_EQUAL(clock->now(), 4 * ms + ms / 10);
}

CASE(who_falls_behind_by_more_than_catch_up_slips_and_keeps_the_new_schedule) {
    const auto clock = std::make_shared<VirtualClock>();
    Pacer pacer(clock, Period(1, 1000), quick());
    pacer.begin(0);
    tick(pacer, *clock, 0, 4 * ms);  // tick 1 is 3 ms late: exactly what may be caught up
    CHECK_EQUAL(pacer.figures().slips, 0);
    tick(pacer, *clock, 1, 3 * ms);  // tick 2 is 5 ms late
    CHECK_EQUAL(tick(pacer, *clock, 2, 0), 5 * ms);
    CHECK_EQUAL(pacer.figures().slips, 1);
    CHECK_EQUAL(pacer.figures().slipped, 5 * ms);
    CHECK_EQUAL(pacer.due(3), 8 * ms);
    CHECK_EQUAL(tick(pacer, *clock, 3, 0), 0);
}

CASE(a_strict_run_is_lost_where_another_slips) {
    const auto clock = std::make_shared<VirtualClock>();
    PacerOptions options = quick();
    options.strict = true;
    options.catch_up = 0;
    Pacer pacer(clock, Period(1, 1000), options);
    pacer.begin(0);
    tick(pacer, *clock, 0, ms);
    tick(pacer, *clock, 1, ms + 1);
    CHECK(pacer.wait(2, {}) == Pacer::Wake::lost);
    CHECK_EQUAL(pacer.figures().behind, 1);
}

CASE(misses_in_the_grace_do_not_count) {
    const auto clock = std::make_shared<VirtualClock>();
    PacerOptions options = quick();
    options.grace = 50 * ms;
    Pacer pacer(clock, Period(1, 1000), options);
    pacer.begin(0);
    tick(pacer, *clock, 0, 40 * ms);
    tick(pacer, *clock, 1, 0);
    CHECK_EQUAL(pacer.figures().missed, 0);
    CHECK_EQUAL(pacer.figures().slips, 0);
    CHECK_EQUAL(pacer.due(2), 41 * ms);  // and the schedule began anew
    tick(pacer, *clock, 2, 60 * ms);
    CHECK_EQUAL(pacer.figures().grace_ticks, 3);
    CHECK_EQUAL(pacer.figures().ticks, 0);
}

CASE(the_speed_changes_the_schedule_from_now_on) {
    const auto clock = std::make_shared<VirtualClock>();
    PacerOptions options = quick();
    options.speed = 0.5;
    Pacer pacer(clock, Period(1, 1000), options);
    pacer.begin(0);
    CHECK_EQUAL(pacer.due(10), 20 * ms);
    tick(pacer, *clock, 0, 0);
    pacer.set_speed(4.0, 1);
    CHECK_EQUAL(pacer.due(5), 1 * ms);
    CHECK_THROWS(UsageError, pacer.set_speed(0.0, 1), "from 1e-6 to 1e6");
    CHECK_THROWS(UsageError, pacer.set_speed(std::nan(""), 1), "from 1e-6 to 1e6");
}

CASE(a_spinning_wait_begins_before_the_deadline) {
    const auto clock = std::make_shared<VirtualClock>();
    PacerOptions options = quick();
    options.spin = ms / 2;
    Pacer pacer(clock, Period(1, 1000), options);
    pacer.begin(0);
    tick(pacer, *clock, 0, 0);
    clock->oversleep(ms);  // sleeps until 0.5 ms, wakes at 1.5
    CHECK_EQUAL(tick(pacer, *clock, 1, 0), ms / 2);
}

CASE(a_long_wait_ends_when_somebody_wants_something) {
    const auto clock = std::make_shared<VirtualClock>();
    Pacer pacer(clock, Period(10, 1), quick());
    pacer.begin(0);
    int asked = 0;
    CHECK(pacer.wait(1, [&] { return ++asked == 3; }) == Pacer::Wake::disturbed);
    CHECK_EQUAL(clock->now(), 60 * ms);
}

CASE(a_paced_world_has_the_digest_of_one_that_runs_free) {
    World free(Period(1, 1000)), paced(Period(1, 1000));
    for (World* world : {&free, &paced}) {
        world->add("lag", std::make_unique<Lag>(0.1));
        world->reset();
    }
    free.step(50);
    VirtualClock clock;
    const auto shared = std::make_shared<VirtualClock>();
    Pacer pacer(shared, Period(1, 1000), quick());
    pacer.begin(0);
    CHECK(drive(paced, 50, &pacer, nullptr, clock, {}) == Stopped::reached);
    CHECK_EQUAL(paced.digest(), free.digest());
    CHECK_EQUAL(shared->now(), 49 * ms);
}
