"""What an FMU's archive may be: judged whole, before the first byte is unpacked.

The table of members is read by `zipfile`, after its size was looked at, and then compared with what stands
before each member: where the two differ, readers differ in what they see, and the archive is refused. Members
cannot share bytes, so that what they unpack to is bounded by the file.
"""

from __future__ import annotations

import contextlib
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

import msgspec

from crumple.errors import FmuError
from crumple.gate import MIB, GateLimits, Measured

XML = "modelDescription.xml"
RATIO_COUNTS_FROM = 64 * MIB  # small archives may be anything
MAX_NAME = 1000  # characters, folders included
MAX_PART = 255  # bytes of one folder's or file's name: what file systems take
MAX_TABLE = 1024  # bytes that the table may have for each member that is allowed, on average
PIECE = 1 << 20

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = 20  # bytes between the two
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_METHODS = {9: "deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd"}
_LINKS_IN_EXTRA = 0x000D  # "PKWARE Unix": what follows its 12 bytes is a link's target or a device


class Member(msgspec.Struct, frozen=True):
    """One file of an archive."""

    name: str  # with forward slashes, checked: it stays in the folder
    size: int  # unpacked [bytes]
    packed: int  # in the archive [bytes]
    crc: int
    deflated: bool
    start: int  # of its contents in the archive
    executable: bool


class Contents(msgspec.Struct, frozen=True):
    """What an archive holds, all judged."""

    members: list[Member]
    folders: list[str]  # all of them, those above before those below
    measured: Measured


class NoArchiveError(FmuError):
    """The file is no ZIP archive, or what is left of one."""


def inspect(file: IO[bytes], *, limits: GateLimits, notes: list[str]) -> Contents:
    """The files and folders of the archive in `file`, which stays open.

    notes: receives what is only unusual.
    Raises NoArchiveError where there is none, FmuError for the first thing that must not be unpacked.
    """
    size = file.seek(0, 2)
    limits.check(archive=size)
    start = _table(file, size, limits, notes)
    try:
        with zipfile.ZipFile(file) as archive:
            if archive.start_dir != start:
                raise NoArchiveError("its end is ambiguous")
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error) as error:
        raise NoArchiveError(str(error)) from error
    names = [_plain_name(entry) for entry in entries]
    if any("\\" in entry.filename for entry in entries):
        notes.append("the archive's member names use backslashes, which ZIP does not allow; read as folders.")
    files: dict[str, zipfile.ZipInfo] = {}
    folders: set[str] = set()
    for entry, name in zip(entries, names, strict=True):
        mode = entry.external_attr >> 16
        _refuse_links(entry, mode)
        if name.endswith("/") or (entry.create_system == 3 and stat.S_ISDIR(mode)):
            folders.add(name.rstrip("/"))
            continue
        if name in files:
            raise FmuError(
                f'member "{name}" is in the archive twice, and readers differ in which counts; it is refused.'
            )
        if entry.flag_bits & 0x2041:  # encrypted, strongly, with a hidden table
            raise FmuError(f'member "{name}" is encrypted; an FMU has no password.')
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            how = _METHODS.get(entry.compress_type, f"method {entry.compress_type}")
            raise FmuError(f'member "{name}" is compressed with {how}. Pack the FMU with deflate.')
        files[name] = entry
    folders.discard(".")
    for path in [*files, *folders]:
        while (path := path.rpartition("/")[0]) and path not in folders:
            folders.add(path)
        limits.check(members=len(files) + len(folders))  # names alone can make more folders than members
    for name in sorted(folders & files.keys()):
        raise FmuError(f'member "{name}" is a file and a folder at once; the archive is refused.')
    _refuse_lookalikes([*files, *folders])
    total = sum(entry.file_size for entry in files.values())
    limits.check(unpacked=total)
    if XML in files:
        limits.check(xml=files[XML].file_size)
    members = _placed(file, files, start)
    packed = sum(member.packed for member in members)
    ratio = total // max(1, packed) if total > RATIO_COUNTS_FROM else 0
    limits.check(ratio=ratio)
    measured = Measured(archive=size, members=len(files) + len(folders), unpacked=total, ratio=ratio)
    return Contents(members=members, folders=sorted(folders), measured=measured)


def pieces(file: IO[bytes], member: Member) -> Iterator[bytes]:
    """The member's bytes, unpacked. Raises FmuError where they are not those that the table tells of."""
    read = crc = 0
    for piece in _inflated(file, member) if member.deflated else _stored(file, member):
        read += len(piece)
        crc = zlib.crc32(piece, crc)
        if read > member.size:
            raise FmuError(
                f'member "{member.name}" unpacks to more than the {member.size:,} bytes that it declares; '
                "the archive is refused."
            )
        yield piece
    if read != member.size:
        raise damaged(member.name, f"it has {read:,} bytes and declares {member.size:,}")
    if crc != member.crc:
        raise damaged(member.name, "its checksum is wrong")


