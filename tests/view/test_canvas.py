"""The canvas is to scale: bodies lie where the ruler says, figures equal signals, and nothing is made up."""

from __future__ import annotations

import itertools
import math
import os
import random
import re
import tomllib

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")

import numpy as np
import pygame
import pytest

from crumple.view.canvas import Canvas
from crumple.view.canvas.camera import Camera, step_of
from crumple.view.canvas.source import PaperSession
from crumple.view.canvas.values import Values
from crumple.view.session import InputRow, Moment
from crumple.view.theme import Theme
from view_demos import AEB, BATTERY, aeb_session, battery_session

MARK = (255, 0, 255)  # a colour that nothing else has


@pytest.fixture(autouse=True, scope="module")
def _fonts():
    pygame.display.init()
    pygame.font.init()


class Shot:
    """A picture of one moment with all that was written on it."""

    def __init__(self, text, session, t=0.0, *, size=(864, 316), at=(16, 56), scale=1.0, dark=True, **more):
        self.theme = Theme(dark=dark, width=round(1280 * scale), height=round(720 * scale))
        self.theme.drawn = []
        self.rect = pygame.Rect(*at, *size)
        self.surface = pygame.Surface((self.rect.right + 16, self.rect.bottom + 16))
        self.canvas = Canvas(self.theme, tomllib.loads(text), session)
        self.canvas.sharp = more.get("sharp", 0)
        self.session = session
        self.prepare = more.get("prepare")
        self.draw(t)
        if self.prepare:
            self.prepare(self.canvas)
            self.draw(t)

    def draw(self, t, *, playing=False, frame=0):
        self.theme.drawn.clear()
        self.canvas.draw(self.surface, self.rect, Moment(self.session, t, playing, 1.0, frame))

    @property
    def texts(self):
        return [drawn.text for drawn in self.theme.drawn]

    def pixels(self):
        return pygame.surfarray.array3d(self.surface)[
            self.rect.x : self.rect.right, self.rect.y : self.rect.bottom
        ]

    def marked(self):
        """Weight of the marking colour by pixel of the canvas, 0 to 1: (width, height)."""
        p = self.pixels().astype(float)
        return np.clip((np.minimum(p[..., 0], p[..., 2]) - p[..., 1] - 60) / 195, 0.0, 1.0)

    def middle(self):
        """Centre of what is in the marking colour, in pixels of the canvas."""
        w = self.marked()
        x, y = np.arange(w.shape[0]) + 0.5, np.arange(w.shape[1]) + 0.5
        return float((w.sum(1) * x).sum() / w.sum()), float((w.sum(0) * y).sum() / w.sum())


def picture(draw, *, x=(-3, 3), y=(-0.2, 1.9), more=""):
    return f"[pictures.p]\nx = {list(x)}\ny = {list(y)}\n{more}\n[pictures.p.draw]\n{draw}"


DISC = (
    'd = { shape = "circle", radius = "60 mm", x = "a.x", y = "0.6 m", colour = "#FF00FF", edge = "#FF00FF" }'
)


# ---- to scale


@pytest.mark.parametrize("zoom", [1.0, 1.7, 0.6, 4.3])
@pytest.mark.parametrize("metres", [-2.0, 0.35, 1.0])
@pytest.mark.parametrize("sharp", [1, 2])
def test_a_body_lies_on_the_pixel_of_its_metres(zoom, metres, sharp):
    session = PaperSession(signals={"a.x": metres}, si={"a.x": "m"})
    shot = Shot(picture(DISC), session, prepare=lambda c: c.zoom(zoom, (16 + 432, 56 + 200)), sharp=sharp)
    expected = shot.canvas.camera.pixel(metres, 0.6)
    if not 20 < expected[0] < 844 or not 80 < expected[1] < 280:
        shot.canvas.pan(432 - expected[0], 160 - expected[1])
        shot.draw(0.0)
        expected = shot.canvas.camera.pixel(metres, 0.6)
    assert shot.middle() == pytest.approx(expected, abs=0.501)


@pytest.mark.parametrize("zoom", [1.0, 1.63, 2.9])
def test_the_ruler_has_its_ticks_where_its_metres_are(zoom):
    shot = Shot(picture(DISC), PaperSession(), prepare=lambda c: c.zoom(zoom, (448, 300)))
    camera = shot.canvas.camera
    row = math.floor(camera.pixel(0.0, 0.0)[1]) + 5
    strip = shot.pixels()[:, min(row, 316 - 26)].astype(int).sum(axis=1)
    ticks = [x for x in range(1, 863) if strip[x] - strip[x - 1] > 40]
    step = step_of(camera.scale, 88.0)
    first = math.ceil(camera.left / step)
    wanted = [camera.pixel(n * step, 0.0)[0] for n in range(first, first + 40)]
    wanted = [x for x in wanted if 2 < x < 862]
    assert len(ticks) == len(wanted) > 2
    assert [tick + 0.5 for tick in ticks] == pytest.approx(wanted, abs=0.51)
    figures = [
        float(text.removesuffix(" m").replace("\u2212", "-"))
        for text in shot.texts
        if re.match(r"[\u2212\d.]+( m)?$", text)
    ]
    assert set(figures) <= {round(n * step, 6) for n in range(first, first + 40)}


