"""From metres to pixels: one scale for both directions, so that what is drawn is true to scale."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

_LEAST, _MOST = 0.2, 60.0  # zoom, relative to the whole picture


@dataclass(frozen=True, slots=True)
class Camera:
    """Where the metres of a picture lie on the canvas.

    scale: pixels a metre.   left, top: metres at the canvas's upper left corner; y is up, pixels count downwards.
    """

    scale: float
    left: float
    top: float

    @classmethod
    def fit(
        cls, size: tuple[float, float], x: tuple[float, float], y: tuple[float, float] | None, *, stand: bool
    ) -> Camera:
        """The camera that shows the metres x and y on a canvas of `size` pixels, as large as they fit.

        y: None shows what the shape of the canvas gives, about 0.   stand: what room is left goes above, not
        to both sides, so that the ground stays at the foot of the canvas.
        """
        width, height = max(size[0], 1.0), max(size[1], 1.0)
        x, y = _sane(x), None if y is None else _sane(y)
        across = x[1] - x[0]
        scale = width / across
        if y is None:
            y = (-height / scale / 2, height / scale / 2)
        else:
            scale = min(scale, height / (y[1] - y[0]))
        left = (x[0] + x[1] - width / scale) / 2
        top = y[0] + height / scale if stand else (y[0] + y[1] + height / scale) / 2
        return cls(scale, left, top)

    def pixel(self, x: float, y: float) -> tuple[float, float]:
        """The pixel of a point [m], counted from the canvas's upper left corner."""
        return (x - self.left) * self.scale, (self.top - y) * self.scale

    def pixels(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, 2) pixels of (n, 2) points [m]."""
        return (points - (self.left, self.top)) * (self.scale, -self.scale)

    def metres(self, px: float, py: float) -> tuple[float, float]:
        """The point [m] under a pixel of the canvas."""
        return px / self.scale + self.left, self.top - py / self.scale

    def zoomed(self, factor: float, at: tuple[float, float], whole: float) -> Camera:
        """Larger by `factor`, with the metres under the pixel `at` staying where they are.

        whole: scale of the whole picture; no more than 60 times larger, no less than a fifth.
        """
        scale = min(max(self.scale * factor, whole * _LEAST), whole * _MOST)
        x, y = self.metres(*at)
        return Camera(scale, x - at[0] / scale, y + at[1] / scale)

    def panned(self, dx: float, dy: float) -> Camera:
        """The picture moved by so many pixels, to the right and down."""
        return replace(self, left=self.left - dx / self.scale, top=self.top + dy / self.scale)

    def moved(self, x: float, y: float) -> Camera:
        """The camera moved by metres."""
        return replace(self, left=self.left + x, top=self.top + y)


def _sane(span: tuple[float, float]) -> tuple[float, float]:
    """A span [m] that can be looked at: not turned round, neither smaller than an atom nor larger than the sun."""
    low, high = (min(max(end, -1e9), 1e9) for end in span)
    return (low, high) if high - low > 1e-9 else (low - 0.5, low + 0.5)


def step_of(scale: float, least: float) -> float:
    """The length [m] of 1, 2 or 5 times a power of ten that is at least `least` pixels long."""
    power = 10.0 ** np.floor(np.log10(least / scale))
    for factor in (1, 2, 5, 10):
        if factor * power * scale >= least - 1e-9:
            break
    return float(factor * power)
