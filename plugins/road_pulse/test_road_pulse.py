from __future__ import annotations

import math

import numpy as np
import pytest

from crumple import World
from crumple.plugins import find_unit
from crumple.testing import check_unit

RoadPulse = find_unit("road_pulse")
G = 9.80665


def shaken(**parameters: object) -> np.ndarray:
    """Acceleration at every 100 us of 100 ms."""
    world = World("100 us")
    world.add("road", RoadPulse(**parameters))
    world.reset()
    trace = world.trace()
    world.step(1000)
    return np.asarray(trace.array()["road.acceleration"])


def test_each_pulse_costs_two_over_pi_of_its_amplitude_times_its_duration() -> None:
    a = shaken(amplitude="15 g")
    assert a.min() == pytest.approx(-15 * G)
    assert a.max() == pytest.approx(15 * G)
    assert a[100:150].sum() * 1e-4 == pytest.approx(-2 * 15 * G * 0.005 / math.pi, rel=1e-3)
    assert a[200:250].sum() * 1e-4 == pytest.approx(2 * 15 * G * 0.005 / math.pi, rel=1e-3)
    assert np.count_nonzero(a[:100]) == np.count_nonzero(a[700:]) == 0


def test_pulses_can_all_go_backward() -> None:
    a = shaken(amplitude="15 g", alternating=False, count=3)
    assert a.max() <= 0.0
    assert a.sum() * 1e-4 == pytest.approx(-6 * 15 * G * 0.005 / math.pi, rel=1e-3)


def test_a_smooth_road_shakes_nothing() -> None:
    assert not shaken().any()


def test_it_is_a_well_behaved_unit() -> None:
    check_unit(RoadPulse, period="100 us", parameters={"amplitude": 100.0})
