// The words of FMUs. A logger callback must survive anything: null strings, an environment pointer that is not ours,
// calls from other threads and after the instance was freed.
#pragma once

#include <cstdarg>
#include <deque>
#include <mutex>
#include <span>
#include <string>

namespace crumple {

class FmuLog {
public:
    FmuLog();  // enters itself in the register of living logs
    ~FmuLog();
    FmuLog(const FmuLog&) = delete;
    FmuLog& operator=(const FmuLog&) = delete;

    void add(bool grave, std::string text);
    // The last message of a failing status, else the last message of all; empty where there was none.
    std::string last_words() const;

    // From now on the last message of all logs stands in `field` too, for those who look when this process is gone.
    static void mirror(std::span<char> field);

    // The log behind a callback's environment pointer; null where the pointer is not that of a living log. The caller
    // holds `register_mutex()` while it uses the answer.
    static FmuLog* find(const void* environment);
    static std::mutex& register_mutex();

private:
    mutable std::mutex mutex_;
    std::deque<std::pair<bool, std::string>> lines_;
};

// Formats as printf does, bounded, and never fails.
std::string format_message(const char* format, std::va_list arguments);

// Text as the FMU gave it, with null as empty and bytes that are not UTF-8 replaced.
std::string clean_text(const char* text);

}  // namespace crumple
