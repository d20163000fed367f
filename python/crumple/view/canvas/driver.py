"""A seated driver from the side, with belt and airbag. Where torso and head are is what the signals say; hip, arms
and legs follow so that nothing stretches."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crumple.view.canvas.pen import smooth
from crumple.view.canvas.sedan import target
from crumple.view.canvas.stage import Frame, Item, Point, Stage, painter

# Against the hip [m], in a man of 1.75 m who sits upright.
_SHOULDER, _HEAD = (-0.135, 0.475), (-0.115, 0.605)
_HAND, _ANKLE, _TOE = (0.48, 0.44), (0.915, -0.175), (1.105, -0.185)
_TORSO, _HEAD_R, _NECK, _THIGH, _SHIN, _FOOT, _ARM, _FOREARM = (
    0.205,
    0.112,
    0.1,
    0.145,
    0.11,
    0.075,
    0.092,
    0.075,
)
_THIGH_LENGTH, _SHIN_LENGTH, _ARM_LENGTH, _FOREARM_LENGTH = 0.445, 0.54, 0.33, 0.31
_HIP_SHARE = 0.4  # of the torso's travel that the hip makes: the lap belt holds it
_TILT = 0.16  # of the bag, as the wheel leans [rad]
_BELT_ANCHOR, _BELT_BUCKLE = (-0.335, 0.57), (-0.135, -0.095)


class Posture(NamedTuple):
    """A driver now, in metres over ground but `size`, which scales what was drawn for 1.75 m."""

    frame: Frame
    size: float
    hip: Point
    shoulder: Point
    head: Point
    elbow: Point
    hand: Point
    knee: Point
    ankle: Point
    toe: Point


def posture(stage: Stage, name: str) -> Posture | None:
    """The posture of a dummy; None where there is no such dummy or its signals have no sample."""
    if name in stage.postures:
        found: Posture | None = stage.postures[name]
        return found
    item, frame = stage.items.get(name), stage.frame(name)
    made = None
    if item is not None and item.kind == "dummy" and frame is not None:
        made = _posture(stage, item, frame)
    stage.postures[name] = made
    return made


def _posture(stage: Stage, item: Item, frame: Frame) -> Posture | None:
    size = stage.number(item, "size", 1.0)
    torso, head = stage.number(item, "torso"), stage.number(item, "head")
    if item.name in stage.missing:
        return None

    def at(point: Point, travel: float = 0.0) -> Point:
        return frame.point(point[0] * size + travel, point[1] * size)

    hip, shoulder = at((0.0, 0.0), _HIP_SHARE * torso), at(_SHOULDER, torso)
    hand, ankle = at(_HAND), at(_ANKLE)
    elbow, hand = _joint(shoulder, hand, _ARM_LENGTH * size, _FOREARM_LENGTH * size, up=False)
    knee, ankle = _joint(hip, ankle, _THIGH_LENGTH * size, _SHIN_LENGTH * size, up=True)
    toe = (ankle[0] + at(_TOE)[0] - at(_ANKLE)[0], ankle[1] + at(_TOE)[1] - at(_ANKLE)[1])
    return Posture(frame, size, hip, shoulder, at(_HEAD, head), elbow, hand, knee, ankle, toe)


def _joint(a: Point, b: Point, first: float, second: float, *, up: bool) -> tuple[Point, Point]:
    """Where elbow or knee is between two ends, and the far end, nearer where it is out of reach."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    apart = math.hypot(dx, dy) or 1e-9
    reach = min(max(apart, abs(first - second) + 1e-6), first + second)
    b = (a[0] + dx * reach / apart, a[1] + dy * reach / apart)
    along = (first**2 - second**2 + reach**2) / (2 * reach)
    off = math.sqrt(max(first**2 - along**2, 0.0)) * (1 if up else -1)
    ux, uy = dx / apart, dy / apart
    return (a[0] + ux * along - uy * off, a[1] + uy * along + ux * off), b


