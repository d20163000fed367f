from __future__ import annotations

from typing import Any

import pytest

from crumple import Table, World
from crumple.plugins import find_unit
from crumple.testing import check_unit

CobotSafety = find_unit("cobot_safety")

QUIET = {"force": [0.0, 0.0], "number": [0.0, 1e6], "separation": [9.0, 9.0], "speed": [0.25, 0.25]}


def controller(times: list[float] | None = None, **given: Any) -> World:
    """A controller whose inputs follow tables over time [s]; a new sample comes each millisecond unless said."""
    times = times or [0.0, 1e3]
    columns = {
        name: given.pop(name, values if len(times) == 2 else [values[0]] * len(times))
        for name, values in QUIET.items()
    }
    world = World("1 ms")
    world.add("world", Table(times, columns))
    world.add("safety", CobotSafety(**given))
    for name, port in (
        ("force", "measured_force"),
        ("number", "sample_number"),
        ("separation", "separation"),
        ("speed", "speed"),
    ):
        world.connect(f"world.{name}", f"safety.{port}")
    world.reset()
    return world


def test_a_force_above_the_threshold_stops_it_and_one_below_does_not() -> None:
    for force, stops in ((60.0, 0.0), (60.1, 1.0), (-61.0, 1.0)):
        world = controller(force=[force, force])
        world.step(5)
        assert world["safety.stop"] == stops


def test_samples_that_stay_away_for_longer_than_the_watchdog_stop_it() -> None:
    world = controller(number=[7.0, 7.0], watchdog="20 ms")
    world.step(20)
    assert world["safety.stop"] == 0.0
    world.step(3)
    assert world["safety.lost"] == world["safety.stop"] == 1.0


def test_the_speed_limit_holds_for_its_mode_only() -> None:
    for mode, expected in (("force", 1.0), ("speed_limit", 0.3)):
        world = controller(mode=mode, program_speed=1.0, allowed_speed=0.3)
        world.step(2)
        assert world["safety.speed_command"] == expected


def test_it_stops_at_the_protective_separation_of_its_speed() -> None:
    # 1.6 m/s (0.1 s + 0.2 s) + 0.25 m/s 0.1 s + 0.1 m
    world = controller(separation=[0.606, 0.606], mode="separation")
    world.step(5)
    assert world["safety.protective_separation"] == pytest.approx(0.605)
    assert world["safety.stop"] == 0.0
    world = controller(separation=[0.604, 0.604], mode="separation")
    world.step(5)
    assert world["safety.stop"] == world["safety.intrusion_seen"] == 1.0


def test_after_a_contact_it_waits_for_standstill_and_retracts_once() -> None:
    world = controller([0.0, 0.1, 0.101, 1e3], force=[80.0] * 4, speed=[0.25, 0.25, 0.0, 0.0])
    trace = world.trace(["safety.stop", "safety.speed_command"])
    world.step(1000)
    rows = trace.array()
    back = rows["safety.speed_command"] < 0.0
    assert back.sum() == pytest.approx(250, abs=2)
    assert not back[:150].any() and back[153]  # 100 ms of motion, 50 ms of standstill
    assert (rows["safety.stop"][back] == 0.0).all()
    assert rows["safety.stop"][-1] == 1.0


def test_it_is_a_well_behaved_unit() -> None:
    check_unit(CobotSafety, period="4 ms")
