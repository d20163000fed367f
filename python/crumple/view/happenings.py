"""What happened in a run, and when: the scene's own events, faults, requirements that broke, silence, errors."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crumple.live.monitor import REFUSED
from crumple.live.plan import STATES
from crumple.requirement_result import RequirementResult
from crumple.view.recorded import Prefix, Recorded
from crumple.view.session import Event, FaultRow, InputRow, Silence

if TYPE_CHECKING:
    from crumple.formula import Formula

SiOf = Callable[[str], str | None]

_FRESH = STATES.index("fresh")
_MOST_ROWS = 20_000  # of a condition that can only be looked at row by row
_GLUE = 2.5  # stretches of silence with less than that many rows between them are one


def moments(
    events: Any, prefix: Prefix, *, period: float, start: float, si_of: SiOf, open_end: bool
) -> Iterator[Event]:
    """The events that a scene's [view.events] names, as far as they have happened.

    events: a table, name to a time, a condition or a metric.   open_end: the run goes on, so that no largest value
    is known yet; times are.
    """
    if not isinstance(events, Mapping):
        return
    for name, what in events.items():
        try:
            t = _moment(str(what), prefix, period=period, start=start, si_of=si_of, open_end=open_end)
        except (
            Exception
        ):  # a metric may be anybody's code; what is wrong in the scene was told when it was read
            continue
        if t is not None and math.isfinite(t):
            yield Event(t=t, name=str(name), kind="event")


def _moment(
    what: str, prefix: Prefix, *, period: float, start: float, si_of: SiOf, open_end: bool
) -> float | None:
    """When it is, or first holds, or is reached [s]; None where that has not come."""
    from crumple.expression import ExpressionError, parse_expression
    from crumple.formula import parse_formula
    from crumple.si import SiError, parse_quantity

    try:
        return parse_quantity(what, "s")
    except SiError:
        pass
    try:
        expression = parse_expression(what)
        metric = getattr(expression.root, "metric", None)
    except ExpressionError:
        metric = None
    if metric is None or not metric.scalar:
        return _first_time(parse_formula(what), prefix, si_of)
    if open_end and not metric.is_time:
        return None
    found = expression.evaluate(
        lambda name: (np.asarray(prefix[name], dtype=np.float64), si_of(name)), period, start=start
    )
    if metric.is_time:
        return float(found.value)
    return found.window[0] if found.window is not None else found.t


def _first_time(condition: Formula, prefix: Prefix, si_of: SiOf) -> float | None:
    """When a condition first holds [s]: all rows at once where it compares two sums, else row by row."""
    if not condition.signals:
        return None
    t = prefix.t(condition.signals[0])
    values = {name: np.asarray(prefix[name]) for name in condition.signals}
    length = min([len(t), *map(len, values.values())])
    columns: dict[str, Any] = {"t": t[:length], **{name: each[:length] for name, each in values.items()}}
    try:
        holds = _compared(condition, columns, si_of)
    except (TypeError, ValueError):
        if length > _MOST_ROWS:
            return None
        value = condition.bind(si_of)
        rows = ({name: column[row] for name, column in columns.items()} for row in range(length))
        holds = np.array([bool(value(each.__getitem__)) for each in rows])
    return float(t[int(holds.argmax())]) if holds.any() else None


def _compared(condition: Formula, columns: Mapping[str, Any], si_of: SiOf) -> Any:
    from crumple.formula import Formula

    compare: dict[str, Any] = {
        **{"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal},
        **{"==": np.equal, "!=": np.not_equal},
    }
    kind = condition.root.kind
    if kind not in compare:
        raise TypeError("not a comparison")
    sides = [
        Formula("", condition.signals, part).bind(si_of)(columns.__getitem__) for part in condition.root.parts
    ]
    return np.broadcast_to(compare[kind](*sides), len(columns["t"]))


def broken(results: Iterable[RequirementResult]) -> Iterator[Event]:
    """Requirements that failed, at the moment when they did."""
    for result in results:
        if result.status == "fail" and result.decided is not None:
            yield Event(t=result.decided, name=result.name, kind="requirement")


def told(events: Iterable[Mapping[str, Any]]) -> Iterator[Event]:
    """What the run's own list of events has with a time."""
    for event in events:
        kind, t = event.get("event"), event.get("t")
        if kind in ("warning", "error") and isinstance(t, int | float):
            text = str(event.get("name") or event.get("text") or kind)
            yield Event(t=float(t), name=text.partition(":")[0][:24], kind=kind)


