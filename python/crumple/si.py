"""Units of measure: reading them, converting between them, saying what they measure.

A unit of measure is called `si` throughout Crumple, because a unit is an instance in a world. Factors are
held as exact ratios, so that "100 us" is 0.0001 s to the last bit and a clock can count in exact fractions.

Two habits of the field are kept: `g` is standard gravity (limits read "60 g"; the mass is written `gram`),
and an angle is a dimension of its own, so that rad/s is not mistaken for Hz.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, overload

from crumple import si_table as table
from crumple.si_reader import DECIMAL, MAX_LENGTH, Ratio, Reader, SiError, decimal, plain, table_ratio

if TYPE_CHECKING:
    from fractions import Fraction

    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "Dimension",
    "Ratio",
    "Si",
    "SiError",
    "base_si",
    "convert",
    "describe",
    "differs_only_in_angle",
    "dimension_name",
    "factor_offset",
    "parse_exact",
    "parse_quantity",
    "parse_si",
]

Dimension = table.Dimension

_ZERO = Ratio(0)


@dataclass(frozen=True, slots=True)
class Si:
    """A unit of measure: `value_in_base = value * factor + offset`, base being a product of SI base units.

    text: as it was written.   dimension: exponents of kg, m, s, A, K, mol, cd, rad.
    exact, exact_offset: the same factor and offset as ratios. They are None where only floats are known, as
    in an FMU's own definition of a unit.
    """

    text: str
    factor: float
    offset: float
    dimension: Dimension
    exact: Ratio | None = field(default=None, repr=False, compare=False)
    exact_offset: Ratio | None = field(default=None, repr=False, compare=False)


@lru_cache(maxsize=1024)
def parse_si(text: str) -> Si:
    """Read a unit of measure: "m/s^2", "m/s2", "m.s-2", "kg.m2/s3", "W/(m2.K)", "N*m/rad", "1/min", "degC".

    A product is written with `*`, `.` or a space, a quotient with `/`, a power with `^`, `**`, a superscript
    or nothing. "", "1" and "-" are plain numbers. An offset belongs to "degC" and "degF" standing alone;
    within a product they are differences of temperature. Raises SiError for what cannot be read, and for what
    is ambiguous, such as "W/m*K".
    """
    if not isinstance(text, str):
        raise SiError(f"A unit of measure is a text such as 'm/s^2', not {text!r}.")
    ascii_text = plain(text)
    if ascii_text in {"", "-", "1"}:
        return Si(text, 1.0, 0.0, table.NONE, Ratio(), _ZERO)
    exact, dimension = Reader(text).whole()
    offset = table_ratio(table.OFFSETS.get(ascii_text, "0"))
    return Si(text, float(exact), float(offset), dimension, exact, offset)


def parse_quantity(value: str | float, si: str | None = None) -> float:
    """The value of a quantity in the unit `si`: `parse_quantity("57.09 km/h", "m/s")` is 15.858333.

    value: a number with a unit ("57.09 km/h", "1/60 s", "5 %"), or a bare number, which is in `si` already.
    si: the unit wanted; without it the result is in base units (m, kg, s, ...).
    The result is the double next to the exact value, save for the last bits where the conversion holds pi.
    Raises SiError where the text cannot be read, is not a number, or measures something else than `si`.
    """
    if not isinstance(value, str):
        return _bare_number(value)
    number, unit = _split(value)
    if unit is None:
        return _float(number, value)
    source, target = _pair(value, unit, si)
    exact = _exactly(number, source, target) if isinstance(number, Ratio) else None
    if exact is not None:
        return _float(exact, value)
    factor, offset = factor_offset(source, target)
    return _float(number, value) * factor + offset


def parse_exact(value: str | float, si: str | None = None) -> Fraction:
    """The same as `parse_quantity`, as a fraction: "100 us" in "s" is 1/10000, and so is the float 0.0001.

    A float stands for the decimal number that it prints as. Raises SiError also for infinities, and where the
    conversion holds pi, since no fraction equals that.
    """
    from fractions import Fraction

    if not isinstance(value, str):
        value = str(value) if type(value) is int else repr(_bare_number(value))
    number, unit = _split(value)
    if isinstance(number, Ratio):
        exact = number if unit is None else _exactly(number, *_pair(value, unit, si))
        if exact is not None and exact.pi_power == 0:
            return Fraction(exact.numerator, exact.denominator)
    raise SiError(f"'{value}' has no exact value{'' if si is None else f' in {si!r}'}.")


@overload
def convert(value: float, source: str, target: str) -> float: ...
@overload
def convert(value: NDArray[np.float64], source: str, target: str) -> NDArray[np.float64]: ...
def convert(value: Any, source: str, target: str) -> Any:
    """`value` (a number, or an array of any shape) in unit `source`, expressed in unit `target`.

    Raises SiError when the dimensions clash. Where the units are equal, `value` itself is returned.
    """
    factor, offset = factor_offset(parse_si(source), parse_si(target))
    if factor == 1.0 and offset == 0.0:
        return value
    return value * factor + offset if offset else value * factor


def factor_offset(source: Si, target: Si) -> tuple[float, float]:
    """(factor, offset) with `y = x * factor + offset` for x in `source` and y in `target`.

    Units that differ only in angle (rad/s and 1/s, N*m/rad and N*m) convert; ask `differs_only_in_angle` to
    warn. Raises SiError, naming both dimensions in words, when the dimensions clash.
    """
    if source.dimension != target.dimension and not differs_only_in_angle(source, target):
        raise SiError(
            f"'{source.text}' is {describe(source)}, '{target.text}' is {describe(target)}: "
            f"one cannot be converted into the other.{_gram_hint(source, target)}"
        )
    if source.exact is None or target.exact is None:
        return source.factor / target.factor, (source.offset - target.offset) / target.factor
    factor = float(source.exact / target.exact)
    if source.exact_offset is None or target.exact_offset is None:
        return factor, (source.offset - target.offset) / target.factor
    return factor, float((source.exact_offset - target.exact_offset) / target.exact)


def differs_only_in_angle(a: Si | Dimension, b: Si | Dimension) -> bool:
    """Whether two units (or dimensions) have different powers of rad and equal powers of all else."""
    first = a.dimension if isinstance(a, Si) else a
    second = b.dimension if isinstance(b, Si) else b
    return first[:7] == second[:7] and first[7] != second[7]


def dimension_name(dimension: Dimension) -> str:
    """A dimension in words: "acceleration", "mass", "plain number"; for want of a word, "kg*m^2/s^5"."""
    return table.NAMES.get(tuple(dimension)) or base_si(dimension)


def describe(si: Si) -> str:
    """What a unit measures, for use in a sentence: "an acceleration", "a mass", "of dimension kg*m^2/s^5"."""
    name = table.NAMES.get(si.dimension)
    if name is None:
        return f"of dimension {base_si(si.dimension)}"
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def base_si(dimension: Dimension) -> str:
    """The product of base units with this dimension: "kg*m^2/s^3", "1/s", "1"."""
    powers = [(name, e) for name, e in zip(table.BASE, dimension, strict=True) if e]
    above = "*".join(_power(name, e) for name, e in powers if e > 0) or "1"
    below = [_power(name, -e) for name, e in powers if e < 0]
    if not below:
        return above
    return f"{above}/{below[0]}" if len(below) == 1 else f"{above}/({'*'.join(below)})"


def _power(name: str, exponent: int) -> str:
    return name if exponent == 1 else f"{name}^{exponent}"


def _gram_hint(a: Si, b: Si) -> str:
    for one, other in ((a, b), (b, a)):
        if other.dimension[0] and re.search(r"(?<![A-Za-z])g(?![A-Za-z])", one.text):
            return " 'g' is standard gravity; the mass is written 'gram'."
    return ""


# ---- quantities

_INFINITE = re.compile(r"([+-]?)inf(?:inity)?(?![A-Za-z])", re.IGNORECASE)
_FRACTION = re.compile(r"([+-]?\d+)\s*/\s*(\d+)(?![\w.])", re.ASCII)
_NOT_A_UNIT = re.compile(r"[,.*+^]|\d(?!(?<=1)\s*/)")  # of what follows the number; "5 1/s" is fine


def _bare_number(value: Any) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except OverflowError:
        raise SiError("The number is beyond what a double holds (1.8e308).") from None
    except (TypeError, ValueError):
        number = math.nan
    if math.isnan(number):
        raise SiError(
            f"{value!r} is not a quantity: write a number, or a number and a unit as in '57.09 km/h'."
        )
    return number


def _split(text: str) -> tuple[Ratio | float, str | None]:
    """The number of a quantity, exact unless it is infinite, and its unit: None where there is none."""
    stripped = text.replace("\u2212", "-").strip()
    number: Ratio | float
    if len(stripped) > 2 * MAX_LENGTH:
        raise SiError(f"Quantity '{stripped[:40]}...' is longer than {2 * MAX_LENGTH} characters.")
    if match := _INFINITE.match(stripped):
        number = -math.inf if match[1] == "-" else math.inf
    elif match := _FRACTION.match(stripped):
        if int(match[2]) == 0:
            raise SiError(f"'{text}' divides by zero.")
        number = Ratio.of(int(match[1]), int(match[2]))
    elif match := DECIMAL.match(stripped):
        number = decimal(match)
    else:
        raise SiError(f"'{text}' is not a quantity: write a number and a unit, as in '57.09 km/h'.")
    rest = stripped[match.end() :].strip()
    if _NOT_A_UNIT.match(rest):
        raise SiError(
            f"'{text}' is not a quantity: write one number, with a decimal point, and then the unit."
        )
    if rest.startswith("/"):  # "5/s" is five per second
        rest = "1" + rest
    return number, rest or None


def _pair(value: str, unit: str, si: str | None) -> tuple[Si, Si]:
    """The unit of a quantity and the unit wanted, of which is known that they measure the same thing."""
    source = parse_si(unit)
    target = parse_si(base_si(source.dimension) if si is None else si)
    same = source.dimension == target.dimension
    turns = {dimension_name(source.dimension), dimension_name(target.dimension)}
    if turns == {"frequency", "angular velocity"}:
        hint = f" Turns and radians differ by 2 pi: write the value in '{target.text}'."
    elif same or differs_only_in_angle(source, target):
        return source, target
    else:
        hint = _gram_hint(source, target)
    wanted = f"{describe(target)} in '{target.text}'" if plain(target.text) else describe(target)
    raise SiError(f"'{value}' is {describe(source)}; {wanted} is wanted.{hint}")


def _exactly(number: Ratio, source: Si, target: Si) -> Ratio | None:
    """`number` in `source`, expressed in `target`; None where no ratio equals it."""
    if None in (source.exact, source.exact_offset, target.exact, target.exact_offset):
        return None
    assert source.exact and source.exact_offset and target.exact and target.exact_offset
    value = number * source.exact
    offset = target.exact_offset - source.exact_offset
    if offset.numerator and value.pi_power:
        return None
    return (value - offset) / target.exact


def _float(number: Ratio | float, text: str) -> float:
    try:
        return float(number)
    except OverflowError:
        raise SiError(f"'{text}' is beyond what a double holds (1.8e308).") from None
