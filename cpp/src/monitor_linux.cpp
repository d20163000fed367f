#include "crumple/monitor.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "crumple/error.hpp"

#ifdef __linux__
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace crumple {

namespace {

constexpr std::size_t sequence_at = 64, tick_at = 72, t_at = 80, moment_at = 88, status_at = 96, speed_at = 104,
                      missed_at = 112, slips_at = 120, ticks_at = 128, budget_at = 136, paced_at = 192, late_at = 256,
                      step_at = 2304, written_at = 4352, taken_at = 4360, commands_at = 4416, names_at = 20800;
constexpr std::size_t ring = 256, commands = 64, command_bytes = 256;
// 120 frames a second: a viewer that draws 60 finds a new one each time, and finds two to draw between.
constexpr Nanoseconds frame_every = 8'000'000;

using Counter = std::atomic_ref<std::uint64_t>;

}  // namespace

#ifdef __linux__

Monitor::Monitor(std::shared_ptr<Clock> clock, std::size_t values, const std::string& names, Tick ticks, double budget)
    : clock_(std::move(clock)),
      values_(values),
      values_at_((names_at + names.size() + 63) / 64 * 64),
      bytes_(values_at_ + values * sizeof(double)) {
    descriptor_ = memfd_create("crumple-monitor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    const auto fail = [&](const char* what) {
        const std::string text = std::string("nobody can look on: ") + what + ": " + std::strerror(errno);
        if (descriptor_ >= 0) ::close(descriptor_);
        throw UsageError(text);
    };
    if (descriptor_ < 0) fail("memfd_create");
    if (ftruncate(descriptor_, static_cast<off_t>(bytes_)) != 0) fail("ftruncate");
    // who looks on may write here, and so could make the file shorter under our feet
    if (fcntl(descriptor_, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) fail("F_ADD_SEALS");
    void* const memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
    if (memory == MAP_FAILED) fail("mmap");
    memory_ = static_cast<char*>(memory);
    std::memset(memory_, 0, bytes_);  // a page that is first touched in the middle of a tick would cost it
    std::memcpy(memory_, "CRMPVIEW", 8);
    *at<std::uint32_t>(8) = 1;
    *at<std::uint32_t>(12) = static_cast<std::uint32_t>(values);
    *at<std::uint64_t>(16) = names_at;
    *at<std::uint64_t>(24) = names.size();
    *at<std::uint64_t>(32) = values_at_;
    *at<std::uint64_t>(40) = bytes_;
    *at<std::int64_t>(tick_at) = -1;
    *at<std::int64_t>(ticks_at) = ticks;
    *at<double>(budget_at) = budget;
    *at<double>(speed_at) = 1.0;
    std::memcpy(memory_ + names_at, names.data(), names.size());
}

Monitor::~Monitor() {
    if (memory_) munmap(memory_, bytes_);
    close_descriptor();
}

void Monitor::close_descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
}

#else

Monitor::Monitor(std::shared_ptr<Clock>, std::size_t, const std::string&, Tick, double)
    : values_(0), values_at_(0), bytes_(0) {
    throw UsageError("looking on at a run needs Linux");
}

Monitor::~Monitor() = default;
void Monitor::close_descriptor() {}

#endif

void Monitor::write(Tick tick, double t, std::span<const double> published, Nanoseconds now) {
    const Counter sequence(*at<std::uint64_t>(sequence_at));
    // acquire: what is written next must not be seen before the count is odd
    const std::uint64_t before = sequence.fetch_add(1, std::memory_order_acq_rel);
    *at<std::int64_t>(tick_at) = tick;
    *at<double>(t_at) = t;
    *at<std::int64_t>(moment_at) = now;
    std::memcpy(memory_ + values_at_, published.data(), std::min(values_, published.size()) * sizeof(double));
    sequence.store(before + 2, std::memory_order_release);
    written_ = now;
}

void Monitor::observe(Tick tick, double t, std::span<const double> published, std::span<const Blob>) {
    last_ = {tick, t, published};
    // in a run as fast as possible a look at the clock would cost more than the step
    if (look_in_ > 1 && tick != 0) {
        --look_in_;
        return;
    }
    const Nanoseconds now = clock_->now();
    const Nanoseconds since = now - written_;
    if (since < frame_every / 8)
        stride_ = std::min<std::uint64_t>(stride_ * 2, 1 << 20);
    else if (since > frame_every)
        stride_ = std::max<std::uint64_t>(stride_ / 2, 1);
    look_in_ = stride_;
    if (since >= frame_every || tick == 0) write(tick, t, published, now);
}

void Monitor::close() { set_status(RunStatus::ended); }

void Monitor::paced(Nanoseconds late, Nanoseconds step, std::int64_t missed, std::int64_t slips) {
    const Counter counter(*at<std::uint64_t>(paced_at));
    const std::uint64_t n = counter.load(std::memory_order_relaxed);
    at<double>(late_at)[n % ring] = static_cast<double>(late) * 1e-9;
    at<double>(step_at)[n % ring] = static_cast<double>(step) * 1e-9;
    *at<std::int64_t>(missed_at) = missed;
    *at<std::int64_t>(slips_at) = slips;
    counter.store(n + 1, std::memory_order_release);
}

void Monitor::set_status(RunStatus status) {
    if ((status == RunStatus::paused || status == RunStatus::ended) && last_.tick >= 0)
        write(last_.tick, last_.t, last_.published, clock_->now());
    std::atomic_ref(*at<std::uint32_t>(status_at)).store(static_cast<std::uint32_t>(status));
}

void Monitor::set_speed(double speed) { *at<double>(speed_at) = speed; }

bool Monitor::commanded() const {
    return Counter(*at<std::uint64_t>(written_at)).load(std::memory_order_acquire) !=
           Counter(*at<std::uint64_t>(taken_at)).load(std::memory_order_relaxed);
}

bool Monitor::stop_wanted() const {
    const std::uint64_t written = Counter(*at<std::uint64_t>(written_at)).load(std::memory_order_acquire);
    const std::uint64_t taken = Counter(*at<std::uint64_t>(taken_at)).load(std::memory_order_relaxed);
    for (std::uint64_t i = taken; i != written && i - taken < commands; ++i) {
        const std::string_view text(memory_ + commands_at + i % commands * command_bytes, command_bytes);
        if (text.find("\"stop\"") != std::string_view::npos) return true;
    }
    return false;
}

// The other side may be anything: a count that makes no sense is brought back to one that does.
std::vector<std::string> Monitor::take(std::size_t most) {
    const std::uint64_t written = Counter(*at<std::uint64_t>(written_at)).load(std::memory_order_acquire);
    std::uint64_t taken = Counter(*at<std::uint64_t>(taken_at)).load(std::memory_order_relaxed);
    if (written - taken > commands) taken = written - std::min<std::uint64_t>(written, commands);
    std::vector<std::string> all;
    for (; taken != written && all.size() < most; ++taken) {
        char text[command_bytes];
        std::memcpy(text, memory_ + commands_at + taken % commands * command_bytes, sizeof text);
        all.emplace_back(text, strnlen(text, sizeof text));
    }
    Counter(*at<std::uint64_t>(taken_at)).store(taken, std::memory_order_release);
    return all;
}

}  // namespace crumple
