// What FMI 2 and FMI 3 have in common: each case runs with both.

#include <cfenv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "fmus.hpp"
#include "units.hpp"

using namespace crumple;
using namespace crumple::test;

namespace {

void with_both(const std::string& name, const std::function<void(FmuSpec)>& fn) {
    for (const char* version : {"2", "3"}) fn(odd(name + version));
}

// Runs fn and returns what the strict FMUs have to say about the order of calls; empty where they are content.
std::string complaints(const std::function<void()>& fn) {
    const auto report = std::filesystem::temp_directory_path() / ("crumple-report-" + std::to_string(std::rand()));
    setenv("CRUMPLE_TEST_FMU_REPORT", report.c_str(), 1);
    fn();
    unsetenv("CRUMPLE_TEST_FMU_REPORT");
    std::ifstream file(report);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    std::filesystem::remove(report);
    return text;
}

}  // namespace

CASE(an_integrator_integrates_exactly) {
    with_both("plain", [](FmuSpec spec) {
        Alone alone(spec);
        alone.world.reset();
        alone.world.step(80);
        CHECK_EQUAL(at(alone.world, "dut.y"), 10.0);
        alone.world.end();
    });
}

CASE(start_values_are_set_before_initialisation) {
    with_both("plain", [](FmuSpec spec) {
        FmuOptions options;
        options.starts = {{"x0", 3, FmiType::float64, {5.0}, {}, false}};
        Alone alone(spec, options);
        alone.world.reset();
        CHECK_EQUAL(at(alone.world, "dut.y"), 5.0);
    });
}

CASE(every_call_is_legal_in_its_state) {
    with_both("strict", [](FmuSpec spec) {
        CHECK_EQUAL(complaints([&] {
                        World world(Period(1, 8));
                        spec.resources = spec.fmi == 2 ? "file:///tmp/resources" : "/tmp/resources/";
                        world.add("dut", unit(spec));
                        world.add("lag", std::make_unique<Lag>(1.0));
                        world.connect("lag.y", "dut.u");
                        world.reset();
                        world.step(20);
                        const auto snapshot = world.snapshot();
                        world.step(5);
                        world.restore(*snapshot);
                        world.step(5);
                        world.reset();  // in the middle of a run
                        world.step(3);
                        world.end();
                    }),
                    "");
    });
}

CASE(a_failed_fmu_is_freed_without_terminate) {
    with_both("strict_error", [](FmuSpec spec) {
        spec.resources = spec.fmi == 2 ? "file:///tmp/resources" : "/tmp/resources/";
        CHECK_EQUAL(complaints([&] {
                        Alone alone(spec);
                        alone.world.reset();
                        CHECK_THROWS(StepError, alone.world.step(10), "DoStep");
                    }),
                    "");
    });
}

CASE(an_error_names_unit_call_tick_time_and_last_words) {
    with_both("step_error", [](FmuSpec spec) {
        Alone alone(spec);
        alone.world.reset();
        try {
            alone.world.step(10);
            CHECK(false);
        } catch (const StepError& error) {
            CHECK_EQUAL(error.unit, "dut");
            CHECK_EQUAL(error.call, spec.fmi == 2 ? "fmi2DoStep" : "fmi3DoStep");
            CHECK_EQUAL(error.tick, 2);
            CHECK_EQUAL(error.t, 0.25);
            CHECK(error.fact.find("step 3 at 0.25 s went wrong on purpose") != std::string::npos);
        }
    });
}

CASE(a_warning_is_an_error_unless_allowed) {
    with_both("step_warning", [](FmuSpec spec) {
        Alone strict(spec);
        strict.world.reset();
        CHECK_THROWS(StepError, strict.world.step(10), "a warning");
        FmuOptions options;
        options.allow_warnings = true;
        Alone lenient(spec, options);
        lenient.world.reset();
        lenient.world.step(10);
        CHECK_EQUAL(at(lenient.world, "dut.y"), 1.25);
        CHECK_EQUAL(lenient.world.warnings().size(), 1u);
    });
}

CASE(a_discarded_step_says_how_far_it_came) {
    with_both("step_discard", [](FmuSpec spec) {
        Alone alone(spec);
        alone.world.reset();
        CHECK_THROWS(StepError, alone.world.step(10), "discarded the step of 0.125 s after getting as far as t = ");
    });
}

