"""Scenes: files that describe a world, how long it runs, and what must hold.

`load_scene` reads and checks one, `compose` makes a `World` of it, `schema` is for editors.
"""

from __future__ import annotations

from typing import Any

from crumple.scene.compose import compose
from crumple.scene.document import bundled_scenes
from crumple.scene.load import load_scene
from crumple.scene.plan import ConnectionPlan, RecordGroup, Scene, SceneSource, UnitPlan

__all__ = [
    "ConnectionPlan",
    "RecordGroup",
    "Scene",
    "SceneSource",
    "UnitPlan",
    "bundled_scenes",
    "compose",
    "load_scene",
    "schema",
]


def schema() -> dict[str, Any]:
    """The JSON Schema of scene files."""
    from copy import deepcopy

    from crumple.scene.shape import scene_schema

    return deepcopy(scene_schema())
