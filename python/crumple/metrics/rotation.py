"""Brain injury criterion: what the rotation of the head does."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from crumple.metrics.signal import MetricError, as_signal

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# Critical angular velocities about x, y, z [rad/s]: for strain measures CSDM and MPS, and their average
CRITICAL: Mapping[str, tuple[float, float, float]] = MappingProxyType(
    {
        "average": (66.25, 56.45, 42.87),
        "mps": (66.30, 53.80, 41.50),
        "csdm": (66.20, 59.10, 44.25),
    }
)


def bric(rate_x: ArrayLike, rate_y: ArrayLike, rate_z: ArrayLike, *, critical: str = "average") -> float:
    """BrIC [1]: root of the sum of squares of each axis' largest angular velocity over its critical one.

    rate_x, rate_y, rate_z: (n,) angular velocities of the head [rad/s] (CFC 60). The three peaks need not be
    reached at the same time.   critical: one of `CRITICAL`.
    A sensor that reached the end of its range makes it too small: look at the rates first.
    Raises MetricError for an unknown set and bad signals.
    Source: Takhounts et al. 2013, Stapp Car Crash Journal 57.
    """
    if critical not in CRITICAL:
        raise MetricError(f"'{critical}' are no critical values. There are: {', '.join(CRITICAL)}.")
    rates = [
        as_signal(rate, name=f"rate_{axis}")
        for axis, rate in zip("xyz", (rate_x, rate_y, rate_z), strict=True)
    ]
    shares = [float(np.abs(r).max()) / c for r, c in zip(rates, CRITICAL[critical], strict=True)]
    return math.hypot(*shares)
