"""A thermistor on a cell's can, read by a converter: the temperature sensor of the scene `battery_runaway`."""

from __future__ import annotations

import math

from crumple import Input, Output, Parameter, Unit

ROOM = 298.15  # where a thermistor has its nominal resistance [K]


class NtcSensor(Unit):
    """A thermistor (NTC) below a fixed resistor, its voltage digitised, the temperature worked out from the code.

    The bead follows the can with one time constant. Resistance: R = R25 exp(B (1/T - 1/298.15 K)). The converter knows
    nothing below code 1 or above its last but one, which is where a broken or shorted thermistor would be.
    """

    temperature = Input("K", start=301.15, doc="of the can below the bead")
    measured = Output("K", start=301.15, doc="what the converter's code stands for")
    lag = Parameter(5.0, "s", min=0.0, doc="time constant of bead and glue")
    beta = Parameter(3435.0, "K", min=100.0, doc="of the thermistor")
    ratio = Parameter(1.0, min=1e-3, doc="fixed resistor over the thermistor at 25 degC")
    bits = Parameter(12, min=4, max=24, doc="of the converter")
    noise = Parameter(0.0, "K", min=0.0, doc="standard deviation at the bead")

    def reset(self) -> None:
        self._bead = math.nan  # as warm as the can at the first step
        self._last = 2**self.bits - 1
        self.measured = self._read(self.temperature)

    def step(self, now) -> None:  # type: ignore[no-untyped-def]
        if math.isnan(self._bead):
            self._bead = self.temperature
        weight = 1.0 if self.lag == 0.0 else -math.expm1(-now.dt / self.lag)
        self._bead += weight * (self.temperature - self._bead)
        bead = self._bead + (self.noise * self.random.normal() if self.noise > 0.0 else 0.0)
        self.measured = self._read(bead)

    def _read(self, kelvin: float) -> float:
        """The temperature that the code of a bead at `kelvin` stands for."""
        resistance = math.exp(self.beta * (1.0 / kelvin - 1.0 / ROOM))  # over that at 25 degC
        share = resistance / (resistance + self.ratio)
        code = min(max(round(share * self._last), 1), self._last - 1)
        known = self.ratio * code / (self._last - code)
        return float(1.0 / (1.0 / ROOM + math.log(known) / self.beta))
