#include <atomic>

#include "../src/pool.hpp"
#include "check.hpp"

using crumple::Pool;

CASE(every_thread_runs_every_job_once) {
    Pool pool(4);
    std::vector<int> counts(4, 0);
    for (int round = 0; round < 5000; ++round)
        pool.run([](void* argument, std::size_t thread) { ++(*static_cast<std::vector<int>*>(argument))[thread]; },
                 &counts);
    CHECK(counts == std::vector<int>({5000, 5000, 5000, 5000}));
}

CASE(a_job_for_one_thread_always_finds_the_same) {
    Pool pool(3);
    std::thread::id first, second;
    pool.run_on(2, [&] { first = std::this_thread::get_id(); });
    pool.run_on(2, [&] { second = std::this_thread::get_id(); });
    CHECK(first == second);
    CHECK(first != std::this_thread::get_id());
}

CASE(an_exception_crosses_over) {
    Pool pool(2);
    CHECK_THROWS(std::runtime_error, pool.run_on(1, [] { throw std::runtime_error("over there"); }), "over there");
    int after = 0;
    pool.run_on(1, [&] { after = 1; });
    CHECK_EQUAL(after, 1);
}

CASE(sleeping_workers_wake) {
    Pool pool(2);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // past their spinning
    int n = 0;
    pool.run_on(1, [&] { n = 7; });
    CHECK_EQUAL(n, 7);
}
