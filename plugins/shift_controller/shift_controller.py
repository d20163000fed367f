"""The shift logic of the automatic-transmission benchmark: the device under test of `automatic_transmission`."""

from __future__ import annotations

from bisect import bisect_right

from crumple import Input, Output, Parameter, Unit

# Speed [mph] above which each gear is left upwards, over throttle [%]; below which downwards. ARCH 2014, see README.md.
UP_THROTTLE = (0.0, 25.0, 35.0, 50.0, 90.0, 100.0)
UP = (
    (10.0, 10.0, 15.0, 23.0, 40.0, 40.0),
    (30.0, 30.0, 30.0, 41.0, 70.0, 70.0),
    (50.0, 50.0, 50.0, 60.0, 100.0, 100.0),
    (1e6, 1e6, 1e6, 1e6, 1e6, 1e6),
)
DOWN_THROTTLE = (0.0, 5.0, 40.0, 50.0, 90.0, 100.0)
DOWN = (
    (0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    (5.0, 5.0, 5.0, 5.0, 30.0, 30.0),
    (20.0, 20.0, 25.0, 30.0, 50.0, 50.0),
    (35.0, 35.0, 40.0, 50.0, 80.0, 80.0),
)


class ShiftController(Unit):
    """Shifts when speed has been beyond the line of the gear for `wait`."""

    speed = Input("mph", doc="of the vehicle")
    throttle = Input("%")
    gear = Output("1", start=1.0, doc="1 to 4")
    entered = Output("1", doc="the gear, in the step in which it is shifted into; 0 otherwise")
    wait = Parameter(0.08, "s", min=0.0, doc="how long speed must be beyond the line")

    def reset(self) -> None:
        self._gear = 1
        self._way = 0  # +1 or -1 while it makes up its mind
        self._waited = 0  # steps
        self._wait = round(self.wait / self.period)

    def step(self, now) -> None:  # type: ignore[no-untyped-def]
        speed = self.speed
        gear = self._gear
        way = 0
        if gear < 4 and speed > line(UP_THROTTLE, UP[gear - 1], self.throttle):
            way = 1
        elif gear > 1 and speed < line(DOWN_THROTTLE, DOWN[gear - 1], self.throttle):
            way = -1
        self.entered = 0.0
        if way in (0, -self._way):
            self._way = self._waited = 0
        elif self._way == 0:
            self._way, self._waited = way, 0
            if self._wait == 0:
                self._shift(way)
        else:
            self._waited += 1
            if self._waited >= self._wait:
                self._shift(way)

    def _shift(self, way: int) -> None:
        self._way = self._waited = 0
        self._gear += way
        self.gear = self.entered = float(self._gear)


def line(axis: tuple[float, ...], values: tuple[float, ...], x: float) -> float:
    """The value at x, linear between the points and beyond them."""
    i = min(max(bisect_right(axis, x) - 1, 0), len(axis) - 2)
    return values[i] + (x - axis[i]) / (axis[i + 1] - axis[i]) * (values[i + 1] - values[i])
