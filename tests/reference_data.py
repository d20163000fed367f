"""Measured and published figures to test against; they are not part of the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REFERENCE = Path(os.environ.get("CRUMPLE_REFERENCE_DATA", Path(__file__).parents[2] / "shared" / "data"))


def reference(name: str) -> Path:
    """A file or folder of the reference data; the test is skipped where it is absent."""
    path = REFERENCE / name
    if not path.exists():
        pytest.skip(f"reference data {path} is absent; CRUMPLE_REFERENCE_DATA names its folder")
    return path
