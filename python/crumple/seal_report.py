"""Holding a run's folder against its seal: what changed, where, and in which rows."""

from __future__ import annotations

import hashlib
import itertools
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

from crumple import run_folder, wording
from crumple.errors import CrumpleError, UsageError
from crumple.recording import Table
from crumple.seal import (
    SEAL,
    Damage,
    DamagedRun,
    Report,
    SealedFile,
    changed_blocks,
    files_of,
    read_seal,
)


def verify(folder: Path) -> Report:
    """See `crumple.seal.verify`."""
    try:
        seal = read_seal(folder)
    except DamagedRun as error:
        damage = Damage(file=SEAL, kind="changed", fact="the seal is not as it was written")
        return Report(folder=str(folder), state="damaged", reason=str(error), damages=(damage,))
    if seal is None:
        return _unsealed(folder)
    found = set(files_of(folder))
    damages = [damage for name, entry in seal.files.items() for damage in compared(folder, name, entry)]
    damages += [
        Damage(file=name, kind="added", fact="it was not there when the run was sealed")
        for name in sorted(found - seal.files.keys())
    ]
    names = {damage.file for damage in damages}
    files = wording.count(len(seal.files), "file")
    size = sum(entry.bytes for entry in seal.files.values())
    if damages:
        reason = f"{', '.join(sorted(names))}: not as sealed"
    else:
        reason = f"{files}, {size:,} bytes: every bit is as it was sealed"
    return Report(
        folder=str(folder),
        state="damaged" if damages else "whole",
        reason=reason,
        damages=tuple(damages),
        files=len(seal.files),
        bytes=size,
        seal=seal.sha256,
        sealed=seal.sealed,
    )


def compared(folder: Path, name: str, entry: SealedFile) -> Iterator[Damage]:
    """All that is wrong with one file."""
    path = os.path.join(folder, name)
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            yield Damage(file=name, kind="unreadable", fact="it is no regular file any more")
            return
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            whole = hashlib.sha256()
            changed = list(changed_blocks(file, entry, whole))
    except FileNotFoundError:
        yield Damage(file=name, kind="missing", fact="it is missing")
        return
    except OSError as error:
        yield Damage(file=name, kind="unreadable", fact=f"it cannot be read: {error.strerror}")
        return
    if size == entry.bytes and not changed and whole.hexdigest() == entry.sha256:
        return
    there = [number for number in changed if min((number + 1) * entry.block, entry.bytes) <= size]
    for begin, end in _together(there, entry):
        yield _placed(name, entry, kind="changed", begin=begin, end=end)
    if size < entry.bytes:
        yield _placed(name, entry, kind="shorter", begin=size, end=entry.bytes)
    elif size > entry.bytes:
        fact = f"{size - entry.bytes:,} bytes were added to its end"
        yield Damage(file=name, kind="longer", fact=fact, begin=entry.bytes, end=size)
    elif not there:
        yield Damage(file=name, kind="changed", fact="it has changed; where cannot be told")


def _together(blocks: Iterable[int], entry: SealedFile) -> Iterator[tuple[int, int]]:
    """Neighbouring blocks as one range of bytes."""
    for _, group in itertools.groupby(enumerate(blocks), key=lambda pair: pair[1] - pair[0]):
        numbers = [number for _, number in group]
        yield numbers[0] * entry.block, min((numbers[-1] + 1) * entry.block, entry.bytes)


def _placed(
    name: str, entry: SealedFile, *, kind: Literal["changed", "shorter"], begin: int, end: int
) -> Damage:
    """A damage with the rows that it concerns."""
    place = f"bytes {begin:,} to {end - 1:,}"
    fact = f"it has changed in {place}" if kind == "changed" else f"it ends early, without {place}"
    rows, t = None, None
    if entry.rows is not None and entry.rows.t:
        layout = entry.rows
        first = max(0, (begin - layout.offset) // layout.row)
        last = min(layout.count - 1, (end - 1 - layout.offset) // layout.row)
        if begin < layout.offset:
            fact += ", its header among them"
        if last >= first:
            t1, t2 = (_t(layout.t, layout.count, row) for row in (first, last))
            rows, t = (first, last), (t1, t2)
            fact += f": rows {first:,} to {last:,}, t = {wording.span(t1, t2)}"
    return Damage(file=name, kind=kind, fact=fact, begin=begin, end=end, rows=rows, t=t)


def _t(ends: tuple[float, ...], count: int, row: int) -> float:
    """Time of a row [s], to nine digits of the recorded span: rows are evenly spaced."""
    if count < 2:
        return ends[0]
    return float(f"{ends[0] + (ends[1] - ends[0]) * row / (count - 1):.9g}")


def _unsealed(folder: Path) -> Report:
    """What can be said of a run without a seal."""
    if not (folder / run_folder.VERDICT).exists():
        raise UsageError(f"{folder} is not the folder of a run: it has no {run_folder.VERDICT}.")
    damages: list[Damage] = []
    facts: list[str] = []
    for name in (run_folder.VERDICT, run_folder.MANIFEST):
        try:
            run_folder.read_json(folder, name)
        except CrumpleError as error:
            if (folder / name).exists():
                damages.append(Damage(file=name, kind="unreadable", fact=str(error)))
            else:
                facts.append(f"{name} had not been written")
    with suppress(OSError):
        lines = (folder / run_folder.EVENTS).read_bytes().count(b"\n")
        facts.append(f"{run_folder.EVENTS}: {wording.count(lines, 'event')}")
    for path in sorted(folder.glob("signals*.npy")):
        try:
            table = Table(path)
        except (CrumpleError, OSError) as error:
            damages.append(Damage(file=path.name, kind="unreadable", fact=str(error)))
        else:
            until = "" if table.last_t is None else f", to t = {wording.time(table.last_t)}"
            facts.append(f"{path.name}: {wording.count(table.rows, 'row')}{until}")
    if damages:
        reason = f"it has no seal, and cannot be read: {', '.join(damage.file for damage in damages)}"
    else:
        reason = _why_unsealed(folder)
    return Report(
        folder=str(folder),
        state="damaged" if damages else "unsealed",
        reason=reason,
        damages=tuple(damages),
        facts=tuple(facts),
    )


def _why_unsealed(folder: Path) -> str:
    from crumple.result import open_run

    if run_folder.read_json(folder, run_folder.VERDICT).get("state") == "ended":
        return "the run ended, but has no seal: it was stopped before it was sealed, or the seal was removed"
    return open_run(folder).reason
