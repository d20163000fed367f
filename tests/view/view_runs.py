"""Run folders for the tests of the viewer: small, quick to make, and each made once."""

from __future__ import annotations

import atexit
import json
import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np

import crumple
import small_scene
from crumple.view.session import RequirementRow, Session

VIEW = """
[[view.charts]]
signal = "car.speed"
label = "speed"

[[view.charts]]
signal = "car.acceleration"
label = "acceleration"
si = "g"
window = "chest"

[view.events]
begin = "0 ms"
closes = "time_of(switch.closed)"
slow = "car.speed < 5 m/s"
stands = "min(car.speed)"
"""

FAILING = """
[requirements.gentle]
signal = "car.acceleration"
min = "-20 g"
"""


@cache
def run_folder(*extra: str, required: bool = True, view: bool = True) -> Path:
    """The folder of a run of the small scene, which brakes from 15 m/s at 300 m/s^2: it stands at 50 ms."""
    folder = Path(mkdtemp(prefix="crumple-view-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    scene = small_scene.write_scene(folder, *([VIEW] if view else []), *extra, required=required)
    return crumple.run(scene, out=folder / "runs").folder


def row(session: Session, name: str, t: float) -> RequirementRow:
    """One requirement at t [s]."""
    return next(each for each in session.requirements(t) if each.name == name)


def write_recording(folder: Path, columns: dict[str, Any], *, name: str = "signals-100us.npy") -> None:
    """A recording as the core writes it: "t" and the signals, one row a sample."""
    length = len(columns["t"])
    dtype = [
        (key, "<f8", np.shape(values)[1:]) if np.ndim(values) > 1 else (key, "<f8")
        for key, values in columns.items()
    ]
    rows = np.empty(length, dtype)
    for key, values in columns.items():
        rows[key] = values
    np.save(folder / name, rows)


def write_run(folder: Path, **changes: Any) -> None:
    """The little that a folder needs to be shown while its run goes on."""
    manifest: dict[str, Any] = {
        "manifest": 1,
        "scene": "bench",
        "seed": 3,
        "period": "1/1000",
        "start": "0",
        "stop_tick": 2000,
        "units": {"plant": {"model": "plant", "every": 1}},
        "signals": {
            "front.state": {"si": "1", "kind": "integer"},
            "front.age": {"si": "s"},
            "front.distance": {"si": "m"},
            "plant.gear": {"si": "1", "kind": "integer"},
        },
        "inputs": [
            {
                "name": "front",
                "endpoint": {"address": "tcp://127.0.0.1:5555"},
                "max_age": 0.05,
                "required": True,
            }
        ],
        "connections": [["front.distance", "plant.distance"]],
        "faults": [
            {
                "name": "stuck",
                "on": "plant.distance",
                "kind": "stuck_at",
                "value": 2.0,
                "since": None,
                "until": None,
            }
        ],
        **changes,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    verdict = {
        "crumple": 1,
        "state": "running",
        "verdict": "inconclusive",
        "title": "a bench",
        "reasons": ["not finished"],
    }
    (folder / "verdict.json").write_text(json.dumps(verdict))
    (folder / "events.jsonl").write_text("")
