"""The scene cut_in against published verdicts, closed forms and its own faults. All cases: tests/bench/cut_in.py."""

from __future__ import annotations

import csv
import functools
import importlib.resources
import os
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from crumple import Fmu, World
from crumple.cases_run import Options, Outcome, Runner
from reference_data import reference

MODELS = {"cc": "CC_human_driver_crash", "fsm": "FSM_crash", "rss": "RSS_crash", "reg157": "Reg157_crash"}
CASE = ("ego_kmh", "cutin_kmh", "gap_m", "lat_speed_mps")
SCENE = importlib.resources.files("crumple") / "bundled" / "scenes" / "cut_in.toml"

Row = dict[str, object]


def published(count: int, *, seed: int) -> list[dict[str, str]]:
    """Rows of the published table, drawn at random."""
    path = reference("r157_cutin_low.csv")
    with path.open(newline="") as file:
        return random.Random(seed).sample(list(csv.DictReader(file)), count)


def high_speed(count: int, *, seed: int) -> list[Row]:
    """Cases of the grid at high speed, drawn at random."""
    draw = random.Random(seed)
    speeds = [(ego, cutin) for ego in (70, 90, 110, 130) for cutin in range(10, ego, 30)]
    rows = []
    for _ in range(count):
        ego, cutin = draw.choice(speeds)
        gap, lateral = draw.randrange(1, 120, 2), draw.randrange(18) / 10
        rows.append({"ego_kmh": ego, "cutin_kmh": cutin, "gap_m": gap, "lat_speed_mps": lateral})
    return rows


@functools.cache
def runner(scene: str) -> Runner:
    return Runner(Options(scene=scene))


def run_cases(rows: Sequence[Row], scene: str | os.PathLike[str] = "cut_in") -> list[Outcome]:
    """One run a row, as `crumple cases` does them, but in this process: starting others costs more than these runs."""
    found = []
    for row in rows:
        given = dict(row)
        inject = given.pop("inject", None)
        outcome = runner(os.fspath(scene)).run(given, inject=[str(inject)] if inject else [])
        assert outcome.verdict.outcome in ("pass", "fail"), outcome.verdict.reason
        found.append(outcome)
    return found


def metric(outcome: Outcome, name: str) -> float:
    [value] = [each.value for each in outcome.metrics if each.name == name]
    assert value is not None
    return value


def statuses(outcome: Outcome) -> dict[str, str]:
    return {each.name: each.status for each in outcome.requirements}


def crashes(rows: Sequence[Row], scene: str | os.PathLike[str] = "cut_in") -> list[float]:
    return [metric(outcome, "crash") for outcome in run_cases(rows, scene)]


def result_of(**row: object) -> Outcome:
    return run_cases([row])[0]


# ---- The published verdicts --------------------------------------------------------------------------------


def test_every_published_verdict_of_a_sample_is_reproduced_at_10_hz() -> None:
    table = published(100, seed=157)
    rows: list[Row] = [
        {**{k: float(row[k]) for k in CASE}, "driver": model} for model in MODELS for row in table
    ]
    expected = [int(row[column]) for column in MODELS.values() for row in table]
    assert sum(expected) > 20  # the sample has both kinds
    assert crashes(rows) == expected


def test_the_ties_of_the_grid_come_out_as_published() -> None:
    # at 0.3, 0.6 and 1.2 m/s the rise takes a sample more than a decimal number would give it
    where = [(30, 10, 7, 0.6), (40, 20, 6, 1.2), (30, 10, 2, 0.6), (40, 10, 7, 0.6)]
    wanted = {(0, "fsm"): 0, (1, "fsm"): 0, (2, "rss"): 1, (3, "rss"): 1}
    rows: list[Row] = [dict(zip(CASE, where[i], strict=True)) | {"driver": model} for i, model in wanted]
    assert crashes(rows) == list(wanted.values())


