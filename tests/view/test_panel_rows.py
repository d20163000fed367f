"""What each panel says, and that its picture tells the truth."""

from __future__ import annotations

import math

import numpy as np
import pygame
import pytest

from crumple.view.panels import requirements as bars
from crumple.view.panels.inputs import Inputs
from crumple.view.panels.requirements import Requirements
from crumple.view.panels.status import Status
from crumple.view.panels.timing import four_figures, largest, pace, worst_of_bins
from crumple.view.session import InputRow, Silence
from crumple.view.theme import Theme
from view.fake_session import at, battery, crash, crowded, driving, requirement, timing
from view.panel_drawing import TIMES, draw, session_of


@pytest.fixture(autouse=True, scope="module")
def _fonts():
    pygame.display.init()
    pygame.font.init()


# -- requirements ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TIMES)
def test_all_limits_stand_in_one_column(kind):
    _, _, panels = draw(session_of(kind), TIMES[kind])
    marks = panels["requirements"].limits_at
    assert len(marks) >= 5
    assert len(set(marks)) == 1


def test_a_bar_is_as_full_as_its_value_is_near_its_limit():
    assert bars.fill(requirement("a", value=42.0, limit=60.0), 42.0) == pytest.approx(0.7)
    assert bars.fill(requirement("a", value=1.2, limit=0.6, relation="min"), 1.2) == pytest.approx(0.5)
    assert bars.fill(requirement("a", value=0.5, limit=0.6, relation="min"), 0.5) == pytest.approx(1.2)
    assert bars.fill(requirement("a", value=0.0, limit=0.0), 0.0) == 0.0
    assert bars.fill(requirement("a", value=2.0, limit=0.0), 2.0) > bars.CUT_AT
    assert bars.fill(requirement("a", value=-6.0, limit=-5.0), -6.0) == pytest.approx(0.8)
    assert bars.fill(requirement("a", value=-2.0, limit=-1.0, relation="min"), -2.0) > bars.CUT_AT
    assert bars.fill(requirement("a", value=math.inf, limit=16.9), math.inf) > bars.CUT_AT
    assert bars.fill(requirement("a", value=None), None) == 0.0
    assert bars.fill(requirement("a", value=math.nan), math.nan) == 0.0


def test_the_bar_ends_where_its_value_is():
    for value in (0.25, 0.5, 0.75):
        surface, _, panels = draw(crash(rows=[requirement("half", "pass", value=value, limit=1.0)]), 0.073)
        theme = panels["requirements"].theme
        (limit,) = panels["requirements"].limits_at
        row = pygame.surfarray.array3d(surface)[896:, 56 + 50 + 15 + 3]
        green = np.flatnonzero((row == theme.rgb("pass")).all(axis=1))
        assert green[0] in (40, 41)
        assert green[-1] == pytest.approx(40 + value * (limit - 40), abs=3)  # the end is round


def test_what_is_beyond_the_limit_is_hatched():
    surface, _, panels = draw(crash(rows=[requirement("over", "fail", value=1.2, limit=1.0)]), 0.073)
    fail = panels["requirements"].theme.rgb("fail")
    (limit,) = panels["requirements"].limits_at
    row = pygame.surfarray.array3d(surface)[896:, 56 + 50 + 15 + 3]
    inside, beyond = row[60 : limit - 2], row[limit + 4 : limit + 30]
    assert (inside == fail).all()
    assert 0.05 < (beyond == fail).all(axis=1).mean() < 0.8


def test_what_is_unknown_is_a_hatched_bar_with_a_question_mark():
    _, texts, _ = draw(driving(silent=True), 3.296)
    words = [text.text for text in texts if text.panel is not None and text.panel.top < 600]
    assert words.count("?") == words.count("unknown") == 4
    surface, _, panels = draw(crash(rows=[requirement("blind", "inconclusive", value=3.0)]), 0.073)
    theme = panels["requirements"].theme
    (limit,) = panels["requirements"].limits_at
    bar = pygame.surfarray.array3d(surface)[896 + 46 : 896 + limit - 4, 56 + 50 + 15 : 56 + 50 + 21]
    brightness = bar.sum(axis=2)
    assert brightness.std() > 20  # not one colour
    assert not (bar == theme.rgb("pass")).all(axis=2).any()


