"""Reading what a run recorded, also while it is still being written and after it was killed.

The recorder writes NumPy files whose first field is `t` [s] and whose row count stands in the header and is
raised only after the rows are in the file. So the header says how many rows can be trusted, and the length of
the file says how many there can be at most; the smaller of the two is read. Strings stand in a JSON-lines
file, one line per change.

A number is never wrong: what a sealed run holds must be what was sealed, and of a file that was cut while it
was written only those rows are given that follow each other in time.
"""

from __future__ import annotations

import difflib
import fnmatch
import json
import math
import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crumple.errors import CrumpleError
from crumple.npy_header import Header, read_header
from crumple.seal import DamagedRun, SealedFile, check_blocks, check_bytes, check_length, read_seal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Files of a sealed run up to this size [bytes] are held against the seal when they are first read, which takes
# 0.15 s; of larger ones, length and header are. `crumple verify` reads everything.
_CHECKED_WHOLE = 1 << 28


class UnknownSignal(CrumpleError, KeyError):
    """A signal of that name was not recorded. A KeyError too, so that `get` works as for any mapping."""

    def __str__(self) -> str:
        return str(self.args[0])


class Table:
    """One `.npy` file of a recording: rows of (t, signals...), mapped into memory only when asked for.

    rows: how many can be trusted.   sealed: what the seal says of the file; None where the run has none.
    Raises CrumpleError where the file is damaged.
    """

    def __init__(self, path: Path, *, sealed: SealedFile | None = None) -> None:
        self.path = path
        self._sealed = sealed
        header = read_header(path)
        if sealed is not None and (header and header.crc32) != (sealed.rows and sealed.rows.header):
            raise DamagedRun(
                f'The header of {path} is not as it was sealed. "crumple verify {path.parent}" tells more.'
            )
        self._descr: list[tuple[Any, ...]] = header.descr if header else [("t", "<f8")]
        self._offset = header.offset if header else 0
        self.names: list[str] = header.names if header else []
        self.rows = 0 if header is None else header.rows
        self._array: NDArray[Any] | None = None
        if header is not None and not _goes_on(path, header):
            self.rows = _even_rows(self.array()["t"], _named_step(path))
            self._array = None

    def array(self) -> NDArray[Any]:
        """All rows, (rows,) structured, read-only and lazily mapped from the file.

        Raises DamagedRun where the run is sealed and the file is not what was sealed.
        """
        if self._array is None:
            import numpy as np

            dtype = np.dtype(self._descr)
            if self._sealed is not None and self._sealed.bytes <= _CHECKED_WHOLE:
                check_blocks(self.path, self._sealed)
            if not self.rows:
                self._array = np.empty(0, dtype)
                return self._array
            try:
                self._array = np.memmap(self.path, dtype, mode="r", offset=self._offset, shape=(self.rows,))
            except ValueError:
                raise DamagedRun(f"{self.path} was cut while it was being read.") from None
        return self._array

    def column(self, name: str) -> NDArray[np.float64]:
        """One signal, (rows,) or (rows, *shape)."""
        import numpy as np

        return np.asarray(self.array()[name])

    @property
    def last_t(self) -> float | None:
        """Time of the last row [s]; None where there is none."""
        return float(self.array()["t"][-1]) if self.rows else None


