"""reactor_runaway against the textbook, against its own equations solved here, and the verdict that each fault gives.

Published: H. S. Fogler, Elements of Chemical Reaction Engineering, example 9-2 (3rd ed.); the accident was in 1969.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import pytest

import crumple

DEFAULTS = {
    "charge_kmol": 3.17,
    "outage_start_min": 45,
    "outage_min": 10,
    "sis": "watching",
    "disk": "plugged",
    "inject": "",
}
ACCIDENT = {"charge_kmol": 9.0448, "outage_start_min": 45, "outage_min": 10}
ACTING = {**ACCIDENT, "sis": "acting"}
STEADY = {**ACTING, "outage_min": 0}

# name: (case, verdict, requirements that fail)
CASES: dict[str, tuple[dict[str, Any], str, set[str]]] = {
    "usual": ({"charge_kmol": 3.17, "outage_start_min": 45, "outage_min": 10}, "pass", set()),
    "accident": (ACCIDENT, "fail", {"temperature", "pressure", "no_burst"}),
    "no outage": ({**ACCIDENT, "outage_min": 0}, "pass", set()),
    "outage of nine minutes": ({**ACCIDENT, "outage_min": 9}, "pass", set()),
    "outage of nine and a half": (
        {**ACCIDENT, "outage_min": 9.5},
        "fail",
        {"temperature", "pressure", "no_burst"},
    ),
    "free disk": ({**ACCIDENT, "disk": "free"}, "fail", {"temperature", "pressure"}),
    "free disk, plugged": (
        {**ACCIDENT, "disk": "free", "inject": "disk_plugged"},
        "fail",
        {"temperature", "pressure", "no_burst"},
    ),
    "acting": (ACTING, "pass", set()),
    "one transmitter stuck": ({**ACTING, "inject": "transmitter_1_stuck"}, "pass", set()),
    "one transmitter high": ({**STEADY, "inject": "transmitter_3_bias"}, "pass", set()),
    "two stuck": (
        {**ACTING, "inject": "transmitter_1_stuck transmitter_2_stuck"},
        "fail",
        {"temperature", "pressure", "no_burst"},
    ),
    "two stuck, no flow seen": (
        {**ACTING, "inject": "transmitter_1_stuck transmitter_2_stuck flow_switch_stuck"},
        "fail",
        {"temperature", "pressure", "no_burst", "loss_of_cooling_trips", "heat_trips"},
    ),
    "no flow seen": ({**ACTING, "inject": "flow_switch_stuck"}, "fail", {"loss_of_cooling_trips"}),
    "three of three, one stuck": (
        {**ACTING, "inject": "vote_degraded transmitter_1_stuck"},
        "fail",
        {"temperature", "pressure", "no_burst"},
    ),
    "valve closed, watching": (
        {"outage_min": 0, "inject": "valve_stuck_closed"},
        "fail",
        {"temperature", "pressure", "no_burst"},
    ),
    "valve closed": ({**STEADY, "inject": "valve_stuck_closed"}, "pass", set()),
    "water lost": ({**STEADY, "inject": "water_lost"}, "pass", set()),
    "agitator lost, watching": (
        {**STEADY, "sis": "watching", "inject": "agitator_lost"},
        "fail",
        {"temperature", "pressure", "no_burst"},
    ),
    "agitator lost": ({**STEADY, "inject": "agitator_lost"}, "pass", set()),
    "quench stuck": ({**ACTING, "inject": "quench_valve_stuck water_lost"}, "pass", set()),
}


@functools.cache
def found() -> dict[str, Any]:
    """All cases, run once."""
    results = crumple.cases(
        "reactor_runaway", [{**DEFAULTS, **case} for case, _, _ in CASES.values()], jobs=2
    )
    return dict(zip(CASES, results, strict=True))


def broken(result: Any) -> set[str]:
    return {name for name, status in result.requirements.items() if status == "fail"}


def test_the_accident_comes_to_the_figures_of_the_textbook() -> None:
    metrics = found()["accident"].metrics
    assert metrics["conversion_45min"] == pytest.approx(0.033, abs=0.001)
    assert metrics["temperature_55min_K"] == pytest.approx(467.992, abs=0.03)
    assert metrics["conversion_55min"] == pytest.approx(0.0423866, abs=0.0007)
    assert metrics["heat_generated_55min"] == pytest.approx(6591, rel=0.004)
    assert metrics["heat_removed_55min"] == pytest.approx(6093, abs=2)
    rate = (metrics["heat_generated_55min"] - metrics["heat_removed_55min"]) / 2504
    assert rate == pytest.approx(0.2, abs=0.01)  # [K/min]
    assert 119.0 <= metrics["runaway_min"] <= 122.0
    assert metrics["max_temperature_K"] == 800.0


def test_neither_the_usual_charge_nor_cooling_without_an_outage_explodes() -> None:
    assert found()["usual"].metrics["max_temperature_K"] == pytest.approx(455.85, abs=0.01)
    assert found()["usual"].metrics["runaway_min"] is None
    assert found()["no outage"].metrics["max_temperature_K"] == pytest.approx(448.0, abs=0.05)


# ---- the same equations, solved here: isothermal, then without cooling, then with all of it


def solved(
    outage: float, *, charge: float = 9.0448, ammonia: float = 33.0, until: float = 400.0, h: float = 0.05
) -> tuple[dict[float, tuple[float, float]], float | None]:
    """(T [K], X) by time [min] at 45 and 55 min and at the end of the outage, and when 800 K are reached [min]."""

    def rates(cooling: float | None, t: float, x: float) -> tuple[float, float]:
        k = 0.00017 * math.exp(11273 / 1.987 * (1 / 461 - 1 / t))
        r = k * charge * (1 - x) * (ammonia - 2 * charge * x) / 5.119
        heating = 0.0 if cooling is None else (5.9e5 * r - cooling * (t - 298)) / 2504
        return heating, r / charge

    seen: dict[float, tuple[float, float]] = {}
    t, x, now = 448.0, 0.0, 0.0
    for end, cooling in ((45.0, None), (45.0 + outage, 0.0), (until, 35.83)):
        steps = max(1, round((end - now) / h))
        d = (end - now) / steps
        for n in range(steps):
            a = rates(cooling, t, x)
            b = rates(cooling, t + d / 2 * a[0], x + d / 2 * a[1])
            c = rates(cooling, t + d / 2 * b[0], x + d / 2 * b[1])
            e = rates(cooling, t + d * c[0], x + d * c[1])
            t += d / 6 * (a[0] + 2 * b[0] + 2 * c[0] + e[0])
            x += d / 6 * (a[1] + 2 * b[1] + 2 * c[1] + e[1])
            if t >= 800:
                return seen, now + (n + 1) * d
            if t < 440:  # cold: it will not come back
                return seen, None
        now = end
        seen[end] = (t, x)
    return seen, None


def test_the_scene_solves_its_equations_as_they_are_solved_here() -> None:
    seen, runaway = solved(10.0)
    metrics = found()["accident"].metrics
    assert metrics["conversion_45min"] == pytest.approx(seen[45.0][1], rel=2e-4)
    assert metrics["temperature_55min_K"] == pytest.approx(seen[55.0][0], abs=0.003)
    assert metrics["conversion_55min"] == pytest.approx(seen[55.0][1], rel=2e-4)
    assert runaway == pytest.approx(121.25, abs=0.05)
    assert metrics["runaway_min"] == pytest.approx(runaway, abs=0.06)


def test_the_tripled_charge_survives_an_outage_of_nine_minutes_and_a_quarter_and_no_longer() -> None:
    low, high = 8.0, 10.0
    while high - low > 0.01:
        middle = (low + high) / 2
        low, high = (low, middle) if solved(middle, h=0.25)[1] is not None else (middle, high)
    assert low == pytest.approx(9.255, abs=0.015)
    assert found()["outage of nine minutes"].metrics["max_temperature_K"] < 470
    assert 130 < found()["outage of nine and a half"].metrics["runaway_min"] < 180


# ---- verdicts


@pytest.mark.parametrize("name", CASES)
def test_a_case_comes_to_its_verdict_and_breaks_what_it_should(name: str) -> None:
    result = found()[name]
    _, verdict, breaks = CASES[name]
    assert (result.verdict, broken(result)) == (verdict, breaks), result.reason


def test_the_safety_system_trips_within_half_a_minute_of_lost_cooling() -> None:
    assert found()["acting"].metrics["trip_min"] == pytest.approx(45.35, abs=0.02)
    assert found()["acting"].metrics["max_temperature_K"] == pytest.approx(453, abs=0.5)


def test_a_free_disk_ends_the_runaway_where_its_pressure_is_reached() -> None:
    metrics = found()["free disk"].metrics
    assert metrics["max_pressure_psi"] == pytest.approx(700, abs=2)
    assert metrics["max_temperature_K"] == pytest.approx(502.7, abs=0.5)
    assert metrics["runaway_min"] is None
