"""What a run came to: the verdict, what it rests on, and the recorded signals, read from the run's folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

import msgspec
from msgspec.structs import asdict

from crumple import run_folder, wording
from crumple.errors import UsageError
from crumple.exit_codes import exit_code
from crumple.recording import Signals
from crumple.requirement_result import RequirementResult
from crumple.scene_metrics import MetricResult
from crumple.verdict import Condition, Verdict, cut_off

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Requirements(list[RequirementResult]):
    """The results of all requirements in the order of the scene; `requirements["head"]` is one of them."""

    @overload
    def __getitem__(self, key: SupportsIndex | str) -> RequirementResult: ...
    @overload
    def __getitem__(self, key: slice) -> list[RequirementResult]: ...
    def __getitem__(self, key: SupportsIndex | slice | str) -> Any:
        if isinstance(key, str):
            for result in self:
                if result.name == key:
                    return result
            raise KeyError(f"no requirement {key!r}; there are: {', '.join(r.name for r in self) or 'none'}")
        return super().__getitem__(key)


class _Written(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of `verdict.json`; what a later version added is left out."""

    verdict: str
    state: str = "ended"
    reasons: list[str] = []
    conditions: list[Condition] = []
    requirements: list[dict[str, Any]] = []
    metrics: dict[str, float | str | dict[str, Any] | None] = {}
    digest: str = ""
    ended: str = ""
    tick: int = 0
    wall: float | None = None
    hints: list[str] = []
    scene: str = ""
    title: str = ""
    seed: int | None = None
    isolated: list[str] = []
    faults: list[dict[str, Any]] = []


