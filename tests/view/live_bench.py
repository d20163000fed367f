"""A live run for tests: this process is in the place of the run's, and a clock stands still until it is told."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crumple.live.monitor import Frame
from crumple.view.live_session import LiveSession
from view.view_runs import write_run


class Clock:
    """Wall time that passes only when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Core:
    """Stands in for the monitor: gives the frame that it holds, and keeps what it was sent."""

    def __init__(self) -> None:
        self.names = ["front.age", "front.distance", "front.state", "plant.gear"]
        self.status = "running"
        self.shown: Frame | None = None
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def publish(
        self, tick: int, distance: float, *, gear: float = 1.0, state: float = 1.0, age: float = 0.001
    ) -> None:
        """The newest frame, as of that tick of 1 ms."""
        self.shown = Frame(
            tick=tick,
            t=tick * 1e-3,
            moment=0.0,
            status=self.status,
            speed=1.0,
            missed=2,
            slips=0,
            ticks=2000,
            budget=1e-3,
            values=np.array([age, distance, state, gear]),
            lateness=np.full(4, 1e-5),
            step_s=np.full(4, 2e-5),
        )

    def frame(self) -> Frame | None:
        """What was published last."""
        return self.shown

    def send(self, do: str, **args: Any) -> None:
        """Keep a command."""
        self.sent.append((do, args))


@dataclass
class Bench:
    """die: the process of the run ends."""

    folder: Path
    session: LiveSession
    core: Core
    clock: Clock
    die: Callable[[], None]


@contextmanager
def live_bench(folder: Path) -> Iterator[Bench]:
    """A run of two seconds at 1 kHz with one input, `front`, and one fault, `stuck`."""
    write_run(folder)
    core, clock = Core(), Clock()
    with open(folder / "events.jsonl", "a") as events:
        fcntl.flock(events, fcntl.LOCK_EX)

        def die() -> None:
            events.close()
            clock.now += 1.0

        yield Bench(folder, LiveSession(folder, core, clock=clock), core, clock, die)
