#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "../src/bytes.hpp"
#include "../src/stl_key.hpp"
#include "check.hpp"
#include "crumple/error.hpp"
#include "crumple/random.hpp"
#include "crumple/stl.hpp"

using namespace crumple;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double blank = std::numeric_limits<double>::quiet_NaN();

// x <relation> limit, for the signal of this number.
StlTerm atom(std::size_t signal, Relation relation = Relation::greater, double limit = 0.0, bool crisp = false) {
    StlTerm term;
    term.value =
        Program({{"signal", 1.0, 0.0, std::to_string(signal)}, {"number", limit, 0.0, ""}, {"-", 0.0, 0.0, ""}});
    term.relation = relation;
    term.crisp = crisp;
    return term;
}

StlTerm op(StlOp which, Tick from = 0, Tick to = 0) {
    StlTerm term;
    term.op = which;
    term.from = from;
    term.to = to;
    return term;
}

Judge judge(const std::vector<StlTerm>& terms, bool stop = false) {
    Judge made("r", terms, stop);
    made.bind([](const std::string& name) { return static_cast<std::size_t>(std::stoi(name)); });
    return made;
}

using Trace = std::vector<std::vector<double>>;  // rows of signals

Finding over(const std::vector<StlTerm>& terms, const Trace& trace, Closing closing = Closing::whole) {
    Judge made = judge(terms);
    for (std::size_t i = 0; i < trace.size(); ++i) made.see(trace[i].data(), static_cast<double>(i));
    return made.finding(closing);
}

Trace of(const std::vector<double>& x) {
    Trace trace;
    for (double each : x) trace.push_back({each});
    return trace;
}

// The definition, word by word, for a formula of comparisons "signal > 0". unseen: what is not known.
class Definition {
public:
    Definition(const std::vector<StlTerm>& terms, const Trace& trace, double unseen, Closing closing)
        : terms_(terms), trace_(trace), unseen_(unseen), closing_(closing), last_(static_cast<Tick>(trace.size()) - 1) {
        std::vector<std::size_t> stack;
        for (std::size_t i = 0; i < terms.size(); ++i) {
            parts_.push_back({0, 0});
            const bool two = terms[i].op == StlOp::both || terms[i].op == StlOp::either ||
                             terms[i].op == StlOp::until || terms[i].op == StlOp::release;
            if (two) {
                parts_[i][1] = stack.back();
                stack.pop_back();
            }
            if (terms[i].op != StlOp::atom) {
                parts_[i][0] = stack.back();
                stack.pop_back();
            }
            atom_.push_back(terms[i].op == StlOp::atom ? atoms_++ : 0);
            stack.push_back(i);
        }
    }

    double value() const { return at(terms_.size() - 1, 0, true); }

private:
    double part(std::size_t i, int which, Tick p, bool root) const {
        const bool logic = terms_[i].op == StlOp::both || terms_[i].op == StlOp::either;
        return at(parts_[i][static_cast<std::size_t>(which)], p, root && logic);
    }

