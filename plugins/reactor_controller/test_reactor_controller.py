from __future__ import annotations

import pytest

from crumple import Table, World
from crumple.plugins import find_unit
from crumple.testing import check_unit

ReactorController = find_unit("reactor_controller")


def valve(values: list[tuple[float, float]], seconds: int, **parameters: object) -> float:
    """The valve's position after some seconds of a piecewise linear temperature [K]."""
    times, temperatures = zip(*values, strict=True)
    world = World("1 s")
    world.add("batch", Table(times, {"t": temperatures}))
    world.add("controller", ReactorController(**parameters))
    world.connect("batch.t", "controller.temperature")
    world.reset()
    world.step(seconds)
    return world["controller.valve"]


def test_at_its_set_point_it_stays_where_it_starts() -> None:
    assert valve([(0.0, 448.0), (1e3, 448.0)], 500, start=0.4) == pytest.approx(0.4, abs=1e-12)


def test_a_constant_error_opens_in_proportion_and_by_its_integral() -> None:
    # 0.01 K for 100 s at 0.1 per K: 0.2 + 0.001 + 0.1 * 0.01 * 100 / 50
    found = valve([(0.0, 448.01), (1e3, 448.01)], 100, start=0.2, gain=0.1, reset_time=50.0)
    assert found == pytest.approx(0.2 + 0.001 + 0.002, abs=1e-9)


def test_the_integral_does_not_wind_up_while_the_valve_is_open() -> None:
    hot_then_cold = [(0.0, 500.0), (3600.0, 500.0), (3601.0, 447.0), (9e3, 447.0)]
    assert valve(hot_then_cold, 3600) == 1.0
    assert valve(hot_then_cold, 3605) == 0.0


def test_it_is_a_well_behaved_unit() -> None:
    check_unit(ReactorController, period="1 s")
