"""A safety instrumented system for a batch reactor: the device under test of the scene `reactor_runaway`."""

from __future__ import annotations

from crumple import Input, Output, Parameter, Unit


class ReactorSis(Unit):
    """Trips by a vote of three temperature transmitters, or by loss of cooling water; then it acts in three stages.

    - Trip: `votes` of three readings at or above `trip_temperature`, or a cooling flow below `least_flow` for
      `flow_delay`. It latches, and asks for full cooling.
    - Quench: tripped, and `votes` readings at or above `quench_temperature`: cold water into the batch. Latches.
    - Dump: tripped, and `votes` readings at or above `dump_temperature`: the batch into the dump tank. Latches.

    A reading outside `lowest` to `highest` is a broken loop and votes for all three. Readings that differ by more than
    `deviation` raise the alarm, which asks for maintenance and trips nothing.

    With `active` false the system watches and records its decisions, but none of its final elements is connected.
    """

    temperature_1 = Input("K", start=298.15, doc="first transmitter")
    temperature_2 = Input("K", start=298.15, doc="second transmitter")
    temperature_3 = Input("K", start=298.15, doc="third transmitter")
    cooling_flow = Input("1", start=1.0, doc="of cooling water, as a share of the most there is")
    tripped = Output("1", kind="boolean", doc="the vote or the flow has tripped; latched")
    voting = Output("1", kind="integer", doc="readings at or above the trip temperature")
    alarm = Output("1", kind="boolean", doc="the readings differ, or one is broken")
    median = Output("K", start=298.15, doc="of the three readings")
    full_cooling = Output("1", kind="boolean", doc="to the cooling valve")
    quench = Output("1", kind="boolean", doc="to the quench valve")
    dump = Output("1", kind="boolean", doc="to the bottom valve")
    active = Parameter(True, doc="its final elements are connected")
    votes = Parameter(2, min=1, max=3, doc="readings that are needed, of three")
    trip_temperature = Parameter(450.0, "K", min=0.0, doc="that trips")
    quench_temperature = Parameter(453.0, "K", min=0.0, doc="that quenches once tripped")
    dump_temperature = Parameter(480.0, "K", min=0.0, doc="that dumps once tripped")
    least_flow = Parameter(0.05, "1", min=0.0, doc="cooling flow below which cooling counts as lost")
    flow_delay = Parameter(20.0, "s", min=0.0, doc="how long it must be lost")
    deviation = Parameter(3.0, "K", min=0.0, doc="between readings, for the alarm")
    lowest = Parameter(255.0, "K", doc="readings below are a broken loop")
    highest = Parameter(595.0, "K", doc="readings above are a broken loop")

    def reset(self) -> None:
        self._without_flow = 0.0  # [s]
        self._quench = self._dump = False

    def _vote(self, readings: list[float], limit: float) -> int:
        return sum(t >= limit or not self.lowest <= t <= self.highest for t in readings)

    def step(self, now) -> None:  # type: ignore[no-untyped-def]
        readings = sorted((self.temperature_1, self.temperature_2, self.temperature_3))
        self.median = readings[1]
        self.alarm = readings[2] - readings[0] > self.deviation
        self._without_flow = self._without_flow + now.dt if self.cooling_flow < self.least_flow else 0.0
        voting = self._vote(readings, self.trip_temperature)
        self.voting = voting
        # the half step keeps the delay at its number of steps in spite of rounding
        lost = self._without_flow > 0.0 and self._without_flow >= self.flow_delay - 0.5 * now.dt
        tripped = bool(self.tripped) or voting >= self.votes or lost
        self.tripped = tripped
        self._quench |= tripped and self._vote(readings, self.quench_temperature) >= self.votes
        self._dump |= tripped and self._vote(readings, self.dump_temperature) >= self.votes
        if self.active:
            self.full_cooling = tripped
            self.quench = self._quench
            self.dump = self._dump
