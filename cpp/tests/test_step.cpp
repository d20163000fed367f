#include <algorithm>
#include <functional>
#include <limits>
#include <set>

#include "check.hpp"
#include "crumple/world.hpp"
#include "units.hpp"

using namespace crumple;
using namespace crumple::test;

static double at(const World& world, const std::string& name) { return world.value(world.find(name))[0]; }

CASE(a_lag_follows_its_closed_form_for_exact_counts) {
    World world(Period(1, 100));
    world.add("lag", std::make_unique<Lag>(0.5));
    world.reset();
    world.step(1000);
    CHECK_EQUAL(world.tick(), 1000);
    CHECK_EQUAL(world.t(), 10.0);
    CHECK_CLOSE(at(world, "lag.y"), std::pow(0.98, 1000), 1e-12);
}

CASE(a_connection_carries_the_last_communication_point) {
    World world(Period(1, 10));
    world.add("count", std::make_unique<Counter>());
    world.add("witness", std::make_unique<Witness>());
    world.connect("count.n", "witness.u");
    world.reset();
    for (int k = 1; k <= 5; ++k) {
        world.step();
        CHECK_EQUAL(at(world, "count.n"), k);
        CHECK_EQUAL(at(world, "witness.seen"), k - 1);  // one tick behind, whichever steps first
    }
}

CASE(a_same_tick_connection_carries_this_tick) {
    World world(Period(1, 10));
    world.add("a_witness", std::make_unique<Witness>());  // its name sorts first, but it waits
    world.add("count", std::make_unique<Counter>());
    world.connect("count.n", "a_witness.u", {.same_tick = true, .scale = {}, .offset = {}});
    world.reset();
    world.step(3);
    CHECK_EQUAL(at(world, "a_witness.seen"), 3.0);
    CHECK_EQUAL(world.unit_views()[0].wave, 1u);
    CHECK_EQUAL(world.unit_views()[1].wave, 0u);
}

CASE(a_slow_unit_holds_its_output_between_steps) {
    World world(Period(1, 10));
    world.add("count", std::make_unique<Counter>());
    world.add("slow", std::make_unique<Witness>(), 4);
    world.connect("count.n", "slow.u");
    world.reset();
    std::vector<double> steps, seen;
    for (int k = 0; k < 12; ++k) {
        world.step();
        steps.push_back(at(world, "slow.steps"));
        seen.push_back(at(world, "slow.seen"));
    }
    CHECK(steps == std::vector<double>({0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3}));
    // inputs as they were when the window opened, at ticks 0, 4 and 8
    CHECK(seen == std::vector<double>({-1, -1, -1, 0, 0, 0, 0, 4, 4, 4, 4, 8}));
    CHECK_EQUAL(at(world, "slow.tick"), 8.0);
    CHECK_EQUAL(at(world, "slow.t"), 0.8);
    CHECK_EQUAL(at(world, "slow.dt"), 0.4);
}

CASE(a_slow_unit_reads_same_tick_inputs_when_its_window_closes) {
    World world(Period(1, 10));
    world.add("count", std::make_unique<Counter>());
    world.add("slow", std::make_unique<Witness>(), 4);
    world.connect("count.n", "slow.u", {.same_tick = true, .scale = {}, .offset = {}});
    world.reset();
    world.step(4);
    CHECK_EQUAL(at(world, "slow.seen"), 4.0);
}

CASE(values_are_converted_scaled_and_shifted) {
    World world(Period(1, 10));
    world.add("count", std::make_unique<Counter>());
    world.add("witness", std::make_unique<Witness>());
    world.connect("count.n", "witness.u", {.same_tick = false, .scale = 3.6, .offset = -1.0});
    world.reset();
    world.step(3);
    CHECK_EQUAL(at(world, "witness.seen"), 2 * 3.6 - 1.0);
}

