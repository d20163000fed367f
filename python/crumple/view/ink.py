"""Shapes with smooth edges. pygame's own have none, or are dear: so round ones are computed, pixel by pixel, and others
drawn four times too large and reduced.

What looks the same again and again (corners, bars, hatches, discs) is kept. Lengths are pixels of the window. Colours
are opaque: mix them beforehand (`Theme.mix`). Horizontal and vertical lines are filled rectangles, always crisp.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import pygame
from numpy.typing import NDArray

from crumple.view.palette import Rgb

Point = tuple[float, float]

TIMES = 4  # how many times too large
_MOST = 1_000  # pictures kept
_kept: dict[object, pygame.Surface] = {}


def sprite(
    key: object, size: tuple[int, int], colour: Rgb, paint: Callable[[pygame.Surface, int], None]
) -> pygame.Surface:
    """A picture of `size` with transparent ground, painted once for each key.

    paint: is given a surface that is TIMES too large in both directions, and TIMES. Where it paints
    (*colour, 0) there is a hole.
    """
    found = _kept.get(key)
    if found is not None:
        return found
    if len(_kept) >= _MOST:
        _kept.clear()
    size = max(size[0], 1), max(size[1], 1)
    large = pygame.Surface((size[0] * TIMES, size[1] * TIMES), pygame.SRCALPHA)
    large.fill((*colour, 0))  # not black: edges would have a dark rim
    paint(large, TIMES)
    made = _kept[key] = pygame.transform.smoothscale(large, size)
    return made


def rounded(surface: pygame.Surface, rect: pygame.Rect, colour: Rgb, radius: float) -> None:
    """A filled rectangle with round corners."""
    radius = min(radius, rect.width / 2, rect.height / 2)
    r = math.ceil(radius)
    if r < 1:
        surface.fill(colour, rect)
        return
    wide, tall = rect.width - 2 * r, rect.height - 2 * r
    if wide > 0:
        surface.fill(colour, (rect.left + r, rect.top, wide, rect.height))
    if tall > 0:
        surface.fill(colour, (rect.left, rect.top + r, rect.width, tall))
    _put_corners(surface, rect, _corners(radius, colour, outside=False))


def bar(surface: pygame.Surface, rect: pygame.Rect, colour: Rgb) -> None:
    """A bar with round ends; the shortest is a disc."""
    if rect.width > 0:
        wide = pygame.Rect(rect.left, rect.top, max(rect.width, rect.height), rect.height)
        rounded(surface, wide, colour, rect.height / 2)


def corners_cut(surface: pygame.Surface, rect: pygame.Rect, ground: Rgb, radius: float) -> None:
    """Covers the corners of what was drawn in `rect` with the ground it lies on, so that they look round."""
    radius = min(radius, rect.width / 2, rect.height / 2)
    if radius >= 1:
        _put_corners(surface, rect, _corners(radius, ground, outside=True))


def hatch(
    surface: pygame.Surface, rect: pygame.Rect, colour: Rgb, *, pitch: float = 6, width: float = 1.2
) -> None:
    """Rising lines over what is there. They run through from one rectangle to the next.

    pitch: from line to line, along x.   width: of a line.
    """
    step = max(round(pitch), 2)
    part = rect.clip(surface.get_clip())
    if not part.width or not part.height:
        return
    wide, tall = (part.width // 64 + 2) * 64, min(-(-part.height // 16) * 16, 512)
    key = ("hatch", wide, tall, step, width, colour)
    lines = _kept.get(key)
    if lines is None:
        x, y = np.ogrid[:wide, :tall]
        across = (x + y) % step  # 0 on a line
        away = np.minimum(across, step - across) * math.sqrt(0.5)
        lines = _keep(key, np.clip(width / 2 + 0.5 - away, 0.0, 1.0), colour)
    for top in range(part.top, part.bottom, tall):
        shift = (part.left + top) % step
        surface.blit(lines, (part.left, top), (shift, 0, part.width, min(tall, part.bottom - top)))


def hatched_bar(
    surface: pygame.Surface,
    rect: pygame.Rect,
    colour: Rgb,
    *,
    pitch: float,
    width: float,
    ground: Rgb,
    right: bool = True,
) -> None:
    """A bar of slanted lines with round ends; the right one is cut straight where `right` is False.

    ground: what it stands on, seen through the corners."""
    hatch(surface, rect, colour, pitch=pitch, width=width)
    longer = rect if right else pygame.Rect(rect.left, rect.top, rect.width + rect.height, rect.height)
    clip = surface.get_clip()
    surface.set_clip(rect.clip(clip))
    corners_cut(surface, longer, ground, rect.height / 2)
    surface.set_clip(clip)


def disc(surface: pygame.Surface, centre: Point, radius: float, colour: Rgb) -> None:
    """A disc; its place is kept to a quarter of a pixel."""
    ring(surface, centre, radius / 2, colour, radius)


def ring(surface: pygame.Surface, centre: Point, radius: float, colour: Rgb, width: float) -> None:
    """A circle; radius: to the middle of its line."""
    x, y = round(centre[0] * 4) / 4, round(centre[1] * 4) / 4
    outer, inner = radius + width / 2, radius - width / 2
    left, top = math.floor(x - outer), math.floor(y - outer)
    key = ("ring", x - left, y - top, radius, width, colour)
    made = _kept.get(key)
    if made is None:
        away = _distance(math.ceil(2 * outer) + 2, x - left, y - top)
        cover = np.clip(outer + 0.5 - away, 0.0, 1.0)
        if inner > 0:
            cover *= np.clip(away - inner + 0.5, 0.0, 1.0)
        made = _keep(key, cover, colour)
    surface.blit(made, (left, top))


def polygon(surface: pygame.Surface, points: Sequence[Point], colour: Rgb) -> None:
    """A filled polygon with smooth edges. Not kept: for what moves draw on a larger surface and reduce that."""

    def paint(large: pygame.Surface, corner: Point) -> None:
        pygame.draw.polygon(
            large, colour, [((x - corner[0]) * TIMES, (y - corner[1]) * TIMES) for x, y in points]
        )

    _once(surface, points, 1.0, colour, paint)


def stroke(
    surface: pygame.Surface, points: Sequence[Point], colour: Rgb, width: float, *, closed: bool = False
) -> None:
    """A line with round ends and joints and smooth edges; not kept either."""

    def paint(large: pygame.Surface, corner: Point) -> None:
        moved = [((x - corner[0]) * TIMES, (y - corner[1]) * TIMES) for x, y in points]
        thick_line(large, colour, moved, width * TIMES, closed=closed)

    _once(surface, points, width, colour, paint)


def arrow(
    surface: pygame.Surface, tail: Point, tip: Point, colour: Rgb, *, width: float, head: float
) -> None:
    """A line with a filled head at `tip`; head: its length."""
    length = math.dist(tail, tip)
    if length <= 0:
        return
    back = max(length - head, 0.0) / length
    neck = (tail[0] + (tip[0] - tail[0]) * back, tail[1] + (tip[1] - tail[1]) * back)
    stroke(surface, [tail, neck], colour, width)
    polygon(surface, arrow_head(tail, tip, head), colour)


def arrow_head(tail: Point, tip: Point, head: float) -> list[Point]:
    """The corners of an arrow's head, the tip first; its width is 0.7 of its length."""
    length = math.dist(tail, tip) or 1.0
    ux, uy = (tip[0] - tail[0]) / length, (tip[1] - tail[1]) / length
    x, y = tip[0] - ux * head, tip[1] - uy * head
    half = 0.35 * head
    return [tip, (x - uy * half, y + ux * half), (x + uy * half, y - ux * half)]


