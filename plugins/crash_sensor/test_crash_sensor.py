from __future__ import annotations

import math

import numpy as np
import pytest

from crumple import Table, World
from crumple.plugins import find_unit
from crumple.testing import check_unit

CrashSensor = find_unit("crash_sensor")
G = 9.80665


def response(
    times: list[float], values: list[float], *, stop: float, period: str = "100 us", seed: int = 0, **with_
):
    world = World(period)
    world.add("truth", Table(times, {"a": values}))
    world.add("sensor", CrashSensor(**with_))
    world.connect("truth.a", "sensor.acceleration")
    world.reset(seed=seed)
    trace = world.trace()
    world.step(round(stop / float(world.period)))
    return trace.array()


def test_a_constant_is_passed_up_to_half_a_step() -> None:
    rows = response([0.0, 1.0], [123.4, 123.4], stop=0.05)
    step = 2 * 100 * G / 4096
    assert abs(rows["sensor.measured"][-1] - 123.4) <= step / 2
    assert rows["sensor.measured"][-1] == round(123.4 / step) * step


def test_it_saturates_at_its_range() -> None:
    rows = response([0.0, 1.0], [-5000.0, -5000.0], stop=0.05, range="50 g")
    assert rows["sensor.measured"][-1] == pytest.approx(-50 * G, rel=1e-12)


def test_three_decibels_are_lost_at_the_bandwidth() -> None:
    t = np.arange(0.0, 0.2, 1e-5)
    rows = response(list(t), list(np.sin(2 * math.pi * 400.0 * t)), stop=0.15, period="10 us", bits=32)
    tail = rows["sensor.measured"][len(rows) // 2 :]
    assert 20 * math.log10(np.abs(tail).max()) == pytest.approx(-3.01, abs=0.1)


def test_noise_has_its_standard_deviation_and_follows_the_seed() -> None:
    runs = [
        response([0.0], [0.0], stop=1.0, noise=2.0, bits=32, seed=s)["sensor.measured"] for s in (1, 1, 2)
    ]
    assert np.std(runs[0][1:]) == pytest.approx(
        2.0, rel=0.05
    )  # 10,000 samples: five standard errors are 3.5 %
    assert (runs[0] == runs[1]).all()
    assert (runs[0] != runs[2]).any()


def test_it_is_a_well_behaved_unit() -> None:
    check_unit(CrashSensor, period="100 us", parameters={"noise": 1.0})
