"""Process plant: a stirred vessel with its jacket, vapour that leaves a pipe, and a diagram of curves."""

from __future__ import annotations

import math

from crumple.view.canvas.notes import Board, Note
from crumple.view.canvas.stage import Frame, Item, Point, Stage, painter
from crumple.view.canvas.values import Bound, number
from crumple.view.figures import unit
from crumple.view.theme import Run

_DISH = 0.28  # height of a dished end, as a share of the vessel's diameter
_JACKET = 0.80  # how far up the jacket goes, as a share of the height
_FULL = 0.62  # where a level of 1 stands, as a share of the height
_PUFFS = 14
_SAMPLES = 72  # of a curve
_INKS = ("signal_2", "signal_1", "signal_3", "signal_4", "signal_5", "signal_6")


def _half_width(y: float, width: float, height: float) -> float:
    """Half the width of a vessel with dished ends at a height above its lowest point."""
    dish = _DISH * width
    below = dish - y if y < dish else y - (height - dish) if y > height - dish else 0.0
    return 0.5 * width * math.sqrt(max(1.0 - (below / dish) ** 2, 0.0))


def _side(low: float, high: float, width: float, height: float) -> list[Point]:
    """The right-hand wall between two heights."""
    dish = _DISH * width
    ends = [dish * (1 - math.cos(n * math.pi / 24)) for n in range(13)]
    heights = sorted({*ends, *(height - end for end in ends), low, high})
    return [(_half_width(y, width, height), y) for y in heights if low <= y <= high]


def _outline(low: float, high: float, width: float, height: float, out: float = 0.0) -> tuple[Point, ...]:
    """A part of a vessel between two heights, `out` thicker on all sides."""
    right = _side(low, high, width, height)
    middle = height / 2
    grown = [
        (x + out if x > 0 else 0.0, y + (out if y > middle else -out) * (1 - x * 2 / width)) for x, y in right
    ]
    return (*grown, *((-x, y) for x, y in reversed(grown)))


@painter("vessel")
def vessel(stage: Stage, item: Item) -> None:
    """Jacket, wall, liquid to its level in the colour of its temperature, agitator and its motor."""
    frame = stage.frame(item.name)
    width, height = stage.number(item, "width"), stage.number(item, "height")
    level, flow = stage.number(item, "level"), stage.maybe(item, "jacket")
    if frame is None or item.name in stage.missing or width <= 0 or height <= 2 * _DISH * width:
        return
    pen, theme = stage.pen, stage.theme
    edge = stage.colour(item, "body_edge", "edge")
    if flow is not None:
        water = theme.mix("panel", "signal_1", 0.12 + 0.5 * min(max(flow, 0.0), 1.0))
        around = pen.put(frame, _outline(0.0, _JACKET * height, width, height, 0.075 * width))
        pen.fill(around, water)
        pen.line(around, theme.mix("hairline", "body_edge", 0.5), 1.4, closed=True)
    wall = pen.put(frame, _outline(0.0, height, width, height, 0.018 * width))
    pen.fill(wall, edge)
    pen.fill(pen.put(frame, _outline(0.0, height, width, height)), theme.mix("panel", "raised", 0.6))
    top = min(max(level * _FULL, 0.0), 0.97) * height
    if top > 0:
        pen.fill(pen.put(frame, _outline(0.0, top, width, height)), stage.colour(item, "signal_1"))
        reach = _half_width(top, width, height)
        surface = pen.put(frame, ((-reach, top), (reach, top)))
        pen.line(surface, stage.mix(stage.colour(item, "signal_1"), "text", 0.4), 1.6)
    _agitator(stage, item, frame, width, height)
    for part, place in {
        "top": (0.0, height),
        "bottom": (0.0, 0.0),
        "liquid": (0.25 * width, 0.6 * top),
        "jacket": (-0.55 * width, 0.35 * height),
        "wall": (0.6 * width, 0.4 * height),
        "nozzle": (0.28 * width, height - 0.06 * width),
    }.items():
        stage.anchors[item.name, part] = frame.point(*place)


