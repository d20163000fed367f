"""Metrics that take one sample a step agree with their counterparts on the whole signal."""

from __future__ import annotations

import copy
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from crumple.metrics import MetricError, clip_3ms, filters, free_flight_time, hic
from crumple.metrics.barrier import moving_average
from crumple.metrics.running import RunningCfc, RunningClip, RunningFlight, RunningHic, RunningMean

Array = NDArray[np.float64]
samples = hnp.arrays(np.float64, st.integers(40, 120), elements=st.floats(-200.0, 200.0))


@settings(max_examples=60)
@given(samples)
def test_running_hic_is_hic_of_what_was_seen(a: Array) -> None:
    running = RunningHic(1e-3)
    values = [running.step(x) for x in a.tolist()]
    whole = hic(a, 1e-3, 0.015)
    assert values[-1] == pytest.approx(whole.value, rel=1e-9, abs=1e-12)
    assert all(x <= y for x, y in itertools.pairwise(values))
    assert values[30] == pytest.approx(hic(a[:31], 1e-3, 0.015).value, rel=1e-9, abs=1e-12)


def test_running_hic_knows_its_window() -> None:
    running = RunningHic(1e-4)
    for x in 80 * np.sin(np.pi * np.arange(301) / 300):
        running.step(float(x))
    whole = hic(80 * np.sin(np.pi * np.arange(301) / 300), 1e-4, 0.015)
    assert running.value == pytest.approx(whole.value)
    assert (running.t1, running.t2) == pytest.approx((whole.t1, whole.t2))


@settings(max_examples=60)
@given(samples)
def test_running_clip_is_the_clip_of_what_was_seen(a: Array) -> None:
    running = RunningClip(1e-3)
    for x in a.tolist():
        running.step(x)
    assert running.value == clip_3ms(a, 1e-3).value


@settings(max_examples=60)
@given(samples)
def test_the_running_filter_is_the_forward_pass(a: Array) -> None:
    running = RunningCfc(1e-4, 600)
    found = [running.step(x) for x in a.tolist()]
    assert np.array(found) == pytest.approx(filters.cfc_forward(a, 1e-4, 600), rel=1e-9, abs=1e-9)


def test_the_running_filter_lags_and_damps_half_as_much_as_the_standard() -> None:
    t = np.arange(4000) * 1e-4
    tone = np.sin(2 * np.pi * 100.0 * t)  # 60 / 0.6 Hz
    running = RunningCfc(1e-4, 60)
    gain = max(abs(running.step(x)) for x in tone.tolist()[:])
    assert 20 * np.log10(max(filters.cfc_forward(tone, 1e-4, 60)[2000:])) == pytest.approx(-1.505, abs=0.01)
    assert 20 * np.log10(max(filters.cfc(tone, 1e-4, 60)[1000:3000])) == pytest.approx(-3.010, abs=0.01)
    assert gain < 1.0


@settings(max_examples=60)
@given(samples)
def test_the_running_mean_is_the_mean_of_the_window_that_ends_now(a: Array) -> None:
    running = RunningMean(1e-3, 0.010)
    found = [running.step(x) for x in a.tolist()]
    assert found[10:] == pytest.approx(moving_average(a, 1e-3, 0.010), rel=1e-9, abs=1e-9)
    assert found[:10] == [0.0] * 10


def test_running_flight_reaches_five_inches_at_the_sample_after_the_exact_time() -> None:
    for sign in (1.0, -1.0):
        v = sign * (15.0 - 200.0 * np.arange(1000) * 1e-4)
        running = RunningFlight(1e-4)
        for x in v.tolist():
            running.step(x)
        exact = free_flight_time(v, 1e-4)
        assert exact is not None
        assert running.t is not None
        assert 0.0 <= running.t - exact < 1e-4


def test_their_state_can_be_copied_in_the_middle() -> None:
    for running in (
        RunningHic(1e-3),
        RunningClip(1e-3),
        RunningCfc(1e-4, 180),
        RunningMean(1e-3, 0.01),
        RunningFlight(1e-3),
    ):
        first = [float(x) for x in 50 * np.sin(np.arange(40) / 5)]
        for x in first:
            running.step(x)
        other = copy.deepcopy(running)
        assert [running.step(x) for x in first] == [other.step(x) for x in first]


def test_a_window_below_one_period_is_refused() -> None:
    with pytest.raises(MetricError, match="shorter than the period"):
        RunningHic(0.02)
    with pytest.raises(MetricError, match="shorter than the period"):
        RunningMean(0.02, 0.005)
    with pytest.raises(MetricError, match="CFC 600 needs a sampling rate"):
        RunningCfc(1e-3, 600)
