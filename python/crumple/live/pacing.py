"""Stepping a world to its end: as fast as possible, on the clock, or as a rig sets the pace.

While a run goes on it can be held, stepped, sent on at another speed, and changed by hand. What changes a result goes
to `commands.jsonl`, so that a replay can do the same at the same tick. In real time no other Python thread runs here:
whoever looks on does so from a process of its own, through shared memory.
"""

from __future__ import annotations

import gc
import json
import math
import os
import select
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from crumple import _core, wording
from crumple.errors import CrumpleError, UsageError
from crumple.faults_run import FaultLog
from crumple.live.errors import StoppedByHand, TooLate
from crumple.live.monitor import MONITOR, REFUSED, STATUS

if TYPE_CHECKING:
    from crumple.live.units import Live
    from crumple.run_folder import RunFolder
    from crumple.scene import Scene
    from crumple.tape import Command
    from crumple.world import World

COMMANDS = "commands.jsonl"
_TELL = 0.1  # [s] of wall time between two words about the progress of a paced run
_CHUNK = 0.02  # [s] the same, of one that runs as fast as possible
_AT_ONCE = 4  # commands that are obeyed between two ticks
_HELD = 0.004  # [s] between two looks for a command while the run is held
_NS = 1_000_000_000
_PRIORITY = 80  # below the kernel's own threads at 99, above interrupt threads at 50
_ARGUMENTS: dict[str, set[str]] = {
    "pause": set(),
    "resume": set(),
    "step": {"n"},
    "run_to": {"t"},
    "speed": {"speed"},
    "stop": set(),
    "set": {"name", "value"},
    "inject": {"fault"},
    "clear": {"fault"},
}


