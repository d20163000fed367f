"""A long series as few points as there are columns on the screen, without losing a single sample's spike."""

from __future__ import annotations

import math

import numpy as np

from crumple.view.session import Numbers

_BLOCK = 16  # samples in a block of the first level, and blocks of one level in one of the next
_RAW = 3  # up to that many samples a column are drawn as they are


class Pyramid:
    """Least and largest values of blocks of a series, which may grow at its end.

    NaN is no value: a block is NaN where all of it is.
    """

    def __init__(self) -> None:
        self._done = 0  # samples that are in whole blocks of the first level
        self._low: list[Numbers] = []
        self._high: list[Numbers] = []

    def extend(self, values: Numbers) -> None:
        """Take up what came since; `values` is the whole series."""
        if len(values) < self._done:
            self.__init__()  # type: ignore[misc]
        end = len(values) // _BLOCK * _BLOCK
        if end <= self._done:
            return
        new = np.asarray(values[self._done : end])
        self._done = end
        self._add(0, _halved(new, np.fmin), _halved(new, np.fmax))

    def _add(self, level: int, low: Numbers, high: Numbers) -> None:
        if level == len(self._low):
            self._low.append(low)
            self._high.append(high)
            before = 0
        else:
            before = len(self._low[level]) // _BLOCK * _BLOCK
            self._low[level] = np.concatenate((self._low[level], low))
            self._high[level] = np.concatenate((self._high[level], high))
        low, high = self._low[level][before:], self._high[level][before:]
        whole = len(low) // _BLOCK * _BLOCK
        if whole:
            self._add(level + 1, _halved(low[:whole], np.fmin), _halved(high[:whole], np.fmax))

    def blocks(self, samples_a_block: float) -> tuple[int, Numbers, Numbers]:
        """Samples in a block, and the least and largest of each, of the coarsest level that is fine enough."""
        level = -1
        while level + 1 < len(self._low) and _BLOCK ** (level + 2) <= samples_a_block:
            level += 1
        if level < 0:
            return 1, np.empty(0), np.empty(0)
        return _BLOCK ** (level + 1), self._low[level], self._high[level]


def polyline(
    t: Numbers, values: Numbers, pyramid: Pyramid, *, since: float, until: float, columns: int
) -> tuple[Numbers, Numbers]:
    """Points (n,) [s] and (n,) that look like the series between two times, in `columns` columns of the screen.

    One sample beyond each end is included, so that the line goes on to the edge. Extremes are kept exactly, at
    most a column away from their time. `pyramid` is of the same series.
    """
    first = max(0, int(np.searchsorted(t, since, side="right")) - 1)
    last = min(len(t), int(np.searchsorted(t, until, side="left")) + 1)
    count = last - first
    if count <= _RAW * columns:
        return np.asarray(t[first:last]), np.asarray(values[first:last])
    block, low, high = pyramid.blocks(count / columns / 2)
    if block == 1:
        edges = np.linspace(first, last, columns + 1).astype(np.intp)
        inside = np.asarray(values[first:last])
        lows = np.fmin.reduceat(inside, edges[:-1] - first)
        highs = np.fmax.reduceat(inside, edges[:-1] - first)
        starts, ends = edges[:-1], edges[1:]
    else:
        begin, end = first // block, min(last // block, len(low))
        edges = np.unique(np.linspace(begin, end, columns + 1).astype(np.intp))
        lows = np.fmin.reduceat(low[begin:end], edges[:-1] - begin)
        highs = np.fmax.reduceat(high[begin:end], edges[:-1] - begin)
        starts, ends = edges[:-1] * block, edges[1:] * block
        if ends[-1] < last:  # the samples of the last block, which is not whole
            rest = np.asarray(values[ends[-1] : last])
            lows, highs = np.append(lows, np.fmin.reduce(rest)), np.append(highs, np.fmax.reduce(rest))
            starts, ends = np.append(starts, ends[-1]), np.append(ends, last)
    middle = np.asarray(t[(starts + ends) // 2], dtype=np.float64)
    return _zigzag(middle, lows, highs, (float(t[last - 1]), float(values[last - 1])))


def _zigzag(
    middle: Numbers, lows: Numbers, highs: Numbers, end: tuple[float, float]
) -> tuple[Numbers, Numbers]:
    """Down and up in turn, so that neighbouring columns are joined by the shortest way; then the last sample."""
    pairs = np.empty((len(middle), 2))
    pairs[0::2, 0], pairs[0::2, 1] = lows[0::2], highs[0::2]
    pairs[1::2, 0], pairs[1::2, 1] = highs[1::2], lows[1::2]
    at = np.repeat(middle, 2)
    return np.append(at, end[0]), np.append(pairs.reshape(-1), end[1])


def _halved(values: Numbers, smaller: np.ufunc) -> Numbers:
    """Blocks of 16, by halving four times: much faster than a reduction over a short axis."""
    for _ in range(round(math.log2(_BLOCK))):
        values = smaller(values[0::2], values[1::2])
    return values
