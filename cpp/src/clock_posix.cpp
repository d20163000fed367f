#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <string>

#include "crumple/clock.hpp"

#ifdef __linux__
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
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

Granted ask_for_real_time(bool fifo, bool locked) {
    Granted granted;
    // 50 us by default, which a 10 kHz schedule does not have; real-time threads have none
    prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
    granted.slack_ns = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
    if (fifo) {
        sched_param wanted{};
        wanted.sched_priority = 80;  // below the kernel's own threads at 99, above interrupt threads at 50
        // children are not to inherit it: a worker that spins at this priority would starve everything
        if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &wanted) == 0)
            granted.fifo = true;
        else
            granted.why.push_back(std::string("real-time priority was not granted (") + std::strerror(errno) +
                                  "): run as root, or allow it with ulimit -r 80 or the capability CAP_SYS_NICE");
    }
    if (locked) {
        // Future memory is locked when it is first used: else thread stacks that nobody touches would count in full.
#ifdef MCL_ONFAULT
        const int how = MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT;
#else
        const int how = MCL_CURRENT | MCL_FUTURE;
#endif
        rlimit limit{};
        // A small limit would be met in the middle of the run, by an allocation that fails.
        const bool enough =
            may_lock_all() || (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
                               (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= (rlim_t{4} << 30)));
        if (enough && mlockall(how) == 0)
            granted.locked = true;
        else
            granted.why.push_back(std::string("memory was not locked (") +
                                  (enough ? std::strerror(errno)
                                          : ("the limit is " + std::to_string(limit.rlim_cur >> 20) + " MiB").c_str()) +
                                  "): allow it with ulimit -l unlimited or the capability CAP_IPC_LOCK");
    }
    return granted;
}

void leave_real_time() {
    sched_param plain{};
    if (sched_getscheduler(0) != SCHED_OTHER) sched_setscheduler(0, SCHED_OTHER, &plain);
    munlockall();
}

#else

Granted ask_for_real_time(bool fifo, bool locked) {
    Granted granted;
    if (fifo) granted.why.push_back("real-time priority is asked for on Linux only");
    if (locked) granted.why.push_back("memory is locked on Linux only");
    return granted;
}

void leave_real_time() {}

#endif

}  // namespace crumple
