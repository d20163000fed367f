"""The requirements of a scene, each resolved to a `crumple.requirement.Requirement`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from math import ceil, floor
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from crumple.scene.clock import Span, TimeError, exact_time, time_text
from crumple.scene.connections import Exposed, Units, find_output
from crumple.scene.document import Document
from crumple.scene.holds import plan_holds
from crumple.scene.parameters import Parameters, split_quantity
from crumple.scene.plan import Value
from crumple.scene.ports import BLOBS, Port, PortError
from crumple.scene.text import NAME, TIMING, did_you_mean, listed, shown
from crumple.scene.values import ValueFault, quantity_text
from crumple.si import SiError, factor_offset, parse_quantity, parse_si

if TYPE_CHECKING:
    from fractions import Fraction

    from crumple.expression import Expression
    from crumple.requirement import Requirement
    from crumple.stl_requirement import Holds

_COMPARISON = re.compile(rf"\s*({NAME})\s*(<=|>=|==|!=|<|>)\s*(.+?)\s*")
_AND = re.compile(r"\s+and\s+")
_OR = re.compile(r"\s+or\s+")
_NOT = re.compile(r"\snot\s|^\s*not\s|[()]")


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
    span: Span | None,
    *,
    period: Fraction | None = None,
) -> list[Requirement | Holds]:
    """All requirements without mistakes. period: of the run [s].

    span: of the run as the file has it, None where it is not known. A run that is cut short by `--stop` does
    not reach every window, and is inconclusive.
    """
    from crumple.requirement import Requirement

    plans: list[Requirement | Holds] = []
    for name, table in document.tree.get("requirements", {}).items():
        if name == TIMING:
            continue  # it is judged by the clock, see `pacing`
        path = ("requirements", name)
        if "holds" in table:
            held = plan_holds(document, name, units, exposed, span=span, period=period)
            try:
                applies = _when(table, parameters)
            except RequirementError as error:
                document.fault((*path, error.key), error.text)
            else:
                if held is not None:
                    plans.append(msgspec.structs.replace(held, **applies))
            continue
        if "stop" in table:
            document.fault((*path, "stop"), "has a meaning only beside holds.")
        draft: dict[str, Any] = {"name": name, "doc": table.get("doc", "")}
        steps: list[Callable[[], dict[str, Any]]] = [
            _Judged(document, name, table, units, exposed).fields,
            partial(_window, table, span),
            partial(_when, table, parameters),
        ]
        for step in steps:
            try:
                draft.update(step())
            except RequirementError as error:
                document.fault((*path, error.key) if error.key else path, error.text)
        if not document.mistakes and "limits" in draft:
            plans.append(Requirement(**draft))
    return plans


# ---- what is judged, and against which limits


class _Judged:
    """The signal or metric of one requirement, with its limits."""

    def __init__(
        self, document: Document, name: str, table: Mapping[str, Any], units: Units, exposed: Exposed
    ) -> None:
        self._document = document
        self._name = name
        self._table = table
        self._units = units
        self._exposed = exposed
        self._key = "signal" if "signal" in table else "metric"
        self._ports: dict[str, Port | None] = {}

    def fields(self) -> dict[str, Any]:
        """What a Requirement needs to know; nothing where that cannot be said for other mistakes."""
        from crumple.expression import ExpressionError, Reference

        table, key = self._table, self._key
        if "signal" in table and "metric" in table:
            raise RequirementError("metric", "is there as well as signal; a requirement is on one of them.")
        if key not in table:
            if self._has_fault():
                return {}
            wanted = 'signal = "unit.port", metric = "max(...)" or holds = "always(...)"'
            raise RequirementError("", f"does not say what is judged: write {wanted}.")
        what = table[key]
        try:
            expression = self._expression(what)
            checked = expression.check(self._si_of)
        except ExpressionError as error:
            raise RequirementError(key, f"{error.fact} (column {error.column})") from None
        if expression.scalar and key == "signal":
            raise RequirementError(key, f'{what} is one number for the run: write metric = "{what}".')
        if not expression.scalar and key == "metric":
            remedy = f'write signal = "{what}", or metric = "max({what})"'
            raise RequirementError(key, f"{what} is a signal: {remedy}.")
        plain = isinstance(expression.root, Reference)
        for name, port in self._ports.items():
            if port is not None and port.size != 1 and not plain:
                fact = f'"{name}" has {port.size_text}; a metric takes one element, as in {name}[0].'
                raise RequirementError(key, fact)
        self._warn(checked.warnings)
        if any(port is None for port in self._ports.values()):
            return {}  # the unit has mistakes of its own, and what its ports measure is not known
        if self._has_fault() and not any(limit in table for limit in _LIMITS):
            return {}  # what was meant as a limit has a mistake
        limits, si = _limits(table, checked.si, next(iter(self._ports.values())) if plain else None)
        if checked.si is None and si:
            fact = f"what is judged declares no unit; it is taken to be in {si}, as the limit is"
            self._warn([fact])
        return {"what": what, "expression": expression, "limits": limits, "source_si": checked.si, "si": si}

    def _expression(self, what: str) -> Expression:
        from crumple.expression import parse_expression

        if self._key == "signal":
            try:
                find_output(what, self._units, self._exposed)
            except PortError:
                pass
            else:  # a name is a name, whatever brackets it holds
                quote = "'" if '"' in what else '"'
                return parse_expression(f"{quote}{what}{quote}")
        return parse_expression(what)

    def _si_of(self, name: str) -> str | None:
        try:
            port = find_output(name, self._units, self._exposed)
        except PortError as error:
            raise RequirementError(self._key, str(error)) from None
        if port is not None and port.kind in BLOBS:
            fact = f'"{name}" is of kind {port.kind}; requirements compare numbers.'
            raise RequirementError(self._key, fact)
        self._ports[name] = port
        return None if port is None else port.si_name

    def _has_fault(self) -> bool:
        return any(path[:2] == ("requirements", self._name) for path in self._document.faulty)

    def _warn(self, facts: Iterable[str]) -> None:
        self._document.warnings += [f"requirement {self._name}: {fact}" for fact in facts]


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


def _window(table: Mapping[str, Any], span: Span | None) -> dict[str, Any]:
    times: dict[str, Fraction] = {}
    for key in ("from", "until"):
        if key in table:
            try:
                times[key] = exact_time(table[key])
            except TimeError as error:
                raise RequirementError(key, str(error)) from None
            if span is not None and not span.start <= times[key] <= span.stop:
                run = f"the run goes from {time_text(span.start)} to {time_text(span.stop)}"
                raise RequirementError(key, f"is {time_text(times[key])}, and {run}.")
    if "at" in table and times:
        raise RequirementError("at", f"is there as well as {next(iter(times))}; take one of them out.")
    if len(times) == 2 and times["from"] > times["until"]:
        raise RequirementError(
            "until", f"is {time_text(times['until'])}, before from, {time_text(times['from'])}."
        )
    if len(times) == 2 and span is not None:
        first, last = ((times[key] - span.start) / span.period for key in ("from", "until"))
        if ceil(first) > floor(last):
            raise RequirementError(
                "until", f"ends a window without a tick; a tick is {time_text(span.period)}."
            )
    return {
        "start": float(times["from"]) if "from" in times else None,
        "until": float(times["until"]) if "until" in times else None,
        "at_end": "at" in table,
    }


def _when(table: Mapping[str, Any], parameters: Parameters) -> dict[str, Any]:
    """Whether the requirement applies: "speed > 20 km/h and mass >= 1 t", of the scene's parameters."""
    text = table.get("when", "")
    if _NOT.search(text):
        raise RequirementError(
            "when", 'comparisons are joined by "and" and "or" only; write != or the opposite.'
        )
    applies = not text.strip()
    for way in _OR.split(text) if text.strip() else []:
        applies |= all([_holds(comparison, parameters) for comparison in _AND.split(way)])
    return {"applies": applies, "when": text}


def _holds(comparison: str, parameters: Parameters) -> bool:
    match = _COMPARISON.fullmatch(comparison)
    if match is None:
        fact = f'"{comparison.strip()}" is no comparison'
        raise RequirementError(
            "when", f'{fact}; write "speed > 20 km/h", joined by "and" where there are several.'
        )
    name, operator, written = match.groups()
    try:
        value = parameters.known.value(name)
    except ValueFault as fault:
        if fault.silent:
            return True
        raise RequirementError("when", str(fault).replace('"$', '"')) from None
    plan = parameters.plans.get(name)
    if plan is not None and plan.si is not None and (number := split_quantity(written)) and not number[1]:
        written = str(quantity_text(parse_quantity(written), plan.si))  # a plain number is in its unit
    first, second = _comparable(name, value, written, operator)
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
