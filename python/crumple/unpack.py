"""Unpack an FMU's archive into a folder, once and whole, after looking at what it holds.

Every member is judged before the first byte is written: no path outside the folder, no links, no second
member of the same name, no absurd sizes. The folder appears by one rename, so that another process sees all
of it or nothing, and a crash leaves nothing that is mistaken for it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import time
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from crumple.errors import FmuError

# bundled runtimes (Python, Java) run to tens of thousands of files; beyond this it is a bomb
MAX_MEMBERS = 100_000
MAX_BYTES = 4 * 2**30
# deflate reaches 1032:1 on zeros; tables reach 100:1. Small archives may be anything
MAX_RATIO = 200
RATIO_COUNTS_FROM = 64 * 2**20
MAX_NAME = 1000  # characters, folders included
STALE_SECONDS = 24 * 3600


class Member(msgspec.Struct, frozen=True):
    """One file of an archive."""

    name: str  # with forward slashes, checked: it stays in the folder
    size: int  # unpacked [bytes]
    executable: bool
    entry: zipfile.ZipInfo


def members(archive: zipfile.ZipFile, *, archive_bytes: int, notes: list[str]) -> list[Member]:
    """The files in `archive` (a file of `archive_bytes`), all checked.

    Raises FmuError for the first one that must not be unpacked. `notes` receives what is only unusual.
    """
    entries = archive.infolist()
    if len(entries) > MAX_MEMBERS:
        raise FmuError(
            f"the archive holds {len(entries):,} members, more than {MAX_MEMBERS:,}; it is refused."
        )
    found: dict[str, Member] = {}
    folders: set[str] = set()
    total = packed = 0
    backslash = False
    for entry in entries:
        name = _plain_name(entry)
        backslash = backslash or "\\" in entry.filename
        mode = entry.external_attr >> 16 if entry.create_system == 3 else 0  # 3: Unix
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            what = "a symbolic link" if stat.S_ISLNK(mode) else "a special file"
            raise FmuError(f'member "{entry.filename}" is {what}; the archive is refused.')
        if name.endswith("/") or stat.S_ISDIR(mode):
            folders.add(name.rstrip("/"))
            continue
        if name in found:
            raise FmuError(
                f'member "{name}" is in the archive twice, and readers differ in which counts; it is refused.'
            )
        if entry.flag_bits & 0x1:
            raise FmuError(f'member "{name}" is encrypted; an FMU has no password.')
        total += entry.file_size
        packed += entry.compress_size
        found[name] = Member(name=name, size=entry.file_size, executable=bool(mode & 0o100), entry=entry)
    if total > MAX_BYTES:
        raise FmuError(
            f"the archive would unpack to {total:,} bytes, more than {MAX_BYTES:,}; it is refused."
        )
    packed = max(1, min(packed, archive_bytes))  # what members claim can be more than what is there
    if total > RATIO_COUNTS_FROM and total > MAX_RATIO * packed:
        raise FmuError(
            f"the archive would unpack from {packed:,} to {total:,} bytes, more than {MAX_RATIO} times its "
            "size; it is refused as a decompression bomb."
        )
    for name in found:
        folders.update(_parents(name))
    for name in folders & found.keys():
        raise FmuError(f'member "{name}" is a file and a folder at once; the archive is refused.')
    if backslash:
        notes.append("the archive's member names use backslashes, which ZIP does not allow; read as folders.")
    return list(found.values())


def unpack(archive: zipfile.ZipFile, files: list[Member], folder: Path) -> None:
    """Make `folder` with all of `files`, in one piece; if another process was faster, its folder stands.

    Raises FmuError for a damaged archive, OSError where the file system refuses.
    """
    parent = folder.parent
    parent.mkdir(parents=True, exist_ok=True)
    _sweep(parent)
    draft = parent / f".{folder.name}.{os.urandom(4).hex()}"
    draft.mkdir()
    try:
        made: set[str] = {""}
        for member in files:
            above = member.name.rpartition("/")[0]
            if above not in made:
                (draft / above).mkdir(parents=True, exist_ok=True)
                made.add(above)
            _write(archive, member, draft / member.name)
        for name in {n for entry in archive.infolist() if (n := _plain_name(entry)).endswith("/")}:
            (draft / name).mkdir(parents=True, exist_ok=True)  # an empty resources folder is still promised
        try:
            draft.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def restore(archive: zipfile.ZipFile, files: Iterable[Member], folder: Path) -> None:
    """Write `files` anew in an unpacked `folder`, each in one piece, while others may be using it."""
    for member in files:
        target = folder / member.name
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{os.urandom(8).hex()}")
        try:
            _write(archive, member, draft)
            os.replace(draft, target)
        finally:
            with contextlib.suppress(OSError):
                draft.unlink()


def _plain_name(entry: zipfile.ZipInfo) -> str:
    """The member's path with forward slashes, "/" at the end of a folder's; FmuError if it leads outside."""
    name = entry.filename
    if not entry.flag_bits & 0x800:
        # many packers write UTF-8 without saying so; zipfile then reads it as code page 437
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    name = name.replace("\\", "/")
    parts = name.rstrip("/").split("/")
    if "\0" in entry.orig_filename or any(ord(c) < 32 for c in name):
        raise FmuError(
            f"member {entry.orig_filename!r} has a control character in its name; the archive is refused."
        )
    if len(name) > MAX_NAME:
        raise FmuError(
            f'member "{name[:60]}..." has a name of {len(name)} characters; the archive is refused.'
        )
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in parts:
        raise FmuError(f'member "{entry.filename}" leads outside the FMU\'s folder; the archive is refused.')
    kept = [p for p in parts if p not in ("", ".")]
    if not kept:
        if name.endswith("/"):
            return "./"
        raise FmuError(f"member {entry.filename!r} has no name; the archive is refused.")
    return "/".join(kept) + ("/" if name.endswith("/") else "")


def _parents(name: str) -> list[str]:
    parts = name.split("/")[:-1]
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]


def _write(archive: zipfile.ZipFile, member: Member, target: Path) -> None:
    """Unpack one member, its checksum verified; zipfile reads no more than the size that was checked."""
    try:
        with archive.open(member.entry) as source, target.open("xb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
        raise FmuError(
            f'the archive is damaged: member "{member.name}": {error}. Copy the FMU again.'
        ) from error
    except (NotImplementedError, RuntimeError) as error:
        raise FmuError(
            f'member "{member.name}" cannot be unpacked: {error}. Pack the FMU with deflate.'
        ) from error
    if member.executable:
        target.chmod(target.stat().st_mode | 0o111)


def _sweep(parent: Path) -> None:
    """Remove what crashed processes left a day or more ago."""
    now = time.time()
    with contextlib.suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if (
                entry.name.startswith(".")
                and now - entry.stat(follow_symlinks=False).st_mtime > STALE_SECONDS
            ):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    os.unlink(entry.path)
