// What the system grants, and that it is given back.

#ifdef __linux__

#include <sched.h>

#include <cstdint>
#include <cstdio>
#include <optional>

#include "check.hpp"
#include "crumple/clock.hpp"

using namespace crumple;

namespace {

// The latency that the whole machine bears now [us]; none: it may not be asked.
std::optional<std::int32_t> borne_latency() {
    std::FILE* file = std::fopen("/dev/cpu_dma_latency", "rb");
    if (!file) return std::nullopt;
    std::int32_t value = -1;
    const bool read = std::fread(&value, sizeof value, 1, file) == 1;
    std::fclose(file);
    return read ? std::optional(value) : std::nullopt;
}

}  // namespace

CASE(what_is_not_asked_for_is_not_granted_and_not_explained) {
    const Granted granted = ask_for_real_time({});
    CHECK(!granted.fifo && !granted.locked && !granted.awake && granted.why.empty());
    CHECK_EQUAL(granted.slack_ns, 1);
    CHECK(!processors_awake());
    leave_real_time();
}

CASE(processors_are_kept_awake_until_real_time_is_left) {
    const Granted granted = ask_for_real_time({0, false, true});
    CHECK_EQUAL(granted.awake, processors_awake());
    CHECK_EQUAL(granted.awake, granted.why.empty());
    if (granted.awake) {
        CHECK(borne_latency() == 0);
        CHECK(ask_for_real_time({0, false, true}).awake);  // once more is no harm
    } else {
        CHECK(granted.why[0].find("/dev/cpu_dma_latency") != std::string::npos);
    }
    leave_real_time();
    CHECK(!processors_awake());
}

CASE(the_priority_is_the_one_that_was_asked_for) {
    const Granted granted = ask_for_real_time({42, false, false});
    sched_param now{};
    sched_getparam(0, &now);
    CHECK_EQUAL(now.sched_priority, granted.fifo ? 42 : 0);
    if (!granted.fifo) CHECK(granted.why[0].find("ulimit -r 42") != std::string::npos);
    leave_real_time();
    CHECK_EQUAL(sched_getscheduler(0), SCHED_OTHER);
}

#endif
