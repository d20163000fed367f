"""Requirements as they stood at some moment of a run.

The judging is `crumple.requirement`'s own, on what was recorded up to that moment: so a bar never says more than
the run had shown by then, and never anything else than the verdict says in the end.
"""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from crumple import requirement as judging
from crumple.requirement import Requirement
from crumple.requirement_result import RequirementResult
from crumple.stl_requirement import Holds
from crumple.view.recorded import Recorded
from crumple.view.session import AT_RISK, RequirementRow, State

_APART = (
    0.1  # [s] of wall time between two judgements of a requirement while a run plays: figures change at 10 Hz
)
_DEAR = 0.008  # [s] a judgement that takes longer than this is made beside the drawing, while a run plays
_PLAIN = {"time", "maximum", "minimum", "largest magnitude", "final value", "mean"}  # go without saying
_NUMBERS = {"", "1", "-"}


class RequirementRows:
    """The rows of the requirement panel, kept for the moment they were last asked for.

    recorded: what is judged.   required: by name, as resolved; may lack some.   results: of the whole run, in the
    order of the scene; while it goes on, those of its first moment.   si_of: unit of a signal.
    hurried: whether a dear judgement may come late, as it may while a run plays.
    """

    def __init__(
        self,
        recorded: Recorded,
        required: Mapping[str, Requirement | Holds],
        results: Sequence[RequirementResult],
        *,
        period: float,
        start: float,
        horizon: float,
        si_of: Callable[[str], str | None],
    ) -> None:
        self._recorded = recorded
        self._required = required
        self._results = results
        self._period = period
        self._start = start
        self._horizon = horizon
        self._si_of = si_of
        self._judged: dict[str, tuple[int, RequirementRow]] = {}  # with the moment that they are of
        self._cost: dict[str, float] = {}  # [s]
        self._when: dict[str, float] = {}  # wall time of the last judgement [s]
        self._busy: threading.Thread | None = None
        self.hurried = False

    def at(self, t: float, *, over: bool, blind: bool = False) -> list[RequirementRow]:
        """At t [s]. over: t is the end of the run, so that its verdict counts. blind: inputs are silent."""
        rows = []
        for result in self._results:
            known = over or result.status == "not_applicable"
            row = final_row(result) if known else self._row(result, t)
            if blind and row.state == "holding":
                row = _with(row, state="inconclusive", value=None, margin=None)
            rows.append(row)
        return rows

    def forget(self) -> None:
        """More was recorded: what was judged may not hold any more."""
        self._judged = {name: (-1, row) for name, (_, row) in self._judged.items()}

    def _row(self, result: RequirementResult, t: float) -> RequirementRow:
        name = result.name
        asked = round(t / self._period * 8)  # between two rows nothing changes
        kept = self._judged.get(name)
        if kept is not None and kept[0] == asked:
            return kept[1]
        if self.hurried and kept is not None and time.monotonic() - self._when[name] < _APART:
            return kept[1]
        if self.hurried and self._cost.get(name, 0.0) > _DEAR:
            if self._busy is None or not self._busy.is_alive():
                self._busy = threading.Thread(target=self._judge, args=(result, t, asked), daemon=True)
                self._busy.start()
            return kept[1] if kept is not None else open_row(result)
        return self._judge(result, t, asked)

    def _judge(self, result: RequirementResult, t: float, asked: int) -> RequirementRow:
        began = time.perf_counter()
        row = self._judged_row(result, t)
        self._cost[result.name] = time.perf_counter() - began
        self._when[result.name] = time.monotonic()
        self._judged[result.name] = (asked, row)
        return row

    def _judged_row(self, result: RequirementResult, t: float) -> RequirementRow:
        required = self._required.get(result.name)
        final = result.value if result.status in ("pass", "fail") else None
        if (
            required is None
        ):  # an older run, or a metric that is not known here: what the verdict says, in its time
            if result.status == "fail" and result.decided is not None and result.decided <= t:
                return final_row(result)
            return _with(open_row(result), final=final)
        prefix = self._recorded.until(t)
        seen = judging.Seen(
            signals=cast(Any, prefix),
            period=self._period,
            start=self._start,
            horizon=self._horizon,
            t=t,
            si_of=self._si_of,
        )
        try:
            now = judging.evaluate(required, seen)
        except Exception:  # a metric may be anybody's code
            return _with(open_row(result), final=final)
        row = _with(final_row(now), final=final)
        if now.status == "pass" and (now.decided is None or now.decided > t + self._period / 2):
            row = _with(row, state="holding", decided=None)  # a window that ends with the recording
        if row.state != "inconclusive":
            return row
        if _came(required, now):
            return _with(row, state=_held(now), decided=t if now.worst is None else now.worst[0])
        value = row.value
        if value is None and required.at_end and required.signals == (required.what,):
            raw = self._recorded.value(required.what, t)  # what it would be if the run ended now
            value = None if raw is None else required.shown(raw)
            return _with(row, state="holding", value=value, margin=None)
        value = None if value is not None and math.isinf(value) else value
        return _with(row, state="holding", value=value, margin=row.margin if value is not None else None)


def final_row(result: RequirementResult) -> RequirementRow:
    """A row that says what a result says."""
    state: State = result.status
    if result.status == "pass":
        state = _held(result)
    at = result.decided if result.status == "fail" else None
    if at is None and result.worst is not None:
        at = result.worst[1]
    return RequirementRow(
        name=result.name,
        note="" if result.title in {result.what, *_PLAIN} else result.title,
        state=state,
        value=result.value,
        si=result.si,
        relation=result.relation,
        limit=result.limit,
        final=result.value if result.status in ("pass", "fail") else None,
        margin=result.margin,
        decided=result.decided,
        at=at,
    )


def open_row(result: RequirementResult) -> RequirementRow:
    """A row of which nothing is known yet."""
    row = final_row(result)
    return _with(row, state="holding", value=None, final=None, margin=None, decided=None)


def _held(result: RequirementResult) -> State:
    """pass, or at_risk where the margin is small. A flag or a count that is just what is asked for is no risk."""
    exact = result.si in _NUMBERS and result.value == result.limit
    return "at_risk" if result.margin is not None and result.margin < AT_RISK and not exact else "pass"


def _came(required: Requirement | Holds, now: RequirementResult) -> bool:
    """Whether it is a time that has come: what comes first comes once, and so is decided for good."""
    metric = getattr(required.expression.root, "metric", None)
    if metric is None or not metric.is_time or now.value is None or math.isinf(now.value):
        return False
    return len(required.limits) == 1 and now.margin is not None and now.margin >= 0


def _with(row: RequirementRow, **changes: Any) -> RequirementRow:
    return dataclasses.replace(row, **changes)
