"""A tape from a CSV file: which column is the time, and which column is which channel, in which unit.

Columns are named by the first row; where that holds numbers only, they are called "1", "2", ... They are parted by
commas, semicolons, tabs or blanks, whichever the first row has.
"""

from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from crumple.description import did_you_mean
from crumple.errors import UsageError
from crumple.live.plan import STAMPS, Channel
from crumple.si import SiError, convert, parse_si

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from crumple.tape import Tape

_TRUTH = {"true": 1.0, "false": 0.0}
_CHANNEL = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:\[(?P<si>[^\[\]]*)\])?")


class _Wanted(NamedTuple):
    """A channel and the column that it is made of, each with its unit of measure."""

    name: str
    kind: Any
    si: str
    column: str
    column_si: str
    factor: float


def read_csv(
    file: str | os.PathLike[str],
    *,
    channels: Mapping[str, str],
    time: str | None = None,
    rate: str | None = None,
    scale: Mapping[str, float] | None = None,
    sensor: str = "sensor",
) -> Tape:
    """Make a tape of columns of a CSV file.

    channels: column by channel, each with its unit of measure in brackets: {"acceleration": "ax[g]"}, or
    {"acceleration[m/s^2]": "ax[g]"}, which converts. {"worn[boolean]": "belt"} and "[integer]" are the other kinds.
    time: the column that is the time, in s unless it says "t[ms]".   rate: such as "10 kHz"; resamples to it, or,
    without `time`, is the rate of the rows, the first of which is at 0 s.
    scale: factor by channel, for a sensor that was mounted the other way round.   sensor: what a scene calls it.
    Raises UsageError with file and line of the first thing that is wrong.
    """
    import numpy as np

    from crumple.tape import Tape

    path = Path(file)
    period = None if rate is None else period_of_rate(rate)
    if time is None and period is None:
        raise UsageError("the tape needs a time: name the column with --time, or give the rate of the rows.")
    wanted = [_wanted(name, column, scale or {}) for name, column in channels.items()]
    if not wanted:
        raise UsageError("a tape has one channel at least: name it with --channel NAME=COLUMN[UNIT].")
    unknown = sorted((scale or {}).keys() - {each.name for each in wanted})
    if unknown:
        raise UsageError(f'the scale of "{unknown[0]}" fits no channel; there are: {", ".join(channels)}.')
    with closing(_rows(path)) as rows:
        _, names = next(rows)
        places: dict[str, int] = {}
        for number, name in enumerate(names):
            if name in places:
                places[name] = -1  # two of that name
            places.setdefault(name, number)
        time_name, time_si = ("", "s") if time is None else _split(path, time, places, "s")
        found = [_split(path, each.column, places, each.column_si) for each in wanted]
        columns = [*([places[time_name]] if time is not None else []), *(places[name] for name, _ in found)]
        labels = [*([time_name] if time is not None else []), *(name for name, _ in found)]
        values, lines = _numbers(path, rows, columns, labels, width=len(names))
    if not len(values):
        raise UsageError(f"{path}: there is no row of values.")
    if time is None:
        assert period is not None
        t = np.arange(len(values)) * period.numerator / period.denominator
    else:
        t = _converted(path, values[:, 0], time_si, "s", "the time")
        values = values[:, 1:]
        _check_order(path, t, lines)
    made: dict[str, Any] = {}
    for number, (each, (_, column_si)) in enumerate(zip(wanted, found, strict=True)):
        column = values[:, number]
        if each.kind == "real":
            column = _converted(path, column, column_si, each.si or column_si, f'channel "{each.name}"')
        made[each.name] = column * each.factor if each.factor != 1.0 else column
    si = {each.name: (each.si or column_si) for each, (_, column_si) in zip(wanted, found, strict=True)}
    kinds = {each.name: each.kind for each in wanted}
    tape = Tape.from_arrays(t, made, si=si, kinds=kinds, sensor=sensor, source=path.name)
    return tape if period is None or time is None else tape.resampled(period)


def channel_of(text: str) -> Channel:
    """A channel as a command line names it: "acceleration[m/s^2]", "worn[boolean]"; "" is no unit of measure.

    Raises UsageError.
    """
    match = _CHANNEL.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f'"{text}" is no name of a channel: write letters, digits and "_", and where it is needed a unit of'
            " measure in brackets, as in 'acceleration[m/s^2]'."
        )
    name, si = match["name"], match["si"] or ""
    if name == "t" or name in STAMPS:
        raise UsageError(f'a channel cannot be called "{name}": every sensor has an output of that name.')
    if si in ("integer", "boolean"):
        kind: Any = si
        return Channel(name=name, kind=kind, si="1")
    _check_si(si, f'channel "{name}"')
    return Channel(name=name, si=si)


