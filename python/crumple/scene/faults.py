"""The faults of a scene: on which input, of which kind, how wrong, from when until when."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from crumple.live.plan import FaultPlan
from crumple.scene.clock import Span, TimeError, exact_time, time_text
from crumple.scene.connections import Exposed, find_input, find_output
from crumple.scene.document import Document
from crumple.scene.drafted import Drafted, ValueFault, number_of
from crumple.scene.parameters import split_quantity
from crumple.scene.plan import ConnectionPlan
from crumple.scene.ports import BLOBS, Port, PortError
from crumple.scene.text import did_you_mean, listed, shown
from crumple.si import Si, SiError, factor_offset, parse_quantity, parse_si

if TYPE_CHECKING:
    from crumple.scene.connections import Units


def plan_faults(
    document: Document, units: Units, connections: Sequence[ConnectionPlan], span: Span | None
) -> list[FaultPlan]:
    """All faults without mistakes, in the order of their names, in which they apply where one input has several.

    span: of the run as the file has it, None where it is not known.
    """
    fed = [plan.target for plan in connections]
    plans: list[FaultPlan] = []
    for name, table in sorted(document.tree.get("faults", {}).items()):
        drafted = Drafted(document, ("faults", name), table)
        since, until = _when(drafted, span)
        if "on" not in table or "kind" not in table:
            continue  # the shape is wrong, and that is reported
        try:
            _refuse_output(table["on"], units, connections)
            port = find_input(table["on"], units, table["on"])
            if port is not None:
                _check_input(drafted, port, fed)
        except PortError as error:
            drafted.fault("on", str(error))
            continue
        plans.append(
            FaultPlan(
                name=name,
                on=table["on"],
                kind=table["kind"],
                value=None if port is None else _value(drafted, port),
                since=since,
                until=until,
                doc=table.get("doc", ""),
            )
        )
    return plans


# ---- the input


def _refuse_output(on: str, units: Units, connections: Sequence[ConnectionPlan]) -> None:
    try:
        find_input(on, units, on)
    except PortError:
        try:
            port = find_output(on, units, Exposed())
        except PortError:
            return
        if port is not None:
            fed = [
                plan.target for plan in connections if plan.source.partition("[")[0] == on.partition("[")[0]
            ]
            remedy = f" It feeds {listed(fed)}." if fed else ""
            raise PortError(f'"{on}" is an output; a fault is on what an input receives.{remedy}') from None


def _check_input(drafted: Drafted, port: Port, fed: Sequence[str]) -> None:
    on: str = drafted.table["on"]
    if port.kind in BLOBS:
        raise PortError(f'"{on}" is of kind {port.kind}; faults are on numbers.')
    if port.size != 1:
        raise PortError(f'"{on}" has {port.size_text}; a fault is on one element, as in "{on}[0]".')
    unit = on.partition(".")[0]
    known = {on, f"{unit}.{port.whole}"}
    elements_are_fed = port.whole == port.name and any(target.startswith(f"{on}[") for target in fed)
    connect = drafted.document.tree.get("connect", {})
    unsure = any(path[0] in ("actuators", "connect") for path in drafted.document.faulty)
    if known.isdisjoint([*fed, *connect]) and not elements_are_fed and not unsure:
        inputs = [target for target in fed if target.partition(".")[0] == unit]
        near = did_you_mean(on, inputs) or (f" Fed are: {listed(inputs)}." if inputs else "")
        raise PortError(f'"{on}" is fed by nothing, so there is nothing to make wrong.{near}')


# ---- the value


def _value(drafted: Drafted, port: Port) -> float | None:
    kind, table = drafted.table["kind"], drafted.table
    if "value" not in table:
        if kind != "stuck_at" and not drafted.has_fault("value"):
            example = '"0.5 m/s^2"' if kind == "bias" else "0.9"
            drafted.fault("", f"does not say how wrong: write value = {example}.")
        return None
    value = table["value"]
    if port.kind == "boolean" and kind != "stuck_at":
        drafted.fault("kind", f'is "{kind}", and {table["on"]} is true or false. It can be "stuck_at" only.')
        return None
    try:
        if kind == "gain":
            return _factor(value, port)
        if kind == "bias":
            return _distance(value, port)
        return _at(value, port)
    except ValueFault as fault:
        drafted.fault("value", str(fault))
        return None


def _at(value: Any, port: Port) -> float:
    """The value at which an input is stuck, in its own unit; an item of an enumeration by name."""
    if isinstance(value, str) and port.items and split_quantity(value) is None:
        if value not in port.items:
            known = did_you_mean(value, port.items) or f" Items: {listed(port.items)}."
            raise ValueFault(f'"{port.name}" has no item "{value}".{known}')
        return float(port.items[value])
    _check_declared(value, port)
    if port.si is None or not isinstance(value, str) or port.kind == "boolean":
        return number_of(value, port.kind, None)
    if port.si_name is not None:  # to the last bit
        return number_of(value, port.kind, port.si_name)
    number, own = _split(value, port.si)
    factor, offset = _conversion(value, own, port.si)
    return number_of(number * factor + offset, port.kind, None)


def _distance(value: Any, port: Port) -> float:
    """A difference in an input's own unit: the offset of a temperature does not apply."""
    _check_declared(value, port)
    if port.si is None or not isinstance(value, str):
        return _whole(value, number_of(value, "real", None), port)
    number, own = _split(value, port.si)
    return _whole(value, number * _conversion(value, own, port.si)[0], port)


