from __future__ import annotations

import pytest

from crumple import World
from crumple.plugins import find_unit
from crumple.testing import check_unit

ObjectSensor = find_unit("object_sensor")


def seen(*, noise: str = "0 m", **inputs: float) -> World:
    world = World("100 ms")
    world.add("sensor", ObjectSensor(noise=noise))
    world.reset()
    for name, value in inputs.items():
        world[f"sensor.{name}"] = value
    world.step()
    return world


def test_it_tells_the_distance_of_the_middles_and_the_clearance_of_the_sides() -> None:
    world = seen(ego_x=10.0, x=40.0, y=3.5, speed=8.0, sideways=0.7)
    assert world["sensor.distance"] == 30.0
    assert world["sensor.clearance"] == pytest.approx(1.6)
    assert (world["sensor.object_speed"], world["sensor.lateral_speed"], world["sensor.valid"]) == (
        8.0,
        0.7,
        1.0,
    )


def test_a_car_behind_is_at_a_negative_distance_and_one_in_the_lane_overlaps() -> None:
    world = seen(ego_x=10.0, x=4.0, y=-1.0)
    assert (world["sensor.distance"], world["sensor.clearance"]) == (-6.0, pytest.approx(-0.9))


def test_beyond_its_range_there_is_no_object() -> None:
    assert seen(x=250.0)["sensor.valid"] == 1.0
    assert seen(x=250.1)["sensor.valid"] == 0.0


def test_noise_is_on_the_distance_alone() -> None:
    world = seen(noise="0.5 m", x=50.0, y=3.5)
    assert world["sensor.distance"] != 50.0
    assert abs(world["sensor.distance"] - 50.0) < 3.0
    assert world["sensor.clearance"] == pytest.approx(1.6)


def test_it_is_a_well_behaved_unit() -> None:
    check_unit(ObjectSensor, period="100 ms", parameters={"noise": "10 cm"})
