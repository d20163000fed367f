from __future__ import annotations

import math
from typing import Any

import pytest

from crumple import Input, Output, Parameter, Unit, World
from crumple.plugins import find_unit
from crumple.testing import check_unit

SpinController = find_unit("spin_controller")


class Bench(Unit):
    """A tub that follows the speed asked for, with the closed form's acceleration."""

    request = Input("rad/s")
    speed = Output("rad/s")
    acceleration = Output("m/s^2")
    unbalance = Parameter(0.3, "kg")
    later = Parameter(0.3, "kg", doc="after 25 s")

    def reset(self) -> None:
        self.angle = 0.0

    def step(self, now: Any) -> None:
        self.speed = self.request
        self.angle += self.speed * now.dt
        q = self.speed / (math.tau * 2.5)
        kg = self.unbalance if now.t < 25.0 else self.later
        x = kg * 0.24 / 40.0 * q * q / math.hypot(1.0 - q * q, 2 * 0.15 * q)
        self.acceleration = x * self.speed**2 * math.cos(self.angle)


def spin(
    *, seconds: float = 30.0, unbalance: float = 0.3, later: float | None = None, **parameters: Any
) -> World:
    world = World("1 ms")
    world.add("bench", Bench(unbalance=unbalance, later=unbalance if later is None else later))
    world.add("spin", SpinController(**parameters))
    world.connect("spin.request", "bench.request")
    world.connect("bench.speed", "spin.speed")
    world.connect("bench.acceleration", "spin.acceleration")
    world.reset()
    world.step(round(seconds * 1000))
    return world


def test_it_estimates_the_unbalance_at_any_speed() -> None:
    for target in (9.0, 40.0, 83.8):
        world = spin(unbalance=0.4, target=target, seconds=20.0)
        assert world["spin.unbalance"] == pytest.approx(0.4, rel=0.02)
        assert world["spin.abort"] == 0.0


def test_it_keeps_to_its_programme() -> None:
    assert spin(seconds=5.0)["spin.request"] == pytest.approx(9.42, abs=0.01)
    world = spin(seconds=8.0)
    assert world["spin.stage"] == 1 and world["spin.request"] == pytest.approx(9.42 + 2 * 12.0, abs=0.1)
    world = spin(seconds=20.0)
    assert world["spin.stage"] == 2 and world["spin.request"] == pytest.approx(83.776, abs=0.01)
    world = spin(seconds=20.0, spin_until=15.0)
    assert world["spin.stage"] == 3 and world["spin.request"] == 0.0 and world["spin.abort"] == 0.0


@pytest.mark.parametrize(("later", "reason"), [(0.55, 0), (0.65, 5)])
def test_a_change_of_the_unbalance_by_more_than_its_limit_stops_it(later: float, reason: int) -> None:
    world = spin(later=later)
    assert (world["spin.abort"], world["spin.reason"]) == (float(reason > 0), reason)


def test_a_heavy_load_is_not_spun_at_all() -> None:
    world = spin(unbalance=1.2, seconds=10.0)
    assert world["spin.reason"] == 7 and world["spin.request"] == 0.0
    assert spin(unbalance=1.0, seconds=6.0)["spin.abort"] == 0.0


def test_too_wide_in_the_resonance_stops_it_unless_nobody_supervises() -> None:
    world = spin(unbalance=1.5, unbalance_max=9.0)
    assert world["spin.reason"] == 4 and world["spin.request"] == 0.0
    assert spin(unbalance=1.5, supervised=False)["spin.request"] > 80.0


def test_a_door_that_is_open_stops_it_at_once() -> None:
    world = spin()
    world["spin.door_open"] = 1.0
    world.step()
    assert world["spin.reason"] == 1 and world["spin.request"] == 0.0 and world["spin.enable"] == 1.0


def test_it_is_a_well_behaved_unit() -> None:
    check_unit(SpinController, period="1 ms")
