// Snapshots as bytes, for a file and another process: a header, then what Snapshot holds, little-endian.

#include <string_view>

#include "bytes.hpp"
#include "layout.hpp"

namespace crumple {

namespace {

constexpr std::string_view magic = "crumple snapshot 3\n";

void expect(std::uint64_t found, std::uint64_t wanted) {
    if (found != wanted) throw UsageError("unpack(): this snapshot was taken from a world of other units");
}

void write_fault(ByteWriter& out, const FaultState& s) {
    std::uint64_t flags = 0;
    for (const bool flag : {s.by_hand, s.cleared, s.armed, s.happens, s.on, s.holding}) flags = flags << 1 | flag;
    out.number(flags);
    for (const Tick tick : {s.began, s.latched}) out.number(static_cast<std::uint64_t>(tick));
    for (const std::uint64_t x : {s.random, s.phase, s.head, s.filled}) out.number(x);
    for (const auto* values : {&s.before, &s.after, &s.last, &s.late, &s.held, &s.ring}) out.reals(*values);
    out.real(s.flag_before);
}

FaultState read_fault(ByteReader& in, const Disturbance& d) {
    FaultState s;
    std::uint64_t flags = in.number();
    for (bool* flag : {&s.holding, &s.on, &s.happens, &s.armed, &s.cleared, &s.by_hand}) {
        *flag = flags & 1;
        flags >>= 1;
    }
    for (Tick* tick : {&s.began, &s.latched}) *tick = static_cast<Tick>(in.number());
    for (std::uint64_t* x : {&s.random, &s.phase, &s.head, &s.filled}) *x = in.number();
    for (auto* values : {&s.before, &s.after, &s.last, &s.late, &s.held, &s.ring}) {
        *values = in.reals();
        if (!values->empty()) expect(values->size(), values == &s.ring ? d.capacity * (2 + d.count) : d.count);
    }
    if (!s.ring.empty() && (s.head >= d.capacity || s.filled > d.capacity)) expect(0, 1);
    s.flag_before = in.real();
    return s;
}

}  // namespace

std::string World::pack(const Snapshot& snapshot) {
    const Exclusive exclusive(*this, "pack");
    require(phase_ != Phase::open && phase_ != Phase::built, "pack");
    Layout& l = *layout_;
    if (snapshot.units.size() != l.places.size())
        throw UsageError("pack(): this snapshot was taken from a world of other units");
    ByteWriter out;
    out.text(magic);
    out.number(static_cast<std::uint64_t>(snapshot.tick));
    out.number(snapshot.seed);
    out.number(static_cast<std::uint64_t>(period_.numerator()));
    out.number(static_cast<std::uint64_t>(period_.denominator()));
    for (const std::uint64_t lane : snapshot.digest.lanes()) out.number(lane);
    out.reals(snapshot.signals);
    out.reals(snapshot.inputs);
    out.blobs(snapshot.signal_blobs);
    out.blobs(snapshot.input_blobs);
    out.number(l.faults.size());
    for (const FaultState& state : snapshot.faults) write_fault(out, state);
    out.number(l.judges.size());
    for (std::size_t i = 0; i < l.judges.size(); ++i) l.judges[i]->write(snapshot.judges.at(i), out);
    out.number(snapshot.ended ? 1 : 0);
    out.sized(snapshot.ended.value_or(""));
    out.number(l.places.size());
    for (std::size_t i = 0; i < l.places.size(); ++i) {
        Place& place = l.places[i];
        std::string state;
        try {
            l.on_owner(place, [&] { state = place.unit->pack(*snapshot.units[i]); });
        } catch (...) {
            rethrow_placed(place, tick_, t(), std::current_exception());
        }
        out.sized(place.name);
        out.sized(state);
    }
    return out.take();
}

std::shared_ptr<const Snapshot> World::unpack(std::string_view bytes) {
    const Exclusive exclusive(*this, "unpack");
    require(phase_ != Phase::open && phase_ != Phase::built, "unpack");
    if (!bytes.starts_with(magic)) throw UsageError("unpack(): these bytes are no snapshot of this version of Crumple");
    try {
        return read_snapshot(bytes.substr(magic.size()));
    } catch (const BytesError& error) {
        throw UsageError(std::string("unpack(): these bytes are no whole snapshot; ") + error.what());
    }
}

std::shared_ptr<const Snapshot> World::read_snapshot(std::string_view bytes) {
    Layout& l = *layout_;
    ByteReader in(bytes);
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->tick = static_cast<Tick>(in.number());
    snapshot->seed = in.number();
    expect(in.number(), static_cast<std::uint64_t>(period_.numerator()));
    expect(in.number(), static_cast<std::uint64_t>(period_.denominator()));
    Digest::Lanes lanes;
    for (std::uint64_t& lane : lanes) lane = in.number();
    snapshot->digest = Digest(lanes);
    snapshot->signals = in.reals();
    snapshot->inputs = in.reals();
    snapshot->signal_blobs = in.blobs();
    snapshot->input_blobs = in.blobs();
    expect(snapshot->signals.size(), l.signals.size());
    expect(snapshot->inputs.size(), l.inputs.size());
    expect(snapshot->signal_blobs.size(), l.signal_blobs.size());
    expect(snapshot->input_blobs.size(), l.input_blobs.size());
    expect(in.number(), l.faults.size());
    for (const auto& each : l.faults) snapshot->faults.push_back(read_fault(in, *each));
    expect(in.number(), l.judges.size());
    for (const auto& judge : l.judges) snapshot->judges.push_back(judge->read(in));
    const bool ended = in.number() != 0;
    const std::string by(in.sized());
    if (ended) snapshot->ended = by;
    expect(in.number(), l.places.size());
    for (Place& place : l.places) {
        if (in.sized() != place.name) expect(0, 1);
        const std::string state(in.sized());
        try {
            l.on_owner(place, [&] { snapshot->units.push_back(place.unit->unpack(state)); });
        } catch (const BytesError& error) {
            throw UsageError("unpack(): the state of unit '" + place.name + "' is not whole; " + error.what());
        } catch (...) {
            rethrow_placed(place, tick_, t(), std::current_exception());
        }
    }
    in.end();
    snapshot->world = signature();
    return snapshot;
}

}  // namespace crumple
