"""Ctrl-C and SIGTERM during a run: they end it between two ticks, and cannot disturb the writing of its verdict."""

from __future__ import annotations

import math
import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

_SAME = (
    1.0  # [s] a terminal, `timeout` and service managers send to a whole group, in which one may pass it on
)


class Terminated(KeyboardInterrupt):
    """SIGTERM: treated like Ctrl-C, and named for what it was."""


def name_of(interrupt: KeyboardInterrupt) -> str:
    """What the user calls it."""
    return "SIGTERM" if isinstance(interrupt, Terminated) else "Ctrl-C"


class Interrupts:
    """Within, SIGTERM interrupts as Ctrl-C does, unless somebody else has a use for either.

    A signal within a second of the one before is taken for the same. After `hold`, none has an effect.
    """

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._last = -math.inf
        self._held = False

    def hold(self) -> None:
        """From now on what is being done is done to its end."""
        self._held = True

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number, default in (
                (signal.SIGINT, signal.default_int_handler),
                (signal.SIGTERM, signal.SIG_DFL),
            ):
                if signal.getsignal(number) is default:
                    self._before[number] = signal.signal(number, self._interrupt)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._held or now - self._last < _SAME:
            return
        self._last = now
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt
