"""`crumple cache`: what is kept of FMUs, so that they are unpacked and parsed only once."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import typer

from crumple import wording
from crumple.cli.screen import Screen, columns
from crumple.errors import UsageError

app = typer.Typer(
    help="List or clear what is kept of FMUs.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)


class _Kept:
    """What is kept of one FMU: its unpacked folder, its description, or both."""

    def __init__(self, key: str, paths: list[Path]) -> None:
        from crumple.description_cache import load_any

        self.key = key  # the first digits of its SHA-256
        self.paths = sorted(paths, key=lambda path: path.is_dir())  # what tells of it goes first
        self.folder = any(path.is_dir() for path in paths)
        self.size = sum(_size(path) for path in paths)
        self.when = max(path.lstat().st_mtime for path in paths)
        records = [record for path in paths if path.is_file() and (record := load_any(path)) is not None]
        self.name = records[0].name if records else ""

    def means(self, text: str) -> bool:
        """Whether a user means this one: by its name, a pattern, or the first digits of its SHA-256."""
        by_hash = len(text) >= 4 and self.key.startswith(text[: len(self.key)].lower())
        return by_hash or fnmatchcase(self.name, text) or self.name == f"{text}.fmu"


@app.command("list")
def list_() -> int:
    """Show what is kept, the newest first: name, size and time; and the certificates of `crumple vet`."""
    folder = _folder()
    kept = sorted(_all(folder), key=lambda k: (-k.when, k.name, k.key))
    screen = Screen()
    screen.line(f"{folder}   {wording.count(len(kept), 'FMU')} · {_bytes(sum(k.size for k in kept))}")
    if kept:
        _list(screen, kept)
    _list_certificates(screen)
    return 0


def _list_certificates(screen: Screen) -> None:
    from crumple.certificate import certificates, counts

    rows = [["  vetted", "", "states", "on", "SHA-256"]]
    for c in certificates():
        found = "clean" if c.clean else "not clean"
        found = found if counts(c) else f"{found}, but by another version or machine"
        rows.append([f"  {c.name or '?'}", found, c.state, c.date[:10], f"{c.sha256[:12]}..."])
    if len(rows) > 1:
        screen.line()
        for number, line in enumerate(columns(rows, most=60)):
            screen.line(line if number else screen.style(line, "dim"))


def _list(screen: Screen, kept: list[_Kept]) -> None:
    from datetime import datetime

    rows = [["  FMU", "size", "unpacked", "SHA-256"]]
    for k in kept:
        when = datetime.fromtimestamp(k.when).strftime("%Y-%m-%d %H:%M")
        name = k.name if k.folder or not k.name else f"{k.name} (a folder, used in place)"
        rows.append([f"  {name or '?'}", _bytes(k.size), when, f"{k.key[:12]}..."])
    screen.line()
    for number, line in enumerate(columns(rows, most=60)):
        screen.line(line if number else screen.style(line, "dim"))


@app.command()
def clear(
    fmu: Annotated[
        list[str] | None,
        typer.Argument(metavar="FMU", help="Names, patterns or first digits of the SHA-256. Default: all."),
    ] = None,
    certificates: Annotated[
        bool, typer.Option("--certificates", help="Remove all certificates of `crumple vet`, too.")
    ] = False,
) -> int:
    """Remove what is kept; it is made again when an FMU is next used. Certificates stay, unless you say so.

    Best done while no run is at work: an FMU may look for a file of its own at any time.
    """
    from crumple import unpack

    folder = _folder()
    kept = _all(folder)
    for text in fmu or []:
        if not any(k.means(text) for k in kept):
            raise UsageError(f'Nothing is kept of an FMU "{text}". `crumple cache list` shows what is.')
    chosen = [k for k in kept if not fmu or any(k.means(text) for text in fmu)]
    for k in chosen:
        for path in k.paths:
            unpack.discard(path)
    if folder.is_dir():
        unpack.sweep(folder)
        if not fmu and not any(folder.iterdir()):
            folder.rmdir()
    left = sum(k.size for k in chosen if any(path.exists() for path in k.paths))
    freed = sum(k.size for k in chosen) - left
    Screen().line(f"{folder}   {wording.count(len(chosen), 'FMU')} cleared · {_bytes(freed)} freed")
    if certificates:
        from crumple.certificate import clear_certificates

        Screen().line(f"{wording.count(clear_certificates(), 'certificate')} removed")
    return 0


def _folder() -> Path:
    from crumple.archive import cache_root

    return cache_root() / "fmu"


def _all(folder: Path) -> list[_Kept]:
    """All that is kept, by the first digits of the SHA-256; drafts of processes at work are not."""
    found: dict[str, list[Path]] = {}
    for path in folder.glob("*") if folder.is_dir() else ():
        if not path.name.startswith("."):
            found.setdefault(path.name.partition(".")[0], []).append(path)
    return [_Kept(key, paths) for key, paths in found.items()]


def _size(path: Path) -> int:
    if path.is_dir() and not path.is_symlink():
        return sum(_size(Path(entry)) for entry in os.scandir(path))
    return path.lstat().st_size


def _bytes(size: int) -> str:
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{wording.number(size / scale, digits=3)} {unit}"
    return f"{size} bytes"
