"""`holds` of a requirement and `end_when` of the clock: formulas that the core evaluates at every tick."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crumple.formula_reader import FormulaError
from crumple.scene.clock import Span, time_text
from crumple.scene.connections import Exposed, Units, find_output
from crumple.scene.document import Document
from crumple.scene.plan import EndPlan
from crumple.scene.ports import BLOBS, Port, PortError

if TYPE_CHECKING:
    from fractions import Fraction

    from crumple.stl import Stl
    from crumple.stl_requirement import Holds

_ELSEWHERE = ("max", "min", "equals", "within", "from", "until", "at")


class Ports:
    """The ports behind the signals of a formula. what: "a requirement", for messages."""

    def __init__(self, units: Units, exposed: Exposed, what: str) -> None:
        self._units, self._exposed, self._what = units, exposed, what
        self.found: dict[str, Port | None] = {}

    def look_up(self, names: tuple[str, ...]) -> None:
        """Raises PortError for a name that is no signal of numbers; its `name` says which."""
        for name in names:
            port = find_output(name, self._units, self._exposed)
            if port is not None and port.kind in BLOBS:
                raise PortError(f'"{name}" is of kind {port.kind}; {self._what} compares numbers.')
            if port is not None and port.size != 1:
                raise PortError(f'"{name}" has {port.size_text}; name one element, as in {name}[0].')
            self.found[name] = port

    @property
    def known(self) -> bool:
        """Whether all are known: not where a unit has mistakes of its own."""
        return all(port is not None for port in self.found.values())

    @property
    def units(self) -> dict[str, str | None]:
        """The unit of measure of each."""
        return {name: None if port is None else port.si_name for name, port in self.found.items()}

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of each."""
        return {name: "real" if port is None else port.kind for name, port in self.found.items()}


def plan_holds(
    document: Document,
    name: str,
    units: Units,
    exposed: Exposed,
    *,
    span: Span | None,
    period: Fraction | None,
) -> Holds | None:
    """The requirement `name`, without its condition. None where there are mistakes, which are noted."""
    from crumple.stl import parse_stl
    from crumple.stl_requirement import Holds

    path = ("requirements", name)
    table: Mapping[str, Any] = document.tree["requirements"][name]
    text = table["holds"]
    for key in ("signal", "metric", *_ELSEWHERE):
        if key in table:
            fact = "is there as well as holds; a requirement has one of them."
            if key in _ELSEWHERE:
                fact = "has no meaning beside holds: write it into the formula."
            document.fault((*path, key), fact)
    ports = Ports(units, exposed, "a requirement")
    try:
        formula = parse_stl(text)
        _find(ports, formula.signals, formula.text)
        if not ports.known:
            return None
        formula.check(ports.units.get)
        if period is not None:
            formula.check_windows(period)
            if span is not None:
                _check_span(document, name, formula, span)
    except FormulaError as error:
        document.fault((*path, "holds"), pointed(error))
        return None
    _warn(document, f"requirement {name}", ports)
    return Holds(
        name=name,
        what=text,
        units=ports.units,
        kinds=ports.kinds,
        period=str(period or 1),
        stop=bool(table.get("stop", False)),
        doc=table.get("doc", ""),
    )


def plan_end(document: Document, units: Units, exposed: Exposed) -> EndPlan | None:
    """`[clock] end_when`. None where there is none, or it has mistakes, which are noted."""
    from crumple.formula import parse_formula

    clock = document.tree.get("clock", {})
    text = clock.get("end_when", "")
    if not text:
        return None
    ports = Ports(units, exposed, "a condition")
    try:
        formula = parse_formula(text)
        if not formula.logical:
            ports.look_up(formula.signals)
            if not formula.signals or any(port and port.kind != "boolean" for port in ports.found.values()):
                fact = f"this is no condition: write one, as in {text} > 0.5"
                raise FormulaError(fact, text=text, column=formula.root.column)
        _find(ports, formula.signals, text)
        if not ports.known:
            return None
        formula.check(ports.units)
    except FormulaError as error:
        document.fault(("clock", "end_when"), pointed(error))
        return None
    except PortError as error:
        document.fault(("clock", "end_when"), str(error))
        return None
    _warn(document, "clock.end_when", ports)
    return EndPlan(text, ports.units)


def pointed(error: FormulaError) -> str:
    """A mistake in a formula: the fact, and below it the formula with a caret under the column."""
    if error.column is None:
        return str(error)
    lines = "".join(f"\n      {line}" for line in error.pointed().split("\n"))
    return f"{error.fact.rstrip('.')} (column {error.column}).{lines}"


def _find(ports: Ports, names: tuple[str, ...], text: str) -> None:
    """Looks all signals up. Raises FormulaError that points at the one that is none."""
    for name in names:
        try:
            ports.look_up((name,))
        except PortError as error:
            raise FormulaError(str(error), text=text, column=_column(text, name)) from None


def _column(text: str, name: str) -> int | None:
    at = text.find(name)
    return None if at < 0 else at + 1


def _check_span(document: Document, name: str, formula: Stl, span: Span) -> None:
    """A window that the run never reaches is a mistake; one whose answers it may not see gets a warning."""
    length = span.stop - span.start
    for part, first, last, ahead in formula.horizons():
        if last > length:
            run = f"the run is {time_text(length)} long"
            late = "begins" if first > length else "ends"
            fact = f"this window {late} at {time_text(first if first > length else last)}, and {run}"
            raise FormulaError(fact, text=formula.text, column=part.column)
        if ahead is not None and ahead > length:
            fact = f"what begins in the last {time_text(ahead - last)} of its window is not seen to its end"
            document.warnings.append(f"requirement {name}: {fact}, and may stay undecided")


def _warn(document: Document, who: str, ports: Ports) -> None:
    document.warnings += [
        f"{who}: {name} declares no unit; its numbers are taken to be in base units"
        for name, si in ports.units.items()
        if si is None and ports.kinds[name] == "real"
    ]
