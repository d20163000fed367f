"""Pictures of scenes that no run made: a car before a walker, cells of a battery, a sensor that fell silent."""

from __future__ import annotations

import math
import tomllib
from typing import Any

import numpy as np

from crumple.view.canvas.source import PaperSession
from crumple.view.session import InputRow

AEB = """
[pictures.top]
projection = "top"
note = "grid 1 m"
legend = "radar 22°, 60 m, latency 100 ms"
x = ["-14.3 m", "3.4 m"]
y = ["-3.15 m", "3.25 m"]
grid = "1 m"
ground = true

[pictures.top.draw]
kerb.shape = "path"
kerb.points = [["-99 m", "-2.55 m"], ["99 m", "-2.55 m"]]
kerb.width = "0.05 m"
kerb.colour = "ghost"
lane.shape = "path"
lane.points = [["-96.3 m", "1.9 m"], ["99 m", "1.9 m"]]
lane.width = "0.06 m"
lane.dash = "3 m"
lane.colour = "text_3"
swath = { shape = "path", on = "car", points = [["0 m", "0 m"], ["40 m", "0 m"]], lane = "1.815 m" }
radar.shape = "sensor_cone"
radar.on = "car"
radar.range = "60 m"
radar.aperture = "44 deg"
radar.arcs = "5 m"
radar.target = "walker"
radar.source = "radar"
crossing.shape = "path"
crossing.points = [["0 m", "-2.3 m"], ["0 m", "2.1 m"]]
crossing.dash = "0.2 m"
crossing.gap = "0.25 m"
crossing.colour = "signal_2"
conflict.shape = "path"
conflict.points = [["0 m", "-0.9 m"], ["0 m", "0.9 m"]]
conflict.width = "0.08 m"
conflict.colour = "fail"
walked = { shape = "trail", x = 0, y = "walker.y", duration = "1.5 s", colour = "signal_2" }
tyres.shape = "path"
tyres.count = 2
tyres.points = [["-99 m", "0.72 m - {i} * 1.44 m"], ["car.x - 3.5 m", "0.72 m - {i} * 1.44 m"]]
tyres.width = "0.2 m"
tyres.colour = "window"
tyres.visible = "car.deceleration > 6 m/s^2"
car = { shape = "car_top", x = "car.x", braking = "car.deceleration > 0.5 m/s^2" }
walker = { shape = "pedestrian", y = "walker.y", angle = "90 deg", stride = "walker.phase", source = "radar" }
gap.shape = "dimension"
gap.from = ["car.x", "1.35 m"]
gap.to = ["0 m", "1.35 m"]
gap.value = "radar.range"
gap.si = "m"
impact = { shape = "label", text = "impact point", x = "0 m", y = "1.35 m", place = "right" }
car_speed = { shape = "label", at = "car", text = "car", value = "car.speed", si = "km/h" }
walker_speed.shape = "label"
walker_speed.at = "walker"
walker_speed.text = "pedestrian"
walker_speed.value = "radar.target_speed"
walker_speed.si = "km/h"
walker_speed.place = "right"
"""

BATTERY = """
[pictures.cells]
projection = "top"
note = "cells coloured by temperature"
x = ["-18 mm", "130 mm"]
y = ["-30 mm", "25 mm"]
heat_limit = "130 °C"
heat_text = "vent limit"

[pictures.cells.draw.pack]
shape = "cells"
cells = 5
temperatures = "pack.temperature_{n}"
pitch = "27.5 mm"
radius = "10.5 mm"
vented = "pack.vented_{n} > 0.5"
words = { runaway = "pack.runaway_{n} > 0.5", vented = "pack.vented_{n} > 0.5", intact = "1 > 0" }
glyphs = { runaway = "fail", vented = "at_risk", intact = "holding" }

[pictures.cells.draw.heat]
shape = "coupling"
count = 4
from = ["{i} * 27.5 mm + 10.5 mm", "0 m"]
to = ["{n} * 27.5 mm - 10.5 mm", "0 m"]
flow = "pack.flow_{n}"
flow_max = "50 W"
heat = "max(pack.temperature_{n}, pack.temperature_{next})"
"""


def view(text: str) -> dict[str, Any]:
    """A [view] table from its text."""
    return tomllib.loads(text)


def aeb_session(*, silent: bool = False, mode: str = "live") -> PaperSession:
    """A car that brakes from 50 km/h before a walker at 5 km/h, 0 to 4 s; with a radar, silent or not."""
    t = np.linspace(0.0, 4.0, 401)
    deceleration = np.clip((t - 2.8) / 0.3, 0.0, 1.0) * 9.0
    speed = np.maximum(50 / 3.6 - np.cumsum(deceleration) * 0.01, 0.0)
    x = -52.0 + np.cumsum(speed) * 0.01
    y = -4.4 + 5 / 3.6 * t
    state, age = ("held", 0.246) if silent else ("fresh", 0.004)
    row = InputRow(
        name="radar", endpoint="tcp://127.0.0.1:5555", age=age, max_age=0.05, state=state, received=3050
    )
    signals = {
        "car.x": x,
        "car.speed": speed,
        "car.deceleration": deceleration,
        "walker.y": y,
        "walker.phase": 2 * math.pi * t,
        "radar.range": np.maximum(-x, 0.0),
        "radar.target_speed": 5 / 3.6,
    }
    si = {
        "car.x": "m",
        "car.speed": "m/s",
        "car.deceleration": "m/s^2",
        "walker.y": "m",
        "walker.phase": "rad",
        "radar.range": "m",
        "radar.target_speed": "m/s",
    }
    return PaperSession(t, signals, si=si, rows=[row], mode=mode)


def battery_session() -> PaperSession:
    """Five cells, the third one burning."""
    signals: dict[str, Any] = {}
    si = {}
    for n, (celsius, vented, runaway) in enumerate(
        [(260, 1, 1), (275, 1, 1), (453, 1, 1), (132, 1, 0), (56, 0, 0)], start=1
    ):
        signals |= {
            f"pack.temperature_{n}": celsius + 273.15,
            f"pack.vented_{n}": vented,
            f"pack.runaway_{n}": runaway,
        }
        si[f"pack.temperature_{n}"] = "K"
    for n, watts in enumerate((-2.0, -25.0, 45.0, 11.0), start=1):
        signals[f"pack.flow_{n}"] = watts
        si[f"pack.flow_{n}"] = "W"
    return PaperSession((0.0, 900.0), signals, si=si)
