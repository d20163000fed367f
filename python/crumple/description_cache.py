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
from pathlib import Path

import msgspec

from crumple.description import Description, UnitDef, Variable

# raise when the XML is read differently than before, so that old files are not believed
EDITION = 1
MAGIC = b"crumple description\n"


class Record(msgspec.Struct, frozen=True, array_like=True):
    """What is kept of one FMU."""

    description: Description
    members: list[tuple[str, int]]  # files of the archive with their unpacked sizes in bytes; [] for a folder


def _layout() -> bytes:
    fields = [(t.__name__, t.__struct_fields__) for t in (Record, Description, Variable, UnitDef)]
    return hashlib.blake2b(repr((EDITION, fields)).encode(), digest_size=16).digest()


LAYOUT = _layout()
HEADER = len(MAGIC) + 16 + 32 + 16
_decoder = msgspec.msgpack.Decoder(Record)


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


def save(file: Path, sha256: str, record: Record) -> None:
    """Write `record` to `file` in one piece. Where that cannot be, only the next start takes longer."""
    payload = msgspec.msgpack.encode(record)
    draft = file.with_name(f".{file.name}.{os.urandom(4).hex()}")
    try:
        draft.write_bytes(_header(sha256, payload) + payload)
        os.replace(draft, file)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()


def _header(sha256: str, payload: bytes) -> bytes:
    return MAGIC + LAYOUT + bytes.fromhex(sha256) + hashlib.blake2b(payload, digest_size=16).digest()
