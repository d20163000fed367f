#include "inspect.hpp"

#ifdef __linux__

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "fp_mode.hpp"

namespace crumple {

namespace {

std::vector<std::string> names_in(const char* folder) {
    std::vector<std::string> names;
    if (DIR* opened = opendir(folder)) {
        while (const dirent* entry = readdir(opened))
            if (entry->d_name[0] != '.') names.push_back(entry->d_name);
        closedir(opened);
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::string link_target(const std::string& link) {
    char text[PATH_MAX];
    const ssize_t n = readlink(link.c_str(), text, sizeof text - 1);
    return n < 0 ? "?" : std::string(text, static_cast<std::size_t>(n));
}

// Open files as "number path", one a line; /proc's own folder, which is open while we look, is left out.
std::string files() {
    std::string list;
    for (const std::string& number : names_in("/proc/self/fd")) {
        const std::string target = link_target("/proc/self/fd/" + number);
        if (target.find("/proc/") == 0 || target == "?") continue;
        list += number + " " + target + "\n";
    }
    return list;
}

// Numbers of the signals that have a handler or are ignored.
std::string signals() {
    std::string list;
    for (int number = 1; number < 32; ++number) {
        struct sigaction action{};
        if (sigaction(number, nullptr, &action) == 0 && action.sa_handler != SIG_DFL)
            list += std::to_string(number) + (action.sa_handler == SIG_IGN ? " ignored\n" : " handled\n");
    }
    return list;
}

std::string blocked_signals() {
    sigset_t blocked;
    sigprocmask(SIG_SETMASK, nullptr, &blocked);
    std::string list;
    for (int number = 1; number < 32; ++number)
        if (sigismember(&blocked, number) == 1) list += std::to_string(number) + "\n";
    return list;
}

std::uint64_t resident() {  // [bytes]
    unsigned long pages = 0, present = 0;
    if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
        if (std::fscanf(file, "%lu %lu", &pages, &present) != 2) present = 0;
        std::fclose(file);
    }
    return std::uint64_t{present} * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

std::size_t count_threads() { return std::max<std::size_t>(1, names_in("/proc/self/task").size()); }

Inspection inspect() {
    Inspection found;
    const char* locale = std::setlocale(LC_ALL, nullptr);
    found["locale"] = locale ? locale : "?";
    char directory[PATH_MAX];
    found["directory"] = getcwd(directory, sizeof directory) ? directory : "?";
    found["threads"] = std::to_string(count_threads());
    found["files"] = files();
    found["signals"] = signals();
    found["blocked signals"] = blocked_signals();
    found["resident"] = std::to_string(resident());
    found["printed"] = std::to_string(lseek(1, 0, SEEK_END));
    return found;
}

}  // namespace crumple

#endif
