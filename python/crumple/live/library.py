"""Where the core finds libzmq: the wheel of pyzmq carries it, so that `pip install` is enough."""

from __future__ import annotations

import ctypes.util
import os
from pathlib import Path

from crumple import _core
from crumple.errors import CrumpleError, UsageError

VARIABLE = "CRUMPLE_LIBZMQ"  # a file, or "none": Python carries the messages


def load_libzmq() -> str:
    """Give the core its libzmq. Returns the file; "" where there is none, and Python has to carry the messages.

    Looked for: in the environment variable CRUMPLE_LIBZMQ, in what pyzmq has loaded, in the system.
    Raises UsageError where the variable names a file that is no libzmq.
    """
    wanted = os.environ.get(VARIABLE, "")
    if wanted == "none":
        return ""
    if wanted:
        try:
            _core.load_zmq(wanted)
        except CrumpleError as error:
            raise UsageError(f"{VARIABLE}={wanted}: {error}") from None
        return wanted
    for file in (*_loaded(), ctypes.util.find_library("zmq")):
        if not file:
            continue
        try:
            _core.load_zmq(file)
        except CrumpleError:  # the next one, or Python
            continue
        return file
    return ""


def _loaded() -> list[str]:
    """The libzmq that pyzmq has brought into this process."""
    try:
        import zmq.backend  # noqa: F401  # imported for the library that comes with it
    except ImportError:
        return []
    try:
        lines = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    paths = {line.split(maxsplit=5)[5] for line in lines if line.count(" ") >= 5 and "libzmq" in line}
    return sorted(path for path in paths if ".so" in path)
