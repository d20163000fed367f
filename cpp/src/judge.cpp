// A requirement in a world: its atoms are evaluated at every tick, and its machines go on.

#include <bit>
#include <cmath>

#include "bytes.hpp"
#include "crumple/error.hpp"
#include "stl_key.hpp"

namespace crumple {

using stl::highest;
using stl::key_of;
using stl::lowest;
using stl::nobody;
using stl::value_of;

namespace {

// How far left - right is from turning the comparison. At a distance of zero the sign says whether it holds.
double distance(Relation relation, double x) {
    switch (relation) {
        case Relation::less:
            return x == 0.0 ? -0.0 : -x;
        case Relation::less_equal:
            return x == 0.0 ? 0.0 : -x;
        case Relation::greater:
            return x == 0.0 ? -0.0 : x;
        case Relation::greater_equal:
            return x == 0.0 ? 0.0 : x;
        case Relation::equal:
            return x == 0.0 ? 0.0 : -std::fabs(x);
        case Relation::unequal:
            return x == 0.0 ? -0.0 : std::fabs(x);
        case Relation::is_true:
            return x != 0.0 ? 1.0 : -1.0;
        case Relation::is_false:
            return x == 0.0 ? 1.0 : -1.0;
    }
    return 0.0;
}

bool negative(std::int64_t key) { return key < 0; }

}  // namespace

Judge::Judge(std::string name, std::vector<StlTerm> terms, bool stop)
    : name_(std::move(name)), terms_(std::move(terms)), stop_(stop), fresh_(terms_) {
    for (std::size_t i = 0; i < terms_.size(); ++i)
        if (terms_[i].op == StlOp::atom) atoms_.push_back(i);
    if (atoms_.size() >= std::size_t{1} << stl::atom_bits)
        throw BuildError("requirement '" + name_ + "' has too many comparisons");
    samples_.resize(atoms_.size());
    samples_high_.resize(atoms_.size());
    reset();
}

void Judge::bind(const std::function<std::size_t(const std::string&)>& slot_of) {
    for (const std::size_t i : atoms_) terms_[i].value.bind(slot_of);
}

void Judge::reset() {
    state_ = {};
    state_.low = fresh_;
}

void Judge::see(const double* published, double t) {
    bool unknown = false;
    for (std::size_t i = 0; i < atoms_.size(); ++i) {
        const StlTerm& atom = terms_[atoms_[i]];
        const double x = atom.value.value(published, t);
        const std::uint64_t who = stl::who(state_.seen, i);
        if (x != x) [[unlikely]] {
            unknown = true;
            samples_[i] = {lowest, who};
            samples_high_[i] = {highest, who};
            continue;
        }
        double rho = distance(atom.relation, x);
        if (atom.crisp) rho = std::signbit(rho) ? -HUGE_VAL : HUGE_VAL;
        samples_[i] = samples_high_[i] = {key_of(rho), who};
    }
    if (unknown && !state_.high) state_.high = state_.low;  // up to now they were the same
    state_.low.step(samples_.data());
    if (state_.high) state_.high->step(samples_high_.data());
    if (state_.decided < 0) {
        const bool holds = !negative(state_.low.value(lowest).key);
        state_.broken = negative((state_.high ? *state_.high : state_.low).value(highest).key);
        if (holds || state_.broken) state_.decided = state_.seen;
    }
    ++state_.seen;
}

Finding Judge::finding(Closing closing) const {
    const Mark low = state_.low.finish(lowest, closing);
    const Mark high = (state_.high ? *state_.high : state_.low).finish(highest, closing);
    const auto atom = [](Mark m) { return static_cast<std::size_t>(m.who & ((1U << stl::atom_bits) - 1)); };
    const auto tick = [](Mark m) { return m.who == nobody ? Tick{-1} : static_cast<Tick>(m.who >> stl::atom_bits); };
    const bool holds = !negative(low.key), broken = negative(high.key);
    Tick decided = state_.decided;
    if (decided < 0 && (holds || broken)) decided = state_.seen - 1;
    return {value_of(low.key), value_of(high.key), decided,   holds,     broken,
            atom(low),         atom(high),         tick(low), tick(high)};
}

std::string Judge::signature() const {
    std::string text = name_;
    for (const StlTerm& term : terms_)
        text += " " + std::to_string(static_cast<int>(term.op)) + "," + std::to_string(term.from) + "," +
                std::to_string(term.to);
    return text;
}

void Judge::write(const State& state, ByteWriter& out) const {
    out.number(static_cast<std::uint64_t>(state.seen));
    out.number(static_cast<std::uint64_t>(state.decided));
    out.number((state.broken ? 1U : 0U) | (state.high ? 2U : 0U));
    state.low.write(out);
    if (state.high) state.high->write(out);
}

Judge::State Judge::read(ByteReader& in) const {
    State state;
    state.seen = static_cast<Tick>(in.number());
    state.decided = static_cast<Tick>(in.number());
    const std::uint64_t flags = in.number();
    state.broken = (flags & 1) != 0;
    state.low = fresh_;
    state.low.read(in);
    if ((flags & 2) != 0) {
        state.high = fresh_;
        state.high->read(in);
    }
    return state;
}

// ---- the state of a machine as bytes

namespace {

void write_mark(ByteWriter& out, Mark m) {
    out.number(static_cast<std::uint64_t>(m.key));
    out.number(m.who);
}

Mark read_mark(ByteReader& in) {
    const std::int64_t key = static_cast<std::int64_t>(in.number());
    return {key, in.number()};
}

void write_marks(ByteWriter& out, const std::vector<Mark>& marks) {
    out.number(marks.size());
    for (const Mark m : marks) write_mark(out, m);
}

std::vector<Mark> read_marks(ByteReader& in) {
    std::vector<Mark> marks(in.count());
    for (Mark& m : marks) m = read_mark(in);
    return marks;
}

void same(bool holds) {
    if (!holds) throw BytesError("a requirement's state does not fit");
}

}  // namespace

namespace stl {

void Lag::write(ByteWriter& out) const {
    out.number(at_);
    write_marks(out, ring_);
}

void Lag::read(ByteReader& in) {
    at_ = in.number();
    const std::vector<Mark> ring = read_marks(in);
    same(ring.size() == ring_.size() && (at_ < ring.size() || at_ == 0));
    ring_ = ring;
}

void Least::write(ByteWriter& out) const {
    out.number(count_);
    for (std::size_t i = 0; i < count_; ++i) {
        const Entry& entry = ring_[(first_ + i) & (ring_.size() - 1)];
        write_mark(out, entry.mark);
        out.number(static_cast<std::uint64_t>(entry.position));
    }
}

void Least::read(ByteReader& in) {
    const std::size_t count = in.count();
    *this = {};
    for (std::size_t i = 0; i < count; ++i) {
        const Mark mark = read_mark(in);
        push(mark, static_cast<Tick>(in.number()));
    }
    same(count_ == count);
}

void Reach::write_all(ByteWriter& out, const std::vector<Pair>& pairs) {
    out.number(pairs.size());
    for (const Pair& pair : pairs) {
        write_mark(out, pair.reached);
        write_mark(out, pair.held);
    }
}

void Reach::read_all(ByteReader& in, std::vector<Pair>& pairs) {
    pairs.resize(in.count());
    for (Pair& pair : pairs) {
        pair.reached = read_mark(in);
        pair.held = read_mark(in);
    }
}

void Reach::write(ByteWriter& out) const {
    write_all(out, front_);
    write_all(out, back_);
}

void Reach::read(ByteReader& in) {
    read_all(in, front_);
    std::vector<Pair> back;
    read_all(in, back);
    same(front_.size() + back.size() <= size_);
    back_.clear();
    for (const Pair& pair : back) {
        folded_ = back_.empty() ? pair : join(folded_, pair);
        back_.push_back(pair);
    }
}

}  // namespace stl

void StlMachine::write(ByteWriter& out) const {
    out.number(static_cast<std::uint64_t>(seen_));
    for (const Node& node : nodes_) {
        node.align_left.write(out);
        node.align_right.write(out);
        node.lag.write(out);
        node.least.write(out);
        node.reach.write(out);
        write_marks(out, {node.sum, node.held});
        write_marks(out, node.kept);
    }
}

void StlMachine::read(ByteReader& in) {
    seen_ = static_cast<Tick>(in.number());
    for (Node& node : nodes_) {
        node.align_left.read(in);
        node.align_right.read(in);
        node.lag.read(in);
        node.least.read(in);
        node.reach.read(in);
        const std::vector<Mark> sums = read_marks(in);
        same(sums.size() == 2);
        node.sum = sums[0];
        node.held = sums[1];
        node.kept = read_marks(in);
    }
}

}  // namespace crumple
