"""The metrics of a scene: numbers of a run, told beside its verdict."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import crumple
from command import called
from crumple.junit import write_junit
from crumple.scene_metrics import MetricResult
from small_scene import write_scene

METRICS = """
[metrics.peak_kmh]
value = "max(car.speed)"
si = "km/h"
doc = "at the start"

[metrics.crash_g]
value = "abs_max(car.acceleration)"
si = "g"

[metrics.pulse]
value = "clip_3ms(car.acceleration)"

[metrics.lost]
value = "$(max(car.speed) - min(car.speed))"
si = "km/h"

[metrics.share]
value = "$(min(abs_max(car.acceleration) / 600 m/s^2, final(switch.closed)))"
si = "%"

[metrics.of_speed]
value = "$((speed - final(car.speed)) / max(car.speed))"

[metrics.never]
value = "first_time(car.speed, 100 m/s)"

[metrics.sum_of_never]
value = "$(first_time(car.speed, 100 m/s) + 1 s)"
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> crumple.Result:
    folder = tmp_path_factory.mktemp("metrics")
    return crumple.run(write_scene(folder, METRICS), out=folder)


def test_metrics_are_told_in_their_units(run: crumple.Result) -> None:
    # from 15 m/s at 300 m/s^2 to a stop
    assert run.metrics["peak_kmh"] == pytest.approx(54.0, rel=1e-12)
    assert run.metrics["crash_g"] == pytest.approx(300 / 9.80665, rel=1e-12)
    assert run.metrics["lost"] == pytest.approx(54.0, rel=1e-12)
    assert run.metrics["share"] == pytest.approx(50.0, rel=1e-12)
    assert run.metrics["of_speed"] == pytest.approx(1.0, rel=1e-12)
    by_name = {each.name: each for each in run.metric_results}
    assert by_name["pulse"].si == "g"
    assert by_name["peak_kmh"].at == (0.0, 0.0)
    assert by_name["pulse"].at is not None
    assert by_name["lost"].at is None  # its two parts are from different moments


def test_what_never_came_has_no_value(run: crumple.Result) -> None:
    assert run.metrics["never"] is None
    assert run.metrics["sum_of_never"] is None
    assert {each.name: each.text for each in run.metric_results}["never"] == "never"


def test_metrics_stand_in_the_verdict_with_value_unit_and_time(run: crumple.Result) -> None:
    written = json.loads((run.folder / "verdict.json").read_text())["metrics"]
    assert written["peak_kmh"] == {
        "value": 54.0,
        "si": "km/h",
        "at": 0.0,
        "what": "max(car.speed)",
        "doc": "at the start",
    }
    assert written["never"]["value"] is None
    assert written["chest"]["si"] == "g"  # a requirement on a metric, beside them
    assert crumple.open_run(run.folder).metrics == run.metrics


def test_run_and_show_list_them(run: crumple.Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = called("run", str(write_scene(tmp_path, METRICS))).out
    assert "  peak_kmh       54 km/h" in shown
    assert "at the start" in shown
    listed = called("show", str(run.folder)).out
    assert re.search(r"\n  lost +5[34]\.\d+ km/h +\$\(max", listed)


def test_a_metric_that_cannot_be_computed_says_why_and_judges_nothing(tmp_path: Path) -> None:
    short = '\n[metrics.clip]\nvalue = "clip_3ms(car.acceleration)"\n'
    path = write_scene(tmp_path, short, required=False)
    result = crumple.run(path, stop="1 ms", out=tmp_path)
    [clip] = result.metric_results
    assert clip.value is None
    assert "clip_3ms(car.acceleration)" in clip.fact
    assert result.verdict == "done"
    assert any("metric clip" in str(event.get("text")) for event in result.events)


def test_a_run_that_ended_in_an_error_has_no_metrics(tmp_path: Path) -> None:
    trouble = '[units.switch.with]\ntrouble = "raise"\n'
    result = crumple.run(write_scene(tmp_path, trouble, METRICS), out=tmp_path)
    assert result.verdict == "error"
    assert "peak_kmh" not in result.metrics


def test_a_junit_file_has_metrics_as_properties(run: crumple.Result, tmp_path: Path) -> None:
    write_junit(run, tmp_path / "run.xml")
    written = (tmp_path / "run.xml").read_text()
    assert '<property name="metric.peak_kmh" value="54.0 km/h"' in written
    assert "metric.never" not in written
    assert "metric.chest" not in written  # it has a case of its own


def test_metrics_of_older_runs_are_numbers_alone() -> None:
    read = MetricResult.from_json("a", {"value": 3.0, "at": [0.1, 0.2], "later": True})
    assert (read.value, read.at, read.when) == (3.0, (0.1, 0.2), "100 to 200 ms")


def test_info_of_a_scene_shows_what_can_be_set_and_what_is_told(tmp_path: Path) -> None:
    path = write_scene(tmp_path, METRICS)
    out = called("info", str(path)).out
    assert "  speed       15        m/s" in out
    assert "  peak_kmh" in out
    assert "stop   from 15 m/s to a stop" in out
    told = json.loads(called("info", str(path), "--json").out)
    assert told["parameters"] == [{"name": "speed", "default": "15", "si": "m/s", "doc": ""}]
    assert [each["name"] for each in told["metrics"]][:2] == ["peak_kmh", "crash_g"]
    assert "frontal_barrier" in called("info", "frontal_barrier").out