CASE(a_request_to_terminate_ends_the_run) {
    with_both("step_terminate", [](FmuSpec spec) {
        Alone alone(spec);
        alone.world.reset();
        CHECK_THROWS(EndError, alone.world.step(10), "asked to end the run");
    });
}

CASE(a_nan_from_an_fmu_is_an_error_unless_allowed) {
    with_both("nan_output", [](FmuSpec spec) {
        Alone alone(spec);
        alone.world.reset();
        CHECK_THROWS(StepError, alone.world.step(10), "output \"y\"");
        spec.outputs[0].port.allow_nonfinite = true;
        Alone allowed(spec);
        allowed.world.reset();
        allowed.world.step(3);
        CHECK(std::isnan(at(allowed.world, "dut.y")));
    });
}

CASE(a_changed_floating_point_mode_is_put_back_and_named) {
    for (const char* name : {"step_rounding", "step_flush"}) {
        with_both(name, [](FmuSpec spec) {
            Alone alone(spec);
            alone.world.reset();
            const int before = std::fegetround();
            alone.world.step(10);
            CHECK_EQUAL(std::fegetround(), before);
            volatile double third = 1.0, three = 3.0, tiny = 0x1p-1074;
            CHECK_EQUAL(third / three, 0x1.5555555555555p-2);
            CHECK(tiny * 1.0 != 0.0);
            alone.world.end();
            CHECK_EQUAL(alone.world.warnings().size(), 1u);
            CHECK(alone.world.warnings()[0].find("unit 'dut': the FMU left the floating-point environment changed") ==
                  0);
        });
    }
}

CASE(loggers_may_be_called_with_anything_from_anywhere) {
    for (const char* name : {"log_null_message", "log_null_category", "log_foreign", "log_thread", "log_after_free",
                             "log_storm", "log_long", "log_bytes", "log_format"}) {
        with_both(name, [](FmuSpec spec) {
            Alone alone(spec);
            alone.world.reset();
            alone.world.step(10);
            CHECK_EQUAL(at(alone.world, "dut.y"), 1.25);
            alone.world.end();
        });
    }
}

CASE(states_are_saved_and_restored_bit_for_bit) {
    with_both("plain", [](FmuSpec spec) {
        World world(Period(1, 8));
        world.add("dut", unit(spec));
        world.add("dice", std::make_unique<Counter>());
        world.connect("dice.n", "dut.u");
        world.reset();
        world.step(10);
        CHECK_THROWS(UsageError, world.snapshot(), "these units cannot: dice");
    });
    with_both("plain", [](FmuSpec spec) {
        Alone alone(spec);
        alone.world.reset();
        alone.world.step(10);
        const auto snapshot = alone.world.snapshot();
        alone.world.step(10);
        const auto digest = alone.world.digest();
        const double y = at(alone.world, "dut.y");
        for (int round = 0; round < 3; ++round) {
            alone.world.restore(*snapshot);
            CHECK_EQUAL(at(alone.world, "dut.y"), 1.25);
            alone.world.step(10);
            CHECK_EQUAL(alone.world.digest(), digest);
            CHECK_EQUAL(at(alone.world, "dut.y"), y);
        }
        alone.world.reset();
        CHECK_THROWS(StepError, alone.world.restore(*snapshot), "earlier instance");
    });
}

CASE(a_packed_snapshot_goes_on_in_another_world_bit_for_bit) {
    with_both("plain", [](FmuSpec spec) {
        spec.can_serialize = true;
        Alone first(spec), second(spec);
        first.world.reset(7);
        first.world.step(10);
        const std::string packed = first.world.pack(*first.world.snapshot());
        first.world.step(10);
        second.world.reset();
        second.world.restore(*second.world.unpack(packed));
        CHECK_EQUAL(second.world.tick(), 10);
        CHECK_EQUAL(second.world.seed(), 7u);
        second.world.step(10);
        CHECK_EQUAL(second.world.digest(), first.world.digest());
        for (std::size_t n = 0; n < packed.size(); ++n)  // cut short anywhere
            CHECK_THROWS(UsageError, second.world.unpack(std::string_view(packed).substr(0, n)), "unpack()");
        CHECK_THROWS(UsageError, second.world.unpack(packed + "x"), "follow the end");

        World other(Period(1, 8));
        other.add("another", unit(spec));
        other.reset();
        CHECK_THROWS(UsageError, other.unpack(packed), "other units");

        spec.can_serialize = false;
        Alone unable(spec);
        unable.world.reset();
        CHECK_THROWS(StepError, unable.world.pack(*unable.world.snapshot()), "canSerializeFMUstate");
    });
}

