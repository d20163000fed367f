"""The headline: which scene, how it runs, and the verdict with its reason."""

from __future__ import annotations

import pygame

from crumple.view import glyphs, ink
from crumple.view.layout import MARGIN
from crumple.view.palette import Rgb, contrast
from crumple.view.panels.panel import Panel
from crumple.view.session import Moment
from crumple.view.theme import Theme

_TOP, _HEIGHT = 16, 24  # of the chips
_NAME = 56  # where the scene's name begins
_BASE = 34
_BETWEEN = 10
_OPEN = {"undecided", "holding"}


class Headline(Panel):
    """Draws it. Targets: "chip:mode", "chip:verdict"."""

    turn = 3
    ground = "window"

    def paint(self, surface: pygame.Surface, rect: pygame.Rect, moment: Moment) -> None:
        """From right to left: verdict, mode, reason; what is left is for name and title."""
        theme, px = self.theme, self.theme.px
        session = moment.session
        word, reason = session.verdict()
        right = rect.right - px(MARGIN)
        y = px(_TOP)
        verdict = chip(theme, surface, word.upper(), word, right=right, top=y, filled=word not in _OPEN)
        self.target(verdict, "chip:verdict")
        text = session.chip()
        glyph, colour = mode_glyph(text, moment)
        at = verdict.left - px(_BETWEEN)
        room: float = at - px(_NAME) - px(60)
        mode = chip(theme, surface, text, glyph, right=at, top=y, colour=colour, width=room)
        if mode.width:
            self.target(mode, "chip:mode")
        glyphs.mark(surface, (px(MARGIN), px(18)), px(20), theme.rgb("accent"), theme.rgb("text_2"))
        end = mode.left - px(12)
        base = px(_BASE)
        wanted = theme.measure(reason, size=12)[0]
        free = end - px(_NAME) - px(14)
        room = max(free - wanted, 0.6 * free)
        name = theme.text(surface, session.name, (px(_NAME), base), size=18, weight=600, width=room)
        start = name.right + px(14)
        free = end - start
        titled = theme.measure(session.title, size=13)[0]
        room = min(wanted, max(free - titled - px(16), 0.55 * free if free > px(400) else free))
        if room >= min(wanted, px(80)):
            drawn = theme.text(
                surface, reason, (end, base), size=12, colour="text_3", anchor="right", width=room
            )
            end = drawn.left - px(16) if drawn.width else end
        if end - start >= min(titled, px(80)):
            theme.text(surface, session.title, (start, base), size=13, colour="text_2", width=end - start)


def mode_glyph(text: str, moment: Moment) -> tuple[str, str]:
    """Glyph and colour of the chip that says how a run goes on."""
    word = text.split(" ", 1)[0].rstrip(",").lower()
    if word == "waiting":
        return "waiting", "stale"
    if "silent" in text:
        return "stale", "stale"
    if word == "live":
        return "live", "live"
    if word in ("held", "paused"):
        return "paused", "accent"
    return ("playing" if moment.playing else "paused"), "accent"


def chip(
    theme: Theme,
    surface: pygame.Surface,
    text: str,
    glyph: str,
    *,
    right: float,
    top: float,
    colour: str | None = None,
    filled: bool = False,
    width: float | None = None,
    ground: str = "window",
) -> pygame.Rect:
    """A pill with a glyph and a word that ends at `right`. filled: for what is final. width: that there is for it.

    colour: that of the glyph where None. Returns where it is, of no width where there is no room.
    """
    px = theme.px
    colour = colour or glyph
    around = px(10) + px(14) + px(6) + px(11)
    if width is not None:
        text = theme.elided(text, width - around, size=13, weight=600)
    if not text:
        return pygame.Rect(round(right), round(top), 0, px(_HEIGHT))
    wide = theme.measure(text, size=13, weight=600)[0] + around
    rect = pygame.Rect(round(right) - wide, round(top), wide, px(_HEIGHT))
    back = theme.rgb(colour) if filled else chip_ground(theme, colour, ground)
    ink.rounded(surface, rect, back, rect.height / 2)
    front = theme.rgb("ink" if filled else colour)
    glyphs.draw(surface, glyph, (rect.left + px(10) + px(7), rect.centery), px(14), front)
    at = rect.left + px(10) + px(14) + px(6), rect.top + px(16.6)
    theme.text(surface, text, at, size=13, weight=600, colour=front)
    return rect


def chip_ground(theme: Theme, colour: str, ground: str) -> Rgb:
    """What a tinted chip is filled with: as much of its colour as leaves the word readable."""
    tints = (theme.rgb(theme.tint(colour, part, on=ground)) for part in (0.16, 0.13, 0.10, 0.08))
    readable = (tint for tint in tints if contrast(tint, theme.rgb(colour)) >= 4.5)
    return next(readable, theme.rgb("panel"))
