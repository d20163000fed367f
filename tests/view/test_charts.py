"""Strip charts: what they keep of long series, where their ticks are, and what they show when."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pygame
import pytest

from crumple.view.decimate import Pyramid, polyline
from crumple.view.live_session import LiveSession
from crumple.view.panels.chart_list import charts_of
from crumple.view.panels.charts import Charts
from crumple.view.panels.pointer import exact, exact_time
from crumple.view.panels.strip import Strip, View
from crumple.view.panels.timeline import placed, speed_text
from crumple.view.replay_session import ReplaySession
from crumple.view.scale import fitting, tick_text, ticks, time_ticks
from crumple.view.session import Moment, Session
from crumple.view.theme import Theme
from view.headless import headless  # noqa: F401 - a fixture of the module
from view.live_bench import Clock
from view.view_runs import FAILING, run_folder, write_recording, write_run

PANEL = pygame.Rect(16, 384, 864, 300)


@pytest.fixture(scope="module")
def session() -> ReplaySession:
    return ReplaySession(run_folder())


# -- long series


def test_a_spike_of_one_sample_among_ten_million_is_kept() -> None:
    t = np.arange(10_000_000) * 1e-4
    values = np.zeros(10_000_000)
    values[7_654_321], values[12] = 5.0, -3.0
    pyramid = Pyramid()
    pyramid.extend(values)
    at, shown = polyline(t, values, pyramid, since=0.0, until=1000.0, columns=680)
    assert len(at) <= 2 * 680 + 3
    assert (shown.max(), shown.min()) == (5.0, -3.0)
    assert at[int(shown.argmax())] == pytest.approx(765.4321, abs=1000 / 680)


@pytest.mark.parametrize("count", [5_000, 20_011, 300_007])
def test_every_extreme_of_a_window_is_in_its_points_whatever_the_level(count: int) -> None:
    t = np.arange(count) * 1e-3
    values = np.random.default_rng(0).normal(size=count)
    pyramid = Pyramid()
    pyramid.extend(values)
    for first, last in ((0, count - 1), (count // 3, count // 2), (17, count - 23)):
        at, shown = polyline(t, values, pyramid, since=t[first], until=t[last], columns=200)
        inside = values[first : last + 1]
        assert shown.max() >= inside.max() and shown.min() <= inside.min()
        assert (np.diff(at) >= 0).all() and at[-1] >= t[last]


def test_few_samples_are_drawn_as_they_are_with_one_beyond_each_end() -> None:
    t, values = np.arange(100) * 0.1, np.arange(100.0)
    at, shown = polyline(t, values, Pyramid(), since=2.05, until=3.05, columns=100)
    assert shown.tolist() == list(range(20, 32))
    assert at[0] < 2.05 and at[-1] > 3.05


def test_a_series_that_grows_is_taken_up_piece_by_piece_as_if_it_were_whole() -> None:
    values = np.random.default_rng(1).normal(size=10_000)
    whole, grown = Pyramid(), Pyramid()
    whole.extend(values)
    for end in (5, 16, 17, 4_000, 4_001, 9_999, 10_000):
        grown.extend(values[:end])
    for block in (16, 256, 4096):
        assert [part.tolist() for part in grown.blocks(block)[1:]] == [
            part.tolist() for part in whole.blocks(block)[1:]
        ]


def test_no_number_is_no_point() -> None:
    t, values = np.arange(64_000) * 1e-3, np.ones(64_000)
    values[16_000:32_000] = np.nan
    pyramid = Pyramid()
    pyramid.extend(values)
    _, shown = polyline(t, values, pyramid, since=0.0, until=64.0, columns=100)
    assert 40 <= np.isnan(shown).sum() <= 60 and np.nanmin(shown) == 1.0


# -- axes


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-36.0, 0.0, ["−20", "0"]),
        (0.0, 620.0, ["0", "250", "500"]),
        (3.1, 3.2, ["3.10", "3.15", "3.20"]),
        (0.0, 1e-6, ["0", "5·10⁻⁷", "1·10⁻⁶"]),
        (0.0, 0.0, ["−1", "0", "1"]),
    ],
)
def test_ticks_are_round_and_have_the_decimals_they_need(
    low: float, high: float, expected: list[str]
) -> None:
    found = ticks(*fitting(low, high), 3)
    assert [tick_text(value, found[1] - found[0]) for value in found] == expected


def test_a_limit_is_shown_where_it_does_not_dwarf_the_signal() -> None:
    assert fitting(0.0, 20.0, [35.0])[1] > 35.0
    assert fitting(0.0, 20.0, [700.0])[1] < 25.0


def test_ticks_of_long_times_are_whole_minutes() -> None:
    assert time_ticks(0.0, 900.0, 4) == [0.0, 300.0, 600.0, 900.0]


def test_a_range_that_is_no_number_has_an_axis_all_the_same() -> None:
    assert fitting(math.nan, math.nan) == (0.0, 1.0)
    assert ticks(0.0, math.inf, 3) == []


# -- which charts


def test_the_scene_says_which_charts_there_are_in_its_own_units(session: ReplaySession) -> None:
    speed, acceleration = charts_of(session)
    assert (speed.label, speed.lines[0].signal, speed.si) == ("speed", "car.speed", "m/s")
    assert acceleration.lines[0].factor == pytest.approx(1 / 9.80665)


def test_without_a_view_the_signals_of_requirements_come_first_with_their_limits() -> None:
    charts = charts_of(ReplaySession(run_folder(FAILING, view=False)))
    assert charts[0].label == "car.acceleration"
    assert {chart.label for chart in charts} == {
        "car.acceleration", "switch.closed", "car.speed", "car.corners[0]", "car.corners[1]"
    }  # fmt: skip
    speed = next(chart for chart in charts if chart.label == "car.speed")
    assert speed.si == "km/h"  # as its requirement is written


def test_without_requirements_there_are_charts_all_the_same() -> None:
    labels = [chart.label for chart in charts_of(ReplaySession(run_folder(required=False, view=False)))]
    assert labels[-1] == "switch.closed" and len(labels) == 5  # a switch is duller than what moves


# -- pictures


def drawn(
    session: Session, t: float, *, theme: Theme | None = None, panel: Charts | None = None
) -> pygame.Surface:
    theme = theme or Theme()
    surface = pygame.Surface((1280, 720))
    (panel or Charts(theme)).draw(surface, PANEL, Moment(session, t, False, 0.02, 0))
    return surface


def has(surface: pygame.Surface, area: pygame.Rect, colour: pygame.Color) -> bool:
    return bool(pygame.mask.from_threshold(surface.subsurface(area), colour, (12, 12, 12, 255)).count())


def test_the_past_is_bright_and_the_future_pale(session: ReplaySession) -> None:
    theme = Theme()
    panel = Charts(theme)
    surface = drawn(session, 0.05, theme=theme, panel=panel)
    x = round(panel.view.x(0.05))
    top = PANEL.top + 24
    past, future = pygame.Rect(180, top, x - 190, 85), pygame.Rect(x + 20, top, 400, 85)
    bright = theme.colour("signal_1")
    pale = theme.mix("panel", "signal_1", 0.38)
    assert has(surface, past, bright) and not has(surface, future, bright)
    assert has(surface, future, pale)


def test_one_cursor_runs_through_all_charts_and_the_timeline(session: ReplaySession) -> None:
    theme = Theme()
    panel = Charts(theme)
    surface = drawn(session, 0.03, theme=theme, panel=panel)
    column = pygame.Rect(round(panel.view.x(0.03)), PANEL.top + 24, 1, 190)
    assert (
        pygame.mask.from_threshold(surface.subsurface(column), theme.colour("accent"), (2, 2, 2, 255)).count()
        > 150
    )


def test_no_label_overlaps_another_nor_leaves_the_panel(session: ReplaySession) -> None:
    theme = Theme()
    theme.drawn = []
    with theme.within(PANEL):
        drawn(session, 0.05, theme=theme)
    texts = theme.drawn
    assert {"speed", "acceleration", "50.0 ms", "closes", "stands"} <= {text.text for text in texts}
    for number, one in enumerate(texts):
        assert PANEL.contains(one.rect), one.text
        for other in texts[:number]:
            assert not one.rect.colliderect(other.rect), (one.text, other.text)


def test_a_long_name_ends_where_the_figures_of_the_axis_begin(tmp_path: Path) -> None:
    write_run(tmp_path)
    t = np.arange(50) * 1e-3
    energies = {
        f"plant.absorbed_energy{more}": 216_153 * t for more in ("", "_of_all", "_of_everything_inside")
    }
    write_recording(tmp_path, {"t": t, **energies}, name="signals-1ms.npy")
    theme = Theme()
    theme.drawn = []
    with theme.within(PANEL):
        drawn(ReplaySession(tmp_path), 0.02, theme=theme)
    names = [text for text in theme.drawn if "plant" in text.text]
    assert len(names) == 3
    for name in names:
        for other in theme.drawn:
            assert other is name or not name.rect.colliderect(other.rect), (name.text, other.text)


def test_a_run_that_broke_off_is_hatched_to_its_horizon(tmp_path: Path) -> None:
    write_run(tmp_path, stop_tick=100)
    write_recording(tmp_path, {"t": np.arange(50) * 1e-3, "plant.x": np.linspace(0.0, 1.0, 50)})
    cut_off = ReplaySession(tmp_path)
    theme = Theme()
    panel = Charts(theme)
    surface = drawn(cut_off, 0.02, theme=theme, panel=panel)
    x = round(panel.view.x(0.06))
    hatch = theme.mix("panel", "stale", 0.45)
    assert has(surface, pygame.Rect(x, PANEL.top + 24, 200, 150), hatch)
    assert not has(surface, pygame.Rect(180, PANEL.top + 24, 100, 150), hatch)


def test_the_same_moment_is_the_same_picture(session: ReplaySession) -> None:
    one, other = drawn(session, 0.05), drawn(session, 0.05)
    assert pygame.image.tobytes(one, "RGB") == pygame.image.tobytes(other, "RGB")


def test_a_strip_shows_a_spike_between_two_columns(tmp_path: Path) -> None:
    values = np.zeros(200_000)
    values[123_456] = 1.0
    write_run(tmp_path, stop_tick=200_000)
    write_recording(tmp_path, {"t": np.arange(200_000) * 1e-3, "plant.x": values}, name="signals-1ms.npy")
    session = ReplaySession(tmp_path)
    theme = Theme()
    strip = Strip(charts_of(session)[0])
    strip.prepare(theme, session, View(0.0, 200.0, 0, 680), 48, key=1, until=session.end())
    assert strip.past is not None and strip.high > 1.0
    column = pygame.Rect(round(680 * 123.456 / 200) - 3, 4, 7, 10)
    assert not has(strip.past, pygame.Rect(0, 4, 300, 10), theme.colour("signal_1"))
    spike = pygame.mask.from_threshold(
        strip.past.subsurface(column), theme.colour("signal_1"), (90, 90, 90, 255)
    )
    assert spike.count() >= 5


# -- handling


def test_zoom_keeps_what_is_under_the_pointer_and_pan_stays_in_the_run(session: ReplaySession) -> None:
    panel = Charts(Theme())
    drawn(session, 0.05, panel=panel)
    x = panel.view.x(0.06)
    panel.zoom(0.5, x)
    drawn(session, 0.05, panel=panel)
    assert panel.view.t(x) == pytest.approx(0.06)
    assert panel.view.until - panel.view.since == pytest.approx(0.075)
    panel.pan(10_000)
    drawn(session, 0.05, panel=panel)
    assert panel.view.since == pytest.approx(0.0)
    panel.zoom(1000.0, x)
    drawn(session, 0.05, panel=panel)
    assert (panel.view.since, panel.view.until) == (0.0, pytest.approx(0.15))


def test_a_signal_that_is_chosen_is_plotted_on_top_and_taken_away_again(session: ReplaySession) -> None:
    panel = Charts(Theme())
    drawn(session, 0.05, panel=panel)
    assert panel.toggle("car.corners[1]")
    drawn(session, 0.05, panel=panel)
    assert panel.plotted[0] == "car.corners[1]"
    assert not panel.toggle("car.corners[1]")
    drawn(session, 0.05, panel=panel)
    assert panel.plotted == ["car.speed", "car.acceleration"]


def test_what_is_hit_has_a_name(session: ReplaySession) -> None:
    panel = Charts(Theme())
    drawn(session, 0.05, panel=panel)
    track = PANEL.bottom - 102 + 25
    assert panel.hit((60, PANEL.top + 30)) == "signal:car.speed"
    closes = next(n for n, event in enumerate(session.events()) if event.name == "closes")
    assert panel.hit((round(panel.view.x(session.events()[closes].t)), track)) == f"event:{closes}"
    hit = panel.hit((round(panel.view.x(0.1)), track)) or ""
    assert hit.startswith("time:") and float(hit[5:]) == pytest.approx(0.1, abs=3e-4)
    assert panel.hit((5, 5)) is None


def test_the_pointer_tells_the_exact_value_of_the_nearest_tick(session: ReplaySession) -> None:
    theme = Theme()
    theme.drawn = []
    panel = Charts(theme)
    drawn(session, 0.05, theme=theme, panel=panel)
    panel.hover = (round(panel.view.x(0.02)), PANEL.top + 40)
    drawn(session, 0.05, theme=theme, panel=panel)
    t = round(panel.view.t(panel.hover[0]) / 1e-4) * 1e-4
    assert exact_time(t, 1e-4) in {text.text for text in theme.drawn}
    assert f"{exact(15 - 300 * t)} m/s" in {text.text for text in theme.drawn}


def test_labels_are_placed_greedily_in_two_rows_and_left_out_where_there_is_no_room() -> None:
    places = placed([50, 50, 50, 50], [100, 130, 150, 400], left=0, right=500, between=10)
    assert [place.row for place in places] == [0, 1, None, 0]
    assert placed([80], [490], left=0, right=500, between=10)[0].left == 420


@pytest.mark.parametrize(("speed", "text"), [(1 / 50, "1/50"), (1.0, "1 ×"), (60.0, "60 ×"), (0.2, "1/5")])
def test_a_speed_is_a_fraction_below_real_time(speed: float, text: str) -> None:
    assert speed_text(speed) == text


# -- a run that goes on


def test_a_live_chart_takes_up_what_was_recorded_ten_times_a_second(tmp_path: Path) -> None:
    def record(count: int) -> None:
        t = np.arange(count) * 1e-3
        write_recording(tmp_path, {"t": t, "plant.x": np.sin(20 * t)}, name="signals-1ms.npy")

    write_run(tmp_path, stop_tick=1000)
    record(200)
    clock = Clock()
    live = LiveSession(tmp_path, None, clock=clock)
    theme = Theme()
    panel = Charts(theme, clock=clock)
    bright = []
    for count in (200, 500, 800):
        record(count)
        clock.now += 0.3
        live.update()
        surface = drawn(live, live.end(), theme=theme, panel=panel)
        plot = pygame.Rect(panel.view.left, PANEL.top + 26, panel.view.width, 165)
        mask = pygame.mask.from_threshold(
            surface.subsurface(plot), theme.colour("signal_1"), (60, 60, 60, 255)
        )
        bright.append(max(rect.right for rect in mask.get_bounding_rects() if rect.width > 100))
        assert bright[-1] <= panel.view.x(live.end()) - panel.view.left + 4  # nothing right of now
    assert bright[2] - bright[1] == pytest.approx(bright[1] - bright[0], abs=8)
    assert bright[2] - bright[1] > 150


def test_the_line_of_an_input_ends_with_its_last_sample_and_is_hatched_from_there(tmp_path: Path) -> None:
    t = np.arange(1000) * 1e-3
    state = np.where(t < 0.5, 1.0, 2.0)
    columns = {"t": t, "front.state": state, "front.distance": np.full(1000, 3.0), "front.age": t}
    write_run(tmp_path, stop_tick=1000, view={"charts": [{"signal": "front.distance"}]})
    write_recording(tmp_path, columns, name="signals-1ms.npy")
    silent = ReplaySession(tmp_path)
    theme = Theme()
    theme.drawn = []
    panel = Charts(theme)
    surface = drawn(silent, 0.9, theme=theme, panel=panel)
    x = round(panel.view.x(0.5))
    before, after = (
        pygame.Rect(x - 200, PANEL.top + 24, 190, 150),
        pygame.Rect(x + 10, PANEL.top + 24, 190, 150),
    )
    line, hatch = theme.colour("signal_1"), theme.mix("panel", "stale", 0.45)
    assert has(surface, before, line) and not has(surface, before, hatch)
    assert has(surface, after, hatch) and not has(surface, after, line)
    assert "no sample" in {text.text for text in theme.drawn}
