#include "worker_linux.hpp"

#ifdef __linux__

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <utility>

#include "bytes.hpp"
#include "fmu_log.hpp"
#include "spawn_linux.hpp"

namespace crumple {

namespace {

// Snapshots that may live at a time, each a parked process with a segment of its own.
constexpr std::size_t most_segments = 1024;
// Bytes, in all pieces: a unit must not fill the host's memory. A state may be as large as the model.
constexpr std::uint64_t longest_answer = std::uint64_t{64} << 20, longest_state = std::uint64_t{1} << 31;
// About 20 us: a short step is answered sooner, and a longer one does not miss the microseconds of waking up.
constexpr std::uint32_t spins = 2000, few_spins = 20;
constexpr double slice = 2e-3;             // [s] between looks at whether the worker lives
constexpr double start_limit = 10.0;       // [s] for a program to start, whatever the unit is allowed
constexpr double quit_limit = 2.0;         // [s] to free its unit
constexpr std::size_t kept_output = 2000;  // bytes of what it printed

std::atomic<std::size_t> running{0};  // workers of this process

// Whoever spins takes a core from somebody who works, unless there are enough.
std::uint32_t spins_now() {
    static const std::size_t cores = [] {
        cpu_set_t set;
        return sched_getaffinity(0, sizeof set, &set) == 0 ? static_cast<std::size_t>(CPU_COUNT(&set)) : 1;
    }();
    return running.load(std::memory_order_relaxed) < cores ? spins : few_spins;
}

std::string signal_text(int number) {
    struct Name {
        int number;
        const char* text;
    };
    constexpr Name names[] = {{SIGSEGV, "SIGSEGV (segmentation fault)"},
                              {SIGABRT, "SIGABRT (abort)"},
                              {SIGFPE, "SIGFPE (arithmetic fault)"},
                              {SIGILL, "SIGILL (illegal instruction)"},
                              {SIGBUS, "SIGBUS (bus error)"},
                              {SIGKILL, "SIGKILL"},
                              {SIGTERM, "SIGTERM"},
                              {SIGSYS, "SIGSYS (a system call that is not allowed)"},
                              {SIGTRAP, "SIGTRAP"},
                              {SIGHUP, "SIGHUP"},
                              {SIGINT, "SIGINT"},
                              {SIGPIPE, "SIGPIPE"},
                              {SIGALRM, "SIGALRM"}};
    for (const Name& name : names)
        if (name.number == number) return name.text;
    return "signal " + std::to_string(number);
}

}  // namespace

class WorkerFamily {
public:
    WorkerFamily(const SegmentShape& shape) : shape_(shape), bytes_(shape.bytes()) {
        memory_ = memfd_create("crumple-worker", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        output_ = memfd_create("crumple-output", MFD_CLOEXEC);
        if (memory_ < 0 || output_ < 0) fail("memfd_create");
        // else a worker could take the memory away from under us, and our next look at it would be a SIGBUS
        if (fcntl(memory_, F_ADD_SEALS, F_SEAL_SHRINK) != 0) fail("fcntl");
        void* base =
            mmap(nullptr, bytes_ * most_segments, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, memory_, 0);
        if (base == MAP_FAILED) fail("mmap");
        base_ = static_cast<char*>(base);
    }
    ~WorkerFamily() {
        munmap(base_, bytes_ * most_segments);
        close(memory_);
        close(output_);
    }
    WorkerFamily(const WorkerFamily&) = delete;
    WorkerFamily& operator=(const WorkerFamily&) = delete;

    // A free segment, blank but for its shape.
    std::size_t take() {
        const std::lock_guard lock(mutex_);
        std::size_t number = 0;
        while (number < used_.size() && used_[number]) ++number;
        if (number == most_segments)
            throw UnitError("fork", "there are " + std::to_string(most_segments) +
                                        " snapshots of this unit already; let go of some");
        if (number == used_.size()) {
            // ftruncate leaves no room; fallocate makes sure that there is memory: else a write would be a SIGBUS
            if (ftruncate(memory_, static_cast<off_t>(bytes_ * (number + 1))) != 0 ||
                posix_fallocate(memory_, static_cast<off_t>(bytes_ * number), static_cast<off_t>(bytes_)) != 0)
                throw UnitError("fork", "there is no shared memory left for another process of this unit");
            used_.push_back(false);
        }
        used_[number] = true;
        Segment* segment = at(number);
        std::memset(static_cast<void*>(segment), 0, sizeof(Segment));
        segment->version = channel_version;
        segment->shape = shape_;
        segment->segments = most_segments;
        segment->host = getpid();
        return number;
    }
    void give_back(std::size_t number) {
        const std::lock_guard lock(mutex_);
        used_[number] = false;
    }
    const SegmentShape& shape() const { return shape_; }
    char* arena_of(std::size_t number) {
        return reinterpret_cast<char*>(at(number) + 1) + (shape_.inputs + shape_.outputs) * sizeof(double);
    }
    Segment* at(std::size_t number) { return reinterpret_cast<Segment*>(base_ + number * bytes_); }
    int memory() const { return memory_; }
    int output() const { return output_; }
    std::atomic<std::size_t> living{0};
    pid_t group = 0;  // process group of all of them, and of what they start

private:
    [[noreturn]] void fail(const char* call) {
        const int why = errno;
        if (memory_ >= 0) close(memory_);
        if (output_ >= 0) close(output_);
        throw UnitError(call, std::string("no worker process can be started: ") + std::strerror(why));
    }
    SegmentShape shape_;
    std::uint64_t bytes_;
    int memory_ = -1, output_ = -1;
    char* base_ = nullptr;
    std::mutex mutex_;
    std::vector<bool> used_;
};

std::shared_ptr<Worker> Worker::start(const SegmentShape& shape, const WorkerOptions& options) {
    auto family = std::make_shared<WorkerFamily>(shape);
    const std::size_t segment = family->take();
    const pid_t pid = spawn(options.command, family->memory(), family->output());
    family->group = pid;
    return std::make_shared<Worker>(family, segment, pid, options);
}

Worker::Worker(std::shared_ptr<WorkerFamily> family, std::size_t segment, pid_t pid, const WorkerOptions& options)
    : family_(std::move(family)),
      number_(segment),
      segment_(family_->at(segment)),
      shape_(family_->shape()),
      inputs_(segment_->inputs()),
      results_(inputs_ + shape_.inputs),
      arena_(family_->arena_of(segment)),
      options_(options),
      pid_(pid),
      owner_(getpid()) {
    outputs_.resize(shape_.outputs);
    ++family_->living;
    ++running;
}

Worker::~Worker() {
    try {
        if (getpid() == owner_ && alive() && !posted_) quit();
    } catch (const Error&) {  // a destructor has nobody to tell
    }
    kill();
    family_->give_back(number_);
}

void Worker::quit() {
    if (!alive()) return;
    options_.timeout = std::min(options_.timeout, quit_limit);
    std::string nothing;
    call(Op::quit, {}, nothing);
    kill();  // its unit is freed; what its exit handlers do is of no interest
}

void Worker::kill() noexcept {
    if (!alive() || getpid() != owner_) return;
    ::kill(pid_, SIGKILL);
    reap(true);
}

void Worker::strike(int signal) {
    if (!alive()) throw UnitError("call", "its worker process is gone");
    siginfo_t changed{};
    int failed = ::kill(pid_, signal);
    do failed = waitid(P_PID, static_cast<id_t>(pid_), &changed, WEXITED | WSTOPPED | WNOWAIT);
    while (failed && errno == EINTR);
}

bool Worker::reap(bool wait) noexcept {
    if (!alive()) return true;
    siginfo_t ended{};
    int failed = 0;
    do failed = waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOWAIT | (wait ? 0 : WNOHANG));
    while (failed && errno == EINTR);
    if (!failed && ended.si_pid == 0) return false;
    // what the unit started goes with the last of the family: now, as long as the group is surely still its own
    if (family_->living == 1) ::kill(-family_->group, SIGKILL);
    known_ = waitpid(pid_, &status_, 0) == pid_;  // else somebody else has waited for it
    pid_ = 0;
    --family_->living;
    --running;
    return true;
}

void Worker::post(Op op, std::string_view payload, const Step& now) {
    if (!alive()) throw UnitError("call", "its worker process is gone");
    const std::uint64_t arena = shape_.arena;
    asked_ = op_name(op);
    std::string nothing;
    while (payload.size() > arena) {
        send(op, payload.substr(0, arena), true, now);
        payload.remove_prefix(arena);
        bool more = false;
        if (receive(nothing, more) != Answer::next) lose_mind("its worker answered before it was told everything");
    }
    send(op, payload, false, now);
    posted_ = true;
}

void Worker::send(Op op, std::string_view piece, bool more, const Step& now) {
    Segment& s = *segment_;
    std::copy(piece.begin(), piece.end(), arena_);
    ++sequence_;
    s.request.op = static_cast<std::uint32_t>(op);
    s.request.more = more;
    s.request.spins = spins_now();
    s.request.core = sched_getcpu();
    s.request.tick = now.tick;
    s.request.t = now.t;
    s.request.dt = now.dt;
    s.request.length = piece.size();
    s.request.checksum =
        checksum(checksum(sequence_, inputs_, shape_.inputs * sizeof(double)), piece.data(), piece.size());
    publish(s.request.sequence, sequence_, s.request.awaited);
}

Answer Worker::receive(std::string& payload, bool& more) {
    using Clock = std::chrono::steady_clock;
    Segment& s = *segment_;
    const std::uint32_t before = sequence_ - 1;
    bool changed = wait_for_change(s.reply.sequence, before, s.reply.awaited, spins_now(), s.reply.core, slice);
    if (!changed) {
        const auto began = Clock::now();
        for (int looks = 1; !changed; ++looks) {
            if (looks % 25 == 0 && while_waiting()) {
                try {
                    while_waiting()();
                } catch (...) {
                    kill();
                    throw;
                }
            }
            if (reap(false)) {
                // its last answer may have crossed our look at it
                if (s.reply.sequence.load(std::memory_order_acquire) == sequence_) break;
                lose(death());
            }
            const std::chrono::duration<double> waited = Clock::now() - began;
            const double limit =
                asked_ == op_name(Op::make) ? std::max(start_limit, options_.timeout) : options_.timeout;
            if (waited.count() > limit) {
                kill();
                lose("it did not answer within " + time_text(limit) + " (step_timeout) and was killed");
            }
            changed = wait_for_change(s.reply.sequence, before, s.reply.awaited, 0, -1, slice);
        }
    }
    const std::uint32_t sequence = s.reply.sequence.load(std::memory_order_acquire);
    const std::uint64_t length = s.reply.length;
    const std::uint32_t answer = s.reply.answer;
    more = s.reply.more != 0;
    if (sequence != sequence_)
        lose_mind("its worker answered out of sequence: " + std::to_string(sequence) + " instead of " +
                  std::to_string(sequence_));
    if (length > shape_.arena ||
        payload.size() + length > (asked_ == op_name(Op::pack) ? longest_state : longest_answer))
        lose_mind("its worker answered with a wrong length: " + std::to_string(length) + " bytes");
    // copied first and checked then: the worker may go on writing
    const std::size_t from = payload.size();
    payload.append(arena_, length);
    std::copy_n(results_, outputs_.size(), outputs_.data());
    const std::uint64_t sum =
        checksum(checksum(sequence, outputs_.data(), outputs_.size() * sizeof(double)), payload.data() + from, length);
    if (sum != s.reply.checksum) lose_mind("its worker answered with a wrong checksum: its memory was overwritten");
    return static_cast<Answer>(answer);
}

Answer Worker::finish(std::string& payload) {
    posted_ = false;
    payload.clear();
    bool more = false;
    Answer answer = receive(payload, more);
    while (more) {
        send(Op::more, {}, false, {});
        answer = receive(payload, more);
    }
    if (answer != Answer::done && answer != Answer::failed && answer != Answer::end_request)
        lose_mind("its worker did not understand, or answered what it must not");
    return answer;
}

Answer Worker::call(Op op, std::string_view payload, std::string& answer) {
    post(op, payload);
    return finish(answer);
}

std::string Worker::ask(Op op, std::string_view payload) {
    std::string answer;
    const Answer how = call(op, payload, answer);
    if (how == Answer::done) return answer;
    throw_answer(how, answer);
}

void throw_answer(Answer how, const std::string& answer) {
    if (how == Answer::end_request) throw EndRequest(answer);
    std::string call, fact, details;
    try {
        ByteReader in(answer);
        call = in.sized();
        fact = in.sized();
        details = in.sized();
    } catch (const BytesError&) {
        fact = "its worker answered what makes no sense";
    }
    throw UnitError(call, fact, details);
}

std::shared_ptr<Worker> Worker::fork() {
    const std::size_t segment = family_->take();
    try {
        ByteWriter request;
        request.number(segment);
        const std::string answer = ask(Op::fork, request.bytes());
        ByteReader in(answer);
        const auto pid = static_cast<pid_t>(in.number());
        // nothing but a child of ours may be waited for and killed as one
        int status = 0;
        if (pid <= 1 || waitpid(pid, &status, WNOHANG) != 0)
            throw UnitError("fork", "its worker answered with a process that is none of ours");
        return std::make_shared<Worker>(family_, segment, pid, options_);
    } catch (...) {
        family_->give_back(segment);
        throw;
    }
}

void Worker::forget(std::uint64_t state) {
    const std::lock_guard lock(forgotten_mutex_);
    forgotten_.push_back(state);
}

std::vector<std::uint64_t> Worker::take_forgotten() {
    const std::lock_guard lock(forgotten_mutex_);
    return std::exchange(forgotten_, {});
}

void Worker::lose_mind(const std::string& fact) {
    sane_ = false;
    lose(fact);
}

void Worker::lose(const std::string& fact) {
    kill();
    std::string call = sane_ ? get_text(segment_->call) : "";
    const bool readable =
        std::all_of(call.begin(), call.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)); });
    if (call.empty() || !readable) call = asked_;
    throw UnitError(call, fact + last_words());
}

std::string Worker::death() const {
    if (!known_) return "its worker process is gone";
    if (WIFSIGNALED(status_)) return "its worker process was killed by " + signal_text(WTERMSIG(status_));
    if (WEXITSTATUS(status_) == other_version && sequence_ == 1)
        return "its worker program is of another version of Crumple; reinstall it";
    return "its worker process ended with exit code " + std::to_string(WEXITSTATUS(status_)) +
           ", in the middle of the call";
}

std::string Worker::last_words() const {
    std::string words = sane_ ? get_text(segment_->words) : "";
    if (words.empty()) words = printed();
    return words.empty() ? "" : "; its last words: \"" + words + "\"";
}

std::string Worker::printed() const {
    char text[kept_output + 1];
    const off_t end = lseek(family_->output(), 0, SEEK_END);
    const off_t from = std::max<off_t>(0, end - static_cast<off_t>(kept_output));
    const ssize_t n = pread(family_->output(), text, kept_output, from);
    text[std::max<ssize_t>(n, 0)] = '\0';
    std::string words = clean_text(text);
    if (const auto line = words.rfind('\n'); line != std::string::npos) words.erase(0, line + 1);
    return words;
}

}  // namespace crumple

#endif
