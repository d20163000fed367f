"""Reading what a run recorded, also while it is still being written and after it was killed.

The recorder writes NumPy files whose first field is `t` [s] and whose row count stands in the header and is
raised only after the rows are in the file. So the header says how many rows can be trusted, and the length of
the file says how many there can be at most; the smaller of the two is read. Strings stand in a JSON-lines
file, one line per change.
"""

from __future__ import annotations

import ast
import difflib
import fnmatch
import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crumple.errors import CrumpleError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MAGIC = b"\x93NUMPY"


class UnknownSignal(CrumpleError, KeyError):
    """A signal of that name was not recorded. A KeyError too, so that `get` works as for any mapping."""

    def __str__(self) -> str:
        return str(self.args[0])


class Table:
    """One `.npy` file of a recording: rows of (t, signals...), mapped into memory only when asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descr, self.rows, self._offset = _read_header(path)
        self.names: list[str] = [str(entry[0]) for entry in self._descr if entry[0] != "t"]
        self._array: NDArray[Any] | None = None

    def array(self) -> NDArray[Any]:
        """All rows, (rows,) structured, read-only and lazily mapped from the file."""
        if self._array is None:
            import numpy as np

            dtype = np.dtype(self._descr)
            if self.rows:
                self._array = np.memmap(self.path, dtype, mode="r", offset=self._offset, shape=(self.rows,))
            else:
                self._array = np.empty(0, dtype)
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
        self._changes: dict[str, list[tuple[float, str]]] = {}
        for path in sorted(folder.glob("signals*.npy"), key=_natural):
            table = Table(path)
            self.tables.append(table)
            for name in table.names:
                if name not in self._tables or _step(table) < _step(self._tables[name]):
                    self._tables[name] = table
        for path in sorted(folder.glob("signals*.jsonl")):
            for name, changes in _read_changes(path).items():
                self._changes.setdefault(name, changes)

    def __getitem__(self, name: str) -> Any:
        table, column, element = self._find(name)
        if table is None:
            return self._text(column)
        values = table.column(column)
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

        table = (None if name is None else self._find(name)[0]) or self._finest()
        return table.column("t") if table is not None else np.empty(0)

    def changes(self, name: str) -> list[tuple[float, str]]:
        """A string signal as it was written: (t [s], text) at each change."""
        if name not in self._changes:
            self._find(name)
            raise UnknownSignal(f'"{name}" is a number, not a string: it has no list of changes.')
        return list(self._changes[name])

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

        changes = self._changes[name]
        t = self.t()
        values = np.empty(len(t), object)
        starts = np.searchsorted(t, [time for time, _ in changes], side="left")
        for k, (start, (_, text)) in enumerate(zip(starts, changes, strict=True)):
            end = starts[k + 1] if k + 1 < len(starts) else len(t)
            values[start:end] = text
        return values

    def __repr__(self) -> str:
        return f"<{len(self)} signals of {self._folder.name}>"


def _read_header(path: Path) -> tuple[list[tuple[Any, ...]], int, int]:
    """(descr, rows that can be trusted, offset of the first row). A file cut off at birth has no rows."""
    nothing: tuple[list[tuple[Any, ...]], int, int] = ([("t", "<f8")], 0, 0)
    with open(path, "rb") as file:
        start = file.read(12)
        if len(start) < 12:
            return nothing
        if start[:6] != _MAGIC or start[6] not in (1, 2, 3):
            raise CrumpleError(f"{path} is not a recording: it does not start like a NumPy file.")
        wide = start[6] > 1
        length = struct.unpack("<I", start[8:12])[0] if wide else struct.unpack("<H", start[8:10])[0]
        file.seek(12 if wide else 10)
        header = file.read(length)
    if len(header) < length:
        return nothing
    offset = (12 if wide else 10) + length
    try:
        fields = ast.literal_eval(header.decode("utf-8").strip())
        descr = [tuple(entry) for entry in fields["descr"]]
        rows = int(fields["shape"][0])
        row = 8 * sum(_elements(entry) for entry in descr)
    except (ValueError, SyntaxError, KeyError, IndexError, TypeError) as error:
        raise CrumpleError(
            f"The header of {path} is damaged, so that its numbers cannot be trusted."
        ) from error
    return descr, min(rows, max(0, path.stat().st_size - offset) // row), offset


def _elements(entry: tuple[Any, ...]) -> int:
    if entry[1] != "<f8":
        raise ValueError(f"unexpected type {entry[1]}")
    count = 1
    for n in entry[2] if len(entry) > 2 else ():
        count *= n
    return count


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


def _read_changes(path: Path) -> dict[str, list[tuple[float, str]]]:
    """The changes of every string in a JSON-lines file; a last line that was cut off is left out."""
    changes: dict[str, list[tuple[float, str]]] = {}
    with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as file:
        for line in file:
            if not line.endswith("\n"):
                break
            entry = json.loads(line)
            changes.setdefault(entry["signal"], []).append((float(entry["t"]), entry["value"]))
    return changes
