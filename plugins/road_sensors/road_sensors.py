"""A radar and a camera that look ahead along the road: what a car for automatic emergency braking sees with."""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

from crumple import Input, Output, Parameter, Unit

OBJECTS = 4  # the target, two parked cars, an echo of nothing
TARGET, NEAR, FAR, GHOST = range(OBJECTS)
NOTHING, CAR, PEDESTRIAN = 0.0, 1.0, 2.0  # kinds as the camera tells them
SHARES = (-0.8, -0.4, 0.0, 0.4, 0.8)  # where across a body it is looked whether it is seen


class Box(NamedTuple):
    """A parked car over ground: x forward, y to the left [m]."""

    back: float
    front: float
    right: float
    left: float

    def hides(self, x0: float, y0: float, x1: float, y1: float) -> bool:
        """Whether it stands in the line from (x0, y0) to (x1, y1)."""
        enters, leaves = 0.0, 1.0
        for start, way, least, most in (
            (x0, x1 - x0, self.back, self.front),
            (y0, y1 - y0, self.right, self.left),
        ):
            if way == 0.0:
                if not least < start < most:
                    return False
                continue
            a, b = (least - start) / way, (most - start) / way
            enters, leaves = max(enters, min(a, b)), min(leaves, max(a, b))
        return enters < leaves


class Frame(NamedTuple):
    """What one look gave: when [s], and a value for each object."""

    stamp: float
    valid: list[float]
    range: list[float]
    azimuth: list[float]
    rate: list[float]
    kind: list[float]


EMPTY = Frame(-1.0, *([0.0] * OBJECTS for _ in range(5)))


class _Sensor(Unit):
    """What both have in common: looking at a cycle of its own, hidden objects, latency, lost and repeated frames."""

    ego_position = Input("m", doc="front bumper of the car that carries it")
    ego_speed = Input("m/s")
    target_position = Input("m", start=1000.0, doc="of the target's side that faces the car")
    target_lateral = Input("m", doc="of the target's reference point, to the left")
    target_speed = Input("m/s", doc="along the road")
    target_lateral_speed = Input("m/s", doc="to the left")

    valid = Output("1", shape=OBJECTS, doc="1: the object is in this frame")
    range = Output("m", shape=OBJECTS, doc="from the sensor")
    azimuth = Output("rad", shape=OBJECTS, doc="to the left of straight ahead")
    stamp = Output("s", start=-1.0, doc="when the frame was taken; -1 before the first")

    target = Parameter("pedestrian", choices=["pedestrian", "car"])
    target_left = Parameter(0.36, "m", min=0.0, doc="how far the target reaches to the left of its point")
    target_right = Parameter(0.24, "m", min=0.0, doc="how far it reaches to the right of it")
    parked = Parameter(False, doc="two cars are parked on the right, between the car and the target")
    parked_front = Parameter(-1.0, "m", doc="front bumper of the first parked car")
    parked_side = Parameter(-1.9075, "m", doc="left side of both")
    cycle = Parameter(0.05, "s", min=1e-3, doc="from one look to the next")
    latency = Parameter(0.06, "s", min=0.0, doc="from a look to its frame")
    mount = Parameter(0.0, "m", min=0.0, doc="how far behind the front bumper it sits")
    view = Parameter(math.radians(90.0), "rad", min=0.0, doc="field of view, from side to side")
    reach = Parameter(70.0, "m", min=0.0, doc="how far it sees")
    blinded = Parameter(False, doc="something stands before it, and it sees nothing")
    share = Parameter(0.2, min=0.0, max=1.0, doc="of the target's width that must be in sight")
    dropout = Parameter(0.02, min=0.0, max=1.0, doc="chance that a look misses an object")
    sigma_range = Parameter(0.15, "m", min=0.0, doc="standard deviation of the range")
    sigma_relative = Parameter(0.0, min=0.0, doc="the same, as a share of the range, on top")
    sigma_azimuth = Parameter(math.radians(0.5), "rad", min=0.0, doc="standard deviation of the azimuth")

    def reset(self) -> None:
        self._way: deque[tuple[float, Frame]] = deque()  # frames under way, and when they are out
        self._last = EMPTY
        self._every = max(1, round(self.cycle / self.period))
        self._count = 0
        near = Box(self.parked_front - 4.316, self.parked_front, self.parked_side - 1.82, self.parked_side)
        far = Box(near.back - 1.0 - 4.418, near.back - 1.0, near.right, near.left)
        self._boxes = (near, far) if self.parked else ()

    def step(self, now) -> None:  # type: ignore[no-untyped-def]
        if self._count % self._every == 0:
            self._way.append((now.t + self.latency, self._look(now.t)))
        self._count += 1
        while self._way and self._way[0][0] <= now.t + now.dt + 1e-9:
            self._last = self._way.popleft()[1]
        self._give(self._last)

    def _give(self, frame: Frame) -> None:
        self.valid, self.range, self.azimuth = frame.valid, frame.range, frame.azimuth
        self.stamp = frame.stamp

    def _look(self, t: float) -> Frame:
        """One frame. Noise is drawn for every object whether it is seen or not: what is seen changes nothing else."""
        x0 = self.ego_position - self.mount
        valid, ranges, azimuths, rates, kinds = ([0.0] * OBJECTS for _ in range(5))
        noise = self.random.normal(size=(OBJECTS, 3)).tolist()
        lost = self.random.random(OBJECTS).tolist()
        for n, place in enumerate(self._places()):
            if place is None or self.blinded or lost[n] < self.dropout:
                continue
            x, y, vx, vy, kind = place
            dx = x - x0
            distance, angle = math.hypot(dx, y), math.atan2(y, dx)
            if dx <= 0.0 or not self._within(distance, angle):
                continue
            if n == TARGET and self._visible(x0, x, y) < self.share:
                continue
            valid[n], kinds[n] = 1.0, kind
            ranges[n] = max(
                distance + noise[n][0] * math.hypot(self.sigma_range, self.sigma_relative * distance), 0.0
            )
            azimuths[n] = angle + noise[n][1] * self.sigma_azimuth
            rates[n] = ((vx - self.ego_speed) * dx + vy * y) / max(distance, 1e-6) + noise[n][
                2
            ] * self._sigma_rate()
        return Frame(t, valid, ranges, azimuths, rates, kinds)

    def _places(self) -> list[tuple[float, float, float, float, float] | None]:
        """Position, velocity and kind of each object, over ground; None for one that is not there."""
        kind = CAR if self.target == "car" else PEDESTRIAN
        target = (
            self.target_position,
            self.target_lateral,
            self.target_speed,
            self.target_lateral_speed,
            kind,
        )
        parked = [(box.back, 0.5 * (box.left + box.right), 0.0, 0.0, CAR) for box in self._boxes]
        return [target, *parked, *([None] * (2 - len(parked))), self._ghost()]

    def _ghost(self) -> tuple[float, float, float, float, float] | None:
        return None

    def _sigma_rate(self) -> float:
        return 0.0

    def _within(self, distance: float, angle: float) -> bool:
        return distance <= self.reach and abs(angle) <= 0.5 * self.view

    def _visible(self, x0: float, x: float, y: float) -> float:
        """Share of the target's width that no parked car hides."""
        if not self._boxes:
            return 1.0
        middle, half = (
            y + 0.5 * (self.target_left - self.target_right),
            0.5 * (self.target_left + self.target_right),
        )
        seen = sum(
            not any(box.hides(x0, 0.0, x, middle + share * half) for box in self._boxes) for share in SHARES
        )
        return seen / len(SHARES)


