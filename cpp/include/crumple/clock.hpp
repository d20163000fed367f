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

// What the system granted of what real time asks for.
struct Granted {
    bool fifo = false;             // SCHED_FIFO
    bool locked = false;           // memory stays in RAM
    long slack_ns = 0;             // timer slack of the calling thread; 0: the system has none, or does not tell
    std::vector<std::string> why;  // why something was not granted, with the remedy
};

// Asks for the calling thread (priority, timer slack) and its process (memory). Never throws.
Granted ask_for_real_time(bool fifo, bool locked);
// Gives the priority and the lock back.
void leave_real_time();

}  // namespace crumple
