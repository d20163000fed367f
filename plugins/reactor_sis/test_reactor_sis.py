from __future__ import annotations

import pytest

from crumple import Table, World
from crumple.plugins import find_unit
from crumple.testing import check_unit

ReactorSis = find_unit("reactor_sis")


def after(seconds: int, *temperatures: float, flow: float = 1.0, **parameters: object) -> World:
    """A world in which the system has seen constant readings [K] and a constant flow for some seconds."""
    world = World("1 s")
    readings = {f"t{n}": [t, t] for n, t in enumerate(temperatures, start=1)}
    world.add("plant", Table([0.0, 1e6], {**readings, "flow": [flow, flow]}))
    world.add("sis", ReactorSis(**parameters))
    for n in (1, 2, 3):
        world.connect(f"plant.t{n}", f"sis.temperature_{n}")
    world.connect("plant.flow", "sis.cooling_flow")
    world.reset()
    world.step(seconds)
    return world


@pytest.mark.parametrize(
    ("temperatures", "votes", "trips"),
    [
        ((449.9, 449.9, 449.9), 0, False),
        ((450.0, 449.0, 449.0), 1, False),
        ((450.0, 450.0, 449.0), 2, True),
        ((440.0, 452.0, 451.0), 2, True),
        ((600.0, 448.0, 448.0), 1, False),  # one broken loop is a vote, not a trip
        ((600.0, 250.0, 448.0), 2, True),  # two are
    ],
)
def test_two_of_three_readings_trip_and_one_does_not(
    temperatures: tuple[float, ...], votes: int, trips: bool
) -> None:
    world = after(3, *temperatures)
    assert world["sis.voting"] == votes
    assert bool(world["sis.tripped"]) is trips
    assert bool(world["sis.full_cooling"]) is trips


def test_lost_cooling_trips_after_its_delay_and_not_a_second_before() -> None:
    assert not after(19, 448.0, 448.0, 448.0, flow=0.0)["sis.tripped"]
    assert after(20, 448.0, 448.0, 448.0, flow=0.0)["sis.tripped"]


def test_the_stages_follow_each_other_with_temperature() -> None:
    stages = {451.0: (1, 0, 0), 454.0: (1, 1, 0), 481.0: (1, 1, 1)}
    for temperature, expected in stages.items():
        world = after(3, temperature, temperature, 448.0)
        assert tuple(world[f"sis.{n}"] for n in ("full_cooling", "quench", "dump")) == expected


def test_a_system_that_only_watches_trips_and_moves_nothing() -> None:
    world = after(3, 481.0, 481.0, 481.0, active=False)
    assert world["sis.tripped"] == 1.0
    assert [world[f"sis.{n}"] for n in ("full_cooling", "quench", "dump")] == [0.0, 0.0, 0.0]


def test_the_alarm_comes_where_readings_differ_and_the_median_is_theirs() -> None:
    assert not after(3, 448.0, 449.0, 450.9)["sis.alarm"]
    world = after(3, 448.0, 446.0, 449.1)
    assert world["sis.alarm"] == 1.0
    assert world["sis.median"] == 448.0


def test_it_is_a_well_behaved_unit() -> None:
    check_unit(ReactorSis, period="1 s")