# -- faults -----------------------------------------------------------------------------------------------


class Faults:
    """The faults of a scene, and what was injected by hand.

    planned: as in the manifest.   commands: by hand, {"tick", "do", "fault"}.   time: [s] in words.
    """

    def __init__(
        self,
        planned: Sequence[Mapping[str, Any]],
        *,
        period: float,
        start: float,
        time: Callable[[float], str],
        si_of: SiOf,
    ) -> None:
        self._planned = planned
        self._period = period
        self._start = start
        self._time = time
        self._si_of = si_of
        self._told: dict[str, list[tuple[float, float | None]]] = {}

    def hear(self, events: Iterable[Mapping[str, Any]]) -> None:
        """When faults began and were over, as the run told it among its events."""
        self._told.clear()
        for event in events:
            t = event.get("t")
            if event.get("event") != "fault" or not isinstance(t, int | float):
                continue
            spans = self._told.setdefault(str(event.get("fault")), [])
            if event.get("do") == "begins":
                spans.append((float(t), None))
            elif spans:
                spans[-1] = (spans[-1][0], float(t))

    def rows(self, t: float, commands: Sequence[Mapping[str, Any]]) -> list[FaultRow]:
        """All of them at t [s]."""
        return [self._row(fault, t, commands) for fault in self._planned]

    def events(self, commands: Sequence[Mapping[str, Any]]) -> Iterator[Event]:
        """When each began."""
        for fault in self._planned:
            for since, _ in self._spans(fault, commands):
                yield Event(t=since, name=str(fault["name"]), kind="fault")

    def _spans(
        self, fault: Mapping[str, Any], commands: Sequence[Mapping[str, Any]]
    ) -> list[tuple[float, float | None]]:
        if fault["name"] in self._told:
            return self._told[fault["name"]]
        spans: list[tuple[float, float | None]] = []
        planned = (
            not any(fault.get(key) for key in ("off", "when", "event")) and fault.get("probability", 1) == 1
        )
        if planned and fault.get("since") is not None:
            until = fault.get("until")
            if until is None and fault.get("duration") is not None:
                until = fault["since"] + fault["duration"]
            spans.append((self._at(fault["since"]), None if until is None else self._at(until)))
        for command in commands:
            if command.get("fault") != fault["name"]:
                continue
            at = self._at(command.get("tick", 0))
            if command.get("do") == "inject":
                spans.append((at, None))
            elif command.get("do") == "clear" and spans:
                since, until = spans[-1]
                spans[-1] = (since, at if until is None else min(until, at))
        return spans

    def _at(self, tick: Any) -> float:
        return self._start + float(tick) * self._period

    def _row(self, fault: Mapping[str, Any], t: float, commands: Sequence[Mapping[str, Any]]) -> FaultRow:
        spans = self._spans(fault, commands)
        slack = 1e-3 * self._period
        begun = [span for span in spans if span[0] <= t + slack]
        state: Any = "armed"
        if begun:
            until = begun[-1][1]
            state = "active" if until is None or t < until - slack else "over"
        since = (begun or spans or [(math.nan, None)])[-1][0]
        when = self._time(since)
        if math.isnan(since):
            when = "by hand" if planned_by_hand(fault) else "waits"
            if fault.get("off"):
                state, when = "off", ""
        return FaultRow(
            name=str(fault["name"]), on=str(fault["on"]), text=self._text(fault), when=when, state=state
        )

    def _text(self, fault: Mapping[str, Any]) -> str:
        from crumple import wording

        value, kind = fault.get("value"), str(fault.get("kind", "")).replace("_", " ")
        if kind not in ("stuck at", "bias", "gain") or fault.get("period"):
            from crumple.faults import FaultPlan
            from crumple.faults_list import what

            known = {key: fault[key] for key in FaultPlan.__slots__ if key in fault}
            return what(FaultPlan(**known), self._period).replace("-", "−")
        if value is None:
            return "stuck at its last value"
        number = wording.number(float(value)).replace("-", "−")
        if kind == "gain":
            return f"gain {number}"
        shown = wording.with_si(number, str(fault.get("si") or self._si_of(str(fault["on"])) or ""))
        return f"{kind} {'+' if kind == 'bias' and float(value) > 0 else ''}{shown}"


