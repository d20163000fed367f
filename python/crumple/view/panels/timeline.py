"""The timeline below the charts: what happened when, how far the run is, and where the cursor stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pygame

from crumple.view import glyphs, ink
from crumple.view.figures import shown_time, time_text
from crumple.view.panels.strip import View
from crumple.view.session import Event, Moment
from crumple.view.text import DISPLAY

if TYPE_CHECKING:
    from crumple.view.theme import Theme

_TRACK = 4  # height of the track [px at 720p]
_KNOB = 11  # diameter of the knob
_DOT = 8  # diameter of an event
_BETWEEN = 10  # least distance of two labels in a row
_ROWS = 2
_UNDONE = 0.45  # part of the colour of what has not happened yet
_REACH = 12  # half of what the mouse can hit: targets are 24 px
_GLYPHS = {"fault": "fault", "requirement": "fail", "warning": "at_risk", "error": "error"}
_MOST_EVENTS = 400


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event's label stands. row: 0 or 1, None where there was no room."""

    event: int
    x: float
    left: float
    width: float
    row: int | None


def placed(
    widths: Sequence[float], at: Sequence[float], *, left: float, right: float, between: float
) -> list[Place]:
    """Labels centred under their events, each in the first row that leaves room.

    widths: of the labels, at: of the events, from left to right.   left, right: where labels must stay within.
    """
    ends = [left - between] * _ROWS
    places = []
    for number, (width, x) in enumerate(zip(widths, at, strict=True)):
        begin = min(max(x - width / 2, left), right - width)
        row = next((row for row in range(_ROWS) if begin - ends[row] >= between), None)
        if row is not None:
            ends[row] = begin + width
        places.append(Place(number, x, begin, width, row))
    return places


