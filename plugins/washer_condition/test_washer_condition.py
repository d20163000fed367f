from __future__ import annotations

from crumple import World
from crumple.plugins import find_unit
from crumple.testing import check_unit

WasherCondition = find_unit("washer_condition")


def test_it_is_as_it_was_made_from_the_start_on() -> None:
    world = World("10 ms")
    world.add("washer", WasherCondition(laundry="500 gram", damper=0.1))
    world.reset()
    for _ in range(2):
        assert (world["washer.unbalance"], world["washer.damping"], world["washer.door_open"]) == (
            0.5,
            0.1,
            0.0,
        )
        world.step()


def test_it_is_a_well_behaved_unit() -> None:
    check_unit(WasherCondition, period="10 ms")
