"""The requirements of a scene, each resolved to a `crumple.requirement.Requirement`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from crumple.scene.clock import TimeError, exact_time, time_text
from crumple.scene.connections import Exposed, PortError, Units, find_output
from crumple.scene.document import Document
from crumple.scene.parameters import Parameters, split_quantity
from crumple.scene.plan import Value
from crumple.scene.ports import BLOBS, Port
from crumple.scene.text import NAME, did_you_mean, listed, shown
from crumple.si import SiError, factor_offset, parse_quantity, parse_si

if TYPE_CHECKING:
    from crumple.requirement import Requirement

_COMPARISON = re.compile(rf"\s*({NAME})\s*(<=|>=|==|!=|<|>)\s*(.+?)\s*")
_AND = re.compile(r"\s+and\s+")
_OR = re.compile(r"\s(?:or|not)\s|^\s*not\s")


_LIMITS: tuple[Literal["max", "min", "equals"], ...] = ("max", "min", "equals")


class RequirementError(ValueError):
    """What is wrong at one key of a requirement; "" is the requirement as a whole."""

    def __init__(self, key: str, text: str) -> None:
        super().__init__(text)
        self.key = key
        self.text = text


def plan_requirements(
    document: Document,
    units: Units,
    exposed: Exposed,
    parameters: Parameters,
    span: tuple[Fraction, Fraction] | None,
) -> list[Requirement]:
    """All requirements without mistakes.

    span: start and stop of the run [s] as the file has them, None where they are not known. A run that is cut
    short by `--stop` does not reach every window, and is inconclusive.
    """
    from crumple.requirement import Requirement

    plans: list[Requirement] = []
    for name, table in document.tree.get("requirements", {}).items():
        path = ("requirements", name)
        draft: dict[str, Any] = {"name": name, "doc": table.get("doc", "")}
        for step in (_judged, _window, _when):
            try:
                draft.update(step(document, table, path, (units, exposed, parameters, span)))
            except RequirementError as error:
                document.fault((*path, error.key) if error.key else path, error.text)
        if not document.mistakes and "limits" in draft:
            plans.append(Requirement(**draft))
    return plans


_Around = tuple[Units, Exposed, Parameters, "tuple[Fraction, Fraction] | None"]


# ---- what is judged, and against which limits


def _judged(
    document: Document, table: Mapping[str, Any], path: tuple[str, ...], around: _Around
) -> dict[str, Any]:
    from crumple.expression import ExpressionError, parse_expression

    units, exposed, _, _ = around
    if "signal" in table and "metric" in table:
        raise RequirementError("metric", "is there as well as signal; a requirement is on one of them.")
    key = "signal" if "signal" in table else "metric"
    if key not in table:
        if _has_fault(document, path):
            return {}
        raise RequirementError(
            "", 'does not say what is judged: write signal = "unit.port" or metric = "max(...)".'
        )
    what = table[key]
    ports: dict[str, Port | None] = {}

    def si_of(name: str) -> str | None:
        ports[name] = _signal(key, name, units, exposed)
        found = ports[name]
        return None if found is None else found.si_name

    try:
        expression = parse_expression(what)
        checked = expression.check(si_of)
    except ExpressionError as error:
        raise RequirementError(key, f"{error.fact} (column {error.column})") from None
    if expression.scalar and key == "signal":
        raise RequirementError(key, f'{what} is one number for the run: write metric = "{what}".')
    if not expression.scalar and key == "metric":
        raise RequirementError(
            key, f'{what} is a signal: write signal = "{what}", or metric = "max({what})".'
        )
    for name, port in ports.items():
        if port is not None and port.size != 1 and expression.signals != (what,):
            raise RequirementError(
                key, f'"{name}" has {port.size_text}; a metric takes one element, as in {name}[0].'
            )
    document.warnings += [f"requirement {path[1]}: {warning}" for warning in checked.warnings]
    if any(port is None for port in ports.values()):
        return {}  # the unit has mistakes of its own, and what its ports measure is not known
    port = next(iter(ports.values())) if expression.signals == (what,) else None
    if _has_fault(document, path) and not any(key in table for key in _LIMITS):
        return {}  # what was meant as a limit has a mistake
    limits, si = _limits(table, checked.si, port)
    if checked.si is None and si:
        fact = f"what is judged declares no unit; it is taken to be in {si}, as the limit is"
        document.warnings.append(f"requirement {path[1]}: {fact}")
    return {"what": what, "expression": expression, "limits": limits, "source_si": checked.si, "si": si}


def _has_fault(document: Document, path: tuple[str, ...]) -> bool:
    return any(fault[:2] == path for fault in document.faulty)


def _signal(key: str, name: str, units: Units, exposed: Exposed) -> Port | None:
    try:
        port = find_output(name, units, exposed)
    except PortError as error:
        raise RequirementError(key, str(error)) from None
    if port is not None and port.kind in BLOBS:
        raise RequirementError(key, f'"{name}" is of kind {port.kind}; requirements compare numbers.')
    return port


def _limits(table: Mapping[str, Any], source: str | None, port: Port | None) -> tuple[Any, str]:
    """The limits of a requirement, and the unit in which they are written.

    source: unit of what is judged, None where it is not declared; then a written unit is taken on trust.
    """
    from crumple.requirement import Limit

    given = [key for key in _LIMITS if key in table]
    if not given:
        raise RequirementError("", "requires nothing: give it max, min or equals.")
    if "equals" in given and len(given) > 1:
        raise RequirementError("equals", f"is there as well as {given[0]}; for a range, write min and max.")
    if "within" in table and "equals" not in given:
        raise RequirementError("within", "has a meaning only beside equals.")
    si = _report_si(table, given, source)
    limits: list[Limit] = []
    for key in given:
        written = _as_number(table[key], port) if key == "equals" else table[key]
        value, seen = _resolved(key, written, source or si, si)
        within, seen_within = 0.0, 0.0
        if key == "equals" and "within" in table:
            within, seen_within = _difference(table["within"], source or si, si)
        limits.append(Limit(key, value, seen, within, seen_within))
    if len(limits) == 2 and limits[1].value > limits[0].value:
        fact = f"{shown(table['min'])} is above max, {shown(table['max'])}: nothing lies between."
        raise RequirementError("min", fact)
    return tuple(limits), si


def _report_si(table: Mapping[str, Any], given: Sequence[str], source: str | None) -> str:
    """The unit of the report: that of the first limit which has one, else that of what is judged."""
    for key in given:
        quantity = split_quantity(table[key]) if isinstance(table[key], str) else None
        if quantity is not None and quantity[1]:
            return quantity[1]
    return source or ""


def _as_number(value: Any, port: Port | None) -> Any:
    """true, false and the items of an enumeration as numbers."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and port is not None and port.items:
        if value in port.items:
            return float(port.items[value])
        if split_quantity(value) is None:
            known = did_you_mean(value, port.items) or f" Items: {listed(port.items)}."
            raise RequirementError("equals", f'"{port.name}" has no item "{value}".{known}')
    if isinstance(value, list):
        raise RequirementError("equals", "must be one value.")
    return value