class RoadRadar(_Sensor):
    """A radar behind the front bumper: range, range rate and azimuth of up to four objects.

    Two beams: a wide one (`view`, up to `reach`) and a narrow one (`far_view`, up to `far_reach`). It knows no kinds,
    and it sees a target of which a fifth shows. Objects come under a number of their own, as from a radar that tracks;
    the fourth is an echo of something that is not there, as bridges and gully covers give.
    """

    rate = Output("m/s", shape=OBJECTS, doc="of the range: negative while it shrinks")
    far_view = Parameter(math.radians(20.0), "rad", min=0.0, doc="field of view of the narrow beam")
    far_reach = Parameter(170.0, "m", min=0.0, doc="how far the narrow beam sees")
    sigma_rate = Parameter(0.1, "m/s", min=0.0, doc="standard deviation of the rate")
    ghost = Parameter(False, doc="an echo appears straight ahead, and stands on the road")
    ghost_distance = Parameter(30.0, "m", min=0.0, doc="where an echo appears, ahead of the car")

    def reset(self) -> None:
        super().reset()
        self._echo: float | None = None  # where on the road it stands

    def _give(self, frame: Frame) -> None:
        super()._give(frame)
        self.rate = frame.rate

    def _ghost(self) -> tuple[float, float, float, float, float] | None:
        if not self.ghost:
            self._echo = None
            return None
        if self._echo is None:
            self._echo = self.ego_position + self.ghost_distance
        return self._echo, 0.0, 0.0, 0.0, NOTHING

    def _sigma_rate(self) -> float:
        return self.sigma_rate

    def _within(self, distance: float, angle: float) -> bool:
        far = distance <= self.far_reach and abs(angle) <= 0.5 * self.far_view
        return far or super()._within(distance, angle)


class RoadCamera(_Sensor):
    """A camera behind the windscreen: azimuth, kind and, coarsely, range of up to four objects.

    It tells a pedestrian from a car, measures angles well and distances by size, so worse the farther they are. It
    needs half of a body in sight.
    """

    kind = Output("1", shape=OBJECTS, doc="0 nothing, 1 car, 2 pedestrian")
    cycle = Parameter(0.04, "s", min=1e-3, doc="from one look to the next")
    latency = Parameter(0.1, "s", min=0.0, doc="from a look to its frame")
    mount = Parameter(1.6, "m", min=0.0, doc="how far behind the front bumper it sits")
    view = Parameter(math.radians(100.0), "rad", min=0.0, doc="field of view, from side to side")
    reach = Parameter(90.0, "m", min=0.0, doc="how far it tells what it sees")
    share = Parameter(0.5, min=0.0, max=1.0, doc="of the target's width that must be in sight")
    sigma_range = Parameter(0.0, "m", min=0.0, doc="standard deviation of the range")
    sigma_relative = Parameter(0.03, min=0.0, doc="the same, as a share of the range, on top")
    sigma_azimuth = Parameter(math.radians(0.15), "rad", min=0.0, doc="standard deviation of the azimuth")

    def _give(self, frame: Frame) -> None:
        super()._give(frame)
        self.kind = frame.kind
