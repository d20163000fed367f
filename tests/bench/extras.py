"""The cases that are no ring of FMUs: Python plugins, loading, memory, and a cold `crumple run`."""

from __future__ import annotations

import math
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine import Absent
from lane import ENGINES, PEERS, Lane
from ours import Crumple, plugin_reference
from report import Case, Row
from rings import Ring, describe, zip_fmu

if TYPE_CHECKING:
    from engines import Bench

PLUGIN_FIGURE = "a plugin's step over an empty Python call, CPU [ns]"
LOAD_FIGURE = "Crumple, seen before [ms]"
COLD_FIGURE = "crumple run, CPU [s]"
LOADED = 20
"""FMUs loaded one after the other, each a file of its own."""
CROWD = 1000
"""Instances whose memory is compared with that of one."""


def plugin(bench: Bench) -> list[Case]:
    """Ten Python plugins in a ring, two inputs and one output each, beside an empty Python call."""
    ring = bench.ring(10)
    lanes = [Lane("empty-call", ring), Lane("plugin", ring)]
    case = bench.case("plugin", "10 Python plugins, two inputs, one output", lanes, expected=plugin_reference)
    case.figures[PLUGIN_FIGURE] = lanes[1].ns - lanes[0].ns
    return [case]


def different(ring: Ring, count: int) -> list[Ring]:
    """Rings of one unit, each with an archive that no engine has seen."""
    folder = Path(tempfile.mkdtemp(dir=ring.fmu.parent))
    out = []
    for i in range(count):
        text = describe(ring.fmu.stem, ring.token, fmi=ring.fmi, ports=ring.ports, note=f"{folder.name} {i}")
        fmu = zip_fmu(folder / f"{ring.fmu.stem}_{i}.fmu", ring.library, text, fmi=ring.fmi)
        out.append(replace(ring, units=1, fmu=fmu))
    return out


def load(bench: Bench) -> list[Case]:
    """CPU to load, start and step one FMU, at first sight and in a later process: median of the files."""
    case = Case("load", "Loading an FMU: CPU from the file to the first step")
    cache = Path(tempfile.mkdtemp(dir=bench.folder))
    before = os.environ.get("CRUMPLE_CACHE")
    os.environ["CRUMPLE_CACHE"] = str(cache)
    try:
        for engine in ("crumple", *PEERS):
            rings = different(bench.ring(1), LOADED)
            name = ENGINES[engine].name
            for when in ("first sight", "seen before"):
                lane = Lane(engine, rings[0])
                seconds = lane.ask("load", rings)
                lane.close()
                if seconds is None:
                    case.rows.append(Row(name, note=lane.note, failed=lane.failed))
                    break
                case.figures[f"{name}, {when} [ms]"] = statistics.median(seconds) * 1e3
    finally:
        if before is None:
            del os.environ["CRUMPLE_CACHE"]
        else:
            os.environ["CRUMPLE_CACHE"] = before
    return [case]


def memory(bench: Bench) -> list[Case]:
    """Resident memory of one instance more: what a crowd takes less what one takes, per instance."""
    case = Case("memory", f"Memory of one instance more (of {CROWD:,} lags, FMI 2)")
    for engine in ("bare", "crumple", *PEERS):
        lanes = [Lane(engine, bench.ring(units)) for units in (1, CROWD)]
        costs = [lane.build() for lane in lanes]
        for lane in lanes:
            lane.close()
        held = [cost["memory"] for cost in costs if cost is not None]
        if len(held) < len(lanes):
            case.rows.append(Row(lanes[0].label, note=lanes[0].note, failed=lanes[0].failed))
        elif held[-1] > 0:
            case.figures[f"{ENGINES[engine].name} [KiB]"] = (held[-1] - held[0]) / (CROWD - 1) / 1024
    return [case]


SCENE = """crumple = 1
title = "two lags"

[clock]
period = "1 ms"
stop = "1 s"

[units.one]
fmu = "{fmu}"
start = {{ x0 = 1.0 }}

[units.two]
fmu = "{fmu}"
start = {{ x0 = 2.0 }}

[connect]
"one.u" = "two.y"
"two.u" = "one.y"

[requirements.bounded]
signal = "one.y"
max = 10.0
"""


def cold(bench: Bench) -> list[Case]:
    """CPU of the whole command for 1,000 ticks of two lags: least of the rounds but the first."""
    case = Case("cold", "`crumple run` of a small scene: two lags, 1,000 ticks")
    try:
        Crumple.prepare()
    except Absent as absent:
        case.rows.append(Row("Crumple", note=str(absent)))
        return [case]
    ring = bench.ring(2)
    with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
        scene = Path(folder) / "lags.toml"
        scene.write_text(SCENE.format(fmu=ring.fmu.as_posix()), encoding="utf-8")
        script = Path(sys.executable).with_name("crumple")
        program = [str(script)] if script.exists() else [shutil.which("crumple") or "crumple"]
        empty = least_cpu([sys.executable, "-c", "pass"], folder, rounds=5)
        command = [*program, "run", str(scene), "--out", str(Path(folder) / "out")]
        seconds = least_cpu(command, folder, rounds=min(bench.rounds, 7))
    if isinstance(seconds, str) or isinstance(empty, str):
        case.rows.append(Row("Crumple", note=str(seconds), failed=True))
        return [case]
    case.figures[COLD_FIGURE] = seconds
    case.figures["python -c pass, CPU [s]"] = empty
    return [case]


def least_cpu(command: list[str], folder: str, *, rounds: int) -> float | str:
    """Least CPU [s] of a command that must end with code 0; its words where it does not."""
    least = math.inf
    for _ in range(rounds + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            words = (done.stderr.strip() or done.stdout.strip()).splitlines()
            return f"{' '.join(command)} ended with code {done.returncode}: {words[-1] if words else ''}"
        least = min(least, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return least
