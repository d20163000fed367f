from __future__ import annotations

import pytest

from crumple import Table, World
from crumple.plugins import find_unit
from crumple.testing import check_unit

AirbagController = find_unit("airbag_controller")


def fire_time(acceleration: list[tuple[float, float]], **parameters: object) -> float | None:
    """Seconds until the controller fires under a piecewise linear acceleration; None if it does not in 100 ms."""
    world = World("500 us")
    times, values = zip(*acceleration, strict=True)
    world.add("pulse", Table(times, {"a": values}))
    world.add("controller", AirbagController(**parameters))
    world.connect("pulse.a", "controller.acceleration")
    world.reset()
    for _ in range(200):
        world.step()
        if world["controller.fire"] == 1.0:
            return world.t
    return None


def test_it_fires_when_a_constant_deceleration_has_cost_the_threshold() -> None:
    # 200 m/s^2 cost 1.1 m/s in 5.5 ms; the sum must exceed it: the 12th step of 0.5 ms, complete at 6 ms
    assert fire_time([(0.0, -200.0), (1.0, -200.0)]) == pytest.approx(0.006)


def test_a_deceleration_that_the_window_forgets_does_not_fire() -> None:
    # 100 m/s^2 lose 1.0 m/s in any 10 ms, for ever below 1.1
    assert fire_time([(0.0, -100.0), (1.0, -100.0)]) is None
    assert fire_time([(0.0, -100.0), (1.0, -100.0)], window="12 ms") == pytest.approx(0.0115, abs=6e-4)


def test_a_gain_of_velocity_does_not_fire() -> None:
    assert fire_time([(0.0, 500.0), (1.0, 500.0)]) is None


def test_it_stays_fired_after_the_crash() -> None:
    world = World("500 us")
    world.add("pulse", Table([0.0, 0.02, 0.0201, 1.0], {"a": [-200.0, -200.0, 0.0, 0.0]}))
    world.add("controller", AirbagController)
    world.connect("pulse.a", "controller.acceleration")
    world.reset()
    world.step(200)
    assert world["controller.velocity_lost"] == 0.0
    assert world["controller.fire"] == 1.0


def test_it_is_a_well_behaved_unit() -> None:
    check_unit(AirbagController, period="500 us")


def squibs(acceleration: float, safing: float, **parameters: object) -> tuple[float, ...]:
    """Which squibs have fired after 50 ms of two constant accelerations: fire, belt, stage 1, stage 2."""
    world = World("500 us")
    world.add("pulse", Table([0.0, 1.0], {"a": [acceleration] * 2, "b": [safing] * 2}))
    world.add("controller", AirbagController(**parameters))
    world.connect("pulse.a", "controller.acceleration")
    world.connect("pulse.b", "controller.safing_acceleration")
    world.reset()
    world.step(100)
    return tuple(world[f"controller.fire{name}"] for name in ("", "_pretensioner", "_stage1", "_stage2"))


def test_no_single_sensor_can_fire_it() -> None:
    both = {"safing_threshold": 0.8}
    assert squibs(-200.0, -200.0, **both) == (1.0, 1.0, 1.0, 1.0)
    assert squibs(-2000.0, 0.0, **both) == (0.0, 0.0, 0.0, 0.0)
    assert squibs(0.0, -2000.0, **both) == (0.0, 0.0, 0.0, 0.0)
    assert squibs(-200.0, -79.0, **both) == (0.0, 0.0, 0.0, 0.0)  # 0.79 m/s in 10 ms
    assert squibs(-200.0, -81.0, **both) == (1.0, 1.0, 1.0, 1.0)


def test_without_a_safing_threshold_there_is_no_second_channel() -> None:
    assert squibs(-200.0, 0.0) == (1.0, 1.0, 1.0, 1.0)


def test_a_slow_rise_fires_the_first_stage_alone_and_a_steep_one_both() -> None:
    """From 0.3 to 0.8 m/s, 90 m/s^2 take 5.6 ms and 120 m/s^2 take 4.2 ms."""
    assert squibs(-90.0, 0.0, window="20 ms") == (1.0, 1.0, 1.0, 0.0)
    assert squibs(-120.0, 0.0, window="20 ms") == (1.0, 1.0, 1.0, 1.0)


def test_the_severity_does_not_depend_on_the_threshold() -> None:
    for threshold in (0.9, 1.5, 2.0):
        assert squibs(-120.0, 0.0, window="30 ms", threshold=threshold)[3] == 1.0


def test_a_rise_that_falls_back_is_timed_anew() -> None:
    world = World("500 us")
    # a bump that costs 0.5 m/s, 20 ms of rest, then a crash of 200 m/s^2
    world.add(
        "pulse",
        Table([0.0, 0.005, 0.0051, 0.030, 0.0301, 1.0], {"a": [-100.0, -100.0, 0.0, 0.0, -200.0, -200.0]}),
    )
    world.add("controller", AirbagController)
    world.connect("pulse.a", "controller.acceleration")
    world.reset()
    world.step(100)
    assert world["controller.fire_stage2"] == 1.0
