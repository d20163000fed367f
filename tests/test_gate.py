"""The gate: what no FMU may hold, one test for each attack."""

from __future__ import annotations

import io
import os
import stat
import struct
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bent_fmu import CENTRAL, END, LOCAL, patched, stored
from crumple.archive import library_path, open_fmu
from crumple.errors import FmuError
from paper_fmu import CONTENT, LIBRARY, XML, fmu_bytes, unpack_paper

pytestmark = pytest.mark.usefixtures("fmu_cache")


# ---- archives that somebody bent


def entry(
    name: str, *, mode: int = 0o100644, system: int = 3, attributes: int = 0, extra: bytes = b""
) -> bytes:
    """An FMU with one more member, whose table entry says these things."""
    added = zipfile.ZipInfo(name)
    added.create_system, added.external_attr, added.extra = system, mode << 16 | attributes, extra
    held = io.BytesIO(fmu_bytes())
    with zipfile.ZipFile(held, "a") as file:
        file.writestr(added, "/etc/passwd")
    return held.getvalue()


def twice(*names: str) -> bytes:
    """An FMU with these members, which may be of one name."""
    held = io.BytesIO(fmu_bytes())
    with warnings.catch_warnings(), zipfile.ZipFile(held, "a") as file:
        warnings.simplefilter("ignore")  # zipfile's own word on it
        for name in names:
            file.writestr(name, XML)
    return held.getvalue()


def same_bytes() -> bytes:
    """An FMU with two members at one place."""
    content = stored(a=b"x" * 99, b=b"x" * 99)
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        place = file.getinfo("a").header_offset
    return patched(content, CENTRAL, 42, struct.pack("<L", place))


def overlapping() -> bytes:
    """As bombs without nesting are made: a member's contents run over the header and contents of the next."""
    content = stored(a=b"x" * 99, b=b"x" * 99)
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        first, second = file.getinfo("a").header_offset, file.getinfo("b").header_offset
    sizes = struct.pack("<2L", second - first + 99, second - first + 99)
    entry = content.rfind(CENTRAL, 0, content.rfind(CENTRAL))
    content = content[: entry + 20] + sizes + content[entry + 28 :]
    return content[: first + 18] + sizes + content[first + 26 :]


def deflated_longer_than_declared() -> bytes:
    """An FMU whose last member unpacks to more than it says, with the checksum of what it says."""
    import zlib

    content = fmu_bytes({"resources/a": b"y" * 5000})
    crc, size = struct.pack("<L", zlib.crc32(b"y" * 10)), struct.pack("<L", 10)
    for header, at in ((CENTRAL, 16), (LOCAL, 14)):
        content = patched(patched(content, header, at, crc), header, at + 8, size)
    return content


def two_ends() -> bytes:
    """Two archives in one file, the second in the comment of the first's end."""
    first, second = fmu_bytes(), fmu_bytes({"evil": "x"})
    return first[:-2] + struct.pack("<H", len(second)) + second


TWICE = "is in the archive twice, and readers differ in which counts; it is refused."
OUTSIDE = "leads outside the FMU's folder; the archive is refused."
ONE_FILE = "are one file on systems that do not tell such names apart; the archive is refused. Rename one."
DAMAGED = "the archive is damaged: member"
HEADERS = "in the table, and readers differ in which counts; the archive is refused."
CUT = "the archive is damaged or cut short"

