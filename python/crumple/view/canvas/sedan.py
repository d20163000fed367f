"""A sedan from the side, cut away at the cabin, whose front folds.

Its outline is a curve through points [m]: x from the undamaged front bumper, forward; y from the ground. The car it
was drawn after is 4.90 m long and 1.46 m high; others are stretched.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pygame
from numpy.typing import NDArray

from crumple.view.canvas.pen import arc, smooth
from crumple.view.canvas.stage import SEATS, Frame, Item, Stage, painter, tyre

_LENGTH, _HEIGHT = 4.896, 1.46  # as drawn here
_REAR = [
    *((-4.21, 0.22), (-4.65, 0.25), (-4.82, 0.35), (-4.885, 0.56), (-4.896, 0.735), (-4.88, 0.86)),
    *((-4.83, 0.95), (-4.73, 1.0), (-4.6, 1.024), (-4.324, 1.042)),
]
_ROOF = [
    *((-4.324, 1.042), (-4.18, 1.1), (-3.95, 1.225), (-3.72, 1.325), (-3.5, 1.393), (-3.26, 1.437)),
    *(
        (-3.0, 1.457),
        (-2.75, 1.46),
        (-2.49, 1.448),
        (-2.27, 1.412),
        (-2.07, 1.35),
        (-1.85, 1.245),
        (-1.46, 1.066),
    ),
]
_BONNET = [
    *(
        (-1.46, 1.066),
        (-1.32, 1.028),
        (-1.11, 1.0),
        (-0.9, 0.97),
        (-0.66, 0.927),
        (-0.43, 0.878),
        (-0.27, 0.82),
    ),
    *((-0.13, 0.737), (-0.045, 0.63), (-0.008, 0.53), (0.0, 0.44), (-0.035, 0.31), (-0.19, 0.217)),
]
_GLASS = [
    *(
        (-4.08, 1.07),
        (-3.83, 1.245),
        (-3.57, 1.337),
        (-3.27, 1.39),
        (-3.0, 1.408),
        (-2.75, 1.41),
        (-2.49, 1.397),
    ),
    *((-2.29, 1.363), (-2.1, 1.303), (-1.9, 1.205), (-1.59, 1.06)),
]
_WELL = [
    *((-3.38, 1.06), (-3.33, 0.76), (-3.3, 0.5), (-3.24, 0.34), (-3.13, 0.3)),
    *((-1.68, 0.3), (-1.53, 0.36), (-1.475, 0.52), (-1.473, 0.75), (-1.5, 0.9), (-1.59, 1.06)),
]
_SEAT_BACK = [
    *(
        (-3.375, 1.07),
        (-3.34, 1.112),
        (-3.275, 1.112),
        (-3.225, 1.06),
        (-3.17, 0.9),
        (-3.11, 0.71),
        (-3.02, 0.53),
    ),
    *((-3.08, 0.42), (-3.22, 0.41), (-3.29, 0.64)),
]
_CUSHION = [
    *(
        (-3.19, 0.4),
        (-3.18, 0.48),
        (-3.12, 0.505),
        (-2.95, 0.507),
        (-2.72, 0.53),
        (-2.55, 0.535),
        (-2.48, 0.49),
    ),
    *((-2.5, 0.41), (-2.62, 0.367), (-2.82, 0.342), (-3.1, 0.35)),
]
_HEADREST = [
    (-3.42, 1.23),
    (-3.39, 1.3),
    (-3.34, 1.305),
    (-3.295, 1.26),
    (-3.29, 1.16),
    (-3.33, 1.12),
    (-3.39, 1.13),
]
_DASH = [
    *(
        (-2.18, 1.01),
        (-2.05, 1.055),
        (-1.89, 1.078),
        (-1.73, 1.07),
        (-1.6, 1.05),
        (-1.55, 0.95),
        (-1.53, 0.83),
    ),
    *((-1.57, 0.775), (-1.7, 0.765), (-1.87, 0.78), (-2.02, 0.835), (-2.12, 0.92)),
]
_COLUMN = np.array([(-2.03, 0.868), (-2.45, 0.925)])
_WHEEL = np.array([(-2.51, 1.1), (-2.405, 0.762)])
_AXLES, _TYRE, _RIM, _ARCH = (-3.80, -0.97), 0.334, 0.2, 0.392
_SILL = 0.203
_MARKS = [(-3.98, 0.84), (-1.72, 0.62)]
_PLEATS, _FINE = 8, 3  # strips, and points along each
_CLEAR = 0.03  # [m] that the front stays ahead of the front tyre: then the tyre is pushed back
_LEAST = 0.15  # share of the front that no crush takes away

Put = Callable[[NDArray[np.float64]], list[tuple[float, float]]]

SEATS["vehicle", "dummy"] = (-2.97, 0.53)
SEATS["vehicle", "airbag"] = (-2.457, 0.93)


class _Body:
    """The outline of an undamaged car of some length, height and firewall, made once. All (n, 2) [m]."""

    def __init__(self, length: float, height: float) -> None:
        self.stretch = np.array([length / _LENGTH, height / _HEIGHT])
        rear = np.vstack([_REAR[:2], smooth(_REAR[1:], steps=4)])
        self.back = np.vstack([rear, smooth(_ROOF, steps=5)[1:]]) * self.stretch
        self.bonnet = smooth(_BONNET, steps=4)[1:] * self.stretch
        glass = smooth(_GLASS, steps=4)
        self.glass = glass * self.stretch
        self.well = np.vstack([smooth(_WELL[:5], steps=4), smooth(_WELL[5:], steps=4)]) * self.stretch
        inside = [
            smooth(p, closed=True, steps=4) * self.stretch for p in (_SEAT_BACK, _CUSHION, _HEADREST, _DASH)
        ]
        parts = [self.well, self.glass, *inside, _COLUMN * self.stretch, _WHEEL * self.stretch]
        self.cabin = np.vstack(parts)  # placed at once: a call of numpy costs more than its numbers
        self.ends = np.cumsum([len(part) for part in parts]).tolist()


_bodies: dict[tuple[float, float], _Body] = {}


def _body(length: float, height: float) -> _Body:
    key = (round(length, 4), round(height, 4))
    if key not in _bodies:
        if len(_bodies) > 32:
            _bodies.clear()
        _bodies[key] = _Body(*key)
    return _bodies[key]


def shortened(points: NDArray[np.float64], firewall: float, crush: float) -> NDArray[np.float64]:
    """Points of the undamaged car where they are when the front is shorter: evenly pressed together."""
    share = max(_LEAST, 1.0 - crush / firewall)
    moved = points.copy()
    ahead = moved[:, 0] > -firewall
    moved[ahead, 0] = -firewall + (moved[ahead, 0] + firewall) * share
    return moved


def _folded(points: NDArray[np.float64], firewall: float, crush: float) -> NDArray[np.float64]:
    """The bonnet as a saw-tooth, the higher the more it is crushed; its front edge stays as it is."""
    place = (points[:, 0] + firewall) / firewall
    tooth = 2 * np.abs(place * _PLEATS / 2 % 1.0 - 0.5) - 0.5  # -0.5 to 0.5
    rise = 0.115 * crush * np.clip(place * 4, 0, 1) * np.clip((0.88 - place) * 5, 0, 1)
    out = points.copy()
    out[:, 1] += rise * (0.25 + tooth)
    return out


@painter("vehicle")
def vehicle(stage: Stage, item: Item) -> None:
    """Body, folds, cabin, wheels."""
    frame = stage.frame(item.name)
    if frame is None:
        return
    pen = stage.pen
    length, height = stage.number(item, "length"), stage.number(item, "height")
    firewall = max(stage.number(item, "firewall"), 0.1)
    crush = min(max(stage.number(item, "crush"), 0.0), (1 - _LEAST) * firewall)
    body = _body(length, height)
    sx, sy = body.stretch
    tyre_r = _TYRE * sy
    ends = [_AXLES[0] * sx, min(_AXLES[1] * sx, -crush - _CLEAR - tyre_r)]

    def put(points: NDArray[np.float64]) -> list[tuple[float, float]]:
        return pen.put(frame, points)

    shadow = arc((0.0, 0.0), 1.0, 0.0, math.tau, steps=40) * (0.49 * (length - crush), 0.016) - (
        0.5 * (length + crush),
        0.036,
    )
    pen.fill(put(shadow), stage.theme.mix("panel", "window" if stage.theme.dark else "ground", 0.85))
    bonnet = shortened(_folded(body.bonnet, firewall, crush), firewall, crush)
    colour, edge = stage.colour(item, "body"), stage.colour(item, "body_edge", "edge")
    if item.values.get("ghost") and crush > 0.003:
        pen.dashed(put(body.bonnet), stage.theme.mix("ghost", "body_edge", 0.35), 1.5, dash=9, gap=6)
    contour = put(np.vstack([body.back, bonnet, _under(ends, sy, float(bonnet[-1, 0]))]))
    pen.fill(contour, colour)
    _pleats(
        stage,
        put,
        bonnet=bonnet,
        firewall=firewall,
        crush=crush,
        axle=ends[1],
        colour=colour,
        edge=edge,
        stretch=sy,
    )
    if item.values.get("cutaway"):
        _cabin(stage, put, body, edge=edge, stretch=height / _HEIGHT)
    else:
        pen.fill(put(body.glass), stage.theme.colour("glass"))
        pen.line(put(body.glass), edge, 1.2, closed=True)
    pen.line(contour, edge, 1.6, closed=True)
    turned = stage.number(item, "wheel_angle")
    for x in ends:
        _wheel(stage, frame, (x, tyre_r), radius=tyre_r, angle=frame.angle + turned, edge=edge)
    for mark in _MARKS:
        target(stage, frame.point(mark[0] * sx, mark[1] * sy), 0.053)
    stage.anchors |= {
        (item.name, ""): frame.point(-0.6 * length, 0.85 * height),
        (item.name, "front"): frame.point(-crush, 0.44 * sy),
        (item.name, "rear"): frame.point(-length, 0.7 * sy),
        (item.name, "roof"): frame.point(-2.75 * sx, height),
        (item.name, "cabin"): frame.point(-2.8 * sx, 0.8 * sy),
    }


def _under(axles: list[float], stretch: float, front: float) -> NDArray[np.float64]:
    """The lower edge from front to rear, with arches over the wheels."""
    sill, radius = _SILL * stretch, _ARCH * stretch
    parts = []
    for x in reversed(axles):
        centre = (x, _TYRE * stretch)
        low = math.asin((sill - centre[1]) / radius)
        arch = arc(centre, radius, low, math.pi - low)
        arch[:, 0] = np.minimum(arch[:, 0], front)
        parts.append(arch)
    return np.vstack(parts)


def _pleats(
    stage: Stage,
    put: Put,
    *,
    bonnet: NDArray[np.float64],
    firewall: float,
    crush: float,
    axle: float,
    colour: pygame.Color,
    edge: pygame.Color,
    stretch: float,
) -> None:
    """Strips between firewall and bumper, the redder the more the front is crushed."""
    pen, share = stage.pen, min(1.0, crush / (0.55 * firewall))
    nose = int(np.argmax(bonnet[:, 0]))
    xs = np.linspace(-firewall, float(bonnet[nose, 0]) - 0.02, _PLEATS * _FINE + 1)
    tops = np.interp(xs, bonnet[: nose + 1, 0], bonnet[: nose + 1, 1]) - 0.012
    lows = np.full_like(xs, 0.3 * stretch)
    if nose + 1 < len(bonnet):
        lows = np.maximum(lows, np.interp(xs, bonnet[nose:, 0][::-1], bonnet[nose:, 1][::-1]))
    reach = (_ARCH * stretch) ** 2 - (xs - axle) ** 2
    lows = np.maximum(lows, np.where(reach > 0, _TYRE * stretch + np.sqrt(np.maximum(reach, 0)), 0.0))
    edges = put(np.column_stack([np.concatenate([xs, xs]), np.concatenate([tops, np.minimum(lows, tops)])]))
    over, under = edges[: len(xs)], edges[len(xs) :]
    dark, light = (stage.theme.mix(colour, "fail", part * share) for part in (0.36, 0.14))
    rib = stage.theme.mix(colour, edge, 0.20 + 0.3 * share)
    for n in range(_PLEATS):
        first, last = n * _FINE, (n + 1) * _FINE + 1
        if share > 0.01:
            pen.fill([*over[first:last], *under[first:last][::-1]], light if n % 2 else dark)
        if n:
            pen.line([over[first], under[first]], rib, 1.0)


def _cabin(stage: Stage, put: Put, body: _Body, *, edge: pygame.Color, stretch: float) -> None:
    """Windows and the well below them, with what is in it."""
    pen, theme = stage.pen, stage.theme
    glass, dim = theme.colour("glass"), theme.mix("body", edge, 0.55)
    placed = put(body.cabin)
    well, window, *inside, column, wheel = (
        placed[begin:end] for begin, end in zip([0, *body.ends], body.ends, strict=False)
    )
    pen.fill(well, theme.mix("glass", "body", 0.12))
    pen.fill(window, glass)
    pen.line(well, dim, 1.1)
    pen.line(window, edge, 1.4, closed=True)
    soft, outline = theme.mix("structure", "body_edge", 0.16), theme.mix("structure", "body_edge", 0.45)
    for n, part in enumerate(inside):
        pen.fill(part, theme.mix("structure", "body", 0.3) if n == 3 else soft)
        pen.line(part, outline, 1.0, closed=True)
    pen.bar(column, theme.mix("structure", "body_edge", 0.5), 0.036 * stretch, metric=True)
    pen.bar(wheel, theme.mix("body_edge", "text_2", 0.5), 0.032 * stretch, metric=True)


def _wheel(
    stage: Stage, frame: Frame, at: tuple[float, float], *, radius: float, angle: float, edge: pygame.Color
) -> None:
    pen, theme = stage.pen, stage.theme
    centre = pen.spot(*frame.point(*at))
    r = radius * pen.metre
    if not pen.near(centre, r):
        return
    rim, spoke = theme.mix("structure", "body_edge", 0.18), theme.mix("structure", "body_edge", 0.6)
    pen.disc(centre, r, edge)
    pen.disc(centre, r - 1.4 * pen.k, tyre(theme))
    inner = r * _RIM / _TYRE
    pen.disc(centre, inner, spoke)
    pen.disc(centre, inner - 1.2 * pen.k, rim)
    for n in range(5):
        a = angle + math.pi / 2 + n * math.tau / 5
        tip = (centre[0] + inner * math.cos(a), centre[1] - inner * math.sin(a))
        pen.bar([centre, tip], spoke, 2.2, cap=False)
    pen.disc(centre, inner * 0.21, edge)


def target(stage: Stage, at: tuple[float, float], radius: float, *, turned: float = 0.0) -> None:
    """The quadrant mark of a crash test. radius [m]."""
    pen, r = stage.pen, radius * stage.pen.metre
    if r < 2:
        return
    x, y = pen.spot(*at)
    if not pen.near((x, y), r):
        return
    dark, light = stage.theme.colour("marker_dark"), stage.theme.colour("marker_light")
    pen.disc((x, y), r, dark)
    for start in (0.0, math.pi):
        quarter = arc((x, y), r, start + turned, start + turned + math.pi / 2, steps=8)
        quarter[:, 1] = 2 * y - quarter[:, 1]
        pen.fill([(x, y), *map(tuple, quarter.tolist())], light)