def _agitator(stage: Stage, item: Item, frame: Frame, width: float, height: float) -> None:
    turn = stage.maybe(item, "stir")
    if turn is None:
        return
    pen, theme = stage.pen, stage.theme
    metal = theme.mix("body_edge", "text", 0.35)
    low = 0.2 * height
    pen.bar(pen.put(frame, ((0.0, low), (0.0, height + 0.1 * width))), metal, 0.025 * width, metric=True)
    reach = 0.30 * width * max(abs(math.cos(turn)), 0.08)
    for y in (low, 0.42 * height):
        pen.bar(pen.put(frame, ((-reach, y), (reach, y))), metal, 0.05 * width, metric=True)
    w, b, t = 0.09 * width, height + 0.05 * width, height + 0.24 * width
    pen.fill(pen.put(frame, ((-w, b), (w, b), (w, t), (-w, t))), theme.mix("structure", "body_edge", 0.3))


@painter("plume")
def plume(stage: Stage, item: Item) -> None:
    """Puffs that rise, grow and fade; more of them, and higher, the more flows."""
    frame = stage.frame(item.name)
    flow, most = stage.maybe(item, "flow"), stage.maybe(item, "flow_max")
    if flow is None or not most:
        stage.lacks(item)
        return
    share = min(max(flow / most, 0.0), 1.0)
    if frame is None or share <= 0:
        return
    size = stage.number(item, "size")
    pen, colour = stage.pen, stage.colour(item, "airbag")
    beat = stage.values.t / max(stage.number(item, "period", 2.0), 1e-9)
    for n in range(_PUFFS):
        age = (beat + n / _PUFFS) % 1.0
        sway = 0.22 * size * math.sin(9.1 * n + 3.0 * age) * age
        radius = size * (0.06 + 0.2 * age) * (0.5 + 0.5 * share)
        x, y = frame.point(sway, age * size * (0.4 + 0.6 * share))
        middle = pen.spot(x, y)
        points = [
            (middle[0] + radius * pen.metre * math.cos(a), middle[1] + radius * pen.metre * math.sin(a))
            for a in (k * math.tau / 20 for k in range(20))
        ]
        pen.soft(points, colour, 0.5 * (1.0 - age) ** 1.2)
    stage.anchors[item.name, ""] = frame.point(0.0, 0.5 * size * share)


class _Plot:
    """The place of a diagram over ground and the ranges of its axes."""

    def __init__(self, frame: Frame, size: Point, across: Point, up: Point) -> None:
        self.x, self.y = frame.x - size[0] / 2, frame.y - size[1] / 2
        self.width, self.height = size
        self.across, self.up = across, up

    def point(self, u: float, v: float) -> Point:
        """Over ground, for values of the axes; held near the frame."""
        share = min(max((v - self.up[0]) / (self.up[1] - self.up[0]), -0.02), 1.02)
        u = (u - self.across[0]) / (self.across[1] - self.across[0])
        return self.x + u * self.width, self.y + share * self.height

    def holds(self, u: float, v: float) -> bool:
        """Whether values lie within both axes."""
        return self.across[0] <= u <= self.across[1] and self.up[0] <= v <= self.up[1]