@pytest.mark.parametrize("zoom", [1.0, 2.3])
def test_a_metre_is_as_long_across_as_up(zoom):
    box = 'b = { shape = "box", width = "0.8 m", height = "0.4 m", y = "0.9 m", colour = "#FF00FF", edge = "#FF00FF" }'
    shot = Shot(picture(box), PaperSession(), prepare=lambda c: c.zoom(zoom, (448, 220)))
    weights = shot.marked()
    scale = shot.canvas.camera.scale
    assert weights.max(axis=1).sum() == pytest.approx(0.8 * scale, abs=2.0)
    assert weights.max(axis=0).sum() == pytest.approx(0.4 * scale, abs=2.0)
    assert weights.sum() == pytest.approx(0.32 * scale**2, rel=0.05)  # with its outline


def test_the_scale_bar_is_as_long_as_it_says():
    shot = Shot(picture(DISC, more='projection = "top"'), PaperSession())
    (text,) = [text for text in shot.texts if re.match(r"[\d.]+ m?m$", text)]
    length = float(text.split()[0]) * (1e-3 if text.endswith("mm") else 1.0)
    level = shot.pixels()[:, 316 - 15].astype(int).sum(axis=1)
    lit = np.flatnonzero(level[:400] > 350)
    assert lit[0] == 16
    ends = lit[: 1 + np.flatnonzero(np.diff(lit, append=9999) > 1)[0]]  # behind it comes its text
    assert ends[-1] - ends[0] == pytest.approx(length * shot.canvas.camera.scale, abs=1.5)


def test_zooming_leaves_the_metres_under_the_pointer_where_they_are():
    camera = Camera.fit((864, 316), (-4.6, 0.94), (-0.2, 1.84), stand=True)
    for factor, at in itertools.product((0.5, 1.3, 7.0), ((0, 0), (431.5, 20.25), (860, 300))):
        assert camera.zoomed(factor, at, camera.scale).metres(*at) == pytest.approx(
            camera.metres(*at), abs=1e-9
        )
    assert camera.zoomed(1e9, (0, 0), camera.scale).scale == pytest.approx(60 * camera.scale)
    assert camera.panned(10, -4).pixel(1.0, 1.0) == pytest.approx(np.add(camera.pixel(1.0, 1.0), (10, -4)))


def test_the_whole_picture_is_seen_whatever_the_window_and_comes_back():
    for size in ((864, 316), (300, 700), (1600, 200)):
        shot = Shot(picture(DISC), PaperSession(), size=size)
        camera = shot.canvas.camera
        left, low = camera.pixel(-3, -0.2)
        right, high = camera.pixel(3, 1.9)
        assert left >= -1e-6 and right <= size[0] + 1e-6 and high >= -1e-6 and low == pytest.approx(size[1])
        shot.canvas.zoom(3.0, (200, 100))
        shot.canvas.pan(40, 5)
        shot.canvas.fit()
        shot.draw(0.0)
        assert shot.canvas.camera == camera


# ---- true to its signals


@pytest.mark.parametrize(("crush", "figure"), [(0.0, "0"), (0.2004, "200"), (0.7406, "741")])
def test_the_dimension_shows_the_crush_of_the_signal(crush, figure):
    draw = 'c = { shape = "dimension", from = [0, 1], to = ["v.crush", 1], value = "v.crush", si = "mm" }'
    shot = Shot(picture(draw), PaperSession(signals={"v.crush": crush}, si={"v.crush": "m"}))
    assert [t for t in shot.texts if t == figure] and "mm" in shot.texts
    row = shot.pixels()[:, round(shot.canvas.camera.pixel(0, 1)[1])].astype(int).sum(axis=1)
    lit = np.flatnonzero(row > 450)
    if crush > 0.1:
        assert lit[0] == pytest.approx(shot.canvas.camera.pixel(0, 1)[0], abs=1.5)
        assert lit[-1] == pytest.approx(shot.canvas.camera.pixel(crush, 1)[0], abs=1.5)


def test_a_dimension_without_a_value_measures_itself():
    draw = 'c = { shape = "dimension", from = [0, 1], to = ["1.5 m", 1] }'
    assert "1.50" in Shot(picture(draw), PaperSession()).texts


