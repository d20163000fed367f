"""Where in an unpacked FMU this machine's library is."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from crumple.description import Description

SUFFIXES = {"linux": ".so", "darwin": ".dylib", "windows": ".dll"}


def platform_folders(fmi: str) -> list[str]:
    """Names of the folders in binaries/ that may hold this machine's library, the standard's own first."""
    system = {"linux": "linux", "darwin": "darwin", "win32": "windows"}.get(sys.platform, sys.platform)
    machine = _machine().lower()
    bits = 64 if sys.maxsize > 2**32 else 32
    if machine in ("amd64", "x86_64", "i386", "i586", "i686", "x86"):
        architecture = "x86_64" if bits == 64 else "x86"
    else:
        architecture = {"arm64": "aarch64"}.get(machine, machine)
    triple = f"{architecture}-{system}"
    short = f"{'win' if system == 'windows' else system}{bits}"
    if fmi.startswith("3"):
        return [triple, short] if architecture.startswith("x86") else [triple]
    # FMI 2 has one name per word size; for other processors exporters use either
    return [short, triple] if architecture.startswith("x86") else [triple, short]


def find_library(directory: Path, described: Description) -> tuple[Path | None, str | None]:
    """(library, what is unusual about it) or (None, why there is none)."""
    if described.identifier is None:
        return None, "it has no co-simulation interface that Crumple runs."
    system = {"linux": "linux", "darwin": "darwin"}.get(sys.platform, "windows")
    suffix = SUFFIXES[system]
    standard, *others = platform_folders(described.fmi)
    for name in (standard, *others):
        folder = directory / "binaries" / name
        wanted = folder / f"{described.identifier}{suffix}"
        aside = None
        if name != standard:
            aside = f"its library is in binaries/{name}, where FMI {described.fmi} wants binaries/{standard}."
        if described.identifier and wanted.is_file():
            return wanted, aside
        there = _libraries(folder, suffix)
        alike = [p for p in there if p.stem.casefold().removeprefix("lib") == described.identifier.casefold()]
        if len(alike) == 1 or len(there) == 1:
            taken = alike[0] if len(alike) == 1 else there[0]
            return taken, (
                f'binaries/{name} has no "{described.identifier}{suffix}" (the modelIdentifier); '
                f'"{taken.name}" is used.'
            )
        if there:
            return None, (
                f'binaries/{name} has no "{described.identifier}{suffix}" (the modelIdentifier) but '
                f"{len(there)} others: {', '.join(p.name for p in there[:6])}. Which is meant is not said."
            )
    there_are = platforms(directory)
    sources = directory / "sources"
    has_sources = sources.is_dir() and any(p.suffix in (".c", ".cpp", ".cc") for p in sources.rglob("*"))
    fact = f"it has no library for this machine (binaries/{standard})"
    fact += f"; it has those for {', '.join(there_are)}." if there_are else " nor for any other."
    if has_sources:
        fact += f" Its sources are there: build them into binaries/{standard}/{described.identifier}{suffix}."
    else:
        fact += " It holds no sources: export the model again for this platform."
    return None, fact


def platforms(directory: Path) -> list[str]:
    """Folders of binaries/ that hold a shared library."""
    binaries = directory / "binaries"
    if not binaries.is_dir():
        return []
    suffixes = tuple(SUFFIXES.values())
    return sorted(
        folder.name
        for folder in binaries.iterdir()
        if folder.is_dir() and any(p.suffix in suffixes for p in folder.iterdir())
    )


def _libraries(folder: Path, suffix: str) -> list[Path]:
    """The libraries in a folder, without the private copies that a process may have there for a moment."""
    there = sorted(p for p in folder.glob(f"*{suffix}") if p.is_file()) if folder.is_dir() else []
    stems = {p.stem for p in there}
    return [p for p in there if re.sub(r"-\d+-\d+$", "", p.stem) not in stems - {p.stem}]


def _machine() -> str:
    if hasattr(os, "uname"):
        return os.uname().machine  # what platform.machine() says, without its 3 ms
    import platform

    return platform.machine()
