"""Playing a tape to a run, as the rig did or would have done: over the wire, sample by sample."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crumple.errors import UsageError
from crumple.live.plan import Channel

if TYPE_CHECKING:
    from crumple.tape import Tape

_LOOK = 0.1  # [s] between two looks whether somebody still listens


@dataclass(frozen=True, slots=True)
class Played:
    """What became of it. sent: samples; in lockstep, those that were answered.   t: time of the last of them [s].

    left: whether the other side went before the tape was over.   late: by how much the latest sample was [s].
    """

    sent: int
    t: float | None
    left: bool
    late: float = 0.0


def open_tape(file: str | os.PathLike[str], *, sensor: str | None = None) -> Tape:
    """A tape of one sensor, from its file or from the folder of a run.

    sensor: of a run that has several. Raises UsageError where there is none, or it is damaged.
    """
    from crumple.tape import Tape
    from crumple.tape_run import heard, read_run

    path = Path(file)
    if path.is_dir():
        return heard(read_run(path), sensor)
    tape = Tape.load(path)
    if sensor is not None and sensor != tape.sensor:
        raise UsageError(f'{path} is the tape of sensor "{tape.sensor}", not of "{sensor}".')
    return tape


def samples(tape: Tape, *, loop: int = 1) -> Iterator[tuple[float, list[float]]]:
    """Time [s] and values of every sample.

    loop: how often the tape is played; 0: without end. Time goes on from one round to the next.
    """
    import numpy as np

    t, rows = tape.t.tolist(), tape.rows()[1].tolist()
    span = t[-1] - t[0] + (float(np.median(np.diff(tape.t))) if len(t) > 1 else 1.0)
    round_ = 0
    while loop == 0 or round_ < loop:
        for moment, values in zip(t, rows, strict=True):
            yield moment + round_ * span, values
        round_ += 1


def publish(
    tape: Tape,
    sensor: Any,
    *,
    speed: float = 1.0,
    loop: int = 1,
    reached: Callable[[float], None] = lambda t: None,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Played:
    """Send a tape in real time, on an absolute schedule: a sample that is late does not delay the next.

    sensor: a `crumple.live.Sensor` that somebody listens to. It ends when nobody does any more.
    speed: seconds of the tape in a second.   reached: told the time of the tape [s].
    now, sleep: the clock [s] to keep to.
    """
    if not 0.0 < speed < float("inf"):
        raise UsageError(f"a tape cannot be played at {speed:g} times its speed.")
    began, first = now(), float(tape.t[0])
    looked, late = began, 0.0
    sent, last = 0, None
    for t, values in samples(tape, loop=loop):
        due = began + (t - first) / speed
        while (left := due - now()) > 0:
            sleep(min(left, _LOOK))
            if left > _LOOK and not sensor.subscribers:
                return Played(sent, last, left=True, late=late)
        late = max(late, -left)
        if now() - looked > _LOOK:
            looked = now()
            reached(t)
            if not sensor.subscribers:
                return Played(sent, last, left=True, late=late)
        sensor.send(values, t=t)
        sent, last = sent + 1, t
    return Played(sent, last, left=False, late=late)


def pace(tape: Tape, rig: Any, *, loop: int = 1, reached: Callable[[float], None] = lambda t: None) -> Played:
    """Send a tape in lockstep: one sample a step, each when the one before it was answered.

    rig: a `crumple.live.Rig` that has been started.
    """
    from crumple.live import RunEnded

    sent, last = 0, None
    for t, values in samples(tape, loop=loop):
        try:
            rig.exchange(values, t=t)
        except RunEnded:
            return Played(sent, last, left=True)
        sent, last = sent + 1, t
        reached(t)
    return Played(sent, last, left=False)


def layout_of(texts: Sequence[str]) -> dict[str, Channel]:
    """Channels as a command line names them: "fire", "level[m/s]", "armed[boolean]"."""
    from crumple.tape_csv import channel_of

    found: dict[str, Channel] = {}
    for text in texts:
        channel = channel_of(text)
        if channel.name in found:
            raise UsageError(f'channel "{channel.name}" is named twice.')
        found[channel.name] = replace(channel, si=channel.si or "1")
    return found
