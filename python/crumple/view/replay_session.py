"""A run that has ended, or was killed, read from its folder."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from crumple import wording
from crumple.errors import CrumpleError
from crumple.requirement_result import RequirementResult
from crumple.result import Result, open_run
from crumple.view import figures
from crumple.view.happenings import (
    Faults,
    broken,
    input_rows,
    moments,
    reached_units,
    read_commands,
    silent_stretches,
    told,
)
from crumple.view.recorded import Recorded
from crumple.view.requirement_rows import RequirementRows
from crumple.view.run_facts import RunFacts, timing_of
from crumple.view.session import Band, Event, FaultRow, InputRow, Numbers, RequirementRow, Silence, TimingRow


class ReplaySession:
    """See `crumple.view.session.Session`. Raises CrumpleError where the folder holds no run, or a damaged one."""

    mode: Literal["replay", "live"] = "replay"

    def __init__(self, folder: Path, *, still: bool = False) -> None:
        self.folder = folder
        self.facts = facts = RunFacts(folder)
        self.result: Result = open_run(folder)
        self.recorded = Recorded(folder, facts.signals, still=still)
        self.name = facts.name
        self.title = self.result.title
        self.scene_view = facts.view
        self.period, self.start, self.horizon, self.ticks = (
            facts.period,
            facts.start,
            facts.horizon,
            facts.ticks,
        )
        self.seed = facts.seed
        self.digest = self.result.digest
        self.units, self.fmus = facts.units, facts.fmus
        # those in a worker process are the ones without a clean certificate
        fmus = facts.fmu_names
        self.certified = sum(name not in self.result.isolated for name in fmus) if self.result.digest else 0
        self.si: Mapping[str, str | None] = facts.si_by_name()
        self.rows = RequirementRows(
            self.recorded,
            facts.requirements,
            self.results(),
            period=self.period,
            start=self.start,
            horizon=facts.horizon,
            si_of=facts.si,
        )
        if self.result.ended in (
            "end_when",
            "decided",
        ):  # it ended where the scene wants it to: nothing is missing
            self.horizon, self.ticks = self.end(), self.result.tick
        self.speed = 1.0  # at which it is shown; the viewer's, not the run's
        self.remark = ""
        self._commands = read_commands(folder)
        self._faults = Faults(
            facts.faults, period=self.period, start=self.start, time=figures.time_text, si_of=facts.si
        )
        with suppress(CrumpleError):  # the list of events is damaged; the run is not
            self._faults.hear(self.result.events)
        self._events: list[Event] | None = None
        self._silences: list[Silence] | None = None
        wall = self.result.wall
        ratio = (self.end() - self.start) / wall if wall else math.nan
        pace = facts.pace if self.result.state == "cut_off" else None
        self._timing = timing_of(folder, budget=self.period, ratio=ratio, pace=pace)

    def end(self) -> float:
        """Time of the last row [s]."""
        return self.start if self.recorded.last is None else self.recorded.last

    def names(self) -> Sequence[str]:
        """All recorded single numbers."""
        return self.recorded.names()

    def series(self, name: str) -> tuple[Numbers, Numbers]:
        """As recorded."""
        return self.recorded.series(name)

    def value(self, name: str, t: float) -> float | None:
        """At t [s]."""
        return self.recorded.value(name, t)

    def requirements(self, t: float) -> Sequence[RequirementRow]:
        """At t [s]; at the end of the run, as its verdict says. Where it broke off, what was open then stays open."""
        last = t >= self.end() - self.period / 2
        ended = self.result.state == "ended"
        return self.rows.at(t, over=last and ended, blind=last and not ended)

    def results(self) -> list[RequirementResult]:
        """Of all requirements, also of a run that was cut off before it judged any."""
        judged = {result.name: result for result in self.result.requirements}
        if judged:
            return list(judged.values())
        return self.facts.unjudged()

    def faults(self, t: float) -> Sequence[FaultRow]:
        """At t [s]."""
        return self._faults.rows(t, self._commands)

    def inputs(self, t: float) -> Sequence[InputRow]:
        """At t [s], from the stamps that were recorded."""
        return input_rows(self.facts.sensors, self.value, t)

    def timing(self, t: float) -> TimingRow | None:
        """Of the whole run; where it was cut off, of what was seen of it last."""
        return self._timing

    def seen(self, timing: TimingRow | None) -> None:
        """What a viewer saw of the timing of a run that was cut off before it wrote down its own."""
        if timing is not None and len(timing.step) and self._timing.note:
            said = figures.count(len(timing.step), "tick")
            self._timing = dataclasses.replace(timing, note=f"last {said} seen")

    def events(self) -> Sequence[Event]:
        """All of the run."""
        if self._events is None:
            named = moments(
                self.scene_view.get("events"),
                self.recorded.until(self.end()),
                period=self.period,
                start=self.start,
                si_of=self.facts.si,
                open_end=self.end() < self.horizon - self.period / 2,
            )
            found = [*named, *self._faults.events(self._commands), *broken(self.result.requirements)]
            with suppress(CrumpleError):  # the list of events is damaged; the run is not
                found += told(self.result.events)
            if self.result.verdict == "error":
                found.append(Event(t=self.end(), name="error", kind="error"))
            self._events = sorted(found, key=lambda event: event.t)
        return self._events

    def silences(self) -> Sequence[Silence]:
        """All of the run."""
        if self._silences is None:
            reached = reached_units(self.facts.connections)
            self._silences = silent_stretches(self.facts.sensors, self.recorded, reached)
        return self._silences

    def bands(self, t: float) -> Sequence[Band]:
        """Of the whole run."""
        return bands_of(self.result.requirements)

    def looked_at(self) -> Mapping[str, tuple[str, tuple[str, ...]]]:
        """Of the requirements that apply."""
        return {r.name: (r.what, r.signals) for r in self.results() if r.status != "not_applicable"}

    def verdict(self) -> tuple[str, str]:
        """The run's own, whatever moment is shown."""
        result = self.result
        if result.state == "running":
            return "undecided", result.reason
        if result.verdict == "pass":
            held = sum(r.status == "pass" for r in result.requirements)
            return "pass", f"{held} of {held} held over the whole {wording.time(self.horizon - self.start)}"
        reason = result.reasons[0] if result.reasons else ""
        return result.verdict, reason

    def note(self) -> str:
        """What the viewer has to say."""
        return self.remark

    def chip(self) -> str:
        """With the speed that it is shown at."""
        from crumple.view.panels.timeline import speed_text

        return f"Replay {speed_text(self.speed)}"


def bands_of(results: Iterable[RequirementResult]) -> list[Band]:
    """Windows that gave a requirement its value."""
    return [
        Band(
            requirement=r.name,
            signals=r.signals,
            text=f"{r.title} window",
            since=r.worst[0],
            until=r.worst[1],
        )
        for r in results
        if r.worst is not None and r.worst[0] < r.worst[1]
    ]


def failed_sentence(rows: Sequence[RequirementRow]) -> str:
    """ "no_propagation failed at 5:40": of the requirement that failed first; "" where none did."""
    failed = [row for row in rows if row.state == "fail"]
    if not failed:
        return ""
    first = min(failed, key=lambda row: math.inf if row.decided is None else row.decided)
    return f"{first.name} failed" + (
        "" if first.decided is None else f" at {figures.time_text(first.decided)}"
    )
