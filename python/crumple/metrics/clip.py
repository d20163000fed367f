"""The level that a signal holds for 3 ms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crumple.metrics.signal import (
    MetricError,
    Signal,
    Windowed,
    as_period,
    as_positive,
    as_signal,
    sample_time,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True, eq=False)
class Clip(Windowed):
    """A level held [g], and when: `t1` to `t2` [s] after the first sample.

    Contiguous: a window of the duration over which the signal stays at or above the level. Cumulative: the
    first and the last sample at or above it. It is a float, and compares as one.
    """


def clip_3ms(
    acceleration_g: ArrayLike, period: float, *, cumulative: bool = False, duration: float = 0.003
) -> Clip:
    """The largest level that the acceleration reaches or exceeds for `duration` seconds (3 ms).

    acceleration_g: (n,) resultant [g] (any unit does; the result has the same). Of a signed axis the
    magnitude counts.   period: [s].
    cumulative: the 3 ms may be made of several pieces; else they are one stretch. A stretch of 3 ms holds
    3 ms / period + 1 samples (rounded up), and the same count is used for the pieces.
    Raises MetricError for a signal that is not finite, not one-dimensional, or shorter than `duration`.
    Source: SAE J1727 / Euro NCAP ("3 ms exceedence"); contiguous and cumulative both occur in regulations.
    """
    period, duration = as_period(period), as_positive(duration, name="duration")
    a = np.abs(as_signal(acceleration_g, name="acceleration_g"))
    samples = math.ceil(duration / period * (1 - 1e-12) - 1e-9) + 1
    if len(a) < samples:
        raise MetricError(
            f"acceleration_g has {len(a)} samples, {(len(a) - 1) * period:g} s; "
            f"a level held for {duration:g} s needs {samples}."
        )
    if cumulative:
        level = float(np.partition(a, len(a) - samples)[len(a) - samples])
        reached = np.flatnonzero(a >= level)
        return Clip(level, sample_time(int(reached[0]), period), sample_time(int(reached[-1]), period))
    lowest = _sliding_minimum(a, samples)
    start = int(lowest.argmax())
    return Clip(float(lowest[start]), sample_time(start, period), sample_time(start + samples - 1, period))


def _sliding_minimum(a: Signal, width: int) -> Signal:
    """Minimum over every `width` neighbours, (n - width + 1,), by doubling: n log2(width) comparisons."""
    minimum, covered = a, 1
    while covered < width:
        shift = min(covered, width - covered)
        minimum = np.minimum(minimum[shift:], minimum[:-shift])
        covered += shift
    return minimum
