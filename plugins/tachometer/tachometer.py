"""A tacho on the drive of a drum: a sensor of the scene `washer_imbalance`."""

from __future__ import annotations

from crumple import Input, Output, Parameter, Unit


class Tachometer(Unit):
    """Speed with a resolution, as from an encoder that is read at a steady rate."""

    speed = Input("rad/s", doc="of the shaft")
    measured = Output("rad/s")
    resolution = Parameter(0.0, "rad/s", min=0.0, doc="of one digit; 0: none is lost")

    def step(self, now) -> None:  # type: ignore[no-untyped-def]
        value = self.speed
        if self.resolution > 0.0:
            value = round(value / self.resolution) * self.resolution
        self.measured = value