class Pacing:
    """One run's way through its ticks. watched: somebody may look on, and give commands."""

    def __init__(
        self,
        scene: Scene,
        world: World,
        live: Live,
        folder: RunFolder,
        *,
        watched: bool,
        commands: Sequence[Command] = (),
    ) -> None:
        self._scene, self._world, self._live, self._folder = scene, world, live, folder
        self._taped = list(commands)
        self._held = False
        self._granted: dict[str, Any] | None = None
        self._pacer = self._make_pacer()
        self._monitor = self._make_monitor() if watched or self.timed else None
        self._commands = -1  # descriptor of commands.jsonl
        self._pause_at: int | None = None
        self._stepped_at = -1  # the tick at which a single step was last asked for
        self._tell = sys.stderr
        self.faults = FaultLog(scene, world, folder)

    @property
    def timed(self) -> bool:
        """Whether the run keeps time with anything outside."""
        return self._scene.pacing.mode != "free"

    def _wait(self, hear: Callable[[Sequence[Any], float], None]) -> None:
        """Until all who are required are there."""
        self._status("waiting")

        def told(rows: Sequence[Any], waited: float) -> bool:
            hear(rows, waited)
            return self._go_ahead()

        self._live.wait(self._starts, hear=told)

    def _go_ahead(self) -> bool:
        """Whether somebody who looks on wants to begin without those who are missing."""
        ahead = False
        for text in () if self._monitor is None else self._monitor.take(_AT_ONCE):
            do = None
            with suppress(ValueError, AttributeError):
                do = json.loads(text).get("do")
            if do == "stop":
                raise StoppedByHand
            if do == "resume":
                ahead = True
            else:
                self._folder.event("warning", text=f"a command was refused: the run has not begun ({do})")
        return ahead

    def run(
        self, ticks: int, reached: Callable[[float], None], hear: Callable[[Sequence[Any], float], None]
    ) -> None:
        """All ticks. Raises NotAllThere, TooLate, StoppedByHand, and what steps raise.

        reached: called now and then with the simulated time [s].   hear: who is waited for, before the first tick.
        """
        world = self._world
        with (
            self._real_time()
        ):  # before the waiting: it takes time, in which a sample that has come would grow old
            self._wait(hear)
            self._live.begin()
            if self._pacer is not None:
                self._pacer.begin(world.tick)
            self._status("running")
            chunk = 1
            most = 1 if self._scene.pacing.mode == "lockstep" else 2**40
            while world.tick < ticks:
                before = time.perf_counter()
                until = self._until(ticks, chunk)
                how = world.drive(until, pacer=self._pacer, monitor=self._monitor, most=most)
                if how == "ended":
                    break
                self.faults.tell()
                if how == "lost":
                    self._give_up()
                if how == "commanded":
                    self._obey_all()
                self._by_tape()
                if self._pause_at is not None and world.tick >= self._pause_at:
                    self._pause_at = None
                    self._hold()
                self._stay()
                chunk = self._chunk(chunk, time.perf_counter() - before)
                if self._can_tell():
                    reached(world.t)
        self._tell_refusals()

    @property
    def stop_wanted(self) -> bool:
        """Somebody who looks on wants the run to stop, and was not heard yet."""
        return self._monitor is not None and self._monitor.stop_wanted

    def end(self) -> None:
        """However the run ended: rigs are told the safe values, viewers that it is over."""
        self._live.safe(self._world.tick)
        with suppress(OSError):
            self.faults.tell()
        self._status("ended")
        with suppress(OSError):
            (self._folder.path / MONITOR).unlink(missing_ok=True)
        if self._monitor is not None:
            self._monitor.close_descriptor()
        with suppress(CrumpleError):
            self._tell_refusals()
        if self._commands >= 0:
            os.close(self._commands)
            self._commands = -1

    def figures(self) -> dict[str, Any] | None:
        """For timing.json. None where nothing was timed and nothing was live."""
        if self._pacer is None and not self._live.any:
            return None
        found: dict[str, Any] = {"mode": self._scene.pacing.mode, "period": float(self._scene.period)}
        if self._granted is not None:
            found["obtained"] = self._granted
        if self._pacer is not None:
            found["speed"] = self._pacer.speed
            figures = self._pacer.figures()
            start, period = float(self._scene.start), float(self._scene.period)
            for miss in figures["misses"]:
                miss["t"] = start + miss["tick"] * period
                # who took the time: the system, which woke us late, or the unit that took longest
                miss["blame"] = "wake-up" if miss["late_s"] > miss["step_s"] else miss["unit"]
            found.update(figures)
        found["units"] = [
            {"unit": row.unit, "mean": row.mean, "p99": row.p99, "max": row.max}
            for row in self._world.profile()
        ]
        found["inputs"] = self._live.inputs()
        found["outputs"] = self._live.outputs()
        if self._live.bridged:
            found["bridged"] = True
        return found

    # -- the loop ----------------------------------------------------------------------------------------

    def _until(self, ticks: int, chunk: int) -> int:
        """The next tick at which the loop comes back here."""
        stops = [ticks, self._world.tick + chunk]
        if self._pause_at is not None:
            stops.append(self._pause_at)
        if self._taped:
            stops.append(self._taped[0].tick)
        return max(min(stops), self._world.tick)

    def _chunk(self, chunk: int, spent: float) -> int:
        if self._pacer is not None:
            ticks: float = _TELL * self._pacer.speed / float(self._scene.period)
            return max(1, round(ticks))
        if spent < _CHUNK / 2:
            return chunk * 2
        return max(1, chunk // 2) if spent > _CHUNK * 2 else chunk

    def _can_tell(self) -> bool:
        """In a timed run a terminal that somebody holds with Ctrl-S must not hold the run."""
        if not self.timed:
            return True
        try:
            return bool(select.select([], [self._tell], [], 0)[1])
        except (OSError, ValueError):
            return False

    def _give_up(self) -> None:
        assert self._pacer is not None
        figures = self._pacer.figures()
        last = figures["misses"][-1] if figures["misses"] else None
        because = ""
        if last is not None and last["tick"] >= self._world.tick - 1 and last["unit"]:
            because = f"; '{last['unit']}' took {wording.time(last['unit_s'])} in the tick before"
        pacing = self._scene.pacing
        raise TooLate(
            f"real time was lost at t = {wording.time(self._world.t)}: {wording.time(figures['behind_s'])} behind,"
            f" and the run is strict (at most {pacing.catch_up} periods){because}"
        )

    @contextmanager
    def _real_time(self) -> Iterator[None]:
        pacing = self._scene.pacing
        if not self.timed:
            yield
            return
        self._world.set_profiling(True)
        gc.collect()
        gc.freeze()  # a full collection takes longer than a tick; what is alive now need not be looked at again
        priority = _PRIORITY if pacing.fifo else 0
        self._granted = _core.ask_for_real_time(priority, pacing.locked, pacing.awake)
        for text in self._granted["why"]:
            self._folder.event("warning", text=text)
        try:
            yield
        finally:
            _core.leave_real_time()
            gc.unfreeze()

    def _make_pacer(self) -> Any:
        pacing, period = self._scene.pacing, self._scene.period
        if pacing.mode != "realtime":
            return None
        return _core.Pacer(
            period.numerator,
            period.denominator,
            pacing.speed,
            pacing.catch_up,
            pacing.strict,
            round(pacing.grace * _NS),
            round(pacing.spin * _NS),
        )

    # -- who looks on ------------------------------------------------------------------------------------

    def _make_monitor(self) -> Any:
        names: list[str] = []
        for column in self._world.columns():
            if not column.blob:
                names += [""] * (column.offset + column.count - len(names))
                for i in range(column.count):
                    names[column.offset + i] = f"{column.name}[{i}]" if column.shape else column.name
        budget = float(self._scene.period) / self._scene.pacing.speed
        try:
            monitor = _core.Monitor(len(names), json.dumps(names), self._scene.stop_tick, budget)
        except UsageError as error:
            self._folder.event("warning", text=str(error))
            return None
        place = {"monitor": 1, "pid": os.getpid(), "file": f"/proc/{os.getpid()}/fd/{monitor.descriptor}"}
        self._folder.write(MONITOR, place)
        monitor.set_speed(self._scene.pacing.speed)
        self._world.watch(monitor)
        self._live.context.look_at(monitor)
        return monitor

    def _status(self, status: str) -> None:
        if self._monitor is not None:
            self._monitor.set_status(STATUS.index(status))

    def _starts(self, actuator: str) -> list[float]:
        """The initial values of what feeds an actuator."""
        return [float(self._world[f"{actuator}.{port.name}"]) for port in self._world.inputs(actuator)]

    def _tell_refusals(self) -> None:
        for text in self._live.refusals():
            self._folder.event("refused", text=text)

    # -- by hand -----------------------------------------------------------------------------------------

    def _by_tape(self) -> None:
        """What was done by hand in the run that is replayed, at the same ticks."""
        while self._taped and self._taped[0].tick <= self._world.tick:
            command = self._taped.pop(0)
            self._change(command.do, dict(command.args))

    def _obey_all(self) -> None:
        if self._monitor is None:
            return
        for text in self._monitor.take(_AT_ONCE):
            try:
                self._obey(text)
            except Exception as error:  # whoever looks on may send anything
                said = text.decode("utf-8", "replace")[:200]
                self._folder.event("warning", text=f"{REFUSED}{error} ({said})")

    def _obey(self, text: bytes) -> None:
        command = json.loads(text)
        do = command.pop("do", None) if isinstance(command, dict) else None
        if do not in _ARGUMENTS:
            raise UsageError("it is no command")
        if command.keys() != _ARGUMENTS[do]:
            raise UsageError(f"{do} takes {', '.join(sorted(_ARGUMENTS[do])) or 'nothing'}")
        if do in ("set", "inject", "clear"):
            self._change(do, command)
            return
        if do == "stop":
            raise StoppedByHand
        if do in ("pause", "step", "run_to"):
            self._live.check_hold()
        tick = self._world.tick
        if do == "pause":
            self._hold()
        elif do == "resume":
            self._pause_at = None
            self._go_on()
        elif do == "step":
            # asked for twice before one was made: both are
            more = self._pause_at if self._pause_at is not None and self._stepped_at == tick else tick
            self._pause_at, self._stepped_at = more + max(1, int(command["n"])), tick
            self._go_on()
        elif do == "run_to":
            self._pause_at = self._tick_at(float(command["t"]))
            self._go_on()
        else:
            self._change_speed(float(command["speed"]))
        self._folder.event("command", do=do, tick=tick, **command)

    def _tick_at(self, t: float) -> int:
        tick = math.ceil((t - float(self._scene.start)) / float(self._scene.period) - 1e-6)
        if tick <= self._world.tick:
            raise UsageError(f"the run is past {wording.time(t)}")
        return tick

    def _change_speed(self, speed: float) -> None:
        if self._pacer is None or self._monitor is None:
            raise UsageError("only a run in real time has a speed")
        self._pacer.set_speed(speed, self._world.tick)
        self._monitor.set_speed(speed)

    def _hold(self) -> None:
        self._held = True
        self._live.pause(self._world.tick)
        self._status("paused")

    def _stay(self) -> None:
        """Until somebody sends the run on. Rigs hear that it is held, and not dead; one in lockstep waits."""
        told = time.monotonic()
        while self._held:
            time.sleep(_HELD)
            self._live.drain()
            self._obey_all()
            if self._held and time.monotonic() - told > _TELL:
                told = time.monotonic()
                self._live.pause(self._world.tick)

    def _go_on(self) -> None:
        self._held = False
        if self._pacer is not None:
            self._pacer.anchor(self._world.tick)
        self._status("running")

    def _change(self, do: str, args: dict[str, Any]) -> None:
        """What changes the results from this tick on; it is on the tape before the next step."""
        world = self._world
        line = json.dumps({"tick": world.tick, "do": do, **args}, allow_nan=False) + "\n"
        if self._commands < 0:
            path = self._folder.path / COMMANDS
            self._commands = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        if do == "set":
            world[args["name"]] = args["value"]
        elif do == "inject":
            world.inject(args["fault"])
        elif do == "arm":
            world.arm(args["fault"])
        else:
            world.clear(args["fault"])
        os.write(self._commands, line.encode())
        self._folder.event("command", do=do, tick=world.tick, **args)
