// A fault: a deliberate disturbance of what an input receives, of an output, of a parameter or of a unit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "crumple/formula.hpp"
#include "crumple/time.hpp"

namespace crumple {

// In the order in which several faults on one value act: the way that a value takes, from the quantity that is
// measured over its digits and the wire to the one who reads it. Faults of one kind act in the order of their names.
enum class FaultKind : std::uint8_t {
    gain,
    bias,
    drift,
    noise,
    spike,
    sign_flip,
    saturate,
    quantise,
    bit_flip,
    unit_error,
    delay,
    reorder,
    duplicate,
    dropout,
    stale_timestamp,
    freeze,
    stuck_at,
    // of units
    pause,
    hang,
    kill,
};

// What stands for a sample that dropped out.
enum class Hold : std::uint8_t { last, zero, missing };

struct Fault {
    std::string name;
    std::string on;  // an input or output "unit.port", a parameter "unit.parameter" (with `nominal`), or a "unit"
    FaultKind kind = FaultKind::stuck_at;

    // In the port's own unit of measure. stuck_at: where (nothing: at its last value); bias, spike: what is added;
    // gain, unit_error: the factor; drift: [per s]; noise: sigma; quantise, bit_flip: the value of the last digit;
    // dropout: what is read where nothing came; stale_timestamp: how old the stamp is (nothing: it stands still).
    std::optional<double> value{};

    // When. In its window [since, until), or for `duration` after it began. Nothing of since, when and event: by hand.
    std::optional<Tick> since{};
    std::optional<Tick> until{};
    std::optional<Tick> duration{};
    Program when{};             // a condition on signals: it begins where that is true for the first time,
    bool as_long = false;       // or acts as long as it is true
    std::string event{};        // begins with this other fault
    double probability = 1.0;   // of it happening at all in a run
    bool off = false;           // it sleeps until arm()
    Tick period = 0, part = 0;  // intermittent: it acts in the first `part` ticks of each period; 0: always

    std::optional<double> min{}, max{};  // saturate
    double chance = 1.0;                 // of each sample
    Tick delay = 0, jitter = 0;          // [ticks]
    Hold hold = Hold::last;              // dropout
    std::string flag{};                  // a port beside it which is 0 while samples are missing
    int bit = 0, bits = 0;               // bit_flip: which, and of a word of how many; 0: of as many as there are
    std::optional<double> nominal{};     // of a parameter: its value without faults
};

// What changes of a fault while a run goes on; part of a snapshot.
struct FaultState {
    bool by_hand = false;  // injected, and not cleared since
    bool cleared = false;  // by hand; it does not come back by itself
    bool armed = false;    // by hand, where it was off
    bool happens = true;   // as drawn at the start of the run
    bool on = false;       // in its window
    bool holding = false;  // `held` is what the last sample became
    Tick began = -1;       // its window
    Tick latched = -1;     // when its condition or event came
    std::uint64_t random = 0;
    std::uint64_t phase = 0;               // reorder, duplicate: where in the pattern. pause: ticks that were missed
    std::uint64_t head = 0, filled = 0;    // delay: of the ring
    std::vector<double> before, after;     // elements as they came last, and what became of them
    std::vector<double> last, late, held;  // samples: the last good one, one under way, what it became
    std::vector<double> ring;              // delay: (sent, arrives, elements...) each
    double flag_before = 0.0;
};

// It began or was over at this tick, or a draw of the run decided that it does not happen.
struct FaultEvent {
    std::string fault;
    Tick tick = 0;
    bool began = true;
};

const char* fault_kind_name(FaultKind kind);
std::optional<FaultKind> fault_kind_of(const std::string& name);

}  // namespace crumple
