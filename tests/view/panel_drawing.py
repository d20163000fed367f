"""Draws all panels of a made-up run, and notes the texts on them."""

from __future__ import annotations

import os

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")

import pygame

from crumple.view.layout import contents_of, layout
from crumple.view.panels.faults import Faults
from crumple.view.panels.headline import Headline
from crumple.view.panels.inputs import Inputs
from crumple.view.panels.panel import Panel
from crumple.view.panels.requirements import Requirements
from crumple.view.panels.status import Status
from crumple.view.panels.timing import Timing
from crumple.view.theme import Drawn, Theme
from view.fake_session import FakeSession, at, battery, crash, crowded, driving

PANELS = {
    "headline": Headline,
    "requirements": Requirements,
    "timing": Timing,
    "inputs": Inputs,
    "faults": Faults,
    "status": Status,
}
TIMES = {"crash": 0.073, "battery": 604.0, "driving": 3.42, "silent": 3.296, "crowded": 3.2}


def session_of(kind: str) -> FakeSession:
    """One of each kind in TIMES."""
    made = {"crash": crash, "battery": battery, "driving": driving, "crowded": crowded}
    return driving(silent=True) if kind == "silent" else made[kind]()


def draw(
    session: FakeSession,
    t: float,
    size: tuple[int, int] = (1280, 720),
    *,
    dark: bool = True,
    scale: float = 1.0,
) -> tuple[pygame.Surface, list[Drawn], dict[str, Panel]]:
    """All panels at their places; the picture, the texts on it, the panels."""
    theme = Theme(dark=dark, width=size[0], height=size[1], scale=scale)
    theme.drawn = []
    surface = pygame.Surface(size)
    surface.fill(theme.colour("window"))
    areas = layout(theme, size, contents_of(session, t))
    panels = {name: PANELS[name](theme) for name in areas if name in PANELS}
    for name, panel in panels.items():
        panel.draw(surface, areas[name], at(session, t))
    return surface, theme.drawn, panels
