"""The picture of one strip chart: grid, limits, windows and lines, without cursor and figures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pygame

from crumple.view.decimate import Pyramid, polyline
from crumple.view.panels.chart_list import Chart
from crumple.view.scale import fitting, tick_text, ticks
from crumple.view.session import Numbers, Session

if TYPE_CHECKING:
    from crumple.view.theme import Theme

FUTURE = 0.38  # part of its colour that a line keeps where the cursor has not been
_OVER = 2  # pictures are drawn this much larger and reduced, which smooths their lines
_STROKE = 1.6  # width of a line [px at 720p]
_LONGEST = 60.0  # [s] of a live run that are shown whole; a longer one scrolls
_AHEAD = 0.15  # of a scrolling view that is left free for what comes
_BAND = 0.10  # part of a window's colour
_PAD = 4  # above and below the plot, so that no stroke is cut [px at 720p]
_MOST_TICKS = 5
_LEAST_TICK = 22  # distance of two ticks [px at 720p]


@dataclass(frozen=True, slots=True)
class View:
    """What part of time is shown where: `since` to `until` [s], `left` to `left + width` in window pixels."""

    since: float
    until: float
    left: int
    width: int

    def x(self, t: float) -> float:
        """Where a time is."""
        return self.left + (t - self.since) / (self.until - self.since) * self.width

    def t(self, x: float) -> float:
        """Which time is there [s]."""
        return self.since + (x - self.left) / self.width * (self.until - self.since)


class Strip:
    """One chart. `past` and `future` are pictures of it, as wide as the view and `pad` higher at both ends."""

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self.low, self.high = 0.0, 1.0
        self.ticks: list[float] = []
        self.pad = 0
        self.past: pygame.Surface | None = None
        self.future: pygame.Surface | None = None
        self.until = math.inf  # the pictures show everything up to here [s]
        self.gaps: list[tuple[float, float]] = []  # where there is no number [s]
        self._pyramids: dict[str, Pyramid] = {}
        self.key: object = None  # of what was drawn
        self._key: object = None
        self._points: list[tuple[Numbers, Numbers]] = []
        self._bands: tuple[tuple[float, float], ...] = ()

    def y(self, value: float, top: int, height: int) -> float:
        """Where a value is, in a plot of that height."""
        return top + (self.high - value) / (self.high - self.low) * height

    def value(self, line: int, recorded: float) -> float:
        """A recorded value in the chart's unit."""
        return recorded * self.chart.lines[line].factor + self.chart.lines[line].offset

    def prepare(
        self,
        theme: Theme,
        session: Session,
        view: View,
        height: int,
        *,
        key: object,
        until: float,
        bands: tuple[tuple[float, float], ...] = (),
        blind: tuple[tuple[float, float], ...] = (),
        future: bool = True,
    ) -> None:
        """Draw the pictures anew unless they are of the same `key`.

        until: what is later is not drawn [s].   bands: stretches to be tinted [s].   blind: stretches without
        a sample [s].   future: whether that
        picture is needed; without, the past stands in for it.
        """
        self.key = key
        key = (key, id(theme), view, height, bands, blind, future)
        if key == self._key and self.past is not None and self.past.get_width() == view.width:
            return
        self._key = key
        self.until = until
        self._bands = bands
        self._read(session, view, until, blind)
        self._range(height, theme)
        self.pad = theme.px(_PAD)
        self.past = self._picture(theme, view, height, 1.0, self.past)
        if future:
            old = self.future if self.future is not self.past else None
            self.future = self._picture(theme, view, height, FUTURE, old)
        else:
            self.future = self.past

    def _read(
        self, session: Session, view: View, until: float, blind: tuple[tuple[float, float], ...]
    ) -> None:
        self._points, self.gaps = [], []
        for number, line in enumerate(self.chart.lines):
            t, values = session.series(line.signal)
            pyramid = self._pyramids.setdefault(line.signal, Pyramid())
            pyramid.extend(values)
            if not len(t):
                self._points.append((t, values))
                continue
            end = min(view.until, until)
            at, shown = polyline(t, values, pyramid, since=view.since, until=end, columns=max(16, view.width))
            keep = at <= until
            at, shown = at[keep], shown[keep]
            shown = shown * line.factor + line.offset
            if number == 0:
                self.gaps = _gaps(at, shown)
            for first, last in blind:
                shown = np.where((at > first) & (at <= last), np.nan, shown)
            self._points.append((at, shown))

    def _range(self, height: int, theme: Theme) -> None:
        span = self.chart.span
        if span is None:
            finite = [values[np.isfinite(values)] for _, values in self._points]
            low = min((float(v.min()) for v in finite if len(v)), default=0.0)
            high = max((float(v.max()) for v in finite if len(v)), default=0.0)
            span = fitting(low, high, [limit.value for limit in self.chart.limits])
        self.low, self.high = span
        self.ticks = ticks(self.low, self.high, min(max(2, int(height / theme.px(_LEAST_TICK))), _MOST_TICKS))

    def _picture(
        self, theme: Theme, view: View, height: int, part: float, old: pygame.Surface | None
    ) -> pygame.Surface:
        size = (view.width, height + 2 * self.pad)
        picture = pygame.Surface((size[0] * _OVER, size[1] * _OVER))
        picture.fill(theme.colour("panel"))
        for since, until in self._bands:
            left, right = (round((view.x(t) - view.left) * _OVER) for t in (since, until))
            tint = theme.mix("panel", self.chart.lines[0].colour, _BAND)
            picture.fill(tint, (left, self.pad * _OVER, right - left, height * _OVER))
        for value in self.ticks:
            y = round(self.y(value, self.pad, height))
            if self.pad <= y <= self.pad + height:
                picture.fill(theme.colour("grid"), (0, y * _OVER, picture.get_width(), _OVER))
        self._lines(picture, theme, view, height, part)
        reduced = old if old is not None and old.get_size() == size else pygame.Surface(size)
        pygame.transform.smoothscale(picture, size, reduced)
        self._limits(reduced, theme, height)
        return reduced

    def _lines(self, picture: pygame.Surface, theme: Theme, view: View, height: int, part: float) -> None:
        across = view.width * _OVER / (view.until - view.since)
        up = height * _OVER / (self.high - self.low)
        for line, (t, values) in zip(self.chart.lines, self._points, strict=True):
            colour = theme.colour(line.colour) if part == 1.0 else theme.mix("panel", line.colour, part)
            x = (t - view.since) * across
            y = np.clip((self.high - values) * up, -height, 2 * height * _OVER) + self.pad * _OVER
            width = max(2, round(_STROKE * theme.k * _OVER))
            for first, last in _runs(np.isfinite(values)):
                points = np.column_stack((x[first:last], y[first:last])).tolist()
                if len(points) > 1:
                    pygame.draw.lines(picture, colour, False, points, width)
                elif points:
                    pygame.draw.circle(picture, colour, points[0], width)

    def _limits(self, picture: pygame.Surface, theme: Theme, height: int) -> None:
        dash, gap = theme.px(5), theme.px(4)
        for limit in self.chart.limits:
            if self.low <= limit.value <= self.high:
                y = round(self.y(limit.value, self.pad, height))
                for x in range(0, picture.get_width(), dash + gap):
                    picture.fill(theme.colour("fail"), (x, y, dash, max(1, theme.px(1))))


