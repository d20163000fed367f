// What each kind of fault makes of a sample.

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <numbers>

#include "crumple/random.hpp"
#include "disturbance.hpp"

namespace crumple {

namespace {

constexpr const char* names[] = {"gain",      "bias",     "drift",     "noise",    "spike",
                                 "sign_flip", "saturate", "quantise",  "bit_flip", "unit_error",
                                 "delay",     "reorder",  "duplicate", "dropout",  "stale_timestamp",
                                 "freeze",    "stuck_at", "pause",     "hang",     "kill"};

constexpr double largest_whole = 0x1p53;

// A generator whose state is kept elsewhere.
double uniform(std::uint64_t& state) {
    Random random(state);
    const double u = random.uniform();
    state = random.state();
    return u;
}

// Box and Muller, "A note on the generation of random normal deviates", Ann. Math. Statist. 29 (1958) 610.
double normal(std::uint64_t& state) {
    const double u = 1.0 - uniform(state);  // in (0, 1]
    return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * uniform(state));
}

// A bit of the word that stands for x: a whole number of `lsb` in two's complement of so many bits.
double flip_code(double x, int bit, int bits, double lsb) {
    const double digits = std::clamp(std::nearbyint(x / lsb), -largest_whole, largest_whole);
    auto word = static_cast<std::uint64_t>(static_cast<std::int64_t>(digits));
    word ^= std::uint64_t{1} << bit;
    if (bits > 0 && bits < 64) {
        const std::uint64_t sign = std::uint64_t{1} << (bits - 1);
        word &= (sign << 1) - 1;
        word = (word ^ sign) - sign;
    }
    return static_cast<double>(static_cast<std::int64_t>(word)) * lsb;
}

// A bit of the double itself; a pattern that is no finite number would not get past any receiver, and is not made.
double flip_real(double x, int bit) {
    const double y = std::bit_cast<double>(std::bit_cast<std::uint64_t>(x) ^ std::uint64_t{1} << bit);
    return std::isfinite(y) ? y : x;
}

}  // namespace

const char* fault_kind_name(FaultKind kind) { return names[static_cast<std::size_t>(kind)]; }

std::optional<FaultKind> fault_kind_of(const std::string& name) {
    for (std::size_t i = 0; i < std::size(names); ++i)
        if (name == names[i]) return static_cast<FaultKind>(i);
    return std::nullopt;
}

bool Disturbance::drawn() { return fault.chance >= 1.0 || uniform(state.random) < fault.chance; }

// A sample goes on its way.
void Disturbance::send(const double* x, Tick at_tick) {
    const std::size_t row = 2 + count;
    if (state.ring.empty()) state.ring.resize(capacity * row);
    if (state.filled == capacity) {  // cannot be, as arrive() lets go of what has been overtaken
        state.head = (state.head + 1) % capacity;
        --state.filled;
    }
    double* const slot = state.ring.data() + (state.head + state.filled) % capacity * row;
    ++state.filled;
    Tick arrives = at_tick + fault.delay;
    if (fault.jitter > 0)
        arrives +=
            std::min(fault.jitter, static_cast<Tick>(uniform(state.random) * static_cast<double>(fault.jitter + 1)));
    slot[0] = static_cast<double>(at_tick);
    slot[1] = static_cast<double>(arrives);
    std::copy_n(x, count, slot + 2);
}

// Of the samples that have arrived, the one that was sent last; at the start of a run, the first.
void Disturbance::arrive(double* x, Tick at_tick) {
    const std::size_t row = 2 + count;
    std::uint64_t newest = 0;
    for (std::uint64_t i = 1; i < state.filled; ++i) {
        const double* const slot = state.ring.data() + (state.head + i) % capacity * row;
        if (slot[0] > static_cast<double>(at_tick - fault.delay)) break;  // this and later ones cannot have
        if (slot[1] <= static_cast<double>(at_tick)) newest = i;
    }
    state.head = (state.head + newest) % capacity;
    state.filled -= newest;
    if (state.filled > 0) std::copy_n(state.ring.data() + state.head * row + 2, count, x);
}

// What a fault that does not act must know of the samples that pass.
void Disturbance::remember(const double* x, Tick at_tick, bool fresh) {
    state.holding = false;
    switch (fault.kind) {
        case FaultKind::delay: {
            if (fresh) send(x, at_tick);
            std::vector<double>& passing = state.held;
            passing.assign(x, x + count);
            arrive(passing.data(), at_tick);
            break;
        }
        case FaultKind::reorder:
        case FaultKind::duplicate:
            state.phase = 0;
            [[fallthrough]];
        case FaultKind::dropout:
        case FaultKind::stale_timestamp:
        case FaultKind::freeze:
        case FaultKind::stuck_at:
            state.last.assign(x, x + count);
            break;
        default:
            break;
    }
}