    double at(std::size_t i, Tick p, bool root) const {
        const StlTerm& term = terms_[i];
        const double x = unseen_;
        if (p > last_) return x;
        const auto fold = [&](auto better, double start, Tick from, Tick to) {
            double sum = start;
            for (Tick q = from; q <= to; ++q) sum = better(sum, part(i, 0, q, root));
            return sum;
        };
        const auto least = [](double a, double b) { return std::min(a, b); };
        const auto most = [](double a, double b) { return std::max(a, b); };
        switch (term.op) {
            case StlOp::atom: {
                const double value = trace_[static_cast<std::size_t>(p)][atom_[i]];
                return std::isnan(value) ? x : value;
            }
            case StlOp::both:
                return std::min(part(i, 0, p, root), part(i, 1, p, root));
            case StlOp::either:
                return std::max(part(i, 0, p, root), part(i, 1, p, root));
            case StlOp::once:
                return fold(most, -inf, term.to == forever ? 0 : std::max<Tick>(0, p - term.to), p - term.from);
            case StlOp::historically:
                return fold(least, inf, term.to == forever ? 0 : std::max<Tick>(0, p - term.to), p - term.from);
            default:
                break;
        }
        const bool endless = term.to == forever;
        const bool closes = endless ? closing_ != Closing::cut : root && closing_ == Closing::ended;
        const Tick from = p + term.from, to = endless ? last_ : std::min(p + term.to, last_);
        // more would have followed
        const bool open = from > last_ || (!closes && (endless || p + term.to > last_));
        if (term.op == StlOp::always) return fold(least, open ? x : inf, from, to);
        if (term.op == StlOp::eventually) return fold(most, open ? x : -inf, from, to);
        const bool dual = term.op == StlOp::release;
        const double s = dual ? -1.0 : 1.0;
        double held = inf, found = -inf;
        for (Tick q = p; q <= to; ++q) {
            if (q >= from) found = std::max(found, std::min(s * part(i, 1, q, root), held));
            held = std::min(held, s * part(i, 0, q, root));
        }
        if (open) found = std::max(found, std::min(held, s * x));
        return s * found;
    }

    const std::vector<StlTerm>& terms_;
    const Trace& trace_;
    double unseen_;
    Closing closing_;
    Tick last_;
    std::vector<std::array<std::size_t, 2>> parts_;
    std::vector<std::size_t> atom_;
    std::size_t atoms_ = 0;
};

void random_formula(Random& random, std::vector<StlTerm>& terms, std::size_t& atoms, int depth) {
    const auto pick = [&](int n) { return static_cast<int>(random.uniform() * n); };
    if (depth == 0 || pick(6) == 0) {
        terms.push_back(atom(atoms++));
        return;
    }
    const StlOp ops[] = {StlOp::both,  StlOp::either,  StlOp::always, StlOp::eventually,
                         StlOp::until, StlOp::release, StlOp::once,   StlOp::historically};
    const StlOp which = ops[pick(8)];
    random_formula(random, terms, atoms, depth - 1);
    if (which == StlOp::both || which == StlOp::either || which == StlOp::until || which == StlOp::release)
        random_formula(random, terms, atoms, depth - 1);
    const Tick from = pick(3) == 0 ? 0 : pick(4);
    terms.push_back(op(which, from, pick(5) == 0 ? forever : from + pick(5)));
}

std::string told(const std::vector<StlTerm>& terms) {
    std::string text;
    for (const StlTerm& term : terms)
        text += std::to_string(static_cast<int>(term.op)) + "[" + std::to_string(term.from) + "," +
                (term.to == forever ? "-" : std::to_string(term.to)) + "] ";
    return text;
}

}  // namespace

CASE(the_machine_gives_what_the_definition_says_for_thousands_of_formulas) {
    Random random(5);
    for (int round = 0; round < 6000; ++round) {
        std::vector<StlTerm> terms;
        std::size_t atoms = 0;
        random_formula(random, terms, atoms, 1 + round % 4);
        const std::size_t n = 1 + static_cast<std::size_t>(random.uniform() * 14);
        Trace trace(n, std::vector<double>(atoms));
        for (auto& row : trace)
            for (double& x : row) x = random.uniform() < 0.03 ? blank : std::floor(random.uniform() * 20) - 9.5;
        Judge made = judge(terms), other = judge(terms);
        for (std::size_t i = 0; i < n; ++i) {
            made.see(trace[i].data(), static_cast<double>(i));
            ByteWriter out;  // through bytes and back at every tick
            made.write(made.state(), out);
            const std::string bytes = out.take();
            ByteReader in(bytes);
            other.load(other.read(in));
            in.end();
            made.load(other.state());
        }
        for (const Closing closing : {Closing::cut, Closing::whole, Closing::ended}) {
            const Finding found = made.finding(closing);
            const double low = Definition(terms, trace, -inf, closing).value();
            const double high = Definition(terms, trace, inf, closing).value();
            if (found.low != low || found.high != high)
                check::fail(__FILE__, __LINE__,
                            told(terms) + "over " + std::to_string(n) + " ticks, closing " +
                                std::to_string(static_cast<int>(closing)) + ": " + std::to_string(found.low) + " to " +
                                std::to_string(found.high) + ", not " + std::to_string(low) + " to " +
                                std::to_string(high));
        }
        const Finding cut = made.finding(Closing::cut);
        if (made.decided()) CHECK(made.broken() ? cut.broken : cut.holds);
    }
}

