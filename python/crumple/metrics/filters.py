"""Channel frequency class filters of SAE J211-1 and ISO 6487."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crumple.metrics.signal import MetricError, Signal, as_period, as_positive, as_signal

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

SAE_J211 = 2.0775  # corner of one pass, in units of the class: two passes then give -3 dB at class / 0.6
ISO_6487 = 1.25 * 5.0 / 3.0  # the same as ISO 6487 writes it; 0.3 % apart

_SAMPLES_PER_CLASS = 10.0  # J211: at least ten samples per period of the class frequency
_START = 10  # samples whose mean starts a pass
_PAD_SECONDS, _PAD_SAMPLES = 0.01, 100


class CfcCoefficients(NamedTuple):
    """y[n] = a0 x[n] + a1 x[n-1] + a2 x[n-2] + b1 y[n-1] + b2 y[n-2]."""

    a0: float
    a1: float
    a2: float
    b1: float
    b2: float


def cfc_coefficients(cfc_class: float, period: float, *, corner: float = SAE_J211) -> CfcCoefficients:
    """Coefficients of one 2-pole Butterworth pass of class `cfc_class` [Hz] at sampling period `period` [s].

    corner: corner frequency of the pass over the class, `SAE_J211` or `ISO_6487`.
    Raises MetricError where the sampling rate is below ten times the class, which the standards ask for.
    Source: SAE J211-1, appendix C.
    """
    cfc_class, period = as_positive(cfc_class, name="cfc_class"), as_period(period)
    if period * cfc_class * _SAMPLES_PER_CLASS > 1 + 1e-9:
        raise MetricError(
            f"CFC {cfc_class:g} needs a sampling rate of at least {_SAMPLES_PER_CLASS * cfc_class:g} Hz; "
            f"the signal has {1 / period:g} Hz. Record it at a period of "
            f"{1e3 / cfc_class / _SAMPLES_PER_CLASS:.3g} ms or less, or filter to a lower class."
        )
    w = math.tan(math.pi * cfc_class * corner * period)
    d = 1 + math.sqrt(2) * w + w * w
    a0 = w * w / d
    return CfcCoefficients(a0, 2 * a0, a0, -2 * (w * w - 1) / d, (-1 + math.sqrt(2) * w - w * w) / d)


def cfc(signal: ArrayLike, period: float, cfc_class: float, *, corner: float = SAE_J211) -> Signal:
    """The signal filtered to a channel frequency class (60, 180, 600, 1000 or any other), at zero phase.

    signal: (n,), n >= 10, any unit.   period: [s].   Returns (n,), same unit.
    A 2-pole Butterworth filter runs forward and then backward: -0.454 dB at the class frequency, -3.010 dB at
    class / 0.6. A constant comes back exactly and a ramp keeps its slope.
    Start-up: both ends are extended by 10 ms (at least 100 samples, at most the signal) mirrored in the end
    point, and the first two results of a pass are the mean of its first ten inputs.
    Raises MetricError for a signal that is not finite or too short, and a sampling rate below ten times the
    class.
    Source: SAE J211-1, ISO 6487.
    """
    x = as_signal(signal, at_least=_START)
    coefficients = cfc_coefficients(cfc_class, period, corner=corner)
    pad = min(max(round(_PAD_SECONDS / period), _PAD_SAMPLES), len(x) - 1)
    level = x[0]  # filtered apart: the gain at 0 Hz is one only up to rounding
    padded = np.concatenate((2 * x[0] - x[pad:0:-1], x, 2 * x[-1] - x[-2 : -pad - 2 : -1])) - level
    for _ in range(2):  # forward, backward
        padded = _pass(padded, coefficients, start=float(padded[:_START].mean()))[::-1]
    return np.ascontiguousarray(padded[pad : pad + len(x)] + level)


def cfc_forward(signal: ArrayLike, period: float, cfc_class: float, *, corner: float = SAE_J211) -> Signal:
    """One forward pass of the filter: 2 poles, with phase shift, and each result made of past samples only.

    This is what hardware on a running signal can do. It is not the filter of the standards, whose two passes
    need the whole signal: its gain at class / 0.6 is -1.505 dB, and it lags. The filter starts at rest on the
    first sample. Arguments, result and errors as for `cfc`; n >= 1.
    """
    x = as_signal(signal)
    coefficients = cfc_coefficients(cfc_class, period, corner=corner)
    level = x[0]
    resting = np.concatenate(((0.0, 0.0), x - level))  # two samples of rest before the first
    return np.asarray(_pass(resting, coefficients, start=0.0)[2:] + level, dtype=np.float64)


def _pass(x: Signal, coefficients: CfcCoefficients, *, start: float) -> Signal:
    """The recursion over (n,) with its first two results given.

    A plain loop over Python floats: several times faster than indexing numpy arrays.
    """
    a0, a1, a2, b1, b2 = coefficients
    driven = a0 * x[2:] + a1 * x[1:-1] + a2 * x[:-2]
    before, last = start, start
    y = [start, start]
    for u in driven.tolist():
        before, last = last, u + b1 * last + b2 * before
        y.append(last)
    return np.array(y[: len(x)])
