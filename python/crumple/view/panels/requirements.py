"""The requirements: a bar each, scaled so that all limits stand in one column."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import pygame

from crumple.view import figures, glyphs, ink
from crumple.view.layout import INSIDE, ROW, ROW_CROWDED, ROWS_TOP
from crumple.view.palette import Rgb
from crumple.view.panels.panel import Panel, more
from crumple.view.session import Moment, RequirementRow
from crumple.view.theme import Run, Theme

LIMIT_AT = 0.80  # of the track
CUT_AT = 1.25  # of the limit, which is the end of the track
RISK_FROM = 0.90  # of the limit

_NAME = 40  # from the left of the panel
_COLUMN = 66  # of limits and margins, on the right
_COLUMN_MOST = 118
_STEPS = 4  # in which the rows are painted, after the one that asks for them
_FOOT = 22  # of "3 more", at the bottom


class Requirements(Panel):
    """Draws them. Targets: "requirement:NAME", "scroll:requirements" for the line that says how many are left."""

    turn = 0

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.first = 0  # that is shown
        self.limits_at: list[int] = []  # x of every limit mark that was drawn last

    def scroll(self, rows: int) -> None:
        """Moves the list; where it ends is known only when it is drawn."""
        self.first = max(self.first + rows, 0)
        self.changed()

    def paint(self, surface: pygame.Surface, rect: pygame.Rect, moment: Moment) -> Iterator[None]:
        """As many rows as there is room for, all of one moment."""
        theme, px = self.theme, self.theme.px
        rows = moment.session.requirements(moment.t)
        self.limits_at = []
        self.title(surface, rect, "Requirements", note(moment, rows))
        if not rows:
            at = rect.left + px(INSIDE), rect.top + px(52)
            text = "None in this scene, so it has no verdict."
            theme.text(surface, text, at, colour="text_3", width=rect.width - 2 * px(INSIDE))
            return
        pitch = ROW if px(ROWS_TOP + ROW * len(rows)) <= rect.height + 1 else ROW_CROWDED
        room = int((rect.height - px(ROWS_TOP) + 1) // px(pitch))
        if room < len(rows):
            room = max(int((rect.height - px(ROWS_TOP + _FOOT)) // px(pitch)), 1)
        self.first = min(self.first, max(len(rows) - room, 0))
        seen = rows[self.first : self.first + room]
        limits = [figures.limit(row.relation, row.limit, row.si) for row in rows]
        widest = max(theme.measure(text, size=12)[0] for text in limits)
        column = min(max(widest + px(8), px(_COLUMN)), px(_COLUMN_MOST), max(rect.width // 3, 1))
        for number, row in enumerate(seen):
            top = rect.top + px(ROWS_TOP) + round(number * pitch * theme.k)
            if number % -(-len(seen) // _STEPS) == 0:
                yield
            self._row(surface, rect, row, top=top, pitch=pitch, column=column, moment=moment)
        hidden = [*rows[: self.first], *rows[self.first + room :]]
        if hidden:
            more(theme, surface, rect, _more(hidden, below=self.first + room < len(rows)))
            foot = pygame.Rect(rect.left, rect.bottom - px(_FOOT), rect.width, px(_FOOT))
            self.target(foot, "scroll:requirements")

    def _row(
        self,
        surface: pygame.Surface,
        rect: pygame.Rect,
        row: RequirementRow,
        *,
        top: int,
        pitch: float,
        column: int,
        moment: Moment,
    ) -> None:
        theme, px = self.theme, self.theme.px
        name = f"requirement:{row.name}"
        whole = pygame.Rect(rect.left + px(6), top - px(10), rect.width - 2 * px(6), px(pitch) - px(2))
        ground = self.lit(surface, whole, name)
        self.target(whole, name)
        left, right = rect.left + px(_NAME), rect.right - px(INSIDE)
        end = right - column  # of the track
        centre = rect.left + px(INSIDE) + px(7), top + px(1.5)
        glyphs.draw(surface, row.state, centre, px(14), theme.rgb(row.state))
        base = top + px(6)
        limit = figures.limit(row.relation, row.limit, row.si)
        room = column - px(6)
        theme.text(surface, limit, (right, base), size=12, colour="text_3", anchor="right", width=room)
        figure = value_runs(row)
        name_width = theme.measure(row.name, size=13, weight=500)[0]
        if name_width + px(8) + theme.measure_line(figure, gap=4) > end - px(16) - left:
            figure = figure[:1]  # the limit has the unit, too
        at = end - px(16), base
        value = theme.line(surface, figure, at, anchor="right", gap=4, width=end - px(16) - left)
        room = (value.left if value.width else end) - px(8) - left
        title = [Run(row.name, 13, 500), Run(row.note, 12, 400, "text_3")]
        theme.line(surface, title, (left, base), gap=7, width=room)
        margin, colour, weight = margin_text(row, moment)
        at = right, top + px(22.5)
        theme.text(
            surface, margin, at, size=12, weight=weight, colour=colour, anchor="right", width=column - px(6)
        )
        self._bar(surface, pygame.Rect(left, top + px(15), max(end - left, 1), px(6)), row, ground)

    def _bar(self, surface: pygame.Surface, track: pygame.Rect, row: RequirementRow, ground: Rgb) -> None:
        theme, px = self.theme, self.theme.px
        empty = theme.rgb("raised")
        limit = track.left + round(LIMIT_AT * track.width)
        ink.bar(surface, track, empty)
        if row.state == "not_applicable":
            return
        if row.state in ("inconclusive", "error"):
            unknown = pygame.Rect(track.left, track.top, limit - track.left, track.height)
            dim = theme.rgb(theme.mix(empty, row.state, 0.55))
            ink.hatched_bar(
                surface, unknown, dim, pitch=px(5), width=1.2 * theme.k, ground=ground, right=False
            )
        else:
            risk = track.left + round(RISK_FROM * LIMIT_AT * track.width)
            tint = theme.mix("panel", "at_risk", 0.36)
            surface.fill(tint, (risk, track.top, limit - risk, track.height))
            self._fill(surface, track, row, limit, ground)
        thick = max(px(2), 2)
        if row.final is not None and row.final != row.value:
            x = track.left + round(min(fill(row, row.final), CUT_AT) * LIMIT_AT * track.width)
            surface.fill(
                theme.colour("text_2"), (x - thick // 2, track.top - px(2), thick, track.height + 2 * px(2))
            )
        mark = pygame.Rect(limit, track.top - px(4), thick, track.height + 2 * px(4))
        surface.fill(theme.colour("text"), mark)
        self.limits_at.append(mark.left)

    def _fill(
        self, surface: pygame.Surface, track: pygame.Rect, row: RequirementRow, limit: int, ground: Rgb
    ) -> None:
        theme, px = self.theme, self.theme.px
        share = fill(row, row.value)
        if min(share, CUT_AT) * LIMIT_AT * track.width < 0.5:
            return
        colour = theme.rgb(row.state)
        wide = max(round(min(share, CUT_AT) * LIMIT_AT * track.width), track.height)
        end = track.left + wide
        ink.bar(surface, pygame.Rect(track.left, track.top, wide, track.height), colour)
        if end > limit:
            beyond = pygame.Rect(limit, track.top, end - limit, track.height)
            clip = surface.get_clip()
            surface.set_clip(beyond.clip(clip))
            ink.bar(
                surface,
                pygame.Rect(track.left, track.top, wide, track.height),
                theme.rgb(theme.tint(row.state, 0.35)),
            )
            ink.hatch(surface, beyond, colour, pitch=px(4), width=1.3 * theme.k)
            round_end = pygame.Rect(track.left, track.top, wide, track.height)
            empty = theme.rgb("raised") if end < track.right else ground
            ink.corners_cut(surface, round_end, empty, track.height / 2)
            surface.set_clip(clip)


def fill(row: RequirementRow, value: float | None) -> float:
    """How full a bar is where its limit is 1: value by limit, limit by value for a minimum."""
    limit = row.limit
    if value is None or limit is None or math.isnan(value):
        return 0.0
    if row.relation == "min":
        if value > 0 and limit > 0:
            return 0.0 if math.isinf(value) else limit / value
        return _beyond(limit - value, limit)
    if row.relation == "equals":
        if row.margin is not None and value == row.value and math.isfinite(row.margin):
            return max(1.0 - row.margin, 0.0)
        return 0.0 if value == limit else 2.0
    if limit > 0:
        return max(value / limit, 0.0)
    return _beyond(value - limit, limit)


def _beyond(excess: float, limit: float) -> float:
    """For limits at or below zero: full where the limit is reached, and fuller by the excess relative to it."""
    if limit == 0.0:
        return 0.0 if excess <= 0 else 2.0
    return max(1.0 + excess / abs(limit), 0.0)


def value_runs(row: RequirementRow) -> list[Run]:
    """Figure and unit as they stand."""
    if row.state == "not_applicable":
        return [Run("does not apply", 12, 400, "text_3")]
    if row.state in ("inconclusive", "error"):
        return [Run("?", 14, 600, "text_2")]
    if row.value is None:
        return [Run("not yet", 12, 400, "text_3")]
    figure, unit = figures.shown(row.value, row.si, near=row.limit)
    return [Run(figure, 14, 600), Run(unit, 12, 400, "text_2")]


def margin_text(row: RequirementRow, moment: Moment) -> tuple[str, str, int]:
    """What stands under the limit, its colour, its weight."""
    if row.state == "not_applicable":
        return "", "text_3", 400
    if row.state in ("inconclusive", "error"):
        return "unknown", "text_2", 500
    measured = row.margin is not None and math.isfinite(row.margin) and row.limit != 0.0
    if row.state == "fail":
        if measured and row.margin is not None and row.margin >= -1.0:
            return figures.percent(row.margin), "fail", 500
        at = row.decided if row.decided is not None else row.at
        when = "" if at is None else figures.time_text(at, span=moment.session.horizon)
        return when or "failed", "fail", 500
    if row.value is None and row.state == "holding":
        return "", "text_2", 400
    met = (
        row.value == row.limit and row.state != "at_risk"
    )  # a flag or a count that is just what is asked for
    if measured and row.margin is not None and not met:
        return (
            figures.percent(row.margin),
            ("at_risk" if row.state == "at_risk" else "text_2"),
            (500 if row.state == "at_risk" else 400),
        )
    return ("so far" if row.state == "holding" else "held"), "text_2", 400


def note(moment: Moment, rows: Sequence[RequirementRow]) -> str:
    """What the values are of: all of the run, or a part."""
    session = moment.session
    if not rows:
        return ""
    span = session.horizon
    if session.mode == "live":
        silent = [gap.since for gap in session.silences() if gap.since <= moment.t <= gap.until]
        if silent and any(row.state == "inconclusive" for row in rows):
            return f"observed to {figures.time_text(min(silent), span=span, decimals=_decimals(span))}"
        return "so far"
    if moment.t >= session.end() - session.period / 2:
        return "whole run" if session.end() >= session.horizon - session.period / 2 else "as far as it went"
    at = f"at {figures.time_text(moment.t, span=span)}"
    return f"{at}, mark: whole run" if any(row.final is not None for row in rows) else at


def _decimals(span: float) -> int | None:
    return 3 if 1.0 < span <= 60.0 else None


def _more(hidden: Sequence[RequirementRow], *, below: bool) -> list[Run]:
    runs = [Run(f"{len(hidden)} more {'below' if below else 'above'}", 12, 400, "text_2")]
    for state, word in (
        ("fail", "failed"),
        ("error", "broken"),
        ("inconclusive", "unknown"),
        ("at_risk", "at risk"),
    ):
        number = sum(row.state == state for row in hidden)
        if number:
            runs.append(Run(f"{number} {word}", 12, 500, state))
    return runs
