"""What comes with Crumple: FMUs and scenes in the installed package."""

from __future__ import annotations

from pathlib import Path


def bundled(folder: str, suffix: str) -> dict[str, Path]:
    """The files `crumple/bundled/<folder>/*<suffix>` by name without suffix, sorted.

    An editable install keeps them apart from the Python files, so every folder of the package is searched.
    """
    import crumple

    found: dict[str, Path] = {}
    for root in crumple.__path__:
        for path in sorted((Path(root) / "bundled" / folder).glob(f"*{suffix}")):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))
