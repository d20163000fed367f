#include <cmath>
#include <limits>

#include "check.hpp"
#include "crumple/random.hpp"
#include "crumple/wire.hpp"

using namespace crumple;

namespace {

Channel channel(const std::string& name, Kind kind = Kind::real, const std::string& si = "1") {
    Channel made;
    made.port.name = name;
    made.port.kind = kind;
    made.si = si;
    return made;
}

Header sample(std::uint64_t session, std::uint64_t sequence, std::int64_t sim = unknown_time, std::int64_t source = 0) {
    Header header;
    header.session = session;
    header.sequence = sequence;
    header.sim_ns = sim;
    header.source_ns = source;
    return header;
}

std::vector<std::byte> framed(const Header& header, std::vector<double> values) {
    std::vector<std::byte> frame;
    encode(header, values, frame);
    return frame;
}

std::string refused(const std::vector<std::byte>& frame, std::size_t count, std::optional<std::uint64_t> layout = {}) {
    Header header;
    std::vector<double> values(count);
    return refusal_word(decode(frame, layout, count, header, values));
}

}  // namespace

CASE(a_message_comes_out_as_it_went_in) {
    Header header = sample(7, 42, -5, 123456789);
    header.flags = flag_safe | flag_resent;
    header.echo_sequence = 41;
    header.echo_ns = -9;
    header.layout = 0x0123456789abcdef;
    const std::vector<double> values{1.5, -0.0, std::numeric_limits<double>::denorm_min()};
    const auto frame = framed(header, values);
    CHECK_EQUAL(frame.size(), 64U + 24U);
    Header read;
    std::vector<double> back(3);
    CHECK_EQUAL(std::string(refusal_word(decode(frame, header.layout, 3, read, back))), "none");
    CHECK_EQUAL(read.flags, header.flags);
    CHECK_EQUAL(read.session, 7U);
    CHECK_EQUAL(read.sequence, 42U);
    CHECK_EQUAL(read.sim_ns, -5);
    CHECK_EQUAL(read.source_ns, 123456789);
    CHECK_EQUAL(read.echo_sequence, 41U);
    CHECK_EQUAL(read.echo_ns, -9);
    CHECK(back == values);
    CHECK(std::signbit(back[1]));
}

CASE(each_fault_of_a_frame_has_its_word) {
    const auto good = framed(sample(1, 1), {2.0});
    const auto bent = [&](std::size_t at, unsigned value) {
        auto frame = good;
        frame[at] = static_cast<std::byte>(value);
        return frame;
    };
    CHECK_EQUAL(refused(good, 1), "none");
    CHECK_EQUAL(refused({good.begin(), good.begin() + 63}, 1), "short");
    CHECK_EQUAL(refused({}, 1), "short");
    CHECK_EQUAL(refused(bent(0, 'X'), 1), "magic");
    CHECK_EQUAL(refused(bent(4, 2), 1), "version");
    CHECK_EQUAL(refused(bent(5, 0), 1), "type");
    CHECK_EQUAL(refused(bent(5, 6), 1), "type");
    CHECK_EQUAL(refused(bent(6, 16), 1), "flags");
    CHECK_EQUAL(refused(bent(7, 1), 1), "flags");
    CHECK_EQUAL(refused(bent(8, 0), 1), "session");
    CHECK_EQUAL(refused(bent(16, 0), 1), "sequence");
    CHECK_EQUAL(refused(bent(22, 0x20), 1), "sequence");  // 2^53
    CHECK_EQUAL(refused(good, 1, 5), "layout");
    CHECK_EQUAL(refused(good, 2), "length");
    CHECK_EQUAL(refused(framed(sample(1, 1), {1.0, 2.0}), 1), "length");
    auto longer = good;
    longer.push_back(std::byte{0});
    CHECK_EQUAL(refused(longer, 1), "length");
    CHECK_EQUAL(refused(framed(sample(1, 1), {std::nan("")}), 1), "value");
    CHECK_EQUAL(refused(framed(sample(1, 1), {std::numeric_limits<double>::infinity()}), 1), "value");
}

