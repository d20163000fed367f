"""The values of a fault in the units of measure of what it is on."""

from __future__ import annotations

from typing import Any

from crumple.faults import KINDS, VALUE_KEYS
from crumple.scene.drafted import Drafted, ValueFault, number_of
from crumple.scene.parameters import split_quantity
from crumple.scene.ports import Port
from crumple.scene.text import did_you_mean, listed, shown
from crumple.si import Si, SiError, factor_offset, parse_quantity, parse_si

_EXAMPLES = {
    "bias": '"0.5 m/s^2"',
    "drift": '"0.1 K/s"',
    "noise": '"0.2 m/s"',
    "spike": '"5 V"',
    "quantise": '"0.1 K"',
    "saturate": '"35 g"',
    "bit_flip": "3",
    "delay": '"20 ms"',
    "intermittent": '"100 ms"',
}


def plan_values(drafted: Drafted, kind: str, port: Port | None) -> dict[str, Any]:
    """What the parameters of a kind say, as fields of a FaultPlan. port: what it is on, None where not known."""
    table = drafted.table
    found: dict[str, Any] = {}
    _check_needs(drafted)
    if port is None:
        return {}
    key = VALUE_KEYS.get(kind)
    if key is not None and key in table and not (kind == "stuck_at" and _is_last(table[key], port)):
        value = _read(drafted, key, kind, port)
        if value is not None:
            found["value"] = value
    for key in ("min", "max"):
        if kind == "saturate" and key in table:
            found[key] = _read(drafted, key, kind, port)
    if (
        kind == "saturate"
        and None not in found.values()
        and found.get("min", 0) > found.get("max", found.get("min", 0))
    ):
        drafted.fault("min", f"is {shown(table['min'])}, above max, {shown(table['max'])}.")
    if "chance" in table and (chance := drafted.share("chance")) is not None:
        found["chance"] = chance
    if kind == "bit_flip":
        found |= _bits(drafted, port)
    if kind == "dropout":
        found["hold"] = table.get("hold", "last")
    return found


def check_keys(drafted: Drafted, kind: str, of: str) -> None:
    """No parameters but those of the kind, or of that which an intermittent fault is of."""
    known = {*KINDS[kind].keys, *(KINDS[of].keys if of else ())}
    others = {key: name for name, each in KINDS.items() for key in each.keys}
    for key in drafted.table:
        if key in others and key not in known:
            takes = f"takes {listed(known)}" if known else "takes none"
            drafted.fault(key, f'is no parameter of a fault of kind "{of or kind}"; that {takes}.')


def _is_last(value: Any, port: Port) -> bool:
    return value == "last" and not (port.items and "last" in port.items)


def _check_needs(drafted: Drafted) -> None:
    kind, table = drafted.table["kind"], drafted.table
    for each in (kind, table.get("of", "")):
        for keys in KINDS[each].needs if each in KINDS else ():
            if any(key in table or drafted.has_fault(key) for key in keys):
                continue
            if keys == ("value",):
                drafted.fault("", f"does not say how wrong: write value = {_EXAMPLES.get(each, '0.9')}.")
                continue
            example = f"{keys[0]} = {'0.3' if keys == ('duty',) else _EXAMPLES.get(each, '0.9')}"
            drafted.fault("", f"needs {' or '.join(keys)}, {KINDS[each].keys[keys[0]]}: write {example}.")


def _read(drafted: Drafted, key: str, kind: str, port: Port) -> float | None:
    value = drafted.table[key]
    try:
        if kind in ("gain", "unit_error"):
            number = number_of(value, "real", "1")
            return _whole(value, number, port) if kind == "gain" else number
        if kind == "drift":
            return _rate(value, port)
        if kind in ("bias", "spike"):
            return _whole(value, _distance(value, port), port)
        if kind in ("noise", "quantise", "bit_flip", "stale_timestamp"):
            number = _distance(value, port)
            if number < 0 or (number == 0 and key == "lsb"):
                raise ValueFault(f"is {shown(value)}; it must be above 0.")
            return number
        return at(value, port)
    except ValueFault as fault:
        drafted.fault(key, str(fault))
        return None


def _bits(drafted: Drafted, port: Port) -> dict[str, Any]:
    table = drafted.table
    most = 0 if port.kind == "boolean" else 63 if port.kind == "real" and "lsb" not in table else 51
    bits = int(table.get("bits", 0))
    if bits > 53:
        drafted.fault("bits", f"is {bits}; a word has at most 53 bits here.")
    bit = int(table.get("bit", 0))
    if bits and bits <= 53:
        most = min(most, bits - 1)
    if bit > most:
        drafted.fault("bit", f"is {bit}; the bits of {table['on']} are 0 to {most}.")
    if bits and port.kind == "real" and "lsb" not in table:
        drafted.fault("bits", "says how long the word is, and nothing what it counts: write lsb, too.")
    return {"bit": bit, "bits": bits}


def at(value: Any, port: Port) -> float:
    """A value that a port can have, in its own unit; an item of an enumeration by name. Raises ValueFault."""
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
    """A difference in a port's own unit: the offset of a temperature does not apply."""
    _check_declared(value, port)
    if port.si is None or not isinstance(value, str):
        return number_of(value, "real", None)
    number, own = _split(value, port.si)
    return number * _conversion(value, own, port.si)[0]


def _rate(value: Any, port: Port) -> float:
    """A change a second, in a port's own unit a second."""
    _check_declared(value, port)
    quantity = split_quantity(value) if isinstance(value, str) else None
    if port.si is None or quantity is None or not quantity[1]:
        return number_of(value, "real", None) if quantity is None else parse_quantity(quantity[0])
    dims = port.si.dimension
    wanted = Si(f"{port.si.text}/s", port.si.factor, 0.0, (*dims[:2], dims[2] - 1, *dims[3:]))
    return parse_quantity(quantity[0]) * _conversion(value, parse_si(quantity[1]), wanted)[0]


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
