"""Cells by temperature, the heat that flows between them, and the scale of their colours."""

from __future__ import annotations

import math
from functools import lru_cache

import pygame

from crumple.view import glyphs, palette
from crumple.view.canvas.bodies import rounded
from crumple.view.canvas.marks import figure
from crumple.view.canvas.notes import Board, Note
from crumple.view.canvas.stage import Item, Point, Stage, painter
from crumple.view.canvas.values import number, si_of
from crumple.view.figures import shown
from crumple.view.theme import DISPLAY, Run

_SCALE = (300.0, 8.0)  # width and height of the colour scale, pixels at 720 lines


@painter("cells")
def cells(stage: Stage, item: Item) -> None:
    """A case with cells in rows: disc, rim, cap with the figure, vent lines, and words around them."""
    frame = stage.frame(item.name)
    temperatures = item.values.get("temperatures")
    pitch, radius = stage.number(item, "pitch"), stage.number(item, "radius")
    if frame is None or item.name in stage.missing or not temperatures:
        return
    count = len(temperatures)
    columns = item.values.get("columns") or count
    places = [frame.point(n % columns * pitch, -(n // columns) * pitch) for n in range(count)]
    if item.values.get("case"):
        _case(stage, places, radius, pitch)
    for n, (place, bound) in enumerate(zip(places, temperatures, strict=True)):
        celsius = number(bound, stage.values)
        vents = item.values.get("vented")
        vented = vents is not None and bool(number(vents[n], stage.values))
        _cell(stage, item, place, radius, celsius, vented=vented)
        stage.notes.append(
            _said(stage, item, n, place=place, radius=radius, celsius=celsius, columns=columns)
        )
    stage.anchors[item.name, ""] = places[0]


def _case(stage: Stage, places: list[Point], radius: float, pitch: float) -> None:
    pen, theme = stage.pen, stage.theme
    margin = radius + min(0.5 * max(pitch - 2 * radius, 0.0), 0.6 * radius) + 0.1 * radius
    corners = [pen.spot(x, y) for x, y in places]
    left, right = min(x for x, _ in corners), max(x for x, _ in corners)
    top, bottom = min(y for _, y in corners), max(y for _, y in corners)
    m, corner = margin * pen.metre, 14 * pen.k
    for inset, colour in ((0.0, theme.colour("hairline")), (1.2 * pen.k, theme.mix("panel", "raised", 0.75))):
        w, h = (right - left) / 2 + m - inset, (bottom - top) / 2 + 1.04 * m - inset
        middle = ((left + right) / 2, (top + bottom) / 2)
        if min(w, h) > corner:
            pen.fill([(middle[0] + x, middle[1] + y) for x, y in rounded(w, h, corner - inset)], colour)


def _cell(
    stage: Stage, item: Item, place: Point, radius: float, celsius: float | None, *, vented: bool
) -> None:
    pen, theme = stage.pen, stage.theme
    centre, r = pen.spot(*place), radius * pen.metre
    if celsius is None:
        pen.disc(centre, r, theme.colour("ghost"))
        pen.disc(centre, r - 1.4 * pen.k, theme.colour("panel"))
        return
    stale = stage.values.is_stale(item.shape)
    colour = pygame.Color(*palette.temperature(celsius))
    if stale:
        colour = theme.mix(colour, "stale", 0.5)
    light, dark = theme.mix(colour, (255, 255, 255), 0.32), theme.mix(colour, (16, 20, 26), 0.28)
    pen.disc(centre, r, pygame.Color(16, 20, 26) if theme.dark else theme.mix(colour, (16, 20, 26), 0.5))
    pen.disc(centre, r - 1.2 * pen.k, light)
    pen.disc(centre, r - 3.4 * pen.k, dark)
    pen.disc(centre, r - 3.4 * pen.k - 0.045 * r, colour)
    if vented:
        ink = theme.mix(colour, (16, 20, 26), 0.55)
        for n in range(3):
            a = math.pi / 2 + n * math.tau / 3
            ends = [(centre[0] + r * q * math.cos(a), centre[1] - r * q * math.sin(a)) for q in (0.46, 0.8)]
            pen.bar(ends, ink, 1.8, cap=False)
    pen.disc(centre, 0.41 * r, dark)
    pen.disc(centre, 0.335 * r, theme.mix(colour, (255, 255, 255), 0.16))


def _said(
    stage: Stage, item: Item, n: int, *, place: Point, radius: float, celsius: float | None, columns: int
) -> Note:
    """Name above, figure in the middle, state word with its glyph below."""
    camera = stage.pen.camera
    at, r = camera.pixel(*place), min(abs(radius) * camera.scale, 1e6)
    names, words = item.values.get("name") or (), item.values.get("words")
    word = None
    if words:
        word = next((w for w, condition in words[n].items() if number(condition, stage.values)), None)
    state = (item.values.get("glyphs") or {}).get(word or "", "")
    stale = stage.values.is_stale(item.shape)
    several = len(item.values["temperatures"]) > columns

    def write(board: Board) -> None:
        theme, px = board.theme, board.theme.px
        x, y = board.at(at)
        if celsius is None:
            board.fixed([Run("no sample", 12, 500, "text_3")], (x, y + px(4)), "center")
        elif r > 14 * theme.k:
            size = min(20.0, 0.62 * r / theme.k)
            figure_ink = pygame.Color(*palette.ink_on_temperature(celsius))
            text = shown(celsius, "degC")[0]
            width = theme.measure(text, size=size, weight=DISPLAY)[0]
            if width < 1.6 * r and size >= 9:
                theme.text(
                    board.surface,
                    text,
                    (x, y + px(size * 0.36)),
                    size=size,
                    weight=DISPLAY,
                    colour=figure_ink,
                    anchor="center",
                )
        board.take(pygame.Rect(round(x - r), round(y - r), round(2 * r), round(2 * r)))
        if several and r < 40 * theme.k:
            return
        if names:
            board.fixed([Run(names[n], 12, 500, "text_2")], (x, y - r - px(34)), "center")
        if word:
            runs = [Run(word, 12, 400, "stale" if stale else "text")]
            icon = px(13) if state else 0
            width = theme.measure_line(runs) + (icon + px(5) if icon else 0)
            left, base = x - width / 2, y + r + px(45)
            box = board.fixed(runs, (left + (icon + px(5) if icon else 0), base))
            if box is not None and icon:
                glyphs.draw(board.surface, state, (left + icon / 2, base - px(4)), icon, theme.rgb(state))

    return write


@painter("coupling")
def coupling(stage: Stage, item: Item) -> None:
    """A line as wide as what flows, with figure and arrow above."""
    frame = stage.carrier(item)
    a, b = stage.pair(item, item.values["from"]), stage.pair(item, item.values["to"])
    flow, most = stage.maybe(item, "flow"), stage.maybe(item, "flow_max")
    if frame is None or a is None or b is None:
        return
    a, b = frame.point(*a), frame.point(*b)
    pen = stage.pen
    stage.anchors[item.name, ""] = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
    if flow is None or not most:
        pen.dashed([pen.spot(*a), pen.spot(*b)], stage.theme.colour("ghost"), 1.25)
        stage.lacks(item)
        return
    width = 1.0 + 8.0 * min(abs(flow) / most, 1.0)
    pen.bar([pen.spot(*a), pen.spot(*b)], stage.colour(item, "body_edge"), width, cap=False)
    si = item.values.get("si") or _si_of_flow(stage, item)
    text, unit = figure(stage, item, abs(flow), si)
    ahead = (b[0] >= a[0]) == (flow >= 0)
    said = " ".join(part for part in (text, unit) if part)
    said = said if text.strip("0.") == "" else f"{said} \u2192" if ahead else f"\u2190 {said}"
    p, q = pen.camera.pixel(*a), pen.camera.pixel(*b)
    stale = stage.values.is_stale(item.shape)

    def write(board: Board) -> None:
        px = board.theme.px
        x, y = board.at(((p[0] + q[0]) / 2, (p[1] + q[1]) / 2))
        runs = [Run(said, 11, 400, "stale" if stale else "text_2")]
        short = math.hypot(q[0] - p[0], q[1] - p[1]) < px(72)  # between cells: all of them in one row above
        for up in (66, 12) if short else (12, 44):
            if board.fixed(runs, (x, y - px(up)), "center") is not None:
                return

    stage.notes.append(write)


def _si_of_flow(stage: Stage, item: Item) -> str | None:
    formula = item.shape.values.get("flow")
    if formula is None or len(formula.signals) != 1:
        return None
    return si_of(stage.values.session, formula.signals[0])


@lru_cache(maxsize=16)
def _colours(wide: int, tall: int) -> pygame.Surface:
    """The scale itself, from its coldest to its hottest."""
    stops = palette.temperature_stops()
    made = pygame.Surface((wide, tall))
    for n in range(wide):
        made.fill(palette.temperature(stops[0] + (stops[-1] - stops[0]) * n / (wide - 1)), (n, 0, 1, tall))
    return made


def heat_scale(board: Board, limit: float | None, word: str) -> None:
    """The colours of temperatures, with their figures and the limit, at the bottom left."""
    theme, rect = board.theme, board.rect
    px = theme.px
    stops = palette.temperature_stops()
    wide, tall = px(_SCALE[0]), px(_SCALE[1])
    x, y = rect.x + px(16), rect.bottom - px(30)
    if wide + px(140) > rect.width:
        return
    board.surface.blit(_colours(wide, tall), (x, y))

    def at(celsius: float) -> int:
        return x + round((celsius - stops[0]) / (stops[-1] - stops[0]) * (wide - 1))

    board.take(pygame.Rect(x, y - px(2), wide, tall + px(6)))
    if limit is not None and stops[0] <= limit <= stops[-1]:
        board.surface.fill(theme.colour("text"), (at(limit) - 1, y - px(3), max(2, px(2)), tall + px(6)))
        board.fixed([Run(word, 11, 400, "text_2")], (at(limit), y - px(8)), "center")
        board.fixed(
            [Run(shown(limit, "degC")[0], 11, 400, "text_2")], (at(limit), y + tall + px(14)), "center"
        )
    for celsius in (stops[0], 300.0, 450.0, stops[-1]):
        text, unit = shown(celsius, "degC")
        ends = [Run(f"{text} {unit}" if celsius == stops[-1] else text, 11, 400, "text_3")]
        board.fixed(ends, (at(celsius), y + tall + px(14)), "center")
