"""The seal of a run: a hash of every file, written last, by which any later change is found.

`seal.json` holds length and SHA-256 of every file of the run's folder, and short check sums of blocks, which
tell where in a file, and in which rows of a recording, something has changed. Its last entry is the SHA-256
of all bytes of the seal before that entry, so that a change in the seal is found as well.

A seal finds accidents: a failing disk, a bad copy, an edit. Somebody who edits a run and seals it anew is found only by
who kept the seal's own hash elsewhere.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
import stat
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal

import msgspec

from crumple.errors import CrumpleError, UsageError
from crumple.run_folder import REPORT
from crumple.whole_file import sync, write_whole

SEAL = "seal.json"
_MOST_BLOCKS = 1024  # a file's check sums take at most 8 kB of the seal
_LEAST_BLOCK = 4096  # [bytes]
_END = re.compile(rb'  "sha256": "([0-9a-f]{64})"\n\}\n')
_END_LENGTH = len('  "sha256": ""\n}\n') + 64


class DamagedRun(UsageError):
    """A file of a sealed run is not as it was sealed. The message names it."""


class Rows(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the rows of a recording lie in its file.

    offset: of the first [bytes].   row: length of one [bytes].   count: how many.   header: CRC-32 of what
    is before them.   t: times of the first and the last [s]; empty where there are none.
    """

    offset: int
    row: int
    count: int
    header: str
    t: tuple[float, ...] = ()


class SealedFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file as it was sealed. blocks: 8 hexadecimal digits of CRC-32 for each `block` bytes."""

    bytes: int
    sha256: str
    block: int
    blocks: str
    rows: Rows | None = None

    def crc(self, number: int) -> str:
        """Check sum of a block."""
        return self.blocks[8 * number : 8 * number + 8]


class Damage(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not as it was sealed, or cannot be read.

    file: within the folder.   fact: in words.   begin, end: bytes that it concerns, the last one excluded.
    rows: first and last row of a recording.   t: their times [s]. All None where there is nothing to say.
    """

    file: str
    kind: Literal["changed", "shorter", "longer", "missing", "added", "unreadable"]
    fact: str
    begin: int | None = None
    end: int | None = None
    rows: tuple[int, int] | None = None
    t: tuple[float, float] | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What `verify` found.

    state: "whole" (every bit is as it was sealed), "damaged", or "unsealed".   reason: why, in one line.
    damages: all that is not as it should be.   facts: what can be said of a run that has no seal.
    files, bytes: how much there is.   seal: SHA-256 of the seal, "" without one.   sealed: when, in UTC.
    """

    folder: str
    state: Literal["whole", "damaged", "unsealed"]
    reason: str
    damages: tuple[Damage, ...] = ()
    facts: tuple[str, ...] = ()
    files: int = 0
    bytes: int = 0
    seal: str = ""
    sealed: str = ""

    @property
    def exit_code(self) -> int:
        """0 whole, 1 damaged, 3 not sealed."""
        return {"whole": 0, "damaged": 1, "unsealed": 3}[self.state]


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """What `seal.json` says. sealed: when, in UTC.   files: by path within the folder.   sha256: of the seal."""

    crumple: str
    sealed: str
    files: dict[str, SealedFile]
    sha256: str


def seal(folder: Path) -> None:
    """Seal a run that has ended: the last that is written to its folder.

    Raises UsageError where it is sealed already, OSError where a file cannot be read or the seal cannot be
    written; then there is no seal.
    """
    import crumple

    if (folder / SEAL).exists():
        raise UsageError(f"{folder} is sealed already, and a seal is written once.")
    files = {name: _sealed(folder / name) for name in sorted(files_of(folder))}
    said = {
        "seal": 1,
        "crumple": crumple.__version__,
        "sealed": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "files": msgspec.to_builtins(files),
    }
    text = (json.dumps(said, indent=2).removesuffix("\n}") + ",\n").encode()
    text += f'  "sha256": "{hashlib.sha256(text).hexdigest()}"\n}}\n'.encode()
    write_whole(folder / SEAL, text)


def read_seal(folder: Path) -> Seal | None:
    """The seal of a run; None where it has none. Raises DamagedRun where it is not as it was written."""
    path = folder / SEAL
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise DamagedRun(f"{path} cannot be read: {error.strerror}.") from None
    end = _END.fullmatch(text, max(0, len(text) - _END_LENGTH))
    if end is None or hashlib.sha256(text[: end.start()]).hexdigest().encode() != end[1]:
        raise DamagedRun(
            f"{path} is damaged: it is not as it was written. What the other files are worth cannot be told from it."
        )
    return msgspec.json.decode(text, type=Seal)


def verify(folder: str | os.PathLike[str]) -> Report:
    """Compare every file of a run with the seal, bit by bit.

    Of a run without a seal (it was cut off, or goes on) it says what can be read.
    Raises UsageError where the folder holds no run.
    """
    from crumple import seal_report

    return seal_report.verify(Path(folder))


def files_of(folder: Path) -> Iterator[str]:
    """Paths of all files under a folder, as they stand in a seal; not the seal, nor the report.

    A report is made from the other files whenever somebody asks for it, so it is evidence of nothing.
    """
    for place, _, names in os.walk(folder):
        inside = os.path.relpath(place, folder)
        for name in names:
            path = name if inside == "." else f"{inside}/{name}".replace(os.sep, "/")
            if path not in (SEAL, REPORT):
                yield path


def check_length(path: Path, entry: SealedFile | None) -> None:
    """Raise DamagedRun where a file of a sealed run was added, is missing, or has another length."""
    if entry is None:
        raise DamagedRun(f"{path} was not there when the run was sealed. Take it out of the folder.")
    try:
        size = path.stat().st_size
    except OSError as error:
        raise DamagedRun(f"{path} is part of a sealed run and cannot be read: {error.strerror}.") from None
    if size != entry.bytes:
        raise DamagedRun(f"{path} has {size:,} bytes, and {entry.bytes:,} were sealed. {_remedy(path)}")


def check_bytes(path: Path, content: bytes, entry: SealedFile | None) -> None:
    """Raise DamagedRun where this content of a file is not what was sealed."""
    if entry is None or hashlib.sha256(content).hexdigest() != entry.sha256:
        raise DamagedRun(f"{path} is not as it was sealed. {_remedy(path)}")


def check_blocks(path: Path, entry: SealedFile) -> None:
    """Raise DamagedRun where a block of a file is not what was sealed. Reads all of it."""
    with open(path, "rb") as file:
        if any(True for _ in changed_blocks(file, entry)):
            raise DamagedRun(f"{path} is not as it was sealed. {_remedy(path)}")


def changed_blocks(file: IO[bytes], entry: SealedFile, whole: hashlib._Hash | None = None) -> Iterator[int]:
    """Numbers of the blocks whose check sum is another one now. whole: is given every byte that was read."""
    for number in range(-(-entry.bytes // entry.block)):
        wanted = min(entry.block, entry.bytes - number * entry.block)
        part = file.read(wanted)
        if whole is not None:
            whole.update(part)
        if f"{zlib.crc32(part):08x}" != entry.crc(number):
            yield number


def _remedy(path: Path) -> str:
    return f'"crumple verify {path.parent}" tells more.'


def _sealed(path: Path) -> SealedFile:
    rows = _rows(path) if path.suffix == ".npy" else None
    with open(path, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, f"{path.name} is no regular file")
        sync(file.fileno())  # what is sealed shall outlast a power cut
        block = _LEAST_BLOCK
        while block * _MOST_BLOCKS < status.st_size:
            block *= 2
        whole, length, blocks = hashlib.sha256(), 0, []
        while part := file.read(block):
            whole.update(part)
            blocks.append(f"{zlib.crc32(part):08x}")
            length += len(part)
    return SealedFile(bytes=length, sha256=whole.hexdigest(), block=block, blocks="".join(blocks), rows=rows)


def _rows(path: Path) -> Rows | None:
    """Where the rows of a recording lie; None where it has no whole header, or none that can be read."""
    from crumple.npy_header import read_header

    try:
        header = read_header(path)
    except CrumpleError:
        return None
    if header is None:
        return None
    t: tuple[float, ...] = ()
    if header.rows:
        first, last = header.offset, header.offset + (header.rows - 1) * header.row
        t = (_number_at(path, first), _number_at(path, last))
    return Rows(
        offset=header.offset,
        row=header.row,
        count=header.rows,
        header=header.crc32,
        t=t if all(math.isfinite(each) for each in t) else (),
    )


def _number_at(path: Path, offset: int) -> float:
    import struct

    with open(path, "rb") as file:
        file.seek(offset)
        return float(struct.unpack("<d", file.read(8))[0])
