"""The small pictures that say a state: the shape says it, the colour repeats it.

Each is drawn in one colour with holes, so it may stand on any ground; no two of the states share a shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import pygame

from crumple.view import ink
from crumple.view.palette import Rgb

Name = Literal[
    "pass",
    "at_risk",
    "fail",
    "inconclusive",
    "error",
    "holding",
    "undecided",
    "done",
    "not_applicable",
    "fault",
    "fault_armed",
    "live",
    "stale",
    "waiting",
    "playing",
    "paused",
    "step",
    "todo",
    "note",
]

_Point = tuple[float, float]
_SMALLEST = 9  # [pixels]


class _Pen:
    """Draws in units of the glyph: it is 1 wide and high, its middle is (0, 0), y points down."""

    def __init__(self, surface: pygame.Surface, colour: Rgb) -> None:
        self._surface = surface
        self._half = surface.get_width() / 2
        self._whole = surface.get_width()
        self._ink = (*colour, 255)
        self._none = (*colour, 0)

    def _at(self, p: _Point) -> _Point:
        return self._half + p[0] * self._whole, self._half + p[1] * self._whole

    def disc(self, radius: float = 0.5, *, hole: bool = False, at: _Point = (0.0, 0.0)) -> None:
        pygame.draw.circle(
            self._surface, self._none if hole else self._ink, self._at(at), radius * self._whole
        )

    def ring(self, width: float = 0.115, radius: float = 0.5) -> None:
        self.disc(radius)
        self.disc(radius - width, hole=True)

    def polygon(self, points: list[_Point], *, hole: bool = False) -> None:
        pygame.draw.polygon(self._surface, self._none if hole else self._ink, [self._at(p) for p in points])

    def line(self, points: list[_Point], width: float = 0.11, *, hole: bool = False) -> None:
        colour = self._none if hole else self._ink
        ink.thick_line(self._surface, colour, [self._at(p) for p in points], width * self._whole)  # type: ignore[arg-type]

    def round_polygon(self, points: list[_Point], radius: float) -> None:
        """With corners rounded by going round it with a thick line."""
        self.polygon(points)
        self.line([*points, points[0]], 2 * radius)


def _pass(pen: _Pen) -> None:
    pen.disc()
    pen.line([(-0.21, 0.02), (-0.06, 0.17), (0.22, -0.15)], 0.12, hole=True)


def _fail(pen: _Pen) -> None:
    pen.disc()
    pen.line([(-0.16, -0.16), (0.16, 0.16)], 0.13, hole=True)
    pen.line([(-0.16, 0.16), (0.16, -0.16)], 0.13, hole=True)


def _exclamation(pen: _Pen, *, top: float, foot: float, width: float) -> None:
    pen.line([(0.0, top), (0.0, foot - 0.24)], width, hole=True)
    pen.disc(width * 0.58, hole=True, at=(0.0, foot))


def _at_risk(pen: _Pen) -> None:
    pen.round_polygon([(0.0, -0.40), (0.43, 0.37), (-0.43, 0.37)], 0.07)
    _exclamation(pen, top=-0.15, foot=0.26, width=0.13)


def _error(pen: _Pen) -> None:
    corners = [math.radians(22.5 + 45 * n) for n in range(8)]
    pen.polygon([(0.53 * math.cos(a), 0.53 * math.sin(a)) for a in corners])
    _exclamation(pen, top=-0.25, foot=0.25, width=0.13)


def _inconclusive(pen: _Pen) -> None:
    pen.ring()
    pen.line([(-0.16, 0.0), (0.16, 0.0)], 0.12)


def _holding(pen: _Pen) -> None:
    pen.ring()
    half = [math.radians(-90 + 6 * n) for n in range(31)]
    pen.polygon([(0.29 * math.cos(a), 0.29 * math.sin(a)) for a in half])


def _done(pen: _Pen) -> None:
    pen.round_polygon([(-0.30, -0.30), (0.30, -0.30), (0.30, 0.30), (-0.30, 0.30)], 0.10)
    pen.polygon([(-0.17, -0.17), (0.17, -0.17), (0.17, 0.17), (-0.17, 0.17)], hole=True)


def _not_applicable(pen: _Pen) -> None:
    pen.ring(0.09)
    pen.line([(-0.30, 0.30), (0.30, -0.30)], 0.09)


_BOLT: list[_Point] = [
    (0.14, -0.50),
    (-0.32, 0.09),
    (-0.04, 0.09),
    (-0.14, 0.50),
    (0.32, -0.11),
    (0.04, -0.11),
]


def _fault(pen: _Pen) -> None:
    pen.polygon(_BOLT)


def _fault_armed(pen: _Pen) -> None:
    pen.line([*_BOLT, _BOLT[0]], 0.07)


def _live(pen: _Pen) -> None:
    pen.ring()
    pen.disc(0.25)


def _stale(pen: _Pen) -> None:
    pen.ring()
    pen.line([(0.0, -0.26), (0.0, 0.0), (0.17, 0.14)], 0.10)


def _waiting(pen: _Pen) -> None:
    for x in (-0.34, 0.0, 0.34):
        pen.disc(0.115, at=(x, 0.0))


def _playing(pen: _Pen) -> None:
    pen.round_polygon([(-0.24, -0.34), (0.36, 0.0), (-0.24, 0.34)], 0.06)


def _paused(pen: _Pen) -> None:
    for x in (-0.2, 0.2):
        pen.line([(x, -0.29), (x, 0.29)], 0.2)


def _step(pen: _Pen) -> None:
    pen.round_polygon([(-0.32, -0.30), (0.14, 0.0), (-0.32, 0.30)], 0.05)
    pen.line([(0.34, -0.30), (0.34, 0.30)], 0.13)


def _todo(pen: _Pen) -> None:
    pen.disc(0.2)


def _note(pen: _Pen) -> None:
    pen.disc()
    pen.disc(0.085, hole=True, at=(0.0, -0.24))
    pen.line([(0.0, -0.02), (0.0, 0.24)], 0.13, hole=True)


_PAINTERS: dict[Name, Callable[[_Pen], None]] = {
    "pass": _pass,
    "at_risk": _at_risk,
    "fail": _fail,
    "inconclusive": _inconclusive,
    "error": _error,
    "holding": _holding,
    "undecided": _holding,
    "done": _done,
    "not_applicable": _not_applicable,
    "fault": _fault,
    "fault_armed": _fault_armed,
    "live": _live,
    "stale": _stale,
    "waiting": _waiting,
    "playing": _playing,
    "paused": _paused,
    "step": _step,
    "todo": _todo,
    "note": _note,
}

NAMES: tuple[Name, ...] = tuple(_PAINTERS)


def draw(surface: pygame.Surface, name: str, centre: _Point, size: float, colour: Rgb) -> pygame.Rect:
    """Draws a glyph of `size` pixels round `centre`. Raises KeyError for a name that is not in NAMES."""
    paint = _PAINTERS[name]  # type: ignore[index]
    side = max(round(size), _SMALLEST)
    key = ("glyph", name, side, tuple(colour[:3]))
    made = ink.sprite(key, (side, side), colour, lambda large, _: paint(_Pen(large, colour)))
    return surface.blit(made, (round(centre[0] - side / 2), round(centre[1] - side / 2)))


def mark(surface: pygame.Surface, corner: _Point, size: float, pulse: Rgb, wall: Rgb) -> pygame.Rect:
    """Crumple's own sign, a pulse that meets a wall; `size` is its height, its width is 1.2 of that."""
    high, wide = round(size), round(size * 1.2)

    def paint_pulse(large: pygame.Surface, times: int) -> None:
        shape = [
            (0.03, 0.5),
            (0.26, 0.5),
            (0.40, 0.10),
            (0.55, 0.86),
            (0.70, 0.10),
            (0.85, 0.80),
            (0.93, 0.50),
        ]
        points = [(x * wide * times, y * high * times) for x, y in shape]
        ink.thick_line(large, pulse, points, 0.075 * wide * times)

    thick = max(1, round(size / 12))
    where = surface.blit(ink.sprite(("mark", high, pulse), (wide, high), pulse, paint_pulse), corner)
    surface.fill(wall, (where.right - thick, where.top, thick, high))
    return where
