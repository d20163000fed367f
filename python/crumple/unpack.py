"""Unpack an FMU's archive into a folder, once and whole, and mend that folder where it was damaged.

The folder appears by one rename, so that another process sees all of it or nothing, and a crash leaves nothing
that is mistaken for it. What is unpacked is read-only. Drafts carry a lock of the process that makes them: the
system drops it when that process ends, however it ends, and then anyone may sweep the draft away.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from crumple.description_cache import hash_of
from crumple.gate_archive import Contents, Member, pieces

if sys.platform != "win32":
    import fcntl

DRAFT = ".new-"
STALE_SECONDS = 24 * 3600  # for drafts where nothing can be locked, and those of earlier versions
_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def unpack(file: IO[bytes], contents: Contents, folder: Path) -> dict[str, bytes]:
    """Make `folder` with all of `contents`, in one piece; if another process was faster, its folder stands.

    Returns the SHA-256 of each member by name. Raises FmuError for a damaged archive, OSError where the file
    system refuses.
    """
    parent = folder.parent
    parent.mkdir(parents=True, exist_ok=True)
    sweep(parent)
    hashes: dict[str, bytes] = {}
    with _draft_folder(parent) as draft:
        for name in contents.folders:  # also empty ones: an empty resources folder is still promised
            (draft / name).mkdir()
        for member in contents.members:
            target = draft / member.name
            with target.open("xb") as sink:
                hashes[member.name] = _write(file, member, sink)
            _finish(target, member)
        for name in reversed(contents.folders):
            _protect(draft / name)
        _protect(draft)
        try:
            draft.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    return hashes


def mend(
    file: IO[bytes], contents: Contents, folder: Path, *, wrong: set[str] | None = None
) -> dict[str, bytes]:
    """Write anew what is damaged in an unpacked `folder`, each file in one piece, while others may be using it.

    wrong: members to write; by default all whose contents differ from those in the archive.
    Returns the SHA-256 of each member that was looked at. Raises as `unpack` does.
    """
    hashes: dict[str, bytes] = {}
    with locked(folder):  # two at once would take each other's right to write
        folder.chmod(folder.stat().st_mode | stat.S_IWUSR)
        for name in contents.folders:
            _make_way(folder / name, directory=True)
            (folder / name).mkdir(exist_ok=True)
            (folder / name).chmod((folder / name).stat().st_mode | stat.S_IRWXU)
        for member in contents.members:
            target = folder / member.name
            if wrong is not None and member.name not in wrong:
                continue
            if wrong is None and hash_of(target) == (found := _hash_in_archive(file, member)):
                hashes[member.name] = found
                _protect(target)
                continue
            with draft_file(folder.parent) as (draft, sink):
                hashes[member.name] = _write(file, member, sink)
                _finish(draft, member)
                _make_way(target, directory=False)
                os.replace(draft, target)
        for name in reversed(contents.folders):
            _protect(folder / name)
        _protect(folder)
    return hashes


def remove(path: Path) -> None:
    """Remove a file or folder, read-only or not; what cannot be removed stays."""
    if path.is_symlink() or not path.is_dir():
        with contextlib.suppress(OSError):
            path.unlink()
        return
    with contextlib.suppress(OSError):
        path.chmod(0o700)
    for above, folders, _ in os.walk(path):
        for name in folders:
            with contextlib.suppress(OSError):
                if not os.path.islink(f"{above}/{name}"):
                    os.chmod(f"{above}/{name}", 0o700)
    shutil.rmtree(path, ignore_errors=True)


def discard(path: Path) -> None:
    """Remove a file or folder of the cache at one blow: who looks for it meanwhile finds all of it or nothing."""
    aside = path.with_name(f"{DRAFT}{os.urandom(8).hex()}")
    with contextlib.suppress(OSError):
        path.rename(aside)
        remove(aside)


def sweep(parent: Path) -> None:
    """Remove the drafts of processes that have ended."""
    now = time.time()
    with contextlib.suppress(OSError):
        with os.scandir(parent) as found:
            entries = [entry for entry in found if entry.name.startswith(".")]
        for entry in entries:
            with contextlib.suppress(OSError):
                old = now - entry.stat(follow_symlinks=False).st_mtime > STALE_SECONDS
                with _tried(entry.path) as free:
                    if old if free is None or not entry.name.startswith(DRAFT) else free:
                        remove(Path(entry.path))


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file or folder; where nothing can be locked, go on without."""
    if sys.platform == "win32":
        yield
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        _lock(handle)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def _tried(path: str) -> Iterator[bool | None]:
    """Whether a lock is free, which is then held; None where that cannot be known."""
    if sys.platform == "win32":
        yield None
        return
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free: bool | None = True
        except BlockingIOError:
            free = False
        except OSError:
            free = None
        yield free
    finally:
        os.close(handle)


@contextlib.contextmanager
def _draft_folder(parent: Path) -> Iterator[Path]:
    """A new folder in `parent`, locked, that is gone at the end unless it was renamed."""
    while True:
        draft = parent / f"{DRAFT}{os.urandom(8).hex()}"
        draft.mkdir()
        with contextlib.ExitStack() as ends:
            try:
                ends.enter_context(locked(draft))
            except FileNotFoundError:
                continue
            if not draft.is_dir():
                continue  # swept between its making and its locking
            ends.callback(remove, draft)
            yield draft
            return


@contextlib.contextmanager
def draft_file(parent: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A new file in `parent`, locked and open for writing, that is gone at the end unless it was renamed."""
    while True:
        draft = parent / f"{DRAFT}{os.urandom(8).hex()}"
        with contextlib.ExitStack() as ends:
            sink = ends.enter_context(draft.open("xb"))
            ends.callback(remove, draft)
            _lock(sink.fileno())
            if not draft.exists():
                continue
            yield draft, sink
            return


def _lock(handle: int) -> None:
    if sys.platform != "win32":
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)


def _write(file: IO[bytes], member: Member, sink: IO[bytes]) -> bytes:
    """Unpack one member. Returns its SHA-256."""
    digest = hashlib.sha256()
    for piece in pieces(file, member):
        digest.update(piece)
        sink.write(piece)
    sink.flush()
    return digest.digest()


def _finish(path: Path, member: Member) -> None:
    """Give a member's file the rights that it has for good."""
    if member.executable:
        path.chmod(path.stat().st_mode | 0o111)
    _protect(path)


def _hash_in_archive(file: IO[bytes], member: Member) -> bytes:
    digest = hashlib.sha256()
    for piece in pieces(file, member):
        digest.update(piece)
    return digest.digest()


def _protect(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & _WRITE:  # else nothing is touched: what is touched is compared anew at the next start
        path.chmod(mode & ~_WRITE)


def _make_way(path: Path, *, directory: bool) -> None:
    """Remove what stands at `path` where it is of the wrong kind."""
    if path.is_symlink() or (path.exists() and path.is_dir() != directory):
        remove(path)
