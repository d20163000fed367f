"""Real-time priority for a rig written in Python."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from crumple import _core
from crumple.errors import UsageError


@dataclass(frozen=True, slots=True)
class Granted:
    """What the system granted to a rig.

    fifo: real-time priority.   awake: idle processors do not fall asleep.   why: a sentence for each that was not
    granted, with the remedy.
    """

    fifo: bool
    awake: bool
    why: tuple[str, ...]


@contextmanager
def real_time(*, priority: int = 70) -> Iterator[Granted]:
    """Asks the system for punctuality, for the calling thread and the sockets that it makes meanwhile.

    priority: 1 to 99, of SCHED_FIFO; below that of a run on the same machine, which is 80. A loop at such a priority
    has to sleep or wait: on its processor nothing below it runs. Afterwards the thread is an ordinary
    one again. Nothing is raised where the system refuses; what was granted is what `with` gives. Raises UsageError
    for another priority.
    """
    if not 1 <= priority <= 99:
        raise UsageError(f"priority is {priority}; real-time priorities are 1 to 99.")
    granted = _core.ask_for_real_time(priority, False, True)
    try:
        yield Granted(granted["fifo"], granted["awake"], tuple(granted["why"]))
    finally:
        _core.leave_real_time()


def granted_priority() -> int:
    """The real-time priority of the calling thread; 0: it has none."""
    if not hasattr(os, "sched_getscheduler"):
        return 0
    policy = os.sched_getscheduler(0) & ~getattr(os, "SCHED_RESET_ON_FORK", 0)
    return os.sched_getparam(0).sched_priority if policy == os.SCHED_FIFO else 0
