"""What is to be recorded, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from crumple.scene.clock import TimeError, every_of
from crumple.scene.connections import Exposed, Units, find_output
from crumple.scene.document import Document
from crumple.scene.plan import RecordGroup
from crumple.scene.ports import PortError
from crumple.scene.text import did_you_mean, listed, matches

if TYPE_CHECKING:
    from crumple.scene.lines import Path


def plan_recording(
    document: Document, units: Units, exposed: Exposed, period: Fraction | None, *, required: tuple[str, ...]
) -> list[RecordGroup]:
    """One group for each rate, the finest first.

    required: signals that requirements look at, which are recorded at every communication point in any case.
    """
    record = document.tree.get("record", {})
    tables = (
        [(("record", i), t) for i, t in enumerate(record)]
        if isinstance(record, list)
        else [(("record",), record)]
    )
    by_rate: dict[int, list[str]] = {}
    for path, table in tables:
        wanted = _signals(document, path, table, units, exposed)
        every = _every(document, path, table, period)
        by_rate.setdefault(every, []).extend(wanted)
    by_rate.setdefault(1, []).extend(_whole(name, units) for name in required)
    order = {name: index for index, name in enumerate(outputs(units, exposed))}
    groups = []
    for every in sorted(by_rate):
        names = sorted(set(by_rate[every]), key=lambda name: order.get(name, len(order)))
        if names:
            groups.append(RecordGroup(tuple(names), every))
    return groups


def outputs(units: Units, exposed: Exposed) -> list[str]:
    """All outputs as "unit.port", unit by unit: its own, then variables that are shown besides."""
    names: list[str] = []
    for unit, plan in units.items():
        if plan.ports is not None:
            ports = [*plan.ports.output_names(), *plan.expose, *exposed.names.get(unit, ())]
            names += [f"{unit}.{port}" for port in dict.fromkeys(ports)]
    return names


def _signals(
    document: Document, path: Path, table: Mapping[str, Any], units: Units, exposed: Exposed
) -> list[str]:
    patterns = table.get("signals", ["*"])
    everything = outputs(units, exposed)
    found: list[str] = []
    for index, pattern in enumerate([patterns] if isinstance(patterns, str) else patterns):
        meant = [name for name in everything if matches(name, pattern)]
        found += meant or _unmatched(
            document,
            (*path, "signals") if isinstance(patterns, str) else (*path, "signals", index),
            pattern,
            units,
            exposed,
        )
    return found


def _unmatched(document: Document, path: Path, pattern: str, units: Units, exposed: Exposed) -> list[str]:
    """A name that is no output: a variable to be shown as one, or a mistake."""
    try:
        if not any(sign in pattern for sign in "*?"):
            port = find_output(pattern, units, exposed)
            return [] if port is None else [f"{pattern.partition('.')[0]}.{port.whole}"]
        everything = outputs(units, exposed)
        faulty = any(
            fault[0] in ("units", "sensors") for fault in document.faulty
        )  # it may mean one of those
        if not faulty and pattern != "*":
            near = did_you_mean(pattern, everything) or f" Outputs: {listed(everything)}."
            document.fault(path, f'no output is called "{pattern}".{near}')
    except PortError as error:
        document.fault(path, str(error))
    return []


def _every(document: Document, path: Path, table: Mapping[str, Any], period: Fraction | None) -> int:
    if "every" in table and "period" in table:
        document.fault((*path, "period"), "is there as well as every; take one out.")
        return 1
    try:
        return 1 if period is None else every_of(table, period)
    except TimeError as error:
        document.fault((*path, "period"), str(error))
        return 1


def _whole(name: str, units: Units) -> str:
    """The port that a signal is, or is an element of."""
    unit = name.partition(".")[0]
    port = find_output(name, units, Exposed())
    return name if port is None else f"{unit}.{port.whole}"
