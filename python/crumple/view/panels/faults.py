"""The faults of a run: what is disturbed, how, and when."""

from __future__ import annotations

from collections.abc import Sequence

import pygame

from crumple.view import glyphs
from crumple.view.layout import INSIDE, ROWS_TOP
from crumple.view.panels.panel import Panel, more
from crumple.view.session import FaultRow, Moment
from crumple.view.theme import Run, Theme

_PITCH = 40
_FOOT = 20
_GLYPHS = {"armed": "fault_armed", "active": "fault", "over": "fault", "off": "fault_armed"}


class Faults(Panel):
    """Draws them. Targets: "fault:NAME", and "fault:+" for the list of all."""

    turn = 3

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.first = 0

    def scroll(self, rows: int) -> None:
        """Moves the list; where it ends is known only when it is drawn."""
        self.first = max(self.first + rows, 0)
        self.changed()

    def paint(self, surface: pygame.Surface, rect: pygame.Rect, moment: Moment) -> None:
        """Armed: an outline. Active: bright. Over: dim."""
        theme, px = self.theme, self.theme.px
        rows = moment.session.faults(moment.t)
        live = moment.session.mode == "live"
        self.title(surface, rect, "Faults", _note(rows, live=live))
        self.target(pygame.Rect(rect.left, rect.top, rect.width, px(36)), "fault:+")
        inside = px(INSIDE)
        if not rows:
            text = "None injected. The scene has no [faults]." if live else "None injected."
            at = rect.left + inside, rect.top + px(52)
            if rect.height >= px(58):
                theme.text(surface, text, at, colour="text_3", width=rect.width - 2 * inside)
            return
        if rect.height < px(ROWS_TOP + 30):
            self._crowded(surface, rect, rows)
            return
        room = max(int((rect.height - px(ROWS_TOP) + px(6)) // px(_PITCH)), 1)
        if room < len(rows):
            room = max(int((rect.height - px(ROWS_TOP + _FOOT)) // px(_PITCH)), 1)
        self.first = min(self.first, max(len(rows) - room, 0))
        for number, row in enumerate(rows[self.first : self.first + room]):
            self._row(surface, rect, rect.top + px(ROWS_TOP) + px(_PITCH) * number, row)
        hidden = len(rows) - room
        if hidden > 0 and rect.height >= px(ROWS_TOP + _FOOT) + room * px(_PITCH):
            more(theme, surface, rect, [Run(f"{hidden} more, F lists them", 12, 400, "text_2")])

    def _row(self, surface: pygame.Surface, rect: pygame.Rect, top: int, row: FaultRow) -> None:
        theme, px = self.theme, self.theme.px
        whole = pygame.Rect(rect.left + px(6), top - px(10), rect.width - 2 * px(6), px(_PITCH) - px(2))
        name = f"fault:{row.name}"
        self.lit(surface, whole, name)
        self.target(whole, name)
        right = rect.right - px(INSIDE)
        centre = rect.left + px(INSIDE) + px(7), top + px(2)
        draw_bolt(self, surface, centre, row)
        colour = "fault" if row.state == "active" else "text_3"
        left, base = rect.left + px(40), top + px(6)
        when = theme.text(
            surface, row.when, (right, base), size=12, colour=colour, anchor="right", width=0.5 * rect.width
        )
        room = (when.left if when.width else right) - px(10) - left
        name_run = Run(row.name, 13, 500, "text" if row.state == "active" else "text_2")
        word = Run(row.state, 12, 400, "fault" if row.state == "active" else "text_3")
        theme.line(surface, [name_run, word], (left, base), gap=7, width=room)
        where = ", ".join(part for part in (row.on, row.text) if part)
        theme.text(surface, where, (left, top + px(23.5)), size=12, colour="text_3", width=right - left)

    def _crowded(self, surface: pygame.Surface, rect: pygame.Rect, rows: Sequence[FaultRow]) -> None:
        """One line for all of them, where there is room for no more."""
        theme, px = self.theme, self.theme.px
        if rect.height < px(58):
            return
        left, right, base = rect.left + px(INSIDE), rect.right - px(INSIDE), rect.top + px(52)
        foremost = min(rows, key=lambda row: ("active", "over", "armed", "off").index(row.state))
        draw_bolt(self, surface, (left + px(7), base - px(4)), foremost)
        runs = [Run(foremost.name, 13, 500, "text" if foremost.state == "active" else "text_2")]
        runs += [Run(foremost.when, 12, 400, "fault" if foremost.state == "active" else "text_3")]
        runs += [Run(f"and {len(rows) - 1} more", 12, 400, "text_3")] if len(rows) > 1 else []
        room = right - rect.left - px(40)
        theme.line(surface, theme.fitting(runs, room, gap=8), (rect.left + px(40), base), gap=8, width=room)
        self.target(pygame.Rect(left, base - px(16), right - left, px(24)), f"fault:{foremost.name}")


def draw_bolt(panel: Panel, surface: pygame.Surface, centre: tuple[float, float], row: FaultRow) -> None:
    """The glyph of a fault; its shape tells whether it is still to come."""
    theme = panel.theme
    colour = theme.mix("panel", "fault", 0.62) if row.state in ("over", "off") else theme.colour("fault")
    glyphs.draw(surface, _GLYPHS[row.state], centre, theme.px(15), theme.rgb(colour))


def _note(rows: Sequence[FaultRow], *, live: bool) -> str:
    injected = sum(row.state in ("active", "over") for row in rows)
    armed = sum(row.state == "armed" for row in rows)
    off = len(rows) - injected - armed
    parts = [f"{injected} injected"] if injected else []
    parts += [f"{armed} armed"] if armed else []
    parts += [f"{off} off"] if off else []
    return ", ".join(parts) or ("F injects" if live and rows else "")
