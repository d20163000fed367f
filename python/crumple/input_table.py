"""What is fed into the inputs of one FMU over time: a CSV file, a structured array or a mapping.

The first column is the time [s]; every other is named after an input, or after one element of an array
input: "u[0]", "grid[0,1]", counted from 0. Values are in the input's own unit. Continuous reals are
interpolated linearly; discrete reals, integers, booleans and enumerations keep the value of the last row
whose time has come. Before the first row and after the last, the nearest row holds. Two rows of one time make
a jump: the later one counts.
"""

from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crumple.description import Variable, did_you_mean, shape_of
from crumple.errors import UsageError
from crumple.fmu import Fmu
from crumple.table import Table

_TRUTH = {"true": 1.0, "1": 1.0, "1.0": 1.0, "false": 0.0, "0": 0.0, "0.0": 0.0}


@dataclass(frozen=True, slots=True)
class Feed:
    """A column of the table and the input, or element of an input, that it feeds."""

    column: str
    target: str


@dataclass(frozen=True, slots=True)
class _Columns:
    """Raw columns by name. place: what the source is called.   lines: of a file, where the rows stand."""

    place: str
    names: list[str]
    values: list[Sequence[Any]]
    lines: list[int] | None

    def at(self, row: int) -> str:
        return f"{self.place} row {row}" if self.lines is None else f"{self.place}:{self.lines[row]}"


def input_table(source: Any, fmu: Fmu) -> tuple[Table, list[Feed]]:
    """The source as a unit whose outputs are to be connected as the feeds say.

    source: path of a CSV file, a structured array, or a mapping of names to sequences; in the latter two an
    array input may also be one field of shape (rows, *shape of the input).
    Raises UsageError naming the place, the column and the fact.
    """
    columns = _read(source) if isinstance(source, str | os.PathLike) else _from_memory(source)
    if not columns.names:
        raise UsageError(f"{columns.place}: there is no column; the first is the time in s")
    inputs = {v.name: v for v in fmu.inputs()}
    if columns.names[0] in inputs:
        raise UsageError(
            f'{columns.place}: the first column is the time in s, but its name, "{columns.names[0]}", is'
            " that of an input"
        )
    times = _times(columns)
    values: dict[str, list[float]] = {}
    kinds: dict[str, str] = {}
    feeds: list[Feed] = []
    fed: set[str] = set()
    for name, cells in zip(columns.names[1:], columns.values[1:], strict=True):
        variable, target = _target(columns.place, name, fmu, inputs)
        if target in fed:
            raise UsageError(f'{columns.place}: two columns feed "{target}"')
        fed.add(target)
        column = f"column{len(feeds)}"  # names of FMI variables may hold dots and brackets
        values[column] = _numbers(columns, name, cells, variable)
        if variable.kind != "real" or variable.variability != "continuous":
            kinds[column] = "integer"  # whatever is not "real" holds
        feeds.append(Feed(column, target))
    return Table(times, values, kinds=kinds), feeds


