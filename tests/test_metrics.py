"""Metrics against closed forms and brute force, what they refuse, and the registry for scenes."""

from __future__ import annotations

import copy
import json
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from crumple.metrics import (
    Hic,
    MetricError,
    abs_maximum,
    cfc,
    clip_3ms,
    delta_v,
    final,
    first_nonzero,
    first_time,
    hic,
    hic15,
    hic36,
    maximum,
    mean,
    minimum,
    olc,
    olc_from_acceleration,
    resultant,
    value_at,
)
from crumple.metrics.registry import METRICS, Metric, MetricValue, register

Array = NDArray[np.float64]
G = 9.80665


# ---- HIC: closed forms

DT = 1e-5
WINDOWS = {15: 0.015, 36: 0.036}


def pulse(shape: str, duration: float, amplitude: float = 100.0, dt: float = DT) -> Array:
    """5 ms of rest, the pulse, 45 ms of rest."""
    u = np.arange(round(duration / dt) + 1) * dt / duration
    shapes = {
        "square": np.ones_like(u),
        "half-sine": np.sin(np.pi * u),
        "triangle": 1 - np.abs(2 * u - 1),
        "sawtooth": u,
        "haversine": (1 - np.cos(2 * np.pi * u)) / 2,
    }
    rest = round(0.005 / dt)
    return amplitude * np.concatenate((np.zeros(rest), shapes[shape], np.zeros(9 * rest)))


def closed_form(shape: str, t: float, w: float, a: float = 100.0) -> float:
    """HIC of the pulse with window w: the unrestricted optimum where it fits, else the full window's."""
    share, factor = {
        "square": (1.0, 1.0),
        "half-sine": (0.6702296636, 0.4146456495),
        "triangle": (4 / 7, 4 / 7 * (5 / 7) ** 2.5),
        "sawtooth": (4 / 7, 4 / 7 * (5 / 7) ** 2.5),
        "haversine": (0.5075918, 0.3029388550),
    }[shape]
    if share * t <= w:
        return float(factor * a**2.5 * t)
    gained = {
        "square": a * w,
        "half-sine": a * 2 * t / math.pi * math.sin(math.pi * w / (2 * t)),
        "triangle": w * a * (1 - w / (2 * t)),
        "sawtooth": w * a * (1 - w / (2 * t)),
        "haversine": a / 2 * (w + t / math.pi * math.sin(math.pi * w / t)),
    }[shape]
    return float(w**-1.5 * gained**2.5)


SHAPES = ["square", "half-sine", "triangle", "haversine"]
EXAMPLES = [  # A = 100 g: duration [ms], window [ms], HIC of each of SHAPES
    (10, 15, (1000.0, 414.64565, 246.400657, 302.938855)),
    (20, 15, (1500.0, 829.291299, 492.801315, 605.87771)),
    (40, 15, (1500.0, 1295.868158, 892.585203, 1127.543233)),
    (40, 36, (3600.0, 1658.582598, 985.602629, 1211.75542)),
]


@pytest.mark.parametrize(("duration", "window", "expected"), EXAMPLES)
def test_hic_of_four_pulses_is_the_closed_form(
    duration: int, window: int, expected: tuple[float, ...]
) -> None:
    for shape, value in zip(SHAPES, expected, strict=True):
        assert closed_form(shape, duration / 1e3, WINDOWS[window]) == pytest.approx(value, rel=1e-8)
        found = hic(pulse(shape, duration / 1e3), DT, WINDOWS[window])
        assert found.value == pytest.approx(value, rel=5e-6), shape


def test_a_sawtooth_has_the_hic_of_the_symmetric_triangle() -> None:
    for window in WINDOWS.values():
        found = hic(pulse("sawtooth", 0.04), DT, window)
        # its edge takes one sample: half a period of signal more than the ideal pulse
        assert found.value == pytest.approx(closed_form("triangle", 0.04, window), rel=2 * DT / window)


@pytest.mark.parametrize(
    ("shape", "share"),
    [("square", 1.0), ("half-sine", 0.6702296636), ("triangle", 4 / 7), ("haversine", 0.5075918)],
)
def test_the_best_window_is_the_closed_form(shape: str, share: float) -> None:
    found = hic15(pulse(shape, 0.010), DT)
    assert found.t2 - found.t1 == pytest.approx(share * 0.010, abs=1.5 * DT)
    assert (found.t1 + found.t2) / 2 == pytest.approx(0.010, abs=2 * DT)  # the middle of the pulse
    assert found.window == (found.t1, found.t2)


