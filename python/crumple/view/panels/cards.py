"""Cards at the foot of the canvas: why the picture is held, and what can be done."""

from __future__ import annotations

from collections.abc import Sequence

import pygame

from crumple.view import figures, glyphs, ink
from crumple.view.layout import RADIUS
from crumple.view.panels.headline import chip
from crumple.view.session import Moment
from crumple.view.theme import Colour, Theme

_INSET, _LINE = 16, 19
_TEXT = 48  # from the left of the card
_EDGE = 3
_TITLE = 36
_PALE = 102  # of 255: 40 %


def draw_stale(theme: Theme, surface: pygame.Surface, canvas: pygame.Rect, moment: Moment) -> pygame.Rect:
    """Who is silent, for how long, against which limit, what was done about it, and the remedy.

    Nothing is drawn, and no size returned, while all inputs are fresh.
    """
    session = moment.session
    late = [row for row in session.inputs(moment.t) if row.state not in ("fresh", "none")]
    late = [row for row in late if row.age is not None]
    if not late:
        return pygame.Rect(canvas.left, canvas.bottom, 0, 0)
    row = max(late, key=lambda each: (each.age or 0.0) / (each.max_age or 1.0))
    limit = f" (limit {figures.duration(row.max_age)})" if row.max_age else ""
    done = {
        "held": "its last sample is held",
        "extrapolated": "its last two samples are extrapolated",
        "substituted": "a substitute stands in for it",
        "fail_safe": "outputs are at their safe values by policy fail_safe",
    }.get(row.state, row.state)
    others = f" {len(late) - 1} more {'is' if len(late) == 2 else 'are'} silent." if len(late) > 1 else ""
    since = [gap.since for gap in session.silences() if gap.unit == row.name and gap.since <= moment.t]
    seen = since[-1] if since else moment.t
    tick = round((seen - session.start) / session.period)
    at = figures.time_text(seen, span=session.horizon, decimals=3 if 1 < session.horizon <= 60 else None)
    title = f"{row.name} has been silent for {figures.duration(row.age)}{limit}: {done}"
    remedy = "Reconnect the rig to go on, or press S to stop and keep the recording."
    body = f"The picture is held at {at}, tick {tick:,}. {remedy}"
    return draw_card(
        theme, surface, canvas, glyph="stale", colour="stale", title=title, lines=[body + others]
    )


def draw_error(
    theme: Theme,
    surface: pygame.Surface,
    canvas: pygame.Rect,
    *,
    title: str,
    lines: Sequence[str],
    held: str,
    last: str = "",
    chipped: bool = True,
) -> pygame.Rect:
    """A unit or Crumple itself broke: the picture goes grey, and the card has the terminal's own sentence.

    title: that sentence.   lines: last words, what is kept.   held: when the picture is of, "30.0 ms, tick 300".
    last: what to press. chipped: with a chip in the corner of the canvas.
    """
    px = theme.px
    texts = len([text for text in (*lines, last) if text])
    below = px(36 + _LINE * texts + 28)
    grey(theme, surface, canvas, below=min(below, canvas.height // 2))
    with theme.within(canvas):
        right = canvas.right - px(_INSET)
        if chipped:
            right = chip(
                theme, surface, "ERROR", "error", right=right, top=canvas.top + px(10), filled=True
            ).left - px(12)
        at = canvas.left + px(_INSET), canvas.top + px(24)
        drawn = theme.text(surface, "Error", at, weight=600)
        told = f"picture held at {held}" if held else ""
        beside = drawn.right + px(9), canvas.top + px(24)
        theme.text(surface, told, beside, size=12, colour="text_2", width=right - beside[0])
    return draw_card(
        theme, surface, canvas, glyph="error", colour="error", title=title, lines=lines, last=last
    )


def draw_card(
    theme: Theme,
    surface: pygame.Surface,
    canvas: pygame.Rect,
    *,
    glyph: str,
    colour: str,
    title: str,
    lines: Sequence[str] = (),
    last: str = "",
) -> pygame.Rect:
    """A card at the foot of the canvas, so low that it does not cover the subject. last: a quieter line."""
    px = theme.px
    texts: list[tuple[str, Colour]] = [(text, "text_2") for text in lines if text]
    texts += [(last, "text_3")] if last else []
    room = max(canvas.height - 2 * px(_INSET) - px(36), 0) // px(_LINE)
    texts = texts[:room]
    height = min(px(36 + _LINE * len(texts)), canvas.height)
    width = canvas.width - 2 * px(_INSET)
    card = pygame.Rect(canvas.left + px(_INSET), canvas.bottom - px(14) - height, width, height)
    if width < px(_TEXT) or height < px(30):
        return pygame.Rect(card.topleft, (0, 0))
    ink.rounded(surface, card, theme.rgb(theme.mix("panel", "raised", 0.9)), px(6))
    surface.fill(theme.colour(colour), (card.left, card.top, px(_EDGE), card.height))
    with theme.within(card):
        tall = px(19) if not texts else px(18)
        middle = card.centery if len(texts) < 2 else card.top + px(18)
        glyphs.draw(surface, glyph, (card.left + px(26), middle), tall, theme.rgb(colour))
        x, y = card.left + px(_TEXT), card.top + px(23)
        room = card.right - px(_INSET) - x
        theme.text(surface, title, (x, y), size=14, weight=600, width=room)
        for number, (text, shade) in enumerate(texts):
            at = x, y + px(_LINE) * (number + 1) + px(1)
            theme.text(surface, text, at, size=12, colour=shade, width=room)
    return card


def grey(theme: Theme, surface: pygame.Surface, rect: pygame.Rect, *, below: int = 0) -> None:
    """Takes the colour out of what is drawn there, and most of its contrast: it is no longer true.

    below: pixels at the foot that are to be free; the picture is made smaller and stands above them.
    """
    place = rect.clip(surface.get_rect())
    if place.width < 2 or place.height <= below:
        return
    part = surface.subsurface(place)
    top = 0
    if below:
        top = min(
            theme.px(_TITLE), place.height - below - 1
        )  # the canvas's own title gives way to the card's
        share = (place.height - below - top) / (place.height - top)
        own = part.subsurface((0, top, place.width, place.height - top))
        size = max(round(place.width * share), 1), place.height - below - top
        pale = pygame.transform.grayscale(pygame.transform.smoothscale(own, size))
    else:
        pale = pygame.transform.grayscale(part)
    pale.set_alpha(_PALE)
    part.fill(theme.colour("window"))
    ink.rounded(surface, place, theme.rgb("panel"), theme.px(RADIUS))
    part.blit(pale, ((place.width - pale.get_width()) // 2, top))
    if not below:
        ink.corners_cut(surface, place, theme.rgb("window"), theme.px(RADIUS))
