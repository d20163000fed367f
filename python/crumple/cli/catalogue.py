"""`crumple list`: what there is to work with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crumple.cli.screen import Screen, columns
from crumple.errors import UsageError


def list_(
    kind: Annotated[
        str | None, typer.Argument(metavar="KIND", help="Only scenes, units or metrics; by default all.")
    ] = None,
) -> int:
    """List scenes, units and metrics.

    Scenes: those that come with Crumple, and those in the working directory.
    Units: bundled FMUs and installed plugins. Metrics: what a requirement can be on.
    """
    screen = Screen()
    listings = {"scenes": _scenes, "units": _units, "metrics": _metrics}
    if kind is not None and kind not in listings:
        raise UsageError(f'"{kind}" cannot be listed. There are: {", ".join(listings)}.')
    for number, (each, listing) in enumerate(listings.items()):
        if kind not in (None, each):
            continue
        if kind is None:
            if number:
                screen.line()
            screen.line(screen.style(each, "bold"))
        rows = listing() or [["none"]]
        for line in columns([["  " + row[0], *row[1:]] for row in rows]):
            screen.line(screen.cut(line))
    return 0


def _scenes() -> list[list[str]]:
    from crumple.scene import bundled_scenes

    rows = [[name, _title(path)] for name, path in sorted(bundled_scenes().items())]
    return rows + [[path.name, _title(path)] for path in sorted(Path.cwd().glob("*.toml")) if _is_scene(path)]


def _read(path: Path) -> dict[str, object]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _is_scene(path: Path) -> bool:
    return "crumple" in _read(path)


def _title(path: Path) -> str:
    return str(_read(path).get("title", ""))


def _units() -> list[list[str]]:
    from crumple.fmu import bundled_fmus
    from crumple.plugins import available_units

    rows = [[name, "FMU", path.name] for name, path in bundled_fmus().items()]
    return sorted(rows + [[name, "plugin", entry.value] for name, entry in available_units().items()])


def _metrics() -> list[list[str]]:
    from crumple.metrics.registry import METRICS

    return [[metric.usage, metric.doc] for metric in METRICS.values()]
