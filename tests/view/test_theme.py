"""Colours, fonts, figures and glyphs: what a reader must be able to rely on."""

from __future__ import annotations

import math
import os
from itertools import pairwise

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")

import numpy as np
import pygame
import pytest

from crumple.view import figures, glyphs, ink, palette, text
from crumple.view.panels.headline import chip_ground
from crumple.view.panels.panel import HOVER
from crumple.view.text import DISPLAY, Typesetter, font_file
from crumple.view.theme import Run, Theme

STATES = ("pass", "at_risk", "fail", "inconclusive", "error", "holding", "fault", "live", "stale")
TEXTS = ("text", "text_2", "text_3", "accent", *STATES, *(f"signal_{n}" for n in range(1, 7)))


@pytest.fixture(autouse=True, scope="module")
def _fonts():
    pygame.display.init()
    pygame.font.init()


@pytest.mark.parametrize("dark", [True, False], ids=["dark", "light"])
@pytest.mark.parametrize("ground", ["panel", "window"])
def test_every_text_and_state_stands_out_from_what_it_is_written_on(dark, ground):
    colours = palette.colours(dark=dark)
    names = TEXTS if ground == "panel" else TEXTS[: 4 + len(STATES)]  # signals are drawn on panels only
    for name in names:
        assert palette.contrast(colours[name], colours[ground]) >= 4.5, name


@pytest.mark.parametrize("dark", [True, False], ids=["dark", "light"])
def test_a_tinted_chip_keeps_its_word_readable(dark):
    theme = Theme(dark=dark)
    for name in ("accent", *STATES):
        ground = chip_ground(theme, name, "window")
        assert palette.contrast(theme.rgb(name), ground) >= 4.5, name
        assert palette.contrast(ground, theme.rgb("window")) > 1.04, name


@pytest.mark.parametrize("dark", [True, False], ids=["dark", "light"])
def test_a_row_under_the_pointer_stays_readable(dark):
    theme = Theme(dark=dark)
    for name in TEXTS[: 4 + len(STATES)]:
        assert palette.contrast(theme.rgb(name), theme.rgb(theme.mix("panel", "raised", HOVER))) >= 4.5, name


@pytest.mark.parametrize("dark", [True, False], ids=["dark", "light"])
def test_what_is_written_on_a_filled_chip_can_be_read(dark):
    colours = palette.colours(dark=dark)
    for name in STATES:
        assert palette.contrast(colours["ink"], colours[name]) >= 4.5, name


def test_contrast_is_that_of_wcag():
    assert palette.contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21.0)
    assert palette.contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("dark", [True, False], ids=["dark", "light"])
def test_no_two_verdicts_have_one_colour_and_none_is_that_of_a_signal(dark):
    colours = palette.colours(dark=dark)
    signals = {colours[f"signal_{n}"] for n in range(1, 7)}
    states = [colours[name] for name in STATES]
    assert len(set(states)) == len(states)
    assert not signals & set(states)


def test_the_scale_of_temperatures_grows_lighter_all_the_way():
    luminances = [palette.contrast(palette.temperature(c), (0, 0, 0)) for c in range(25, 621, 5)]
    assert all(b > a for a, b in pairwise(luminances))
    assert palette.temperature(-300.0) == palette.temperature(25.0)
    assert palette.temperature(2000.0) == palette.temperature(620.0)
    assert palette.temperature(math.nan) == palette.temperature(25.0)


def test_a_colour_that_is_not_written_as_one_is_refused():
    with pytest.raises(ValueError, match="#RRGGBB"):
        palette.rgb("red")


@pytest.mark.parametrize("weight", [400, 500, 600, DISPLAY])
def test_the_fonts_are_the_viewers_own(weight):
    file = font_file(weight)
    assert file is not None and file.parent.name == "fonts"
    assert pygame.font.Font(str(file), 20).name.startswith("Crumple Sans")
    assert file.stat().st_size < 64_000


def test_the_licence_lies_beside_the_fonts():
    file = font_file(400)
    assert file is not None
    assert "SIL OPEN FONT LICENSE Version 1.1" in (file.parent / "OFL.txt").read_text(encoding="utf-8")


def test_without_its_fonts_the_viewer_takes_others_and_never_the_systems(monkeypatch, tmp_path):
    monkeypatch.setattr(text, "_FOLDER", tmp_path)
    text.forget_fonts()
    try:
        other = font_file(600)
        assert other is None or other.name == "DejaVuSans-Bold.ttf"
        monkeypatch.setattr(text, "find_spec", lambda name: None)
        text.forget_fonts()
        assert font_file(600) is None
        assert Theme().text(pygame.Surface((200, 40)), "pygame's own", (10, 20)).width > 40
    finally:
        text.forget_fonts()


