"""What `cut_in` matches: published verdicts of four driver models."""

from __future__ import annotations

import csv
import random

from matches import REFERENCE, Figure

MODELS = {
    "cc": ("CC_human_driver_crash", "competent and careful driver"),
    "fsm": ("FSM_crash", "fuzzy safety model"),
    "rss": ("RSS_crash", "responsibility-sensitive safety"),
    "reg157": ("Reg157_crash", "paragraph 5.2.5.2"),
}
CASE = ("ego_kmh", "cutin_kmh", "gap_m", "lat_speed_mps")
SAMPLE = 250  # cases of each model; tests/bench/cut_in.py runs all 15,930


def figures() -> list[Figure]:
    """Verdicts of a sample of the published low-speed grid, by model. Raises OSError where the table is not there."""
    from crumple.cases_run import Options, Runner

    with (REFERENCE / "r157_cutin_low.csv").open(newline="") as file:
        rows = random.Random(0).sample(list(csv.DictReader(file)), SAMPLE)
    runner = Runner(Options(scene="cut_in"))
    found = []
    for model, (column, name) in MODELS.items():
        ours, theirs, differ = 0, 0, 0
        for row in rows:
            outcome = runner.run({**{key: float(row[key]) for key in CASE}, "driver": model})
            [crash] = [metric.value for metric in outcome.metrics if metric.name == "crash"]
            ours += crash == 1.0
            theirs += int(row[column])
            differ += (crash == 1.0) != (row[column] == "1")
        found.append(
            Figure(
                what=f"UN R157 cut-ins, {name}: crashes among {SAMPLE} cases drawn at random",
                published=f"{theirs}",
                source="JRC-FSM, low-speed grid",
                ours=f"{ours}",
                off=f"{differ} verdicts differ",
            )
        )
    return found