def refusal(event: Mapping[str, Any]) -> str:
    """Why a run did not obey, without the command itself, which is in brackets; "" for any other event."""
    text = str(event.get("text", ""))
    return text.removeprefix(REFUSED).partition(" ({")[0] if text.startswith(REFUSED) else ""


def planned_by_hand(fault: Mapping[str, Any]) -> bool:
    """Whether nothing but a hand begins it."""
    return fault.get("since") is None and not fault.get("when") and not fault.get("event")


# -- live inputs ------------------------------------------------------------------------------------------


def input_rows(
    sensors: Sequence[Mapping[str, Any]], value: Callable[[str, float], float | None], t: float
) -> list[InputRow]:
    """The live inputs at t [s], from the stamps that every sensor has among its outputs."""
    rows = []
    for sensor in sensors:
        name = str(sensor["name"])
        state = int(value(f"{name}.state", t) or 0)
        address = (sensor.get("endpoint") or {}).get("address") or f"rig {sensor.get('rig', '')}"
        rows.append(
            InputRow(
                name=name,
                endpoint=str(address),
                age=value(f"{name}.age", t),
                max_age=sensor.get("max_age"),
                state=STATES[state] if 0 <= state < len(STATES) else "none",
                received=int(value(f"{name}.sequence", t) or 0),
            )
        )
    return rows


def silent_stretches(
    sensors: Sequence[Mapping[str, Any]], recorded: Recorded, downstream: Mapping[str, set[str]]
) -> list[Silence]:
    """Where a sensor had no fresh sample, for it and for every unit that its signals reach."""
    found = []
    for sensor in sensors:
        name = str(sensor["name"])
        t, state = recorded.series(f"{name}.state")
        for since, until in _stretches(t, state):
            found += [
                Silence(unit=unit, since=since, until=until)
                for unit in sorted({name, *downstream.get(name, ())})
            ]
    return found


def _stretches(t: Any, state: Any) -> list[tuple[float, float]]:
    if len(t) < 2:
        return []
    stale = np.asarray(state) != _FRESH
    # the first row is of before the first step, which takes the first sample
    stale[0] = stale[0] and stale[1]
    edges = np.flatnonzero(np.diff(np.concatenate(([False], stale, [False])).astype(np.int8)))
    step = float(t[1] - t[0])
    spans: list[tuple[float, float]] = []
    for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        since, until = float(t[first]), float(t[min(end, len(t) - 1)])
        if spans and since - spans[-1][1] < _GLUE * step:
            spans[-1] = (spans[-1][0], until)
        else:
            spans.append((since, until))
    return spans


def reached_units(connections: Iterable[Sequence[str]]) -> dict[str, set[str]]:
    """By unit: all units that its outputs reach, over others too. connections: (source, target) as "unit.port"."""
    feeds: dict[str, set[str]] = {}
    for source, target in connections:
        feeds.setdefault(source.partition(".")[0], set()).add(target.partition(".")[0])
    reached = {}
    for unit in feeds:
        seen: set[str] = set()
        todo = [unit]
        while todo:
            for after in feeds.get(todo.pop(), ()):
                if after not in seen:
                    seen.add(after)
                    todo.append(after)
        reached[unit] = seen - {unit}
    return reached


def read_commands(folder: Any) -> list[dict[str, Any]]:
    """What was commanded by hand, in order; empty where nothing was, or it cannot be read."""
    import json

    try:
        text = (folder / "commands.jsonl").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    commands = []
    for line in text.split("\n")[:-1]:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            commands.append(entry)
    return commands