def damaged(name: str, fact: str) -> FmuError:
    """The error for a member that is not what it was."""
    return FmuError(f'the archive is damaged: member "{name}": {fact}. Copy the FMU again.')


def _stored(file: IO[bytes], member: Member) -> Iterator[bytes]:
    file.seek(member.start)
    left = member.packed
    while left and (piece := file.read(min(left, PIECE))):
        left -= len(piece)
        yield piece


def _inflated(file: IO[bytes], member: Member) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(-15)
    try:
        for packed in _stored(file, member):
            while packed and not unpacker.eof:
                yield unpacker.decompress(packed, PIECE)
                packed = unpacker.unconsumed_tail
        while not unpacker.eof and (piece := unpacker.decompress(b"", PIECE)):
            yield piece
    except zlib.error as error:
        raise damaged(member.name, str(error)) from error
    if not unpacker.eof:
        raise damaged(member.name, "it is cut short")


def _table(file: IO[bytes], size: int, limits: GateLimits, notes: list[str]) -> int:
    """Where the table of members begins. Raises where it has more than are allowed: before anyone reads it."""
    file.seek(max(0, size - 2**16 - _END.size))
    tail = file.read()
    base = size - len(tail)
    place = len(tail) - _END.size
    if place < 0 or tail[place : place + 4] != b"PK\5\6" or tail[-2:] != b"\0\0":  # as zipfile looks for it
        place = tail.rfind(b"PK\5\6")
    if place < 0 or place + _END.size > len(tail):
        raise NoArchiveError("it has no end")
    _, disk, disk_of_table, _, count, table_size, offset, comment = _END.unpack_from(tail, place)
    end = base + place
    after = len(tail) - place - _END.size - comment
    if after < 0:
        raise NoArchiveError("its comment is cut short")
    if after > 0:
        notes.append(f"{after:,} bytes follow the end of the archive; ignored.")
    place64 = place - _LOCATOR64 - _END64.size
    if (
        place64 >= 0
        and tail[place64 : place64 + 4] == b"PK\6\6"
        and tail[place - 20 : place - 16] == b"PK\6\7"
    ):
        _, _, _, _, disk, disk_of_table, _, count, table_size, offset = _END64.unpack_from(tail, place64)
        end = base + place64
    start: int = end - table_size
    if disk or disk_of_table:
        raise FmuError("the archive is one part of several. Join them to one file.")
    if start < offset:
        raise NoArchiveError("its table of members is cut short")
    if any(other != place for other in _ends(tail)):
        raise FmuError("the archive has two ends, and readers differ in which counts; it is refused.")
    limits.check(members=count)
    if table_size > MAX_TABLE * limits.members:
        raise FmuError(
            f"the archive's table of members has {table_size:,} bytes, more than {MAX_TABLE:,} for each of the "
            f"{limits.members:,} members allowed; it is refused."
        )
    _count(file, start, end, limits)
    return start


def _ends(tail: bytes) -> Iterator[int]:
    """Places in `tail` that are an archive's end with a comment that reaches to the end of the file."""
    place = tail.find(b"PK\5\6")
    while 0 <= place <= len(tail) - _END.size:
        if place + _END.size + int.from_bytes(tail[place + 20 : place + 22], "little") == len(tail):
            yield place
        place = tail.find(b"PK\5\6", place + 1)


def _count(file: IO[bytes], start: int, end: int, limits: GateLimits) -> None:
    """Walk the table from `start` to `end`: the number of members that it states elsewhere may be a lie."""
    place, count = start, 0
    while place < end:
        file.seek(place)
        head = file.read(_ENTRY.size)
        if len(head) < _ENTRY.size or head[:4] != b"PK\1\2":
            raise NoArchiveError("its table of members is damaged")
        count += 1
        limits.check(members=count)
        place += _ENTRY.size + sum(struct.unpack_from("<3H", head, 28))
    if place != end:
        raise NoArchiveError("its table of members is damaged")