def test_a_limited_window_is_used_in_full() -> None:
    found = hic15(pulse("haversine", 0.040), DT)
    assert found.t2 - found.t1 == pytest.approx(0.015, abs=1e-12)
    assert (found.t1, found.t2) == (0.0175, 0.0325)


def test_at_a_tenth_of_a_millisecond_a_half_sine_is_off_by_the_error_of_the_trapezoidal_rule() -> None:
    for duration in (0.020, 0.040):
        found = hic15(pulse("half-sine", duration, dt=1e-4), 1e-4)
        shortfall = 2.5 * math.pi**2 / 12 * (1e-4 / duration) ** 2  # 5e-5 at 20 ms, 1.3e-5 at 40 ms
        assert 1 - found.value / closed_form("half-sine", duration, 0.015) == pytest.approx(
            shortfall, rel=0.05
        )


def brute_force(a: Array, period: float, window: float) -> float:
    v = np.concatenate(([0.0], np.cumsum((a[1:] + a[:-1]) / 2) * period))
    best = 0.0
    for i in range(len(a)):
        for j in range(i + 1, len(a)):
            if (j - i) * period <= window * (1 + 1e-9):
                t = (j - i) * period
                best = max(best, t * (max(v[j] - v[i], 0.0) / t) ** 2.5)
    return best


SIGNALS = hnp.arrays(np.float64, st.integers(2, 60), elements=st.floats(-200, 200, allow_subnormal=False))


@given(SIGNALS, st.sampled_from([0.001, 0.0007, 0.015]), st.sampled_from([0.015, 0.036]))
def test_hic_is_the_maximum_over_every_window(a: Array, period: float, window: float) -> None:
    assert hic(a, period, window).value == pytest.approx(
        brute_force(np.abs(a), period, window), rel=1e-9, abs=1e-12
    )


@given(SIGNALS, st.floats(0.01, 10))
def test_hic_scales_with_the_power_of_two_and_a_half(a: Array, scale: float) -> None:
    assert hic15(a * scale, 1e-3).value == pytest.approx(
        hic15(a, 1e-3).value * scale**2.5, rel=1e-9, abs=1e-12
    )


@given(SIGNALS, st.floats(0.1, 10))
def test_hic_scales_with_time_when_the_window_does(a: Array, stretch: float) -> None:
    stretched = hic(a, 1e-3 * stretch, 0.015 * stretch).value
    assert stretched == pytest.approx(hic15(a, 1e-3).value * stretch, rel=1e-9, abs=1e-12)


@given(SIGNALS)
def test_hic15_never_exceeds_hic36(a: Array) -> None:
    assert hic15(a, 1e-3).value <= hic36(a, 1e-3).value


@given(SIGNALS, st.integers(1, 50))
def test_a_later_start_shifts_the_window_of_hic_and_not_its_value(a: Array, late: int) -> None:
    now, then = hic15(a, 1e-3), hic15(np.concatenate((np.full(late, 0.0), a)), 1e-3)
    assert then.value >= now.value * (1 - 1e-12)  # the step up from rest may add half a sample
    quiet = a.copy()
    quiet[0] = 0.0
    now, then = hic15(quiet, 1e-3), hic15(np.concatenate((np.zeros(late), quiet)), 1e-3)
    assert then.value == pytest.approx(now.value, rel=1e-9)


def test_a_single_signed_axis_counts_by_magnitude() -> None:
    # forward-positive axes make a crash negative: HIC 0 would be a false green
    a = pulse("half-sine", 0.010)
    assert hic15(-a, DT) == hic15(a, DT)
    assert clip_3ms(-a, DT) == clip_3ms(a, DT)


def test_rest_has_a_hic_of_zero() -> None:
    found = hic15(np.zeros(200), 1e-3)
    assert (found.value, found.window) == (0.0, (0.0, 0.001))  # of equals, the shortest and earliest window


def test_a_hic_is_a_float_that_knows_its_window() -> None:
    found = hic15(pulse("square", 0.010), DT)
    assert isinstance(found, float)
    assert float(found) == found.value == found
    assert found < 1000.1
    assert Hic(700.0, 0.0, 0.015) == Hic(700.0, 0.1, 0.115) == 700.0
    assert hash(Hic(700.0, 0.0, 0.015)) == hash(700.0)
    assert f"{Hic(139.8, 0.0776, 0.0926):.1f}" == "139.8"
    assert repr(Hic(139.8, 0.0776, 0.0926)) == "Hic(value=139.8, t1=0.0776, t2=0.0926)"
    assert json.dumps(Hic(139.8, 0.0776, 0.0926)) == "139.8"
    for same in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
        assert (same.value, same.t1, same.t2) == (found.value, found.t1, found.t2)
    with pytest.raises(AttributeError):
        found.t1 = 0.0  # type: ignore[misc]


