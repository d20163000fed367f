"""One frame of a picture while it is being drawn: where its shapes are, their colours, and what is to be written.

Painters register themselves by the kind of shape that they draw. They draw on a pen, leave anchors for labels,
and note what has no sample.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pygame
from numpy.typing import NDArray

from crumple.view import palette
from crumple.view.canvas.values import Bound, Values, number
from crumple.view.scene_view import Shape

if TYPE_CHECKING:
    from pathlib import Path

    from crumple.view.canvas.notes import Note
    from crumple.view.canvas.pen import Pen
    from crumple.view.theme import Theme

Point = tuple[float, float]

_DEEPEST = 32  # shapes that carry each other


class Frame(NamedTuple):
    """A place over ground: x, y [m], turned by `angle` [rad]."""

    x: float = 0.0
    y: float = 0.0
    angle: float = 0.0

    def to_ground(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, 2) points over ground for (n, 2) points of this frame [m]."""
        if self.angle == 0.0:
            return np.add(points, (self.x, self.y))
        c, s = math.cos(self.angle), math.sin(self.angle)
        turned: NDArray[np.float64] = np.add(points.dot(((c, s), (-s, c))), (self.x, self.y))
        return turned

    def point(self, x: float, y: float) -> Point:
        """One point over ground [m]."""
        c, s = math.cos(self.angle), math.sin(self.angle)
        return self.x + c * x - s * y, self.y + s * x + c * y


class Item:
    """A shape with its values bound to a session."""

    __slots__ = ("kind", "name", "outline", "shape", "values")

    def __init__(self, shape: Shape, values: Mapping[str, Bound]) -> None:
        self.shape = shape
        self.name = shape.name
        self.kind = shape.kind
        self.values = values
        self.outline: tuple[Point, ...] | None = None  # of a body whose size never changes, once it was made

    def constant(self, *keys: str) -> bool:
        """Whether these values never change."""
        return all(type(self.values.get(key)) in (float, type(None)) for key in keys)


