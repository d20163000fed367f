from __future__ import annotations

import numpy as np

from crumple import World
from crumple.plugins import find_unit
from crumple.testing import check_unit

Pedals = find_unit("pedals")


def pressed(**parameters: object) -> tuple[list[float], list[float]]:
    world = World("40 ms")
    world.add("pedals", Pedals(**parameters))
    world.reset()
    trace = world.trace(["pedals.throttle", "pedals.brake"])
    world.step(5)
    rows = trace.array()
    return list(np.asarray(rows["pedals.throttle"])), list(np.asarray(rows["pedals.brake"]))


def test_they_change_at_the_communication_point_that_is_named() -> None:
    throttle, brake = pressed(throttle_first=80, throttle_then=0, brake_then=325, change="120 ms")
    assert throttle == [80, 80, 80, 0, 0, 0]
    assert brake == [0, 0, 0, 325, 325, 325]


def test_a_change_at_the_start_is_there_from_the_start() -> None:
    assert pressed(throttle_then=20, change="0 s")[0] == [20.0] * 6


def test_without_a_change_they_stay() -> None:
    assert pressed(throttle_first=30)[0] == [30.0] * 6


def test_they_are_a_well_behaved_unit() -> None:
    check_unit(Pedals, period="40 ms", parameters={"change": "1 s"})
