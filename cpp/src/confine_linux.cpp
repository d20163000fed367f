#include "confine.hpp"

#ifdef __linux__

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "crumple/error.hpp"

namespace crumple {

namespace {

void limit(int resource, std::uint64_t most, const char* what) {
    const rlimit both{most, most};
    rlimit now{};
    if (getrlimit(static_cast<__rlimit_resource>(resource), &now) == 0 && now.rlim_max < most) return;  // stricter
    if (setrlimit(static_cast<__rlimit_resource>(resource), &both) != 0)
        throw UnitError("start", std::string("its ") + what + " cannot be limited: " + std::strerror(errno));
}

// A filter of system calls (seccomp). What is denied fails with EACCES, as an FMU may expect of a network that is not
// there; it is not killed.
void filter(bool processes, bool network) {
#if defined(__x86_64__) || defined(__aarch64__)
#if defined(__x86_64__)
    constexpr std::uint32_t architecture = AUDIT_ARCH_X86_64;
#else
    constexpr std::uint32_t architecture = AUDIT_ARCH_AARCH64;
#endif
    const auto word = [](std::size_t offset) {
        return sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
    };
    const auto answer = [](std::uint32_t what) { return sock_filter BPF_STMT(BPF_RET | BPF_K, what); };
    const auto deny = [&](int error) { return answer(SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)); };
    const auto unless = [](std::uint32_t value, std::uint8_t skip) {
        return sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip);
    };
    constexpr std::size_t first_argument = offsetof(seccomp_data, args);
    // of another architecture no call exists
    std::vector<sock_filter> program{word(offsetof(seccomp_data, arch)),
                                     BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, architecture, 1, 0), deny(ENOSYS),
                                     word(offsetof(seccomp_data, nr))};
    if (!network) {
        program.push_back(unless(SYS_socket, 4));
        program.push_back(word(first_argument));
        program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 0, 1));
        program.push_back(answer(SECCOMP_RET_ALLOW));
        program.push_back(deny(EACCES));
        program.push_back(word(offsetof(seccomp_data, nr)));
    }
    if (!processes) {
#ifdef SYS_fork
        program.push_back(unless(SYS_fork, 1));
        program.push_back(deny(EACCES));
        program.push_back(unless(SYS_vfork, 1));
        program.push_back(deny(EACCES));
#endif
        // its flags lie in memory, where a filter cannot look; the C library then falls back to clone
        program.push_back(unless(SYS_clone3, 1));
        program.push_back(deny(ENOSYS));
        program.push_back(unless(SYS_clone, 4));
        program.push_back(word(first_argument));
        // threads, and the worker's own forks for snapshots
        program.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD | CLONE_PARENT, 0, 1));
        program.push_back(answer(SECCOMP_RET_ALLOW));
        program.push_back(deny(EACCES));
    }
    program.push_back(answer(SECCOMP_RET_ALLOW));
    const sock_fprog whole{static_cast<unsigned short>(program.size()), program.data()};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &whole) != 0)
        throw UnitError("start", std::string("the network or other processes cannot be denied to it: ") +
                                     std::strerror(errno) + ". Drop these limits to run it nevertheless.");
#else
    (void)processes;
    (void)network;
    throw UnitError("start", "the network and other processes can be denied on x86-64 and ARM64 only");
#endif
}

}  // namespace

void confine(const Confinement& limits) {
    limit(RLIMIT_CORE, 0, "core dumps");  // of a crash its signal is told, and no file is left behind
    if (limits.memory) limit(RLIMIT_DATA, limits.memory, "memory");
    if (limits.file_size) {
        std::signal(SIGXFSZ, SIG_IGN);  // the write fails instead: a full disk, to the unit
        limit(RLIMIT_FSIZE, limits.file_size, "file size");
    }
    if (!limits.processes || !limits.network) filter(limits.processes, limits.network);
}

}  // namespace crumple

#endif
