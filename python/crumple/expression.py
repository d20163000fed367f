"""Expressions over signals, as requirements write them: `clip_3ms(cfc180(occupant.chest_acceleration))`.

    expression = metric "(" argument { "," argument } ")" | signal
    argument   = expression | quantity
    signal     = unit.port, unit.port[2], or between quotes where a name holds spaces, brackets or commas
    quantity   = 30, -1.5, 30 g, 1.1 m/s

Reading one needs no run; `check` then finds every clash of dimensions before anything runs, and `evaluate`
computes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from crumple.errors import CrumpleError
from crumple.metrics.registry import METRICS, Metric, MetricValue
from crumple.metrics.signal import MetricError, Signal
from crumple.si import (
    SiError,
    describe,
    differs_only_in_angle,
    factor_offset,
    parse_quantity,
    parse_si,
)

_MAX_LENGTH = 1000  # characters; bounds the depth of nesting

Lookup = Callable[[str], tuple[Signal, str | None]]
SiOf = Callable[[str], str | None]


class ExpressionError(CrumpleError, ValueError):
    """An expression that cannot be read or makes no sense. `column` counts from 1."""

    def __init__(self, fact: str, *, text: str, column: int) -> None:
        super().__init__(f"column {column}: {fact}")
        self.fact = fact
        self.text = text
        self.column = column


@dataclass(frozen=True, slots=True)
class Reference:
    """A signal by name."""

    name: str
    column: int


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number, perhaps with a unit, as it was written."""

    text: str
    column: int


@dataclass(frozen=True, slots=True)
class Call:
    """A metric applied to signals, and to numbers after them."""

    metric: Metric
    signals: tuple[Reference | Call, ...]
    numbers: tuple[Quantity, ...]
    text: str
    column: int


