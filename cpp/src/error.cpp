#include "crumple/error.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace crumple {

namespace {

std::string placed(const std::string& unit, const std::string& call, std::int64_t tick, double t,
                   const std::string& fact) {
    return "unit '" + unit + "' failed in " + call + " at t = " + time_text(t) + " (tick " + std::to_string(tick) +
           "): " + fact;
}

std::size_t edits(std::string_view a, std::string_view b) {  // Levenshtein distance, letter case ignored
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const bool same = std::tolower(static_cast<unsigned char>(a[i - 1])) ==
                              std::tolower(static_cast<unsigned char>(b[j - 1]));
            const std::size_t replaced = diagonal + (same ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
        }
    }
    return row[b.size()];
}

}  // namespace

StepError::StepError(std::string unit_name, std::string call_name, std::int64_t at_tick, double at_t,
                     const std::string& what_happened, std::string more)
    : Error(placed(unit_name, call_name, at_tick, at_t, what_happened)),
      unit(std::move(unit_name)),
      call(std::move(call_name)),
      fact(what_happened),
      details(std::move(more)),
      tick(at_tick),
      t(at_t) {}

std::string time_text(double t) {
    char text[32];  // not by snprintf: an FMU may have changed the locale, and with it the decimal point
    return std::string(text, std::to_chars(text, text + sizeof text, t, std::chars_format::general, 6).ptr) + " s";
}

std::string suggest(std::string_view wrong, const std::vector<std::string>& names) {
    if (names.empty()) return ". There are none.";
    const std::string* best = nullptr;
    std::size_t least = std::max<std::size_t>(2, wrong.size() / 3) + 1;
    for (const auto& name : names) {
        const std::size_t distance = edits(wrong, name);
        if (distance < least) {
            least = distance;
            best = &name;
        }
    }
    if (best) return ". Did you mean \"" + *best + "\"?";
    constexpr std::size_t shown = 12;
    std::string list = ". There are: ";
    for (std::size_t i = 0; i < std::min(shown, names.size()); ++i) list += (i ? ", " : "") + names[i];
    if (names.size() > shown) list += ", ... (" + std::to_string(names.size()) + " in all)";
    return list + ".";
}

}  // namespace crumple
