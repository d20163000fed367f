"""An FMU may call `exit(0)`. The exit code of `crumple run` comes from the verdict all the same.

C runs the handlers that were registered at exit, the last one first. The guard registers one that ends the process
at once with the code of *inconclusive*, which is what `verdict.json` says until the run has ended; once there is a
verdict it registers another with the verdict's own code. It needs the C library of Linux or macOS; elsewhere it
does nothing.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from crumple.verdict import exit_code


class ExitGuard:
    """Decides the exit code of this process, whoever ends it."""

    def __init__(self) -> None:
        self._armed = False

    def arm(self) -> None:
        """From now on an exit that nobody expected has the code of *inconclusive*."""
        self._armed = self._register(exit_code("inconclusive"))

    def settle(self, code: int) -> None:
        """There is a verdict: from now on every exit has its code. Python's buffers are written first."""
        if not self._armed:
            return
        import atexit

        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:  # the reader is gone
                pass
        atexit.register(self._register, code)

    def _register(self, code: int) -> bool:
        """Ask the C library to call `_exit(code)` at exit."""
        try:
            import ctypes

            library = ctypes.CDLL(None)
            leave: Any = ctypes.cast(library._exit, ctypes.c_void_p)
            return bool(library.__cxa_atexit(leave, ctypes.c_void_p(code), None) == 0)
        except (AttributeError, ImportError, OSError, TypeError):
            return False