def _placed(file: IO[bytes], files: dict[str, zipfile.ZipInfo], table: int) -> list[Member]:
    """The members with the place of their contents, each held against the header before it."""
    found: list[Member] = []
    last, last_name = 0, ""
    for name, entry in sorted(files.items(), key=lambda item: item[1].header_offset):
        if entry.header_offset + _LOCAL.size > table:
            raise damaged(name, "it is not where the table says")
        file.seek(entry.header_offset)
        head = file.read(_LOCAL.size)
        if len(head) < _LOCAL.size or head[:4] != b"PK\3\4":
            raise damaged(name, "it is not where the table says")
        _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack(head)
        start = entry.header_offset + _LOCAL.size + name_length + extra_length
        stated = file.read(name_length)
        with contextlib.suppress(UnicodeDecodeError):
            text = stated.decode("utf-8" if flags & 0x800 else "cp437")
            if text == entry.orig_filename:
                stated = b""
        if stated:
            raise _two_tales(name, f"the name {stated!r}", repr(entry.orig_filename))
        if method != entry.compress_type:
            raise _two_tales(name, f"compression {method}", f"{entry.compress_type}")
        if (flags ^ entry.flag_bits) & 1:
            raise _two_tales(name, "encryption", "none" if flags & 1 else "one")
        if not flags & 8:  # else the sizes come after the contents
            told = ((size, entry.file_size), (packed, entry.compress_size), (crc, entry.CRC))
            for (here, there), what in zip(told, ("size", "packed size", "checksum"), strict=True):
                if here not in (there, 0xFFFFFFFF):
                    raise _two_tales(name, f"{what} {here:,}", f"{there:,}")
        if entry.header_offset < last:
            raise FmuError(
                f'members "{last_name}" and "{name}" share bytes of the archive, as in a decompression bomb; '
                "it is refused."
            )
        last, last_name = start + entry.compress_size, name
        if last > table:
            raise damaged(name, "it reaches beyond the archive's contents")
        found.append(
            Member(
                name=name,
                size=entry.file_size,
                packed=entry.compress_size,
                crc=entry.CRC,
                deflated=entry.compress_type == zipfile.ZIP_DEFLATED,
                start=start,
                executable=entry.create_system == 3 and bool((entry.external_attr >> 16) & 0o100),
            )
        )
    return found


def _two_tales(name: str, here: str, there: str) -> FmuError:
    return FmuError(
        f'member "{name}" has {here} in its own header and {there} in the table, and readers differ in which '
        "counts; the archive is refused."
    )


def _refuse_links(entry: zipfile.ZipInfo, mode: int) -> None:
    """Raise where a member is not a file or folder. Every packer's mode counts: so do they to some readers."""
    kind = stat.S_IFMT(mode)
    what = None
    if stat.S_ISLNK(mode) or (entry.create_system in (0, 10, 11, 14) and entry.external_attr & 0x400):
        what = "a symbolic link"
    elif kind in (stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK):
        what = "a device or pipe"
    elif kind not in (0, stat.S_IFREG, stat.S_IFDIR) and entry.create_system == 3:
        what = "a special file"
    place, extra = 0, entry.extra
    while what is None and place + 4 <= len(extra):
        tag, length = struct.unpack_from("<2H", extra, place)
        if tag == _LINKS_IN_EXTRA and length > 12:
            what = "a hard link or device"
        place += 4 + length
    if what is not None:
        raise FmuError(f'member "{entry.filename}" is {what}; the archive is refused.')


def _plain_name(entry: zipfile.ZipInfo) -> str:
    """The member's path with forward slashes, "/" at the end of a folder's; FmuError if it leads outside."""
    name = entry.orig_filename
    if not entry.flag_bits & 0x800:
        # many packers write UTF-8 without saying so; zipfile then reads it as code page 437
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    name = name.replace("\\", "/")
    parts = name.rstrip("/").split("/")
    _refuse_characters(name)
    if len(name) > MAX_NAME or any(len(part.encode()) > MAX_PART for part in parts):
        raise FmuError(
            f'member "{name[:60]}..." has a name of {len(name):,} characters, which file systems do not take; '
            "the archive is refused."
        )
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in parts:
        raise FmuError(
            f'member "{entry.orig_filename}" leads outside the FMU\'s folder; the archive is refused.'
        )
    kept = [p for p in parts if p not in ("", ".")]
    if not kept:
        if name.endswith("/"):
            return "./"
        raise FmuError(f"member {entry.orig_filename!r} has no name; the archive is refused.")
    return "/".join(kept) + ("/" if name.endswith("/") else "")


def _refuse_characters(name: str) -> None:
    """Raise for control characters, and those that are not seen or turn the direction of writing."""
    if name.isascii() and name.isprintable():
        return
    import unicodedata  # few names need it

    for sign in name:
        joiner = sign in "\u200c\u200d"  # needed to write Persian and the languages of India
        if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Cn", "Zl", "Zp") and not joiner:
            kind = "a control character" if ord(sign) < 0xA0 else "a hidden character"
            raise FmuError(
                f"member {name!a} has {kind} in its name (U+{ord(sign):04X}); the archive is refused."
            )


def _refuse_lookalikes(paths: list[str]) -> None:
    """Raise where two paths are one where case, or the way to write an accent, makes no difference."""
    import unicodedata

    spelt: dict[str, str] = {}
    for path in paths:
        plain = path if path.isascii() else unicodedata.normalize("NFC", path)
        other = spelt.setdefault(plain.casefold(), path)
        if other != path:
            one, two = sorted((other, path))
            raise FmuError(
                f'members "{one}" and "{two}" are one file on systems that do not tell such names apart; the '
                "archive is refused. Rename one."
            )