def test_at_100_hz_few_verdicts_differ() -> None:
    table = published(50, seed=100)
    rows: list[Row] = [
        {**{k: float(row[k]) for k in CASE}, "driver": model, "rate_hz": 100}
        for model in MODELS
        for row in table
    ]
    expected = [int(row[column]) for column in MODELS.values() for row in table]
    differ = sum(a != b for a, b in zip(crashes(rows), expected, strict=True))
    assert differ <= 5  # of 200; over the whole grid it is 0.6 %


def test_the_careful_driver_in_c_and_the_one_in_python_agree_at_low_and_high_speed() -> None:
    rows = [{**row, "driver": "cc"} for row in high_speed(120, seed=7)]
    results = run_cases(rows)
    found = [metric(result, "crash") for result in results]
    assert found == [metric(result, "careful_crash") for result in results]
    assert 10 < sum(found) < 110


def test_ending_a_run_once_it_is_decided_changes_no_verdict(tmp_path: Path) -> None:
    text = SCENE.read_text()
    whole = "\n".join(line for line in text.splitlines() if not line.startswith("end_when"))
    assert whole.count("\n") < text.count("\n")
    (tmp_path / "whole.toml").write_text(whole)
    rows = [{**row, "driver": model} for model in ("fsm", "rss", "reg157") for row in high_speed(12, seed=35)]
    assert crashes(rows) == crashes(rows, tmp_path / "whole.toml")


# ---- Requirements ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("driver", "cutin", "gap", "lateral"), [("fsm", 10, 2, 0.8), ("rss", 10, 3, 0.6), ("reg157", 10, 32, 0.2)]
)
def test_a_crash_that_a_careful_driver_avoids_is_told(
    driver: str, cutin: int, gap: int, lateral: float
) -> None:
    case = {"ego_kmh": 30, "cutin_kmh": cutin, "gap_m": gap, "lat_speed_mps": lateral}
    result = result_of(**case, driver=driver, accept="no preventable crash")
    assert (result.verdict.outcome, statuses(result)["no_preventable_crash"]) == ("fail", "fail")
    assert result_of(**case, driver="cc").verdict.outcome == "pass"


def test_a_crash_that_nobody_could_avoid_passes_only_where_that_is_accepted() -> None:
    strict, fair = (result_of(gap_m=20, accept=accept) for accept in ("no crash", "no preventable crash"))
    assert (strict.verdict.outcome, metric(strict, "crash"), metric(strict, "careful_crash")) == (
        "fail",
        1.0,
        1.0,
    )
    assert (fair.verdict.outcome, metric(fair, "crash")) == ("pass", 1.0)


def test_the_default_case_is_avoided_with_the_reaction_of_the_regulation() -> None:
    result = result_of(driver="cc")
    assert set(statuses(result).values()) == {"pass"}
    assert metric(result, "least_gap_m") == pytest.approx(2.625, abs=0.001)


# Closing speed at the crash [km/h] of cc, fsm, rss and reg157; 0 where there is none.
FAULTS = {
    "range_bias": (29.3, 0.0, 1.3, 30.0),
    "range_bias_near": (0.0, 0.0, 0.0, 0.0),
    "late_object": (18.6, 0.0, 0.0, 0.0),
    "lost_object": (21.3, 0.0, 0.0, 0.0),
    "stuck_clearance": (30.0, 0.0, 0.0, 0.0),
    "brake_fade": (8.4, 0.0, 0.0, 18.3),
    "late_brakes": (13.1, 0.0, 0.0, 21.4),
}


@pytest.mark.parametrize(("driver", "column"), [(driver, column) for column, driver in enumerate(MODELS)])
def test_each_fault_has_the_verdict_that_the_guide_tells(driver: str, column: int) -> None:
    for name, speeds in FAULTS.items():
        result = result_of(driver=driver, inject=name)
        assert (name, metric(result, "impact_speed_kmh")) == (name, pytest.approx(speeds[column], abs=0.05))
        broken = {requirement for requirement, status in statuses(result).items() if status == "fail"}
        wanted = {"no_crash", "no_preventable_crash"} if speeds[column] else set()
        if driver == "cc" and name in ("brake_fade", "late_brakes"):
            wanted.add("reacts")
        assert (name, broken) == (name, wanted)


# ---- The plant ---------------------------------------------------------------------------------------------


