"""The graph of a scene: as text, as DOT, as a picture, and on the command line."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path
from string import ascii_lowercase

import pytest

from crumple.cli.app import invoke
from crumple.errors import BuildError
from crumple.graph import Box, Edge, Graph, Link, scene_graph, to_dot, to_text, world_graph
from crumple.graph_svg import to_svg
from crumple.scene import load_scene
from crumple.unit import Input, Moment, Output, Unit
from crumple.world import World

UNITS = """
from crumple import Input, Output, Unit
class Part(Unit):
    u = Input()
    v = Input()
    y = Output()
    z = Output()
    def step(self, now):
        pass
"""
SCENE = """
crumple = 1
title = "three parts <in> a row"
[clock]
period = "1 ms"
stop = "1 s"
[units.first]
plugin = "part.py:Part"
[units.second]
plugin = "part.py:Part"
[units.third]
plugin = "part.py:Part"
every = 10
[connect]
"second.u" = { from = "first.y", same_tick = true }
"second.v" = { from = "first.z", same_tick = true }
"third.u" = "second.y"
"first.u" = "third.y"
"""


class Part(Unit):
    """As in the scene."""

    u = Input()
    y = Output()

    def step(self, now: Moment) -> None:
        pass


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    (tmp_path / "part.py").write_text(UNITS)
    path = tmp_path / "row.toml"
    path.write_text(SCENE)
    return path


def picture(graph: Graph) -> ET.Element:
    """The root of the picture, which must be well-formed."""
    return ET.fromstring(to_svg(graph))


def texts(root: ET.Element, style: str) -> list[str]:
    return [e.text or "" for e in root.iter("{http://www.w3.org/2000/svg}text") if e.get("class") == style]


def paths(root: ET.Element, style: str) -> int:
    drawn = root.iter("{http://www.w3.org/2000/svg}path")
    return sum(e.get("class") == style and len(e) == 1 for e in drawn)  # with a title: not the legend's


def test_the_graph_of_a_scene_has_its_units_waves_and_delays(scene: Path) -> None:
    graph = scene_graph(load_scene(scene))
    assert [(b.name, b.wave, b.every) for b in graph.boxes] == [
        ("first", 0, 1),
        ("second", 1, 1),
        ("third", 0, 10),
    ]
    assert [(e.source, e.target, e.same_tick, len(e.links)) for e in graph.edges] == [
        ("first", "second", True, 2),
        ("second", "third", False, 1),
        ("third", "first", False, 1),
    ]
    assert graph.loops() == [["first", "second", "third"]]


def test_the_text_shows_where_a_tick_is_lost(scene: Path) -> None:
    lines = to_text(scene_graph(load_scene(scene)))
    assert lines[0] == "row   three parts <in> a row"
    assert lines[1] == "3 units · 4 connections · 2 waves · tick 1 ms"
    assert "  wave 1   first   plugin part.py:Part" in lines
    assert "           third   plugin part.py:Part, every 10 ticks (10 ms)" in lines
    assert "  first  ━▶ second  y → u" in lines
    assert "                    z → v" in lines
    assert "  second ╌▷ third   y → u" in lines
    assert "  ╌▷ arrives one tick later (2)   ━▶ arrives within the tick (2)" in lines
    assert lines[-1] == "  loop     first, second, third: closed by what arrives one tick later"


def test_the_waves_are_those_that_the_world_finds(scene: Path) -> None:
    from crumple.scene import compose

    plan = load_scene(scene)
    world = compose(plan)
    world.build()
    drawn = scene_graph(plan)
    assert [sorted(b.name for b in wave) for wave in drawn.waves()] == [sorted(w) for w in world.waves()]
    assert {(e.source, e.target, e.same_tick) for e in world_graph(world).edges} == {
        (e.source, e.target, e.same_tick) for e in drawn.edges
    }


def test_dot_has_a_line_for_each_unit_and_each_pair(scene: Path) -> None:
    text = to_dot(scene_graph(load_scene(scene)))
    assert text.startswith('digraph "row" {')
    assert text.count(" -> ") == 3
    assert '"first" -> "second" [label="y → u\\nz → v", style=bold];' in text
    assert text.count("style=dashed") == 2


def test_the_picture_has_every_box_connection_and_name(scene: Path) -> None:
    root = picture(scene_graph(load_scene(scene)))
    assert sorted(texts(root, "name")) == ["first", "second", "third"]
    assert "plugin part.py:Part · 10 ms · wave 1" in texts(root, "model")
    assert (paths(root, "link"), paths(root, "link once")) == (2, 1)
    assert {"y → u", "z → v"} <= set(texts(root, "port"))
    assert root.find("{http://www.w3.org/2000/svg}title").text == "three parts <in> a row"  # type: ignore[union-attr]


def _edge(source: str, target: str, *, links: int = 1) -> Edge:
    return Edge(source, target, False, tuple(Link(f"signal{i}", f"signal{i}") for i in range(links)))


def boxes(root: ET.Element) -> list[tuple[float, float, float, float]]:
    found = [e for e in root.iter("{http://www.w3.org/2000/svg}rect") if e.get("class") == "box"]
    return [tuple(float(e.get(k, "nan")) for k in ("x", "y", "width", "height")) for e in found]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        ("a", []),
        ("a", ["aa"]),
        ("ab", ["ab", "ba"]),
        ("abcdefgh", ["ab", "ac", "ad", "bh", "ch", "dh", "eh", "ha", "ah", "gg", "fa"]),
        ("abcdefghijkl", [x + y for x in "abcd" for y in "efgh"] + [x + y for x in "efgh" for y in "ijkl"]),
        (ascii_lowercase, [x + y for x, y in pairwise(ascii_lowercase)]),
    ],
)  # fmt: skip
def test_boxes_never_overlap_and_lie_on_the_paper(names: str, pairs: list[str]) -> None:
    graph = Graph(
        "dut",
        "",
        1.0,
        tuple(Box(n, "plugin x", 1, 0) for n in names),
        tuple(_edge(p[0], p[1]) for p in pairs),
    )
    root = picture(graph)
    placed = boxes(root)
    assert len(placed) == len(names)
    assert paths(root, "link") == len(pairs)
    width, height = float(root.get("width", "0")), float(root.get("height", "0"))
    for i, (x, y, w, h) in enumerate(placed):
        assert x >= 0 and y >= 0 and x + w <= width and y + h <= height
        for x2, y2, w2, h2 in placed[i + 1 :]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


def test_a_world_without_units_has_a_picture() -> None:
    empty = Graph("empty", "", 0.001, (), ())
    assert texts(picture(empty), "name") == []
    assert to_text(empty)[1] == "0 units · 0 connections · 0 waves · tick 1 ms"


def test_units_that_wait_for_each_other_are_refused() -> None:
    world = World(period=1)
    world.add("a", Part)
    world.add("b", Part)
    world.connect("a.y", "b.u", same_tick=True)
    world.connect("b.y", "a.u", same_tick=True)
    with pytest.raises(BuildError, match="wait for each other"):
        world.build()


def test_the_command(scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["graph", str(scene)]) == 0
    assert "3 units · 4 connections · 2 waves" in capsys.readouterr().out
    svg, dot = tmp_path / "row.svg", tmp_path / "row.dot"
    assert invoke(["graph", str(scene), "--svg", str(svg), "--dot", str(dot)]) == 0
    assert capsys.readouterr().out.splitlines() == [str(svg), str(dot)]
    ET.parse(svg)
    assert dot.read_text(encoding="utf-8").startswith("digraph")
    assert invoke(["graph", "frontal_barrier"]) == 0
    assert "airbag_controller, every 5 ticks (500 µs)" in capsys.readouterr().out
    assert invoke(["graph", "no_such_scene"]) == 2
    assert invoke(["graph", str(scene), "--svg", str(tmp_path / "no" / "row.svg")]) == 2
