from __future__ import annotations

import pytest

from crumple import Table, World
from crumple.plugins import find_unit
from crumple.testing import check_unit

VibrationSensor = find_unit("vibration_sensor")


def reading(value: float, **parameters: object) -> float:
    world = World("1 ms")
    world.add("tub", Table([0.0, 1.0], {"a": [value, value]}))
    world.add("sensor", VibrationSensor(**parameters))
    world.connect("tub.a", "sensor.acceleration")
    world.reset()
    world.step(2)
    return float(world["sensor.measured"])


def test_it_reads_what_is_there_within_its_range() -> None:
    assert reading(3.14) == 3.14
    assert reading(500.0) == pytest.approx(156.9064)
    assert reading(-500.0, range="2 g") == pytest.approx(-19.6133)


def test_it_reads_whole_digits() -> None:
    assert reading(0.349, resolution=0.1) == pytest.approx(0.3)


def test_it_is_a_well_behaved_unit() -> None:
    check_unit(VibrationSensor, period="1 ms", parameters={"noise": 0.1})
