// Messages between Crumple and a rig: a header of 64 bytes and doubles, little-endian, one frame a message.
// The table is in docs/wire.md; for rigs in C there is crumple_wire.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crumple/port.hpp"

namespace crumple {

constexpr std::size_t wire_header = 64;      // [bytes]
constexpr std::size_t longest_frame = 4096;  // [bytes] the header, and a double a channel
constexpr std::int64_t unknown_time = std::numeric_limits<std::int64_t>::min();

enum class MessageType : std::uint8_t { sample = 1, output = 2, hello = 3, ready = 4, bye = 5 };

constexpr std::uint16_t flag_safe = 1;    // the values are the safe ones
constexpr std::uint16_t flag_final = 2;   // the run is over
constexpr std::uint16_t flag_paused = 4;  // somebody holds the run
constexpr std::uint16_t flag_resent = 8;  // the same message once more
constexpr std::uint16_t all_flags = 15;

struct Header {
    MessageType type = MessageType::sample;
    std::uint16_t flags = 0;
    std::uint64_t session = 0;           // random, not 0; a sender that starts anew has another
    std::uint64_t sequence = 0;          // + 1 a message
    std::int64_t sim_ns = unknown_time;  // simulated time
    std::int64_t source_ns = 0;          // the sender's monotonic clock
    std::uint64_t echo_sequence = 0;     // of the sample that an output answers
    std::int64_t echo_ns = 0;            // its source time
    std::uint64_t layout = 0;            // see layout_hash
};

// A number on the wire; its place in the message is its place in the list.
struct Channel {
    Port port;                // name, kind, unit of measure, value before the first message
    std::string si = "1";     // the unit of measure as both sides write it
    double substitute = 0.0;  // of a sensor: what stands in for it
    double safe = 0.0;        // of an actuator: what it is told at the end
};

// FNV-1a over "name kind si\n" of every channel: both sides must mean the same.
std::uint64_t layout_hash(std::span<const Channel> channels);

// Why a frame is refused. Each has a word of its own in the figures of a run.
enum class Refusal : std::uint8_t {
    none,
    short_frame,
    length,
    magic,
    version,
    type,
    flags,
    session,
    sequence,
    layout,
    value,
    old_session,
    duplicate,
    reordered,
    time_reversal,
    count
};
const char* refusal_word(Refusal refusal);

// Reads a frame. Nothing in it is believed: `layout` is expected, where one is given, and `count` values, or none where
// the type has none. The first fault names the reason, the layout before the length: a rig with other channels is to be
// told so. On a refusal, header holds what was read so far.
Refusal decode(std::span<const std::byte> frame, std::optional<std::uint64_t> layout, std::size_t count, Header& header,
               std::span<double> values);
// Booleans are 0 or 1, integers whole.
bool fits(std::span<const Channel> channels, std::span<const double> values);

void encode(const Header& header, std::span<const double> values, std::vector<std::byte>& frame);

// Follows a sender from message to message.
class Tracker {
public:
    // none: the message follows. Lost messages and new sessions are counted on the way.
    Refusal follow(const Header& header);

    bool heard() const { return session_ != 0; }
    std::uint64_t session() const { return session_; }
    std::uint64_t sequence() const { return sequence_; }
    std::uint64_t lost() const { return lost_; }
    std::uint64_t restarts() const { return restarts_; }

private:
    std::uint64_t session_ = 0, sequence_ = 0, lost_ = 0, restarts_ = 0;
    std::int64_t sim_ns_ = unknown_time, source_ns_ = unknown_time;
    std::vector<std::uint64_t> earlier_;  // sessions that ended
};

// A session number that no other start of anything has.
std::uint64_t fresh_session();

}  // namespace crumple
