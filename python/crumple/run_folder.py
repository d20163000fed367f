"""The folder of a run: made once, never overwritten, and readable at any moment of the run and after any end.

`verdict.json` is there from the first moment and says *inconclusive*: a folder is prepared under a hidden name
and appears whole. A JSON file is replaced whole or not at all. While the run lives, its process holds a lock on
`events.jsonl`; the lock dies with the process, which tells a run that is still going on from one that was killed.
Once the run has ended, `seal.json` holds the hash of every file.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import secrets
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from crumple.errors import UsageError
from crumple.whole_file import write_whole

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

VERDICT = "verdict.json"
MANIFEST = "manifest.json"
REPORT = "report.html"  # made from the rest, by whoever asks for it
EVENTS = "events.jsonl"
TIMING = "timing.json"


class RunFolder:
    """A new folder `parent/<name>-<time>-<id>` and the files in it.

    Raises UsageError where it cannot be made.
    """

    def __init__(self, parent: Path, *, name: str, identity: str) -> None:
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        # absolute, since an FMU may change the working directory
        place = Path(os.path.abspath(parent))
        try:
            place.mkdir(parents=True, exist_ok=True)
            hidden = place / f".{secrets.token_hex(8)}.new"
            hidden.mkdir()
        except OSError as error:
            raise _no_folder(parent, error) from None
        self._events = -1
        try:
            self._prepare(hidden)
            self.path = _appear(hidden, place, f"{_plain_name(name)}-{stamp}-{identity[:8]}")
        except BaseException as error:
            if self._events >= 0:
                os.close(self._events)
            shutil.rmtree(hidden, ignore_errors=True)
            if isinstance(error, OSError):
                raise _no_folder(parent, error) from None
            raise
        self._started = time.monotonic()

    def _prepare(self, folder: Path) -> None:
        """All that a folder must have from its first moment: the lock of a live run, and a verdict."""
        from crumple.verdict import not_finished

        self._events = os.open(folder / EVENTS, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        if fcntl is not None:
            with suppress(OSError):  # a file system without locks: its runs are taken to be dead
                fcntl.flock(self._events, fcntl.LOCK_EX)
        verdict = {"crumple": 1, "state": "running", **not_finished().to_json()}
        (folder / VERDICT).write_bytes(json_bytes(verdict))

    def write(self, file: str, content: Mapping[str, Any]) -> None:
        """Replace a JSON file atomically. Raises OSError, and then leaves the file as it was."""
        write_json(self.path / file, content)

    def event(self, kind: str, **facts: Any) -> None:
        """Append a line to the events: wall time [s] since the start, kind, facts. Raises OSError."""
        line = {"wall": round(time.monotonic() - self._started, 6), "event": kind, **facts}
        left = memoryview(_encoded(to_json(line) + "\n"))
        before = os.fstat(self._events).st_size
        try:
            while left:
                left = left[os.write(self._events, left) :]
        except OSError:
            with suppress(OSError):  # half a line would spoil the next one
                os.ftruncate(self._events, before)
            raise

    def discard(self) -> None:
        """Remove the folder again, since nothing was run."""
        os.close(self._events)
        hidden = self.path.with_name(f".{self.path.name}.old")
        with suppress(OSError):  # at once: whoever looks sees a whole folder or none
            self.path.rename(hidden)
        shutil.rmtree(hidden, ignore_errors=True)
        shutil.rmtree(self.path, ignore_errors=True)

    def close(self) -> None:
        """Let go of the lock: from now on the run is not alive."""
        with suppress(OSError):  # some file systems cannot; what matters is in the verdict, which was checked
            os.fsync(self._events)
        os.close(self._events)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file so that a reader sees the old content or the new, also after a power cut."""
    write_whole(path, json_bytes(content))


def json_bytes(content: Mapping[str, Any]) -> bytes:
    """What `write_json` writes."""
    return _encoded(to_json(content, indent=2) + "\n")


def _encoded(text: str) -> bytes:
    """JSON as UTF-8. Half a surrogate pair, such as a path that is not UTF-8 has, becomes JSON's escape for it."""
    return text.encode("utf-8", errors="backslashreplace")


def read_bytes(folder: Path, name: str) -> bytes:
    """A file of a run; of a sealed run it is what was sealed, bit by bit, or DamagedRun is raised.

    Raises UsageError where it is missing or cannot be read.
    """
    from crumple import seal

    path = folder / name
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{folder} is not the folder of a run: it has no {name}.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    sealed = seal.read_seal(folder)
    if sealed is not None:
        seal.check_bytes(path, content, sealed.files.get(name))
    return content


def read_json(folder: Path, name: str) -> dict[str, Any]:
    """A JSON file of a run, read as `read_bytes` does. Raises UsageError, in one line, where it is damaged."""
    try:
        written = json.loads(read_bytes(folder, name))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{folder / name} is damaged: it is not JSON ({error}).") from None
    if not isinstance(written, dict):
        raise UsageError(f"{folder / name} is damaged: it holds no object.")
    return written


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


def _appear(hidden: Path, place: Path, name: str) -> Path:
    """Give a prepared folder its name, or the first of name-2, name-3, ... that is free."""
    number = 1
    while True:
        folder = place / (name if number == 1 else f"{name}-{number}")
        try:
            if folder.exists():
                raise FileExistsError
            # a folder of that name that came up meanwhile is not empty, and cannot be replaced
            hidden.rename(folder)
        except OSError as error:
            if error.errno not in (None, errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                raise
            number += 1
        else:
            return folder


def _no_folder(parent: Path, error: OSError) -> UsageError:
    return UsageError(
        f"cannot make a run folder in {parent}: {error.strerror}. Give another place with --out DIR."
    )


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
