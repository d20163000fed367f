"""Two runs side by side: the first tick and signal that differ, and what that changed."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pytest

import crumple
from command import called
from crumple.comparison import compare_runs
from crumple.errors import UsageError
from crumple.report.compare_page import write_comparison

SCENE = """
crumple = 1
[parameters]
threshold = "1.1 m/s"
[clock]
period = "{period}"
stop = "60 ms"
[units.car]
fmu = "vehicle_crush"
[units.controller]
plugin = "airbag_controller"
with = {{ threshold = "$threshold" }}
[connect]
"controller.acceleration" = "car.acceleration"
[requirements.fires]
metric = "time_of(controller.fire)"
max = "20 ms"
"""


@cache
def folder_of(threshold: str = "1.1 m/s", *, period: str = "500 us", run: int = 0) -> Path:
    folder = Path(mkdtemp(prefix=f"crumple-compare-{run}-"))
    scene = folder / "bump.toml"
    scene.write_text(SCENE.format(period=period))
    return crumple.run(scene, set={"threshold": threshold}, out=folder / "runs").folder


def test_a_run_is_the_same_as_the_same_run() -> None:
    compared = compare_runs(folder_of(), folder_of(run=1))
    assert compared.same
    assert compared.recorded.first is None
    assert compared.settings == []
    assert not any(each.turned for each in compared.changes)


def test_the_first_difference_is_where_the_recordings_first_differ() -> None:
    was, now = folder_of(), folder_of("1.2 m/s")
    compared = compare_runs(was, now)
    signals = [crumple.open_run(each).signals for each in (was, now)]
    rows = {
        name: int(np.flatnonzero(signals[0][name] != signals[1][name])[0])
        for name in signals[0]
        if (signals[0][name] != signals[1][name]).any()
    }
    first = compared.recorded.first
    assert first is not None
    assert (
        (first.signal, first.tick)
        == ("controller.fire", rows["controller.fire"])
        == min(rows.items(), key=lambda each: each[1])
    )
    assert ("threshold", "1.1 m/s", "1.2 m/s") in compared.settings


def test_a_verdict_that_turned_is_told() -> None:
    compared = compare_runs(folder_of(), folder_of("50 m/s"))
    [change] = [each for each in compared.changes if each.turned]
    assert (change.name, change.was and change.was.status, change.now and change.now.status) == (
        "fires",
        "pass",
        "fail",
    )


def test_runs_of_other_clocks_have_no_ticks_in_common() -> None:
    with pytest.raises(UsageError, match="no ticks in common"):
        compare_runs(folder_of(), folder_of(period="250 us"))


def test_the_command_says_it_in_words_json_and_exit_code(tmp_path: Path) -> None:
    was, now = str(folder_of()), str(folder_of("50 m/s"))
    done = called("compare", was, now, cwd=tmp_path)
    assert done.code == 1
    assert "the first difference is at tick" in " ".join(done.out.split())
    assert "pass → fail" in done.out
    told = json.loads(called("compare", was, now, "--json", cwd=tmp_path).out)
    assert told["first_difference"]["signal"] == "controller.fire"
    assert told["requirements"][0]["status"] == ["pass", "fail"]
    assert called("compare", was, was, cwd=tmp_path).code == 0


def test_the_page_has_both_runs_in_each_plot(tmp_path: Path) -> None:
    page = tmp_path / "change.html"
    write_comparison(compare_runs(folder_of(), folder_of("50 m/s")), page)
    text = page.read_text(encoding="utf-8")
    assert text.count('class="line ') == 2 * text.count('<svg class="plot"')
    assert text.count('dashed"') == text.count('<svg class="plot"')
    assert "first difference" in text
