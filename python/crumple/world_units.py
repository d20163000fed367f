"""The units of a world as they were added: where each of them runs, and what it is told from outside."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from crumple import _core
from crumple.errors import UsageError
from crumple.fmu import Fmu
from crumple.unit import Unit
from crumple.worker import Limits, plugin_recipe, python_command
from crumple.worker import available as workers_available
from crumple.worker import options as worker_options

if TYPE_CHECKING:
    from crumple.certificate import Certificate
    from crumple.table import Table


@dataclass(frozen=True, slots=True)
class Added:
    """A unit as it was added, for a second world of the same."""

    unit: Fmu | Unit | Table
    held: dict[str, Any]  # what a plugin's instance held before its first reset
    options: dict[str, Any]

    def again(self) -> Fmu | Unit | Table:
        """The unit to be added to another world: the same model, or another instance of the same plugin."""
        if not isinstance(self.unit, Unit):
            return self.unit
        cls = type(self.unit)
        other = cls.__new__(cls)
        other.__dict__.update(copy.deepcopy(self.held))
        return other


class WorldUnits:
    """Adds units to a core, and sets their start values, inputs and parameters. What it does, `World` documents.

    period: base step of the world [s].   isolate: for units whose `add` does not say.
    fmus: by name.   isolated: whether a unit runs in a worker process, by name.
    """

    def __init__(self, core: _core.World, *, period: Fraction, isolate: bool | None) -> None:
        self._core = core
        self._period = period
        self._isolate = isolate
        self._added: dict[str, Added] = {}
        self._plugins: dict[str, Unit] = {}
        self.fmus: dict[str, Fmu] = {}
        self.isolated: dict[str, bool] = {}

    def add(
        self,
        name: str,
        unit: Fmu | Unit | type[Unit] | Table,
        *,
        every: int,
        isolate: bool | None,
        step_timeout: float | None,
        limits: Limits | None,
    ) -> None:
        """See World.add."""
        if isinstance(unit, type) and issubclass(unit, Unit):
            unit = unit()
        if not isinstance(unit, Unit | Fmu) and not hasattr(unit, "make_unit"):
            raise UsageError(
                f'add("{name}"): {unit!r} is no unit. Give an Fmu, or a subclass of crumple.Unit.'
            )
        # read once: of a unit whose vetting ends meanwhile, all that is decided here has the same ground
        certificate = unit.certificate() if isinstance(unit, Fmu) else None
        apart = self._apart(name, unit, isolate, certificate, limited=limits is not None)
        held: dict[str, Any] = {}
        if isinstance(unit, Unit):
            held = copy.deepcopy(unit.__dict__)
            if any(unit is other for other in self._plugins.values()):
                raise UsageError(f'add("{name}"): this instance is in the world already; make another')
            if apart:
                worker = worker_options(
                    python_command("plugin"),
                    step_timeout=step_timeout,
                    limits=limits,
                    trust_state=True,
                    fresh=False,
                )
                holder = _core.make_plugin_worker(type(unit).__ports__(), plugin_recipe(unit), worker)
            else:
                holder = _core.make_python_unit(unit, name, held)
            self._core.add(name, holder, every)
            self._plugins[name] = unit
        elif isinstance(unit, Fmu):
            refused = unit.check_step(float(self._period * every))
            if refused:
                raise UsageError(f'add("{name}"): {refused}')
            holder = unit.make_unit(
                name, certificate=certificate, isolate=apart, step_timeout=step_timeout, limits=limits
            )
            self._core.add(name, holder, every)
            self.fmus[name] = unit
        else:
            self._core.add(name, unit.make_unit(name), every)
        self.isolated[name] = apart
        options = {"every": every, "isolate": isolate, "step_timeout": step_timeout, "limits": limits}
        self._added[name] = Added(unit, held, options)

    def add_again(self, other: WorldUnits) -> None:
        """Adds the same units to the core of another world."""
        for name, added in self._added.items():
            other.add(name, added.again(), **added.options)

    def _apart(
        self,
        name: str,
        unit: Fmu | Unit | Table,
        isolate: bool | None,
        certificate: Certificate | None,
        *,
        limited: bool,
    ) -> bool:
        """Whether the unit runs in a worker process."""
        if not isinstance(unit, Unit | Fmu):
            if isolate or limited:
                raise UsageError(f'add("{name}"): a table is read by the world itself; it cannot be isolated')
            return False
        asked = isolate if isolate is not None else (True if limited else self._isolate)
        if asked is None:
            clean = certificate is not None and certificate.clean
            return isinstance(unit, Fmu) and not clean and workers_available()
        if asked and not workers_available():
            raise UsageError(
                f'add("{name}", isolate=True): worker processes need Linux; here units run in this process only'
            )
        return asked

    def set_start(self, unit: str, values: Mapping[str, Any]) -> bool:
        """See World.set_start."""
        if self.isolated[unit]:
            return False
        if (plugin := self._plugins.get(unit)) is not None:
            if type(plugin).__init__ is not Unit.__init__:
                return False
            declared = type(plugin).declared_parameters()
            try:
                converted = {name: declared[name].convert(value) for name, value in values.items()}
            except (KeyError, ValueError):
                type(plugin).check_parameters(values)  # which says what is wrong
                raise
            self._added[unit].held.update(converted)
            return True
        fmu = self.fmus[unit].restarted(values)
        if fmu is None or not self._core.set_starts(unit, fmu.starts):
            return False
        added = self._added[unit]
        self.fmus[unit] = fmu
        self._added[unit] = Added(fmu, added.held, added.options)
        return True

    def set(self, name: str, value: Any) -> None:
        """Sets the input, or the tunable parameter of an FMU, "unit.name". See World.__setitem__."""
        unit, _, parameter = name.partition(".")
        fmu = self.fmus.get(unit)
        if fmu is not None and parameter in fmu.description.by_name:
            variable = fmu.description.by_name[parameter]
            if variable.causality != "input":
                self._tune(fmu, unit, parameter, value)
                return
            from crumple.start import encode_start

            value = encode_start(variable, value, fmu.description, structural=fmu.structural)
            if not variable.dims and variable.kind in ("string", "binary"):
                value = value[0]
        self._core.set(name, value)

    def _tune(self, fmu: Fmu, unit: str, parameter: str, value: Any) -> None:
        from crumple.start import encode_start

        variable = fmu.description.by_name[parameter]
        if variable.variability != "tunable" or variable.causality != "parameter":
            raise UsageError(
                f'"{unit}.{parameter}" is a {variable.variability} {variable.causality}: it cannot change during a run.'
                " Give it in start, and reset."
            )
        values = encode_start(variable, value, fmu.description, structural=fmu.structural)
        if not self._core.tune(unit, parameter, values):
            raise UsageError(f'"{unit}.{parameter}" cannot be changed during a run')