@pytest.mark.parametrize("weight", [400, 500, 600, DISPLAY])
def test_figures_are_all_equally_wide(weight):
    file = font_file(weight)
    font = pygame.font.Font(str(file), 200)
    assert len({font.metrics(digit)[0][4] for digit in "0123456789"}) == 1
    assert font.size("1111")[0] == font.size("4740")[0] == font.size("0000")[0]
    assert font.metrics("−")[0][4] == pytest.approx(font.metrics("0")[0][4], abs=1)  # of 200 pixels


def test_the_fonts_have_the_signs_of_measurement():
    font = pygame.font.Font(str(font_file(400)), 20)
    assert None not in font.metrics("≤≥≈±×·−µ°²³⁻¹Ω←→…αβθéüßñ•–")


def test_a_figure_that_changes_does_not_move_what_stands_before_or_after():
    theme = Theme()
    widths = {
        theme.measure(f"{value:.1f}", size=14, weight=600)[0] for value in (10.0, 17.1, 44.4, 88.8, 99.9)
    }
    assert len(widths) == 1


def test_too_long_a_text_ends_in_dots_and_fits():
    theme = Theme()
    words = "controller.acceleration_filtered"
    for width in (200, 100, 60, 30):
        short = theme.elided(words, width)
        assert theme.measure(short)[0] <= width
        assert short == words or short.endswith("…")
    assert theme.elided(words, 3) == ""


def test_a_line_that_is_too_long_keeps_its_beginning():
    theme = Theme()
    theme.drawn = []
    surface = pygame.Surface((300, 40))
    runs = [Run("time_to_fire", 13, 500), Run("from the first contact with the wall", 12)]
    rect = theme.line(surface, runs, (10, 20), width=150)
    assert theme.drawn[0].text == "time_to_fire"
    assert theme.drawn[-1].text.endswith("…")
    assert rect.right <= 10 + 150


@pytest.mark.parametrize("words", ["", "a\0b", "two\nlines", "\t", "x" * 100_000, "漢字 🙂"])
def test_any_text_can_be_drawn(words):
    theme = Theme()
    surface = pygame.Surface((200, 40))
    rect = theme.text(surface, words, (10, 20))
    assert rect.height < 30


def test_the_baseline_is_where_it_was_asked_for():
    theme = Theme(width=1920, height=1080)
    for size, weight in ((12, 400), (13, 600), (18, 600), (28, DISPLAY)):
        surface = pygame.Surface((120, 80))
        theme.text(surface, "HEH", (10, 50), size=size, weight=weight)
        rows = np.flatnonzero(pygame.surfarray.array3d(surface).max(axis=(0, 2)) > 120)
        assert rows[-1] == 49, (size, weight)


def test_a_window_that_is_twice_as_large_has_everything_twice_as_large():
    assert Theme(width=2560, height=1440).k == 2 * Theme().k
    assert Theme(width=3840, height=2160).px(16) == 48
    assert Theme(width=1280, height=720, scale=1.5).px(16) == 24
    assert Theme(width=2000, height=720).k == 1.0  # the shorter side counts
    assert Theme(width=300, height=200).k == 0.8  # smaller is not read


def test_text_is_kept_and_the_store_does_not_grow_for_ever():
    setter = Typesetter(light=True)
    first = setter.picture("41.0", 14, 600, (255, 255, 255))
    assert setter.picture("41.0", 14, 600, (255, 255, 255)) is first
    for number in range(4_100):
        setter._kept[(str(number), 14.0, 600, (0, 0, 0))] = None
    setter.picture("new", 14, 600, (255, 255, 255))
    assert len(setter._kept) < 4_100


# -- glyphs ---------------------------------------------------------------------------------------------------


def _grey(name: str, size: int) -> np.ndarray:
    surface = pygame.Surface((size + 4, size + 4))
    glyphs.draw(surface, name, (size / 2 + 2, size / 2 + 2), size, (255, 255, 255))
    return pygame.surfarray.array3d(surface)[:, :, 0].astype(float) / 255


@pytest.mark.parametrize("size", [12, 14, 21, 42])
def test_every_state_has_a_shape_of_its_own_that_grey_does_not_lose(size):
    names = [name for name in glyphs.NAMES if name not in ("undecided",)]  # which is holding
    shapes = {name: _grey(name, size) for name in names}
    for name, shape in shapes.items():
        assert 0.05 < shape.mean() < 0.8, name
        for other, its in shapes.items():
            if other != name:
                assert np.abs(shape - its).mean() > 0.03, (name, other)


def test_a_glyph_of_an_unknown_state_is_refused():
    with pytest.raises(KeyError):
        glyphs.draw(pygame.Surface((20, 20)), "splendid", (10, 10), 14, (255, 255, 255))


