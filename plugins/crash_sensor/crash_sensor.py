"""An acceleration sensor as crash electronics use it: limited in bandwidth, range and resolution."""

from __future__ import annotations

import math

from crumple import Input, Output, Parameter, Unit

G = 9.80665


class CrashSensor(Unit):
    """Low-pass of three equal poles, then saturation at the range, then rounding to the resolution.

    Each pole is stepped exactly for an input held over the step, x += (u - x)(1 - exp(-2 pi f_1 dt)), with
    f_1 = f / sqrt(2^(1/3) - 1), so that the three together lose 3 dB at the bandwidth f. A constant input is passed
    unchanged up to the resolution.
    """

    acceleration = Input("m/s^2", doc="true acceleration at the place of the sensor")
    disturbance = Input("m/s^2", start=0.0, doc="what shakes the place of the sensor besides")
    measured = Output("m/s^2", doc="what the sensor says")
    range = Parameter(100 * G, "m/s^2", min=0.0, doc="largest value of either sign")
    bits = Parameter(12, min=1, max=32, doc="resolution: the range from - to + has 2^bits steps")
    bandwidth = Parameter(400.0, "Hz", min=1e-3, doc="frequency at which 3 dB are lost")
    noise = Parameter(0.0, "m/s^2", min=0.0, doc="standard deviation of white noise, before rounding")

    def reset(self) -> None:
        pole = self.bandwidth / math.sqrt(2.0 ** (1.0 / 3.0) - 1.0)
        self._share = -math.expm1(-2.0 * math.pi * pole * self.period)
        self._resolution = 2.0 * self.range / 2**self.bits
        self._x = self._y = self._z = 0.0

    def step(self, now) -> None:  # type: ignore[no-untyped-def]
        share = self._share
        self._x += share * (self.acceleration + self.disturbance - self._x)
        self._y += share * (self._x - self._y)
        self._z += share * (self._y - self._z)
        value = self._z
        if self.noise > 0.0:
            value += self.random.normal(0.0, self.noise)
        limit = self.range
        value = min(max(value, -limit), limit)
        step = self._resolution
        self.measured = round(value / step) * step if step > 0.0 else value
