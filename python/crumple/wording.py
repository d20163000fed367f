"""Numbers and times as a reader wants them: few digits, thousands separated, the unit that needs no zeros."""

from __future__ import annotations

import math


def number(value: float, *, digits: int = 4) -> str:
    """`value` to `digits` significant digits: 142.1, 1,184, 0.0031, -7.00e+09; thousands get commas."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("infinity" if value > 0 else "-infinity")
    if value == 0.0:
        return "0"
    size = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    if not -4 <= size < 12:
        return f"{value:.{digits - 1}g}"
    text = f"{value:,.{max(0, digits - 1 - size)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def against(value: float, limit: float) -> tuple[str, str]:
    """Value and limit as texts that differ where the numbers do: 700.04 against 700 is not "700" twice."""
    as_text = number(limit, digits=6)
    texts = (number(value, digits=digits) for digits in (4, 6, 9, 12, 15, 17))
    if value == limit:
        return as_text, as_text
    return next((text for text in texts if text != as_text), repr(value)), as_text


def time(t: float) -> str:
    """A time or duration [s]: "96.2 ms", "100 µs", "3.2 s", "2 min 5 s"."""
    size = abs(t)
    if size == 0.0:
        return "0 s"
    if size < 0.9999e-6:
        return f"{number(t * 1e9)} ns"
    if size < 0.9999e-3:
        return f"{number(t * 1e6)} µs"
    if size < 0.9999:
        return f"{number(t * 1e3)} ms"
    if size < 600.0:
        return f"{number(t, digits=5)} s"
    minutes, seconds = divmod(round(size), 60)
    hours, minutes = divmod(minutes, 60)
    sign = "-" if t < 0 else ""
    return f"{sign}{hours} h {minutes} min" if hours else f"{sign}{minutes} min {seconds} s"


def span(t1: float, t2: float) -> str:
    """A window [s]: "73.1 to 88.1 ms"; the unit is written once where both have the same."""
    first, second = time(t1), time(t2)
    if t1 == 0.0:
        first = f"0 {second.split(' ')[-1]}"
    if first.split(" ")[1:] == second.split(" ")[1:] and first.count(" ") == 1:
        first = first.split(" ")[0]
    return f"{first} to {second}"


def percent(share: float) -> str:
    """A share: 0.797 is "80 %", 0.004 is "0.4 %"; a share beyond 1000 is a multiple, "1,234 times"."""
    if abs(share) >= 1000:
        return f"{share:,.0f} times"
    if 0 < abs(share) < 0.0095:
        return f"{number(share * 100, digits=1)} %"
    return f"{share * 100:,.0f} %"


def count(n: int, word: str, *, plural: str | None = None) -> str:
    """ "1 unit", "1,500 ticks"."""
    return f"{n:,} {word if n == 1 else plural or word + 's'}"


def with_si(text: str, si: str) -> str:
    """A number and its unit of measure; a plain number has none."""
    return text if si in {"", "1", "-"} else f"{text} {si}"
