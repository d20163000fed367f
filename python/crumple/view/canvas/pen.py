"""Drawing on the canvas: plain pygame calls on a surface that is larger than the window by a whole factor.

At twice the size everything is anti-aliased by the one reduction that follows. At the size of the window (large
windows, where twice the size would take too long) edges get an anti-aliased line instead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pygame
from numpy.typing import NDArray

if TYPE_CHECKING:
    from crumple.view.canvas.camera import Camera
    from crumple.view.theme import Theme

Points = Sequence[tuple[float, float]]
Place = tuple[float, float, float]
Colour = pygame.Color

_FAR = 20_000.0  # pixels from the surface that a shape which is seen whole does not reach
_END = 1e7  # pixels: beyond, SDL's integers end
_FEWEST = 8  # corners of a round end


class Pen:
    """Draws on `surface`, which is `sharp` times as large as the canvas in the window. Widths are pixels at 720p.

    zoomed: shapes may reach far beyond the surface.
    """

    def __init__(self, theme: Theme, surface: pygame.Surface, camera: Camera, sharp: int) -> None:
        self.theme = theme
        self.surface = surface
        self.camera = camera
        self.sharp = sharp
        self.k = theme.k * sharp
        self.zoomed = False
        self.metre = camera.scale * sharp  # pixels of the surface a metre

    def place(self, points: NDArray[np.float64]) -> list[tuple[float, float]]:
        """Pixels of the surface for (n, 2) points [m]."""
        placed: list[tuple[float, float]] = np.clip(
            self.camera.pixels(points) * self.sharp, -_END, _END
        ).tolist()
        return placed

    def put(
        self, frame: Place, points: NDArray[np.float64] | tuple[tuple[float, float], ...]
    ) -> list[tuple[float, float]]:
        """Pixels of the surface for points [m] of a frame (x, y, angle): an array (n, 2), or a tuple of few."""
        x, y, angle = frame
        m = self.metre
        left, top = (x - self.camera.left) * m, (self.camera.top - y) * m
        left, top = min(max(left, -_END), _END), min(max(top, -_END), _END)
        c, s = (m, 0.0) if angle == 0.0 else (m * math.cos(angle), m * math.sin(angle))
        if isinstance(points, tuple):  # a few points are sooner turned than an array is made
            return [(left + c * px - s * py, top - s * px - c * py) for px, py in points]
        if s == 0.0:
            placed: list[tuple[float, float]] = (points * (c, -c) + (left, top)).tolist()
            return placed
        turned: list[tuple[float, float]] = np.add(points.dot(((c, -s), (-s, -c))), (left, top)).tolist()
        return turned

    def spot(self, x: float, y: float) -> tuple[float, float]:
        """The pixel of the surface for a point [m]."""
        px, py = self.camera.pixel(x, y)
        return min(max(px * self.sharp, -_END), _END), min(max(py * self.sharp, -_END), _END)

    def colour(self, name: str) -> Colour:
        """A colour of the palette, or "#RRGGBB"."""
        return pygame.Color(name) if name.startswith("#") else self.theme.colour(name)

    def fill(self, points: Points, colour: Colour) -> None:
        """A filled outline."""
        if len(points) > 2:
            points = self._near(points)
            pygame.draw.polygon(self.surface, colour, points)
            if self.sharp == 1:
                pygame.draw.aalines(self.surface, colour, True, points)

    def _near(self, points: Points) -> Points:
        """An outline cut near the surface's edges where it goes far beyond: SDL walks along all of its lines."""
        if not self.zoomed and not self._is_far(points):
            return points
        return clipped(points, self.surface.get_rect().inflate(64, 64)) or [(-9.0, -9.0)] * 3

    def _is_far(self, points: Points) -> bool:
        """Whether some of the points (of many, each fifth or so) lie far beyond the surface."""
        for x, y in points if len(points) < 9 else points[:: len(points) // 5]:
            if not (-_FAR < x < _FAR and -_FAR < y < _FAR):
                return True
        return False

    def _far_line(self, points: Points, colour: Colour, width: float, *, closed: bool) -> None:
        bounds = self.surface.get_rect().inflate(64, 64)
        for a, b in pairwise([*points, points[0]] if closed else points):
            seen = bounds.clipline(a, b)
            if seen:
                pygame.draw.line(self.surface, colour, seen[0], seen[1], max(1, round(width * self.k)))

    def line(self, points: Points, colour: Colour, width: float = 1.6, *, closed: bool = False) -> None:
        """A line up to 2 px wide; a thicker one, or one without corners, is for `bar`."""
        if len(points) < 2:
            return
        if self._is_far(points):
            self._far_line(points, colour, width, closed=closed)
            return
        wide = width * self.k
        if self.sharp == 1 or wide < 1.5:
            pygame.draw.aalines(self.surface, colour, closed, points)
        if wide >= 1.5:
            pygame.draw.lines(self.surface, colour, closed, points, max(1, round(wide)))

    def dashed(
        self,
        points: Points,
        colour: Colour,
        width: float = 1.25,
        *,
        dash: float = 6.0,
        gap: float | None = None,
        phase: float = 0.0,
    ) -> None:
        """A dashed line; dash and gap in pixels at 720p."""
        on, off = dash * self.k, (dash if gap is None else gap) * self.k
        if on + off < 2:
            self.line(points, colour, width)
            return
        wide = max(1, round(width * self.k))
        at = -phase * self.k % (on + off)
        bounds = self.surface.get_rect().inflate(8, 8)
        for (x0, y0), (x1, y1) in pairwise(points):
            length = math.hypot(x1 - x0, y1 - y0)
            if length < 1e-6:
                continue
            clipped = bounds.clipline((x0, y0), (x1, y1))
            if not clipped:
                at = (at + length) % (on + off)
                continue
            skip = math.hypot(clipped[0][0] - x0, clipped[0][1] - y0)
            end = math.hypot(clipped[1][0] - x0, clipped[1][1] - y0)
            along = -at + (on + off) * max(0, math.floor((skip + at) / (on + off)))
            while along < end:
                a, b = max(along, 0.0) / length, min(along + on, length) / length
                if b > a:
                    ends = [
                        (x0 + a * (x1 - x0), y0 + a * (y1 - y0)),
                        (x0 + b * (x1 - x0), y0 + b * (y1 - y0)),
                    ]
                    if wide <= 3 or x0 == x1 or y0 == y1:
                        pygame.draw.line(self.surface, colour, ends[0], ends[1], wide)
                    else:
                        self.bar(ends, colour, width, cap=False)
                along += on + off
            at = (at + length) % (on + off)

    def bar(
        self, points: Points, colour: Colour, width: float, *, cap: bool = True, metric: bool = False
    ) -> None:
        """A thick line with round corners and, with `cap`, round ends. width: pixels at 720p, or metres."""
        half = (width * self.metre if metric else width * self.k) / 2
        if half < 0.6:
            pygame.draw.aalines(self.surface, colour, False, points)
            return
        for (x0, y0), (x1, y1) in pairwise(points):
            length = math.hypot(x1 - x0, y1 - y0)
            if length > 1e-6:
                nx, ny = (y0 - y1) / length * half, (x1 - x0) / length * half
                self.fill(
                    [(x0 + nx, y0 + ny), (x1 + nx, y1 + ny), (x1 - nx, y1 - ny), (x0 - nx, y0 - ny)], colour
                )
        for x, y in points if cap else points[1:-1]:
            self.disc((x, y), half, colour)

    def disc(self, centre: tuple[float, float], radius: float, colour: Colour, width: float = 0) -> None:
        """A disc, or a ring `width` wide inwards. Pixels of the surface."""
        if radius < 0.5 or not self.near(centre, radius):
            return
        if radius > _FAR / 4:
            self.fill([(x, y) for x, y in arc(centre, radius, 0.0, math.tau, steps=720).tolist()], colour)
            return
        if self.sharp == 1:
            pygame.draw.aacircle(self.surface, colour, centre, radius, max(0, round(width)))
        else:
            pygame.draw.circle(self.surface, colour, centre, radius, max(0, round(width)))

    def near(self, centre: tuple[float, float], radius: float) -> bool:
        """Whether a disc can be seen at all."""
        width, height = self.surface.get_size()
        x, y = centre
        return -radius < x < width + radius and -radius < y < height + radius

    def soft(self, points: Points, colour: Colour, alpha: float) -> None:
        """A filled outline through which one sees; alpha from 0 to 1. Only its bounding box is blended."""
        if len(points) < 3 or alpha <= 0:
            return
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        box = pygame.Rect(
            math.floor(min(xs)) - 1,
            math.floor(min(ys)) - 1,
            math.ceil(max(xs) - min(xs)) + 3,
            math.ceil(max(ys) - min(ys)) + 3,
        )
        box = box.clip(self.surface.get_rect())
        if box.width < 1 or box.height < 1:
            return
        if alpha >= 1:
            self.fill(points, colour)
            return
        sprite = pygame.Surface(box.size, pygame.SRCALPHA)  # alpha in each pixel: SDL is fastest at that
        sprite.fill((*colour[:3], 0))
        pygame.draw.polygon(
            sprite, (*colour[:3], round(255 * alpha)), [(x - box.x, y - box.y) for x, y in points]
        )
        self.surface.blit(sprite, box)


def smooth(
    points: Sequence[tuple[float, float]], *, closed: bool = False, steps: int = 6
) -> NDArray[np.float64]:
    """A Catmull-Rom curve through points: (n, 2)."""
    p = np.asarray(points, float)
    if len(p) < 3:
        return p
    before = np.vstack([p[-1:], p, p[:2]]) if closed else np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    a, b, c, d = before[:-3, None], before[1:-2, None], before[2:-1, None], before[3:, None]
    u = np.linspace(0.0, 1.0, steps, endpoint=False)[None, :, None]
    curve = 0.5 * (2 * b + (c - a) * u + (2 * a - 5 * b + 4 * c - d) * u**2 + (3 * b - a - 3 * c + d) * u**3)
    flat = curve.reshape(-1, 2)
    return flat if closed else np.vstack([flat, p[-1:]])


@lru_cache(maxsize=512)
def _turns(start: float, end: float, n: int) -> NDArray[np.float64]:
    """Points of the unit circle: (n + 1, 2), read-only."""
    angles = np.linspace(start, end, n + 1)
    points = np.column_stack([np.cos(angles), np.sin(angles)])
    points.flags.writeable = False
    return points


def arc(
    centre: tuple[float, float], radius: float, start: float, end: float, *, steps: int = 0
) -> NDArray[np.float64]:
    """Points of an arc [rad], counter-clockwise from `start` to `end`: (n, 2)."""
    n = steps or max(_FEWEST, math.ceil(abs(end - start) / 0.12))
    return _turns(start, end, n) * radius + centre


def clipped(points: Points, box: pygame.Rect) -> Points:
    """An outline cut to a rectangle (Sutherland and Hodgman 1974), so that nothing outside of it is filled."""
    for axis, limit, sign in ((0, box.left, 1), (0, box.right, -1), (1, box.top, 1), (1, box.bottom, -1)):
        out: list[tuple[float, float]] = []
        p = points[-1]
        for q in points:
            inside_p, inside_q = sign * (p[axis] - limit) >= 0, sign * (q[axis] - limit) >= 0
            if inside_p != inside_q:
                share = (limit - p[axis]) / (q[axis] - p[axis])
                out.append((p[0] + share * (q[0] - p[0]), p[1] + share * (q[1] - p[1])))
            if inside_q:
                out.append(q)
            p = q
        points = out
        if not points:
            break
    return points
