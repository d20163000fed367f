"""Two runs side by side: where they part, and what that changed."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from crumple import run_folder, wording
from crumple.errors import UsageError
from crumple.replay_compare import Comparison, RequirementChange, compare, requirement_changes
from crumple.requirement_result import value_text
from crumple.result import Result, open_run

_LARGEST = 2**62  # a tick that no run reaches
_MOST_NAMED = 6


@dataclass(frozen=True, slots=True)
class RunComparison:
    """What comparing two runs came to.

    settings: (name, in the first, in the second) of what they were told differently.   recorded: bit by bit.
    """

    was: Result
    now: Result
    recorded: Comparison
    changes: list[RequirementChange]
    settings: list[tuple[str, str, str]]

    @property
    def same(self) -> bool:
        """Whether all that both recorded is the same, bit for bit, and both went equally far."""
        return self.recorded.first is None and not self.recorded.only and self.was.tick == self.now.tick

    def outcome(self) -> str:
        """One sentence."""
        seen = f"{self.recorded.signals:,} signals, {self.recorded.rows:,} rows"
        first = self.recorded.first
        if self.same:
            return f"the same bits: {seen}, digest {self.was.digest or 'none'}"
        if first is None:
            return f"where both recorded something it is the same ({seen}), and one has more"
        was, now = (_shown(value) for value in (first.was, first.now))
        where = f"tick {first.tick:,} (t = {wording.time(first.t)})"
        return f"the first difference is at {where}: {first.signal} is {was} and {now}"

    def facts(self) -> list[tuple[str, str]]:
        """What else is different, each with a label."""
        rows = [("verdicts", f"{self.was.verdict} and {self.now.verdict}")]
        rows += [(name, f"{was} and {now}") for name, was, now in self.settings]
        if self.was.tick != self.now.tick:
            rows.append(("ticks", f"{self.was.tick:,} and {self.now.tick:,}"))
        if self.recorded.only:
            named = ", ".join(self.recorded.only[:_MOST_NAMED])
            more = len(self.recorded.only) - _MOST_NAMED
            rows.append(("in one only", named + (f" and {more} more" if more > 0 else "")))
        return rows

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        first = self.recorded.first
        return {
            "same": self.same,
            "runs": [str(self.was.folder), str(self.now.folder)],
            "verdicts": [self.was.verdict, self.now.verdict],
            "digests": [self.was.digest, self.now.digest],
            "first_difference": None
            if first is None
            else {"tick": first.tick, "t": first.t, "signal": first.signal, "values": [first.was, first.now]},
            "only_in_one": list(self.recorded.only),
            "settings": [{"name": name, "values": [was, now]} for name, was, now in self.settings],
            "requirements": [
                {
                    "name": each.name,
                    "status": [None if r is None else r.status for r in (each.was, each.now)],
                    "value": [None if r is None else value_text(r) for r in (each.was, each.now)],
                }
                for each in self.changes
            ],
        }


def compare_runs(was: Path, now: Path) -> RunComparison:
    """Compare two runs by their folders.

    Raises CrumpleError where one is no run or is damaged, and where their clocks differ, so that no tick of the one
    is a tick of the other.
    """
    first, second = open_run(was), open_run(now)
    written = [run_folder.read_json(each.folder, run_folder.MANIFEST) for each in (first, second)]
    clocks = [tuple(str(m.get(key)) for key in ("period", "start")) for m in written]
    if clocks[0] != clocks[1]:
        steps = [wording.time(float(Fraction(period))) for period, _ in clocks]
        raise UsageError(
            f"these runs have no ticks in common: their periods are {steps[0]} and {steps[1]}, and they start at "
            f"{clocks[0][1]} s and {clocks[1][1]} s."
        )
    recorded = compare(
        first.signals,
        second.signals,
        start=Fraction(clocks[0][1]),
        period=Fraction(clocks[0][0]),
        last=_LARGEST,
    )
    return RunComparison(
        was=first,
        now=second,
        recorded=recorded,
        changes=requirement_changes(first.requirements, second.requirements),
        settings=_settings(*written),
    )


def _settings(was: dict[str, Any], now: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What the two were told differently: parameters, values of units, seed, scene, models."""
    told: list[dict[str, str]] = []
    for manifest in (was, now):
        values = {"scene": str(manifest.get("scene")), "seed": str(manifest.get("seed"))}
        values |= {str(k): str(v) for k, v in manifest.get("parameters", {}).items()}
        for name, unit in manifest.get("units", {}).items():
            values[f"model of {name}"] = f"{unit.get('model')} {str(unit.get('sha256', ''))[:8]}"
            values |= {f"{name}.{k}": str(v) for k, v in unit.get("values", {}).items()}
        told.append(values)
    names = [*told[0], *(name for name in told[1] if name not in told[0])]
    pairs = [(name, told[0].get(name, "not set"), told[1].get(name, "not set")) for name in names]
    return [pair for pair in pairs if pair[1] != pair[2]]


def _shown(value: float | str | None) -> str:
    if value is None:
        return "not there"
    return value if isinstance(value, str) else f"{value:.17g}"
