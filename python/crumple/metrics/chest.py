"""Injury criteria of the chest: deflection, viscous criterion, thoracic trauma index."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from crumple.metrics.signal import MetricError, Peak, Signal, as_period, as_signal, sample_time

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# dummy: (scaling factor, deformation constant [m]: depth or half width of the thorax)
VISCOUS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "h3_50m": (1.3, 0.229),
        "h3_05f": (1.3, 0.187),
        "h3_95m": (1.3, 0.254),
        "worldsid_50m": (1.0, 0.170),
        "es2": (1.0, 0.140),
        "sid_iis": (1.0, 0.138),
    }
)  # SAE J1727, UN R94 and R95, Euro NCAP TB 021

_AROUND = 2  # samples on each side that the derivative takes


def chest_deflection(deflection: ArrayLike, period: float) -> Peak:
    """The largest compression of the chest, of either sign convention, in the unit of (n,), and when.

    Source: UN R94, FMVSS 208 (filter it to CFC 600 before; UN R94 asks for CFC 180).
    """
    magnitude = np.abs(as_signal(deflection, name="deflection"))
    k = int(magnitude.argmax())
    return Peak(float(magnitude[k]), sample_time(k, as_period(period)))


def viscous_signal(deflection: ArrayLike, period: float, dummy: str) -> Signal:
    """V C at every sample, (n,) [m/s]: s V D / Dc, compression velocity times compression.

    deflection: (n,) of the chest or rib [m], n >= 5, either sign.   period: [s].   dummy: one of `VISCOUS`.
    V is the fourth-order central difference (8 (D[i+1] - D[i-1]) - (D[i+2] - D[i-2])) / (12 dt); the first and
    last two samples have none, and are 0. Positive while the chest is being compressed.
    Raises MetricError for an unknown dummy and a bad or too short signal.
    Source: Lau and Viano 1986; SAE J1727; UN R94 annex 4.
    """
    if dummy not in VISCOUS:
        raise MetricError(f"'{dummy}' has no viscous constants. There are: {', '.join(VISCOUS)}.")
    scale, depth = VISCOUS[dummy]
    d = as_signal(deflection, name="deflection", at_least=2 * _AROUND + 1)
    velocity = np.zeros_like(d)
    velocity[2:-2] = (8.0 * (d[3:-1] - d[1:-3]) - (d[4:] - d[:-4])) / (12.0 * as_period(period))
    return np.asarray(scale * velocity * d / depth, dtype=np.float64)


def viscous_criterion(deflection: ArrayLike, period: float, *, dummy: str) -> Peak:
    """The viscous criterion [m/s], the largest V C, and when. Limit 1.0. Arguments as for `viscous_signal`."""
    vc = viscous_signal(deflection, period, dummy)
    k = int(vc.argmax())
    return Peak(float(vc[k]), sample_time(k, as_period(period)))


def thoracic_trauma_index(rib: ArrayLike, spine: ArrayLike, *, age: float | None = None) -> float:
    """TTI(d) [g]: the mean of the peaks of the struck side's ribs and of the lower spine.

    rib: (n,) or (n, k) lateral acceleration of the ribs [g]; the largest of them counts.
    spine: (n,) lateral acceleration of the lower spine T12 [g].
    age: [years] adds 1.4 g a year, the form for cadavers; UNVERIFIED.
    Limits of FMVSS 214, 85 g (four doors) and 90 g (two doors): UNVERIFIED.
    Source: Eppinger, Marcus and Morgan 1984; FMVSS 214 S6.
    """
    ribs = np.asarray(rib, dtype=np.float64)
    columns = ribs.T if ribs.ndim == 2 else [ribs]
    largest = max(float(np.abs(as_signal(column, name="rib")).max()) for column in columns)
    index = 0.5 * (largest + float(np.abs(as_signal(spine, name="spine")).max()))
    return index if age is None else index + 1.4 * age
