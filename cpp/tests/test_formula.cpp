#include <array>
#include <cmath>
#include <limits>

#include "check.hpp"
#include "crumple/error.hpp"
#include "crumple/formula.hpp"
#include "crumple/world.hpp"
#include "units.hpp"

using namespace crumple;

namespace {

constexpr double blank = std::numeric_limits<double>::quiet_NaN();

Term number(double x) { return {"number", x, 0.0, ""}; }
Term signal(const std::string& name, double scale = 1.0, double offset = 0.0) {
    return {"signal", scale, offset, name};
}
Term op(const std::string& word, double x = 0.0) { return {word, x, 0.0, ""}; }

// Signals a.b, c.d, e.f are published in this order.
Program bound(const std::vector<Term>& terms) {
    Program program(terms);
    program.bind([](const std::string& name) -> std::size_t { return name == "a.b" ? 0 : name == "c.d" ? 1 : 2; });
    return program;
}

double of(const std::vector<Term>& terms, std::vector<double> published = {0, 0, 0}, double t = 0.0) {
    return bound(terms).value(published.data(), t);
}

}  // namespace

CASE(a_formula_is_computed_in_base_units_from_what_is_published) {
    // 2 * (a [km/h] - c) + t
    const std::vector<Term> terms{number(2), signal("a.b", 1 / 3.6), signal("c.d"), op("-"), op("*"), op("time"),
                                  op("+")};
    CHECK_CLOSE(of(terms, {36, 4, 0}, 0.5), 12.5, 1e-15);
    CHECK_CLOSE(of({signal("e.f", 1.0, 273.15)}, {0, 0, 20}), 293.15, 1e-15);
}

CASE(every_operation_of_a_formula_gives_what_it_says) {
    CHECK_EQUAL(of({number(7), number(2), op("/")}), 3.5);
    CHECK_EQUAL(of({number(3), op("neg")}), -3.0);
    CHECK_EQUAL(of({number(-3), op("^", 3)}), -27.0);
    CHECK_EQUAL(of({number(-3), op("abs")}), 3.0);
    CHECK_EQUAL(of({number(9), op("sqrt")}), 3.0);
    CHECK_EQUAL(of({number(0.5), op("sin")}), std::sin(0.5));
    CHECK_EQUAL(of({number(0.5), op("cos")}), std::cos(0.5));
    CHECK_EQUAL(of({number(0.5), op("tan")}), std::tan(0.5));
    CHECK_EQUAL(of({number(0.5), op("exp")}), std::exp(0.5));
    CHECK_EQUAL(of({number(0.5), op("log")}), std::log(0.5));
    CHECK_EQUAL(of({number(3), number(4), op("hypot")}), 5.0);
    CHECK_EQUAL(of({number(3), number(-4), op("atan2")}), std::atan2(3.0, -4.0));
    CHECK_EQUAL(of({number(3), number(4), op("min")}), 3.0);
    CHECK_EQUAL(of({number(3), number(4), op("max")}), 4.0);
    const std::vector<std::pair<std::string, std::array<double, 3>>> comparisons{
        {"<", {1, 0, 0}}, {"<=", {1, 1, 0}}, {">", {0, 0, 1}}, {">=", {0, 1, 1}}, {"==", {0, 1, 0}}, {"!=", {1, 0, 1}}};
    for (const auto& [word, wanted] : comparisons)
        for (int i = 0; i < 3; ++i)
            CHECK_EQUAL(of({number(i), number(1), op(word)}), wanted[static_cast<std::size_t>(i)]);
}

CASE(what_is_not_known_is_neither_true_nor_false) {
    const auto logic = [](double a, const std::string& word, double b) { return of({number(a), number(b), op(word)}); };
    CHECK_EQUAL(logic(0, "and", blank), 0.0);
    CHECK_EQUAL(logic(blank, "and", 0), 0.0);
    CHECK(std::isnan(logic(1, "and", blank)));
    CHECK_EQUAL(logic(2, "and", 3), 1.0);
    CHECK_EQUAL(logic(blank, "or", 1), 1.0);
    CHECK(std::isnan(logic(blank, "or", 0)));
    CHECK_EQUAL(logic(0, "or", 0), 0.0);
    CHECK_EQUAL(logic(blank, "implies", 1), 1.0);
    CHECK_EQUAL(logic(0, "implies", blank), 1.0);
    CHECK_EQUAL(logic(1, "implies", 0), 0.0);
    CHECK(std::isnan(of({number(blank), op("not")})));
    for (const std::string word : {"<", "<=", ">", ">=", "==", "!=", "min", "max"}) {
        CHECK(std::isnan(logic(blank, word, 1)));
        CHECK(std::isnan(logic(1, word, blank)));
    }
    CHECK(std::isnan(logic(1, "/", 0)));
    CHECK(std::isnan(of({number(-1), op("sqrt")})));
    CHECK(std::isnan(of({number(0), op("log")})));
    const std::vector<double> published{blank, 1, 2};
    CHECK(!bound({signal("a.b"), number(3), op("<")}).holds(published.data(), 0.0));
    CHECK(!bound({signal("a.b"), number(3), op("<"), op("not")}).holds(published.data(), 0.0));
    CHECK(bound({signal("c.d")}).holds(published.data(), 0.0));
}

CASE(terms_that_are_no_formula_are_refused) {
    CHECK_THROWS(BuildError, Program({op("+")}), "too few values");
    CHECK_THROWS(BuildError, Program({number(1), number(2)}), "one value at its end, not 2");
    CHECK_THROWS(BuildError, Program(std::vector<Term>{}), "one value at its end, not 0");
    CHECK_THROWS(BuildError, Program({number(1), op("tanh")}), "\"tanh\"");
    CHECK_THROWS(BuildError, Program(std::vector<Term>(70, number(1))), "too deeply");
    CHECK_THROWS(BuildError, Program({number(1), op("^", 0)}), "power");
}

CASE(a_world_knows_where_a_signal_is_published) {
    World world(Period(1, 10));
    world.add("b", std::make_unique<test::Counter>());
    world.add("a", std::make_unique<test::Witness>());
    world.build();
    world.reset();
    world.step(3);
    Program program({signal("b.n"), signal("a.tick"), op("-"), op("time"), op("+")});
    program.bind([&](const std::string& name) { return world.slot(name); });
    CHECK_CLOSE(program.value(world.published().data(), world.t()), 1.3, 1e-15);
    CHECK_THROWS(BuildError, world.slot("a.u"), "is an input");
    CHECK_THROWS(BuildError, world.slot("a.ticks"), "Did you mean");
}
