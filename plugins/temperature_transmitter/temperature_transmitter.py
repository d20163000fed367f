"""A temperature transmitter in a thermowell: lag, noise, range and resolution."""

from __future__ import annotations

import math

from crumple import Input, Output, Parameter, Unit


class TemperatureTransmitter(Unit):
    """A first-order lag, stepped exactly for an input held over the step; then noise, range and resolution.

    Below and above its range it says the ends of the range, as a 4 to 20 mA loop does.
    """

    temperature = Input("K", start=298.15, doc="true temperature where it sits")
    measured = Output("K", start=298.15, doc="what it says")
    lag = Parameter(5.0, "s", min=0.0, doc="time constant of thermowell and element")
    noise = Parameter(0.0, "K", min=0.0, doc="standard deviation of white noise")
    lowest = Parameter(250.0, "K", doc="low end of the range")
    highest = Parameter(600.0, "K", doc="high end of the range")
    bits = Parameter(16, min=1, max=32, doc="resolution: the range has 2^bits steps")
    start = Parameter(298.15, "K", doc="what it says before its first step")

    def reset(self) -> None:
        self._x = self.measured = self.start
        self._share = 1.0 if self.lag == 0.0 else -math.expm1(-self.period / self.lag)
        self._resolution = (self.highest - self.lowest) / 2**self.bits

    def step(self, now) -> None:  # type: ignore[no-untyped-def]
        self._x += self._share * (self.temperature - self._x)
        value = self._x
        if self.noise > 0.0:
            value += self.random.normal(0.0, self.noise)
        value = min(max(value, self.lowest), self.highest)
        self.measured = self.lowest + round((value - self.lowest) / self._resolution) * self._resolution
