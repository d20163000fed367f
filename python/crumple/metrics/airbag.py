"""When an airbag must fire: the 5-inch rule.

The bag should stand when the driver, unrestrained, has moved 5 inches in the cabin. It takes some 30 ms to fill, so
it must fire that much earlier.
Source: Huang 2002, Vehicle Crash Mechanics, 1.4.3 (127 mm and 30 ms).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crumple.metrics.signal import MetricError, as_period, as_positive, as_signal, integral

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

FIVE_INCHES = 0.127  # [m]
FILL_TIME = 0.030  # [s] from the firing to a bag that stands


def free_flight_time(velocity: ArrayLike, period: float, *, distance: float = FIVE_INCHES) -> float | None:
    """Time [s] at which an occupant that keeps the initial velocity has moved `distance` in the vehicle.

    velocity: (n,) of the vehicle [m/s], from before first contact, of either direction.   period: [s].
    The velocity is taken as linear between samples. None where the signal ends before.
    """
    v, period = as_signal(velocity, name="velocity", at_least=2), as_period(period)
    distance = as_positive(distance, name="distance")
    lost = (v[0] - v) * (1.0 if v[0] >= 0.0 else -1.0)
    travel = integral(lost, period)
    reached = np.flatnonzero(travel >= distance)
    if not len(reached):
        return None
    k = int(reached[0]) - 1
    rate, missing, growth = float(lost[k]), float(distance - travel[k]), float(lost[k + 1] - lost[k]) / period
    root = max(rate * rate + 2.0 * growth * missing, 0.0) ** 0.5
    return k * period + (2.0 * missing / (rate + root) if rate + root > 0.0 else period)


def required_fire_time(velocity: ArrayLike, period: float, *, fill_time: float = FILL_TIME) -> float | None:
    """Latest time [s] to fire by the 5-inch rule: 127 mm of free flight, less `fill_time` [s]; None without crash."""
    flight = free_flight_time(velocity, period)
    return None if flight is None else flight - fill_time


def fire_margin(
    fire: ArrayLike, velocity: ArrayLike, period: float, *, fill_time: float = FILL_TIME
) -> float:
    """How much earlier [s] than the 5-inch rule asks the airbag fired; negative where it was late.

    fire: (n,) of the controller, not zero once it fires.   velocity: (n,) of the vehicle [m/s].
    Minus infinity where it should have fired and did not. Raises MetricError where the crash was too soft or the
    signal too short for the rule to say anything.
    """
    fired = np.flatnonzero(as_signal(fire, name="fire") != 0.0)
    required = required_fire_time(velocity, period, fill_time=fill_time)
    if required is None:
        raise MetricError(
            "the occupant does not move 127 mm within the signal: the 5-inch rule asks for no airbag."
        )
    return required - int(fired[0]) * as_period(period) if len(fired) else -np.inf
