"""Severity of an impact on road restraint systems: ASI, THIV, occupant impact velocity and ridedown.

Sources: EN 1317-1:2010 (ASI, THIV); MASH 2016 appendix A (OIV, ridedown). The constants are UNVERIFIED: limits,
ASI 1.0, 1.4 and 1.9 for classes A, B and C; OIV 9.1 and 12.2 m/s, ridedown 15 and 20.49 g (preferred, maximum).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crumple.metrics.extremes import resultant
from crumple.metrics.occupant import STANDARD_GRAVITY
from crumple.metrics.signal import (
    MetricError,
    Peak,
    Signal,
    Windowed,
    as_period,
    as_positive,
    as_signal,
    integral,
    sample_time,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

ASI_LIMITS = (12.0, 9.0, 10.0)  # [g] forward, sideways, upward
ASI_WINDOW = 0.050  # [s]
RIDEDOWN_WINDOW = 0.010  # [s]
FORWARD, SIDEWAYS = 0.6, 0.3  # [m] of free flight until the head meets the interior


def moving_average(signal: ArrayLike, period: float, window: float) -> Signal:
    """Mean over every stretch of `window` seconds, (n - window / period,), each at its beginning.

    The integral is trapezoidal. Raises MetricError where the signal is shorter than the window.
    """
    x, period = as_signal(signal, at_least=2), as_period(period)
    width = round(as_positive(window, name="window") / period)
    if not 1 <= width < len(x):
        raise MetricError(f"A mean over {window:g} s needs a longer signal than {(len(x) - 1) * period:g} s.")
    total = integral(x, period)
    return np.asarray((total[width:] - total[:-width]) / (width * period), dtype=np.float64)


def acceleration_severity_index(
    acceleration_x: ArrayLike,
    acceleration_y: ArrayLike | None = None,
    acceleration_z: ArrayLike | None = None,
    *,
    period: float,
) -> Windowed:
    """ASI [1]: the largest root of (ax / 12)^2 + (ay / 9)^2 + (az / 10)^2 of means over 50 ms, and its window.

    Accelerations: (n,) [g] near the centre of mass of the vehicle, in its axes; those not given are 0.
    Source: EN 1317-1:2010, 7.
    """
    terms = []
    for axis, limit in zip((acceleration_x, acceleration_y, acceleration_z), ASI_LIMITS, strict=True):
        if axis is not None:
            terms.append(moving_average(axis, period, ASI_WINDOW) / limit)
    index = resultant(*terms)
    k = int(index.argmax())
    return Windowed(
        float(index[k]), sample_time(k, period), sample_time(k + round(ASI_WINDOW / period), period)
    )


@dataclass(frozen=True, slots=True)
class Flight:
    """The free flight of a point through the cabin, in the vehicle's axes.

    t: [s] of the contact with the interior.   sample: first sample at or after it.
    forward, sideways: velocity [m/s] relative to the vehicle at t.
    """

    t: float
    sample: int
    forward: float
    sideways: float

    @property
    def speed(self) -> float:
        """Resultant [m/s]."""
        return math.hypot(self.forward, self.sideways)


def flail(
    acceleration_x: ArrayLike,
    acceleration_y: ArrayLike | None = None,
    yaw_rate: ArrayLike | None = None,
    *,
    period: float,
) -> Flight | None:
    """Free flight of an occupant until it has moved 0.6 m forward or backward, or 0.3 m sideways.

    acceleration_x, acceleration_y: (n,) of the vehicle [m/s^2], in its axes.   yaw_rate: (n,) [rad/s]. What is not
    given is 0. The point keeps the velocity that the vehicle had at the first sample; velocity and travel are
    integrated by the trapezoidal rule, and the moment is interpolated between samples.
    None where it does not come that far.
    """
    ax, period = as_signal(acceleration_x, name="acceleration_x", at_least=2), as_period(period)
    ay, rate = (np.zeros_like(ax) if s is None else as_signal(s) for s in (acceleration_y, yaw_rate))
    if not len(ax) == len(ay) == len(rate):
        raise MetricError("accelerations and yaw rate must have as many samples.")
    yaw = integral(rate, period)
    cos, sin = np.cos(yaw), np.sin(yaw)
    # relative to the vehicle but in axes that do not turn; the vehicle's acceleration counts negative
    vx = -integral(np.asarray(ax * cos - ay * sin), period)
    vy = -integral(np.asarray(ax * sin + ay * cos), period)
    dx, dy = integral(vx, period), integral(vy, period)
    x, y = dx * cos + dy * sin, dy * cos - dx * sin
    forward, sideways = vx * cos + vy * sin + rate * y, vy * cos - vx * sin - rate * x
    share = np.maximum(np.abs(x) / FORWARD, np.abs(y) / SIDEWAYS)
    reached = np.flatnonzero(share >= 1.0)
    if not len(reached):
        return None
    k = int(reached[0])
    part = float((1.0 - share[k - 1]) / (share[k] - share[k - 1]))

    def between(s: Signal) -> float:
        return float(s[k - 1] + part * (s[k] - s[k - 1]))

    return Flight((k - 1 + part) * period, k, between(forward), between(sideways))


def theoretical_head_impact_velocity(*axes: ArrayLike, period: float) -> Peak | None:
    """THIV [m/s]: resultant velocity at which a free head meets the interior, and when; arguments as for `flail`.

    The head starts at the measured point, not 0.3 m ahead of it: with much yaw the standard differs a little.
    None where it never meets it. Source: EN 1317-1:2010, 8. Limit 33 km/h, UNVERIFIED.
    """
    flight = flail(*axes, period=period)
    return None if flight is None else Peak(flight.speed, flight.t)


def occupant_impact_velocity(*axes: ArrayLike, period: float) -> Peak | None:
    """OIV [m/s]: the larger of the forward and sideways velocities at the contact, and when; see `flail`.

    None where there is no contact. Source: MASH 2016, appendix A (flail space 0.6 m and 0.3 m).
    """
    flight = flail(*axes, period=period)
    return None if flight is None else Peak(max(abs(flight.forward), abs(flight.sideways)), flight.t)


def ridedown(*axes: ArrayLike, period: float) -> Windowed:
    """Ridedown acceleration [g]: the largest mean over 10 ms along one axis after the contact; see `flail`.

    0 where there was no contact, or where the signal ends within 10 ms of it.
    Source: MASH 2016, appendix A.
    """
    flight = flail(*axes, period=period)
    best = Windowed(0.0, 0.0, 0.0)
    width = round(RIDEDOWN_WINDOW / period)
    for axis in axes[:2]:
        after = as_signal(axis)[flight.sample :] if flight is not None else np.zeros(0)
        if flight is None or len(after) <= width:
            continue
        means = np.abs(moving_average(after, period, RIDEDOWN_WINDOW)) / STANDARD_GRAVITY
        k = int(means.argmax())
        if means[k] > best.value:
            first = flight.sample + k
            best = Windowed(float(means[k]), sample_time(first, period), sample_time(first + width, period))
    return best