ATTACKS: dict[str, tuple[Callable[[], bytes], str]] = {
    # paths
    "up": (lambda: fmu_bytes({"../evil": "x"}), f'member "../evil" {OUTSIDE}'),
    "up from within": (
        lambda: fmu_bytes({"resources/../../evil": "x"}),
        f'member "resources/../../evil" {OUTSIDE}',
    ),
    "up to nowhere": (lambda: fmu_bytes({"resources/..": "x"}), f'member "resources/.." {OUTSIDE}'),
    "absolute": (lambda: fmu_bytes({"/evil": "x"}), f'member "/evil" {OUTSIDE}'),
    "backslashes": (lambda: fmu_bytes({"..\\evil": "x"}), f'member "..\\evil" {OUTSIDE}'),
    "drive": (lambda: fmu_bytes({"C:\\evil": "x"}), f'member "C:\\evil" {OUTSIDE}'),
    "drive, relative": (lambda: fmu_bytes({"C:evil": "x"}), f'member "C:evil" {OUTSIDE}'),
    "share": (lambda: fmu_bytes({"\\\\host\\evil": "x"}), f'member "\\\\host\\evil" {OUTSIDE}'),
    "folder above": (lambda: fmu_bytes({"../": ""}), f'member "../" {OUTSIDE}'),
    # names
    "no name": (lambda: fmu_bytes({".": "x"}), "member '.' has no name; the archive is refused."),
    "NUL": (
        lambda: fmu_bytes({"resources/aXb": "x"}).replace(b"resources/aXb", b"resources/a\0b"),
        "member 'resources/a\\x00b' has a control character in its name (U+0000); the archive is refused.",
    ),
    "line feed": (
        lambda: fmu_bytes({"a\nb": "x"}),
        "member 'a\\nb' has a control character in its name (U+000A); the archive is refused.",
    ),
    "escape": (
        lambda: fmu_bytes({"\x1b[2J": "x"}),
        "member '\\x1b[2J' has a control character in its name (U+001B); the archive is refused.",
    ),
    "C1 control": (
        lambda: fmu_bytes({"µ\x9b2J": "x"}),
        "member '\\xb5\\x9b2J' has a control character in its name (U+009B); the archive is refused.",
    ),
    "right to left": (
        lambda: fmu_bytes({"a\u202egpj.so": "x"}),
        "member 'a\\u202egpj.so' has a hidden character in its name (U+202E); the archive is refused.",
    ),
    "zero width": (
        lambda: fmu_bytes({"m\u200b.so": "x"}),
        "member 'm\\u200b.so' has a hidden character in its name (U+200B); the archive is refused.",
    ),
    "no character": (
        lambda: fmu_bytes({"\uffff": "x"}),
        "member '\\uffff' has a hidden character in its name (U+FFFF); the archive is refused.",
    ),
    "long path": (
        lambda: fmu_bytes({"a/" * 1000 + "b": "x"}),
        f'member "{"a/" * 30}..." has a name of 2,001 characters, which file systems do not take; the archive is '
        "refused.",
    ),
    "long name": (
        lambda: fmu_bytes({"ä" * 130: "x"}),
        f'member "{"ä" * 60}..." has a name of 130 characters, which file systems do not take; the archive is refused.',
    ),
    "not UTF-8": (
        lambda: fmu_bytes({"µµ": "x"}).replace("µµ".encode(), b"\xff\xff\xff\xff"),
        f"{CUT} ('utf-8' codec can't decode byte 0xff in position 0: invalid start byte). Copy the FMU again.",
    ),
    # members that are one
    "twice": (lambda: twice("resources/a", "resources/a"), f'member "resources/a" {TWICE}'),
    "description twice": (lambda: twice("modelDescription.xml"), f'member "modelDescription.xml" {TWICE}'),
    "twice, dotted": (lambda: twice("resources/a", "./resources/a"), f'member "resources/a" {TWICE}'),
    "twice, slashed": (lambda: twice("resources/a", "resources//a"), f'member "resources/a" {TWICE}'),
    "twice, backslashed": (lambda: twice("resources/a", "resources\\a"), f'member "resources/a" {TWICE}'),
    "case": (
        lambda: fmu_bytes({"modeldescription.xml": XML}),
        f'members "modelDescription.xml" and "modeldescription.xml" {ONE_FILE}',
    ),
    "case of a folder": (
        lambda: fmu_bytes({"resources/a": "", "Resources/b": ""}),
        f'members "Resources" and "resources" {ONE_FILE}',
    ),
    "accents": (
        lambda: fmu_bytes({"Gro\u0308sse": "", "Gr\u00f6sse": ""}),
        f'members "Gro\u0308sse" and "Gr\u00f6sse" {ONE_FILE}',
    ),
    "file and folder": (
        lambda: fmu_bytes({"resources": "x", "resources/a": "y"}),
        'member "resources" is a file and a folder at once; the archive is refused.',
    ),
    # links and devices
    "link": (
        lambda: entry("resources/a", mode=stat.S_IFLNK | 0o777),
        'member "resources/a" is a symbolic link; the archive is refused.',
    ),
    "link, as from a Mac": (
        lambda: entry("resources/a", mode=stat.S_IFLNK | 0o777, system=19),
        'member "resources/a" is a symbolic link; the archive is refused.',
    ),
    "reparse point": (
        lambda: entry("resources/a", mode=0, system=10, attributes=0x400),
        'member "resources/a" is a symbolic link; the archive is refused.',
    ),
    "hard link": (
        lambda: entry("resources/a", extra=struct.pack("<2H", 13, 23) + bytes(12) + b"/etc/passwd"),
        'member "resources/a" is a hard link or device; the archive is refused.',
    ),
    "pipe": (
        lambda: entry("resources/a", mode=stat.S_IFIFO | 0o666),
        'member "resources/a" is a device or pipe; the archive is refused.',
    ),
    "device": (
        lambda: entry("resources/a", mode=stat.S_IFBLK | 0o666),
        'member "resources/a" is a device or pipe; the archive is refused.',
    ),
    "socket": (
        lambda: entry("resources/a", mode=stat.S_IFSOCK | 0o666, system=0),
        'member "resources/a" is a device or pipe; the archive is refused.',
    ),
    "unknown kind": (
        lambda: entry("resources/a", mode=0o170000),
        'member "resources/a" is a special file; the archive is refused.',
    ),
    # contents
    "encrypted": (
        lambda: patched(stored(a=b"x"), CENTRAL, 8, b"\1\0"),
        'member "a" is encrypted; an FMU has no password.',
    ),
    "encrypted, strongly": (
        lambda: patched(stored(a=b"x"), CENTRAL, 8, b"\x40\0"),
        'member "a" is encrypted; an FMU has no password.',
    ),
    "LZMA": (
        lambda: patched(stored(a=b"x"), CENTRAL, 10, struct.pack("<H", 14)),
        'member "a" is compressed with LZMA. Pack the FMU with deflate.',
    ),
    "unknown compression": (
        lambda: patched(stored(a=b"x"), CENTRAL, 10, struct.pack("<H", 77)),
        'member "a" is compressed with method 77. Pack the FMU with deflate.',
    ),
    "flipped bit": (
        lambda: stored(a=b"x" * 99).replace(b"x" * 99, b"x" * 98 + b"y"),
        f'{DAMAGED} "a": its checksum is wrong. Copy the FMU again.',
    ),
    "rubbish for deflate": (
        lambda: patched(fmu_bytes({"a": b"x" * 99}), LOCAL, 31, b"\xff\xff"),
        f'{DAMAGED} "a": Error -3 while decompressing data: invalid block type. Copy the FMU again.',
    ),
    "larger than declared": (
        deflated_longer_than_declared,
        'member "resources/a" unpacks to more than the 10 bytes that it declares; the archive is refused.',
    ),
    "smaller than declared": (
        lambda: patched(patched(fmu_bytes({"a": b"x" * 9}), CENTRAL, 24, b"\x0a"), LOCAL, 22, b"\x0a"),
        f'{DAMAGED} "a": it has 9 bytes and declares 10. Copy the FMU again.',
    ),
    "two sizes": (
        lambda: patched(stored(a=b"x" * 9), LOCAL, 22, b"\x08"),
        f'member "a" has size 8 in its own header and 9 {HEADERS}',
    ),
    "two packed sizes": (
        lambda: patched(stored(a=b"x" * 9), LOCAL, 18, b"\x08"),
        f'member "a" has packed size 8 in its own header and 9 {HEADERS}',
    ),
    "two checksums": (
        lambda: patched(stored(a=b"x" * 9), LOCAL, 14, b"\0\0\0\0"),
        f'member "a" has checksum 0 in its own header and 1,858,272,963 {HEADERS}',
    ),
    "two names": (
        lambda: patched(stored(a=b"x"), LOCAL, 30, b"b"),
        f"member \"a\" has the name b'b' in its own header and 'a' {HEADERS}",
    ),
    "two ways of compression": (
        lambda: patched(stored(a=b"x"), LOCAL, 8, b"\x08"),
        f'member "a" has compression 8 in its own header and 0 {HEADERS}',
    ),
    "same bytes": (same_bytes, f"member \"b\" has the name b'a' in its own header and 'b' {HEADERS}"),
    "one over the other": (
        overlapping,
        'members "a" and "b" share bytes of the archive, as in a decompression bomb; it is refused.',
    ),
    "beyond the contents": (
        lambda: patched(patched(stored(a=b"x"), CENTRAL, 20, b"\xff"), LOCAL, 18, b"\xff"),
        f'{DAMAGED} "a": it reaches beyond the archive\'s contents. Copy the FMU again.',
    ),
    "elsewhere": (
        lambda: patched(stored(a=b"x"), CENTRAL, 42, b"\1\0\0\0"),
        f'{DAMAGED} "a": it is not where the table says. Copy the FMU again.',
    ),
    # the table
    "cut": (lambda: fmu_bytes()[:-9], f"{CUT} (it has no end). Copy the FMU again."),
    "comment that is cut": (
        lambda: patched(fmu_bytes(), END, 20, b"\x09\0"),
        f"{CUT} (its comment is cut short). Copy the FMU again.",
    ),
    "cut in the middle": (lambda: fmu_bytes()[:400], f"{CUT} (it has no end). Copy the FMU again."),
    "cut in front": (
        lambda: b"PK" + fmu_bytes()[300:],
        f"{CUT} (its table of members is cut short). Copy the FMU again.",
    ),
    "table that is none": (
        lambda: patched(fmu_bytes(), CENTRAL, 0, b"PKPK"),
        f"{CUT} (its table of members is damaged). Copy the FMU again.",
    ),
    "two ends": (two_ends, "the archive has two ends, and readers differ in which counts; it is refused."),
    "of several": (
        lambda: patched(fmu_bytes(), END, 4, b"\1\0"),
        "the archive is one part of several. Join them to one file.",
    ),
    "no description": (
        lambda: fmu_bytes().replace(b"modelDescription.xml", b"xodelDescription.xml"),
        "the archive has no modelDescription.xml: it is no FMU.",
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_and_leaves_nothing(attack: str, tmp_path: Path, fmu_cache: Path) -> None:
    build, message = ATTACKS[attack]
    path = tmp_path / "odd.fmu"
    path.write_bytes(build())
    with pytest.raises(FmuError) as refused:
        open_fmu(path)
    assert str(refused.value) == f"{path}: {message}"
    left = [p for p in tmp_path.rglob("*") if p not in (path, fmu_cache, fmu_cache / "fmu")]
    assert left == [], "neither outside the cache nor in it"


# ---- folders


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return unpack_paper(tmp_path / "unpacked")


LINKS = {
    "to a file": (
        "resources/b",
        "/etc/passwd",
        '"resources/b" is a link that leads outside the folder, to /etc/passwd',
    ),
    "to a folder": ("resources/b", "/etc", '"resources/b" is a link that leads outside the folder, to /etc'),
    "up": (
        "resources/b",
        "../../secret",
        '"resources/b" is a link that leads outside the folder, to {}/secret',
    ),
    "as the library": (LIBRARY, "/bin/true", f'"{LIBRARY}" is a link that leads outside the folder, to '),
    "as the folder of libraries": (
        "binaries",
        "/usr/lib",
        '"binaries" is a link that leads outside the folder, to ',
    ),
    "as the description": (
        "modelDescription.xml",
        "../secret",
        '"modelDescription.xml" is a link that leads outside',
    ),
    "to nothing": (
        "resources/b",
        "gone",
        '"resources/b" is a link that leads nowhere (No such file or directory); ',
    ),
    "in a circle": (
        "resources/b",
        "b",
        '"resources/b" is a link that leads nowhere (Too many levels of symbolic links',
    ),
}


@pytest.mark.skipif(not hasattr(os, "symlink") or sys.platform == "win32", reason="needs symbolic links")
@pytest.mark.parametrize("kind", LINKS)
def test_a_link_out_of_a_folder_is_refused(kind: str, folder: Path, tmp_path: Path) -> None:
    name, target, message = LINKS[kind]
    (tmp_path / "secret").write_text(XML)
    place = folder / name
    if place.is_dir():
        place.rename(tmp_path / "aside")
    place.unlink(missing_ok=True)
    place.symlink_to(target)
    with pytest.raises(FmuError) as refused:
        open_fmu(folder)
    assert str(refused.value).startswith(f"{folder}: {message.format(tmp_path)}")


@pytest.mark.skipif(sys.platform == "win32", reason="needs symbolic links")
def test_a_link_within_a_folder_is_followed(folder: Path, tmp_path: Path) -> None:
    library = folder / LIBRARY
    library.rename(library.with_name("real.so.1"))
    library.symlink_to("real.so.1")
    assert library_path(open_fmu(folder)).read_bytes() == CONTENT
    (tmp_path / "other name").symlink_to(folder)
    assert library_path(open_fmu(tmp_path / "other name")).read_bytes() == CONTENT


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system here")
def test_a_pipe_in_a_folder_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "resources/pipe")
    with pytest.raises(FmuError, match=r'"resources/pipe" is a device or pipe; the folder is refused\.'):
        open_fmu(folder)