CASE(text_travels_as_it_is) {
    World world(Period(1, 1));
    world.add("a", std::make_unique<Echo>("a"));
    world.add("b", std::make_unique<Echo>("b"));
    world.connect("a.out", "b.in");
    world.connect("b.out", "a.in");
    world.reset();
    world.step(3);
    CHECK_EQUAL(*world.blobs(world.find("b.out"))[0], "abab");
}

static std::uint64_t ring_digest(unsigned threads, bool reversed, Tick ticks = 200, Tick resume_at = -1) {
    Options options;
    options.threads = threads;
    options.spread = Spread::everywhere;
    World world(Period(1, 1000), options);
    const int n = 24;
    std::vector<int> order(n);
    for (int i = 0; i < n; ++i) order[static_cast<std::size_t>(i)] = reversed ? n - 1 - i : i;
    for (int i : order)
        world.add("lag" + std::to_string(i), std::make_unique<Lag>(0.01 + 0.001 * i, i), i % 5 == 0 ? 3 : 1);
    for (int i : order)
        world.connect("lag" + std::to_string((i + n - 1) % n) + ".y", "lag" + std::to_string(i) + ".u",
                      {.same_tick = i % 4 == 1, .scale = {}, .offset = {}});
    world.reset(5);
    if (resume_at >= 0) {
        world.step(resume_at);
        const auto snapshot = world.snapshot();
        world.step(17);
        world.restore(*snapshot);
        CHECK_EQUAL(world.tick(), resume_at);
        world.step(ticks - resume_at);
    } else {
        world.step(ticks);
    }
    return world.digest();
}

CASE(the_digest_depends_on_neither_threads_nor_order_nor_a_resume) {
    const std::uint64_t one = ring_digest(1, false);
    CHECK_EQUAL(ring_digest(2, false), one);
    CHECK_EQUAL(ring_digest(8, false), one);
    CHECK_EQUAL(ring_digest(1, true), one);
    CHECK_EQUAL(ring_digest(8, true), one);
    CHECK_EQUAL(ring_digest(1, false, 200, 50), one);
    CHECK_EQUAL(ring_digest(2, false, 200, 51), one);  // in the middle of a slow unit's window
    CHECK(ring_digest(1, false, 201) != one);
}

CASE(a_reset_world_repeats_itself) {
    World world(Period(1, 10));
    world.add("dice", std::make_unique<Dice>());
    world.add("lag", std::make_unique<Lag>(1.0));
    world.connect("dice.x", "lag.u");
    world.reset(3);
    world.step(100);
    const auto first = world.digest();
    world.reset(3);
    CHECK_EQUAL(world.tick(), 0);
    world.step(100);
    CHECK_EQUAL(world.digest(), first);
    world.reset(4);
    world.step(100);
    CHECK(world.digest() != first);
}

CASE(another_unit_leaves_a_random_stream_alone) {
    const auto stream = [](bool with_other) {
        World world(Period(1, 10));
        world.add("dice", std::make_unique<Dice>());
        if (with_other) world.add("also", std::make_unique<Dice>());
        world.reset(3);
        world.step(10);
        return at(world, "dice.x");
    };
    CHECK_EQUAL(stream(false), stream(true));
}

CASE(the_first_failure_in_unit_order_is_reported_whatever_the_threads) {
    for (unsigned threads : {1u, 2u, 8u}) {
        Options options;
        options.threads = threads;
        options.spread = Spread::everywhere;
        World world(Period(1, 100), options);
        for (int i = 9; i >= 0; --i)
            world.add("u" + std::to_string(i), std::make_unique<Trouble>(Trouble::fails, i >= 4 ? 30 : 1000));
        world.reset();
        try {
            world.step(100);
            CHECK(false);
        } catch (const StepError& error) {
            CHECK_EQUAL(error.unit, "u4");
            CHECK_EQUAL(error.tick, 30);
            CHECK_EQUAL(error.t, 0.3);
            CHECK_EQUAL(error.call, "do_it");
            CHECK_EQUAL(std::string(error.what()),
                        "unit 'u4' failed in do_it at t = 0.3 s (tick 30): the spring broke");
        }
        CHECK_THROWS(UsageError, world.step(), "reset");
        CHECK_EQUAL(world.tick(), 30);
    }
}

