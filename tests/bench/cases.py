"""What a case of a campaign costs: python tests/bench/cases.py [--scene NAME] [--cases 400] [--jobs N].

First in this process, with CPU time by part (setting the world, stepping, judging) and the digest of all digests; then
through worker processes, all in. The same cases as single runs give the same digests, of which some are tried.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import crumple
from crumple.campaign import Campaign, jobs_of, run_to_file
from crumple.cases_run import Runner

GRIDS: dict[str, dict[str, list[Any]]] = {
    "cut_in": {
        "driver": ["cc", "fsm", "rss", "reg157"],
        "ego_kmh": [20, 40, 60],
        "cutin_kmh": [10, 30, 50],
        "gap_m": list(range(1, 60, 6)),
        "lat_speed_mps": [0.3, 0.9, 1.5],
    },
    "frontal_barrier": {"speed": list(range(8, 72, 8)), "mass": [1400, 1719, 2000]},
}
TRIED = 3  # cases that are also run by themselves


def grid(scene: str, most: int) -> list[dict[str, Any]]:
    """Cases out of the whole grid, evenly."""
    names = list(GRIDS[scene])
    every = [dict(zip(names, values, strict=True)) for values in itertools.product(*GRIDS[scene].values())]
    return every[:: max(1, len(every) // most)][:most]


def timed(campaign: Campaign, runner: Runner) -> Iterator[tuple[float, str]]:
    """CPU time [s] and digest of each case."""
    for row in campaign.cases.rows:
        began = time.process_time()
        outcome = runner.run(row.given)
        yield time.process_time() - began, outcome.digest


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scene", default="cut_in", choices=GRIDS)
    parser.add_argument("--cases", type=int, default=400)
    parser.add_argument("--jobs", type=int, default=None)
    asked = parser.parse_args()
    rows = grid(asked.scene, asked.cases)
    campaign = Campaign(asked.scene, rows)
    runner = Runner(campaign.options)
    list(itertools.islice(timed(campaign, runner), 20))  # worlds are built, values are read
    found = list(timed(campaign, runner))
    digest = hashlib.sha256("".join(each for _, each in found).encode()).hexdigest()[:16]
    for row in campaign.cases.rows[:TRIED]:
        with tempfile.TemporaryDirectory() as folder:
            alone = crumple.run(asked.scene, set=row.given, out=folder)
        assert alone.digest == runner.run(row.given).digest, f"{row.given}: a run gives another digest"
    spent = [cpu for cpu, _ in found]
    jobs = jobs_of(asked.jobs)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        run_to_file(campaign, Path(folder) / "results.csv", jobs=jobs)
        wall = time.perf_counter() - began
    print(
        f"{asked.scene}, {len(rows)} cases, {os.cpu_count()} cores, {platform.processor() or platform.machine()}"
    )
    print(
        f"  in one process      {statistics.median(spent) * 1e3:.2f} ms of CPU a case (median),"
        f" {sum(spent):.1f} s in all"
    )
    print(f"  {jobs} processes, all in  {wall / len(rows) * 1e3:.2f} ms of wall a case, {wall:.1f} s in all")
    print(f"  digest of digests   {digest}")


if __name__ == "__main__":
    main()