def dashed_across(
    surface: pygame.Surface, colour: Rgb, left: int, right: int, y: int, *, on: int, off: int
) -> None:
    """A dashed horizontal line, one dash high as a hairline."""
    thick = max(1, on // 4)
    for x in range(left, right, on + off):
        surface.fill(colour, (x, y, min(on, right - x), thick))


def dashed_down(
    surface: pygame.Surface, colour: Rgb, x: int, top: int, bottom: int, *, on: int, off: int
) -> None:
    """A dashed vertical line."""
    thick = max(1, on // 4)
    for y in range(top, bottom, on + off):
        surface.fill(colour, (x, y, thick, min(on, bottom - y)))


def dashes(points: Sequence[Point], on: float, off: float) -> Iterator[tuple[Point, Point]]:
    """The dashes along a line of many points; the pattern runs through its corners."""
    left, drawing = on, True
    for a, b in pairwise(points):
        length = math.dist(a, b)
        done = 0.0
        while done < length:
            step = min(left, length - done)
            if drawing:
                p, q = done / length, (done + step) / length
                yield (
                    (a[0] + (b[0] - a[0]) * p, a[1] + (b[1] - a[1]) * p),
                    (a[0] + (b[0] - a[0]) * q, a[1] + (b[1] - a[1]) * q),
                )
            done += step
            left -= step
            if left <= 0:
                drawing = not drawing
                left = on if drawing else off


def capsule(surface: pygame.Surface, colour: Rgb, a: Point, b: Point, width: float) -> None:
    """A thick line with round ends. Its edges are hard: for a surface that will be reduced."""
    radius = width / 2
    length = math.dist(a, b)
    if length > 0:
        nx, ny = -(b[1] - a[1]) / length * radius, (b[0] - a[0]) / length * radius
        corners = [
            (a[0] + nx, a[1] + ny),
            (b[0] + nx, b[1] + ny),
            (b[0] - nx, b[1] - ny),
            (a[0] - nx, a[1] - ny),
        ]
        pygame.draw.polygon(surface, colour, corners)
        pygame.draw.circle(surface, colour, b, radius)
    pygame.draw.circle(surface, colour, a, radius)


def thick_line(
    surface: pygame.Surface, colour: Rgb, points: Sequence[Point], width: float, *, closed: bool = False
) -> None:
    """Capsules from point to point, hard-edged: for a surface that will be reduced."""
    if len(points) == 1:
        pygame.draw.circle(surface, colour, points[0], width / 2)
    for a, b in pairwise(points):
        capsule(surface, colour, a, b, width)
    if closed and len(points) > 2:
        capsule(surface, colour, points[-1], points[0], width)


def _corners(radius: float, colour: Rgb, *, outside: bool) -> pygame.Surface:
    """Four corners in one picture, each as large as the next whole number."""
    key = ("corners", radius, colour, outside)
    found = _kept.get(key)
    if found is not None:
        return found
    quarter = np.clip(radius + 0.5 - _distance(math.ceil(radius), radius, radius), 0.0, 1.0)
    half = np.concatenate((quarter, quarter[::-1]), axis=0)
    cover = np.concatenate((half, half[:, ::-1]), axis=1)
    return _keep(key, 1.0 - cover if outside else cover, colour)


def _put_corners(surface: pygame.Surface, rect: pygame.Rect, corners: pygame.Surface) -> None:
    """Where two of them meet in the middle of an odd length, each gets its part."""
    size = corners.get_width()
    left, top = min(size // 2, -(-rect.width // 2)), min(size // 2, -(-rect.height // 2))
    right, bottom = min(size // 2, rect.width - left), min(size // 2, rect.height - top)
    x, y = rect.right - right, rect.bottom - bottom
    surface.blit(corners, rect.topleft, (0, 0, left, top))
    surface.blit(corners, (x, rect.top), (size - right, 0, right, top))
    surface.blit(corners, (rect.left, y), (0, size - bottom, left, bottom))
    surface.blit(corners, (x, y), (size - right, size - bottom, right, bottom))


def _distance(size: int, x: float, y: float) -> NDArray[np.float64]:
    """(size, size) from the middle of each pixel to a point, in pixels."""
    middles = np.arange(size) + 0.5
    away: NDArray[np.float64] = np.hypot(middles[:, None] - x, middles[None, :] - y)
    return away


def _keep(key: object, cover: NDArray[np.float64], colour: Rgb) -> pygame.Surface:
    """A picture of one colour that covers each pixel so far, (width, height), 0 to 1."""
    if len(_kept) >= _MOST:
        _kept.clear()
    made = pygame.Surface(cover.shape, pygame.SRCALPHA)
    made.fill((*colour, 0))  # not black: edges would have a dark rim
    pygame.surfarray.pixels_alpha(made)[:] = np.round(cover * 255).astype(np.uint8)
    _kept[key] = made
    return made


def _once(
    surface: pygame.Surface,
    points: Sequence[Point],
    width: float,
    colour: Rgb,
    paint: Callable[[pygame.Surface, Point], None],
) -> None:
    if not points:
        return
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    margin = width / 2 + 1
    box = pygame.Rect(math.floor(min(xs) - margin), math.floor(min(ys) - margin), 0, 0)
    box.size = (math.ceil(max(xs) + margin) - box.left, math.ceil(max(ys) + margin) - box.top)
    box = box.clip(surface.get_clip())
    if not box.width or not box.height:
        return
    large = pygame.Surface((box.width * TIMES, box.height * TIMES), pygame.SRCALPHA)
    large.fill((*colour, 0))
    paint(large, box.topleft)
    surface.blit(pygame.transform.smoothscale(large, box.size), box)