def _resolved(key: str, written: Any, source: str, si: str) -> tuple[float, float]:
    """A limit in the unit of what is judged, and in that of the report."""
    try:
        value = parse_quantity(written, source)
        if split_quantity(str(written)) == (str(written).removesuffix(si).strip(), si):
            return value, parse_quantity(written, si)  # as it was written, to the last digit
        factor, offset = factor_offset(parse_si(source), parse_si(si))
    except SiError as error:
        raise RequirementError(key, str(error)) from None
    return value, value * factor + offset


def _difference(written: Any, source: str, si: str) -> tuple[float, float]:
    """A distance between values, in both units: the offset of a temperature does not apply."""
    quantity = split_quantity(written) if isinstance(written, str) else (repr(written), "")
    try:
        if quantity is None:
            raise SiError(f"{shown(written)} is no quantity.")
        number, own = parse_quantity(quantity[0]), parse_si(quantity[1] or source)
        distance = tuple(number * factor_offset(own, parse_si(target))[0] for target in (source, si))
    except SiError as error:
        raise RequirementError("within", str(error)) from None
    if distance[0] < 0:
        raise RequirementError("within", f"is {shown(written)}; a distance is not negative.")
    return distance[0], distance[1]


# ---- when


def _window(
    document: Document, table: Mapping[str, Any], path: tuple[str, ...], around: _Around
) -> dict[str, Any]:
    span = around[3]
    times: dict[str, Fraction] = {}
    for key in ("from", "until"):
        if key in table:
            try:
                times[key] = exact_time(table[key])
            except TimeError as error:
                raise RequirementError(key, str(error)) from None
            if span is not None and not span[0] <= times[key] <= span[1]:
                run = f"the run goes from {time_text(span[0])} to {time_text(span[1])}"
                raise RequirementError(key, f"is {time_text(times[key])}, and {run}.")
    if "at" in table and times:
        raise RequirementError("at", f"is there as well as {next(iter(times))}; take one of them out.")
    if len(times) == 2 and times["from"] > times["until"]:
        raise RequirementError(
            "until", f"is {time_text(times['until'])}, before from, {time_text(times['from'])}."
        )
    return {
        "start": float(times["from"]) if "from" in times else None,
        "until": float(times["until"]) if "until" in times else None,
        "at_end": "at" in table,
    }


