"""What belongs to a process as a whole, and an FMU may leave changed. Linux."""

from __future__ import annotations

import ctypes
import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

_LIBC = ctypes.CDLL(None)
_LIBC.setlocale.restype = ctypes.c_char_p
_CATEGORIES = ("LC_CTYPE", "LC_NUMERIC", "LC_TIME", "LC_COLLATE", "LC_MONETARY", "LC_MESSAGES")  # by number
_ROUNDING = {
    0: "to nearest",
    0x400: "downward",
    0x800: "upward",
    0xC00: "towards zero",
}  # x86; else the number
_OF_LIBC = 3 << 31  # signals 32 and 33, which the C library keeps for its own threads
_SIGNALS = {"blocked": "SigBlk", "ignored": "SigIgn", "handled": "SigCgt"}
_LIMITS = {name: getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")}

State = dict[str, Any]


def process_state() -> State:
    """All of this process that another part of it could trip over, by the name of the check that it belongs to.

    None: it cannot be found out any more, as no file can be opened.
    """
    status = _status()
    return {
        "floating point": _floating_point(),
        "locale": {
            name: (_LIBC.setlocale(number, None) or b"?").decode(errors="replace")
            for number, name in enumerate(_CATEGORIES)
        },
        "working folder": {"working folder": _folder()},
        "environment": _environment() | _limits() | {"umask": _umask()},
        "signals": dict(_signals(status)) if status else None,
        "threads": {"threads": int(status["Threads"])} if status else None,
        "open files": _files(),
    }


def differences(before: State, after: State) -> dict[str, dict[str, list[Any]]]:
    """What changed: check -> name -> [before, after]; None stands for what was not there."""
    found: dict[str, dict[str, list[Any]]] = {}
    for check, was in before.items():
        now = after[check]
        if was is None or now is None:
            continue
        changed = {
            name: [was.get(name), now.get(name)]
            for name in sorted({*was, *now})
            if was.get(name) != now.get(name)
        }
        if changed:
            found[check] = changed
    return found


def held() -> int:
    """Memory that this process has asked for, touched or not [bytes]; 0 where it cannot be found out any more."""
    with suppress(OSError), open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[5]) * resource.getpagesize()
    return 0


def children_of(parent: int) -> dict[int, str]:
    """The processes whose parent is `parent`: name by number."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError, ValueError):  # it ended meanwhile
                text = Path(f"/proc/{name}/stat").read_text(errors="replace")
                if int(text[text.rindex(")") + 2 :].split()[1]) == parent:
                    found[int(name)] = text[text.index("(") + 1 : text.rindex(")")]
    return found


def files_below(folder: str) -> dict[str, int]:
    """Files below a folder: size by path."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            with suppress(OSError):
                found[os.path.relpath(path, folder)] = os.lstat(path).st_size
    return found


def _status() -> dict[str, str]:
    with suppress(OSError), open("/proc/self/status", encoding="utf-8", errors="replace") as file:
        return dict(line.split(":", 1) for line in file if ":" in line)
    return {}


def _umask() -> str:
    mask = os.umask(0o077)
    os.umask(mask)
    return f"{mask:04o}"


def _floating_point() -> dict[str, str]:
    tiny = float.fromhex("0x1p-1074") * (os.getpid() > 0)  # not a constant: it is added now
    found = {"subnormals": "kept" if tiny + tiny > 0.0 else "flushed to zero"}
    with suppress(AttributeError):
        number = _LIBC.fegetround()
        found["rounding"] = _ROUNDING.get(number, str(number))
    with suppress(AttributeError):
        found["traps"] = str(_LIBC.fegetexcept())
    return found


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError as error:
        return f"gone ({error.strerror})"


def _environment() -> dict[str, str]:
    """As the C library has it: Python's own copy does not see changes."""
    entries = ctypes.POINTER(ctypes.c_char_p).in_dll(_LIBC, "environ")
    found = {}
    k = 0
    while entries and (entry := entries[k]) is not None:
        name, _, value = entry.decode(errors="replace").partition("=")
        found[f"variable {name}"] = value
        k += 1
    return found


def _limits() -> dict[str, str]:
    found = {}
    for name, number in _LIMITS.items():
        with suppress(OSError, ValueError):
            found[f"limit {name}"] = str(resource.getrlimit(number)[0])
    return found


def _signals(status: dict[str, str]) -> Iterator[tuple[str, str]]:
    for name, field in _SIGNALS.items():
        mask = int(status.get(field, "0"), 16) & ~_OF_LIBC
        yield name, " ".join(str(bit + 1) for bit in range(64) if mask >> bit & 1)


def _files() -> dict[str, str] | None:
    try:
        numbers = os.listdir("/proc/self/fd")
    except OSError:
        return None
    found = {}
    for number in numbers:
        with suppress(OSError):  # the one through which the folder was listed
            found[number] = os.readlink(f"/proc/self/fd/{number}")
    return found
