"""A run once more, from its folder alone: no network, no rig, no clock; and the same bits.

A run depends on its scene, its parameters, its seed, its FMUs and plugins, and on what came in from outside while it
went on. The manifest has the first, the tape the last. So a replay must end with the digest of the run, and where it
does not, something is wrong, and `replay` says where the two part. With other parameters a replay is a what-if: what
would have come of it, had the same things come in?
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crumple import replay_scene, run_folder, wording
from crumple.errors import CrumpleError, SceneError, UsageError
from crumple.exit_codes import exit_code
from crumple.replay_compare import Comparison, RequirementChange, compare, requirement_changes
from crumple.result import Result, open_run
from crumple.tape_fork import forked
from crumple.tape_run import commands_alone, fitted, has_tape, read_run

if TYPE_CHECKING:
    from crumple.execution import Watch
    from crumple.live.plan import PacingPlan
    from crumple.scene import Scene
    from crumple.tape import Tape

_BY_ITSELF = (
    "horizon",
    "end_when",
    "decided",
    "unit_ended",
    "error",
)  # ends that come again without being asked for
_MOST_DAMAGES = 3


class ReplayError(CrumpleError):
    """A replay that had to be the same run, and is not. `result` holds it, with the first difference."""

    def __init__(self, message: str, *, result: Replayed) -> None:
        super().__init__(message)
        self.result = result


class Replayed(Result):
    """A run that is another one again.

    original: the run that was replayed.   same: whether everything is the same, bit for bit, that should be: the
    digest; of a run without one, the rows that it recorded; of a fork, those up to its moment. None where it should
    not, because parameters or files are others.
    comparison: of the recordings, with the first difference; None where the digests agree.
    set: the parameters that are others, by name.   until: when a fork began [s].
    changed: what was run though it is not what it was, each as a sentence.
    notes: what else differs, and should not matter: the version of Python, a scene file whose recorded text was run.
    """

    def __init__(
        self,
        result: Result,
        original: Result,
        *,
        comparison: Comparison | None,
        same: bool | None,
        set: Mapping[str, Any],
        until: float | None,
        changed: list[str],
        notes: list[str],
    ) -> None:
        self.__dict__.update(result.__dict__)  # all that a run came to
        self.original = original
        self.comparison = comparison
        self.same = same
        self.set = dict(set)
        self.until = until
        self.changed = changed
        self.notes = notes

    @property
    def exit_code(self) -> int:
        """That of the verdict; 4 where the replay is not the run that it should be.

        A run that ended without a pass, for its timing or its inputs perhaps, is not made better by a replay.
        """
        if self.same is False:
            return exit_code("error")
        own = exit_code(self.verdict)
        bound = self.same and self.until is None and self.original.state == "ended"
        return self.original.exit_code if bound and own == 0 else own

    @property
    def requirement_changes(self) -> list[RequirementChange]:
        """All requirements in the run and now."""
        return requirement_changes(self.original.requirements, self.requirements)

    @property
    def outcome(self) -> str:
        """What the replay shows, in a sentence."""
        first = None if self.comparison is None else self.comparison.first
        name = self.original.folder.name
        if self.same and self.comparison is None:
            return f"same digest {self.digest}: bit for bit the run {name}"
        rows = "" if self.comparison is None else wording.count(self.comparison.rows, "recorded row")
        if self.same and self.until is not None:
            return f"bit for bit the run {name} up to {wording.time(self.until)}, where the fork begins"
        if self.same:
            return f"{rows}, bit for bit those of {name}, which has no digest"
        if first is not None:
            where = f"t = {wording.time(first.t)} (tick {first.tick:,})"
            return f"parts from {name} at {where}: {first.signal} {_shown(first.was)} then, {_shown(first.now)} now"
        if self.digest and self.digest == self.original.digest:
            return f"makes no difference: same digest {self.digest}"
        if self.original.digest and self.digest:
            return (
                f"digest {self.digest}, and {self.original.digest} of {name}: what differs was not recorded"
                f" ({rows} are the same)"
            )
        return f"{rows} are those of {name}" if self.same is None else f"is not the run {name}: {self.reason}"

    def to_json(self) -> dict[str, Any]:
        """What `crumple replay --json` prints."""
        first = None if self.comparison is None else self.comparison.first
        turned = [
            {"name": each.name, "was": each.was and each.was.status, "now": each.now and each.now.status}
            for each in self.requirement_changes
            if each.turned
        ]
        return {
            **super().to_json(),
            "replay": {
                "of": str(self.original.folder),
                "same": self.same,
                "outcome": self.outcome,
                "digest": self.original.digest,
                "verdict": self.original.verdict,
                "set": self.set,
                "until": self.until,
                "changed": self.changed,
                "notes": self.notes,
                "first_difference": None if first is None else dataclasses.asdict(first),
                "rows_compared": None if self.comparison is None else self.comparison.rows,
                "requirements_turned": turned,
            },
        }


def replay(
    run: str | os.PathLike[str] | Result,
    *,
    set: Mapping[str, Any] | None = None,
    until: str | float | None = None,
    out: str | os.PathLike[str] | None = None,
    changed: bool = False,
) -> Replayed:
    """Run a run again, from its folder, into a new one.

    run: its folder, or its result.   set: other parameters, which make a what-if of it.
    until: a time [s] up to which the tape is used; from then on the sensors hear nothing, and do what their policy
    says: a fork of the run.   out: the folder in which the new run's folder is made, `runs` by default.
    changed: go on where an FMU, a plugin or the scene is not what it was, with what is there now.
    Raises UsageError where the run cannot be replayed, SceneError where its scene cannot be loaded any more, and
    ReplayError where the replay should be the same run and is not.
    """
    from crumple.execution import Watch

    folder = run.folder if isinstance(run, Result) else Path(run)
    replayed = execute_replay(folder, set=set, until=until, out=out, changed=changed, watch=Watch())
    if replayed.same is False:
        raise ReplayError(f"The replay {replayed.folder} {replayed.outcome}.", result=replayed)
    return replayed


def execute_replay(
    folder: Path,
    *,
    set: Mapping[str, Any] | None = None,
    until: str | float | None = None,
    out: str | os.PathLike[str] | None = None,
    changed: bool = False,
    speed: float | None = None,
    view: bool = False,
    watch: Watch,
) -> Replayed:
    """See `replay`, also for what it raises, save that a replay that is another run is returned.

    speed: simulated seconds a second; None: as fast as possible.   view: a viewer may look on.
    watch: hears of what happens on the way.
    """
    from crumple.execution import execute

    original = _opened(folder)
    plan = _planned(original, set=set or {}, until=until, changed=changed)
    replay_of: dict[str, Any] = {
        "run": str(original.folder.absolute()),
        "id": plan.recorded.id,
        "digest": original.digest,
        "set": dict(set or {}),
        "until": None if plan.until is None else float(plan.until),
        "changed": plan.changed,
    }
    scene = dataclasses.replace(plan.scene, pacing=_pacing(plan.scene, speed), rigs=())
    result = execute(scene, out=out, view=view, tape=plan.tape, replay_of=replay_of, watch=watch)
    comparison, same = _compared(original, result, plan)
    return Replayed(
        result,
        original,
        comparison=comparison,
        same=same,
        set=set or {},
        until=None if plan.until is None else float(plan.until),
        changed=plan.changed,
        notes=plan.notes,
    )


# -- before -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What is to be run. free: it need not be the same run.   until: when a fork begins [s]; None: it is none.

    changed, notes: see `Replayed`.
    """

    recorded: replay_scene.Recorded
    scene: Scene
    tape: Tape | None
    until: Fraction | None
    changed: list[str]
    notes: list[str]
    free: bool


