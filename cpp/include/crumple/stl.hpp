// Signal temporal logic over the signals of a world: how far a formula is from turning, tick by tick.
//
// A formula is in negation normal form: Python has moved every "not" into the comparisons, so that all operators grow
// with their parts. A value is a double as an ordered integer: -0.0 lies below +0.0, and so a distance of zero still
// says on which side it is. What is not known (NaN, or not seen yet) lies between -inf and +inf: from the first such
// sample on there are two machines, one for each end, and before that one serves for both.
//
// Cost: a constant number of operations per tick and operator, on average, for windows of any length. always and
// eventually keep a monotone queue (D. Lemire, "Streaming maximum-minimum filter using no more than three comparisons
// per element", 2006). until folds pairs (value, what held so far) with an associative operation over a queue of two
// stacks (K. Tangwongsan et al., "General incremental sliding-window aggregation", 2015).
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crumple/formula.hpp"
#include "crumple/time.hpp"

namespace crumple {

class ByteReader;
class ByteWriter;

// left - right <relation> 0. is_true and is_false look at the value itself, and know no distance.
enum class Relation : std::uint8_t { less, less_equal, greater, greater_equal, equal, unequal, is_true, is_false };

enum class StlOp : std::uint8_t {
    atom,
    both,
    either,
    always,
    eventually,
    until,
    release,  // not ((not a) until (not b))
    once,
    historically
};

// A part of a formula, after its own parts (postfix order).
struct StlTerm {
    StlOp op = StlOp::atom;
    Tick from = 0, to = 0;  // ticks; to = forever: without end
    Program value;          // of an atom
    Relation relation = Relation::less;
    bool crisp = false;  // of an atom: true or false without a distance, so +inf or -inf
};

constexpr Tick forever = std::numeric_limits<Tick>::max();

// A value, and which atom at which tick gave it.
struct Mark {
    std::int64_t key;
    std::uint64_t who;
};

namespace stl {

// One moment of delay after another: what was pushed n pushes ago.
class Lag {
public:
    void set(std::size_t n) { ring_.assign(n, Mark{}); }
    Mark push(Mark x) {
        if (ring_.empty()) return x;
        const Mark old = ring_[at_];
        ring_[at_] = x;
        if (++at_ == ring_.size()) at_ = 0;
        return old;
    }
    void write(ByteWriter& out) const;
    void read(ByteReader& in);

private:
    std::vector<Mark> ring_;
    std::size_t at_ = 0;
};

// The least of the last values, in a queue of those that may still become it.
class Least {
public:
    void push(Mark x, Tick position);
    void forget(Tick before);  // positions below
    bool empty() const { return count_ == 0; }
    Mark value() const { return ring_[first_].mark; }
    void write(ByteWriter& out) const;
    void read(ByteReader& in);

private:
    struct Entry {
        Mark mark;
        Tick position;
    };
    void grow();
    std::vector<Entry> ring_;  // its size is a power of two
    std::size_t first_ = 0, count_ = 0;
};

// The until of a window: max over its moments of min(reached there, held at all moments before).
class Reach {
public:
    void set(std::size_t n) { size_ = n; }
    void push(Mark held, Mark reached);
    Mark value() const;
    void write(ByteWriter& out) const;
    void read(ByteReader& in);

private:
    struct Pair {
        Mark reached, held;
    };
    static Pair join(const Pair& early, const Pair& late);
    static void write_all(ByteWriter& out, const std::vector<Pair>& pairs);
    static void read_all(ByteReader& in, std::vector<Pair>& pairs);

    std::size_t size_ = 1;
    std::vector<Pair> front_;  // of the older part: the fold from each element to the end of it; the oldest last
    std::vector<Pair> back_;   // of the newer part: its elements
    Pair folded_{};            // of back_, where it is not empty
};

}  // namespace stl

// How a run ended, for windows that reach beyond.
enum class Closing : std::uint8_t {
    cut,    // too early: whatever was not seen is not known
    whole,  // where it was to end: what is without bound ends with it
    ended   // where the scene wants it to end: windows that are judged from its start end with it, too
};

// A formula and its state, for one end of what is not known. Copying it is saving it.
class StlMachine {
public:
    StlMachine() = default;
    explicit StlMachine(const std::vector<StlTerm>& terms);

    // samples: one for each atom, in order.
    void step(const Mark* samples);
    // Of the formula at the start of the run, if all that was not seen has this value.
    Mark value(std::int64_t unseen) const;
    // The same, now that nothing follows.
    Mark finish(std::int64_t unseen, Closing closing) const;

    std::size_t atoms() const { return atoms_; }
    void write(ByteWriter& out) const;
    void read(ByteReader& in);

private:
    struct Node {
        StlOp op;
        std::size_t left = 0, right = 0, atom = 0;
        Tick from = 0, to = 0;
        std::int64_t mask = 0;  // turns greatest into least: keys are inverted on the way in and out
        Tick delay = 0;         // ticks after which its value at a moment is known
        bool root = false;      // judged at the start of the run only
        bool late = false;      // known at the end of the run only
        bool keep = false;      // a late node needs all its values
        stl::Lag align_left, align_right, lag;
        stl::Least least;
        stl::Reach reach;
        Mark sum{}, held{};  // of a root
        Mark out{};
        bool has = false;  // out is of this tick
        std::vector<Mark> kept;
    };
    struct Ends;

    bool binary(const Node& node) const;
    void lay_out(const std::vector<StlTerm>& terms);
    void mark_root(std::size_t index);
    bool advance(Node& node, Mark left, Mark right, Tick position) const;
    void gather(Node& node, Tick position, Tick limit) const;
    void run(const Mark* samples, const Ends* ends);
    Mark root_value(const Node& node, std::int64_t unseen, const Ends* ends) const;
    std::vector<Mark> late_values(const Node& node, std::int64_t unseen, const Ends& ends) const;
    std::vector<Mark> values_of(const Node& node, std::int64_t unseen, const Ends& ends) const;

    std::vector<Node> nodes_;
    std::size_t atoms_ = 0;
    Tick seen_ = 0;
};

// What is known of a requirement. low, high: between which two its distance lies; equal where all was seen.
struct Finding {
    double low, high;
    std::int64_t decided;  // tick at which it could not turn any more, -1: not yet
    bool holds, broken;    // neither: not decided
    std::size_t low_atom, high_atom;
    Tick low_tick, high_tick;  // where low and high come from; -1: from what was not seen
};

// One requirement of a world.
class Judge {
public:
    // stop: the run is to end when it is decided. Throws BuildError where the terms are no formula.
    Judge(std::string name, std::vector<StlTerm> terms, bool stop);

    void bind(const std::function<std::size_t(const std::string&)>& slot_of);
    void reset();
    void see(const double* published, double t);
    Finding finding(Closing closing) const;

    const std::string& name() const { return name_; }
    bool stop() const { return stop_; }
    bool decided() const { return state_.decided >= 0; }
    bool broken() const { return state_.broken; }
    std::string signature() const;

    struct State {
        StlMachine low;
        std::optional<StlMachine> high;  // where it differs from low
        Tick seen = 0;
        Tick decided = -1;
        bool broken = false;
    };
    const State& state() const { return state_; }
    void load(const State& state) { state_ = state; }
    void write(const State& state, ByteWriter& out) const;
    State read(ByteReader& in) const;

private:
    std::string name_;
    std::vector<StlTerm> terms_;
    std::vector<std::size_t> atoms_;  // in terms_
    std::vector<Mark> samples_, samples_high_;
    bool stop_;
    StlMachine fresh_;
    State state_;
};

}  // namespace crumple
