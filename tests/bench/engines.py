"""Crumple beside a bare C loop, FMPy, Ecos and libcosim, measured in one run.

    python tests/bench/engines.py [--json FILE] [--quick] [--only NAME,NAME] [--rounds N]

Every engine runs in a process of its own; those of a case are measured in turn for many short rounds, and the
least round counts: on a shared machine it is the one that was disturbed least. Before and after, all outputs
of every engine are held against a reference computed in numpy, bit for bit; a wrong value fails the benchmark
(exit code 1). Missed targets are shown, and fail nothing.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import extras
import numpy as np
import report
from bare import Bare
from lane import PEERS, Lane
from report import Case, Target
from rings import GOLDEN, VERIFY, NotBuilt, Ring, build_ring, digest, disagreement, reference

BUSY_NS = 35_000.0
"""What a busy unit works for in one step [ns]."""
PART_NS = 1e6
"""Aimed at for one part of a round [ns]: short, as a shared machine is quiet for milliseconds at a time."""
PARTS = 12
"""Parts of a round, of which the least counts."""

RECORDING = "Crumple, recording over not recording, wall time"

Expected = Callable[[Ring, int], np.ndarray]


class Bench:
    """Settings of a run, and how a case is run."""

    def __init__(self, folder: Path, *, rounds: int, say: Callable[[str], None] = print) -> None:
        self.folder = folder
        self.rounds = rounds
        self.say = say

    def ring(self, units: int, *, fmi: int = 2, ports: int = 1, work: float = 0.0) -> Ring:
        """A ring built into this run's folder."""
        return build_ring(self.folder, units, fmi=fmi, ports=ports, work=work)

    def case(
        self,
        name: str,
        title: str,
        lanes: Sequence[Lane],
        *,
        expected: Expected = reference,
        by_wall: bool = False,
        whole: bool = False,
    ) -> Case:
        """Check, measure and check again. The first lane is what the others are compared with.

        by_wall: wall time counts; processes are then halted while it is not their turn.
        whole: rounds are not cut into parts, as the work of other threads comes in lumps.
        """
        self.say(f"{title} ...")
        try:
            for lane in lanes:
                lane.build()
                if lane.alive:
                    lane.run(VERIFY - lane.steps - lane.kind.looks)
                    self.check(lane, expected)
            sizes = []
            for lane in lanes:
                sizes.append(part_size(lane, whole=whole))
                if by_wall:
                    lane.pause()
            for number in range(self.rounds):
                for turn in range(len(lanes)):
                    at = (turn + number) % len(lanes)
                    if by_wall:
                        lanes[at].resume()
                    if lanes[at].alive:
                        lanes[at].round(*sizes[at])
                    if by_wall:
                        lanes[at].pause()
            for lane in lanes:
                lane.resume()
                self.check(lane, expected)
                lane.own_digest = lane.ask("own_digest") or ""
            return Case(name, title, [report.row_of(lane, lanes[0]) for lane in lanes], by_wall=by_wall)
        finally:
            for lane in lanes:
                lane.close()

    def check(self, lane: Lane, expected: Expected) -> None:
        """Hold all outputs against the reference, and a recording against the outputs.

        A lane that is wrong takes no further part.
        """
        values = lane.outputs()
        if values is None or values.size == 0:
            return
        why = disagreement(values, self.expect(lane, expected), lane.kind.tolerance)
        if lane.steps == VERIFY:
            lane.digest = digest(values)
            golden = GOLDEN.get((lane.ring.units, lane.ring.ports), lane.digest)
            if why is None and expected is reference and lane.digest != golden:
                why = f"the digest is {lane.digest} instead of {golden}"
        elif why is None and lane.record:
            row = lane.ask("recorded")
            off = None if row is None else disagreement(row, values, 0.0)
            why = None if off is None else f"in the last row of its recording {off}"
        if why is not None:
            lane.note, lane.wrong = f"after {lane.steps:,} steps {why}", True

    def expect(self, lane: Lane, expected: Expected) -> np.ndarray:
        """What the outputs must be now. Long runs are left to the bare loop, once numpy has confirmed it."""
        if expected is not reference or lane.steps <= VERIFY:
            return expected(lane.ring, lane.steps)
        ring = lane.ring
        bare = Bare(self.ring(ring.units, fmi=ring.fmi, ports=ring.ports))  # idle: work changes no value
        bare.step(lane.steps)
        values = bare.outputs()
        bare.close()
        return values


