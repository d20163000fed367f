"""A robot arm of two links, and a person whose body regions can be touched."""

from __future__ import annotations

import math
from typing import NamedTuple

import pygame

from crumple.view.canvas.pen import arc
from crumple.view.canvas.stage import Frame, Item, Point, Stage, painter

_HEIGHT = 1.75  # of the person that the figures below are of [m]

# Where a region is touched from the front (for the back: from behind): its surface, from the middle between the feet.
_TOUCHED: dict[str, Point] = {
    "skull": (-0.093, 1.68),
    "face": (-0.108, 1.60),
    "neck": (-0.052, 1.475),
    "chest": (-0.125, 1.31),
    "back": (-0.108, 1.28),
    "abdomen": (-0.113, 1.08),
    "pelvis": (-0.118, 0.92),
    "upper_arm": (-0.150, 1.25),
    "forearm": (-0.262, 1.22),
    "hand": (-0.600, 1.17),
    "thigh": (-0.085, 0.67),
    "lower_leg": (-0.062, 0.28),
}
REGIONS = tuple(_TOUCHED)


class _Arm(NamedTuple):
    """Shoulder, elbow, wrist and tip of the hand."""

    shoulder: Point
    elbow: Point
    wrist: Point
    tip: Point


_HANGING = _Arm((0.0, 1.37), (0.02, 1.08), (-0.03, 0.84), (-0.05, 0.70))
_POSES = {
    "upper_arm": _Arm((0.0, 1.37), (-0.20, 1.14), (-0.10, 0.92), (-0.06, 0.80)),
    "forearm": _Arm((0.0, 1.37), (-0.20, 1.10), (-0.225, 1.35), (-0.23, 1.48)),
    "hand": _Arm((0.0, 1.37), (-0.20, 1.18), (-0.46, 1.17), (-0.60, 1.17)),
}
_TRUNK: dict[str, tuple[Point, ...]] = {  # outlines, facing left
    "neck": ((-0.05, 1.42), (-0.052, 1.475), (-0.05, 1.53), (0.05, 1.53), (0.055, 1.42)),
    "chest": ((-0.108, 1.19), (-0.125, 1.31), (-0.085, 1.42), (-0.05, 1.44), (0.01, 1.44), (0.01, 1.19)),
    "back": ((0.01, 1.19), (0.01, 1.44), (0.055, 1.44), (0.095, 1.38), (0.108, 1.28), (0.095, 1.19)),
    "abdomen": ((-0.108, 1.19), (-0.113, 1.08), (-0.112, 1.0), (0.085, 1.0), (0.082, 1.08), (0.095, 1.19)),
    "pelvis": ((-0.112, 1.0), (-0.118, 0.92), (-0.1, 0.82), (0.1, 0.82), (0.118, 0.9), (0.085, 1.0)),
}
_LIMBS: dict[str, tuple[Point, Point, float]] = {  # from, to, radius
    "thigh": ((-0.005, 0.84), (-0.005, 0.49), 0.08),
    "lower_leg": ((-0.005, 0.47), (0.0, 0.09), 0.06),
}


def touch_point(region: str, height: float) -> Point:
    """Where a region is touched [m], from the ground between the feet, x towards the back of the person."""
    x, y = _TOUCHED[region]
    return x * height / _HEIGHT, y * height / _HEIGHT


