"""What is shown where there is no run to show, or where it broke: who, for how long, what it costs, what to do."""

from __future__ import annotations

import itertools
import os

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")

import numpy as np
import pygame
import pytest

from crumple.view.panels import keys
from crumple.view.panels.cards import draw_card, draw_error, draw_stale, grey
from crumple.view.panels.keys import KeysOverlay
from crumple.view.panels.states import Peer, Step, draw_empty, draw_loading, draw_waiting
from crumple.view.session import InputRow
from crumple.view.theme import Theme
from view.fake_session import at, crash, driving

SIZES = [(1024, 576), (1280, 720), (1920, 1080), (3840, 2160)]
STEPS = [
    Step("scene read, 5 units, 9 connections", "done", 0.004),
    Step("vehicle_crush.fmu, certified", "done", 0.001),
    Step("occupant.fmu, vetting for the first time", "doing", 2.1),
    Step("initialization", "todo"),
    Step("first tick", "todo"),
]
PEERS = [
    Peer("front_imu", "tcp://127.0.0.1:5555", True, "ready, session 7, 10 kHz"),
    Peer("ecu", "tcp://127.0.0.1:5560", False, "silent for 4.2 s"),
]


@pytest.fixture(autouse=True, scope="module")
def _fonts():
    pygame.display.init()
    pygame.font.init()


def stage(size: tuple[int, int] = (1280, 720), *, dark: bool = True) -> tuple[Theme, pygame.Surface]:
    """An empty window that notes its texts."""
    theme = Theme(dark=dark, width=size[0], height=size[1])
    theme.drawn = []
    surface = pygame.Surface(size)
    surface.fill(theme.colour("window"))
    return theme, surface


def canvas_of(theme: Theme) -> pygame.Rect:
    """Where the canvas is in the design."""
    return pygame.Rect(theme.px(16), theme.px(56), theme.px(864), theme.px(316))


def fits(theme: Theme) -> set[str]:
    """The texts, after making sure that each is inside its panel and none on another."""
    texts = theme.drawn
    assert texts
    for text in texts:
        assert text.panel is not None and text.panel.contains(text.rect), text
    for a, b in itertools.combinations(texts, 2):
        assert not a.rect.colliderect(b.rect), (a, b)
    return {text.text for text in texts}


