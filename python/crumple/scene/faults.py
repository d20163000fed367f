"""The faults of a scene: on what, of which kind, how wrong, from when until when."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from crumple.faults import FaultPlan
from crumple.scene.clock import Span, TimeError, exact_time, time_text
from crumple.scene.connections import Exposed, find_output
from crumple.scene.document import Document
from crumple.scene.drafted import Drafted
from crumple.scene.fault_places import Place, check_kind, find_place
from crumple.scene.fault_values import check_keys, plan_values
from crumple.scene.plan import ConnectionPlan
from crumple.scene.ports import PortError
from crumple.scene.text import did_you_mean, listed, shown

if TYPE_CHECKING:
    from crumple.scene.connections import Units

_SAMPLED = ("dropout", "duplicate", "reorder", "spike", "bit_flip")
_BEGINS = ("from", "tick", "when", "while", "event")


def plan_faults(
    document: Document,
    units: Units,
    connections: Sequence[ConnectionPlan],
    span: Span | None,
    exposed: Exposed | None = None,
) -> list[FaultPlan]:
    """All faults without mistakes, in the order of their names. The core puts them in the order in which they act.

    span: of the run as the file has it, None where it is not known.   exposed: takes what conditions look at.
    """
    fed = [plan.target for plan in connections]
    exposed = Exposed() if exposed is None else exposed
    plans: list[FaultPlan] = []
    tables = document.tree.get("faults", {})
    if tables and "fault" in units:
        document.fault(("units", "fault"), 'cannot be called "fault": the signals that tell of faults are.')
    for name, table in sorted(tables.items()):
        drafted = Drafted(document, ("faults", name), table)
        trigger = _trigger(drafted, units, exposed, span)
        if "on" not in table or "kind" not in table:
            continue  # the shape is wrong, and that is reported
        try:
            place = find_place(drafted, units, exposed, fed)
        except PortError as error:
            drafted.fault("on", str(error))
            continue
        kind = table["kind"]
        of = _of(drafted)
        fits = check_kind(drafted, place, "of" if of and "of" in table else "kind", of or kind)
        check_keys(drafted, kind, of)
        values = plan_values(drafted, of or kind, place.port if fits else None)
        plans.append(
            FaultPlan(
                name=name,
                on=table["on"],
                kind=of or kind,
                **values,
                **trigger,
                **_delay(drafted, span),
                **_gate(drafted, span),
                **_missing(drafted, units, place),
                nominal=place.nominal,
                id=table.get("id", ""),
                tags=dict(table.get("tags", {})),
                doc=table.get("doc", ""),
                si=(place.port.si_name or "") if place.port is not None else "",
            )
        )
    return plans


# ---- the kinds that are more than a value


def _of(drafted: Drafted) -> str:
    """The kind of which an intermittent fault is; "" for other faults."""
    table = drafted.table
    if table["kind"] != "intermittent":
        if "of" in table:
            drafted.fault("of", f'is for faults of kind "intermittent"; this one is "{table["kind"]}".')
        return ""
    of = str(table.get("of", "dropout"))
    if of == "intermittent":
        drafted.fault("of", "is the kind that comes and goes, such as dropout or stuck_at.")
        return "dropout"
    return of


def _gate(drafted: Drafted, span: Span | None) -> dict[str, Any]:
    if drafted.table["kind"] != "intermittent" or span is None:
        return {}
    period, duty = drafted.time("period"), drafted.share("duty")
    if period is None or duty is None:
        return {}
    ticks = round(exact_time(drafted.table["period"]) / span.period)
    part = round(ticks * duty)
    if ticks < 2:
        drafted.fault(
            "period", f"is {period:g} s; at least two ticks of {time_text(span.period)} are wanted."
        )
    elif part < 1:
        fact = f"is {shown(drafted.table['duty'])} of {ticks} ticks, which is none of them."
        drafted.fault("duty", fact)
    else:
        return {"period": ticks, "part": part}
    return {}


def _delay(drafted: Drafted, span: Span | None) -> dict[str, Any]:
    table, found = drafted.table, {}
    if "delay" in table and "ticks" in table:
        drafted.fault("ticks", "is there as well as delay. Take one of them out.")
    for key in ("delay", "jitter"):
        if drafted.time(key, zero=True) is not None and span is not None:
            found[key] = math.ceil(exact_time(table[key]) / span.period)
    if "ticks" in table:
        found["delay"] = int(table["ticks"])
    if found and not any(found.values()):
        drafted.fault("delay", "is none: write a time above 0.")
    return found


def _missing(drafted: Drafted, units: Units, place: Place) -> dict[str, Any]:
    """What is read of samples that are missing."""
    table = drafted.table
    hold = table.get("hold", "last")
    if hold != "missing":
        for key in ("flag", "substitute"):
            if key in table:
                drafted.fault(key, f'is for hold = "missing"; this one has hold = "{hold}".')
        return {}
    if "flag" not in table:
        if "substitute" not in table and not drafted.has_fault("substitute"):
            fact = "does not say how the reader can tell that a sample is missing:"
            drafted.fault(
                "hold", f'{fact} write flag = "unit.valid", a port that is 0 then, or substitute = ....'
            )
        return {}
    flag = str(table["flag"])
    try:
        if flag.partition(".")[0] != table["on"].partition(".")[0]:
            raise PortError(f'"{flag}" is of another unit than "{table["on"]}".')
        if place.where == "output":
            port = find_output(flag, units, Exposed())
        else:
            from crumple.scene.connections import find_input

            port = find_input(flag, units, flag)
        if port is not None and (
            port.size != 1 or port.kind not in ("real", "integer", "boolean", "enumeration")
        ):
            raise PortError(f'"{flag}" is no single number.')
    except PortError as error:
        drafted.fault("flag", str(error))
        return {}
    return {"flag": flag}


# ---- when


def _trigger(drafted: Drafted, units: Units, exposed: Exposed, span: Span | None) -> dict[str, Any]:
    """When it acts, as fields of a FaultPlan."""
    table = drafted.table
    found: dict[str, Any] = {"off": bool(table.get("off", False))}
    _check_beginning(drafted)
    since, until = _window(drafted, span)
    found |= {"since": since, "until": until}
    duration = drafted.time("duration")
    if duration is not None and span is not None:
        found["duration"] = math.ceil(exact_time(table["duration"]) / span.period)
    if "duration" in table and ("until" in table or "until_tick" in table or "while" in table):
        other = next(key for key in ("until", "until_tick", "while") if key in table)
        drafted.fault("duration", f"is there as well as {other}. Take one of them out.")
    if (share := drafted.share("probability")) is not None:
        found["probability"] = share
    if "probability" in table and table.get("kind") in _SAMPLED and "chance" not in table:
        drafted.fault(
            "probability",
            f'is that of the fault happening at all. "chance" is that of each sample of a {table["kind"]}: write '
            "chance, or chance = 1 beside it.",
        )
    if "event" in table:
        found |= _event(drafted, units, exposed)
    for key in ("when", "while"):
        if key in table:
            found |= {"when": _condition(drafted, key, table[key], units, exposed), "as_long": key == "while"}
    return found


def _check_beginning(drafted: Drafted) -> None:
    table = drafted.table
    if table.get("manual", False):
        for key in ("from", "until", "tick", "until_tick", "when", "while", "event"):
            if key in table:
                fact = "is there as well as manual = true, by which somebody injects and clears it."
                drafted.fault(key, f"{fact} Take one of them out.")
        return
    for one, other in (
        ("from", "tick"),
        ("until", "until_tick"),
        ("when", "while"),
        ("when", "event"),
        ("while", "event"),
    ):
        if one in table and other in table:
            drafted.fault(other, f"is there as well as {one}. Take one of them out.")
    begins = any(key in table or drafted.has_fault(key) for key in _BEGINS)
    if not begins and not table.get("off", False) and not drafted.has_fault("manual"):
        drafted.fault("", 'does not say when it begins: write from = "12 ms", or manual = true.')


def _window(drafted: Drafted, span: Span | None) -> tuple[int | None, int | None]:
    """The first tick with the fault, and the first without again."""
    table = drafted.table
    if table.get("manual", False):
        return None, None
    times: dict[str, Fraction] = {}
    for key in ("from", "until"):
        if key in table:
            try:
                times[key] = exact_time(table[key])
            except TimeError as error:
                drafted.fault(key, str(error))
    if span is None:
        return None, None
    for key, time in list(times.items()):
        if not span.start <= time <= span.stop or (key == "from" and time == span.stop):
            run = f"the run goes from {time_text(span.start)} to {time_text(span.stop)}"
            drafted.fault(key, f"is {time_text(time)}, and {run}.")
            del times[key]
    ticks = {key: math.ceil((time - span.start) / span.period) for key, time in times.items()}
    last = math.ceil((span.stop - span.start) / span.period)
    for key, name in (("from", "tick"), ("until", "until_tick")):
        if name in table:
            ticks[key] = int(table[name])
            if ticks[key] > last or (key == "from" and ticks[key] == last):
                drafted.fault(name, f"is {ticks[key]}, and the run has {last} ticks.")
    if len(ticks) == 2 and ticks["until"] <= ticks["from"]:
        _not_after(drafted, times, span)
    return ticks.get("from"), ticks.get("until")


def _not_after(drafted: Drafted, times: Mapping[str, Fraction], span: Span) -> None:
    if len(times) < 2:
        drafted.fault(
            "until_tick" if "until_tick" in drafted.table else "until", "is not after its beginning."
        )
    elif times["until"] <= times["from"]:
        drafted.fault("until", f"is {time_text(times['until'])}, not after from, {time_text(times['from'])}.")
    else:
        drafted.fault("until", f"is too near to from: no tick lies between; one is {time_text(span.period)}.")


def _event(drafted: Drafted, units: Units, exposed: Exposed) -> dict[str, Any]:
    """Another fault, or an event of the view, whose condition is taken."""
    tree, event = drafted.document.tree, drafted.table["event"]
    faults = tree.get("faults", {})
    view = tree.get("view", {})
    events = view.get("events", {}) if isinstance(view, dict) else {}
    if event == drafted.name:
        drafted.fault("event", "is the fault itself.")
    elif event in faults:
        return {"event": event}
    elif event in events:
        return {"when": _condition(drafted, "event", str(events[event]), units, exposed)}
    else:
        known = [*faults, *events]
        near = (
            did_you_mean(event, known)
            or f" There are: {listed(each for each in known if each != drafted.name)}."
        )
        drafted.fault("event", f'is "{event}", which is no fault and no event of [view.events].{near}')
    return {}


def _condition(drafted: Drafted, key: str, text: str, units: Units, exposed: Exposed) -> str:
    """A condition on signals, checked; variables of FMUs in it become outputs."""
    from crumple.formula import FormulaError, parse_formula

    try:
        formula = parse_formula(text)
        signals: dict[str, str | None] = {}
        kinds: list[str] = []
        for name in formula.signals:
            port = find_output(name, units, exposed)
            if port is None:
                return text  # the unit has mistakes of its own
            if port.size != 1 or port.kind in ("string", "binary"):
                raise PortError(f'"{name}" is no single number.')
            signals[name] = port.si_name
            kinds.append(port.kind)
        formula.check(signals)
    except (FormulaError, PortError) as error:
        drafted.fault(key, str(error))
        return ""
    flag = formula.root.kind == "signal" and kinds == ["boolean"]
    if not formula.logical and not flag:
        drafted.fault(key, f'is "{text}", which is no condition; write one such as "car.speed > 10 m/s".')
        return ""
    return text
