"""What each bundled scene matches of what others have published or measured, and how closely.

One module a scene, whose `figures()` runs the scene and returns what it found. `docs/make_scene_table.py` puts them
into the README.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One comparison.

    what: the quantity.   published: its value, with unit.   source: where it was published or measured.
    ours: what the scene gives.   off: the difference, absolute or relative, with unit.
    """

    what: str
    published: str
    source: str
    ours: str
    off: str
