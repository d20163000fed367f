"""Many cases of one scene: the same as single runs, whatever the processes, and never lost."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import crumple
from command import called
from crumple.campaign import Campaign, run_to_file
from crumple.cases_files import Journal, as_csv
from crumple.cases_run import Options, Runner
from crumple.errors import SceneError, UsageError

UNITS = '''
import ctypes
from crumple import Input, Output, Parameter, Unit


class Slider(Unit):
    """Slides at a constant rate, or does something worse in its sixth step."""

    x = Output("m")
    v = Parameter(1.0, "m/s")
    offset = Parameter(0.0, "m")
    trouble = Parameter("none", choices=["none", "raise", "nan", "segfault"])

    def reset(self):
        self.x = self.offset

    def step(self, now):
        self.x += self.v * now.dt
        if now.tick == 5 and self.trouble != "none":
            if self.trouble == "raise":
                raise ValueError("stuck, for good")
            if self.trouble == "segfault":
                ctypes.string_at(0)
            self.x = float("nan")


class Gauge(Unit):
    """Adds up what two sliders show, with noise of its own."""

    x = Input("m", shape=4)
    sum = Output("m")
    noisy = Output("1")

    def step(self, now):
        self.sum = float(sum(self.x))
        self.noisy = float(self.random.normal())
'''

SCENE = """
crumple = 1

[parameters]
v = { default = 2, si = "m/s", min = 0, max = 100, doc = "rate" }
kind = { default = "near", choices = ["near", "far"] }
many = { default = 2, min = 1, max = 4 }
trouble = { default = "none", choices = ["none", "raise", "nan", "segfault"] }
limit = "3 m"

[derived]
offset = { by = "kind", near = "0 m", far = "$(v * 1 s)" }

[clock]
period = "10 ms"
stop = "1 s"

[units.slider]
plugin = "units.py:Slider"
count = "$many"
with = { v = "$(v * index)", offset = "$offset" }

[units.bad]
plugin = "units.py:Slider"
with = { trouble = "$trouble", v = "$v" }

[units.gauge]
plugin = "units.py:Gauge"

[connect]
"gauge.x[*]" = "slider_*.x"

[requirements.near]
signal = "gauge.sum"
max = "$limit"
when = "kind == near or v > 50"

[requirements.slow]
metric = "max(bad.x)"
max = "$(v * 1.5 s)"

[metrics.sum_cm]
value = "final(gauge.sum)"
si = "cm"

[metrics.late]
value = "first_time(gauge.sum, 5 m)"

[metrics.rest]
value = "$(limit - final(gauge.sum))"
si = "m"

