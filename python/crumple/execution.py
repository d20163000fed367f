"""One execution of a scene: run folder, steps, recording, requirements, verdict.

The order of things is what makes a verdict hard to fake. The folder and an *inconclusive* verdict exist
before any FMU is loaded; the steps are counted; the recording is closed and its rows are counted before
anything is judged; the verdict is judged from what was recorded, and written last (see `conclusion`).
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from crumple import run_folder, wording
from crumple.conclusion import Ran, conclude
from crumple.errors import CrumpleError, EndError, RecordError, StepError, UsageError
from crumple.exit_codes import exit_code
from crumple.faults_run import injections, recorded
from crumple.interrupts import Interrupts, name_of
from crumple.live.errors import NotAllThere, StoppedByHand, TooLate
from crumple.manifest import Provenance
from crumple.run_folder import RunFolder
from crumple.verdict import Ending, not_finished

if TYPE_CHECKING:
    from crumple.live.plan import Mode
    from crumple.live.units import Live, Waiting
    from crumple.result import Result
    from crumple.scene import Scene
    from crumple.tape import Tape
    from crumple.world import ProfileRow, World

_LONGEST_TIMEOUT = 1e9  # [s] times in ns are counted in 64 bits


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
    mode: str
    speed: float
    warnings: tuple[str, ...]
    folder: Path


class Watch(msgspec.Struct, kw_only=True):
    """What a caller wants to hear of while a run goes on, and what it learns besides the result.

    started: called once, before the first step.   reached: called now and then with the simulated time [s].
    waiting: called now and then while rigs are waited for, with who is there and the time waited [s].
    command: the command line, for the manifest.   profiling: measure the time of every unit.
    error: the exception that ended the run, with a plugin's own as its cause.
    warnings: those that came up during the run.   hints: facts that may explain a failed requirement.
    profile: time by unit.
    """

    started: Callable[[Outline], None] = lambda outline: None
    reached: Callable[[float], None] = lambda t: None
    waiting: Callable[[Sequence[Waiting], float], None] = lambda rows, waited: None
    command: Sequence[str] = ()
    profiling: bool = False
    error: BaseException | None = None
    warnings: list[str] = []
    hints: list[str] = []
    profile: list[ProfileRow] = []


def execute(
    scene: str | os.PathLike[str] | Scene,
    *,
    set: Mapping[str, Any] | None = None,
    seed: int | None = None,
    stop: str | float | None = None,
    threads: int | None = None,
    out: str | os.PathLike[str] | None = None,
    isolate: bool | None = None,
    step_timeout: str | float | None = None,
    mode: Mode | None = None,
    speed: float | None = None,
    strict: bool | None = None,
    wait: bool | None = None,
    view: bool = False,
    inject: Sequence[str] = (),
    tape: Tape | None = None,
    replay_of: Mapping[str, Any] | None = None,
    watch: Watch,
) -> Result:
    """See `crumple.run`; `watch` hears of what happens on the way.

    tape: what live inputs give, instead of what is on the wire, and what is done by hand.   replay_of: for the
    manifest, of which run this is a replay.
    """
    timeout = None if step_timeout is None else timeout_of(step_timeout)
    pace = {"mode": mode, "speed": speed, "strict": strict, "wait": wait}
    plan = _planned(scene, set=set, seed=seed, stop=stop, threads=threads, pace=pace)
    plan = dataclasses.replace(
        plan,
        isolate=plan.isolate if isolate is None else isolate,
        step_timeout=plan.step_timeout if timeout is None else timeout,
    )
    with Interrupts() as interrupts:
        return _Execution(
            plan,
            out=Path(out or "runs"),
            watch=watch,
            interrupts=interrupts,
            view=view,
            inject=inject,
            tape=tape,
            replay_of=replay_of,
        ).run()


def run(
    scene: str | os.PathLike[str] | Scene,
    *,
    set: Mapping[str, Any] | None = None,
    seed: int | None = None,
    stop: str | float | None = None,
    threads: int | None = None,
    out: str | os.PathLike[str] | None = None,
    isolate: bool | None = None,
    step_timeout: str | float | None = None,
    inject: Sequence[str] = (),
) -> Result:
    """Run a scene to its verdict.

    scene: a bundled scene by name, the path of a scene file, or what `load_scene` returned.
    set: parameters of the scene, or "unit.parameter", by name; quantities such as "8 km/h" are converted.
    seed, stop, threads: instead of the scene's own. A run that is stopped before the scene's own end leaves
    every requirement inconclusive whose window it does not see whole.
    out: the folder in which the run's folder is made, `runs` by default. Nothing is ever overwritten.
    isolate: whether units run in worker processes, whatever the scene says. By default the scene decides,
    unit by unit. Results do not depend on it.
    step_timeout: wall time that each call of an isolated unit may take, instead of the scene's: "2 s", or [s].
    inject: faults of the scene that are to act though they are off or manual: "NAME", or "NAME@12ms" from then on.
    Returns a Result also where the run failed, and where Ctrl-C or SIGTERM interrupted it (*inconclusive*).
    Raises SceneError, FmuError, PluginError or UsageError where nothing could be run.

    A unit that is not isolated can end the process that it is in: with `exit(0)`, a crash, a signal. That is
    your process, and nothing is left in it to return anything. `verdict.json` in the run folder then still says
    *inconclusive*, and so does `crumple show`. The command `crumple run` watches over its run from a second
    process and ends with exit code 3 in that case; this function has no such process.
    """
    return execute(
        scene,
        set=set,
        seed=seed,
        stop=stop,
        threads=threads,
        out=out,
        isolate=isolate,
        step_timeout=step_timeout,
        inject=inject,
        watch=Watch(),
    )


class _Execution:
    """A scene on its way to a verdict."""

    def __init__(
        self,
        scene: Scene,
        *,
        out: Path,
        watch: Watch,
        interrupts: Interrupts,
        view: bool,
        inject: Sequence[str],
        tape: Tape | None,
        replay_of: Mapping[str, Any] | None,
    ) -> None:
        self._scene = scene
        by_tape = () if tape is None else tape.commands
        self._by_hand = sorted([*injections(inject, scene), *by_tape], key=lambda command: command.tick)
        self._view, self._tape, self._replay_of = view, tape, replay_of
        self._live: Live | None = None
        self._watch = watch
        self._interrupts = interrupts
        self._ticks = scene.stop_tick
        self._recorders: list[tuple[Any, int]] = []  # with their `every`
        self._out = out
        self._pid = os.getpid()

    def run(self) -> Result:
        provenance = Provenance(self._scene, command=self._watch.command, replay_of=self._replay_of)
        folder = RunFolder(self._out, name=self._scene.name, identity=provenance.identity)
        try:
            self._begin(folder, provenance)
            ran = self._build(folder)
        except BaseException:
            if self._live is not None:
                self._live.close()
            if os.getpid() == self._pid:
                folder.discard()  # nothing was run
            raise
        try:
            ending = self._go(ran)
            if os.getpid() != self._pid:  # a copy of this process that a unit forked: not its run to judge
                os._exit(exit_code("inconclusive"))
            return conclude(ran, ending)
        finally:
            if self._live is not None and os.getpid() == self._pid:
                self._live.close()
            with suppress(OSError):  # a unit may have closed what it did not open
                folder.close()

    # -- before ------------------------------------------------------------------------------------------

    def _begin(self, folder: RunFolder, provenance: Provenance) -> None:
        """What the folder holds from the first moment."""
        scene = self._scene
        verdict = {"crumple": 1, "state": "running", **not_finished().to_json()}
        isolation = {"isolate": scene.isolate, "step_timeout": scene.step_timeout}
        try:
            folder.write(run_folder.VERDICT, {**verdict, "scene": scene.name, "title": scene.title})
            folder.write(run_folder.MANIFEST, {**isolation, **provenance.to_json()})
            folder.event("start", scene=scene.name, seed=scene.seed, ticks=self._ticks)
        except OSError as error:
            raise RecordError(f"cannot write to {folder.path}: {error.strerror}") from None

    def _open_viewer(self, folder: Path) -> None:
        """In a process of its own, which outlives the run and can do it no harm."""
        from importlib.util import find_spec

        if find_spec("pygame") is None:
            raise UsageError("the viewer needs pygame: pip install 'crumple[view]'")
        import subprocess
        import sys

        subprocess.Popen(
            [sys.executable, "-m", "crumple.view", str(folder)],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _build(self, folder: RunFolder) -> Ran:
        from crumple.live.pacing import Pacing
        from crumple.live.units import Live
        from crumple.scene import compose

        live = self._live = Live(self._scene, tape=self._tape)
        world = compose(self._scene, live=live)
        world.build()
        ports = {unit: world.outputs(unit) for unit in world.units()}
        si = {f"{u}.{p.name}": p.si for u, listed in ports.items() for p in listed}
        told = recorded(world, self._scene, self._by_hand)
        si |= {f"fault.{p.name}": p.si for p in world.outputs("fault")} if told else {}
        for group in self._scene.record:
            stem = folder.path / f"signals-{_rate_name(float(self._scene.period) * group.every)}"
            first = group is self._scene.record[0]
            recorder = world.record(
                stem, signals=[*group.signals, *(told if first else ())], every=group.every
            )
            self._recorders.append((recorder, group.every))
        if self._scene.sensors:
            names = {sensor.name for sensor in self._scene.sensors}
            latched = [name for name in si if name.partition(".")[0] in names]
            self._recorders.append((world.record(folder.path / "tape", signals=latched, undisturbed=True), 1))
        pacing = Pacing(
            self._scene,
            world,
            live,
            folder,
            watched=self._view,
            commands=self._by_hand,
        )
        if self._view:
            self._open_viewer(folder.path)
        warnings = [*self._scene.warnings, *world.warnings]
        for text in warnings:
            folder.event("warning", text=text)
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
                mode=self._scene.pacing.mode,
                speed=self._scene.pacing.speed,
                warnings=tuple(warnings),
                folder=folder.path,
            )
        )
        return Ran(
            scene=self._scene,
            folder=folder,
            world=world,
            recorders=self._recorders,
            si=si,
            warned={*warnings},
            isolated=sorted(name for name, apart in world.isolated().items() if apart),
            wall=0.0,
            watch=self._watch,
            hold=self._interrupts.hold,
            pacing=pacing,
            replay_of=self._replay_of,
        )

    # -- the steps ---------------------------------------------------------------------------------------

    def _go(self, ran: Ran) -> Ending:
        """Steps to the end, or to whatever ends the run before."""
        world, pacing = ran.world, ran.pacing
        assert world is not None and pacing is not None
        try:
            try:
                world.reset(seed=self._scene.seed)
                if self._watch.profiling:
                    world.set_profiling(True)
                began = time.perf_counter()
                try:
                    pacing.run(self._ticks, self._watch.reached, self._watch.waiting)
                finally:
                    ran.wall = time.perf_counter() - began
            finally:
                pacing.end()
            world.end()
        except NotAllThere as error:
            return self._ending(world, "not_begun", str(error))
        except TooLate as error:
            return self._ending(world, "too_late", str(error))
        except StoppedByHand:
            return self._ending(world, "interrupted", f"stopped by hand at t = {wording.time(world.t)}")
        except KeyboardInterrupt as error:
            text = f"interrupted by {name_of(error)} at t = {wording.time(world.t)}"
            return self._ending(world, "interrupted", text)
        except EndError as error:
            if pacing.stop_wanted:  # while a rig was waited for
                return self._ending(world, "interrupted", str(error))
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
        if world.ended is not None:
            return self._ended_by_itself(world, world.ended)
        return self._ending(world, "horizon", "")

    def _ended_by_itself(self, world: World, by: str) -> Ending:
        """The scene's condition came true, or a requirement was decided that stops the run."""
        at = f"the run ended at {wording.time(world.t)}"
        if by:
            return self._ending(world, "decided", f"{at}, where requirement '{by}' was decided")
        end = self._scene.end_when
        return self._ending(world, "end_when", f"{at} by end_when: {'' if end is None else end.text}")

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


