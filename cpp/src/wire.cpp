#include "crumple/wire.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>

namespace crumple {

namespace {

constexpr char magic[4] = {'C', 'R', 'M', 'P'};
constexpr std::uint8_t version = 1;
constexpr std::uint64_t most_exact = std::uint64_t{1} << 53;  // sequences stand on the tape as doubles

// A session is remembered as old for as long as a sender could plausibly still send in it.
constexpr std::size_t sessions_kept = 64;

std::uint64_t read64(const std::byte* from) {
    std::uint64_t x = 0;
    for (int i = 7; i >= 0; --i) x = x << 8 | std::to_integer<std::uint64_t>(from[i]);
    return x;
}

void write64(std::byte* to, std::uint64_t x) {
    for (int i = 0; i < 8; ++i) to[i] = static_cast<std::byte>(x >> (8 * i) & 255);
}

bool has_values(MessageType type) { return type != MessageType::hello && type != MessageType::ready; }

bool good_sequence(const Header& header) {
    if (header.sequence >= most_exact || header.echo_sequence >= most_exact) return false;
    if (header.type == MessageType::output) return true;  // in lockstep the first one has 0
    return has_values(header.type) ? header.sequence != 0 : header.sequence == 0;
}

}  // namespace

std::uint64_t layout_hash(std::span<const Channel> channels) {
    std::uint64_t hash = 0xcbf29ce484222325;
    const auto add = [&](std::string_view text) {
        for (const char c : text) {
            hash ^= static_cast<unsigned char>(c);
            hash *= 0x100000001b3;
        }
    };
    for (const Channel& channel : channels) {
        add(channel.port.name);
        add(" ");
        add(kind_name(channel.port.kind));
        add(" ");
        add(channel.si);
        add("\n");
    }
    return hash;
}

const char* refusal_word(Refusal refusal) {
    constexpr const char* words[] = {"none",  "short",       "length",    "magic",     "version",
                                     "type",  "flags",       "session",   "sequence",  "layout",
                                     "value", "old_session", "duplicate", "reordered", "time_reversal"};
    static_assert(std::size(words) == static_cast<std::size_t>(Refusal::count));
    return words[static_cast<std::size_t>(refusal)];
}

Refusal decode(std::span<const std::byte> frame, std::optional<std::uint64_t> layout, std::size_t count, Header& header,
               std::span<double> values) {
    if (frame.size() < wire_header) return Refusal::short_frame;
    const std::byte* p = frame.data();
    if (std::memcmp(p, magic, sizeof magic) != 0) return Refusal::magic;
    if (std::to_integer<std::uint8_t>(p[4]) != version) return Refusal::version;
    const auto type = std::to_integer<std::uint8_t>(p[5]);
    if (type < 1 || type > 5) return Refusal::type;
    header.type = static_cast<MessageType>(type);
    header.flags = static_cast<std::uint16_t>(std::to_integer<unsigned>(p[6]) | std::to_integer<unsigned>(p[7]) << 8);
    if ((header.flags & ~all_flags) != 0) return Refusal::flags;
    header.session = read64(p + 8);
    header.sequence = read64(p + 16);
    header.sim_ns = static_cast<std::int64_t>(read64(p + 24));
    header.source_ns = static_cast<std::int64_t>(read64(p + 32));
    header.echo_sequence = read64(p + 40);
    header.echo_ns = static_cast<std::int64_t>(read64(p + 48));
    header.layout = read64(p + 56);
    if (header.session == 0) return Refusal::session;
    if (!good_sequence(header)) return Refusal::sequence;
    if (layout && header.layout != *layout) return Refusal::layout;
    // a goodbye may bring values or none
    const std::size_t bytes = frame.size() - wire_header;
    const std::size_t expected = has_values(header.type) ? count : 0;
    if (bytes != expected * 8 && !(header.type == MessageType::bye && bytes == 0)) return Refusal::length;
    for (std::size_t i = 0; i * 8 < bytes; ++i) {
        const double x = std::bit_cast<double>(read64(p + wire_header + 8 * i));
        if (!std::isfinite(x)) return Refusal::value;
        if (i < values.size()) values[i] = x;
    }
    return Refusal::none;
}

bool fits(std::span<const Channel> channels, std::span<const double> values) {
    for (std::size_t i = 0; i < channels.size(); ++i) {
        const double x = values[i];
        if (channels[i].port.kind == Kind::boolean && x != 0.0 && x != 1.0) return false;
        if (channels[i].port.kind == Kind::integer &&
            (x != std::floor(x) || std::fabs(x) > static_cast<double>(most_exact)))
            return false;
    }
    return true;
}

void encode(const Header& header, std::span<const double> values, std::vector<std::byte>& frame) {
    frame.resize(wire_header + 8 * values.size());
    std::byte* p = frame.data();
    std::memcpy(p, magic, sizeof magic);
    p[4] = static_cast<std::byte>(version);
    p[5] = static_cast<std::byte>(header.type);
    p[6] = static_cast<std::byte>(header.flags & 255);
    p[7] = static_cast<std::byte>(header.flags >> 8);
    write64(p + 8, header.session);
    write64(p + 16, header.sequence);
    write64(p + 24, static_cast<std::uint64_t>(header.sim_ns));
    write64(p + 32, static_cast<std::uint64_t>(header.source_ns));
    write64(p + 40, header.echo_sequence);
    write64(p + 48, static_cast<std::uint64_t>(header.echo_ns));
    write64(p + 56, header.layout);
    for (std::size_t i = 0; i < values.size(); ++i)
        write64(p + wire_header + 8 * i, std::bit_cast<std::uint64_t>(values[i]));
}

Refusal Tracker::follow(const Header& header) {
    if (header.session != session_) {
        if (std::find(earlier_.begin(), earlier_.end(), header.session) != earlier_.end()) return Refusal::old_session;
        if (session_ != 0) {
            ++restarts_;
            if (earlier_.size() == sessions_kept) earlier_.erase(earlier_.begin());
            earlier_.push_back(session_);
        }
        session_ = header.session;
        sequence_ = header.sequence;
        sim_ns_ = header.sim_ns;
        source_ns_ = header.source_ns;
        return Refusal::none;
    }
    if (header.sequence == sequence_) return Refusal::duplicate;
    if (header.sequence < sequence_) return Refusal::reordered;
    const bool sim_back = sim_ns_ != unknown_time && header.sim_ns != unknown_time && header.sim_ns < sim_ns_;
    if (sim_back || header.source_ns < source_ns_) return Refusal::time_reversal;
    lost_ += header.sequence - sequence_ - 1;
    sequence_ = header.sequence;
    if (header.sim_ns != unknown_time) sim_ns_ = header.sim_ns;
    source_ns_ = header.source_ns;
    return Refusal::none;
}

std::uint64_t fresh_session() {
    std::random_device random;
    std::uint64_t session = 0;
    while (session == 0) session = static_cast<std::uint64_t>(random()) << 32 | random();
    return session;
}

}  // namespace crumple
