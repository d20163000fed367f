"""`crumple cache`: what is kept of FMUs, so that they are unpacked and parsed only once."""

from __future__ import annotations

from pathlib import Path

import typer

from crumple import wording
from crumple.cli.screen import Screen

app = typer.Typer(
    help="List or clear what is kept of FMUs.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)


@app.command("list")
def list_() -> int:
    """Show what is kept, and how large it is."""
    from crumple.archive import cache_root

    folder = cache_root() / "fmu"
    kept = (
        sorted(path for path in folder.glob("*") if not path.name.startswith(".")) if folder.is_dir() else []
    )
    screen = Screen()
    folders = sum(path.is_dir() for path in kept)
    size = sum(_size(path) for path in kept)
    screen.line(f"{folder}   {wording.count(folders, 'FMU')} · {_bytes(size)}")
    return 0


@app.command()
def clear() -> int:
    """Remove what is kept; it is made again when an FMU is next used."""
    import shutil

    from crumple.archive import cache_root

    folder = cache_root() / "fmu"
    size = sum(_size(path) for path in folder.glob("*")) if folder.is_dir() else 0
    if folder.is_dir():
        for path in folder.rglob("*"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o700)  # what was unpacked is read-only
        shutil.rmtree(folder)
    Screen().line(f"{folder}   cleared · {_bytes(size)} freed")
    return 0


def _size(path: Path) -> int:
    if path.is_dir() and not path.is_symlink():
        return sum(_size(inside) for inside in path.iterdir())
    return path.lstat().st_size


def _bytes(size: int) -> str:
    for unit, scale in (("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{wording.number(size / scale, digits=3)} {unit}"
    return f"{size} bytes"
