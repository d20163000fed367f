"""One execution of a scene: run folder, steps, recording, requirements, verdict.

The order of things is what makes a verdict hard to fake. The folder and an *inconclusive* verdict exist
before any FMU is loaded; the steps are counted; the recording is closed and its rows are counted before
anything is judged; the verdict is judged from what was recorded, and written last.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from crumple import requirement, run_folder, wording
from crumple.errors import CrumpleError, EndError, RecordError, StepError, UsageError
from crumple.manifest import Provenance
from crumple.recording import Signals
from crumple.result import Result
from crumple.run_folder import RunFolder
from crumple.upstream import never_moved
from crumple.verdict import Ending, Recording, Verdict, judge, not_finished

if TYPE_CHECKING:
    from types import FrameType

    from crumple.requirement_result import RequirementResult
    from crumple.scene import Scene
    from crumple.world import ProfileRow, World

_CHUNK = 0.02  # [s] of wall time between two looks at the clock of the progress line


class Outline(msgspec.Struct, frozen=True, kw_only=True):
    """What is about to run, for a header."""

    name: str
    title: str
    units: int
    fmus: int
    plugins: int
    period: float  # [s]
    start: float  # [s]
    horizon: float  # [s]
    ticks: int
    seed: int
    warnings: tuple[str, ...]
    folder: Path


class Watch(msgspec.Struct, kw_only=True):
    """What a caller wants to hear of while a run goes on, and what it learns besides the result.

    started: called once, before the first step.   reached: called now and then with the simulated time [s].
    command: the command line, for the manifest.   profiling: measure the time of every unit.
    error: the exception that ended the run, with a plugin's own as its cause.
    warnings: those that came up during the run.   hints: facts that may explain a failed requirement.
    profile: time by unit.
    """

    started: Callable[[Outline], None] = lambda outline: None
    reached: Callable[[float], None] = lambda t: None
    command: Sequence[str] = ()
    profiling: bool = False
    error: BaseException | None = None
    warnings: list[str] = []
    hints: list[str] = []
    profile: list[ProfileRow] = []


class Terminated(KeyboardInterrupt):
    """SIGTERM: treated like Ctrl-C, and named for what it was."""


def execute(
    scene: str | os.PathLike[str] | Scene,
    *,
    set: Mapping[str, Any] | None = None,
    seed: int | None = None,
    stop: str | float | None = None,
    threads: int | None = None,
    out: str | os.PathLike[str] | None = None,
    watch: Watch,
) -> Result:
    """See `crumple.run`; `watch` hears of what happens on the way."""
    plan = _planned(scene, set=set, seed=seed, stop=stop, threads=threads)
    with _termination_interrupts():
        return _Execution(plan, out=Path(out or "runs"), watch=watch).run()


def run(
    scene: str | os.PathLike[str] | Scene,
    *,
    set: Mapping[str, Any] | None = None,
    seed: int | None = None,
    stop: str | float | None = None,
    threads: int | None = None,
    out: str | os.PathLike[str] | None = None,
) -> Result:
    """Run a scene to its verdict.

    scene: a bundled scene by name, the path of a scene file, or what `load_scene` returned.
    set: parameters of the scene, or "unit.parameter", by name; quantities such as "8 km/h" are converted.
    seed, stop, threads: instead of the scene's own. A run that is stopped before the scene's own end leaves
    every requirement inconclusive whose window it does not see whole.
    out: the folder in which the run's folder is made, `runs` by default. Nothing is ever overwritten.
    Returns a Result also where the run failed, and where Ctrl-C or SIGTERM interrupted it (*inconclusive*).
    Raises SceneError, FmuError, PluginError or UsageError where nothing could be run.
    """
    return execute(scene, set=set, seed=seed, stop=stop, threads=threads, out=out, watch=Watch())


class _Execution:
    """A scene on its way to a verdict."""

    def __init__(self, scene: Scene, *, out: Path, watch: Watch) -> None:
        self._scene = scene
        self._horizon = float(max(scene.horizon, scene.stop))  # [s] that requirements without `until` look to
        self._watch = watch
        self._ticks = scene.stop_tick
        self._recorders: list[tuple[Any, int]] = []  # with their `every`
        self._wall = 0.0  # [s] spent stepping
        self._out = out

    def run(self) -> Result:
        provenance = Provenance(self._scene, command=self._watch.command)
        folder = RunFolder(self._out, name=self._scene.name, identity=provenance.identity)
        self._folder = folder
        try:
            folder.write(run_folder.VERDICT, {"crumple": 1, "state": "running", **not_finished().to_json()})
            folder.write(run_folder.MANIFEST, provenance.to_json())
            folder.event("start", scene=self._scene.name, seed=self._scene.seed, ticks=self._ticks)
        except OSError as error:
            folder.close()
            raise RecordError(f"cannot write to {folder.path}: {error.strerror}") from None
        try:
            world = self._build(folder)
        except BaseException:
            folder.discard()  # nothing was run
            raise
        try:
            ending = self._go(world)
            return self._conclude(world, ending)
        finally:
            folder.close()

    # -- before ------------------------------------------------------------------------------------------

    def _build(self, folder: RunFolder) -> World:
        from crumple.scene import compose

        world = compose(self._scene)
        world.build()
        ports = {unit: world.outputs(unit) for unit in world.units()}
        self._si = {f"{u}.{p.name}": p.si for u, listed in ports.items() for p in listed}
        for group in self._scene.record:
            stem = folder.path / f"signals-{_rate_name(float(self._scene.period) * group.every)}"
            recorder = world.record(stem, signals=list(group.signals), every=group.every)
            self._recorders.append((recorder, group.every))
        warnings = [*self._scene.warnings, *world.warnings]
        for text in warnings:
            folder.event("warning", text=text)
        self._warned = set(warnings)
        units = self._scene.units.values()
        self._watch.started(
            Outline(
                name=self._scene.name,
                title=self._scene.title,
                units=len(self._scene.units),
                fmus=sum(unit.archive is not None for unit in units),
                plugins=sum(unit.plugin is not None for unit in units),
                period=float(self._scene.period),
                start=float(self._scene.start),
                horizon=float(self._scene.stop),
                ticks=self._ticks,
                seed=self._scene.seed,
                warnings=tuple(warnings),
                folder=folder.path,
            )
        )
        return world

    # -- the steps ---------------------------------------------------------------------------------------

    def _go(self, world: World) -> Ending:
        """Steps to the end, or to whatever ends the run before."""
        began = time.perf_counter()
        try:
            world.reset(seed=self._scene.seed)
            if self._watch.profiling:
                world.set_profiling(True)
            began = time.perf_counter()
            self._step(world)
            self._wall = time.perf_counter() - began
            world.end()
        except KeyboardInterrupt as error:
            self._wall = time.perf_counter() - began
            who = "SIGTERM" if isinstance(error, Terminated) else "Ctrl-C"
            text = f"interrupted by {who} at t = {wording.time(world.t)}"
            return self._ending(world, "interrupted", text)
        except EndError as error:
            return self._ending(world, "unit_ended", str(error))
        except RecordError as error:
            self._watch.error = error
            return self._ending(world, "error", str(error), where="recorder")
        except StepError as error:
            self._watch.error = error
            where = "output" if error.call.startswith("output ") else "unit"
            return self._ending(world, "error", str(error), where=where)
        except CrumpleError as error:
            self._watch.error = error
            return self._ending(world, "error", str(error), where="run")
        except Exception as error:  # a fault of Crumple's own is an error of the run, too
            self._watch.error = error
            return self._ending(world, "error", f"{type(error).__name__}: {error}", where="run")
        return self._ending(world, "horizon", "")

    def _step(self, world: World) -> None:
        """All ticks, in chunks that let the caller hear of the progress ten times a second and more."""
        chunk = 1
        while (left := self._ticks - world.tick) > 0:
            before = time.perf_counter()
            world.step(min(chunk, left))
            spent = time.perf_counter() - before
            if spent < _CHUNK / 2:
                chunk *= 2
            elif spent > _CHUNK * 2:
                chunk = max(1, chunk // 2)
            self._watch.reached(world.t)

    def _ending(self, world: World, how: Any, text: str, *, where: Any = "unit") -> Ending:
        return Ending(
            how=how,
            tick=world.tick,
            t=world.t,
            ticks=self._ticks,
            horizon=float(self._scene.stop),
            text=text,
            where=where,
        )

    # -- after -------------------------------------------------------------------------------------------

    def _conclude(self, world: World, ending: Ending) -> Result:
        closed = self._close_recorders(ending)
        signals = Signals(self._folder.path)
        recording = self._counted(closed, signals, ending)
        if self._watch.profiling:
            self._watch.profile = world.profile()
        self._watch.warnings = [text for text in world.warnings if text not in self._warned]
        requirements = self._requirements(signals, ending)
        outputs = len(self._si)
        allowed = [f"{u.name}.{o}" for u in self._scene.units.values() for o in u.allow_nonfinite]
        verdict = judge(
            ending,
            requirements,
            recording,
            units=len(self._scene.units),
            outputs=outputs,
            nonfinite_allowed=allowed,
        )
        if verdict.outcome == "fail":
            self._watch.hints = never_moved(world, signals, [r for r in requirements if r.status == "fail"])
        written = self._written(world, ending, verdict, requirements)
        try:
            self._end_events(ending, verdict)
            self._folder.write(run_folder.VERDICT, written)
        except OSError as error:
            # on the disk the verdict stays inconclusive: what could not be written does not count
            text = f"the verdict could not be written to {self._folder.path}: {error.strerror}"
            self._watch.error = RecordError(text)
            before = verdict.reasons if verdict.outcome == "error" else ()
            failed = replace(verdict, outcome="error", reasons=(*before, text))
            written = self._written(world, ending, failed, requirements)
        return Result(self._folder.path, written)

    def _close_recorders(self, ending: Ending) -> Recording:
        failure = ending.text if ending.where == "recorder" else ""
        for recorder, _ in self._recorders:
            try:
                recorder.close()
            except RecordError as error:
                failure = failure or str(error)
                self._watch.error = self._watch.error or error
        return Recording(failure=failure)

    def _counted(self, recording: Recording, signals: Signals, ending: Ending) -> Recording:
        """The same with the rows that the files have, and should have."""
        rows = {table.path.name: table.rows for table in signals.tables}
        expected: dict[str, int] = {}
        for recorder, every in self._recorders:
            for file in recorder.files:
                if Path(file).suffix == ".npy":
                    expected[Path(file).name] = ending.tick // every + 1
        return Recording(rows=rows, expected=expected, failure=recording.failure)

    def _requirements(self, signals: Signals, ending: Ending) -> list[RequirementResult]:
        because = ending.text
        if ending.how == "horizon" and ending.horizon < self._horizon:
            because = f"the run was stopped at {wording.time(ending.horizon)}"
        seen = requirement.Seen(
            signals=signals,
            period=float(self._scene.period),
            start=float(self._scene.start),
            horizon=self._horizon,
            t=ending.t,
            si_of=lambda name: self._si.get(name.split("[")[0]),
            not_seen=because,
        )
        return [requirement.evaluate(each, seen) for each in self._scene.requirements]

    def _end_events(self, ending: Ending, verdict: Verdict) -> None:
        for text in self._watch.warnings:
            self._folder.event("warning", text=text)
        error = self._watch.error
        if error is not None:
            from crumple.tracebacks import plugin_traceback

            self._folder.event("error", text=str(error), traceback=plugin_traceback(error))
        elif ending.how != "horizon":
            self._folder.event(ending.how, text=ending.text)
        facts = {"t": ending.t, "tick": ending.tick, "verdict": verdict.outcome, "reason": verdict.reason}
        self._folder.event("end", **facts)

    def _written(
        self, world: World, ending: Ending, verdict: Verdict, requirements: Sequence[RequirementResult]
    ) -> dict[str, Any]:
        metrics = {
            result.name: result.value
            for result, each in zip(requirements, self._scene.requirements, strict=True)
            if each.expression.scalar
        }
        return {
            "crumple": 1,
            "state": "ended",
            **verdict.to_json(),
            "requirements": [result.to_json() for result in requirements],
            "metrics": metrics,
            "digest": world.digest() if ending.how != "error" else "",
            "ended": ending.how,
            "tick": ending.tick,
            "ticks": ending.ticks,
            "t": ending.t,
            "horizon": ending.horizon,
            "seed": self._scene.seed,
            "wall": round(self._wall, 6),
            "hints": self._watch.hints,
        }


def _planned(
    scene: str | os.PathLike[str] | Scene,
    *,
    set: Mapping[str, Any] | None,
    seed: int | None,
    stop: str | float | None,
    threads: int | None,
) -> Scene:
    """The scene as it is to be run."""
    from crumple.scene import Scene, load_scene

    if not isinstance(scene, Scene):
        return load_scene(scene, set=set, seed=seed, stop=stop, threads=threads)
    if set or stop is not None:
        raise UsageError("this scene is loaded already: give `set` and `stop` to load_scene.")
    return dataclasses.replace(
        scene,
        seed=scene.seed if seed is None else seed,
        threads=scene.threads if threads is None else threads,
    )


def _rate_name(period: float) -> str:
    """A period [s] as part of a file name: "100us", "1ms", "16.6666667ms", "2s"."""
    for si, scale in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if period * scale >= 1.0 or si == "us":
            return f"{period * scale:.9g}{si}"
    raise AssertionError


@contextmanager
def _termination_interrupts() -> Iterator[None]:
    """SIGTERM interrupts a run as Ctrl-C does, unless somebody else has a use for it."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise Terminated

    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
