// Each kind of fault against its closed form. A counter gives x = 0, 1, 2, ... ; the fault is on what is read of it.

#include <bit>
#include <cmath>

#include "check.hpp"
#include "crumple/world.hpp"
#include "units.hpp"

using namespace crumple;
using namespace crumple::test;

namespace {

using Values = std::vector<double>;

double at(const World& world, const std::string& name) { return world.value(world.find(name))[0]; }

Fault on_input(FaultKind kind, std::optional<double> value = {}, Tick since = 0) {
    Fault fault{"f", "echo.u", kind, value};
    fault.since = since;
    return fault;
}

// What is read in n ticks of 0, 1, 2, ...; the period is 1/10 s.
Values reads(const std::vector<Fault>& faults, int n, std::uint64_t seed = 0, Tick every = 1) {
    World world(Period(1, 10));
    world.add("count", std::make_unique<Counter>());
    world.add("echo", std::make_unique<Gain>(1.0), every);
    world.connect("count.n", "echo.u");
    for (const Fault& fault : faults) world.add_fault(fault);
    world.reset(seed);
    Values seen;
    for (int i = 0; i < n; ++i) {
        world.step(every);
        seen.push_back(at(world, "echo.y"));
    }
    return seen;
}

Values one(const Fault& fault, int n) { return reads({fault}, n); }

double mean(const Values& x) {
    double sum = 0.0;
    for (double v : x) sum += v;
    return sum / static_cast<double>(x.size());
}

// What a fault added to 0, 1, 2, ...
Values added(Values x) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] -= static_cast<double>(i);
    return x;
}

}  // namespace

CASE(a_gain_a_unit_error_a_bias_and_a_turned_sign_are_arithmetic) {
    CHECK(one(on_input(FaultKind::gain, -2.0, 2), 4) == (Values{0, 1, -4, -6}));
    CHECK(one(on_input(FaultKind::unit_error, 3.6, 2), 4) == (Values{0, 1, 2 * 3.6, 3 * 3.6}));
    CHECK(one(on_input(FaultKind::bias, 0.5, 2), 4) == (Values{0, 1, 2.5, 3.5}));
    CHECK(one(on_input(FaultKind::sign_flip, {}, 2), 4) == (Values{0, 1, -2, -3}));
}

CASE(a_drift_grows_from_nothing_with_the_time_since_it_began) {
    CHECK(one(on_input(FaultKind::drift, 5.0, 2), 6) == (Values{0, 1, 2, 3.5, 5, 6.5}));
}

CASE(saturation_keeps_a_value_between_its_limits) {
    Fault fault = on_input(FaultKind::saturate);
    fault.min = 1.5;
    CHECK(one(fault, 4) == (Values{1.5, 1.5, 2, 3}));
    fault.max = 2.5;
    CHECK(one(fault, 4) == (Values{1.5, 1.5, 2, 2.5}));
    fault.min = {};
    CHECK(one(fault, 4) == (Values{0, 1, 2, 2.5}));
}

CASE(quantisation_takes_the_nearest_multiple_and_of_two_the_even_one) {
    CHECK(one(on_input(FaultKind::quantise, 2.0), 8) == (Values{0, 0, 2, 4, 4, 4, 6, 8}));
}

CASE(a_flipped_bit_is_that_of_the_word) {
    Fault fault = on_input(FaultKind::bit_flip, 1.0);
    fault.bit = 1;
    CHECK(one(fault, 5) == (Values{2, 3, 0, 1, 6}));
    fault.bit = 7;
    fault.bits = 8;  // the sign
    CHECK(one(fault, 3) == (Values{-128, -127, -126}));
    fault.value = 0.5;
    fault.bit = 0;
    CHECK(one(fault, 3) == (Values{0.5, 1.5, 2.5}));
    Fault real = on_input(FaultKind::bit_flip);
    real.bit = 51;  // of 1.0 the half
    CHECK(one(real, 3)[1] == 1.5);
    real.bit = 62;  // of 1.0 it would make an infinity, which is not made
    CHECK(one(real, 3)[1] == 1.0);
    real.bit = 63;
    CHECK(one(real, 3) == (Values{-0.0, -1, -2}));
}

CASE(a_stuck_value_and_a_frozen_one_are_the_last_before) {
    CHECK(one(on_input(FaultKind::stuck_at, 9.0, 2), 5) == (Values{0, 1, 9, 9, 9}));
    CHECK(one(on_input(FaultKind::stuck_at, {}, 2), 5) == (Values{0, 1, 1, 1, 1}));
    CHECK(one(on_input(FaultKind::freeze, {}, 2), 5) == (Values{0, 1, 1, 1, 1}));
    CHECK(one(on_input(FaultKind::stuck_at), 3) == (Values{0, 0, 0}));
}

