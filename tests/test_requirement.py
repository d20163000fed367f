"""Requirements judged from recorded signals: limits, windows, margins, times, and what was not seen."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crumple.expression import parse_expression
from crumple.recording import Signals
from crumple.requirement import Limit, Requirement, Seen, evaluate
from crumple.requirement_result import (
    RequirementResult,
    limit_text,
    margin_text,
    value_text,
    when_text,
)

PERIOD = 1e-3
ROWS = 101  # 0 to 100 ms
T = np.arange(ROWS) / 1000


def recorded(folder: Path, **signals: Any) -> Signals:
    """Signals `unit.<name>` as the recorder writes them."""
    columns = {f"unit.{name}": np.asarray(values, float) for name, values in signals.items()}
    dtype = [
        ("t", "<f8"),
        *((n, "<f8", v.shape[1:]) if v.ndim > 1 else (n, "<f8") for n, v in columns.items()),
    ]
    table = np.zeros(len(next(iter(columns.values()))), dtype)
    table["t"] = np.arange(len(table)) / 1000
    for name, values in columns.items():
        table[name] = values
    np.save(folder / "signals-1ms.npy", table)
    return Signals(folder)


def seen(signals: Signals, *, t: float | None = None, horizon: float = 0.1, si: str | None = None) -> Seen:
    reached = float(signals.t()[-1]) if t is None else t
    return Seen(
        signals=signals,
        period=PERIOD,
        start=0.0,
        horizon=horizon,
        t=reached,
        si_of=lambda name: si,
        not_seen="cut",
    )


def require(what: str, *limits: Limit, **more: Any) -> Requirement:
    return Requirement(name="r", what=what, expression=parse_expression(what), limits=limits, **more)


def judge(folder: Path, requirement: Requirement, **signals: Any) -> RequirementResult:
    return evaluate(requirement, seen(recorded(folder, **signals), si=requirement.source_si))


def test_a_signal_below_its_limit_passes_at_the_end_of_the_window(tmp_path: Path) -> None:
    result = judge(tmp_path, require("unit.x", Limit("max", 70.0, 70.0)), x=50 * np.sin(np.pi * T / 0.1))
    assert result.status == "pass"
    assert result.value == 50.0  # at 50 ms, the top of the half-sine
    assert result.worst == (0.05, 0.05)
    assert result.margin == pytest.approx(2 / 7, rel=1e-15)
    assert result.decided == 0.1


def test_a_signal_that_exceeds_its_limit_fails_when_it_first_does(tmp_path: Path) -> None:
    result = judge(tmp_path, require("unit.x", Limit("max", 30.5, 30.5)), x=np.arange(ROWS))
    assert result.status == "fail"
    assert result.decided == 0.031  # x = 31 is the first sample above 30.5
    assert result.value == 100.0
    assert result.worst == (0.1, 0.1)
    assert result.margin == pytest.approx(1 - 100 / 30.5, rel=1e-15)
    assert result.reason == "r: unit.x 100 exceeds 30.5 by 228 % at 100 ms (first broken at 31 ms)"


def test_a_limit_that_is_just_reached_holds(tmp_path: Path) -> None:
    for relation in ("max", "min"):
        result = judge(tmp_path, require("unit.x", Limit(relation, 7.0, 7.0)), x=np.full(ROWS, 7.0))
        assert (result.status, result.margin) == ("pass", 0.0)


def test_the_smallest_step_beyond_a_limit_breaks_it_and_shows(tmp_path: Path) -> None:
    value = math.nextafter(700.0, 701.0)
    result = judge(tmp_path, require("unit.x", Limit("max", 700.0, 700.0)), x=np.full(ROWS, value))
    assert result.status == "fail"
    assert value_text(result) == "700.00000000000011"
    assert limit_text(result) == "≤ 700"


def test_only_the_window_counts_and_both_its_ends_belong_to_it(tmp_path: Path) -> None:
    x = np.zeros(ROWS)
    x[[19, 61]] = 9.0  # just outside 20 ms to 60 ms
    window = {"start": 0.02, "until": 0.06}
    result = judge(tmp_path, require("unit.x", Limit("max", 1.0, 1.0), **window), x=x)
    assert (result.status, result.decided) == ("pass", 0.06)
    for row in (20, 60):
        y = np.zeros(ROWS)
        y[row] = 9.0
        result = judge(tmp_path, require("unit.x", Limit("max", 1.0, 1.0), **window), x=y)
        assert (result.status, result.decided) == ("fail", row / 1000)


def test_at_the_end_only_the_last_communication_point_counts(tmp_path: Path) -> None:
    x = np.full(ROWS, 9.0)
    x[-1] = 0.5
    result = judge(tmp_path, require("unit.x", Limit("max", 1.0, 1.0), at_end=True), x=x)
    assert (result.status, result.value, result.worst) == ("pass", 0.5, (0.1, 0.1))


def test_a_range_reports_the_nearer_limit(tmp_path: Path) -> None:
    both = (Limit("max", 10.0, 10.0), Limit("min", -10.0, -10.0))
    x = np.linspace(-4, 9, ROWS)
    result = judge(tmp_path, require("unit.x", *both), x=x)
    assert (result.status, result.relation, result.value) == ("pass", "max", 9.0)
    result = judge(tmp_path, require("unit.x", *both), x=-x - 8)  # from -4 to -17
    assert (result.status, result.relation, result.value) == ("fail", "min", -17.0)
    assert result.reason == "r: unit.x -17 is below -10 by 70 % at 100 ms (first broken at 47 ms)"


def test_equals_takes_the_farthest_value_and_its_margin_is_a_share_of_within(tmp_path: Path) -> None:
    limit = Limit("equals", 5.0, 5.0, 0.5, 0.5)
    result = judge(tmp_path, require("unit.x", limit), x=5 + 0.4 * np.sin(T))
    assert result.status == "pass"
    assert result.margin == pytest.approx(1 - 0.4 * math.sin(0.1) / 0.5, rel=1e-12)
    result = judge(tmp_path, require("unit.x", limit), x=5 + 10 * T)
    assert (result.status, result.value, result.decided) == ("fail", 6.0, 0.051)
    assert result.margin == pytest.approx(-1.0)
    assert "differs from 5 by more than 0.5" in result.reason


def test_equals_without_within_is_exact(tmp_path: Path) -> None:
    limit = Limit("equals", 0.0, 0.0)
    assert judge(tmp_path, require("unit.x", limit), x=np.zeros(ROWS)).status == "pass"
    result = judge(tmp_path, require("unit.x", limit), x=np.full(ROWS, 5e-324))
    assert (result.status, result.margin) == ("fail", -1.0)


@pytest.mark.parametrize(("value", "margin"), [(-3.0, 1.0), (0.0, 0.0), (3.0, -1.0)])
def test_against_a_limit_of_zero_the_margin_is_one_zero_or_minus_one(
    tmp_path: Path, value: float, margin: float
) -> None:
    result = judge(tmp_path, require("unit.x", Limit("max", 0.0, 0.0)), x=np.full(ROWS, value))
    assert result.margin == margin
    assert result.status == ("fail" if value > 0 else "pass")
    assert margin_text(result) == ""


def test_a_negative_limit_has_the_margin_relative_to_its_size(tmp_path: Path) -> None:
    result = judge(tmp_path, require("unit.x", Limit("min", -40.0, -40.0)), x=np.full(ROWS, -30.0))
    assert result.margin == 0.25
    result = judge(tmp_path, require("unit.x", Limit("min", -40.0, -40.0)), x=np.full(ROWS, -50.0))
    assert result.margin == -0.25


def test_value_and_limit_are_reported_in_the_unit_of_the_limit(tmp_path: Path) -> None:
    g = 9.80665
    limit = Limit("max", 60 * g, 60.0)
    requirement = require("unit.x", limit, source_si="m/s^2", si="g")
    result = judge(tmp_path, requirement, x=np.full(ROWS, 45 * g))
    assert result.value == pytest.approx(45.0, rel=1e-15)
    assert (result.limit, result.si) == (60.0, "g")
    assert result.margin == pytest.approx(0.25, rel=1e-14)
    assert (value_text(result), limit_text(result)) == ("45 g", "≤ 60 g")


def test_a_limit_in_another_unit_is_not_broken_by_rounding(tmp_path: Path) -> None:
    # 0.0169 s * 1000 is 16.900000000000002: compared in milliseconds, a time of exactly 16.9 ms would fail
    x = np.where(np.arange(ROWS) >= 17, 1.0, 0.0)
    limit = Limit("max", 0.017, 0.017 * 1000)
    result = judge(tmp_path, require("first_time(unit.x)", limit, source_si="s", si="ms"), x=x)
    assert (result.status, result.value, result.limit) == ("pass", pytest.approx(17.0), 17.0)


def test_a_metric_is_taken_from_the_window_with_times_of_the_run(tmp_path: Path) -> None:
    x = np.zeros(ROWS)
    x[[10, 40]] = 9.0, 5.0
    requirement = require("max(unit.x)", Limit("max", 7.0, 7.0), start=0.02, until=0.06)
    result = judge(tmp_path, requirement, x=x)
    assert (result.status, result.value, result.worst) == ("pass", 5.0, (0.04, 0.04))
    assert when_text(result) == "at 40 ms"


def test_a_growing_metric_fails_at_the_first_moment_at_which_its_limit_is_exceeded(tmp_path: Path) -> None:
    # 100 g for 15 ms: after tau, HIC15 is tau * 100^2.5, which exceeds 700 beyond 7 ms: first at 8 ms
    requirement = require("hic15(unit.x)", Limit("max", 700.0, 700.0), source_si="1")
    signals = recorded(tmp_path, x=np.where(np.arange(ROWS) <= 15, 100.0, 0.0))
    result = evaluate(requirement, seen(signals, si="g"))
    assert result.status == "fail"
    assert result.value == pytest.approx(1500.0, rel=1e-12)
    assert result.decided == 0.008
    assert result.worst is not None
    assert result.worst[1] - result.worst[0] == pytest.approx(0.015)
    assert result.reason == "r: HIC15 1,500 exceeds 700 by 114 % at 8 ms (window 0 to 15 ms)"
    assert value_text(result) == "HIC15 1,500"


def test_a_time_that_never_comes_fails_an_upper_limit_and_keeps_a_lower_one(tmp_path: Path) -> None:
    late = require("first_time(unit.x)", Limit("max", 0.02, 20.0), source_si="s", si="ms")
    result = judge(tmp_path, late, x=np.zeros(ROWS))
    assert (result.status, result.value, result.margin, result.decided) == ("fail", math.inf, -math.inf, 0.02)
    assert (value_text(result), margin_text(result)) == ("never", "")
    assert result.reason == "r: first_time(unit.x) never came; the limit is 20 ms"
    early = require("first_time(unit.x)", Limit("min", 0.02, 20.0), source_si="s", si="ms")
    assert judge(tmp_path, early, x=np.zeros(ROWS)).status == "pass"


def test_what_was_not_seen_to_its_end_is_inconclusive(tmp_path: Path) -> None:
    half = np.zeros(51)
    for requirement in (
        require("unit.x", Limit("max", 1.0, 1.0)),
        require("max(unit.x)", Limit("max", 1.0, 1.0)),
        require("unit.x", Limit("max", 1.0, 1.0), at_end=True),
        require("unit.x", Limit("max", 1.0, 1.0), start=0.08, until=0.09),
        require("first_time(unit.x)", Limit("max", 0.09, 0.09), source_si="s", si="s"),
    ):
        result = judge(tmp_path, requirement, x=half)
        assert (result.status, result.complete, result.decided) == ("inconclusive", False, None)
        assert result.reason.startswith("r: seen until 50 ms of ")
        assert result.reason.endswith("(cut)")
    early = judge(tmp_path, require("unit.x", Limit("max", 1.0, 1.0), until=0.05), x=half)
    assert (early.status, early.decided) == ("pass", 0.05)  # its own window was seen whole


def test_a_limit_once_broken_stays_broken_whatever_was_not_seen(tmp_path: Path) -> None:
    half = np.full(51, 5.0)
    late = require("first_time(unit.y)", Limit("max", 0.02, 0.02), source_si="s", si="s")
    for requirement in (
        require("unit.x", Limit("max", 1.0, 1.0)),
        require("max(unit.x)", Limit("max", 1.0, 1.0)),
        require("min(unit.x)", Limit("min", 6.0, 6.0)),
        late,
    ):
        assert judge(tmp_path, requirement, x=half, y=np.zeros(51)).status == "fail"


def test_a_metric_that_may_still_change_does_not_fail_early(tmp_path: Path) -> None:
    half = np.full(51, 5.0)
    for requirement in (
        require("mean(unit.x)", Limit("max", 1.0, 1.0)),
        require("final(unit.x)", Limit("max", 1.0, 1.0)),
        require("max(unit.x)", Limit("min", 6.0, 6.0)),  # it may still rise to 6
        require("max(cfc60(unit.x))", Limit("max", 1.0, 1.0)),  # the filter looks ahead
        require("cfc60(unit.x)", Limit("max", 1.0, 1.0)),
    ):
        assert judge(tmp_path, requirement, x=half).status == "inconclusive"


def test_a_window_beyond_the_run_is_never_seen(tmp_path: Path) -> None:
    result = judge(tmp_path, require("unit.x", Limit("max", 1.0, 1.0), until=0.2), x=np.zeros(ROWS))
    assert result.status == "inconclusive"
    assert result.reason == "r: must be seen until 200 ms, and the run goes to 100 ms"


def test_nan_is_never_a_pass(tmp_path: Path) -> None:
    x = np.zeros(ROWS)
    x[30] = np.nan
    for limit in (Limit("max", 1.0, 1.0), Limit("min", -1.0, -1.0), Limit("equals", 0.0, 0.0, 1.0, 1.0)):
        result = judge(tmp_path, require("unit.x", limit), x=x)
        assert (result.status, result.reason) == ("inconclusive", "r: unit.x is NaN at 30 ms")
    result = judge(tmp_path, require("max(unit.x)", Limit("max", 1.0, 1.0)), x=x)
    assert result.status == "inconclusive"
    x[40] = 2.0
    assert judge(tmp_path, require("unit.x", Limit("max", 1.0, 1.0)), x=x).status == "fail"
    assert (
        judge(tmp_path, require("unit.x", Limit("max", 1.0, 1.0)), x=np.full(ROWS, np.nan)).status
        == "inconclusive"
    )


def test_an_infinite_sample_breaks_the_limit_that_it_is_beyond(tmp_path: Path) -> None:
    x = np.zeros(ROWS)
    x[30] = np.inf
    result = judge(tmp_path, require("unit.x", Limit("max", 1.0, 1.0)), x=x)
    assert (result.status, result.value, result.margin) == ("fail", math.inf, -math.inf)


def test_every_element_of_a_vector_must_hold_and_one_can_be_named(tmp_path: Path) -> None:
    v = np.zeros((ROWS, 2))
    v[20, 1] = 3.0
    result = judge(tmp_path, require("unit.v", Limit("max", 1.0, 1.0)), v=v)
    assert (result.status, result.value, result.decided) == ("fail", 3.0, 0.02)
    assert judge(tmp_path, require("unit.v[0]", Limit("max", 1.0, 1.0)), v=v).status == "pass"
    assert judge(tmp_path, require("unit.v[1]", Limit("max", 1.0, 1.0)), v=v).status == "fail"
    assert judge(tmp_path, require("max(unit.v[1])", Limit("max", 1.0, 1.0)), v=v).value == 3.0


def test_of_a_signal_that_stood_still_no_moment_is_the_worst(tmp_path: Path) -> None:
    result = judge(tmp_path, require("unit.x", Limit("max", 1.0, 1.0)), x=np.zeros(ROWS))
    assert (result.status, result.worst, when_text(result)) == ("pass", None, "")


def test_a_requirement_that_does_not_apply_is_not_judged(tmp_path: Path) -> None:
    requirement = require("unit.x", Limit("max", 1.0, 1.0), applies=False, when="speed > 20 km/h")
    result = judge(tmp_path, requirement, x=np.full(ROWS, 5.0))
    assert (result.status, result.value, result.margin) == ("not_applicable", None, None)
    assert "speed > 20 km/h" in result.reason


def test_a_metric_that_cannot_be_computed_is_inconclusive_and_says_why(tmp_path: Path) -> None:
    requirement = require("clip_3ms(unit.x)", Limit("max", 1.0, 1.0), until=0.001)
    result = judge(tmp_path, requirement, x=np.zeros(ROWS))
    assert result.status == "inconclusive"
    assert "cannot be computed" in result.reason


def test_a_result_survives_json(tmp_path: Path) -> None:
    result = judge(tmp_path, require("unit.x", Limit("max", 1.0, 1.0), doc="why"), x=np.zeros(ROWS))
    assert RequirementResult.from_json(result.to_json()) == result
    assert RequirementResult.from_json({**result.to_json(), "later": 1}) == result
