"""The header of a recording's NumPy file: its columns, its row count, and where its rows begin."""

from __future__ import annotations

import ast
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import msgspec

from crumple.errors import CrumpleError

_MAGIC = b"\x93NUMPY"
# The recorder keeps headers below 10,000 bytes; a length far beyond that is damage, and not worth reading.
_MOST = 1 << 20


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """descr: name, type and shape by column, as NumPy writes them; the first is `t`.

    stated: rows that the header counts.   offset: of the first row [bytes].   row: its length [bytes].
    length: of the file [bytes].   crc32: of the header's bytes, 8 hexadecimal digits.
    """

    descr: list[tuple[Any, ...]]
    stated: int
    offset: int
    row: int
    length: int
    crc32: str

    @property
    def rows(self) -> int:
        """Rows that both the count and the length of the file vouch for."""
        return min(self.stated, max(0, self.length - self.offset) // self.row)

    @property
    def names(self) -> list[str]:
        """The columns without `t`."""
        return [entry[0] for entry in self.descr[1:]]


def read_header(path: Path) -> Header | None:
    """The header of a file; None where the file was cut off within it, and so has no rows.

    Raises CrumpleError where it is damaged or is no recording, OSError where it cannot be read.
    """
    with open(path, "rb") as file:
        start = file.read(12)
        if start[:6] != _MAGIC[: len(start)] or (len(start) > 6 and start[6] not in (1, 2, 3)):
            raise CrumpleError(f"{path} is not a recording: it does not start like a NumPy file.")
        if len(start) < 12:
            return None
        wide = start[6] > 1
        (length,) = struct.unpack("<I", start[8:12]) if wide else struct.unpack("<H", start[8:10])
        before = 12 if wide else 10
        file.seek(before)
        text = file.read(min(length, _MOST))
        size = os.fstat(
            file.fileno()
        ).st_size  # after the count: a file that grows has at least that many rows
    if len(text) < length <= _MOST and b"\n" not in text:
        return None
    try:
        descr, stated = _parsed(text, length)
    except (ValueError, SyntaxError, KeyError, IndexError, TypeError) as error:
        raise CrumpleError(
            f"The header of {path} is damaged, so that its numbers cannot be trusted."
        ) from error
    return Header(
        descr=descr,
        stated=stated,
        offset=before + length,
        row=8 * sum(_elements(entry) for entry in descr),
        length=size,
        crc32=f"{zlib.crc32(text, zlib.crc32(start[:before])):08x}",
    )


def _parsed(text: bytes, length: int) -> tuple[list[tuple[Any, ...]], int]:
    """Columns and row count. Raises one of several errors where the text is not a header's."""
    if len(text) != length or text.find(b"\n") != length - 1:
        raise ValueError("a header ends at its only line break")
    fields = ast.literal_eval(text.decode("utf-8").strip())
    if fields["fortran_order"] is not False:
        raise ValueError("rows are not in order")
    descr = [tuple(entry) for entry in fields["descr"]]
    names = [entry[0] for entry in descr]
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names) or names[0] != "t":
        raise ValueError("names are unique texts, the first of them t")
    for entry in descr:
        _elements(entry)
    (stated,) = fields["shape"]
    if not isinstance(stated, int) or stated < 0:
        raise ValueError("rows are counted from 0")
    return descr, stated


def _elements(entry: tuple[Any, ...]) -> int:
    """Numbers in a column of a row."""
    if entry[1] != "<f8" or len(entry) > 3:
        raise ValueError(f"unexpected type {entry[1:]}")
    count = 1
    for n in entry[2] if len(entry) > 2 else ():
        if not isinstance(n, int) or n < 0:
            raise ValueError("a shape is made of counts")
        count *= n
    return count
