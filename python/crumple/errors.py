"""The exceptions of Crumple."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class CrumpleError(Exception):
    """Whatever Crumple refuses: the message names the place, the fact and the remedy."""


class FmuError(CrumpleError):
    """An FMU cannot be read, unpacked, set or run as asked."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong in a scene.

    file: as the user would write it; None for what stands in no file (`--set`, `--stop`).   line: from 1.
    where: the key, as in `units.vehicle.start`.   text: the fact and the remedy.
    """

    file: str | None
    line: int | None
    where: str
    text: str

    @property
    def place(self) -> str:
        """`my_scene.toml:14`, or "" where there is no file."""
        if self.file is None:
            return ""
        return self.file if self.line is None else f"{self.file}:{self.line}"


class SceneError(CrumpleError):
    """A scene cannot be used. `mistakes` holds all that was found, in the order of the files."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = list(mistakes)
        count = len(self.mistakes)
        total = f"{count} mistake{'' if count == 1 else 's'}. Nothing was loaded."
        super().__init__("\n".join([*self.rows(), total]))

    def rows(self) -> list[str]:
        """One line a mistake: place, key and text, the first two in columns."""
        left = min(40, max((len(m.place) for m in self.mistakes), default=0))
        middle = min(40, max((len(m.where) for m in self.mistakes), default=0))
        return [f"{m.place:<{left}}  {m.where:<{middle}}  {m.text}".strip() for m in self.mistakes]


class PluginError(CrumpleError):
    """A plugin cannot be found, or is declared or set up wrongly. `mistakes` holds each on its own."""

    def __init__(self, message: str, *, mistakes: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.mistakes = list(mistakes) or [message]


class BuildError(CrumpleError):
    """A world as described cannot be built: a wrong name, a clash of sizes or units of measure, a loop."""


class UsageError(CrumpleError):
    """A call in the wrong moment, or with arguments that cannot be."""


class StateError(UsageError):
    """The state of some units cannot be saved, or not be restored as it was. The message names them."""


class RecordError(CrumpleError):
    """The recording could not be written. What was written before stays."""


class StepError(CrumpleError):
    """A unit failed. Where a plugin raised, its own exception is the cause (`__cause__`).

    unit: name of the unit.   call: what failed, such as "fmi2DoStep" or "step".
    tick, t: the communication point [s]; tick is -1 outside the run of time (save, load, end).
    fact: what happened.
    """

    def __init__(self, unit: str, call: str, tick: int, t: float, fact: str) -> None:
        self.unit, self.call, self.tick, self.t, self.fact = unit, call, tick, t, fact
        when = "" if tick < 0 else f" at t = {t:.6g} s (tick {tick})"
        super().__init__(f"unit '{unit}' failed in {call}{when}: {fact}")

    def __reduce__(self) -> tuple[type[StepError], tuple[str, str, int, float, str]]:
        return type(self), (self.unit, self.call, self.tick, self.t, self.fact)


class EndError(StepError):
    """A unit asked to end the run. No failure, and no pass either."""

    def __init__(self, unit: str, call: str, tick: int, t: float, fact: str) -> None:
        super().__init__(unit, call, tick, t, fact)
        self.args = (f"unit '{unit}' asked to end the run at t = {t:.6g} s (tick {tick}): {fact}",)


class WorkerTraceback(CrumpleError):
    """The traceback, as text, of what a plugin raised in its worker process; the cause of the StepError here."""

    def lines(self) -> list[str]:
        """The lines of the traceback, the plugin's own frames only."""
        return str(self).splitlines()