@pytest.mark.parametrize(
    ("value", "si", "key", "expected"),
    [
        (328.39, "m/s^2", "g", ["33.5", "g"]),
        (7450.0, "N", "kN", ["7.5", "kN"]),
        (-10.57, "m/s", "km/h", ["\u221238.1", "km/h"]),
        (726.15, "K", "degC", ["453", "°C"]),
        (3.0, "1", None, ["3"]),
    ],
)
def test_a_labels_figure_is_its_signal_in_the_unit_that_is_asked_for(value, si, key, expected):
    unit = f', si = "{key}"' if key else ""
    draw = f'l = {{ shape = "label", text = "name", x = 0, y = 1, value = "a.v"{unit} }}'
    shot = Shot(picture(draw), PaperSession(signals={"a.v": value}, si={"a.v": si}))
    at = shot.texts.index("name")
    assert shot.texts[at + 1 : at + 1 + len(expected)] == expected


def test_a_state_word_is_the_first_whose_condition_holds():
    words = '{ full = "b.fill >= 1", fills = "b.fill > 0", folded = "1 > 0" }'
    draw = f'l = {{ shape = "label", text = "bag", x = 0, y = 1, words = {words} }}'
    for fill, word in ((0.0, "folded"), (0.4, "fills"), (1.0, "full")):
        texts = Shot(picture(draw), PaperSession(signals={"b.fill": fill})).texts
        assert texts[texts.index("bag") + 1] == word


def test_a_missing_signal_is_no_sample_and_its_body_is_not_drawn():
    draw = DISC + '\nl = { shape = "label", text = "far", x = 0, y = 1, value = "a.v", si = "m" }'
    shot = Shot(picture(draw), PaperSession(signals={"b.x": 1.0}))
    assert shot.marked().sum() == 0
    assert shot.texts[shot.texts.index("far") + 1] == "no sample"
    assert "no sample:" in shot.texts and "d" in shot.texts
    assert not any(text == "0" or text.startswith("0.0") for text in shot.texts if text != "0 m")


def test_every_picture_without_any_signal_is_drawn_without_an_error():
    for text in (AEB, BATTERY):
        shot = Shot(text, PaperSession())
        assert "no sample:" in shot.texts or "no sample" in shot.texts


# ---- between samples


def values_at(session, name, *times):
    values = Values(session)
    out = []
    for t in times:
        values.at(t)
        out.append(values.get(name))
    return out


def test_between_two_samples_a_real_lies_on_the_line_and_a_flag_is_held():
    session = PaperSession((0.0, 1.0, 2.0), {"a.x": (0.0, 4.0, 2.0), "a.on": (0.0, 1.0, 0.0)}, held=["a.on"])
    assert values_at(session, "a.x", 0.25, 1.0, 1.5) == [1.0, 4.0, 3.0]
    assert values_at(session, "a.on", 0.25, 0.999, 1.0, 1.5) == [0.0, 0.0, 1.0, 1.0]


def test_nothing_is_known_beyond_the_newest_sample():
    session = PaperSession((0.0, 1.0), {"a.x": (0.0, 4.0), "a.turn": (0.0, 1.0)}, si={"a.turn": "rad"})
    assert values_at(session, "a.x", 5.0, -1.0) == [4.0, 0.0]
    assert values_at(session, "a.turn", 5.0, -1.0) == [1.0, 0.0]


@pytest.mark.parametrize(("si", "turn"), [("rad", 2 * math.pi), ("deg", 360.0)])
def test_an_angle_goes_the_short_way_round(si, turn):
    session = PaperSession((0.0, 1.0), {"a.turn": (0.45 * turn, -0.45 * turn)}, si={"a.turn": si})
    assert values_at(session, "a.turn", 0.5) == pytest.approx([0.5 * turn])
    assert values_at(session, "a.turn", 0.25) == pytest.approx([0.475 * turn])


# ---- live inputs


def stale_rows(state, age=0.2):
    return [InputRow(name="radar", endpoint="", age=age, max_age=0.05, state=state, received=7)]


def test_a_silent_input_is_drawn_in_stale_colour_and_its_figures_are_held():
    fresh, silent = Shot(AEB, aeb_session(), 3.05), Shot(AEB, aeb_session(silent=True), 3.05)
    point = tuple(round(v) for v in fresh.canvas.camera.pixel(-4.0, -1.7))
    blue, brown = (tuple(int(c) for c in shot.pixels()[point]) for shot in (fresh, silent))
    assert (blue[2] - blue[0]) - (brown[2] - brown[0]) > 20  # in the cone, outside of the car's lane
    said = dict(zip(silent.texts, silent.theme.drawn, strict=True))
    stale = tuple(silent.theme.colour("stale"))[:3]
    assert said["km/h, held"].colour == stale and said["m, held"].colour == stale
    assert said["radar: last sample 246 ms ago"].colour == stale
    assert not any("held" in text for text in fresh.texts)
    assert (
        said["38.5" if "38.5" in said else next(t for t in said if re.match(r"4\d\.\d$", t))].colour != stale
    )


