"""The line at the foot of the window: what runs, as far as it got, and the keys that matter now."""

from __future__ import annotations

import pygame

from crumple.view import figures, glyphs
from crumple.view.layout import MARGIN
from crumple.view.panels import keys
from crumple.view.panels.panel import Panel
from crumple.view.session import Moment
from crumple.view.theme import Run, Theme

_BASE = 17
_DOT = Run("•", 12, 400, "text_3")
_DIGEST = 8  # of its characters are enough to compare by eye


class Status(Panel):
    """Draws it. Targets: "key:NAME"."""

    turn = 5
    ground = "window"

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.note = ""  # of the window itself: "Saved crash.png"; "view 24 Hz, run unaffected" is a warning

    def paint(self, surface: pygame.Surface, rect: pygame.Rect, moment: Moment) -> None:
        """Keys from the right; facts from the left as far as there is room, the first ones first."""
        theme, px = self.theme, self.theme.px
        surface.fill(theme.colour("hairline"), (0, 0, rect.width, 1))
        base = rect.top + px(_BASE)
        end = self._keys(surface, rect, base, moment) - px(24)
        x = rect.left + px(MARGIN)
        told = _state(moment, self.note)
        if told is not None:
            glyph, word, colour = told
            room = end - x - px(22)
            if room > 0:
                glyphs.draw(surface, glyph, (x + px(7), base - px(4)), px(14), theme.rgb(colour))
                drawn = theme.text(surface, word, (x + px(22), base), size=12, colour=colour, width=room)
                x = drawn.right + px(18)
        gap, dot = px(7), theme.measure(_DOT.text, size=12)[0]
        for number, fact in enumerate(facts(moment)):
            lead = dot + 2 * gap if number else 0
            wide = theme.measure(fact, size=12)[0]
            if x + lead + wide > end:
                break
            if number:
                theme.text(surface, _DOT.text, (x + gap, base), size=12, colour=_DOT.colour)
            theme.text(surface, fact, (x + lead, base), size=12, colour="text_2")
            x += lead + wide

    def _keys(self, surface: pygame.Surface, rect: pygame.Rect, base: int, moment: Moment) -> int:
        theme, px = self.theme, self.theme.px
        x = rect.right - px(MARGIN)
        for key in reversed(keys.matter_now(moment)):
            wide = theme.measure(key.does, size=12)[0]
            cap = keys.cap_width(theme, key.caps)
            left = x - wide - px(7) - cap
            if left < rect.width // 2:
                break
            drawn = keys.draw_cap(theme, surface, key.caps, (left, base), ground="raised")
            theme.text(surface, key.does, (x - wide, base), size=12, colour="text_3")
            self.target(pygame.Rect(left, drawn.top, x - left, drawn.height), f"key:{key.name}")
            x = left - px(15)
        return x


def _state(moment: Moment, note: str) -> tuple[str, str, str] | None:
    """Glyph, words, colour of what takes the left end: a warning, a silent input, or that it is live."""
    session = moment.session
    warning = _asked(session, "note") or (note if note.startswith("view ") else "")
    if warning:
        return "at_risk", warning, "at_risk"
    if note:
        return "note", note, "accent"
    if session.mode != "live":
        return None
    if any(gap.since <= moment.t <= gap.until for gap in session.silences()):
        return "stale", "stale", "stale"
    return "live", "live", "live"


def facts(moment: Moment) -> list[str]:
    """What is worth knowing, the most needed first."""
    session = moment.session
    tick = max(round((moment.t - session.start) / session.period), 0)
    period = figures.duration(session.period)
    found: list[str] = []
    if session.mode == "live":
        found += [text for text in (_asked(session, "link"),) if text]
        found += [f"tick {tick:,}", period, f"seed {session.seed}", "tape on"]
        return found
    found.append(figures.count(session.units, "unit"))
    if session.fmus:
        every = session.certified == session.fmus
        part = "certified" if every else f"{session.certified or 'none'} certified"
        known = f", {part}" if session.digest else ""  # only the verdict says which were in a worker
        found.append(figures.count(session.fmus, "FMU") + known)
    found += [f"tick {tick:,} of {session.ticks:,}", period, f"seed {session.seed}"]
    if session.digest:
        found.append(f"digest {session.digest[:_DIGEST]}")
    return found


def _asked(session: object, name: str) -> str:
    """What a session says that need not say it."""
    say = getattr(session, name, None)
    return str(say()) if callable(say) else ""