void Disturbance::change(double* x, Tick at_tick, double seconds, bool fresh, bool& missing) {
    const double value = fault.value.value_or(0.0);
    const auto each = [&](auto&& fn) {
        for (std::size_t i = 0; i < count; ++i) x[i] = fn(x[i]);
    };
    const auto take = [&](const std::vector<double>& sample) { std::copy(sample.begin(), sample.end(), x); };
    const auto keep = [&](std::vector<double>& sample) { sample.assign(x, x + count); };
    // these keep the last sample until a new one comes
    const bool sampled = fault.kind == FaultKind::noise || fault.kind == FaultKind::spike ||
                         fault.kind == FaultKind::bit_flip || fault.kind == FaultKind::reorder ||
                         fault.kind == FaultKind::duplicate || fault.kind == FaultKind::dropout;
    if (sampled && !fresh && state.holding) {
        missing = fault.kind == FaultKind::dropout && state.phase == 1;
        return take(state.held);
    }
    const bool first = state.last.empty();  // sample of the run: none came before
    if (first) keep(state.last);
    switch (fault.kind) {
        case FaultKind::gain:
        case FaultKind::unit_error:
            each([&](double v) { return v * value; });
            break;
        case FaultKind::bias:
            each([&](double v) { return v + value; });
            break;
        case FaultKind::drift:
            each([&](double v) { return v + value * seconds; });
            break;
        case FaultKind::noise:
            each([&](double v) { return v + value * normal(state.random); });
            break;
        case FaultKind::spike:
            if (drawn()) each([&](double v) { return v + value; });
            break;
        case FaultKind::sign_flip:
            each([](double v) { return -v; });
            break;
        case FaultKind::saturate:
            if (fault.min) each([&](double v) { return std::max(v, *fault.min); });
            if (fault.max) each([&](double v) { return std::min(v, *fault.max); });
            break;
        case FaultKind::quantise:
            each([&](double v) { return std::nearbyint(v / value) * value; });
            break;
        case FaultKind::bit_flip:
            if (!drawn()) break;
            if (kind == Kind::boolean)
                each([](double v) { return v == 0.0 ? 1.0 : 0.0; });
            else if (kind == Kind::real && !fault.value)
                each([&](double v) { return flip_real(v, fault.bit); });
            else
                each([&](double v) { return flip_code(v, fault.bit, fault.bits, fault.value.value_or(1.0)); });
            break;
        case FaultKind::delay:
            if (fresh) send(x, at_tick);
            arrive(x, at_tick);
            break;
        case FaultKind::reorder:  // 0: in order; 2: the late one has been overtaken; 1: it comes
            if (state.phase == 1) {
                take(state.late);
                state.phase = 0;
            } else if (state.phase == 2) {
                state.phase = 1;
            } else if (!first && drawn()) {
                keep(state.late);
                take(state.last);
                state.phase = 2;
            }
            keep(state.last);
            break;
        case FaultKind::duplicate:
            if (state.phase == 0 && !first && drawn()) {
                take(state.last);
                state.phase = 1;
            } else {
                state.phase = 0;
            }
            keep(state.last);
            break;
        case FaultKind::dropout:
            state.phase = 0;
            if (!drawn()) {
                keep(state.last);
                break;
            }
            if (fault.hold == Hold::zero)
                each([](double) { return 0.0; });
            else if (fault.hold == Hold::missing && fault.value)
                each([&](double) { return value; });
            else
                take(state.last);
            missing = fault.hold == Hold::missing;
            state.phase = missing ? 1 : 0;
            break;
        case FaultKind::stale_timestamp:
            if (fault.value)
                each([&](double v) { return v - value; });
            else
                take(state.last);
            break;
        case FaultKind::freeze:
            take(state.last);
            break;
        case FaultKind::stuck_at:
            if (fault.value)
                each([&](double) { return value; });
            else
                take(state.last);
            break;
        case FaultKind::pause:
        case FaultKind::hang:
        case FaultKind::kill:
            break;
    }
    if (kind != Kind::real) each([](double v) { return std::clamp(std::nearbyint(v), -largest_whole, largest_whole); });
    if (sampled) {
        keep(state.held);
        state.holding = true;
    }
}

void Disturbance::disturb(double* x, double* memory, Tick at_tick, double seconds, bool fresh) {
    state.before.assign(x, x + count);
    bool missing = false;
    if (acts(at_tick))
        change(x, at_tick, seconds, fresh, missing);
    else
        remember(x, at_tick, fresh);
    state.after.assign(x, x + count);
    if (flag != nowhere) {
        state.flag_before = memory[flag];
        if (missing) memory[flag] = 0.0;
    }
}

void Disturbance::undo(double* x, double* memory) const {
    if (flag != nowhere) memory[flag] = state.flag_before;
    std::copy(state.before.begin(), state.before.end(), x);
}

}  // namespace crumple
