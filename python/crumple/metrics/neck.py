"""Injury criteria of the neck: Nij from axial force and bending moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from crumple.metrics.signal import MetricError, Peak, Signal, as_period, as_signal, sample_time

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class NeckIntercepts:
    """The loads at which Nij becomes one: tension, compression [N], flexion, extension [N m], all above 0."""

    tension: float
    compression: float
    flexion: float
    extension: float


INTERCEPTS: Mapping[str, NeckIntercepts] = MappingProxyType(
    {
        "h3_50m": NeckIntercepts(6806.0, 6160.0, 310.0, 135.0),
        "h3_05f": NeckIntercepts(4287.0, 3880.0, 155.0, 67.0),
        "thor_50m": NeckIntercepts(4200.0, 6400.0, 88.1, 117.0),
    }
)  # FMVSS 208 S6.6 for the Hybrid III; THOR: US NCAP proposal, as listed in the Safety Companion 2023

UPPER_LOAD_CELL = 0.01778  # [m] above the occipital condyles, Hybrid III 50th male. UNVERIFIED


@dataclass(frozen=True, eq=False)
class Nij(Peak):
    """The largest Nij, when it was reached, and `mode`: "tension-flexion", "tension-extension", ...

    It is a float, and compares as one.
    """

    mode: str

    def __new__(cls, value: float, t: float, mode: str) -> Nij:
        return float.__new__(cls, value)

    def __getnewargs__(self) -> Any:
        return self.value, self.t, self.mode


def nij_signal(force_z: ArrayLike, moment_y: ArrayLike, dummy: str) -> Signal:
    """Nij at every sample, (n,): |Fz| / Fzc + |My| / Myc with the intercepts of the sign at that moment.

    force_z: (n,) axial force of the neck [N], tension positive (CFC 600).
    moment_y: (n,) bending moment about the occipital condyles [N m], flexion positive (CFC 600), see
    `occipital_moment`.   dummy: one of `INTERCEPTS`.
    Raises MetricError for an unknown dummy and for signals that are bad or of different lengths.
    Source: FMVSS 208 S6.6; intercepts in position, limit 1.0.
    """
    if dummy not in INTERCEPTS:
        raise MetricError(f"'{dummy}' has no neck intercepts. There are: {', '.join(INTERCEPTS)}.")
    limits = INTERCEPTS[dummy]
    force, moment = as_signal(force_z, name="force_z"), as_signal(moment_y, name="moment_y")
    if len(force) != len(moment):
        raise MetricError(f"force_z has {len(force)} samples and moment_y {len(moment)}; Nij needs as many.")
    axial = np.abs(force) / np.where(force >= 0.0, limits.tension, limits.compression)
    bending = np.abs(moment) / np.where(moment >= 0.0, limits.flexion, limits.extension)
    return np.asarray(axial + bending, dtype=np.float64)


def nij(force_z: ArrayLike, moment_y: ArrayLike, period: float, *, dummy: str) -> Nij:
    """The largest Nij, when, and in which of its four modes. Arguments and errors as for `nij_signal`."""
    values = nij_signal(force_z, moment_y, dummy)
    k = int(values.argmax())
    axial = "tension" if np.asarray(force_z)[k] >= 0.0 else "compression"
    bending = "flexion" if np.asarray(moment_y)[k] >= 0.0 else "extension"
    return Nij(float(values[k]), sample_time(k, as_period(period)), f"{axial}-{bending}")


def occipital_moment(moment_y: ArrayLike, force_x: ArrayLike, *, arm: float = UPPER_LOAD_CELL) -> Signal:
    """Moment about the occipital condyles (n,) [N m] from what the upper load cell measures: My - arm Fx.

    moment_y: (n,) [N m].   force_x: (n,) shear [N].   arm: [m]; the default is that of the Hybrid III 50th male,
    UNVERIFIED. Source: SAE J1733 sign convention.
    """
    moment, force = as_signal(moment_y, name="moment_y"), as_signal(force_x, name="force_x")
    if len(force) != len(moment):
        raise MetricError(
            f"moment_y has {len(moment)} samples and force_x {len(force)}; they must have as many."
        )
    return np.asarray(moment - arm * force, dtype=np.float64)
