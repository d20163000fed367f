"""What the viewer shows, whatever it is read from: a run folder, or a run that goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

State = Literal["holding", "pass", "at_risk", "fail", "inconclusive", "error", "not_applicable"]
Numbers = NDArray[np.float64]

AT_RISK = 0.10  # a requirement that holds with less margin than this is at risk


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementRow:
    """A requirement as it stands at some moment.

    value: up to that moment, in `si`; None where nothing was seen.   final: of the whole run, None where it is not
    known yet.   margin: of `value`, relative to the limit.   decided: since when [s] it cannot change any more,
    None while it can.   at: its decisive moment [s].
    """

    name: str
    note: str
    state: State
    value: float | None
    si: str | None
    relation: str
    limit: float | None
    final: float | None
    margin: float | None
    decided: float | None
    at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRow:
    """A fault. on: what it disturbs.   text: what it does.   when: in words."""

    name: str
    on: str
    text: str
    when: str
    state: Literal["armed", "active", "over", "off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRow:
    """A live input. age, max_age [s].   state: one of crumple.live.plan.STATES."""

    name: str
    endpoint: str
    age: float | None
    max_age: float | None
    state: str
    received: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingRow:
    """How the run kept time. step, late [s]: of the last ticks, the newest last; empty where they were not kept.

    budget: wall time that a tick may take [s].   p50, p99, worst: of the step [s], NaN where not measured.
    by_unit: mean share of each unit [s].   ratio: simulated seconds a second, NaN where not known.
    note: what these figures are of, where they are not of all ticks; "" where they are, or where none was timed.
    """

    step: Numbers
    late: Numbers
    budget: float
    p50: float
    p99: float
    worst: float
    missed: int
    slips: int
    by_unit: tuple[tuple[str, float], ...]
    ratio: float
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at t [s]."""

    t: float
    name: str
    kind: Literal["event", "fault", "requirement", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A stretch without a fresh sample, from `since` to `until` [s], of signals whose name begins with `unit`."""

    unit: str
    since: float
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A stretch, from `since` to `until` [s], that decided what a requirement found in these signals."""

    requirement: str
    signals: tuple[str, ...]
    text: str
    since: float
    until: float


class Session(Protocol):
    """A run as the panels see it. Nothing here can change the run.

    scene_view: the scene's [view] table.   period, start, horizon: [s].   ticks: to the horizon.
    si: unit of measure by signal, None where none is declared.   mode: "live" has no future.
    remark: what the viewer has to say, such as a question; "" for nothing.
    """

    name: str
    title: str
    scene_view: Mapping[str, Any]
    mode: Literal["replay", "live"]
    period: float
    start: float
    horizon: float
    ticks: int
    seed: int
    digest: str
    units: int
    fmus: int
    certified: int
    si: Mapping[str, str | None]
    folder: Path
    remark: str

    def end(self) -> float:
        """The newest time that can be shown [s]."""

    def names(self) -> Sequence[str]:
        """Signals that are single numbers, elements of arrays included."""

    def series(self, name: str) -> tuple[Numbers, Numbers]:
        """(n,) times [s] and (n,) values as recorded; empty for a name that was not."""

    def value(self, name: str, t: float) -> float | None:
        """Linear between samples for reals, held for others; None where there is no sample."""

    def requirements(self, t: float) -> Sequence[RequirementRow]:
        """All requirements as they stood at t [s], in the order of the scene."""

    def faults(self, t: float) -> Sequence[FaultRow]:
        """All faults as they stood at t [s]."""

    def inputs(self, t: float) -> Sequence[InputRow]:
        """All live inputs as they stood at t [s]."""

    def timing(self, t: float) -> TimingRow | None:
        """How the run kept time; None where nothing is known."""

    def events(self) -> Sequence[Event]:
        """What happened, sorted by time."""

    def silences(self) -> Sequence[Silence]:
        """Where live inputs had no fresh sample."""

    def bands(self, t: float) -> Sequence[Band]:
        """Windows of metrics, of the whole run where it is known, else as found up to t [s]."""

    def looked_at(self) -> Mapping[str, tuple[str, tuple[str, ...]]]:
        """By requirement: what it is on, as written, and the signals in it."""

    def verdict(self) -> tuple[str, str]:
        """A state, "undecided" or "done", and a sentence that gives the reason."""

    def note(self) -> str:
        """The remark, for the status line."""

    def chip(self) -> str:
        """How it runs, in two or three words: "Live 1.00 ×", "Waiting for front"."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What is to be drawn. t [s].   speed: simulated seconds a second.   frame: counts, for staggered figures."""

    session: Session
    t: float
    playing: bool
    speed: float
    frame: int