def _factor(value: Any, port: Port) -> float:
    return _whole(value, number_of(value, "real", "1"), port)


def _check_declared(value: Any, port: Port) -> None:
    quantity = split_quantity(value) if isinstance(value, str) else None
    if port.si is None and quantity is not None and quantity[1]:
        fact = f'is {shown(value)}, and "{port.name}" declares no unit of measure.'
        raise ValueFault(f"{fact} Write the bare number that it takes.")


def _split(value: str, si: Si) -> tuple[float, Si]:
    quantity = split_quantity(value)
    if quantity is None:
        raise ValueFault(f'{shown(value)} is no quantity. Write it as in "10 {si.text}".')
    return parse_quantity(quantity[0]), parse_si(quantity[1]) if quantity[1] else si


def _conversion(value: str, own: Si, si: Si) -> tuple[float, float]:
    try:
        return factor_offset(own, si)
    except SiError as error:
        raise ValueFault(f"{shown(value)}: {error}") from None


def _whole(value: Any, number: float, port: Port) -> float:
    if port.kind != "real" and not number.is_integer():
        raise ValueFault(
            f'is {shown(value)}, and "{port.name}" is of kind {port.kind}: a whole number is wanted.'
        )
    return number


# ---- the time


def _when(drafted: Drafted, span: Span | None) -> tuple[int | None, int | None]:
    """The first tick with the fault, and the first without again."""
    table = drafted.table
    manual = table.get("manual", False)
    if manual:
        for key in ("from", "until"):
            if key in table:
                fact = "is there as well as manual = true, by which somebody injects and clears it."
                drafted.fault(key, f"{fact} Take one of them out.")
        return None, None
    times: dict[str, Fraction] = {}
    for key in ("from", "until"):
        if key in table:
            try:
                times[key] = exact_time(table[key])
            except TimeError as error:
                drafted.fault(key, str(error))
    if "from" not in table and not drafted.has_fault("from") and not drafted.has_fault("manual"):
        drafted.fault("", 'does not say when it begins: write from = "12 ms", or manual = true.')
    if span is None:
        return None, None
    for key, time in list(times.items()):
        if not span.start <= time <= span.stop or (key == "from" and time == span.stop):
            run = f"the run goes from {time_text(span.start)} to {time_text(span.stop)}"
            drafted.fault(key, f"is {time_text(time)}, and {run}.")
            del times[key]
    ticks = {key: math.ceil((time - span.start) / span.period) for key, time in times.items()}
    if len(ticks) == 2 and ticks["until"] <= ticks["from"]:
        shown_from = time_text(times["from"])
        if times["until"] <= times["from"]:
            drafted.fault("until", f"is {time_text(times['until'])}, not after from, {shown_from}.")
        else:
            drafted.fault(
                "until", f"is too near to from: no tick lies between; one is {time_text(span.period)}."
            )
    return ticks.get("from"), ticks.get("until")
