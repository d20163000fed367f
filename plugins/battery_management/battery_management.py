"""A battery management system: the device under test of the scene `battery_runaway`."""

from __future__ import annotations

from collections import deque

from crumple import Input, Output, Parameter, Unit

MOST_CELLS = 100

# what the alarm is for; the first that is found counts
NOTHING, SENSOR, RISE, HOT, COLD, OVERVOLTAGE, UNDERVOLTAGE = range(7)


class BatteryManagement(Unit):
    """Watches temperature and voltage of every cell; opens the contactor and warns when one leaves its limits.

    An alarm needs `confirm` samples in a row and is never taken back: it opens the contactor. What concerns
    temperature, or makes it unknown, warns those around the pack as well. A temperature rises too fast when it has
    gained more than `rise_limit` times `rise_window` within that window. A reading outside `sensor_min` to
    `sensor_max` is a failed sensor and is taken for nothing else.
    """

    temperature = Input("K", shape=MOST_CELLS, start=301.15, doc="of each cell, as its sensor reads")
    voltage = Input("V", shape=MOST_CELLS, start=3.7, doc="of each cell")
    current = Input("A", doc="positive into the pack")
    close = Output("1", start=1.0, doc="command to the contactor, 0 opens")
    warning = Output("1", start=0.0, doc="1 from the moment when people are told to leave")
    alarm = Output("1", start=0.0, doc="1 from the moment when the contactor is told to open")
    cause = Output("1", start=0.0, doc="1 sensor, 2 rise, 3 hot, 4 cold, 5 overvoltage, 6 undervoltage")
    hottest = Output("K", start=301.15, doc="highest reading that is believed")
    rise = Output("K/s", start=0.0, doc="fastest rise of a reading over the window")
    cells = Parameter(5, min=1, max=MOST_CELLS, doc="how many there are")
    voltage_max = Parameter(4.25, "V", doc="of a cell")
    voltage_min = Parameter(2.5, "V", doc="of a cell")
    charge_temperature_min = Parameter(273.15, "K", doc="while current flows into the pack")
    charge_temperature_max = Parameter(318.15, "K", doc="while current flows into the pack")
    temperature_min = Parameter(253.15, "K", doc="otherwise")
    temperature_max = Parameter(333.15, "K", doc="otherwise")
    rise_limit = Parameter(1.0, "K/s", min=0.0, doc="mean over the window")
    rise_window = Parameter(10.0, "s", min=0.0, doc="over which a rise is looked at")
    sensor_min = Parameter(233.15, "K", doc="below it a sensor has failed")
    sensor_max = Parameter(573.15, "K", doc="above it a sensor has failed")
    confirm = Parameter(3, min=1, doc="samples in a row before an alarm")

    def reset(self) -> None:
        self._seen: deque[list[float]] = deque(maxlen=max(1, round(self.rise_window / self.period)))
        self._count = [0] * (UNDERVOLTAGE + 1)

    def step(self, now) -> None:  # type: ignore[no-untyped-def]
        readings = self.temperature[: self.cells].tolist()
        sound = [k for k in readings if self.sensor_min <= k <= self.sensor_max]
        hottest = max(sound, default=self.hottest)
        coldest = min(sound, default=self.hottest)
        self.hottest = hottest
        rise = 0.0
        if self._seen:
            span = len(self._seen) * now.dt
            pairs = zip(readings, self._seen[0], strict=True)
            gains = [k - k0 for k, k0 in pairs if self._is_sound(k) and self._is_sound(k0)]
            rise = max(gains, default=0.0) / span if len(self._seen) == self._seen.maxlen else 0.0
        self.rise = rise
        self._seen.append(readings)
        voltages = self.voltage[: self.cells]
        charging = self.current > 0.0
        self._judge(SENSOR, len(sound) < len(readings))
        self._judge(RISE, rise > self.rise_limit)
        self._judge(HOT, hottest > (self.charge_temperature_max if charging else self.temperature_max))
        self._judge(COLD, coldest < (self.charge_temperature_min if charging else self.temperature_min))
        self._judge(OVERVOLTAGE, voltages.max() > self.voltage_max)
        self._judge(UNDERVOLTAGE, voltages.min() < self.voltage_min)

    def _is_sound(self, kelvin: float) -> bool:
        return bool(self.sensor_min <= kelvin <= self.sensor_max)

    def _judge(self, cause: int, present: bool) -> None:
        self._count[cause] = self._count[cause] + 1 if present else 0
        if self._count[cause] < self.confirm:
            return
        if not self.alarm:
            self.cause = float(cause)
        self.alarm = 1.0
        self.close = 0.0
        if cause in (SENSOR, RISE, HOT):
            self.warning = 1.0
