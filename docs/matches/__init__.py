"""What each bundled scene matches of what others have published or measured, and how closely.

One module a scene, whose `figures()` runs the scene and returns what it found. `docs/make_scene_table.py` puts them
into the README.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

REFERENCE = Path(os.environ.get("CRUMPLE_REFERENCE_DATA", Path(__file__).parents[3] / "shared" / "data"))


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
