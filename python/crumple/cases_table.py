"""The table of cases: a CSV file, or rows from Python; every cell is checked before anything runs."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from crumple.cases_check import check_cases
from crumple.errors import Mistake, SceneError, UsageError
from crumple.faults_run import injections
from crumple.scene.parameters import parse_array, typed
from crumple.scene.text import did_you_mean, listed, shown
from crumple.scene.values import split_quantity

if TYPE_CHECKING:
    from crumple.cases_run import Runner
    from crumple.scene import Scene
    from crumple.scene.plan import ParameterPlan

SEED, INJECT = "seed", "inject"
_MOST_MISTAKES = 30  # told at a time
_MOST_SHAPES = 20  # different worlds that are tried before the first case
_MOST_BYTES = 2_000_000_000


class Row(NamedTuple):
    """A case. cells: as written.   line: of the file, or the number of the row from 1.   given: for `Runner.run`."""

    cells: tuple[str, ...]
    line: int
    given: dict[str, Any]
    seed: int | None
    inject: tuple[str, ...]


class Cases(NamedTuple):
    """All cases. sha256: of the columns and cells."""

    name: str
    columns: tuple[str, ...]
    rows: list[Row]
    sha256: str


class _Table(NamedTuple):
    name: str
    columns: list[str]
    rows: list[list[Any]]
    lines: list[int]


def read_cases(source: Path | Iterable[Mapping[str, Any]], runner: Runner) -> Cases:
    """All cases, checked.

    source: a CSV file, or mappings of column to value.
    Raises SceneError with every mistake, each with file and line; UsageError for a file that cannot be read.
    """
    table = _of_file(source) if isinstance(source, Path) else _of_rows(source)
    mistakes: list[Mistake] = []
    columns = [_Column(name, runner.scene) for name in table.columns]
    head = table.lines[0] if isinstance(source, Path) else None
    for number, column in enumerate(columns):
        fact = column.fact
        if not fact and column.name in table.columns[:number]:
            fact = "is there twice; keep one."
        if fact:
            mistakes.append(Mistake(table.name, head, column.name or f"column {number + 1}", fact))
    if mistakes:
        raise SceneError(mistakes)
    rows: list[Row] = []
    sha = hashlib.sha256("\x1f".join(table.columns).encode())
    for cells, line in zip(table.rows, table.lines[1:], strict=True):
        if len(cells) != len(columns):
            fact = f"has {len(cells)} cells, and there are {len(columns)} columns."
            mistakes.append(Mistake(table.name, line, "", fact))
            continue
        given: dict[str, Any] = {}
        seed, inject = None, ()
        for column, cell in zip(columns, cells, strict=True):
            value, fact = column.read(cell)
            if fact:
                if len(mistakes) <= _MOST_MISTAKES:
                    mistakes.append(Mistake(table.name, line, column.name, fact))
                else:
                    mistakes.append(mistakes[-1])
            elif column.special == SEED:
                seed = value
            elif column.special == INJECT:
                inject = value
            else:
                given[column.name] = value
        texts = tuple([cell if isinstance(cell, str) else _text(cell) for cell in cells])
        sha.update(b"\x1e" + "\x1f".join(texts).encode())
        rows.append(Row(texts, line, given, seed, inject))
    _raise(mistakes)
    if not rows:
        raise UsageError(f"{table.name} has no cases: one row each, below the names of the columns.")
    _try(table.name, rows, runner)
    return Cases(table.name, tuple(table.columns), rows, sha.hexdigest())


def _raise(mistakes: list[Mistake]) -> None:
    if len(mistakes) > _MOST_MISTAKES:
        more = f"... and {len(mistakes) - _MOST_MISTAKES:,} more mistakes"
        mistakes = [*mistakes[:_MOST_MISTAKES], Mistake(None, None, more, "")]
    if mistakes:
        raise SceneError(mistakes)


def _try(name: str, rows: Sequence[Row], runner: Runner) -> None:
    """Find mistakes that only combinations of values have: what is derived, and what FMUs and plugins refuse."""
    found = check_cases(runner, [(row.given, row.line) for row in rows], most_shapes=_MOST_SHAPES)
    _raise([Mistake(name, line, where, fact) for line, where, fact in found])


# ---- columns


class _Column:
    """A column, and what its cells mean. Each different text is read once."""

    def __init__(self, name: str, scene: Scene) -> None:
        self.name = name
        self._scene = scene
        self._plan: ParameterPlan | None = scene.declared.get(name)
        self.special = name if name in (SEED, INJECT) and self._plan is None else ""
        self._known: dict[Any, tuple[Any, str]] = {}
        self.fact = self._fact()

    def _fact(self) -> str:
        """What is wrong with the column, the end of a sentence."""
        name, scene = self.name, self._scene
        if not name:
            return "has no name."
        if name in result_names(scene):
            return "is a column of the results; a column of the cases has another name."
        if self._plan is not None or self.special:
            return ""
        unit, dot, key = name.partition(".")
        if dot and unit in scene.units and key:
            plan = scene.units[unit]
            known = (
                plan.plugin.declared_parameters()
                if plan.plugin is not None
                else plan.archive.description.by_name
                if plan.archive is not None
                else ()
            )
            return "" if key in known else f'"{unit}" has no parameter "{key}".{did_you_mean(key, known)}'
        if name in scene.derived:
            return "is derived from other parameters and cannot be set."
        names = [*scene.declared, SEED, INJECT]
        near = did_you_mean(name, names) or f" There are: {listed(names, most=20)}."
        return f"is no parameter of {scene.name}.{near}"

    def read(self, cell: Any) -> tuple[Any, str]:
        """The value of a cell, and what is wrong with it, the end of a sentence."""
        key = (type(cell), cell) if isinstance(cell, str | int | float) else None
        if key is not None and (found := self._known.get(key)) is not None:
            return found
        try:
            found = self._value(cell.strip() if isinstance(cell, str) else cell), ""
        except ValueError as error:
            told = "" if cell is None or cell == "" else f"{shown(cell)} "
            found = None, f"{told}{error}"
        if key is not None and len(self._known) < 1_000_000:
            self._known[key] = found
        return found

    def _value(self, cell: Any) -> Any:
        if self.special == INJECT:
            return self._faults(cell)
        if cell is None or cell == "":
            raise ValueError("is empty; write a value in every row.")
        if self.special == SEED:
            number = int(cell) if isinstance(cell, int) or str(cell).isdecimal() else -1
            if not 0 <= number < 2**64:
                raise ValueError("is no whole number from 0 to 2^64 - 1.")
            return number
        if self._plan is None:
            return parse_array(cell)
        default = self._plan.default
        quantity = (
            split_quantity(default) if isinstance(default, str) and self._plan.choices is None else None
        )
        if quantity is not None and quantity[1]:  # a plain number is in the unit of the default
            own = split_quantity(str(cell)) if not isinstance(cell, bool) else None
            if own is not None and not own[1]:
                cell = f"{own[0]} {quantity[1]}"
        return typed(self._plan, cell)

    def _faults(self, cell: Any) -> tuple[str, ...]:
        names = tuple(str(cell or "").replace(";", " ").split())
        try:
            injections(names, self._scene)
        except UsageError as error:
            raise ValueError(f"cannot be: {str(error).removeprefix('--inject ')}") from None
        return names


def result_names(scene: Scene) -> list[str]:
    """The columns that results have beside those of the cases."""
    names = ["verdict", "reason"]
    for each in scene.requirements:
        names += [f"requirement.{each.name}", f"requirement.{each.name}.margin"]
    return [*names, *(metric.name for metric in scene.metrics), "digest"]


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if hasattr(cell, "tolist"):
        cell = cell.tolist()
    return repr(cell) if isinstance(cell, float) else str(cell)


# ---- reading


def _of_file(path: Path) -> _Table:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"{path} is larger than {_MOST_BYTES // 10**9} GB. Cut it into several files.")
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8: save the file as UTF-8.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    columns: list[str] | None = None
    rows, lines = [], []
    reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells) or (cells[0].startswith("#")):
                continue
            lines.append(reader.line_num)
            if columns is None:
                columns = [cell.strip() for cell in cells]
            else:
                rows.append([cell.strip() for cell in cells])
    except csv.Error as error:
        raise UsageError(f"{path}:{reader.line_num}: is no CSV: {error}.") from None
    if columns is None:
        raise UsageError(f"{path} is empty: the first row names the columns.")
    return _Table(str(path), columns, rows, lines)


def _of_rows(source: Iterable[Mapping[str, Any]]) -> _Table:
    written = [dict(row) for row in source]
    columns = list(written[0]) if written else []
    rows = []
    for number, row in enumerate(written, 1):
        if list(row) != columns and set(row) != set(columns):
            odd = sorted(set(row) ^ set(columns))
            raise UsageError(
                f"row {number}: all rows have the same columns; {listed(odd)} is not in all of them."
            )
        rows.append([_plain(row[name]) for name in columns])
    return _Table("row", columns, rows, list(range(len(rows) + 1)))


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value


__all__ = ["Cases", "Row", "read_cases", "result_names"]
