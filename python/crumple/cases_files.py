"""What a campaign leaves on the disk: a journal while it goes on, and the results, whole, when it is through.

The journal lies beside the results, its name ends in `.part`. Its first line says of what it is; each further one is a
row of the results with its number, in the order in which they came. So nothing is lost when the process is killed: a
line that was cut off is run again, all others are kept.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from crumple.errors import RecordError, UsageError
from crumple.whole_file import write_whole

_SUFFIX = ".part"


class Journal:
    """The results so far. kept: lines by the number of their row.

    facts: what the results depend on, by a word for each: a campaign goes on only where all are the same.
    Raises UsageError where the journal is of something else, or another process writes to it.
    """

    def __init__(self, out: Path, facts: Mapping[str, str], *, rows: int, fresh: bool = False) -> None:
        self.path = out.with_name(out.name + _SUFFIX)
        self.kept: dict[int, str] = {}
        self._out = out
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            raise UsageError(f"cannot write to {self.path}: {error.strerror}.") from None
        try:
            self._lock()
            if fresh:
                os.ftruncate(self._file, 0)
            self._begin(dict(facts), rows)
        except BaseException:
            os.close(self._file)
            raise

    def _lock(self) -> None:
        try:
            import fcntl
        except ImportError:  # not on Windows
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(f"{self._out} is being written by another `crumple cases`.") from None

    def _begin(self, facts: dict[str, str], rows: int) -> None:
        head = json.dumps({"crumple cases": 1, **facts})
        content = self.path.read_bytes()
        lines = content.split(b"\n")
        whole = content[: len(content) - len(lines.pop())]  # what was cut off is no line
        if not lines:
            os.ftruncate(self._file, 0)
            self._write(head + "\n")
            return
        self._compare(lines[0].decode("utf-8", "replace"), facts)
        for line in lines[1:]:
            number, tab, text = line.decode("utf-8").partition("\t")
            if tab and number.isdecimal() and int(number) < rows:
                self.kept[int(number)] = text
        os.ftruncate(self._file, len(whole))

    def _compare(self, head: str, facts: Mapping[str, str]) -> None:
        try:
            before = json.loads(head)
        except ValueError:
            before = {}
        changed = [word for word, fact in facts.items() if before.get(word) != fact]
        if changed or "crumple cases" not in before:
            what = " and ".join(changed) or "its beginning"
            raise UsageError(
                f"{self.path} holds results of another campaign: {what} is not what it was. Begin anew with --fresh, or"
                " write to another file."
            )

    def add(self, lines: Iterable[tuple[int, str]]) -> None:
        """Keep results. Raises RecordError where the disk is full."""
        self._write("".join(f"{number}\t{text}\n" for number, text in lines))

    def _write(self, text: str) -> None:
        data = memoryview(text.encode())
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            raise RecordError(f"cannot write to {self.path}: {error.strerror}") from None

    def finish(self, head: str, rows: int) -> None:
        """Write the results, whole or not at all, and take the journal away. All rows must have been added."""
        found: dict[int, str] = {}
        for line in self.path.read_text(encoding="utf-8", errors="replace").split("\n")[1:]:
            number, tab, text = line.partition("\t")
            if tab:
                found[int(number)] = text
        content = head + "\n" + "".join(f"{found[number]}\n" for number in range(rows))
        try:
            write_whole(self._out, content.encode())
            self.path.unlink()
        except OSError as error:
            raise RecordError(f"cannot write to {self._out}: {error.strerror}") from None

    def close(self) -> None:
        """Let go of the file; results that are not complete stay in it."""
        with suppress(OSError):
            os.close(self._file)


def as_csv(cells: Iterable[Any]) -> str:
    """A row of CSV without its end of line. None and NaN are empty, numbers have all digits that they need."""
    return ",".join(map(_cell, cells))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return repr(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    text = " ".join(str(value).split("\n"))
    if any(sign in text for sign in ',"\r') or text != text.strip():
        return '"' + text.replace('"', '""').replace("\r", " ") + '"'
    return text
