"""What a sensor gives once its tape has ended: what the scene says of a rig that falls silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crumple.live.plan import STAMPS, STATES, SensorPlan
from crumple.tape import Tape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from crumple.scene import Scene

_FRESH, _HELD, _EXTRAPOLATED, _SUBSTITUTED, _FAIL_SAFE = range(1, len(STATES))


def forked(tape: Tape, scene: Scene, tick: int) -> tuple[Tape, int]:
    """The tape up to a tick, and from then on silence, to the end of the scene; and the tick at which it all ends.

    As on the wire, samples grow old by the clock: one second in a second of simulated time, divided by the speed of
    the scene's pacing. Where a sample is too old, the policy of the sensor decides; it may end the run.
    """
    import numpy as np

    last = scene.stop_tick
    step = float(scene.period) / scene.pacing.speed
    parts = {}
    for plan in scene.sensors:
        _, rows = tape.rows(plan.name)
        longer, end = _silent(rows[: tick + 1], plan, step=step, ticks=scene.stop_tick)
        parts[plan.name] = (tape.channels(plan.name), longer)
        last = min(last, end)
    t = np.arange(scene.stop_tick + 1, dtype=np.float64) * float(scene.period) + float(scene.start)
    commands = [command for command in tape.commands if command.tick <= tick]
    return Tape(t, parts, source=tape.source, commands=commands), last


def _silent(
    rows: NDArray[np.float64], plan: SensorPlan, *, step: float, ticks: int
) -> tuple[NDArray[np.float64], int]:
    """The rows and those of the silence after them, `ticks` + 1 in all, and the tick at which the run ends.

    step: wall time of a tick [s].
    """
    import numpy as np

    known = len(rows)
    n = len(plan.channels)
    stamps = {name: n + place for place, name in enumerate(STAMPS)}
    after = np.repeat(rows[-1:], ticks + 1 - known, axis=0)
    latches = np.arange(
        known - 1, ticks
    )  # the ticks whose steps are made in silence, and their samples' ages
    latches -= latches % plan.every
    since = latches - (known - 2 - (known - 2) % plan.every if known > 1 else 0)
    age = rows[-1, stamps["age"]] + since * step
    after[:, stamps["age"]] = np.maximum(age, 0.0)
    old = age > plan.max_age if plan.max_age is not None else np.zeros(len(age), bool)
    ended = old & (plan.policy == "stop")
    if plan.stop_age is not None:
        ended |= age > plan.stop_age
    end = known - 1 + int(np.flatnonzero(ended)[0]) if ended.any() else ticks
    if rows[-1, stamps["sequence"]]:  # else there was no sample that could grow old
        used, before = _last_two(rows, stamps["sequence"], n)
        after[:, :n], after[:, stamps["state"]] = used, _FRESH
        after[old, stamps["state"]] = _FAIL_SAFE if plan.policy == "fail_safe" else _HELD
        if plan.policy == "substitute":
            after[old, stamps["state"]] = _SUBSTITUTED
            after[old, :n] = [channel.substitute for channel in plan.channels]
        apart = 0.0 if before is None else rows[-1, stamps["source_time"]] - before[stamps["source_time"]]
        if plan.policy == "extrapolate" and before is not None and apart > 0:
            after[old, stamps["state"]] = _EXTRAPOLATED
            ahead = used + (used - before[:n]) * (age[old, None] / apart)
            real = np.array([channel.kind == "real" for channel in plan.channels]) & np.isfinite(ahead)
            after[old, :n] = np.where(real, ahead, used)
    return np.concatenate([rows, after]), end


def _last_two(
    rows: NDArray[np.float64], sequence: int, channels: int
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """The values of the last sample, as it was sent, and the whole row of the one before it; None: there was none."""
    import numpy as np

    numbers = rows[:, sequence]
    others = np.flatnonzero(numbers != numbers[-1])
    first = int(others[-1]) + 1 if len(others) else 0
    earlier = rows[first - 1] if first > 0 and numbers[first - 1] else None
    return rows[first, :channels], earlier
