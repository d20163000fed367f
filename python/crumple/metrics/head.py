"""Head injury criterion."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crumple.metrics.signal import (
    MetricError,
    Windowed,
    as_period,
    as_positive,
    as_signal,
    integral,
    sample_time,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True, eq=False)
class Hic(Windowed):
    """A head injury criterion and its window: `value` [g^2.5 s], `t1` to `t2` [s] after the first sample.

    It is a float: `hic15(a, dt) <= 700` compares the value, and so does `==`; the window plays no part.
    """


def hic(acceleration_g: ArrayLike, period: float, window: float) -> Hic:
    """The head injury criterion over windows of up to `window` seconds (0.015 for HIC15, 0.036 for HIC36).

    acceleration_g: (n,) resultant acceleration of the head [g], usually filtered to CFC 1000. A resultant
    is never
    negative: of a single signed axis the magnitude counts.   period: [s].

    The maximum over t2 - t1 <= window of (t2 - t1) * (mean of a over t1..t2)^2.5, exact on the sample grid:
    every window of whole periods is tried, with the integral taken by the trapezoidal rule. Of equals, the
    shortest and then the earliest window is reported. Costs n * window / period.
    Raises MetricError for an empty, non-finite or not one-dimensional signal, and a window below one period.
    Source: Versace 1971, as used in FMVSS 208 and by Euro NCAP.
    """
    a = np.abs(as_signal(acceleration_g, name="acceleration_g", at_least=2))
    period, window = as_period(period), as_positive(window, name="window")
    longest = min(math.floor(window / period * (1 + 1e-12) + 1e-9), len(a) - 1)
    if longest < 1:
        raise MetricError(f"The window of {window:g} s is shorter than the period of {period:g} s.")
    velocity = integral(a, period)
    gained = np.empty_like(velocity)
    best, best_lag, best_start = -1.0, 1, 0
    for lag in range(1, longest + 1):
        count = len(velocity) - lag
        np.subtract(velocity[lag:], velocity[:count], out=gained[:count])
        start = int(gained[:count].argmax())
        value = float(gained[start]) ** 2.5 / (lag * period) ** 1.5
        if value > best:
            best, best_lag, best_start = value, lag, start
    return Hic(best, sample_time(best_start, period), sample_time(best_start + best_lag, period))


def hic15(acceleration_g: ArrayLike, period: float) -> Hic:
    """HIC over windows of up to 15 ms. See `hic`."""
    return hic(acceleration_g, period, 0.015)


def hic36(acceleration_g: ArrayLike, period: float) -> Hic:
    """HIC over windows of up to 36 ms. See `hic`."""
    return hic(acceleration_g, period, 0.036)
