"""An airbag controller: the device under test of the scene `frontal_barrier`."""

from __future__ import annotations

from collections import deque

from crumple import Input, Output, Parameter, Unit


class AirbagController(Unit):
    """Fires belt and airbag when the velocity lost over `window` exceeds `threshold`, and a second channel agrees.

    The loss is the sum of acceleration times step over the last `window` seconds, so a bump that is over leaves no
    trace. A second sensor, the safing channel, is summed alike; nothing fires unless its loss exceeds
    `safing_threshold`, so that no single sensor can fire the bag.
    A crash is severe where the loss rose from `severity_from` to `severity_to` in at most `severity_time`: then both
    stages of the bag fire at once, else the first alone. What has fired stays fired: a squib cannot be unlit.
    """

    acceleration = Input("m/s^2", doc="crash sensor, tunnel, forward positive")
    safing_acceleration = Input("m/s^2", start=0.0, doc="second sensor, forward positive")
    fire = Output("1", start=0.0, doc="1 from the moment of firing")
    fire_pretensioner = Output("1", start=0.0, doc="squib of the belt")
    fire_stage1 = Output("1", start=0.0, doc="squib of the airbag's first stage")
    fire_stage2 = Output("1", start=0.0, doc="squib of the airbag's second stage")
    velocity_lost = Output("m/s", doc="over the window, as the controller sees it")
    safing_lost = Output("m/s", doc="the same of the second sensor")
    threshold = Parameter(1.1, "m/s", min=0.0, doc="velocity lost at which to fire")
    window = Parameter(0.010, "s", min=0.0, doc="how far back the loss is summed")
    safing_threshold = Parameter(
        0.0, "m/s", min=0.0, doc="loss that the second sensor must see; 0: there is none"
    )
    severity_from = Parameter(0.3, "m/s", min=0.0, doc="loss from which the rise is timed")
    severity_to = Parameter(0.8, "m/s", min=0.0, doc="loss up to which it is timed")
    severity_time = Parameter(0.00475, "s", min=0.0, doc="longest rise of a severe crash")

    def reset(self) -> None:
        count = max(1, round(self.window / self.period))
        self._lost: deque[float] = deque(maxlen=count)
        self._safing: deque[float] = deque(maxlen=count)
        self._rising: float | None = None  # [s] since when the loss exceeds severity_from
        self._rise: float | None = None  # [s] that it took to severity_to

    def step(self, now) -> None:  # type: ignore[no-untyped-def]
        self._lost.append(-self.acceleration * now.dt)
        self._safing.append(-self.safing_acceleration * now.dt)
        self.velocity_lost = sum(self._lost)
        self.safing_lost = sum(self._safing)
        self._time_rise(now.t)
        safe = self.safing_threshold <= 0.0 or self.safing_lost > self.safing_threshold
        if self.fire < 0.5 and safe and self.velocity_lost > self.threshold:
            self.fire = self.fire_pretensioner = self.fire_stage1 = 1.0
            if self._rise is not None and self._rise <= self.severity_time:
                self.fire_stage2 = 1.0

    def _time_rise(self, t: float) -> None:
        if self.velocity_lost <= self.severity_from:
            self._rising = self._rise = None
        elif self._rising is None:
            self._rising = t
        if self._rise is None and self._rising is not None and self.velocity_lost > self.severity_to:
            self._rise = t - self._rising
