"""The keys: the few that matter now, and all of them on a sheet over the window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pygame

from crumple.view import ink
from crumple.view.session import Moment
from crumple.view.theme import Theme


class Key(NamedTuple):
    """caps: what is printed on the keys.   does: in a few words.   name: as it is told when it is clicked."""

    caps: tuple[str, ...]
    does: str
    name: str


ALL: tuple[tuple[str, tuple[Key, ...]], ...] = (
    (
        "Time",
        (
            Key(("Space",), "play, hold", "space"),
            Key(("←", "→"), "one tick; Shift ten, Ctrl a chart's width", "right"),
            Key(("E",), "next event; Shift the one before", "e"),
            Key(("1", "…", "9"), "speed, from 1/500 to 60 ×", "speed"),
            Key(("Home", "End"), "start, end; live: back to now", "home"),
            Key(("Z",), "all of the time again", "z"),
            Key(("C",), "continue from here as a new run", "c"),
        ),
    ),
    (
        "Run",
        (
            Key(("F",), "inject a fault, or list them", "f"),
            Key(("S",), "stop safely; live it asks once", "s"),
            Key(("R",), "open the report", "r"),
            Key(("Q",), "close the window", "q"),
        ),
    ),
    (
        "Picture",
        (
            Key(("L",), "plot signals: a list of all", "l"),
            Key(("V",), "next view of the scene", "v"),
            Key(("+", "−"), "zoom; the wheel does it, too", "zoom"),
            Key(("Tab",), "scene only", "tab"),
            Key(("G",), "grid and labels off, on", "g"),
            Key(("T",), "dark, light", "t"),
            Key(("P",), "save a picture beside the run", "p"),
            Key(("?",), "these keys; Esc closes them", "?"),
        ),
    ),
    (
        "Mouse",
        (
            Key(("Drag",), "the timeline, to go to any time", ""),
            Key(("Wheel",), "zooms time in charts, space in the scene", ""),
            Key(("Click",), "a requirement, an event: to its moment", ""),
            Key(("Click",), "a signal, to plot it; a fault, to inject it", ""),
        ),
    ),
)

_PITCH, _HEAD, _INSIDE = 26, 34, 28
_COLUMNS = ((0,), (2,), (1, 3))


def matter_now(moment: Moment) -> Sequence[Key]:
    """The four keys that matter most."""
    if moment.session.mode == "live":
        hold = Key(("Space",), "hold" if moment.playing else "go on", "space")
        return (hold, Key(("F",), "fault", "f"), Key(("S",), "stop", "s"), Key(("?",), "keys", "?"))
    return (
        Key(("Space",), "hold" if moment.playing else "play", "space"),
        Key(("←", "→"), "step", "right"),
        Key(("E",), "next event", "e"),
        Key(("?",), "keys", "?"),
    )


def cap_width(theme: Theme, caps: Sequence[str]) -> int:
    """Width of key caps in pixels; single characters share one."""
    return sum(_cap(theme, text) for text in _joined(caps)) + theme.px(3) * (len(_joined(caps)) - 1)


def _cap(theme: Theme, text: str) -> int:
    return max(theme.measure(text, size=11, weight=600)[0] + theme.px(12), theme.px(18))


def _joined(caps: Sequence[str]) -> Sequence[str]:
    return [" ".join(caps)] if all(len(text) == 1 for text in caps) else caps


def draw_cap(
    theme: Theme, surface: pygame.Surface, caps: Sequence[str], at: tuple[int, int], *, ground: str
) -> pygame.Rect:
    """Key caps; `at`: their left end and the baseline of the text beside them."""
    px = theme.px
    whole = pygame.Rect(at[0], at[1] - px(13), cap_width(theme, caps), px(17))
    x = whole.left
    for text in _joined(caps):
        rect = pygame.Rect(x, whole.top, _cap(theme, text), whole.height)
        ink.rounded(surface, rect, theme.rgb(ground), px(4))
        middle = rect.centerx, at[1] - px(0.5)
        theme.text(surface, text, middle, size=11, weight=600, colour="text_2", anchor="center")
        x = rect.right + px(3)
    return whole


class KeysOverlay:
    """The sheet that `?` shows. `hit` tells "key:NAME" or "keys:close"."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self._sheet = pygame.Rect(0, 0, 0, 0)
        self._targets: list[tuple[pygame.Rect, str]] = []

    def draw(self, surface: pygame.Surface, rect: pygame.Rect, moment: Moment) -> None:
        """Dims what is in `rect` and lays the sheet over its middle."""
        theme, px = self.theme, self.theme.px
        veil = pygame.Surface(rect.size)
        veil.fill(theme.colour("window"))
        veil.set_alpha(170)
        surface.blit(veil, rect)
        self._targets = []
        groups = [[ALL[number] for number in column] for column in self._columns(rect)]
        caps, column = self._widths()
        rows = max(sum(len(keys) for _, keys in column) * _PITCH + _HEAD * len(column) for column in groups)
        width = min(len(groups) * column + px(_INSIDE) * (len(groups) + 1), rect.width)
        height = min(px(rows + 74), rect.height)
        self._sheet = pygame.Rect(0, 0, width, height)
        self._sheet.center = rect.center
        ink.rounded(surface, self._sheet, theme.rgb("hairline"), px(12))
        ink.rounded(surface, self._sheet.inflate(-2, -2), theme.rgb("panel"), px(11))
        with theme.within(self._sheet):
            clip = surface.get_clip()
            surface.set_clip(self._sheet.clip(clip))
            left, top = self._sheet.left + px(_INSIDE), self._sheet.top + px(34)
            theme.text(surface, "Keys", (left, top), size=18, weight=600)
            at = self._sheet.right - px(_INSIDE), top
            theme.text(surface, "Esc closes", at, size=12, colour="text_3", anchor="right")
            for number, group in enumerate(groups):
                x = left + number * (column + px(_INSIDE))
                self._column(surface, group, x=x, top=self._sheet.top + px(46), caps=caps, width=column)
            surface.set_clip(clip)

    def hit(self, pos: tuple[int, int]) -> str | None:
        """A key of the sheet; outside of it, and where there is none, "keys:close"."""
        found = next((name for place, name in self._targets if place.collidepoint(pos)), None)
        return found or "keys:close"

    def _columns(self, rect: pygame.Rect) -> Sequence[tuple[int, ...]]:
        _, column = self._widths()
        room = (rect.width - self.theme.px(_INSIDE)) // (column + self.theme.px(_INSIDE))
        return _COLUMNS if room >= 3 else ((0, 1), (2, 3)) if room == 2 else ((0, 1, 2, 3),)

    def _widths(self) -> tuple[int, int]:
        theme = self.theme
        keys = [key for _, group in ALL for key in group]
        caps = max(cap_width(theme, key.caps) for key in keys) + theme.px(12)
        return caps, caps + max(theme.measure(key.does, size=12)[0] for key in keys)

    def _column(
        self,
        surface: pygame.Surface,
        group: Sequence[tuple[str, tuple[Key, ...]]],
        *,
        x: int,
        top: int,
        caps: int,
        width: int,
    ) -> None:
        theme, px = self.theme, self.theme.px
        y = top
        for name, keys in group:
            y += px(_HEAD)
            theme.text(surface, name, (x, y - px(8)), size=12, weight=600, colour="text_3")
            for key in keys:
                y += px(_PITCH)
                base = y - px(8)
                draw_cap(theme, surface, key.caps, (x, base), ground="raised")
                theme.text(surface, key.does, (x + caps, base), size=12, colour="text_2", width=width - caps)
                if key.name:
                    self._targets.append(
                        (pygame.Rect(x, y - px(_PITCH) + px(2), width, px(_PITCH)), f"key:{key.name}")
                    )
