"""What there is to say of the faults of a scene: those it has, and what could be disturbed where."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from crumple import wording
from crumple.faults import VALUE_KEYS, FaultPlan, Where, fitting

if TYPE_CHECKING:
    from crumple.scene import Scene
    from crumple.scene.ports import Port, UnitPorts


class Target(NamedTuple):
    """Something that a fault can be on. kind: of a port or parameter; "" of a unit.   kinds: of faults that fit."""

    name: str
    where: Where
    kind: str
    shape: tuple[int, ...]
    si: str | None
    kinds: tuple[str, ...]


def targets(scene: Scene) -> list[Target]:
    """All that faults can be on: unit by unit the unit, its inputs that are fed, its outputs and its parameters."""
    fed = {plan.target.partition("[")[0] for plan in scene.connections}
    found: list[Target] = []
    members: dict[str, UnitPorts | None] = {name: plan.ports for name, plan in scene.units.items()}
    if scene.sensors or scene.actuators:
        members |= _live(scene)
    for unit, ports in members.items():
        found.append(Target(unit, "unit", "", (), None, tuple(fitting("unit"))))
        if ports is None:
            continue
        for name in ports.input_names():
            if f"{unit}.{name}" in fed:
                found += _port(unit, "input", ports.find_input(name))
        for name in ports.output_names():
            found += _port(unit, "output", ports.find_output(name))
        found += _parameters(scene, unit)
    return found


def _live(scene: Scene) -> dict[str, UnitPorts | None]:
    from crumple.live.plan import STAMPS
    from crumple.scene.ports import ListedPorts, Port
    from crumple.si import parse_si

    def port(name: str, kind: str, si: str) -> Port:
        return Port(name, kind, (), parse_si(si), si, name)

    found: dict[str, UnitPorts | None] = {}
    for sensor in scene.sensors:
        channels = [port(channel.name, channel.kind, channel.si) for channel in sensor.channels]
        stamps = [port(name, kind, si) for name, (kind, si) in STAMPS.items()]
        found[sensor.name] = ListedPorts(outputs=[*channels, *stamps])
    for actuator in scene.actuators:
        channels = [port(channel.name, channel.kind, channel.si) for channel in actuator.channels]
        found[actuator.name] = ListedPorts(inputs=channels)
    return found


def _port(unit: str, where: Where, port: Port | None) -> list[Target]:
    kinds = () if port is None else tuple(fitting(where, port.kind))
    if port is None or not kinds:
        return []  # text
    return [Target(f"{unit}.{port.name}", where, port.kind, port.shape, port.si_name, kinds)]


def _parameters(scene: Scene, unit: str) -> Iterator[Target]:
    plan = scene.units.get(unit)
    if plan is None:
        return
    if plan.plugin is not None:
        for name, parameter in plan.plugin.declared_parameters().items():
            if isinstance(parameter.default, bool | int | float):
                kind = {bool: "boolean", int: "integer"}.get(type(parameter.default), "real")
                kinds = tuple(fitting("parameter", kind))
                yield Target(f"{unit}.{name}", "parameter", kind, (), parameter.si, kinds)
        return
    described = getattr(plan.ports, "described", None)
    for variable in () if described is None else described.variables:
        if variable.causality == "parameter" and variable.variability == "tunable" and not variable.dims:
            kinds = tuple(fitting("parameter", variable.kind))
            if kinds:
                yield Target(f"{unit}.{variable.name}", "parameter", variable.kind, (), variable.si, kinds)


def what(fault: FaultPlan, period: float) -> str:
    """A fault's kind and how wrong it is, in a few words. period [s] of a tick."""
    si = fault.si
    key, factor = VALUE_KEYS.get(fault.kind), fault.kind in ("gain", "unit_error")
    own = None if factor else f"{si}/s" if si and fault.kind == "drift" else si

    def shown(value: float) -> str:
        return wording.with_si(wording.number(value), "" if own in (None, "1") else str(own))

    def time(ticks: int) -> str:
        return wording.time(ticks * period)

    said = []
    if key is not None and fault.value is not None:
        said.append(shown(fault.value) if key == "value" else f"{key} {shown(fault.value)}")
    said += [
        f"{each} {shown(limit)}" for each in ("min", "max") if (limit := getattr(fault, each)) is not None
    ]
    if fault.kind == "delay":
        said.append(time(fault.delay))
        said += [f"jitter {time(fault.jitter)}"] if fault.jitter else []
    if fault.kind == "bit_flip":
        said.append(f"bit {fault.bit}")
    if fault.kind == "dropout":
        said.append(fault.hold)
    if fault.kind in ("stuck_at", "stale_timestamp") and fault.value is None:
        said.append("at its last value")
    if fault.chance < 1.0:
        said.append(f"chance {wording.number(fault.chance)}")
    text = " ".join([fault.kind.replace("_", " "), ", ".join(said)]).rstrip()
    return f"{text}, {time(fault.part)} of each {time(fault.period)}" if fault.period else text


def when(fault: FaultPlan, scene: Scene) -> str:
    """What begins and ends a fault, in words."""

    def at(tick: int) -> str:
        return wording.time(float(scene.start + tick * scene.period))

    if fault.when:
        text = f"{'while' if fault.as_long else 'when'} {fault.when}"
    elif fault.event:
        text = f"with {fault.event}"
    else:
        text = "by hand" if fault.since is None else f"from {at(fault.since)}"
    if fault.since is not None and not text.startswith("from"):
        text += f", from {at(fault.since)}"
    if fault.until is not None:
        text += f" until {at(fault.until)}"
    if fault.duration is not None:
        text += f" for {wording.time(float(fault.duration * scene.period))}"
    if fault.probability < 1.0:
        text += f", with probability {wording.number(fault.probability)}"
    return f"off; {text}" if fault.off else text


def to_json(scene: Scene) -> dict[str, Any]:
    """Faults and targets, for other programs."""
    return {
        "faults": [fault.to_json() for fault in scene.faults],
        "targets": [target._asdict() for target in targets(scene)],
    }
