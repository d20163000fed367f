"""Which charts there are: those of the scene's [view], or sensible ones."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crumple.live.plan import STAMPS
from crumple.si import SiError, factor_offset, parse_quantity, parse_si
from crumple.view.session import RequirementRow, Session

# In which order the palette's signal colours are given to charts of one line: neighbours differ most.
COLOURS = ("signal_1", "signal_3", "signal_2", "signal_4", "signal_5", "signal_6")
_MOST_LINES = 6
_PEAKS = ("max(", "min(", "abs_max(")


@dataclass(frozen=True, slots=True)
class Limit:
    """A dashed line at a value in the chart's unit."""

    value: float
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A signal in a chart: shown = recorded * factor + offset."""

    signal: str
    label: str
    colour: str
    factor: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Chart:
    """A strip. si: of its axis, None where nobody knows.   span: of its axis, None: as fits."""

    label: str
    lines: tuple[Line, ...]
    si: str | None = None
    limits: tuple[Limit, ...] = ()
    span: tuple[float, float] | None = None
    window: str = ""
    chosen: bool = field(default=False, compare=False)  # by hand


def charts_of(session: Session) -> list[Chart]:
    """All charts of a session, the most telling first."""
    described = session.scene_view.get("charts") if session.scene_view else None
    charts = [
        chart
        for number, entry in enumerate(described if isinstance(described, list) else [])
        if isinstance(entry, Mapping) and (chart := _described(entry, session, number)) is not None
    ]
    return charts or list(_sensible(session))


def chart_of(session: Session, signal: str, number: int) -> Chart:
    """A chart of one signal that was chosen by hand."""
    return _plain(session, signal, number, chosen=True)


def is_stamp(signal: str) -> bool:
    """Whether it is what is known about samples, such as their age: that is known also where there are none."""
    return signal.rpartition(".")[2] in STAMPS


def is_sample(chart: Chart, sensors: Collection[str]) -> bool:
    """Whether a chart shows what one of these sensors sends."""
    signal = chart.lines[0].signal
    return signal.partition(".")[0] in sensors and not is_stamp(signal)


# -- as described -----------------------------------------------------------------------------------------


def _described(entry: Mapping[str, Any], session: Session, number: int) -> Chart | None:
    known = set(session.names())
    given = entry.get("signals") or [entry.get("signal")]
    signals = [str(name) for name in given if name in known or session.mode == "live"][:_MOST_LINES]
    if not signals:
        return None
    si = entry.get("si") or session.si.get(signals[0].partition("[")[0])
    colours = COLOURS[number % len(COLOURS) :] if len(signals) == 1 else sorted(COLOURS)
    lines = tuple(
        Line(name, _short(name, signals), colours[k], *_conversion(session, name, si))
        for k, name in enumerate(signals)
    )
    limits = entry.get("limit")
    return Chart(
        label=str(entry.get("label") or _name_of(signals)),
        lines=lines,
        si=si,
        limits=tuple(_limits(limits if isinstance(limits, list) else [limits], si)),
        span=_span(entry.get("range"), si),
        window=str(entry.get("window", "")),
    )


def _limits(given: Sequence[Any], si: str | None) -> Iterator[Limit]:
    for limit in given:
        value = _quantity(limit, si)
        if value is not None:
            yield Limit(value, "limit")


def _span(given: Any, si: str | None) -> tuple[float, float] | None:
    if not isinstance(given, list) or len(given) != 2:
        return None
    low, high = (_quantity(each, si) for each in given)
    return None if low is None or high is None or not low < high else (low, high)


def _quantity(given: Any, si: str | None) -> float | None:
    if given is None:
        return None
    try:
        value = parse_quantity(given, si if si not in (None, "") else "1")
    except SiError:
        return None
    return value if math.isfinite(value) else None


# -- sensible ---------------------------------------------------------------------------------------------


def _sensible(session: Session) -> Iterator[Chart]:
    """Signals of requirements first, with their limits, then what else moves; flags last."""
    rows = {row.name: row for row in session.requirements(session.start)}
    looked_at = session.looked_at()  # by requirement: what it is on, and its signals
    seen: set[str] = set()
    number = 0
    for name, (what, signals) in looked_at.items():
        for signal in signals:
            if signal in seen:
                continue
            seen.add(signal)
            row = rows.get(name)
            if _comparable(what, signal):
                yield _plain(session, signal, number, row=row)
            else:
                yield _plain(session, signal, number, si=_taken_in(what))
            number += 1
    others = [name for name in session.names() if name not in seen]
    for signal in sorted(others, key=lambda name: _dullness(session, name)):
        yield _plain(session, signal, number)
        number += 1


def _comparable(what: str, signal: str) -> bool:
    """Whether the limit of a requirement is one of the signal itself, so that it can be drawn into its chart."""
    return what.strip("'\"") == signal or what in {f"{peak}{signal})" for peak in _PEAKS}


def _taken_in(what: str) -> str | None:
    """The unit in which the metric of a requirement takes its signal, which is the one that people think in."""
    from crumple.expression import ExpressionError, parse_expression

    try:
        metric = getattr(parse_expression(what).root, "metric", None)
    except ExpressionError:
        return None
    return None if metric is None else metric.argument_si


def _dullness(session: Session, name: str) -> tuple[int, int]:
    """Stamps of sensors and what never moves come last; otherwise in the order of names."""
    if name.rpartition(".")[2] in ("sequence", "sample_time", "source_time", "arrival_time"):
        return 3, 0
    _, values = session.series(name)
    if len(values) > 1 and session.mode == "replay" and len(values) <= 100_000:
        low, high = float(values.min()), float(values.max())
        if not high > low:
            return 2, 0
        if {low, high} == {0.0, 1.0}:
            return 1, 0
    return 0, 0


def _plain(
    session: Session,
    signal: str,
    number: int,
    *,
    row: RequirementRow | None = None,
    si: str | None = None,
    chosen: bool = False,
) -> Chart:
    own = session.si.get(signal.partition("[")[0])
    if si is None or _conversion(session, signal, si) == (1.0, 0.0):
        si = own
    limits: tuple[Limit, ...] = ()
    if row is not None and row.limit is not None:
        si = row.si or own
        if not own or not si or own == si or _conversion(session, signal, si) != (1.0, 0.0):
            limits = (Limit(row.limit, "limit"),) if row.relation != "equals" else ()
    line = Line(signal, signal, COLOURS[number % len(COLOURS)], *_conversion(session, signal, si))
    return Chart(label=signal, lines=(line,), si=si, limits=limits, chosen=chosen)


def _conversion(session: Session, signal: str, si: str | None) -> tuple[float, float]:
    own = session.si.get(signal.partition("[")[0])
    if not own or not si or own == si:
        return 1.0, 0.0
    try:
        return factor_offset(parse_si(own), parse_si(si))
    except SiError:
        return 1.0, 0.0


def _short(name: str, signals: Sequence[str]) -> str:
    """What tells a signal from its neighbours: the port where the unit is the same, else the whole name."""
    units = {each.partition(".")[0] for each in signals}
    return name.partition(".")[2] if len(units) == 1 else name


def _name_of(signals: Sequence[str]) -> str:
    return signals[0] if len(signals) == 1 else signals[0].partition(".")[0]
