"""Road users from above, and what a sensor sees of them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from crumple.view.canvas.pen import arc, clipped, smooth
from crumple.view.canvas.stage import Frame, Item, Stage, painter, tyre

# A car 4.358 m long and 1.815 m wide: x forward from its front bumper, y to its left. The right half is mirrored.
_LENGTH, _WIDTH = 4.358, 1.815
_SIDE = [
    *((0.0, 0.0), (-0.01, 0.38), (-0.06, 0.6), (-0.17, 0.74), (-0.45, 0.845), (-0.9, 0.893), (-1.6, 0.9075)),
    *(
        (-3.0, 0.9075),
        (-3.8, 0.89),
        (-4.2, 0.865),
        (-4.32, 0.82),
        (-4.352, 0.72),
        (-4.358, 0.4),
        (-4.358, 0.0),
    ),
]
_SCREEN = [
    (-1.235, 0.0),
    (-1.24, 0.44),
    (-1.28, 0.6),
    (-1.38, 0.675),
    (-1.8, 0.69),
    (-1.85, 0.35),
    (-1.86, 0.0),
]
_REAR = [(-3.25, 0.0), (-3.26, 0.4), (-3.31, 0.645), (-3.74, 0.615), (-3.83, 0.35), (-3.86, 0.0)]
_ROOF = [(-1.85, 0.69), (-3.3, 0.645)]
_BONNET = [(-1.23, 0.53), (-0.17, 0.4)]
_MIRROR = [(-1.56, 0.9), (-1.74, 0.905), (-1.63, 1.04), (-1.54, 1.05), (-1.55, 0.98)]
_LAMP = [(-0.17, 0.73), (-0.1, 0.645), (-0.03, 0.5), (-0.02, 0.4), (-0.16, 0.5)]
_BRAKE = [(-4.355, 0.82), (-4.24, 0.845), (-4.24, 0.56), (-4.355, 0.54)]
_AXLES = (-0.85, -3.5)
_TYRE = (0.62, 0.215)  # length and width of a tyre

# A walker 1.8 m tall: shoulders, head, reach of feet and hands, facing along x.
_SHOULDERS, _HEAD = (0.14, 0.27), 0.095


def _mirrored(points: list[tuple[float, float]]) -> NDArray[np.float64]:
    """An outline from its left half."""
    half = np.array(points, float)
    return np.vstack([half, half[::-1] * (1, -1)])


_BODY = np.vstack([smooth(_SIDE, steps=3), smooth(_SIDE, steps=3)[::-1] * (1, -1)])
_GLASS = [_mirrored(_SCREEN), _mirrored(_REAR)]


@painter("car_top")
def car_top(stage: Stage, item: Item) -> None:
    """Tyres, body, windows, lamps."""
    frame = stage.frame(item.name)
    length, width = stage.number(item, "length", _LENGTH), stage.number(item, "width", _WIDTH)
    steer = stage.number(item, "steer")
    if frame is None or item.name in stage.missing:
        return
    pen, theme = stage.pen, stage.theme
    stretch = np.array([length / _LENGTH, width / _WIDTH])
    middle = frame.point(-length / 2, 0.0)
    stage.anchors |= {
        (item.name, ""): middle,
        (item.name, "middle"): middle,
        (item.name, "front"): (frame.x, frame.y),
        (item.name, "rear"): frame.point(-length, 0.0),
    }
    stage.extents[item.name] = 0.5 * abs(length * math.sin(frame.angle)) + 0.56 * abs(
        width * math.cos(frame.angle)
    )
    if not pen.near(pen.spot(*middle), length * pen.metre):
        return

    def put(points: NDArray[np.float64] | list[tuple[float, float]]) -> list[tuple[float, float]]:
        return pen.put(frame, np.asarray(points, float) * stretch)

    rubber = tyre(theme)
    for n, x in enumerate(_AXLES):
        for side in (1, -1):
            a, b = _TYRE[0] / 2, _TYRE[1] / 2
            turned = Frame(x, side * (_WIDTH / 2 - 0.085), steer if n == 0 else 0.0)
            pen.fill(put(turned.to_ground(np.array([(-a, -b), (a, -b), (a, b), (-a, b)]))), rubber)
    plain = theme.mix("body", "body_edge", 0.12)
    named = item.values.get("colour") or item.values.get("colours") or item.values.get("heat") is not None
    colour = stage.colour(item, "body") if named or stage.values.is_stale(item.shape) else plain
    edge = stage.colour(item, "body_edge", "edge")
    line, dim = theme.mix(colour, edge, 0.75), theme.mix(colour, edge, 0.35)
    for side in (1, -1):
        mirror = np.array(_MIRROR) * (1, side)
        pen.fill(put(mirror), colour)
        pen.line(put(mirror), line, 1.2, closed=True)
    body = put(_BODY)
    pen.fill(body, colour)
    for side in (1, -1):
        flip = np.array([1, side])
        pen.line(put(np.array(_ROOF) * flip), dim, 1.1)
        pen.line(put(np.array(_BONNET) * flip), dim, 1.1)
        pen.fill(put(np.array(_LAMP) * flip), theme.mix(colour, "text" if theme.dark else "panel", 0.75))
        lit = stage.holds(item, "braking", default=False)
        pen.fill(
            put(np.array(_BRAKE) * flip), theme.colour("fail") if lit else theme.mix(colour, "fail", 0.35)
        )
    for glass in _GLASS:
        placed = put(glass)
        pen.fill(placed, theme.colour("glass"))
        pen.line(placed, line, 1.2, closed=True)
    pen.line(body, edge, 1.6, closed=True)


@painter("pedestrian")
def pedestrian(stage: Stage, item: Item) -> None:
    """Shoulders and head, with feet and hands where the stride has them."""
    frame = stage.frame(item.name)
    size, stride = stage.number(item, "height", 1.8) / 1.8, stage.number(item, "stride")
    if frame is None or item.name in stage.missing:
        return
    pen, theme = stage.pen, stage.theme
    colour = stage.colour(item, "signal_2")
    dark = theme.mix("panel", colour, 0.5)
    skin = theme.mix(colour, "dummy", 0.75)

    def oval(x: float, y: float, a: float, b: float) -> list[tuple[float, float]]:
        local = (arc((0.0, 0.0), 1.0, 0.0, math.tau, steps=24) * (a, b) + (x, y)) * size
        return pen.put(frame, local)

    swing = math.sin(stride)
    for side in (1, -1):
        pen.fill(oval(0.22 * side * swing, side * 0.10, 0.13, 0.055), dark)
        pen.fill(oval(-0.16 * side * swing, side * 0.245, 0.10, 0.045), theme.mix("panel", colour, 0.8))
    pen.fill(oval(0.0, 0.0, *_SHOULDERS), colour)
    pen.line(oval(0.0, 0.0, *_SHOULDERS), dark, 1.2, closed=True)
    pen.fill(oval(0.01, 0.0, _HEAD + 0.012, _HEAD + 0.012), dark)
    pen.fill(oval(0.01, 0.0, _HEAD, _HEAD), skin)
    stage.anchors[item.name, ""] = (frame.x, frame.y)
    stage.extents[item.name] = 0.45 * size


@painter("sensor_cone")
def sensor_cone(stage: Stage, item: Item) -> None:
    """A tinted fan with dotted edges and range arcs, and a dashed box round what it sees."""
    frame = stage.frame(item.name)
    reach, aperture = stage.number(item, "range"), stage.number(item, "aperture")
    if frame is None or item.name in stage.missing or reach <= 0 or aperture <= 0:
        return
    pen, theme = stage.pen, stage.theme
    stale = stage.values.is_stale(item.shape)
    colour = stage.pen.colour("stale" if stale else item.values.get("colour") or "live")
    half = min(aperture / 2, math.pi)
    rim = arc((0.0, 0.0), reach, -half, half)
    fan = pen.place(frame.to_ground(np.vstack([[(0.0, 0.0)], rim])))
    pen.soft(clipped(fan, pen.surface.get_rect()), colour, 30 / 255)
    faint = theme.mix("panel", colour, 0.5)
    for side in (fan[1], fan[-1]):
        pen.dashed([fan[0], side], faint, 1.0, dash=3, gap=2.5)
    step = stage.maybe(item, "arcs")
    if step and step * pen.metre > 6 * pen.k:
        for n in range(1, min(int(reach / step), 200) + 1):
            ring = pen.put(frame, arc((0.0, 0.0), n * step, -half, half))
            pen.line(ring, theme.mix("panel", colour, 0.32), 1.0)
    stage.anchors |= {(item.name, ""): (frame.x, frame.y), (item.name, "end"): frame.point(reach * 0.9, 0.0)}
    target = item.values.get("target")
    seen = None if target is None else stage.frame(target)
    if target is None or seen is None or not stage.holds(item, "sees"):
        return
    other = stage.items[target]  # it has a frame, so it is there
    if other.kind == "car_top":
        length = stage.number(other, "length", _LENGTH)
        width = stage.number(other, "width", _WIDTH)
        box = (length / 2 + 0.25, width / 2 + 0.25, seen.point(-length / 2, 0.0), seen.angle)
    else:
        box = (0.43, 0.43, (seen.x, seen.y), 0.0)
    a, b, at, angle = box
    corners = Frame(at[0], at[1], angle).to_ground(np.array([(-a, -b), (a, -b), (a, b), (-a, b), (-a, -b)]))
    stage.extents[target] = max(stage.extents.get(target, 0.0), b)
    pen.dashed(pen.place(corners), colour, 1.5, dash=5, gap=4)
