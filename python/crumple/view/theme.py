"""What everything is drawn with: colours, lengths and text at the size of the window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, NamedTuple

import pygame

from crumple.view import palette
from crumple.view.text import DISPLAY, Picture, Typesetter

__all__ = ["DISPLAY", "Drawn", "Run", "Theme"]

Anchor = Literal["left", "center", "right"]
Colour = str | pygame.Color | palette.Rgb

_LEAST = 0.8  # no smaller, or texts could not be read: 1024 x 576


class Run(NamedTuple):
    """A piece of a line: text, size at 720 lines, weight, colour."""

    text: str
    size: float = 13
    weight: int = 400
    colour: Colour = "text"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A text that was drawn. rect: its ink in pixels of the window.   panel: what it must not leave."""

    text: str
    rect: pygame.Rect
    panel: pygame.Rect | None
    colour: palette.Rgb


class Theme:
    """Palette, scale and fonts; one for each size of the window.

    k: pixels for one length of the design, which is made for 1280 x 720.   scale: what the user asks for on top.
    still: nothing moves but time.   drawn: a list where texts that are drawn are noted, for tests; None: they are not.
    """

    def __init__(
        self,
        *,
        dark: bool = True,
        width: int = 1280,
        height: int = 720,
        scale: float = 1.0,
        still: bool = False,
    ) -> None:
        self.dark = dark
        self.still = still
        self.scale = scale
        self.size = (width, height)
        self.k = max(min(width / 1280, height / 720), _LEAST) * scale
        self.drawn: list[Drawn] | None = None
        self._colours = palette.colours(dark=dark)
        self._typesetter = Typesetter(light=dark)
        self._panel: pygame.Rect | None = None
        self._origin = (0, 0)

    def px(self, length: float) -> int:
        """A length of the design in whole pixels; at least one where it is not 0."""
        return round(length * self.k) or (0 if length == 0 else 1 if length > 0 else -1)

    def rgb(self, colour: Colour) -> palette.Rgb:
        """A colour by its name in the palette, or as it is. Raises KeyError for a name that is not there."""
        if isinstance(colour, str):
            return self._colours[colour]
        r, g, b = colour[:3]
        return r, g, b

    def colour(self, name: str) -> pygame.Color:
        """A colour by its name in the palette. Raises KeyError for a name that is not there."""
        return pygame.Color(*self._colours[name])

    def mix(self, a: Colour, b: Colour, part: float) -> pygame.Color:
        """From a (part 0) to b (part 1): what others blend, we compute, since opaque is cheap and exact."""
        return pygame.Color(*palette.mix(self.rgb(a), self.rgb(b), part))

    def tint(self, name: Colour, part: float, *, on: str = "panel") -> pygame.Color:
        """A colour laid thinly over a ground."""
        return self.mix(on, name, part)

    def text(
        self,
        surface: pygame.Surface,
        text: str,
        at: tuple[float, float],
        *,
        size: float = 13,
        weight: int = 400,
        colour: Colour = "text",
        anchor: Anchor = "left",
        width: float | None = None,
    ) -> pygame.Rect:
        """Draws a line of text; `at` is on its baseline, in pixels. Returns where it is, of no size if it is empty.

        size: at 720 lines.   weight: 400, 500, 600 or DISPLAY.   width: pixels there are; more is elided.
        """
        rgb = self.rgb(colour)
        px = size * self.k
        if width is not None:
            text = self._typesetter.elided(text, px, weight, width)
        made = self._typesetter.picture(text, px, weight, rgb)
        if made is None:
            return pygame.Rect(round(at[0]), round(at[1]), 0, 0)
        x = at[0] - (0 if anchor == "left" else made.width if anchor == "right" else made.width / 2)
        rect = surface.blit(made.surface, (round(x), round(at[1]) - made.ascent))
        if self.drawn is not None:
            self._note(text, made, (round(x), round(at[1]) - made.ascent), rgb)
        return rect

    def line(
        self,
        surface: pygame.Surface,
        runs: Sequence[Run],
        at: tuple[float, float],
        *,
        anchor: Anchor = "left",
        gap: float = 6,
        width: float | None = None,
    ) -> pygame.Rect:
        """Draws pieces of text on one baseline, such as name, figure and unit; empty ones leave no gap.

        gap: between two pieces, at 720 lines.   width: pixels there are; the last pieces are elided first.
        """
        runs = [run for run in runs if run.text]
        space = self.px(gap)
        widths = [self._typesetter.width(run.text, run.size * self.k, run.weight) for run in runs]
        if width is not None:
            runs, widths = self._fitted(runs, widths, space, width)
        whole = sum(widths) + space * max(len(runs) - 1, 0)
        x = at[0] - (0 if anchor == "left" else whole if anchor == "right" else whole / 2)
        rect = pygame.Rect(round(x), round(at[1]), 0, 0)
        for run, wide in zip(runs, widths, strict=True):
            drawn = self.text(
                surface, run.text, (x, at[1]), size=run.size, weight=run.weight, colour=run.colour
            )
            rect = rect.union(drawn) if rect.width else drawn
            x += wide + space
        return rect

    def _fitted(
        self, runs: list[Run], widths: list[int], space: int, width: float
    ) -> tuple[list[Run], list[int]]:
        kept: list[Run] = []
        taken: list[int] = []
        for run, wide in zip(runs, widths, strict=True):
            left = width - sum(taken) - space * len(taken)
            if wide > left:
                text = self._typesetter.elided(run.text, run.size * self.k, run.weight, left)
                if len(text) > 1 or (text and not kept):
                    kept.append(run._replace(text=text))
                    taken.append(self._typesetter.width(text, run.size * self.k, run.weight))
                break
            kept.append(run)
            taken.append(wide)
        return kept, taken

    def measure(self, text: str, *, size: float = 13, weight: int = 400) -> tuple[int, int]:
        """Width and height of a text in pixels."""
        px = size * self.k
        return self._typesetter.width(text, px, weight), self._typesetter.height(px, weight)

    def measure_line(self, runs: Sequence[Run], *, gap: float = 6) -> int:
        """Width of what `line` would draw, in pixels."""
        widths = [self.measure(run.text, size=run.size, weight=run.weight)[0] for run in runs if run.text]
        return sum(widths) + self.px(gap) * max(len(widths) - 1, 0)

    def fitting(self, runs: Sequence[Run], width: float, *, gap: float = 6) -> list[Run]:
        """The first pieces of a line, as many as `width` pixels hold whole; the first one in any case."""
        runs = [run for run in runs if run.text]
        while len(runs) > 1 and self.measure_line(runs, gap=gap) > width:
            runs.pop()
        return runs

    def elided(self, text: str, width: float, *, size: float = 13, weight: int = 400) -> str:
        """As much of a text as `width` pixels hold, with "…" where some is left out."""
        return self._typesetter.elided(text, size * self.k, weight, width)

    @contextmanager
    def within(self, panel: pygame.Rect, *, origin: tuple[int, int] = (0, 0)) -> Iterator[None]:
        """What is drawn in the meantime belongs to a panel (in pixels of the window), for tests.

        origin: where in the window the surface lies that is drawn on.
        """
        before = self._panel, self._origin
        self._panel, self._origin = panel, origin
        try:
            yield
        finally:
            self._panel, self._origin = before

    def _note(self, text: str, made: Picture, corner: tuple[int, int], colour: palette.Rgb) -> None:
        assert self.drawn is not None
        rect = made.ink.move(corner[0] + self._origin[0], corner[1] + self._origin[1])
        self.drawn.append(Drawn(text, rect, self._panel, colour))
