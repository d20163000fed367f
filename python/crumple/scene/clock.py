"""Exact times of a scene: periods and stops as fractions of a second, and ticks counted from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from crumple.si import SiError, parse_exact

_MOST_TICKS = 2**53  # beyond it, a tick is no longer exact as a double
_LARGEST = 2**63 - 1  # of numerator and denominator of a period in the core
_SCALES = (("s", 1), ("ms", 1_000), ("us", 1_000_000), ("ns", 1_000_000_000))
_DECIMALS = 1_000_000


class TimeError(ValueError):
    """A time that cannot be used, with the fact and the remedy."""


class Span(NamedTuple):
    """The times of a run [s]: its first and last communication point, and the step between two."""

    start: Fraction
    stop: Fraction
    period: Fraction


def exact_time(value: str | float) -> Fraction:
    """A time [s], exactly: "100 us" is 1/10000, "1/60 s" is 1/60, and 0.001 is 1/1000.

    A float is taken for the simplest fraction that is that float. Raises TimeError.
    """
    if isinstance(value, float):
        if not math.isfinite(value):
            raise TimeError(f"{value} is no time.")
        return simplest(value)
    try:
        return parse_exact(value, "s")
    except SiError as error:
        raise TimeError(str(error)) from None


def exact_period(value: str | float) -> Fraction:
    """The length of a period [s], given as such or as a rate: "60 Hz" is 1/60. Raises TimeError."""
    try:
        period = exact_time(value)
    except TimeError:
        rate = _rate(value)
        if rate is None:
            raise
        period = 1 / rate if rate > 0 else rate
    if period <= 0:
        raise TimeError(f'is {value}; a period is positive, such as "1 ms".')
    if max(period.numerator, period.denominator) > _LARGEST:
        raise TimeError('has too many digits to be counted with. Write a fraction such as "1/60 s".')
    return period


def _rate(value: str | float) -> Fraction | None:
    try:
        return parse_exact(value, "Hz") if isinstance(value, str) else None
    except SiError:
        return None


def simplest(value: float) -> Fraction:
    """The fraction of least denominator among those that round to `value`: 1/3 for 0.3333333333333333."""
    if value < 0:
        return -simplest(-value)
    exact = Fraction(value)
    if exact.denominator == 1:
        return exact
    low = (exact + Fraction(math.nextafter(value, 0.0))) / 2
    high = (exact + Fraction(math.nextafter(value, math.inf))) / 2
    return _between(low, high)


def _between(low: Fraction, high: Fraction) -> Fraction:
    """The fraction with the least denominator strictly between two positive ones."""
    whole = math.floor(low)
    if whole + 1 < high:
        return Fraction(whole + 1)
    if low == whole:  # the largest 1/n that is below what is left of `high`
        return whole + Fraction(1, math.floor(1 / (high - whole)) + 1)
    above = None if high == whole else 1 / (high - whole)
    if above is None:
        raise ArithmeticError("no fraction lies between")
    return whole + 1 / _between(above, 1 / (low - whole))


def ticks_between(start: Fraction, stop: Fraction, period: Fraction, *, shown: str) -> int:
    """How many periods the run has. Where it is no whole number, raises TimeError naming the nearest."""
    count = (stop - start) / period
    if count < 1:
        if stop <= start:
            raise TimeError(f"is {shown}, which is not after the start, {time_text(start)}.")
        raise TimeError(f"is {shown}, less than one period of {time_text(period)}.")
    if count > _MOST_TICKS:
        raise TimeError(f"is {shown}: {float(count):.3g} periods of {time_text(period)} cannot be counted.")
    if count.denominator != 1:
        below, above = (time_text(start + n * period) for n in (math.floor(count), math.ceil(count)))
        raise TimeError(
            f"is {shown}, or {_decimal(count, 4)} periods of {time_text(period)}. The nearest whole ones are "
            f'"{below}" and "{above}".'
        )
    return int(count)


def multiple(value: str | float, period: Fraction) -> int:
    """How many periods a unit's own period is. Raises TimeError where it is no whole number of them."""
    own = exact_period(value)
    count = own / period
    if count.denominator == 1:
        return int(count)
    least = max(1, math.floor(count))
    near = " and ".join(dict.fromkeys(f'"{time_text(n * period)}"' for n in (least, math.ceil(count))))
    raise TimeError(
        f"is {time_text(own)}, which is no whole multiple of the clock's period, {time_text(period)}. "
        f"Near it: {near}."
    )


def every_of(table: Mapping[str, Any], period: Fraction) -> int:
    """The step in ticks that a table with `every` or `period` asks for. Raises TimeError for the period."""
    if "period" in table:
        return multiple(table["period"], period)
    return int(table.get("every", 1))


def time_text(time: Fraction) -> str:
    """A time that reads back exactly: "100 us", "1.5 s", "1/60 s"."""
    for si, scale in _SCALES:
        scaled = time * scale
        if abs(scaled) >= 1 and _DECIMALS % scaled.denominator == 0:
            return f"{_decimal(scaled, 6)} {si}"
    return "0 s" if time == 0 else f"{time} s"


def _decimal(number: Fraction, digits: int) -> str:
    """A number with up to so many decimals, without detour by a float."""
    whole, decimals = divmod(round(abs(number) * 10**digits), 10**digits)
    text = f"{whole}.{decimals:0{digits}}".rstrip("0").rstrip(".")
    return f"-{text}" if number < 0 else text