[faults.dead]
on = "gauge.x[0]"
kind = "stuck_at"
value = "0 m"
from = "0 s"
off = true
"""

CASES = [
    {"v": v, "kind": kind, "many": many}
    for many in (2, 3)
    for v in (0.5, 1.0, 1.7, 60.0)
    for kind in ("near", "far")
]


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "units.py").write_text(UNITS)
    path = tmp_path / "sliders.toml"
    path.write_text(SCENE)
    monkeypatch.chdir(tmp_path)
    return path


def table(path: Path, rows: list[dict[str, object]]) -> Path:
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def results(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_a_case_gives_what_a_run_gives(scene: Path, tmp_path: Path) -> None:
    runner = Runner(Options(scene=str(scene)))
    assert runner.sites.shaping == ("many",)
    for number, case in enumerate(CASES):
        outcome = runner.run(case, seed=number)
        run = crumple.run(scene, set=case, seed=number, out=tmp_path / "runs")
        assert (outcome.verdict.outcome, outcome.verdict.reason) == (run.verdict, run.reason)
        assert list(outcome.requirements) == list(run.requirements)
        assert outcome.digest == run.digest
        for metric in outcome.metrics:
            assert metric.value == run.metrics[metric.name]
    assert len(runner._worlds) == 2  # one for each number of sliders


@pytest.mark.parametrize("name", ["frontal_barrier"])
def test_a_case_of_a_bundled_scene_gives_what_a_run_gives(name: str, tmp_path: Path) -> None:
    runner = Runner(Options(scene=name))
    for case in ({"speed": "57 km/h"}, {"speed": "7 km/h"}, {"speed": "57 km/h", "mass": "1500 kg"}):
        outcome = runner.run(case)
        run = crumple.run(name, set=case, out=tmp_path)
        assert (outcome.verdict.reason, outcome.digest) == (run.reason, run.digest)
        assert list(outcome.requirements) == list(run.requirements)


def test_the_number_of_processes_changes_no_byte(scene: Path, tmp_path: Path) -> None:
    rows = [{**case, "seed": number} for number, case in enumerate(CASES)]
    cases = table(tmp_path / "cases.csv", rows)
    outs = []
    for jobs in (1, 2):
        outs.append(tmp_path / f"{jobs}.csv")
        counts = run_to_file(Campaign(scene, cases), outs[-1], jobs=jobs)
        assert counts.total() == len(rows)
    assert outs[0].read_bytes() == outs[1].read_bytes()
    found = results(outs[0])
    assert [row["v"] for row in found] == [str(row["v"]) for row in rows]
    assert list(found[0]) == [
        *("v", "kind", "many", "seed", "verdict", "reason"),
        *("requirement.near", "requirement.near.margin", "requirement.slow", "requirement.slow.margin"),
        *("sum_cm", "late", "rest", "digest"),
    ]
    assert not list(tmp_path.glob("*.part"))
    # v = 0.5 m/s: the gauge reads (1 + 2) * 0.5 m/s * 0.99 s, one tick late; 5 m are never reached
    assert float(found[0]["sum_cm"]) == pytest.approx(148.5)
    assert float(found[0]["rest"]) == pytest.approx(3 - 1.485)
    assert found[0]["late"] == ""
    assert found[3]["requirement.near"] == "not_applicable"
    assert len({row["digest"] for row in found}) == len(rows)  # each has its seed


def test_a_case_that_ends_its_process_is_an_error_of_its_own(scene: Path) -> None:
    rows = [{"v": 1, "trouble": trouble} for trouble in ("none", "segfault", "raise", "nan", "none")]
    found = crumple.cases(scene, rows, jobs=1)
    assert [each.verdict for each in found] == ["pass", "error", "error", "error", "pass"]
    assert "SIGSEGV" in found[1].reason
    assert "stuck, for good" in found[2].reason
    assert "NaN" in found[3].reason
    assert found[1].digest == found[2].digest == ""
    assert found[0].metrics["sum_cm"] == pytest.approx(297)
    assert found[1].metrics == {"sum_cm": None, "late": None, "rest": None}


def test_the_command_tells_how_the_cases_came_out(scene: Path, tmp_path: Path) -> None:
    cases = table(tmp_path / "cases.csv", [{"v": 1, "trouble": "none"}, {"v": 2, "trouble": "none"}])
    shown = called("cases", scene.name, cases.name, "--jobs", "1")
    assert shown.code == 1
    assert "  1 pass   1 fail   2 in " in shown.out
    assert "  fail  line 3: near: gauge.sum 5.94 m exceeds 3 m" in shown.out
    assert "crumple run sliders.toml --set v=2 --set trouble=none" in shown.out
    assert [row["verdict"] for row in results(tmp_path / "cases-results.csv")] == ["pass", "fail"]
    table(cases, [{"v": 1, "trouble": "raise"}, {"v": 2, "trouble": "none"}])
    assert called("cases", scene.name, cases.name, "--jobs", "1", "--out", "out.csv").code == 4
    table(cases, [{"v": 1, "trouble": "none"}])
    assert called("cases", scene.name, cases.name, "--jobs", "1", "--set", "limit=4 m").code == 0
    assert called("cases", scene.name, cases.name, "--jobs", "0").code == 2


def test_faults_are_injected_by_name(scene: Path) -> None:
    rows = [{"v": 1, "inject": ""}, {"v": 1, "inject": "dead"}, {"v": 1, "inject": "dead@500ms"}]
    plain, dead, late = crumple.cases(scene, rows, jobs=1)
    assert plain.metrics["sum_cm"] == pytest.approx(297)
    assert dead.metrics["sum_cm"] == pytest.approx(198)  # without the first slider
    for each, fault in ((dead, "dead"), (late, "dead@500ms")):
        run = crumple.run(scene, set={"v": 1}, inject=[fault], out=scene.parent / "runs")
        assert (each.digest, each.metrics["sum_cm"]) == (run.digest, run.metrics["sum_cm"])


def test_a_campaign_that_was_killed_goes_on(scene: Path, tmp_path: Path) -> None:
    rows = [{**case, "seed": number} for number, case in enumerate(CASES * 8)]
    cases, out = table(tmp_path / "cases.csv", rows), tmp_path / "out.csv"
    whole = tmp_path / "whole.csv"
    command = [
        sys.executable,
        "-m",
        "crumple",
        "cases",
        str(scene),
        str(cases),
        "--out",
        str(out),
        "--jobs",
        "1",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    part = tmp_path / "out.csv.part"
    while process.poll() is None and (not part.exists() or part.read_bytes().count(b"\n") < 20):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not out.exists()
    with open(part, "ab") as file:
        file.write(b"7\tcut o")  # as a line that was being written
    kept = part.read_bytes().count(b"\n") - 1
    assert 0 < kept < len(rows)
    heard: list[tuple[int, int]] = []
    run_to_file(
        Campaign(scene, cases), out, jobs=1, reached=lambda done, _, before: heard.append((done, before))
    )
    assert heard[0] == (kept, kept)
    assert heard[-1] == (len(rows), kept)
    run_to_file(Campaign(scene, cases), whole, jobs=2)
    assert out.read_bytes() == whole.read_bytes()


def test_a_campaign_does_not_go_on_with_what_has_changed(scene: Path, tmp_path: Path) -> None:
    cases, out = table(tmp_path / "cases.csv", [dict(case) for case in CASES]), tmp_path / "out.csv"
    Journal(out, Campaign(scene, cases).facts(), rows=len(CASES)).close()
    scene.write_text(SCENE.replace("10 ms", "5 ms"))
    with pytest.raises(
        UsageError, match=r"out\.csv\.part holds results of another campaign: the scene is not what"
    ):
        run_to_file(Campaign(scene, cases), out, jobs=1)
    scene.write_text(SCENE)
    table(cases, [{**case, "v": 3} for case in CASES])
    with pytest.raises(UsageError, match="the table of cases is not what it was"):
        run_to_file(Campaign(scene, cases), out, jobs=1)
    Journal(out, Campaign(scene, cases).facts(), rows=len(CASES), fresh=True).close()
    held = Journal(out, Campaign(scene, cases).facts(), rows=len(CASES))
    with pytest.raises(UsageError, match="is being written by another"):
        Journal(out, Campaign(scene, cases).facts(), rows=len(CASES))
    held.close()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "v,kind\n1,near\n500,near\n",
            ['cases.csv:3 v "500" is above the largest value allowed, "100 m/s".'],
        ),
        ("v\nfast\n", ['cases.csv:2 v "fast" is no number; one in "m/s" is wanted.']),
        ("v,kind\n1,\n", ["cases.csv:2 kind is empty; write a value in every row."]),
        ("v,kind\n1\n", ["cases.csv:2 has 1 cells, and there are 2 columns."]),
        (
            "# a note\n\nv,kind\n1,fra\n",
            ['cases.csv:4 kind "fra" is none of its choices: near, far. Did you mean "far"?'],
        ),
        ("vv\n1\n", ['cases.csv:1 vv is no parameter of sliders. Did you mean "v"?']),
        ("v,v\n1,1\n", ["cases.csv:1 v is there twice; keep one."]),
        (
            "verdict,rest\npass,1\n",
            [
                "cases.csv:1 verdict is a column of the results; a column of the cases has another name.",
                "cases.csv:1 rest is a column of the results; a column of the cases has another name.",
            ],
        ),
        ("offset\n1\n", ["cases.csv:1 offset is derived from other parameters and cannot be set."]),
        ("seed\n-1\n", ['cases.csv:2 seed "-1" is no whole number from 0 to 2^64 - 1.']),
        (
            "inject\ndeadd\n",
            [
                'cases.csv:2 inject "deadd" cannot be: deadd: this scene has no fault "deadd". Did you mean "dead"?'
            ],
        ),
        ("gauge.y\n1\n", ['cases.csv:1 gauge.y "gauge" has no parameter "y".']),
        (
            "bad.v\n1 kg\n",
            ["cases.csv:2 bad.v Slider: parameter \"v\" '1 kg' is a mass; a speed in 'm/s' is wanted."],
        ),
    ],
)
def test_mistakes_of_the_table_are_told_with_their_lines(
    text: str, told: list[str], scene: Path, tmp_path: Path
) -> None:
    (tmp_path / "cases.csv").write_text(text)
    with pytest.raises(SceneError) as caught:
        Campaign(scene, "cases.csv")
    assert [" ".join(row.split()) for row in caught.value.rows()] == told


def test_very_many_mistakes_are_counted(scene: Path, tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_text("v\n" + "500\n" * 90)
    with pytest.raises(SceneError) as caught:
        Campaign(scene, "cases.csv")
    assert len(caught.value.rows()) == 31
    assert caught.value.rows()[-1].startswith("... and 60 more mistakes")


def test_a_table_without_rows_is_refused(scene: Path, tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_text("v\n")
    with pytest.raises(UsageError, match="has no cases"):
        Campaign(scene, "cases.csv")
    with pytest.raises(UsageError, match="cannot be read"):
        Campaign(scene, "no.csv")
    with pytest.raises(UsageError, match="all rows have the same columns"):
        Campaign(scene, [{"v": 1}, {"kind": "far"}])


def test_cells_of_csv_are_quoted_where_they_must_be() -> None:
    assert (
        as_csv(["a", 'b,"c"', 1.5, 2.0, None, float("nan"), True, "x\ny"]) == 'a,"b,""c""",1.5,2,,,true,x y'
    )


def test_a_world_is_set_to_other_start_values_as_if_it_were_new() -> None:
    world = crumple.World("100 us", isolate=False)
    world.add("car", crumple.Fmu("vehicle_crush", start={"speed": "50 km/h"}))
    world.reset()
    world.step(200)
    assert world.set_start("car", {"speed": "20 km/h"})
    world.reset()
    world.step(200)
    other = crumple.World("100 us", isolate=False)
    other.add("car", crumple.Fmu("vehicle_crush", start={"speed": "20 km/h"}))
    other.reset()
    other.step(200)
    assert world.digest() == other.digest()
    assert world.fork()["car.velocity"] == other["car.velocity"]
    with pytest.raises(crumple.FmuError, match="speed"):
        world.set_start("car", {"speed": "20 kg"})
