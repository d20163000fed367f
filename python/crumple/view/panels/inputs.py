"""The live inputs: who sends, how old the sample is that is used, and what is done without one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pygame

from crumple.view import figures, glyphs, ink
from crumple.view.layout import INPUT_ROW, INSIDE, ROWS_TOP
from crumple.view.panels.panel import Panel
from crumple.view.session import InputRow, Moment
from crumple.view.theme import Run

_WORDS = {
    "none": "",
    "fresh": "",
    "held": "held",
    "extrapolated": "extrapolated",
    "substituted": "substituted",
    "fail_safe": "fail safe",
}


class Inputs(Panel):
    """Draws them, a line each. Targets: "input:NAME"."""

    turn = 2

    def paint(self, surface: pygame.Surface, rect: pygame.Rect, moment: Moment) -> None:
        """Glyph, name, address; age against its limit, hatched once it is over."""
        theme, px = self.theme, self.theme.px
        rows = moment.session.inputs(moment.t)
        self.title(surface, rect, "Inputs", _note(rows))
        room = max(int((rect.height - px(ROWS_TOP) + px(12)) // px(INPUT_ROW)), 0)
        if room < len(rows):  # those that need a look come first where there is no room for all
            rows = sorted(rows, key=lambda row: not is_stale(row))[:room]
        column = max((theme.measure(_age(row), size=12, weight=600)[0] for row in rows), default=0)
        for number, row in enumerate(rows):
            self._row(surface, rect, rect.top + px(ROWS_TOP) + number * px(INPUT_ROW), row, column)

    def _row(self, surface: pygame.Surface, rect: pygame.Rect, top: int, row: InputRow, column: int) -> None:
        theme, px = self.theme, self.theme.px
        stale = is_stale(row)
        left, right, base = rect.left + px(40), rect.right - px(INSIDE), top + px(6)
        colour = "stale" if stale else "live"
        glyphs.draw(
            surface,
            "stale" if stale else "live",
            (rect.left + px(23), top + px(1.5)),
            px(14),
            theme.rgb(colour),
        )
        shade = "stale" if stale else "text"
        theme.text(surface, _age(row), (right, base), size=12, weight=600, colour=shade, anchor="right")
        end = right - column
        track = pygame.Rect(end - px(10) - px(56), top - px(1), px(56), px(4))
        if row.max_age and track.left - left > px(60):
            self._bar(surface, track, row, stale=stale)
            end = track.left
        runs = [Run(row.name, 13, 500), Run(_WORDS.get(row.state, row.state), 12, 400, "stale")]
        runs.append(Run(row.endpoint, 12, 400, "text_3"))
        theme.line(surface, runs, (left, base), gap=7, width=end - px(10) - left)
        whole = pygame.Rect(rect.left + px(6), top - px(10), rect.width - 2 * px(6), px(INPUT_ROW))
        self.target(whole, f"input:{row.name}")

    def _bar(self, surface: pygame.Surface, track: pygame.Rect, row: InputRow, *, stale: bool) -> None:
        theme, px = self.theme, self.theme.px
        ink.bar(surface, track, theme.rgb("raised"))
        if row.age is None or not row.max_age or stale:
            dim = theme.rgb(theme.mix("panel", "stale", 0.75))
            ink.hatched_bar(surface, track, dim, pitch=px(4), width=1.2 * theme.k, ground=theme.rgb("panel"))
        else:
            share = min(row.age / row.max_age, 1.0)
            wide = max(round(share * 0.8 * track.width), track.height)
            ink.bar(surface, pygame.Rect(track.topleft, (wide, track.height)), theme.rgb("live"))
        x = track.left + round(0.8 * track.width)
        surface.fill(theme.colour("text_2"), (x, track.top - px(2), max(px(1), 1), track.height + 2 * px(2)))


def is_stale(row: InputRow) -> bool:
    """Whether what is used is not what was sent in time."""
    if row.age is None or row.state not in ("fresh", "held", "extrapolated"):
        return True
    return row.state != "fresh" or (row.max_age is not None and row.age > row.max_age)


def _age(row: InputRow) -> str:
    return figures.NO_SAMPLE if row.age is None else figures.duration(row.age)


def _note(rows: Sequence[InputRow]) -> str:
    silent = sum(is_stale(row) for row in rows)
    if silent:
        return f"{silent} of {len(rows)} silent"
    limits = {row.max_age for row in rows if row.max_age is not None and math.isfinite(row.max_age)}
    return f"limit {figures.duration(limits.pop())}" if len(limits) == 1 else ""
