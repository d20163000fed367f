"""The scene aeb_pedestrian: what is avoided, what is not and why, and the verdict of every fault."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import crumple
from crumple.metrics import euro_ncap

Run = Callable[..., crumple.Result]
CASES = Path(__file__).parents[2] / "scenes" / "campaigns" / "aeb_pedestrian.csv"


@pytest.fixture
def drive(tmp_path: Path) -> Run:
    """Runs the scene in this process."""

    def run(scenario: str = "CPNA-25", *, inject: str = "", seed: int = 0, **values: Any) -> crumple.Result:
        return crumple.run(
            "aeb_pedestrian",
            set={"scenario": scenario, **values},
            seed=seed,
            inject=[inject] if inject else [],
            out=tmp_path,
            isolate=False,
        )

    return run


def broken(result: crumple.Result) -> list[str]:
    return [each.name for each in result.requirements if each.status == "fail"]


@pytest.mark.parametrize("scenario", ["CPNA-25", "CPNA-75", "CPFA-50"])
def test_nobody_in_sight_is_hit_at_60(drive: Run, scenario: str) -> None:
    result = drive(scenario, ego_kmh=60)
    assert result.verdict == "pass"
    assert result.metrics["impact_speed_kmh"] == 0.0
    assert result.metrics["points"] == 1.0


def test_it_brakes_fully_before_he_steps_in_front_of_the_car(drive: Run) -> None:
    # from 50 km/h stopping takes 1.0192 s, and he is in the swath for 0.327 s before the impact location
    result = drive("CPNA-25", ego_kmh=50)
    assert result.verdict == "pass"
    braked = result.metrics["braked_at_s"]
    assert braked is not None
    assert braked < 5.0 - 0.327
    assert braked == pytest.approx(5.0 - 1.02, abs=0.2)  # partial braking before gains the rest


def test_a_child_from_behind_parked_cars_is_spared_up_to_40(drive: Run) -> None:
    result = drive("CPNCO-50", ego_kmh=40)
    assert result.verdict == "pass"
    assert result.metrics["impact_speed_kmh"] == 0.0


def test_who_steps_out_too_late_to_be_seen_is_hit_more_slowly(drive: Run) -> None:
    # impact location 25 %: he is nearer to the parked cars when it counts, so he is seen later
    result = drive("CPNCO-50", ego_kmh=50, impact_location_pct=25)
    assert broken(result) == ["no_collision"]
    assert result.metrics["impact_speed_kmh"] == pytest.approx(15.8, abs=3.0)
    assert result.metrics["braked_at_s"] > 4.0
    tolerant = drive("CPNCO-50", ego_kmh=50, impact_location_pct=25, accept="not red")
    assert tolerant.verdict == "pass"
    assert tolerant.metrics["points"] == 1.0  # extended range: orange has all points


def test_a_red_test_point_fails(drive: Run) -> None:
    result = drive("CPNCO", ego_kmh=60, impact_location_pct=25, light="night")
    assert euro_ncap.impact_colour(60.0, result.metrics["impact_speed_kmh"]) == "red"
    assert result.metrics["points"] == 0.0
    assert broken(result) == ["no_collision", "mitigation"]


@pytest.mark.parametrize("kmh", [30, 60])
def test_a_pedestrian_who_stops_at_the_kerb_is_not_braked_for(drive: Run, kmh: int) -> None:
    result = drive("kerb", ego_kmh=kmh)
    assert result.verdict == "pass"
    assert result.metrics["braked_at_s"] is None
    assert result.metrics["impact_speed_kmh"] == 0.0


def test_the_impact_location_comes_from_the_name_unless_it_is_given(drive: Run) -> None:
    assert drive("CPNA-75").digest == drive("CPNA-75", impact_location_pct=75).digest
    assert drive("CPNA-75").digest != drive("CPNA-75", impact_location_pct=25).digest


def test_noise_follows_the_seed(drive: Run) -> None:
    digests = [drive(seed=seed).digest for seed in (1, 1, 2)]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("wet_road", ["no_collision", "mitigation"]),
        ("brake_fade", ["no_collision"]),
        ("late_brakes", []),
        ("range_bias", ["warned"]),
        ("ghost", []),
        ("lost_close", []),
        ("duplicated_frames", []),
        ("occluded", ["warned"]),
        ("radar_dropout", []),
        ("camera_frozen", ["warned"]),
    ],
)
def test_each_fault_has_the_verdict_that_the_guide_says(drive: Run, fault: str, expected: list[str]) -> None:
    result = drive(inject=fault)
    assert broken(result) == expected
    assert result.verdict == ("fail" if expected else "pass")


def test_a_ghost_is_braked_for_by_a_controller_that_believes_the_radar_alone(drive: Run) -> None:
    # the same fault finds a worse design: one that needs no camera, and a kerb that should stop nobody
    assert drive("kerb", inject="ghost").verdict == "pass"
    believing = drive("kerb", inject="ghost", **{"aeb.looks": 0, "aeb.brake_time": "1 s"})
    assert "no_false_alarm" in broken(believing)


def test_the_cases_are_the_matrices_of_2026() -> None:
    with CASES.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for name in ("CPNA", "CPFA", "CPNCO"):
        matrix = euro_ncap.point_matrix(name)
        for light in ("day", "night"):
            found = {
                (float(row["ego_kmh"]), float(row["impact_location_pct"]))
                for row in rows
                if row["scenario"] == name and row["light"] == light
            }
            assert found == {(v, location) for v, _ in matrix.speeds for location in matrix.locations}
