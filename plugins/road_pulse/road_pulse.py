"""What a bad road or a kerb does to an acceleration sensor: short pulses, forward and backward in turn."""

from __future__ import annotations

import math

from crumple import Output, Parameter, Unit


class RoadPulse(Unit):
    """Half-sine pulses of alternating sign, the first one backward, each of `duration`, one every `interval`."""

    acceleration = Output("m/s^2", doc="forward positive")
    amplitude = Parameter(0.0, "m/s^2", min=0.0, doc="of each pulse; 0: a smooth road")
    duration = Parameter(0.005, "s", min=1e-6, doc="of each pulse")
    interval = Parameter(0.010, "s", min=1e-6, doc="from the begin of one pulse to that of the next")
    begin = Parameter(0.010, "s", min=0.0, doc="of the first pulse")
    count = Parameter(6, min=0, doc="how many pulses")
    alternating = Parameter(True, doc="whether every second pulse goes forward")

    def step(self, now) -> None:  # type: ignore[no-untyped-def]
        since = now.t + now.dt - self.begin  # the value at the end of the step
        number = math.floor(since / self.interval)
        within = since - number * self.interval
        if not 0 <= number < self.count or within > self.duration:
            self.acceleration = 0.0
            return
        sign = 1.0 if self.alternating and number % 2 else -1.0
        self.acceleration = sign * self.amplitude * math.sin(math.pi * within / self.duration)
