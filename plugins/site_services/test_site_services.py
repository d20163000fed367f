from __future__ import annotations

import numpy as np

from crumple import World
from crumple.plugins import find_unit
from crumple.testing import check_unit

SiteServices = find_unit("site_services")


def test_water_is_away_for_as_long_as_the_outage_and_at_no_other_time() -> None:
    world = World("1 s")
    world.add("site", SiteServices(outage_start="10 s", outage="1 min"))
    world.reset()
    trace = world.trace()
    world.step(100)
    water = trace.array()["site.cooling_water"]
    # the output of the step from 10 s on is published at 11 s
    assert np.flatnonzero(water == 0.0).tolist() == list(range(11, 71))


def test_without_an_outage_water_is_always_there() -> None:
    world = World("1 s")
    world.add("site", SiteServices(outage_start="10 s", blockage=1.0))
    world.reset()
    trace = world.trace()
    world.step(100)
    assert (trace.array()["site.cooling_water"] == 1.0).all()
    assert world["site.disk_blockage"] == 1.0


def test_it_is_a_well_behaved_unit() -> None:
    check_unit(SiteServices, period="1 s")
