"""The whole picture: all panels at their places. Window, screenshot, film and tests all draw with it."""

from __future__ import annotations

from typing import Any

import pygame

from crumple.view.canvas import Canvas
from crumple.view.layout import contents_of, layout
from crumple.view.panels.charts import Charts
from crumple.view.panels.faults import Faults
from crumple.view.panels.headline import Headline
from crumple.view.panels.inputs import Inputs
from crumple.view.panels.notices import draw_notices, has_card
from crumple.view.panels.panel import ROUND, Panel
from crumple.view.panels.requirements import Requirements
from crumple.view.panels.status import Status
from crumple.view.panels.timing import Timing
from crumple.view.session import Moment, Session
from crumple.view.theme import Theme

_CARD = 96  # room for a card where there are only charts, which it must not cover [px at 720p]


class Frame:
    """All panels for one size of window. scene_only: canvas and timeline alone, with headline and status line."""

    def __init__(self, theme: Theme, session: Session) -> None:
        self.theme = theme
        self.session = session
        self.scene_only = False
        self.charts = Charts(theme)
        self.charts.use(session)
        canvas = Canvas(theme, session.scene_view, session)
        self.canvas: Canvas | None = canvas if canvas.has_pictures else None
        self._panels: dict[str, Any] = {
            "headline": Headline(theme),
            "requirements": Requirements(theme),
            "timing": Timing(theme),
            "faults": Faults(theme),
            "inputs": Inputs(theme),
            "status": Status(theme),
            "charts": self.charts,
        }
        if self.canvas is not None:
            self._panels["canvas"] = self.canvas
        self.areas: dict[str, pygame.Rect] = {}
        self._drawn_for: object = None
        self._arranged: object = None

    def changed(self) -> None:
        """Something that no panel can know of: all are painted anew."""
        for panel in self._panels.values():
            if isinstance(panel, Panel):
                panel.changed()

    def draw(self, surface: pygame.Surface, moment: Moment, *, whole: bool = True) -> None:
        """The picture of a moment. whole: also what lies between the panels, as after something lay over them.

        Each panel knows by itself when it must be painted anew.
        """
        self._arrange(surface.get_size(), moment)
        key = (id(surface), surface.get_size(), tuple(map(tuple, self.areas.values())))
        if whole or key != self._drawn_for:
            self._drawn_for = key
            surface.fill(self.theme.colour("window"))
            whole = True
        card = "canvas" not in self.areas and has_card(moment)
        self.charts.reserved = self.theme.px(_CARD) if card else 0
        for name, rect in self.areas.items():
            panel = self._panels[name]
            if isinstance(panel, Panel):
                panel.draw(surface, rect, moment, kept=not whole)
                continue
            before = surface.get_clip()
            surface.set_clip(rect)
            with self.theme.within(rect):
                panel.draw(surface, rect, moment)
            surface.set_clip(before)
        self._cards(surface, moment)

    def hit(self, pos: tuple[int, int]) -> str | None:
        """What lies at a point of the window, as the panel there names it."""
        name = self.area(pos)
        panel = self._panels.get(name)
        found = panel.hit(pos) if panel is not None and hasattr(panel, "hit") else None
        return None if found is None else str(found)

    def hover(self, pos: tuple[int, int] | None) -> None:
        """The mouse is there, or, where None, nowhere."""
        for panel in self._panels.values():
            if isinstance(panel, Panel):
                panel.hover(pos)

    def panel(self, name: str) -> Any:
        """One panel by the name of its area."""
        return self._panels[name]

    def toggle_scene_only(self) -> None:
        """Hide, or show, all but scene and timeline."""
        self.scene_only = not self.scene_only

    def scroll(self, name: str, rows: int) -> None:
        """Move the list of a panel."""
        self._panels[name].scroll(rows)

    def area(self, pos: tuple[int, int]) -> str:
        """Which panel a point belongs to; "" for none."""
        return next((name for name, rect in self.areas.items() if rect.collidepoint(pos)), "")

    def _cards(self, surface: pygame.Surface, moment: Moment) -> None:
        """What must be said in the picture itself: who is waited for, who is silent, what broke."""
        rect = self.areas.get("canvas")
        if rect is None:
            charts = self.areas.get("charts")
            if charts is None:
                return
            rect = pygame.Rect(charts.left, charts.top, charts.width, charts.height - self.charts.foot)
        draw_notices(self.theme, surface, rect, moment, scene="canvas" in self.areas)

    def _arrange(self, size: tuple[int, int], moment: Moment) -> None:
        """Where the panels are. How much they have to show is asked for once in a round while the moment plays."""
        key = (size, self.scene_only, self.charts.count)
        if moment.playing and key == self._arranged and moment.frame % ROUND:
            return
        self._arranged = key
        contents = contents_of(
            self.session, moment.t, charts=self.charts.count, canvas=self.canvas is not None
        )
        areas = layout(self.theme, size, contents, scene_only=self.scene_only)
        self.areas = {
            name: rect
            for name, rect in areas.items()
            if name in self._panels and rect.width > 0 and rect.height > 0
        }
        if self.scene_only and {"canvas", "charts"} <= set(self.areas):
            canvas, charts = self.areas["canvas"], self.areas["charts"]
            gap, bottom = charts.top - canvas.bottom, charts.bottom
            charts.height = self.charts.least
            charts.bottom = bottom
            canvas.height = charts.top - gap - canvas.top
