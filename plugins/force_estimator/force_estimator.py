"""The force that a robot feels: from its joint torques, less what its own load should weigh."""

from __future__ import annotations

import math

from crumple import Input, Output, Parameter, Unit

G = 9.80665


class ForceEstimator(Unit):
    """Contact force as the joints' torque sensors give it: filtered, and without the weight of the load it knows of.

    Weight that it does not know of (`payload` less `payload_set`) pulls where the contact pushes back, and is taken for
    less contact. The filter is one pole, stepped exactly for an input held over the step. Each sample has a number, by
    which a reader can tell that samples no longer come.
    """

    force = Input("N", doc="between robot and body")
    measured = Output("N", doc="estimate of it")
    number = Output("1", kind="integer", doc="of the sample, from 1")
    lag = Parameter(0.002, "s", min=0.0, doc="time constant of the filter")
    noise = Parameter(0.0, "N", min=0.0, doc="standard deviation of white noise")
    payload = Parameter(0.0, "kg", min=0.0, doc="that the robot carries")
    payload_set = Parameter(0.0, "kg", min=0.0, doc="that it was told it carries")

    def reset(self) -> None:
        self._x = 0.0
        self._share = 1.0 if self.lag == 0.0 else -math.expm1(-self.period / self.lag)

    def step(self, now) -> None:  # type: ignore[no-untyped-def]
        self._x += self._share * (self.force - self._x)
        value = self._x - (self.payload - self.payload_set) * G
        if self.noise > 0.0:
            value += self.random.normal(0.0, self.noise)
        self.measured = value
        self.number += 1
