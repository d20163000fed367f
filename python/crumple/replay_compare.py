"""Two runs, row by row and bit by bit: where they part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from crumple.recording import Signals, Table
    from crumple.requirement_result import RequirementResult

_CHUNK = 1 << 24  # [bytes] compared at once


@dataclass(frozen=True, slots=True)
class Difference:
    """The first value that differs. tick, t [s]: when.   was, now: the two values; None where there is no row."""

    tick: int
    t: float
    signal: str
    was: float | str | None
    now: float | str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What comparing two recordings came to.

    rows: how many of the first were compared, at its finest rate.   signals: how many both recorded.
    only: those that only one of them recorded.   first: the first difference; None where there is none.
    """

    rows: int
    signals: int
    only: tuple[str, ...]
    first: Difference | None


def compare(was: Signals, now: Signals, *, start: Fraction, period: Fraction, last: int) -> Comparison:
    """Compare what two runs recorded, up to the tick `last`. start, period [s]: of both.

    A row that only the first has is a difference; where the second goes on, that is none.
    """
    both = [name for name in was if name in now]
    only = tuple(sorted({*was} ^ {*now}))
    found: list[Difference] = []
    for name, t in _differences(was, now, both):
        tick = round((Fraction(t) - start) / period)
        if tick <= last:
            found.append(Difference(tick, t, name, _value_at(was, name, t), _value_at(now, name, t)))
    first = min(found, key=lambda each: (each.tick, each.now is None), default=None)
    rows = min(max((table.rows for table in each.tables), default=0) for each in (was, now))
    return Comparison(rows=rows, signals=len(both), only=only, first=first)


def _differences(was: Signals, now: Signals, names: list[str]) -> Iterator[tuple[str, float]]:
    """The first difference of every signal that differs in the first row that differs of its file, with its time."""
    import numpy as np

    done: set[str] = set()
    second = {tuple(table.names): table for table in now.tables}
    for table in was.tables:
        twin = second.get(tuple(table.names))
        if twin is None or not table.rows:
            continue
        done.update(table.names)
        row = _first_row(table, twin)
        if row is None:
            continue
        if row >= twin.rows:
            yield table.names[0] if table.names else "t", float(table.array()["t"][row])
            continue
        for name in ("t", *table.names):
            pair = [np.asarray(each.array()[name][row]) for each in (table, twin)]
            if pair[0].tobytes() != pair[1].tobytes():
                yield name, float(table.array()["t"][row])
    for name in names:
        if name not in done:
            yield from _differs(was, now, name)


def _first_row(a: Table, b: Table) -> int | None:
    """The first row in which two files of the same columns differ, or that only the first has."""
    import numpy as np

    rows = min(a.rows, b.rows)
    if rows:
        first, second = (_raw(table.array()[:rows]) for table in (a, b))
        if first.shape == second.shape:
            step = max(1, _CHUNK // max(1, first.shape[1]))
            for begin in range(0, rows, step):
                part = slice(begin, begin + step)
                if not np.array_equal(first[part], second[part]):
                    return begin + int(np.flatnonzero((first[part] != second[part]).any(axis=1))[0])
        else:
            return 0
    return rows if a.rows > b.rows else None


def _raw(array: NDArray[Any]) -> NDArray[np.uint8]:
    import numpy as np

    return np.frombuffer(memoryview(array).cast("B"), np.uint8).reshape(len(array), -1)  # type: ignore[arg-type]


def _differs(was: Signals, now: Signals, name: str) -> Iterator[tuple[str, float]]:
    """The same for a signal that the two hold in different ways: a string, or one recorded with others."""
    import numpy as np

    t = was.t(name)
    first, second = was[name], now[name]
    rows = min(len(first), len(second))
    if object in (first.dtype, second.dtype):
        differs = np.array([a != b for a, b in zip(first[:rows], second[:rows], strict=True)], bool)
    elif first.shape[1:] != second.shape[1:]:
        differs = np.ones(rows, bool)
    else:
        bits = [
            np.ascontiguousarray(each[:rows]).view(np.uint64).reshape(rows, -1) for each in (first, second)
        ]
        differs = (bits[0] != bits[1]).any(axis=1)
    at = np.flatnonzero(differs)
    if len(at):
        yield name, float(t[at[0]])
    elif len(first) > len(second):
        yield name, float(t[len(second)])


def _value_at(signals: Signals, name: str, t: float) -> float | str | None:
    """The value at a time, in short; None where there is no row."""
    import numpy as np

    if name == "t":
        return t
    times = signals.t(name)
    row = int(np.searchsorted(times, t))
    if row >= len(times) or times[row] != t:
        return None
    value = signals[name][row]
    if isinstance(value, str):
        return value
    return float(value) if np.ndim(value) == 0 else str(np.asarray(value).tolist())


# -- requirements -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RequirementChange:
    """A requirement in two runs. None: it is no part of that run."""

    name: str
    was: RequirementResult | None
    now: RequirementResult | None

    @property
    def turned(self) -> bool:
        """Whether its verdict is another one now."""
        return (self.was and self.was.status) != (self.now and self.now.status)


def requirement_changes(
    was: Iterable[RequirementResult], now: Iterable[RequirementResult]
) -> list[RequirementChange]:
    """All requirements of two runs, side by side, in the order of the second."""
    before = {each.name: each for each in was}
    after = {each.name: each for each in now}
    names = [*after, *(name for name in before if name not in after)]
    return [RequirementChange(name, before.get(name), after.get(name)) for name in names]
