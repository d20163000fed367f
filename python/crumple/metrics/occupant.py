"""Occupant load criterion."""

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
    integral,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

STANDARD_GRAVITY = 9.80665  # [m/s^2]


@dataclass(frozen=True, eq=False)
class Olc(Windowed):
    """An occupant load criterion [g]; the restraint acts from `t1` to `t2` [s] after the first sample.

    It is a float, and compares as one.
    """


def olc(velocity: ArrayLike, period: float, *, free_flight: float = 0.065, stop: float = 0.300) -> Olc:
    """The constant deceleration [g] that an ideal restraint would put on an occupant in this crash.

    velocity: (n,) forward velocity of the vehicle [m/s], starting at or before first contact; it may be
    negative throughout where the vehicle drives backwards.   period: [s]. The occupant keeps the initial
    velocity until it has moved `free_flight` [m] in the vehicle (t1). A constant deceleration then brings
    it to the vehicle's velocity just when it has moved `stop` [m] (t2). The velocity is taken as linear
    between samples, and t1 and t2 are solved for exactly.
    Raises MetricError where the signal ends before t2 (a soft or short crash), and for bad input.
    Source: Kuebler et al. 2008 (doubly linear occupant motion, 65 mm and 235 mm).
    """
    v = as_signal(velocity, name="velocity", at_least=2)
    period = as_period(period)
    free_flight = as_positive(free_flight, name="free_flight")
    if not free_flight < stop < math.inf:
        raise MetricError(f"stop is {stop!r}; it must exceed free_flight, which is {free_flight:g} m.")
    lost = (v[0] - v) * math.copysign(1.0, v[0])  # velocity lost since the start
    travel = integral(lost, period)  # of an occupant in free flight, within the vehicle
    t1 = _free_flight_end(lost, travel, period, free_flight)
    # with OLC = lost(t2) / (t2 - t1), the occupant's travel is travel - OLC (t2 - t1)^2 / 2
    time = np.arange(len(v)) * period
    beyond = travel - 0.5 * lost * (time - t1) - stop  # linear between samples, since `lost` is
    reached = np.flatnonzero((beyond >= 0.0) & (time > t1))
    if not len(reached):
        raise MetricError(_unreached(float((beyond + stop).max()), "restrained", stop, period, len(v)))
    k = int(reached[0])
    share = 1.0 if beyond[k] == beyond[k - 1] else -beyond[k - 1] / (beyond[k] - beyond[k - 1])
    t2 = float(time[k - 1] + share * period)
    lost_t2 = float(lost[k - 1] + share * (lost[k] - lost[k - 1]))
    return Olc(lost_t2 / (t2 - t1) / STANDARD_GRAVITY, t1, t2)


def olc_from_acceleration(
    acceleration: ArrayLike,
    period: float,
    *,
    speed: float = 0.0,
    free_flight: float = 0.065,
    stop: float = 0.300,
) -> Olc:
    """The same as `olc` from the vehicle's acceleration (n,) [m/s^2], negative while it brakes.

    speed: [m/s] at the first sample; only its sign matters, since the criterion depends on velocity lost.
    """
    a = as_signal(acceleration, name="acceleration", at_least=2)
    return olc(speed + integral(a, as_period(period)), period, free_flight=free_flight, stop=stop)


def _free_flight_end(lost: Signal, travel: Signal, period: float, distance: float) -> float:
    """The time [s] at which `travel`, a parabola between samples, reaches `distance` [m]."""
    reached = np.flatnonzero(travel >= distance)
    if not len(reached):
        raise MetricError(_unreached(float(travel.max()), "free-flying", distance, period, len(lost)))
    k = int(reached[0]) - 1  # travel[0] is 0, so k >= 0
    rate, missing = float(lost[k]), float(distance - travel[k])
    growth = float(lost[k + 1] - lost[k]) / period
    root = math.sqrt(max(rate * rate + 2.0 * growth * missing, 0.0))
    return k * period + (2.0 * missing / (rate + root) if rate + root > 0.0 else period)


def _unreached(travel: float, occupant: str, distance: float, period: float, samples: int) -> str:
    return (
        f"The {occupant} occupant moves {travel * 1e3:.0f} mm of the {distance * 1e3:.0f} mm "
        f"within the {(samples - 1) * period * 1e3:.0f} ms of the signal; OLC needs a harder or longer one."
    )
