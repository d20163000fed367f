"""What a site gives to a reactor: cooling water, which may fail for a while, power for the agitator, a clear vent."""

from __future__ import annotations

from crumple import Output, Parameter, Unit


class SiteServices(Unit):
    """Cooling water is there except from `outage_start` for `outage`; the rest is as set.

    An outage holds for whole steps: from the first that begins at or after its start, for as many as fit its length
    (rounded to the nearest step).
    """

    cooling_water = Output("1", start=1.0, doc="share of the cooling water that is there")
    agitator = Output("1", start=1.0, doc="share of the agitator's speed")
    disk_blockage = Output("1", doc="share of the vent pipe that is blocked")
    outage_start = Parameter(0.0, "s", min=0.0, doc="when the cooling water fails")
    outage = Parameter(0.0, "s", min=0.0, doc="how long it is away; 0: it does not fail")
    blockage = Parameter(0.0, "1", min=0.0, max=1.0, doc="share of the vent pipe that is blocked")

    def reset(self) -> None:
        self._begin = round(self.outage_start / self.period)
        self._end = self._begin + round(self.outage / self.period)
        self._step = 0
        self.disk_blockage = self.blockage

    def step(self, now) -> None:  # type: ignore[no-untyped-def]
        self.cooling_water = 0.0 if self._begin <= self._step < self._end else 1.0
        self._step += 1