# ---- 3 ms clip


def test_3ms_clip_of_a_triangle() -> None:
    # a triangle of height A and base T stays above L for T (1 - L / A)
    found = clip_3ms(pulse("triangle", 0.030, 60.0), DT)
    assert found.value == pytest.approx(60.0 * (1 - 0.003 / 0.030), rel=1e-9)
    assert (found.t1, found.t2) == (0.0185, 0.0215)
    assert clip_3ms(pulse("triangle", 0.030, 60.0), DT, cumulative=True).value == pytest.approx(
        54.0, rel=1e-9
    )


def test_two_pieces_of_2_ms_count_only_when_cumulative() -> None:
    a = np.full(400, 50.0)
    a[100:121] = 80.0  # 21 samples of 0.1 ms: 2 ms
    a[200:221] = 80.0
    assert clip_3ms(a, 1e-4) == 50.0
    together = clip_3ms(a, 1e-4, cumulative=True)
    assert (together.value, together.t1, together.t2) == (80.0, 0.01, 0.022)


def test_3ms_hold_31_samples_at_a_tenth_of_a_millisecond() -> None:
    a = np.zeros(100)
    a[20:50] = 70.0  # 30 samples span 2.9 ms
    assert clip_3ms(a, 1e-4) == 0.0
    assert clip_3ms(a, 1e-4, cumulative=True) == 0.0
    a[50] = 70.0
    assert clip_3ms(a, 1e-4) == 70.0
    assert clip_3ms(a, 1e-4, cumulative=True) == 70.0


@given(SIGNALS)
def test_clip_is_the_best_minimum_of_a_window_and_never_above_the_cumulative(a: Array) -> None:
    a = np.abs(np.resize(a, len(a) + 3))
    contiguous = clip_3ms(a, 1e-3)
    assert contiguous.value == max(a[i : i + 4].min() for i in range(len(a) - 3))
    k = round(contiguous.t1 / 1e-3)
    assert a[k : k + 4].min() == contiguous.value
    assert contiguous <= clip_3ms(a, 1e-3, cumulative=True) == sorted(a)[-4] <= a.max()


@given(SIGNALS, st.integers(1, 40))
def test_clip_of_any_duration_is_a_sliding_minimum(a: Array, width: int) -> None:
    a = np.abs(np.resize(a, len(a) + width))
    expected = max(a[i : i + width + 1].min() for i in range(len(a) - width))
    assert clip_3ms(a, 1e-3, duration=width * 1e-3).value == expected


# ---- occupant load criterion, delta-v


def test_olc_of_a_constant_deceleration() -> None:
    # vehicle slows by a: 65 mm passed at t1 = sqrt(2 * 0.065 / a); 0.3 = a t1 t2 / 2; OLC = a t2 / (t2 - t1)
    a = 300.0
    t1 = math.sqrt(0.13 / a)
    t2 = 0.6 / (a * t1)
    v = 15.0 - a * np.arange(1001) * 1e-4
    found = olc(v, 1e-4)
    assert found.value == pytest.approx(a * t2 / (t2 - t1) / G, rel=1e-9)
    assert (found.t1, found.t2) == pytest.approx((t1, t2), rel=1e-9)
    assert olc_from_acceleration(np.full(1001, -a), 1e-4, speed=15.0).value == pytest.approx(
        found.value, rel=1e-9
    )
    assert olc(-v, 1e-4).value == pytest.approx(found.value, rel=1e-12)  # driving the other way


def test_olc_of_a_vehicle_that_stops_at_once() -> None:
    # the occupant flies on at v0 and stops in the remaining 235 mm: v0^2 / (2 * 0.235)
    v = np.concatenate(([15.0], np.zeros(1000)))
    found = olc(v, 1e-5 * 10)
    assert found.value == pytest.approx(15.0**2 / 0.47 / G, rel=5e-3)  # the stop itself takes one period
    assert found.t1 == pytest.approx(0.065 / 15.0 + 0.5e-4, rel=1e-9)


