"""Plots as SVG: lines over time, with limits, windows and events named in the picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from crumple.view.figures import shown_time, unit
from crumple.view.scale import fitting, tick_text, ticks, time_ticks

Numbers = NDArray[np.float64]

_LEFT, _RIGHT, _TOP, _BOTTOM = 40.0, 8.0, 24.0, 22.0  # room around the plot itself [px]
_ROW = 14.0  # height of a name [px]
_LETTER = 6.3  # width of a letter at 11.5 px, for what must not lie upon each other [px]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A signal. t [s] and y: (n,), NaN where there is no sample.   label: at its highest point, "" for none."""

    t: Numbers
    y: Numbers
    colour: str
    label: str = ""
    dashed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of time [s], shaded."""

    since: float
    until: float
    text: str
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A moment [s]: a dashed line with its name."""

    t: float
    text: str
    colour: str = "text_2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A value that is compared with: a dashed line across."""

    value: float
    text: str
    colour: str = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """What is drawn. si: of all lines, None where nobody knows.   since, until: the time shown [s]."""

    lines: Sequence[Line]
    si: str | None
    since: float
    until: float
    windows: Sequence[Window] = ()
    marks: Sequence[Mark] = ()
    levels: Sequence[Level] = ()
    span: tuple[float, float] | None = None  # of the y axis; None: as fits


def svg(plot: Plot, *, width: float = 416.0, height: float = 190.0, label: str = "") -> str:
    """The plot as an <svg> element. label: what is said of it to who cannot see it.

    Colours are classes, "signal_1" or "fail", which the page gives their colours.
    """
    return "".join(_Drawing(plot, width, height).parts(label))


