"""On which line of a TOML text each key stands.

`tomllib` forgets where it read things. This scanner reads the same text once more and keeps only the lines:
of tables, dotted keys, inline tables, arrays and arrays of tables. It believes that the text is TOML, since
tomllib has said so, and never raises: of a text that is not, it tells what it saw until it was lost.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")  # also newlines: between statements and within brackets
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}'  # up to two more quotes may stand before the closing three
    r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]*")


class Repeat(NamedTuple):
    """A key that is given a value twice, or a table that is opened twice, which TOML refuses."""

    path: Path
    first: int  # line
    second: int  # line


class Lines:
    """The lines of the keys of one TOML text, counted from 1."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._newlines = [i for i, character in enumerate(text) if character == "\n"]
        self._lines: dict[Path, int] = {}
        self._opened: dict[Path, int] = {}  # keys with a value, and tables with a header of their own
        self._counts: dict[Path, int] = {}  # arrays of tables: how many tables so far
        self.repeats: list[Repeat] = []
        with suppress(_Lost, RecursionError):
            self._document()

    def __contains__(self, path: Sequence[str | int]) -> bool:
        return tuple(path) in self._lines

    def line(self, path: Sequence[str | int]) -> int:
        """The line of the key at `path`, such as ("units", "vehicle", "start") or ("record", 0, "every").

        Of a path that the text does not have, it is the line of what contains it, in the end line 1.
        """
        known = tuple(path)
        while known and known not in self._lines:
            known = known[:-1]
        return self._lines.get(known, 1)

    # ---- statements

    def _document(self) -> None:
        table: Path = ()
        while True:
            self._skip(_BLANK)
            if self._at >= len(self._text):
                return
            if self._take("[["):
                table = self._array_of_tables()
            elif self._take("["):
                table = self._table()
            else:
                self._assignment(table)

    def _table(self) -> Path:
        line = self._line_here()
        path = self._within_arrays(self._dotted_key())
        self._expect("]")
        self._note(path, line)
        self._open(path, line)
        self._lines[path] = line  # its own header counts, not an earlier [table.child]
        return path

    def _array_of_tables(self) -> Path:
        line = self._line_here()
        key = self._dotted_key()
        self._expect("]]")
        array = (*self._within_arrays(key[:-1]), key[-1])
        self._note(array, line)
        index = self._counts.get(array, 0)
        self._counts[array] = index + 1
        self._lines[(*array, index)] = line
        return (*array, index)

    def _within_arrays(self, key: Path) -> Path:
        """The path of a header: a name on the way that is an array of tables means its newest table."""
        path: Path = ()
        for name in key:
            path = (*path, name)
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
        return path

    def _assignment(self, table: Path) -> None:
        line = self._line_here()
        path = (*table, *self._dotted_key())
        self._note(path, line)
        self._open(path, line)
        self._expect("=")
        self._skip(_SPACE)
        self._value(path)

    # ---- values

    def _value(self, path: Path) -> None:
        if self._take("["):
            self._items(path)
        elif self._take("{"):
            self._inline_table(path)
        elif not self._skip(_STRING):
            self._skip(_SCALAR)

    def _items(self, path: Path) -> None:
        index = 0
        while True:
            self._skip(_BLANK)
            if self._take("]"):
                return
            before = self._at
            self._lines[(*path, index)] = self._line_here()
            self._value((*path, index))
            index += 1
            self._skip(_BLANK)
            self._take(",")
            if self._at == before:  # at the end, or before a bracket that nobody opened
                raise _Lost

    def _inline_table(self, path: Path) -> None:
        while True:
            self._skip(_BLANK)
            if self._take("}"):
                return
            self._assignment(path)
            self._skip(_BLANK)
            self._take(",")

    # ---- keys

    def _dotted_key(self) -> Path:
        names: list[str] = []
        while True:
            self._skip(_SPACE)
            names.append(self._key())
            self._skip(_SPACE)
            if not self._take("."):
                return tuple(names)

    def _key(self) -> str:
        bare = self._skip(_BARE_KEY)
        if bare:
            return bare
        quoted = self._skip(_STRING)
        if not quoted:
            raise _Lost
        if "\\" not in quoted or quoted[0] == "'":
            return quoted[1:-1]
        try:
            return str(tomllib.loads(f"key = {quoted}")["key"])
        except tomllib.TOMLDecodeError:
            raise _Lost from None

    # ---- small steps

    def _note(self, path: Path, line: int) -> None:
        for length in range(1, len(path) + 1):
            self._lines.setdefault(path[:length], line)

    def _open(self, path: Path, line: int) -> None:
        if path in self._opened:
            self.repeats.append(Repeat(path, self._opened[path], line))
        self._opened.setdefault(path, line)

    def _line_here(self) -> int:
        return bisect_right(self._newlines, self._at - 1) + 1

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match[0]

    def _take(self, text: str) -> bool:
        if not self._text.startswith(text, self._at):
            return False
        self._at += len(text)
        return True

    def _expect(self, text: str) -> None:
        self._skip(_SPACE)
        if not self._take(text):
            raise _Lost


class _Lost(Exception):
    """The text is no TOML from here on."""
