"""The scene `cut_in` over whole grids: python tests/bench/cut_in.py [--grid low|high] [--rate 10|100] [--jobs 2].

Runs every case of the grid for all four driver models by `crumple cases`, compares the verdicts of the low-speed grid
with the published ones (r157_cutin_low.csv in ../shared/data, or in the folder that CRUMPLE_REFERENCE_DATA names), and
prints a table. Exits with 1 if more than 0.2 % of a model's verdicts differ at 10 Hz, or 1 % at 100 Hz.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

MODELS = {"cc": "CC_human_driver_crash", "fsm": "FSM_crash", "rss": "RSS_crash", "reg157": "Reg157_crash"}
COLUMNS = ("ego_kmh", "cutin_kmh", "gap_m", "lat_speed_mps")
MOST = {10: 0.002, 100: 0.01}  # share of verdicts that may differ
REFERENCE = Path(os.environ.get("CRUMPLE_REFERENCE_DATA", Path(__file__).parents[3] / "shared" / "data"))

Case = tuple[str, str, str, str]


def published() -> dict[Case, dict[str, int]]:
    """Verdicts of the low-speed grid by case and model."""
    with (REFERENCE / "r157_cutin_low.csv").open(newline="") as file:
        return {
            (row["ego_kmh"], row["cutin_kmh"], row["gap_m"], row["lat_speed_mps"]): {
                model: int(row[column]) for model, column in MODELS.items()
            }
            for row in csv.DictReader(file)
        }


def high_grid() -> Iterator[Case]:
    """The cases of the published grid at high speed."""
    for ego in (70, 90, 110, 130):
        for cutin in range(10, ego, 30):
            for gap in range(1, 120, 2):
                for tenth in range(18):
                    yield str(ego), str(cutin), str(gap), f"{tenth / 10}"


def run_cases(cases: list[Case], *, rate: int, jobs: int) -> tuple[dict[Case, dict[str, int]], float]:
    """Crash or not by case and model, and the wall time that it took [s]."""
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "cases.csv", Path(folder) / "results.csv"
        with given.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*COLUMNS, "driver", "rate_hz"])
            writer.writerows([*case, model, rate] for model in MODELS for case in cases)
        start = time.perf_counter()
        command = [sys.executable, "-m", "crumple", "cases", "cut_in", str(given), "--out", str(found)]
        subprocess.run([*command, "--jobs", str(jobs)], cwd=folder, check=False)
        took = time.perf_counter() - start
        crashed: dict[Case, dict[str, int]] = {case: {} for case in cases}
        with found.open(newline="") as file:
            for row in csv.DictReader(file):
                case = (row["ego_kmh"], row["cutin_kmh"], row["gap_m"], row["lat_speed_mps"])
                crashed[case][row["driver"]] = round(float(row["crash"]))
    return crashed, took


def main() -> int:
    """Runs and prints; the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--grid", choices=["low", "high"], default="low")
    parser.add_argument("--rate", type=int, choices=[10, 100], default=10, help="steps a second")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--every", type=int, default=1, help="only every so many-th case")
    asked = parser.parse_args()
    expected = published() if asked.grid == "low" else {}
    cases = list(expected) if expected else list(high_grid())
    cases = cases[:: asked.every]
    crashed, took = run_cases(cases, rate=asked.rate, jobs=asked.jobs)
    runs = len(cases) * len(MODELS)
    print(f"{asked.grid} speed, {asked.rate} Hz: {len(cases):,} cases, {runs:,} runs in {took:.1f} s")
    print("| model | crashes | share | differ | share |" if expected else "| model | crashes | share |")
    print("|---|---:|---:|---:|---:|" if expected else "|---|---:|---:|")
    wrong = False
    for model in MODELS:
        crashes = sum(crashed[case][model] for case in cases)
        line = f"| `{model}` | {crashes:,} | {crashes / len(cases):.3%} |"
        if expected:
            differ = sum(crashed[case][model] != expected[case][model] for case in cases)
            line += f" {differ:,} | {differ / len(cases):.3%} |"
            wrong |= differ > MOST[asked.rate] * len(cases)
        print(line)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