CASE(a_request_to_end_is_told_apart_from_a_failure) {
    World world(Period(1, 10));
    world.add("u", std::make_unique<Trouble>(Trouble::ends, 5));
    world.reset();
    CHECK_THROWS(EndError, world.step(10), "enough");
    CHECK_EQUAL(world.tick(), 5);
}

CASE(a_nan_ends_the_run_with_the_name_of_the_output) {
    World world(Period(1, 10));
    for (int i = 0; i < 9; ++i) world.add("lag" + std::to_string(i), std::make_unique<Lag>(1.0));
    world.add("u", std::make_unique<Trouble>(Trouble::nan, 5));
    world.reset();
    CHECK_THROWS(StepError, world.step(10), "unit 'u' failed in output \"y\" at t = 0.6 s (tick 6): the value is NaN");
    CHECK_EQUAL(world.tick(), 5);
}

CASE(one_thread_owns_a_unit_from_reset_to_the_end) {
    std::vector<std::vector<std::thread::id>> seen(6);
    std::set<std::thread::id> all;
    {
        Options options;
        options.threads = 3;
        options.spread = Spread::everywhere;
        World world(Period(1, 10), options);
        for (std::size_t i = 0; i < seen.size(); ++i)
            world.add("u" + std::to_string(i), std::make_unique<ThreadWitness>(seen[i]));
        world.reset();
        world.step(50);
        world.end();
    }
    for (const auto& ids : seen) {
        CHECK_EQUAL(ids.size(), 1u + 1u + 50u + 1u + 1u);
        CHECK(std::all_of(ids.begin(), ids.end(), [&](auto id) { return id == ids[0]; }));
        all.insert(ids[0]);
    }
    CHECK_EQUAL(all.size(), 3u);
}

CASE(profiling_counts_every_step_and_forgets_when_off) {
    World world(Period(1, 10));
    world.add("fast", std::make_unique<Lag>(1.0));
    world.add("slow", std::make_unique<Lag>(1.0), 5);
    world.reset();
    CHECK(world.profile().empty());
    world.set_profiling(true);
    world.step(100);
    const auto rows = world.profile();
    CHECK_EQUAL(rows.size(), 2u);
    CHECK_EQUAL(rows[0].count, 100u);
    CHECK_EQUAL(rows[1].count, 20u);
    CHECK_CLOSE(rows[0].share + rows[1].share, 1.0, 1e-12);
    CHECK(rows[0].p99_ns <= rows[0].max_ns && rows[0].mean_ns <= rows[0].max_ns);
}

namespace {

// Calls its own world in its step, as a plugin or a callback might.
class Meddler final : public Unit {
public:
    explicit Meddler(std::function<void()> act) : act_(std::move(act)) {}
    const Ports& ports() const override { return ports_; }
    void reset(const Start& /*start*/, const Io& /*io*/) override {}
    void step(const Step& /*now*/, const Io& /*io*/) override { act_(); }

private:
    std::function<void()> act_;
    Ports ports_;
};

}  // namespace

CASE(a_world_takes_one_call_at_a_time) {
    std::function<void()> act;
    World world(Period(1, 10));
    world.add("meddler", std::make_unique<Meddler>([&] { act(); }));
    for (const std::function<void()>& call : std::vector<std::function<void()>>{
             [&] { world.step(); }, [&] { world.reset(); }, [&] { world.end(); }, [&] { world.snapshot(); }}) {
        world.reset();
        act = call;
        CHECK_THROWS(UsageError, world.step(), "the world is in the middle of another call");
        CHECK_EQUAL(world.tick(), 0);
    }
    world.reset();
    act = [] {};
    world.step(3);
    CHECK_EQUAL(world.tick(), 3);
    CHECK_THROWS(UsageError, world.step(std::numeric_limits<Tick>::max()), "ticks are counted to 2^63");
    world.step();  // refused, and no harm done
    CHECK_EQUAL(world.tick(), 4);
}
