"""Parameters of a scene: their values, what `--set` makes of them, and their use as "$name"."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crumple.errors import Mistake
from crumple.scene.document import Document
from crumple.scene.plan import Value
from crumple.scene.text import NAME, did_you_mean, listed, shown
from crumple.si import SiError, describe, parse_quantity, parse_si

if TYPE_CHECKING:
    from crumple.scene.lines import Path

REFERENCE = re.compile(rf"\$({NAME})")
# keys whose texts are for readers, and the definitions themselves
_NOT_REPLACED = {"crumple", "title", "description", "include", "parameters", "view"}
_QUANTITY = re.compile(
    r"\s*(?P<number>[+\-\u2212]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:\s*/\s*\d+(?![\w.]))?)\s*(?P<si>[^\d\s].*)?"
)


class Parameters:
    """The scene's parameters by name, with `--set` applied."""

    def __init__(self) -> None:
        self.values: dict[str, Value] = {}
        self.overrides: dict[str, Value] = {}  # what was given from outside, also for units
        self.broken: set[str] = set()  # declared, but with mistakes of their own
        self.used: set[str] = set()  # those that something refers to


def split_quantity(text: str) -> tuple[str, str] | None:
    """The number and the unit of "57.09 km/h"; the unit is "" for a bare number. None for other texts."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return None
    si = (match["si"] or "").strip()
    try:
        parse_si("1" + si if si.startswith("/") else si)
    except SiError:
        return None
    return match["number"], si


def resolve(document: Document, given: Mapping[str, Any]) -> Parameters:
    """Give every parameter its value, put values in the place of "$name", and apply `--set` to units."""
    parameters = Parameters()
    declared = document.tree.get("parameters")
    declared = declared if isinstance(declared, dict) else {}
    plain = {name: _plain(value) for name, value in given.items()}
    for name in [name for name, value in plain.items() if _refers(value)]:
        text = f"{shown(plain.pop(name))} refers to a parameter; give a value."
        document.mistakes.append(Mistake(None, None, f"--set {name}", text))
    for name, entry in declared.items():
        _declare(document, parameters, name, entry, plain)
    for key in list(document.tree):
        if key not in _NOT_REPLACED:
            _replace(document, parameters, document.tree, key, (key,))
    for name, value in plain.items():
        if name not in declared:
            _override_unit(document, parameters, name, value, declared)
    return parameters


# ---- declarations


def _declare(
    document: Document, parameters: Parameters, name: str, entry: Any, given: Mapping[str, Any]
) -> None:
    table = entry if isinstance(entry, dict) else {"default": entry}
    default = table.get("default")
    if not isinstance(default, str | int | float | list):
        parameters.broken.add(name)  # the shape of the scene is wrong, and that is reported
        return
    path: Path = ("parameters", name, "default") if isinstance(entry, dict) else ("parameters", name)
    if isinstance(default, str) and REFERENCE.fullmatch(default):
        document.fault(path, "cannot refer to another parameter; write its value.")
        parameters.broken.add(name)
        return
    parameters.values[name] = default
    bounds = _bounds(document, name, table, default)
    if fault := _beyond(default, default, bounds):
        document.fault(path, fault)
    if name in given:
        parameters.overrides[name] = given[name]
        try:
            value = _typed(given[name], default)
            if fault := _beyond(value, default, bounds):
                raise ValueError(fault)
            parameters.values[name] = value
        except ValueError as error:
            document.mistakes.append(Mistake(None, None, f"--set {name}", f"{shown(given[name])} {error}"))


def _bounds(document: Document, name: str, table: Mapping[str, Any], default: Value) -> list[tuple[str, Any]]:
    """The limits of a parameter that make sense: ("min", "5 km/h"), ..."""
    bounds = []
    for key in ("min", "max"):
        if not isinstance(table.get(key), str | int | float) or isinstance(table[key], bool):
            continue  # it is not there, or the shape of the scene is wrong
        path = ("parameters", name, key)
        try:
            _size(table[key], default)
            bounds.append((key, table[key]))
        except SiError as error:
            document.fault(path, str(error))
        except ValueError:
            document.fault(path, f"limits a number, and the default {shown(default)} is none.")
    return bounds


def _beyond(value: Value, default: Value, bounds: list[tuple[str, Any]]) -> str:
    """What is to be said of a value that a limit forbids, or nothing."""
    for key, limit in bounds:
        size, most = _size(value, default), _size(limit, default)
        if (size > most) if key == "max" else (size < most):
            way = "above the largest" if key == "max" else "below the smallest"
            return f"is {way} value allowed, {shown(limit)}."
    return ""


def _size(value: Any, default: Value) -> float:
    """A number to compare, in the unit of the default. Raises ValueError where it is no number."""
    si = "1"
    if isinstance(default, str):
        quantity = split_quantity(default)
        if quantity is None:
            raise ValueError
        si = quantity[1]
    elif isinstance(default, bool | list):
        raise ValueError
    return parse_quantity(value, si or "1")


# ---- values from outside


def _plain(value: Any) -> Any:
    """numpy's numbers and arrays as Python's."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value


