"""Surrogate safety measures: times to collision, decelerations, headways, encroachment, stopping distances."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crumple.metrics import MetricError
from crumple.metrics.registry import METRICS
from crumple.metrics.traffic import (
    deceleration_to_avoid,
    enhanced_time_to_collision,
    last_brake_time,
    stopping_distance,
    time_headway,
    time_to_collision,
)

lengths = st.floats(0.01, 500.0)
speeds = st.integers(-6000, 6000).map(lambda cm: cm / 100)  # no speed whose square underflows
accelerations = st.integers(-1200, 1200).map(lambda cm: cm / 100)


def test_time_to_collision_is_gap_over_closing_speed() -> None:
    assert time_to_collision(30.0, 15.0) == 2.0
    assert time_to_collision(30.0, 0.0) == time_to_collision(30.0, -5.0) == math.inf
    assert time_to_collision(0.0, 5.0) == time_to_collision(-0.1, -5.0) == 0.0


@given(lengths, speeds, accelerations)
def test_enhanced_time_to_collision_is_the_first_moment_without_a_gap(gap: float, v: float, a: float) -> None:
    t = enhanced_time_to_collision(gap, v, a)
    if math.isinf(t):
        t = 1000.0  # it is not reached by then
        assert all(gap - v * s - 0.5 * a * s * s > -1e-6 for s in np.linspace(0.0, t, 200))
        return
    assert gap - v * t - 0.5 * a * t * t == pytest.approx(
        0.0, abs=1e-9 * max(gap, abs(v) * t, abs(a) * t * t)
    )
    assert all(gap - v * s - 0.5 * a * s * s > -1e-6 * gap for s in np.linspace(0.0, t, 50)[:-1])


def test_enhanced_time_to_collision_without_acceleration_is_the_plain_one() -> None:
    assert enhanced_time_to_collision(30.0, 15.0, 0.0) == time_to_collision(30.0, 15.0)
    assert enhanced_time_to_collision(30.0, -15.0, 0.0) == math.inf
    assert enhanced_time_to_collision(50.0, 0.0, 4.0) == 5.0  # sqrt(2 s / a)
    # 20 m/s, braked by 6 m/s^2: it stands after 33.3 m
    assert (
        enhanced_time_to_collision(33.0, 20.0, -6.0)
        < math.inf
        == enhanced_time_to_collision(33.4, 20.0, -6.0)
    )
    assert enhanced_time_to_collision(0.0, -3.0, -1.0) == 0.0


def test_the_deceleration_that_avoids_a_crash_brings_both_to_zero_at_once() -> None:
    gap, v = 25.0, 10.0
    a = deceleration_to_avoid(gap, v)
    assert a == 2.0
    assert v * v / (2 * a) == gap
    assert deceleration_to_avoid(gap, -1.0) == 0.0
    assert deceleration_to_avoid(0.0, 1.0) == math.inf


def test_headway_is_the_gap_in_seconds_of_own_speed() -> None:
    assert time_headway(40.0, 20.0) == 2.0
    assert time_headway(40.0, 0.0) == math.inf
    assert time_headway(0.0, 20.0) == 0.0


@pytest.mark.parametrize(
    ("v", "a", "dead", "ramp"),
    [(50 / 3.6, 9.0, 0.1, 0.3), (1.0, 9.0, 0.1, 0.3), (30.0, 7.0, 0.0, 0.0), (2.0, 8.0, 0.2, 0.5)],
)
def test_the_stopping_distance_is_that_of_the_integrated_motion(
    v: float, a: float, dead: float, ramp: float
) -> None:
    dt, distance, speed, t = 1e-5, 0.0, v, 0.0
    while speed > 0.0:
        middle = t + 0.5 * dt  # the mean of a ramp over a step is its value in the middle
        braking = a if middle >= dead + ramp else 0.0 if middle < dead else a * (middle - dead) / ramp
        faster, speed = speed, max(speed - braking * dt, 0.0)
        distance += 0.5 * (faster + speed) * dt
        t += dt
    found = stopping_distance(v, deceleration=a, dead_time=dead, ramp_time=ramp)
    assert found == pytest.approx(distance, rel=1e-4)


def test_braking_from_50_kmh_must_begin_1_0192_s_before_the_impact() -> None:
    found = last_brake_time(50 / 3.6, deceleration=9.0, dead_time=0.1, ramp_time=0.3)
    assert found == pytest.approx(1.0192, abs=5e-5)


@pytest.mark.parametrize(
    ("speed", "settings", "message"),
    [
        (10.0, {"deceleration": 0.0}, "deceleration is 0.0"),
        (-1.0, {"deceleration": 9.0}, "speed is -1.0"),
        (10.0, {"deceleration": 9.0, "ramp_time": math.nan}, "ramp_time is nan"),
    ],
)
def test_what_cannot_stop_is_refused(speed: float, settings: dict[str, float], message: str) -> None:
    with pytest.raises(MetricError, match=message):
        stopping_distance(speed, **settings)  # type: ignore[arg-type]
    with pytest.raises(MetricError, match="must be above 0"):
        last_brake_time(0.0, deceleration=9.0)


# ---- on signals

DT = 0.01
T = np.arange(301) * DT
GAP, CLOSING = 30.0 - 12.0 * T, np.full_like(T, 12.0)  # touches at 2.5 s


def test_signals_of_times_are_those_of_every_moment_and_end_at_1000_s() -> None:
    ttc = METRICS["ttc"].function(GAP, CLOSING, DT)
    assert ttc[0] == 2.5
    assert ttc[100] == pytest.approx(1.5)
    assert ttc[-1] == 0.0
    assert METRICS["ttc"].function(GAP, -CLOSING, DT)[0] == 1000.0
    assert METRICS["headway"].function(GAP, CLOSING, DT)[0] == 2.5
    assert METRICS["drac"].function(GAP, CLOSING, DT)[0] == 144.0 / 60.0
    assert METRICS["drac"].function(GAP, CLOSING, DT)[-1] == 1000.0
    flat = METRICS["ettc"].function(GAP, CLOSING, 0.0 * T, DT)
    assert flat == pytest.approx(ttc)


def test_the_smallest_times_know_when_they_were_reached() -> None:
    gap = 20.0 + (T - 1.0) ** 2
    found = METRICS["min_ttc"].evaluate([gap, np.full_like(T, 10.0)], DT, start=5.0)
    assert (found.value, found.t, found.si) == (2.0, 6.0, "s")
    assert METRICS["min_headway"].evaluate([gap, np.full_like(T, 8.0)], DT).value == 2.5
    never = METRICS["min_ttc"].evaluate([gap, -CLOSING], DT)
    assert (never.value, never.t) == (math.inf, None)
    drac = METRICS["max_drac"].evaluate([gap, np.full_like(T, 10.0)], DT)
    assert (drac.value, drac.t) == (2.5, 1.0)


def test_the_largest_deceleration_leaves_out_what_comes_after_the_crash() -> None:
    found = METRICS["max_drac"].evaluate([GAP, CLOSING], DT)
    assert found.t == pytest.approx(2.49)
    assert found.value == pytest.approx(144.0 / (2 * 0.12))


def test_post_encroachment_time_runs_from_leaving_to_entering_in_any_order() -> None:
    first = ((T >= 0.5) & (T < 1.0)).astype(float)
    second = ((T >= 1.75) & (T < 2.0)).astype(float)
    for pair in ([first, second], [second, first]):
        found = METRICS["pet"].evaluate(pair, DT)
        assert found.value == pytest.approx(0.75)
        assert found.t == 1.75
    both = ((T >= 0.8) & (T < 2.0)).astype(float)
    assert METRICS["pet"].evaluate([first, both], DT).value == pytest.approx(-0.2)
    assert METRICS["pet"].evaluate([first, 0 * T], DT).value == math.inf
    assert METRICS["pet"].evaluate([(T >= 0.5).astype(float), second], DT).value == math.inf


def test_signals_of_different_lengths_are_refused() -> None:
    with pytest.raises(MetricError, match=r"\[301, 300\] samples"):
        METRICS["ttc"].function(GAP, CLOSING[1:], DT)
