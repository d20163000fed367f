"""Periods: exact fractions of a second, from what people write."""

from __future__ import annotations

from fractions import Fraction

from crumple.errors import UsageError


def period_of(value: Fraction | str | float) -> Fraction:
    """A period in seconds, exactly: "100 us", "1/60 s", "60 Hz", Fraction(1, 44100), 0.001.

    A float means the simplest fraction that it is the nearest double of: 1/60 as a float is 1/60.
    Raises UsageError where it is no positive time.
    """
    from crumple.si import SiError, parse_exact, parse_si

    try:
        if isinstance(value, Fraction):
            period = value
        elif isinstance(value, str):
            unit = value.strip().lstrip("+-0123456789./eE_ ")
            frequency = bool(unit) and parse_si(unit).dimension[:7] == (0, 0, -1, 0, 0, 0, 0)
            period = 1 / parse_exact(value, "Hz") if frequency else parse_exact(value, "s")
        else:
            period = simplest_fraction(float(value))
    except (SiError, ZeroDivisionError, ValueError, OverflowError) as error:
        raise UsageError(f'"{value}" is no period: {error}. Write "100 us", "1/60 s" or "60 Hz".') from None
    if period <= 0:
        raise UsageError(f'"{value}" is no period: it must be longer than nothing')
    if max(period.numerator, period.denominator) >= 2**62:
        raise UsageError(f'"{value}" is too fine a fraction of a second for a period')
    return period


def simplest_fraction(value: float) -> Fraction:
    """The fraction of smallest denominator, up to 10^9, whose nearest double is `value`; else its decimal digits."""
    for digits in range(1, 10):
        simple = Fraction(value).limit_denominator(10**digits)
        if float(simple) == value:
            return simple
    return Fraction(repr(value))
