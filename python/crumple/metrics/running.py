"""Metrics while a run goes on: one number a step in, the value so far out. For plugins and for live runs.

Each agrees with its counterpart on the whole signal after the last sample, except `RunningCfc`: a filter of the
standards runs over the signal twice, the second time backwards, which nobody can do on a running signal.

Their state is plain numbers and arrays: a unit that holds one is saved and restored with it.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from crumple.metrics.airbag import FIVE_INCHES
from crumple.metrics.filters import SAE_J211, cfc_coefficients
from crumple.metrics.signal import MetricError, as_period, as_positive


class RunningHic:
    """HIC so far: every step tries all windows that end now, so that a step costs window / period products.

    period: [s].   window: [s], 0.015 for HIC15.   value: [g^2.5 s].   t1, t2: its window [s] after the first sample.
    """

    def __init__(self, period: float, window: float = 0.015) -> None:
        self._period = as_period(period)
        count = math.floor(as_positive(window, name="window") / self._period * (1 + 1e-12) + 1e-9)
        if count < 1:
            raise MetricError(f"The window of {window:g} s is shorter than the period of {period:g} s.")
        self._weights = (np.arange(1, count + 1) * self._period) ** -1.5
        self._ring = np.zeros(count + 1)  # velocities; the newest at _at
        self._at, self._samples, self._last, self._velocity = 0, 0, 0.0, 0.0
        self.value, self.t1, self.t2 = 0.0, 0.0, 0.0

    def step(self, acceleration_g: float) -> float:
        """Take the next sample [g], of which the magnitude counts, and return HIC so far."""
        a = abs(acceleration_g)
        if self._samples:
            self._velocity += 0.5 * (a + self._last) * self._period
        self._last = a
        size = len(self._ring)
        self._at = (self._at + 1) % size
        self._ring[self._at] = self._velocity
        lags = min(self._samples, size - 1)
        if lags:
            before = np.concatenate((self._ring[: self._at][::-1], self._ring[self._at + 1 :][::-1]))[:lags]
            values = (self._velocity - before) ** 2.5 * self._weights[:lags]
            best = int(values.argmax())
            if values[best] > self.value:
                self.value = float(values[best])
                self.t1, self.t2 = (self._samples - best - 1) * self._period, self._samples * self._period
        self._samples += 1
        return self.value


class RunningClip:
    """The largest level held for `duration` [s] in one stretch so far: a sliding minimum, O(1) a step.

    value: in the unit of the samples, 0 before a whole stretch was seen.
    """

    def __init__(self, period: float, duration: float = 0.003) -> None:
        share = as_positive(duration, name="duration") / as_period(period)
        self._width = math.ceil(share * (1 - 1e-12) - 1e-9) + 1
        self._falling: deque[tuple[int, float]] = deque()  # (sample, level): candidates for the minimum
        self._samples = 0
        self.value = 0.0

    def step(self, level: float) -> float:
        """Take the next sample, of which the magnitude counts, and return the level so far."""
        level = abs(level)
        while self._falling and self._falling[-1][1] >= level:
            self._falling.pop()
        self._falling.append((self._samples, level))
        if self._falling[0][0] <= self._samples - self._width:
            self._falling.popleft()
        self._samples += 1
        if self._samples >= self._width:
            self.value = max(self.value, self._falling[0][1])
        return self.value


class RunningCfc:
    """One forward pass of a channel frequency class filter: 2 poles instead of 4, and late.

    Its gain at class / 0.6 is -1.5 dB where the standard's is -3 dB, and it delays what it passes. It starts at
    rest on the first sample. The same numbers as `cfc_forward` on the whole signal.
    """

    def __init__(self, period: float, cfc_class: float, *, corner: float = SAE_J211) -> None:
        self._coefficients = cfc_coefficients(cfc_class, period, corner=corner)
        self._level = math.nan  # of the first sample
        self._x1 = self._x2 = self._y1 = self._y2 = 0.0

    def step(self, sample: float) -> float:
        """Take the next sample and return the filtered one."""
        if math.isnan(self._level):
            self._level = sample
        a0, a1, a2, b1, b2 = self._coefficients
        x = sample - self._level
        y = (a0 * x + a1 * self._x1 + a2 * self._x2) + b1 * self._y1 + b2 * self._y2
        self._x2, self._x1, self._y2, self._y1 = self._x1, x, self._y1, y
        return y + self._level


class RunningMean:
    """Mean over the last `window` seconds by the trapezoidal rule, as the severity index of EN 1317 takes it.

    value: 0 before a whole window was seen.
    """

    def __init__(self, period: float, window: float) -> None:
        self._width = round(as_positive(window, name="window") / as_period(period))
        if self._width < 1:
            raise MetricError(f"The window of {window:g} s is shorter than the period of {period:g} s.")
        self._steps: deque[float] = deque()  # mean of two neighbouring samples, each
        self._last = math.nan
        self.value = 0.0

    def step(self, sample: float) -> float:
        """Take the next sample and return the mean of the window that ends with it."""
        if not math.isnan(self._last):
            self._steps.append(0.5 * (sample + self._last))
            if len(self._steps) > self._width:
                self._steps.popleft()
        self._last = sample
        if len(self._steps) == self._width:
            self.value = math.fsum(self._steps) / self._width  # no running sum: that would drift
        return self.value


class RunningFlight:
    """Free flight of an occupant in a braking vehicle, and when it has gone 5 inches.

    travel: [m] so far.   t: [s] of the first sample at which it is at least `distance`; None before.
    """

    def __init__(self, period: float, distance: float = FIVE_INCHES) -> None:
        self._period, self._distance = as_period(period), as_positive(distance, name="distance")
        self._first = self._last = math.nan
        self._samples = 0
        self.travel = 0.0
        self.t: float | None = None

    def step(self, velocity: float) -> float:
        """Take the vehicle's velocity [m/s] and return the travel so far."""
        if not self._samples:
            self._first = velocity
        else:
            lost = math.copysign(1.0, self._first) * (self._first - 0.5 * (velocity + self._last))
            self.travel += lost * self._period
        self._last = velocity
        if self.t is None and self.travel >= self._distance:
            self.t = self._samples * self._period
        self._samples += 1
        return self.travel
