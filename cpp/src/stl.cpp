#include "crumple/stl.hpp"

#include <algorithm>
#include <bit>

#include "bytes.hpp"
#include "crumple/error.hpp"
#include "stl_key.hpp"

namespace crumple {

using stl::flipped;
using stl::greatest;
using stl::highest;
using stl::least;
using stl::lowest;
using stl::nobody;

// What finish() knows beside the machine: the last moment of the run, how it ended, and what all parts of the formula
// are at moments after it.
struct StlMachine::Ends {
    Tick last;
    Closing closing;
    Mark after;
};

namespace stl {

void Least::push(Mark x, Tick position) {
    while (count_ > 0 && ring_[(first_ + count_ - 1) & (ring_.size() - 1)].mark.key > x.key) --count_;
    if (count_ == ring_.size()) grow();
    ring_[(first_ + count_) & (ring_.size() - 1)] = {x, position};
    ++count_;
}

void Least::forget(Tick before) {
    while (count_ > 0 && ring_[first_].position < before) {
        first_ = (first_ + 1) & (ring_.size() - 1);
        --count_;
    }
}

void Least::grow() {
    std::vector<Entry> larger(std::max<std::size_t>(16, 2 * ring_.size()));
    for (std::size_t i = 0; i < count_; ++i) larger[i] = ring_[(first_ + i) & (ring_.size() - 1)];
    ring_.swap(larger);
    first_ = 0;
}

Reach::Pair Reach::join(const Pair& early, const Pair& late) {
    return {greatest(early.reached, least(early.held, late.reached)), least(early.held, late.held)};
}

void Reach::push(Mark held, Mark reached) {
    const Pair pair{reached, held};
    folded_ = back_.empty() ? pair : join(folded_, pair);
    back_.push_back(pair);
    if (front_.size() + back_.size() <= size_) return;
    if (front_.empty()) {
        front_.reserve(size_ + 1);
        front_.push_back(back_.back());
        for (std::size_t i = back_.size() - 1; i-- > 0;) front_.push_back(join(back_[i], front_.back()));
        back_.clear();
    }
    front_.pop_back();
}

Mark Reach::value() const {
    if (front_.empty()) return folded_.reached;
    return back_.empty() ? front_.back().reached : join(front_.back(), folded_).reached;
}

}  // namespace stl

namespace {

bool has_window(StlOp op) { return op != StlOp::atom && op != StlOp::both && op != StlOp::either; }

bool ahead(StlOp op) {
    return op == StlOp::always || op == StlOp::eventually || op == StlOp::until || op == StlOp::release;
}

}  // namespace

bool StlMachine::binary(const Node& node) const {
    return node.op == StlOp::both || node.op == StlOp::either || node.op == StlOp::until || node.op == StlOp::release;
}

StlMachine::StlMachine(const std::vector<StlTerm>& terms) { lay_out(terms); }

void StlMachine::lay_out(const std::vector<StlTerm>& terms) {
    std::vector<std::size_t> stack;
    for (const StlTerm& term : terms) {
        Node node;
        node.op = term.op;
        node.from = term.from;
        node.to = term.to;
        const bool turned = term.op == StlOp::either || term.op == StlOp::eventually || term.op == StlOp::once ||
                            term.op == StlOp::release;
        node.mask = turned ? -1 : 0;
        const std::size_t taken = term.op == StlOp::atom ? 0 : binary(node) ? 2 : 1;
        if (stack.size() < taken) throw BuildError("a requirement has too few parts");
        if (has_window(term.op) && (term.from < 0 || term.to < term.from))
            throw BuildError("a requirement has a window that ends before it begins");
        if (term.op == StlOp::atom) node.atom = atoms_++;
        if (taken == 2) {
            node.right = stack.back();
            stack.pop_back();
        }
        if (taken > 0) {
            node.left = stack.back();
            stack.pop_back();
        }
        stack.push_back(nodes_.size());
        nodes_.push_back(std::move(node));
    }
    if (stack.size() != 1) throw BuildError("a requirement is one formula");
    mark_root(nodes_.size() - 1);
    for (Node& node : nodes_) {
        node.sum = node.held = {flipped(highest, node.mask), nobody};
        if (node.op == StlOp::until || node.op == StlOp::release) node.sum.key = flipped(lowest, node.mask);
        if (node.op == StlOp::atom) continue;
        Node& left = nodes_[node.left];
        Node& right = nodes_[binary(node) ? node.right : node.left];
        node.delay = std::max(left.delay, right.delay);
        node.late = left.late || right.late || (!node.root && ahead(node.op) && node.to == forever);
        node.align_left.set(static_cast<std::size_t>(node.delay - left.delay));
        node.align_right.set(static_cast<std::size_t>(node.delay - right.delay));
        if (node.root || (node.late && !ahead(node.op) && !has_window(node.op))) continue;
        const std::size_t from = static_cast<std::size_t>(node.from);
        const std::size_t width = node.to == forever ? 0 : static_cast<std::size_t>(node.to - node.from) + 1;
        if (node.op == StlOp::until || node.op == StlOp::release) {
            node.reach.set(width);
            node.lag.set(width);
        } else if (has_window(node.op) && !ahead(node.op)) {
            node.lag.set(from);
        }
        if (ahead(node.op) && node.to != forever) node.delay += node.to;
    }
    for (Node& node : nodes_) {
        if (!node.late) continue;
        for (const std::size_t part : {node.left, binary(node) ? node.right : node.left})
            nodes_[part].keep |= !nodes_[part].late;
    }
}

void StlMachine::mark_root(std::size_t index) {
    Node& node = nodes_[index];
    node.root = true;
    if (node.op != StlOp::both && node.op != StlOp::either) return;
    mark_root(node.left);
    mark_root(node.right);
}

// The value of a node at a moment, from those of its parts at the latest that it needs: true, and in node.out.
bool StlMachine::advance(Node& node, Mark left, Mark right, Tick position) const {
    left.key ^= node.mask;
    right.key ^= node.mask;
    Mark found{};
    switch (node.op) {
        case StlOp::atom:
            return false;
        case StlOp::both:
        case StlOp::either:
            found = least(left, right);
            break;
        case StlOp::always:
        case StlOp::eventually:
            node.least.push(left, position);
            if (position < node.to) return false;
            node.least.forget(position - (node.to - node.from));
            found = node.least.value();
            break;
        case StlOp::once:
        case StlOp::historically: {
            const Mark early = node.lag.push(left);
            const bool endless = node.to == forever;
            if (position >= node.from && (!endless || node.least.empty() || early.key < node.least.value().key))
                node.least.push(early, position - node.from);  // without end, one value is enough
            if (!endless) node.least.forget(position - node.to);
            found = node.least.empty() ? Mark{highest, nobody} : node.least.value();
            break;
        }
        case StlOp::until:
        case StlOp::release: {
            const Tick width = node.to - node.from + 1;
            node.reach.push(left, right);
            if (node.from > 0) {
                const Mark early = node.lag.push(left);
                if (position >= width) node.least.push(early, position - width);
            }
            if (position < node.to) return false;
            found = node.reach.value();
            if (node.from > 0) {
                node.least.forget(position - node.to);
                found = least(found, node.least.value());
            }
            break;
        }
    }
    node.out = {found.key ^ node.mask, found.who};
    return true;
}

// A root adds up what its parts were at a moment. limit: moments after it do not count.
void StlMachine::gather(Node& node, Tick position, Tick limit) const {
    if (position > limit) return;
    const auto turned = [&](const Node& part, stl::Lag& align) {
        Mark x = part.has ? align.push(part.out) : Mark{};
        x.key ^= node.mask;
        return x;
    };
    if (node.op == StlOp::until || node.op == StlOp::release) {
        const Mark left = turned(nodes_[node.left], node.align_left);
        const Mark right = turned(nodes_[node.right], node.align_right);
        if (position < 0) return;  // what is earlier waits for what is later
        Mark sum{node.sum.key ^ node.mask, node.sum.who}, held{node.held.key ^ node.mask, node.held.who};
        if (position >= node.from && position <= node.to) {
            sum = greatest(sum, least(held, right));
        }
        held = least(held, left);
        node.sum = {sum.key ^ node.mask, sum.who};
        node.held = {held.key ^ node.mask, held.who};
        return;
    }
    const bool past = node.op == StlOp::once || node.op == StlOp::historically;
    const bool now = past || node.op == StlOp::atom;
    if (now ? position != 0 || node.from > 0 : position < node.from || position > node.to) return;
    const Mark x = node.op == StlOp::atom ? node.out : nodes_[node.left].out;
    const Mark sum = least({node.sum.key ^ node.mask, node.sum.who}, {x.key ^ node.mask, x.who});
    node.sum = {sum.key ^ node.mask, sum.who};
}

void StlMachine::step(const Mark* samples) { run(samples, nullptr); }

void StlMachine::run(const Mark* samples, const Ends* ends) {
    const Tick now = seen_++;
    for (Node& node : nodes_) {
        node.has = false;
        if (node.op == StlOp::atom) {
            node.out = samples[node.atom];
            node.has = true;
            if (node.root) gather(node, now, 0);
        } else if (node.late) {
            continue;
        } else if (node.root) {
            if (node.op == StlOp::both || node.op == StlOp::either) continue;
            const bool pair = node.op == StlOp::until || node.op == StlOp::release;
            if (!pair && !nodes_[node.left].has) continue;
            gather(node, now - node.delay, ends ? ends->last : forever);
            continue;
        } else {
            const Node& left = nodes_[node.left];
            const bool pair = binary(node);
            const Node& right = nodes_[pair ? node.right : node.left];
            const Mark a = left.has ? node.align_left.push(left.out) : Mark{};
            const Mark b = pair && right.has ? node.align_right.push(right.out) : Mark{};
            const Tick position = now - std::max(left.delay, right.delay);
            if (position >= 0) node.has = advance(node, a, b, position);
        }
        if (ends && node.has && now - node.delay > ends->last) {
            node.out = ends->after;
            continue;
        }
        if (node.keep && node.has) node.kept.push_back(node.out);
    }
}

// The root's value where what was not seen has the value `unseen`; ends: now that nothing follows.
Mark StlMachine::root_value(const Node& node, std::int64_t unseen, const Ends* ends) const {
    const Mark open{unseen, nobody};
    if (node.op == StlOp::both || node.op == StlOp::either) {
        Mark left = root_value(nodes_[node.left], unseen, ends);
        Mark right = root_value(nodes_[node.right], unseen, ends);
        left.key ^= node.mask;
        right.key ^= node.mask;
        const Mark found = least(left, right);
        return {found.key ^ node.mask, found.who};
    }
    if (node.op == StlOp::atom) return seen_ > 0 ? node.sum : open;
    const Tick reached = ends ? ends->last : seen_ - 1 - node.delay;  // the latest moment that was gathered
    if (node.op == StlOp::once || node.op == StlOp::historically) {
        if (node.from > 0 || reached >= 0) return node.sum;
        return open;
    }
    const bool closes = ends && (node.to == forever ? ends->closing != Closing::cut : ends->closing == Closing::ended);
    if (reached < node.from && !(node.op == StlOp::until || node.op == StlOp::release)) return open;
    if (reached >= node.to || (closes && reached >= node.from)) return node.sum;
    // more would have followed: least (or greatest) of what there was and of that
    Mark sum{node.sum.key ^ node.mask, node.sum.who};
    const Mark other{unseen ^ node.mask, nobody};
    if (node.op == StlOp::until || node.op == StlOp::release) {
        sum = greatest(sum, least({node.held.key ^ node.mask, node.held.who}, other));
    } else {
        sum = least(sum, other);
    }
    return {sum.key ^ node.mask, sum.who};
}

Mark StlMachine::value(std::int64_t unseen) const {
    const Node& root = nodes_.back();
    if (root.late) return {unseen, nobody};
    return root_value(root, unseen, nullptr);
}

Mark StlMachine::finish(std::int64_t unseen, Closing closing) const {
    if (seen_ == 0) return {unseen, nobody};
    StlMachine rest = *this;
    const Ends ends{seen_ - 1, closing, {unseen, nobody}};
    Tick delay = 0;
    for (const Node& node : nodes_) delay = std::max(delay, node.delay);
    const std::vector<Mark> samples(atoms_, Mark{unseen, nobody});
    for (Tick i = 0; i < delay; ++i) rest.run(samples.data(), &ends);
    // late roots: what they are made of is known now
    for (Node& node : rest.nodes_) {
        if (!node.root || !node.late || node.op == StlOp::both || node.op == StlOp::either) continue;
        const std::vector<Mark> left = rest.values_of(rest.nodes_[node.left], unseen, ends);
        std::vector<Mark> right;
        if (binary(node)) right = rest.values_of(rest.nodes_[node.right], unseen, ends);
        node.align_left.set(0);
        node.align_right.set(0);
        for (Tick position = 0; position <= ends.last; ++position) {
            const std::size_t i = static_cast<std::size_t>(position);
            rest.nodes_[node.left].out = left[i];
            rest.nodes_[node.left].has = true;
            if (binary(node)) rest.nodes_[node.right].out = right[i];
            rest.nodes_[node.right].has = true;
            rest.gather(node, position, ends.last);
        }
    }
    return rest.root_value(rest.nodes_.back(), unseen, &ends);
}

std::vector<Mark> StlMachine::values_of(const Node& node, std::int64_t unseen, const Ends& ends) const {
    if (node.late) return late_values(node, unseen, ends);
    std::vector<Mark> values = node.kept;
    values.resize(static_cast<std::size_t>(ends.last) + 1, Mark{unseen, nobody});
    return values;
}

// All values of a node that was not known before the end of the run.
std::vector<Mark> StlMachine::late_values(const Node& given, std::int64_t unseen, const Ends& ends) const {
    const std::size_t n = static_cast<std::size_t>(ends.last) + 1;
    const std::vector<Mark> left = values_of(nodes_[given.left], unseen, ends);
    std::vector<Mark> right;
    if (binary(given)) right = values_of(nodes_[given.right], unseen, ends);
    const Mark open{unseen, nobody};
    const auto at = [&](const std::vector<Mark>& values, std::size_t i) {
        return values.empty() ? Mark{} : i < n ? values[i] : open;
    };
    std::vector<Mark> values;
    values.reserve(n);
    Node node = given;
    if (!ahead(node.op) || node.to != forever) {
        const Tick after = ahead(node.op) ? node.to : 0;
        for (Tick position = 0; position <= ends.last + after; ++position) {
            const std::size_t i = static_cast<std::size_t>(position);
            if (advance(node, at(left, i), at(right, i), position)) values.push_back(node.out);
        }
        return values;
    }
    // without end: backwards, from what follows the run
    const bool closes = ends.closing != Closing::cut;
    const bool pair = binary(node);
    values.assign(n, open);
    Mark sum{closes && !pair ? highest : closes ? lowest : unseen ^ node.mask, nobody};
    std::vector<Mark> from_here(n);
    for (std::size_t i = n; i-- > 0;) {
        Mark a = left[i];
        a.key ^= node.mask;
        if (pair) {
            Mark b = right[i];
            b.key ^= node.mask;
            const Mark later = least(a, sum);
            sum = b.key >= later.key ? b : later;
        } else {
            sum = a.key <= sum.key ? a : sum;
        }
        from_here[i] = sum;
    }
    const std::size_t from = static_cast<std::size_t>(std::min<Tick>(node.from, ends.last + 1));
    stl::Least before;  // of what must hold until the window begins
    for (std::size_t i = n; i-- > 0;) {
        if (pair && from > 0) {
            Mark a = left[i];
            a.key ^= node.mask;
            before.push(a, -static_cast<Tick>(i));
            before.forget(-static_cast<Tick>(i + from) + 1);
        }
        Mark found = i + from < n ? from_here[i + from] : Mark{unseen ^ node.mask, nobody};
        if (pair && from > 0) found = least(found, before.value());
        values[i] = {found.key ^ node.mask, found.who};
    }
    return values;
}

}  // namespace crumple
