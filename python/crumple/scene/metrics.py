"""The metrics of a scene, each read and checked: whether its signals exist, and what it measures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crumple.scene.connections import Exposed, Units, find_output
from crumple.scene.document import Document
from crumple.scene.parameters import Parameters
from crumple.scene.ports import BLOBS, Port, PortError
from crumple.scene.values import FORMULA, ValueFault, formula_of, number_and_si
from crumple.si import SiError, base_si, convert, parse_si

if TYPE_CHECKING:
    from crumple.expression import Expression
    from crumple.scene_metrics import SceneMetric

_CALL = re.compile(r"'[^']*'|\"[^\"]*\"|(?P<name>[A-Za-z_]\w*)\s*\(")


class _Fault(ValueError):
    """What is wrong with a key of a metric."""

    def __init__(self, text: str, key: str = "value") -> None:
        super().__init__(text)
        self.key = key


def plan_metrics(
    document: Document, units: Units, exposed: Exposed, parameters: Parameters
) -> list[SceneMetric]:
    """All metrics without mistakes, in the order of the scene."""
    plans = []
    for name, table in document.tree.get("metrics", {}).items():
        if any(path[:2] == ("metrics", name) for path in document.faulty):
            continue
        try:
            plan = _Metric(document, name, table, units=units, exposed=exposed, parameters=parameters).plan()
        except _Fault as fault:
            document.fault(("metrics", name, fault.key), str(fault))
            continue
        if plan is not None:
            plans.append(plan)
    return plans


class _Metric:
    def __init__(
        self,
        document: Document,
        name: str,
        table: Mapping[str, Any],
        *,
        units: Units,
        exposed: Exposed,
        parameters: Parameters,
    ) -> None:
        self._document = document
        self._name = name
        self._table = table
        self._units = units
        self._exposed = exposed
        self._parameters = parameters
        self._unknown = False  # a port is on a unit that has mistakes of its own

    def plan(self) -> SceneMetric | None:
        """None where nothing can be said, for mistakes elsewhere. Raises _Fault."""
        from crumple.scene_metrics import SceneMetric

        what, si = self._table["value"], self._table.get("si", "")
        try:
            parse_si(si)
        except SiError as error:
            raise _Fault(str(error), "si") from None
        match = FORMULA.fullmatch(what)
        text, parts = _parts(match[1] if match else what, whole=match is None)
        sources = {key: self._source(part) for key, part in parts.items()}
        if self._unknown:
            return None
        if match is None:
            [source] = sources.values()
            si = self._report(si, source)
            return SceneMetric(
                name=self._name,
                what=what,
                si=si,
                parts=parts,
                sources=sources,
                doc=self._table.get("doc", ""),
            )
        formula, numbers, si = self._formula(text, sources, si)
        return SceneMetric(
            name=self._name,
            what=what,
            si=si,
            parts=parts,
            sources=sources,
            formula=formula,
            numbers=numbers,
            doc=self._table.get("doc", ""),
        )

    def _source(self, part: Expression) -> str | None:
        """The unit of an expression. Raises _Fault."""
        from crumple.expression import ExpressionError

        if not part.scalar:
            raise _Fault(f"{part.text} is a signal, and a metric is one number: write max({part.text}).")
        try:
            checked = part.check(self._si_of)
        except ExpressionError as error:
            raise _Fault(f"{error.fact} (column {error.column})") from None
        self._document.warnings += [f"metric {self._name}: {fact}" for fact in checked.warnings]
        return checked.si

    def _si_of(self, name: str) -> str | None:
        try:
            port: Port | None = find_output(name, self._units, self._exposed)
        except PortError as error:
            raise _Fault(str(error)) from None
        if port is None:
            self._unknown = True
            return None
        if port.kind in BLOBS:
            raise _Fault(f'"{name}" is of kind {port.kind}; metrics are of numbers.')
        if port.size != 1:
            raise _Fault(f'"{name}" has {port.size_text}; a metric takes one element, as in {name}[0].')
        return port.si_name

    def _report(self, si: str, source: str | None) -> str:
        """The unit in which the value is told."""
        if not si or source is None:
            return si or source or ""
        try:
            convert(1.0, source, si)
        except SiError as error:
            raise _Fault(str(error), "si") from None
        return si

    def _formula(
        self, text: str, sources: Mapping[str, str | None], si: str
    ) -> tuple[Any, dict[str, float], str]:
        from crumple.formula import FormulaError

        known = self._parameters.known
        numbers: dict[str, float] = {}
        units: dict[str, str | None] = dict(sources)
        try:
            formula = formula_of(text, known.names)
            for name in formula.signals:
                if name in sources:
                    continue
                if "." in name:
                    raise _Fault(f'"{name}" is a signal, and a metric is one number: write max({name}).')
                numbers[name], units[name] = number_and_si(name, known.value(name))
            dimension = formula.dimension(units.__getitem__)
            if not si and dimension is not None:
                si = base_si(dimension) if any(dimension) else ""
            return formula.bind(units.__getitem__, si or None), numbers, si
        except ValueFault as fault:
            raise _Fault(str(fault)) from None
        except FormulaError as error:
            raise _Fault(str(error)) from None


def _parts(text: str, *, whole: bool) -> tuple[str, dict[str, Expression]]:
    """The expressions in a formula by the names that stand for them, and the formula with these in their places.

    whole: the text is one expression. A call that is no expression, min(a, b) of two numbers, belongs to the formula.
    """
    from crumple.expression import ExpressionError, parse_expression
    from crumple.formula_reader import FUNCTIONS
    from crumple.metrics.registry import METRICS

    parts: dict[str, Expression] = {}
    if whole:
        try:
            return text, {text: parse_expression(text)}
        except ExpressionError as error:
            raise _Fault(f"{error.fact} (column {error.column})") from None
    written, at = "", 0
    while match := _CALL.search(text, at):
        name = match["name"]
        end = _closed(text, match.end()) if name in METRICS else None
        if end is None:
            written, at = written + text[at : match.end()], match.end()
            continue
        call = text[match.start() : end]
        try:
            expression = parse_expression(call)
        except ExpressionError as error:
            if name not in FUNCTIONS:
                raise _Fault(f"{error.fact} (column {match.start() + 2 + error.column})") from None
            written, at = written + text[at : match.end()], match.end()
            continue
        key = call.replace("'", '"')
        parts[key] = expression
        written, at = f"{written}{text[at : match.start()]}'{key}'", end
    return written + text[at:], parts


def _closed(text: str, at: int) -> int | None:
    """Behind the bracket that closes the one before `at`; None where nothing does."""
    depth, quote = 1, ""
    for index in range(at, len(text)):
        sign = text[index]
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        else:
            depth += (sign == "(") - (sign == ")")
            if depth == 0:
                return index + 1
    return None
