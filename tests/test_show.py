"""`crumple show`: finds a past run and shows it as `crumple run` did, with all its evidence."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import crumple
from crumple.cli.app import invoke
from crumple.cli.show import locate
from small_scene import write_scene


@dataclass(frozen=True)
class Shown:
    """What a command came to."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, crumple.Result]:
    """Runs of every verdict, in the order in which they were made."""
    folder = tmp_path_factory.mktemp("made")
    scene, out = write_scene(folder), folder / "runs"
    asked: dict[str, dict[str, Any]] = {
        "pass": {},
        "fail": {"set": {"switch.threshold": "50 m/s"}},
        "inconclusive": {"stop": "50 ms"},
        "error": {"set": {"switch.trouble": "raise"}},
    }
    results = {name: crumple.run(scene, out=out, **options) for name, options in asked.items()}
    bare = write_scene(folder, name="bare", required=False)
    results["done"] = crumple.run(bare, out=out)
    return results


@pytest.fixture
def at_home(made: dict[str, crumple.Result], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In the folder that holds `runs`."""
    monkeypatch.chdir(made["pass"].folder.parents[1])
    yield


def show(capsys: pytest.CaptureFixture[str], *arguments: object) -> Shown:
    code = invoke(["show", *map(str, arguments)])
    captured = capsys.readouterr()
    return Shown(code, captured.out, captured.err)


@pytest.mark.parametrize(
    ("name", "code"), [("pass", 0), ("done", 0), ("fail", 1), ("inconclusive", 3), ("error", 4)]
)
def test_the_exit_code_and_the_word_are_those_of_the_verdict(
    made: dict[str, crumple.Result], capsys: pytest.CaptureFixture[str], name: str, code: int
) -> None:
    shown = show(capsys, made[name].folder)
    assert (shown.code, shown.err) == (code, "")
    assert f"\n  {name.upper()}   " in shown.out
    assert made[name].reasons[0].split(":")[0] in shown.out


def test_it_shows_what_the_run_showed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene = write_scene(tmp_path)
    for given in ([], ["--set", "car.rate=700"], ["--set", "switch.trouble=raise"], ["--stop", "50 ms"]):
        invoke(["run", str(scene), "--out", str(tmp_path / "runs"), *given])
        ran = capsys.readouterr().out.split("\n\n")
        shown = show(capsys, tmp_path / "runs").out.split("\n\n")
        assert shown[0].splitlines()[0] == ran[0].splitlines()[0]
        assert shown[1:3] == ran[1:3]  # verdict and table
        assert shown[-1].splitlines()[-1] == ran[-1].splitlines()[-1]  # run folder


def test_the_evidence_the_metrics_the_files_and_the_digest_are_shown(
    made: dict[str, crumple.Result], capsys: pytest.CaptureFixture[str]
) -> None:
    result = made["pass"]
    out = show(capsys, result.folder).out
    for condition in result.conditions:
        assert f"✓ {condition.name}\n      {condition.evidence}\n" in out
    assert re.search(rf"\n  chest +{result.metrics['chest']!r} g +clip_3ms\(car\.acceleration\)\n", out)
    size = (result.folder / "signals-100us.npy").stat().st_size / 1000
    assert re.search(rf"\n  signals-100us\.npy +{size:.1f} kB +1,501 rows\n", out)
    for file in ("events.jsonl", "manifest.json", "seal.json", "verdict.json"):
        assert f"\n  {file} " in out
    assert f"  digest      {result.digest}\n" in out
    assert "2 units · 2 plugins · seed 0 · began 20" in out


def test_a_condition_that_does_not_hold_is_marked(
    made: dict[str, crumple.Result], capsys: pytest.CaptureFixture[str]
) -> None:
    out = show(capsys, made["fail"].folder).out
    assert "\n✗ every requirement held\n      failed: time_to_close\n" in out
    assert "\n         switch.closed stayed 0\n" in out
    out = show(capsys, made["error"].folder).out
    assert "\n✗ every unit ended well\n" in out
    assert "\n? the recording is whole\n" in out
    assert "ZeroDivisionError: the switch is broken" in out


def test_json_is_that_of_the_run_with_state_and_files(
    made: dict[str, crumple.Result], capsys: pytest.CaptureFixture[str]
) -> None:
    from crumple.run_folder import to_json

    for name, code in (("pass", 0), ("fail", 1), ("error", 4)):
        shown = show(capsys, made[name].folder, "--json")
        found = json.loads(shown.out)
        assert shown.code == code
        assert found.pop("state") == "ended"
        assert found.pop("files").keys() == {p.name for p in made[name].folder.iterdir()}
        assert found == json.loads(to_json(made[name].to_json()))


# -- finding a run ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("at_home")
def test_without_a_name_it_is_the_latest(made: dict[str, crumple.Result]) -> None:
    assert locate(None).name == made["done"].folder.name
    assert locate("stop").name == made["error"].folder.name  # the latest whose name begins so
    assert locate("runs/stop").name == made["error"].folder.name
    assert locate("runs").name == made["done"].folder.name  # a folder with runs in it
    Path("other").mkdir(exist_ok=True)
    with pytest.raises(crumple.UsageError, match="other is not the folder of a run, and has none in it"):
        locate("other")


@pytest.mark.usefixtures("at_home")
def test_a_name_its_beginning_and_its_end_find_a_run(made: dict[str, crumple.Result]) -> None:
    folder = made["fail"].folder
    for given in (folder, f"runs/{folder.name}", folder.name, folder.name[-8:], folder.name[:-1]):
        assert locate(str(given)).resolve() == folder, given
    with pytest.raises(
        crumple.UsageError, match=r'no run in runs begins or ends with "crash"\. The latest: bare-'
    ):
        locate("crash")


def test_an_end_that_several_share_is_refused_with_their_names(tmp_path: Path) -> None:
    for name in ("a-20260101T000000-0123abcd", "b-20250101T000000-0123abcd", "c-20260101T000001-99999999"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "verdict.json").write_text("{}")
    with pytest.raises(crumple.UsageError, match=r'2 runs end in "abcd": a-2026\S+, b-2025\S+\. Give more'):
        locate("abcd", runs=tmp_path)
    assert locate("9999", runs=tmp_path).name.startswith("c-")
    assert locate(None, runs=tmp_path).name.startswith("c-")


def test_runs_of_one_second_are_told_apart(tmp_path: Path) -> None:
    scene = write_scene(tmp_path)
    for _ in range(4):
        last = crumple.run(scene, out=tmp_path / "runs", stop="1 ms")
        assert locate(None, runs=tmp_path / "runs") == last.folder


def test_where_there_is_no_run_one_message_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for given, said in (([], "there is no run in"), (["night"], 'no run "night": this is no folder')):
        shown = show(capsys, *given)
        assert (shown.code, shown.out) == (2, "")
        assert shown.err.startswith("crumple: ")
        assert said in shown.err
        assert len(shown.err.splitlines()) == 1


# -- runs without an end, and damage ----------------------------------------------------------------------

_RUN = "import sys, crumple; crumple.run(sys.argv[1], out=sys.argv[2], set={'car.wait': 0.002})"


def test_a_run_that_goes_on_says_so_and_a_killed_one_where_it_was_cut_off(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    process = subprocess.Popen([sys.executable, "-c", _RUN, write_scene(tmp_path), tmp_path / "runs"])
    try:
        for _ in range(600):
            time.sleep(0.05)
            if list(tmp_path.glob("runs/*/signals*.npy")):
                break
        time.sleep(0.1)
        live = show(capsys, tmp_path / "runs")
        assert live.code == 3
        assert re.search(
            r"INCONCLUSIVE   the run is still going on, recorded until t = [\d.]+ ms\n", live.out
        )
        assert json.loads(show(capsys, tmp_path / "runs", "--json").out)["state"] == "running"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    killed = show(capsys, tmp_path / "runs")
    assert (killed.code, killed.err) == (3, "")
    assert re.search(r"INCONCLUSIVE   the run was cut off at t = [\d.]+ ms\n", killed.out)
    assert "digest" not in killed.out
    assert json.loads(show(capsys, tmp_path / "runs", "--json").out)["state"] == "cut_off"


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        "{}",
        "\\ud800",
        '{"state": "ended", "verdict": "pass"}',
        '{"state": "ended", "verdict": 7}',
        '{"state": "ended", "verdict": "pass", "conditions": 3}',
        '{"state": "ended", "verdict": "pass", "conditions": [{"name": "x"}]}',
        '{"state": "ended", "verdict": "fail", "reasons": null}',
        '{"state": "ended", "verdict": "fail", "requirements": [{"name": "head"}]}',
        '{"state": "ended", "verdict": "fail", "requirements": ["head"]}',
        '{"state": "ended", "verdict": "fail", "metrics": 1}',
    ],
)
def test_a_damaged_verdict_is_one_clear_error(
    made: dict[str, crumple.Result], tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    copy = shutil.copytree(made["pass"].folder, tmp_path / "copy")
    (copy / "verdict.json").write_text(damage)
    for options in ((), ("--json",), ("--junit", tmp_path / "verdict.xml")):
        shown = show(capsys, copy, *options)
        assert (shown.code, shown.out) == (2, "")
        assert "verdict.json" in shown.err
        assert len(shown.err.splitlines()) == 1
    assert not (tmp_path / "verdict.xml").exists()


def test_a_pass_whose_evidence_says_otherwise_is_not_believed(
    made: dict[str, crumple.Result], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(made["pass"].folder, tmp_path / "copy")
    (copy / "seal.json").unlink()  # it would tell first
    written = json.loads((copy / "verdict.json").read_text())
    for holds in (False, None):
        written["conditions"][2]["holds"] = holds
        (copy / "verdict.json").write_text(json.dumps(written))
        shown = show(capsys, copy)
        assert shown.code == 2
        assert 'it says "pass", and not proven: the recording is whole' in shown.err


def test_what_else_is_damaged_leaves_the_verdict_readable(
    made: dict[str, crumple.Result], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(made["fail"].folder, tmp_path / "copy")
    (copy / "seal.json").unlink()  # it would tell first
    (copy / "manifest.json").write_text("{")
    (copy / "events.jsonl").write_bytes(b"\xff\xfe\n7\n[]\n")
    (copy / "signals-100us.npy").write_bytes(b"\x93NUMPY\x01\x00\x10\x00" + b"x" * 40)
    shown = show(capsys, copy)
    assert (shown.code, shown.err) == (1, "")
    assert "its manifest cannot be read" in shown.out
    assert "the recording cannot be read" in shown.out
    os.remove(copy / "events.jsonl")
    assert show(capsys, copy).code == 1
