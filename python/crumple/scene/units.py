"""The units of a scene: which model each is, whether its parameters exist, and at which step it runs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path as File
from typing import TYPE_CHECKING, Any

from crumple.errors import CrumpleError, PluginError
from crumple.scene.clock import TimeError, every_of, simplest, time_text
from crumple.scene.document import Document
from crumple.scene.instances import Instance, Instances
from crumple.scene.isolation import Isolation, plan_isolation
from crumple.scene.plan import UnitPlan
from crumple.scene.ports import FmuPorts, PluginPorts
from crumple.scene.text import did_you_mean, listed, matches

if TYPE_CHECKING:
    from crumple.archive import Archive
    from crumple.description import Description, Variable
    from crumple.scene.lines import Path

# what only one kind of unit understands
_ONLY_FMU = {"start": "with", "record": "", "allow_warnings": "", "tell_stop": "", "strict": ""}
_ONLY_PLUGIN = {"with": "start"}


class _Drafted:
    """A unit on its way to a plan."""

    def __init__(
        self, document: Document, name: str, table: Mapping[str, Any], instance: Instance | None
    ) -> None:
        self.document = document
        self.instance = instance
        self.path: Path = ("units", name)
        self.table = table
        self.plan = UnitPlan(name=name, model="", every=1, values={})

    def fault(self, key: str, text: str) -> None:
        self.document.fault((*self.path, key) if key else self.path, text)

    def values(self, key: str) -> dict[str, Any]:
        return dict(self.table.get(key, {}))

    def own_value(self, path: Path, value: Any, *, array: bool) -> Any:
        """Of a list, one value each, that of this instance. array: whether each value is a list itself."""
        if self.instance is None or not isinstance(value, list):
            return value
        if array and not (value and all(isinstance(item, list) for item in value)):
            return value
        if len(value) != self.instance.total:
            made = f"{self.instance.total} of {self.instance.of}"
            self.document.fault(path, f"has {len(value)} values, and there are {made}: give one each.")
            return value[0] if value else 0.0
        return value[self.instance.number - 1]


def plan_units(document: Document, period: Fraction | None, instances: Instances) -> dict[str, UnitPlan]:
    """All units by name, those with mistakes too; `ports` is None where they cannot be known.

    period: of the clock [s], None where it is not known.   instances: of units that have a count.
    """
    plans: dict[str, UnitPlan] = {}
    everywhere = plan_isolation(document, ("isolation",), document.tree.get("isolation", {}))
    for name, table in document.tree.get("units", {}).items():
        drafted = _Drafted(document, name, table, instances.of(name))
        drafted.plan = replace(drafted.plan, every=_every(drafted, period))
        _isolate(drafted, everywhere)
        if "fmu" in table and "plugin" in table:
            drafted.fault("plugin", "a unit has one model, either fmu or plugin; take one out.")
        elif "fmu" in table:
            _fmu(drafted, period)
        elif "plugin" in table:
            _plugin(drafted)
        elif not any(path[:2] == drafted.path and _may_be_model(path[2:]) for path in document.faulty):
            drafted.fault("", 'has no model: write fmu = "..." or plugin = "...".')
        plans[name] = drafted.plan
    return plans


def _may_be_model(path: Path) -> bool:
    """Whether a faulty key within a unit may have been meant to name its model."""
    others = {"start", "with", "every", "period", "record", "allow_nonfinite", "allow_warnings", "strict"}
    others |= {"tell_stop", "isolate", "step_timeout", "limits"}
    return not path or path[0] not in others


def _every(drafted: _Drafted, period: Fraction | None) -> int:
    if "every" in drafted.table and "period" in drafted.table:
        drafted.fault("period", "is there as well as every; take one out.")
        return 1
    try:
        return 1 if period is None else every_of(drafted.table, period)
    except TimeError as error:
        drafted.fault("period", str(error))
        return 1


def _isolate(drafted: _Drafted, everywhere: Isolation) -> None:
    said = plan_isolation(drafted.document, drafted.path, drafted.table, everywhere)
    drafted.plan = replace(drafted.plan, **said._asdict())
    own = [key for key in ("step_timeout", "limits") if key in drafted.table]
    if own and (said.isolate is False or (said.isolate is None and "plugin" in drafted.table)):
        why = "a plugin is in one" if said.isolate is None else "this unit is in one"
        text = f"{' and '.join(own)}: kept by worker processes, and {why} only with isolate = true"
        drafted.document.warnings.append(f"unit '{drafted.plan.name}': {text}")


def _misplaced(drafted: _Drafted, keys: Mapping[str, str], kind: str) -> None:
    for key, instead in keys.items():
        if key in drafted.table:
            remedy = f" Write {instead} = " + "{ ... }." if instead else " Take it out."
            drafted.fault(key, f"has no meaning for {kind}.{remedy}")


# ---- plugins


def _plugin(drafted: _Drafted) -> None:
    from crumple.plugins import find_unit

    name = drafted.table["plugin"]
    _misplaced(drafted, _ONLY_FMU, "a plugin")
    values = drafted.values("with")
    drafted.plan = replace(drafted.plan, model=name, values=values)
    try:
        plugin = find_unit(name, beside=drafted.document.folder((*drafted.path, "plugin")))
        ports = PluginPorts(plugin)
    except CrumpleError as error:
        drafted.fault("plugin", str(error))
        return
    except SystemExit:
        drafted.fault("plugin", f'"{name}" ends the process while it is imported: take sys.exit() out of it.')
        return
    declared_parameters = plugin.declared_parameters()
    for key, value in values.items():
        known_parameter = declared_parameters.get(key)
        if known_parameter is not None:
            array = isinstance(known_parameter.default, list | tuple)
            value = values[key] = drafted.own_value((*drafted.path, "with", key), value, array=array)
        try:
            plugin.check_parameters({key: value})
        except PluginError as error:
            for text in error.mistakes:
                drafted.document.fault((*drafted.path, "with", key), text)
    declared = plugin.declared_outputs()
    for pattern in drafted.table.get("allow_nonfinite", ()):
        if pattern not in declared:
            known = did_you_mean(pattern, declared) or f" Outputs: {listed(declared)}."
            drafted.fault("allow_nonfinite", f'{drafted.plan.name} has no output "{pattern}".{known}')
        elif not declared[pattern].allow_nonfinite:
            remedy = "a plugin says so itself: Output(..., allow_nonfinite=True)."
            drafted.fault("allow_nonfinite", f'"{pattern}": {remedy}')
    drafted.plan = replace(drafted.plan, plugin=plugin, ports=ports)


# ---- FMUs


def _fmu(drafted: _Drafted, period: Fraction | None) -> None:
    _misplaced(drafted, _ONLY_PLUGIN, "an FMU")
    table = drafted.table
    drafted.plan = replace(
        drafted.plan,
        model=table["fmu"],
        values=drafted.values("start"),
        allow_nonfinite=tuple(table.get("allow_nonfinite", ())),
        allow_warnings=table.get("allow_warnings", False),
        tell_stop=table.get("tell_stop", False),
        strict=table.get("strict", False),
    )
    archive = _archive(drafted)
    if archive is None:
        return
    described = archive.description
    if described.needs_tool:
        tool = f", {described.tool}" if described.tool else ""
        text = f"unit '{drafted.plan.name}': the FMU needs the tool that it was made with{tool}"
        drafted.document.warnings.append(text)
    structural = _starts(drafted, described)
    expose = tuple(v.name for pattern in _patterns(table) for v in _exposed(drafted, described, pattern))
    for pattern in drafted.plan.allow_nonfinite:
        if not any(v.causality != "input" for v in _matching(described, pattern)):
            near = did_you_mean(pattern, [v.name for v in described.variables if v.causality == "output"])
            drafted.fault("allow_nonfinite", f'the FMU has no output "{pattern}".{near}')
    if period is not None:
        _check_step(drafted, described, period)
    drafted.plan = replace(
        drafted.plan,
        archive=archive,
        expose=tuple(dict.fromkeys(expose)),
        ports=FmuPorts(described, structural),
    )


def _archive(drafted: _Drafted) -> Archive | None:
    from crumple.archive import open_fmu, require_cosimulation
    from crumple.fmu import bundled_fmus, locate_fmu

    name = drafted.plan.model
    folder = drafted.document.folder((*drafted.path, "fmu"))
    try:
        path = locate_fmu(name, beside=folder)
    except CrumpleError:
        drafted.fault("fmu", _no_fmu(name, folder, list(bundled_fmus())))
        return None
    try:
        archive = open_fmu(path, strict=drafted.plan.strict)
        require_cosimulation(archive)
    except CrumpleError as error:
        drafted.fault("fmu", str(error))
        return None
    return archive


def _no_fmu(name: str, folder: File, bundled: list[str]) -> str:
    """What to say of an FMU that is nowhere."""
    if os.sep not in name and "/" not in name and not name.endswith(".fmu"):
        known = did_you_mean(name, bundled) or (f" There are: {listed(bundled)}." if bundled else "")
        return (
            f"there is no bundled FMU of this name.{known} A file is written with its path, as in {name}.fmu."
        )
    place = folder / name
    there = [f.name for f in place.parent.glob("*.fmu")] if place.parent.is_dir() else []
    hint = did_you_mean(place.name, there) or (f" There are: {listed(there)}." if there else "")
    return f'the file "{name}" does not exist in {folder}.{hint}'


def _starts(drafted: _Drafted, described: Description) -> dict[str, int]:
    """Check all start values, those that size others first. Returns the structural parameters."""
    from crumple.description import find_variable
    from crumple.start import encode_start

    def sizes_others(name: str) -> bool:
        return name in described.by_name and described.by_name[name].causality == "structuralParameter"

    structural = dict(described.structural)
    for name in sorted(drafted.plan.values, key=sizes_others, reverse=True):
        try:
            variable = find_variable(described, name)
            own = drafted.own_value(
                (*drafted.path, "start", name), drafted.plan.values[name], array=bool(variable.dims)
            )
            drafted.plan.values[name] = own  # type: ignore[index]
            encoded = encode_start(variable, drafted.plan.values[name], described, structural=structural)
            if sizes_others(name):
                structural[name] = int(float(encoded[0]))
        except CrumpleError as error:
            drafted.document.fault((*drafted.path, "start", name), str(error))
    return structural


def _patterns(table: Mapping[str, Any]) -> list[str]:
    record = table.get("record", [])
    return [record] if isinstance(record, str) else list(record)


def _matching(described: Description, pattern: str) -> list[Variable]:
    return [v for v in described.by_name.values() if matches(v.name, pattern)]


def _exposed(drafted: _Drafted, described: Description, pattern: str) -> Iterator[Variable]:
    found = _matching(described, pattern)
    if not found:
        near = did_you_mean(pattern, described.by_name)
        drafted.fault("record", f'the FMU has no variable "{pattern}".{near}')
    for variable in found:
        if variable.causality not in ("input", "output") and variable.kind != "clock":
            yield variable


def _check_step(drafted: _Drafted, described: Description, period: Fraction) -> None:
    """An FMU with a fixed internal step takes whole multiples of it."""
    if described.can_vary_step or not described.internal_step or described.internal_step <= 0:
        return
    internal = simplest(described.internal_step)
    ratio = drafted.plan.every * period / internal
    if ratio.denominator == 1 or abs(ratio / round(ratio or 1) - 1) < Fraction(1, 10**9):
        return
    least = (internal / period).numerator  # the least number of ticks that is a whole number of its steps
    allowed = f"Its period can be {time_text(least * period)} (every = {least}) or a multiple of that."
    step = time_text(drafted.plan.every * period)
    key = next((key for key in ("every", "period") if key in drafted.table), "fmu")
    fixed = time_text(internal)
    drafted.fault(key, f"the step is {step}, and this FMU takes whole multiples of {fixed} only. {allowed}")
