"""Surrogate measures of safety in traffic: how near, and in how much time, two road users come to a collision.

Each function takes the numbers of one moment, plain floats, so that a plugin can call it every step; the metrics
of the same names apply it to whole signals. Lengths in m, speeds in m/s, accelerations in m/s^2, times in s.

Signs: a gap is the free distance between the two, bumper to bumper, and not positive once they touch. A closing
speed is positive while the gap shrinks, a closing acceleration positive while the closing speed grows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from crumple.metrics.signal import MetricError, Peak, Signal, as_period, as_signal, sample_time

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

NEVER = math.inf  # [s] of a collision that is not on the way


def time_to_collision(gap: float, closing_speed: float) -> float:
    """Time [s] until the gap [m] is closed at the present closing speed [m/s]: gap / closing speed.

    0 where they touch already, infinite where the gap does not shrink.
    Source: Hayward 1972, Near-miss determination through use of a scale of danger.
    """
    if gap <= 0.0:
        return 0.0
    return gap / closing_speed if closing_speed > 0.0 else NEVER


def enhanced_time_to_collision(gap: float, closing_speed: float, closing_acceleration: float) -> float:
    """Time [s] until the gap [m] is closed if the closing acceleration [m/s^2] stays as it is.

    The smallest root t >= 0 of gap - v t - a t^2 / 2 = 0, in a form that loses no digits: 2 gap / (v + w) with
    w = sqrt(v^2 + 2 a gap). 0 where they touch already, infinite where they never will.
    It takes a braking vehicle to go on into reverse: below a standstill it is no forecast.
    Source: ISO 15623:2013 (enhanced time to collision), uniform acceleration.
    """
    if gap <= 0.0:
        return 0.0
    discriminant = closing_speed * closing_speed + 2.0 * closing_acceleration * gap
    if discriminant < 0.0:
        return NEVER
    rate = closing_speed + math.sqrt(discriminant)
    return 2.0 * gap / rate if rate > 0.0 else NEVER


def post_encroachment_time(first_leaves: float, second_enters: float) -> float:
    """Time [s] between the moment the first road user leaves the conflict zone and the second enters it.

    first_leaves, second_enters: [s] on one clock. Negative where the second came before the first had left: they
    were in the zone at once.
    Source: Allen, Shin and Cooper 1978, Analysis of traffic conflicts and collisions.
    """
    return second_enters - first_leaves


def deceleration_to_avoid(gap: float, closing_speed: float) -> float:
    """Deceleration rate to avoid a crash (DRAC) [m/s^2]: closing speed^2 / (2 gap).

    What the follower must brake with, at once and evenly, for the closing speed to vanish as the gap does.
    0 where the gap does not shrink, infinite where they touch and still close.
    Source: Cooper and Ferguson 1976, Traffic studies at T-junctions.
    """
    if closing_speed <= 0.0:
        return 0.0
    return closing_speed * closing_speed / (2.0 * gap) if gap > 0.0 else math.inf


def time_headway(gap: float, speed: float) -> float:
    """Time [s] in which the follower, at its own speed [m/s], drives the gap [m]; infinite at a standstill.

    With the gap from bumper to bumper this is the time gap of ISO 15622; with the distance from front to front,
    the headway of traffic engineering.
    Source: ISO 15622:2018 (time gap); Highway Capacity Manual (headway).
    """
    if gap <= 0.0:
        return 0.0
    return gap / speed if speed > 0.0 else NEVER


def stopping_distance(
    speed: float, *, deceleration: float, dead_time: float = 0.0, ramp_time: float = 0.0
) -> float:
    """Distance [m] to a standstill: nothing happens for `dead_time`, then braking builds up over `ramp_time`.

    speed: [m/s], >= 0.   deceleration: [m/s^2] reached at the end of the ramp, > 0.   times: [s], >= 0.
    With a ramp that ends before the vehicle stands: v td + v tr / 2 + v^2 / (2 a) - a tr^2 / 24; else the vehicle
    stands within the ramp, after v td + (2 / 3) v sqrt(2 v tr / a).
    Raises MetricError outside these ranges.
    Source: uniform jerk, then uniform deceleration, integrated exactly.
    """
    if not deceleration > 0.0:
        raise MetricError(f"deceleration is {deceleration!r} m/s^2; it must be above 0.")
    for name, value in (("speed", speed), ("dead_time", dead_time), ("ramp_time", ramp_time)):
        if not 0.0 <= value < math.inf:
            raise MetricError(f"{name} is {value!r}; it must be a number of at least 0.")
    rolled = speed * dead_time
    if speed <= 0.5 * deceleration * ramp_time:
        return rolled + 2.0 / 3.0 * speed * math.sqrt(2.0 * speed * ramp_time / deceleration)
    ramp = 0.5 * speed * ramp_time - deceleration * ramp_time * ramp_time / 24.0
    return rolled + ramp + speed * speed / (2.0 * deceleration)


def last_brake_time(
    speed: float, *, deceleration: float, dead_time: float = 0.0, ramp_time: float = 0.0
) -> float:
    """The time to collision [s] with a standing target at which braking must be triggered to avoid it.

    `stopping_distance` over the speed [m/s], which must be above 0; other arguments and errors as there.
    50 km/h with 0.1 s dead time, 0.3 s ramp and 9 m/s^2: 1.0192 s.
    """
    if not speed > 0.0:
        raise MetricError(f"speed is {speed!r} m/s; it must be above 0.")
    distance = stopping_distance(speed, deceleration=deceleration, dead_time=dead_time, ramp_time=ramp_time)
    return distance / speed


# ---- on signals

LONGEST = 1000.0  # [s] at which a signal of times ends, since a signal has no infinity
STRONGEST = 1000.0  # [m/s^2] at which a signal of decelerations ends


def each(measure: Callable[..., float], *signals: ArrayLike, most: float = math.inf) -> Signal:
    """A measure of this module applied to every sample of signals (n,), cut off at `most`. Returns (n,).

    Raises MetricError for bad signals and for different lengths.
    """
    columns = [as_signal(s, name=f"signal {i + 1}") for i, s in enumerate(signals)]
    if len({len(column) for column in columns}) > 1:
        raise MetricError(
            f"signals have {[len(column) for column in columns]} samples; they must have as many."
        )
    values = map(measure, *(column.tolist() for column in columns))
    return np.minimum(np.fromiter(values, dtype=np.float64, count=len(columns[0])), most)


def smallest(measure: Callable[..., float], *signals: ArrayLike, period: float) -> Peak | None:
    """The smallest value of a measure over signals (n,), and when; None where it was infinite throughout."""
    values = each(measure, *signals)
    k = int(values.argmin())
    return Peak(float(values[k]), sample_time(k, as_period(period))) if math.isfinite(values[k]) else None


def largest_deceleration(gap: ArrayLike, closing_speed: ArrayLike, period: float) -> Peak:
    """The largest DRAC [m/s^2] while the gap was open, and when. See `deceleration_to_avoid`."""
    values = each(deceleration_to_avoid, gap, closing_speed)
    values[np.asarray(gap) <= 0.0] = 0.0
    k = int(values.argmax())
    return Peak(float(values[k]), sample_time(k, as_period(period)))


def encroachment(first: ArrayLike, second: ArrayLike, period: float) -> Peak | None:
    """Post-encroachment time [s] from two signals that are not zero while a road user is in the conflict zone.

    first, second: (n,), in any order: who enters first counts as the first. From the moment it leaves, which is
    the first sample outside, to the moment the other enters, negative where both were inside at once; and when the
    other entered. None where one never enters, or the first never leaves.
    """
    inside = [as_signal(s) != 0.0 for s in (first, second)]
    if not (inside[0].any() and inside[1].any()):
        return None
    entered = [int(s.argmax()) for s in inside]
    early = 0 if entered[0] <= entered[1] else 1
    outside = np.flatnonzero(~inside[early][entered[early] :])
    if not len(outside):
        return None
    period, enters = as_period(period), entered[1 - early]
    left = entered[early] + int(outside[0])
    return Peak(post_encroachment_time(left * period, enters * period), sample_time(enters, period))
