"""Sensors, actuators and rigs in the graph of a scene."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from crumple.graph import Graph, scene_graph, to_dot, to_text
from crumple.graph_svg import to_svg
from crumple.scene import load_scene
from ramp_scene import writer

SVG = "{http://www.w3.org/2000/svg}"
SCENE = """
crumple = 1
title = "a meter on two wires"
[clock]
period = "1 ms"
stop = "1 s"
mode = "lockstep"
[units.meter]
plugin = "plugins.py:Meter"
[rigs.pulse]
zmq = "tcp://127.0.0.1:5600"
timeout = "2 s"
[sensors.pulse_in]
rig = "pulse"
channels = { a = "m/s^2", v = "m/s" }
[sensors.other]
zmq = "ipc:///tmp/other"
every = 5
channels = { part = "km/h" }
[actuators.shown]
rig = "pulse"
channels.y = "meter.y"
[connect]
"meter.a" = "pulse_in.a"
"meter.part" = { from = "other.part", same_tick = false }
"""


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    return scene_graph(load_scene(writer(tmp_path)(SCENE, "wires.toml")))


def test_sensors_come_before_what_they_feed_and_actuators_behind(graph: Graph) -> None:
    assert [(box.name, box.kind, box.wave) for box in graph.boxes] == [
        ("meter", "unit", 1),
        ("pulse_in", "sensor", 0),
        ("other", "sensor", 0),
        ("shown", "actuator", 2),
    ]


def test_the_text_tells_where_each_is_and_who_hears_and_answers_a_rig(graph: Graph) -> None:
    lines = to_text(graph)
    assert lines[1] == "1 unit · 2 sensors · 1 actuator · 1 rig · 3 connections · 3 waves · tick 1 ms"
    assert "  wave 1   pulse_in  sensor of rig pulse" in lines
    assert "           other     sensor ipc:///tmp/other, every 5 ticks (5 ms)" in lines
    assert "  wave 3   shown     actuator of rig pulse" in lines
    assert "  rig      pulse     tcp://127.0.0.1:5600, heard by pulse_in, answered by shown" in lines
    assert "  pulse_in ━▶ meter     a" in lines
    assert "  other    ╌▷ meter     part" in lines
    assert not any(line.startswith("  loop") for line in lines)  # what goes over a wire waits for nobody


def test_dot_has_the_rig_beside_a_unit_of_any_name(graph: Graph) -> None:
    text = to_dot(graph)
    assert '"rig:pulse" [label="pulse\\nrig tcp://127.0.0.1:5600", style="rounded,dashed"];' in text
    assert '"rig:pulse" -> "pulse_in" [label="a\\nv", style=dotted];' in text
    assert '"shown" -> "rig:pulse" [label="y", style=dotted];' in text


def test_the_picture_draws_the_rig_and_its_wires(graph: Graph) -> None:
    root = ET.fromstring(to_svg(graph))
    rects = [rect.get("class") for rect in root.iter(f"{SVG}rect")]
    assert sorted(rects[1:], key=str) == ["box", "box actuator", "box rig", "box sensor", "box sensor"]
    wires = [path for path in root.iter(f"{SVG}path") if path.get("class") == "link wire" and len(path)]
    titles = [(path.find(f"{SVG}title").text or "").splitlines()[-1] for path in wires]  # type: ignore[union-attr]
    assert titles == ["over the wire"] * 2
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert {"pulse", "rig tcp://127.0.0.1:5600", "goes over the wire"} <= set(texts)
