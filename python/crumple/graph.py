"""What a scene is made of, as a graph: units, connections, waves, and where a tick of delay sits.

A graph is drawn from the plan of a scene alone: no FMU is loaded. As text, as DOT for Graphviz, and as SVG
(in `crumple.graph_svg`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from crumple import wording
from crumple.errors import BuildError

if TYPE_CHECKING:
    from crumple.live.plan import ActuatorPlan, SensorPlan
    from crumple.scene.plan import Scene
    from crumple.world import World

Kind = Literal["unit", "sensor", "actuator", "rig"]
LATER, AT_ONCE = "╌▷", "━▶"


@dataclass(frozen=True, slots=True)
class Box:
    """A unit, or something on the wire. model: what it is an instance of, such as "FMU vehicle_crush".

    every: its step in ticks.   kind: a rig is no unit, and in no wave.
    """

    name: str
    model: str
    every: int
    wave: int
    kind: Kind = "unit"


@dataclass(frozen=True, slots=True)
class Link:
    """A connection between two ports. source, target: ports or elements, without the units' names."""

    source: str
    target: str

    @property
    def text(self) -> str:
        """The two ports; one name where they are called the same."""
        return self.source if self.source == self.target else f"{self.source} → {self.target}"


@dataclass(frozen=True, slots=True)
class Edge:
    """All connections from one unit to another that are of one kind. wire: between a rig and a unit."""

    source: str
    target: str
    same_tick: bool
    links: tuple[Link, ...]
    wire: bool = False


@dataclass(frozen=True, slots=True)
class Graph:
    """Units and connections of a scene or a world. period [s].   rigs, wires: what is outside, and how it is joined."""

    name: str
    title: str
    period: float
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    rigs: tuple[Box, ...] = ()
    wires: tuple[Edge, ...] = ()

    def waves(self) -> list[list[Box]]:
        """The units, wave by wave."""
        count = max((box.wave for box in self.boxes), default=-1) + 1
        return [[box for box in self.boxes if box.wave == wave] for wave in range(count)]

    def loops(self) -> list[list[str]]:
        """Groups of units that feed each other in a circle; what closes it is delayed by a tick."""
        following = {box.name: [e.target for e in self.edges if e.source == box.name] for box in self.boxes}
        reach = {name: _reached(name, following) for name in following}
        found: list[list[str]] = []
        for name in following:
            if name in reach[name] and not any(name in group for group in found):
                found.append([other for other in following if other in reach[name] and name in reach[other]])
        return found


def scene_graph(scene: Scene) -> Graph:
    """The graph of a scene. Raises BuildError where units wait for each other within a tick."""
    ends = [(c.source, c.target, c.same_tick) for c in scene.connections]
    live: tuple[SensorPlan | ActuatorPlan, ...] = (*scene.sensors, *scene.actuators)
    names = [*scene.units, *(each.name for each in live)]
    waves = _waves(names, ends)
    boxes = [
        Box(name, f"{'FMU' if plan.archive is not None else 'plugin'} {plan.model}", plan.every, waves[name])
        for name, plan in scene.units.items()
    ]
    for number, each in enumerate(live):
        kind: Kind = "sensor" if number < len(scene.sensors) else "actuator"
        place = f"of rig {each.rig}" if each.endpoint is None else each.endpoint.address
        boxes.append(Box(each.name, f"{kind} {place}", each.every, waves[each.name], kind))
    rigs = [Box(rig.name, f"rig {rig.endpoint.address}", 1, 0, "rig") for rig in scene.rigs]
    return Graph(
        scene.name,
        scene.title,
        float(scene.period),
        tuple(boxes),
        _edges(names, ends),
        tuple(rigs),
        tuple(_wires(scene)),
    )


def _wires(scene: Scene) -> Iterator[Edge]:
    """What rigs and their sensors and actuators tell each other."""
    for sensor in scene.sensors:
        if sensor.rig is not None:
            links = tuple(Link(channel.name, channel.name) for channel in sensor.channels)
            yield Edge(rig_key(sensor.rig), sensor.name, True, links, wire=True)
    for actuator in scene.actuators:
        if actuator.rig is not None:
            links = tuple(Link(channel.name, channel.name) for channel in actuator.channels)
            yield Edge(actuator.name, rig_key(actuator.rig), True, links, wire=True)


def rig_key(name: str) -> str:
    """A rig among units, which may have the same name."""
    return f"rig:{name}"


def world_graph(world: World, *, name: str = "world") -> Graph:
    """The graph of a world that is built."""
    fmus = world.fmus()
    boxes = [
        Box(
            view.name,
            f"FMU {fmus[view.name].archive.path.stem}" if view.name in fmus else "unit",
            view.every,
            view.wave,
        )
        for view in world.unit_views()
    ]
    ends = [(c.source, c.target, c.same_tick) for c in world.connections()]
    return Graph(name, "", float(world.period), tuple(boxes), _edges([b.name for b in boxes], ends))


