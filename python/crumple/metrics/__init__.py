"""Numbers that judge a signal. They need no run: numpy arrays in, numbers out.

Every function takes samples at a fixed period [s], the first at t = 0, and raises MetricError on input from
which it cannot be computed. A result that has a time or a window carries it, and is a float:

    >>> import numpy as np
    >>> head = 80 * np.sin(np.pi * np.arange(301) / 300)  # half-sine, 80 g, 30 ms
    >>> h = hic15(head, 1e-4)
    >>> f"{h:.0f} from {h.t1 * 1e3:.1f} to {h.t2 * 1e3:.1f} ms"
    '660 from 7.5 to 22.5 ms'

Figures of one moment, tables and bands are modules of their own: `traffic` (time to collision, ...), `contact` (ISO/TS
15066), `euro_ncap` and `crash_protection` (bands, points, limits), `risk` (AIS), `running` (forms that take one
sample a step, for plugins). `registry` lists the metrics that a scene can name; so does `crumple metrics`.
"""

from __future__ import annotations

from crumple.metrics.airbag import fire_margin, free_flight_time, required_fire_time
from crumple.metrics.barrier import (
    acceleration_severity_index,
    occupant_impact_velocity,
    ridedown,
    theoretical_head_impact_velocity,
)
from crumple.metrics.chest import chest_deflection, thoracic_trauma_index, viscous_criterion
from crumple.metrics.clip import Clip, clip_3ms
from crumple.metrics.energy import energy_closure
from crumple.metrics.extremes import (
    abs_maximum,
    delta_v,
    final,
    first_nonzero,
    first_time,
    maximum,
    mean,
    minimum,
    resultant,
    value_at,
)
from crumple.metrics.filters import (
    ISO_6487,
    SAE_J211,
    CfcCoefficients,
    cfc,
    cfc_coefficients,
    cfc_forward,
)
from crumple.metrics.head import Hic, hic, hic15, hic36
from crumple.metrics.neck import Nij, nij, occipital_moment
from crumple.metrics.occupant import Olc, olc, olc_from_acceleration
from crumple.metrics.rating import Rating, iso18571
from crumple.metrics.rotation import bric
from crumple.metrics.signal import MetricError, Peak, Windowed

__all__ = [
    "ISO_6487",
    "SAE_J211",
    "CfcCoefficients",
    "Clip",
    "Hic",
    "MetricError",
    "Nij",
    "Olc",
    "Peak",
    "Rating",
    "Windowed",
    "abs_maximum",
    "acceleration_severity_index",
    "bric",
    "cfc",
    "cfc_coefficients",
    "cfc_forward",
    "chest_deflection",
    "clip_3ms",
    "delta_v",
    "energy_closure",
    "final",
    "fire_margin",
    "first_nonzero",
    "first_time",
    "free_flight_time",
    "hic",
    "hic15",
    "hic36",
    "iso18571",
    "maximum",
    "mean",
    "minimum",
    "nij",
    "occipital_moment",
    "occupant_impact_velocity",
    "olc",
    "olc_from_acceleration",
    "required_fire_time",
    "resultant",
    "ridedown",
    "theoretical_head_impact_velocity",
    "thoracic_trauma_index",
    "value_at",
    "viscous_criterion",
]