def shown_by_itself(session: Session, t: float) -> tuple[float, float]:
    """The part of time that is shown where nobody zoomed [s]: all of it, or of a long live run the newest."""
    whole = session.horizon - session.start
    if session.mode == "replay" or whole <= _LONGEST:
        return session.start, session.horizon if whole > 0 else session.start + 1.0
    # scrolls in steps, so that pictures can be kept
    step = _LONGEST * _AHEAD / 4
    end = math.ceil(min(t, session.horizon) / step) * step + _LONGEST * _AHEAD
    end = min(max(end, session.start + _LONGEST), session.horizon)
    return end - _LONGEST, end


class Row(NamedTuple):
    """Where a strip is: top and height of its plot [window px]."""

    strip: Strip
    top: int
    height: int


def _runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """First and one past the last of each stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _gaps(t: Numbers, values: Numbers) -> list[tuple[float, float]]:
    """Stretches of NaN, from the last number before to the first after [s]."""
    return [
        (float(t[max(0, first - 1)]), float(t[min(last, len(t) - 1)]))
        for first, last in _runs(~np.isfinite(values))
    ]


def axis_texts(strip: Strip) -> list[tuple[float, str]]:
    """The values that the axis of a chart names, and how they are written there."""
    ticks = strip.ticks
    step = ticks[1] - ticks[0] if len(ticks) > 1 else abs(ticks[0] if ticks else 1.0)
    return [(value, tick_text(value, step)) for value in ticks]