@dataclass(frozen=True, slots=True)
class Checked:
    """What an expression gives: `si` is None where a signal has no declared unit."""

    si: str | None
    scalar: bool
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression: `text` as written, `root` its outermost call or signal."""

    text: str
    root: Call | Reference

    @property
    def signals(self) -> tuple[str, ...]:
        """The names of all signals in it, sorted, each once."""
        return tuple(sorted(set(_references(self.root))))

    @property
    def scalar(self) -> bool:
        """Whether it gives a number for the run, rather than a signal."""
        return isinstance(self.root, Call) and self.root.metric.scalar

    def check(self, si_of: SiOf) -> Checked:
        """Check units without any values.

        si_of: unit of a signal by name, None where it has none; may raise for a signal that does not exist.
        Raises ExpressionError, naming both dimensions, where a metric is given what it cannot take.
        """
        warnings: list[str] = []
        si = self._check(self.root, si_of, warnings)
        return Checked(si, self.scalar, tuple(warnings))

    def evaluate(self, lookup: Lookup, period: float, *, start: float = 0.0) -> MetricValue:
        """Its value. The expression must give a number.

        lookup: samples (n,) of a signal by name, and their unit.   period: [s].
        start: [s] time of the first sample; all times in the result are counted from the start of the run.
        Raises ExpressionError for clashing units, MetricError where a metric cannot be computed.
        """
        root = self.root
        if isinstance(root, Reference) or not root.metric.scalar:
            raise self._error("this is a signal; a number is wanted, as in max(...)", root.column)
        arrays, numbers, si = self._arguments(root, lookup, period)
        try:
            return root.metric.evaluate(arrays, period, numbers=numbers, si=si, start=start)
        except MetricError as error:
            raise MetricError(f"{root.text}: {error}") from error

    def evaluate_signal(self, lookup: Lookup, period: float) -> tuple[Signal, str | None]:
        """Its samples (n,) and their unit. The expression must give a signal; arguments as for `evaluate`."""
        if self.scalar:
            raise self._error("this is a number; a signal is wanted", self.root.column)
        return self._samples(self.root, lookup, period)

    def _error(self, fact: str, column: int) -> ExpressionError:
        return ExpressionError(fact, text=self.text, column=column)

    def _check(self, node: Call | Reference, si_of: SiOf, warnings: list[str]) -> str | None:
        if isinstance(node, Reference):
            si = si_of(node.name)
            self._parsed(si, node)
            return si
        given = [self._check(signal, si_of, warnings) for signal in node.signals]
        for index, (signal, si) in enumerate(zip(node.signals, given, strict=True)):
            wanted = self._wanted(node.metric, index, given[0])
            self._conversion(node, signal, si, wanted)
            if wanted is not None and si is None:
                warnings.append(f"{_name(signal)} has no unit; {node.metric.name} takes it to be in {wanted}")
            elif wanted and si and differs_only_in_angle(parse_si(si), parse_si(wanted)):
                warnings.append(f"{_name(signal)} is in {si}, taken for {wanted}: they differ in angle")
        first = self._wanted(node.metric, 0, given[0])
        for index, quantity in enumerate(node.numbers):
            self._number(quantity, node.metric.si_of_number(index, first))
        return node.metric.result_si or given[0]

    @staticmethod
    def _wanted(metric: Metric, index: int, first: str | None) -> str | None:
        """The unit a signal is wanted in. Where a metric says units one by one, None there is any unit at all."""
        if index < len(metric.signal_sis):
            return metric.signal_sis[index]
        return metric.argument_si or first

    def _parsed(self, si: str | None, node: Reference) -> None:
        try:
            parse_si(si or "")
        except SiError as error:
            raise self._error(f"unit of {node.name}: {error}", node.column) from None

    def _conversion(
        self, call: Call, signal: Call | Reference, si: str | None, wanted: str | None
    ) -> tuple[float, float]:
        if si is None or wanted is None or si == wanted:
            return 1.0, 0.0
        source, target = parse_si(si), parse_si(wanted)
        try:
            return factor_offset(source, target)
        except SiError:
            takes = f"{call.metric.name} takes {describe(target)} ({wanted})"
            fact = f"{takes}, {_name(signal)} is {describe(source)} ({si})"
            raise self._error(fact, signal.column) from None

    def _number(self, quantity: Quantity, si: str | None) -> float:
        try:
            return parse_quantity(quantity.text, si)
        except SiError as error:
            raise self._error(str(error), quantity.column) from None

    def _arguments(
        self, call: Call, lookup: Lookup, period: float
    ) -> tuple[list[Signal], list[float], str | None]:
        """Signals in the metric's unit, numbers, and the unit of the first signal as it came."""
        found = [self._samples(signal, lookup, period) for signal in call.signals]
        arrays = []
        for index, (signal, (samples, si)) in enumerate(zip(call.signals, found, strict=True)):
            wanted = self._wanted(call.metric, index, found[0][1])
            factor, offset = self._conversion(call, signal, si, wanted)
            arrays.append(samples if (factor, offset) == (1.0, 0.0) else samples * factor + offset)
        first = self._wanted(call.metric, 0, found[0][1])
        numbers = [
            self._number(quantity, call.metric.si_of_number(index, first))
            for index, quantity in enumerate(call.numbers)
        ]
        return arrays, numbers, found[0][1]

    def _samples(self, node: Call | Reference, lookup: Lookup, period: float) -> tuple[Signal, str | None]:
        if isinstance(node, Reference):
            samples, si = lookup(node.name)
            self._parsed(si, node)
            return samples, si
        arrays, numbers, si = self._arguments(node, lookup, period)
        try:
            return node.metric.function(*arrays, period, *numbers), node.metric.result_si or si
        except MetricError as error:
            raise MetricError(f"{node.text}: {error}") from error


def parse_expression(text: str, *, metrics: Mapping[str, Metric] = METRICS) -> Expression:
    """Read an expression. Raises ExpressionError with the column and, for an unknown metric, the nearest."""
    return Expression(text, _Reader(text, metrics).whole())


def _references(node: Call | Reference) -> list[str]:
    if isinstance(node, Reference):
        return [node.name]
    return [name for signal in node.signals for name in _references(signal)]


def _name(node: Call | Reference) -> str:
    return node.name if isinstance(node, Reference) else node.text


_METRIC = re.compile(r"([A-Za-z_]\w*)\s*\(")
_BRACKETS = r"\[[^\[\]]*\]"
_SIGNAL = re.compile(rf"(?:[^\s\[\](),'\"]|{_BRACKETS})+")
_NUMBER = re.compile(r"[+-]?(?:\d|\.\d|inf\b)")