@painter("dummy")
def dummy(stage: Stage, item: Item) -> None:
    """Legs, torso, neck, head, arm."""
    now = posture(stage, item.name)
    if now is None:
        return
    skin = stage.colour(item, "dummy")
    edge = stage.theme.mix(skin, "window" if stage.theme.dark else "text", 0.6)
    pen, s = stage.pen, now.size

    def limb(ends: list[Point], *widths: float) -> None:
        """A part whose width goes from the first to the last given [m]."""
        placed = [pen.spot(*end) for end in ends]
        wide = [w * s * pen.metre / 2 for w in (widths if len(widths) > 1 else widths * 2)]
        rim = 1.1 * pen.k
        for grown, colour in ((rim, edge), (0.0, skin)):
            (x0, y0), (x1, y1) = placed
            length = math.hypot(x1 - x0, y1 - y0) or 1e-9
            nx, ny = (y0 - y1) / length, (x1 - x0) / length
            a, b = wide[0] + grown, wide[1] + grown
            pen.fill(
                [
                    (x0 + nx * a, y0 + ny * a),
                    (x1 + nx * b, y1 + ny * b),
                    (x1 - nx * b, y1 - ny * b),
                    (x0 - nx * a, y0 - ny * a),
                ],
                colour,
            )
            pen.disc(placed[0], a, colour)
            pen.disc(placed[1], b, colour)

    limb([now.ankle, now.toe], _FOOT)
    limb([now.knee, now.ankle], _SHIN, 0.085)
    limb([now.hip, now.knee], 0.165, _THIGH * 0.85)
    neck = _between(now.shoulder, now.head, 0.45)
    limb([_between(now.shoulder, now.hip, 0.08), neck], _NECK)
    limb([now.hip, _between(now.shoulder, now.hip, 0.2)], 0.215, 0.235)
    limb([neck, now.head], _NECK * 0.9)
    x, y = pen.spot(*now.head)
    pen.disc((x, y), _HEAD_R * s * pen.metre + 1.1 * pen.k, edge)
    pen.disc((x, y), _HEAD_R * s * pen.metre, skin)
    lean = math.atan2(now.head[0] - now.shoulder[0], now.head[1] - now.shoulder[1]) - math.atan2(0.02, 0.13)
    target(stage, now.head, 0.042 * s, turned=-lean)
    limb([now.elbow, now.hand], _FOREARM, 0.06)
    limb([_between(now.shoulder, now.hip, 0.12), now.elbow], _ARM, 0.08)
    chest, brow = (
        _between(now.shoulder, now.hip, 0.4),
        (now.head[0], now.head[1] + 0.075 * s),
    )  # clear of the marks
    target(stage, _between(now.shoulder, now.hip, 0.62), 0.034 * s)
    stage.anchors |= {
        (item.name, ""): brow,
        (item.name, "head"): brow,
        (item.name, "chest"): chest,
        (item.name, "hip"): now.hip,
        (item.name, "knee"): now.knee,
        (item.name, "foot"): now.ankle,
        (item.name, "hand"): now.hand,
    }


def _between(a: Point, b: Point, share: float) -> Point:
    return a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])


@painter("belt")
def belt(stage: Stage, item: Item) -> None:
    """From the pillar over shoulder and chest to the lap and the buckle."""
    now = posture(stage, item.values.get("driver") or "")
    if now is None:
        stage.lacks(item)
        return
    s, frame = now.size, now.frame
    ux, uy = now.shoulder[0] - now.hip[0], now.shoulder[1] - now.hip[1]
    length = math.hypot(ux, uy) or 1e-9
    ux, uy = ux / length, uy / length
    half = 0.115 * s

    def front(share: float, out: float = 1.0) -> Point:
        """A point on the front of the torso, `share` of the way up."""
        x, y = now.hip[0] + ux * length * share, now.hip[1] + uy * length * share
        return x + uy * half * out, y - ux * half * out

    anchor = frame.point(_BELT_ANCHOR[0] * s, _BELT_ANCHOR[1] * s)
    buckle = frame.point(_BELT_BUCKLE[0] * s, _BELT_BUCKLE[1] * s)
    shoulder = (now.shoulder[0] + ux * 0.06 * s, now.shoulder[1] + uy * 0.06 * s)
    points = [anchor, shoulder, front(0.78, 0.98), front(0.22, 0.95), front(0.16, 0.3), buckle]
    stage.anchors |= {
        (item.name, ""): _between(anchor, shoulder, 0.6),
        (item.name, "shoulder"): _between(anchor, shoulder, 0.6),
        (item.name, "lap"): front(0.16, 0.3),
    }
    full = stage.maybe(item, "force_max")
    force = stage.maybe(item, "force")
    width = 4.0 if not full or force is None else 2.6 + 2.4 * min(max(force / full, 0.0), 1.0)
    pen = stage.pen
    pen.bar([pen.spot(*p) for p in points], stage.colour(item, "belt"), width)


