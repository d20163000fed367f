#include "../src/fmu_log.hpp"

#include <optional>

#include "check.hpp"

using crumple::clean_text;
using crumple::FmuLog;

CASE(the_last_grave_line_is_the_last_word) {
    FmuLog log;
    CHECK_EQUAL(log.last_words(), "");
    log.add(false, "step 1");
    CHECK_EQUAL(log.last_words(), "step 1");
    log.add(true, "pressure table exhausted");
    log.add(false, "bye");
    CHECK_EQUAL(log.last_words(), "pressure table exhausted");
}

CASE(a_pointer_that_is_no_living_log_is_not_followed) {
    std::optional<FmuLog> log(std::in_place);
    const void* address = &*log;
    const auto known = [&] {
        const std::lock_guard lock(FmuLog::register_mutex());
        return FmuLog::find(address) != nullptr;
    };
    CHECK(known());
    log.reset();
    CHECK(!known());
    const std::lock_guard lock(FmuLog::register_mutex());
    CHECK(FmuLog::find(nullptr) == nullptr);
    CHECK(FmuLog::find(reinterpret_cast<const void*>(0x10)) == nullptr);
}

CASE(bytes_that_are_not_utf8_are_replaced) {
    CHECK_EQUAL(clean_text(nullptr), "");
    CHECK_EQUAL(clean_text("größe\n"), "größe");
    CHECK_EQUAL(clean_text("gr\xf6\xdf"
                           "e"),
                "gr\xef\xbf\xbd\xef\xbf\xbd"
                "e");
    CHECK_EQUAL(clean_text("\xe2\x82"), "\xef\xbf\xbd\xef\xbf\xbd");
}
