"""Requirements: what must hold of a run, judged from what was recorded.

A requirement on a signal must hold at every communication point of its window; one on a metric must hold of the
number that the metric finds in the window. Limits are compared in the unit of the signal, and value and limit
are reported in the unit in which the limit was written.

The margin is relative to the limit: (limit - value) / |limit| for `max`, (value - limit) / |limit| for `min`,
1 - |value - equals| / within for `equals`. It is negative where the limit is broken. Against a limit of 0 nothing
is relative: there the margin is +1 where it holds, -1 where it is broken, and 0 at the limit itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from crumple import wording
from crumple.si import SiError, convert, factor_offset, parse_quantity, parse_si

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from crumple.expression import Expression
    from crumple.recording import Signals

Status = Literal["pass", "fail", "inconclusive", "not_applicable"]
Relation = Literal["max", "min", "equals"]

# Metrics that only grow (or only shrink) as more of a run is seen: a limit once broken stays broken.
_GROWING = {"max", "abs_max", "hic15", "hic36", "clip_3ms", "clip_3ms_cumulative", "delta_v"}
_SHRINKING = {"min"}
_MOST_ROWS_SEARCHED = 1_000_000  # searching for the first broken sample costs some 20 evaluations


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit. `Limit.of` makes one from what a scene says.

    value, within: in the unit of what is judged.   shown, shown_within: as written, in the unit `si`.
    """

    relation: Relation
    value: float
    shown: float
    si: str = ""
    within: float = 0.0
    shown_within: float = 0.0

    @classmethod
    def of(
        cls,
        relation: Relation,
        written: str | float,
        *,
        source_si: str | None,
        within: str | float | None = None,
    ) -> Limit:
        """A limit such as "60 g", on something in the unit `source_si` (None where it has no declared unit).

        A bare number is in that unit. Where there is none, the written unit is taken on trust.
        Raises SiError where the limit measures something else.
        """
        value, shown, si = _quantity(written, source_si)
        if within is None:
            return cls(relation, value, shown, si)
        factor, _ = factor_offset(parse_si(si), parse_si(source_si)) if source_si is not None else (1.0, 0.0)
        near_shown = float(within) if not isinstance(within, str) else _difference(within, si)
        return cls(relation, value, shown, si, near_shown * factor, near_shown)

    def broken(self, value: Any) -> Any:
        """Whether a value (or each of an array) is beyond the limit; NaN is not."""
        if self.relation == "max":
            return value > self.value
        if self.relation == "min":
            return value < self.value
        return abs(value - self.value) > self.within

    def margin(self, shown: float) -> float:
        """Distance to the limit relative to it, from a value in the unit of the report."""
        if self.relation == "equals":
            away = abs(shown - self.shown)
            if self.shown_within > 0.0:
                return 1.0 - away / self.shown_within
            return 0.0 if away == 0.0 else (-away / abs(self.shown) if self.shown else -1.0)
        room = self.shown - shown if self.relation == "max" else shown - self.shown
        if self.shown == 0.0 or math.isinf(self.shown):
            return math.copysign(1.0, room) if room else 0.0
        return room / abs(self.shown)


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """One requirement of a scene, with every quantity resolved.

    what: as written, a signal or an expression.   expression: the same, parsed.
    limits: one, or two for a range.   source_si: unit of what is judged, None where it has none declared.
    start, until: window [s], None for the whole run.   at_end: only the last communication point counts.
    applies: whether its condition `when` holds of the scene's parameters.
    """

    name: str
    what: str
    expression: Expression
    limits: tuple[Limit, ...]
    source_si: str | None = None
    start: float | None = None
    until: float | None = None
    at_end: bool = False
    applies: bool = True
    when: str = ""
    doc: str = ""

    @cached_property
    def signals(self) -> tuple[str, ...]:
        """Names of the signals that it looks at."""
        return self.expression.signals

    @cached_property
    def title(self) -> str:
        """What the value is called: "HIC15", "3 ms clip", or the signal itself."""
        metric = _metric(self.expression)
        return metric.title if metric is not None and metric.scalar else self.what

    def shown(self, value: float, si: str) -> float:
        """A value in the unit of a limit."""
        if self.source_si is None or self.source_si == si or not math.isfinite(value):
            return value
        return float(convert(value, self.source_si, si))


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementResult:
    """How a requirement came out.

    value: the worst over the window, in `si`; `inf` for a time that never came; None where nothing was seen.
    limit, within: as written, in `si`.   margin: see the module.
    complete: whether its window was seen to the end.
    decided: time [s] at which the result could not change any more: where the limit was first broken, or the end of
    the window. None while it is open.   worst: (t1, t2) [s], the moment or the window that gave the value.
    """

    name: str
    what: str
    title: str
    status: Status
    value: float | None
    si: str
    relation: Relation
    limit: float
    within: float | None
    margin: float | None
    complete: bool
    decided: float | None
    worst: tuple[float, float] | None
    reason: str
    signals: tuple[str, ...] = ()
    when: str = ""
    doc: str = ""

    def to_json(self) -> dict[str, Any]:
        """Ready for JSON; tuples become lists."""
        return {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(self).items()}

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> RequirementResult:
        """The inverse of `to_json`; keys that a later version added are left out."""
        known = {f.name for f in fields(cls)}
        kept = {key: tuple(v) if isinstance(v, list) else v for key, v in written.items() if key in known}
        return cls(**kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What there is to judge from.

    period: between rows at the full rate [s].   start: of the run [s].
    horizon: where the run was to end [s].   t: the last communication point that was reached [s].
    si_of: unit of a signal by name.   not_seen: why the run did not reach its horizon, for the reason.
    """

    signals: Signals
    period: float
    start: float
    horizon: float
    t: float
    si_of: Callable[[str], str | None]
    not_seen: str = ""


@dataclass(frozen=True, slots=True)
class _Window:
    first: int  # row
    last: int  # row, included
    end: float  # [s] where the requirement asks to have been seen to
    complete: bool


@dataclass(frozen=True, slots=True)
class _Found:
    value: float | None
    worst: tuple[float, float] | None = None
    broken_at: float | None = None  # [s] when the limit was first broken
    final: bool = True  # whether a broken limit stays broken, whatever follows
    fact: str = ""  # why there is no value
    blank: float | None = None  # [s] of a NaN in the window


def evaluate(requirement: Requirement, seen: Seen) -> RequirementResult:
    """Judge one requirement. With several limits (a range), the one with the least margin is reported.

    Raises nothing that a scene can cause: what cannot be computed is inconclusive, with its reason.
    """
    results = [_against(requirement, limit, seen) for limit in requirement.limits]
    order = {"fail": 0, "inconclusive": 1, "pass": 2, "not_applicable": 3}
    return min(results, key=lambda r: (order[r.status], math.inf if r.margin is None else r.margin))


def _against(requirement: Requirement, limit: Limit, seen: Seen) -> RequirementResult:
    blank = RequirementResult(
        name=requirement.name,
        what=requirement.what,
        title=requirement.title,
        status="not_applicable",
        value=None,
        si=limit.si,
        relation=limit.relation,
        limit=limit.shown,
        within=limit.shown_within if limit.relation == "equals" else None,
        margin=None,
        complete=False,
        decided=None,
        worst=None,
        reason=f"{requirement.name}: does not apply, since it is only for {requirement.when}",
        signals=requirement.signals,
        when=requirement.when,
        doc=requirement.doc,
    )
    if not requirement.applies:
        return blank
    window = _window(requirement, seen)
    found = _found(requirement, limit, seen, window)
    value = None if found.value is None else requirement.shown(found.value, limit.si)
    result = replace(
        blank,
        value=value,
        margin=None if value is None else limit.margin(value),
        complete=window.complete,
        worst=found.worst,
    )
    broken = found.value is not None and bool(limit.broken(found.value))
    if broken and (found.final or window.complete):
        decided = found.broken_at if found.broken_at is not None else window.end
        result = replace(result, status="fail", decided=decided)
    elif not window.complete or found.value is None or found.blank is not None:
        return replace(result, status="inconclusive", reason=_open(result, window, found, seen))
    else:
        result = replace(result, status="pass", decided=window.end)
    return replace(result, reason=_reason(result))


def _window(requirement: Requirement, seen: Seen) -> _Window:
    """Rows of the window. Times within a thousandth of a period of a communication point are that point."""
    slack = 1e-3 * seen.period
    rows = len(seen.signals.t(_table_of(requirement)))
    end = seen.horizon if requirement.until is None else requirement.until
    start = seen.start if requirement.start is None else max(requirement.start, seen.start)
    last = min(rows - 1, math.floor((end - seen.start) / seen.period + 1e-3))
    first = last if requirement.at_end else max(0, math.ceil((start - seen.start) / seen.period - 1e-3))
    reached = min(seen.t, seen.start + (rows - 1) * seen.period)
    return _Window(first, last, end, end <= min(reached, seen.horizon) + slack and last >= 0)


def _table_of(requirement: Requirement) -> str | None:
    return requirement.signals[0] if requirement.signals else None


def _found(requirement: Requirement, limit: Limit, seen: Seen, window: _Window) -> _Found:
    from crumple.metrics.signal import MetricError  # with numpy: not for those who only read results

    if requirement.at_end and not window.complete:
        return _Found(None, fact="the run did not reach the end")
    if window.first > window.last:
        return _Found(None, fact="the run ended before its window began")
    try:
        if requirement.expression.scalar:
            return _metric_found(requirement, limit, seen, window)
        return _signal_found(requirement, limit, seen, window)
    except MetricError as error:
        return _Found(None, fact=f"cannot be computed: {error}")


def _signal_found(requirement: Requirement, limit: Limit, seen: Seen, window: _Window) -> _Found:
    """The worst value of a signal in the window. A filter sees the whole run, so that windows do not ring."""
    import numpy as np

    if requirement.signals == (requirement.what,):
        samples: NDArray[np.float64] = seen.signals[requirement.what]
    else:
        samples, _ = requirement.expression.evaluate_signal(
            lambda name: (np.asarray(seen.signals[name]), seen.si_of(name)), seen.period
        )
    inside = np.asarray(samples[window.first : window.last + 1]).reshape(window.last + 1 - window.first, -1)
    blank = np.isnan(inside)
    measure = {"max": inside, "min": -inside, "equals": np.abs(inside - limit.value)}[limit.relation]
    measure = np.where(blank, -np.inf, measure)
    row, element = np.unravel_index(int(measure.argmax()), measure.shape)
    t = seen.signals.t(_table_of(requirement))
    worst_t = float(t[window.first + row])
    broken = limit.broken(inside).any(axis=1)
    at = float(t[window.first + int(broken.argmax())]) if broken.any() else None
    blank_t = float(t[window.first + int(blank.any(axis=1).argmax())]) if blank.any() else None
    if blank.all():
        return _Found(None, fact=f"it is NaN at {wording.time(blank_t or 0.0)}", blank=blank_t)
    causal = _metric(requirement.expression) is None
    value = float(inside[row, element])
    return _Found(value, (worst_t, worst_t), broken_at=at, final=causal, blank=blank_t)


def _metric_found(requirement: Requirement, limit: Limit, seen: Seen, window: _Window) -> _Found:
    start = seen.start + window.first * seen.period

    def value_to(last: int) -> Any:
        def lookup(name: str) -> tuple[NDArray[np.float64], str | None]:
            return seen.signals[name][window.first : last + 1], seen.si_of(name)

        return requirement.expression.evaluate(lookup, seen.period, start=start)

    found = value_to(window.last)
    worst = found.window or (None if found.t is None else (found.t, found.t))
    metric = _metric(requirement.expression)
    assert metric is not None
    if metric.is_time:
        # what has not come by now comes later than now: a broken upper limit is broken for good
        if math.isinf(found.value):
            if window.complete or (limit.relation == "max" and seen.t > limit.value):
                return _Found(found.value, None, broken_at=limit.value if limit.relation == "max" else None)
            return _Found(None, fact="it has not come")
        at = limit.value if limit.relation == "max" else found.value
        return _Found(found.value, worst, broken_at=at)
    sided = metric.name in (_GROWING if limit.relation == "max" else _SHRINKING) and limit.relation != "equals"
    final = sided and _causal(requirement.expression)
    at = None
    if final and limit.broken(found.value) and window.last - window.first < _MOST_ROWS_SEARCHED:
        row = _first_broken(limit, value_to, window)
        at = seen.start + row * seen.period
    elif worst is not None and limit.broken(found.value):
        at = worst[1] if window.complete and sided else None
    return _Found(found.value, worst, broken_at=at, final=final)


def _first_broken(limit: Limit, value_to: Callable[[int], Any], window: _Window) -> int:
    """The first row up to which a metric that only grows (or shrinks) breaks the limit, by bisection."""
    from crumple.metrics.signal import MetricError

    low, high = window.first, window.last  # broken at high
    while low < high:
        middle = (low + high) // 2
        try:
            broken = bool(limit.broken(value_to(middle).value))
        except MetricError:  # too short as yet
            broken = False
        low, high = (low, middle) if broken else (middle + 1, high)
    return high


def _metric(expression: Expression) -> Any:
    """The outermost metric of an expression; None for a plain signal."""
    return getattr(expression.root, "metric", None)


def _causal(expression: Expression) -> bool:
    """Whether no sample depends on a later one: of the metrics that give signals, filters look ahead."""

    def plain(node: Any) -> bool:
        metric = getattr(node, "metric", None)
        return metric is None or (metric.name == "resultant" and all(map(plain, node.signals)))

    return all(plain(node) for node in getattr(expression.root, "signals", ()))


def _quantity(written: str | float, source_si: str | None) -> tuple[float, float, str]:
    """(value in `source_si`, number as written, unit as written)."""
    if not isinstance(written, str):
        return float(written), float(written), source_si or ""
    unit = written.strip().lstrip("+-\u22120123456789./eE_ ")
    if source_si is None:
        return (number := parse_quantity(written, unit)), number, unit
    value = parse_quantity(written, source_si)
    try:
        return (value, parse_quantity(written, unit), unit) if unit else (value, value, source_si)
    except SiError:  # a unit that starts like a number, as "1/s" does
        return value, value, source_si


def _difference(written: str, si: str) -> float:
    """A distance such as "5 degC", in the unit `si` and without its offset."""
    _, number, unit = _quantity(written, None)
    return number * factor_offset(parse_si(unit), parse_si(si))[0] if unit else number


def value_text(result: RequirementResult) -> str:
    """The value for a table: "HIC15 142.1", "38.9 g", "never"."""
    if result.value is None:
        return "-"
    if math.isinf(result.value) and result.value > 0 and result.si not in {"", "1"} and result.worst is None:
        return "never"
    text = wording.with_si(wording.against(result.value, result.limit)[0], result.si)
    if result.title == result.what or result.title == "time":
        return text
    return f"{result.title} {text}" if result.si in {"", "1"} else f"{text} ({result.title})"


def limit_text(result: RequirementResult) -> str:
    """The limit for a table: "≤ 700", "≥ 2 m", "= 3 V ± 0.1 V"."""
    limit = wording.with_si(wording.number(result.limit, digits=6), result.si)
    if result.relation == "equals":
        near = f" ± {wording.with_si(wording.number(result.within), result.si)}" if result.within else ""
        return f"= {limit}{near}"
    return f"{'≤' if result.relation == 'max' else '≥'} {limit}"


def when_text(result: RequirementResult) -> str:
    """The moment or window that gave the value: "at 80.3 ms", "73.1 to 88.1 ms"."""
    if result.worst is None:
        return ""
    t1, t2 = result.worst
    return f"at {wording.time(t1)}" if t1 == t2 else wording.span(t1, t2)


def _reason(result: RequirementResult) -> str:
    """One line that says what happened against which limit, and when."""
    name, what = result.name, result.title if result.title != "time" else result.what
    assert result.value is not None
    value, limit = wording.against(result.value, result.limit)
    limit = wording.with_si(limit, result.si)
    value = "never came" if math.isinf(result.value) and result.worst is None else wording.with_si(value, result.si)
    said = f"{name}: {what} {value}"
    if result.status == "pass":
        return f"{said} holds {limit_text(result)}"
    if result.relation == "equals":
        within = f" by more than {wording.with_si(wording.number(result.within), result.si)}" if result.within else ""
        said += f" differs from {limit}{within}"
    elif value == "never came":
        said += f"; the limit is {limit}"
    else:
        verb = "exceeds" if result.relation == "max" else "falls short of"
        said += f" {verb} {limit}"
        if result.limit and result.margin is not None and math.isfinite(result.margin):
            said += f" by {wording.percent(-result.margin)}"
    if result.worst is not None and result.worst[0] != result.worst[1]:
        return f"{said} at {wording.time(result.decided or 0.0)} (window {when_text(result)})"
    if result.worst is not None and result.decided is not None and result.decided != result.worst[0]:
        return f"{said} {when_text(result)} (first broken at {wording.time(result.decided)})"
    return f"{said} {when_text(result)}".rstrip()


def _open(result: RequirementResult, window: _Window, found: _Found, seen: Seen) -> str:
    """Why nothing can be said yet."""
    if found.fact and window.complete:
        return f"{result.name}: {result.what} {found.fact}"
    if found.blank is not None:
        return f"{result.name}: {result.what} is NaN at {wording.time(found.blank)}"
    until = wording.time(window.end)
    if window.end > seen.horizon + 1e-3 * seen.period:
        return f"{result.name}: must be seen until {until}, and the run goes to {wording.time(seen.horizon)}"
    because = f" ({seen.not_seen})" if seen.not_seen else ""
    return f"{result.name}: seen until {wording.time(seen.t)} of {until}{because}"
