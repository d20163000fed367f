"""Draws the pictures of docs/view.md: one for each shape, from the example that the guide shows.

    python docs/view_pictures.py [FOLDER]

It also writes the guide's tables of keys anew. An example is the first block of TOML under a shape's heading. What it
needs besides (signals, other shapes, what is seen) stands here.
"""

from __future__ import annotations

import os
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

import numpy as np
import pygame

from crumple.view.canvas import Canvas
from crumple.view.canvas.source import PaperSession
from crumple.view.scene_view import check
from crumple.view.session import InputRow, Moment
from crumple.view.theme import Theme
from crumple.view.vocabulary import BODY, CHART, PICTURE, PLACED, SEEN, SHAPES, Key

GUIDE = Path(__file__).with_name("view.md")
SIZE = (480, 200)  # pixels of a picture

# What is seen of each example: x, y [m], projection, and shapes that it stands on.
_SIDE = {"x": [-2.0, 2.0], "y": [-0.25, 1.4], "grid": "0.5 m"}
_CAR = {"x": [-5.1, 0.5], "y": [-0.3, 1.75], "grid": "0.5 m"}
_SEAT = {"x": [-4.0, -1.2], "y": [0.2, 1.55], "ruler": False}
_TOP = {"projection": "top", "x": [-6.0, 3.0], "y": [-1.8, 1.9], "grid": "1 m", "ground": True}
_CELLS = {"projection": "top", "x": [-0.02, 0.1], "y": [-0.03, 0.022]}
_VEHICLE = {"shape": "vehicle"}
_DRIVER = {"shape": "dummy", "on": "car", "torso": "0.1 m", "head": "0.17 m"}
_AROUND: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "vehicle": (_CAR, {}),
    "dummy": (_SEAT, {"car": _VEHICLE}),
    "airbag": (_SEAT, {"car": _VEHICLE, "driver": _DRIVER}),
    "belt": (_SEAT, {"car": _VEHICLE, "driver": _DRIVER}),
    "label": (_CAR, {"car": _VEHICLE, "driver": _DRIVER}),
    "car_top": ({**_TOP, "y": [-2.35, 1.35]}, {}),
    "pedestrian": ({**_TOP, "x": [-1.6, 1.6], "y": [-0.6, 0.7], "grid": "0.5 m"}, {}),
    "sensor_cone": (
        _TOP,
        {
            "car": {"shape": "car_top", "x": "-1.8 m"},
            "walker": {"shape": "pedestrian", "x": "1.6 m", "angle": "90 deg"},
        },
    ),
    "trail": (_TOP, {}),
    "path": (_TOP, {"car": {"shape": "car_top", "x": "-1.5 m"}}),
    "cells": (_CELLS, {}),
    "coupling": (
        {**_CELLS, "x": [-0.03, 0.06]},
        {
            "a": {"shape": "circle", "radius": "10.5 mm", "heat": "pack.temperature_1"},
            "b": {"shape": "circle", "radius": "10.5 mm", "x": "27.5 mm", "heat": "pack.temperature_2"},
        },
    ),
    "vessel": (
        {"x": [-4.2, 1.3], "y": [-0.15, 2.2], "ground": False, "ruler": False, "scale_bar": False},
        {},
    ),
    "plume": ({"x": [-1.4, 1.4], "y": [-0.1, 1.2], "ruler": False}, {}),
    "diagram": (
        {"x": [-2.3, 2.3], "y": [-0.95, 1.0], "ground": False, "ruler": False, "scale_bar": False},
        {},
    ),
    "person": ({"x": [-1.6, 1.6], "y": [-0.05, 1.9], "ruler": False, "scale_bar": False}, {}),
    "robot_arm": ({"x": [-2.0, 1.0], "y": [-0.05, 1.6], "ruler": False, "scale_bar": False}, {}),
    "gauge": ({**_SIDE, "ruler": False}, {}),
    "wall": ({**_SIDE, "x": [-2.0, 1.5]}, {}),
}


_TABLES = {"## A picture": PICTURE, "## What all shapes have": {**PLACED, **BODY, **SEEN}, "## Charts": CHART}