@painter("diagram")
def diagram(stage: Stage, item: Item) -> None:
    """Axes, one curve for each formula over all values of the signal across, and a dot where it is now."""
    frame = stage.frame(item.name)
    size = stage.number(item, "width"), stage.number(item, "height")
    low, high = (number(end, stage.values) for end in item.values["range"])
    if frame is None or item.name in stage.missing or low is None or high is None or not high > low:
        return
    pen, theme = stage.pen, stage.theme
    plot = _Plot(frame, size, item.values["across_range"], (low, high))
    left, right = plot.across
    corners = [
        pen.spot(*plot.point(u, v)) for u, v in ((left, low), (right, low), (right, high), (left, high))
    ]
    pen.fill(corners, theme.mix("panel", "raised", 0.45))
    for u in _ticks(left, right):
        pen.line([pen.spot(*plot.point(u, low)), pen.spot(*plot.point(u, high))], theme.colour("grid"), 1.0)
    for v in _ticks(low, high):
        pen.line([pen.spot(*plot.point(left, v)), pen.spot(*plot.point(right, v))], theme.colour("grid"), 1.0)
    pen.line([corners[3], corners[0], corners[1]], theme.colour("text_3"), 1.2)
    across = item.values["across"]
    now = stage.values.get(across)
    names: list[tuple[str, Point, str]] = []
    dots: list[tuple[Point, str]] = []
    for n, (name, curve) in enumerate(item.values["curves"].items()):
        ink = _INKS[n % len(_INKS)]
        line = [plot.point(u, v) for u, v in _curve(stage, across, curve, plot.across) if plot.holds(u, v)]
        if len(line) > 1:
            pen.bar([pen.spot(*p) for p in line], theme.colour(ink), 2.4, cap=False)
            names.append((name, line[-1], ink))
        value = None if now is None else number(curve, stage.values)
        if now is not None and value is not None and plot.holds(now, value):
            dots.append((plot.point(now, value), ink))
    if now is None:
        stage.lacks(item)
    elif left <= now <= right:
        upright = [pen.spot(*plot.point(now, low)), pen.spot(*plot.point(now, high))]
        pen.dashed(upright, theme.colour("text_3"), 1.2, dash=4)
    for at, ink in dots:
        pen.disc(pen.spot(*at), 6.5 * pen.k, theme.colour("panel"))
        pen.disc(pen.spot(*at), 5.0 * pen.k, theme.colour(ink))
    stage.anchors[item.name, ""] = (frame.x, frame.y)
    stage.notes.append(_figures(stage, item, plot, names))


def _curve(stage: Stage, across: str, curve: Bound, span: Point) -> list[Point]:
    """Values of a formula over the values of one signal, all other signals as they are now."""
    known = stage.values.get
    out = []
    for n in range(_SAMPLES + 1):
        u = span[0] + (span[1] - span[0]) * n / _SAMPLES
        v = (
            curve
            if isinstance(curve, float)
            else curve(lambda name, u=u: u if name == across else known(name))
        )
        if v is not None and math.isfinite(v):
            out.append((u, v))
    return out


def _ticks(low: float, high: float) -> list[float]:
    """Round values within a range, four to eight of them."""
    raw = (high - low) / 5
    step = 10.0 ** math.floor(math.log10(raw))
    step *= next(m for m in (1.0, 2.0, 5.0, 10.0) if m * step >= raw)
    return [k * step for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def _figures(stage: Stage, item: Item, plot: _Plot, names: list[tuple[str, Point, str]]) -> Note:
    """Writes the figures of the axes, their units, and the names of the curves at their ends."""
    pixel = stage.pen.camera.pixel
    below = unit(stage.values.session.si.get(item.values["across"]))
    title = [
        Run(item.values.get("text") or "", 12, 600, "text"),
        Run(unit(item.values.get("si")), 11, 400, "text_3"),
    ]

    def write(board: Board) -> None:
        px = board.theme.px
        for n, u in enumerate(_ticks(*plot.across)):
            x, y = board.at(pixel(*plot.point(u, plot.up[0])))
            said = f"{u:g} {below}" if n == 0 and below else f"{u:g}"
            board.fixed([Run(said, 11, 400, "text_3")], (x, y + px(15)), "center")
        for v in _ticks(*plot.up):
            x, y = board.at(pixel(*plot.point(plot.across[0], v)))
            board.fixed([Run(f"{v:,g}", 11, 400, "text_3")], (x - px(6), y + px(4)), "right")
        x, y = board.at(pixel(*plot.point(plot.across[0], plot.up[1])))
        board.fixed(title, (x, y - px(9)))
        for name, at, ink in names:
            x, y = board.at(pixel(*at))
            high = y < board.at(pixel(*plot.point(0.0, plot.up[1])))[1] + px(14)
            board.fixed(
                [Run(name, 12, 600, ink)],
                (x - px(14), y + px(14)) if high else (x - px(4), y - px(6)),
                "right",
            )

    return write
