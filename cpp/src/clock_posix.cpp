#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <string>

#include "crumple/clock.hpp"

#ifdef __linux__
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#endif

namespace crumple {

namespace {

constexpr Nanoseconds second = 1'000'000'000;

class MonotonicClock final : public Clock {
public:
    Nanoseconds now() override {
        timespec now{};
        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * second + now.tv_nsec;
    }
    void sleep_until(Nanoseconds moment) override {
#ifdef __linux__
        // absolute: a wake-up that was late does not push the next one
        timespec until{};
        until.tv_sec = static_cast<std::time_t>(moment / second);
        until.tv_nsec = static_cast<long>(moment % second);
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
#else
        const Nanoseconds left = moment - now();
        if (left <= 0) return;
        timespec span{};
        span.tv_sec = static_cast<std::time_t>(left / second);
        span.tv_nsec = static_cast<long>(left % second);
        nanosleep(&span, nullptr);
#endif
    }
};

#ifdef __linux__
// CAP_IPC_LOCK, for which the limit does not count.
bool may_lock_all() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("CapEff:")) return (std::strtoull(line.c_str() + 7, nullptr, 16) >> 14 & 1) != 0;
    return false;
}

// What is held now.
bool memory_locked = false;
int latency_request = -1;

bool ask_for_priority(int priority, std::vector<std::string>& why) {
    sched_param wanted{};
    wanted.sched_priority = priority;
    // children are not to inherit it: a worker that spins at this priority would starve everything
    if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &wanted) == 0) return true;
    why.push_back(std::string("real-time priority was not granted (") + std::strerror(errno) +
                  "): run as root, or allow it with ulimit -r " + std::to_string(priority) +
                  " or the capability CAP_SYS_NICE");
    return false;
}

bool lock_memory(std::vector<std::string>& why) {
    // Future memory is locked when it is first used: else thread stacks that nobody touches would count in full.
#ifdef MCL_ONFAULT
    const int how = MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT;
#else
    const int how = MCL_CURRENT | MCL_FUTURE;
#endif
    rlimit limit{};
    // A small limit would be met in the middle of the run, by an allocation that fails.
    const bool enough = may_lock_all() || (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
                                           (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= (rlim_t{4} << 30)));
    memory_locked = enough && mlockall(how) == 0;
    if (memory_locked) return true;
    const std::string fact =
        enough ? std::strerror(errno) : "the limit is " + std::to_string(limit.rlim_cur >> 20) + " MiB";
    why.push_back("memory was not locked (" + fact +
                  "): allow it with ulimit -l unlimited or the capability CAP_IPC_LOCK");
    return false;
}

// A processor that went to sleep takes 10 to 200 us to come back, a virtual one the most. Whoever keeps this file open
// says what latency is borne, for the whole machine: with 0, idle processors poll (PM QoS, see the kernel's
// Documentation/power/pm_qos_interface).
constexpr const char* latency_file = "/dev/cpu_dma_latency";

bool stay_awake(std::vector<std::string>& why) {
    if (latency_request >= 0) return true;
    const std::int32_t none = 0;
    const int file = ::open(latency_file, O_WRONLY | O_CLOEXEC);
    if (file >= 0 && ::write(file, &none, sizeof none) == sizeof none) {
        latency_request = file;
        return true;
    }
    why.push_back("idle processors may fall asleep (" + std::string(latency_file) + ": " + std::strerror(errno) +
                  "), and take 10 to 200 us to wake: run as root, or allow writing that file with a udev rule");
    if (file >= 0) ::close(file);
    return false;
}
#endif

}  // namespace

void Clock::spin_until(Nanoseconds moment) {
    while (now() < moment) {
    }
}

std::shared_ptr<Clock> monotonic_clock() {
    static const auto clock = std::make_shared<MonotonicClock>();
    return clock;
}

void VirtualClock::sleep_until(Nanoseconds moment) {
    if (moment > now_) now_ = moment;
    now_ += oversleep_;
}

#ifdef __linux__

Granted ask_for_real_time(const Wanted& wanted) {
    Granted granted;
    // 50 us by default, which a 10 kHz schedule does not have; real-time threads have none
    prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
    granted.slack_ns = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
    if (wanted.priority > 0) granted.fifo = ask_for_priority(wanted.priority, granted.why);
    if (wanted.locked) granted.locked = lock_memory(granted.why);
    if (wanted.awake) granted.awake = stay_awake(granted.why);
    return granted;
}

bool processors_awake() { return latency_request >= 0; }

void leave_real_time() {
    sched_param plain{};
    if (sched_getscheduler(0) != SCHED_OTHER) sched_setscheduler(0, SCHED_OTHER, &plain);
    if (memory_locked) munlockall();
    memory_locked = false;
    if (latency_request >= 0) ::close(latency_request);
    latency_request = -1;
}

#else

Granted ask_for_real_time(const Wanted& wanted) {
    Granted granted;
    if (wanted.priority > 0) granted.why.push_back("real-time priority is asked for on Linux only");
    if (wanted.locked) granted.why.push_back("memory is locked on Linux only");
    if (wanted.awake) granted.why.push_back("processors are kept awake on Linux only");
    return granted;
}

bool processors_awake() { return false; }

void leave_real_time() {}

#endif

}  // namespace crumple
