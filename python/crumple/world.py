"""A world: units and connections, stepped in lockstep by the core.

What was added is in world_units.py, what happens in a step in cpp/src/step.cpp.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crumple import _core
from crumple import snapshot as snapshots
from crumple.errors import StateError, UsageError
from crumple.period import period_of
from crumple.snapshot import Command, Snapshot
from crumple.trace import Trace
from crumple.world_units import WorldUnits

if TYPE_CHECKING:
    from crumple.fmu import Fmu
    from crumple.live.plan import FaultPlan
    from crumple.table import Table
    from crumple.unit import Unit
    from crumple.worker import Limits

__all__ = ["PortInfo", "ProfileRow", "Trace", "World", "available_cores"]


@dataclass(frozen=True, slots=True)
class PortInfo:
    """A port of a unit in a world. si: None where no unit of measure is declared."""

    name: str
    kind: str
    shape: tuple[int, ...]
    si: str | None


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """Time that a unit spent in its steps. count: steps; mean, p99, max [s]; share of all units' time, 0 to 1."""

    unit: str
    count: int
    mean: float
    p99: float
    max: float
    share: float


class World:
    """Units in lockstep.

    period: the base step; "100 us", "60 Hz", Fraction(1, 44100) or seconds as a float.
    threads: most threads to use, by default one per core; units spread over them where their measured cost is worth
        it. Results never depend on it.
    digest: keep a hash of all signals at all ticks.   start: time at tick 0 [s].
    isolate: for units whose `add` does not say.

    Example:
        world = World(period="1 ms")
        world.add("motor", Fmu("motor.fmu", start={"inertia": "0.2 kg*m^2"}))
        world.add("controller", Controller(gain=3.0), every=5)
        world.connect("motor.speed", "controller.speed")
        world.reset(seed=1)
        world.step(1000)
        print(world["motor.speed"])
    """

    def __init__(
        self,
        period: Fraction | str | float,
        *,
        threads: int | None = None,
        digest: bool = True,
        start: float = 0.0,
        isolate: bool | None = None,
        _everywhere: bool = False,
    ) -> None:
        self._period = period_of(period)
        count = available_cores() if threads is None else threads
        if count < 1:
            raise UsageError(f"threads = {count}: a world needs at least one")
        self._core = _core.World(
            self._period.numerator, self._period.denominator, count, digest, start, _everywhere
        )
        self._options: dict[str, Any] = {
            "threads": count,
            "digest": digest,
            "start": start,
            "isolate": isolate,
            "_everywhere": _everywhere,
        }
        self._units = WorldUnits(self._core, period=self._period, isolate=isolate)
        self._connected: list[tuple[Any, ...]] = []
        self._faults: list[FaultPlan] = []
        self._judges: list[_core.Judge] = []
        self._end_when: _core.Program | None = None
        self._commands: list[Command] | None = []  # what came from outside since the reset; None: not known
        self._built = False

    # -- description ------------------------------------------------------------------------------------------------

    def add(
        self,
        name: str,
        unit: Fmu | Unit | type[Unit] | Table,
        *,
        every: int = 1,
        isolate: bool | None = None,
        step_timeout: float | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Adds a unit under a name of its own. every: its step in ticks of the world.

        A unit with every = N reads its inputs when its window of N ticks opens; its outputs appear when it closes.
        isolate: in a worker process (True) or in this one (False). By default an FMU that was vetted and found clean
        and a plugin run in this process, any other FMU in a worker. Results are the same, bit for bit.
        step_timeout: wall time that each of a worker's calls may take [s], by default 10.
        limits: what the worker may use; stating them asks for a worker, too.
        """
        self._units.add(name, unit, every=every, isolate=isolate, step_timeout=step_timeout, limits=limits)

    def connect(
        self,
        source: str,
        target: str,
        *,
        same_tick: bool = False,
        scale: float | None = None,
        offset: float | None = None,
    ) -> None:
        """Connects an output to an input, both as "unit.port" or, for one element, "unit.port[0]".

        The input sees what was published at the last communication point. same_tick: it waits for the producer within
        the tick. Units of measure are converted; scale and offset by hand replace that: input = output*scale + offset.
        """
        self._core.connect(source, target, same_tick, scale, offset)
        self._connected.append((source, target, same_tick, scale, offset))

    def add_fault(self, fault: FaultPlan) -> None:
        """A fault on an input that something feeds, an output, a parameter or a unit. See docs/faults.md.

        It acts when it says, or from `inject` to `clear`. Several on one value act in the order of
        `crumple.faults.KINDS`, then of their names, whatever the order of the calls.
        Raises FormulaError for a condition that cannot be, and BuildError when the world is built, where what it is
        on does not exist or cannot have such a fault.
        """
        self._core.add_fault(fault.name, fault.on, fault.kind, fault.particulars(self._si_of))
        self._faults.append(fault)

    def _si_of(self, signal: str) -> str | None:
        unit, _, port = signal.partition(".")
        by_name = {each.name: each.si for each in self._core.outputs(unit)}
        return by_name.get(port, by_name.get(port.partition("[")[0]))

    def add_requirement(self, judge: _core.Judge) -> None:
        """A requirement that the core sees to at every tick. See `finding`, and `ended` for one that stops the run."""
        self._core.add_judge(judge)
        self._judges.append(judge)

    def end_when(self, condition: _core.Program) -> None:
        """A condition that ends the run at the first tick where it is true: see `ended`."""
        self._core.end_when(condition)
        self._end_when = condition

    def build(self) -> None:
        """Lays the world out and finds its waves. `reset` does so where it is needed."""
        self._core.build()
        self._built = True

    def set_start(self, unit: str, values: Mapping[str, Any]) -> bool:
        """Other start values of an FMU, or parameters of a plugin, from the next reset on; those not named stay.

        Returns False, and changes nothing, where the unit has to be made anew for them: one in a worker process, sizes
        and inputs of an FMU, a plugin that computes with its parameters when it is made.
        Raises FmuError or PluginError naming what is wrong with a value.
        """
        return self._units.set_start(unit, values)

    # -- time -------------------------------------------------------------------------------------------------------

    def reset(self, seed: int = 0) -> None:
        """To tick 0: every unit as new, and the initial values settled."""
        if not self._built:
            self.build()
        if not 0 <= seed < 2**64:
            raise UsageError(f"seed = {seed}: it is a whole number from 0 to 2^64 - 1")
        self._core.reset(seed)
        self._commands = []

    def drive(
        self,
        until: int,
        *,
        pacer: _core.Pacer | None = None,
        monitor: _core.Monitor | None = None,
        most: int = 2**40,
    ) -> str:
        """Advances to the tick `until`, on the clock where there is a pacer.

        most: ticks without a look at the monitor and at signals, where there is none.
        Returns "reached", or why it stopped before: "ended" (see `ended`), "commanded" (the monitor has a command),
        "lost" (too far behind the clock in a strict run). Raises what `step` does, and KeyboardInterrupt.
        """
        return _core.drive(self._core, until, pacer, monitor, most)

    def step(self, n: int = 1) -> None:
        """Advances by n ticks, or until it has `ended`.

        Raises StepError naming unit, call, tick and time; EndError where a unit asks for the end; RecordError.
        """
        self._core.step(n)

    @property
    def ended(self) -> str | None:
        """What ended the run: "" a condition (see `end_when`), else the requirement that did. None: it goes on."""
        return self._core.ended

    def finding(self, requirement: str, closing: str = "cut") -> _core.Finding:
        """What is known of a requirement at the present tick.

        closing: how windows end that reach beyond: "cut" (what was not seen is not known), "whole" (those without end
        end here), "ended" (those that are judged from the start of the run do, too).
        """
        return self._core.finding(requirement, closing)

    def end(self) -> None:
        """The run ended well: tells the units, and closes the recording."""
        self._core.end()

    def close(self) -> None:
        """Frees what the units hold: instances of FMUs, worker processes. Only `reset` follows.

        Raises StepError where a worker did not come to the end of that. A world that is let go closes, too, in silence.
        """
        self._core.close()

    @property
    def period(self) -> Fraction:
        """The base step [s], exactly."""
        return self._period

    @property
    def tick(self) -> int:
        """Number of base steps since the start."""
        return self._core.tick

    @property
    def t(self) -> float:
        """Time [s]: start + tick * period, never accumulated."""
        return self._core.t

    @property
    def seed(self) -> int:
        """The run's seed."""
        return self._core.seed

    def digest(self) -> str:
        """Hash of all signals at all ticks so far, 16 hexadecimal digits."""
        return f"{self._core.digest():016x}"

    # -- signals ----------------------------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Any:
        """The value of "unit.port" at the present communication point: a number, bool, str, bytes or array (a copy)."""
        return self._core.get(name)

    def __setitem__(self, name: str, value: Any) -> None:
        """Sets an input that nothing feeds, or a tunable parameter of an FMU, from the next step on."""
        self._units.set(name, value)
        if self._commands is not None:
            self._commands.append(Command(self.tick, name, copy.deepcopy(value)))

    def inject(self, fault: str) -> None:
        """A fault of this name begins with the next step, whatever its ticks say. Raises UsageError for another."""
        self._core.inject(fault)
        self._commands = None  # a replay from the reset would not know of it

    def arm(self, fault: str) -> None:
        """A fault that is off acts from now on when it says; one that is by hand begins."""
        self._core.arm(fault)
        self._commands = None

    def clear(self, fault: str) -> None:
        """A fault ends with the next step, and does not come back by itself."""
        self._core.clear(fault)
        self._commands = None

    def active_faults(self) -> list[str]:
        """The faults that act in the next step."""
        return self._core.active_faults()

    def fault_signals(self) -> list[str]:
        """Signals that tell of the faults: "fault.NAME.active", and where it is on a value ".before" and ".after".

        They can be recorded and traced like outputs, and are no part of the digest.
        """
        return self._core.fault_signals()

    def take_fault_events(self) -> list[tuple[str, int, bool]]:
        """What happened since the last call: name of the fault, tick, and whether it began (else it was over)."""
        return self._core.take_fault_events()

    # -- state ------------------------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """The whole state at this communication point.

        Where a unit's state cannot be saved, restoring means to replay the run up to here: `.replayed` says why.
        """
        return snapshots.take(self._core, self._commands)

    def restore(self, snapshot: Snapshot) -> None:
        """Back to a snapshot of this world; what follows is the same, bit for bit.

        Raises StateError where a run had to be replayed and did not come to the same signals.
        """
        snapshots.bring(self._core, snapshot, self._units.set)
        self._commands = None if snapshot.commands is None else list(snapshot.commands)

    def fork(self) -> World:
        """A second world that goes on from here, bit for bit as this one would; this one does not notice."""
        return self.forks(1)[0]

    def forks(self, n: int) -> list[World]:
        """n worlds that go on from here, each on its own. They have no probes: give them recorders of their own.

        Units in workers are forked with their processes, whatever their FMUs can do; see `snapshot` for others.
        """
        shot = snapshots.take(self._core, self._commands, for_another=True)
        worlds = []
        for _ in range(n):
            world = World(self._period, **self._options)
            self._units.add_again(world._units)
            for fault in self._faults:
                world.add_fault(fault)
            for judge in self._judges:
                world.add_requirement(judge)
            if self._end_when is not None:
                world.end_when(self._end_when)
            for source, target, same_tick, scale, offset in self._connected:
                world.connect(source, target, same_tick=same_tick, scale=scale, offset=offset)
            world.build()
            world.restore(shot)
            worlds.append(world)
        return worlds

    def pack(self, snapshot: Snapshot) -> bytes:
        """A snapshot as bytes, for a file or another process.

        Raises StateError or StepError naming the unit whose state cannot leave this process: of FMUs, only those can
        of which vetting found that they serialise their state bit for bit.
        """
        if snapshot.core is None:
            raise StateError(f"this snapshot cannot leave this process: {snapshot.replayed}")
        return self._core.pack(snapshot.core)

    def unpack(self, packed: bytes) -> Snapshot:
        """The snapshot behind bytes that `pack` gave, for a world of the same units and period that has been reset.

        The states of Python plugins are unpickled: unpack only what you packed yourself.
        Raises UsageError for bytes that are no whole snapshot of such a world.
        """
        core = self._core.unpack(packed)
        return Snapshot(
            tick=core.tick, seed=self.seed, digest=core.digest, replayed="", core=core, commands=None
        )

    def save(self, file: str | os.PathLike[str]) -> None:
        """Writes the state at this communication point to a file, whole or not at all. See `pack`."""
        snapshots.write(Path(file), self.pack(self.snapshot()))

    def resume(self, file: str | os.PathLike[str]) -> None:
        """Goes on from a file that `save` wrote, also in a new process, in a world of the same units.

        Resets this world first. The states of Python plugins are unpickled: resume only what you saved yourself.
        Raises UsageError for a file that is damaged or of other units.
        """
        packed = snapshots.read(Path(file))
        self.reset()
        self.restore(self.unpack(packed))

    # -- watching ---------------------------------------------------------------------------------------------------

    def record(
        self,
        stem: str | os.PathLike[str],
        *,
        signals: Sequence[str] | None = None,
        every: int = 1,
        undisturbed: bool = False,
    ) -> _core.Recorder:
        """Writes signals to `<stem>.npy` from now on, a row per `every` ticks, off the stepping thread.

        signals: output ports as "unit.port", by default all. Strings go to `<stem>.jsonl`, at each change. More
        columns than one NumPy header holds go to `<stem>-2.npy`, and so on; `.files` lists them.
        undisturbed: as outputs were before the faults on them.
        """
        recorder = _core.Recorder(Path(stem), self._columns(signals, undisturbed=undisturbed), every)
        self._core.watch(recorder)
        return recorder

    def trace(self, signals: Sequence[str] | None = None, *, every: int = 1) -> Trace:
        """Keeps signals in memory from now on, a row per `every` ticks."""
        trace = _core.Trace(self._columns(signals), every)
        self._core.watch(trace)
        return Trace(trace)

    def watch(self, probe: _core.Probe) -> None:
        """A probe of the core sees every tick from now on; it cannot write."""
        self._core.watch(probe)

    def columns(self) -> list[_core.Column]:
        """All outputs as they lie in a frame of the world: name, offset, count, shape."""
        return self._columns(None)

    def _columns(self, signals: Sequence[str] | None, *, undisturbed: bool = False) -> list[_core.Column]:
        if not self._built:
            self.build()
        if signals is None:
            signals = [f"{unit}.{port.name}" for unit in self.units() for port in self.outputs(unit)]
        return self._core.columns(list(signals), undisturbed)

    def set_profiling(self, on: bool) -> None:
        """Switches the timing of units on or off, and forgets what was measured."""
        self._core.set_profiling(on)

    def profile(self) -> list[ProfileRow]:
        """Time per unit since `set_profiling(True)`."""
        return [
            ProfileRow(unit=r.unit, count=r.count, mean=r.mean, p99=r.p99, max=r.max, share=r.share)
            for r in self._core.profile()
        ]

    # -- what there is ----------------------------------------------------------------------------------------------

    def units(self) -> list[str]:
        """Names of the units, sorted."""
        return self._core.units()

    def fmus(self) -> Mapping[str, Fmu]:
        """The FMUs by unit name."""
        return self._units.fmus

    def inputs(self, unit: str) -> list[PortInfo]:
        """The input ports of a unit."""
        return [PortInfo(p.name, p.kind, p.shape, p.si) for p in self._core.inputs(unit)]

    def outputs(self, unit: str) -> list[PortInfo]:
        """The output ports of a unit."""
        return [PortInfo(p.name, p.kind, p.shape, p.si) for p in self._core.outputs(unit)]

    def unit_views(self) -> list[_core.UnitView]:
        """For each unit: name, every, wave, thread, and cost [s] per step as rehearsed (0 where unknown)."""
        return self._core.unit_views()

    def isolated(self) -> Mapping[str, bool]:
        """Which units run in worker processes, by name."""
        return self._units.isolated

    def waves(self) -> list[list[str]]:
        """Names of the units, wave by wave."""
        views = self._core.unit_views()
        count = max((v.wave for v in views), default=-1) + 1
        return [[v.name for v in views if v.wave == wave] for wave in range(count)]

    def connections(self) -> list[_core.ConnectionView]:
        """The connections as built: source, target, same_tick, scale, offset."""
        return self._core.connections()

    @property
    def warnings(self) -> list[str]:
        """Facts worth telling that are no errors: units of measure not declared, FMUs not quite valid."""
        texts = self._core.warnings()
        for name, fmu in self._units.fmus.items():
            texts += [f"unit '{name}' ({fmu.archive.path.name}): {text}" for text in fmu.description.warnings]
        return texts


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
