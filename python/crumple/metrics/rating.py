"""How well a simulated curve matches a measured one: the rating of ISO/TS 18571.

Four scores, each 0 to 1, on two curves of one length, sampled alike, the measured one `reference`:

    corridor  40 %   share of the curve within 5 % (1) to 50 % (0) of the reference's largest magnitude, squared
    phase     20 %   time shift of the best correlation, 1 at none and 0 from 20 % of the length on
    magnitude 20 %   difference of the shifted curves after dynamic time warping, 0 from 50 % on
    slope     20 %   difference of the slopes of the shifted curves, 0 from 200 % on

Above 0.94 the match is excellent, above 0.80 good, above 0.58 fair, else poor.
Source: ISO/TS 18571:2014 and 2024, Road vehicles - Objective rating metric for non-ambiguous signals. The standard
samples at 10 kHz; at another rate the nine samples over which slopes are averaged last another time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crumple.metrics.signal import MetricError, Signal, as_signal

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

INNER, OUTER, CORRIDOR_POWER = 0.05, 0.50, 2.0
LARGEST_SHIFT = 0.20  # of the length
WARP_WINDOW = 0.10  # of the length
LARGEST_MAGNITUDE_ERROR = 0.50
LARGEST_SLOPE_ERROR = 2.0
WEIGHTS = (0.4, 0.2, 0.2, 0.2)
_SMOOTH = 9  # samples
_SAME = 1e-12  # correlations closer than this are equal: the smaller shift stays
_SHORTEST = 20  # samples: below, one sample of shift is 5 % of the curve


@dataclass(frozen=True, slots=True)
class Rating:
    """The four scores and their weighted mean, each 0 to 1.

    shift: samples by which the curve came later than the reference (negative: earlier).
    """

    corridor: float
    phase: float
    magnitude: float
    slope: float
    shift: int

    @property
    def overall(self) -> float:
        """0.4 corridor + 0.2 phase + 0.2 magnitude + 0.2 slope."""
        scores = (self.corridor, self.phase, self.magnitude, self.slope)
        return sum(w * s for w, s in zip(WEIGHTS, scores, strict=True))

    @property
    def grade(self) -> str:
        """ "excellent", "good", "fair" or "poor"."""
        for least, name in ((0.94, "excellent"), (0.80, "good"), (0.58, "fair")):
            if self.overall > least:
                return name
        return "poor"


def iso18571(curve: ArrayLike, reference: ArrayLike) -> Rating:
    """Rate `curve` (n,) against `reference` (n,), of one unit and one period, n >= 20.

    Raises MetricError for signals that are bad, short or of different lengths, and where one is constant: a constant
    has no phase and no slope.
    """
    c, r = as_signal(curve, name="curve"), as_signal(reference, name="reference")
    if len(c) != len(r) or len(r) < _SHORTEST:
        raise MetricError(
            f"curve has {len(c)} samples and reference {len(r)}; they must have as many, at least {_SHORTEST}."
        )
    for name, signal in (("curve", c), ("reference", r)):
        if float(np.ptp(signal)) == 0.0:
            raise MetricError(f"{name} is constant; it has no phase and no slope to compare.")
    shift = best_shift(c, r)
    if shift >= 0:
        shifted, against = c[shift:], r[: len(r) - shift]
    else:
        shifted, against = c[:shift], r[-shift:]
    return Rating(
        corridor=corridor_score(c, r),
        phase=_falling(abs(shift), LARGEST_SHIFT * len(r)),
        magnitude=_falling(_warped_error(shifted, against), LARGEST_MAGNITUDE_ERROR),
        slope=_falling(_relative(_slope(shifted), _slope(against)), LARGEST_SLOPE_ERROR),
        shift=shift,
    )


def corridor_score(curve: Signal, reference: Signal) -> float:
    """Mean over all samples: 1 within 5 % of the reference's largest magnitude, 0 beyond 50 %, squared between."""
    norm = float(np.abs(reference).max())
    inside = (OUTER * norm - np.abs(curve - reference)) / ((OUTER - INNER) * norm)
    return float(np.mean(np.clip(inside, 0.0, 1.0) ** CORRIDOR_POWER))


def best_shift(curve: Signal, reference: Signal) -> int:
    """The shift of the largest correlation, at most 20 % of the length either way: the smallest of equals.

    Positive where the curve is late: curve[shift:] then lies on reference[:-shift].
    """
    found, best = 0, _correlation(curve, reference)
    for by in range(1, math.floor(LARGEST_SHIFT * len(reference)) + 1):
        for shift, c, r in ((by, curve[by:], reference[:-by]), (-by, curve[:-by], reference[by:])):
            value = _correlation(c, r)
            if value > best + _SAME:
                found, best = shift, value
    return found


def _correlation(a: Signal, b: Signal) -> float:
    a, b = a - a.mean(), b - b.mean()
    norm = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / norm if norm > 0.0 else -1.0


def _falling(error: float, largest: float) -> float:
    return max(0.0, 1.0 - error / largest)


def _relative(curve: Signal, reference: Signal) -> float:
    """Sum of differences over the sum of the reference; infinite for a reference of nothing but zeros."""
    difference, total = float(np.abs(curve - reference).sum()), float(np.abs(reference).sum())
    if total == 0.0:
        return 0.0 if difference == 0.0 else math.inf
    return difference / total


def _slope(signal: Signal) -> Signal:
    """Central differences a sample, each averaged over nine, at the ends over as many as lie on both sides."""
    slope = np.gradient(signal)
    total = np.concatenate(((0.0,), np.cumsum(slope)))
    k = np.arange(len(slope))
    half = np.minimum(np.minimum(k, len(slope) - 1 - k), _SMOOTH // 2)
    return np.asarray((total[k + half + 1] - total[k - half]) / (2 * half + 1), dtype=np.float64)


def _warped_error(curve: Signal, reference: Signal) -> float:
    """Relative difference of the curves along the path of least squared distance within a band of 10 %."""
    n = len(curve)
    reach = math.ceil(WARP_WINDOW * n) - 1  # how far the path may leave the diagonal, in samples
    # Antidiagonals s = i + j, addressed by i: a cell needs the two before it only, so each is one array operation.
    before, last = np.full(n + 1, np.inf), np.full(n + 1, np.inf)  # at i + 1; [0] is a wall
    came = np.zeros((2 * n - 1, n), dtype=np.int8)  # 0 diagonal, 1 from i - 1, 2 from j - 1
    for s in range(2 * n - 1):
        low = max(0, s - n + 1, (s - reach + 1) // 2)
        i = np.arange(low, min(s, n - 1, (s + reach) // 2) + 1)
        costs = np.stack((before[i], last[i], last[i + 1]))  # (i-1, j-1), (i-1, j), (i, j-1)
        choice = costs.argmin(axis=0)
        came[s, i] = choice
        now = np.full(n + 1, np.inf)
        distance = (curve[i] - reference[s - i]) ** 2
        now[i + 1] = distance if s == 0 else costs[choice, np.arange(len(i))] + distance
        before, last = last, now
    row = column = n - 1
    difference = total = 0.0
    while True:
        difference += abs(float(curve[row]) - float(reference[column]))
        total += abs(float(reference[column]))
        if row == column == 0:
            break
        step = came[row + column, row]
        row, column = row - int(step != 2), column - int(step != 1)
    return difference / total if total > 0.0 else math.inf
