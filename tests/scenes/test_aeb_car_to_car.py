"""The scene aeb_car_to_car: what is avoided, what is not and why, and the verdict of every fault."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import crumple
from crumple.metrics import euro_ncap

Run = Callable[..., crumple.Result]
CASES = Path(__file__).parents[2] / "scenes" / "campaigns" / "aeb_car_to_car.csv"


@pytest.fixture
def drive(tmp_path: Path) -> Run:
    """Runs the scene in this process."""

    def run(scenario: str = "CCRs", *, inject: str = "", **values: Any) -> crumple.Result:
        return crumple.run(
            "aeb_car_to_car",
            set={"scenario": scenario, **values},
            inject=[inject] if inject else [],
            out=tmp_path,
            isolate=False,
        )

    return run


def broken(result: crumple.Result) -> list[str]:
    return [each.name for each in result.requirements if each.status == "fail"]


@pytest.mark.parametrize(
    ("scenario", "values"),
    [
        ("CCRs", {"ego_kmh": 10}),
        ("CCRs", {"ego_kmh": 60, "impact_location_pct": 125}),
        ("CCRm", {"ego_kmh": 80}),
        ("CCRm", {"ego_kmh": 130, "impact_location_pct": 0}),
        ("CCRb", {"ego_kmh": 50}),
        *(
            ("CCRb", {"ego_kmh": 50, "headway_m": headway, "target_deceleration": deceleration})
            for headway in (12, 40)  # version 4 of the protocol
            for deceleration in (2, 6)
        ),
    ],
)
def test_a_car_in_the_way_is_not_hit(drive: Run, scenario: str, values: dict[str, Any]) -> None:
    result = drive(scenario, **values)
    assert result.verdict == "pass"
    assert result.metrics["impact_speed_kmh"] == 0.0
    assert result.metrics["points"] == 1.0


def test_room_for_steering_costs_avoidance_from_80_with_little_overlap(drive: Run) -> None:
    # overlap 25 %: a driver could steer past until 0.96 s before the impact; stopping from 80 km/h takes 1.48 s
    result = drive("CCRs", ego_kmh=80, impact_location_pct=125)
    assert broken(result) == ["no_collision"]
    assert 30.0 < result.metrics["impact_speed_kmh"] < 50.0
    assert result.metrics["points"] == 1.0  # from 60 km/h on it is the warning that is judged
    assert result.metrics["warned_at_s"] > 1.7
    full = drive("CCRs", ego_kmh=80)
    assert full.metrics["impact_speed_kmh"] == 0.0


def test_a_car_on_the_next_lane_is_neither_warned_of_nor_braked_for(drive: Run) -> None:
    for kmh in (50, 130):
        result = drive("next lane", ego_kmh=kmh)
        assert result.verdict == "pass"
        assert result.metrics["warned_at_s"] == 0.0
        assert result.metrics["braked_at_s"] is None


def test_speeds_of_the_target_are_those_of_the_test_unless_they_are_given(drive: Run) -> None:
    assert drive("CCRm", ego_kmh=50).digest == drive("CCRm", ego_kmh=50, target_kmh=20).digest
    assert drive("CCRm", ego_kmh=100).digest == drive("CCRm", ego_kmh=100, target_kmh=40).digest


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("wet_road", ["no_collision", "mitigation"]),
        ("brake_fade", ["no_collision"]),
        ("late_brakes", []),
        ("range_bias", []),
        ("ghost", []),
        ("lost_close", []),
        ("duplicated_frames", []),
        ("occluded", []),
        ("radar_dropout", []),
        ("camera_frozen", ["no_collision", "mitigation", "warned"]),
    ],
)
def test_each_fault_has_the_verdict_that_the_guide_says(drive: Run, fault: str, expected: list[str]) -> None:
    result = drive(inject=fault)
    assert broken(result) == expected
    assert result.verdict == ("fail" if expected else "pass")


def test_the_cases_are_the_matrices_of_2026() -> None:
    with CASES.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for name in ("CCRs", "CCRm", "CCRb"):
        matrix = euro_ncap.point_matrix(name)
        found = {
            (float(row["ego_kmh"]), float(row["target_kmh"]), float(row["impact_location_pct"]))
            for row in rows
            if row["scenario"] == name
        }
        assert found == {(v, target, place) for v, target in matrix.speeds for place in matrix.locations}
