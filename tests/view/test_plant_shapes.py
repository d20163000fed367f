"""Vessel, plume, diagram, person and robot arm: what they do with their signals, and which mistakes are told."""

from __future__ import annotations

import math
import os
import tomllib
from typing import Any

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")

import numpy as np
import pygame
import pytest

from crumple.view.canvas import Canvas
from crumple.view.canvas.cobot import REGIONS, elbow, touch_point
from crumple.view.canvas.marks import _short
from crumple.view.canvas.process import _half_width, _ticks
from crumple.view.canvas.source import PaperSession
from crumple.view.scene_view import check
from crumple.view.session import Moment
from crumple.view.theme import Theme


@pytest.fixture(autouse=True, scope="module")
def _fonts() -> None:
    pygame.display.init()
    pygame.font.init()


def shot(draw: str, signals: dict[str, tuple[float, str]], *, y: tuple[float, float] = (-0.2, 2.2)) -> Any:
    """Pixels of a picture (x -2 to 2 m) and its canvas; signals are constant."""
    session = PaperSession(
        signals={n: v for n, (v, _) in signals.items()}, si={n: s for n, (_, s) in signals.items()}
    )
    text = (
        f"[pictures.p]\nx = [-2.0, 2.0]\ny = {list(y)}\nground = false\nruler = false\nscale_bar = false\n"
        f"[pictures.p.draw]\n{draw}"
    )
    table = tomllib.loads(text)
    assert check(table, session.si) == []
    canvas = Canvas(Theme(dark=True), table, session)
    canvas.labels = False
    surface = pygame.Surface((640, 400))
    canvas.draw(surface, surface.get_rect(), Moment(session, 0.0, False, 1.0, 0))  # type: ignore[arg-type]
    return canvas, pygame.surfarray.array3d(surface).astype(int)


def like(pixels: Any, colour: Any, near: int = 40) -> int:
    """How many pixels have about a colour."""
    return int((np.abs(pixels - np.array(colour[:3])).sum(axis=2) < near).sum())


def test_the_liquid_of_a_vessel_rises_with_its_level() -> None:
    draw = 'v = { shape = "vessel", width = "1 m", height = "2 m", level = "r.level", colour = "#FF00FF" }'
    areas = [like(shot(draw, {"r.level": (level, "1")})[1], (255, 0, 255)) for level in (0.0, 0.5, 1.0)]
    assert areas[0] == 0
    assert areas[2] - areas[1] == pytest.approx(
        0.31 * 2 * 1.0 * (areas[2] / 1.12), rel=0.15
    )  # a straight part


def test_a_vessel_has_dished_ends_and_straight_walls() -> None:
    assert _half_width(0.0, 1.0, 2.0) == pytest.approx(0.0)
    assert _half_width(1.0, 1.0, 2.0) == 0.5
    assert _half_width(0.14, 1.0, 2.0) == pytest.approx(0.5 * math.sqrt(0.75))


def test_nothing_rises_where_nothing_flows_and_more_where_more_does() -> None:
    draw = (
        'p = { shape = "plume", flow = "d.flow", flow_max = "100 kg/min", size = "1 m", colour = "#FFFFFF" }'
    )
    lit = [
        like(shot(draw, {"d.flow": (flow, "kg/min")})[1], (255, 255, 255), 420) for flow in (0.0, 30.0, 100.0)
    ]
    assert lit[0] < lit[1] < lit[2]


DIAGRAM = """
d.shape = "diagram"
d.y = "1 m"
d.width = "3 m"
d.height = "1.8 m"
d.across = "r.t"
d.across_range = [400, 500]
d.si = "kW"
d.range = ["0 kW", "100 kW"]
d.curves.made = "1 kW * (r.t - 400 K) / (1 K)"
"""


def test_the_dot_of_a_diagram_is_on_its_curve() -> None:
    for kelvin in (430.0, 470.0):
        canvas, pixels = shot(DIAGRAM, {"r.t": (kelvin, "K")})
        share = (kelvin - 400.0) / 100.0
        x, y = canvas.camera.pixel(-1.5 + 3.0 * share, 0.1 + 1.8 * share)
        ink = Theme(dark=True).colour("signal_2")
        around = pixels[round(x) - 3 : round(x) + 4, round(y) - 3 : round(y) + 4]
        assert like(around, ink) > 40


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("d.across_range = [500, 400]", "two plain numbers"),
        ('d.across = "r.p"', "r.p"),
        ('d.curves.made = "r.t"', "temperature"),
    ],
)
def test_mistakes_of_a_diagram_are_told(line: str, says: str) -> None:
    key = line.split(" = ", maxsplit=1)[0]
    kept = [row for row in DIAGRAM.splitlines() if not row.startswith(key)]
    table = tomllib.loads("[pictures.p]\nx = [0, 1]\n[pictures.p.draw]\n" + "\n".join([*kept, line]))
    told = check(table, {"r.t": "K"})
    assert len(told) >= 1
    assert says in told[0][1]


def test_figures_at_axes_are_round() -> None:
    assert _ticks(430.0, 520.0) == [440.0, 460.0, 480.0, 500.0, 520.0]
    assert _ticks(0.0, 14000.0) == [0.0, 5000.0, 10000.0]


def test_a_person_is_touched_where_x_says_in_every_region() -> None:
    for region in REGIONS:
        draw = f'p = {{ shape = "person", x = "b.x", region = "{region}", load = 2 }}'
        canvas, pixels = shot(draw, {"b.x": (0.3, "m")})
        x, y = canvas.camera.pixel(0.3, touch_point(region, 1.75)[1])
        red = Theme(dark=True).colour("fail")
        right = pixels[round(x) : round(x) + 8, round(y) - 2 : round(y) + 3]
        left = pixels[round(x) - 14 : round(x) - 6, round(y) - 2 : round(y) + 3]
        assert like(right, red, 90) > 4, region
        assert like(left, red, 90) == 0, region


def test_a_region_is_coloured_by_its_load() -> None:
    theme = Theme(dark=True)
    for load, colour in ((0.5, "pass"), (0.8, "at_risk"), (1.1, "fail")):
        pixels = shot('p = { shape = "person", load = "b.l" }', {"b.l": (load, "1")})[1]
        assert like(pixels, theme.colour(colour)) > 50


def test_both_links_of_an_arm_keep_their_lengths() -> None:
    for hand in ((0.9, 0.2), (-0.4, 1.1), (0.1, -0.9)):
        x, y = elbow((0.0, 0.0), hand, 0.7, 0.6)
        assert math.hypot(x, y) == pytest.approx(0.7)
        assert math.hypot(hand[0] - x, hand[1] - y) == pytest.approx(0.6)
    assert elbow((0.0, 0.0), (5.0, 0.0), 0.7, 0.6) == pytest.approx(
        (0.7, 0.0), abs=1e-6
    )  # out of reach: stretched


def test_a_gauge_keeps_the_noughts_before_the_point() -> None:
    assert [_short(text) for text in ("420", "1.50", "0", "2.0", "1,000")] == [
        "420",
        "1.5",
        "0",
        "2",
        "1,000",
    ]
