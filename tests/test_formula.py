"""Formulas of signals: what can be written, and that the core computes what Python does."""

from __future__ import annotations

import math

import pytest

from crumple.formula import FormulaError, parse_formula

SIGNALS = {"car.speed": "km/h", "car.gap": "m", "cell.temperature": "degC", "radar.valid": None, "row.x": "1"}
NOW = {"car.speed": 72.0, "car.gap": 8.0, "cell.temperature": 25.0, "radar.valid": 1.0, "row.x": -0.5}


@pytest.mark.parametrize(
    ("text", "wanted", "value"),
    [
        ("car.gap / car.speed", "s", 0.4),
        ("car.speed^2 / (2 * car.gap)", "m/s^2", 25.0),
        ("-row.x^2", "1", -0.25),
        ("car.speed > 10 m/s", "1", 1.0),
        ("not car.speed > 10 m/s", "1", 0.0),
        ("not (car.speed < 10 m/s or car.gap < 1 m)", "1", 1.0),
        ("car.gap > 9 m implies car.speed < 1 m/s", "1", 1.0),
        ("car.gap > 1 m implies car.gap > 2 m implies car.gap > 9 m", "1", 0.0),
        ("radar.valid == true", "1", 1.0),
        ("radar.valid and car.gap <= 8 m", "1", 1.0),
        ("cell.temperature >= 298.15 K", "1", 1.0),
        ("t < 300 ms", "1", 1.0),
        ("hypot(car.gap, 6 m)", "m", 10.0),
        ("atan2(car.gap, car.gap)", "deg", 45.0),
        ("exp(log(3))", "1", 3.0),
        ("tan(45 deg)", "1", 1.0),
        ("min(car.gap, 9 m, 7 m) - max(1 m, 3 m)", "m", 4.0),
        ("abs(row.x) + sqrt(4) + sin(0) + cos(0)", "1", 3.5),
    ],
)
def test_the_core_computes_what_python_does(text, wanted, value):
    formula = parse_formula(text)
    formula.check(SIGNALS, wanted)
    in_python = formula.bind(SIGNALS.get, wanted)({**NOW, "t": 0.25}.get)
    assert in_python == pytest.approx(value, rel=1e-12)
    in_core = formula.program(SIGNALS.get, wanted).evaluate(NOW, 0.25)
    assert in_core == pytest.approx(in_python, rel=1e-15)


def test_where_python_has_no_value_the_core_has_none():
    for text in ("1 m / (car.gap - 8 m)", "sqrt(row.x)", "log(row.x)"):
        formula = parse_formula(text)
        assert formula.bind(SIGNALS.get)(NOW.get) is None
        assert math.isnan(formula.program(SIGNALS.get).evaluate(NOW, 0.0))


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("car.speed > 10 m", 13, "car.speed is a speed, 10 m is a length"),
        ("car.speed > 10", 13, "10 has no unit, and car.speed is a speed"),
        ("sin(car.gap) > 0", 5, "sin takes an angle or a number, and car.gap is a length"),
        ("exp(car.gap) > 0", 5, "exp takes a number without a unit"),
        ("1 m < car.gap < 9 m", 15, "join two comparisons with 'and'"),
        ("car.gap ^ 2.5 > 0", 11, "a power is a whole number from 1 to 9"),
        ("car.gap > 3 parsec", 13, "Unknown unit of measure 'parsec'"),
        ("sqrt(car.gap) > 1", 1, "its powers would be halves"),
        ("hypot(1)", 1, "hypot takes two values"),
        ("car.gap > 1 m and", 18, "something is missing at the end"),
        ("sqr(row.x)", 1, 'Did you mean "sqrt"?'),
    ],
)
def test_a_mistake_in_a_formula_is_pointed_at(text, column, said):
    with pytest.raises(FormulaError) as caught:
        parse_formula(text).check(SIGNALS)
    assert said in str(caught.value)
    assert caught.value.column == column
    line, caret = caught.value.pointed().split("\n")
    assert line == text
    assert caret.index("^") == column - 1


def test_words_may_stand_for_values_where_names_are_given():
    formula = parse_formula("(gap_m + 4.3 m) * 2", names=frozenset({"gap_m"}))
    assert formula.signals == ("gap_m",)
    assert formula.bind({"gap_m": "m"}.get, "m")({"gap_m": 1.0}.get) == pytest.approx(10.6)
    with pytest.raises(FormulaError, match="no function"):
        parse_formula("(gap_m + 4.3 m) * 2")