def _opened(folder: Path) -> Result:
    """A run that can be replayed: it is over, and as it was written."""
    from crumple.seal import verify

    original = open_run(folder)
    if original.state == "running":
        raise UsageError(f"{folder} is still going on. Replay it when it is over.")
    damages = [damage for damage in verify(folder).damages if damage.kind != "added"]
    if damages:
        told = "; ".join(f"{damage.file}: {damage.fact}" for damage in damages[:_MOST_DAMAGES])
        more = len(damages) - _MOST_DAMAGES
        told += f"; and {wording.count(more, 'place')} more" if more > 0 else ""
        raise UsageError(f"{folder} is damaged, so that a replay of it proves nothing: {told}.")
    return original


def _planned(original: Result, *, set: Mapping[str, Any], until: Any, changed: bool) -> _Plan:
    folder = original.folder
    recorded = replay_scene.read_recorded(folder)
    speed = replay_scene.speed_of(folder)
    texts = replay_scene.changed_files(recorded)
    files = texts if changed else []
    try:
        scene = as_it_was = replay_scene.load_recorded(recorded, set={}, present=False, speed=speed)
        units = replay_scene.changed_units(recorded, scene)
    except SceneError:
        if not files:
            raise
        scene = as_it_was = replay_scene.load_recorded(recorded, set={}, present=True, speed=speed)
        units = replay_scene.changed_units(recorded, scene)
    if units and not changed:
        facts = "".join(f"\n  {fact}" for fact in units)
        raise UsageError(
            f"{folder.name} cannot be run as it was:{facts}\n"
            "Bring them back, or give --changed to run it with what is there now."
        )
    if set or files:
        scene = replay_scene.load_recorded(recorded, set=set, present=bool(files), speed=speed)
    if recorded.stop_tick != as_it_was.stop_tick:  # the run had a stop of its own
        scene = dataclasses.replace(scene, stop_tick=recorded.stop_tick)
    tape = _tape(folder, scene)
    last = _last_tick(original, scene, tape)
    fork = None if until is None else _fork_tick(until, scene, last)
    if fork is not None:
        tape, last = (None, scene.stop_tick) if tape is None else forked(tape, scene, fork)
    if last <= 0:
        raise UsageError(f"{folder.name} ended before its first tick: there is nothing to replay.")
    what = [*units, *files]
    return _Plan(
        recorded=recorded,
        scene=dataclasses.replace(scene, stop_tick=last),
        tape=tape,
        until=None if fork is None else scene.start + fork * scene.period,
        changed=what,
        notes=[
            *(
                f"{fact}; what was run then is in the manifest, and was run now"
                for fact in texts
                if not files
            ),
            *replay_scene.other_surroundings(recorded),
        ],
        free=bool(set or what),
    )