CASE(a_delay_gives_what_was_read_so_many_ticks_ago) {
    Fault fault = on_input(FaultKind::delay);
    fault.delay = 3;
    CHECK(one(fault, 7) == (Values{0, 0, 0, 0, 1, 2, 3}));
    fault.since = 5;
    fault.until = 8;  // what was read before it began is known
    CHECK(one(fault, 10) == (Values{0, 1, 2, 3, 4, 2, 3, 4, 8, 9}));
}

CASE(a_delay_on_a_slow_unit_gives_the_last_that_has_arrived) {
    Fault fault = on_input(FaultKind::delay);
    fault.delay = 3;  // read at 0, 4, 8, ...: of the times 4 - 3 = 1, 8 - 3 = 5 the last sample before
    CHECK(reads({fault}, 5, 0, 4) == (Values{0, 0, 4, 8, 12}));
    fault.delay = 4;
    CHECK(reads({fault}, 5, 0, 4) == (Values{0, 0, 4, 8, 12}));
    fault.delay = 5;
    CHECK(reads({fault}, 5, 0, 4) == (Values{0, 0, 0, 4, 8}));
}

CASE(a_jitter_comes_on_top_of_a_delay_and_never_goes_back_in_time) {
    Fault fault = on_input(FaultKind::delay);
    fault.delay = 2;
    fault.jitter = 3;
    const Values y = one(fault, 400);
    std::vector<int> ages(6, 0);
    for (std::size_t k = 10; k < y.size(); ++k) {
        const auto age = static_cast<std::size_t>(static_cast<double>(k) - y[k]);
        CHECK(age >= 2 && age <= 5);
        ++ages[age];
        CHECK(y[k] >= y[k - 1]);
    }
    // a sample is read at age 2 where it took no longer, with probability 1/4
    CHECK(std::fabs(ages[2] / 390.0 - 0.25) < 0.07);
}

CASE(a_duplicate_comes_instead_of_the_sample_after) {
    CHECK(one(on_input(FaultKind::duplicate), 6) == (Values{0, 0, 2, 2, 4, 4}));
    CHECK(one(on_input(FaultKind::duplicate, {}, 3), 7) == (Values{0, 1, 2, 2, 4, 4, 6}));
}

CASE(a_reordered_sample_comes_after_the_next_one) {
    CHECK(one(on_input(FaultKind::reorder, {}, 2), 9) == (Values{0, 1, 1, 3, 2, 2, 6, 5, 5}));
}

CASE(a_dropout_holds_the_last_sample_or_zero_or_a_substitute) {
    Fault fault = on_input(FaultKind::dropout, {}, 2);
    fault.until = 4;
    CHECK(one(fault, 6) == (Values{0, 1, 1, 1, 4, 5}));
    fault.hold = Hold::zero;
    CHECK(one(fault, 6) == (Values{0, 1, 0, 0, 4, 5}));
    fault.hold = Hold::missing;
    fault.value = -1.0;
    CHECK(one(fault, 6) == (Values{0, 1, -1, -1, 4, 5}));
}

CASE(a_dropout_of_some_samples_keeps_the_last_that_came) {
    Fault fault = on_input(FaultKind::dropout);
    fault.chance = 0.3;
    const Values y = one(fault, 2000);
    int dropped = 0;
    for (std::size_t k = 1; k < y.size(); ++k) {
        const bool came = y[k] == static_cast<double>(k);
        CHECK(came || y[k] == y[k - 1]);
        dropped += came ? 0 : 1;
    }
    CHECK(std::abs(dropped / 2000.0 - 0.3) < 0.04);  // four standard deviations
}

CASE(a_stale_time_stamp_stands_still_or_is_old) {
    CHECK(one(on_input(FaultKind::stale_timestamp, {}, 2), 4) == (Values{0, 1, 1, 1}));
    CHECK(one(on_input(FaultKind::stale_timestamp, 0.5, 2), 4) == (Values{0, 1, 1.5, 2.5}));
}

CASE(noise_has_its_standard_deviation_and_no_mean) {
    const Values noise = added(one(on_input(FaultKind::noise, 2.0), 4000));
    double squares = 0.0;
    for (double x : noise) squares += x * x;
    CHECK(std::fabs(mean(noise)) < 4 * 2.0 / std::sqrt(4000.0));
    CHECK(std::fabs(std::sqrt(squares / 4000.0) - 2.0) < 4 * 2.0 / std::sqrt(8000.0));
    CHECK(noise[7] != noise[8]);
}

