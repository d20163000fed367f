"""What an FMU may leave changed in the process that it runs in, or behind it. Linux only."""

from __future__ import annotations

import ctypes
import os
import resource
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

_LIBC = ctypes.CDLL(None)
_LIBC.setlocale.restype = ctypes.c_char_p
_LIBC.getenv.restype = ctypes.c_char_p
_LIMITS = {name: getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")}


def process_state() -> dict[str, Any]:
    """All of this process that another part of it could miss or trip over, in numbers and text."""
    status = dict(
        line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line
    )
    one, tiny = float(os.getpid() > 0), 5e-324 * (os.getpid() > 0)
    return {
        "folder": os.getcwd(),
        "locale": (_LIBC.setlocale(6, None) or b"").decode(),  # 6: all categories
        "rounding": [_LIBC.fegetround(), repr(one / 3.0), repr(tiny + tiny), _LIBC.fegetexcept()],
        "umask": status["Umask"].strip(),
        "signals": [_signals(status[key]) for key in ("SigBlk", "SigIgn", "SigCgt")],
        "files": {n: _target(n) for n in sorted(os.listdir("/proc/self/fd"), key=int) if _target(n)},
        "limits": {name: list(resource.getrlimit(number)) for name, number in _LIMITS.items()},
        "environment": "PATH" if _LIBC.getenv(b"PATH") else "",
        "threads": int(status["Threads"]),
        "children": children(),
    }


def _signals(mask: str) -> str:
    """A set of signals as a number; without 32 and 33, which the C library keeps for itself."""
    return f"{int(mask, 16) & ~(3 << 31):016x}"


def _target(number: str) -> str:
    with suppress(OSError):
        return os.readlink(f"/proc/self/fd/{number}")
    return ""  # the one through which the folder was listed


def changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What differs: [before, after] by name; of dictionaries only the entries that differ."""
    found: dict[str, Any] = {}
    for key, was in before.items():
        now = after[key]
        if was == now:
            continue
        if isinstance(was, dict):
            keys = [k for k in {**was, **now} if was.get(k) != now.get(k)]
            found[key] = [{k: was.get(k) for k in keys}, {k: now.get(k) for k in keys}]
        else:
            found[key] = [was, now]
    return found


def children() -> list[str]:
    """Children of this process, each as "pid name state"; Z is one that nobody waited for."""
    found = []
    for number in _candidates():
        with suppress(OSError, ValueError):  # it ended meanwhile
            text = Path(f"/proc/{number}/stat").read_text()
            name = text[text.index("(") + 1 : text.rindex(")")]
            state, parent = text[text.rindex(")") + 2 :].split()[:2]
            if int(parent) == os.getpid():
                found.append(f"{number} {name} {state}")
    return sorted(found)


def _candidates() -> list[str]:
    """Numbers of processes among which all children are."""
    try:
        lists = [path.read_text() for path in Path("/proc/self/task").glob("*/children")]
    except OSError:  # a thread ended meanwhile
        lists = []
    if lists:
        return " ".join(lists).split()
    return [name for name in os.listdir("/proc") if name.isdigit()]  # a kernel that keeps no such lists


def files_left(*folders: Path) -> set[str]:
    """Every file below these folders, and shared memory of ours."""
    found = {str(path) for folder in folders for path in folder.rglob("*")}
    return found | {str(path) for path in Path("/dev/shm").iterdir() if "crumple" in path.name}


def can_deny_writing() -> bool:
    """Whether this kernel has Landlock, by which a process denies itself to write files."""
    return int(_LIBC.syscall(444, None, 0, 1)) > 0  # landlock_create_ruleset: its version


def adopt_orphans() -> None:
    """From now on a process whose parent ends becomes a child of this one, where `children` sees it."""
    _LIBC.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def end_children(*, patience: float) -> list[str]:
    """Waits for all children to end, kills those that outlive `patience` [s], and names them."""
    until = time.monotonic() + patience
    left: list[str] = []
    while True:
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        alive = children()
        if not alive:
            return left
        if time.monotonic() > until:
            left += [child for child in alive if child not in left]
            for child in alive:
                with suppress(ProcessLookupError):
                    os.kill(int(child.split()[0]), 9)
        time.sleep(0.002)