def _read(source: str | os.PathLike[str]) -> _Columns:
    path = Path(source)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, skipinitialspace=True)
            rows, lines = [], []
            for row in reader:
                if any(cell.strip() for cell in row):
                    rows.append([cell.strip() for cell in row])
                    lines.append(reader.line_num)
    except OSError as error:
        raise UsageError(f"input {path}: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"input {path}: this is no CSV file: {error}") from None
    if not rows:
        raise UsageError(f"input {path}: the file is empty; the first row names the columns")
    names = rows[0]
    for row, line in zip(rows[1:], lines[1:], strict=True):
        if len(row) != len(names):
            raise UsageError(
                f"{path}:{line}: the row has {len(row)} values, the first row names {len(names)} columns"
            )
    return _Columns(str(path), names, [list(c) for c in zip(*rows[1:], strict=True)] or [[]], lines[1:])


def _from_memory(source: Any) -> _Columns:
    names: Iterable[str]
    if isinstance(source, Mapping):
        names = source
    elif getattr(source, "dtype", None) is not None and source.dtype.names:
        names = source.dtype.names
        source = source.reshape(-1)
    else:
        raise UsageError(
            f"input is {type(source).__name__}: give the path of a CSV file, a structured array, or a mapping"
            " of names to sequences"
        )
    flat: dict[str, Sequence[Any]] = {}
    rows: int | None = None
    for name in names:
        column = source[name]
        values = column.tolist() if hasattr(column, "tolist") else list(column)
        rows = len(values) if rows is None else rows
        if len(values) != rows:
            raise UsageError(f'input: "{name}" has {len(values)} values, the first column has {rows}')
        for suffix, part in _elements(name, values):
            flat[name + suffix] = part
    return _Columns("input", list(flat), list(flat.values()), None)


def _elements(name: str, values: list[Any]) -> list[tuple[str, list[Any]]]:
    """A column of arrays as columns of single values, with the suffix that each has in its name."""
    if not values or not isinstance(values[0], list | tuple):
        return [("", values)]
    found: list[tuple[tuple[int, ...], list[Any]]] = [((), values)]
    while found and isinstance(found[0][1][0], list | tuple):
        sizes = {len(item) for _, column in found for item in column}
        if len(sizes) != 1:
            raise UsageError(f'input: the rows of "{name}" differ in shape')
        size = sizes.pop()
        found = [((*at, i), [item[i] for item in column]) for at, column in found for i in range(size)]
    return [(f"[{','.join(map(str, at))}]", column) for at, column in found]


def _times(columns: _Columns) -> list[float]:
    cells = columns.values[0]
    if not cells:
        raise UsageError(f"{columns.place}: there is no row of values")
    times: list[float] = []
    for row, cell in enumerate(cells):
        t = _number(cell)
        if t is None:
            raise UsageError(f'{columns.at(row)}: the time "{cell}" is no number')
        if times and t < times[-1]:
            raise UsageError(f"{columns.at(row)}: the time goes back, from {times[-1]!r} s to {t!r} s")
        times.append(t)
    return times


def _target(place: str, name: str, fmu: Fmu, inputs: Mapping[str, Variable]) -> tuple[Variable, str]:
    """The input that a column means, and its name or its element's for a connection."""
    variable, index = inputs.get(name), None
    if variable is None and (match := re.fullmatch(r"(.+)\[(\d+(?:\s*,\s*\d+)*)\]", name)):
        variable = inputs.get(match[1])
        index = tuple(int(i) for i in match[2].split(","))
    if variable is None:
        known = fmu.description.by_name.get(name)
        if known is None:
            hint = did_you_mean(name, inputs) or f" Inputs: {', '.join(list(inputs)[:12]) or 'none'}."
            raise UsageError(f'{place}: column "{name}" names no input.{hint}')
        remedy = " Give it with start." if known.causality in ("parameter", "structuralParameter") else ""
        raise UsageError(f'{place}: column "{name}" is a {known.causality}, no input.{remedy}')
    if variable.kind in ("string", "binary"):
        raise UsageError(f'{place}: "{name}" is a {variable.type}; tables feed numbers and booleans only.')
    shape = shape_of(variable, fmu.structural)
    if index is None and shape:
        first = ",".join("0" for _ in shape)
        sizes = " x ".join(map(str, shape))
        raise UsageError(
            f'{place}: "{name}" has {sizes} elements; name the columns "{name}[{first}]" and so on.'
        )
    if index is not None and (
        len(index) != len(shape) or any(i >= n for i, n in zip(index, shape, strict=True))
    ):
        sizes = " x ".join(map(str, shape)) or "no"
        raise UsageError(f'{place}: "{name}" is not there: the input has {sizes} elements, counted from 0.')
    return variable, variable.name if index is None else f"{variable.name}[{','.join(map(str, index))}]"


def _numbers(columns: _Columns, name: str, cells: Sequence[Any], variable: Variable) -> list[float]:
    found = []
    for row, cell in enumerate(cells):
        value = _value(cell, variable)
        if value is None:
            wanted = {"boolean": "true, false, 1 or 0", "integer": "a whole number", "enumeration": "an item"}
            raise UsageError(
                f'{columns.at(row)}: column "{name}" ({variable.type}) wants'
                f' {wanted.get(variable.kind, "a finite number")}, not "{cell}".'
            )
        found.append(value)
    return found


def _value(cell: Any, variable: Variable) -> float | None:
    if variable.kind == "boolean":
        return _TRUTH.get(str(cell).lower())
    if variable.kind == "enumeration" and variable.items and cell in variable.items:
        return float(variable.items[cell])
    number = _number(cell)
    if number is not None and variable.kind != "real" and number != math.floor(number):
        return None
    return number


def _number(cell: Any) -> float | None:
    """A finite number, or None."""
    try:
        number = float(cell)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