@painter("person")
def person(stage: Stage, item: Item) -> None:
    """A standing person, regions drawn one by one; the touched one in the colour of its load."""
    place = stage.frame(item.name)
    region = item.values.get("region") or "chest"
    if place is None:
        return
    height = stage.number(item, "height", _HEIGHT)
    scale = height / _HEIGHT
    dx, dy = touch_point(region, height)
    frame = Frame(place.x - dx, place.y, 0.0)
    turned = -1.0 if region == "back" else 1.0  # touched from behind: it looks the other way
    pen, theme = stage.pen, stage.theme
    skin, line = stage.colour(item, "dummy"), theme.mix("dummy", "body_edge", 0.6)
    load = stage.maybe(item, "load")
    hot = None
    if load is not None and load > 0:
        hot = theme.colour("fail" if load > 1 else "at_risk" if load > 0.7 else "pass")
    marked = theme.mix("dummy", "signal_1", 0.55) if hot is None else hot

    def ink(name: str) -> pygame.Color:
        return marked if name == region else skin

    def put(points: tuple[Point, ...] | list[Point]) -> list[Point]:
        return pen.put(frame, tuple((turned * x * scale, y * scale) for x, y in points))

    def limb(name: str, a: Point, b: Point, radius: float) -> None:
        ends = put([a, b])
        pen.bar(ends, line, 2 * radius * scale + 3.0 * pen.k / pen.metre, metric=True)
        pen.bar(ends, ink(name), 2 * radius * scale, metric=True)

    foot = put([(0.06, 0.0), (0.06, 0.06), (-0.04, 0.08), (-0.16, 0.03), (-0.16, 0.0)])
    pen.fill(foot, skin)
    pen.line(foot, line, 1.4, closed=True)
    for name in ("lower_leg", "thigh"):
        limb(name, *_LIMBS[name])
    for name, outline in _TRUNK.items():
        points = put(outline)
        pen.fill(points, ink(name))
        pen.line(points, line, 1.2, closed=True)
    head = arc((0.0, 1.635), 0.11, 0.0, math.tau, steps=48).tolist()
    pen.fill(put(head), ink("skull"))
    front = [p for p in head if p[0] <= -0.02 and p[1] <= 1.65]
    pen.fill(put([(-0.02, 1.65), *sorted(front, key=lambda p: -p[1])]), ink("face"))
    pen.line(put(head), line, 1.4, closed=True)
    arm = _POSES.get(region, _HANGING)
    limb("upper_arm", arm.shoulder, arm.elbow, 0.047)
    limb("hand", arm.wrist, _between(arm.wrist, arm.tip, 0.75), 0.035)
    limb("forearm", arm.elbow, arm.wrist, 0.04)
    stage.anchors[item.name, ""] = frame.point(0.0, height)
    stage.anchors[item.name, "touched"] = (place.x, place.y + dy)
    stage.anchors[item.name, "beside"] = (frame.x + 0.12 * scale, place.y + dy)


def _between(a: Point, b: Point, share: float) -> Point:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def elbow(base: Point, hand: Point, upper: float, lower: float) -> Point:
    """The joint between two links [m], above the line from base to hand; on it where they cannot reach."""
    dx, dy = hand[0] - base[0], hand[1] - base[1]
    far = max(math.hypot(dx, dy), 1e-9)
    reach = min(max(far, abs(upper - lower)), upper + lower)
    along = (upper**2 - lower**2 + reach**2) / (2 * reach)
    off = math.sqrt(max(upper**2 - along**2, 0.0))
    ux, uy = dx / far, dy / far
    up = 1.0 if ux >= 0 else -1.0
    return base[0] + along * ux - up * off * uy, base[1] + along * uy + up * off * ux


@painter("robot_arm")
def robot_arm(stage: Stage, item: Item) -> None:
    """Pedestal, two links and a tool that points to the right, its face at `tool`."""
    frame = stage.frame(item.name)
    tool = stage.pair(item, item.values["tool"])
    if frame is None or tool is None:
        return
    pen, theme = stage.pen, stage.theme
    upper, lower = stage.number(item, "upper"), stage.number(item, "lower")
    metal = stage.colour(item, "body_edge")
    dark, edge = theme.mix("structure", "body_edge", 0.25), theme.mix("body_edge", "window", 0.5)
    base = frame.point(0.0, stage.number(item, "pedestal"))
    wrist = (tool[0] - 0.16, tool[1])
    joint = elbow(base, wrist, upper, lower)
    w = 0.13
    stand = [
        (frame.x - w, frame.y),
        (frame.x + w, frame.y),
        (base[0] + 0.09, base[1]),
        (base[0] - 0.09, base[1]),
    ]
    pen.fill([pen.spot(*p) for p in stand], dark)
    for a, b, width in ((base, joint, 0.13), (joint, wrist, 0.10)):
        ends = [pen.spot(*a), pen.spot(*b)]
        pen.bar(ends, edge, width + 3.0 * pen.k / pen.metre, metric=True)
        pen.bar(ends, metal, width, metric=True)
    pen.bar([pen.spot(*wrist), pen.spot(tool[0] - 0.05, tool[1])], dark, 0.07, metric=True)
    pen.bar(
        [pen.spot(tool[0] - 0.035, tool[1] - 0.05), pen.spot(tool[0] - 0.035, tool[1] + 0.05)],
        dark,
        0.07,
        metric=True,
    )
    for at, radius in ((base, 0.085), (joint, 0.075), (wrist, 0.06)):
        pen.disc(pen.spot(*at), radius * pen.metre, edge)
        pen.disc(pen.spot(*at), radius * pen.metre - 1.5 * pen.k, dark)
    stage.anchors[item.name, ""] = base
    stage.anchors[item.name, "tool"] = tool
    stage.anchors[item.name, "elbow"] = joint
