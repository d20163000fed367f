"""Expressions over signals: how they read, which units they refuse, what they compute."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crumple.errors import CrumpleError
from crumple.expression import Call, Expression, ExpressionError, Reference, parse_expression
from crumple.metrics import MetricError, cfc, clip_3ms, hic15
from crumple.metrics.registry import METRICS, Metric

PERIOD = 1e-4
T = np.arange(1501) * PERIOD
CHEST = -400.0 * np.sin(np.pi * T / 0.150)  # [m/s^2], a crash is negative along a forward axis
SIGNALS: dict[str, tuple[np.ndarray, str | None]] = {
    "occupant.chest_acceleration": (CHEST, "m/s^2"),
    "occupant.head": (np.abs(CHEST) / 9.80665, "g"),
    "vehicle.speed": (15.0 - 150.0 * T, "m/s"),
    "vehicle.mass": (np.full(1501, 1719.0), "kg"),
    "vehicle.wheel[2]": (np.full(1501, 600.0), "rpm"),
    "vehicle.spin": (np.full(1501, 10.0), "1/s"),
    "controller.fire": ((T >= 0.0153).astype(float), "1"),
    "tank.wall[1,2].T": (20.0 + T, "degC"),
    "tank.air": (np.full(1501, 300.0), "K"),
    "old.fmu's output": (T, None),
    "odd.unit": (T, "furlong"),
}


def si_of(name: str) -> str | None:
    return SIGNALS[name][1]


def lookup(name: str) -> tuple[np.ndarray, str | None]:
    return SIGNALS[name]


# ---- reading


def test_nested_calls_and_their_signals() -> None:
    expression = parse_expression("clip_3ms(cfc180(occupant.chest_acceleration))")
    outer = expression.root
    assert isinstance(outer, Call)
    inner = outer.signals[0]
    assert isinstance(inner, Call)
    assert (outer.metric.name, inner.metric.name) == ("clip_3ms", "cfc180")
    assert inner.signals == (Reference("occupant.chest_acceleration", 17),)
    assert (inner.column, inner.text) == (10, "cfc180(occupant.chest_acceleration)")
    assert expression.signals == ("occupant.chest_acceleration",)
    assert expression.scalar


def test_signals_are_sorted_and_named_once() -> None:
    assert parse_expression("resultant(u.z, u.a, u.z)").signals == ("u.a", "u.z")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("max(vehicle.wheel[2])", "vehicle.wheel[2]"),
        ("max( tank.wall[1,2].T )", "tank.wall[1,2].T"),
        ("max(a.b[1, 2])", "a.b[1, 2]"),
        ("max('u.weird name')", "u.weird name"),
        ("max(\"u.'quoted by FMI'\")", "u.'quoted by FMI'"),
        ("max('ball.der(h)')", "ball.der(h)"),
        ("max(u.größe)", "u.größe"),
        ("  max  (  u.x  )  ", "u.x"),
        ("u.x", "u.x"),
        ("inflator.pressure", "inflator.pressure"),
        ("max(u.x-y:z$1)", "u.x-y:z$1"),
    ],
)
def test_names_of_signals(text: str, name: str) -> None:
    assert parse_expression(text).signals == (name,)


@pytest.mark.parametrize(
    ("text", "column", "fact"),
    [
        ("clipp_3ms(a.b)", 1, "unknown metric 'clipp_3ms'. Did you mean 'clip_3ms'?"),
        ("max(cfc18(a.b))", 5, "unknown metric 'cfc18'. Did you mean 'cfc180'"),
        ("zzz(a.b)", 1, "unknown metric 'zzz'. Metrics: abs_max, "),
        ("hic15(max(a.b))", 7, "hic15 takes a signal, and max(a.b) is one number"),
        ("max()", 1, "max takes one signal, not 0: max(signal)"),
        ("max(a.b, c.d)", 1, "max takes one signal, not 2: max(signal)"),
        ("max(a.b, 3)", 1, "max does not take 1 number: max(signal)"),
        ("max(3)", 1, "max takes one signal, not 0: max(signal)"),
        ("first_time(a.b, 1, 2)", 1, "first_time does not take 2 numbers: first_time(signal, [threshold])"),
        ("first_time(3, a.b)", 15, "signals come before numbers: first_time(signal, [threshold])"),
        ("resultant()", 1, "resultant takes at least 1 signal, not 0: resultant(signal, ...)"),
        ("max(a.b", 1, "the bracket of 'max(' is not closed"),
        ("max(a.b,", 9, "it ends too early"),
        ("max(a.b,)", 9, "')' where a signal or metric is wanted"),
        ("max(,a.b)", 5, "',' where a signal or metric is wanted"),
        ("max(a.b c.d)", 9, "'c' where ',' or ')' is wanted"),
        ("max(a.b) + 1", 10, "'+' has no place after the expression"),
        ("max(ball.der(h))", 5, "the name 'ball.der(...' holds brackets: put it between quotes"),
        ("max('a.b)", 5, "the quote ' is not closed"),
        ("max(speed)", 5, "'speed' is no signal: write unit.port"),
        ("max(.speed)", 5, "'.speed' is no signal: write unit.port"),
        ("max('speed')", 5, "'speed' is no signal: write unit.port"),
        ("", 1, "it ends too early"),
        ("max(" * 300 + "a.b" + ")" * 300, 1, "longer than 1000 characters"),
    ],
)
def test_mistakes_name_the_column_and_the_remedy(text: str, column: int, fact: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)
    assert fact in caught.value.fact
    assert caught.value.column == column
    assert caught.value.text == text
    assert str(caught.value) == f"column {column}: {caught.value.fact}"
    assert isinstance(caught.value, CrumpleError)


@given(st.text(alphabet="maxhic15cf80(),.[]'\" u3g/^", max_size=40))
def test_no_text_does_anything_but_parse_or_raise_expressionerror(text: str) -> None:
    try:
        expression = parse_expression(text)
    except ExpressionError as error:
        assert 1 <= error.column <= len(text) + 1
    else:
        assert expression.signals


ALONE = {n: m for n, m in METRICS.items() if m.signals[0] == 1 and len(m.numbers) == m.optional}  # f(signal)
WRAPPERS = [name for name, metric in ALONE.items() if not metric.scalar]


@given(st.sampled_from(sorted(ALONE)), st.lists(st.sampled_from(sorted(WRAPPERS)), max_size=4))
def test_what_is_written_is_what_is_read(outer: str, wrappers: list[str]) -> None:
    names = [outer, *wrappers]
    node = parse_expression(f"{'('.join(names)}(unit.port){')' * (len(names) - 1)}").root
    for name in names:
        assert isinstance(node, Call)
        assert node.metric.name == name
        node = node.signals[0]
    assert isinstance(node, Reference)


def test_metrics_of_ones_own() -> None:
    metric = Metric(
        "peak_to_peak",
        "peak to peak",
        lambda signal, period: float(np.ptp(signal)),
        argument_si=None,
        result_si=None,
        doc="largest minus smallest value",
        source="definition",
    )
    expression = parse_expression("peak_to_peak(vehicle.speed)", metrics={**METRICS, metric.name: metric})
    assert expression.evaluate(lookup, PERIOD).value == pytest.approx(22.5)


# ---- units, before anything runs


@pytest.mark.parametrize(
    ("text", "si", "scalar"),
    [
        ("hic15(occupant.head)", "1", True),
        ("clip_3ms(cfc180(occupant.chest_acceleration))", "g", True),
        ("delta_v(cfc180(occupant.chest_acceleration))", "m/s", True),
        ("olc(vehicle.speed)", "g", True),
        ("max(cfc60(vehicle.speed))", "m/s", True),
        ("time_of(controller.fire)", "s", True),
        ("first_time(vehicle.speed, 7.2 km/h)", "s", True),
        ("cfc180(occupant.chest_acceleration)", "m/s^2", False),
        ("vehicle.mass", "kg", False),
    ],
)
def test_units_are_known_without_values(text: str, si: str, scalar: bool) -> None:
    checked = parse_expression(text).check(si_of)
    assert (checked.si, checked.scalar, checked.warnings) == (si, scalar, ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hic15(vehicle.speed)", "column 7: hic15 takes an acceleration (g), vehicle.speed is a speed (m/s)"),
        ("olc(cfc60(vehicle.mass))", "column 5: olc takes a speed (m/s), cfc60(vehicle.mass) is a mass (kg)"),
        (
            "delta_v(controller.fire)",
            "column 9: delta_v takes an acceleration (m/s^2), controller.fire is a plain number (1)",
        ),
        (
            "resultant(vehicle.speed, vehicle.mass)",
            "column 26: resultant takes a speed (m/s), vehicle.mass is a mass (kg)",
        ),
        ("first_time(vehicle.speed, 3 g)", "column 27: '3 g' is an acceleration; a speed in 'm/s' is"),
        ("first_time(vehicle.speed, 3 W/(m2.K))", "column 27: '3 W/(m2.K)' is a heat transfer coefficient"),
        ("first_time(vehicle.speed, 3 kmh)", "column 27: Unknown unit of measure 'kmh'. Did you mean"),
        ("max(odd.unit)", "column 5: unit of odd.unit: Unknown unit of measure 'furlong'"),
    ],
)
def test_clashes_are_found_without_values_and_name_both_dimensions(text: str, message: str) -> None:
    expression = parse_expression(text)
    with pytest.raises(ExpressionError) as checked:
        expression.check(si_of)
    assert str(checked.value).startswith(message)
    with pytest.raises(ExpressionError) as evaluated:
        expression.evaluate_signal(lookup, PERIOD) if not expression.scalar else expression.evaluate(
            lookup, PERIOD
        )
    assert str(evaluated.value).startswith(message)


def test_a_missing_unit_or_one_that_differs_in_angle_is_a_warning() -> None:
    checked = parse_expression('hic15("old.fmu\'s output")').check(si_of)
    assert checked.warnings == ("old.fmu's output has no unit; hic15 takes it to be in g",)
    checked = parse_expression("resultant(vehicle.wheel[2], vehicle.spin)").check(si_of)
    assert checked.warnings == ("vehicle.spin is in 1/s, taken for rpm: they differ in angle",)
    assert parse_expression('max("old.fmu\'s output")').check(si_of).si is None


def test_an_unknown_signal_is_the_callers_to_refuse() -> None:
    with pytest.raises(KeyError):
        parse_expression("max(no.such)").check(si_of)


# ---- values


def test_signals_are_converted_to_the_unit_of_the_metric() -> None:
    found = parse_expression("clip_3ms(cfc180(occupant.chest_acceleration))").evaluate(lookup, PERIOD)
    expected = clip_3ms(cfc(CHEST / 9.80665, PERIOD, 180), PERIOD)
    assert (found.value, found.si) == (pytest.approx(expected.value, rel=1e-12), "g")
    assert found.window == expected.window
    assert found.when == "73.5 to 76.5 ms"
    in_g = parse_expression("hic15(occupant.head)").evaluate(lookup, PERIOD).value
    in_si = parse_expression("hic15(occupant.chest_acceleration)").evaluate(lookup, PERIOD).value
    assert in_si == pytest.approx(in_g, rel=1e-12)
    assert in_g == hic15(SIGNALS["occupant.head"][0], PERIOD).value


def test_a_result_in_the_signals_own_unit_keeps_it() -> None:
    found = parse_expression("min(vehicle.speed)").evaluate(lookup, PERIOD)
    assert (found.value, found.si, found.t) == (pytest.approx(-7.5), "m/s", 0.15)


def test_components_come_in_the_unit_of_the_first() -> None:
    samples, si = parse_expression("resultant(tank.air, tank.wall[1,2].T)").evaluate_signal(lookup, PERIOD)
    assert si == "K"
    np.testing.assert_allclose(samples, np.hypot(300.0, 293.15 + T), rtol=1e-14)


def test_thresholds_are_quantities() -> None:
    fire = parse_expression("first_time(controller.fire, 0.5)").evaluate(lookup, PERIOD, start=1.0)
    assert (fire.value, fire.t, fire.si) == (1.0153, 1.0153, "s")
    head = parse_expression("first_time(occupant.head, 196.133 m/s^2)").evaluate(lookup, PERIOD)
    # 400 sin(pi t / 150 ms) passes 20 g at 24.45 ms: seen at the next sample
    assert head.value == 0.0245
    never = parse_expression("first_time(vehicle.speed, 300 km/h)").evaluate(lookup, PERIOD)
    assert (never.value, never.t) == (math.inf, None)


def test_a_signal_is_no_number_and_a_number_no_signal() -> None:
    for text in ("vehicle.speed", "cfc60(vehicle.speed)"):
        with pytest.raises(ExpressionError, match="this is a signal; a number is wanted"):
            parse_expression(text).evaluate(lookup, PERIOD)
    with pytest.raises(ExpressionError, match="this is a number; a signal is wanted"):
        parse_expression("max(vehicle.speed)").evaluate_signal(lookup, PERIOD)


def test_a_metric_that_cannot_be_computed_names_itself() -> None:
    def broken(name: str) -> tuple[np.ndarray, str | None]:
        return np.array([*CHEST[:100], math.nan]), "m/s^2"

    with pytest.raises(MetricError, match=r"^hic15\(u\.a\): acceleration_g\[100\] is nan"):
        parse_expression("hic15(u.a)").evaluate(broken, PERIOD)
    with pytest.raises(MetricError, match=r"^cfc180\(u\.a\): signal\[100\] is nan"):
        parse_expression("max(cfc180(u.a))").evaluate(broken, PERIOD)


def test_an_expression_is_a_value() -> None:
    assert parse_expression("max(a.b)") == parse_expression("max(a.b)")
    assert isinstance(parse_expression("max(a.b)"), Expression)
