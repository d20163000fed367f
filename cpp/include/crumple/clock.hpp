// Wall time, as the pacer and the live inputs see it. Tests have one that they turn by hand.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace crumple {

using Nanoseconds = std::int64_t;

class Clock {
public:
    virtual ~Clock() = default;
    virtual Nanoseconds now() = 0;                     // monotonic
    virtual void sleep_until(Nanoseconds moment) = 0;  // absolute; may wake early when a signal comes
    virtual void spin_until(Nanoseconds moment);       // awake until then
};

std::shared_ptr<Clock> monotonic_clock();

// A clock that only moves when it is told to, or slept on: for tests of what depends on time.
class VirtualClock final : public Clock {
public:
    explicit VirtualClock(Nanoseconds start = 0) : now_(start) {}
    Nanoseconds now() override { return now_; }
    void sleep_until(Nanoseconds moment) override;
    void advance(Nanoseconds by) { now_ += by; }
    // The next sleeps wake that much late.
    void oversleep(Nanoseconds by) { oversleep_ = by; }

private:
    Nanoseconds now_;
    Nanoseconds oversleep_ = 0;
};

// What real time asks of the system.
struct Wanted {
    int priority = 0;     // SCHED_FIFO for the calling thread; 0: not asked for
    bool locked = false;  // memory stays in RAM
    bool awake = false;   // processors with nothing to do wait instead of going to sleep
};

// What the system granted of it.
struct Granted {
    bool fifo = false;
    bool locked = false;
    bool awake = false;
    long slack_ns = 0;             // timer slack of the calling thread; 0: the system has none, or does not tell
    std::vector<std::string> why;  // why something was not granted, with the remedy
};

// Asks for the calling thread (priority, timer slack), its process (memory) and the machine (processors). Never throws.
Granted ask_for_real_time(const Wanted& wanted);
// Whether this process keeps the processors awake.
bool processors_awake();
// Gives all of it back but the timer slack.
void leave_real_time();

}  // namespace crumple
