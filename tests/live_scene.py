"""Scenes with live inputs and outputs, for the tests of scenes: one in real time, one in lockstep."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from crumple.scene import Scene, load_scene

LIVE = """
crumple = 1

[clock]
period = "1 ms"
stop = "50 ms"
mode = "realtime"

[parameters]
age = "5 ms"
here = "tcp://127.0.0.1:5555"

[units.ramp]
plugin = "plugins.py:Ramp"

[units.meter]
plugin = "plugins.py:Meter"

[sensors.front]
zmq = "$here"
channels = { acceleration = "g", belt_on = { kind = "boolean", start = true }, gear = { kind = "integer" } }
max_age = "$age"
stop_age = "1 s"
policy = "substitute"
stale_max = "2 %"
lost_max = 3

[actuators.squib]
zmq = "tcp://127.0.0.1:*"
every = 2

[actuators.squib.channels]
y = { from = "meter.y", safe = "1 g" }
part = "ramp.wide[1]"
on = "front.belt_on"
age = { from = "front.age", same_tick = false }

[connect]
"meter.a" = "front.acceleration"
"""
RIG = """
crumple = 1

[clock]
period = "1 ms"
stop = "1 s"
mode = "lockstep"

[units.meter]
plugin = "plugins.py:Meter"

[rigs.ecu]
zmq = "ipc:///tmp/ecu.sock"
timeout = "2 s"

[sensors.pulse]
rig = "ecu"
channels = { a = "m/s^2" }

[actuators.shown]
rig = "ecu"
channels.y = "meter.y"

[connect]
"meter.a" = "pulse.a"
"""


def written(write: Callable[..., Path], *more: str, text: str = LIVE, **arguments: Any) -> Scene:
    return load_scene(write("\n".join([text, *more])), **arguments)