CASE(random_bytes_are_refused_or_read_whole) {
    Random random(1);
    const auto good = framed(sample(3, 9), {1.0, 2.0});
    for (int i = 0; i < 20000; ++i) {
        auto frame = good;
        for (int k = 0; k < 4; ++k)
            frame[static_cast<std::size_t>(random.uniform() * 80)] = static_cast<std::byte>(random.uniform() * 256);
        frame.resize(static_cast<std::size_t>(random.uniform() * 100));
        Header header;
        std::vector<double> values(2);
        if (decode(frame, std::nullopt, 2, header, values) == Refusal::none)
            for (const double x : values) CHECK(std::isfinite(x));
    }
}

CASE(booleans_are_0_or_1_and_integers_whole) {
    const std::vector<Channel> channels{channel("b", Kind::boolean), channel("n", Kind::integer), channel("x")};
    CHECK(fits(channels, std::vector{1.0, -3.0, 0.5}));
    CHECK(!fits(channels, std::vector{0.5, 0.0, 0.0}));
    CHECK(!fits(channels, std::vector{0.0, 0.5, 0.0}));
    CHECK(!fits(channels, std::vector{0.0, 1e300, 0.0}));
}

CASE(the_layout_tells_names_kinds_units_and_their_order) {
    const std::vector<Channel> one{channel("a"), channel("b", Kind::integer)};
    const std::uint64_t hash = layout_hash(one);
    CHECK_EQUAL(layout_hash({}), 0xcbf29ce484222325U);
    CHECK(hash != layout_hash(std::vector{one[1], one[0]}));
    CHECK(hash != layout_hash(std::vector{channel("a", Kind::real, "m"), one[1]}));
    CHECK(hash != layout_hash(std::vector{channel("a"), channel("b")}));
    // FNV-1a of "x real m/s^2\n", computed by hand elsewhere
    std::uint64_t wanted = 0xcbf29ce484222325;
    for (const char c : std::string("x real m/s^2\n"))
        wanted = (wanted ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    CHECK_EQUAL(layout_hash(std::vector{channel("x", Kind::real, "m/s^2")}), wanted);
}

CASE(a_sender_is_followed_through_gaps_repeats_and_restarts) {
    Tracker tracker;
    CHECK(!tracker.heard());
    const auto follow = [&](const Header& header) { return std::string(refusal_word(tracker.follow(header))); };
    CHECK_EQUAL(follow(sample(5, 100, 0, 10)), "none");  // who comes late has lost nothing
    CHECK_EQUAL(tracker.lost(), 0U);
    CHECK_EQUAL(follow(sample(5, 101, 1, 11)), "none");
    CHECK_EQUAL(follow(sample(5, 101, 1, 11)), "duplicate");
    CHECK_EQUAL(follow(sample(5, 99, 1, 11)), "reordered");
    CHECK_EQUAL(follow(sample(5, 105, 2, 12)), "none");
    CHECK_EQUAL(tracker.lost(), 3U);
    CHECK_EQUAL(follow(sample(5, 106, 1, 13)), "time_reversal");
    CHECK_EQUAL(follow(sample(5, 106, 2, 11)), "time_reversal");
    CHECK_EQUAL(follow(sample(5, 106, 2, 12)), "none");  // equal times are no reversal
    CHECK_EQUAL(follow(sample(6, 1, -1000, -1000)), "none");
    CHECK_EQUAL(tracker.restarts(), 1U);
    CHECK_EQUAL(follow(sample(5, 107, 3, 14)), "old_session");
    CHECK_EQUAL(follow(sample(6, 2, unknown_time, -999)), "none");
    CHECK_EQUAL(follow(sample(6, 3, -2000, -998)), "time_reversal");
    CHECK_EQUAL(tracker.lost(), 3U);
}