@pytest.mark.parametrize("dark", [True, False], ids=["dark", "light"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_every_state_fits_at_every_size(size, dark):
    for paint in (
        lambda theme, s, r: draw_empty(theme, s, r, command="crumple run frontal_barrier --view"),
        lambda theme, s, r: draw_loading(theme, s, r, name="frontal_barrier", steps=STEPS, done=11, of=24),
        lambda theme, s, r: draw_waiting(theme, s, r, name="rig.toml", peers=PEERS, cost="2 of 6 stay open."),
        lambda theme, s, r: draw_error(
            theme, s, r, title="unit 'pump' died", lines=["one", "two"], held="30 ms"
        ),
        lambda theme, s, r: draw_stale(theme, s, r, at(driving(silent=True), 3.296)),
        lambda theme, s, r: KeysOverlay(theme).draw(s, s.get_rect(), at(crash())),
    ):
        theme, surface = stage(size, dark=dark)
        paint(theme, surface, canvas_of(theme))
        fits(theme)


@pytest.mark.parametrize("count", [1, 3, 12, 60])
def test_any_number_of_steps_and_peers_fits(count):
    theme, surface = stage()
    steps = [
        Step(f"unit_{n}_with_a_rather_long_name_of_its_own.fmu, certified", "done", 0.5) for n in range(count)
    ]
    draw_loading(theme, surface, canvas_of(theme), name="a" * 200, steps=steps, done=3, of=9)
    fits(theme)
    theme, surface = stage()
    peers = [
        Peer(f"rig_{n}", "tcp://192.168.178.1:5555", n % 2 == 0, "silent for 4.2 s " * 9)
        for n in range(count)
    ]
    draw_waiting(theme, surface, canvas_of(theme), name="rig.toml", peers=peers, cost="All stay open. " * 20)
    fits(theme)


def test_waiting_names_who_is_missing_and_what_it_would_cost():
    theme, surface = stage()
    draw_waiting(
        theme, surface, canvas_of(theme), name="rig.toml", peers=PEERS, cost="Without ecu, 2 stay open."
    )
    words = fits(theme)
    assert {
        "Waiting for a rig",
        "ecu",
        "tcp://127.0.0.1:5560",
        "silent for 4.2 s",
        "Without ecu, 2 stay open.",
    } <= words
    assert any("Enter" in word for word in words)
    stale = [text for text in theme.drawn if text.text == "silent for 4.2 s"]
    assert stale[0].colour == theme.rgb("stale")


def test_those_who_are_missing_come_first_where_there_is_no_room_for_all():
    theme, surface = stage()
    peers = [Peer(f"rig_{n}", "tcp://127.0.0.1:1", n != 29, "") for n in range(30)]
    draw_waiting(theme, surface, canvas_of(theme), name="", peers=peers)
    assert "rig_29" in fits(theme)


def test_a_bar_is_drawn_only_where_the_count_is_known():
    for known in (True, False):
        theme, surface = stage()
        count = {"done": 12, "of": 24} if known else {}
        draw_loading(theme, surface, canvas_of(theme), name="x", steps=STEPS, **count)
        accent = (pygame.surfarray.array3d(surface) == theme.rgb("accent")).all(axis=2)
        assert (accent.sum(axis=0).max() > 150) == known
        assert ("12 of 24 checks" in fits(theme)) == known


def test_the_stale_card_says_who_how_long_the_limit_the_policy_and_the_remedy():
    theme, surface = stage()
    card = draw_stale(theme, surface, canvas_of(theme), at(driving(silent=True), 3.296))
    text = " ".join(sorted(fits(theme)))
    for part in (
        "radar",
        "246 ms",
        "limit 50 ms",
        "fail_safe",
        "3.050 s",
        "tick 3,050",
        "Reconnect",
        "press S",
    ):
        assert part in text
    canvas = canvas_of(theme)
    assert canvas.contains(card)
    assert card.height < canvas.height / 4  # the subject stays in sight


def test_there_is_no_card_while_inputs_are_fresh():
    theme, surface = stage()
    before = pygame.surfarray.array3d(surface)
    card = draw_stale(theme, surface, canvas_of(theme), at(driving(), 3.42))
    assert not card.width and np.array_equal(before, pygame.surfarray.array3d(surface))


def test_the_worst_of_several_silent_inputs_is_named_and_the_others_are_counted():
    rows = [
        InputRow(name=f"in_{n}", endpoint="", age=0.1 * (n + 1), max_age=0.05, state="held", received=1)
        for n in range(3)
    ]
    theme, surface = stage()
    draw_stale(theme, surface, canvas_of(theme), at(driving(input_rows=rows), 3.0))
    text = " ".join(fits(theme))
    assert "in_2 has been silent for 300 ms" in text and "2 more are silent" in text


def test_an_error_takes_the_colour_out_of_the_picture_and_stands_below_it():
    theme, surface = stage()
    canvas = canvas_of(theme)
    surface.fill((255, 0, 0), canvas)
    card = draw_error(
        theme, surface, canvas, title="unit 'pump' died", lines=["its last words"], held="30 ms", last="R"
    )
    pixels = pygame.surfarray.array3d(surface)[
        canvas.left : canvas.right, canvas.top + 50 : card.top - 2
    ].astype(int)
    assert np.abs(pixels[:, :, 0] - pixels[:, :, 1]).max() < 12  # grey
    assert {"ERROR", "Error", "unit 'pump' died", "its last words", "picture held at 30 ms"} <= fits(theme)


def test_what_is_greyed_keeps_its_place_where_nothing_stands_below():
    theme, surface = stage()
    canvas = canvas_of(theme)
    pygame.draw.circle(surface, (255, 255, 255), canvas.center, 20)
    grey(theme, surface, canvas)
    assert surface.get_at(canvas.center)[0] > 100 > surface.get_at((canvas.centerx + 40, canvas.centery))[0]


def test_a_card_that_has_no_room_is_left_out():
    theme, surface = stage()
    small = pygame.Rect(10, 10, 60, 20)
    assert not draw_card(theme, surface, small, glyph="stale", colour="stale", title="x").width


def test_every_key_is_on_the_sheet_and_can_be_clicked():
    theme, surface = stage()
    sheet = KeysOverlay(theme)
    sheet.draw(surface, surface.get_rect(), at(crash()))
    words = fits(theme)
    for _, group in keys.ALL:
        for key in group:
            assert key.does in words
    place = next(text.rect for text in theme.drawn if text.text == "next view of the scene")
    assert sheet.hit(place.center) == "key:v"
    assert sheet.hit((5, 5)) == "keys:close"


def test_the_keys_that_matter_follow_the_mode():
    replay = [key.name for key in keys.matter_now(at(crash()))]
    live = [key.name for key in keys.matter_now(at(driving()))]
    assert replay == ["space", "right", "e", "?"] and live == ["space", "f", "s", "?"]
    assert keys.matter_now(at(crash(), playing=True))[0].does == "hold"
