#include "spawn_linux.hpp"

#ifdef __linux__

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <functional>
#include <mutex>
#include <thread>

#include "crumple/error.hpp"

extern char** environ;

namespace crumple {

namespace {

// PR_SET_PDEATHSIG fires when the *thread* that started a child ends, not its process. So that a worker outlives a
// thread which happened to reset a world, one thread that never ends starts them all.
class Spawner {
public:
    static pid_t run(const std::function<pid_t()>& start) {
        static std::mutex mutex;
        static Spawner* spawner = nullptr;  // never destroyed: its thread waits for as long as the process lives
        static pid_t owner = 0;
        const std::lock_guard lock(mutex);
        if (owner != getpid()) {  // a process forked from ours has none of our threads
            owner = getpid();
            spawner = new Spawner;
        }
        return spawner->call(start);
    }

private:
    Spawner() {
        // it must not take the signals that others wait for
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        std::thread([this] { work(); }).detach();
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    pid_t call(const std::function<pid_t()>& start) {
        std::unique_lock lock(mutex_);
        task_ = &start;
        changed_.notify_all();
        changed_.wait(lock, [this] { return !task_; });
        return result_;
    }
    void work() {
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [this] { return task_; });
            result_ = (*task_)();
            task_ = nullptr;
            changed_.notify_all();
        }
    }
    std::mutex mutex_;
    std::condition_variable changed_;
    const std::function<pid_t()>* task_ = nullptr;
    pid_t result_ = 0;
};

// In the child, before the program: calls that are safe after a fork of a process with threads, and no others.
[[noreturn]] void become(char* const* arguments, char* const* environment, int memory, int output, pid_t host) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != host) _exit(126);  // it ended before the line above
    // Ctrl-C is for the host; and all that the unit starts can be found. A session of its own would put it into another
    // group of the scheduler, across which sched_yield() does nothing: a step would take 15 us instead of 4.
    setpgid(0, 0);
    constexpr int above = 10;
    const int high_memory = fcntl(memory, F_DUPFD, above), high_output = fcntl(output, F_DUPFD, above);
    const int nothing = open("/dev/null", O_RDONLY);
    const int score = open("/proc/self/oom_score_adj", O_WRONLY);  // where memory runs out, this goes before the host
    if (score >= 0 && write(score, "1000", 4) == 4) close(score);
    fcntl(high_output, F_SETFL, O_APPEND);
    dup2(nothing, 0);
    dup2(high_output, 1);
    dup2(high_output, 2);
    dup2(high_memory, 3);
#ifdef SYS_close_range
    syscall(SYS_close_range, 4U, ~0U, 0U);
#endif
    for (int number = 1; number < 32; ++number) std::signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    execve(arguments[0], arguments, environment);
    _exit(127);
}

}  // namespace

pid_t spawn(const std::vector<std::string>& command, int memory, int output) {
    if (access(command.at(0).c_str(), X_OK) != 0)
        throw UnitError("start", "its worker program " + command[0] + " cannot be run: " + std::strerror(errno) +
                                     ". Reinstall Crumple, or run the unit in this process (isolate = false).");
    std::vector<char*> arguments, environment;
    for (const auto& each : command) arguments.push_back(const_cast<char*>(each.c_str()));
    arguments.push_back(nullptr);
    // one thread a worker: the cores are shared out by the waves of the world, and a fork keeps one thread only
    std::vector<std::string> single;
    for (const char* name : {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"})
        if (!getenv(name)) single.push_back(std::string(name) + "=1");
    for (char** each = environ; *each; ++each) environment.push_back(*each);
    for (auto& each : single) environment.push_back(each.data());
    environment.push_back(nullptr);
    const pid_t host = getpid();
    int why = 0;
    const pid_t pid = Spawner::run([&] {
        const pid_t child = fork();
        if (child == 0) become(arguments.data(), environment.data(), memory, output, host);
        why = errno;
        return child;
    });
    if (pid < 0) throw UnitError("start", std::string("no worker process can be started: ") + std::strerror(why));
    return pid;
}

}  // namespace crumple

#endif
