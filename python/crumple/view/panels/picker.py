"""A list over the picture to choose from: signals to plot, faults to inject. Mouse and keyboard do the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import pygame

from crumple.view import glyphs, ink

if TYPE_CHECKING:
    from crumple.view.theme import Theme

_WIDTH = 520  # [px at 720p]
_PITCH = 28  # a row; what the mouse must hit is 24 px and more
_MOST_ROWS = 14
_HEAD = 62
_FOOT = 34


class Choice(NamedTuple):
    """A row. glyph: before it, "" for none.   marked: it is chosen already."""

    name: str
    note: str = ""
    glyph: str = ""
    marked: bool = False


class Picker:
    """Open from its making until `done`. choices: asked for at each drawing.   act: called with what was chosen.

    title, empty: what it is, and what is said where there is nothing.   stays: open after a choice.
    """

    def __init__(
        self,
        theme: Theme,
        title: str,
        choices: Callable[[], Sequence[Choice]],
        act: Callable[[str], object],
        *,
        empty: str,
        foot: str = "↑ ↓ and Enter choose   Esc closes",
        stays: bool = True,
    ) -> None:
        self._theme = theme
        self._title = title
        self._choices = choices
        self._act = act
        self._empty = empty
        self._foot = foot
        self._stays = stays
        self._filter = ""
        self._at = 0
        self._first = 0
        self._rows: list[tuple[pygame.Rect, str]] = []
        self._rect = pygame.Rect(0, 0, 0, 0)
        self.done = False

    def use(self, theme: Theme) -> None:
        """Draw with another theme."""
        self._theme = theme

    def draw(self, surface: pygame.Surface) -> None:
        """In the middle of the window, over everything."""
        theme = self._theme
        found = self._found()
        self._at = min(self._at, max(0, len(found) - 1))
        count = min(_MOST_ROWS, max(1, len(found)))
        self._first = min(max(self._first, self._at - count + 1), self._at)
        size = theme.px(_WIDTH), theme.px(_HEAD + _FOOT + _PITCH * count)
        rect = pygame.Rect((0, 0), size)
        rect.center = surface.get_rect().center
        self._rect = rect
        veil(surface, theme)
        ink.rounded(surface, rect, theme.rgb("raised"), theme.px(8))
        with theme.within(rect):
            self._draw(surface, rect, found[self._first : self._first + count])

    def _draw(self, surface: pygame.Surface, rect: pygame.Rect, found: Sequence[Choice]) -> None:
        theme = self._theme
        left, right = rect.left + theme.px(16), rect.right - theme.px(16)
        theme.text(surface, self._title, (left, rect.top + theme.px(24)), size=13, weight=600)
        typed = self._filter or "type to search"
        theme.text(
            surface,
            typed,
            (left, rect.top + theme.px(46)),
            size=13,
            colour="accent" if self._filter else "text_3",
            width=right - left,
        )
        self._rows = []
        if not found:
            none = self._empty if not self._filter else f"nothing is called like {self._filter}"
            theme.text(
                surface,
                none,
                (left, rect.top + theme.px(_HEAD + 18)),
                size=13,
                colour="text_2",
                width=right - left,
            )
        for number, choice in enumerate(found):
            top = rect.top + theme.px(_HEAD + _PITCH * number)
            row = pygame.Rect(rect.left + theme.px(6), top, rect.width - theme.px(12), theme.px(_PITCH))
            self._rows.append((row, choice.name))
            if number + self._first == self._at:
                ink.rounded(surface, row, theme.rgb("accent"), theme.px(5))
                inner = row.inflate(-2 * theme.px(2), -2 * theme.px(2))
                ink.rounded(surface, inner, theme.rgb("raised"), theme.px(4))
            y = top + theme.px(18.5)
            if choice.glyph:
                glyphs.draw(
                    surface,
                    choice.glyph,
                    (left + theme.px(7), top + theme.px(14)),
                    theme.px(14),
                    theme.rgb(choice.glyph),
                )
            elif choice.marked:
                ink.disc(surface, (left + theme.px(7), top + theme.px(14)), theme.px(4), theme.rgb("accent"))
            weight = 600 if choice.marked else 400
            name = theme.text(
                surface,
                choice.name,
                (left + theme.px(22), y),
                size=13,
                weight=weight,
                width=theme.px(_WIDTH - 190),
            )
            theme.text(
                surface,
                choice.note,
                (right, y),
                size=12,
                colour="text_2",
                anchor="right",
                width=right - name.right,
            )
        theme.text(
            surface,
            self._foot,
            (left, rect.bottom - theme.px(13)),
            size=12,
            colour="text_3",
            width=right - left,
        )

    def key(self, key: int, text: str) -> None:
        """A key was pressed; text: what it writes."""
        found = self._found()
        if key == pygame.K_ESCAPE:
            self.done = not self._filter
            self._filter = ""
        elif key in (pygame.K_UP, pygame.K_DOWN, pygame.K_PAGEUP, pygame.K_PAGEDOWN):
            by = {pygame.K_UP: -1, pygame.K_DOWN: 1, pygame.K_PAGEUP: -10, pygame.K_PAGEDOWN: 10}[key]
            self._at = min(max(0, self._at + by), max(0, len(found) - 1))
        elif key in (pygame.K_RETURN, pygame.K_KP_ENTER):
            if found:
                self._choose(found[self._at].name)
        elif key == pygame.K_BACKSPACE:
            self._filter = self._filter[:-1]
        elif text.isprintable() and text and len(self._filter) < 60:
            self._filter += text
            self._at = 0

    def click(self, pos: tuple[int, int]) -> None:
        """A row is chosen; beside the list it closes."""
        for row, name in self._rows:
            if row.collidepoint(pos):
                self._choose(name)
                return
        self.done = not self._rect.collidepoint(pos)

    def wheel(self, by: int) -> None:
        """Scroll by rows."""
        self._at = min(max(0, self._at - by), max(0, len(self._found()) - 1))

    def _choose(self, name: str) -> None:
        self._act(name)
        self.done = self.done or not self._stays

    def _found(self) -> list[Choice]:
        wanted = self._filter.lower().split()
        return [each for each in self._choices() if all(part in each.name.lower() for part in wanted)]


def veil(surface: pygame.Surface, theme: Theme) -> None:
    """Darken what lies below something that wants an answer."""
    cover = pygame.Surface(surface.get_size())
    cover.fill(theme.colour("window"))
    cover.set_alpha(150)
    surface.blit(cover, (0, 0))
