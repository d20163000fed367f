"""The canvas: a picture of the scene, to scale, as it is at one moment."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pygame

from crumple.view import ink
from crumple.view.canvas import (  # they register painters
    bodies,  # noqa: F401
    cobot,  # noqa: F401
    driver,  # noqa: F401
    marks,  # noqa: F401
    process,  # noqa: F401
    sedan,  # noqa: F401
    thermal,  # noqa: F401
    traffic,  # noqa: F401
)
from crumple.view.canvas.camera import Camera
from crumple.view.canvas.ground import grid, ground, ruler, scale_bar
from crumple.view.canvas.marks import runs_of
from crumple.view.canvas.notes import Board, Note
from crumple.view.canvas.pen import Pen
from crumple.view.canvas.source import Source
from crumple.view.canvas.stage import PAINTERS, Item, Point, Stage
from crumple.view.canvas.thermal import heat_scale
from crumple.view.canvas.values import Values, bind, bind_table, number
from crumple.view.figures import duration
from crumple.view.scene_view import Picture, read_view
from crumple.view.session import Moment
from crumple.view.theme import Run, Theme
from crumple.view.vocabulary import PICTURE

_LARGE = 1.4  # scale of the window from which on the canvas is drawn at its own size, not at twice that
_MOST_PIXELS = 24_000_000  # of the surface that is drawn on
_DRAWN_ONCE = {"wall", "path", "box", "circle", "polygon", "capsule", "image"}
_TURN = 6  # frames between two readings of a figure that changes


class Canvas:
    """Draws the pictures of a [view] table. Nothing here is slower than a frame may be, nor changes the session.

    theme: may be replaced when the window changes.   labels: grid, labels and rulers are drawn.
    sharp: how many times larger than the window it is drawn; 0 chooses by the window's size.
    folder: of the scene, where the files of its images are.
    """

    def __init__(self, theme: Theme, scene_view: Mapping[str, Any], session: Source) -> None:
        self.theme = theme
        self.labels = True
        self.sharp = 0
        self.pictures = read_view(scene_view).pictures
        self.session = session
        self.folder = _scene_folder(session)
        self._values = Values(session)
        self._index = 0
        self._staged: dict[int, tuple[Stage, list[Item], dict[str, Any]]] = {}
        self._zoomed: dict[
            int, tuple[float, Camera]
        ] = {}  # by picture: scale of the whole, camera chosen by hand
        self._rect = pygame.Rect(0, 0, 1, 1)
        self._key: tuple[Any, ...] = ()
        self._still = self._large = self._small = pygame.Surface((1, 1))
        self._figures: dict[str, list[Run]] = {}
        self._kept: tuple[int, list[Note], dict[tuple[str, str], Point]] = (
            0,
            [],
            {},
        )  # of the shapes that stand still
        self.camera = Camera(1.0, 0.0, 0.0)

    @property
    def has_pictures(self) -> bool:
        """Whether the scene says what to draw."""
        return bool(self.pictures)

    @property
    def picture(self) -> Picture:
        """The one that is shown. Raises IndexError where there is none."""
        return self.pictures[self._index]

    def next_view(self) -> str:
        """Goes to the next picture; its name, "" where there is none."""
        if not self.pictures:
            return ""
        self._index = (self._index + 1) % len(self.pictures)
        self._figures.clear()
        return self.picture.name

    def zoom(self, factor: float, at: tuple[float, float]) -> None:
        """Larger by `factor` around a pixel of the window."""
        here = at[0] - self._rect.x, at[1] - self._rect.y
        whole = self._whole()
        self._zoomed[self._index] = (whole.scale, self._camera().zoomed(factor, here, whole.scale))

    def pan(self, dx: float, dy: float) -> None:
        """Moves the picture by pixels of the window."""
        self._zoomed[self._index] = (self._whole().scale, self._camera().panned(dx, dy))

    def fit(self) -> None:
        """The whole picture again."""
        self._zoomed.pop(self._index, None)

    def draw(self, surface: pygame.Surface, rect: pygame.Rect, moment: Moment) -> None:
        """Draws the picture at a moment into `rect` of the window."""
        if not self.pictures or rect.width < 8 or rect.height < 8:
            return
        self._rect = pygame.Rect(rect)
        self._values.at(moment.t)
        stage, items, values = self._stage()
        camera = self._followed(values)
        self.camera = camera
        self._prepare(camera, stage, items, values)
        pen = Pen(self.theme, self._large, camera, self._sharpness())
        pen.zoomed = self._index in self._zoomed
        stage.theme = self.theme
        stage.begin(pen)
        self._large.blit(self._still, (0, 0))
        still, notes, anchors = self._kept
        stage.notes += notes
        stage.anchors |= anchors
        for item in items[still:]:
            if self._is_shown(stage, item):
                PAINTERS[item.kind](stage, item)
        if pen.sharp == 1:
            surface.blit(self._large, rect)
        else:
            pygame.transform.smoothscale(self._large, rect.size, self._small)
            surface.blit(self._small, rect)
        ink.corners_cut(surface, rect, self.theme.rgb("window"), 8 * self.theme.k)
        before = surface.get_clip()
        surface.set_clip(rect.clip(before))
        with self.theme.within(rect):
            self._write(surface, stage, values, camera, moment)
        surface.set_clip(before)

    # ---- what is drawn

    def _stage(self) -> tuple[Stage, list[Item], dict[str, Any]]:
        if self._index not in self._staged:
            picture = self.picture
            items = [Item(shape, bind(shape, self.session)) for shape in picture.shapes]
            stage = Stage(self.theme, self._values, {item.name: item for item in items})
            stage.folder = self.folder
            values = bind_table(
                {k: v for k, v in picture.values.items() if k != "draw"}, PICTURE, self.session
            )
            self._staged[self._index] = stage, items, values
        return self._staged[self._index]

    def _is_shown(self, stage: Stage, item: Item) -> bool:
        if item.kind == "label" and not self.labels:
            return False
        visible = item.values.get("visible")
        return visible is None or bool(number(visible, stage.values))

    def _whole(self) -> Camera:
        values = self._stage()[2]
        span = {}
        for key in ("x", "y"):
            ends = [number(end, self._values) for end in values[key] or ()]
            known = [end for end in ends if end is not None]
            span[key] = (known[0], known[1]) if len(known) == 2 else None
        side = values["projection"] == "side"
        return Camera.fit(self._rect.size, span["x"] or (-1.0, 1.0), span["y"], stand=side)

    def _camera(self) -> Camera:
        """As chosen by hand, else the whole picture; as large against the window as it was."""
        if self._index not in self._zoomed:
            return self._whole()
        whole, chosen = self._zoomed[self._index]
        now = self._whole().scale
        return chosen if now == whole else Camera(chosen.scale * now / whole, chosen.left, chosen.top)

    def _followed(self, values: Mapping[str, Any]) -> Camera:
        dx, dy = (number(values[key], self._values) for key in ("follow_x", "follow_y"))
        camera = self._camera()
        return camera.moved(dx or 0.0, dy or 0.0) if dx or dy else camera

    def _sharpness(self) -> int:
        if self.sharp:
            return self.sharp
        fits = self._rect.width * self._rect.height * 4 <= _MOST_PIXELS
        return 2 if self.theme.k < _LARGE and fits else 1

    def _prepare(self, camera: Camera, stage: Stage, items: list[Item], values: Mapping[str, Any]) -> None:
        """Draws what stands still anew where the camera, the window or the theme is another."""
        sharp = self._sharpness()
        key = (self._index, self._rect.size, sharp, camera, self.theme.dark, self.theme.k, self.labels)
        if key == self._key:
            return
        size = self._rect.width * sharp, self._rect.height * sharp
        if self._large.get_size() != size:
            self._still, self._large = pygame.Surface(size), pygame.Surface(size)
            self._small = pygame.Surface(self._rect.size)
        self._key = key
        pen = Pen(self.theme, self._still, camera, sharp)
        top = values["projection"] == "top"
        road = top and bool(values["ground"])
        self._still.fill(self.theme.mix("panel", "ground", 0.16) if road else self.theme.colour("panel"))
        if self.labels:
            ink_of_grid = self.theme.mix("grid", "hairline", 0.5) if road else self.theme.colour("grid")
            grid(pen, number(values["grid"], self._values), ink_of_grid)
        if not top and values["ground"] is not False:
            ground(pen)
        stage.theme = self.theme
        stage.begin(pen)
        still = 0
        while still < len(items) and _stands_still(items[still]):
            PAINTERS[items[still].kind](stage, items[still])
            still += 1
        self._kept = still, list(stage.notes), dict(stage.anchors)

    # ---- what is written

    def _write(
        self, surface: pygame.Surface, stage: Stage, values: Mapping[str, Any], camera: Camera, moment: Moment
    ) -> None:
        board = Board(self.theme, surface, self._rect)
        self._headings(board, stage, values)
        if self.labels:
            side = values["projection"] == "side"
            wants_ruler = side if values["ruler"] is None else values["ruler"]
            if wants_ruler:
                ruler(board, camera)
            hot = any(
                item.values.get("heat") is not None or item.kind == "cells" for item in stage.items.values()
            )
            if (not wants_ruler) if values["scale_bar"] is None else values["scale_bar"]:
                scale_bar(board, camera, right=hot)
            if hot:
                heat_scale(board, number(values["heat_limit"], self._values), values["heat_text"])
        for note in stage.notes:
            note(board)
        self._label(board, stage, values, camera, moment)

    def _headings(self, board: Board, stage: Stage, values: Mapping[str, Any]) -> None:
        px, rect = self.theme.px, self._rect
        title = values["title"] or ("Top view" if values["projection"] == "top" else "Side view")
        y = rect.y + px(24)
        board.fixed(
            [Run(title, 13, 600, "text"), Run(values["note"], 12, 400, "text_3")], (rect.x + px(16), y), gap=8
        )
        legend, colour = values["legend"], "live" if self.session.mode == "live" else "text_2"
        if stage.values.silent:
            name, age = next(iter(stage.values.silent.items()))
            since = "no sample yet" if math.isnan(age) else f"last sample {duration(age)} ago"
            legend, colour = f"{name}: {since}", "stale"
        board.fixed(
            [Run(legend, 12, 500 if colour == "stale" else 400, colour)], (rect.right - px(16), y), "right"
        )
        if stage.missing:
            names = ", ".join(stage.missing[:4]) + (" …" if len(stage.missing) > 4 else "")
            runs = [Run("no sample:", 12, 500, "text_2"), Run(names, 12, 400, "text_3")]
            board.fixed(runs, (rect.right - px(16), y + px(18)), "right")

    def _label(
        self, board: Board, stage: Stage, values: Mapping[str, Any], camera: Camera, moment: Moment
    ) -> None:
        """Labels, after everything that has its place. Figures of a running picture change ten times a second."""
        side = values["projection"] == "side"
        row = []
        for n, (item, point, stale) in enumerate(stage.labels):
            fresh = not moment.playing or moment.frame % _TURN == n % _TURN or item.name not in self._figures
            if fresh:
                self._figures[item.name] = runs_of(stage, item, stale=stale)
            runs = [run for run in self._figures[item.name] if run.text]
            if not runs:
                continue
            if point is None:
                board.fixed(runs, (self._rect.x + self.theme.px(16), self._rect.y + self.theme.px(44)))
                continue
            pixel = board.at(camera.pixel(*point))
            if not self._rect.collidepoint(pixel):
                continue
            place = item.values.get("place")
            colour = "stale" if stale else "text_3"
            if place is None or place == "row":
                if side or place == "row":
                    row.append((runs, pixel))
                    continue
                place = "above"
            others = [side for side in ("right", "left", "above", "below") if side != place]
            tall = len(runs) > 1 and place in ("right", "left")
            lines = [runs[:1], runs[1:]] if tall else [runs]
            board.beside(lines, pixel, [place, *others], colour, off=_off(stage, item, camera, self.theme))
        board.rows(row)


def _stands_still(item: Item) -> bool:
    """Whether a shape looks the same at all times, so that it can be drawn once."""
    if item.kind not in _DRAWN_ONCE or item.values.get("on") is not None or item.values.get("source"):
        return False
    return not any(callable(value) for value in _flat(item.values))


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, tuple):
        for part in value:
            yield from _flat(part)
    else:
        yield value


def _off(stage: Stage, item: Item, camera: Camera, theme: Theme) -> float:
    """How far from its anchor a label must stand to clear the shape, in pixels at 720 lines."""
    at = item.values.get("at")
    if at is None or at[1]:
        return 14.0
    size = stage.extents.get(at[0], 0.0)
    return size * camera.scale / theme.k + 10.0


def _scene_folder(session: Source) -> Path | None:
    """The folder of the scene that a run was made from, as its manifest has it; None where that is not known."""
    folder = getattr(session, "folder", None)
    try:
        manifest = json.loads((Path(folder) / "manifest.json").read_bytes()) if folder else {}
        return Path(manifest["files"][-1]["path"]).parent  # included files come before
    except (OSError, ValueError, LookupError, TypeError):
        return None