@painter("airbag")
def airbag(stage: Stage, item: Item) -> None:
    """A translucent bag before the wheel, with a dent where head and chest press."""
    frame = stage.frame(item.name)
    if frame is None:
        return
    fill = min(max(stage.number(item, "fill"), 0.0), 1.0)
    stage.anchors[item.name, ""] = stage.anchors[item.name, "middle"] = (frame.x, frame.y)
    stage.anchors[item.name, "top"] = (frame.x, frame.y)
    if fill < 0.01:
        return
    size = stage.number(item, "size", 0.7)
    outline, back = _bag(frame, fill, size)
    now = posture(stage, item.values.get("driver") or "")
    if now is not None:
        outline = _pressed(outline, back, now)
    pen, theme = stage.pen, stage.theme
    placed = pen.place(outline)
    colour = stage.colour(item, "airbag")
    pen.soft(placed, colour, 205 / 255)
    edge = theme.mix(colour, "text" if theme.dark else "accent", 0.6)
    pen.line(placed, edge, 1.3, closed=True)
    middle = (float(outline[:, 0].mean()), float(outline[:, 1].mean()))
    seam = theme.mix(colour, "accent", 0.55)
    for height in (0.24, -0.08):  # seams, from the wheel to where the bag ends before the driver
        y = middle[1] + height * size
        level = outline[np.abs(outline[:, 1] - y) < 0.08 * size]
        if len(level):
            ends = np.array([back + np.array([-0.02, 0.5 * height * size]), (float(level[:, 0].min()), y)])
            pen.line(pen.place(ends), seam, 1.1)
    stage.anchors[item.name, ""] = stage.anchors[item.name, "middle"] = middle
    corner = outline[int(np.argmax(outline[:, 0] + outline[:, 1]))]
    stage.anchors[item.name, "top"] = _between((float(corner[0]), float(corner[1])), middle, 0.25)


def _bag(frame: Frame, fill: float, size: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The free outline over ground, (n, 2) [m], and where the bag is fixed, (2,). It grows out of the wheel."""
    grown = fill**0.5
    across, deep = 0.48 * size * grown, 0.30 * size * grown
    turn = np.linspace(0, 2 * math.pi, 65)[:-1]
    local = np.column_stack([deep * np.cos(turn), across * np.sin(turn)])
    tilt = frame.angle + _TILT
    c, s = math.cos(tilt), math.sin(tilt)
    hub = np.array([frame.x, frame.y])
    middle = hub + np.array([0.0, 0.07 * size * grown]) - 0.82 * deep * np.array([c, s])
    return local @ np.array([[c, s], [-s, c]]) + middle, hub


def _pressed(outline: NDArray[np.float64], back: NDArray[np.float64], now: Posture) -> NDArray[np.float64]:
    """The outline moved out of head and torso, towards the wheel."""
    out = outline.copy()
    reach = (_HEAD_R + 0.012) * now.size
    dy = out[:, 1] - now.head[1]
    room = reach**2 - dy**2
    wall = now.head[0] + np.sqrt(np.maximum(room, 0.0))
    inside = (room > 0) & (out[:, 0] < wall)
    out[inside, 0] = np.minimum(wall[inside], back[0] + 0.05)
    low, high = now.hip[1], now.shoulder[1] + 0.05 * now.size
    share = np.clip((out[:, 1] - now.hip[1]) / max(now.shoulder[1] - now.hip[1], 1e-6), 0.0, 1.0)
    chest = now.hip[0] + share * (now.shoulder[0] - now.hip[0]) + 0.122 * now.size
    ramp = np.clip((high - out[:, 1]) / 0.05, 0.0, 1.0)
    inside = (out[:, 1] > low) & (out[:, 1] < high) & (out[:, 0] < chest - 0.08 * (1 - ramp))
    out[inside, 0] = np.minimum(chest[inside] - 0.08 * (1 - ramp[inside]), back[0] + 0.05)
    return smooth(out.tolist()[::1], closed=True, steps=2)
