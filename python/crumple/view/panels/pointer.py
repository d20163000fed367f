"""The exact value of a chart under the mouse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pygame

from crumple.view import ink
from crumple.view.figures import unit
from crumple.view.panels.strip import Row, View
from crumple.view.session import Moment

if TYPE_CHECKING:
    from crumple.view.theme import Theme

_NEAR = 8  # pixels above and below a chart that belong to it


def draw_pointer(
    theme: Theme,
    surface: pygame.Surface,
    rect: pygame.Rect,
    moment: Moment,
    *,
    view: View,
    rows: Sequence[Row],
    at: tuple[int, int],
) -> None:
    """At the tick that is nearest to the mouse, which is at `at`; nothing where the run has not been."""
    session = moment.session
    row = next((row for row in rows if row.top - _NEAR <= at[1] <= row.top + row.height + _NEAR), None)
    t = session.start + round((view.t(at[0]) - session.start) / session.period) * session.period
    if row is None or t > session.end() + session.period / 2:
        return
    x = round(view.x(t))
    surface.fill(theme.colour("text_3"), (x, row.top, max(1, theme.px(1)), row.height))
    texts: list[tuple[str, str]] = [(exact_time(t, session.period), "text_2")]
    for number, line in enumerate(row.strip.chart.lines):
        value = session.value(line.signal, t)
        if value is None:
            texts.append(("no sample", "stale"))
            continue
        shown = row.strip.value(number, value)
        ink.disc(surface, (x, row.strip.y(shown, row.top, row.height)), theme.px(3), theme.rgb(line.colour))
        name = f"{line.label}  " if len(row.strip.chart.lines) > 1 else ""
        texts.append((f"{name}{exact(shown)} {unit(row.strip.chart.si)}".rstrip(), "text"))
    _card(theme, surface, rect, (x, at[1]), texts)


def _card(
    theme: Theme,
    surface: pygame.Surface,
    rect: pygame.Rect,
    at: tuple[int, int],
    texts: list[tuple[str, str]],
) -> None:
    """Beside the mouse, on the side where there is room."""
    px = theme.px
    width = max(theme.measure(text, size=12, weight=500)[0] for text, _ in texts) + px(16)
    height = px(8 + 16 * len(texts))
    left = at[0] + px(12)
    if left + width > rect.right - px(4):
        left = at[0] - px(12) - width
    top = min(max(at[1] - height // 2, rect.top + px(4)), rect.bottom - height - px(4))
    ink.rounded(surface, pygame.Rect(left, top, width, height), theme.rgb("raised"), px(4))
    for number, (text, colour) in enumerate(texts):
        y = top + px(16 + 16 * number)
        theme.text(surface, text, (left + px(8), y), size=12, weight=500, colour=colour)


def exact(value: float) -> str:
    """A value with the digits that a reading is good for."""
    text = f"{value:,.6g}" if abs(value) < 1e6 else f"{value:.6g}"
    return text.replace("-", "−")


def exact_time(t: float, period: float) -> str:
    """A time with as many decimals as the period has."""
    scale, si = (1e3, "ms") if abs(t) < 1.0 else (1.0, "s")
    decimals = min(6, max(0, -math.floor(math.log10(period * scale) + 1e-9))) if period > 0 else 3
    return f"{t * scale:,.{decimals}f} {si}".replace("-", "−")