CASE(spikes_come_with_their_probability_and_their_height) {
    Fault fault = on_input(FaultKind::spike, 50.0);
    fault.chance = 0.1;
    int count = 0;
    for (double x : added(one(fault, 2000))) {
        CHECK(x == 0.0 || x == 50.0);
        count += x == 50.0 ? 1 : 0;
    }
    CHECK(std::abs(count / 2000.0 - 0.1) < 0.027);
    fault.chance = 0.0;
    CHECK_EQUAL(mean(added(one(fault, 50))), 0.0);
}

CASE(an_intermittent_fault_acts_in_the_first_part_of_each_period) {
    Fault fault = on_input(FaultKind::stuck_at, -1.0, 2);
    fault.period = 3;
    fault.part = 1;
    CHECK(one(fault, 9) == (Values{0, 1, -1, 3, 4, -1, 6, 7, -1}));
    fault.part = 2;
    fault.value = {};
    CHECK(one(fault, 9) == (Values{0, 1, 1, 1, 4, 4, 4, 7, 7}));
}

CASE(whole_numbers_stay_whole_and_flags_flags) {
    struct Ports2 final : Unit {
        Ports2() {
            ports_.outputs = {real("whole", 5.0), real("flag", 1.0)};
            ports_.outputs[0].kind = Kind::integer;
            ports_.outputs[1].kind = Kind::boolean;
        }
        const Ports& ports() const override { return ports_; }
        void reset(const Start&, const Io& io) override { io.out[0] = 5, io.out[1] = 1; }
        void step(const Step&, const Io& io) override { io.out[0] = 5, io.out[1] = 1; }
        Ports ports_;
    };
    World world(Period(1, 10));
    world.add("x", std::make_unique<Ports2>());
    Fault gain{"gain", "x.whole", FaultKind::gain, 0.5}, flip{"flip", "x.flag", FaultKind::bit_flip};
    gain.since = flip.since = 1;
    world.add_fault(gain);
    world.add_fault(flip);
    world.reset();
    CHECK_EQUAL(at(world, "x.whole"), 5.0);
    world.step();
    CHECK_EQUAL(at(world, "x.whole"), 2.0);  // 2.5, to the even one
    CHECK_EQUAL(at(world, "x.flag"), 0.0);
}

CASE(random_numbers_depend_on_seed_and_name_alone) {
    const Fault noise = on_input(FaultKind::noise, 1.0);
    const Values alone = reads({noise}, 5, 7);
    CHECK(alone == reads({noise}, 5, 7));
    CHECK(alone != reads({noise}, 5, 8));
    Fault other = on_input(FaultKind::noise, 0.0);  // draws, and adds nothing
    other.name = "a";
    CHECK(alone == reads({noise, other}, 5, 7));
    CHECK(alone == reads({other, noise}, 5, 7));
    other.name = "z";
    CHECK(alone == reads({other, noise}, 5, 7));
    Fault renamed = noise;
    renamed.name = "g";
    CHECK(alone != reads({renamed}, 5, 7));
}

CASE(faults_act_in_the_order_of_their_kinds_and_then_of_their_names) {
    Fault gain = on_input(FaultKind::gain, 10.0), bias = on_input(FaultKind::bias, 1.0),
          stuck = on_input(FaultKind::stuck_at, 4.0, 2), limit = on_input(FaultKind::saturate);
    gain.name = "z_gain";
    bias.name = "a_bias";
    limit.name = "b_limit";
    limit.max = 15.0;
    CHECK(reads({gain, bias}, 3) == (Values{1, 11, 21}));
    CHECK(reads({bias, gain}, 3) == (Values{1, 11, 21}));
    CHECK(reads({limit, bias, gain}, 3) == (Values{1, 11, 15}));
    CHECK(reads({stuck, limit, bias, gain}, 4) == (Values{1, 11, 4, 4}));
    Fault first = bias, second = on_input(FaultKind::quantise, 2.0), third = on_input(FaultKind::quantise, 3.0);
    second.name = "q1";
    third.name = "q2";  // 5 -> 4 -> 3; the other way round 5 -> 6 -> 6
    CHECK_EQUAL(reads({third, second}, 6)[5], 3.0);
    second.name = "q3";
    CHECK_EQUAL(reads({third, second}, 6)[5], 6.0);
}