def test_smooth_edges_have_no_dark_rim():
    surface = pygame.Surface((40, 40))
    surface.fill((255, 255, 255))
    ink.disc(surface, (20, 20), 12, (255, 0, 0))
    pixels = pygame.surfarray.array3d(surface)
    assert pixels[:, :, 0].min() >= 253  # from white to red, never through black
    assert 0 < np.count_nonzero((pixels[:, :, 1] > 20) & (pixels[:, :, 1] < 235)) < 200


def test_a_rounded_rectangle_is_full_inside_and_round_at_its_corners():
    for radius in (8, 6.4, 3.2, 50):
        surface = pygame.Surface((60, 40))
        ink.rounded(surface, pygame.Rect(5, 5, 50, 30), (200, 200, 200), radius)
        pixels = pygame.surfarray.array3d(surface)[:, :, 0]
        assert pixels[5, 5] < 120 and pixels[54, 34] < 120
        assert pixels[30, 20] == 200 and pixels[30, 5] == 200 and pixels[30, 34] == 200
        assert pixels[4].max() == 0 and pixels[55].max() == 0
        assert np.array_equal(pixels[5:55, 5:35], pixels[5:55, 5:35][::-1, ::-1])


def test_hatching_stays_inside_and_covers_the_same_share_everywhere():
    surface = pygame.Surface((300, 100))
    ink.hatch(surface, pygame.Rect(20, 10, 240, 80), (255, 255, 255), pitch=6, width=1.5)
    pixels = pygame.surfarray.array3d(surface)[:, :, 0] / 255
    assert pixels[:20].max() == 0 and pixels[260:].max() == 0 and pixels[:, 90:].max() == 0
    parts = [pixels[x : x + 60, 10:90].mean() for x in range(20, 260, 60)]
    assert max(parts) - min(parts) < 0.02 and parts[0] > 0.1


# -- figures ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "si", "text"),
    [
        (-35.94, "g", "−35.9 g"),
        (41.0, "g", "41.0 g"),
        (10.568, "m/s", "10.57 m/s"),
        (741.4, "mm", "741 mm"),
        (453.2, "degC", "453 °C"),
        (8.1, "%", "8 %"),
        (15.46, "ms", "15.5 ms"),
        (9.0, "m/s^2", "9.0 m/s²"),
        (1184.0, "N", "1,184 N"),
        (-0.01, "g", "0.0 g"),
        (1.0, "1", "1"),
        (1.5, "", "1.5"),
        (math.inf, "ms", "never"),
        (math.nan, "g", "NaN g"),
        (None, "g", "no sample"),
        (2.5e9, "Pa", "2.5·10⁹ Pa"),
    ],
)
def test_a_quantity_has_its_own_number_of_decimals(value, si, text):
    assert figures.shown_text(value, si) == text


def test_a_value_has_decimals_enough_to_be_told_from_its_limit():
    assert figures.shown(0.15, "%", near=1.0) == ("0.15", "%")
    assert figures.shown(19.64, "mm", near=42.0) == ("19.6", "mm")
    assert figures.shown(281.2, "s", near=300.0) == ("281", "s")
    assert figures.shown(0.0452, "", near=0.05)[0] == "0.0452"


@pytest.mark.parametrize(
    ("t", "span", "text"),
    [
        (0.073, None, "73.0 ms"),
        (0.073, 0.150, "73.0 ms"),
        (0.51, 5.0, "0.51 s"),
        (3.424, None, "3.42 s"),
        (604.2, None, "10:04"),
        (0.0, 900.0, "0:00"),
        (119.99, 900.0, "1:59"),
        (3725.0, None, "1:02:05"),
        (-0.5, 1.0, "−500.0 ms"),
        (math.inf, None, "never"),
    ],
)
def test_times_of_one_run_have_one_unit(t, span, text):
    assert figures.time_text(t, span=span) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (14e-6, "14 µs"),
        (1.24e-3, "1.2 ms"),
        (4e-3, "4 ms"),
        (0.246, "246 ms"),
        (4.2, "4.2 s"),
        (math.nan, "–"),
    ],
)
def test_wall_times_have_two_or_three_digits(seconds, text):
    assert figures.duration(seconds) == text


@pytest.mark.parametrize(
    ("si", "text"),
    [
        ("m/s^2", "m/s²"),
        ("m/s2", "m/s²"),
        ("um", "µm"),
        ("N*m/rad", "N·m/rad"),
        ("kg.m2", "kg·m²"),
        ("1/s", "1/s"),
        ("", ""),
    ],
)
def test_units_are_printed_as_in_a_book(si, text):
    assert figures.unit(si) == text


def test_limits_have_the_digits_they_were_written_with():
    assert figures.limit("max", 16.9, "ms") == "≤ 16.9 ms"
    assert figures.limit("min", -0.5, "m") == "≥ −0.5 m"
    assert figures.limit("equals", 0.0, "km/h") == "0 km/h"
    assert figures.limit("max", None, "g") == ""