def _tape(folder: Path, scene: Scene) -> Tape | None:
    """What came in from outside. None: nothing."""
    if scene.sensors:
        return fitted(read_run(folder), scene, folder)
    if has_tape(folder):
        raise UsageError(f"{folder} has a tape, and its scene no sensor: the tape is that of another scene.")
    return commands_alone(folder, scene)


def _pacing(scene: Scene, speed: float | None) -> PacingPlan:
    """How the replay keeps time: with nobody, unless a speed is asked for."""
    if speed is None:
        return dataclasses.replace(scene.pacing, mode="free")
    if not 0.0 < speed < math.inf:
        raise UsageError(f"speed = {speed}: it is a number above 0, simulated seconds a second.")
    return dataclasses.replace(scene.pacing, mode="realtime", speed=speed, strict=False)


def _last_tick(original: Result, scene: Scene, tape: Tape | None) -> int:
    """How far the replay goes: as far as the run went, if it would not end there by itself."""
    ended = run_folder.read_json(original.folder, run_folder.VERDICT).get("ended")
    last = scene.stop_tick
    if original.state == "ended" and ended not in _BY_ITSELF:
        last = min(last, original.tick)
    if tape is not None and tape.sensors:
        last = min(last, len(tape) - 1)  # nothing is known of what came after
    return last


def _fork_tick(until: str | float, scene: Scene, last: int) -> int:
    """The last tick of which the tape is used."""
    from crumple.scene.clock import TimeError, exact_time

    try:
        tick = (exact_time(until) - scene.start) // scene.period
    except TimeError as error:
        raise UsageError(f'--until "{until}" is no time: {error} Write it as in "80 ms".') from None
    if not 0 < tick < last:
        ends = wording.span(float(scene.start), float(scene.start + last * scene.period))
        raise UsageError(f"--until {until} is not within the run, {ends}.")
    return int(tick)


# -- after ------------------------------------------------------------------------------------------------------


def _compared(original: Result, result: Result, plan: _Plan) -> tuple[Comparison | None, bool | None]:
    """The comparison of what was recorded, where it is needed, and whether the two are the same."""
    agrees = bool(original.digest) and original.digest == result.digest
    if agrees and not plan.free and plan.until is None:
        return None, True
    scene = plan.scene
    found = compare(
        original.signals, result.signals, start=scene.start, period=scene.period, last=scene.stop_tick
    )
    if plan.free:
        return found, None
    if plan.until is not None:
        fork = int((plan.until - scene.start) / scene.period)
        return found, found.rows > 0 and (found.first is None or found.first.tick > fork)
    if original.digest and result.digest:
        return found, False
    return found, found.rows > 0 and found.first is None and not found.only


def _shown(value: float | str | None) -> str:
    if value is None:
        return "no row"
    return f'"{value}"' if isinstance(value, str) else repr(value)
