"""A spin controller: the device under test of the scene `washer_imbalance`."""

from __future__ import annotations

import math

from crumple import Input, Output, Parameter, Unit

DISTRIBUTING, RAMPING, SPINNING, STOPPING = range(4)
# why it stopped; the first that is found counts
NOTHING, DOOR, TACHO, ACCELEROMETER, AMPLITUDE, SHIFT, OVERSPEED, HEAVY = range(8)


class SpinController(Unit):
    """Spreads the laundry, runs up through the resonance, spins and stops; aborts when something is wrong.

    The amplitude of the tub is that of its acceleration over one turn, divided by the speed squared. From it follows
    the unbalance, by the response of a damped mass on springs: m = X M / r sqrt((1 - q^2)^2 + (2 zeta q)^2) / q^2.
    Within 1.5 times the resonance more amplitude is allowed, as long as the speed goes up through it.
    """

    speed = Input("rad/s", start=0.0, doc="of the drum, from the tacho")
    acceleration = Input("m/s^2", start=0.0, doc="horizontal, of the tub")
    door_open = Input("1", start=0.0, doc="1 if the door is not locked")
    request = Output("rad/s", start=0.0, doc="speed asked of the drive")
    enable = Output("1", start=1.0, doc="0 takes the torque away")
    stage = Output("1", start=0.0, doc="0 distributing, 1 ramping, 2 spinning, 3 stopping")
    abort = Output("1", start=0.0, doc="1 from the moment of an abort")
    reason = Output(
        "1", doc="1 door, 2 tacho, 3 accelerometer, 4 amplitude, 5 load shift, 6 overspeed, 7 heavy"
    )
    amplitude = Output("m", start=0.0, doc="of the tub, over the last turn")
    unbalance = Output("kg", start=0.0, doc="estimated, over the last turn")

    target = Parameter(83.77580409572782, "rad/s", min=0.1, doc="speed to spin at")
    distributing_speed = Parameter(9.42477796076938, "rad/s", min=0.1, doc="at which the laundry spreads")
    distributing = Parameter(6.0, "s", min=0.0, doc="for how long")
    ramp = Parameter(12.0, "rad/s^2", min=0.01, doc="of the speed")
    spin_until = Parameter(45.0, "s", min=0.0, doc="then it stops")
    supervised = Parameter(True, doc="false: it never aborts, to measure what it would prevent")
    amplitude_max = Parameter(0.012, "m", min=0.0, doc="of the tub")
    passing_max = Parameter(0.018, "m", min=0.0, doc="of the tub, while it passes the resonance")
    unbalance_max = Parameter(1.05, "kg", min=0.0, doc="after the laundry has spread")
    shift_max = Parameter(0.3, "kg", min=0.0, doc="change of the unbalance while it spins")
    mass = Parameter(40.0, "kg", min=0.1, doc="of the tub, as the controller believes it")
    radius = Parameter(0.24, "m", min=0.001, doc="of the drum")
    frequency = Parameter(2.5, "Hz", min=0.01, doc="natural frequency of the tub")
    damping = Parameter(0.15, min=0.0, doc="of its dampers")

    def reset(self) -> None:
        self._resonance = math.tau * self.frequency
        self._angle = 0.0
        self._low, self._high = math.inf, -math.inf
        self._spread: float | None = None  # of the acceleration over the last turn [m/s^2]
        self._reference: float | None = None  # unbalance when it came out of the resonance [kg]
        self._lost = 0.0  # [s] for which the tacho has been silent

    def step(self, now) -> None:  # type: ignore[no-untyped-def]
        turned = self._measure(now.dt)
        reason = self._look(now, turned=turned)
        if reason and self.supervised and not self.abort:
            self.abort = 1.0
            self.reason = float(reason)
            self.enable = 0.0 if reason == TACHO else 1.0  # without a speed the drive cannot brake
        self._drive(now)

    def _measure(self, dt: float) -> bool:
        """Follow the acceleration; at the end of a turn, what it says. Returns whether a turn has ended."""
        self._low = min(self._low, self.acceleration)
        self._high = max(self._high, self.acceleration)
        self._angle += self.speed * dt
        if self._angle < math.tau:
            return False
        self._angle %= math.tau
        self._spread = self._high - self._low
        self._low, self._high = math.inf, -math.inf
        q = self.speed / self._resonance
        self.amplitude = 0.5 * self._spread / self.speed**2
        response = math.hypot(1.0 - q * q, 2.0 * self.damping * q) / (q * q)
        self.unbalance = self.amplitude * self.mass / self.radius * response
        return True

    def _look(self, now, *, turned: bool) -> int:  # type: ignore[no-untyped-def]
        """What is wrong, if anything."""
        if self.door_open > 0.5:
            return DOOR
        silent = self.request > 5.0 and self.speed < 0.2 * self.request
        self._lost = self._lost + now.dt if silent else 0.0
        if self._lost > 0.2:
            return TACHO
        if self.speed > 1.1 * max(self.target, self.distributing_speed):
            return OVERSPEED
        if not turned or self.stage == STOPPING:
            return NOTHING
        if (
            self.stage == DISTRIBUTING
            and now.t > 0.8 * self.distributing
            and self.unbalance > self.unbalance_max
        ):
            return HEAVY
        beyond = self.speed > 1.5 * self._resonance
        if beyond and self._spread == 0.0:
            return ACCELEROMETER
        if self.amplitude > (self.amplitude_max if beyond or self.stage == SPINNING else self.passing_max):
            return AMPLITUDE
        if self.speed > 2.0 * self._resonance:
            if self._reference is None:
                self._reference = self.unbalance
            if abs(self.unbalance - self._reference) > self.shift_max:
                return SHIFT
        return NOTHING

    def _drive(self, now) -> None:  # type: ignore[no-untyped-def]
        if self.abort or now.t >= self.spin_until:
            self.stage = STOPPING
            self.request = 0.0
            return
        first = min(self.distributing_speed, self.target)
        goal = first if now.t < self.distributing else self.target
        self.request = min(goal, self.request + self.ramp * now.dt)
        if now.t >= self.distributing:
            self.stage = SPINNING if self.request >= self.target else RAMPING
