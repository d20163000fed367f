"""The tape that a run leaves in its folder: what was latched at every tick, and what was done by hand.

`tape.npy` has one row a tick, the first of how it stood at the start, with every output of every sensor
("front.acceleration", "front.age", ...). `commands.jsonl` has one line a command. Of a sealed run both must be what
was sealed. A tape that was cut off, by a kill or a full disk, is read to its last whole row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crumple import run_folder, wording
from crumple.errors import CrumpleError, UsageError
from crumple.live.plan import STAMPS, Channel
from crumple.recording import Table
from crumple.seal import DamagedRun, SealedFile, check_blocks, check_length, read_seal
from crumple.tape import Command, Tape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from crumple.scene import Scene

TAPE = "tape.npy"
COMMANDS = "commands.jsonl"
DONE_BY_HAND = ("set", "inject", "arm", "clear")


def has_tape(folder: Path) -> bool:
    """Whether a run has a tape, or should have one by its seal."""
    seal = read_seal(folder)
    return bool(_tape_files(folder, {} if seal is None else seal.files))


def read_run(folder: Path) -> Tape:
    """The tape of a run, with the commands that were given by hand.

    Raises UsageError where the run has none, DamagedRun where it is not as it was sealed.
    """
    seal = read_seal(folder)
    sealed = {} if seal is None else seal.files
    files = _tape_files(folder, sealed)
    if not files:
        raise UsageError(f"{folder} has no tape: its run had no live inputs, or {TAPE} was lost.")
    tables = [
        _table(path, sealed.get(path.name) if seal is not None else None, seal is None) for path in files
    ]
    rows = min(table.rows for table in tables)
    if not rows:
        raise UsageError(f"{files[0]} has no whole row: the run was cut off before its first tick.")
    manifest = run_folder.read_json(folder, run_folder.MANIFEST)
    t = tables[0].column("t")[:rows]
    _check_grid(files[0], t, manifest)
    columns: dict[str, dict[str, NDArray[np.float64]]] = {}
    for table in tables:
        for name in table.names:
            sensor, dot, port = name.partition(".")
            if not dot or table.array()[name].ndim != 1:
                raise UsageError(f'{table.path} is no tape: "{name}" is no output of a sensor.')
            columns.setdefault(sensor, {})[port] = table.column(name)[:rows]
    told = manifest.get("signals")
    parts = {
        sensor: _part(sensor, found, told if isinstance(told, dict) else {})
        for sensor, found in columns.items()
    }
    commands = read_commands(folder, last=rows - 1)
    try:
        return Tape(t.copy(), parts, source=folder.name, commands=commands)
    except UsageError as error:
        raise DamagedRun(f"{files[0]} is damaged: {error}") from None


def fitted(tape: Tape, scene: Scene, folder: Path) -> Tape:
    """The same with the sensors of a scene and their columns in the scene's order: channels, then stamps.

    Raises UsageError where it is the tape of another scene.
    """
    import numpy as np

    if set(tape.sensors) != {plan.name for plan in scene.sensors}:
        ours, theirs = (", ".join(sorted(names)) for names in ({p.name for p in scene.sensors}, tape.sensors))
        raise UsageError(
            f"{folder / TAPE} is the tape of another scene: its sensors are {theirs}, and the scene's are {ours}."
        )
    parts = {}
    for plan in scene.sensors:
        names, rows = tape.rows(plan.name)
        wanted = [channel.name for channel in plan.channels]
        found = [name for name in names if name not in STAMPS]
        missing = sorted({*wanted, *STAMPS} - {*names})
        if missing or set(found) != set(wanted):
            raise UsageError(
                f"{folder / TAPE} is the tape of another scene: sensor '{plan.name}' has {', '.join(names)} there,"
                f" and {', '.join(wanted)} in the scene."
            )
        order = [names.index(name) for name in (*wanted, *STAMPS)]
        stamps = tuple(Channel(name=name, kind=kind, si=si) for name, (kind, si) in STAMPS.items())
        parts[plan.name] = ((*plan.channels, *stamps), np.ascontiguousarray(rows[:, order]))
    try:
        return Tape(tape.t, parts, source=tape.source, commands=tape.commands)
    except UsageError as error:
        raise UsageError(f"{folder / TAPE} is the tape of another scene: {error}") from None


def commands_alone(folder: Path, scene: Scene) -> Tape | None:
    """A tape of nothing but what was done by hand, for a scene without sensors; None where nothing was."""
    import numpy as np

    commands = read_commands(folder, last=scene.stop_tick)
    ticks = np.arange(scene.stop_tick + 1)
    if not commands:
        return None
    t = np.asarray(float(scene.start) + ticks * float(scene.period), np.float64)
    return Tape(t, {}, source=folder.name, commands=commands)


def read_commands(folder: Path, *, last: int) -> tuple[Command, ...]:
    """What was done by hand in a run, in the order in which it was done. last: the tick at which the run ended.

    A last line that was cut off by a kill is left out. Raises DamagedRun where a line cannot be read.
    """
    path = folder / COMMANDS
    seal = read_seal(folder)
    if not path.exists() and (seal is None or COMMANDS not in seal.files):
        return ()
    text = run_folder.read_bytes(folder, COMMANDS)
    lines = text.split(b"\n")
    if lines[-1] and seal is not None:
        raise DamagedRun(f"{path}:{len(lines)}: the line is cut off, and the run has a seal.")
    commands: list[Command] = []
    before = 0
    for number, line in enumerate(lines[:-1], start=1):
        command = _command(line, f"{path}:{number}")
        if command.tick < before:
            raise DamagedRun(
                f"{path}:{number}: its tick {command.tick} is before {before}, that of the last line."
            )
        before = command.tick
        if command.tick <= last:  # one for a tick that a killed run did not record is of no use
            commands.append(command)
        elif seal is not None:
            raise DamagedRun(f"{path}:{number}: its tick {command.tick} is after the end of the run, {last}.")
    return tuple(commands)


def _command(line: bytes, place: str) -> Command:
    try:
        written = json.loads(line)
    except (ValueError, RecursionError):
        raise DamagedRun(f"{place}: this is no JSON, so that what was done by hand cannot be told.") from None
    if not isinstance(written, dict):
        raise DamagedRun(f"{place}: this is no command.")
    tick, do = written.pop("tick", None), written.pop("do", None)
    if type(tick) is not int or tick < 0:
        raise DamagedRun(f"{place}: its tick, {tick!r}, is none.")
    if do not in DONE_BY_HAND:
        raise DamagedRun(f"{place}: {do!r} is no command; there are {', '.join(DONE_BY_HAND)}.")
    return Command(tick, do, written)


def _tape_files(folder: Path, sealed: Mapping[str, SealedFile]) -> list[Path]:
    """The files of the tape: "tape.npy", and for very many channels "tape-2.npy" and so on."""
    found: list[Path] = []
    while True:
        path = folder / (TAPE if not found else f"tape-{len(found) + 1}.npy")
        if not path.exists() and path.name not in sealed:
            return found
        found.append(path)


def _table(path: Path, sealed: SealedFile | None, unsealed: bool) -> Table:
    if not unsealed:
        check_length(path, sealed)
    try:
        table = Table(path, sealed=sealed)
        if sealed is not None:
            check_blocks(path, sealed)  # all of it, however large: every row is going to be used
        table.array()
    except DamagedRun:
        raise
    except (CrumpleError, OSError) as error:
        raise DamagedRun(f"{path} cannot be read: {error}") from None
    return table


def _check_grid(path: Path, t: NDArray[np.float64], manifest: Mapping[str, Any]) -> None:
    """Every row must be that of its tick: a row too many or too few would shift all that follow."""
    import numpy as np

    try:
        period, start = Fraction(manifest["period"]), Fraction(manifest["start"])
    except (KeyError, ValueError, TypeError, ZeroDivisionError):
        raise UsageError(
            f"{path.parent / run_folder.MANIFEST} is damaged: it has no period or start."
        ) from None
    wanted = float(start) + np.arange(len(t)) * float(period)
    wrong = np.flatnonzero(~(np.abs(t - wanted) < float(period) / 2))
    if len(wrong):
        row = int(wrong[0])
        raise DamagedRun(
            f"{path} is damaged: row {row:,} is of t = {wording.time(float(t[row]))}, and should be of"
            f" {wording.time(float(wanted[row]))}."
        )


def _part(
    sensor: str, columns: Mapping[str, NDArray[np.float64]], told: Mapping[str, Any]
) -> tuple[tuple[Channel, ...], NDArray[np.float64]]:
    """The channels of a sensor and their values. told: of every signal, what the manifest says of it."""
    import numpy as np

    channels = []
    for port in columns:
        kind, si = STAMPS.get(port, ("real", "1"))
        signal = told.get(f"{sensor}.{port}")
        if port not in STAMPS and isinstance(signal, dict):
            kind, si = signal.get("kind") or "real", signal.get("si") or "1"
        channels.append(Channel(name=port, kind=kind, si=si))
    return tuple(channels), np.column_stack(list(columns.values()))


def heard(tape: Tape, sensor: str | None = None) -> Tape:
    """The samples of one sensor of a run, as its rig sent them, each at the time at which the run took it.

    A sample that was lost, or overtaken by a newer one within a tick, is not among them.
    Raises UsageError where the run took none.
    """
    import numpy as np

    names, rows = tape.rows(sensor)
    if "sequence" not in names:
        return tape.only(sensor)
    sequence = rows[:, names.index("sequence")]
    kept = np.flatnonzero((np.diff(sequence, prepend=0.0) != 0) & (sequence != 0))
    if not len(kept):
        raise UsageError(f"the run {tape.source} took no sample of this sensor: there is nothing to play.")
    whole = tape.only(sensor)
    name = whole.sensor
    return Tape(whole.t[kept], {name: (whole.channels(), whole.rows()[1][kept])}, source=tape.source)
