// A pool of threads that meet at a barrier: every job runs once on each thread, the caller being thread 0.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace crumple {

class Pool {
public:
    explicit Pool(std::size_t threads);  // threads >= 2, the caller included
    ~Pool();

    std::size_t threads() const { return workers_.size() + 1; }

    // Runs job(argument, thread) on every thread and returns when all are done. The job must not throw.
    using Job = void (*)(void* argument, std::size_t thread);
    void run(Job job, void* argument);

    // Runs fn on one thread and waits; an exception of fn is rethrown here.
    void run_on(std::size_t thread, const std::function<void()>& fn);

private:
    void work(std::size_t thread);

    Job job_ = nullptr;
    void* argument_ = nullptr;
    alignas(64) std::atomic<std::uint32_t> round_{0};    // advanced by run(): a new job is there
    alignas(64) std::atomic<std::uint32_t> running_{0};  // workers still at it
    std::atomic<bool> stopping_{false};
    std::vector<std::thread> workers_;
};

}  // namespace crumple
