"""Dimensions, labels and gauges: figures on the canvas, each equal to its signal, or "no sample"."""

from __future__ import annotations

import math

import pygame

from crumple.view.canvas.notes import Board, Note
from crumple.view.canvas.pen import arc
from crumple.view.canvas.stage import Item, Point, Stage, painter
from crumple.view.canvas.values import number, si_of
from crumple.view.figures import shown
from crumple.view.theme import DISPLAY, Run

_HEAD = (10.0, 4.0)  # length and half width of an arrowhead, pixels at 720 lines
_GAUGE_R, _GAUGE_TURN = 46.0, math.radians(250)


def unit_of(stage: Stage, item: Item) -> str | None:
    """The unit of a shape's figure: its si, else that of the one signal it shows."""
    si = item.values.get("si")
    if si:
        return str(si)
    formula = item.shape.values.get("value")
    if formula is not None and len(formula.signals) == 1:
        return si_of(stage.values.session, formula.signals[0])
    return None


def figure(stage: Stage, item: Item, value: float | None, si: str | None) -> tuple[str, str]:
    """A value as text and its unit, with the decimals that are asked for."""
    decimals = item.values.get("decimals")
    if value is None or decimals is None:
        text, unit = shown(value, si)
        return text, unit
    text = f"{value:,.{decimals}f}".replace("-", "\u2212")
    return (text[1:] if text.strip("\u22120.,") == "" and text[0] == "\u2212" else text), shown(value, si)[1]


def value_of(stage: Stage, item: Item) -> float | None:
    """A shape's `value` in its unit; in base units where it has none of its own."""
    found = number(item.values.get("value"), stage.values)
    si = unit_of(stage, item)
    if found is None or not si or item.values.get("si"):
        return found
    from crumple.si import parse_si

    unit = parse_si(si)  # bound in base units
    return (found - unit.offset) / unit.factor


def runs_of(stage: Stage, item: Item, *, stale: bool) -> list[Run]:
    """Name, figure, unit: the texts of a label."""
    word_colour = "stale" if stale else "text"
    runs = [Run(item.values.get("text") or "", 12, 400, "text_2")]
    words = item.values.get("words")
    if words:
        for word, condition in words.items():
            holds = number(condition, stage.values)
            if holds is None:
                return [*runs, Run("no sample", 12, 500, "stale" if stale else "text_3")]
            if holds:
                return [*runs, Run(word, 14, 600, word_colour)]
        return runs
    if item.values.get("value") is None:
        return runs
    found = value_of(stage, item)
    if found is None:
        return [*runs, Run("no sample", 12, 500, "stale" if stale else "text_3")]
    text, unit = figure(stage, item, found, unit_of(stage, item))
    held = f"{unit}, held" if stale and unit else ("held" if stale else unit)
    return [*runs, Run(text, 14, 600, word_colour), Run(held, 12, 400, "stale" if stale else "text_3")]


# ---- dimension


@painter("dimension")
def dimension(stage: Stage, item: Item) -> None:
    """The arrow; its figure is written later."""
    frame = stage.carrier(item)
    ends = stage.pair(item, item.values["from"]), stage.pair(item, item.values["to"])
    if frame is None or ends[0] is None or ends[1] is None:
        return
    a, b = frame.point(*ends[0]), frame.point(*ends[1])
    stale = stage.values.is_stale(item.shape)
    pen, colour = stage.pen, stage.theme.colour("stale" if stale else "text")
    p, q = pen.spot(*a), pen.spot(*b)
    length = math.hypot(q[0] - p[0], q[1] - p[1])
    long, half = _HEAD[0] * pen.k, _HEAD[1] * pen.k
    ux, uy = ((q[0] - p[0]) / length, (q[1] - p[1]) / length) if length > 1e-6 else (1.0, 0.0)
    outside = length < 2.5 * long
    for (x, y), sign in ((p, 1.0), (q, -1.0)):
        s = -sign if outside else sign
        foot = (x + s * ux * long, y + s * uy * long)
        pen.fill(
            [(x, y), (foot[0] - uy * half, foot[1] + ux * half), (foot[0] + uy * half, foot[1] - ux * half)],
            colour,
        )
        if outside:
            tail = (foot[0] + s * ux * long, foot[1] + s * uy * long)
            pen.bar([foot, tail], colour, 1.25, cap=False)
    pen.bar([p, q], colour, 1.25, cap=False)
    drop = stage.maybe(item, "drop")
    if drop is not None:
        pen.dashed([q, pen.spot(b[0], drop)], stage.theme.colour("ghost"), 1.25, dash=3, gap=3)
    stage.notes.append(_figure_above(stage, item, a, b, stale))


