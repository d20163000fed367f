"""What is written on the canvas, after its reduction, at the resolution of the window: nothing overlaps.

Texts with a fixed place come first and take it; labels then look for room near what they are about. A label that
finds none is left out rather than put over another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import pygame

from crumple.view.theme import Run

if TYPE_CHECKING:
    from crumple.view.theme import Theme

Pixel = tuple[float, float]

_ROWS = (46.0, 66.0)  # baselines of labels above the scene, from its upper edge, at 720 lines
_END = 1e6  # pixels: further away nothing needs to be told apart
_FAR = 96.0  # from the row to what it is about, at most
_MARGIN, _GAP = 16.0, 26.0


class Board:
    """Where texts stand. rect: the canvas in the window; everything here is in pixels of the window."""

    def __init__(self, theme: Theme, surface: pygame.Surface, rect: pygame.Rect) -> None:
        self.theme = theme
        self.surface = surface
        self.rect = rect
        self.taken: list[pygame.Rect] = []

    def at(self, pixel: Pixel) -> Pixel:
        """The pixel of the window for one of the canvas."""
        x, y = (min(max(value, -_END), _END) for value in pixel)
        return x + self.rect.x, y + self.rect.y

    def size(self, runs: Sequence[Run], gap: float = 5) -> tuple[int, int, int]:
        """Width, height above and below the baseline of a line of text."""
        px = self.theme.px
        above = max((run.size for run in runs), default=0)
        return self.theme.measure_line(runs, gap=gap), px(above * 0.78), px(above * 0.24)

    def box(self, runs: Sequence[Run], baseline: Pixel, anchor: str = "left", gap: float = 5) -> pygame.Rect:
        """The room that a line of text takes."""
        baseline = min(max(baseline[0], -2 * _END), 2 * _END), min(max(baseline[1], -2 * _END), 2 * _END)
        width, above, below = self.size(runs, gap)
        x = baseline[0] - {"left": 0.0, "center": width / 2, "right": width}[anchor]
        return pygame.Rect(round(x), round(baseline[1]) - above, width, above + below)

    def fixed(
        self, runs: Sequence[Run], baseline: Pixel, anchor: str = "left", *, gap: float = 5
    ) -> pygame.Rect | None:
        """Writes a line at its place, moved so far that it stays on the canvas; not where it would cover another."""
        box = self.box(runs, baseline, anchor, gap)
        inside = box.clamp(self.inner())
        if not self.inner().contains(inside) or not self.is_free(inside):
            return None
        self._write(runs, inside, gap)
        return inside

    def inner(self) -> pygame.Rect:
        """The canvas without its margin."""
        edge = self.theme.px(6)
        return self.rect.inflate(-2 * edge, -2 * edge)

    def is_free(self, box: pygame.Rect) -> bool:
        """Whether nothing else stands there."""
        return box.collidelist(self.taken) < 0

    def take(self, box: pygame.Rect) -> None:
        """Keep labels away from there."""
        self.taken.append(box)

    def _write(self, runs: Sequence[Run], box: pygame.Rect, gap: float) -> None:
        above = self.size(runs, gap)[1]
        self.theme.line(self.surface, runs, (box.x, box.y + above), gap=gap)
        edge = self.theme.px(4)
        self.taken.append(box.inflate(2 * edge, edge))

    # ---- labels

    def rows(self, labels: Iterable[tuple[list[Run], Pixel]], colour: str = "text_3") -> None:
        """Labels in a row above the scene, from left to right as what they are about, each with a line to it."""
        px, inner = self.theme.px, self.inner()
        waiting = sorted(labels, key=lambda label: label[1][0])
        highest = min((point[1] for _, point in waiting), default=0.0) - self.rect.y
        lower = max(0.0, highest - px(_FAR + _ROWS[0]))  # on a tall canvas the row comes down to the scene
        for row in _ROWS:
            y = self.rect.y + px(row) + lower
            waiting = self._row(waiting, y, inner, colour)
        for runs, point in waiting:
            self.beside([runs], point, ("above", "right", "left", "below"), colour)

    def _row(
        self, labels: list[tuple[list[Run], Pixel]], y: float, inner: pygame.Rect, colour: str
    ) -> list[tuple[list[Run], Pixel]]:
        """Puts as many labels into a row as have room; gives back the others."""
        gap = self.theme.px(_GAP)
        widths = [self.size(runs)[0] for runs, _ in labels]
        lefts = [point[0] - width / 2 for (_, point), width in zip(labels, widths, strict=True)]
        left = float(inner.x + self.theme.px(_MARGIN) - self.theme.px(6))
        for n, width in enumerate(widths):
            lefts[n] = max(lefts[n], left)
            left = lefts[n] + width + gap
        right = float(inner.right - self.theme.px(_MARGIN) + self.theme.px(6))
        for n in range(len(labels) - 1, -1, -1):
            lefts[n] = min(lefts[n], right - widths[n])
            right = lefts[n] - gap
        over = []
        for (runs, point), x in zip(labels, lefts, strict=True):
            box = self.box(runs, (x, y))
            if not inner.contains(box) or not self.is_free(box) or point[1] < box.bottom:
                over.append((runs, point))
                continue
            self._write(runs, box, 5)
            self.lead(
                (min(max(point[0], box.x + 6), box.right - 6), box.bottom + self.theme.px(3)), point, colour
            )
        return over

    def beside(
        self, lines: list[list[Run]], point: Pixel, sides: Sequence[str], colour: str, *, off: float = 16
    ) -> bool:
        """A label of one or more lines near a point, on the first side that has room; else it is left out."""
        px = self.theme.px
        sizes = [self.size(runs) for runs in lines]
        width = max(size[0] for size in sizes)
        leading = px(3)
        height = sum(a + b for _, a, b in sizes) + leading * (len(lines) - 1)
        inner = self.inner()
        for far in (1.0, 2.0, 3.5, 5.0):
            d = px(off) * far
            for side in sides:
                x, y = point
                corner = {
                    "above": (x - width / 2, y - d - height),
                    "below": (x - width / 2, y + d),
                    "right": (x + d, y - height / 2),
                    "left": (x - d - width, y - height / 2),
                }[side]
                box = pygame.Rect(round(corner[0]), round(corner[1]), width, height).clamp(inner)
                moved = math.hypot(box.x - corner[0], box.y - corner[1])
                if (
                    not inner.contains(box)
                    or moved > d + width
                    or not self.is_free(box)
                    or box.collidepoint(point)
                ):
                    continue
                top = box.y
                for runs, (wide, above, below) in zip(lines, sizes, strict=True):
                    line = pygame.Rect(
                        box.x if side != "left" else box.right - wide, top, wide, above + below
                    )
                    self._write(runs, line, 5)
                    top += above + below + leading
                if far > 1.0 or moved > 4:
                    near = (min(max(x, box.x), box.right), min(max(y, box.y), box.bottom))
                    self.lead(near, point, colour)
                return True
        return False

    def lead(self, start: Pixel, end: Pixel, colour: str) -> None:
        """A hairline from a label to a dot on what it is about."""
        if not self.rect.collidepoint(end):
            return
        ink = self.theme.colour(colour)
        pygame.draw.aaline(self.surface, ink, start, end)
        if start[0] != end[0] and self.theme.k >= 1.5:  # on large windows one pixel is too thin
            pygame.draw.aaline(self.surface, ink, (start[0] + 0.5, start[1]), (end[0] + 0.5, end[1]))
        pygame.draw.aacircle(self.surface, ink, (round(end[0]), round(end[1])), max(2, self.theme.px(2)))


Note = Callable[[Board], None]
