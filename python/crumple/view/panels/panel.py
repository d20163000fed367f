"""What all panels share: a picture that is kept, and repainted only when it may have changed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import pygame

from crumple.view import ink, palette
from crumple.view.layout import INSIDE, RADIUS
from crumple.view.session import Moment
from crumple.view.theme import Colour, Run, Theme

ROUND = (
    6  # frames until each panel had its turn: figures change ten times a second, and no frame pays for all
)
HOVER = 0.5  # from the panel's colour to the raised one, under the pointer: texts must stay readable

_TITLE = 24  # baseline, from the top of the panel


class Panel(ABC):
    """A rectangle of the window. turn: its place in the round of frames.

    While the moment plays it is repainted in its turn; otherwise as soon as the moment is another one. What takes
    long is painted in steps, one a frame, and shown when it is complete.
    """

    turn = 0
    ground = "panel"  # colour of what it is painted on

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self._picture: pygame.Surface | None = None  # that is shown
        self._next: pygame.Surface | None = None  # that is painted on
        self._steps: Iterator[None] | None = None  # that are left of it
        self._place = pygame.Rect(0, 0, 0, 0)
        self._t: float | None = None
        self._playing = False
        self._session: object = None
        self._targets: list[tuple[pygame.Rect, str]] = []  # in the panel's own coordinates, of what is shown
        self._coming: list[tuple[pygame.Rect, str]] = []  # of what is painted
        self._hovered: str | None = None
        self._changed = True

    @abstractmethod
    def paint(self, surface: pygame.Surface, rect: pygame.Rect, moment: Moment) -> Iterator[None] | None:
        """Draws the panel; rect begins at (0, 0). What it can be clicked on is told to `target`.

        A generator is run on by one step in each frame while the moment plays, and else at once; it should have
        fewer steps than a round has frames.
        """

    def draw(self, surface: pygame.Surface, rect: pygame.Rect, moment: Moment, *, kept: bool = False) -> None:
        """Shows the panel at `rect`; paints it anew where that is due.

        kept: the surface still shows there what this panel drew last, so that nothing need be done otherwise.
        """
        if rect.width < 1 or rect.height < 1:
            self._place = pygame.Rect(0, 0, 0, 0)
            return
        if self._picture is None or self._picture.get_size() != rect.size:
            self._picture, self._next = pygame.Surface(rect.size), pygame.Surface(rect.size)
            self._changed = True
        new = self._go_on(rect, moment)
        if new or not kept or self._place != rect:
            surface.blit(self._picture, rect)
        self._place = pygame.Rect(rect)

    def hit(self, pos: tuple[int, int]) -> str | None:
        """What lies at a point of the window, by name; None for nothing that can be clicked."""
        if not self._place.collidepoint(pos):
            return None
        own = pos[0] - self._place.left, pos[1] - self._place.top
        return next((name for rect, name in reversed(self._targets) if rect.collidepoint(own)), None)

    def hover(self, pos: tuple[int, int] | None) -> str | None:
        """Marks what lies under the pointer; None: the pointer is elsewhere. Returns its name."""
        found = None if pos is None else self.hit(pos)
        if found != self._hovered:
            self._hovered = found
            self._changed = True
        return found

    def changed(self) -> None:
        """Has the panel painted with the next frame, whatever the turn."""
        self._changed = True

    # -- for those that paint --------------------------------------------------------------------------

    def target(self, rect: pygame.Rect, name: str) -> None:
        """What lies in `rect` can be clicked; it is made large enough for a finger that is in a hurry."""
        least = self.theme.px(24)
        grown = rect.inflate(max(least - rect.width, 0), max(least - rect.height, 0))
        self._coming.append((grown, name))

    def hovered(self, name: str) -> bool:
        """Whether the pointer is on it."""
        return self._hovered == name

    def lit(self, surface: pygame.Surface, rect: pygame.Rect, name: str) -> palette.Rgb:
        """Lights up what can be clicked while the pointer is on it. Returns what it is drawn on."""
        if not self.hovered(name):
            return self.theme.rgb("panel")
        ground = self.theme.rgb(self.theme.mix("panel", "raised", HOVER))
        ink.rounded(surface, rect, ground, self.theme.px(6))
        return ground

    def title(
        self, surface: pygame.Surface, rect: pygame.Rect, title: str, note: str, *, colour: Colour = "text_3"
    ) -> None:
        """The panel's name, and on the right what is to be known of it in a few words."""
        theme = self.theme
        inside = theme.px(INSIDE)
        y = rect.top + theme.px(_TITLE)
        drawn = theme.text(surface, title, (rect.left + inside, y), weight=600, width=rect.width - 2 * inside)
        room = rect.right - inside - drawn.right - theme.px(12)
        theme.text(
            surface, note, (rect.right - inside, y), size=12, colour=colour, anchor="right", width=room
        )

    # ----------------------------------------------------------------------------------------------------

    def _go_on(self, rect: pygame.Rect, moment: Moment) -> bool:
        """Begins a picture where one is due, or does the next step of it. Whether another one is shown now."""
        at_once = self._changed or moment.playing != self._playing or moment.session is not self._session
        at_once = at_once or (not moment.playing and moment.t != self._t)
        if at_once or (self._steps is None and moment.frame % ROUND == self.turn):
            self._changed = False
            self._t, self._playing, self._session = moment.t, moment.playing, moment.session
            self._steps = self._painting(rect, moment)
        if self._steps is None:
            return False
        for _ in self._steps:
            if not at_once and moment.playing:
                return False
        self._steps = None
        self._picture, self._next = self._next, self._picture
        self._targets, self._coming = self._coming, []
        return True

    def _painting(self, rect: pygame.Rect, moment: Moment) -> Iterator[None]:
        assert self._next is not None
        theme, surface, own = self.theme, self._next, pygame.Rect((0, 0), rect.size)
        self._coming = []
        surface.fill(theme.colour("window"))
        if self.ground != "window":
            ink.rounded(surface, own, theme.rgb(self.ground), theme.px(RADIUS))
        with theme.within(rect, origin=rect.topleft):
            steps = self.paint(surface, own, moment)
        while steps is not None:
            with theme.within(rect, origin=rect.topleft):
                try:
                    next(steps)
                except StopIteration:
                    return
            yield


def more(theme: Theme, surface: pygame.Surface, rect: pygame.Rect, runs: list[Run]) -> None:
    """A line at the foot of a panel that says what there was no room for."""
    inside = theme.px(INSIDE)
    at = rect.left + inside + theme.px(24), rect.bottom - theme.px(11)
    width = rect.right - inside - at[0]
    theme.line(surface, theme.fitting(runs, width), at, width=width)