def test_green_is_earned():
    surface, _, panels = draw(crash(), 0.073)
    theme = panels["requirements"].theme
    column = pygame.surfarray.array3d(surface)[896:, 56:370]
    assert not (column == theme.rgb("pass")).all(axis=2).any()
    assert (column == theme.rgb("holding")).all(axis=2).sum() > 500


def test_the_mark_of_the_whole_run_stands_where_its_value_is():
    surface, _, panels = draw(crash(rows=[requirement("peak", value=0.2, limit=1.0, final=0.6)]), 0.073)
    theme = panels["requirements"].theme
    (limit,) = panels["requirements"].limits_at
    row = pygame.surfarray.array3d(surface)[896:, 56 + 50 + 15 - 1]  # just above the bar
    marks = np.flatnonzero((row == theme.rgb("text_2")).all(axis=1))
    assert marks.mean() == pytest.approx(40 + 0.6 * (limit - 40), abs=1.5)


def test_every_requirement_can_be_clicked_and_told_from_the_next():
    _, _, panels = draw(crash(), 0.073)
    panel = panels["requirements"]
    names = [panel.hit((1000, 56 + 50 + 44 * n + 5)) for n in range(6)]
    assert names == [f"requirement:{row.name}" for row in crash().rows]
    assert panel.hit((1000, 75)) is None
    assert panel.hit((400, 200)) is None


def test_too_many_requirements_scroll_and_those_not_seen_are_counted():
    session = crowded()
    theme = Theme()
    panel = Requirements(theme)
    surface = pygame.Surface((1280, 720))
    place = pygame.Rect(896, 56, 368, 314)

    def words() -> list[str]:
        theme.drawn = []
        panel.changed()
        panel.draw(surface, place, at(session, 3.2))
        return [text.text for text in theme.drawn]

    first = words()
    shown = sum(word.startswith("requirement") or word.startswith("requi") for word in first)
    assert any(word == f"{22 - shown} more below" for word in first)
    assert any(word.endswith("failed") for word in first)
    assert panel.hit((1000, place.bottom - 8)) == "scroll:requirements"
    panel.scroll(3)
    assert panel.hit((1000, 110)) == "requirement:requirement_with_a_long_name_0"  # until it is drawn
    words()
    assert panel.hit((1000, 110)) == "requirement:requirement_with_a_long_name_3"
    panel.scroll(1000)
    assert any(word == f"{22 - shown} more above" for word in words())
    panel.scroll(-1000)
    assert words() == first


def test_a_scene_without_requirements_says_so():
    _, texts, _ = draw(crash(rows=[]), 0.073)
    assert any("no verdict" in text.text for text in texts)


@pytest.mark.parametrize(
    ("row", "shown", "margin"),
    [
        (requirement("a", "fail", value=2.0, limit=0.0, si="mm", decided=0.34), "2", "340.0 ms"),
        (requirement("a", "fail", value=281.0, limit=300.0, si="s", relation="min"), "281", "−6 %"),
        (requirement("a", "at_risk", value=15.5, limit=16.9, si="ms"), "15.5", "8 %"),
        (requirement("a", value=0.0, limit=0.0, si="km/h"), "0.0", "so far"),
        (requirement("a", "pass", value=0.0, limit=0.0, si="km/h"), "0.0", "held"),
        (requirement("a", "pass", value=1.0, limit=1.0, relation="min"), "1", "held"),
        (requirement("a", value=None, si="ms"), "not yet", ""),
        (requirement("a", "inconclusive", value=5.0), "?", "unknown"),
        (requirement("a", "not_applicable", value=None), "does not apply", ""),
        (requirement("a", "fail", value=math.inf, limit=16.9, si="ms", decided=0.15), "never", "150.0 ms"),
    ],
)
def test_value_and_margin_say_what_is_known(row, shown, margin):
    moment = at(crash(), 0.073)
    assert bars.value_runs(row)[0].text == shown
    assert bars.margin_text(row, moment)[0] == margin


def test_the_title_says_what_the_values_are_of():
    rows = crash().rows
    assert bars.note(at(crash(), 0.073), rows) == "at 73.0 ms, mark: whole run"
    assert bars.note(at(crash(), 0.150), rows) == "whole run"
    assert bars.note(at(driving(), 3.42), rows) == "so far"
    silent = driving(silent=True)
    assert bars.note(at(silent, 3.296), silent.rows) == "observed to 3.050 s"


# -- timing ------------------------------------------------------------------------------------------------------


