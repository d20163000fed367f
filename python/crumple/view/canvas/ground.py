"""What stands still: panel, grid, ground and wall, drawn once and kept; and the rulers, written each frame."""

from __future__ import annotations

import math

import pygame

from crumple.view import ink
from crumple.view.canvas.camera import Camera, step_of
from crumple.view.canvas.notes import Board
from crumple.view.canvas.pen import Pen
from crumple.view.canvas.stage import Item, Stage, painter
from crumple.view.theme import Run

_TICKS = 88.0  # pixels at 720 lines from one figure of the ruler to the next, at least
_STRIP = 30.0  # height of the ruler's strip at the foot, where the ground lies further down


def grid(pen: Pen, step: float | None, colour: pygame.Color) -> None:
    """Lines each `step` [m], none where they would lie closer than 8 pixels."""
    theme, camera = pen.theme, pen.camera
    if not step or step * camera.scale < 8 * theme.k:
        return
    width, height = pen.surface.get_size()
    thin = max(1, round(theme.k))
    right, bottom = camera.metres(width / pen.sharp, height / pen.sharp)
    for n in range(math.ceil(camera.left / step), math.floor(right / step) + 1):
        x = _first(camera.pixel(n * step, 0.0)[0], thin) * pen.sharp  # on whole pixels of the window: crisp
        pen.surface.fill(colour, (x, 0, thin * pen.sharp, height))
    for n in range(math.ceil(bottom / step), math.floor(camera.top / step) + 1):
        y = _first(camera.pixel(0.0, n * step)[1], thin) * pen.sharp
        pen.surface.fill(colour, (0, y, width, thin * pen.sharp))


def _first(at: float, thick: int) -> int:
    """The first of `thick` pixels whose middle is nearest to a place; pixel n reaches from n to n + 1."""
    return math.floor(at - thick / 2 + 0.5)


