"""The colours, by name, from `palette.json`: dark and light, and the scale of temperatures.

Nothing here needs a display. A colour is (red, green, blue), 0 to 255.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

Rgb = tuple[int, int, int]

_FILE = Path(__file__).with_name("palette.json")
_WHITE = (255, 255, 255)
# Words that the viewer has for a state, and whose colour they share.
_SAME = {"undecided": "holding", "done": "accent", "not_applicable": "text_3"}


@lru_cache(maxsize=1)
def _written() -> Mapping[str, Any]:
    written: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return written


def rgb(text: str) -> Rgb:
    """ "#RRGGBB" as numbers. Raises ValueError for anything else."""
    if len(text) != 7 or text[0] != "#":
        raise ValueError(f"A colour is written '#RRGGBB', not {text!r}.")
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


@lru_cache(maxsize=2)
def colours(*, dark: bool) -> Mapping[str, Rgb]:
    """All colours of a theme: surfaces, texts, states, drawing, "signal_1" to "signal_6", and "ink", which is what
    stands on a filled chip."""
    written = _written()["dark" if dark else "light"]
    named = {
        name: rgb(c)
        for group in ("surface", "text", "state", "drawing")
        for name, c in written[group].items()
    }
    named |= {f"signal_{n}": rgb(c) for n, c in enumerate(written["signal"], 1)}
    named |= {name: named[other] for name, other in _SAME.items()}
    named["ink"] = named["window"] if dark else _WHITE
    named["marker_dark"], named["marker_light"] = (rgb(c) for c in _written()["target_marker"])
    return MappingProxyType(named)


def mix(a: Rgb, b: Rgb, part: float) -> Rgb:
    """From a (part 0) to b (part 1), linear in sRGB."""
    part = min(max(part, 0.0), 1.0)
    r, g, b_ = (round(x + (y - x) * part) for x, y in zip(a, b, strict=True))
    return r, g, b_


def temperature(celsius: float) -> Rgb:
    """Colour of a temperature [°C], clamped to the ends of the scale."""
    scale = _written()["temperature"]
    stops, texts = scale["celsius"], scale["colour"]
    if not celsius > stops[0]:
        return rgb(texts[0])
    for n in range(1, len(stops)):
        if celsius <= stops[n]:
            part = (celsius - stops[n - 1]) / (stops[n] - stops[n - 1])
            return mix(rgb(texts[n - 1]), rgb(texts[n]), part)
    return rgb(texts[-1])


def temperature_stops() -> tuple[float, ...]:
    """Where the scale bends [°C]; the first and the last are its ends."""
    return tuple(float(c) for c in _written()["temperature"]["celsius"])


def ink_on_temperature(celsius: float) -> Rgb:
    """Colour of a figure that stands on the colour of a temperature [°C]."""
    return _WHITE if celsius < 395.0 else rgb("#10141A")


def contrast(a: Rgb, b: Rgb) -> float:
    """Contrast ratio as in WCAG 2.2, 1 to 21; texts need 4.5."""
    lighter, darker = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Rgb) -> float:
    shares = (c / 255 for c in colour)
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
