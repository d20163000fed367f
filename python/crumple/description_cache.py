"""Descriptions kept on disk, so that the second sight of an FMU costs neither FMPy nor lxml.

A file holds: magic, layout hash (16 bytes), SHA-256 of the FMU (32), checksum of the rest (16), and the rest
in MessagePack. The layout hash covers the fields of every stored type and `EDITION`; so a file of another
version of Crumple, of another FMU, cut short or with a flipped bit counts as not there, and the description
is read from the XML again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from pathlib import Path
from typing import IO

import msgspec

from crumple.description import Description, UnitDef, Variable
from crumple.gate import Measured

# raise when the XML is read differently than before, so that old files are not believed
EDITION = 2
SMALL = 2**20  # bytes
MAGIC = b"crumple description\n"


class Kept(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An unpacked file as it was when its contents were last compared with the archive's."""

    name: str
    size: int  # [bytes]
    mtime_ns: int
    ctime_ns: int  # no program can set it back: what writes to the file shows here
    inode: int
    sha256: bytes

    def untouched(self, found: os.stat_result) -> bool:
        """Whether the system tells of no change since."""
        return (
            found.st_ctime_ns == self.ctime_ns
            and found.st_mtime_ns == self.mtime_ns
            and found.st_ino == self.inode
            and found.st_size == self.size
        )


class Record(msgspec.Struct, frozen=True, array_like=True):
    """What is kept of one FMU."""

    description: Description
    measured: Measured
    name: str  # of its file, when it was first seen
    kept: list[Kept]  # the files that are looked at before each use; [] for a folder


def _layout() -> bytes:
    fields = [
        (t.__name__, t.__struct_fields__) for t in (Record, Kept, Measured, Description, Variable, UnitDef)
    ]
    return hashlib.blake2b(repr((EDITION, fields)).encode(), digest_size=16).digest()


LAYOUT = _layout()
HEADER = len(MAGIC) + 16 + 32 + 16
_decoder = msgspec.msgpack.Decoder(Record)


def hash_of(path: Path | str) -> bytes | None:
    """SHA-256 of a file; None where there is none, or none that can be read."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return None
        with open(path, "rb", buffering=0) as file:
            return hash_of_open(file)
    except OSError:
        return None


def hash_of_open(file: IO[bytes]) -> bytes:
    """SHA-256 of an open file, from where it stands to its end."""
    if os.fstat(file.fileno()).st_size <= SMALL:  # in half the time of the other way
        return hashlib.sha256(file.read()).digest()
    return hashlib.file_digest(file, "sha256").digest()  # type: ignore[arg-type]


def load(file: Path, sha256: str) -> Record | None:
    """The record in `file` if it is whole, of this version and of the FMU with that hash; else None."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    payload = content[HEADER:]
    if content[:HEADER] != _header(sha256, payload):
        return None
    try:
        return _decoder.decode(payload)
    except msgspec.MsgspecError:
        return None


def load_any(file: Path) -> Record | None:
    """The record in `file`, of whichever FMU it is."""
    try:
        with file.open("rb") as content:
            head = content.read(HEADER)
    except OSError:
        return None
    return load(file, head[len(MAGIC) + 16 :][:32].hex())


def save(file: Path, sha256: str, record: Record) -> None:
    """Write `record` to `file` in one piece. Where that cannot be, only the next start takes longer.

    Nothing waits for the disk: after a power cut the checksum tells. The draft of a process that was killed is swept
    away with those of archives.
    """
    from crumple.unpack import draft_file  # at first sight of an FMU, and after damage

    payload = msgspec.msgpack.encode(record)
    with contextlib.suppress(OSError), draft_file(file.parent) as (draft, sink):
        sink.write(_header(sha256, payload) + payload)
        sink.flush()
        os.replace(draft, file)


def _header(sha256: str, payload: bytes) -> bytes:
    return MAGIC + LAYOUT + bytes.fromhex(sha256) + hashlib.blake2b(payload, digest_size=16).digest()