CASE(a_requirement_that_always_must_hold_tells_its_worst_moment) {
    const std::vector<StlTerm> below{atom(0, Relation::less, 8.0), op(StlOp::always, 1, 3)};
    const Finding found = over(below, of({9, 5, 7, 6, 9}));
    CHECK(found.holds && !found.broken);
    CHECK_EQUAL(found.low, 1.0);
    CHECK_EQUAL(found.high, 1.0);
    CHECK_EQUAL(found.low_tick, Tick{2});
    CHECK_EQUAL(found.decided, Tick{3});
    const Finding broken = over(below, of({9, 5, 9, 6, 9}));
    CHECK(broken.broken);
    CHECK_EQUAL(broken.high, -1.0);
    CHECK_EQUAL(broken.high_tick, Tick{2});
    CHECK_EQUAL(broken.decided, Tick{2});
}

CASE(at_a_distance_of_zero_the_comparison_still_says_whether_it_holds) {
    const auto holds = [](Relation relation) {
        const Finding found = over({atom(0, relation, 3.0), op(StlOp::always, 0, 1)}, of({3, 3}));
        CHECK(found.holds != found.broken);
        CHECK_EQUAL(found.low, 0.0);
        return found.holds;
    };
    CHECK(holds(Relation::less_equal) && holds(Relation::greater_equal) && holds(Relation::equal));
    CHECK(!holds(Relation::less) && !holds(Relation::greater) && !holds(Relation::unequal));
}

CASE(a_crisp_comparison_is_true_or_false_and_no_distance) {
    CHECK_EQUAL(over({atom(0, Relation::equal, 3.0, true), op(StlOp::always, 0, 1)}, of({3, 3})).low, inf);
    CHECK_EQUAL(over({atom(0, Relation::equal, 3.0, true), op(StlOp::always, 0, 1)}, of({3, 2})).high, -inf);
    CHECK_EQUAL(over({atom(0, Relation::is_true, 0.0, true), op(StlOp::eventually, 0, 1)}, of({0, 1})).low, inf);
    CHECK_EQUAL(over({atom(0, Relation::is_false, 0.0, true), op(StlOp::always, 0, 1)}, of({0, 1})).high, -inf);
}

CASE(what_was_not_seen_is_neither_held_nor_broken) {
    const std::vector<StlTerm> always{atom(0), op(StlOp::always, 0, 5)};
    const std::vector<StlTerm> eventually{atom(0), op(StlOp::eventually, 0, 5)};
    Finding found = over(always, of({1, 2}));
    CHECK(!found.holds && !found.broken);
    CHECK_EQUAL(found.low, -inf);
    CHECK_EQUAL(found.high, 1.0);
    CHECK(over(always, of({1, -2})).broken);
    found = over(eventually, of({-1, -2}));
    CHECK(!found.holds && !found.broken);
    CHECK_EQUAL(found.low, -1.0);
    CHECK(over(eventually, of({-1, 2})).holds);
    CHECK(over(always, of({1, 2}), Closing::ended).holds);
    CHECK(over(eventually, of({-1, -2}), Closing::ended).broken);
    const std::vector<StlTerm> endless{atom(0), op(StlOp::always, 0, forever)};
    CHECK(over(endless, of({1, 2}), Closing::whole).holds);
    CHECK(!over(endless, of({1, 2}), Closing::cut).holds);
}

