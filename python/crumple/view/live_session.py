"""A run that goes on, seen from outside: its newest frame, and its recording, which grows.

What is shown is one publication late: between the last two frames, never beyond the last. Whatever becomes of the
run, the last that was seen of it stays.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from crumple import run_folder, wording
from crumple.errors import CrumpleError
from crumple.live.plan import STATES
from crumple.result import open_run
from crumple.view.happenings import (
    Faults,
    input_rows,
    moments,
    reached_units,
    read_commands,
    refusal,
    silent_stretches,
)
from crumple.view.recorded import Recorded
from crumple.view.requirement_rows import RequirementRows
from crumple.view.run_facts import NOTES, RunFacts
from crumple.view.session import (
    Band,
    Event,
    FaultRow,
    InputRow,
    Numbers,
    RequirementRow,
    Silence,
    TimingRow,
)

if TYPE_CHECKING:
    from crumple.live.monitor import Frame

_LOOK = 0.05  # [s] of wall time between two looks at the recording
_LOOK_ALIVE = 0.5  # and at whether the run's process is alive
_LOOK_EVENTS = 0.25  # and at what happened
_SLOWEST = 0.25  # [s] two frames further apart than this are not moved between: the run stood still


class Source(Protocol):
    """What is needed of `crumple.live.monitor.Monitor`."""

    names: list[str]

    @property
    def status(self) -> str:
        """Also before there is a frame."""

    def frame(self) -> Frame | None:
        """The newest frame; None where there is none."""

    def send(self, do: str, **args: Any) -> None:
        """Ask the core for something."""


class LiveSession:
    """See `crumple.view.session.Session`. `update` takes up what is new, once a frame of the viewer.

    source: of frames; None where there is none, and the recording alone is followed.
    clock: wall time [s], for tests.   Raises CrumpleError where the folder holds no run.
    """

    mode: Literal["replay", "live"] = "live"

    def __init__(
        self,
        folder: Path,
        source: Source | None,
        *,
        still: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        from crumple.view.figures import time_text

        self.folder = folder
        self.source = source
        self._clock = clock
        self._still = still
        self.facts = facts = RunFacts(folder)
        self.recorded = Recorded(folder, facts.signals, growing=True, still=still)
        self.name, self.scene_view = facts.name, facts.view
        self.title = str(run_folder.read_json(folder, run_folder.VERDICT).get("title", ""))
        self.period, self.start, self.horizon, self.ticks = (
            facts.period,
            facts.start,
            facts.horizon,
            facts.ticks,
        )
        self.seed, self.digest = facts.seed, ""
        self.units, self.fmus, self.certified = facts.units, facts.fmus, 0
        self.si: Mapping[str, str | None] = facts.si_by_name()
        self.rows = RequirementRows(
            self.recorded,
            facts.requirements,
            facts.unjudged(),
            period=self.period,
            start=self.start,
            horizon=self.horizon,
            si_of=facts.si,
        )
        self.rows.hurried = True
        self._faults = Faults(
            facts.faults, period=self.period, start=self.start, time=time_text, si_of=facts.si
        )
        self._reached = reached_units(facts.connections)
        self._commands: list[dict[str, Any]] = []
        self._events: list[Event] = []
        self._silences: list[Silence] = []
        self._before: Frame | None = None
        self._last: Frame | None = None
        self._came = 0.0  # when the last frame came, and how long after the one before [s]
        self._apart = 0.0
        self._shown = self.start if self.recorded.last is None else self.recorded.last
        self._looked = self._looked_alive = self._looked_events = -math.inf
        self._index: dict[str, int] = {}
        self._refusals: int | None = None  # that were seen; None before the first look
        self._refused = ""
        self.alive = True
        self.remark = ""
        self.update()

    # -- following the run -------------------------------------------------------------------------------

    def update(self) -> None:
        """Take up what is new. Never raises for what a run does."""
        now = self._clock()
        self._take(self._frame(), now)
        if now - self._looked >= _LOOK:
            self._looked = now
            self._refresh()
        if now - self._looked_events >= _LOOK_EVENTS:
            self._looked_events = now
            self._happened()
        if now - self._looked_alive >= _LOOK_ALIVE:
            self._looked_alive = now
            self.alive = run_folder.is_alive(self.folder)
        self._shown = max(self._shown, self._between(now))

    @property
    def over(self) -> bool:
        """Whether the run has ended, one way or another, and is better read as a whole."""
        return not self.alive

    @property
    def status(self) -> str:
        """ "waiting", "running", "paused" or "ended"."""
        if not self.alive:
            return "ended"
        if self._last is not None:
            return self._last.status
        if self.source is not None:
            return self.source.status
        return "running" if self.recorded.last is not None else "waiting"

    @property
    def speed(self) -> float:
        """Simulated seconds a second, as asked for; 1 where nobody says."""
        return 1.0 if self._last is None else float(self._last.speed)

    def send(self, command: str, **args: Any) -> bool:
        """Ask the core for something. Returns False where nobody is there to be asked."""
        if self.source is None or not self.alive:
            return False
        try:
            self.source.send(command, **args)
        except (CrumpleError, OSError, ValueError):
            return False
        return True

    def refused(self) -> str:
        """Why the run did not do what it was asked last, to be told once; "" where there is nothing to tell."""
        text, self._refused = self._refused, ""
        return text

    def _frame(self) -> Frame | None:
        if self.source is None:
            return None
        try:
            return self.source.frame()
        except (CrumpleError, OSError, ValueError):  # its memory is gone: the run was killed
            return None

    def _take(self, frame: Frame | None, now: float) -> None:
        if frame is None:
            return
        last = self._last
        if last is not None and (frame.tick, frame.status) == (last.tick, last.status):
            return
        if last is not None and frame.tick < last.tick:
            last = None
        if last is not None and frame.tick == last.tick:  # only the status is new
            self._last = frame
            return
        self._before, self._apart = last, now - self._came if last is not None else 0.0
        self._last, self._came = frame, now
        if not self._index and self.source is not None:
            self._index = {name: place for place, name in enumerate(self.source.names)}

    def _between(self, now: float) -> float:
        """The time to be shown: on the way from the frame before last to the last [s]."""
        last, before = self._last, self._before
        if last is None:
            return self.start if self.recorded.last is None else self.recorded.last
        if not self.alive or last.status != "running":
            # it stands: the recording has the ticks since the last frame
            return last.t if self.recorded.last is None else max(last.t, self.recorded.last)
        if before is None or self._still or not 0.0 < self._apart <= _SLOWEST:
            return last.t
        part = min(1.0, (now - self._came) / self._apart)
        return before.t + part * (last.t - before.t)

    def _refresh(self) -> None:
        try:
            if self.recorded.refresh():
                self.rows.forget()
        except (CrumpleError, OSError, ValueError):  # it is being written; the next look sees it whole
            return

    def _happened(self) -> None:
        self._commands = read_commands(self.folder)
        with suppress(CrumpleError, OSError):
            happened = open_run(self.folder).events
            self._faults.hear(happened)
            refusals = [why for why in map(refusal, happened) if why]
            if self._refusals is not None and len(refusals) > self._refusals:
                self._refused = refusals[-1]
            self._refusals = len(refusals)
        try:
            named = moments(
                self.scene_view.get("events"),
                self.recorded.until(self._shown),
                period=self.period,
                start=self.start,
                si_of=self.facts.si,
                open_end=True,
            )
            self._silences = silent_stretches(self.facts.sensors, self.recorded, self._reached)
            failed = [
                Event(t=row.decided, name=row.name, kind="requirement")
                for row in self.requirements(self._shown)
                if row.state == "fail" and row.decided is not None
            ]
            found = [*named, *self._faults.events(self._commands), *failed]
        except (CrumpleError, OSError, ValueError):
            return
        since: dict[str, float] = {}
        for silence in self._silences:
            since.setdefault(silence.unit, silence.since)
        sensors = {str(sensor["name"]) for sensor in self.facts.sensors}
        found += [Event(t=t, name=f"{u} stale", kind="warning") for u, t in since.items() if u in sensors]
        self._events = sorted((e for e in found if e.t <= self._shown), key=lambda event: event.t)

    # -- what is shown -----------------------------------------------------------------------------------

    def end(self) -> float:
        """The newest time that can be shown [s]."""
        return self._shown

    def names(self) -> Sequence[str]:
        """What is recorded, or else what the frames hold."""
        return self.recorded.names() or list(self._index)

    def series(self, name: str) -> tuple[Numbers, Numbers]:
        """As recorded so far."""
        return self.recorded.series(name)

    def value(self, name: str, t: float) -> float | None:
        """At t [s]: from the recording where it goes that far, else between the last two frames."""
        recorded = self.recorded
        if recorded.last is not None and t <= recorded.last + 1e-9:
            return recorded.value(name, t)
        place, last, before = self._index.get(name), self._last, self._before
        if place is None or last is None or place >= len(last.values):
            # nothing newer than the recording: its last sample, where t is not beyond what is shown
            return (
                recorded.value(name, recorded.last)
                if recorded.last is not None and t <= self._shown
                else None
            )
        if t > last.t + self.period / 2:
            return None
        value = float(last.values[place])
        if t < last.t and before is not None and last.t > before.t:
            first = float(before.values[place])
            part = min(1.0, max(0.0, (t - before.t) / (last.t - before.t)))
            held = self._still or recorded.kind(name) != "real"
            value = (value if part >= 1.0 else first) if held else first + part * (value - first)
        return value if math.isfinite(value) else None

    def requirements(self, t: float) -> Sequence[RequirementRow]:
        """At t [s], from what was recorded until then. Silent inputs leave undecided what needs them."""
        blind = any(row.state not in ("fresh", "none") for row in self.inputs(t))
        return self.rows.at(t, over=False, blind=blind)

    def faults(self, t: float) -> Sequence[FaultRow]:
        """At t [s]."""
        return self._faults.rows(t, self._commands)

    def inputs(self, t: float) -> Sequence[InputRow]:
        """At t [s]. Of the newest moment, the age goes on growing while the run stands."""
        return input_rows(self.facts.sensors, self.value, t)

    def timing(self, t: float) -> TimingRow | None:
        """Of the last ticks."""
        last = self._last
        if last is None:
            return None
        step = np.asarray(last.step_s, dtype=np.float64)
        late = np.asarray(last.lateness, dtype=np.float64)
        ordered = np.sort(step)
        p50, p99 = (
            float(ordered[int(q * (len(step) - 1) + 0.5)]) if len(step) else math.nan for q in (0.5, 0.99)
        )
        return TimingRow(
            step=step,
            late=late,
            budget=last.budget if last.budget > 0 else self.period,
            p50=p50,
            p99=p99,
            worst=float(step.max()) if len(step) else math.nan,
            missed=int(last.missed),
            slips=int(last.slips),
            by_unit=(),
            ratio=float(last.speed) if self.facts.mode == "realtime" else math.nan,
            note=NOTES.get(self.facts.mode, ""),
        )

    def events(self) -> Sequence[Event]:
        """What has happened so far."""
        return self._events

    def silences(self) -> Sequence[Silence]:
        """So far."""
        return self._silences

    def bands(self, t: float) -> Sequence[Band]:
        """None: a window may still move."""
        return ()

    def looked_at(self) -> Mapping[str, tuple[str, tuple[str, ...]]]:
        """Of the requirements that apply."""
        return {r.name: (r.what, r.signals) for r in self.facts.requirements.values() if r.applies}

    def verdict(self) -> tuple[str, str]:
        """Undecided until the run is over, unless something broke; then still: a run has one verdict, at its end."""
        rows = [row for row in self.requirements(self._shown) if row.state != "not_applicable"]
        failed = [row for row in rows if row.state == "fail"]
        if failed:
            from crumple.view.replay_session import failed_sentence

            return "fail", failed_sentence(rows)
        blind = [row for row in rows if row.state == "inconclusive"]
        if blind:
            return "inconclusive", f"{len(blind)} of {len(rows)} are not being observed"
        if not rows:
            return "undecided", "nothing is required"
        decided = sum(row.state in ("pass", "at_risk") for row in rows)
        return "undecided", f"{decided} of {len(rows)} decided"

    def chip(self) -> str:
        """How it runs."""
        status = self.status
        silent = [row.name for row in self.inputs(self._shown) if row.state in STATES[2:]]
        missing = [row.name for row in self.inputs(self._shown) if row.state == "none"]
        if status == "waiting":
            return f"Waiting for {missing[0]}" if missing else "Waiting"
        if status == "ended":
            return "Ended"
        if silent:
            return f"{'Held' if status == 'paused' else 'Live'}, {silent[0]} silent"
        if status == "paused":
            return "Held"
        if self.facts.mode != "realtime":  # nobody keeps it to a speed
            return "Live"
        speed = 0.0 if self._last is None else self.speed
        return f"Live {speed:.2f} ×" if speed > 0 else "Running"

    def is_required(self, sensor: str) -> bool:
        """Whether the run begins only with this input."""
        return any(each["name"] == sensor and each.get("required", True) for each in self.facts.sensors)

    def reached_by(self, units: Sequence[str]) -> set[str]:
        """Units that these reach, and these themselves."""
        return {*units}.union(*(self._reached.get(unit, set()) for unit in units))

    def note(self) -> str:
        """What the viewer has to say."""
        return self.remark

    def link(self) -> str:
        """Live inputs in a few words, for the status line."""
        return " · ".join(
            f"{row.name} {wording.count(row.received, 'sample')}" for row in self.inputs(self._shown)
        )
