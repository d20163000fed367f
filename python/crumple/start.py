"""Start values for an FMU's variables, from what a user writes in TOML, Python or on the command line.

`start = { speed = "57.09 km/h", mode = "Sport", matrix = [[1, 0], [0, 1]] }` becomes lists of numbers (reals,
integers, booleans and enumerations alike, as doubles), of strings or of bytes, in the FMU's own units, after
every check that can be made before the FMU is loaded.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from crumple.description import Description, Variable, did_you_mean, shape_of
from crumple.errors import FmuError
from crumple.si import Si, SiError, factor_offset, parse_quantity, parse_si

INTEGER_RANGE = {
    "Integer": (-(2**31), 2**31 - 1),
    "Int8": (-(2**7), 2**7 - 1),
    "UInt8": (0, 2**8 - 1),
    "Int16": (-(2**15), 2**15 - 1),
    "UInt16": (0, 2**16 - 1),
    "Int32": (-(2**31), 2**31 - 1),
    "UInt32": (0, 2**32 - 1),
    "Int64": (-(2**63), 2**63 - 1),
    "UInt64": (0, 2**64 - 1),
}
FLOAT32_MAX = (2 - 2**-23) * 2.0**127
# integers travel as doubles, which are exact up to here
EXACT = 2**53
TRUE, FALSE = ("true", "1"), ("false", "0")
# a bound met in another unit may be passed by the last bits of the conversion
SLACK = 1e-12
_DIGITS = re.compile(r"\s*[+-]?\d+\s*")
# the number before a unit: "57.09 ", "1/60 ", "-2e3"
_NUMBER = re.compile(
    r"\s*[+\-\u2212]?(?:inf(?:inity)?\b|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?:\s*/\s*\d+)?\s*", re.I
)

Encoded = list[float] | list[str] | list[bytes]


def encode_start(
    variable: Variable, value: Any, description: Description, *, structural: Mapping[str, int] | None = None
) -> Encoded:
    """`value` as the list of elements to set in `variable`, row by row.

    value : a number, a boolean, a text ("57.09 km/h", an item's name, "true", hex for a binary), bytes, or
        for an array a flat or nested list, a numpy array, or a text such as "1, 2, 3".
    structural : structural parameters by name as they will be; without it, at their start values.
    Returns floats in the variable's own unit, strings, or bytes.
    Raises FmuError where the variable cannot be set, or not to this.
    """
    reason = refusal(variable)
    if reason is not None:
        raise FmuError(f'"{variable.name}" cannot be set: {reason}.')
    if hasattr(value, "tolist"):  # numpy, without importing it
        value = value.tolist()
    if not variable.dims:
        if isinstance(value, list | tuple):
            raise FmuError(
                f'"{variable.name}" is a single {variable.type}; a list of {len(value)} was given.'
            )
        values = [value]
    else:
        sizes = dict(description.structural) if structural is None else structural
        values = _flat(variable, value, shape_of(variable, sizes))
    encoded: Any = [_element(variable, item, description) for item in values]
    return encoded  # type: ignore[no-any-return]


def refusal(variable: Variable) -> str | None:
    """Why `variable` cannot be given a start value; None where it can."""
    if variable.kind == "clock":
        return "it is a clock, which has no value"
    if variable.variability == "constant":
        return "it is a constant of the model"
    if variable.causality == "calculatedParameter":
        return "the model computes it from other parameters"
    if variable.causality == "independent":
        return "it is the model's time"
    if variable.causality in ("output", "local") and variable.initial not in ("exact", "approx"):
        what = "an output" if variable.causality == "output" else "a local variable"
        return f"it is {what} that the model computes"
    return None


def decode_start(variable: Variable) -> Encoded | None:
    """The start value that the XML itself gives, as `encode_start` would; None where it gives none.

    Raises FmuError where the XML's text is no value of the variable's type.
    """
    if variable.start is None:
        return None
    if variable.kind == "string":
        return list(variable.start)
    try:
        if variable.kind == "binary":
            return [bytes.fromhex(text) for text in variable.start]
        if variable.kind == "boolean":
            return [float((*FALSE, *TRUE).index(text.lower()) >= len(FALSE)) for text in variable.start]
        if variable.kind in ("integer", "enumeration"):
            return [float(_exact(variable, int(text))) for text in variable.start]
        return [float(text) for text in variable.start]
    except (ValueError, OverflowError):
        raise FmuError(
            f'the FMU gives "{variable.name}" the start value "{" ".join(variable.start)[:60]}", '
            f"which is no {variable.type}. Set it."
        ) from None


def _flat(variable: Variable, value: Any, shape: tuple[int, ...]) -> list[Any]:
    """Elements of `value` row by row, as many as `shape` has."""
    wanted = math.prod(shape)
    if isinstance(value, str):
        value = _listed(variable, value)
    if not isinstance(value, list | tuple):
        value = [value]
    given = _shape(variable, value)
    if given == shape or (len(given) == 1 and given[0] == wanted):
        flat = list(value)
        for _ in given[1:]:
            flat = [item for row in flat for item in row]
        return flat
    sized = " x ".join(str(n) for n in shape)
    had = " x ".join(str(n) for n in given)
    raise FmuError(f'"{variable.name}" has {sized} elements; {had} were given.')


def _shape(variable: Variable, value: Any) -> tuple[int, ...]:
    if not isinstance(value, list | tuple):
        return ()
    inner = {_shape(variable, item) for item in value}
    if len(inner) > 1:
        raise FmuError(f'"{variable.name}": the rows of the list that was given differ in length.')
    return (len(value), *(inner.pop() if inner else ()))


def _listed(variable: Variable, text: str) -> Any:
    """A list from the text of a command line: "[[1, 0], [0, 1]]", "1, 2, 3" or "1 2 3"."""
    stripped = text.strip()
    if stripped.startswith("["):
        try:
            return json.loads(stripped)
        except ValueError:
            stripped = stripped.strip("[] ")
    if variable.kind == "string":
        return [text]
    return [part.strip() for part in stripped.split(",")] if "," in stripped else stripped.split()


def _element(variable: Variable, value: Any, description: Description) -> float | str | bytes:
    """One element, checked against type, range and limits."""
    if variable.kind == "string":
        if not isinstance(value, str):
            raise FmuError(f'"{variable.name}" is a text, {_shown(value)} is none: put it in quotes.')
        if "\0" in value:
            raise FmuError(f'"{variable.name}" is a text; it cannot hold a NUL character.')
        return value
    if variable.kind == "binary":
        return _binary(variable, value)
    if variable.kind == "boolean":
        return _boolean(variable, value)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        what = "an item" if variable.kind == "enumeration" else "a number"
        raise FmuError(f'"{variable.name}" is {variable.type}: {what} is wanted, not {_shown(value)}.')
    if variable.kind == "enumeration":
        return _enumeration(variable, value)
    if variable.kind == "integer":
        whole = _integer(variable, value)
        number = float(_exact(variable, whole))
    else:
        number = _real(variable, value, description)
    _check_limits(variable, number, value)
    return number


def _real(variable: Variable, value: float | str, description: Description) -> float:
    try:
        number = float(value)
    except ValueError:
        number = _in_own_unit(variable, str(value), description)
    except OverflowError:
        number = math.inf
    if math.isnan(number):
        raise FmuError(f'"{variable.name}" cannot start at NaN.')
    if math.isinf(number):
        # infinity can be meant, but then it is written so
        meant = isinstance(value, float) or (isinstance(value, str) and "inf" in value.lower())
        if not meant:
            raise FmuError(f'"{variable.name}": {_shown(value)} is beyond what a double holds.')
    elif variable.type == "Float32" and abs(number) > FLOAT32_MAX:
        raise FmuError(f'"{variable.name}" is Float32, which does not reach to {number:g}.')
    return number


def _in_own_unit(variable: Variable, text: str, description: Description) -> float:
    """A quantity with a unit, in the unit of `variable`; an FMU's definition of a unit wins over its name."""
    match = _NUMBER.match(text)
    name = text[match.end() :].strip() if match else ""
    if match is None or not name:
        raise FmuError(f'"{variable.name}" is {variable.type}: "{text}" is no number.')
    amount = text[: match.end()].strip()
    if name.startswith("/"):
        name = f"1{name}"
    if name == variable.si:
        return parse_quantity(amount)
    try:
        source, defined_source = _unit(name, description)
        if variable.si is None and any(source.dimension):
            raise FmuError(
                f'"{variable.name}" has no unit in the FMU, so "{text}" cannot be converted: write the bare '
                "number, in whatever unit the FMU computes."
            )
        target, defined_target = _unit(variable.si or "1", description)
        factor, offset = factor_offset(source, target)
        if variable.relative:
            return parse_quantity(amount) * factor
        if not (defined_source or defined_target):
            return parse_quantity(text, variable.si or "1")  # in exact ratios, as both go by their names
        return parse_quantity(amount) * factor + offset
    except SiError as error:
        unit = f" (in {variable.si})" if variable.si else ""
        hint = "" if variable.si is None or _readable(variable.si) else " Write the bare number."
        raise FmuError(f'"{variable.name}"{unit} = "{text}": {error}{hint}') from error


def _unit(name: str, description: Description) -> tuple[Si, bool]:
    """The unit called `name`, and whether the FMU defines it otherwise than its name says."""
    defined = description.units.get(name)
    if defined is None:
        return parse_si(name), False
    own = Si(name, defined.factor, defined.offset, defined.dimension)
    try:
        usual = parse_si(name)
    except SiError:
        return own, True
    # exporters round factors, and leave out or put in the radian
    same = (
        own.dimension[:7] == usual.dimension[:7]
        and math.isclose(own.factor, usual.factor, rel_tol=1e-9)
        and math.isclose(own.offset, usual.offset, rel_tol=1e-9, abs_tol=1e-12)
    )
    return (usual, False) if same else (own, True)


def _readable(name: str) -> bool:
    try:
        parse_si(name)
    except ValueError:
        return False
    return True


def _integer(variable: Variable, value: float | str) -> int:
    try:
        digits = isinstance(value, str) and _DIGITS.fullmatch(value)
        given = value if digits or isinstance(value, int) else float(value)
        whole = int(given)
        if isinstance(given, float) and whole != given:
            raise ValueError
    except (ValueError, OverflowError):
        raise FmuError(f'"{variable.name}" is {variable.type}: {_shown(value)} is no whole number.') from None
    low, high = INTEGER_RANGE[variable.type]
    if not low <= whole <= high:
        raise FmuError(f'"{variable.name}" is {variable.type}, from {low} to {high}; {whole} is outside.')
    return whole


def _exact(variable: Variable, whole: int) -> int:
    if abs(whole) > EXACT:
        raise FmuError(
            f'"{variable.name}" = {whole}: integers travel as doubles, exact to 2^53 = {EXACT} only.'
        )
    return whole


def _enumeration(variable: Variable, value: float | str) -> float:
    items = variable.items or {}
    if isinstance(value, str):
        if value in items:
            return float(items[value])
        if not _DIGITS.fullmatch(value):
            known = did_you_mean(value, items) or (f" Items: {', '.join(items)}." if items else "")
            raise FmuError(f'"{variable.name}" has no item "{value}".{known}')
    try:
        whole = int(value)
    except (ValueError, OverflowError):
        whole = None
    if (
        whole is None
        or (not isinstance(value, str) and whole != value)
        or (items and whole not in items.values())
    ):
        listed = ", ".join(f"{name} ({number})" for name, number in items.items())
        raise FmuError(f'"{variable.name}" has no item {value}. Items: {listed or "none are declared"}.')
    return float(_exact(variable, whole))


def _boolean(variable: Variable, value: Any) -> float:
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float) and value in (0, 1):
        return float(value)
    if isinstance(value, str) and value.strip().lower() in TRUE + FALSE:
        return float(value.strip().lower() in TRUE)
    raise FmuError(f'"{variable.name}" is Boolean: true or false is wanted, not {_shown(value)}.')


