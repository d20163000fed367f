"""An airbag controller: the device under test of the scene `frontal_barrier`."""

from __future__ import annotations

from collections import deque

from crumple import Input, Output, Parameter, Unit


class AirbagController(Unit):
    """Fires when the velocity lost over `window` exceeds `threshold`.

    The loss is the sum of acceleration times step over the last `window` seconds, so a bump that is over leaves no
    trace. Once fired it stays fired: a squib cannot be unlit.
    """

    acceleration = Input("m/s^2", doc="crash sensor, tunnel, forward positive")
    fire = Output("1", start=0.0, doc="1 from the moment of firing")
    velocity_lost = Output("m/s", doc="over the window, as the controller sees it")
    threshold = Parameter(1.1, "m/s", min=0.0, doc="velocity lost at which to fire")
    window = Parameter(0.010, "s", min=0.0, doc="how far back the loss is summed")

    def reset(self) -> None:
        self._lost: deque[float] = deque(maxlen=max(1, round(self.window / self.period)))

    def step(self, now) -> None:  # type: ignore[no-untyped-def]
        self._lost.append(-self.acceleration * now.dt)
        self.velocity_lost = sum(self._lost)
        if self.velocity_lost > self.threshold:
            self.fire = 1.0