def drive(
    model: str, steps: int, period: str, *outputs: str, start: dict[str, object], **inputs: float
) -> list:
    world = World(period)
    world.add("car", Fmu(model, start=start), isolate=False)
    world.reset()
    for name, value in inputs.items():
        world[f"car.{name}"] = value
    rows = [[world[f"car.{name}"] for name in outputs]]
    for _ in range(steps):
        world.step()
        rows.append([world[f"car.{name}"] for name in outputs])
    return rows


def test_the_cut_in_reaches_its_lateral_speed_at_the_gap_that_is_named() -> None:
    start = {"speed_kmh": 36, "gap": 20, "lateral_speed": 0.9}
    rows = drive("cut_in_vehicle", 60, "100 ms", "x", "y", "sideways", "lead_in", "settled", start=start)
    assert rows[0][3] == pytest.approx(0.6)  # 0.9 m/s at 1.5 m/s^2
    assert [row[2] for row in rows[:8]] == pytest.approx([0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 0.9])
    assert rows[6][:2] == pytest.approx([24.3, 3.5])  # gap and length; clearance and width
    assert rows[0][1] == pytest.approx(3.5 + 0.1 * (0.15 + 0.3 + 0.45 + 0.6 + 0.75))
    assert rows[16][:2] == pytest.approx([34.3, 3.5 - 0.9])
    settled = [row[4] for row in rows]
    assert settled.index(1.0) == 6 + 39  # 3.5 m at 0.9 m/s are 38.9 samples
    assert abs(rows[-1][1]) < 0.09


def test_its_path_does_not_depend_on_the_step() -> None:
    start = {"lateral_speed": 0.7}
    coarse = drive("cut_in_vehicle", 20, "300 ms", "x", "y", start=start)
    fine = drive("cut_in_vehicle", 600, "10 ms", "x", "y", start=start)
    assert [c for row in coarse for c in row] == pytest.approx(
        [c for row in fine[::30] for c in row], abs=1e-9
    )


def test_the_car_stops_as_the_sum_of_its_steps_says() -> None:
    # 10 m/s at 5 m/s^2, in steps of 0.1 s: v h - b h^2 k, k = 1 to 20, which is v^2 / 2b - v h / 2
    rows = drive("alks_ego", 25, "100 ms", "x", "speed", start={"speed_kmh": 36}, deceleration=5.0)
    assert rows[20] == pytest.approx([9.5, 0.0])
    assert rows[-1] == pytest.approx([9.5, 0.0])
    assert drive("alks_ego", 1, "100 ms", "speed", start={"speed_kmh": 36}, deceleration=-3.0)[1] == [10.0]


@pytest.mark.parametrize(
    ("x", "y", "ego_speed", "crash", "decided"),
    [
        (4.2, 1.8, 20.0, 1, 1),  # they overlap both ways
        (4.2, 2.0, 20.0, 0, 0),  # beside each other
        (4.4, 1.8, 20.0, 0, 0),  # behind it, and faster
        (4.4, 1.8, 8.0, 0, 1),  # behind it, and not faster
        (50.0, 3.5, 10.5, 0, 1),  # faster by 0.5 m/s: 45.7 m last 91 s
        (50.0, 3.5, 12.0, 0, 0),  # by 2 m/s: 23 s
        (-4.4, 3.5, 20.0, 0, 1),  # past it
    ],
)
def test_the_judge_decides_when_nothing_can_change_any_more(
    x: float, y: float, ego_speed: float, crash: int, decided: int
) -> None:
    inputs = {"x": x, "y": y, "speed": 10.0, "ego_x": 0.0, "ego_speed": ego_speed}
    found = drive("cut_in_judge", 1, "100 ms", "crash", "decided", start={"horizon": "37 s"}, **inputs)[1]
    # the start values of the inputs, 100 m behind a standing car, are decided at once: so only what is new counts
    assert found[0] == crash
    world = World("100 ms")
    world.add("car", Fmu("cut_in_judge", start=inputs), isolate=False)
    world.reset()
    assert [world["car.crash"], world["car.decided"]] == [crash, decided]