CASE(a_value_that_is_not_a_number_never_lets_a_requirement_pass) {
    const std::vector<StlTerm> always{atom(0), op(StlOp::always, 0, 2)};
    const Finding found = over(always, of({1, blank, 2}));
    CHECK(!found.holds && !found.broken);
    CHECK_EQUAL(found.low_tick, Tick{1});
    CHECK(over(always, of({1, blank, -2})).broken);
    CHECK(over({atom(0), op(StlOp::eventually, 0, 2)}, of({1, blank, -2})).holds);
    CHECK(!over({atom(0), op(StlOp::eventually, 0, 2)}, of({-1, blank, -2})).broken);
}

CASE(until_asks_that_the_first_holds_before_the_second_and_not_with_it) {
    const std::vector<StlTerm> until{atom(0), atom(1), op(StlOp::until, 1, 3)};
    Finding found = over(until, {{2, -1}, {3, -2}, {-9, 4}, {-9, -9}});
    CHECK(found.holds);
    CHECK_EQUAL(found.low, 2.0);  // the first at tick 0 is the least of 2, 3 and 4
    CHECK_EQUAL(found.low_tick, Tick{0});
    CHECK_EQUAL(found.low_atom, std::size_t{0});
    CHECK_EQUAL(found.decided, Tick{2});
    found = over(until, {{2, -1}, {-3, -2}, {1, 4}});
    CHECK(found.broken);  // decided once the first is lost
    CHECK_EQUAL(found.decided, Tick{1});
    CHECK_EQUAL(found.high, -2.0);
}

CASE(an_endless_answer_to_every_request_is_judged_at_the_end) {
    // always(not request or eventually(answer))
    const std::vector<StlTerm> terms{atom(0, Relation::less), atom(1), op(StlOp::eventually, 0, forever),
                                     op(StlOp::either), op(StlOp::always, 0, forever)};
    CHECK(over(terms, {{-1, -1}, {1, -1}, {-1, -1}, {-1, 1}, {-1, -1}}).holds);
    CHECK(over(terms, {{-1, -1}, {1, -1}, {-1, 1}, {1, -1}, {-1, -1}}).broken);
    const Finding cut = over(terms, {{-1, -1}, {1, -1}, {-1, 1}, {1, -1}, {-1, -1}}, Closing::cut);
    CHECK(!cut.broken && !cut.holds);
}

CASE(a_long_window_keeps_few_values) {
    Judge made = judge({atom(0), op(StlOp::historically, 0, forever), op(StlOp::always, 0, forever)});
    for (int i = 0; i < 100'000; ++i) {
        const double x = i;
        made.see(&x, 0.0);
    }
    ByteWriter out;
    made.write(made.state(), out);
    CHECK(out.bytes().size() < 2000);
}

CASE(terms_that_are_no_requirement_are_refused) {
    CHECK_THROWS(BuildError, judge({atom(0), atom(1)}), "one formula");
    CHECK_THROWS(BuildError, judge({atom(0), op(StlOp::both)}), "too few parts");
    CHECK_THROWS(BuildError, judge({atom(0), op(StlOp::always, 3, 2)}), "ends before it begins");
}

CASE(bytes_that_are_no_state_are_refused) {
    Judge made = judge({atom(0), op(StlOp::once, 3, 5), op(StlOp::always, 0, 4)});
    const double x = 1.0;
    for (int i = 0; i < 7; ++i) made.see(&x, 0.0);
    ByteWriter out;
    made.write(made.state(), out);
    const std::string bytes = out.take();
    for (std::size_t n = 0; n < bytes.size(); n += 5) {
        ByteReader in(std::string_view(bytes).substr(0, n));
        CHECK_THROWS(BytesError, made.read(in), "");
    }
}