@given(st.floats(200, 600), st.floats(0, 60))
def test_olc_depends_on_velocity_lost_only(a: float, speed: float) -> None:
    lost = a * np.arange(1500) * 1e-4
    assert olc(100.0 - lost, 1e-4).value == pytest.approx(olc(100.0 + speed - lost, 1e-4).value, rel=1e-9)


def test_olc_of_a_soft_crash_says_how_far_the_occupant_got() -> None:
    t = np.arange(1001) * 1e-4
    with pytest.raises(MetricError, match="free-flying occupant moves 5 mm of the 65 mm within the 100 ms"):
        olc(10.0 - t, 1e-4)
    with pytest.raises(MetricError, match=r"restrained occupant moves .* of the 300 mm"):
        olc(10.0 - 20.0 * t, 1e-4)
    with pytest.raises(MetricError, match="must exceed free_flight"):
        olc(10.0 - t, 1e-4, stop=0.01)


def test_delta_v_is_the_largest_change_and_not_the_last() -> None:
    # half-sine of 300 m/s^2 over 100 ms: 2 A T / pi; then it rolls to a stop at 10 m/s^2
    pulse_ = -300 * np.sin(np.pi * np.arange(1001) / 1000)
    a = np.concatenate((pulse_, np.full(500, 10.0)))
    found = delta_v(a, 1e-4)
    assert found.value == pytest.approx(2 * 300 * 0.1 / math.pi, rel=1e-5)
    assert found.t == 0.1


# ---- extremes, times, resultant


def test_extremes_know_when_they_were_first_reached() -> None:
    x = np.array([0.0, -7.0, 5.0, 5.0, -7.0, 1.0])
    assert (maximum(x, 0.1), maximum(x, 0.1).t) == (5.0, 0.2)
    assert (minimum(x, 0.1), minimum(x, 0.1).t) == (-7.0, 0.1)
    assert (abs_maximum(x, 0.1), abs_maximum(x, 0.1).t) == (7.0, 0.1)
    assert (final(x, 0.1), final(x, 0.1).t) == (1.0, 0.5)
    assert mean(x) == -0.5


def test_first_times() -> None:
    fire = np.array([0.0, 0.0, 0.0, 1.0, 0.0])
    assert first_nonzero(fire, 1e-3) == first_time(fire, 1e-3) == 0.003
    assert first_time(fire, 1e-3, 1.0) is None  # reached, not exceeded
    assert first_nonzero(-fire, 1e-3) == 0.003
    assert first_time(-fire, 1e-3) is None
    assert first_nonzero(np.zeros(4), 1e-3) is None


def test_the_value_at_a_time_is_that_of_the_last_sample_up_to_it() -> None:
    x = np.arange(10.0) ** 2
    assert (value_at(x, 0.1, 0.3), value_at(x, 0.1, 0.3).t) == (9.0, 0.3)  # 0.3 / 0.1 is below 3 in doubles
    assert value_at(x, 0.1, 0.39) == 9.0
    assert value_at(x, 0.1, 0.9) == 81.0
    assert value_at(x, 0.1, 1.0) is None
    with pytest.raises(MetricError, match=r"no value 0\.1 s before the first sample"):
        value_at(x, 0.1, -0.1)
    metric = METRICS["value_at"]
    assert metric.evaluate([x], 0.1, numbers=[5.3], start=5.0, si="K") == MetricValue(9.0, "K", t=5.3)
    assert metric.evaluate([x], 0.1, numbers=[6.0], start=5.0, si="K").value == math.inf


def test_resultant_of_components_or_columns() -> None:
    x, y, z = np.array([3.0, 1.0]), np.array([-4.0, 2.0]), np.array([12.0, -2.0])
    assert resultant(x, y, z).tolist() == [13.0, 3.0]
    assert resultant(np.stack((x, y, z), axis=1)).tolist() == [13.0, 3.0]
    assert resultant(-x).tolist() == [3.0, 1.0]


def test_times_are_free_of_rounding_noise() -> None:
    assert 1276 * 1e-4 != 0.1276
    assert maximum(np.arange(1277.0), 1e-4).t == 0.1276


# ---- errors