def session() -> PaperSession:
    """Signals for the examples, 0 to 2 s."""
    t = np.linspace(0.0, 2.0, 201)
    given: dict[str, tuple[Any, str]] = {
        "vehicle.crush": (0.5, "m"),
        "occupant.torso_displacement": (0.1, "m"),
        "occupant.head_displacement": (0.17, "m"),
        "occupant.head_acceleration": (394.0, "m/s^2"),
        "restraint.bag_fill": (1.0, "1"),
        "restraint.belt_force": (6200.0, "N"),
        "car.x": (-3.0 + 1.6 * t, "m"),
        "car.y": (0.5 * np.sin(2.5 * t), "m"),
        "car.yaw": (0.35 * np.cos(2.5 * t), "rad"),
        "car.deceleration": (8.0, "m/s^2"),
        "mass.x": (0.7, "m"),
        "mass.angle": (0.3, "rad"),
        "mass.force": (5600.0, "N"),
        "walker.phase": (1.9, "rad"),
        "aeb.time_to_collision": (0.82, "s"),
        "pack.flow_1": (42.0, "W"),
        "reactor.temperature": (462.0 + 6.0 * t, "K"),
        "reactor.level": (0.9, "1"),
        "jacket.flow": (0.7, "1"),
        "disk.flow": (160.0, "kg/min"),
        "body.force": (130.0, "N"),
        "body.robot_position": (0.0, "m"),
        **{
            f"pack.temperature_{n}": (celsius + 273.15, "K")
            for n, celsius in enumerate((455, 270, 132, 56), start=1)
        },
    }
    rows = [InputRow(name="radar", endpoint="", age=0.0, max_age=0.1, state="fresh", received=1)]
    return PaperSession(
        t, {n: v for n, (v, _) in given.items()}, si={n: si for n, (_, si) in given.items()}, rows=rows
    )


def examples() -> dict[str, str]:
    """The examples of the guide by shape, as TOML."""
    text = GUIDE.read_text(encoding="utf-8")
    found = re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", text, re.DOTALL | re.MULTILINE)
    blocks = {shape: re.search(r"```toml\n(.*?)```", body, re.DOTALL) for shape, body in found}
    return {shape: block[1] for shape, block in blocks.items() if block is not None}


def view_of(shape: str, example: str) -> dict[str, Any]:
    """A [view] table around an example."""
    seen, others = _AROUND.get(shape, (_SIDE, {}))
    draw = {**others, **tomllib.loads(example)}
    if shape == "airbag":  # behind the driver
        draw = {name: draw[name] for name in sorted(draw, key=lambda name: name == "driver")}
    return {"pictures": {shape: {"title": shape, **seen, "draw": draw}}}


def draw(shape: str, example: str, *, size: tuple[int, int] = SIZE, dark: bool = True) -> pygame.Surface:
    """The picture of an example. Raises ValueError where the example has mistakes."""
    here, view = session(), view_of(shape, example)
    mistakes = check(view, here.si)
    if mistakes:
        raise ValueError(f"{shape}: {mistakes}")
    theme = Theme(dark=dark)
    surface = pygame.Surface(size)
    surface.fill(theme.colour("window"))
    canvas = Canvas(theme, view, here)
    canvas.folder = Path(__file__).parent
    canvas.draw(surface, surface.get_rect(), Moment(here, 2.0, False, 1.0, 0))  # type: ignore[arg-type]
    return surface


def with_tables(text: str) -> str:
    """The guide with its tables of keys as the vocabulary has them."""
    parts = re.split(r"^(?=### \w+\n)", text, flags=re.MULTILINE)
    for n, part in enumerate(parts):
        found = re.match(r"### (\w+)\n", part)
        if found and found[1] in SHAPES:
            parts[n] = _with_table(part, SHAPES[found[1]].keys)
    text = "".join(parts)
    for heading, keys in _TABLES.items():
        before, mark, after = text.partition(f"\n{heading}\n")
        text = before + mark + _with_table(after, keys)
    return text


def _with_table(text: str, keys: dict[str, Key]) -> str:
    rows = [f"| `{name}` | {_kind(key)} | {key.doc}{_default(key)} |" for name, key in keys.items()]
    table = "\n".join(["| key | | |", "|---|---|---|", *rows])
    return re.sub(r"^\| key \|.*?(?=\n\n|\Z)", lambda _: table, text, count=1, flags=re.DOTALL | re.MULTILINE)


def _kind(key: Key) -> str:
    if "|" in key.kind:
        return " or ".join(f"`{choice}`" for choice in key.kind.split("|"))
    return {"any": "quantity", "shape": "name", "range_any": "range", "count": "whole number"}.get(
        key.kind, key.kind
    )


def _default(key: Key) -> str:
    if key.required:
        return " (needed)"
    if key.default in (None, "", 0, [], {}) or key.default is False:
        return ""
    shown = {True: "true"}.get(key.default, key.default) if isinstance(key.default, bool) else key.default
    return f" ({shown})"


def main(folder: Path) -> None:
    """Draw everything into a folder."""
    pygame.display.init()
    pygame.font.init()
    folder.mkdir(parents=True, exist_ok=True)
    GUIDE.write_text(with_tables(GUIDE.read_text(encoding="utf-8")), encoding="utf-8")
    for shape, example in examples().items():
        pygame.image.save(draw(shape, example), str(folder / f"{shape}.png"))
        print(folder / f"{shape}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "pictures" / "view")
