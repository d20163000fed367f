"""What is shown where there is no run to show yet: none is open, one is loading, or waits for its rigs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import pygame

from crumple.view import figures, glyphs, ink
from crumple.view.layout import INSIDE, RADIUS
from crumple.view.theme import Run, Theme

_STEP, _PEER = 34, 50
_WIDTH = 424


class Step(NamedTuple):
    """Something that loading does. seconds: that it took, or takes so far."""

    text: str
    state: Literal["done", "doing", "todo", "failed"]
    seconds: float | None = None


class Peer(NamedTuple):
    """Someone who is waited for. text: how it stands, "ready, session 7, 10 kHz" or "silent for 4.2 s"."""

    name: str
    endpoint: str
    ready: bool
    text: str


def draw_empty(theme: Theme, surface: pygame.Surface, rect: pygame.Rect, *, command: str) -> None:
    """No run is open: how to start one, and where to drop one."""
    px = theme.px
    _ground(theme, surface, rect, "Crumple", "")
    with theme.within(rect):
        middle = rect.centery
        gap = min(px(435), rect.width - 2 * px(INSIDE))
        for number in range(-3, 3):
            y = middle + px(number * 34 + 40)
            inner = -2 <= number <= 0
            left, right = rect.left + px(INSIDE), rect.right - px(INSIDE)
            if rect.top + px(40) < y < rect.bottom - px(16):
                colour = theme.colour("text_3" if number == 2 else "grid")
                half = (gap // 2) if inner else 0
                surface.fill(colour, (left, y, max(rect.centerx - half - left, 0), 1))
                surface.fill(colour, (rect.centerx + half, y, max(right - rect.centerx - half, 0), 1))
        room = rect.width - 2 * px(INSIDE)
        x = rect.centerx
        theme.text(
            surface, "No run is open", (x, middle - px(12)), size=16, weight=600, anchor="center", width=room
        )
        theme.text(
            surface, command, (x, middle + px(13)), weight=500, colour="accent", anchor="center", width=room
        )
        text = "or drop a run folder on this window"
        theme.text(surface, text, (x, middle + px(35)), size=12, colour="text_3", anchor="center", width=room)


def draw_loading(
    theme: Theme,
    surface: pygame.Surface,
    rect: pygame.Rect,
    *,
    name: str,
    steps: Sequence[Step],
    done: int | None = None,
    of: int | None = None,
    word: str = "checks",
) -> None:
    """The steps with their times. done, of: how far the present one is; a bar only where that is known."""
    px = theme.px
    _ground(theme, surface, rect, "Loading", name)
    with theme.within(rect):
        width = min(px(_WIDTH), rect.width - 2 * px(INSIDE))
        left, right = rect.centerx - width // 2, rect.centerx + width // 2
        room = rect.height - px(40 + 60)
        pitch = min(px(_STEP), max(room // max(len(steps), 1), px(20)))
        most = max(room // pitch, 1)
        shown = list(steps)[-most:] if steps and steps[-1].state != "todo" else list(steps)[:most]
        y = max(rect.centery - (len(shown) * pitch + px(50)) // 2 + px(14), rect.top + px(52))
        for step in shown:
            _step(theme, surface, step, left=left, right=right, y=y)
            y += pitch
        y += px(14)
        if y + px(22) > rect.bottom:
            return
        at = right, y + px(22)
        theme.text(surface, "Esc cancels", at, size=12, colour="text_3", anchor="right", width=width // 2)
        if done is not None and of:
            track = pygame.Rect(left, y, width, px(4))
            ink.bar(surface, track, theme.rgb("raised"))
            part = min(max(done / of, 0.0), 1.0)
            ink.bar(surface, pygame.Rect(left, y, round(part * width), px(4)), theme.rgb("accent"))
            text = f"{done:,} of {of:,} {word}"
            theme.text(surface, text, (left, y + px(22)), size=12, colour="text_2", width=width // 2)


def _step(theme: Theme, surface: pygame.Surface, step: Step, *, left: int, right: int, y: int) -> None:
    px = theme.px
    glyph, colour = {
        "done": ("pass", "pass"),
        "doing": ("holding", "accent"),
        "todo": ("todo", "hairline"),
        "failed": ("fail", "fail"),
    }[step.state]
    glyphs.draw(surface, glyph, (left + px(7), y - px(4)), px(15), theme.rgb(colour))
    took = "" if step.seconds is None else figures.duration(step.seconds)
    drawn = theme.text(surface, took, (right, y), size=12, colour="text_3", anchor="right")
    end = drawn.left - px(10) if drawn.width else right
    weight = 500 if step.state == "doing" else 400
    ink_name = "text_3" if step.state == "todo" else "text"
    x = left + px(28)
    theme.text(surface, step.text, (x, y), weight=weight, colour=ink_name, width=end - x)


def draw_waiting(
    theme: Theme,
    surface: pygame.Surface,
    rect: pygame.Rect,
    *,
    name: str,
    peers: Sequence[Peer],
    cost: str = "",
    remedy: str = "Start the rig, or press Enter to begin without it.",
) -> None:
    """Each endpoint with its state; cost: what starting without the missing ones would mean."""
    px = theme.px
    missing = sum(not peer.ready for peer in peers)
    _ground(theme, surface, rect, "Waiting for a rig" if missing == 1 else "Waiting for rigs", name)
    with theme.within(rect):
        width = min(px(_WIDTH), rect.width - 2 * px(INSIDE))
        left, right = rect.centerx - width // 2, rect.centerx + width // 2
        room = rect.height - px(40 + 62)
        most = max(room // px(_PEER), 1)
        shown = sorted(peers, key=lambda peer: peer.ready)[:most] if len(peers) > most else list(peers)
        y = max(rect.centery - (len(shown) * px(_PEER) + px(56)) // 2 + px(12), rect.top + px(56))
        for peer in shown:
            _peer(theme, surface, peer, left=left, right=right, y=y)
            y += px(_PEER)
        if y + px(34) > rect.bottom or not missing:
            return
        middle = rect.centerx
        theme.text(surface, remedy, (middle, y + px(8)), colour="text_2", anchor="center", width=width)
        theme.text(
            surface, cost, (middle, y + px(30)), size=12, colour="text_3", anchor="center", width=width
        )


def _peer(theme: Theme, surface: pygame.Surface, peer: Peer, *, left: int, right: int, y: int) -> None:
    px = theme.px
    state = "pass" if peer.ready else "stale"
    glyphs.draw(surface, state, (left + px(8), y - px(4)), px(16), theme.rgb(state))
    x = left + px(30)
    colour = "text_2" if peer.ready else "stale"
    told = theme.text(
        surface, peer.text, (right, y), colour=colour, weight=400, anchor="right", width=0.6 * (right - x)
    )
    end = told.left - px(12) if told.width else right
    theme.text(surface, peer.name, (x, y), size=14, weight=600, width=end - x)
    theme.text(surface, peer.endpoint, (x, y + px(19)), size=12, colour="text_3", width=right - x)


def _ground(theme: Theme, surface: pygame.Surface, rect: pygame.Rect, title: str, note: str) -> None:
    px = theme.px
    ink.rounded(surface, rect, theme.rgb("panel"), px(RADIUS))
    with theme.within(rect):
        runs = [Run(title, 13, 600), Run(note, 12, 400, "text_3")]
        at = rect.left + px(INSIDE), rect.top + px(24)
        theme.line(surface, runs, at, gap=9, width=rect.width - 2 * px(INSIDE))
