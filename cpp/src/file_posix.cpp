#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

#include "crumple/error.hpp"
#include "file.hpp"

namespace crumple {

FileState state_of(std::FILE* file) {
    struct stat status{};
    if (::fstat(::fileno(file), &status) != 0)
        throw RecordError(std::string("cannot look at a file that is being written: ") + std::strerror(errno));
    return {static_cast<std::uint64_t>(status.st_size), status.st_nlink == 0};
}

bool sync(std::FILE* file) {
    // some file systems cannot: that is no failure
    return ::fsync(::fileno(file)) == 0 || errno == EINVAL || errno == ENOSYS || errno == ENOTSUP;
}

void block_signals() {
    sigset_t all;
    sigfillset(&all);
    for (int crash : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP}) sigdelset(&all, crash);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace crumple