def test_the_worst_tick_of_a_bin_is_shown_and_no_missed_one_is_lost():
    row = timing(ticks=1500, missed=1)
    row.step[[3, 1499]] = 1.5e-4
    heights, missed = worst_of_bins(row, 84)
    assert len(heights) == 84
    assert heights.max() == row.step.max()
    assert missed.sum() == 3 and missed[0] and missed[-1]
    few, _ = worst_of_bins(timing(ticks=10), 84)
    assert len(few) == 10


def test_a_missed_deadline_is_red_and_stands_out_over_the_line():
    surface, _, panels = draw(crash(timing_row=timing(missed=1)), 0.073)
    theme = panels["timing"].theme
    strip = pygame.surfarray.array3d(surface)[896:1264, 382:550]
    red = (strip == theme.rgb("fail")).all(axis=2)
    columns, rows = np.nonzero(red[:, :80])
    assert len(set(columns)) == 3  # one bar
    assert rows.min() < 44  # over the dashed line


def test_a_late_start_counts_as_well_as_a_slow_step():
    row = timing(ticks=8, missed=1, late=np.array([0.0] * 6 + [95e-6, 0.0]))
    _, missed = worst_of_bins(row, 84)
    assert missed[6] == 1


def test_a_free_run_is_not_called_late():
    row = timing(ticks=10, p50=90e-6)
    slow = timing(ticks=10)
    slow.step[3] = 1.0  # in no hurry
    assert not worst_of_bins(slow, 84)[1].any()
    assert not worst_of_bins(row, 84)[1].any()


def test_a_run_without_measured_ticks_says_so():
    nothing = timing(ticks=0, p50=math.nan, p99=math.nan, worst=math.nan, by_unit=())
    _, texts, _ = draw(crash(timing_row=nothing), 0.073)
    words = {text.text for text in texts}
    assert "not timed, free run" in words and "7.1 × real time" in words
    assert {"1,500", "21 ms", "14 µs", "100 µs"} <= words  # 150 ms at 7.1 times real time
    _, texts, _ = draw(crash(timing_row=None), 0.073)
    assert "Not timed." in {text.text for text in texts}


def test_where_single_ticks_were_not_kept_their_spread_stands_against_the_budget():
    row = timing(ticks=0, missed=3, p50=20e-6, p99=60e-6, worst=110e-6)
    surface, _, panels = draw(crash(timing_row=row), 0.073)
    theme = panels["timing"].theme
    line = pygame.surfarray.array3d(surface)[896 + 16 : 1264 - 16, 382 + 64]
    bright = np.flatnonzero((line == theme.rgb(theme.mix("panel", "accent", 0.78))).all(axis=1))
    assert bright[-1] == pytest.approx(0.2 * 0.8 * 336, abs=4)  # p50: a fifth of the budget, which is at 80 %
    above = pygame.surfarray.array3d(surface)[896 + 16 : 1264 - 16, 382 + 58]
    red = np.flatnonzero((above == theme.rgb("fail")).all(axis=1))
    assert red[-1] == pytest.approx(1.1 * 0.8 * 336, abs=2)  # the worst, over it
    never = timing(ticks=0, p50=0.0, p99=0.0, worst=0.0)
    _, texts, _ = draw(crash(timing_row=never), 0.073)
    assert "no tick was timed" in {text.text for text in texts}


def test_a_live_run_shows_what_matters_live():
    moment = at(driving(silent=True), 3.296)
    shown = four_figures(moment, moment.session.timing_row)
    assert [label for label, _, _ in shown] == ["missed", "wake p99", "link age", "slack"]
    assert shown[2] == ("link age", "246 ms", "stale")
    assert shown[3][1] == "78 %"
    assert pace(moment.session, moment.session.timing_row) == "1 kHz, real time"


def test_the_dearest_units_come_first_and_the_others_are_summed():
    costs = tuple((f"unit{n}", float(n)) for n in range(10))
    shown = largest(costs, 4)
    assert [name for name, _ in shown] == ["unit9", "unit8", "unit7", "6 others"]
    assert sum(cost for _, cost in shown) == sum(cost for _, cost in costs)


# -- faults, inputs, headline, status ----------------------------------------------------------------------------


def test_faults_say_where_they_stand_in_words():
    _, texts, panels = draw(battery(), 604.0)
    words = [text.text for text in texts]
    assert words.count("active") == 2 and words.count("armed") == 1
    assert "2 injected, 1 armed" in words
    assert panels["faults"].hit((1000, 528)) == "fault:ntc_offset"
    assert panels["faults"].hit((1000, 490)) == "fault:+"