class Result:
    """A run that has ended, or the state of one that has not.

    folder: where everything is kept.   verdict: "pass", "fail", "inconclusive", "error" or "done" (nothing
    was required).   reason: why, in one line; `reasons` has one line each.   requirements: how each came out.
    metrics: value of every metric of the scene and of every requirement that is on one, by its name, in its unit;
    None where there is none, as for a time that never came. `metric_results` has more of each.
    signals: `signals["vehicle.speed"]` is an array mapped from the file.   t: times of its rows [s].
    digest: 16 hexadecimal digits over all signals of every tick; "" where the run did not end.
    tick: the last communication point reached.   exit_code: of the verdict.
    state: "ended", "running", or "cut_off" where the process ended without a verdict.
    conditions: what had to hold for a pass, each with its evidence.   hints: what may explain a failure.
    isolated: names of the units that ran in worker processes.
    faults: of the scene, each with name, on, kind, id, tags, doc, and when it `acted` (from, until [s]).
    """

    def __init__(self, folder: Path, written: Mapping[str, Any]) -> None:
        """written: as in `verdict.json`. Raises msgspec.ValidationError where it has another shape."""
        known = msgspec.convert(written, _Written)
        self.folder = folder
        self.state = known.state
        self.verdict = known.verdict
        self.reasons = known.reasons
        self.conditions = known.conditions
        self.requirements = Requirements(
            RequirementResult.from_json(_numbers_back(r)) for r in known.requirements
        )
        self.metric_results = [_metric(name, written) for name, written in known.metrics.items()]
        self.metrics: dict[str, float | None] = {each.name: each.value for each in self.metric_results}
        self.digest = known.digest
        self.ended = known.ended  # "horizon", "end_when", ...: see `crumple.verdict.Ending`
        self.tick = known.tick
        self.wall = known.wall  # [s] spent stepping
        self.hints = known.hints
        self.scene = known.scene
        self.title = known.title
        self.seed = known.seed
        self.isolated = known.isolated
        self.faults = known.faults

    @property
    def reason(self) -> str:
        """Why the verdict is what it is, in one line."""
        return "; ".join(self.reasons)

    @property
    def exit_code(self) -> int:
        """The exit code that `crumple run` gives for this verdict: 0, 1, 3 or 4."""
        return exit_code(self.verdict)

    @cached_property
    def signals(self) -> Signals:
        """The recorded signals by name, mapped from the files when they are first asked for."""
        return Signals(self.folder)

    @property
    def t(self) -> NDArray[np.float64]:
        """Times of the rows of the finest recording [s], (rows,)."""
        return self.signals.t()

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What ran: versions, hashes, parameters, seed, host, and the text of the scene."""
        written: dict[str, Any] = _read(self.folder / run_folder.MANIFEST)
        return written

    @property
    def events(self) -> list[dict[str, Any]]:
        """What happened on the way: start, warnings, the end. Lines that were cut off are left out."""
        return _events(self.folder / run_folder.EVENTS)

    def __repr__(self) -> str:
        lines = [f"<Result {self.verdict.upper()}: {self.reason}"]
        lines += [f"   {r.status:<13} {r.reason}" for r in self.requirements]
        return "\n".join([*lines, f"   {self.folder}>"])

    def _repr_html_(self) -> str:
        from crumple.card import card

        return card(self)

    def to_json(self) -> dict[str, Any]:
        """What `crumple run --json` prints."""
        return {
            "verdict": self.verdict,
            "reason": self.reason,
            "exit_code": self.exit_code,
            "conditions": [asdict(condition) for condition in self.conditions],
            "digest": self.digest,
            "requirements": [r.to_json() for r in self.requirements],
            "metrics": {each.name: each.to_json() for each in self.metric_results},
            "run": str(self.folder),
        }


def open_run(folder: str | os.PathLike[str]) -> Result:
    """The run in a folder: ended, still going on, or killed at any moment.

    A run whose process ended without a verdict is inconclusive; its signals are readable up to the last
    flush. Raises UsageError where the folder holds no run, or its verdict cannot be read.
    """
    path = Path(folder)
    written = _read(path / run_folder.VERDICT)
    if not isinstance(written, dict) or "verdict" not in written:
        raise UsageError(f"{path / run_folder.VERDICT} is damaged: it holds no verdict.")
    if written.get("state") != "ended":
        state, verdict = _without_end(path)
        written = {**written, "state": state, **verdict.to_json()}
    try:
        result = Result(path, written)
    except msgspec.ValidationError as error:
        raise UsageError(f"{path / run_folder.VERDICT} is damaged: {error}") from None
    unproven = [c.name for c in result.conditions if c.holds is not True]
    if result.exit_code == 0 and (unproven or not result.conditions):
        broken = f"not proven: {', '.join(unproven)}" if unproven else "it has no conditions"
        raise UsageError(f'{path / run_folder.VERDICT} is damaged: it says "{result.verdict}", and {broken}.')
    return result


def _without_end(path: Path) -> tuple[str, Verdict]:
    """The state of a run that has written no verdict, and what there is to say of it."""
    try:
        last_t = Signals(path).last_t()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    if run_folder.is_alive(path):
        until = "" if last_t is None else f", recorded until t = {wording.time(last_t)}"
        reasons: Iterable[str] = [f"the run is still going on{until}"]
        return "running", Verdict(outcome="inconclusive", reasons=tuple(reasons), conditions=())
    return "cut_off", cut_off(last_t, _how_cut_off(path))


def _how_cut_off(path: Path) -> str:
    """What a supervisor noted about the end of the process; "" where there was none, or it ended as well."""
    with suppress(UsageError):
        noted = [e for e in _events(path / run_folder.EVENTS) if e.get("event") == "cut_off"]
        return str(noted[-1].get("text", "")) if noted else ""
    return ""


def _events(path: Path) -> list[dict[str, Any]]:
    if not path.exists() and not (path.parent / "seal.json").exists():
        return []  # lost before the run was sealed; the verdict can be read without
    text = run_folder.read_bytes(path.parent, path.name).decode(errors="replace")
    return [event for line in text.split("\n") if (event := _event(line)) is not None]


def _read(path: Path) -> Any:
    return run_folder.read_json(path.parent, path.name)


def _metric(name: str, written: Any) -> MetricResult:
    """A metric as `verdict.json` has it; older ones have numbers alone."""
    table = written if isinstance(written, dict) else {"value": written}
    return MetricResult.from_json(name, _numbers_back(table))


def _event(line: str) -> dict[str, Any] | None:
    """One event; None where the line was cut off, by a kill or a disk that was full."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _numbers_back(written: Mapping[str, Any]) -> dict[str, Any]:
    """Turns "inf", "-inf" and "nan", which JSON has no numbers for, back into numbers."""
    special = {"inf": float("inf"), "-inf": float("-inf"), "nan": float("nan")}
    texts = {"name", "fact", "what", "title", "status", "si", "relation", "reason", "when", "doc"}
    return {k: special.get(v, v) if isinstance(v, str) and k not in texts else v for k, v in written.items()}
