// The newest frame of a run, in shared memory, for whoever looks on; and a ring of commands back. Looking on costs the
// run nothing and can change nothing: a frame that nobody reads is written over.
//
// Layout, little-endian; crumple/live/monitor.py is the other side:
//      0  "CRMPVIEW"    8  u32 version   12  u32 values   16  u64 where the names stand   24  u64 their bytes
//     32  u64 where the values stand    40  u64 bytes in all
//     64  u64 sequence, odd while a frame is written    72  i64 tick    80  f64 t [s]    88  i64 moment [ns]
//     96  u32 status   104  f64 speed   112  i64 missed   120  i64 slips   128  i64 ticks in all   136  f64 budget [s]
//    192  u64 paced ticks so far    256  f64[256] late [s]    2304  f64[256] step [s], both by paced tick modulo 256
//   4352  u64 commands written      4360  u64 commands taken      4416  64 commands of 256 bytes, JSON, padded with
//   zeros
//  20800  names, a JSON array; then, at a multiple of 64, the values (f64)
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "crumple/clock.hpp"
#include "crumple/probe.hpp"

namespace crumple {

enum class RunStatus : std::uint32_t { waiting = 0, running = 1, paused = 2, ended = 3 };

class Monitor final : public Probe {
public:
    // `values`: how many numbers are published; `names`: a JSON array of as many texts.
    Monitor(std::shared_ptr<Clock> clock, std::size_t values, const std::string& names, Tick ticks, double budget);
    ~Monitor() override;
    Monitor(const Monitor&) = delete;
    Monitor& operator=(const Monitor&) = delete;

    int descriptor() const { return descriptor_; }  // others open it as /proc/<pid>/fd/<descriptor>

    void observe(Tick tick, double t, std::span<const double> published, std::span<const Blob> blobs) override;
    void close() override;    // the last frame is written whatever its age
    void close_descriptor();  // nobody new can look on
    void paced(Nanoseconds late, Nanoseconds step, std::int64_t missed, std::int64_t slips);
    // Held or ended, the frame is the very last one; else it may be some ticks old.
    void set_status(RunStatus status);
    void set_speed(double speed);

    bool stop_wanted() const;                              // one of those that wait is to stop
    bool commanded() const;                                // something waits to be taken
    std::vector<std::string> take(std::size_t most = 64);  // at most what the ring holds; rubbish as it stands

private:
    template <class T>
    T* at(std::size_t offset) const {
        return reinterpret_cast<T*>(memory_ + offset);
    }
    void write(Tick tick, double t, std::span<const double> published, Nanoseconds now);

    std::shared_ptr<Clock> clock_;
    std::size_t values_, values_at_, bytes_;
    int descriptor_ = -1;
    char* memory_ = nullptr;
    Nanoseconds written_ = 0;
    std::uint64_t look_in_ = 0, stride_ = 1;  // ticks between two looks at the clock
    struct {
        Tick tick = -1;
        double t = 0.0;
        std::span<const double> published;  // the world's memory, which stays where it is
    } last_;
};

}  // namespace crumple
