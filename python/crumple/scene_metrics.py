"""The `[metrics]` of a scene: numbers of a run, computed after it from what was recorded.

A metric is an expression, "max(car.speed)", or a formula of expressions and of the scene's parameters. A value that
never came, such as the time of an airbag that did not fire, is None: there is no number for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from crumple import wording
from crumple.si import convert

if TYPE_CHECKING:
    from crumple.expression import Expression, Lookup


class MetricResult(msgspec.Struct, frozen=True, kw_only=True):
    """A number of a run.

    value: in `si`; None where it never came, or could not be computed, of which `fact` tells the reason.
    at: (t1, t2) [s], the moment or the window that it was taken from; None where there is none.
    """

    name: str
    value: float | None
    si: str = ""
    at: tuple[float, float] | None = None
    what: str = ""
    doc: str = ""
    fact: str = ""

    def to_json(self) -> dict[str, Any]:
        """As `verdict.json` has it, under its name."""
        at = None if self.at is None else self.at[0] if self.at[0] == self.at[1] else list(self.at)
        return {
            "value": self.value,
            "si": self.si,
            "at": at,
            "what": self.what,
            **({"doc": self.doc} if self.doc else {}),
            **({"fact": self.fact} if self.fact else {}),
        }

    @classmethod
    def from_json(cls, name: str, written: Mapping[str, Any]) -> MetricResult:
        """The inverse of `to_json`. Raises msgspec.ValidationError where it has another shape."""
        at = written.get("at")
        pair = at if isinstance(at, list) or at is None else [at, at]
        return msgspec.convert({**written, "name": name, "at": pair}, cls)

    @property
    def text(self) -> str:
        """The value for a table: "39.1 g", "never"."""
        if self.value is None:
            return "could not be computed" if self.fact else "never"
        return wording.with_si(wording.number(self.value, digits=6), self.si)

    @property
    def when(self) -> str:
        """The moment or the window: "at 80.3 ms", "73.1 to 88.1 ms"."""
        if self.at is None:
            return ""
        return f"at {wording.time(self.at[0])}" if self.at[0] == self.at[1] else wording.span(*self.at)


@dataclass(frozen=True, kw_only=True)
class SceneMetric:
    """A metric of a scene, checked.

    what: as written.   si: in which the value is told; "" where its signals declare none.
    parts: expressions by the name that the formula knows them by; one, and no formula, for a plain expression.
    formula: gives the value in `si` from a look-up of numbers by name.   numbers: what it needs besides, by name.
    sources: unit of each part, None where it has none declared.
    """

    name: str
    what: str
    si: str
    parts: Mapping[str, Expression]
    sources: Mapping[str, str | None]
    formula: Callable[[Callable[[str], float | None]], float | None] | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)
    doc: str = ""

    @property
    def signals(self) -> tuple[str, ...]:
        """The names of all signals that it looks at."""
        return tuple(sorted({name for part in self.parts.values() for name in part.signals}))

    def evaluate(self, lookup: Lookup, period: float, *, start: float = 0.0) -> MetricResult:
        """Its value. Arguments as for `Expression.evaluate`. Raises MetricError, and what a metric itself raises."""
        found = {key: part.evaluate(lookup, period, start=start) for key, part in self.parts.items()}
        windows = {
            each.window or ((each.t, each.t) if each.t is not None else None) for each in found.values()
        }
        at = windows.pop() if len(windows) == 1 else None
        if self.formula is None:
            [(key, only)] = found.items()
            value: float | None = only.value
            source = self.sources[key]
            if math.isfinite(only.value) and source is not None and self.si and source != self.si:
                value = float(convert(only.value, source, self.si))
        else:
            value = self.formula(
                lambda name: self.numbers[name] if name in self.numbers else _finite(found[name].value)
            )
        value = None if value is None else _finite(value)
        return MetricResult(
            name=self.name,
            value=value,
            si=self.si,
            at=None if value is None else at,
            what=self.what,
            doc=self.doc,
        )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def evaluate_all(
    metrics: Sequence[SceneMetric], lookup: Lookup, period: float, *, start: float
) -> list[MetricResult]:
    """All of them. One that cannot be computed, whoever wrote it, has no value and says why."""
    results = []
    for metric in metrics:
        try:
            results.append(metric.evaluate(lookup, period, start=start))
        except (Exception, SystemExit) as error:
            fact = str(error) or type(error).__name__
            results.append(
                MetricResult(
                    name=metric.name, value=None, si=metric.si, what=metric.what, doc=metric.doc, fact=fact
                )
            )
    return results
