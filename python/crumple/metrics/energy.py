"""Energy closure: what went in came out, or is still there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crumple.metrics.signal import MetricError, Peak, as_period, as_signal, sample_time

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def energy_closure(put_in: ArrayLike, *found: ArrayLike, period: float) -> Peak:
    """The largest imbalance of an energy account, relative to the largest energy put in [1], and when.

    put_in: (n,) energy that entered or was lost by motion.   found: (n,) each, where it went: stored, absorbed,
    given away. All in one unit. max |put_in - sum(found)| / max |put_in|.
    Raises MetricError where nothing was put in: then there is nothing to compare with.
    Source: first law of thermodynamics; crash models are usually asked for 1 % to 5 %.
    """
    given = as_signal(put_in, name="put_in")
    balance = given.copy()
    for number, each in enumerate(found):
        part = as_signal(each, name=f"found {number + 1}")
        if len(part) != len(given):
            raise MetricError(f"energies have {len(given)} and {len(part)} samples; they must have as many.")
        balance -= part
    most = float(np.abs(given).max())
    if most == 0.0:
        raise MetricError("no energy was put in: there is nothing to compare with.")
    k = int(np.abs(balance).argmax())
    return Peak(float(abs(balance[k])) / most, sample_time(k, as_period(period)))