def _when(
    document: Document, table: Mapping[str, Any], path: tuple[str, ...], around: _Around
) -> dict[str, Any]:
    """Whether the requirement applies: "speed > 20 km/h and mass >= 1 t", of the scene's parameters."""
    text = table.get("when", "")
    applies = True
    if _OR.search(text):
        raise RequirementError(
            "when", 'comparisons are joined by "and" only; write a requirement for each case.'
        )
    for comparison in _AND.split(text) if text.strip() else []:
        applies &= _holds(comparison, around[2])
    return {"applies": applies, "when": text}


def _holds(comparison: str, parameters: Parameters) -> bool:
    match = _COMPARISON.fullmatch(comparison)
    if match is None:
        fact = f'"{comparison.strip()}" is no comparison'
        raise RequirementError(
            "when", f'{fact}; write "speed > 20 km/h", joined by "and" where there are several.'
        )
    name, operator, written = match.groups()
    parameters.used.add(name)
    if name in parameters.broken:
        return True
    if name not in parameters.values:
        known = did_you_mean(name, parameters.values)
        known = known or (f" There are: {listed(parameters.values)}." if parameters.values else "")
        raise RequirementError("when", f'"{name}" is no parameter of the scene.{known}')
    first, second = _comparable(name, parameters.values[name], written, operator)
    if operator in ("==", "!="):
        return bool(first == second) == (operator == "==")
    if operator in ("<", "<="):
        return bool(first < second or (operator == "<=" and first == second))
    return bool(first > second or (operator == ">=" and first == second))


def _comparable(name: str, value: Value, written: str, operator: str) -> tuple[Any, Any]:
    """A parameter's value and what it is compared with: two numbers in one unit, or two texts."""
    quantity = split_quantity(value) if isinstance(value, str) else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        quantity = (repr(value), "")
    if quantity is not None and isinstance(value, str | int | float):
        si = quantity[1] or "1"
        other = split_quantity(written)
        if other is not None and bool(other[1]) != bool(quantity[1]) and parse_quantity(other[0]) != 0.0:
            remedy = f"write {other[0]} {si}" if quantity[1] else f"write {other[0]}"
            raise RequirementError(
                "when", f"{name} is {shown(value)}, and {written} cannot be compared: {remedy}."
            )
        try:
            return parse_quantity(value, si), parse_quantity(written, si)
        except SiError as error:
            raise RequirementError("when", f"{name}: {error}") from None
    if operator not in ("==", "!="):
        raise RequirementError(
            "when", f"{name} is {shown(value)}, which has no order: only == and != make sense."
        )
    text = written.strip("\"'")
    return (shown(value), text) if isinstance(value, bool) else (value, text)
