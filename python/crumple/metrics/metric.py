"""What a metric is to a scene: what it takes, what it returns, and where it comes from."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from crumple.metrics.signal import MetricError, Peak, Signal, Windowed


@dataclass(frozen=True, slots=True)
class MetricValue:
    """What a metric found.

    value: in the unit `si` (None where the signal has no declared unit). `inf` for a time that never came: it
    exceeds every upper limit and respects every lower one.
    t: [s] when it was reached, or None.   window: (t1, t2) [s] it was taken from, or None.
    """

    value: float
    si: str | None
    t: float | None = None
    window: tuple[float, float] | None = None

    @property
    def when(self) -> str:
        """Time or window for a report: "at 80.3 ms", "73.1 to 88.1 ms", or nothing."""
        if self.window is not None:
            scale, unit = _time_scale(self.window[1])
            return f"{self.window[0] * scale:,.1f} to {self.window[1] * scale:,.1f} {unit}"
        if self.t is not None:
            scale, unit = _time_scale(self.t)
            return f"at {self.t * scale:,.1f} {unit}"
        return ""


def _time_scale(t: float) -> tuple[float, str]:
    return (1e3, "ms") if abs(t) < 10.0 else (1.0, "s")


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as a scene sees it.

    name: as written in an expression.   title: as shown in a report.
    function: called as `function(*signals, period, *numbers)` with (n,) arrays and the period [s]. It returns
    a number, a `Peak`, a `Windowed` or None (a time that never came); where not `scalar`, an array (n,).
    argument_si: unit that each signal is converted to. None takes any: all are in the unit of the first.
    result_si: unit of the result; None for that of the first signal.
    scalar: a number for the run, else a signal again.
    doc: one line.   source: standard, regulation or paper.   group: under what it is listed.
    signals: least and greatest count of signals; None is no limit.
    takes: what the signals are, such as ("gap", "closing_speed"); a metric of one signal need not say it.
    signal_sis: units of the signals one by one, where they differ; they come before `argument_si`, which is
    then that of the first.
    numbers: names of further arguments, each a quantity in the unit of the first signal.
    number_sis: their units one by one, where they are others.
    optional: how many of `numbers`, from the end, may be left out.
    is_time: whether the value is itself a time of the run.
    moments: whether the numbers are times of the run; the function is given them counted from the first sample.
    """

    name: str
    title: str
    function: Callable[..., Any]
    argument_si: str | None
    result_si: str | None
    doc: str
    source: str
    scalar: bool = True
    signals: tuple[int, int | None] = (1, 1)
    numbers: tuple[str, ...] = ()
    optional: int = 0
    is_time: bool = False
    group: str = "other"
    takes: tuple[str, ...] = ()
    signal_sis: tuple[str | None, ...] = ()
    number_sis: tuple[str | None, ...] = ()
    moments: bool = False

    @property
    def usage(self) -> str:
        """How it is written: "hic15(signal)", "min_ttc(gap, closing_speed)", "first_time(signal, [threshold])"."""
        least, most = self.signals
        given = (
            [name if i < least else f"[{name}]" for i, name in enumerate(self.takes)]
            if self.takes
            else ["signal"]
        )
        if most is None:
            given.append("...")
        needed = len(self.numbers) - self.optional
        numbers = [n if i < needed else f"[{n}]" for i, n in enumerate(self.numbers)]
        return f"{self.name}({', '.join(given + numbers)})"

    def si_of_signal(self, index: int) -> str | None:
        """The unit that the signal at `index` is converted to; None for any."""
        return self.signal_sis[index] if index < len(self.signal_sis) else self.argument_si

    def si_of_number(self, index: int, first: str | None) -> str | None:
        """The unit in which the number at `index` is taken; `first`: that of the first signal."""
        return self.number_sis[index] if index < len(self.number_sis) else first

    def evaluate(
        self,
        signals: Sequence[Signal],
        period: float,
        *,
        numbers: Sequence[float] = (),
        si: str | None = None,
        start: float = 0.0,
    ) -> MetricValue:
        """Compute a scalar metric.

        signals: (n,) each, in its unit (`si_of_signal`).   numbers: in theirs (`si_of_number`).
        si: unit of the first signal, for metrics that return it.   start: [s] time of the first sample, added to
        every time.   Raises MetricError where the metric cannot be computed.
        """
        if not self.scalar:
            raise MetricError(
                f"{self.name} gives a signal, not a number; wrap it, as in max({self.name}(...))."
            )
        if self.moments:
            numbers = [number - start for number in numbers]
        found = self.function(*signals, period, *numbers)
        result_si = self.result_si if self.result_si is not None else si
        if found is None:
            return MetricValue(math.inf, result_si)
        value = float(found) + (start if self.is_time else 0.0)
        t = found.t + start if isinstance(found, Peak) else value if self.is_time else None
        window = (found.t1 + start, found.t2 + start) if isinstance(found, Windowed) else None
        return MetricValue(value, result_si, t, window)
