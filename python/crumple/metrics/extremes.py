"""Extremes, ends, crossings and changes of a signal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from crumple.metrics.signal import MetricError, Peak, Signal, as_period, as_signal, integral, sample_time

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def maximum(signal: ArrayLike, period: float) -> Peak:
    """The largest sample of (n,), and when it is first reached."""
    return _peak(as_signal(signal), period, sign=1.0)


def minimum(signal: ArrayLike, period: float) -> Peak:
    """The smallest sample of (n,), and when it is first reached."""
    return _peak(as_signal(signal), period, sign=-1.0)


def abs_maximum(signal: ArrayLike, period: float) -> Peak:
    """The largest magnitude of (n,), and when it is first reached."""
    return _peak(np.abs(as_signal(signal)), period, sign=1.0)


def _peak(signal: Signal, period: float, *, sign: float) -> Peak:
    k = int((sign * signal).argmax())
    return Peak(float(signal[k]), sample_time(k, as_period(period)))


def final(signal: ArrayLike, period: float) -> Peak:
    """The last sample of (n,), and its time."""
    x = as_signal(signal)
    return Peak(float(x[-1]), sample_time(len(x) - 1, as_period(period)))


def mean(signal: ArrayLike) -> float:
    """The arithmetic mean of the samples of (n,)."""
    return float(as_signal(signal).mean())


def value_at(signal: ArrayLike, period: float, time: float) -> Peak | None:
    """The sample of (n,) at `time` [s] after the first, or the last one before it; None where the signal ends before.

    Raises MetricError for a time before the first sample.
    """
    x, period = as_signal(signal), as_period(period)
    k = math.floor(time / period * (1 + 1e-12) + 1e-9)
    if k < 0:
        raise MetricError(f"There is no value {-time:g} s before the first sample.")
    return Peak(float(x[k]), sample_time(k, period)) if k < len(x) else None


def delta_v(acceleration: ArrayLike, period: float) -> Peak:
    """The largest change of velocity since the first sample, |integral of a dt|, and when it is reached.

    acceleration: (n,) [m/s^2] along one axis.   Returns [m/s], >= 0.
    The largest, not the last: a vehicle that rebounds and then rolls to a stop has its delta-v at the rebound
    (49 CFR 563 calls this the maximum delta-V). The integral is trapezoidal.
    """
    a = as_signal(acceleration, name="acceleration", at_least=2)
    return _peak(np.abs(integral(a, as_period(period))), period, sign=1.0)


def first_time(signal: ArrayLike, period: float, threshold: float = 0.0) -> float | None:
    """The time [s] of the first sample of (n,) above `threshold`; None when there is none.

    The time of a sample, not of a crossing between two: a digital signal is not interpolated.
    """
    return _first(as_signal(signal) > threshold, period)


def first_nonzero(signal: ArrayLike, period: float) -> float | None:
    """The time [s] of the first sample of (n,) that is not zero, of either sign; None when there is none."""
    return _first(as_signal(signal) != 0.0, period)


def _first(holds: np.ndarray, period: float) -> float | None:
    period = as_period(period)
    return sample_time(int(holds.argmax()), period) if len(holds) and holds.any() else None


def resultant(*components: ArrayLike) -> Signal:
    """The magnitude (n,) of a vector given as components (n,) each, or as one array (n, k)."""
    if len(components) == 1 and np.ndim(components[0]) == 2:
        columns = np.asarray(components[0], dtype=np.float64).T
    else:
        signals = [as_signal(c, name=f"component {i + 1}") for i, c in enumerate(components)]
        lengths = sorted({len(signal) for signal in signals})
        if len(lengths) != 1:
            raise MetricError(f"resultant needs components of one length, not {lengths or 'none'}.")
        columns = np.asarray(signals)
    total = np.zeros(columns.shape[-1])
    for column in columns:
        np.hypot(total, as_signal(column), out=total)
    return total
