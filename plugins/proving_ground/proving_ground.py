"""The state of road and brakes on a proving ground: signals for what is a fault when it changes."""

from __future__ import annotations

from crumple import Output, Parameter, Unit


class ProvingGround(Unit):
    """Publishes, unchanged through the run, what a test track takes for granted.

    Its outputs feed inputs of the car, so that a fault on one of them is a wet road or brakes that fade.
    """

    friction = Output("1", start=1.0, doc="grip of the road, as a share of the weight")
    brake_efficiency = Output("1", start=1.0, doc="share of the asked braking that the brakes give")

    grip = Parameter(1.0, min=0.0, max=2.0, doc="of the road")
    brakes = Parameter(1.0, min=0.0, max=1.0, doc="what they give of what is asked")

    def reset(self) -> None:
        self.friction = self.grip
        self.brake_efficiency = self.brakes

    def step(self, now) -> None:  # type: ignore[no-untyped-def]
        """Nothing changes."""