def ground(pen: Pen) -> None:
    """Filled below y = 0."""
    width, height = pen.surface.get_size()
    y = round(pen.camera.pixel(0.0, 0.0)[1]) * pen.sharp
    if y < height:
        pen.surface.fill(pen.theme.mix("panel", "ground", 0.45), (0, max(y, 0), width, height - max(y, 0)))
        thick = max(1, round(1.5 * pen.k))
        pen.surface.fill(pen.theme.mix("ground", "body_edge", 0.45), (0, y - thick // 2, width, thick))


@painter("wall")
def wall(stage: Stage, item: Item) -> None:
    """Filled with hatching, a bright face, and its name near the ground."""
    frame = stage.frame(item.name)
    if frame is None:
        return
    pen, theme = stage.pen, stage.theme
    width, full = pen.surface.get_size()
    height = stage.maybe(item, "height")
    face, floor = pen.spot(frame.x, 0.0)
    top = 0.0 if height is None else pen.spot(frame.x, height)[1]
    left = item.values.get("faces") != "right"
    box = pygame.Rect(
        round(face) if left else 0,
        round(top),
        max(width - round(face), 0) if left else max(round(face), 0),
        max(round(min(floor, full)) - round(top), 0),
    ).clip(pen.surface.get_rect())
    if box.width > 0 and box.height > 0:
        fill = theme.mix("panel", "structure", 0.8 if theme.dark else 0.85)
        pen.surface.fill(fill, box)
        hatch(
            pen, box, theme.mix(fill, "grid" if theme.dark else "structure", 0.75 if theme.dark else 0.9), 15
        )
    thick = max(2, round(2.5 * pen.k))
    pen.surface.fill(
        theme.mix("body_edge", "text", 0.35),
        (round(face) - thick // 2, round(top), thick, max(round(floor - top), 0)),
    )
    text = item.values.get("text")
    if text:
        edge = box.right / pen.sharp if left else box.x / pen.sharp
        foot = box.bottom / pen.sharp
        room = box.width / pen.sharp

        def write(board: Board) -> None:
            runs = [Run(str(text), 12, 400, "text_2")]
            if board.theme.measure_line(runs) + board.theme.px(24) < room:
                x, y = board.at((edge, foot))
                shift = board.theme.px(16)
                board.fixed(
                    runs,
                    (x - shift if left else x + shift, y - board.theme.px(22)),
                    "right" if left else "left",
                )

        stage.notes.append(write)


def hatch(pen: Pen, box: pygame.Rect, colour: pygame.Color, pitch: float) -> None:
    """Lines from lower left to upper right, `pitch` pixels apart at 720 lines."""
    before = pen.surface.get_clip()
    pen.surface.set_clip(box)
    step = max(4.0, pitch * pen.k)
    along = -box.height - step + (-(box.x + box.height) % step)
    while along < box.width:
        start = (box.x + along, box.bottom)
        pen.line([start, (start[0] + box.height, box.y)], colour, 1.0)
        along += step
    pen.surface.set_clip(before)


def ruler(board: Board, camera: Camera, *, origin: float = 0.0) -> None:
    """Ticks and figures in metres along the ground; at the foot of the canvas where the ground is not in sight."""
    theme, rect = board.theme, board.rect
    px = theme.px
    step = step_of(camera.scale, _TICKS * theme.k)
    y = min(max(camera.pixel(0.0, 0.0)[1], 0.0), rect.height - px(_STRIP)) + rect.y
    colour = theme.mix("panel", "body_edge", 0.7)
    right = camera.metres(rect.width, 0)[0]
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    for n in range(math.ceil(camera.left / step), math.floor(right / step) + 1):
        at, thin = camera.pixel(n * step, 0.0)[0], max(1, px(1))
        x = at + rect.x
        board.surface.fill(colour, (_first(at, thin) + rect.x, round(y), thin, px(6)))
        text = f"{n * step - origin:.{decimals}f}".replace("-", "\u2212")
        runs = [Run(f"{text} m" if n == 0 else text, 11, 400, "text_3")]
        box = board.box(runs, (x, y + px(19)), "center")
        if board.inner().contains(box):
            board.fixed(runs, (x, y + px(19)), "center")


def scale_bar(board: Board, camera: Camera, *, right: bool) -> None:
    """A bar of a round length at the bottom left, or right, with its length."""
    theme, rect = board.theme, board.rect
    px = theme.px
    length = step_of(camera.scale, 70 * theme.k)
    y, wide = rect.bottom - px(15), round(length * camera.scale)
    x = rect.right - px(16) - wide if right else rect.x + px(16)
    colour, thick = theme.colour("text_2"), max(1, round(1.5 * theme.k))
    text = length_text(length)
    said = board.size([Run(text, 12, 400)])[0]
    back = pygame.Rect(x - px(6), y - px(10), wide + px(12) + (0 if right else said + px(8)), px(18))
    if right:
        back = pygame.Rect(x - px(6), y - px(24), wide + px(12), px(32))
    ink.rounded(board.surface, back, theme.rgb("panel"), px(4))  # it may stand over what is drawn
    board.surface.fill(colour, (x, y, wide + thick, thick))
    for end in (x, x + wide):
        board.surface.fill(colour, (end, y - px(4), thick, 2 * px(4) + thick))
    if right:
        board.fixed([Run(text, 12, 400, "text_2")], (x + wide / 2, y - px(8)), "center")
    else:
        board.fixed([Run(text, 12, 400, "text_2")], (x + wide + px(8), y + px(5)))
    board.take(pygame.Rect(x, y - px(6), wide, px(12)))


def length_text(metres: float) -> str:
    """A round length: "2 m", "20 mm", "5 km"."""
    for factor, unit in ((1e3, "km"), (1.0, "m"), (1e-3, "mm"), (1e-6, "µm")):
        if metres >= factor * 0.999:
            return f"{metres / factor:g} {unit}"
    return f"{metres:g} m"