class Signals(Mapping[str, Any]):
    """The recorded signals of a run by name: `signals["vehicle.speed"]` is an array, one value per row.

    A vector port gives (rows, *shape); `signals["radar.range[2]"]` is one element of it. A signal recorded at
    several rates is given at the finest. Strings are given as an object array, held from one change to the
    next. `signals.t(name)` are the times that belong to a signal, `signals.keys("vehicle.*")` the names of a
    pattern.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tables: dict[str, Table] = {}  # by signal, the finest that has it
        self.tables: list[Table] = []
        self._changes: dict[str, tuple[str, list[tuple[float, str]]]] = {}  # by signal: rate, changes
        self._rows: dict[str, int] = {}  # by rate: rows that all files of the rate have
        seal = read_seal(folder)
        sealed = {} if seal is None else seal.files
        numbers = sorted(_named(folder, "npy", sealed), key=_natural)
        texts = sorted(_named(folder, "jsonl", sealed), key=_natural)
        if seal is not None:
            for path in (*numbers, *texts):
                check_length(path, sealed.get(path.name))
        for path in numbers:
            table = Table(path, sealed=sealed.get(path.name))
            self.tables.append(table)
            rate = _natural(path)[0]
            self._rows[rate] = min(table.rows, self._rows.get(rate, table.rows))
            for name in table.names:
                if name not in self._tables or _step(table) < _step(self._tables[name]):
                    self._tables[name] = table
        steps = {_natural(table.path)[0]: _step(table) for table in reversed(self.tables)}
        for path in sorted(texts, key=lambda path: steps.get(_natural(path)[0], math.inf)):
            for name, changes in _read_changes(path, sealed.get(path.name)).items():
                self._changes.setdefault(name, (_natural(path)[0], changes))

    def __getitem__(self, name: str) -> Any:
        table, column, element = self._find(name)
        if table is None:
            return self._text(column)
        values = self._column(table, column)
        if element is None:
            return values
        shape = values.shape[1:]
        if len(element) != len(shape) or any(not 0 <= i < n for i, n in zip(element, shape, strict=True)):
            raise UnknownSignal(f'"{column}" has shape {tuple(shape)}: there is no element {list(element)}.')
        at: Any = (slice(None), *element)
        return values[at]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._tables, *self._changes}))

    def __len__(self) -> int:
        return len({*self._tables, *self._changes})

    def __contains__(self, name: object) -> bool:
        try:
            self._find(str(name))
        except UnknownSignal:
            return False
        return True

    def keys(self, pattern: str = "*") -> list[str]:  # type: ignore[override]
        """The names that fit a pattern such as "vehicle.*", sorted."""
        return [name for name in self if fnmatch.fnmatchcase(name, pattern)]

    def t(self, name: str | None = None) -> NDArray[np.float64]:
        """Times [s] of the rows of a signal; without a name, of the finest recording of the run."""
        import numpy as np

        table, column = (None, "") if name is None else self._find(name)[:2]
        if name is not None and table is None:
            table = self._of_rate(self._changes[column][0])
        table = table or self._finest()
        return self._column(table, "t") if table is not None else np.empty(0)

    def changes(self, name: str) -> list[tuple[float, str]]:
        """A string signal as it was written: (t [s], text) at each change."""
        if name not in self._changes:
            self._find(name)
            raise UnknownSignal(f'"{name}" is a number, not a string: it has no list of changes.')
        return list(self._changes[name][1])

    def last_t(self) -> float | None:
        """The last time that every file of the finest rate reached [s]; None where nothing was recorded."""
        finest = self._finest()
        if finest is None:
            return None
        step = _step(finest)
        times = [table.last_t for table in self.tables if _step(table) == step]
        seen = [t for t in times if t is not None]
        return min(seen) if seen and len(seen) == len(times) else None

    def _finest(self) -> Table | None:
        return min(self.tables, key=_step, default=None)

    def _of_rate(self, rate: str) -> Table | None:
        return next((table for table in self.tables if _natural(table.path)[0] == rate), None)

    def _column(self, table: Table, name: str) -> NDArray[np.float64]:
        """A column as far as all files of its rate go, so that signals of a cut-off run fit each other."""
        return table.column(name)[: self._rows[_natural(table.path)[0]]]

    def _find(self, name: str) -> tuple[Table | None, str, tuple[int, ...] | None]:
        if name in self._tables:
            return self._tables[name], name, None
        if name in self._changes:
            return None, name, None
        column, bracket, index = name.removesuffix("]").rpartition("[")
        if bracket and name.endswith("]") and column in self._tables:
            parts = index.split(",")
            if all(part.strip().isdigit() for part in parts):
                return self._tables[column], column, tuple(int(part) for part in parts)
        close = difflib.get_close_matches(name, list(self), n=1)
        if close:
            hint = f'Did you mean "{close[0]}"?'
        elif len(self):
            hint = f"Recorded: {', '.join(list(self)[:12])}{', ...' if len(self) > 12 else ''}."
        else:
            hint = "Nothing was recorded."
        raise UnknownSignal(f'No signal "{name}" was recorded in {self._folder.name}. {hint}')

    def _text(self, name: str) -> NDArray[Any]:
        import numpy as np

        changes = self._changes[name][1]
        t = self.t(name)
        values = np.empty(len(t), object)
        starts = np.searchsorted(t, [time for time, _ in changes], side="left")
        for k, (start, (_, text)) in enumerate(zip(starts, changes, strict=True)):
            end = starts[k + 1] if k + 1 < len(starts) else len(t)
            values[start:end] = text
        return values

    def __repr__(self) -> str:
        return f"<{len(self)} signals of {self._folder.name}>"


def _named(folder: Path, suffix: str, sealed: Mapping[str, SealedFile]) -> set[Path]:
    """The files of a recording that a folder has, or should have by its seal."""
    pattern = f"signals*.{suffix}"
    return {*folder.glob(pattern), *(folder / name for name in sealed if fnmatch.fnmatchcase(name, pattern))}


def _goes_on(path: Path, header: Header) -> bool:
    """Whether nothing suggests that the rows of a file are not what the recorder wrote, one after the other.

    A file that is shorter than its header says was cut, perhaps while rows were still being added to it. Where
    a power cut left zeros, the last row is not later than the first.
    """
    if header.stated > header.rows:
        return header.rows == 0
    if header.rows < 2:
        return True
    with open(path, "rb") as file:
        ends = []
        for row in (0, header.rows - 1):
            file.seek(header.offset + row * header.row)
            ends.append(file.read(8))
    if len(ends[1]) < 8:  # cut between two looks at it
        return False
    first, last = (struct.unpack("<d", end)[0] for end in ends)
    return bool(last > first)


def _even_rows(t: NDArray[np.float64], step: float | None) -> int:
    """How many rows, from the first, follow each other in even steps of time [s]; None: as most rows do."""
    import numpy as np

    steps = np.diff(t)
    if step is None:
        later = steps[steps > 0]
        step = float(np.median(later)) if len(later) else math.nan
    uneven = np.flatnonzero(~(np.abs(steps - step) < step / 2))
    if len(uneven):
        return int(uneven[0])  # without the row before the gap, whose end may be that of another row
    if len(t) > 1:
        return len(t)
    count = float(t[0]) / step  # a row alone may be made of parts of two: bytes that look like a tiny number
    return int(count == 0.0 or (abs(count) > 0.5 and abs(count - round(count)) < 1e-6))


def _named_step(path: Path) -> float | None:
    """Time between rows [s] by the name of a file, "signals-100us-2.npy"; None where it has none."""
    found = re.fullmatch(r"signals-([\d.]+(?:e[+-]?\d+)?)(us|ms|s)", _natural(path)[0])
    return None if found is None else float(found[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1.0}[found[2]]


def _step(table: Table) -> float:
    """Time between rows [s]; infinite where there are fewer than two."""
    if table.rows < 2:
        return float("inf")
    t = table.array()["t"]
    return round(float(t[-1] - t[0]) / (table.rows - 1), 12)


def _natural(path: Path) -> tuple[str, int]:
    """Sorts signals.npy before signals-2.npy, and that before signals-10.npy."""
    stem, dash, number = path.stem.rpartition("-")
    return (stem, int(number)) if dash and number.isdigit() else (path.stem, 1)


def _read_changes(path: Path, sealed: SealedFile | None) -> dict[str, list[tuple[float, str]]]:
    """The changes of every string in a JSON-lines file; a last line that was cut off is left out."""
    content = path.read_bytes()
    if sealed is not None:
        check_bytes(path, content, sealed)
    changes: dict[str, list[tuple[float, str]]] = {}
    for number, line in enumerate(content.split(b"\n")[:-1], start=1):
        try:
            entry = json.loads(line.decode("utf-8", errors="surrogateescape"))
            t, name, value = float(entry["t"]), entry["signal"], entry["value"]
            if not (isinstance(name, str) and isinstance(value, str)):
                raise TypeError("no text")
        except (ValueError, TypeError, KeyError) as error:
            raise CrumpleError(
                f"{path}: line {number} is damaged, so that its strings cannot be trusted."
            ) from error
        changes.setdefault(name, []).append((t, value))
    return changes
