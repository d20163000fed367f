from __future__ import annotations

import math

import numpy as np
import pytest

from crumple import Table, World
from crumple.plugins import find_unit
from crumple.testing import check_unit

TemperatureTransmitter = find_unit("temperature_transmitter")


def readings(temperature: float, seconds: int, *, seed: int = 0, **parameters: object):
    world = World("1 s")
    world.add("batch", Table([0.0, 1e6], {"t": [temperature, temperature]}))
    world.add("transmitter", TemperatureTransmitter(**parameters))
    world.connect("batch.t", "transmitter.temperature")
    world.reset(seed=seed)
    trace = world.trace()
    world.step(seconds)
    return trace.array()["transmitter.measured"]


def test_after_one_time_constant_two_thirds_of_a_step_are_seen() -> None:
    seen = readings(400.0, 20, start=300.0, lag=5.0, bits=32)
    assert seen[5] == pytest.approx(400.0 - 100.0 * math.exp(-1.0), abs=1e-6)


def test_it_stays_at_the_ends_of_its_range_and_says_whole_steps() -> None:
    assert readings(900.0, 100)[-1] == 600.0
    assert readings(100.0, 100)[-1] == 250.0
    coarse = readings(431.0, 100, bits=8)[-1]
    assert (coarse - 250.0) / (350.0 / 256) == pytest.approx(round((431.0 - 250.0) / (350.0 / 256)))


def test_noise_has_its_standard_deviation_and_follows_the_seed() -> None:
    a, b, c = (readings(448.0, 5000, seed=s, start=448.0, noise=0.2, bits=32)[1:] for s in (1, 1, 2))
    assert np.std(a) == pytest.approx(0.2, rel=0.05)
    assert (a == b).all()
    assert (a != c).any()


def test_it_is_a_well_behaved_unit() -> None:
    check_unit(TemperatureTransmitter, period="1 s", parameters={"noise": 0.1})
