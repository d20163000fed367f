"""What a run came to: the verdict, what it rests on, and the recorded signals, read from the run's folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

from crumple import run_folder, wording
from crumple.errors import UsageError
from crumple.exit_codes import exit_code
from crumple.recording import Signals
from crumple.requirement_result import RequirementResult
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


class Result:
    """A run that has ended, or the state of one that has not.

    folder: where everything is kept.   verdict: "pass", "fail", "inconclusive", "error" or "done" (nothing
    was required).   reason: why, in one line; `reasons` has one line each.   requirements: how each came out.
    metrics: value of every requirement that is on a metric, by its name, in the unit of its limit.
    signals: `signals["vehicle.speed"]` is an array mapped from the file.   t: times of its rows [s].
    digest: 16 hexadecimal digits over all signals of every tick; "" where the run did not end.
    tick: the last communication point reached.   exit_code: of the verdict.
    """

    def __init__(self, folder: Path, written: Mapping[str, Any]) -> None:
        self.folder = folder
        self.verdict: str = written["verdict"]
        self.reasons: list[str] = list(written.get("reasons", []))
        self.conditions = [Condition(**c) for c in written.get("conditions", [])]
        self.requirements = Requirements(
            RequirementResult.from_json(_numbers_back(r)) for r in written.get("requirements", [])
        )
        self.metrics: dict[str, float | None] = _numbers_back(written.get("metrics", {}))
        self.digest: str = written.get("digest") or ""
        self.tick: int = written.get("tick") or 0
        self.wall: float | None = written.get("wall")  # [s] spent stepping

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
        with open(self.folder / run_folder.EVENTS, encoding="utf-8") as file:
            return [event for line in file if (event := _event(line)) is not None]

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
            "digest": self.digest,
            "requirements": [r.to_json() for r in self.requirements],
            "metrics": self.metrics,
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
    if written.get("state") == "ended":
        return Result(path, written)
    last_t = Signals(path).last_t()
    if run_folder.is_alive(path):
        until = "" if last_t is None else f", recorded until t = {wording.time(last_t)}"
        reasons: Iterable[str] = [f"the run is still going on{until}"]
        verdict = Verdict(outcome="inconclusive", reasons=tuple(reasons), conditions=())
    else:
        verdict = cut_off(last_t)
    return Result(path, {**written, **verdict.to_json()})


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{path.parent} is not the folder of a run: it has no {path.name}.") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None


def _event(line: str) -> dict[str, Any] | None:
    """One event; None where the line was cut off, by a kill or a disk that was full."""
    try:
        event: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return event


def _numbers_back(written: Mapping[str, Any]) -> dict[str, Any]:
    """Turns "inf", "-inf" and "nan", which JSON has no numbers for, back into numbers."""
    special = {"inf": float("inf"), "-inf": float("-inf"), "nan": float("nan")}
    texts = {"name", "what", "title", "status", "si", "relation", "reason", "when", "doc"}
    return {k: special.get(v, v) if isinstance(v, str) and k not in texts else v for k, v in written.items()}
