"""Figures as they are shown: with as many decimals as their quantity has, so that they stand still while they change.

The minus is U+2212, thousands have commas, the unit stands apart. The terminal's figures are `crumple.wording`'s,
which shows as many digits as a value needs.
"""

from __future__ import annotations

import math
import re

MINUS = "−"
NO_SAMPLE = "no sample"

# Decimals by unit of measure; others have two.
_DECIMALS = {
    **dict.fromkeys(
        ("mm", "um", "N", "W", "J", "Pa", "degC", "degF", "°C", "%", "ns", "us", "rpm", "1/min"), 0
    ),
    **dict.fromkeys(("mm/s", "psi", "kcal/min"), 0),
    **dict.fromkeys(
        ("g", "ms", "km/h", "cm", "kN", "kW", "MW", "A", "Hz", "kPa", "deg", "K", "m/s^2", "m/s2"), 1
    ),
    **dict.fromkeys(("kg", "min", "h", "km"), 1),
}
_TIMES = {"s", "ms", "us", "ns", "min", "h"}
_PLAIN = {"", "1", "-"}
_SIGNS = {"degC": "°C", "degF": "°F", "deg": "°", "ohm": "Ω", "Ohm": "Ω"}
_RAISED = str.maketrans("0123456789+-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")
_LARGEST = 1e7  # from here on powers of ten


def unit(si: str | None) -> str:
    """A unit of measure as it is printed: "m/s^2" is "m/s²", "degC" is "°C"; "" for plain numbers."""
    if si is None or si in _PLAIN:
        return ""
    if si in _SIGNS:
        return _SIGNS[si]
    text = re.sub(r"(?:\^|\*\*)\(?([+-]?\d+)\)?", lambda found: found[1].translate(_RAISED), si)
    text = re.sub(r"(?<=[A-Za-z])(\d)(?![\d.])", lambda found: found[1].translate(_RAISED), text)
    text = re.sub(r"(?<![A-Za-z])u(?=[A-Za-z])", "µ", text)
    return text.replace("*", "·").replace(".", "·")


