"""Axes: ranges that fit, and ticks at numbers that are easy to read."""

from __future__ import annotations

import math
from collections.abc import Sequence

_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_MARGIN = 0.06  # of the range, above and below what is shown
_NEAR_ZERO = 0.4  # a range that begins within this share of its end begins at zero


def fitting(low: float, high: float, limits: Sequence[float] = ()) -> tuple[float, float]:
    """The range of an axis for values from low to high, and for those limits that do not dwarf them."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return 0.0, 1.0
    if high - low < 1e-9 * max(abs(low), abs(high)) or high == low:
        away = abs(low) * 0.5 or 1.0
        low, high = (min(low, 0.0), max(high, 0.0)) if low else (-away, away)
    span = high - low
    for limit in limits:
        if math.isfinite(limit) and low - span <= limit <= high + span:
            low, high = min(low, limit), max(high, limit)
    if 0.0 < low < _NEAR_ZERO * high:
        low = 0.0
    elif 0.0 > high > _NEAR_ZERO * low:
        high = 0.0
    away = _MARGIN * (high - low)
    return low - away, high + away


def ticks(low: float, high: float, most: int) -> list[float]:
    """At most `most` round numbers within the range, evenly spaced; at least one where there is any."""
    span = high - low
    if not (span > 0 and math.isfinite(span)) or most < 1:
        return []
    size = 10.0 ** math.floor(math.log10(span / most))
    for _ in range(3):
        for step in _STEPS:
            found = _multiples(low, high, step * size)
            if len(found) <= most:
                return found
        size *= 10.0
    return []


def _multiples(low: float, high: float, step: float) -> list[float]:
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{n * step:.12g}") for n in range(first, min(last, first + 100) + 1)]


def tick_text(value: float, step: float) -> str:
    """A figure at an axis, with as many decimals as the distance to the next needs."""
    if value == 0.0:
        return "0"
    size = max(abs(value), abs(step))
    if size >= 1e6 or size < 1e-4:
        mantissa, _, exponent = f"{value:.1e}".partition("e")
        text = f"{mantissa.removesuffix('.0')}·10{str(int(exponent)).translate(_RAISED)}"
    else:
        decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
        decimals += round(step * 10**decimals, 6) % 1 != 0
        text = f"{value:,.{decimals}f}"
    return text.replace("-", "−")


def time_ticks(since: float, until: float, most: int) -> list[float]:
    """Round times [s]; beyond two minutes they are whole seconds, minutes and hours."""
    span = until - since
    if span <= 120.0:
        return ticks(since, until, most)
    for step in (15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 21600.0, 86400.0):
        found = _multiples(since, until, step)
        if len(found) <= most:
            return found
    return ticks(since, until, most)
