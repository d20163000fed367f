"""Text as pictures, each drawn once.

A font library that puts glyphs on whole pixels spaces small text unevenly. So text is drawn at four times its size
and reduced: every glyph stands where its spacing says, in quarters of a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pygame

DISPLAY = 700  # the weight by which the large face is asked for

_FOLDER = Path(__file__).with_name("fonts")
_FACES = {400: "Regular", 500: "Medium", 600: "SemiBold", DISPLAY: "Display"}
_MOST = 4_000  # pictures kept: some 20 MB
_LONGEST = 300  # characters; more than any line has, and less than a surface can hold
_SMALLEST = 10.0  # [pixels]; smaller is not read
# Light on dark looks thinner than dark on light where edges are blended in sRGB; coverage is raised to this power.
_THICKEN_LIGHT, _THICKEN_DARK = 0.78, 0.92
# Figures change all the time: they are put together from single characters, which is four times as fast.
_FIGURES = frozenset("0123456789.,:+−% ")
_UNPRINTABLE = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], " ")


@dataclass(frozen=True, slots=True)
class Picture:
    """A line of text. ascent: pixels above the baseline.   width: to where the next text would begin.
    ink: what is not empty, seen from the picture's own corner."""

    surface: pygame.Surface
    ascent: int
    width: int
    ink: pygame.Rect


def font_file(weight: int) -> Path | None:
    """The file of a weight; that of DejaVu Sans where it is missing; None where that is, too.

    The system is never asked for a font: a run must look the same everywhere.
    """
    own = _FOLDER / f"CrumpleSans-{_FACES[weight]}.ttf"
    if own.is_file():
        return own
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        return None
    name = "DejaVuSans-Bold.ttf" if weight >= 600 else "DejaVuSans.ttf"
    other = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / name
    return other if other.is_file() else None


@lru_cache(maxsize=256)
def _font(weight: int, size: int) -> pygame.font.Font:
    file = font_file(weight)
    return pygame.font.Font(None if file is None else str(file), size)


def forget_fonts() -> None:
    """To be called after pygame.font.quit(): fonts that were opened before are no longer valid."""
    _font.cache_clear()


class Typesetter:
    """Makes and keeps pictures of text. light: whether text is lighter than what it stands on."""

    def __init__(self, *, light: bool) -> None:
        self._kept: dict[tuple[str, float, int, tuple[int, int, int]], Picture | None] = {}
        self._widths: dict[tuple[str, float, int], int] = {}
        self._characters: dict[tuple[str, int, float, int, tuple[int, int, int]], pygame.Surface] = {}
        power = _THICKEN_LIGHT if light else _THICKEN_DARK
        self._cover = (255 * (np.arange(256) / 255) ** power + 0.5).astype(np.uint8)

    def picture(self, text: str, px: float, weight: int, colour: tuple[int, int, int]) -> Picture | None:
        """None for an empty text. px: size in pixels."""
        key = (text, px, weight, colour)
        try:
            return self._kept[key]
        except KeyError:
            pass
        if len(self._kept) >= _MOST:
            self._kept.clear()
        made = self._kept[key] = self._make(text, px, weight, colour)
        return made

    def width(self, text: str, px: float, weight: int) -> int:
        """In pixels, rounded up."""
        key = (text, px, weight)
        width = self._widths.get(key)
        if width is None:
            if len(self._widths) >= 4 * _MOST:
                self._widths.clear()
            font, times = _sized(px, weight)
            printed = _printable(text)
            if _FIGURES.issuperset(printed):
                whole = sum(font.size(character)[0] for character in printed)
            else:
                whole = font.size(printed)[0]
            width = self._widths[key] = -(-whole // times)
        return width

    def height(self, px: float, weight: int) -> int:
        """From the highest letter to the lowest, in pixels."""
        font, times = _sized(px, weight)
        return -(-font.get_height() // times)

    def elided(self, text: str, px: float, weight: int, width: float) -> str:
        """As much of a text as there is room for, with "…" where some is left out."""
        if self.width(text, px, weight) <= width:
            return text
        low, high = 0, min(len(text), _LONGEST)
        while low < high:
            middle = (low + high + 1) // 2
            if self.width(_cut(text, middle), px, weight) <= width:
                low = middle
            else:
                high = middle - 1
        return _cut(text, low) if low else ("…" if self.width("…", px, weight) <= width else "")

    def _make(self, text: str, px: float, weight: int, colour: tuple[int, int, int]) -> Picture | None:
        text = _printable(text)
        if not text:
            return None
        font, times = _sized(px, weight)
        if times > 1 and _FIGURES.issuperset(text):
            return self._figure(text, px, weight, colour)
        large = font.render(text, True, colour)
        if not large.get_width() or not large.get_height():
            return None
        above = -font.get_ascent() % times  # so that the baseline lies between two pixels after the reduction
        small = self._reduced(large, colour, times, left=0, above=above)
        return Picture(
            small, (font.get_ascent() + above) // times, small.get_width(), small.get_bounding_rect(8)
        )

    def _figure(self, text: str, px: float, weight: int, colour: tuple[int, int, int]) -> Picture | None:
        font, times = _sized(px, weight)
        above = -font.get_ascent() % times
        size = self.width(text, px, weight), -(-(font.get_height() + above) // times)
        if not size[0] or not size[1]:
            return None
        whole = pygame.Surface(size, pygame.SRCALPHA)
        whole.fill((*colour, 0))
        x = 0
        for character in text:
            if character != " ":
                key = (character, x % times, px, weight, colour)
                small = self._characters.get(key)
                if small is None:
                    if len(self._characters) >= _MOST:
                        self._characters.clear()
                    large = font.render(character, True, colour)
                    small = self._reduced(large, colour, times, left=x % times, above=above)
                    self._characters[key] = small
                whole.blit(small, (x // times, 0), special_flags=pygame.BLEND_RGBA_MAX)
            x += font.size(character)[0]
        return Picture(whole, (font.get_ascent() + above) // times, size[0], whole.get_bounding_rect(8))

    def _reduced(
        self, large: pygame.Surface, colour: tuple[int, int, int], times: int, *, left: int, above: int
    ) -> pygame.Surface:
        """A picture that is so many times too large, moved by so many of its pixels, at its size."""
        width, height = large.get_size()
        size = -(-(width + left) // times), -(-(height + above) // times)
        padded = pygame.Surface((size[0] * times, size[1] * times), pygame.SRCALPHA)
        padded.fill((*colour, 0))  # not black: edges would have a dark rim
        padded.blit(large, (left, above), special_flags=pygame.BLEND_RGBA_MAX)
        small = pygame.transform.smoothscale(padded, size) if times > 1 else padded
        alpha = pygame.surfarray.pixels_alpha(small)
        np.take(self._cover, alpha, out=alpha, mode="clip")
        return small


def _sized(px: float, weight: int) -> tuple[pygame.font.Font, int]:
    """The font, and how many times too large it is. Large text needs less of that, and would cost most."""
    px = max(px, _SMALLEST)
    times = 4 if px < 22 else 2 if px < 44 else 1
    return _font(weight, round(px * times)), times


def _printable(text: str) -> str:
    return text[:_LONGEST].translate(_UNPRINTABLE)


def _cut(text: str, length: int) -> str:
    return text[:length].rstrip(" .,_") + "…"
