"""An accelerometer on the tub: a sensor of the scene `washer_imbalance`."""

from __future__ import annotations

from crumple import Input, Output, Parameter, Unit


class VibrationSensor(Unit):
    """Acceleration with a range, a resolution and noise."""

    acceleration = Input("m/s^2", doc="where it is mounted")
    measured = Output("m/s^2")
    range = Parameter(156.9064, "m/s^2", min=0.0, doc="beyond it reads its end; 16 g")
    resolution = Parameter(0.0, "m/s^2", min=0.0, doc="of one digit; 0: none is lost")
    noise = Parameter(0.0, "m/s^2", min=0.0, doc="standard deviation")

    def step(self, now) -> None:  # type: ignore[no-untyped-def]
        value = self.acceleration
        if self.noise > 0.0:
            value += self.noise * self.random.normal()
        if self.resolution > 0.0:
            value = round(value / self.resolution) * self.resolution
        self.measured = min(max(value, -self.range), self.range)
