"""What a scene says once it is read and checked: every quantity resolved, every name known to exist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crumple.live.plan import (
    ActuatorPlan,
    FaultPlan,
    LivePlan,
    PacingPlan,
    RigPlan,
    SensorPlan,
    TimingPlan,
)

if TYPE_CHECKING:
    from crumple import _core
    from crumple.archive import Archive
    from crumple.requirement import Requirement
    from crumple.scene.ports import UnitPorts
    from crumple.scene_metrics import SceneMetric
    from crumple.stl_requirement import Holds
    from crumple.unit import Unit

Value = str | float | bool | list[Any]  # of a parameter, as TOML or `--set` gave it


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterPlan:
    """A parameter of a scene, as it is declared.

    default, min, max: numbers in `si` where that is declared, else as the scene writes them.
    si: its unit of measure, None where it is not declared and values carry their own.
    choices: the only values there are, None where any will do.
    """

    name: str
    default: Value
    si: str | None = None
    min: str | float | None = None
    max: str | float | None = None
    choices: tuple[Any, ...] | None = None
    doc: str = ""


@dataclass(frozen=True, slots=True)
class SceneSource:
    """A file that the scene was read from, an included one or its own."""

    path: Path
    sha256: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPlan:
    """A unit to be made: of an FMU (`archive`) or of a plugin (`plugin`), the other being None.

    model: as the scene names it.   every: its step in ticks.
    values: start values of the FMU's variables, or the plugin's parameters, as written.
    expose: variables of the FMU, by name, that are to become outputs.
    tell_stop: the FMU is told the stop time of the run.
    isolate, step_timeout [s, wall time], limits: what the scene says about the worker process, for this unit
    or for all; None, or missing in `limits`, where it says nothing.
    """

    name: str
    model: str
    every: int
    values: Mapping[str, Value]
    archive: Archive | None = None
    plugin: type[Unit] | None = None
    expose: tuple[str, ...] = ()
    allow_nonfinite: tuple[str, ...] = ()
    allow_warnings: bool = False
    tell_stop: bool = False
    strict: bool = False
    isolate: bool | None = None
    step_timeout: float | None = None
    limits: Mapping[str, int | bool] = field(default_factory=dict)
    ports: UnitPorts | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ConnectionPlan:
    """An output that feeds an input, "unit.port" each. A scale or an offset replaces unit conversion."""

    source: str
    target: str
    same_tick: bool = False
    scale: float | None = None
    offset: float | None = None


@dataclass(frozen=True, slots=True)
class RecordGroup:
    """Outputs, "unit.port" each, in the order of their units, kept every `every` communication points."""

    signals: tuple[str, ...]
    every: int = 1


@dataclass(frozen=True, slots=True)
class EndPlan:
    """A condition that ends the run at the first tick where it is true. units: of its signals, by name."""

    text: str
    units: Mapping[str, str | None]

    def program(self) -> _core.Program:
        """For the core of a world."""
        from crumple.formula import parse_formula

        return parse_formula(self.text).program(self.units.get)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A scene that can be run.

    name: of the file, without its suffix.   path: of the file.   files: it and all that it includes.
    period [s], start [s]: exact.   stop_tick: how many ticks the run has.
    horizon [s]: the end that the file asks for; `stop`, unless it was given from outside.
    parameters: of the scene, by name, with `--set` applied.   overrides: what `--set` gave, by name.
    declared: how the parameters are declared.   derived: what is computed from them, by name.
    isolate, step_timeout [s, wall time]: from outside, for all units, whatever they say; None: not given.
    connections: those of actuators' channels included.
    sensors, actuators: units as well, of the same names' space; `units` are those that are simulated.
    timing: the timing budget, None where there is none.   end_when: a condition that ends the run.
    faults: in the order in which they apply.
    record: at most one group for each rate; requirements' signals are in the one with `every` 1.
    warnings: what is allowed, and may still not be meant.
    """

    name: str
    title: str
    description: str
    path: Path
    files: tuple[SceneSource, ...]
    period: Fraction
    start: Fraction
    stop_tick: int
    horizon: Fraction
    seed: int
    threads: int | None
    parameters: Mapping[str, Value]
    overrides: Mapping[str, Value]
    units: Mapping[str, UnitPlan]
    connections: tuple[ConnectionPlan, ...]
    requirements: tuple[Requirement | Holds, ...]
    metrics: tuple[SceneMetric, ...] = ()
    declared: Mapping[str, ParameterPlan] = field(default_factory=dict)
    derived: Mapping[str, Value] = field(default_factory=dict)
    record: tuple[RecordGroup, ...]
    isolate: bool | None = None
    step_timeout: float | None = None
    pacing: PacingPlan = field(default_factory=PacingPlan)
    sensors: tuple[SensorPlan, ...] = ()
    actuators: tuple[ActuatorPlan, ...] = ()
    rigs: tuple[RigPlan, ...] = ()
    timing: TimingPlan | None = None
    end_when: EndPlan | None = None
    faults: tuple[FaultPlan, ...] = ()
    view: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def stop(self) -> Fraction:
        """Time of the last communication point [s]."""
        return self.start + self.stop_tick * self.period

    @property
    def live(self) -> LivePlan:
        """All that is live."""
        return LivePlan(period=self.period, sensors=self.sensors, actuators=self.actuators, rigs=self.rigs)
