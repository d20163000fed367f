// A fault: a deliberate disturbance of what an input receives.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "crumple/time.hpp"

namespace crumple {

enum class FaultKind : std::uint8_t { stuck_at, bias, gain };

struct Fault {
    std::string name;
    std::string on;  // the input, "unit.port"
    FaultKind kind = FaultKind::stuck_at;
    std::optional<double> value;  // in the input's own unit; nothing: stuck at its last value
    std::optional<Tick> since;    // nothing: only by hand
    std::optional<Tick> until;
};

// What changes of a fault while a run goes on; part of a snapshot.
struct FaultState {
    bool by_hand = false;      // injected, and not cleared since
    bool cleared = false;      // by hand; it does not come back by itself
    std::vector<double> last;  // elements as they were before it, once there were any
};

}  // namespace crumple
