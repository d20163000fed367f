"""All panels at all sizes, drawn without a window: everything fits, nothing overlaps, nothing is painted in vain."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import numpy as np
import pygame
import pytest

from crumple.view.layout import contents_of, layout
from crumple.view.panels.panel import ROUND, Panel
from crumple.view.theme import Theme
from view.fake_session import at, crash, crowded
from view.panel_drawing import TIMES, draw, session_of

SIZES = [(1024, 576), (1280, 720), (1920, 1080), (3840, 2160)]


@pytest.fixture(autouse=True, scope="module")
def _fonts():
    pygame.display.init()
    pygame.font.init()


@pytest.mark.parametrize(
    ("size", "dark"),
    [(size, True) for size in (*SIZES, (900, 1200), (1366, 768), (2560, 1080))]
    + [(size, False) for size in SIZES[:2]],
)
@pytest.mark.parametrize("kind", TIMES)
def test_no_text_leaves_its_panel_and_no_two_overlap(kind, size, dark):
    _, texts, _ = draw(session_of(kind), TIMES[kind], size, dark=dark)
    assert len(texts) > 30
    window = pygame.Rect((0, 0), size)
    for text in texts:
        assert text.panel is not None and text.panel.contains(text.rect), text
        assert window.contains(text.rect), text
    for a, b in itertools.combinations(texts, 2):
        assert not a.rect.colliderect(b.rect), (a, b)


@pytest.mark.parametrize("scale", [1.25, 1.5])
def test_it_still_fits_where_the_user_wants_it_larger(scale):
    _, texts, _ = draw(crowded(), 3.2, (1280, 720), scale=scale)
    assert all(text.panel is not None and text.panel.contains(text.rect) for text in texts)
    assert not any(a.rect.colliderect(b.rect) for a, b in itertools.combinations(texts, 2))


@pytest.mark.parametrize("size", [(1, 1), (40, 30), (200, 150), (640, 400), (5000, 200), (200, 3000)])
def test_no_window_is_too_odd_to_be_drawn(size):
    surface, _, _ = draw(crowded(), 3.2, size)
    assert surface.get_size() == size


# -- layout ----------------------------------------------------------------------------------------------------


def test_the_panels_are_where_the_design_has_them():
    areas = layout(Theme(), (1280, 720), contents_of(crash(), 0.073))
    assert {name: tuple(rect) for name, rect in areas.items()} == {
        "headline": (0, 0, 1280, 50),
        "canvas": (16, 56, 864, 316),
        "charts": (16, 384, 864, 300),
        "requirements": (896, 56, 368, 314),
        "timing": (896, 382, 368, 168),
        "faults": (896, 562, 368, 122),
        "status": (0, 692, 1280, 28),
    }


@pytest.mark.parametrize(
    "size", [(1024, 576), (1280, 720), (900, 1200), (3840, 2160), (2560, 1080), (700, 700)]
)
@pytest.mark.parametrize("kind", TIMES)
def test_no_two_panels_overlap_and_all_are_in_the_window(kind, size):
    theme = Theme(width=size[0], height=size[1])
    areas = layout(theme, size, contents_of(session_of(kind), TIMES[kind]))
    window = pygame.Rect((0, 0), size)
    for name, rect in areas.items():
        assert window.contains(rect) or not rect.width or not rect.height, name
    for (a, one), (b, other) in itertools.combinations(areas.items(), 2):
        assert not one.colliderect(other), (a, b)


def test_extra_space_goes_to_the_canvas_and_the_charts():
    areas = layout(Theme(width=2560, height=1080), (2560, 1080), contents_of(crash(), 0.073))
    assert areas["requirements"].width == round(368 * 1.5)
    assert areas["canvas"].width > 1.5 * 864
    tall = layout(Theme(width=1280, height=900), (1280, 900), contents_of(crash(), 0.073))
    assert tall["canvas"].height > 316 and tall["charts"].height > 300


def test_a_tall_narrow_window_has_the_column_under_the_charts():
    areas = layout(Theme(width=900, height=1200), (900, 1200), contents_of(crash(), 0.073))
    assert areas["requirements"].top > areas["charts"].bottom > areas["canvas"].bottom
    assert areas["timing"].left > areas["requirements"].right


def test_the_scene_alone_has_the_whole_window():
    areas = layout(Theme(), (1280, 720), contents_of(crash(), 0.073), scene_only=True)
    assert areas["canvas"].width == 1280 - 32 and not areas["requirements"].width


def test_a_scene_without_pictures_gives_its_place_to_the_charts():
    areas = layout(Theme(), (1280, 720), contents_of(crash(), 0.073, canvas=False))
    assert areas["charts"].height == 628 and not areas["canvas"].width


# -- repainting --------------------------------------------------------------------------------------------------


class _Counting(Panel):
    turn = 2

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.painted = 0

    def paint(self, surface, rect, moment):
        self.painted += 1


def test_a_playing_panel_is_painted_in_its_turn_and_once_in_each_round():
    panel, surface, session = _Counting(Theme()), pygame.Surface((100, 100)), crash()
    place = pygame.Rect(10, 10, 50, 50)
    for frame in range(1 + 10 * ROUND):
        panel.draw(surface, place, at(session, frame / 60, playing=True, frame=frame))
    assert panel.painted == 1 + 10


def test_a_held_panel_is_painted_as_soon_as_the_time_is_another():
    panel, surface, session = _Counting(Theme()), pygame.Surface((100, 100)), crash()
    place = pygame.Rect(10, 10, 50, 50)
    for frame, t in enumerate((0.0, 0.0, 0.1, 0.1, 0.2)):
        panel.draw(surface, place, at(session, t, frame=100 * ROUND + frame + 3))
    assert panel.painted == 3
    panel.changed()
    panel.draw(surface, place, at(session, 0.2, frame=3))
    panel.draw(surface, pygame.Rect(0, 0, 60, 60), at(session, 0.2, frame=3))
    assert panel.painted == 5


class _Slow(Panel):
    def paint(self, surface, rect, moment):
        for row in range(3):
            surface.fill((0, 0, 200 if moment.t else 100), (0, row * 10, rect.width, 10))
            self.target(pygame.Rect(0, row * 10, rect.width, 10), f"row:{row}:{moment.t:g}")
            yield


def test_what_is_painted_in_steps_is_shown_when_it_is_complete():
    panel, surface, session = _Slow(Theme()), pygame.Surface((100, 100)), crash()
    place = pygame.Rect(0, 0, 50, 50)
    seen = []
    for frame in range(1, 12):
        panel.draw(surface, place, at(session, 0.0 if frame < 5 else 1.0, playing=True, frame=frame))
        column = [surface.get_at((10, y))[2] for y in (5, 15, 25)]
        assert len(set(column)) == 1  # never half of it
        assert panel.hit((10, 5)).endswith(":1" if column[0] == 200 else ":0")
        seen.append(column[0])
    assert seen[0] == 100 and seen[-1] == 200
    assert seen.index(200) == ROUND - 1 + 3  # begun in its turn, one step a frame


def test_what_is_painted_in_steps_is_complete_at_once_while_held():
    panel, surface, session = _Slow(Theme()), pygame.Surface((100, 100)), crash()
    for t in (0.0, 1.0):
        panel.draw(surface, pygame.Rect(0, 0, 50, 50), at(session, t, frame=3))
        assert surface.get_at((10, 25))[2] == (200 if t else 100)


def test_what_the_pointer_is_on_is_lit():
    _, _, panels = draw(crash(), 0.073)
    panel = panels["requirements"]
    surface = pygame.Surface((1280, 720))
    place = pygame.Rect(896, 56, 368, 314)
    panel.draw(surface, place, at(crash(), 0.073, frame=1))
    before = surface.get_at((1000, 56 + 50 - 6))
    assert panel.hover((1000, 110)) == "requirement:head"
    panel.draw(surface, place, at(crash(), 0.073, frame=1))
    assert surface.get_at((1000, 56 + 50 - 6)) != before
    assert panel.hover(None) is None
    panel.draw(surface, place, at(crash(), 0.073, frame=1))
    assert surface.get_at((1000, 56 + 50 - 6)) == before


# -- kept pictures -----------------------------------------------------------------------------------------------

KEPT = Path(__file__).with_name("pictures")


@pytest.mark.parametrize(
    ("name", "kind", "dark", "place"),
    [
        ("crash_dark", "crash", True, (880, 0, 400, 720)),
        ("battery_light", "battery", False, (880, 0, 400, 720)),
        ("silent_dark", "silent", True, (880, 0, 400, 720)),
        ("status_dark", "driving", True, (0, 680, 640, 40)),
    ],
)
def test_the_picture_is_the_one_that_was_judged(name, kind, dark, place):
    surface, _, _ = draw(session_of(kind), TIMES[kind], dark=dark)
    part = surface.subsurface(place)
    small = pygame.transform.smoothscale(part, (place[2] // 2, place[3] // 2))
    file = KEPT / f"{name}.png"
    if os.environ.get("CRUMPLE_KEEP_PICTURES"):
        KEPT.mkdir(exist_ok=True)
        pygame.image.save(small, str(file))
    kept = pygame.surfarray.array3d(pygame.image.load(str(file))).astype(int)
    drawn = pygame.surfarray.array3d(small).astype(int)
    apart = np.abs(drawn - kept).max(axis=2)
    assert apart.mean() < 1.0  # of 255; fonts and libraries round otherwise elsewhere
    assert (apart > 40).mean() < 0.004
