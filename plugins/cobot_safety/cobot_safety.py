"""The safety controller of a collaborative robot: the device under test of the scene `cobot_contact`."""

from __future__ import annotations

from crumple import Input, Output, Parameter, Unit


class CobotSafety(Unit):
    """Stops the robot on contact, keeps it below a speed, or stops it before anybody is near; then it retracts.

    - In every mode: a stop where the estimated force exceeds `threshold`, or where samples stopped coming for
      `watchdog` (a lost connection is a stop).
    - `speed_limit`: the commanded speed is held at or below `allowed_speed`.
    - `separation`: a stop where the body is nearer than S = approach (reaction + stopping) + v reaction + intrusion,
      v the robot's speed, after ISO 13855 and ISO/TS 15066:2016, 5.5.4.2.3. `stopping` covers dead time and braking.

    A stop lasts until the robot has stood still for `dwell`; after a contact it then moves back at `retract_speed` for
    `retract_time`, to free whoever is clamped, and stops for good.
    """

    measured_force = Input("N", doc="estimate of the contact force")
    sample_number = Input("1", kind="integer", doc="number of the sample it comes from")
    separation = Input("m", start=1e3, doc="between robot and body, from a scanner")
    speed = Input("m/s", doc="of the robot, forward positive")
    speed_command = Output("m/s", doc="to the axis, forward positive")
    stop = Output("1", kind="boolean", doc="to drives and brake")
    contact = Output("1", kind="boolean", doc="the force has exceeded the threshold; latched")
    intrusion_seen = Output(
        "1", kind="boolean", doc="the body was nearer than the protective separation; latched"
    )
    lost = Output("1", kind="boolean", doc="samples stopped coming; latched")
    protective_separation = Output("m", doc="nearest that the body may be at this speed")
    mode = Parameter("force", choices=["force", "speed_limit", "separation"], doc="what it does besides")
    program_speed = Parameter(0.25, "m/s", min=0.0, doc="speed that the program asks for")
    allowed_speed = Parameter(0.25, "m/s", min=0.0, doc="speed limit")
    threshold = Parameter(60.0, "N", min=0.0, doc="force that stops the robot")
    watchdog = Parameter(0.02, "s", min=0.0, doc="how long samples may stay away")
    approach = Parameter(1.6, "m/s", min=0.0, doc="speed at which a person may come nearer")
    reaction = Parameter(0.1, "s", min=0.0, doc="of scanner and controller")
    stopping = Parameter(0.2, "s", min=0.0, doc="that the robot takes to stop")
    intrusion = Parameter(0.1, "m", min=0.0, doc="how far a hand reaches in before it is seen")
    standstill = Parameter(0.002, "m/s", min=0.0, doc="speed that counts as none")
    dwell = Parameter(0.05, "s", min=0.0, doc="how long the robot stands still before it retracts")
    retract_speed = Parameter(0.05, "m/s", min=0.0, doc="of the way back")
    retract_time = Parameter(0.25, "s", min=0.0, doc="of the way back")

    def reset(self) -> None:
        self._number = 0
        self._silent = self._still = self._back = 0.0  # [s]
        self.speed_command = self._wanted()

    def _wanted(self) -> float:
        limited = self.mode == "speed_limit"
        return min(self.program_speed, self.allowed_speed) if limited else self.program_speed

    def step(self, now) -> None:  # type: ignore[no-untyped-def]
        fresh = self.sample_number != self._number
        self._number = self.sample_number
        self._silent = 0.0 if fresh else self._silent + now.dt
        self.lost = bool(self.lost) or self._silent > self.watchdog
        self.contact = bool(self.contact) or abs(self.measured_force) > self.threshold
        toward = max(self.speed, 0.0)
        nearest = self.approach * (self.reaction + self.stopping) + toward * self.reaction + self.intrusion
        self.protective_separation = nearest
        if self.mode == "separation" and self.separation < nearest and toward > self.standstill:
            self.intrusion_seen = True
        if not (self.lost or self.contact or self.intrusion_seen):
            self.speed_command = self._wanted()
            return
        self._still = self._still + now.dt if abs(self.speed) <= self.standstill else 0.0
        retracting = self.contact and 0.0 < self._back < self.retract_time
        if self.contact and self._back == 0.0 and self._still >= self.dwell:
            retracting = True
        if retracting:
            self._back += now.dt
        # the program goes on until the robot stands: what stops it is `stop`, on its own way to drives and brake
        going_on = self._wanted() if self._back == 0.0 else 0.0
        self.speed_command = -self.retract_speed if retracting else going_on
        self.stop = not retracting
