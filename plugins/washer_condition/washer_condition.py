"""What a washing machine is like: its load, its dampers, its door; where faults of `washer_imbalance` act."""

from __future__ import annotations

from crumple import Output, Parameter, Unit


class WasherCondition(Unit):
    """Load, dampers and door, as they are unless a fault changes them."""

    unbalance = Output("kg", doc="mass on one side of the drum")
    damping = Output("1", doc="ratio of the dampers, of critical")
    door_open = Output("1", doc="1 if the door is not locked")
    laundry = Parameter(0.3, "kg", min=0.0, doc="the unbalance")
    damper = Parameter(0.15, min=0.0, doc="the damping ratio")

    def reset(self) -> None:
        self.unbalance, self.damping, self.door_open = self.laundry, self.damper, 0.0

    def step(self, now) -> None:  # type: ignore[no-untyped-def]
        self.reset()
