#include "confine.hpp"

#ifdef __linux__

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "crumple/error.hpp"
#include "crumple/worker.hpp"

namespace crumple {

namespace {

constexpr std::int64_t F_SETSIG_number = 10;  // F_SETSIG, which the C library shows to GNU programs only

void limit(int resource, std::uint64_t most, const char* what) {
    const rlimit both{most, most};
    rlimit now{};
    if (getrlimit(static_cast<__rlimit_resource>(resource), &now) == 0 && now.rlim_max < most) return;  // stricter
    if (setrlimit(static_cast<__rlimit_resource>(resource), &both) != 0)
        throw UnitError("start", std::string("its ") + what + " cannot be limited: " + std::strerror(errno));
}

#if defined(__x86_64__) || defined(__aarch64__)

// A filter of system calls (seccomp). What is denied fails with an error, as it may on any system; nothing is killed.
class Filter {
public:
    Filter() {
#if defined(__x86_64__)
        constexpr std::uint32_t architecture = AUDIT_ARCH_X86_64;
#else
        constexpr std::uint32_t architecture = AUDIT_ARCH_AARCH64;
#endif
        load(offsetof(seccomp_data, arch));
        program_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, architecture, 1, 0));
        fail(ENOSYS);  // of another architecture no call exists
        load(offsetof(seccomp_data, nr));
#if defined(__x86_64__)
        program_.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1));
        fail(ENOSYS);  // the same calls under other numbers (x32)
#endif
    }

    void deny(long call, int error = EPERM) {
        program_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 1));
        fail(error);
    }
    // Denies a call whose argument has one of these values (its lower half).
    void deny_values(long call, unsigned argument, const std::vector<std::int64_t>& values) {
        start(call, values.size() * 2 + 2);
        load(offsetof(seccomp_data, args) + 8 * argument);
        for (const std::int64_t value : values) {
            program_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(value), 0, 1));
            fail(EPERM);
        }
        load(offsetof(seccomp_data, nr));
    }
    // Allows a call only where a test of an argument holds.
    void allow_only(long call, unsigned argument, std::uint16_t test, std::uint32_t value, int error) {
        start(call, 4);
        load(offsetof(seccomp_data, args) + 8 * argument);
        program_.push_back(BPF_JUMP(static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), value, 1, 0));
        fail(error);
        load(offsetof(seccomp_data, nr));
    }
    // prctl(option, value): the option may be asked for with this value only.
    void allow_option(long call, std::uint32_t option, std::uint32_t value) {
        start(call, 6);
        load(offsetof(seccomp_data, args));
        program_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, option, 0, 3));
        load(offsetof(seccomp_data, args) + 8);
        program_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0));
        fail(EPERM);
        load(offsetof(seccomp_data, nr));
    }
    // clone: threads only, and the worker's own forks for snapshots, which know the secret.
    void allow_threads(std::uint32_t secret, int error) {
        start(SYS_clone, 7);
        load(offsetof(seccomp_data, args));
        program_.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 4, 0));
        program_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CLONE_PARENT | SIGCHLD, 0, 2));
        load(offsetof(seccomp_data, args) + 8 * 4);
        program_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, secret, 1, 0));
        fail(error);
        program_.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    }
    // clone: no siblings, which would be children of the host that it does not know of; but for the worker's own forks.
    void deny_siblings(std::uint32_t secret) {
        start(SYS_clone, 6);
        load(offsetof(seccomp_data, args));
        program_.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_PARENT, 0, 3));
        load(offsetof(seccomp_data, args) + 8 * 4);
        program_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, secret, 1, 0));
        fail(EPERM);
        load(offsetof(seccomp_data, nr));
    }
    bool install() {
        program_.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
        const sock_fprog whole{static_cast<unsigned short>(program_.size()), program_.data()};
        // without SPEC_ALLOW some kernels slow the whole process down
        return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
               (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                        SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_TSYNC, &whole) == 0 ||
                prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &whole) == 0);
    }

private:
    void load(std::size_t offset) {
        program_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)));
    }
    void start(long call, std::size_t length) {  // of the rule, which another call skips
        program_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0,
                                    static_cast<std::uint8_t>(length)));
    }
    void fail(int error) {
        program_.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)));
    }
    std::vector<sock_filter> program_;
};

bool deny_calls(bool processes, bool network) {
    Filter filter;
    if (!network) {
        filter.allow_only(SYS_socket, 0, BPF_JEQ, AF_UNIX, EACCES);
#ifdef SYS_io_uring_setup
        filter.deny(SYS_io_uring_setup);  // it opens sockets without that call
#endif
    }
    if (!processes) {
#ifdef SYS_fork
        filter.deny(SYS_fork, EACCES);
        filter.deny(SYS_vfork, EACCES);
#endif
        filter.allow_threads(fork_secret(), EACCES);
    }
    return filter.install();
}