def _binary(variable: Variable, value: Any) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, str):
        try:
            return bytes.fromhex(value.strip().removeprefix("0x"))
        except ValueError:
            pass
    raise FmuError(f'"{variable.name}" is Binary: bytes or their hex digits are wanted, not {_shown(value)}.')


def _check_limits(variable: Variable, number: float, value: Any) -> None:
    low = -math.inf if variable.min is None else variable.min
    high = math.inf if variable.max is None else variable.max
    slack = SLACK * max(
        abs(number), abs(low) if math.isfinite(low) else 0, abs(high) if math.isfinite(high) else 0
    )
    if variable.kind == "integer" or not math.isfinite(number):
        slack = 0.0
    if low - slack <= number <= high + slack:
        return
    unit = f" {variable.si}" if variable.si else ""
    span = f"from {low:g} to {high:g}{unit}"
    if math.isinf(high):
        span = f"at least {low:g}{unit}"
    elif math.isinf(low):
        span = f"at most {high:g}{unit}"
    said = f" ({_shown(value)})" if isinstance(value, str) else ""
    raise FmuError(f'"{variable.name}" = {number:.10g}{unit}{said} is out of range: the FMU allows {span}.')


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > 1000:  # Python refuses to print the largest
        return "an integer of more than 300 digits"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
