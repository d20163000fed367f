#include "pool.hpp"

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace crumple {

namespace {

// About 20 us of spinning: longer than the gap between two waves of a busy run, short enough not to burn a core while
// Python works between two calls.
constexpr int spins = 2000;

void pause() {
#if defined(__x86_64__) || defined(_M_X64)
    _mm_pause();
#else
    std::this_thread::yield();
#endif
}

}  // namespace

Pool::Pool(std::size_t threads) {
    for (std::size_t i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
}

Pool::~Pool() {
    stopping_.store(true, std::memory_order_relaxed);
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
    for (auto& worker : workers_) worker.join();
}

void Pool::run(Job job, void* argument) {
    job_ = job;
    argument_ = argument;
    running_.store(static_cast<std::uint32_t>(workers_.size()), std::memory_order_relaxed);
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
    job(argument, 0);
    // the last worker may still be in a long step: spin a little, then sleep
    int left = spins;
    while (std::uint32_t running = running_.load(std::memory_order_acquire)) {
        if (left-- > 0) {
            pause();
        } else {
            running_.wait(running, std::memory_order_acquire);
        }
    }
}

void Pool::work(std::size_t thread) {
    std::uint32_t seen = 0;
    for (;;) {
        int left = spins;
        while (round_.load(std::memory_order_acquire) == seen) {
            if (left-- > 0) {
                pause();
            } else {
                round_.wait(seen, std::memory_order_acquire);
            }
        }
        ++seen;
        if (stopping_.load(std::memory_order_relaxed)) return;
        job_(argument_, thread);
        if (running_.fetch_sub(1, std::memory_order_acq_rel) == 1) running_.notify_one();
    }
}

void Pool::run_on(std::size_t thread, const std::function<void()>& fn) {
    struct Call {
        std::size_t thread;
        const std::function<void()>& fn;
        std::exception_ptr cause;
    } call{thread, fn, nullptr};
    run(
        [](void* argument, std::size_t here) {
            auto& c = *static_cast<Call*>(argument);
            if (here != c.thread) return;
            try {
                c.fn();
            } catch (...) {
                c.cause = std::current_exception();
            }
        },
        &call);
    if (call.cause) std::rethrow_exception(call.cause);
}

}  // namespace crumple