def test_a_live_run_whose_scene_has_no_faults_invites_nobody_to_inject_one():
    _, texts, _ = draw(driving(), 3.42)
    words = {text.text for text in texts}
    assert "None injected. The scene has no [faults]." in words and "F injects" not in words
    _, texts, _ = draw(crash(fault_rows=[]), 0.073)
    assert "None injected." in {text.text for text in texts}


def test_inputs_show_their_age_and_what_is_done_without_them():
    session = crowded()
    theme = Theme()
    theme.drawn = []
    panel = Inputs(theme)
    panel.draw(pygame.Surface((600, 200)), pygame.Rect(0, 0, 500, 126), at(session, 3.2))
    words = [text.text for text in theme.drawn]
    assert {"4 ms", "no sample", "300 ms", "held", "2 of 3 silent"} <= set(words)
    assert panel.hit((100, 55)) == "input:input_0_with_a_long_name"


def test_an_old_age_is_never_shown_as_a_fresh_one():
    rows = [InputRow(name="radar", endpoint="", age=0.06, max_age=0.05, state="fresh", received=1)]
    theme = Theme()
    theme.drawn = []
    Inputs(theme).draw(pygame.Surface((600, 200)), pygame.Rect(0, 0, 400, 100), at(driving(input_rows=rows)))
    (age,) = [text for text in theme.drawn if text.text == "60 ms"]
    assert age.colour == theme.rgb("stale")


def test_the_headline_gives_the_verdict_its_reason():
    _, texts, panels = draw(battery(), 604.0)
    words = {text.text: text for text in texts}
    assert {"FAIL", "Running 60 ×", "no_propagation failed at 5:40", "battery_runaway"} <= words.keys()
    theme = panels["headline"].theme
    assert words["FAIL"].colour == theme.rgb("ink")  # filled: it is final
    _, texts, _ = draw(driving(), 3.42)
    assert {text.text: text for text in texts}["UNDECIDED"].colour == theme.rgb("holding")


def test_the_verdict_is_never_cut_short():
    for size in [(1024, 576), (1280, 720), (3840, 2160)]:
        _, texts, _ = draw(crowded(), 3.2, size)
        assert "INCONCLUSIVE" in {text.text for text in texts}


def test_the_status_line_has_facts_warnings_and_keys():
    _, texts, panels = draw(crash(), 0.073)
    words = {text.text for text in texts}
    assert {
        "5 units",
        "2 FMUs, certified",
        "tick 730 of 1,500",
        "100 µs",
        "seed 0",
        "digest 9f3c21ab",
    } <= words
    assert {"Space", "play", "← →", "next event", "keys"} <= words
    assert panels["status"].hit((1250, 705)) == "key:?"
    _, texts, _ = draw(crash(warning="view 24 Hz, run unaffected", certified=1), 0.073)
    words = {text.text for text in texts}
    assert {"view 24 Hz, run unaffected", "2 FMUs, 1 certified"} <= words


def test_a_note_of_the_window_is_no_warning():
    for note, colour in (("Saved crash.png", "accent"), ("view 24 Hz, run unaffected", "at_risk")):
        theme = Theme()
        theme.drawn = []
        panel = Status(theme)
        panel.note = note
        panel.draw(pygame.Surface((1280, 28)), pygame.Rect(0, 0, 1280, 28), at(crash()))
        assert {text.text: text.colour for text in theme.drawn}[note] == theme.rgb(colour)


def test_a_silent_input_takes_the_left_end_of_the_status_line():
    _, texts, _ = draw(driving(silent=True), 3.296)
    assert "stale" in {text.text for text in texts if text.rect.left < 60}
    old = driving(gaps=[Silence(unit="radar", since=1.0, until=1.2)])
    _, texts, _ = draw(old, 3.42)
    assert "live" in {text.text for text in texts if text.rect.left < 60}


def test_the_wall_time_is_of_the_ticks_that_the_run_came_to():
    nothing = timing(ticks=0, p50=math.nan, p99=math.nan, worst=math.nan, by_unit=())
    session = crash(timing_row=nothing)
    session.ticks = 3000  # it broke off at half of them
    _, texts, _ = draw(session, 0.073)
    assert {"1,500", "21 ms"} <= {text.text for text in texts}
