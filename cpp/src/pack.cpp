// Snapshots as bytes, for a file and another process: a header, then what Snapshot holds, little-endian.

#include <string_view>

#include "bytes.hpp"
#include "layout.hpp"

namespace crumple {

namespace {

constexpr std::string_view magic = "crumple snapshot 2\n";

void expect(std::uint64_t found, std::uint64_t wanted) {
    if (found != wanted) throw UsageError("unpack(): this snapshot was taken from a world of other units");
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
    for (const FaultState& state : snapshot.faults) {
        out.number((state.by_hand ? 1U : 0U) | (state.cleared ? 2U : 0U));
        out.reals(state.last);
    }
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
    for (const auto& each : l.faults) {
        const std::uint64_t flags = in.number();
        FaultState state{(flags & 1) != 0, (flags & 2) != 0, in.reals()};
        if (!state.last.empty()) expect(state.last.size(), each->count);
        snapshot->faults.push_back(std::move(state));
    }
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
