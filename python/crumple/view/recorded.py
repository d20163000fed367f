"""The numbers of a run folder as the viewer asks for them: one signal, one instant, or all up to an instant."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from crumple.errors import CrumpleError
from crumple.meanings import Meaning
from crumple.recording import Signals, Table
from crumple.view.session import Numbers

_COPIED = 2_000_000  # rows of a signal up to which it is copied out of the file, so that reading it is quick
_SLACK = 1e-3  # of a step: a time that near to a row is that row's
_NONE: Numbers = np.empty(0)


class _Rate:
    """Files whose rows have the same times."""

    def __init__(self, table: Table) -> None:
        self.t: Numbers = _plain(table.column("t")) if table.rows else _NONE
        rows = len(self.t)
        self.step = float(self.t[-1] - self.t[0]) / (rows - 1) if rows > 1 else math.inf
        self._asked = math.nan
        self._place = (-1, 0.0)

    def place(self, t: float) -> tuple[int, float]:
        """The row at or before t [s], and how far to the next t is, 0 to 1. Row -1 where there is no sample."""
        if t != self._asked:
            self._asked, self._place = t, self._found(t)
        return self._place

    def _found(self, t: float) -> tuple[int, float]:
        rows = len(self.t)
        slack = _SLACK * self.step if math.isfinite(self.step) else 1e-9
        if not rows or t < self.t[0] - slack:
            return -1, 0.0
        row = int(np.searchsorted(self.t, t + slack, side="right")) - 1
        if row + 1 < rows:
            before, after = float(self.t[row]), float(self.t[row + 1])
            return row, min(1.0, max(0.0, (t - before) / (after - before)))
        # the last sample is true of its own period, and of nothing later
        return (row, 0.0) if t < self.t[row] + self.step - slack or rows == 1 else (-1, 0.0)


class Recorded:
    """The recording in a folder. Of a run that goes on, `refresh` finds what came since.

    meanings: of the signals, by name; without, every signal is taken to be real.
    still: values are held between samples, whatever their kind.
    Raises CrumpleError where the folder is damaged.
    """

    def __init__(
        self, folder: Path, meanings: Mapping[str, Meaning], *, growing: bool = False, still: bool = False
    ) -> None:
        self._folder = folder
        self._meanings = meanings
        self._growing = growing
        self.still = still
        self._sizes: Any = None
        self.refresh()

    def refresh(self) -> bool:
        """Look at the files again. Returns whether there is more than before."""
        if self._growing:
            paths = sorted(self._folder.glob("signals*.npy"))
            tables = []
            for path in paths:
                try:
                    tables.append(Table(path))
                except (CrumpleError, OSError):  # looked at while it was being made
                    continue
            sizes = [(table.path, table.rows) for table in tables]
            if sizes == self._sizes:
                return False
            self._sizes = sizes
        else:
            tables = Signals(self._folder).tables
        rates = [_Rate(table) for table in tables]
        self._columns: dict[str, tuple[Table, _Rate, tuple[int, ...]]] = {}  # with the shape
        for table, rate in zip(tables, rates, strict=True):
            dtype = table.array().dtype
            for name in table.names:
                known = self._columns.get(name)
                if known is None or rate.step < known[1].step:
                    self._columns[name] = (table, rate, dtype[name].shape)
        self._names = [
            each for name in sorted(self._columns) for each in _elements(name, self._columns[name][2])
        ]
        self._held = {name for name in self._columns if self.kind(name) != "real"}
        self._values: dict[str, Numbers] = {}
        finest = min(rates, key=lambda rate: rate.step, default=None)
        self.last: float | None = None  # time of the last row of the finest rate [s]
        if finest is not None:
            ends = [
                float(r.t[-1]) if len(r.t) else math.nan for r in rates if r.step <= finest.step * (1 + 1e-6)
            ]
            self.last = None if any(map(math.isnan, ends)) else min(ends, default=None)
        return True

    def names(self) -> Sequence[str]:
        """Signals that are single numbers; elements of arrays by their index, "radar.range[2]"."""
        return self._names

    def kind(self, name: str) -> str:
        """What kind of number a signal is; "real" where nobody said."""
        meaning = self._meanings.get(name) or self._meanings.get(name.partition("[")[0])
        return meaning.kind if meaning is not None else "real"

    def series(self, name: str) -> tuple[Numbers, Numbers]:
        """(n,) times [s] and (n,) values; empty where there is no such signal."""
        found = self._column(name)
        if found is None:
            return _NONE, _NONE
        rate, values = found
        rows = min(len(rate.t), len(values))
        return rate.t[:rows], values[:rows]

    def value(self, name: str, t: float) -> float | None:
        """At t [s]; None where there is no sample, or none that is a number."""
        found = self._column(name)
        if found is None:
            return None
        rate, values = found
        row, part = rate.place(t)
        if row < 0 or row >= len(values):
            return None
        value = float(values[row])
        if part and not self.still and row + 1 < len(values) and name.partition("[")[0] not in self._held:
            value += part * (float(values[row + 1]) - value)
        return None if math.isnan(value) else value

    def until(self, t: float) -> Prefix:
        """What was recorded up to t [s], as requirements read it."""
        return Prefix(self, t)

    def whole(self, name: str) -> tuple[Numbers, Any]:
        """Times, and values as they are in the file, (n, *shape). Raises CrumpleError where there are none."""
        if name in self._columns:
            table, rate, _ = self._columns[name]
            return rate.t, table.column(name)
        found = self._column(name)
        if found is None:
            raise CrumpleError(f'no signal "{name}" was recorded.')
        return found[0].t, found[1]

    def _column(self, name: str) -> tuple[_Rate, Numbers] | None:
        column, element = (name, "") if name in self._columns else _split(name)
        if column not in self._columns:
            return None
        table, rate, shape = self._columns[column]
        if name not in self._values:
            index = tuple(int(i) for i in element.split(",")) if element else ()
            if len(index) != len(shape) or any(i >= n for i, n in zip(index, shape, strict=True)):
                return None
            values = table.column(column) if table.rows else _NONE
            at: Any = (slice(None), *index)
            self._values[name] = _plain(values[at] if index else values)
        return rate, self._values[name]


class Prefix:
    """The rows of a recording up to an instant, under the names that `crumple.requirement` uses."""

    def __init__(self, recorded: Recorded, t: float) -> None:
        self._recorded = recorded
        self._t = t

    def __getitem__(self, name: str) -> Any:
        t, values = self._recorded.whole(name)
        return values[: self._rows(t)]

    def t(self, name: str | None = None) -> Numbers:
        """Times of the rows of a signal [s]; without a name, none."""
        if name is None:
            return _NONE
        t = self._recorded.whole(name)[0]
        return t[: self._rows(t)]

    def _rows(self, t: Numbers) -> int:
        if len(t) < 2:
            return len(t) if not len(t) or t[0] <= self._t + 1e-9 else 0
        slack = _SLACK * float(t[1] - t[0])
        return int(np.searchsorted(t, self._t + slack, side="right"))


def event_before(times: Sequence[float], t: float, *, slack: float) -> int:
    """Index of the last of sorted times that is before t by more than `slack`; -1 where there is none."""
    return bisect_right(times, t - slack) - 1


def _plain(values: Any) -> Numbers:
    """Side by side in memory where that is cheap: a column of a file is one number in every row."""
    plain = np.asarray(values)
    return np.ascontiguousarray(plain) if len(plain) <= _COPIED else plain


def _split(name: str) -> tuple[str, str]:
    column, bracket, index = name.removesuffix("]").rpartition("[")
    if bracket and name.endswith("]") and all(part.strip().isdigit() for part in index.split(",")):
        return column, index
    return name, ""


def _elements(name: str, shape: tuple[int, ...]) -> list[str]:
    if not shape:
        return [name]
    indices = product(*(range(n) for n in shape))
    return [f"{name}[{','.join(map(str, index))}]" for index in indices]