@pytest.mark.parametrize(
    "function", [hic15, hic36, clip_3ms, olc, delta_v, maximum, first_time, lambda x, p: cfc(x, p, 60)]
)
def test_bad_input_is_one_clear_error(function: object) -> None:
    assert callable(function)
    good = np.linspace(20.0, -20.0, 1000)
    for bad, period, message in (
        (np.array([*good[:500], math.nan, *good[500:]]), 1e-4, r"\[500\] is nan"),
        (np.array([*good[:500], math.inf, math.nan]), 1e-4, r"\[500\] is inf \(and 1 more\)"),
        (np.array([*good, 1e200]), 1e-4, r"\[1000\] is 1e\+200; every sample must be"),
        (good.reshape(-1, 2), 1e-4, r"has shape \(500, 2\).*Choose one element"),
        (np.float64(3.0), 1e-4, r"has shape \(\)"),
        (np.array([]), 1e-4, "has 0 samples"),
        (["fast", "slow"] * 100, 1e-4, "does not consist of numbers"),
        (good, 0.0, "period is 0.0; it must be a number above 0"),
        (good, -1e-4, "period is -0.0001"),
        (good, math.nan, "period is nan"),
        (good, None, "period is None"),
    ):
        with pytest.raises(MetricError, match=message):
            function(bad, period)


def test_too_short_signals_are_refused() -> None:
    with pytest.raises(MetricError, match="has 9 samples; at least 10"):
        cfc(np.zeros(9), 1e-4, 180)
    with pytest.raises(MetricError, match=r"has 30 samples, 0\.0029 s; a level held for 0\.003 s needs 31"):
        clip_3ms(np.zeros(30), 1e-4)
    with pytest.raises(MetricError, match="shorter than the period"):
        hic15(np.zeros(30), 0.02)
    with pytest.raises(MetricError, match=r"one length, not \[2, 3\]"):
        resultant(np.zeros(2), np.zeros(3))


# ---- the registry

BUNDLED = {
    *(
        "max",
        "min",
        "abs_max",
        "mean",
        "final",
        "delta_v",
        "hic15",
        "hic36",
        "clip_3ms",
        "clip_3ms_cumulative",
    ),
    *("olc", "cfc60", "cfc180", "cfc600", "cfc1000", "time_of", "first_time", "resultant"),
}


def test_the_registry_lists_every_bundled_metric_with_doc_and_source() -> None:
    assert set(METRICS) >= BUNDLED
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.title
        assert metric.doc
        assert metric.source
        assert metric.group
        assert metric.usage.startswith(f"{name}(")


@pytest.mark.parametrize("name", sorted(BUNDLED))
def test_every_bundled_metric_runs(name: str) -> None:
    metric, ramp = METRICS[name], 20.0 - 400.0 * np.arange(1000) * 1e-4
    if metric.scalar:
        found = metric.evaluate([ramp], 1e-4, si="m")
        assert math.isfinite(found.value)
        assert found.si == (metric.result_si or "m")
    else:
        assert metric.function(ramp, 1e-4).shape == ramp.shape
        with pytest.raises(MetricError, match="gives a signal"):
            metric.evaluate([ramp], 1e-4)


def test_values_carry_times_counted_from_the_start_of_the_run() -> None:
    a = pulse("square", 0.010)
    value = METRICS["hic15"].evaluate([a], DT, start=0.1)
    assert value.value == pytest.approx(1000.0, rel=1e-9)
    assert value.si == "1"
    assert value.window == pytest.approx((0.105, 0.115), abs=2 * DT)
    assert value.when == "105.0 to 115.0 ms"
    peak = METRICS["max"].evaluate([a], DT, si="g", start=0.1)
    assert peak == MetricValue(100.0, "g", t=pytest.approx(0.105))
    assert peak.when == "at 105.0 ms"
    fired = METRICS["time_of"].evaluate([a], DT, start=0.1)
    assert (fired.value, fired.t, fired.si) == (pytest.approx(0.105), pytest.approx(0.105), "s")
    assert METRICS["mean"].evaluate([a], DT, si="g").when == ""
    assert MetricValue(1.0, None, t=3600.0).when == "at 3,600.0 s"


def test_a_time_that_never_comes_exceeds_every_limit() -> None:
    never = METRICS["time_of"].evaluate([np.zeros(10)], 1e-3, start=0.1)
    assert never == MetricValue(math.inf, "s")
    assert never.when == ""
    threshold = METRICS["first_time"].evaluate([np.arange(10.0)], 1e-3, numbers=[4.5])
    assert (threshold.value, threshold.t) == (0.005, 0.005)


def test_a_name_is_registered_once() -> None:
    with pytest.raises(MetricError, match="exists already"):
        register(METRICS["max"])
    twice = Metric("two words", "", maximum, argument_si=None, result_si=None, doc="-", source="-")
    with pytest.raises(MetricError, match="cannot name a metric"):
        register(twice)