def _planned(
    scene: str | os.PathLike[str] | Scene,
    *,
    set: Mapping[str, Any] | None,
    seed: int | None,
    stop: str | float | None,
    threads: int | None,
    pace: Mapping[str, Any],
) -> Scene:
    """The scene as it is to be run."""
    from crumple.scene import Scene, load_scene

    if not isinstance(scene, Scene):
        return load_scene(scene, set=set, seed=seed, stop=stop, threads=threads, **pace)
    if set or stop is not None:
        raise UsageError("this scene is loaded already: give `set` and `stop` to load_scene.")
    planned = dataclasses.replace(
        scene,
        seed=scene.seed if seed is None else seed,
        threads=scene.threads if threads is None else threads,
    )
    return _paced(planned, **pace)


def _paced(
    scene: Scene, *, mode: Mode | None, speed: float | None, strict: bool | None, wait: bool | None
) -> Scene:
    """The scene with what is said from outside about pacing, and whether sensors are waited for."""
    said: dict[str, Any] = {"mode": mode, "speed": speed, "strict": strict}
    if speed is not None and not 1e-6 <= speed <= 1e6:
        raise UsageError(f"speed = {speed}: it is a number from 1e-6 to 1e6, simulated seconds a second.")
    pacing = dataclasses.replace(scene.pacing, **{k: v for k, v in said.items() if v is not None})
    if (speed is not None or strict is not None) and pacing.mode != "realtime":
        raise UsageError("a speed and a strict schedule are those of a run in real time: add --realtime.")
    if pacing.mode == "lockstep" and not scene.rigs:
        raise UsageError("nobody paces this run: lockstep needs a rig in the scene, [rigs.NAME].")
    if pacing.mode != "lockstep" and scene.rigs:
        raise UsageError(
            f"rig '{scene.rigs[0].name}' paces this run: it is in lockstep, and cannot be {pacing.mode}."
        )
    sensors = scene.sensors
    if wait is not None:
        sensors = tuple(dataclasses.replace(sensor, required=wait) for sensor in sensors)
    return dataclasses.replace(scene, pacing=pacing, sensors=sensors)


def timeout_of(given: str | float) -> float:
    """A step timeout [s], given as such or as in "2 s". Raises UsageError where it is none."""
    from crumple.scene.clock import TimeError, exact_time

    try:
        seconds = float(exact_time(given))
    except TimeError as error:
        raise UsageError(f'the step timeout "{given}" is no time: {error} Write it as in "2 s".') from None
    if not 0 < seconds <= _LONGEST_TIMEOUT:
        raise UsageError(f'the step timeout "{given}" must be longer than nothing, and at most 31 years.')
    return seconds


def _rate_name(period: float) -> str:
    """A period [s] as part of a file name: "100us", "1ms", "16.6666667ms", "2s"."""
    for si, scale in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if period * scale >= 1.0 or si == "us":
            return f"{period * scale:.9g}{si}"
    raise AssertionError
