"""`crumple schema`: the JSON Schema of scene files, for editors."""

from __future__ import annotations

from crumple.cli.screen import Screen


def schema() -> int:
    """Print the JSON Schema of scene files.

    Editors that know TOML complete and check scenes with it: crumple schema > scene.schema.json
    """
    import json

    from crumple.scene import schema as scene_schema

    Screen().line(json.dumps(scene_schema(), indent=2))
    return 0
