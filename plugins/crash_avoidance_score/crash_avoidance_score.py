"""Points of one test of crash avoidance, by the colour bands of Euro NCAP 2026."""

from __future__ import annotations

from crumple import Input, Output, Parameter, Unit


class CrashAvoidanceScore(Unit):
    """Share of a test point's points, from the impact speed, or from the time to collision at the warning.

    Without an impact so far the point has all its points; the value at the end of the run counts. Bands and test
    matrices: `crumple.metrics.euro_ncap`. A location in the extended range has all points for any colour but red.
    """

    impact_speed = Input("m/s", doc="relative, at contact; 0 without one")
    contact = Input("1", doc="1 once the two have touched")
    warning = Input("1", doc="1 while the driver is warned")
    time_to_collision = Input("s", start=99.0, doc="true one")

    points = Output("1", start=1.0, doc="0 to 1")
    impact = Output("km/h", doc="impact speed; 0 if avoided")
    warned_at = Output("s", doc="time to collision at the first warning; 0 before it")

    scenario = Parameter("CPNA-25", doc="decides the test matrix")
    test_speed = Parameter(50.0, "km/h", min=0.0, doc="of the car under test")
    impact_location = Parameter(50.0, doc="percent of the car's width")
    by_warning = Parameter(False, doc="the test point is one of the warning, not of braking")

    def reset(self) -> None:
        from crumple.metrics import euro_ncap

        self._extended = euro_ncap.point_matrix(self.scenario).is_extended(
            self.test_speed, self.impact_location
        )

    def step(self, now) -> None:  # type: ignore[no-untyped-def]
        from crumple.metrics import euro_ncap

        if self.warned_at == 0.0 and self.warning > 0.5:
            self.warned_at = self.time_to_collision
        if self.contact > 0.5:
            self.impact = max(self.impact_speed, 0.0) * 3.6
        if self.by_warning:
            colour = euro_ncap.warning_colour(self.warned_at)
        else:
            colour = euro_ncap.impact_colour(self.test_speed, self.impact)
        self.points = euro_ncap.share(colour, extended=self._extended)
