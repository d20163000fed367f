from __future__ import annotations

import math

import pytest

from crumple import Table, World
from crumple.plugins import find_unit
from crumple.testing import check_unit

ForceEstimator = find_unit("force_estimator")


def estimate(force: float, ticks: int, **parameters: object) -> World:
    world = World("1 ms")
    world.add("body", Table([0.0, 1e3], {"f": [force, force]}))
    world.add("estimator", ForceEstimator(**parameters))
    world.connect("body.f", "estimator.force")
    world.reset()
    world.step(ticks)
    return world


def test_after_one_time_constant_two_thirds_of_a_force_are_seen() -> None:
    found = estimate(100.0, 5, lag="5 ms")["estimator.measured"]
    assert found == pytest.approx(100.0 * (1.0 - math.exp(-1.0)), rel=1e-12)


def test_three_kilograms_that_it_was_not_told_of_hide_their_weight() -> None:
    world = estimate(100.0, 200, payload="3 kg")
    assert world["estimator.measured"] == pytest.approx(100.0 - 3.0 * 9.80665, abs=1e-9)
    told = estimate(100.0, 200, payload="3 kg", payload_set="3 kg")
    assert told["estimator.measured"] == pytest.approx(100.0, abs=1e-9)


def test_samples_are_numbered_from_one() -> None:
    assert [estimate(0.0, n)["estimator.number"] for n in (1, 2, 7)] == [1, 2, 7]


def test_it_is_a_well_behaved_unit() -> None:
    check_unit(ForceEstimator, period="1 ms", parameters={"noise": 1.0})
