"""The metrics that a scene can name: what each takes, what it returns, and where it comes from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from crumple.metrics import clip, extremes, filters, head, occupant
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
    doc: one line.   source: standard, regulation or paper.
    signals: least and greatest count of signals; None is no limit.
    numbers: names of further arguments, each a quantity in the unit of the first signal.
    optional: how many of `numbers`, from the end, may be left out.
    is_time: whether the value is itself a time of the run.
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

    @property
    def usage(self) -> str:
        """How it is written: "hic15(signal)", "first_time(signal, [threshold])"."""
        given = ["signal", "..."] if self.signals[1] != 1 else ["signal"]
        needed = len(self.numbers) - self.optional
        numbers = [n if i < needed else f"[{n}]" for i, n in enumerate(self.numbers)]
        return f"{self.name}({', '.join(given + numbers)})"

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

        signals: (n,) each, in `argument_si`.   numbers: in the unit of the first signal.
        si: that unit, for metrics that return it.   start: [s] time of the first sample, added to every time.
        Raises MetricError where the metric cannot be computed.
        """
        if not self.scalar:
            raise MetricError(
                f"{self.name} gives a signal, not a number; wrap it, as in max({self.name}(...))."
            )
        found = self.function(*signals, period, *numbers)
        result_si = self.result_si if self.result_si is not None else si
        if found is None:
            return MetricValue(math.inf, result_si)
        value = float(found) + (start if self.is_time else 0.0)
        t = found.t + start if isinstance(found, Peak) else value if self.is_time else None
        window = (found.t1 + start, found.t2 + start) if isinstance(found, Windowed) else None
        return MetricValue(value, result_si, t, window)


_METRICS: dict[str, Metric] = {}
METRICS: Mapping[str, Metric] = MappingProxyType(_METRICS)  # by name; `register` adds to it


def register(metric: Metric) -> None:
    """Add a metric. Raises MetricError where the name is taken or cannot be written in an expression."""
    if not metric.name.isidentifier():
        raise MetricError(f"'{metric.name}' cannot name a metric: use letters, digits and '_'.")
    if metric.name in _METRICS:
        raise MetricError(f"A metric '{metric.name}' exists already: {_METRICS[metric.name].doc}")
    _METRICS[metric.name] = metric


def _without_period(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        return function(*arguments[:-1])

    return call


def _bundled() -> list[Metric]:
    plain = "definition"
    j211 = "SAE J211-1, ISO 6487"
    same_unit: dict[str, Any] = {"argument_si": None, "result_si": None, "source": plain}
    time: dict[str, Any] = {"argument_si": None, "result_si": "s", "source": plain, "is_time": True}
    in_g: dict[str, Any] = {"argument_si": "g", "result_si": "g"}
    scalars = [
        Metric("max", "maximum", extremes.maximum, doc="largest value", **same_unit),
        Metric("min", "minimum", extremes.minimum, doc="smallest value", **same_unit),
        Metric("abs_max", "largest magnitude", extremes.abs_maximum, doc="largest magnitude", **same_unit),
        Metric(
            "mean", "mean", _without_period(extremes.mean), doc="arithmetic mean of the samples", **same_unit
        ),
        Metric("final", "final value", extremes.final, doc="last value", **same_unit),
        Metric(
            "delta_v",
            "delta-v",
            extremes.delta_v,
            argument_si="m/s^2",
            result_si="m/s",
            doc="largest change of velocity, from an acceleration along one axis",
            source="49 CFR 563 (maximum delta-V)",
        ),
        *(
            Metric(
                f"hic{ms}",
                f"HIC{ms}",
                function,
                argument_si="g",
                result_si="1",
                doc=f"head injury criterion over windows of up to {ms} ms, from the head's acceleration",
                source="FMVSS 208 S6, Euro NCAP",
            )
            for ms, function in ((15, head.hic15), (36, head.hic36))
        ),
        Metric(
            "clip_3ms",
            "3 ms clip",
            clip.clip_3ms,
            doc="largest acceleration held for 3 ms in one stretch",
            source="SAE J1727, FMVSS 208",
            **in_g,
        ),
        Metric(
            "clip_3ms_cumulative",
            "3 ms clip (cumulative)",
            partial(clip.clip_3ms, cumulative=True),
            doc="largest acceleration exceeded for 3 ms in all",
            source="Euro NCAP, UN R94",
            **in_g,
        ),
        Metric(
            "olc",
            "OLC",
            occupant.olc,
            argument_si="m/s",
            result_si="g",
            doc="occupant load criterion, from the velocity of the vehicle",
            source="Kuebler et al. 2008 (65 mm free flight, 300 mm stop)",
        ),
        Metric("time_of", "time", extremes.first_nonzero, doc="when it first becomes non-zero", **time),
        Metric(
            "first_time",
            "time",
            extremes.first_time,
            doc="when it first exceeds the threshold (0)",
            numbers=("threshold",),
            optional=1,
            **time,
        ),
    ]
    channels = [
        Metric(
            f"cfc{channel}",
            f"CFC {channel}",
            partial(filters.cfc, cfc_class=channel),
            argument_si=None,
            result_si=None,
            doc=f"the signal filtered to channel frequency class {channel}, at zero phase",
            source=j211,
            scalar=False,
        )
        for channel in (60, 180, 600, 1000)
    ]
    resultant = Metric(
        "resultant",
        "resultant",
        _without_period(extremes.resultant),
        argument_si=None,
        result_si=None,
        doc="magnitude of a vector, from its components",
        source=plain,
        scalar=False,
        signals=(1, None),
    )
    return [*scalars, *channels, resultant]


for _metric in _bundled():
    register(_metric)
