"""An FMU may call `exit(0)`. The exit code of `crumple run` comes from the verdict all the same.

C runs the handlers that were registered at exit, the last one first. The guard registers two: one says on
standard error what happened, the other ends the process with the code of *inconclusive*, which is what
`verdict.json` says until the run has ended. Once there is a verdict, another one ends the process with the
verdict's own code. This needs the C library of Linux or macOS; elsewhere the guard does nothing.
"""

from __future__ import annotations

import atexit
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from crumple.exit_codes import exit_code

_owned = False
_guards: list[ExitGuard] = []  # those that were armed


def own_process() -> None:
    """Says that this process is the command `crumple`, and its exit code ours to decide; a test's is not."""
    global _owned  # noqa: PLW0603  # a fact about the process
    _owned = True


def leave_process(code: int) -> None:
    """The command has come to its end, whatever that is: it leaves with this code."""
    for guard in _guards:
        guard.settle(code)


class ExitGuard:
    """Decides the exit code of this process, whoever ends it. Does nothing in a process that is not ours."""

    def __init__(self) -> None:
        self._armed = False
        self._library: Any = None
        self._kept: list[Any] = []  # texts that the C library will read

    def arm(self, folder: Path | None = None) -> None:
        """From now on an exit that nobody expected has the code of *inconclusive*. folder: of the run."""
        if not _owned:
            return
        try:
            import ctypes

            self._library = ctypes.CDLL(None)
            self._at_exit("_exit", ctypes.c_void_p(exit_code("inconclusive")))
            text = "a unit ended the process in the middle of the run"
            if folder is not None:
                text += f"; what was recorded is in {folder}"
            self._kept.append(ctypes.c_char_p(text.replace("%", "%%").encode()))
            self._at_exit("warnx", self._kept[0])
            with suppress(ValueError):  # how the C library calls this program in its messages
                ctypes.c_char_p.in_dll(self._library, "program_invocation_short_name").value = b"crumple"
            self._armed = True
            _guards.append(self)
        except (AttributeError, ImportError, OSError, TypeError):
            pass  # no such library here

    def settle(self, code: int) -> None:
        """There is a verdict: every exit from now on has its code, once Python has finished."""
        if self._armed:
            import ctypes

            atexit.register(self._leave_with, ctypes.c_void_p(code))

    def _leave_with(self, code: Any) -> None:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):  # the reader is gone
                stream.flush()
        self._at_exit("_exit", code)

    def _at_exit(self, function: str, argument: Any) -> None:
        """Have the C library call `function(argument)` at exit."""
        import ctypes

        register = getattr(self._library, "__cxa_atexit")
        address = ctypes.cast(getattr(self._library, function), ctypes.c_void_p)
        if register(address, argument, None) != 0:
            raise OSError("no room for another handler")