def fixed(value: float, decimals: int) -> str:
    """A number with so many decimals: "−35.9", "1,184", "1.2·10⁷" for what would be too long."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    if abs(value) >= _LARGEST:
        return _power(value)
    text = f"{value:,.{decimals}f}"
    if text.startswith("-"):
        text = text[1:] if not text.strip("-0.,") else MINUS + text[1:]
    return text


def decimals(si: str | None, *, near: float | None = None) -> int:
    """How many a quantity has. near: a limit it is compared with, which may need more of them."""
    usual = 1 if si is None or si in _PLAIN else _DECIMALS.get(si, 2)
    if not near or not math.isfinite(near):
        return usual
    if abs(near) >= 1000 or (si in _TIMES and abs(near) >= 100):
        return 0
    return min(max(usual, math.floor(2.7 - math.log10(abs(near)))), 6)


def shown(value: float | None, si: str | None, *, near: float | None = None) -> tuple[str, str]:
    """Figure and unit of a value in `si`: ("−35.9", "g"). None, where there is no sample, is ("no sample", "").

    near: a limit it is compared with, so that both have digits enough.
    """
    if value is None:
        return NO_SAMPLE, ""
    if math.isinf(value) and value > 0 and si in _TIMES:
        return "never", ""
    plain = si is None or si in _PLAIN
    whole = math.isfinite(value) and value == math.floor(value) and abs(value) < _LARGEST
    if plain and whole and (near is None or (near == math.floor(near) and abs(near) < 10)):
        return fixed(value, 0), ""  # a flag, a count, a state
    count = decimals(si, near=near)
    if value and abs(value) < 0.5 * 10**-count and not plain and si not in _DECIMALS and near is None:
        return _power(value), unit(si)
    return fixed(value, count), unit(si)


def shown_text(value: float | None, si: str | None, *, near: float | None = None) -> str:
    """Figure and unit as one text: "−35.9 g"."""
    return joined(*shown(value, si, near=near))


def joined(figure: str, si: str) -> str:
    """A figure and the unit after it, if it has one."""
    return f"{figure} {si}" if si else figure


def as_written(value: float, si: str | None) -> str:
    """A limit, with the digits it was written with: "16.9 ms", "−0.5 m", "700"."""
    text = f"{value:,.6g}" if 1e-4 <= abs(value) < _LARGEST or not value else _power(value)
    return joined(text.replace("-", MINUS), unit(si))


def limit(relation: str, value: float | None, si: str | None) -> str:
    """A limit with its sign: "≤ 16.9 ms", "≥ 5 m/s²", "0 km/h" for what must be equal; "" for none."""
    if value is None:
        return ""
    sign = {"max": "≤ ", "min": "≥ "}.get(relation, "")
    if relation in ("<", "<=", "≤"):
        sign = "≤ "
    elif relation in (">", ">=", "≥"):
        sign = "≥ "
    return sign + as_written(value, si)


def percent(share: float) -> str:
    """A share: 0.082 is "8 %", −0.06 is "−6 %"; beyond ten thousand per cent it is a multiple."""
    if not math.isfinite(share):
        return ""
    if abs(share) >= 100:
        return f"{fixed(share, 0)} times"
    return f"{fixed(share * 100, 0)} %"


def shown_time(t: float | None, *, span: float | None = None, decimals: int | None = None) -> tuple[str, str]:
    """Figure and unit of an instant [s]: up to 1 s in ms, up to 60 s in s, then ("10:04", "").

    span: the longest time it stands beside, such as the end of the run, so that all have one unit.
    decimals: instead of the usual 1 of ms and 2 of s.
    """
    if t is None or not math.isfinite(t):
        return ("no sample" if t is None else "never"), ""
    size = max(abs(t), abs(span or 0.0))
    if size > 60.0:
        return clock(t, hours=size >= 3600.0), ""
    if size > 1.0:
        return fixed(t, 2 if decimals is None else decimals), "s"
    if size > 1e-3 or size == 0.0:
        return fixed(t * 1e3, 1 if decimals is None else decimals), "ms"
    return fixed(t * 1e6, 1 if decimals is None else decimals), "µs"


def time_text(t: float | None, *, span: float | None = None, decimals: int | None = None) -> str:
    """`shown_time` as one text: "73.0 ms", "3.42 s", "10:04"."""
    return joined(*shown_time(t, span=span, decimals=decimals))


def clock(t: float, *, hours: bool = False) -> str:
    """Minutes and seconds, "10:04", or with hours, "1:02:05". It shows the second that has begun."""
    sign = MINUS if t < 0 else ""
    whole = math.floor(abs(t) + 1e-9)
    minutes, seconds = divmod(whole, 60)
    if not hours:
        return f"{sign}{minutes}:{seconds:02d}"
    return f"{sign}{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"


def duration(seconds: float | None) -> str:
    """A wall time with two or three digits: "14 µs", "1.2 ms", "246 ms", "4.2 s"; "–" where it was not measured."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    size = abs(seconds)
    for factor, si in ((1e9, "ns"), (1e6, "µs"), (1e3, "ms")):
        if size * factor < 999.5:
            value = seconds * factor
            return f"{fixed(value, 1 if 0 < abs(value) < 9.95 and si != 'ns' else 0)} {si}".replace(
                ".0 ", " "
            )
    if size < 60.0:
        return f"{fixed(seconds, 1)} s"
    return clock(seconds, hours=size >= 3600.0)


def speed(times: float) -> str:
    """A multiple of real time: "7.1 ×", "0.02 ×", "120 ×"."""
    if not math.isfinite(times):
        return ""
    return f"{fixed(times, 0 if times >= 9.95 else 1 if times >= 1.995 else 2)} ×"


def count(n: int, word: str, *, plural: str | None = None) -> str:
    """ "1 unit", "1,500 ticks"."""
    return f"{n:,} {word if n == 1 else plural or word + 's'}"


def _power(value: float) -> str:
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa.replace('-', MINUS)}·10{str(int(exponent)).translate(_RAISED)}"
