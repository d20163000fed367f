"""A small scene of two Python plugins for the tests of scenes: a ramp and a meter that shows it in other units."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crumple.errors import SceneError
from crumple.scene import load_scene

PLUGINS = '''
from crumple import Input, Output, Parameter, Unit

class Ramp(Unit):
    """a = slope * t, published at the end of each step."""
    a = Output("m/s^2")
    wide = Output("m/s", shape=3)
    word = Output(kind="string")
    slope = Parameter(2.0, "m/s^3", min=0.0, max=100.0)
    tags = Parameter([1.0, 2.0], "m")
    loud = Parameter(False)
    mode = Parameter("up")

    def step(self, now):
        self.a = self.slope * (now.t + now.dt)
        self.wide = [1.0, 2.0, 3.0]

class Meter(Unit):
    a = Input("g")
    part = Input("km/h")
    word = Input(kind="string")
    y = Output("g")

    def step(self, now):
        self.y = self.a
'''
SCENE = """
crumple = 1
title = "a ramp"

[clock]
period = "1 ms"
stop = "1 s"

[parameters]
slope = { default = "2 m/s^3", min = "0.5 m/s^3", max = "10 m/s^3" }
rate = 5

[units.ramp]
plugin = "plugins.py:Ramp"
with = { slope = "$slope" }

[units.meter]
plugin = "plugins.py:Meter"
every = "$rate"

[connect]
"meter.a" = "ramp.a"
"meter.part" = "ramp.wide[1]"
"""


def writer(folder: Path) -> Callable[..., Path]:
    """A function that writes a scene into a folder, with the plugins beside it, and returns its path."""
    (folder / "plugins.py").write_text(PLUGINS)

    def scene(text: str = SCENE, name: str = "ramp.toml") -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return scene


def mistakes(path: Path, **arguments: Any) -> list[str]:
    """What is reported, "where: text"."""
    with pytest.raises(SceneError) as caught:
        load_scene(path, **arguments)
    return [f"{m.where}: {m.text}" for m in caught.value.mistakes]