def _refers(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_refers, value))
    return isinstance(value, str) and REFERENCE.fullmatch(value) is not None


def _typed(given: Any, default: Value) -> Value:
    """What was given, in the kind of the default. Raises ValueError, the end of a sentence."""
    if isinstance(default, bool):
        if isinstance(given, str) and given.lower() in ("true", "false"):
            return given.lower() == "true"
        if isinstance(given, bool):
            return given
        raise ValueError("is neither true nor false.")
    if isinstance(default, list):
        values = parse_array(given)
        if isinstance(values, list):
            return values
        raise ValueError("is no array; write it as in '[1, 2, 3]'.")
    if isinstance(default, str):
        return _like_text(given, default)
    return _like_number(given, default)


def _like_number(given: Any, default: float) -> Value:
    if isinstance(given, str):
        try:
            number = int(given) if re.fullmatch(r"[+-]?\d+", given) else float(given)
        except ValueError:
            if split_quantity(given) is None:
                raise ValueError(f"is no number; the default is {shown(default)}.") from None
            return given
        given = number
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise ValueError(f"is no number; the default is {shown(default)}.")
    return given


def _like_text(given: Any, default: str) -> Value:
    quantity = split_quantity(default)
    if quantity is None:
        if isinstance(given, str):
            return given
        raise ValueError(f"is no text; the default is {shown(default)}.")
    si = quantity[1]
    if isinstance(given, int | float) and not isinstance(given, bool):
        given = repr(given)
    own = split_quantity(given) if isinstance(given, str) else None
    if own is None:
        raise ValueError(f"is no quantity; the default is {shown(default)}.")
    if bool(si) != bool(own[1]) and float(parse_quantity(own[0])) != 0.0:
        if si:
            raise ValueError(f'has no unit. Write it, as in "{own[0]} {si}".')
        raise ValueError(f"has a unit, and the default {shown(default)} has none.")
    if not own[1]:
        return f"{own[0]} {si}".strip()
    try:
        parse_quantity(given, si)
    except SiError:
        is_, should = (describe(parse_si(text)) for text in (own[1], si))
        raise ValueError(f"is {is_}; {shown(default)} is {should}.") from None
    return str(given)


def parse_array(given: Any) -> Any:
    """An array written as a text, "[1, 2]", as a list; anything else as it is."""
    if not isinstance(given, str) or not given.strip().startswith("["):
        return given
    try:
        return tomllib.loads(f"value = {given}")["value"]
    except tomllib.TOMLDecodeError:
        return given


def _override_unit(
    document: Document, parameters: Parameters, name: str, value: Any, declared: Mapping[str, Any]
) -> None:
    """`--set unit.parameter=value`. Whether there is such a parameter is checked with the unit."""
    parameters.overrides[name] = value
    unit, dot, key = name.partition(".")
    units = document.tree.get("units")
    units = units if isinstance(units, dict) else {}
    label = f"--set {name}"
    if not dot:
        near = did_you_mean(name, declared) or (f" There are: {listed(declared)}." if declared else "")
        near += "" if declared else " It has none; a unit's own is set as unit.parameter."
        document.mistakes.append(
            Mistake(None, None, label, f"the scene has no parameter of this name.{near}")
        )
    elif unit not in units or not key:
        near = did_you_mean(name if unit in units else unit, units) or f" Units: {listed(units)}."
        if unit == "clock" and key in ("stop", "seed", "threads", "mode"):
            near = f" The clock's own is given with --{key}."
        if any(unit in (document.tree.get(kind) or {}) for kind in ("sensors", "actuators", "rigs")):
            near = f' What is live has no parameters: write {key or "key"} = "$name" there, and set name.'
        document.mistakes.append(Mistake(None, None, label, f'the scene has no unit "{unit}".{near}'))
    elif isinstance(units[unit], dict):
        table = "with" if "plugin" in units[unit] else "start"
        if isinstance(units[unit].setdefault(table, {}), dict):
            document.override(("units", unit, table, key), parse_array(value), label=label)


# ---- references


def _replace(document: Document, parameters: Parameters, container: Any, key: Any, path: Path) -> None:
    """Put values in the place of "$name" at and below container[key], and None where there is none."""
    value = container[key]
    if isinstance(value, dict):
        for name in list(value):
            _replace(document, parameters, value, name, (*path, name))
    elif isinstance(value, list):
        for index in range(len(value)):
            _replace(document, parameters, value, index, (*path, index))
    elif isinstance(value, str) and path[-1] != "doc" and (match := REFERENCE.fullmatch(value)):
        name = match[1]
        parameters.used.add(name)
        if name in parameters.values:
            container[key] = parameters.values[name]
            if name in parameters.overrides:
                document.label(path, f"--set {name}")
            return
        if name not in parameters.broken:
            known = did_you_mean("$" + name, [f"${n}" for n in parameters.values])
            document.fault(path, f'"${name}" is no parameter of the scene.{known or _declared(parameters)}')
        container[key] = None
        document.unresolved.append(path)


def _declared(parameters: Parameters) -> str:
    names = [*parameters.values]
    return f" There are: {listed(names)}." if names else " Declare it under [parameters]."