CASE(a_tunable_parameter_changes_between_steps) {
    with_both("plain", [](FmuSpec spec) {
        Alone alone(spec);
        alone.world.reset();
        alone.world.step(8);
        const std::vector<double> four{4.0};
        CHECK(alone.world.tune("dut", "k", four));
        CHECK(!alone.world.tune("dut", "nothing", four));
        alone.world.step(8);
        CHECK_EQUAL(at(alone.world, "dut.y"), 5.0);
    });
}

CASE(an_fmu_for_one_instance_gets_private_copies) {
    for (const char* name : {"once_per_process", "shared_state"}) {
        with_both(name, [](FmuSpec spec) {
            spec.once_per_process = true;
            World world(Period(1, 8));
            for (int i = 0; i < 3; ++i) world.add("u" + std::to_string(i), unit(spec));
            world.reset();
            world.step(8);
            for (int i = 0; i < 3; ++i) CHECK_EQUAL(at(world, "u" + std::to_string(i) + ".y"), 1.0);
        });
    }
}

CASE(calls_of_length_zero_are_not_made) {
    with_both("no_zero_length", [](FmuSpec spec) {
        Alone alone(spec);
        alone.world.reset();
        alone.world.step(8);
        CHECK_EQUAL(at(alone.world, "dut.y"), 1.0);
    });
}

CASE(an_fmu_that_refuses_to_start_says_why) {
    with_both("no_instance", [](FmuSpec spec) {
        Alone alone(spec);
        CHECK_THROWS(StepError, alone.world.reset(), "returned no instance");
    });
    with_both("init_error", [](FmuSpec spec) {
        Alone alone(spec);
        CHECK_THROWS(StepError, alone.world.reset(), "unit 'dut' failed in fmi");
    });
    FmuSpec none = odd("plain2");
    none.library = "/nowhere/model.so";
    Alone alone(none);
    CHECK_THROWS(StepError, alone.world.reset(), "failed in dlopen");
}

CASE(fmus_on_many_threads_give_the_digest_of_one) {
    const auto digest = [](unsigned threads) {
        Options options;
        options.threads = threads;
        options.spread = Spread::everywhere;
        World world(Period(1, 64), options);
        for (int i = 0; i < 12; ++i) {
            FmuOptions start;
            start.starts = {{"x0", 3, FmiType::float64, {0.1 * i}, {}, false}};
            world.add("u" + std::to_string(i), unit(odd(i % 2 ? "plain2" : "plain3"), start));
        }
        for (int i = 0; i < 12; ++i)
            world.connect("u" + std::to_string((i + 11) % 12) + ".y", "u" + std::to_string(i) + ".u");
        world.reset();
        world.step(300);
        const auto value = world.digest();
        world.end();
        return value;
    };
    CHECK_EQUAL(digest(2), digest(1));
    CHECK_EQUAL(digest(8), digest(1));
}

CASE(costs_are_rehearsed_apart_and_cheap_units_stay_together) {
    Options options;
    options.threads = 2;
    World world(Period(1, 8), options);
    for (int i = 0; i < 10; ++i) world.add("u" + std::to_string(i), unit(odd("plain2")));
    world.build();
    double serial = 0.0;
    for (const auto& view : world.unit_views()) serial += view.cost;
    // less than a barrier costs; under a sanitizer even these steps are dear, and may go parallel
    if (serial < 1e-6)
        for (const auto& view : world.unit_views()) CHECK_EQUAL(view.thread, 0u);
#if defined(__linux__)
    CHECK(world.unit_views()[0].cost > 0.0);
    // a crash in the rehearsal is not ours; the run tells
    FmuSpec crash = odd("step_abort2");
    World hostile(Period(1, 8), options);
    for (int i = 0; i < 2; ++i) hostile.add("u" + std::to_string(i), unit(crash));
    hostile.build();
    CHECK_EQUAL(hostile.unit_views()[0].cost, 0.0);
#endif
}
