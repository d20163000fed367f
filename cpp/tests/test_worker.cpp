// Units in worker processes: the same bits as here, and nothing that a unit does ends more than its run.
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <random>

#include "../src/bytes.hpp"
#include "../src/channel.hpp"
#include "../src/fmu_wire.hpp"
#include "crumple/worker.hpp"
#include "fmus.hpp"
#include "units.hpp"

using namespace crumple;
using namespace crumple::test;

namespace {

WorkerOptions apart() {
    WorkerOptions options;
    options.command = {CRUMPLE_WORKER};
    options.timeout = 20.0;
    return options;
}

std::unique_ptr<Unit> worker(FmuSpec spec, WorkerOptions options = apart()) {
    FmuOptions own;
    own.instance = "dut";
    return make_fmu_worker(std::make_shared<const FmuSpec>(std::move(spec)), std::move(own), std::move(options));
}

struct AloneApart {
    explicit AloneApart(FmuSpec spec, WorkerOptions options = apart()) : world(Period(1, 8)) {
        world.add("dut", worker(std::move(spec), std::move(options)));
    }
    World world;
};

FmuSpec stateless(const std::string& name) {
    FmuSpec spec = odd(name);
    spec.can_save = false;
    return spec;
}

// What a run ends with, as text.
std::string failure(World& world, Tick ticks) {
    try {
        world.reset();
        world.step(ticks);
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

bool no_children_left() {
    // zombies count: they would be waited for at once
    return waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD;
}

}  // namespace

CASE(worker_gives_the_same_bits) {
    for (const char* name : {"plain2", "plain3"}) {
        Alone here(odd(name));
        AloneApart there(odd(name));
        for (World* world : {&here.world, &there.world}) {
            world->reset(3);
            const std::vector<double> u{0.3};
            world->set(world->find("dut.u"), u);
            world->step(100);
        }
        CHECK_EQUAL(at(there.world, "dut.y"), at(here.world, "dut.y"));
        CHECK_EQUAL(there.world.digest(), here.world.digest());
    }
}

CASE(worker_fails_in_the_same_words) {
    for (const char* name : {"step_error2", "step_error3", "step_discard2", "step_discard3", "step_fatal2",
                             "step_warning2", "init_error2", "init_error3", "nan_output2", "no_instance3"}) {
        Alone here(odd(name));
        AloneApart there(odd(name));
        const std::string words = failure(here.world, 8);
        CHECK(!words.empty());
        CHECK_EQUAL(failure(there.world, 8), words);
    }
}

CASE(worker_that_dies_is_named_with_call_and_signal) {
    AloneApart alone(odd("step_abort2"));
    const std::string words = failure(alone.world, 8);
    CHECK_EQUAL(
        words.substr(0, words.find(';')),
        "unit 'dut' failed in fmi2DoStep at t = 0.25 s (tick 2): its worker process was killed by SIGABRT (abort)");
    CHECK_THROWS(UsageError, alone.world.step(), "Call reset() first");
    CHECK(failure(alone.world, 2).empty());  // a new worker
}

CASE(worker_that_does_not_answer_is_killed) {
    WorkerOptions options = apart();
    options.timeout = 0.2;
    AloneApart deaf(odd("step_hang2"), options);
    const std::string words = failure(deaf.world, 8);
    CHECK_EQUAL(
        words.substr(0, words.find(" and was killed")),
        "unit 'dut' failed in fmi2DoStep at t = 0.25 s (tick 2): it did not answer within 0.2 s (step_timeout)");
    options.command = {"/bin/true"};
    AloneApart gone(odd("plain2"), options);
    CHECK_THROWS(StepError, gone.world.reset(), "ended with exit code 0, in the middle of the call");
    options.command = {"/nowhere/crumple-worker"};
    AloneApart missing(odd("plain2"), options);
    CHECK_THROWS(StepError, missing.world.reset(), "/nowhere/crumple-worker cannot be run");
}

CASE(worker_without_state_functions_is_saved_by_forking_it) {
    AloneApart alone(stateless("real_only2"));
    World& world = alone.world;
    world.reset();
    world.step(5);
    const auto snapshot = world.snapshot();
    world.step(5);
    const std::uint64_t digest = world.digest();
    for (int k = 0; k < 3; ++k) {
        world.restore(*snapshot);
        CHECK_EQUAL(world.tick(), 5);
        world.step(5);
        CHECK_EQUAL(world.digest(), digest);
    }
    AloneApart other(stateless("real_only2"));  // never reset: a fork
    other.world.build();
    other.world.restore(*snapshot);
    other.world.step(5);
    CHECK_EQUAL(other.world.digest(), digest);
}

CASE(worker_keeps_the_states_of_an_fmu_that_is_trusted) {
    for (const char* name : {"plain2", "plain3"}) {
        WorkerOptions options = apart();
        options.trust_state = true;
        AloneApart alone(odd(name), options);
        World& world = alone.world;
        world.reset();
        world.step(5);
        const auto snapshot = world.snapshot();
        world.step(5);
        const std::uint64_t digest = world.digest();
        for (int k = 0; k < 300; ++k) {
            world.restore(*snapshot);
            world.snapshot();  // let go of at once
        }
        world.step(5);
        CHECK_EQUAL(world.digest(), digest);
        AloneApart other(odd(name), options);
        other.world.build();
        other.world.restore(*snapshot);
        other.world.step(5);
        CHECK_EQUAL(other.world.digest(), digest);
    }
}

CASE(worker_warnings_reach_the_world) {
    AloneApart alone(odd("step_rounding2"));
    alone.world.reset();
    alone.world.step(4);
    bool told = false;
    for (const auto& text : alone.world.warnings()) told |= text.find("rounding direction") != std::string::npos;
    CHECK(told);
}

CASE(workers_of_a_wave_work_at_the_same_time_and_fail_in_unit_order) {
    World world(Period(1, 8));
    world.add("b", worker(odd("step_error2")));
    world.add("a", worker(odd("step_error2")));
    world.add("c", unit(odd("step_error2")));
    const std::string words = failure(world, 8);
    CHECK_EQUAL(words.substr(0, 24), "unit 'a' failed in fmi2D");
    world.reset();  // what was posted and not waited for is no trouble
    world.step(2);
    CHECK_EQUAL(world.tick(), 2);
}

CASE(workers_leave_nothing_behind) {
    {
        AloneApart alone(stateless("real_only2"));
        alone.world.reset();
        std::vector<std::shared_ptr<const Snapshot>> many;
        for (int k = 0; k < 20; ++k) {
            alone.world.step();
            many.push_back(alone.world.snapshot());
        }
        alone.world.close();
        many.clear();
    }
    CHECK(no_children_left());
}

CASE(worker_channel_checksum_sees_every_bit) {
    std::string bytes(1000, 'x');
    const std::uint64_t sum = checksum(7, bytes.data(), bytes.size());
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
        CHECK(checksum(7, bytes.data(), bytes.size()) != sum);
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
    }
    CHECK(checksum(8, bytes.data(), bytes.size()) != sum);
    CHECK(checksum(7, bytes.data(), bytes.size() - 1) != sum);
}

CASE(fmu_recipes_come_back_whole_and_rubbish_is_refused) {
    FmuSpec spec = odd("plain3");
    spec.inputs[0].port.shape = {2, 3};
    FmuOptions options;
    options.instance = "größer";
    options.starts = {{"k", 6, FmiType::float64, {2.5}, {}, false}};
    options.stop = 3.0;
    const std::string bytes = pack_fmu(spec, options);
    const auto [again, own] = unpack_fmu(bytes);
    CHECK_EQUAL(again.library, spec.library);
    CHECK(again.inputs[0].port.shape == spec.inputs[0].port.shape);
    CHECK_EQUAL(own.instance, options.instance);
    CHECK_EQUAL(own.starts[0].numbers[0], 2.5);
    CHECK(own.stop == options.stop && !own.tolerance);
    for (std::size_t n = 0; n < bytes.size(); ++n) CHECK_THROWS(BytesError, unpack_fmu(bytes.substr(0, n)), "");
    std::mt19937 random(1);  // the same bytes every time
    for (int k = 0; k < 20'000; ++k) {
        std::string wrong = bytes;
        for (int n = 0; n < 3; ++n) wrong[random() % wrong.size()] = static_cast<char>(random());
        try {
            unpack_fmu(wrong);
        } catch (const BytesError&) {  // the only way out besides a whole recipe
        }
    }
}
