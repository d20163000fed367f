"""The car of `frontal_barrier` with its driver, drawn to scale as it is at one moment of a run.

In metres: x forward from the front bumper at contact, y up from the ground.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from svg import (
    AIRBAG,
    BELT,
    BODY,
    BODY_EDGE,
    DUMMY,
    FAIL,
    GHOST,
    GLASS,
    TEXT_2,
    TEXT_3,
    TYRE,
    WALL,
    Point,
    area,
    disc,
    line,
    n,
    smooth,
)

import crumple

FIREWALL = -1.15  # behind it nothing is crushed
REAR = [(-4.7, 0.28), (-4.88, 0.5), (-4.86, 0.86), (-4.7, 0.99), (-4.25, 1.04)]
ROOF = [(-4.25, 1.04), (-3.6, 1.35), (-3.05, 1.44), (-2.5, 1.45), (-2.02, 1.37), (-1.25, 0.99)]
BONNET = [(-1.25, 0.99), (-0.95, 0.95), (-0.65, 0.89), (-0.38, 0.82), (-0.14, 0.71), (-0.02, 0.55)]
NOSE = [(0.0, 0.46), (-0.01, 0.3), (-0.1, 0.21)]
WINDOWS = [(-3.42, 1.02), (-3.1, 1.3), (-2.5, 1.36), (-2.08, 1.29), (-1.45, 1.0), (-2.4, 1.02)]
WHEELS, RADIUS = (-3.75, -0.95), 0.32


@dataclass(frozen=True)
class Moment:
    """What the side view shows. All in metres but t [s] and fill (0 to 1).

    travel: of the cabin since contact.   shortened: how much shorter the front is.
    torso, head: travel of the driver against the cabin.   fill: of the airbag.
    """

    t: float
    travel: float
    shortened: float
    torso: float
    head: float
    fill: float


def moment(result: crumple.Result, t: float) -> Moment:
    """The state of car and driver at a time, from the signals of a run."""
    row = int(np.searchsorted(result.t, t - 1e-9))
    signals = {name: result.signals[name][row] for name in result.signals}
    touching = np.flatnonzero(result.signals["vehicle.crush_force"])
    left = row > touching[-1]  # the car has left the wall, as short as it was then
    short = result.signals["vehicle.crush"][touching[-1] if left else row]
    return Moment(
        t,
        float(signals["vehicle.crush"]),
        float(short),
        float(signals["occupant.torso_displacement"]),
        float(signals["occupant.head_displacement"]),
        float(signals["restraint.bag_fill"]),
    )


def side_view(now: Moment, at: Callable[[Point], Point], scale: float) -> list[str]:
    """The car with its driver. at: from metres over ground to the picture.   scale: pixels per metre."""

    def car(points: Iterable[Point]) -> list[Point]:
        return [at((crushed(x, now.shortened) + now.travel, y)) for x, y in points]

    folds = [(x, y + 0.06 * now.shortened * (-1) ** i) for i, (x, y) in enumerate(refined(BONNET))]
    bonnet = folds if now.shortened > 0 else refined(BONNET)
    top = [*smooth(REAR), *smooth(ROOF), *bonnet[1:], *NOSE]
    ghost = [*smooth(BONNET), *NOSE, (-1.15, 0.2)]
    parts = []
    if now.shortened > 0:
        parts.append(line((at((x + now.travel, y)) for x, y in ghost), GHOST, 1, 'stroke-dasharray="4 3"'))
    parts.append(area(car([*top, *arches()]), BODY, BODY_EDGE, 'stroke-width="1.4" stroke-linejoin="round"'))
    parts += pleats(now, car)
    parts.append(area(car(smooth([*WINDOWS, WINDOWS[0]])), GLASS, BODY_EDGE, 'stroke-width="0.8"'))
    parts += inside(now, at, scale)
    for x in WHEELS:
        hub = at((crushed(x, now.shortened) + now.travel, RADIUS))
        parts += [
            disc(hub, RADIUS * scale, TYRE),
            disc(hub, 0.19 * scale, WALL),
            disc(hub, 0.04 * scale, TYRE),
        ]
    return parts


def crushed(x: float, shortened: float) -> float:
    """Where a point of the car is against the cabin, once the front is shorter: evenly pressed together."""
    room = -FIREWALL
    return x if x <= FIREWALL else FIREWALL + (x - FIREWALL) * (room - shortened) / room


def refined(points: Sequence[Point]) -> list[Point]:
    """The points and those halfway between: where the bonnet folds."""
    halves = [((x0 + x1) / 2, (y0 + y1) / 2) for (x0, y0), (x1, y1) in pairwise(points)]
    return [*(p for pair in zip(points, halves, strict=False) for p in pair), points[-1]]


def arches() -> list[Point]:
    """The lower edge of the car from front to rear, with its wheel arches."""
    out: list[Point] = []
    for x in reversed(WHEELS):
        out += [
            (x + 0.39 * math.cos(a), 0.3 + 0.39 * math.sin(a)) for a in np.linspace(-0.25, math.pi + 0.25, 13)
        ]
    return out


def pleats(now: Moment, car: Callable[[Iterable[Point]], list[Point]]) -> list[str]:
    """Strips between firewall and bumper, the redder the more the front is crushed."""
    share = min(1.0, now.shortened / -FIREWALL)
    out = []
    along, heights = np.array(BONNET).T
    edges = np.linspace(FIREWALL, -0.03, 9)
    for k, (x0, x1) in enumerate(pairwise(edges)):
        tops = [float(np.interp(x, along, heights)) - 0.05 for x in (x0, x1)]
        strip = [(x0, tops[0]), (x1, tops[1]), (x1, 0.42), (x0, 0.42)]
        opacity = share * (0.55 if k % 2 else 0.25)
        out.append(area(car(strip), FAIL, more=f'opacity="{opacity:.2f}"'))
    return out


def inside(now: Moment, at: Callable[[Point], Point], scale: float) -> list[str]:
    """Seat, wheel, airbag and driver, in the cabin that has travelled with the car."""

    def cabin(*points: Point) -> list[Point]:
        return [at((x + now.travel, y)) for x, y in points]

    hip, shoulder = (-2.22 + 0.45 * now.torso, 0.53), (-2.33 + now.torso, 1.0)
    head = (-2.31 + now.head, 1.21)
    knee, foot, wheel = (-1.78 + 0.3 * now.torso, 0.62), (-1.38, 0.33), (-1.76, 0.95)
    seat = 'stroke-linecap="round" stroke-linejoin="round"'
    parts = [
        line(cabin((-2.52, 1.15), (-2.42, 0.5), (-1.98, 0.44)), WALL, 0.13 * scale, seat),
        line(cabin((-1.3, 0.8), (-1.7, 0.9)), TEXT_3, 0.03 * scale),
        line(cabin((-1.67, 0.78), (-1.85, 1.12)), TEXT_2, 0.035 * scale, 'stroke-linecap="round"'),
    ]
    if now.fill > 0:
        (x, y), r = cabin((-1.78 - 0.19 * now.fill, 0.99))[0], now.fill**0.5 * scale
        parts.append(
            f'<ellipse cx="{n(x)}" cy="{n(y)}" rx="{n(0.19 * r)}" ry="{n(0.33 * r)}" fill="{AIRBAG}"'
            f' stroke="{BODY_EDGE}" transform="rotate(-14 {n(x)} {n(y)})" opacity="0.85"/>'
        )
    elbow = ((shoulder[0] + wheel[0]) / 2, (shoulder[1] + wheel[1]) / 2 - 0.05 - 0.6 * now.torso)
    parts += [
        *limb(cabin(hip, knee, foot), 0.11 * scale),
        *limb(cabin(hip, shoulder), 0.22 * scale),
        line(cabin((-2.56, 1.2), (shoulder[0] + 0.06, 1.07), (hip[0] + 0.1, 0.6)), BELT, 0.045 * scale, seat),
        *limb(cabin(shoulder, elbow, wheel), 0.075 * scale),
        disc(cabin(head)[0], 0.115 * scale, DUMMY, BODY_EDGE, 'stroke-width="0.8"'),
        *target(cabin(head)[0], 0.05 * scale),
    ]
    return parts


def target(centre: Point, radius: float) -> list[str]:
    """The quadrant mark of a crash test."""
    x, y = centre
    quarter = f"{n(radius)} {n(radius)} 0 0 1"
    halves = (
        f"M{n(x)} {n(y)}V{n(y - radius)}A{quarter} {n(x + radius)} {n(y)}ZM{n(x)} {n(y)}V{n(y + radius)}"
        f"A{quarter} {n(x - radius)} {n(y)}Z"
    )
    return [disc(centre, radius, "#FAD650"), f'<path d="{halves}" fill="#181C22"/>']


def limb(points: Iterable[Point], width: float) -> list[str]:
    """Part of the dummy: a thick line with round ends and a thin edge."""
    points = list(points)
    more = 'stroke-linecap="round" stroke-linejoin="round"'
    return [line(points, BODY_EDGE, width + 1.4, more), line(points, DUMMY, width, more)]