@pytest.mark.parametrize(
    ("state", "age", "stale"),
    [("fresh", 0.01, False), ("fresh", 0.2, True), ("held", 0.01, True), ("none", None, True)],
)
def test_an_input_is_stale_by_its_state_or_by_its_age(state, age, stale):
    session = PaperSession(signals={"radar.range": 1.0}, rows=stale_rows(state, age))
    values = Values(session)
    values.at(0.0)
    assert ("radar" in values.silent) is stale


# ---- text


def no_overlap(shot):
    rects = [(drawn.text, drawn.rect) for drawn in shot.theme.drawn if drawn.text.strip()]
    for text, rect in rects:
        assert shot.rect.contains(rect), f"{text!r} leaves the canvas"
    for (a, first), (b, second) in itertools.combinations(rects, 2):
        assert not first.colliderect(second), f"{a!r} lies over {b!r}"


@pytest.mark.parametrize("scale", [0.8, 1.0, 2.0])
def test_no_label_lies_over_another_or_leaves_the_canvas(scale):
    chance = random.Random(7)
    size = (round(864 * scale), round(316 * scale))
    for number in (0, 2, 5):
        lines = []
        for n in range(4 + 4 * number):
            place = chance.choice(["row", "above", "left", "right", "below"])
            text, value = "name" * chance.randint(1, 4), chance.uniform(-1e4, 1e4)
            at = f"x = {chance.uniform(-3, 3):.3f}, y = {chance.uniform(0, 1.8):.3f}, place = '{place}'"
            lines.append(
                f"l{n} = {{ shape = 'label', text = '{text}', value = {value:.2f}, si = 'mm', {at} }}"
            )
        shot = Shot(
            picture("\n".join(lines), more='note = "n"\nlegend = "radar 22 deg, 60 m"'),
            PaperSession(),
            size=size,
            scale=scale,
        )
        no_overlap(shot)
        assert len(shot.texts) > 10


@pytest.mark.parametrize("t", [0.0, 2.2, 3.3, 4.0])
@pytest.mark.parametrize("size", [(864, 316), (560, 240), (1400, 800)])
def test_the_texts_of_whole_scenes_do_not_overlap_either(t, size):
    no_overlap(Shot(AEB, aeb_session(silent=t > 3), t, size=size))
    no_overlap(Shot(BATTERY, battery_session(), size=size))


def test_without_labels_there_is_neither_label_nor_grid_nor_ruler():
    def bare(canvas):
        canvas.labels = False

    shot = Shot(
        picture(DISC + '\nl = { shape = "label", text = "far", x = 0, y = 1 }', more='grid = "0.5 m"'),
        PaperSession(),
        prepare=bare,
    )
    assert shot.texts == ["Side view", "no sample:", "d"]


def test_figures_of_a_running_picture_change_at_ten_hertz_and_of_a_held_one_at_once():
    draw = 'l = { shape = "label", text = "far", x = 0, y = 1, value = "a.v" }'
    session = PaperSession((0.0, 60.0), {"a.v": (0.0, 60.0)})
    shot = Shot(picture(draw), session)
    seen = []
    for frame in range(1, 13):
        shot.draw(float(frame), playing=True, frame=frame)
        seen.append(shot.texts[shot.texts.index("far") + 1])
    assert seen == ["0"] * 5 + ["6"] * 6 + ["12"]
    shot.draw(13.0, playing=False, frame=13)
    assert shot.texts[shot.texts.index("far") + 1] == "13"


def test_the_next_view_is_another_picture_and_after_the_last_comes_the_first():
    text = picture(DISC) + '\n[pictures.q]\nx = [0, 1]\nlike = "p"\ntitle = "Near"'
    shot = Shot(text, PaperSession(signals={"a.x": 0.5}))
    assert "Side view" in shot.texts
    assert [shot.canvas.next_view(), shot.canvas.next_view()] == ["q", "p"]
    shot.canvas.next_view()
    shot.draw(0.0)
    assert "Near" in shot.texts
    empty = Canvas(shot.theme, {}, PaperSession())
    assert not empty.has_pictures and empty.next_view() == ""


def test_a_picture_that_follows_a_signal_moves_with_it():
    more = 'follow_x = "a.x"\nruler = false'
    session = PaperSession((0.0, 1.0), {"a.x": (0.0, 10.0)}, si={"a.x": "m"})
    shot = Shot(picture(DISC, more=more), session)
    before = shot.middle()
    shot.draw(1.0)
    assert shot.middle() == pytest.approx(before, abs=0.3)
    assert shot.canvas.camera.left == pytest.approx(shot.canvas.camera.metres(0, 0)[0])