def to_text(graph: Graph) -> list[str]:
    """Lines for a terminal: the waves with their units, then what feeds what."""
    waves = graph.waves()
    count = sum(len(edge.links) for edge in graph.edges)
    counts = {kind: sum(box.kind == kind for box in graph.boxes) for kind in ("unit", "sensor", "actuator")}
    facts = [wording.count(n, kind) for kind, n in counts.items() if n or kind == "unit"]
    facts += [
        *([wording.count(len(graph.rigs), "rig")] if graph.rigs else []),
        wording.count(count, "connection"),
        wording.count(len(waves), "wave"),
        f"tick {wording.time(graph.period)}",
    ]
    lines = [f"{graph.name}   {graph.title}".rstrip(), " · ".join(facts), ""]
    width = max((len(box.name) for box in (*graph.boxes, *graph.rigs)), default=0)
    for number, wave in enumerate(waves, start=1):
        for k, box in enumerate(wave):
            head = f"wave {number}" if k == 0 else ""
            lines.append(f"  {head:<8} {box.name:<{width}}  {box.model}{_rate(box, graph.period)}")
    for number, rig in enumerate(graph.rigs):
        lines += [""] if number == 0 else []
        head = "rig" if number == 0 else ""
        lines.append(
            f"  {head:<8} {rig.name:<{width}}  {rig.model.removeprefix('rig ')}{_ends(graph, rig.name)}"
        )
    if graph.edges:
        lines += ["", *_connection_lines(graph, width)]
    loops = graph.loops()
    if loops:
        lines.append("")
    for loop in loops:
        lines.append(f"  loop     {', '.join(loop)}: closed by what arrives one tick later")
    return lines


def to_dot(graph: Graph) -> str:
    """The graph in Graphviz's language; dashed edges arrive one tick later."""
    lines = [
        f"digraph {_quoted(graph.name)} {{",
        "  rankdir=LR;",
        '  node [shape=box, style=rounded, fontname="sans-serif"];',
        '  edge [fontname="sans-serif", fontsize=10];',
    ]
    for box in graph.boxes:
        label = f"{box.name}\n{box.model}{_rate(box, graph.period)}"
        lines.append(f"  {_quoted(box.name)} [label={_quoted(label)}];")
    for edge in graph.edges:
        label = "\n".join(link.text for link in edge.links)
        style = "bold" if edge.same_tick else "dashed"
        lines.append(
            f"  {_quoted(edge.source)} -> {_quoted(edge.target)} [label={_quoted(label)}, style={style}];"
        )
    for rig in graph.rigs:
        label = _quoted(f"{rig.name}\n{rig.model}")
        lines.append(f'  {_quoted(rig_key(rig.name))} [label={label}, style="rounded,dashed"];')
    for wire in graph.wires:
        label = _quoted("\n".join(link.text for link in wire.links))
        ends = f"{_quoted(wire.source)} -> {_quoted(wire.target)}"
        lines.append(f"  {ends} [label={label}, style=dotted];")
    return "\n".join([*lines, "}", ""])


def _ends(graph: Graph, rig: str) -> str:
    """Who hears a rig, and who answers it."""
    heard = [wire.target for wire in graph.wires if wire.source == rig_key(rig)]
    answered = [wire.source for wire in graph.wires if wire.target == rig_key(rig)]
    said = [f"heard by {name}" for name in heard] + [f"answered by {name}" for name in answered]
    return f", {', '.join(said)}" if said else ""


def _connection_lines(graph: Graph, width: int) -> list[str]:
    lines = []
    for box in graph.boxes:
        shown = False
        for edge in (e for e in graph.edges if e.source == box.name):
            arrow = AT_ONCE if edge.same_tick else LATER
            for k, link in enumerate(edge.links):
                source = "" if shown else box.name
                target = f"{arrow} {edge.target:<{width}}" if k == 0 else f"{'':<{width + 3}}"
                lines.append(f"  {source:<{width}} {target}  {link.text}")
                shown = True
    later = sum(len(e.links) for e in graph.edges if not e.same_tick)
    at_once = sum(len(e.links) for e in graph.edges if e.same_tick)
    legend = []
    if later:
        legend.append(f"{LATER} arrives one tick later ({later})")
    if at_once:
        legend.append(f"{AT_ONCE} arrives within the tick ({at_once})")
    return [*lines, "", f"  {'   '.join(legend)}"]


def _rate(box: Box, period: float) -> str:
    return "" if box.every == 1 else f", every {box.every} ticks ({wording.time(box.every * period)})"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _edges(units: Iterable[str], ends: Sequence[tuple[str, str, bool]]) -> tuple[Edge, ...]:
    """The connections, gathered by pair of units and kind, in the order of the units."""
    order = {name: i for i, name in enumerate(units)}
    links: dict[tuple[str, str, bool], list[Link]] = {}
    for source, target, same_tick in ends:
        (a, _, out), (b, _, into) = source.partition("."), target.partition(".")
        links.setdefault((a, b, same_tick), []).append(Link(out, into))
    ordered = sorted(links, key=lambda key: (order[key[0]], order[key[1]], key[2]))
    return tuple(Edge(*key, tuple(links[key])) for key in ordered)


def _waves(units: Iterable[str], ends: Sequence[tuple[str, str, bool]]) -> dict[str, int]:
    """A unit's wave is one more than the highest among those that it waits for within the tick."""
    waits: dict[str, list[str]] = {name: [] for name in units}
    for source, target, same_tick in ends:
        if same_tick:
            waits[target.partition(".")[0]].append(source.partition(".")[0])
    waves: dict[str, int] = {}
    left = list(waits)
    while left:
        ready = [name for name in left if all(other in waves for other in waits[name])]
        if not ready:
            raise BuildError(
                f"These units wait for each other within one tick: {', '.join(left)}."
                " Drop same_tick from one of these connections."
            )
        for name in ready:
            waves[name] = max((waves[other] + 1 for other in waits[name]), default=0)
        left = [name for name in left if name not in waves]
    return waves


def _reached(name: str, following: Mapping[str, Sequence[str]]) -> set[str]:
    seen: set[str] = set()
    todo = list(following[name])
    while todo:
        other = todo.pop()
        if other not in seen:
            seen.add(other)
            todo += following[other]
    return seen
