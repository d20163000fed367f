// A worker process as its host sees it.
#pragma once

#include <sys/types.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "channel.hpp"
#include "crumple/worker.hpp"

namespace crumple {

// The shared memory of a worker and of all processes forked from it, and what these print.
class WorkerFamily;

// A unit's failure as its worker told it: throws UnitError or EndRequest.
[[noreturn]] void throw_answer(Answer how, const std::string& answer);

class Worker {
public:
    // Throws UnitError.
    static std::shared_ptr<Worker> start(const SegmentShape& shape, const WorkerOptions& options);
    Worker(std::shared_ptr<WorkerFamily> family, std::size_t segment, pid_t pid, const WorkerOptions& options);
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // Asks; the inputs have been written. One at a time: every post is followed by finish.
    void post(Op op, std::string_view payload = {}, const Step& now = {});
    // Waits for the answer: done, failed or end_request. Throws UnitError where the worker died, hangs, or answers
    // wrongly; then it is killed.
    Answer finish(std::string& payload);
    // Both.
    Answer call(Op op, std::string_view payload, std::string& answer);
    // The same, and a unit's failure thrown as in this process: UnitError or EndRequest. Returns what was answered.
    std::string ask(Op op, std::string_view payload = {});

    double* inputs() { return inputs_; }
    const std::vector<double>& outputs() const { return outputs_; }  // as of the last answer, checked
    bool posted() const { return posted_; }
    bool alive() const { return pid_ > 0; }

    // The last line that it, or what it forked from, printed; empty: it printed nothing.
    std::string printed() const;

    // A second process that goes on from here.
    std::shared_ptr<Worker> fork();
    // Lets it free its unit and end. Throws UnitError where it did not come to that.
    void quit();
    // Ends the process without asking the unit.
    void kill() noexcept;
    // Sends it a signal that ends or stops it, and waits until it has; the next call finds out what that means.
    void strike(int signal);
    // States that are no longer held; told to the worker before it saves the next.
    void forget(std::uint64_t state);
    std::vector<std::uint64_t> take_forgotten();

private:
    void send(Op op, std::string_view piece, bool more, const Step& now);
    Answer receive(std::string& payload, bool& more);
    bool reap(bool wait) noexcept;
    [[noreturn]] void lose(const std::string& fact);
    // The same, where nothing in its memory can be believed.
    [[noreturn]] void lose_mind(const std::string& fact);
    std::string death() const;
    std::string last_words() const;

    std::shared_ptr<WorkerFamily> family_;
    std::size_t number_;  // of its segment
    // where things lie is known here and never read from the segment, which the worker can overwrite
    Segment* segment_;
    SegmentShape shape_;
    double* inputs_;
    const double* results_;
    char* arena_;
    const char* asked_ = "call";  // in words, the last request
    bool sane_ = true;            // what stands in the segment can be shown
    WorkerOptions options_;
    pid_t pid_;           // 0: gone
    pid_t owner_;         // the process that may kill it: not one that was forked from that
    int status_ = 0;      // as waitpid gives it, once gone
    bool known_ = false;  // the status is
    std::uint32_t sequence_ = 0;
    bool posted_ = false;
    std::vector<double> outputs_;
    std::mutex forgotten_mutex_;
    std::vector<std::uint64_t> forgotten_;
};

}  // namespace crumple
