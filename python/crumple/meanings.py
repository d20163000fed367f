"""What the signals and requirements of a run mean, as the manifest keeps it, so that its folder can be read alone.

Whoever shows a run needs to know what was measured in which unit, and what was required of it, without the FMUs
and plugins of that run and without running any code of theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from crumple.errors import CrumpleError
from crumple.live.plan import STAMPS

if TYPE_CHECKING:
    from crumple.requirement import Requirement
    from crumple.scene import Scene
    from crumple.stl_requirement import Holds


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """A signal. si: its unit of measure, None where none is declared.

    kind: "real", "integer", "boolean", "enumeration".   shape: () for a single number.
    """

    si: str | None = None
    kind: str = "real"
    shape: tuple[int, ...] = ()


def meanings(scene: Scene) -> dict[str, Any]:
    """Ready for `manifest.json`: recorded signals, requirements, connections, faults, inputs, what is to be drawn."""
    signals = {}
    for group in scene.record:
        for name in group.signals:
            unit, _, port = name.partition(".")
            ports = scene.units[unit].ports if unit in scene.units else None
            found = None if ports is None else ports.find_output(port) or ports.find_hidden(port)
            if found is not None:
                signals[name] = {"si": found.si_name, "kind": found.kind, "shape": list(found.shape)}
    live = getattr(scene, "live", None)
    sensors = getattr(live, "sensors", ())
    for sensor in sensors:
        stamps = {f"{sensor.name}.{port}": (kind, si) for port, (kind, si) in STAMPS.items()}
        channels = {f"{sensor.name}.{each.name}": (each.kind, each.si) for each in sensor.channels}
        for name, (kind, si) in {**stamps, **channels}.items():
            signals[name] = {"si": si, "kind": kind, "shape": []}
    for fault in scene.faults:
        signals[f"fault.{fault.name}.active"] = {"si": "1", "kind": "boolean", "shape": []}
        for when in ("before", "after") if "." in fault.on else ():
            signals[f"fault.{fault.name}.{when}"] = {"si": fault.si or None, "kind": "real", "shape": []}
    return {
        "signals": signals,
        "requirements": [_required(each) for each in scene.requirements],
        "view": dict(scene.view),
        "connections": [[each.source, each.target] for each in scene.connections],
        "faults": [fault.to_json() for fault in scene.faults],
        "inputs": [_sensor(sensor) for sensor in sensors],
    }


def _sensor(sensor: Any) -> dict[str, Any]:
    """What is told of a live input; not the files of its keys."""
    endpoint = sensor.endpoint
    return {
        "name": sensor.name,
        "endpoint": None if endpoint is None else {"address": endpoint.address},
        "rig": sensor.rig,
        "channels": [{"name": c.name, "si": c.si, "kind": c.kind} for c in sensor.channels],
        "max_age": sensor.max_age,
        "policy": sensor.policy,
        "required": sensor.required,
    }


def _required(requirement: Requirement | Holds) -> dict[str, Any]:
    written: dict[str, Any] = msgspec.structs.asdict(requirement)
    if requirement.in_core:
        return {**written, "holds": requirement.what}
    written["limits"] = [msgspec.structs.asdict(limit) for limit in requirement.limits]
    written["expression"] = requirement.expression.text
    return written


def signals_of(manifest: Mapping[str, Any]) -> dict[str, Meaning]:
    """By name; empty where the manifest of an older run does not say."""
    try:
        return msgspec.convert(manifest.get("signals", {}), dict[str, Meaning])
    except msgspec.ValidationError:
        return {}


def requirements_of(manifest: Mapping[str, Any]) -> dict[str, Requirement | Holds]:
    """The requirements by name, as they were resolved. Those on a metric that is not known here are left out."""
    found: dict[str, Requirement | Holds] = {}
    for written in manifest.get("requirements", ()):
        try:
            requirement = _requirement(written)
        except (CrumpleError, KeyError, TypeError, ValueError, AttributeError):
            continue
        found[requirement.name] = requirement
    return found


def _requirement(written: Mapping[str, Any]) -> Requirement | Holds:
    from crumple.expression import parse_expression
    from crumple.requirement import Limit, Requirement

    fields = dict(written)
    if fields.pop("holds", None) is not None:
        from crumple.stl_requirement import Holds

        held = msgspec.convert(fields, Holds)
        _ = held.formula  # raises FormulaError for one that cannot be read
        return held
    fields["expression"] = parse_expression(fields["expression"])
    numbers = ("value", "shown", "within", "shown_within")  # JSON has no infinity: it is a text there
    fields["limits"] = tuple(
        Limit(**{**limit, **{key: float(limit[key]) for key in numbers}}) for limit in fields["limits"]
    )
    return Requirement(**fields)
