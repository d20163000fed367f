"""A driver's pedals that are pressed once, and once differently."""

from __future__ import annotations

from crumple import Output, Parameter, Unit


class Pedals(Unit):
    """Throttle and brake, constant up to `change`, and constant from then on."""

    throttle = Output("%", doc="0 to 100")
    brake = Output("lbf*ft", doc="torque of the brakes")
    throttle_first = Parameter(50.0, "%", min=0.0, max=100.0, doc="up to the change")
    throttle_then = Parameter(50.0, "%", min=0.0, max=100.0, doc="from the change on")
    brake_first = Parameter(0.0, "lbf*ft", min=0.0, doc="up to the change")
    brake_then = Parameter(0.0, "lbf*ft", min=0.0, doc="from the change on")
    change = Parameter(1e6, "s", min=0.0, doc="when")

    def reset(self) -> None:
        self._press(self.change <= 0.0)

    def step(self, now) -> None:  # type: ignore[no-untyped-def]
        # what is set appears at the end of the step; half a step spares the comparison of two rounded times
        self._press(now.t + 1.5 * now.dt > self.change)

    def _press(self, changed: bool) -> None:
        self.throttle = self.throttle_then if changed else self.throttle_first
        self.brake = self.brake_then if changed else self.brake_first
