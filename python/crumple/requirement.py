"""Requirements: what must hold of a run, judged from what was recorded.

A requirement on a signal must hold at every communication point of its window; one on a metric must hold of
the number that the metric finds in the window. Limits are compared in the unit of the signal, and value and
limit are reported in the unit in which the limit was written.

The margin is relative to the limit: (limit - value) / |limit| for `max`, (value - limit) / |limit| for `min`,
1 - |value - equals| / within for `equals`. It is negative where the limit is broken. Against a limit of 0
nothing
is relative: there the margin is +1 where it holds, -1 where it is broken, and 0 at the limit itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from msgspec.structs import replace

from crumple import wording
from crumple.requirement_result import Relation, RequirementResult, reason_text, unseen
from crumple.si import convert

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from crumple.expression import Expression
    from crumple.recording import Signals
    from crumple.stl_requirement import Holds

# Metrics that only grow (or only shrink) as more of a run is seen: a limit once broken stays broken.
_GROWING = {"max", "abs_max", "hic15", "hic36", "clip_3ms", "clip_3ms_cumulative", "delta_v"}
_SHRINKING = {"min"}
_MOST_ROWS_SEARCHED = 1_000_000  # searching for the first broken sample costs some 20 evaluations


class Limit(msgspec.Struct, frozen=True):
    """A limit, in two units.

    value, within: in the unit of what is judged.   shown, shown_within: in the unit of the report.
    """

    relation: Relation
    value: float
    shown: float
    within: float = 0.0
    shown_within: float = 0.0

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


class Requirement(msgspec.Struct, frozen=True, kw_only=True):
    """One requirement of a scene, with every quantity resolved.

    what: as written, a signal or an expression.   expression: the same, parsed.
    limits: one, or two for a range.   source_si: unit of what is judged, None where it has none declared.
    si: unit of the report, in which the limits were written.
    start, until: window [s], None for the whole run.   at_end: only the last communication point counts.
    applies: whether its condition `when` holds of the scene's parameters.
    """

    name: str
    what: str
    expression: Expression
    limits: tuple[Limit, ...]
    source_si: str | None = None
    si: str = ""
    start: float | None = None
    until: float | None = None
    at_end: bool = False
    applies: bool = True
    when: str = ""
    doc: str = ""

    in_core: ClassVar[bool] = False  # judged after the run, from what was recorded

    @property
    def signals(self) -> tuple[str, ...]:
        """Names of the signals that it looks at."""
        return self.expression.signals

    @property
    def title(self) -> str:
        """What the value is called: "HIC15", "3 ms clip", or the signal itself."""
        metric = _metric(self.expression)
        return metric.title if metric is not None and metric.scalar else self.what

    def shown(self, value: float) -> float:
        """A value in the unit of the report."""
        if self.source_si is None or self.source_si == self.si or not math.isfinite(value):
            return value
        return float(convert(value, self.source_si, self.si))


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to judge from.

    period: between rows at the full rate [s].   start: of the run [s].
    horizon: where the run was to end [s].   t: the last communication point that was reached [s].
    si_of: unit of a signal by name.   not_seen: why the run did not reach its horizon, for the reason.
    closed: the scene's `end_when` ended the run at t, and all windows with it.
    """

    signals: Signals
    period: float
    start: float
    horizon: float
    t: float
    si_of: Callable[[str], str | None]
    not_seen: str = ""
    closed: bool = False


class _Window(msgspec.Struct, frozen=True):
    first: int  # row
    last: int  # row, included
    end: float  # [s] where the requirement asks to have been seen to
    complete: bool


class _Found(msgspec.Struct, frozen=True):
    value: float | None
    worst: tuple[float, float] | None = None
    broken_at: float | None = None  # [s] when the limit was first broken
    final: bool = True  # whether a broken limit stays broken, whatever follows
    fact: str = ""  # why there is no value
    blank: float | None = None  # [s] of a NaN in the window


def evaluate(requirement: Requirement | Holds, seen: Seen) -> RequirementResult:
    """Judge one requirement. With several limits (a range), the one with the least margin is reported.

    Raises nothing that a scene can cause: what cannot be computed is inconclusive, with its reason.
    """
    if not isinstance(requirement, Requirement):
        from crumple import stl_requirement

        return stl_requirement.evaluate(requirement, seen)
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
        si=requirement.si,
        relation=limit.relation,
        limit=_tidy(limit.shown),
        within=_tidy(limit.shown_within) if limit.relation == "equals" else None,
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
    value = None if found.value is None else requirement.shown(found.value)
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
    return replace(result, reason=reason_text(result))


def _window(requirement: Requirement, seen: Seen) -> _Window:
    """Rows of the window. Times within a thousandth of a period of a communication point are that point."""
    slack = 1e-3 * seen.period
    rows = len(seen.signals.t(_table_of(requirement)))
    end = seen.horizon if requirement.until is None else requirement.until
    end = min(end, seen.t) if seen.closed else end
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
    # where nothing moved, no moment is worse than another
    still = at is None and len(inside) > 1 and float(measure.min()) == float(measure.max())
    worst = None if still else (worst_t, worst_t)
    return _Found(value, worst, broken_at=at, final=causal, blank=blank_t)


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
    sided = (
        metric.name in (_GROWING if limit.relation == "max" else _SHRINKING) and limit.relation != "equals"
    )
    final = sided and _causal(requirement.expression)
    at = None
    if final and limit.broken(found.value) and window.last - window.first < _MOST_ROWS_SEARCHED:
        row = _first_broken(limit, value_to, window)
        at = float(seen.signals.t(_table_of(requirement))[row])
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


def _tidy(value: float) -> float:
    """Rid of the noise that a conversion leaves in the 16th digit: 16.9, not 16.900000000000002."""
    return float(f"{value:.15g}")


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


def not_evaluated(required: Requirement | Holds, reason: str) -> RequirementResult:
    """A requirement of which nothing was seen, or could be computed, and why."""
    if not isinstance(required, Requirement):
        from crumple import stl_requirement

        return stl_requirement.not_evaluated(required, reason)
    limit = required.limits[0]
    return unseen(
        required,
        reason,
        title=required.title,
        si=required.si,
        relation=limit.relation,
        limit=limit.shown,
        within=limit.shown_within if limit.relation == "equals" else None,
    )
