"""Snapshots and forks of any world: by the units' states, by fork() of their workers, or by replay.

The core saves each unit as it can: an FMU by its own state where vetting found that to hold, in a worker by fork() of
the process, a plugin by what its instance holds. Where one unit can be saved by none of these (an FMU in this process
that was not vetted, or one that has threads), the world is replayed: reset with the same seed, given the same inputs
at the same ticks, and stepped to where it was. The digest then tells whether it came to the same.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crumple import _core
from crumple.errors import StateError, UsageError
from crumple.whole_file import write_whole

_HEAD = b"crumple world 1\n"


@dataclass(frozen=True, slots=True)
class Command:
    """What came from outside: an input or tunable parameter set before the step of a tick."""

    tick: int
    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole state of a world at a communication point. Immutable.

    tick, seed, digest: of the world then.   replayed: why restoring it means to replay the run up to here;
    empty where the state itself was saved.
    """

    tick: int
    seed: int
    digest: int
    replayed: str
    core: _core.Snapshot | None
    commands: tuple[Command, ...] | None  # None: what happened before is not known


def take(core: _core.World, commands: list[Command] | None, *, for_another: bool = False) -> Snapshot:
    """A snapshot of a world. for_another: other worlds can be restored to it.

    Raises StateError where the units cannot be saved and what happened before is not known either.
    """
    saved, why = None, ""
    try:
        saved = core.snapshot(for_another)
    except StateError as error:
        if commands is None:
            raise
        why = str(error)
    return Snapshot(
        tick=core.tick,
        seed=core.seed,
        digest=core.digest(),
        replayed=why,
        core=saved,
        commands=None if commands is None else tuple(commands),
    )


def bring(core: _core.World, snapshot: Snapshot, apply: Any) -> None:
    """A world to a snapshot. apply(name, value): sets an input as World.__setitem__ does.

    Raises StateError where a replay did not come to the same signals.
    """
    if snapshot.core is not None:
        core.restore(snapshot.core)
        return
    assert snapshot.commands is not None
    core.set_quiet(True)  # probes have seen these ticks
    try:
        core.reset(snapshot.seed)
        for command in snapshot.commands:
            core.step(command.tick - core.tick)
            apply(command.name, command.value)
        core.step(snapshot.tick - core.tick)
    finally:
        core.set_quiet(False)
    if core.digest() != snapshot.digest:
        raise StateError(
            f"the world cannot be brought back to tick {snapshot.tick}: its run was replayed from the start, and"
            f" gave other signals. Some unit does not do the same twice. It was replayed because: {snapshot.replayed}"
        )


def write(file: Path, packed: bytes) -> None:
    """Packed state to a file with its checksum, whole or not at all. Raises UsageError where it cannot be written."""
    try:
        write_whole(file, _HEAD + hashlib.sha256(packed).digest() + packed)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from None


def read(file: Path) -> bytes:
    """The packed state in a file that `write` wrote. Raises UsageError where it cannot be read or was changed."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    start = len(_HEAD) + 32
    if not content.startswith(_HEAD) or len(content) < start:
        raise UsageError(f"{file} holds no saved world of this version of Crumple")
    if hashlib.sha256(content[start:]).digest() != content[len(_HEAD) : start]:
        raise UsageError(f"{file} was changed since it was saved: its checksum does not fit")
    return content[start:]
