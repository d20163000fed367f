"""Numbers that judge a signal. They need no run: numpy arrays in, numbers out.

Every function takes samples at a fixed period [s], the first at t = 0, and raises MetricError on input from
which it cannot be computed. A result that has a time or a window carries it, and is a float:

    >>> import numpy as np
    >>> head = 80 * np.sin(np.pi * np.arange(301) / 300)  # half-sine, 80 g, 30 ms
    >>> h = hic15(head, 1e-4)
    >>> f"{h:.0f} from {h.t1 * 1e3:.1f} to {h.t2 * 1e3:.1f} ms"
    '660 from 7.5 to 22.5 ms'

`crumple.metrics.registry` lists the metrics that a scene can name.
"""

from __future__ import annotations

from crumple.metrics.clip import Clip, clip_3ms
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
from crumple.metrics.occupant import Olc, olc, olc_from_acceleration
from crumple.metrics.signal import MetricError, Peak, Windowed

__all__ = [
    "ISO_6487",
    "SAE_J211",
    "CfcCoefficients",
    "Clip",
    "Hic",
    "MetricError",
    "Olc",
    "Peak",
    "Windowed",
    "abs_maximum",
    "cfc",
    "cfc_coefficients",
    "cfc_forward",
    "clip_3ms",
    "delta_v",
    "final",
    "first_nonzero",
    "first_time",
    "hic",
    "hic15",
    "hic36",
    "maximum",
    "mean",
    "minimum",
    "olc",
    "olc_from_acceleration",
    "resultant",
]
