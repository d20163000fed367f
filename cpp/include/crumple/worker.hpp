// Units in processes of their own, so that a hostile one harms only itself. Linux only: shared memory and futex.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "crumple/fmu.hpp"

namespace crumple {

bool workers_available();

// What of the kernel's Landlock there is, which denies writing (from 1) and signals to others (from 6); 0: nothing.
int landlock_version();

struct WorkerOptions {
    std::vector<std::string> command;  // program and arguments; the shared memory is its file descriptor 3
    double timeout = 10.0;             // [s] of wall time for every call
    std::uint64_t memory = 0;          // [bytes] private memory, 0: no limit
    std::uint64_t file_size = 0;       // [bytes] of any file it writes, 0: no limit
    bool processes = false;            // may start other processes
    bool network = true;               // may open network sockets
    bool write = false;                // may write to files, where the system can deny that
    bool trust_state = false;          // states are what the unit says; else the process is forked
    bool fresh = true;                 // a new process at every reset
};

// A unit like `make_fmu_unit`'s, in a worker process.
std::unique_ptr<Unit> make_fmu_worker(std::shared_ptr<const FmuSpec> spec, FmuOptions options, WorkerOptions worker);

// A unit that the worker makes from `recipe`, whatever that means to it.
std::unique_ptr<Unit> make_worker(Ports ports, std::string recipe, WorkerOptions worker);

// Called now and then while a worker is waited for that takes long; may throw, and the worker is then killed.
std::function<void()>& while_waiting();

// The other end. `make`: a unit from a recipe. An exception that is not of ours becomes call and fact by `explain`.
struct Host {
    std::function<std::unique_ptr<Unit>(std::string_view recipe)> make;
    std::function<UnitError(std::exception_ptr, const char* call)> explain;
    std::function<void()> before_fork, after_fork_in_parent, after_fork_in_child;
};
// Serves the process that started this one until it says quit or is gone; returns the exit code.
int serve(int memory, Host host);
// The FMU behind a recipe of make_fmu_worker.
std::unique_ptr<Unit> make_fmu_from_recipe(std::string_view recipe);

// What a unit may have changed in its process: locale, working directory, threads, files, signals, memory.
using Inspection = std::map<std::string, std::string>;

}  // namespace crumple
