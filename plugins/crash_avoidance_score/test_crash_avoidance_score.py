from __future__ import annotations

import pytest

from crumple import Table, World
from crumple.plugins import find_unit
from crumple.testing import check_unit

CrashAvoidanceScore = find_unit("crash_avoidance_score")


def points(*, impact: float = 0.0, warned: float = 0.0, **parameters: object) -> float:
    """Points of a run with an impact at `impact` km/h and a warning at a time to collision of `warned` s."""
    world = World("10 ms")
    signals = {
        "impact": [0.0, impact / 3.6],
        "contact": [0.0, float(impact > 0)],
        "warning": [0.0, float(warned > 0)],
        "ttc": [warned, warned],
    }
    world.add("run", Table([0.0, 0.05], signals))
    world.add("score", CrashAvoidanceScore(**parameters))
    for source, port in (("impact", "impact_speed"), ("contact", "contact"), ("warning", "warning")):
        world.connect(f"run.{source}", f"score.{port}")
    world.connect("run.ttc", "score.time_to_collision")
    world.reset()
    world.step(20)
    return float(world["score.points"])


@pytest.mark.parametrize(
    ("kmh", "impact", "expected"),
    [
        *((20, 0.0, 1.0), (20, 0.5, 0.0), (30, 9.0, 0.25), (30, 11.0, 0.0), (40, 9.0, 0.5), (40, 19.0, 0.25)),
        *((50, 9.0, 0.75), (60, 19.0, 0.5), (60, 29.0, 0.25), (60, 31.0, 0.0)),
    ],
)
def test_points_follow_the_bands_of_2026(kmh: float, impact: float, expected: float) -> None:
    assert points(impact=impact, scenario="CPNA-50", test_speed=kmh, impact_location=50) == expected


def test_in_the_extended_range_every_colour_but_red_has_all_points() -> None:
    assert points(impact=25.0, scenario="CPNA", test_speed=50, impact_location=10) == 1.0
    assert points(impact=31.0, scenario="CPNA", test_speed=50, impact_location=10) == 0.0
    assert points(impact=25.0, scenario="CCRb", test_speed=90, impact_location=50) == 1.0


@pytest.mark.parametrize(("warned", "expected"), [(1.75, 1.0), (1.6, 0.0), (0.0, 0.0)])
def test_a_warning_counts_from_1_7_seconds_on(warned: float, expected: float) -> None:
    assert points(warned=warned, scenario="CCRs", test_speed=70, by_warning=True) == expected


def test_it_is_a_well_behaved_unit() -> None:
    check_unit(CrashAvoidanceScore, period="10 ms")
