"""Plain bodies: box, circle, polygon, capsule, image; and springs, trails and paths."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pygame
from numpy.typing import NDArray

from crumple.view.canvas.pen import arc, smooth
from crumple.view.canvas.stage import Frame, Item, Point, Stage, painter

Outline = tuple[Point, ...]

_TRAIL = 24  # pieces of a trail
_MOST_BYTES = 64 << 20  # of a picture in memory


def _body(stage: Stage, item: Item, frame: Frame, local: Outline | NDArray[np.float64]) -> None:
    """An outline in its frame, filled and edged as its table says."""
    pen, given = stage.pen, item.values
    points = pen.put(frame, local)
    colour = stage.colour(item, "body")
    alpha = given.get("alpha", 1.0)
    alpha = alpha if type(alpha) is float else stage.number(item, "alpha", 1.0)
    if alpha < 1.0:
        pen.soft(points, colour, alpha)
    else:
        pen.fill(points, colour)
    if given.get("edge") or (given.get("colour") is None and given.get("heat") is None):
        pen.line(points, stage.colour(item, "body_edge", "edge"), 1.6, closed=True)
    else:
        pen.line(points, stage.mix(colour, "text" if stage.theme.dark else "window", 0.35), 1.2, closed=True)


@lru_cache(maxsize=1024)
def rounded(w: float, h: float, r: float) -> Outline:
    """A rectangle of half width w and half height h with corners of radius r."""
    if r <= 0:
        return (-w, -h), (w, -h), (w, h), (-w, h)
    middles = ((w - r, h - r), (r - w, h - r), (r - w, r - h), (w - r, r - h))
    return _few([arc(m, r, n * math.pi / 2, (n + 1) * math.pi / 2, steps=6) for n, m in enumerate(middles)])


@lru_cache(maxsize=1024)
def _bar(length: float, radius: float) -> Outline:
    """A bar with round ends along x."""
    half = max(length / 2 - radius, 0.0)
    ends = ((half, -math.pi / 2), (-half, math.pi / 2))
    return _few([arc((x, 0.0), radius, start, start + math.pi, steps=10) for x, start in ends])


def _few(parts: list[NDArray[np.float64]]) -> Outline:
    return tuple((x, y) for x, y in np.vstack(parts).tolist())


@painter("box")
def box(stage: Stage, item: Item) -> None:
    """A rectangle, perhaps with round corners."""
    frame = stage.frame(item.name)
    outline = item.outline
    if outline is None:
        w, h = stage.number(item, "width") / 2, stage.number(item, "height") / 2
        outline = rounded(w, h, min(max(stage.number(item, "corner"), 0.0), w, h))
        if item.constant("width", "height", "corner"):
            item.outline = outline
    if frame is not None and item.name not in stage.missing:
        _body(stage, item, frame, outline)


@painter("circle")
def circle(stage: Stage, item: Item) -> None:
    """A disc."""
    frame = stage.frame(item.name)
    radius = stage.number(item, "radius")
    if frame is None or item.name in stage.missing:
        return
    alpha = stage.number(item, "alpha", 1.0)
    if alpha < 1.0:
        _body(stage, item, frame, arc((0.0, 0.0), radius, 0.0, math.tau, steps=48))
        return
    pen = stage.pen
    centre, r = pen.spot(frame.x, frame.y), radius * pen.metre
    colour = stage.colour(item, "body")
    plain = item.values.get("colour") is None and item.values.get("heat") is None
    edge = (
        stage.colour(item, "body_edge", "edge")
        if plain or item.values.get("edge")
        else stage.mix(colour, "text" if stage.theme.dark else "window", 0.35)
    )
    pen.disc(centre, r, edge)
    pen.disc(centre, r - 1.4 * pen.k, colour)


@painter("polygon")
def polygon(stage: Stage, item: Item) -> None:
    """Any outline."""
    frame = stage.frame(item.name)
    outline = item.outline
    if outline is None:
        points = _points(stage, item)
        if points is None:
            return
        outline = _few([smooth(points, closed=True)]) if item.values.get("smooth") else tuple(points)
        if all(type(number) is float for point in item.values["points"] for number in point):
            item.outline = outline
    if frame is None or item.name in stage.missing:
        return
    _body(stage, item, frame, outline)
    if item.name in stage.wanted:
        stage.anchors[item.name, ""] = frame.point(*np.mean(outline, axis=0).tolist())


def _points(stage: Stage, item: Item) -> list[Point] | None:
    """The points of a shape in its frame; None where one has no sample."""
    points = [stage.pair(item, point) for point in item.values["points"]]
    return None if None in points else [point for point in points if point is not None]


@painter("capsule")
def capsule(stage: Stage, item: Item) -> None:
    """A bar with round ends."""
    frame = stage.frame(item.name)
    outline = item.outline
    if outline is None:
        outline = _bar(stage.number(item, "length"), stage.number(item, "radius"))
        if item.constant("length", "radius"):
            item.outline = outline
    if frame is not None and item.name not in stage.missing:
        _body(stage, item, frame, outline)


# ---- images

_images: dict[tuple[Path, int], pygame.Surface | None] = {}
_turned: dict[tuple[Path, int, int, int, int], pygame.Surface] = {}


def _image(path: Path) -> pygame.Surface | None:
    """A picture from a file; None where there is none that can be read."""
    try:
        key = (path, path.stat().st_mtime_ns)
    except OSError:
        return None
    if key not in _images:
        try:
            loaded = pygame.image.load(str(path))
            fits = loaded.get_width() * loaded.get_height() * 4 <= _MOST_BYTES
            depth32 = pygame.Surface(loaded.get_size(), pygame.SRCALPHA) if fits else None
            if depth32 is not None:
                depth32.blit(loaded, (0, 0))
            _images[key] = depth32
        except (pygame.error, OSError):
            _images[key] = None
    return _images[key]


@painter("image")
def image(stage: Stage, item: Item) -> None:
    """A picture from a file beside the scene; a dashed box where it cannot be read."""
    frame = stage.frame(item.name)
    width = stage.number(item, "width")
    if frame is None or item.name in stage.missing or width <= 0:
        return
    pen = stage.pen
    path = None if stage.folder is None else stage.folder / str(item.values["file"])
    loaded = None if path is None else _image(path)
    height = stage.number(
        item, "height", width * (loaded.get_height() / loaded.get_width() if loaded else 1.0)
    )
    if loaded is None or path is None:
        w, h = width / 2, height / 2
        corners = frame.to_ground(np.array([(-w, -h), (w, -h), (w, h), (-w, h), (-w, -h)]))
        pen.dashed(pen.place(corners), stage.theme.colour("ghost"), 1.25)
        stage.lacks(item)
        return
    size = max(1, round(width * pen.metre)), max(1, round(height * pen.metre))
    if size[0] * size[1] * 4 > _MOST_BYTES:
        return  # zoomed so far in that the picture would fill the memory
    key = (path, size[0], size[1], round(math.degrees(frame.angle) * 4), id(loaded))
    if key not in _turned:
        if len(_turned) > 64:
            _turned.clear()
        scaled = pygame.transform.smoothscale(loaded, size)
        _turned[key] = (
            scaled if frame.angle == 0 else pygame.transform.rotozoom(scaled, math.degrees(frame.angle), 1.0)
        )
    sprite = _turned[key]
    x, y = pen.spot(frame.x, frame.y)
    sprite.set_alpha(round(255 * min(max(stage.number(item, "alpha", 1.0), 0.0), 1.0)))
    pen.surface.blit(sprite, (x - sprite.get_width() / 2, y - sprite.get_height() / 2))


# ---- lines


@painter("spring")
def spring(stage: Stage, item: Item) -> None:
    """Coils between two points, straight at both ends."""
    frame = stage.carrier(item)
    a, b = stage.pair(item, item.values["from"]), stage.pair(item, item.values["to"])
    if frame is None or a is None or b is None:
        return
    a, b = frame.point(*a), frame.point(*b)
    width, turns = stage.number(item, "width"), item.values["turns"]
    length = math.hypot(b[0] - a[0], b[1] - a[1])
    if length < 1e-9:
        return
    along = np.array([(b[0] - a[0]) / length, (b[1] - a[1]) / length])
    across = np.array([-along[1], along[0]])
    share = np.array([0.0, 0.1, *(0.1 + 0.8 * (np.arange(2 * turns) + 0.5) / (2 * turns)), 0.9, 1.0])
    off = np.array([0.0, 0.0, *(0.5 - (np.arange(2 * turns) % 2)), 0.0, 0.0]) * width
    points = np.array(a) + share[:, None] * length * along + off[:, None] * across
    pen = stage.pen
    colour = stage.colour(item, "body_edge")
    pen.bar(pen.place(points), colour, 2.0)
    for end in (points[0], points[-1]):
        pen.disc(pen.spot(float(end[0]), float(end[1])), 3 * pen.k, colour)
    stage.anchors[item.name, ""] = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)


@painter("trail")
def trail(stage: Stage, item: Item) -> None:
    """Where a point was in the last while, fading towards the past."""
    values = stage.values
    span = stage.number(item, "duration", 1.0)
    begin = max(values.session.start, values.t - span)
    if not values.t > begin:
        return
    times = [begin + (values.t - begin) * n / _TRAIL for n in range(_TRAIL + 1)]
    pen = stage.pen
    points = []
    for t in times:
        x, y = values.past(item.values["x"], t), values.past(item.values["y"], t)
        points.append(None if x is None or y is None else pen.spot(x, y))
    known = [point for point in points if point is not None]
    half = max(stage.number(item, "width", 2.0) * pen.k / 2, 0.5)
    box = _around(known, half).clip(pen.surface.get_rect())
    if box.width < 1 or box.height < 1:
        return
    colour = stage.colour(item, "signal_2")
    sprite = pygame.Surface(box.size, pygame.SRCALPHA)
    sprite.fill((*colour[:3], 0))
    for n, (p, q) in enumerate(pairwise(points)):
        length = 0.0 if p is None or q is None else math.hypot(q[0] - p[0], q[1] - p[1])
        if p is None or q is None or length < 1e-6:
            continue
        dx, dy = (p[1] - q[1]) / length * half, (q[0] - p[0]) / length * half
        ends = (
            (p[0] + dx, p[1] + dy),
            (q[0] + dx, q[1] + dy),
            (q[0] - dx, q[1] - dy),
            (p[0] - dx, p[1] - dy),
        )
        share = max((times[n + 1] - values.t + span) / span, 0.0)
        shade = (*colour[:3], round(230 * share**1.5))
        pygame.draw.polygon(sprite, shade, [(x - box.x, y - box.y) for x, y in ends])
    pen.surface.blit(sprite, box)


def _around(points: list[Point], margin: float) -> pygame.Rect:
    """The pixels that a line of half width `margin` touches."""
    if not points:
        return pygame.Rect(0, 0, 0, 0)
    left, top = min(x for x, _ in points) - margin, min(y for _, y in points) - margin
    right, bottom = max(x for x, _ in points) + margin, max(y for _, y in points) + margin
    return pygame.Rect(
        math.floor(left), math.floor(top), math.ceil(right - left) + 2, math.ceil(bottom - top) + 2
    )


@painter("path")
def path(stage: Stage, item: Item) -> None:
    """A line through points; with `lane`, a strip around it with dashed sides."""
    frame = stage.carrier(item)
    points = _points(stage, item)
    if frame is None or points is None:
        return
    pen, over = stage.pen, frame.to_ground(np.array(points))
    lane = stage.maybe(item, "lane")
    if lane:
        colour = stage.colour(item, "accent")
        sides = [_beside(over, sign * lane / 2) for sign in (1, -1)]
        strip = pen.place(np.vstack([sides[0], sides[1][::-1]]))
        pen.soft(strip, colour, 0.11)
        for side in sides:
            pen.dashed(pen.place(side), stage.theme.mix("panel", colour, 0.42), 2.0, dash=9)
        return
    colour = stage.colour(item, "ghost")
    placed = pen.place(over)
    width, dash = stage.maybe(item, "width"), stage.maybe(item, "dash")
    wide = 1.5 if width is None else width * pen.metre / pen.k
    if dash:
        gap = stage.number(item, "gap", dash)
        pen.dashed(placed, colour, wide, dash=dash * pen.metre / pen.k, gap=gap * pen.metre / pen.k)
    elif wide <= 2.0:
        pen.line(placed, colour, wide)
    else:
        pen.bar(placed, colour, wide, cap=False)
    stage.anchors[item.name, ""] = (float(over[-1, 0]), float(over[-1, 1]))


def _beside(points: NDArray[np.float64], off: float) -> NDArray[np.float64]:
    """A line beside another, `off` to its left [m]."""
    along = np.gradient(points, axis=0)
    length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-12)
    return points + off * np.column_stack([-along[:, 1], along[:, 0]]) / length[:, None]