class Timeline:
    """Draws into the foot of the chart panel; shares its axis of time."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._key: object = None
        self._span = 0.0
        self._places: list[Place] = []
        self._events: list[tuple[int, Event]] = []
        self._rect = pygame.Rect(0, 0, 0, 0)
        self._view = View(0.0, 1.0, 0, 1)

    @property
    def height(self) -> int:
        """How much room it needs [window px]."""
        return self._theme.px(102)

    def draw(
        self, surface: pygame.Surface, rect: pygame.Rect, moment: Moment, view: View, *, colour: str
    ) -> None:
        """rect: of the foot. colour: of the knob, "accent" or "stale"."""
        theme, session = self._theme, moment.session
        self._rect, self._view = rect, view
        y = rect.top + theme.px(25)
        end = session.end()
        self._span = session.horizon
        self._place(session.events(), rect, view, done_until=end, live=session.mode == "live")
        self._track(surface, view, y, moment.t, end)
        for place, (_, event) in zip(self._places, self._events, strict=True):
            self._label(surface, rect, place, event, y, done=event.t <= moment.t + session.period / 2)
        for place, (_, event) in zip(self._places, self._events, strict=True):
            self._mark(surface, place.x, event, y, done=event.t <= moment.t + session.period / 2)
        if view.since <= moment.t <= view.until:
            self._knob(surface, view.x(moment.t), y, colour)
        self._clock(surface, rect, moment)

    def hit(self, pos: tuple[int, int]) -> str | None:
        """ "event:3", "time:0.073" or nothing."""
        theme, rect = self._theme, self._rect
        if not rect.collidepoint(pos):
            return None
        y = rect.top + theme.px(25)
        reach = theme.px(_REACH)
        for place, (number, _) in zip(self._places, self._events, strict=True):
            if abs(pos[0] - place.x) <= reach / 2 and abs(pos[1] - y) <= reach:
                return f"event:{number}"
            if place.row is not None and place.left <= pos[0] <= place.left + place.width:
                top = y + theme.px(8 + 30 * place.row)
                if top <= pos[1] <= top + theme.px(30):
                    return f"event:{number}"
        if (
            abs(pos[1] - y) <= reach
            and self._view.left - reach <= pos[0] <= self._view.left + self._view.width + reach
        ):
            return f"time:{self._view.t(pos[0]):.12g}"
        return None

    # -- pieces ------------------------------------------------------------------------------------------

    def _place(
        self, events: Sequence[Event], rect: pygame.Rect, view: View, *, done_until: float, live: bool
    ) -> None:
        theme = self._theme
        seen = [
            (number, event)
            for number, event in enumerate(events)
            if view.since <= event.t <= view.until and not (live and event.t > done_until)
        ][:_MOST_EVENTS]
        span = self._span
        key = (tuple(seen), rect.topleft, rect.size, view)
        if key == self._key:
            return
        self._key, self._events = key, seen
        widths = [
            max(
                theme.measure(event.name, size=13, weight=500)[0],
                theme.measure(time_text(event.t, span=span), size=11)[0],
            )
            for _, event in seen
        ]
        self._places = placed(
            widths,
            [view.x(event.t) for _, event in seen],
            left=rect.left + theme.px(136),
            right=rect.right - theme.px(8),
            between=theme.px(_BETWEEN),
        )

    def _track(self, surface: pygame.Surface, view: View, y: int, t: float, end: float) -> None:
        theme = self._theme
        height = theme.px(_TRACK)
        top = y - height // 2
        rail = pygame.Rect(view.left, top, view.width, height)
        ink.bar(surface, rail, theme.rgb("raised"))
        known = round(min(max(view.x(end), view.left), view.left + view.width)) - view.left
        if known > 0:
            ahead = theme.mix("raised", "accent", 0.15)
            ink.bar(surface, pygame.Rect(view.left, top, known, height), theme.rgb(ahead))
        played = round(min(max(view.x(t), view.left), view.left + view.width)) - view.left
        if played > 0:
            ink.bar(surface, pygame.Rect(view.left, top, played, height), theme.rgb("accent"))

    def _mark(self, surface: pygame.Surface, x: float, event: Event, y: int, *, done: bool) -> None:
        theme = self._theme
        size = theme.px(_DOT)
        ring = size + 2 * theme.px(3)
        glyph = _GLYPHS.get(event.kind)
        if glyph is not None:
            size = theme.px(14)
            ring = size + 2 * theme.px(2)
            ink.disc(surface, (x, y), ring / 2, theme.rgb("panel"))
            colour = theme.rgb(glyph) if done else theme.mix("panel", glyph, _UNDONE)
            glyphs.draw(surface, glyph, (x, y), size, theme.rgb(colour))
            return
        ink.disc(surface, (x, y), ring / 2, theme.rgb("panel"))
        colour = theme.colour("accent") if done else theme.mix("panel", "text_3", 0.7)
        ink.disc(surface, (x, y), size / 2, theme.rgb(colour))

    def _label(
        self, surface: pygame.Surface, rect: pygame.Rect, place: Place, event: Event, y: int, *, done: bool
    ) -> None:
        if place.row is None:
            return
        theme = self._theme
        middle = place.left + place.width / 2
        name_y = y + theme.px(24 + 30 * place.row)
        if place.row:
            surface.fill(
                theme.colour("hairline"),
                (round(place.x), y + theme.px(10), max(1, theme.px(1)), theme.px(30)),
            )
        colour = "text" if done else "text_3"
        theme.text(surface, event.name, (middle, name_y), size=13, weight=500, colour=colour, anchor="center")
        time = time_text(event.t, span=self._span)
        theme.text(surface, time, (middle, name_y + theme.px(13)), size=11, colour="text_3", anchor="center")

    def _knob(self, surface: pygame.Surface, x: float, y: int, colour: str) -> None:
        theme = self._theme
        radius = theme.px(_KNOB) / 2
        ink.disc(surface, (x, y), radius + theme.px(2), theme.rgb("panel"))
        ink.disc(surface, (x, y), radius, theme.rgb(colour))
        ink.disc(surface, (x, y), radius * 0.42, theme.rgb("window"))

    def _clock(self, surface: pygame.Surface, rect: pygame.Rect, moment: Moment) -> None:
        theme = self._theme
        left, y = rect.left + theme.px(25), rect.top + theme.px(30)
        figure, unit = shown_time(moment.t, span=self._span)
        drawn = theme.text(surface, figure, (left, y), size=20, weight=DISPLAY)
        if unit:
            theme.text(surface, unit, (drawn.right + theme.px(5), y), size=13, colour="text_3")
        theme.text(surface, self._of(moment), (left, y + theme.px(19)), size=12, colour="text_3")

    @staticmethod
    def _of(moment: Moment) -> str:
        session = moment.session
        even = round(session.horizon * (1e3 if session.horizon <= 1.0 else 1.0), 6) % 1 == 0
        whole = time_text(session.horizon, decimals=0 if even else None)
        if session.mode == "live":
            return f"of {whole}"
        return f"of {whole}, {speed_text(moment.speed)}"


def speed_text(speed: float) -> str:
    """ "1/50", "1 ×", "60 ×"."""
    if speed >= 1 or speed <= 0:
        return f"{speed:.3g} ×"
    return f"1/{1 / speed:.3g}"
