"""What a folder that holds an unpacked FMU may be: nothing in it leads out of it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from crumple.errors import FmuError
from crumple.gate import GateLimits, Measured

XML = "modelDescription.xml"


def inspect(folder: Path, *, limits: GateLimits) -> tuple[list[tuple[str, os.stat_result]], Measured]:
    """The files in `folder` as (path within it, what the system says of it), sorted, and what they measure.

    A link may stay where it leads to something in the folder. Raises FmuError for the first thing that must not
    be there, OSError where a folder cannot be read.
    """
    root = os.path.realpath(folder)
    files: list[tuple[str, os.stat_result]] = []
    waiting = [("", os.fspath(folder))]
    count = total = 0
    while waiting:
        above, place = waiting.pop()
        with os.scandir(place) as entries:
            for entry in entries:
                count += 1
                limits.check_all({"members": count}, folder=True)
                name = f"{above}{entry.name}"
                if entry.is_symlink():
                    _refuse_outside(entry.path, name, root)
                found = entry.stat()
                if stat.S_ISREG(found.st_mode):
                    total += found.st_size
                    files.append((name, found))
                elif not stat.S_ISDIR(found.st_mode):
                    raise FmuError(f'"{name}" is a device or pipe; the folder is refused.')
                elif not entry.is_symlink():  # what a link leads to is in the folder, and seen there
                    waiting.append((f"{name}/", entry.path))
    limits.check_all({"unpacked": total}, folder=True)
    return sorted(files), Measured(members=count, unpacked=total)


def _refuse_outside(path: str, name: str, root: str) -> None:
    try:
        target = os.path.realpath(path, strict=True)
    except OSError as error:
        raise FmuError(
            f'"{name}" is a link that leads nowhere ({error.strerror}); the folder is refused.'
        ) from None
    if os.path.commonpath([target, root]) != root:
        raise FmuError(
            f'"{name}" is a link that leads outside the folder, to {target}; the folder is refused.'
        )
