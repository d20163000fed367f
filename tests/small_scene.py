"""A small scene of two Python plugins for the tests of runs: a car that brakes and trips a switch."""

from __future__ import annotations

from pathlib import Path

UNITS = '''
import ctypes, os, signal, sys, time
from crumple import Input, Output, Parameter, Unit


class Car(Unit):
    """Brakes at a constant rate until it stands. An explicit Euler step, exact on this straight line."""

    speed = Output("m/s")
    acceleration = Output("m/s^2")
    corners = Output("m", shape=2)
    text = Output(kind="string")
    v0 = Parameter(15.0, "m/s", min=0.0)
    rate = Parameter(300.0, "m/s^2")
    wait = Parameter(0.0, "s")

    def reset(self):
        self.speed = self.v0
        self.text = "drives"

    def step(self, now):
        rate = self.rate if self.speed > 0 else 0.0
        self.acceleration = -rate
        self.speed = max(0.0, self.v0 - self.rate * (now.tick + 1) * now.dt)
        self.corners = [self.speed, -self.speed]
        self.text = "drives" if self.speed else "stands"
        if self.wait:
            time.sleep(self.wait)


class Switch(Unit):
    """Closes when the velocity lost exceeds a threshold, unless it does something worse first."""

    acceleration = Input("m/s^2")
    closed = Output("1")
    threshold = Parameter(1.1, "m/s", min=0.0)
    trouble = Parameter("", choices=["", "raise", "nan", "exit", "sys.exit", "kill", "interrupt"])
    at = Parameter(100)

    def reset(self):
        self.lost = 0.0

    def step(self, now):
        self.lost -= self.acceleration * now.dt
        if self.lost > self.threshold:
            self.closed = 1.0
        if self.trouble and now.tick >= self.at:
            self.do(self.trouble)

    def do(self, trouble):
        if trouble == "raise":
            raise ZeroDivisionError("the switch is broken")
        if trouble == "nan":
            self.closed = float("nan")
        if trouble == "exit":
            ctypes.CDLL(None).exit(0)
        if trouble == "sys.exit":
            sys.exit(0)
        if trouble == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if trouble == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)
'''

SCENE = """
crumple = 1
title = "from 15 m/s to a stop at 300 m/s^2"

[clock]
period = "100 us"
stop = "150 ms"

[parameters]
speed = "15 m/s"

[units.car]
plugin = "units.py:Car"
with = { v0 = "$speed" }

[units.switch]
plugin = "units.py:Switch"
every = 5

[connect]
"switch.acceleration" = "car.acceleration"
"""

REQUIREMENTS = """
[requirements.chest]
metric = "clip_3ms(car.acceleration)"
max = "60 g"

[requirements.time_to_close]
metric = "first_time(switch.closed)"
max = "16.9 ms"
when = "speed > 20 km/h"

[requirements.stands]
signal = "car.speed"
at = "end"
equals = "0 km/h"
within = "1 km/h"

[requirements.deceleration]
signal = "car.acceleration"
min = "-40 g"
from = "10 ms"
until = "120 ms"
"""


def write_scene(folder: Path, *extra: str, name: str = "stop", required: bool = True) -> Path:
    """The scene as a file in `folder`, with more tables where wanted."""
    (folder / "units.py").write_text(UNITS)
    path = folder / f"{name}.toml"
    path.write_text("\n".join([SCENE, REQUIREMENTS if required else "", *extra]))
    return path
