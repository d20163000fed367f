#include "fmu_log.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <unordered_set>

namespace crumple {

namespace {

constexpr std::size_t kept = 16;        // lines
constexpr std::size_t longest = 4'000;  // bytes of a line

std::unordered_set<const void*>& living() {
    static auto* set = new std::unordered_set<const void*>;  // never destroyed: callbacks come after main()
    return *set;
}

std::span<char>& mirrored() {
    static std::span<char> field;
    return field;
}

}  // namespace

std::mutex& FmuLog::register_mutex() {
    static auto* mutex = new std::mutex;
    return *mutex;
}

FmuLog::FmuLog() {
    const std::lock_guard lock(register_mutex());
    living().insert(this);
}

FmuLog::~FmuLog() {
    const std::lock_guard lock(register_mutex());
    living().erase(this);
}

FmuLog* FmuLog::find(const void* environment) {
    const auto found = living().find(environment);
    return found == living().end() ? nullptr : static_cast<FmuLog*>(const_cast<void*>(*found));
}

void FmuLog::mirror(std::span<char> field) { mirrored() = field; }

void FmuLog::add(bool grave, std::string text) {
    const std::lock_guard lock(mutex_);
    if (const std::span<char> field = mirrored(); !field.empty()) {
        const std::size_t n = std::min(text.size(), field.size() - 1);
        std::memcpy(field.data(), text.data(), n);
        field[n] = '\0';
    }
    lines_.emplace_back(grave, std::move(text));
    if (lines_.size() > kept) lines_.pop_front();
}

std::string FmuLog::last_words() const {
    const std::lock_guard lock(mutex_);
    for (auto line = lines_.rbegin(); line != lines_.rend(); ++line)
        if (line->first) return line->second;
    return lines_.empty() ? "" : lines_.back().second;
}

std::string format_message(const char* format, std::va_list arguments) {
    if (!format) return "";
    char text[longest];
    const int n = std::vsnprintf(text, sizeof text, format, arguments);
    return clean_text(n < 0 ? format : text);
}

std::string clean_text(const char* text) {
    std::string clean;
    if (!text) return clean;
    const auto* c = reinterpret_cast<const unsigned char*>(text);
    while (*c && clean.size() < longest) {
        const int length = *c < 0x80                 ? 1
                           : *c >= 0xc2 && *c < 0xe0 ? 2
                           : *c >= 0xe0 && *c < 0xf0 ? 3
                           : *c >= 0xf0 && *c < 0xf5 ? 4
                                                     : 0;
        int good = length > 0 ? 1 : 0;
        while (good > 0 && good < length && (c[good] & 0xc0) == 0x80) ++good;
        if (length > 0 && good == length) {
            clean.append(reinterpret_cast<const char*>(c), static_cast<std::size_t>(length));
            c += length;
        } else {
            clean += "\xef\xbf\xbd";  // the replacement character
            ++c;
        }
    }
    while (!clean.empty() && (clean.back() == '\n' || clean.back() == ' ')) clean.pop_back();
    return clean;
}

}  // namespace crumple
