"""Where the panels are, at any size of the window.

The design is made for 1280 x 720. Extra space goes to the canvas and the charts; the right column keeps its width.
A window that is much too narrow for two columns but tall has the right column under the charts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pygame

from crumple.view.session import Session
from crumple.view.theme import Theme

# Lengths of the design.
MARGIN, GAP, INSIDE, RADIUS = 16, 12, 16, 8
TOP, FOOT = 56, 36  # of headline and status line
COLUMN = 368
ROW, ROW_CROWDED, ROWS_TOP = 44, 41, 50
INPUT_ROW = 24
_TIMING, _TIMING_WITH_UNITS = 126, 168
_FAULTS_LEAST = 61
_CANVAS_LEAST, _CHARTS = 200, 300
_CHART = 63  # one with its gap
_NARROW, _TALL = 1180, 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What there is to show, as far as it needs room.

    requirements, faults, inputs, charts: how many.   by_unit: whether the cost of each unit is known.
    canvas: whether the scene says what to draw.
    """

    requirements: int = 6
    faults: int = 0
    inputs: int = 0
    charts: int = 3
    by_unit: bool = True
    canvas: bool = True


def contents_of(session: Session, t: float, *, charts: int = 3, canvas: bool = True) -> Contents:
    """What a session has at t [s]; charts and canvas are the caller's."""
    timing = session.timing(t)
    return Contents(
        requirements=len(session.requirements(t)),
        faults=len(session.faults(t)),
        inputs=len(session.inputs(t)),
        charts=charts,
        by_unit=timing is not None and len(timing.by_unit) > 0,
        canvas=canvas,
    )


def layout(
    theme: Theme, size: tuple[int, int], contents: Contents | None = None, *, scene_only: bool = False
) -> Mapping[str, pygame.Rect]:
    """Rectangles in pixels: headline, canvas, charts, requirements, timing, faults, status, and where there is
    something for it and room, inputs. What has no room has no size.

    scene_only: canvas and timeline have the whole window.
    """
    contents = contents or Contents()
    w, h = size[0] / theme.k, size[1] / theme.k
    places: dict[str, tuple[float, float, float, float]] = {
        "headline": (0, 0, w, TOP - GAP / 2),
        "status": (0, h - 28, w, 28),
    }
    bottom = h - FOOT
    if scene_only:
        places |= _left(MARGIN, w - MARGIN, TOP, bottom, contents)
        places |= dict.fromkeys(("requirements", "timing", "faults"), (w, TOP, 0, 0))
    elif w < _NARROW and h >= _TALL:
        block = min(_rows(contents, ROW), 0.36 * h)
        below = max(block, _timing(contents) + GAP + 110)
        places |= _left(MARGIN, w - MARGIN, TOP, bottom - below - GAP, contents)
        middle = round((w - GAP) / 2)
        top = bottom - below
        places["requirements"] = (MARGIN, top, middle - MARGIN, below)
        places |= _stack(middle + GAP, w - MARGIN, top, bottom, contents, with_requirements=False)
    else:
        column = COLUMN if w >= _NARROW else min(max(0.31 * w, 236), COLUMN)
        left = w - MARGIN - column
        places |= _left(MARGIN, left - MARGIN, TOP, bottom, contents)
        places |= _stack(left, w - MARGIN, TOP, bottom, contents, with_requirements=True)
    return {name: _pixels(theme, place) for name, place in places.items()}


def _left(
    x1: float, x2: float, y1: float, y2: float, contents: Contents
) -> dict[str, tuple[float, float, float, float]]:
    width, height = x2 - x1, y2 - y1
    if not contents.canvas:
        return {"canvas": (x1, y1, 0, 0), "charts": (x1, y1, width, height)}
    room = height - GAP
    charts = _CHARTS + max(0.0, room - 616) * 0.4 + _CHART * (max(contents.charts, 1) - 3)
    charts = max(min(charts, room - _CANVAS_LEAST, 0.62 * room), min(160.0, 0.5 * room))
    canvas = room - charts
    return {"canvas": (x1, y1, width, canvas), "charts": (x1, y1 + canvas + GAP, width, charts)}


def _stack(
    x1: float, x2: float, y1: float, y2: float, contents: Contents, *, with_requirements: bool
) -> dict[str, tuple[float, float, float, float]]:
    """One above the other. What is short of room: first the cost of units, then the inputs, then the rows."""
    timing = _timing(contents)
    inputs = ROWS_TOP + INPUT_ROW * contents.inputs + GAP if contents.inputs else 0
    faults = max(
        _FAULTS_LEAST, min(ROWS_TOP + 40 * contents.faults, 122) if contents.faults else _FAULTS_LEAST
    )
    rows = _rows(contents, ROW) + GAP if with_requirements else 0
    crowded = _rows(contents, ROW_CROWDED) + GAP if with_requirements else 0
    fixed = timing + GAP + faults
    room = y2 - y1
    if fixed + inputs + rows > room:
        rows = crowded
    if fixed + inputs + rows > room and contents.by_unit:
        fixed -= timing - _TIMING
        timing = _TIMING
    if fixed + inputs + rows > room:
        inputs = 0
    if fixed + rows > room and faults > _FAULTS_LEAST:
        fixed -= faults - _FAULTS_LEAST
    if with_requirements:
        rows = max(min(rows, room - fixed), ROWS_TOP + ROW_CROWDED + GAP)
    places: dict[str, tuple[float, float, float, float]] = {}
    y = y1
    for name, height in (
        ("requirements", rows),
        ("timing", timing + GAP),
        ("inputs", inputs),
    ):
        if height:
            places[name] = (x1, y, x2 - x1, min(height - GAP, max(y2 - y, 0)))
            y += height
    places["faults"] = (x1, y, x2 - x1, max(y2 - y, 0))
    return places


def _rows(contents: Contents, pitch: float) -> float:
    return ROWS_TOP + pitch * max(contents.requirements, 1)


def _timing(contents: Contents) -> float:
    return _TIMING_WITH_UNITS if contents.by_unit else _TIMING


def _pixels(theme: Theme, place: tuple[float, float, float, float]) -> pygame.Rect:
    """Rounded once, at its edges, so that neighbours stay apart by the same gap."""
    x, y, w, h = place
    left, top = round(x * theme.k), round(y * theme.k)
    return pygame.Rect(
        left, top, round((x + max(w, 0)) * theme.k) - left, round((y + max(h, 0)) * theme.k) - top
    )
