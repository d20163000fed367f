"""The folder of a run: made once, never overwritten, and readable at any moment of the run and after any end.

`verdict.json` is there from the first moment and says *inconclusive*. A JSON file is replaced whole or not at
all. While the run lives, its process holds a lock on `events.jsonl`; the lock dies with the process, which
tells a run that is still going on from one that was killed.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from crumple.errors import UsageError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

VERDICT = "verdict.json"
MANIFEST = "manifest.json"
EVENTS = "events.jsonl"


class RunFolder:
    """A new folder `parent/<name>-<time>-<id>` and the files in it.

    Raises UsageError where it cannot be made.
    """

    def __init__(self, parent: Path, *, name: str, identity: str) -> None:
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        try:
            # absolute, since an FMU may change the working directory
            self.path = _new_folder(
                Path(os.path.abspath(parent)), f"{_plain_name(name)}-{stamp}-{identity[:8]}"
            )
            self._events = os.open(
                self.path / EVENTS, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644
            )
        except OSError as error:
            raise UsageError(
                f"cannot make a run folder in {parent}: {error.strerror}. Give another place with --out DIR."
            ) from None
        if fcntl is not None:
            fcntl.flock(self._events, fcntl.LOCK_EX)
        self._started = time.monotonic()

    def write(self, file: str, content: Mapping[str, Any]) -> None:
        """Replace a JSON file atomically. Raises OSError, and then leaves the file as it was."""
        write_json(self.path / file, content)

    def event(self, kind: str, **facts: Any) -> None:
        """Append a line to the events: wall time [s] since the start, kind, facts. Raises OSError."""
        line = {"wall": round(time.monotonic() - self._started, 6), "event": kind, **facts}
        written = memoryview((to_json(line) + "\n").encode())
        while written:
            written = written[os.write(self._events, written) :]

    def discard(self) -> None:
        """Remove the folder again, since nothing was run."""
        os.close(self._events)
        shutil.rmtree(self.path, ignore_errors=True)

    def close(self) -> None:
        """Let go of the lock: from now on the run is not alive."""
        with suppress(OSError):  # some file systems cannot; what matters is in the verdict, which was checked
            os.fsync(self._events)
        os.close(self._events)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file so that a reader sees the old content or the new, also after a power cut."""
    temporary = path.with_name(f".{path.name}.new")
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(to_json(content, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def to_json(content: Any, *, indent: int | None = None) -> str:
    """JSON that every reader takes: infinities and NaN, which it lacks, are "inf", "-inf", "nan"."""
    return json.dumps(_finite(content), indent=indent, ensure_ascii=False, allow_nan=False, default=str)


def is_alive(folder: Path) -> bool:
    """Whether the process of a run still holds its lock. Where there are no locks, it is taken to be dead."""
    if fcntl is None:
        return False
    try:
        with open(folder / EVENTS, encoding="utf-8") as events:
            fcntl.flock(events, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def identity_of(what_runs: Mapping[str, Any]) -> str:
    """The hash of what is to run: equal for equal scenes, parameters, seeds, FMUs and plugins, anywhere."""
    text = json.dumps(_finite(what_runs), sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _new_folder(parent: Path, name: str) -> Path:
    parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        folder = parent / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return folder


def _plain_name(name: str) -> str:
    """A scene's name as the start of a folder's: letters, digits, '_', '-' and '.' stay."""
    plain = "".join(c if c.isalnum() or c in "_-." else "_" for c in name).lstrip(".")
    return plain[:80] or "run"


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def _sync_folder(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows has no handle on a folder
        return
    try:
        os.fsync(descriptor)
    except OSError:  # some file systems cannot
        pass
    finally:
        os.close(descriptor)
