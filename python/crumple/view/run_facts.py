"""What a run folder says about itself besides its numbers; the same for a run that goes on."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from crumple import run_folder
from crumple.errors import UsageError
from crumple.live.judgement import timing_unseen
from crumple.meanings import Meaning, requirements_of, signals_of
from crumple.requirement import Requirement, not_evaluated
from crumple.requirement_result import RequirementResult
from crumple.stl_requirement import Holds
from crumple.view.session import TimingRow

TIMING = "timing.json"
_NONE = np.empty(0)
_NOT_KEPT = "in real time, no figures kept"
_PACED_BY_RIG = "not timed, a rig paces it"
NOTES = {"lockstep": _PACED_BY_RIG}  # of runs that go on, by their mode


class RunFacts:
    """The manifest of a run, read for the viewer. Raises UsageError where it cannot be.

    signals: what they mean.   requirements: as resolved.   sensors, faults: as the manifest has them.
    period, start, horizon: [s].
    """

    def __init__(self, folder: Path) -> None:
        manifest = run_folder.read_json(folder, run_folder.MANIFEST)
        self.folder = folder
        try:
            self.period = float(Fraction(str(manifest["period"])))
            self.start = float(Fraction(str(manifest["start"])))
            self.ticks = int(manifest["stop_tick"])
            self.seed = int(manifest["seed"])
            units = dict(manifest["units"])
        except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
            raise UsageError(f"{folder / run_folder.MANIFEST} is damaged: it lacks {error}.") from None
        self.name = str(manifest.get("scene", folder.name))
        self.horizon = self.start + self.ticks * self.period
        self.units = len(units)
        self.fmu_names = [name for name, unit in units.items() if "fmu" in unit]
        self.fmus = len(self.fmu_names)
        self.signals: dict[str, Meaning] = signals_of(manifest)
        self.requirements: dict[str, Requirement | Holds] = requirements_of(manifest)
        self.view: Mapping[str, Any] = manifest.get("view") or _view_of_scene(manifest)
        self.sensors: list[dict[str, Any]] = list(manifest.get("inputs", ()))
        self.faults: list[dict[str, Any]] = list(manifest.get("faults", ()))
        self.connections: list[list[str]] = list(manifest.get("connections", ()))
        pacing: Mapping[str, Any] = manifest.get("pacing") or {}
        self.mode = str(pacing.get("mode", "realtime"))  # "free", "realtime" or "lockstep"
        paced = pacing.get("mode") == "realtime"
        self.pace: float | None = float(pacing.get("speed", 1.0)) if paced else None  # asked of the clock
        self._timing: Mapping[str, Any] = manifest.get("timing") or {}

    def si(self, signal: str) -> str | None:
        """Unit of measure of a signal, or of an element of one; None where none is known."""
        meaning = self.signals.get(signal) or self.signals.get(signal.partition("[")[0])
        return None if meaning is None else meaning.si

    def unjudged(self) -> list[RequirementResult]:
        """All requirements, in the order of the scene, of a run of which nothing was judged yet."""
        required = [not_evaluated(each, "") for each in self.requirements.values()]
        return [*required, *timing_unseen(self._timing, paced=self.pace is not None)]

    def si_by_name(self) -> dict[str, str | None]:
        """The unit of every signal that is known."""
        return {name: meaning.si for name, meaning in self.signals.items()}


def _view_of_scene(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """[view] as the scene's own file has it, for runs whose manifest does not say."""
    import tomllib

    view: dict[str, Any] = {}
    for source in manifest.get("files", ()):
        try:
            found = tomllib.loads(source["text"]).get("view")
        except (tomllib.TOMLDecodeError, KeyError, TypeError):
            continue
        view.update(found if isinstance(found, dict) else {})
    return view


def timing_of(folder: Path, *, budget: float, ratio: float, pace: float | None) -> TimingRow:
    """What `timing.json` says of a run that has ended; of one without it, only how fast it went.

    budget: wall time for a tick at the speed of the clock [s].   ratio: simulated seconds a second.
    pace: the speed that was asked for, of a run that was timed and cut off: its figures are written at its end.
    """
    figures: dict[str, Any] = {}
    if (folder / TIMING).is_file():
        try:
            figures = json.loads(run_folder.read_bytes(folder, TIMING))
        except (ValueError, UsageError):
            figures = {}
    step = figures.get("step") or {}
    speed = figures.get("speed", pace)
    by_unit = tuple(
        (str(u.get("unit")), float(u.get("mean") or u.get("p50") or 0.0)) for u in figures.get("units") or ()
    )
    return TimingRow(
        step=_NONE,
        late=_NONE,
        budget=budget / float(speed) if isinstance(speed, int | float) and speed > 0 else budget,
        p50=float(step.get("p50", math.nan)),
        p99=float(step.get("p99", math.nan)),
        worst=float(step.get("max", math.nan)),
        missed=int(figures.get("missed") or 0),
        slips=int(figures.get("slips") or 0),
        by_unit=by_unit,
        ratio=ratio,
        note=_PACED_BY_RIG
        if figures.get("mode") == "lockstep"
        else ""
        if figures or pace is None
        else _NOT_KEPT,
    )
