"""What a fault is on: an input, an output, a parameter or a unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from crumple.errors import CrumpleError
from crumple.faults import KINDS, Where, fitting
from crumple.scene.connections import Exposed, find_input
from crumple.scene.drafted import Drafted
from crumple.scene.ports import BLOBS, FmuPorts, Port, PortError
from crumple.scene.text import did_you_mean, listed
from crumple.si import parse_si

if TYPE_CHECKING:
    from crumple.description import Variable
    from crumple.scene.connections import Units
    from crumple.unit import Parameter


class Place(NamedTuple):
    """where, and the port, or a parameter as if it were one; None where that is not known.

    nominal: of a parameter, its value without faults.
    """

    where: Where
    port: Port | None
    nominal: float | None = None


def find_place(drafted: Drafted, units: Units, exposed: Exposed, fed: Sequence[str]) -> Place:
    """What the fault is on. Raises PortError."""
    on: str = drafted.table["on"]
    if "." not in on:
        if on not in units:
            near = did_you_mean(on, units) or f" Units: {listed(units)}."
            raise PortError(
                f'"{on}": this scene has no unit of that name.{near} A port is written "unit.port".'
            )
        return Place("unit", None)
    try:
        port = find_input(on, units, on)
    except PortError as error:
        place = _output(on, units, exposed) or _parameter(on, units)
        if place is None:
            raise PortError(_nothing(on, units, str(error))) from None
        return place
    if port is None:
        return Place("input", None)
    _check_input(drafted, port, fed)
    return Place("input", port)


def check_kind(drafted: Drafted, place: Place, key: str, kind: str) -> bool:
    """Whether what the fault is on can have a fault of this kind."""
    on, port = drafted.table["on"], place.port
    if place.where not in KINDS[kind].on:
        fits = listed(fitting(place.where))
        drafted.fault(key, f'is "{kind}", and "{on}" is {_article(place.where)}; that can have {fits}.')
        return False
    if port is None or place.where == "unit" or port.kind in KINDS[kind].kinds:
        return True
    if port.kind == "boolean":
        named = [f'"{each}"' for each in fitting(place.where, "boolean")]
        drafted.fault(key, f'is "{kind}", and {on} is true or false. It can be {", ".join(named)} only.')
    else:
        fits = listed(fitting(place.where, port.kind))
        drafted.fault(key, f'is "{kind}", and "{on}" is of kind {port.kind}; that can have {fits}.')
    return False


def _article(where: str) -> str:
    return f"an {where}" if where in ("input", "output") else f"a {where}"


def _output(on: str, units: Units, exposed: Exposed) -> Place | None:
    unit, _, name = on.partition(".")
    if unit in units and (ports := units[unit].ports) is not None:
        from crumple.scene.ports import element

        port = element(name, ports.find_output)
        if isinstance(port, str):
            raise PortError(f'"{on}": {port}')
        if port is None and name in exposed.names.get(unit, ()):  # of an FMU, shown as an output
            port = element(name, ports.find_hidden)
        if isinstance(port, Port):
            if port.kind in BLOBS:
                raise PortError(f'"{on}" is of kind {port.kind}; faults are on numbers.')
            return Place("output", port)
    return None


def _parameter(on: str, units: Units) -> Place | None:
    unit, _, name = on.partition(".")
    member: Any = units.get(unit)
    plugin = getattr(member, "plugin", None)
    if plugin is not None and name in plugin.declared_parameters():
        return _plugin_parameter(on, plugin.declared_parameters()[name], member)
    if member is not None and isinstance(member.ports, FmuPorts):
        variable = member.ports.described.by_name.get(name)
        if variable is not None and variable.causality not in ("input", "output"):
            return _variable(on, variable, member)
    return None


def _plugin_parameter(on: str, parameter: Parameter, member: Any) -> Place:
    default, name = parameter.default, parameter.name
    if isinstance(default, str | list | tuple):
        raise PortError(f'"{on}" is no number; a fault can change numbers and flags.')
    try:
        value = member.plugin.check_parameters(dict(member.values))[name]
    except CrumpleError:
        return Place("parameter", None)  # its values are wrong, and that is reported
    kind = "boolean" if isinstance(default, bool) else "integer" if isinstance(default, int) else "real"
    si = None if parameter.si is None else parse_si(parameter.si)
    return Place("parameter", Port(name, kind, (), si, parameter.si, name), float(value))


def _variable(on: str, variable: Variable, member: Any) -> Place:
    from crumple.start import encode_start

    if variable.causality != "parameter":
        reason = f'"{on}" is a {variable.causality} variable of the FMU; a fault can be on an input, an output or a'
        raise PortError(f"{reason} tunable parameter.")
    if variable.variability != "tunable":
        fact = f'"{on}" is a {variable.variability} parameter, which cannot change during a run.'
        raise PortError(f"{fact} Its FMU must declare it tunable.")
    if variable.dims or variable.kind in BLOBS:
        raise PortError(f'"{on}" is no single number; a fault can change a single one.')
    described = member.ports.described
    given = member.values.get(variable.name, (variable.start or ["0"])[0])
    try:
        value = encode_start(variable, given, described)[0]
    except CrumpleError:
        return Place("parameter", None)
    return Place("parameter", member.ports.find_hidden(variable.name), float(value))


def _nothing(on: str, units: Units, otherwise: str) -> str:
    """That there is no such thing, with the nearest name there is."""
    unit, _, name = on.partition(".")
    member: Any = units.get(unit)
    if member is None or member.ports is None or "[" in name:
        return otherwise
    inputs, outputs = list(member.ports.input_names()), list(member.ports.output_names())
    plugin = getattr(member, "plugin", None)
    parameters = list(plugin.declared_parameters()) if plugin is not None else []
    near = did_you_mean(name, [*inputs, *outputs, *parameters])
    if near:
        return f'"{unit}" has no port or parameter "{name}".{near}'
    return otherwise


def _check_input(drafted: Drafted, port: Port, fed: Sequence[str]) -> None:
    on: str = drafted.table["on"]
    if port.kind in BLOBS:
        raise PortError(f'"{on}" is of kind {port.kind}; faults are on numbers.')
    if port.size != 1:
        raise PortError(f'"{on}" has {port.size_text}; a fault is on one element, as in "{on}[0]".')
    unit = on.partition(".")[0]
    known = {on, f"{unit}.{port.whole}"}
    elements_are_fed = port.whole == port.name and any(target.startswith(f"{on}[") for target in fed)
    connect = drafted.document.tree.get("connect", {})
    unsure = any(path[0] in ("actuators", "connect") for path in drafted.document.faulty)
    if known.isdisjoint([*fed, *connect]) and not elements_are_fed and not unsure:
        inputs = [target for target in fed if target.partition(".")[0] == unit]
        near = did_you_mean(on, inputs) or (f" Fed are: {listed(inputs)}." if inputs else "")
        raise PortError(f'"{on}" is fed by nothing, so there is nothing to make wrong.{near}')
