from __future__ import annotations

import pytest

from crumple import Table, World
from crumple.plugins import find_unit
from crumple.testing import check_unit

Tachometer = find_unit("tachometer")


@pytest.mark.parametrize(("resolution", "read"), [(0.0, 12.34), (0.5, 12.5), (5.0, 10.0)])
def test_it_reads_whole_digits_of_the_speed(resolution: float, read: float) -> None:
    world = World("1 ms")
    world.add("drum", Table([0.0, 1.0], {"w": [12.34, 12.34]}))
    world.add("tacho", Tachometer(resolution=resolution))
    world.connect("drum.w", "tacho.speed")
    world.reset()
    world.step(2)
    assert world["tacho.measured"] == pytest.approx(read)


def test_it_is_a_well_behaved_unit() -> None:
    check_unit(Tachometer, period="1 ms")
