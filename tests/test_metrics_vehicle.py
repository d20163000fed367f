"""Severity of a crash for a vehicle: 5-inch rule, ASI, flail space, energy closure, against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from crumple.expression import ExpressionError, parse_expression
from crumple.metrics import (
    MetricError,
    acceleration_severity_index,
    energy_closure,
    fire_margin,
    free_flight_time,
    occupant_impact_velocity,
    required_fire_time,
    ridedown,
    theoretical_head_impact_velocity,
)
from crumple.metrics.barrier import flail
from crumple.metrics.registry import METRICS

G = 9.80665
DT = 1e-4
T = np.arange(2001) * DT  # 200 ms
A = np.full_like(T, -20 * G)  # 20 g throughout

# ---- 5-inch rule


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_at_constant_deceleration_five_inches_take_the_root_of_2_s_over_a(sign: float) -> None:
    v = sign * (20.0 - 20 * G * T)
    expected = math.sqrt(2 * 0.127 / (20 * G))
    assert free_flight_time(v, DT) == pytest.approx(expected, rel=1e-9)
    assert required_fire_time(v, DT) == pytest.approx(expected - 0.030, rel=1e-9)
    assert required_fire_time(v, DT, fill_time=0.020) == pytest.approx(expected - 0.020, rel=1e-9)


def test_a_vehicle_at_constant_speed_asks_for_no_airbag() -> None:
    steady = np.full_like(T, 15.0)
    assert free_flight_time(steady, DT) is None
    assert METRICS["required_fire_time"].evaluate([steady], DT).value == math.inf
    with pytest.raises(MetricError, match="asks for no airbag"):
        fire_margin(np.zeros_like(T), steady, DT)


def test_the_margin_is_what_the_airbag_was_early() -> None:
    v = 20.0 - 20 * G * T
    due = math.sqrt(2 * 0.127 / (20 * G)) - 0.030
    assert fire_margin((T >= 0.004).astype(float), v, DT) == pytest.approx(due - 0.004)
    assert fire_margin((T >= 0.015).astype(float), v, DT) == pytest.approx(due - 0.015)  # late: negative
    assert fire_margin(np.zeros_like(T), v, DT) == -math.inf


# ---- ASI


def test_the_severity_index_of_a_constant_is_its_share_of_the_limit() -> None:
    for axis, limit in enumerate((12.0, 9.0, 10.0)):
        axes = [np.zeros_like(T) for _ in range(3)]
        axes[axis] = np.full_like(T, -limit)
        assert acceleration_severity_index(*axes, period=DT).value == pytest.approx(1.0)
    all_three = [np.full_like(T, limit) for limit in (12.0, 9.0, 10.0)]
    assert acceleration_severity_index(*all_three, period=DT).value == pytest.approx(math.sqrt(3.0))


def test_the_severity_index_of_a_half_sine_of_50_ms_is_its_mean() -> None:
    pulse = np.where((T >= 0.05) & (T <= 0.1), -30.0 * np.sin(np.pi * (T - 0.05) / 0.05), 0.0)
    found = acceleration_severity_index(pulse, period=DT)
    assert found.value == pytest.approx(30.0 * 2 / math.pi / 12.0, rel=1e-5)
    assert (found.t1, found.t2) == pytest.approx((0.05, 0.1), abs=2 * DT)


def test_a_signal_shorter_than_the_window_is_refused() -> None:
    with pytest.raises(MetricError, match=r"mean over 0\.05 s needs a longer signal than 0\.0499 s"):
        acceleration_severity_index(A[:500], period=DT)


# ---- flail space


def test_a_free_occupant_meets_the_interior_after_600_mm() -> None:
    t, v = math.sqrt(2 * 0.6 / (20 * G)), math.sqrt(2 * 0.6 * 20 * G)
    found = occupant_impact_velocity(A, period=DT)
    assert found is not None
    assert (found.value, found.t) == (pytest.approx(v, rel=1e-5), pytest.approx(t, rel=1e-5))
    head = theoretical_head_impact_velocity(A, period=DT)
    assert head is not None
    assert head.value == pytest.approx(v, rel=1e-5)
    assert METRICS["thiv"].evaluate([A], DT).value == pytest.approx(3.6 * v, rel=1e-5)


def test_sideways_the_way_is_300_mm_and_the_larger_component_counts() -> None:
    ay = np.full_like(T, 15 * G)
    flight = flail(A, ay, period=DT)
    assert flight is not None
    assert flight.t == pytest.approx(math.sqrt(2 * 0.3 / (15 * G)), rel=1e-5)  # before 600 mm forward
    assert flight.sideways == pytest.approx(-15 * G * flight.t, rel=1e-6)
    assert flight.forward == pytest.approx(20 * G * flight.t, rel=1e-6)
    assert flight.speed == pytest.approx(25 * G * flight.t, rel=1e-6)
    larger = occupant_impact_velocity(A, ay, period=DT)
    assert larger is not None
    assert larger.value == pytest.approx(20 * G * flight.t, rel=1e-6)


def test_a_turning_vehicle_turns_its_axes_and_not_the_free_head() -> None:
    """At constant yaw rate w and no acceleration at the point the head rests beside it: nothing comes closer."""
    none = np.zeros_like(T)
    assert flail(none, none, np.full_like(T, 3.0), period=DT) is None
    # a constant deceleration in ground axes, seen from a vehicle that turns: same travel, same speed
    w = 4.0
    ax, ay = -20 * G * np.cos(w * T), 20 * G * np.sin(w * T)
    flight = flail(ax, ay, np.full_like(T, w), period=DT)
    straight = 20 * G
    assert flight is not None
    d, v = 0.5 * straight * flight.t**2, straight * flight.t
    x, y = d * math.cos(w * flight.t), -d * math.sin(w * flight.t)
    assert max(abs(x) / 0.6, abs(y) / 0.3) == pytest.approx(1.0, rel=1e-4)
    assert flight.forward == pytest.approx(v * math.cos(w * flight.t) + w * y, rel=1e-4)
    assert flight.sideways == pytest.approx(-v * math.sin(w * flight.t) - w * x, rel=1e-4)


def test_ridedown_is_the_largest_mean_over_10_ms_after_the_impact() -> None:
    t = math.sqrt(2 * 0.6 / (20 * G))  # 78.2 ms
    late = np.where(T > 0.12, -8 * G, A)
    assert ridedown(late, period=DT).value == pytest.approx(20.0, rel=1e-6)
    stopped = np.where(t + 1e-3 < T, -8 * G, A)
    found = ridedown(stopped, period=DT)
    assert found.value == pytest.approx(8.0 + 12.0 * 0.1, rel=0.02)  # the last millisecond at 20 g is in it
    assert found.t1 == pytest.approx(t, abs=2 * DT)
    assert ridedown(0.01 * A, period=DT).value == 0.0


def test_without_an_impact_there_is_no_impact_velocity() -> None:
    assert occupant_impact_velocity(0.01 * A, period=DT) is None
    assert theoretical_head_impact_velocity(0.01 * A, period=DT) is None
    for name in ("oiv", "thiv"):
        with pytest.raises(MetricError, match="does not reach the interior"):
            METRICS[name].evaluate([0.01 * A], DT)
    with pytest.raises(MetricError, match="as many samples"):
        flail(A, A[1:], period=DT)


# ---- energy


def test_energy_closure_is_the_largest_gap_of_the_account_over_the_largest_energy() -> None:
    lost = 200e3 * np.sin(np.pi * T / 0.4)
    assert energy_closure(lost, 0.7 * lost, 0.3 * lost, period=DT).value == pytest.approx(0.0, abs=1e-12)
    leak = np.where(T == 0.05, 3e3, 0.0)
    found = energy_closure(lost, lost - leak, period=DT)
    assert (found.value, found.t) == (pytest.approx(0.015), 0.05)
    with pytest.raises(MetricError, match="no energy was put in"):
        energy_closure(0 * T, T, period=DT)
    with pytest.raises(MetricError, match="2001 and 2000 samples"):
        energy_closure(lost, lost[1:], period=DT)


# ---- in expressions, with signals of different kinds


def test_each_signal_of_a_metric_has_its_own_unit() -> None:
    units = {"car.a": "g", "car.b": "m/s^2", "car.w": "deg/s", "car.v": "km/h", "acu.fire": "1"}
    values = {"car.a": A / G, "car.b": 0 * T, "car.w": 0 * T, "car.v": 3.6 * (20.0 - 20 * G * T)}
    values["acu.fire"] = (T >= 0.004).astype(float)

    def lookup(name: str) -> tuple[np.ndarray, str | None]:
        return values[name], units[name]

    thiv = parse_expression("thiv(car.a, car.b, car.w)")
    assert thiv.check(units.__getitem__).si == "km/h"
    assert thiv.evaluate(lookup, DT).value == pytest.approx(3.6 * math.sqrt(2 * 0.6 * 20 * G), rel=1e-5)
    margin = parse_expression("fire_margin(acu.fire, car.v)")
    assert margin.check(units.__getitem__).si == "s"
    assert margin.evaluate(lookup, DT).value == pytest.approx(math.sqrt(2 * 0.127 / (20 * G)) - 0.034)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("thiv(car.a, car.v)", "thiv takes an acceleration (m/s^2), car.v is a speed (km/h)"),
        ("thiv(car.a, car.a, car.w, car.w)", "thiv takes 1 to 3 signals, not 4"),
        ("nij_h3_50m(car.f)", "nij_h3_50m takes 2 signals, not 1: nij_h3_50m(axial_force, moment)"),
        ("energy_closure(car.e)", "energy_closure takes at least 2 signals, not 1"),
        ("hic15(car.a, car.a)", "hic15 takes one signal, not 2"),
        ("impact_share(car.v, 50 kg)", "50 kg"),
    ],
)
def test_wrong_arguments_are_named(text: str, fact: str) -> None:
    units = {"car.a": "g", "car.w": "rad/s", "car.v": "km/h", "car.f": "N", "car.e": "J"}
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text).check(units.__getitem__)
    assert fact in str(caught.value)