def part_size(lane: Lane, *, whole: bool) -> tuple[int, int]:
    """Steps of one part, and parts of one round. Where one step takes longer than a part, fewer parts."""
    part_ns, parts = (PART_NS * PARTS, 1) if whole else (PART_NS, PARTS)
    steps, cpu = 1, 0.0
    while lane.alive and cpu < part_ns / 4:
        steps *= 2
        cpu = lane.run(steps, 3)  # the least of three: one may have been disturbed for long
    if not cpu > 0:
        return 1, 1
    each = cpu / steps
    part = max(1, int(part_ns / each))
    return part, max(1, min(parts, int(parts * part_ns / (each * part))))


def rings(bench: Bench, sizes: Sequence[int], kinds: Sequence[int]) -> list[Case]:
    """Rings of first-order lags, every engine, nothing recorded."""
    cases = []
    for fmi in kinds:
        for units in sizes:
            ring = bench.ring(units, fmi=fmi)
            title = f"{units:,} lag{'s' if units > 1 else ''}, FMI {fmi}"
            lanes = [Lane(engine, ring) for engine in ("bare", "crumple", "crumple-nodigest", *PEERS)]
            cases.append(bench.case(f"ring{units}-fmi{fmi}", title, lanes))
    return cases


def recording(bench: Bench, sizes: Sequence[int]) -> list[Case]:
    """Every output of every step recorded; Crumple and the bare loop also without, in the same rounds."""
    cases = []
    for units in sizes:
        ring = bench.ring(units)
        lanes = [Lane("bare", ring), Lane("bare", ring, record=True), Lane("crumple", ring)]
        lanes += [Lane(engine, ring, record=True) for engine in ("crumple", *PEERS)]
        case = bench.case(f"record{units}", f"{units:,} lags, FMI 2, recording", lanes, whole=True)
        on, off = case.row("Crumple, recording"), case.row("Crumple")
        case.figures["Crumple, recording over not recording, CPU of all threads"] = on.ns / off.ns
        case.figures[RECORDING] = on.wall_ns / off.wall_ns
        cases.append(case)
    return cases


def ports(bench: Bench, kinds: Sequence[int]) -> list[Case]:
    """Ten units of 32 inputs and 32 outputs."""
    cases = []
    for fmi in kinds:
        ring = bench.ring(10, fmi=fmi, ports=32)
        lanes = [Lane(engine, ring) for engine in ("bare", "crumple", *PEERS)]
        title = f"10 units, 32 inputs and 32 outputs each, FMI {fmi}"
        cases.append(bench.case(f"ports32-fmi{fmi}", title, lanes))
    return cases


def busy(bench: Bench) -> list[Case]:
    """Eight units that each work for 35 microseconds a step, on one thread and on two."""
    guess = 10_000.0
    probe = Lane("bare", bench.ring(8, work=guess))
    probe.build()
    for _ in range(20):
        probe.round(2, PARTS)
    probe.close()
    work = guess if math.isnan(probe.ns) else float(round(guess * BUSY_NS / probe.ns))
    ring = bench.ring(8, work=work)
    lanes = [Lane(engine, ring) for engine in ("bare", "crumple", *PEERS)]
    lanes += [Lane(engine, ring, threads=2) for engine in ("bare", "crumple", "ecos", "libcosim")]
    case = bench.case("busy", "8 units of 35 us, FMI 2", lanes, by_wall=True)
    case.figures["cores"] = float(os.cpu_count() or 1)
    for name in ("bare C loop", "Crumple", "Ecos", "libcosim"):
        speed = case.row(name).wall_ns / case.row(f"{name}, 2 threads").wall_ns
        case.figures[f"{name}: speed on two threads over one, wall time"] = speed
    return [case]


