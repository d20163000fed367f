"""Tables and JSON of a benchmark run."""

from __future__ import annotations

import math
import os
import platform
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lane import Lane
from rings import HERE, VERIFY

COLUMNS = ("bare C loop", "Crumple", "libcosim", "Ecos", "FMPy")
"""Engines of the summary, in its order."""


@dataclass
class Row:
    """One engine in one case."""

    engine: str
    variant: str = ""  # recording, or on threads
    ns: float = math.nan  # CPU per unit and step, least of the rounds [ns]
    wall_ns: float = math.nan  # the same in wall time [ns]
    ratio: float = math.nan  # ns over that of the first row of the case [1]
    paired: float = math.nan  # median over the rounds of the same ratio within a round [1]
    spread: float = math.nan  # median of the rounds over the least [1]
    rounds: int = 0
    steps: int = 0  # after which its outputs were checked for the last time
    digest: str = ""  # of all outputs at the first check
    own_digest: str = ""  # what the engine itself calls the digest of its run
    failed: bool = False  # wrong values, or an engine of ours that broke
    note: str = ""
    version: str = ""

    @property
    def label(self) -> str:
        """Name and variant."""
        return ", ".join(part for part in (self.engine, self.variant) if part)


@dataclass
class Case:
    """One case: its rows, the one to compare with first, and figures that are not per unit and step."""

    name: str
    title: str
    rows: list[Row] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)
    by_wall: bool = False  # wall time counts here, as threads are compared

    def row(self, label: str) -> Row:
        """The row with that label; an empty one where it took no part."""
        return next((row for row in self.rows if row.label == label), Row(label))


@dataclass
class Target:
    """What is asked of Crumple, and what was measured."""

    name: str
    limit: float
    value: float
    si: str = ""
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        """None where it was not measured."""
        if math.isnan(self.value):
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def row_of(lane: Lane, base: Lane) -> Row:
    """What a lane measured, against the lane `base`."""
    return Row(
        engine=lane.kind.name,
        variant=lane.variant,
        ns=lane.ns,
        wall_ns=lane.wall_ns,
        ratio=lane.ns / base.ns,
        paired=lane.paired(base),
        spread=lane.spread,
        rounds=len(lane.cpu),
        steps=lane.steps,
        digest=lane.digest,
        own_digest=lane.own_digest,
        failed=lane.failed,
        note=lane.note,
        version=lane.version,
    )


def number(value: float) -> str:
    """Three digits that matter; a dash for what was not measured."""
    if math.isnan(value):
        return "-"
    places = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:,.{min(places, 2)}f}"


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A markdown table, aligned to be read as text too. The first column is text, the others are numbers."""
    widths = [max(len(line[i]) for line in [heads, *rows]) for i in range(len(heads))]

    def line(cells: list[str]) -> str:
        padded = [cells[0].ljust(widths[0])]
        padded += [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        return "| " + " | ".join(padded) + " |"

    rule = ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]]
    return "\n".join([line(heads), line(rule), *[line(row) for row in rows]])


def case_text(case: Case) -> str:
    """Heading, table, figures and notes of a case."""
    lines = [f"### {case.title}", ""]
    measured = [row for row in case.rows if row.rounds]
    if measured:
        base = measured[0].label
        heads = ["engine", "CPU ns", "wall ns", f"x {base}", "x, paired", "median/least"]
        heads += [f"digest at {VERIFY}", "right until step"]
        cells = [
            [
                row.label,
                *map(number, (row.ns, row.wall_ns, row.ratio, row.paired, row.spread)),
                row.digest,
                "WRONG" if row.failed else f"{row.steps:,}",
            ]
            for row in measured
        ]
        lines += [table(heads, cells), ""]
    lines += [f"- {name}: {number(value)}" for name, value in case.figures.items()]
    lines += [f"- {row.label}: {'FAILED: ' if row.failed else ''}{row.note}" for row in case.rows if row.note]
    return "\n".join(lines) + "\n"


def summary_text(cases: list[Case]) -> str:
    """Time per unit and step of every engine in every ring, in one table: the one for the README."""
    rows = []
    for case in cases:
        variants = list(dict.fromkeys(row.variant for row in case.rows if row.rounds))
        if "recording" in variants:  # without it, they are in the ring's own case
            variants = ["recording"]
        for variant in variants:
            found = {row.engine: row for row in case.rows if row.variant == variant and row.rounds}
            if "bare C loop" not in found:
                continue
            cells = []
            for engine in COLUMNS:
                row = found.get(engine, Row(engine))
                ns = row.wall_ns if case.by_wall else row.ns
                base = case.rows[0].wall_ns if case.by_wall else case.rows[0].ns
                cells.append("-" if math.isnan(ns) else f"{number(ns)} ({number(ns / base)})")
            title = case.title if variant in case.title else f"{case.title}, {variant}"
            rows.append([title + (", wall time" if case.by_wall else ""), *cells])
    heads = ["ns per unit and step (x the bare loop, not recording, on one thread)", *COLUMNS]
    return table(heads, rows) if rows else ""


def targets_text(targets: list[Target]) -> str:
    """The targets, met or not."""
    words = {True: "met", False: "MISSED", None: "not measured"}
    rows = [
        [t.name, f"{'>=' if t.at_least else '<='} {t.limit:g} {t.si}".strip(), number(t.value), words[t.met]]
        for t in targets
    ]
    return table(["target", "limit", "measured", ""], rows) if rows else ""


def first_line(*command: str) -> str:
    """First line that a command prints; empty where it cannot be run or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return (done.stdout.splitlines() or [""])[0] if done.returncode == 0 else ""


def machine() -> dict[str, Any]:
    """What ran it."""
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    git = ("git", "--no-optional-locks", "-C", str(HERE))
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "compiler": first_line(os.environ.get("CC", "cc"), "--version") or "no C compiler",
        "load": [round(load, 2) for load in os.getloadavg()] if hasattr(os, "getloadavg") else [],
        "commit": first_line(*git, "rev-parse", "--short=12", "HEAD"),
        "changed": bool(first_line(*git, "status", "--porcelain", "--untracked-files=no")),
    }


def machine_line(found: dict[str, Any]) -> str:
    """One line of it."""
    load = f", load {found['load'][0]:.1f}" if found["load"] else ""
    commit = f"commit {found['commit']}" if found["commit"] else "no commit"
    return (
        f"{found['cpu']}, {found['cores']} cores{load}, {found['system']}, Python {found['python']}, "
        f"{found['compiler']}, {commit}{' with changes' if found['changed'] else ''}"
    )


def versions(cases: list[Case]) -> dict[str, str]:
    """Engines and the versions of their packages."""
    rows = [row for case in cases for row in case.rows if row.version and row.engine in COLUMNS]
    return {row.engine: row.version for row in rows}


def as_json(
    found: dict[str, Any], cases: list[Case], targets: list[Target], settings: dict[str, Any]
) -> dict[str, Any]:
    """The whole run; what was not measured becomes null."""

    def clean(value: Any) -> Any:
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        if isinstance(value, dict):
            return {key: clean(item) for key, item in value.items()}
        return [clean(item) for item in value] if isinstance(value, list) else value

    whole = {
        "machine": found,
        "settings": settings,
        "versions": versions(cases),
        "failed": [
            f"{case.title}: {row.label}: {row.note}" for case in cases for row in case.rows if row.failed
        ],
        "cases": [asdict(case) for case in cases],
        "targets": [asdict(target) | {"met": target.met} for target in targets],
    }
    cleaned: dict[str, Any] = clean(whole)
    return cleaned
