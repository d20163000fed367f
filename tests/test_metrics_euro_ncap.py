"""Euro NCAP 2026: colours and points of crash avoidance, limits and scores of crash protection."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from crumple.metrics import MetricError
from crumple.metrics.crash_protection import LIMITS, head_score, limit, region_score
from crumple.metrics.euro_ncap import (
    MATRICES,
    Colour,
    applied_colour,
    avoidance_colour,
    extended_points,
    impact_colour,
    mitigation_colour,
    point_matrix,
    share,
    standard_points,
    warning_colour,
)
from crumple.metrics.registry import METRICS
from reference_data import reference


def rows_of(name: str) -> list[list[str]]:
    path = reference(name)
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


# ---- crash avoidance


@pytest.mark.parametrize(
    ("test", "colours"),  # at 0, 0.1, 9.9, 10, 19.9, 20, 29.9 and 30 km/h
    [
        (10, "green red red red red red red red"),
        (20, "green red red red red red red red"),
        (30, "green brown brown red red red red red"),
        (40, "green orange orange brown brown red red red"),
        (50, "green yellow yellow orange orange brown brown red"),
        (80, "green yellow yellow orange orange brown brown red"),
        (45, "green orange orange brown brown red red red"),
    ],
)
def test_colours_by_impact_speed(test: float, colours: str) -> None:
    found = [impact_colour(test, v) for v in (0, 0.1, 9.9, 10, 19.9, 20, 29.9, 30)]
    assert " ".join(found) == colours


def test_colours_of_the_other_kinds_of_test() -> None:
    assert [avoidance_colour(v) for v in (0.0, 0.1)] == ["green", "red"]
    assert [mitigation_colour(v) for v in (9.9, 10.0, 19.9, 20.0)] == ["red", "orange", "orange", "green"]
    assert [warning_colour(t) for t in (1.69, 1.7)] == ["red", "green"]


@pytest.mark.parametrize(
    ("predicted", "impact", "applied"),
    [
        ("green", 1.9, "green"),
        ("green", 2.0, "yellow"),
        ("yellow", 11.9, "yellow"),
        ("yellow", 12.0, "orange"),
        ("orange", 8.0, "orange"),
        ("orange", 7.9, "yellow"),
        ("brown", 31.9, "brown"),
        ("red", 29.0, "brown"),  # red is not widened downwards
        ("red", 0.0, "green"),  # what was avoided stays green
    ],
)
def test_a_prediction_holds_within_2_kmh(predicted: Colour, impact: float, applied: str) -> None:
    assert applied_colour(predicted, 60.0, impact) == applied


def test_points_are_the_mean_share_of_the_points_to_be_had() -> None:
    assert [share(c) for c in ("green", "yellow", "orange", "brown", "red")] == [1.0, 0.75, 0.5, 0.25, 0.0]
    assert [share(c, extended=True) for c in ("green", "brown", "red")] == [1.0, 1.0, 0.0]
    assert standard_points("CCRs", ["green"] * 5) == 1.2
    assert standard_points("CPFA-50", ["green", "brown"]) == pytest.approx(0.625)


@pytest.mark.parametrize(
    ("passed", "step"), [(0, 0.0), (4, 0.0), (5, 0.5), (7, 0.5), (8, 0.75), (9, 0.75), (10, 1.0)]
)
def test_points_of_the_extended_range_come_in_steps(passed: int, step: float) -> None:
    colours: list[Colour] = ["brown"] * passed + ["red"] * (10 - passed)
    assert extended_points("CCRm", colours) == pytest.approx(step * 0.3)


def test_matrices_and_points_are_those_of_the_published_template() -> None:
    rows = rows_of("euroncap2026_ca.csv")
    most, scenario = {}, ""
    for row in rows:
        if row[0] == "Scenario Scores":
            scenario = row[5] or scenario
            most[scenario, row[6]] = row[8]
    grids: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if not row[0].endswith(" pred.") or not row[1]:
            continue
        if not row[1].endswith("km/h"):
            name = row[1]
        elif row[2].endswith("km/h"):
            grids.setdefault(name, []).append((float(row[1].split()[0]), float(row[2].split()[0])))
    for name, matrix in MATRICES.items():
        assert float(most[name, "Standard"]) == matrix.standard_points
        assert float(most[name, "Extended"]) == matrix.extended_points
        grid = grids.get(name) or grids[f"{name} day"]
        assert set(matrix.speeds) <= set(grid)
        if name != "CPLA":  # whose further rows are of warnings
            assert len(matrix.speeds) == len(grid)


def test_points_of_the_extended_range_lie_at_the_edges() -> None:
    assert point_matrix("CPNA-25") is MATRICES["CPNA"]
    assert not point_matrix("CPNA-25").is_extended(50.0, 25.0)
    assert point_matrix("CPNA").is_extended(50.0, 90.0)
    assert point_matrix("CPFA-50").is_extended(50.0, 25.0)
    assert not point_matrix("CCRb").is_extended(80.0, 50.0)
    assert point_matrix("CCRb").is_extended(90.0, 50.0)


def test_nonsense_is_refused_with_what_there_is() -> None:
    with pytest.raises(MetricError, match="impact speed of -1"):
        impact_colour(50.0, -1.0)
    with pytest.raises(MetricError, match="test speed of nan"):
        impact_colour(float("nan"), 0.0)
    with pytest.raises(MetricError, match=r"'CPXX-50' has no test matrix here\. There are: CCRs, CCRm"):
        point_matrix("CPXX-50")
    with pytest.raises(MetricError, match="'blue' is no colour"):
        share("blue")  # type: ignore[arg-type]
    with pytest.raises(MetricError, match="no test point"):
        standard_points("CCRs", [])


def test_the_share_of_a_run_comes_from_its_largest_impact_speed() -> None:
    speed = np.array([0.0, 0.0, 12.0, 0.0])
    assert METRICS["impact_share"].evaluate([speed], 0.01, numbers=[50.0]).value == 50.0
    assert METRICS["impact_share_extended"].evaluate([speed], 0.01, numbers=[50.0]).value == 100.0
    assert METRICS["impact_share"].evaluate([0 * speed], 0.01, numbers=[50.0]).value == 100.0


# ---- crash protection

CRITERIA = {
    "HIC15": "hic15",
    "Ares-3ms": "head_3ms",
    "Fx,shear": "neck_shear",
    "Fz,tension": "neck_tension",
    "My,extension": "neck_extension",
    "Dchest compression": "chest_deflection",
    "Dchest compression, upper right": "chest_deflection",
    "Viscous Criterion": "viscous_criterion",
    "Dabdomen compression, right": "abdomen_compression",
    "Facetabulum, right": "acetabulum_force",
    "Ffemur, right": "femur_force",
    "Dknee, right": "knee_displacement",
    "Itibia, right": "tibia_index",
    "Ftibia, right": "tibia_force",
}
SEATS = {
    "h3_50m_sled": ("CP - Frontal Sled & VT", "Sled-Mid", "Driver"),
    "h3_95m_sled": ("CP - Frontal Sled & VT", "Sled-High", "Driver"),
    "h3_05f_sled": ("CP - Frontal Sled & VT", "Sled-High", "Front Passenger"),
    "h3_05f_mpdb": ("CP - Frontal Offset", "MPDB-50", "Front Passenger"),
    "thor_50m_mpdb": ("CP - Frontal Offset", "MPDB-50", "Driver"),
    "h3_05f_fwdb": ("CP - Frontal FW", "FWDB-35", "Driver"),
    "thor_50m_fwdb": ("CP - Frontal FW", "FWDB-35", "Front Passenger"),
}


def test_limits_are_those_of_the_published_template() -> None:
    found: dict[str, dict[str, tuple[float, float, float | None]]] = {seat: {} for seat in SEATS}
    load = position = ""
    for row in rows_of("euroncap2026_cp.csv"):
        if len(row) < 9 or row[1] == "Loadcase":
            continue
        load, position = row[1] or load, (row[2] or (position if not row[1] else ""))
        for seat, (sheet, load_case, where) in SEATS.items():
            if (row[0], load, position) == (sheet, load_case, where) and row[5] in CRITERIA and row[6]:
                capping = float(row[8]) if row[8] and "Sled" not in sheet else None
                found[seat].setdefault(CRITERIA[row[5]], (float(row[6]), float(row[7]), capping))
    for seat, criteria in found.items():
        mine = {name: (lim.higher, lim.lower, lim.capping) for name, lim in LIMITS[seat].items()}
        assert mine == criteria


@pytest.mark.parametrize(
    ("value", "colour"),  # 20 and 42 mm: thirds at 27.33 and 34.67
    [
        (19.99, "green"),
        (20.0, "yellow"),
        (27.32, "yellow"),
        (27.33, "orange"),
        (34.66, "orange"),
        (34.67, "brown"),
        (41.99, "brown"),
        (42.0, "red"),
    ],
)
def test_colours_lie_in_thirds_between_the_limits(value: float, colour: str) -> None:
    assert limit("h3_50m_sled", "chest_deflection").colour(value) == colour


def test_scores_of_colours_and_regions() -> None:
    deflection = limit("h3_50m_sled", "chest_deflection")
    assert [deflection.score(v) for v in (10, 21, 30, 40, 50)] == [100.0, 80.0, 40.0, 20.0, 0.0]
    assert region_score({"chest_deflection": 21.0, "viscous_criterion": 0.9}, seat="h3_50m_sled") == 20.0
    knife = limit("h3_05f_fwdb", "tibia_index")  # equal limits
    assert [knife.colour(v) for v in (1.29, 1.3)] == ["green", "red"]
    assert [limit("h3_05f_fwdb", "neck_tension").caps(v) for v in (2.89, 2.9)] == [False, True]
    assert not deflection.caps(60.0)


def test_a_head_without_hard_contact_has_the_full_score() -> None:
    assert head_score(79.9, 900.0, 79.0, seat="h3_50m_sled") == 100.0
    assert head_score(80.0, 600.0, 60.0, seat="h3_50m_sled") == 40.0
    assert head_score(120.0, 300.0, 85.0, seat="h3_50m_sled") == 0.0


def test_scores_of_signals() -> None:
    t = np.arange(1001) * 1e-4
    assert METRICS["score_head"].evaluate([60 * np.sin(np.pi * t / 0.1)], 1e-4).value == 100.0
    assert METRICS["score_head"].evaluate([140 * np.sin(np.pi * t / 0.1)], 1e-4).value == 0.0
    slow = 30.0 * t / 0.1  # mm: 0.3 m/s, VC 1.3 * 0.3 * 0.03 / 0.229 = 0.051
    assert METRICS["score_chest_h3_50m"].evaluate([slow], 1e-4).value == 40.0
    assert METRICS["score_chest_thor_50m"].evaluate([slow, 2 * slow], 1e-4).value == 0.0
    assert METRICS["score_femur_h3_50m"].evaluate([-4.0 * t / 0.1], 1e-4).value == 80.0
    none = np.zeros_like(t)
    neck = METRICS["score_neck_h3_50m"]
    assert (
        neck.evaluate([none, -4 + none, 90 + none], 1e-4).value == 100.0
    )  # compression and flexion have no limit
    assert neck.evaluate([none, none, -50 + none], 1e-4).value == 40.0
    assert neck.evaluate([-2.0 + none, none, none], 1e-4).value == 80.0


def test_an_unknown_dummy_or_criterion_is_refused() -> None:
    with pytest.raises(MetricError, match=r"'q6' has no limits here\. There are: h3_50m_sled"):
        limit("q6", "hic15")
    with pytest.raises(MetricError, match="'hic36' is no criterion of h3_50m_sled"):
        limit("h3_50m_sled", "hic36")