def _figure_above(stage: Stage, item: Item, a: Point, b: Point, stale: bool) -> Note:
    if item.values.get("value") is not None:
        value, si = value_of(stage, item), unit_of(stage, item)
    else:
        value, si = math.hypot(b[0] - a[0], b[1] - a[1]), item.values.get("si") or "m"
        if si != "m":
            from crumple.si import convert

            value = convert(value, "m", si)
    text, unit = figure(stage, item, value, si)
    word = item.values.get("text") or ""
    p, q = stage.pen.camera.pixel(*a), stage.pen.camera.pixel(*b)

    def write(board: Board) -> None:
        px = board.theme.px
        x, y = board.at(((p[0] + q[0]) / 2, (p[1] + q[1]) / 2))
        if not board.rect.inflate(px(80), px(40)).collidepoint(x, y):
            return
        held = f"{unit}, held" if stale and unit else unit
        colour = "stale" if stale else "text"
        runs = [Run(text, 18, 600, colour), Run(held, 13, 400, "stale" if stale else "text_3")]
        upright = abs(q[0] - p[0]) >= abs(q[1] - p[1])
        span = (min(p[0], q[0]) + board.rect.x, min(p[1], q[1]) + board.rect.y)
        line = pygame.Rect(
            round(span[0]), round(span[1]), round(abs(q[0] - p[0])), round(abs(q[1] - p[1]))
        ).inflate(2, 2)
        if not upright:
            board.fixed(runs, (x + px(10), y + px(6)))
            board.take(line)
            return
        board.fixed(runs, (x, y - px(9)), "center")
        if word:
            board.fixed([Run(word, 12, 400, "text_2")], (x, y + px(18)), "center")
        board.take(line.inflate(0, px(6)))

    return write


# ---- label


@painter("label")
def label(stage: Stage, item: Item) -> None:
    """Noted only: labels are placed when everything else stands."""
    at = item.values.get("at")
    if at is not None:
        point = stage.anchor(*at)
        shape = stage.items.get(at[0])
        stale = stage.values.is_stale(item.shape) or (
            shape is not None and stage.values.is_stale(shape.shape)
        )
    else:
        x, y = stage.maybe(item, "x"), stage.maybe(item, "y")
        point = None if x is None or y is None else (x, y)
        stale = stage.values.is_stale(item.shape)
    stage.labels.append((item, point, stale))


# ---- gauge


def _short(text: str) -> str:
    """A figure without noughts behind its point: "1.50" is "1.5", "420" stays."""
    return text.rstrip("0").rstrip(".") if "." in text else text


@painter("gauge")
def gauge(stage: Stage, item: Item) -> None:
    """A dial of 250 degrees in a corner; its needle is a notch."""
    least, most = (number(end, stage.values) for end in item.values["range"])
    if least is None or most is None or not most > least:
        stage.lacks(item)
        return
    pen, theme = stage.pen, stage.theme
    width, height = pen.surface.get_size()
    r = _GAUGE_R * pen.k
    place = item.values.get("place") or "bottom right"
    inset = (16 + _GAUGE_R) * pen.k
    centre = (
        width - inset if "right" in place else inset,
        height - inset if "bottom" in place else inset + 22 * pen.k,
    )
    si = unit_of(stage, item)
    value, stale = value_of(stage, item), stage.values.is_stale(item.shape)

    def turn(v: float) -> float:
        share = min(max((v - least) / (most - least), 0.0), 1.0)
        return math.pi / 2 + _GAUGE_TURN / 2 - share * _GAUGE_TURN

    def ring(start: float, end: float, colour: pygame.Color, inner: float, outer: float) -> None:
        a, b = arc((0.0, 0.0), outer * pen.k, start, end), arc((0.0, 0.0), inner * pen.k, end, start)
        points = [(centre[0] + x, centre[1] - y) for x, y in [*a.tolist(), *b.tolist()]]
        pen.fill(points, colour)

    pen.disc(centre, r + 10 * pen.k, theme.mix("panel", "raised", 0.6))
    ring(turn(least), turn(most), theme.mix("panel", "hairline", 0.6), _GAUGE_R - 9, _GAUGE_R)
    for name, span in (item.values.get("zones") or {}).items():
        low, high = (number(end, stage.values) for end in span)
        if low is not None and high is not None:
            ring(turn(low), turn(high), theme.mix("panel", pen.colour(name), 0.5), _GAUGE_R - 9, _GAUGE_R)
    if value is not None:
        at = turn(value)
        ring(at + 0.035, at - 0.035, theme.colour("stale" if stale else "text"), _GAUGE_R - 13, _GAUGE_R + 3)
    text, unit = figure(stage, item, value, si)
    ends = [_short(figure(stage, item, end, si)[0]) for end in (least, most)]
    middle = (centre[0] / pen.sharp, centre[1] / pen.sharp)
    word = f"{unit} {item.values.get('text') or ''}".strip()

    def write(board: Board) -> None:
        px = board.theme.px
        x, y = board.at(middle)
        if value is None:
            board.fixed(
                [
                    Run(
                        "\u2013" if stale else "no sample",
                        28 if stale else 12,
                        DISPLAY if stale else 500,
                        "text_3",
                    )
                ],
                (x, y + px(4)),
                "center",
            )
        else:
            board.fixed([Run(text, 26, DISPLAY, "stale" if stale else "text")], (x, y + px(6)), "center")
        board.fixed([Run(word, 12, 400, "text_2")], (x, y + px(24)), "center")
        for end, sign in zip(ends, (-1, 1), strict=True):
            board.fixed([Run(end, 11, 400, "text_3")], (x + sign * px(30), y + px(_GAUGE_R)), "center")
        board.take(pygame.Rect(round(x - px(56)), round(y - px(56)), px(112), px(112)))

    stage.notes.append(write)
