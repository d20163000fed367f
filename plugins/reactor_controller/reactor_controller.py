"""The temperature controller of a batch reactor: it holds the batch at its temperature with the cooling valve."""

from __future__ import annotations

from crumple import Input, Output, Parameter, Unit


class ReactorController(Unit):
    """Proportional and integral: valve = start + gain * (error + integral of error / reset_time), from 0 to 1.

    While the valve is at an end, the integral does not grow beyond it (no wind-up). The basic process control of the
    plant, not its safety system: it knows neither trip nor quench.
    """

    temperature = Input("K", start=298.15, doc="measured in the batch")
    valve = Output("1", doc="cooling valve, 0 closed to 1 open")
    set_point = Parameter(448.0, "K", min=0.0, doc="temperature that it holds")
    gain = Parameter(1.0, "1/K", min=0.0, doc="valve position per kelvin of error")
    reset_time = Parameter(120.0, "s", min=1e-3, doc="in which the integral doubles the proportional part")
    start = Parameter(0.0, "1", min=0.0, max=1.0, doc="valve position at the start")

    def reset(self) -> None:
        self._integral = self.valve = self.start

    def step(self, now) -> None:  # type: ignore[no-untyped-def]
        proportional = self.gain * (self.temperature - self.set_point)
        self._integral += proportional * now.dt / self.reset_time
        self._integral = min(max(self._integral, -proportional), 1.0 - proportional)
        self._integral = min(max(self._integral, 0.0), 1.0)
        self.valve = min(max(self._integral + proportional, 0.0), 1.0)