class _Reader:
    def __init__(self, text: str, metrics: Mapping[str, Metric]) -> None:
        self._text = text
        self._metrics = metrics
        self._at = 0

    def whole(self) -> Call | Reference:
        if len(self._text) > _MAX_LENGTH:
            raise self._error(f"the expression is longer than {_MAX_LENGTH} characters", 0)
        node = self._expression()
        if self._peek():
            raise self._error(f"{self._peek()!r} has no place after the expression", self._at)
        return node

    def _error(self, fact: str, at: int) -> ExpressionError:
        return ExpressionError(fact, text=self._text, column=at + 1)

    def _peek(self) -> str:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1
        return self._text[self._at : self._at + 1]

    def _expression(self) -> Call | Reference:
        first = self._peek()
        if first in ("'", '"'):
            return self._quoted(first)
        if match := _METRIC.match(self._text, self._at):
            return self._call(match)
        if match := _SIGNAL.match(self._text, self._at):
            return self._signal(match)
        fact = f"{first!r} where a signal or metric is wanted" if first else "it ends too early"
        raise self._error(fact, self._at)

    def _quoted(self, quote: str) -> Reference:
        start = self._at
        end = self._text.find(quote, start + 1)
        if end < 0:
            raise self._error(f"the quote {quote} is not closed", start)
        self._at = end + 1
        return self._reference(self._text[start + 1 : end], start)

    def _signal(self, match: re.Match[str]) -> Reference:
        start, name = self._at, match[0]
        self._at = match.end()
        if self._text[self._at : self._at + 1] == "(":
            raise self._error(f"the name '{name}(...' holds brackets: put it between quotes", start)
        return self._reference(name, start)

    def _reference(self, name: str, start: int) -> Reference:
        unit, dot, port = name.partition(".")
        if not (unit and dot and port):
            raise self._error(f"'{name}' is no signal: write unit.port", start)
        return Reference(name, start + 1)

    def _call(self, match: re.Match[str]) -> Call:
        start, name = self._at, match[1]
        metric = self._metrics.get(name)
        if metric is None:
            import difflib

            close = difflib.get_close_matches(name, self._metrics, n=2)
            hint = f"Metrics: {', '.join(sorted(self._metrics))}."
            if close:
                hint = f"Did you mean {' or '.join(map(repr, close))}?"
            raise self._error(f"unknown metric '{name}'. {hint}", start)
        self._at = match.end()
        signals: list[Reference | Call] = []
        numbers: list[Quantity] = []
        while True:
            self._argument(metric, signals, numbers)
            sign = self._peek()
            self._at += 1
            if sign == ")":
                break
            if sign != ",":
                if not sign:
                    raise self._error(f"the bracket of '{name}(' is not closed", start)
                raise self._error(f"{sign!r} where ',' or ')' is wanted", self._at - 1)
        self._count(metric, len(signals), len(numbers), start)
        return Call(metric, tuple(signals), tuple(numbers), self._text[start : self._at], start + 1)

    def _argument(self, metric: Metric, signals: list[Reference | Call], numbers: list[Quantity]) -> None:
        if self._peek() == ")" and not signals:
            return  # no argument at all: the count is complained about, with the usage
        start = self._at
        if _NUMBER.match(self._text, start):
            numbers.append(self._quantity())
            return
        if numbers:
            raise self._error(f"signals come before numbers: {metric.usage}", start)
        node = self._expression()
        if isinstance(node, Call) and node.metric.scalar:
            raise self._error(f"{metric.name} takes a signal, and {node.text} is one number", start)
        signals.append(node)

    def _quantity(self) -> Quantity:
        start, depth = self._at, 0
        while self._at < len(self._text):
            sign = self._text[self._at]
            if depth == 0 and sign in ",)":
                break
            depth += (sign == "(") - (sign == ")")
            self._at += 1
        return Quantity(self._text[start : self._at].strip(), start + 1)

    def _count(self, metric: Metric, signals: int, numbers: int, start: int) -> None:
        least, most = metric.signals
        if signals < least or (most is not None and signals > most):
            wanted = "one signal" if (least, most) == (1, 1) else f"{least} to {most} signals"
            if most is None:
                wanted = f"at least {least} signal{'' if least == 1 else 's'}"
            elif least == most != 1:
                wanted = f"{least} signals"
            raise self._error(f"{metric.name} takes {wanted}, not {signals}: {metric.usage}", start)
        if not len(metric.numbers) - metric.optional <= numbers <= len(metric.numbers):
            given = f"{numbers} number{'' if numbers == 1 else 's'}"
            raise self._error(f"{metric.name} does not take {given}: {metric.usage}", start)