#endif

// Denies writing to files (Landlock), but for devices such as /dev/null. Where the kernel has none, nothing is denied.
void deny_writing() {
#ifdef SYS_landlock_create_ruleset
    // The numbers are part of the kernel's interface; the headers of the build may not know all of them.
    constexpr std::uint64_t write_file = 1 << 1, remove_dir = 1 << 4, remove_file = 1 << 5, make = 0x7f << 6,
                            truncate = 1 << 14;
    struct Attributes {
        std::uint64_t handled;
    };
    struct [[gnu::packed]] Beneath {
        std::uint64_t allowed;
        std::int32_t folder;
    };
    const int version = landlock_version();
    if (version < 1) return;
    const Attributes attributes{write_file | remove_dir | remove_file | make | (version >= 3 ? truncate : 0)};
    const int rules = static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0));
    if (rules < 0) return;
    for (const char* device : {"/dev/null", "/dev/zero", "/dev/full"}) {
        const Beneath rule{write_file | (version >= 3 ? truncate : 0), open(device, O_PATH | O_CLOEXEC)};
        if (rule.folder < 0) continue;
        syscall(SYS_landlock_add_rule, rules, 1, &rule, 0);
        close(rule.folder);
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) syscall(SYS_landlock_restrict_self, rules, 0);
    close(rules);
#endif
}

// Signals go to what this process starts, and to nobody else (Landlock since Linux 6.12).
void keep_signals_in() {
#ifdef SYS_landlock_create_ruleset
    struct Attributes {
        std::uint64_t files, network, scoped;
    };
    constexpr std::uint64_t scope_signal = 1 << 1;
    if (landlock_version() < 6) return;
    const Attributes attributes{0, 0, scope_signal};
    const int rules = static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0));
    if (rules < 0) return;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) syscall(SYS_landlock_restrict_self, rules, 0);
    close(rules);
#endif
}

}  // namespace

int landlock_version() {
#ifdef SYS_landlock_create_ruleset
    return static_cast<int>(std::max(0L, syscall(SYS_landlock_create_ruleset, nullptr, 0, 1)));
#else
    return 0;
#endif
}

std::uint32_t fork_secret() {
    static const std::uint32_t secret = [] {
        std::uint32_t random = 0;
        return getrandom(&random, sizeof random, 0) == sizeof random ? random : 0x5ec2e7U;
    }();
    return secret;
}

void protect(pid_t host) {
    keep_signals_in();
#if defined(__x86_64__) || defined(__aarch64__)
    Filter filter;
    const std::int64_t pid = host, group = getpgid(host);
    // to kill: the host, its process group, everybody
    for (const long call : {SYS_kill, SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo})
        filter.deny_values(call, 0, {pid, -pid, -group, -1});
    // by a thread's number, or by a handle, anybody could be meant
    for (const long call : {SYS_tkill, SYS_ptrace, SYS_process_vm_writev}) filter.deny(call);
#ifdef SYS_pidfd_open
    filter.deny(SYS_pidfd_open);
    filter.deny(SYS_pidfd_send_signal);
#endif
    // its flags lie in memory, where a filter cannot look; the C library then falls back to clone
    filter.deny(SYS_clone3, ENOSYS);
    filter.deny_siblings(fork_secret());
    // to get out of the process group, and to outlive the host
    filter.deny(SYS_setsid);
    filter.deny(SYS_setpgid);
    filter.allow_option(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
    // to have the system send a signal: by a limit of the host's, or as word of input
    filter.allow_only(SYS_prlimit64, 0, BPF_JEQ, 0, EPERM);
    filter.deny_values(SYS_fcntl, 1, {F_SETSIG_number});
    // to type into the user's terminal
    filter.deny_values(SYS_ioctl, 1, {TIOCSTI});
    filter.install();
#else
    (void)host;
#endif
}

void confine(const Confinement& limits, pid_t host) {
    limit(RLIMIT_CORE, 0, "core dumps");  // of a crash its signal is told, and no file is left behind
    if (limits.memory) limit(RLIMIT_DATA, limits.memory, "memory");
    if (limits.file_size) {
        std::signal(SIGXFSZ, SIG_IGN);  // the write fails instead: a full disk, to the unit
        limit(RLIMIT_FSIZE, limits.file_size, "file size");
    }
    if (!limits.write) deny_writing();
    if (!limits.processes || !limits.network) {
#if defined(__x86_64__) || defined(__aarch64__)
        if (!deny_calls(limits.processes, limits.network))
            throw UnitError("start", std::string("the network or other processes cannot be denied to it: ") +
                                         std::strerror(errno) + ". Drop these limits to run it nevertheless.");
#else
        throw UnitError("start", "the network and other processes can be denied on x86-64 and ARM64 only");
#endif
    }
    protect(host);
}

}  // namespace crumple

#endif
