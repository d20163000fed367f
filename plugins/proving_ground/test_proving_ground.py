from __future__ import annotations

from crumple import World
from crumple.plugins import find_unit
from crumple.testing import check_unit

ProvingGround = find_unit("proving_ground")


def test_it_publishes_its_parameters_from_the_first_moment_on() -> None:
    world = World("10 ms")
    world.add("ground", ProvingGround(grip=0.3, brakes="50 %"))
    world.reset()
    assert (world["ground.friction"], world["ground.brake_efficiency"]) == (0.3, 0.5)
    world.step(3)
    assert (world["ground.friction"], world["ground.brake_efficiency"]) == (0.3, 0.5)


def test_it_is_a_well_behaved_unit() -> None:
    check_unit(ProvingGround, period="10 ms")
