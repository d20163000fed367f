from __future__ import annotations

import math

import pytest

from crumple import Table, World
from crumple.plugins import find_unit
from crumple.testing import check_unit

NtcSensor = find_unit("ntc_sensor")


def readings(kelvin: list[tuple[float, float]], *, steps: int, **parameters: object) -> list[float]:
    """What it reads each second of a piecewise linear temperature."""
    world = World("1 s")
    times, values = zip(*kelvin, strict=True)
    world.add("can", Table(times, {"temperature": values}))
    world.add("ntc", NtcSensor(**parameters))
    world.connect("can.temperature", "ntc.temperature")
    world.reset()
    found = []
    for _ in range(steps):
        world.step()
        found.append(world["ntc.measured"])
    return found


@pytest.mark.parametrize("celsius", [-20.0, 0.0, 25.0, 60.0, 100.0, 130.0])
def test_it_reads_a_steady_temperature_to_half_a_kelvin(celsius: float) -> None:
    kelvin = celsius + 273.15
    assert readings([(0.0, kelvin), (9.0, kelvin)], steps=3)[-1] == pytest.approx(kelvin, abs=0.5)


def test_it_follows_a_step_with_its_time_constant() -> None:
    read = readings([(0.0, 300.0), (1.0, 300.0), (1.0, 340.0), (60.0, 340.0)], steps=22, lag="10 s", bits=20)
    # the jump is seen from the first reading on: 10 more are one time constant
    assert read[10] == pytest.approx(340.0 - 40.0 * math.exp(-1.0), abs=0.1)
    assert read[20] == pytest.approx(340.0 - 40.0 * math.exp(-2.0), abs=0.1)


def test_far_too_hot_it_reads_the_end_of_its_range() -> None:
    hot = readings([(0.0, 1200.0), (9.0, 1200.0)], steps=2, lag=0)[-1]
    hotter = readings([(0.0, 1500.0), (9.0, 1500.0)], steps=2, lag=0)[-1]
    assert hot == hotter < 1100.0


def test_it_is_a_well_behaved_unit() -> None:
    check_unit(NtcSensor, period="1 s", parameters={"noise": "0.2 K"})
