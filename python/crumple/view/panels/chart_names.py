"""Names within a chart: of its lines where there are several, and of the windows of metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pygame

from crumple.view.panels.strip import Row, View
from crumple.view.session import Band, Session

if TYPE_CHECKING:
    from crumple.view.theme import Theme


def line_names(
    theme: Theme, surface: pygame.Surface, view: View, row: Row, labels: list[tuple[float, int]], *, x: float
) -> None:
    """Beside the dots, moved apart where they would overlap."""
    pitch = theme.px(13)
    if len(labels) * pitch > row.height + pitch:
        return  # no room; the gutter has them
    floor = row.top + row.height
    tops: list[float] = []
    for y, _ in labels:
        tops.append(max(y, tops[-1] + pitch) if tops else y)
    for k in range(len(tops) - 1, -1, -1):
        tops[k] = min(tops[k], floor - (len(tops) - 1 - k) * pitch)
    width = max(theme.measure(row.strip.chart.lines[n].label, size=11)[0] for _, n in labels)
    left = x + theme.px(8)
    if left + width > view.left + view.width:
        left = x - theme.px(8) - width
    for top, (_, number) in zip(tops, labels, strict=True):
        line = row.strip.chart.lines[number]
        theme.text(surface, line.label, (left, top - theme.px(4)), size=11, colour=line.colour)


def band_names(
    theme: Theme, surface: pygame.Surface, view: View, row: Row, session: Session, *, bands: Sequence[Band]
) -> None:
    """To the right of each, where neither the line nor another name is; left out where there is no such place."""
    chart = row.strip.chart
    signals = {line.signal for line in chart.lines}
    taken: list[tuple[float, float, int]] = []  # left, right, baseline
    for band in bands:
        x = view.x(band.until) + theme.px(6)
        width = theme.measure(band.text, size=11)[0]
        shown = signals & set(band.signals) and (not chart.window or band.requirement == chart.window)
        if not shown or not view.since <= band.until <= view.until or x + width > view.left + view.width:
            continue
        places = [row.top + theme.px(11), row.top + row.height - theme.px(5), row.top + theme.px(24)]
        free = [y for y in places if not any(a < x + width and x < b and y == c for a, b, c in taken)]
        y = next(
            (y for y in free if not _on_line(theme, view, row, session, (x, width, y))),
            free[0] if free else None,
        )
        if y is not None:
            taken.append((x, x + width, y))
            theme.text(surface, band.text, (x, y), size=11, colour="text_3")


def _on_line(theme: Theme, view: View, row: Row, session: Session, at: tuple[float, float, int]) -> bool:
    """Whether the line of a chart runs through a text. at: where it begins, its width, its baseline."""
    line, (x, width, baseline) = row.strip.chart.lines[0], at
    for part in (0.0, 0.5, 1.0):
        value = session.value(line.signal, view.t(x + part * width))
        if value is not None:
            y = row.strip.y(row.strip.value(0, value), row.top, row.height)
            if baseline - theme.px(13) <= y <= baseline + theme.px(4):
                return True
    return False