class Stage:
    """What the painters of one frame share. Lengths [m], angles [rad]."""

    def __init__(self, theme: Theme, values: Values, items: Mapping[str, Item]) -> None:
        self.theme = theme
        self.values = values
        self.items = items
        self.pen: Pen = None  # type: ignore[assignment]  # set before anything is drawn
        self.anchors: dict[tuple[str, str], Point] = {}
        self.missing: list[str] = []
        self.notes: list[Note] = []  # to be written at fixed places
        self.labels: list[
            tuple[Item, Point | None, bool]
        ] = []  # with what they are about, and whether that is stale
        self.folder: Path | None = None  # where the files of images are
        self._frames: dict[str, Frame | None] = {}
        self.postures: dict[str, Any] = {}
        self.extents: dict[str, float] = {}  # by shape: how far it reaches from its place [m], for labels

        self.wanted = {
            item.values["at"][0] for item in items.values() if item.kind == "label" and item.values["at"]
        }
        self._mixed: dict[tuple[Any, ...], pygame.Color] = {}
        self._inks: dict[str, pygame.Color] = {}
        self._inked_for: Theme | None = None

    def mix(self, a: pygame.Color, b: str, part: float) -> pygame.Color:
        """From a colour (part 0) to one of the palette (part 1); what was mixed once is kept."""
        key = (*a, b, part)
        found = self._mixed.get(key)
        if found is None:
            if len(self._mixed) > 4096:
                self._mixed.clear()
            found = self._mixed[key] = self.theme.mix(a, b, part)
        return found

    def begin(self, pen: Pen) -> None:
        """Before a frame."""
        self.pen = pen
        if self._inked_for is not self.theme:
            self._inked_for = self.theme
            self._mixed.clear()
            self._inks.clear()
        self.anchors.clear()
        self.missing.clear()
        self.notes.clear()
        self.labels.clear()
        self.postures.clear()
        self.extents.clear()
        self._frames.clear()

    def number(self, item: Item, key: str, default: float = 0.0) -> float:
        """A value now; the default where it is not given. Where it has no sample, the shape is noted as missing."""
        value = item.values.get(key)
        if type(value) is float:
            return value
        if value is None:
            return default
        found: float | None = value(self.values.get)
        if found is None:
            self.lacks(item)
            return default
        return found

    def maybe(self, item: Item, key: str) -> float | None:
        """A value now; None where it is not given or has no sample."""
        return number(item.values.get(key), self.values)

    def holds(self, item: Item, key: str, *, default: bool = True) -> bool:
        """Whether a condition holds now; not where it has no sample."""
        value = item.values.get(key)
        return default if value is None else bool(number(value, self.values))

    def pair(self, item: Item, value: Any) -> Point | None:
        """A bound point now, in the frame it is written in."""
        x, y = number(value[0], self.values), number(value[1], self.values)
        if x is None or y is None:
            self.lacks(item)
            return None
        return x, y

    def lacks(self, item: Item) -> None:
        """Note that a shape has no sample."""
        if item.name not in self.missing:
            self.missing.append(item.name)

    def frame(self, name: str, *, depth: int = 0) -> Frame | None:
        """Where a shape is; None where its pose has no sample."""
        if name in self._frames:
            return self._frames[name]
        item = self.items.get(name)
        if item is None or depth > _DEEPEST:
            return None
        self._frames[name] = found = self._pose(item, depth)
        return found

    def _pose(self, item: Item, depth: int) -> Frame | None:
        get, given = self.values.get, item.values
        x, y, angle = given.get("x", 0.0), given.get("y", 0.0), given.get("angle", 0.0)
        x = x if type(x) is float else 0.0 if x is None else x(get)
        y = y if type(y) is float else 0.0 if y is None else y(get)
        angle = angle if type(angle) is float else 0.0 if angle is None else angle(get)
        if x is None or y is None or angle is None:
            self.lacks(item)
            return None
        carrier = given.get("on")
        if carrier is None:
            return Frame(x, y, angle)
        below = self.frame(carrier, depth=depth + 1)
        if below is None:
            self.lacks(item)
            return None
        dx, dy = SEATS.get((self.items[carrier].kind if carrier in self.items else "", item.kind), (0.0, 0.0))
        return Frame(*below.point(x + dx, y + dy), below.angle + angle)

    def carrier(self, item: Item) -> Frame | None:
        """The frame in which the points of a shape are written."""
        on = item.values.get("on")
        return Frame() if on is None else self.frame(on)

    def colour(self, item: Item, default: str, key: str = "colour") -> pygame.Color:
        """What a shape is filled with now: stale, by temperature, by the first condition that holds, or its own."""
        given = item.values
        if self.values.silent and self.values.is_stale(item.shape):
            return self.theme.mix("panel", "stale", 0.75 if key == "colour" else 1.0)
        if key == "colour":
            heat = given.get("heat")
            if heat is not None:
                celsius = number(heat, self.values)
                if celsius is None:
                    self.lacks(item)
                    return self.ink("ghost")
                return pygame.Color(*palette.temperature(celsius))
            colours = given.get("colours")
            if colours:
                for name, condition in colours.items():
                    if number(condition, self.values):
                        return self.ink(name)
        return self.ink(given.get(key) or default)

    def ink(self, name: str) -> pygame.Color:
        """A colour of the palette, or "#RRGGBB"; not to be changed."""
        found = self._inks.get(name)
        if found is None:
            found = self._inks[name] = self.pen.colour(name)
        return found

    def anchor(self, name: str, part: str) -> Point | None:
        """A point of a shape over ground, as its painter left it; else where the shape is."""
        found = self.anchors.get((name, part)) or self.anchors.get((name, ""))
        if found is None:
            frame = self.frame(name) if name in self.items else None
            found = None if frame is None else (frame.x, frame.y)
        return found


Painter = Callable[[Stage, Item], None]
PAINTERS: dict[str, Painter] = {}
SEATS: dict[
    tuple[str, str], Point
] = {}  # where a shape sits on another by itself, (carrier's kind, kind): [m]


def painter(kind: str) -> Callable[[Painter], Painter]:
    """Marks the function that draws shapes of a kind."""

    def register(function: Painter) -> Painter:
        PAINTERS[kind] = function
        return function

    return register


def tyre(theme: Theme) -> pygame.Color:
    """The colour of rubber, darker than anything else."""
    return pygame.Color(8, 11, 15) if theme.dark else pygame.Color(60, 68, 77)