class _Drawing:
    def __init__(self, plot: Plot, width: float, height: float) -> None:
        self.plot = plot
        self.width, self.height = width, height
        self.left, self.right = _LEFT, width - _RIGHT
        # names of moments stand in rows above the plot
        self.rows = min(2, len(plot.marks) + len(plot.windows))
        self.top, self.bottom = _TOP + _ROW * self.rows, height - _BOTTOM
        self.low, self.high = plot.span or self._range()
        self._taken: list[tuple[float, float, float]] = []  # row, from, to: of names along the top

    def _range(self) -> tuple[float, float]:
        inside = [_within(line, self.plot.since, self.plot.until)[1] for line in self.plot.lines]
        values = np.concatenate([y[np.isfinite(y)] for y in inside]) if inside else np.empty(0)
        if not len(values):
            return 0.0, 1.0
        return fitting(float(values.min()), float(values.max()), [level.value for level in self.plot.levels])

    def x(self, t: float) -> float:
        """A time [s] in pixels."""
        span = self.plot.until - self.plot.since or 1.0
        return self.left + (self.right - self.left) * (t - self.plot.since) / span

    def y(self, value: float) -> float:
        """A value in pixels, cut at the edges."""
        share = (value - self.low) / (self.high - self.low or 1.0)
        return self.bottom - (self.bottom - self.top) * min(max(share, -0.02), 1.02)

    def parts(self, label: str) -> Iterator[str]:
        size = f'viewBox="0 0 {self.width:g} {self.height:g}"'
        yield f'<svg class="plot" {size} role="img" aria-label="{escape(label, quote=True)}">'
        yield from self._windows()
        yield from self._axes()
        for level in self.plot.levels:
            yield from self._level(level)
        for line in self.plot.lines:
            yield f'<path class="line {line.colour}{" dashed" if line.dashed else ""}" d="{self._path(line)}"/>'
        yield from self._names()
        for mark in sorted(self.plot.marks, key=lambda mark: mark.t):
            yield from self._mark(mark)
        yield "</svg>"

    def _windows(self) -> Iterator[str]:
        for window in self.plot.windows:
            a, b = (
                self.x(min(max(t, self.plot.since), self.plot.until)) for t in (window.since, window.until)
            )
            high = self.bottom - self.top
            box = f'x="{a:.1f}" y="{self.top:g}" width="{max(b - a, 1):.1f}" height="{high:g}"'
            yield f'<rect class="window {window.colour}" {box}/>'
            yield from self._top_text(window.text, b, window.colour, begins=a)

    def _axes(self) -> Iterator[str]:
        most = max(2, int((self.bottom - self.top) / 32))
        found = ticks(self.low, self.high, most)
        step = found[1] - found[0] if len(found) > 1 else self.high - self.low
        for value in found:
            y = self.y(value)
            kind = "zero" if value == 0 else "grid"
            yield _rule(kind, self.left, y, self.right, y)
            yield _text(tick_text(value, step), self.left - 6, y + 4, "axis", "end")
        yield _text(unit(self.plot.si) or "", self.left - 6, _TOP - 13, "axis", "end")
        times = time_ticks(self.plot.since, self.plot.until, max(2, int((self.right - self.left) / 90)))
        far = max(abs(self.plot.since), abs(self.plot.until))
        for number, t in enumerate(times):
            x = self.x(t)
            figure, si = shown_time(t, span=far)
            figure = figure.rstrip("0").rstrip(".") if "." in figure else figure
            last = number == len(times) - 1 and si
            yield _rule("tick", x, self.bottom, x, self.bottom + 4)
            yield _text(
                f"{figure} {si}" if last else figure,
                min(x, self.right - 14),
                self.bottom + 17,
                "axis",
                "middle",
            )
        yield _rule("axis_line", self.left, self.bottom, self.right, self.bottom)

    def _level(self, level: Level) -> Iterator[str]:
        if not self.low <= level.value <= self.high:
            return
        y = self.y(level.value)
        yield _rule(f"mark {level.colour}", self.left, y, self.right, y)
        yield _text(level.text, self.left + 4, y - 4, f"name {level.colour}", "start")

    def _path(self, line: Line) -> str:
        t, y = _within(line, self.plot.since, self.plot.until)
        t, y = _thinned(t, y, int(self.right - self.left))
        path, pen_up = [], True
        for moment, value in zip(t.tolist(), y.tolist(), strict=True):
            if not math.isfinite(value):
                pen_up = True
                continue
            path.append(f"{'M' if pen_up else 'L'}{self.x(moment):.1f} {self.y(value):.1f}")
            pen_up = False
        return "".join(path)

    def _names(self) -> Iterator[str]:
        """Of several lines each has its name, where it stands highest; one that lies upon another goes below it."""
        taken: list[tuple[float, float, float]] = []  # left, right, baseline
        for line in self.plot.lines:
            t, y = _within(line, self.plot.since, self.plot.until)
            if not line.label or not len(y) or not np.isfinite(y).any():
                continue
            k = int(np.nanargmax(y))
            half = _LETTER * len(line.label) / 2
            x = min(max(self.x(float(t[k])), self.left + half), self.right - half)
            base = max(self.y(float(y[k])) - 6, self.top - 2)
            while any(a < x + half and x - half < b and abs(base - c) < _ROW for a, b, c in taken):
                base += _ROW
            taken.append((x - half, x + half, base))
            yield _text(line.label, x, base, f"name {line.colour}", "middle")

    def _mark(self, mark: Mark) -> Iterator[str]:
        if not self.plot.since <= mark.t <= self.plot.until:
            return
        x = self.x(mark.t)
        yield _rule(f"mark {mark.colour}", x, self.top, x, self.bottom)
        yield from self._top_text(mark.text, x, mark.colour, begins=x)

    def _top_text(self, text: str, x: float, colour: str, *, begins: float) -> Iterator[str]:
        """A name right of x, or left of `begins` where there is no room, in the first row that is free."""
        wide = _LETTER * len(text) + 6
        for row in range(self.rows):
            for start, anchor in ((x + 5, "start"), (begins - 5 - wide, "end")):
                if start < self.left or start + wide > self.right:
                    continue
                if any(row == r and start < b and a < start + wide for r, a, b in self._taken):
                    continue
                self._taken.append((row, start, start + wide))
                at = start if anchor == "start" else start + wide
                yield _text(text, at, self.top - 6 - _ROW * row, f"name {colour}", anchor)
                return


def _rule(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(text: str, x: float, y: float, kind: str, anchor: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _within(line: Line, since: float, until: float) -> tuple[Numbers, Numbers]:
    """The part of a line that is shown, with one sample more at either end."""
    first = max(int(np.searchsorted(line.t, since)) - 1, 0)
    last = int(np.searchsorted(line.t, until, side="right")) + 1
    return line.t[first:last], line.y[first:last]


def _thinned(t: Numbers, y: Numbers, columns: int) -> tuple[Numbers, Numbers]:
    """At most four samples a column of pixels: first, least, largest, last; so no spike is lost."""
    if len(t) <= 4 * columns:
        return t, y
    edges = np.linspace(0, len(t), columns + 1).astype(int)
    kept: list[int] = []
    for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        part = y[a:b]
        found = {a, b - 1}
        if np.isfinite(part).any():
            found |= {a + int(np.nanargmin(part)), a + int(np.nanargmax(part))}
        kept += sorted(found)
    return t[kept], y[kept]
