"""A graph as an SVG picture: units in columns from cause to effect, feedback underneath.

The layout is that of Sugiyama, Tagawa and Toda (1981) in its simplest form: feedback is set aside, every
unit stands in a column behind all that feed it, connections that span columns get a place in each, columns
are ordered by the mean place of their neighbours, and what was set aside runs in lanes below.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from html import escape
from itertools import pairwise

from crumple import wording
from crumple.graph import Box, Edge, Graph, rig_key

_CHARACTER = 7.3  # [px] mean width of one, at 13 px
_SMALL = 5.9  # the same at 10.5 px
_HEIGHT = 52.0  # [px] of a box
_THIN = 22.0  # [px] of the place that a passing connection takes
_ROW_GAP = 30.0
_COLUMN_GAP = 90.0  # at least; more where names of ports need it
_LANE = 26.0  # [px] between two feedback lanes
_MARGIN = 24.0
_SWEEPS = 8  # over the columns; more hardly change the order
_MOST_LABELS = 3
_LEGEND = {  # by same_tick and wire
    (False, False): "arrives one tick later",
    (True, False): "arrives within the tick",
    (True, True): "goes over the wire",
}

_STYLE = """
  svg { font-family: system-ui, sans-serif; font-size: 13px; }
  .paper { fill: #ffffff; } .box { fill: #f4f6fa; stroke: #55617a; stroke-width: 1.2; }
  .name { font-weight: 600; fill: #1b2333; } .model { fill: #5a6478; font-size: 11px; }
  .link { fill: none; stroke: #7a869c; stroke-width: 1.4; stroke-dasharray: 5 3; }
  .wire { stroke-dasharray: 1.5 4; stroke-linecap: round; stroke-width: 2; }
  .sensor, .actuator { stroke: #2b6cb0; stroke-width: 1.6; } .rig { fill: #ffffff; stroke-dasharray: 6 4; }
  .once { stroke: #b3541e; stroke-width: 2; stroke-dasharray: none; }
  .port { fill: #3d475c; font-size: 10.5px; }
  .halo { fill: #ffffff; font-size: 10.5px; stroke: #ffffff; stroke-width: 6; stroke-linejoin: round; }
  .head { fill: #7a869c; } .head.hot { fill: #b3541e; }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #14181f; } .box { fill: #1f2631; stroke: #8592ab; } .name { fill: #eef1f6; }
    .model { fill: #a3aec2; } .link { stroke: #8e9bb3; } .once { stroke: #f0945c; }
    .sensor, .actuator { stroke: #74b3f0; } .rig { fill: #14181f; }
    .port { fill: #cdd5e3; } .halo { fill: #14181f; stroke: #14181f; }
    .head { fill: #8e9bb3; } .head.hot { fill: #f0945c; }
  }
"""


@dataclass(slots=True)
class _Place:
    """A box, or the place that a connection takes in a column it only passes."""

    name: str
    column: int
    width: float
    height: float
    before: list[_Place] = field(default_factory=list)
    after: list[_Place] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0  # of its middle


_Slots = dict[tuple[str, Edge], float]


def to_svg(graph: Graph) -> str:
    """The graph as the text of an SVG file. Rigs are boxes as well, outside of all waves."""
    graph = _with_rigs(graph)
    forward, feedback = _split(graph)
    columns = _columns(graph, forward)
    boxes = {
        box.name: _Place(box.name, columns[box.name], _width(graph, box.name), _HEIGHT) for box in graph.boxes
    }
    routes = {id(edge): _route(edge, boxes) for edge in forward}
    grid = _grid([*boxes.values(), *(place for route in routes.values() for place in route[1:-1])])
    _order(grid)
    right, bottom = _arrange(grid, _gaps(forward, columns))
    slots = _slots(graph, boxes)
    drawn = [_curve(edge, routes[id(edge)], slots) for edge in forward]
    drawn += [_lane(e, boxes, slots, bottom + _LANE * k) for k, e in enumerate(feedback, start=1)]
    height = bottom + _LANE * len(feedback) + _MARGIN + 30
    parts = _opening(graph, right + _MARGIN + 16, height)
    parts += [curve for curve, _ in drawn]
    parts += [line for _, label in drawn for line in label]
    for box in graph.boxes:
        parts += _box(graph, boxes[box.name])
    return "\n".join([*parts, *_legend(graph, height), "</svg>", ""])


def _with_rigs(graph: Graph) -> Graph:
    rigs = tuple(replace(rig, name=rig_key(rig.name)) for rig in graph.rigs)
    return replace(graph, boxes=(*graph.boxes, *rigs), edges=(*graph.edges, *graph.wires), rigs=(), wires=())


# -- layout -------------------------------------------------------------------------------------------


def _split(graph: Graph) -> tuple[list[Edge], list[Edge]]:
    """Edges that go forward, and those that close a circle when the units are visited in their order."""
    feedback: list[Edge] = []
    state: dict[str, int] = {}
    fed = {edge.target for edge in graph.edges if edge.source != edge.target}

    def visit(name: str) -> None:
        state[name] = 1
        for edge in graph.edges:
            if edge.source != name:
                continue
            if state.get(edge.target) == 1:
                feedback.append(edge)
            elif edge.target not in state:
                visit(edge.target)
        state[name] = 2

    for box in sorted(graph.boxes, key=lambda b: b.name in fed):  # what nothing feeds comes first
        if box.name not in state:
            visit(box.name)
    return [edge for edge in graph.edges if edge not in feedback], feedback


def _columns(graph: Graph, forward: list[Edge]) -> dict[str, int]:
    """A unit's column: one behind the last of those that feed it."""
    column = {box.name: 0 for box in graph.boxes}
    for _ in graph.boxes:
        for edge in forward:
            column[edge.target] = max(column[edge.target], column[edge.source] + 1)
    return column


def _route(edge: Edge, boxes: dict[str, _Place]) -> list[_Place]:
    """The places that a forward edge goes through, its boxes included."""
    source, target = boxes[edge.source], boxes[edge.target]
    route = [source]
    for column in range(source.column + 1, target.column):
        route.append(_Place("", column, 0.0, _THIN))
    route.append(target)
    for a, b in pairwise(route):
        a.after.append(b)
        b.before.append(a)
    return route


def _grid(places: list[_Place]) -> list[list[_Place]]:
    count = max((place.column for place in places), default=-1) + 1
    return [[place for place in places if place.column == column] for column in range(count)]


def _order(grid: list[list[_Place]]) -> None:
    """Sorts each column by the mean place of its neighbours, forth and back."""
    for column in grid:
        _number(column)
    for sweep in range(_SWEEPS):
        onward = sweep % 2 == 0
        for column in grid if onward else reversed(grid):
            mean = {}
            for place in column:
                near = place.before if onward else place.after
                mean[id(place)] = sum(n.y for n in near) / len(near) if near else place.y
            column.sort(key=lambda p: mean[id(p)])
            _number(column)


def _number(column: list[_Place]) -> None:
    for k, place in enumerate(column):
        place.y = (k + 0.5) / len(column)  # a share of the column, so that short and long ones compare


def _gaps(forward: list[Edge], columns: dict[str, int]) -> dict[int, float]:
    """Room behind each column [px], so that the names of the ports fit in."""
    gaps: dict[int, float] = {}
    for edge in forward:
        longest = max(len(text) for text in _label_texts(edge))
        column = columns[edge.source]
        gaps[column] = max(gaps.get(column, _COLUMN_GAP), _SMALL * longest + 50)
    return gaps


def _arrange(grid: list[list[_Place]], gaps: dict[int, float]) -> tuple[float, float]:
    """Gives every place its middle [px]; returns the right and the bottom end of all."""
    heights = [sum(p.height for p in column) + _ROW_GAP * (len(column) - 1) for column in grid]
    tallest = max(heights, default=0.0)
    x = right = _MARGIN + 16
    for number, (column, height) in enumerate(zip(grid, heights, strict=True)):
        width = max((p.width for p in column), default=0.0)
        y = _MARGIN + (tallest - height) / 2
        for place in column:
            place.x = x + width / 2
            if place.width == 0.0:
                place.width = width  # so that what passes does so in a straight line
            place.y = y + place.height / 2
            y += place.height + _ROW_GAP
        right = x + width
        x = right + gaps.get(number, _COLUMN_GAP)
    return right, _MARGIN + tallest


def _slots(graph: Graph, boxes: dict[str, _Place]) -> _Slots:
    """Where on a side of its box [px] an edge leaves ("out", edge) or arrives ("in", edge)."""
    slots: _Slots = {}
    for box in boxes.values():
        ends = {
            "out": [(boxes[e.target], e) for e in graph.edges if e.source == box.name],
            "in": [(boxes[e.source], e) for e in graph.edges if e.target == box.name],
        }
        for side, edges in ends.items():
            ahead = 1 if side == "out" else -1
            # in the order of where they go, so that they do not cross; feedback leaves below the rest
            placed = [((far.column - box.column) * ahead <= 0, far.y, k) for k, (far, _) in enumerate(edges)]
            for slot, (_, _, k) in enumerate(sorted(placed), start=1):
                slots[side, edges[k][1]] = box.y + box.height * (slot / (len(edges) + 1) - 0.5)
    return slots


# -- drawing ------------------------------------------------------------------------------------------


def _opening(graph: Graph, width: float, height: float) -> list[str]:
    heads = "".join(
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8"'
        f' markerUnits="userSpaceOnUse" orient="auto"><path class="{style}" d="M0 0 L8 4 L0 8 z"/></marker>'
        for name, style in (("later", "head"), ("once", "head hot"))
    )
    width = max(width, 420.0)
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}"'
        f' width="{width:.0f}" height="{height:.0f}">',
        f"<title>{escape(graph.title or graph.name)}</title>",
        f"<style>{_STYLE}</style><defs>{heads}</defs>",
        '<rect class="paper" width="100%" height="100%"/>',
    ]


def _box(graph: Graph, place: _Place) -> list[str]:
    left, top = place.x - place.width / 2, place.y - place.height / 2
    name, detail = _texts(graph, place.name)
    style = "box" if _box_of(graph, place.name).kind == "unit" else f"box {_box_of(graph, place.name).kind}"
    return [
        f'<rect class="{style}" x="{left:.1f}" y="{top:.1f}" width="{place.width:.1f}"'
        f' height="{place.height:.1f}" rx="7"/>',
        _text("name", place.x, place.y - 4, name),
        _text("model", place.x, place.y + 14, detail),
    ]


def _box_of(graph: Graph, name: str) -> Box:
    return next(box for box in graph.boxes if box.name == name)


def _texts(graph: Graph, name: str) -> tuple[str, str]:
    box = _box_of(graph, name)
    if box.kind == "rig":
        return name.partition(":")[2], box.model
    detail = [box.model]
    if box.every != 1:
        detail.append(wording.time(box.every * graph.period))
    if len(graph.waves()) > 1:
        detail.append(f"wave {box.wave + 1}")
    return name, " · ".join(detail)


def _width(graph: Graph, name: str) -> float:
    title, detail = _texts(graph, name)
    return max(90.0, 24 + _CHARACTER * max(len(title), 0.86 * len(detail)))


def _curve(edge: Edge, route: list[_Place], slots: _Slots) -> tuple[str, list[str]]:
    points = [(route[0].x + route[0].width / 2, slots["out", edge])]
    for place in route[1:-1]:
        points += [(place.x - place.width / 2, place.y), (place.x + place.width / 2, place.y)]
    points.append((route[-1].x - route[-1].width / 2, slots["in", edge]))
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for k, ((x0, y0), (x1, y1)) in enumerate(pairwise(points)):
        if k % 2 == 1:  # through a place
            path += f" L{x1:.1f} {y1:.1f}"
        else:
            bend = (x1 - x0) / 2
            path += f" C{x0 + bend:.1f} {y0:.1f} {x1 - bend:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
    (x0, y0), (x1, y1) = points[0], points[1]
    return _stroke(edge, path), _label(_label_texts(edge), (x0 + x1) / 2, (y0 + y1) / 2)


def _lane(edge: Edge, boxes: dict[str, _Place], slots: _Slots, y: float) -> tuple[str, list[str]]:
    """A feedback edge: out to the right, down, back in a lane of its own, up, and in from the left."""
    source, target = boxes[edge.source], boxes[edge.target]
    x0, y0 = source.x + source.width / 2, slots["out", edge]
    x1, y1 = target.x - target.width / 2, slots["in", edge]
    r, out, into = 8.0, x0 + 18, x1 - 18
    path = (
        f"M{x0:.1f} {y0:.1f} H{out - r:.1f} Q{out:.1f} {y0:.1f} {out:.1f} {y0 + r:.1f} V{y - r:.1f}"
        f" Q{out:.1f} {y:.1f} {out - r:.1f} {y:.1f} H{into + r:.1f}"
        f" Q{into:.1f} {y:.1f} {into:.1f} {y - r:.1f}"
        f" V{y1 + r:.1f} Q{into:.1f} {y1:.1f} {into + r:.1f} {y1:.1f} H{x1:.1f}"
    )
    text = ", ".join(link.text for link in edge.links)
    if _SMALL * len(text) > out - into - 30:
        text = wording.count(len(edge.links), "signal")
    return _stroke(edge, path), _label([text], (out + into) / 2, y)


def _stroke(edge: Edge, path: str) -> str:
    when = "over the wire" if edge.wire else "within the tick" if edge.same_tick else "one tick later"
    names = "\n".join(f"{edge.source}.{link.source} → {edge.target}.{link.target}" for link in edge.links)
    kind = "once" if edge.same_tick and not edge.wire else "later"
    style = "link wire" if edge.wire else "link once" if edge.same_tick else "link"
    tip = f"<title>{escape(names)}\n{when}</title>"
    return f'<path class="{style}" marker-end="url(#{kind})" d="{path}">{tip}</path>'


def _label_texts(edge: Edge) -> list[str]:
    texts = [link.text for link in edge.links]
    if len(texts) > _MOST_LABELS:
        texts = [*texts[: _MOST_LABELS - 1], f"and {len(texts) - _MOST_LABELS + 1} more"]
    return texts


def _label(texts: list[str], x: float, y: float) -> list[str]:
    """Lines of text around a point; each is drawn twice, as not every viewer knows paint-order."""
    first = y + 3.5 - 6.5 * (len(texts) - 1)
    return [
        _text(style, x, first + 13 * k, text) for k, text in enumerate(texts) for style in ("halo", "port")
    ]


def _legend(graph: Graph, height: float) -> list[str]:
    y = height - 16
    parts = []
    x = _MARGIN
    for (same_tick, wire), text in _LEGEND.items():
        if not any((edge.same_tick, edge.wire) == (same_tick, wire) for edge in graph.edges):
            continue
        style, kind = ("link wire" if wire else "link once", "once") if same_tick else ("link", "later")
        kind = "later" if wire else kind
        parts.append(f'<path class="{style}" marker-end="url(#{kind})" d="M{x:.0f} {y:.0f} h34"/>')
        parts.append(_text("model", x + 42, y + 4, text, anchor="start"))
        x += 180
    parts.append(_text("model", x, y + 4, f"one tick is {wording.time(graph.period)}", anchor="start"))
    return parts


def _text(style: str, x: float, y: float, text: str, *, anchor: str = "middle") -> str:
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