def _wanted(text: str, column: str, scale: Mapping[str, float]) -> _Wanted:
    channel = channel_of(text)
    factor = scale.get(channel.name, 1.0)
    if not math.isfinite(factor) or (channel.kind == "boolean" and factor != 1.0):
        raise UsageError(f'the scale of "{channel.name}", {factor}, is none that it can have.')
    return _Wanted(channel.name, channel.kind, channel.si, column.strip(), "1", factor)


def _split(path: Path, text: str, places: Mapping[str, int], default: str) -> tuple[str, str]:
    """A column and its unit of measure. Names of columns may have brackets of their own."""
    name, si = text, default
    if text not in places and text.endswith("]"):
        name, _, si = text[:-1].rpartition("[")
        name = name.strip()
    if name not in places:
        hint = did_you_mean(name, places) or f" There are: {', '.join(list(places)[:12])}."
        raise UsageError(f'{path} has no column "{name}".{hint}')
    if places[name] < 0:
        raise UsageError(f'{path} has two columns called "{name}": rename one.')
    _check_si(si, f'column "{name}"')
    return name, si


def _check_si(si: str, what: str) -> None:
    try:
        parse_si(si)
    except SiError as error:
        raise UsageError(f"{what}: {error}") from None


def _converted(
    path: Path, column: NDArray[np.float64], source: str, target: str, what: str
) -> NDArray[np.float64]:
    try:
        return convert(column, source, target)
    except SiError as error:
        raise UsageError(f"{path}, {what}: {error}") from None


def period_of_rate(rate: str) -> Fraction:
    """Time between two samples [s], exactly, of "10 kHz" or "100 us". Raises UsageError."""
    from crumple.scene.clock import TimeError, exact_period

    try:
        return exact_period(rate)
    except TimeError as error:
        raise UsageError(f'the rate "{rate}" is none: {error} Write "10 kHz" or "100 us".') from None


def _rows(path: Path) -> Generator[tuple[int, list[str]]]:
    """First the names of the columns, then every row, each with its line."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            first = file.readline()
            file.seek(0)
            delimiter = next((sign for sign in "\t;," if sign in first), None)
            reader = csv.reader(file, delimiter=delimiter) if delimiter else None
            rows = (line.split() for line in file) if reader is None else reader
            named = False
            for number, row in enumerate(rows, start=1):
                cells = [cell.strip() for cell in row]
                if not any(cells):
                    continue
                line = number if reader is None else reader.line_num
                if not named and all(_number(cell) is not None for cell in cells):
                    yield 0, [str(count) for count in range(1, len(cells) + 1)]
                named = True
                yield line, cells
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} is no CSV file: {error}") from None
    if not named:
        raise UsageError(f"{path} is empty; its first row names the columns.")


def _numbers(
    path: Path, rows: Iterator[tuple[int, list[str]]], columns: list[int], labels: list[str], *, width: int
) -> tuple[NDArray[np.float64], list[int]]:
    """The values of some columns, (rows, columns), and the line of each row."""
    import numpy as np

    found: list[list[float]] = []
    lines: list[int] = []
    for line, cells in rows:
        if len(cells) != width:
            raise UsageError(
                f"{path}:{line}: the row has {len(cells)} values, and there are {width} columns."
            )
        values = []
        for place, label in zip(columns, labels, strict=True):
            value = _number(cells[place])
            if value is None or not math.isfinite(value):
                shown = f'"{cells[place]}"' if cells[place] else "nothing"
                raise UsageError(
                    f'{path}:{line}: column "{label}" has {shown}, where a finite number is wanted.'
                )
            values.append(value)
        found.append(values)
        lines.append(line)
    return np.array(found, np.float64).reshape(len(found), len(columns)), lines


def _number(cell: str) -> float | None:
    """A number, which may be infinite or NaN; None where it is none."""
    try:
        return float(cell)
    except ValueError:
        return _TRUTH.get(cell.lower())


def _check_order(path: Path, t: NDArray[np.float64], lines: list[int]) -> None:
    import numpy as np

    back = np.flatnonzero(np.diff(t) <= 0)
    if len(back):
        row = int(back[0]) + 1
        before, now = float(t[row - 1]), float(t[row])
        fact = "is that of the row before" if now == before else "goes back"
        raise UsageError(f"{path}:{lines[row]}: the time {fact}, from {before!r} s to {now!r} s.")
