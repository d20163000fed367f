// Snapshots as bytes, for a file and another process: a header, then what Snapshot holds, little-endian.

#include <bit>
#include <string_view>

#include "layout.hpp"

namespace crumple {

namespace {

constexpr std::string_view magic = "crumple snapshot 1\n";

class Writer {
public:
    void text(std::string_view bytes) { out_.append(bytes); }
    void number(std::uint64_t x) {
        for (int shift = 0; shift < 64; shift += 8) out_ += static_cast<char>(x >> shift & 255);
    }
    void sized(std::string_view bytes) {
        number(bytes.size());
        text(bytes);
    }
    void reals(const std::vector<double>& values) {
        number(values.size());
        for (double x : values) number(std::bit_cast<std::uint64_t>(x));
    }
    void blobs(const std::vector<Blob>& values) {
        number(values.size());
        for (const Blob& blob : values) sized(blob ? std::string_view(*blob) : std::string_view());
    }
    std::string take() { return std::move(out_); }

private:
    std::string out_;
};

// Trusts no length: what is cut short or too long is a UsageError.
class Reader {
public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}

    std::string_view text(std::uint64_t n) {
        if (n > rest_.size()) throw UsageError("unpack(): these bytes are no whole snapshot; they end too early");
        const std::string_view part = rest_.substr(0, n);
        rest_.remove_prefix(n);
        return part;
    }
    std::uint64_t number() {
        const std::string_view part = text(8);
        std::uint64_t x = 0;
        for (std::size_t i = 0; i < 8; ++i)
            x |= static_cast<std::uint64_t>(static_cast<unsigned char>(part[i])) << 8 * i;
        return x;
    }
    std::string_view sized() { return text(number()); }
    std::vector<double> reals(std::size_t wanted) {
        expect(number(), wanted);
        std::vector<double> values(wanted);
        for (double& x : values) x = std::bit_cast<double>(number());
        return values;
    }
    std::vector<Blob> blobs(std::size_t wanted) {
        expect(number(), wanted);
        std::vector<Blob> values(wanted);
        for (Blob& blob : values) blob = std::make_shared<const std::string>(sized());
        return values;
    }
    void expect(std::uint64_t found, std::uint64_t wanted) const {
        if (found != wanted) throw UsageError("unpack(): this snapshot was taken from a world of other units");
    }
    bool done() const { return rest_.empty(); }

private:
    std::string_view rest_;
};

}  // namespace

std::string World::pack(const Snapshot& snapshot) {
    const Exclusive exclusive(*this, "pack");
    require(phase_ != Phase::open && phase_ != Phase::built, "pack");
    Layout& l = *layout_;
    if (snapshot.units.size() != l.places.size())
        throw UsageError("pack(): this snapshot was taken from a world of other units");
    Writer out;
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
    Layout& l = *layout_;
    Reader in(bytes);
    if (bytes.size() < magic.size() || in.text(magic.size()) != magic)
        throw UsageError("unpack(): these bytes are no snapshot of this version of Crumple");
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->tick = static_cast<Tick>(in.number());
    snapshot->seed = in.number();
    in.expect(in.number(), static_cast<std::uint64_t>(period_.numerator()));
    in.expect(in.number(), static_cast<std::uint64_t>(period_.denominator()));
    Digest::Lanes lanes;
    for (std::uint64_t& lane : lanes) lane = in.number();
    snapshot->digest = Digest(lanes);
    snapshot->signals = in.reals(l.signals.size());
    snapshot->inputs = in.reals(l.inputs.size());
    snapshot->signal_blobs = in.blobs(l.signal_blobs.size());
    snapshot->input_blobs = in.blobs(l.input_blobs.size());
    in.expect(in.number(), l.places.size());
    for (Place& place : l.places) {
        if (in.sized() != place.name) in.expect(0, 1);
        const std::string state(in.sized());
        try {
            l.on_owner(place, [&] { snapshot->units.push_back(place.unit->unpack(state)); });
        } catch (...) {
            rethrow_placed(place, tick_, t(), std::current_exception());
        }
    }
    if (!in.done()) throw UsageError("unpack(): bytes follow the end of the snapshot");
    snapshot->world = signature();
    return snapshot;
}

}  // namespace crumple