def targets(cases: list[Case]) -> list[Target]:
    """What the design asks for, against what was measured."""
    found = {case.name: case for case in cases}

    def case(name: str) -> Case:
        return found.get(name, Case(name, ""))

    def over(name: str, engine: str, base: str = "bare C loop") -> float:
        return case(name).row(engine).ns / case(name).row(base).ns

    def lead(name: str) -> float:
        peers = [case(name).row(peer).ns for peer in ("FMPy", "Ecos", "libcosim")]
        return (
            min((ns for ns in peers if not math.isnan(ns)), default=math.nan) / case(name).row("Crumple").ns
        )

    def figure(name: str, key: str) -> float:
        return case(name).figures.get(key, math.nan)

    out = []
    for units in (100, 1000):
        lags, ring, record = f"{units:,} lags", f"ring{units}-fmi2", f"record{units}"
        recorded = over(record, "Crumple, recording")
        out += [
            Target(f"{lags} over the bare loop", 1.5, over(ring, "Crumple")),
            Target(f"{lags}, recording, over the bare loop without", 2.0, recorded),
            Target(f"{lags}, fastest peer over Crumple", 10.0, lead(ring), at_least=True),
            Target(f"{lags}, recording over not, wall time", 1.2, figure(record, RECORDING)),
        ]
    speed = figure("busy", "Crumple: speed on two threads over one, wall time")
    cold = figure("cold", extras.COLD_FIGURE)
    return [
        *out,
        Target("units of 32 ports over the bare loop", 2.5, over("ports32-fmi2", "Crumple")),
        Target("eight 35 us units, speed on two threads over one", 1.8, speed, at_least=True),
        Target("Python plugin over an empty call", 250.0, figure("plugin", extras.PLUGIN_FIGURE), "ns"),
        Target("load an FMU seen before", 1.0, figure("load", extras.LOAD_FIGURE), "ms"),
        Target("cold `crumple run` of a small scene, CPU", 0.5, cold, "s"),
    ]


NAMES = ("rings", "recording", "ports", "busy", "plugin", "load", "memory", "cold")


def measure(bench: Bench, name: str, *, quick: bool) -> list[Case]:
    """The cases of one name of NAMES."""
    kinds = [2] if quick else [2, 3]
    if name == "rings":
        return rings(bench, [10, 100] if quick else [1, 10, 100, 1000], kinds)
    if name == "recording":
        return recording(bench, [100] if quick else [100, 1000])
    if name == "ports":
        return ports(bench, kinds)
    if name == "busy":
        return busy(bench)
    cases: list[Case] = getattr(extras, name)(bench)
    return cases


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line asks for: 0, or 1 where something failed, or 2 where nothing can run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured to FILE")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, rings of 10 and 100, FMI 2")
    parser.add_argument("--only", metavar="NAME,...", default=",".join(NAMES), help=", ".join(NAMES))
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds per case (40, quick 12)")
    chosen = parser.parse_args(arguments)
    wanted = [name.strip() for name in chosen.only.split(",")]
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        parser.error(f"there is no case {unknown[0]!r}, only: {', '.join(NAMES)}")
    rounds = max(1, chosen.rounds or (12 if chosen.quick else 40))
    found = report.machine()
    line = report.machine_line(found)
    print(line, flush=True)
    cases: list[Case] = []
    with tempfile.TemporaryDirectory(prefix="crumple-bench-") as folder:
        bench = Bench(Path(folder), rounds=rounds, say=lambda text: print(text, file=sys.stderr))
        try:
            for name in (name for name in NAMES if name in wanted):
                for case in measure(bench, name, quick=chosen.quick):
                    cases.append(case)
                    print("\n" + report.case_text(case), flush=True)
        except NotBuilt as error:
            print(f"the benchmark cannot build its FMUs: {error}", file=sys.stderr)
            return 2
    every = set(wanted) == set(NAMES)
    aims = [target for target in targets(cases) if every or target.met is not None]
    print(report.summary_text(cases) + "\n\n" + report.targets_text(aims) + "\n")
    named = [f"{engine} {version}" for engine, version in report.versions(cases).items()]
    print("; ".join([line, *named, f"least of {rounds} rounds"]))
    settings = {"rounds": rounds, "quick": chosen.quick, "only": wanted}
    whole = report.as_json(found, cases, aims, settings)
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    for text in whole["failed"]:
        print(f"FAILED: {text}", file=sys.stderr)
    return 1 if whole["failed"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
