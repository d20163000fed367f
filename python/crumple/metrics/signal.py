"""What every metric shares: the check of its input, and numbers that know when they were reached."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crumple.errors import CrumpleError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Signal = NDArray[np.float64]  # (n,) samples, one a period
else:
    Signal = np.ndarray  # numpy.typing is slow to import

_LARGEST = 1e100


class MetricError(CrumpleError, ValueError):
    """A signal, period or setting from which a metric cannot be computed."""


@dataclass(frozen=True, eq=False)
class Peak(float):
    """A number and the time at which it was reached. It is a float, and compares as one: `t` plays no part.

    value: in the unit of the signal.   t: [s] after the first sample.
    """

    value: float
    t: float

    def __new__(cls, value: float, t: float) -> Peak:
        return super().__new__(cls, value)

    def __getnewargs__(self) -> Any:
        return self.value, self.t


@dataclass(frozen=True, eq=False)
class Windowed(float):
    """A number and the window it was taken from. It is a float and compares as one: the window plays no part.

    t1, t2: [s] after the first sample.
    """

    value: float
    t1: float
    t2: float

    def __new__(cls, value: float, t1: float, t2: float) -> Windowed:
        return super().__new__(cls, value)

    def __getnewargs__(self) -> Any:
        return self.value, self.t1, self.t2

    @property
    def window(self) -> tuple[float, float]:
        """(t1, t2)."""
        return self.t1, self.t2


def as_signal(values: ArrayLike, *, name: str = "signal", at_least: int = 1) -> Signal:
    """`values` as (n,) doubles. Raises MetricError unless they are 1-D, finite, and `at_least` many.

    Beyond 1e100 no sample is physical, and its powers and sums would overflow: refused as well.
    """
    try:
        signal = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise MetricError(f"{name} does not consist of numbers: {error}") from None
    if signal.ndim != 1:
        hint = f" Choose one element a sample, as in {name}[:, 0]." if signal.ndim > 1 else ""
        raise MetricError(f"{name} has shape {signal.shape}; one sample a period is wanted.{hint}")
    if len(signal) < at_least:
        raise MetricError(f"{name} has {len(signal)} samples; at least {at_least} are needed.")
    usable = np.abs(signal) < _LARGEST  # False for NaN too
    if not usable.all():
        first = int(np.argmin(usable))
        more = int(len(signal) - np.count_nonzero(usable)) - 1
        others = f" (and {more} more)" if more else ""
        wanted = f"every sample must be a finite number below {_LARGEST:g}."
        raise MetricError(f"{name}[{first}] is {signal[first]}{others}; {wanted}")
    return signal


def as_period(period: float) -> float:
    """The sampling period [s]. Raises MetricError unless it is finite and above zero."""
    return as_positive(period, name="period")


def as_positive(value: float, *, name: str) -> float:
    """A finite number above zero. Raises MetricError for anything else."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0.0 < number < math.inf:
        raise MetricError(f"{name} is {value!r}; it must be a number above 0.")
    return number


def sample_time(index: int, period: float) -> float:
    """The time [s] of a sample: index * period to 15 digits, which rids it of the noise of the product."""
    return float(f"{index * period:.15g}")


def integral(signal: Signal, period: float) -> Signal:
    """Running integral by the trapezoidal rule, (n,), zero at the first sample."""
    total = np.zeros_like(signal)
    np.cumsum((signal[1:] + signal[:-1]) * (0.5 * period), out=total[1:])
    return total
