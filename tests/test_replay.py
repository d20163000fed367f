"""A replay is the run again, bit for bit, or says where the two part; with other parameters it is a what-if."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import crumple
from crumple.cli.app import invoke
from crumple.errors import UsageError
from crumple.execution import Watch, execute
from crumple.fmu import bundled_fmus
from crumple.replaying import ReplayError, replay
from crumple.run_folder import RunFolder, write_json
from crumple.verdict import not_finished
from small_scene import write_scene

CHANCE = '''
import time
from crumple import Output, Unit

class Chance(Unit):
    """What no seed decides, from tick 30 on."""
    wide = Output("1", shape=2)
    quiet = Output("1")

    def step(self, now):
        self.quiet = float(now.tick)
        if now.tick >= 30:
            self.wide = [1.0, float(time.time_ns() % 1_000_003)]
'''


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> crumple.Result:
    """A run that passes, with a parameter and a seed of its own."""
    folder = tmp_path_factory.mktemp("original")
    return crumple.run(write_scene(folder), set={"speed": "16 m/s"}, seed=7, out=folder / "runs")


def copied(result: crumple.Result, folder: Path) -> Path:
    """A copy of a run, to be damaged."""
    return Path(shutil.copytree(result.folder, folder / result.folder.name))


def cut_off(result: crumple.Result, folder: Path, *, rows: float) -> Path:
    """The same run as if it had been killed when so many rows were in its file, the last one in part."""
    copy = copied(result, folder)
    (copy / "seal.json").unlink()
    write_json(copy / "verdict.json", {"crumple": 1, "state": "running", **not_finished().to_json()})
    (file,) = copy.glob("signals*.npy")
    array = np.load(file, mmap_mode="r")
    length = array.offset + int(rows * array.dtype.itemsize)
    del array
    with open(file, "r+b") as opened:
        opened.truncate(length)
    return copy


# -- the same run -----------------------------------------------------------------------------------------------


def test_a_replay_has_the_digest_of_the_run_and_a_folder_of_its_own(
    original: crumple.Result, tmp_path: Path
) -> None:
    again = replay(original, out=tmp_path)
    assert again.digest == original.digest
    assert (again.same, again.exit_code, again.seed) == (True, 0, 7)
    assert again.outcome == f"same digest {original.digest}: bit for bit the run {original.folder.name}"
    assert again.folder.parent == tmp_path
    assert again.metrics == original.metrics
    assert again.manifest["replay_of"]["run"] == str(original.folder)
    assert again.manifest["replay_of"]["digest"] == original.digest
    assert again.manifest["id"] == original.manifest["id"]


def test_a_replay_can_be_replayed(original: crumple.Result, tmp_path: Path) -> None:
    assert replay(replay(original, out=tmp_path).folder, out=tmp_path).digest == original.digest


def test_a_run_that_was_stopped_early_is_replayed_as_far(original: crumple.Result, tmp_path: Path) -> None:
    scene = original.manifest["files"][-1]["path"]
    stopped = crumple.run(scene, stop="50 ms", out=tmp_path)
    again = replay(stopped, out=tmp_path)
    assert (again.tick, again.digest, again.verdict) == (500, stopped.digest, "inconclusive")


def test_a_run_in_worker_processes_is_replayed_in_them(original: crumple.Result, tmp_path: Path) -> None:
    scene = original.manifest["files"][-1]["path"]
    apart = crumple.run(scene, isolate=True, stop="5 ms", out=tmp_path)
    again = replay(apart, out=tmp_path)
    assert (again.isolated, again.digest) == (["car", "switch"], apart.digest)


def test_an_interrupted_run_is_replayed_to_its_tick_and_is_not_made_better(
    original: crumple.Result, tmp_path: Path
) -> None:
    def reached(t: float) -> None:
        if t > 0.01:
            signal.raise_signal(signal.SIGINT)

    scene = write_scene(tmp_path, required=False)
    broken_off = execute(scene, out=tmp_path / "runs", watch=Watch(reached=reached))
    assert (broken_off.verdict, broken_off.tick < 1500) == ("inconclusive", True)
    again = replay(broken_off, out=tmp_path / "runs")
    assert (again.tick, again.digest, again.same) == (broken_off.tick, broken_off.digest, True)
    assert (again.verdict, again.exit_code) == ("done", 3)


def test_a_run_that_failed_fails_again_at_the_same_tick(original: crumple.Result, tmp_path: Path) -> None:
    scene = write_scene(tmp_path)
    failed = crumple.run(scene, set={"switch.trouble": "raise"}, out=tmp_path / "runs")
    again = replay(failed, out=tmp_path / "runs")
    assert (again.verdict, again.exit_code, again.reason) == ("error", 4, failed.reason)
    assert again.same
    assert "recorded rows, bit for bit those of" in again.outcome


@pytest.mark.parametrize("rows", [1.0, 700.0, 700.4, 1501.0])
def test_a_killed_run_is_held_against_the_rows_that_it_left(
    original: crumple.Result, tmp_path: Path, rows: float
) -> None:
    killed = cut_off(original, tmp_path, rows=rows)
    again = replay(killed, out=tmp_path / "runs")
    assert again.same
    assert again.comparison is not None
    assert again.comparison.rows == len(crumple.open_run(killed).t)
    assert again.comparison.rows >= int(rows) - 1
    assert again.digest == original.digest


def test_a_killed_run_whose_rows_are_others_is_not_the_same(original: crumple.Result, tmp_path: Path) -> None:
    killed = cut_off(original, tmp_path, rows=1000)
    (file,) = killed.glob("signals*.npy")
    array = np.load(original.folder / file.name, mmap_mode="r")
    place = array.offset + 600 * array.dtype.itemsize + array.dtype.fields["car.speed"][1]  # type: ignore[index]
    with open(file, "r+b") as opened:
        opened.seek(place)
        byte = opened.read(1)
        opened.seek(place)
        opened.write(bytes([byte[0] ^ 1]))
    with pytest.raises(ReplayError, match=r"parts from .* at t = 60 ms \(tick 600\): car\.speed") as caught:
        replay(killed, out=tmp_path / "runs")
    assert caught.value.result.exit_code == 4


# -- not the same run -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def by_chance(tmp_path_factory: pytest.TempPathFactory) -> crumple.Result:
    folder = tmp_path_factory.mktemp("chance")
    (folder / "chance.py").write_text(CHANCE)
    scene = folder / "chance.toml"
    scene.write_text(
        'crumple = 1\n[clock]\nperiod = "1 ms"\nstop = "100 ms"\n[units.die]\nplugin = "chance.py:Chance"\n'
    )
    return crumple.run(scene, out=folder / "runs")


def test_another_digest_is_an_error_that_names_the_first_tick_and_signal(
    by_chance: crumple.Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ReplayError, match=r"at t = 31 ms \(tick 31\): die\.wide") as caught:
        replay(by_chance, out=tmp_path)
    assert caught.value.result.same is False
    assert caught.value.result.comparison is not None
    assert caught.value.result.comparison.first is not None
    assert caught.value.result.comparison.first.tick == 31
    assert invoke(["replay", str(by_chance.folder), "--out", str(tmp_path)]) == 4
    shown = capsys.readouterr().out
    assert "NOT THE SAME" in shown
    assert "(tick 31)" in shown


def test_a_difference_that_was_not_recorded_is_told_as_that(tmp_path: Path) -> None:
    (tmp_path / "chance.py").write_text(CHANCE)
    scene = tmp_path / "chance.toml"
    scene.write_text(
        'crumple = 1\n[clock]\nperiod = "1 ms"\nstop = "100 ms"\n[units.die]\nplugin = "chance.py:Chance"\n'
        '[record]\nsignals = ["die.quiet"]\n'
    )
    with pytest.raises(
        ReplayError, match=r"what differs was not recorded \(101 recorded rows are the same\)"
    ):
        replay(crumple.run(scene, out=tmp_path), out=tmp_path)


# -- what if ----------------------------------------------------------------------------------------------------


def test_a_what_if_names_the_first_difference_and_the_verdicts_that_turn(
    original: crumple.Result, tmp_path: Path
) -> None:
    after = int(np.flatnonzero(original.signals["switch.closed"])[0])
    other = replay(original, set={"switch.threshold": "50 m/s"}, out=tmp_path)
    assert other.same is None
    assert other.comparison is not None
    first = other.comparison.first
    assert first is not None
    assert (first.tick, first.signal, first.was, first.now) == (after, "switch.closed", 1.0, 0.0)
    assert [each.name for each in other.requirement_changes if each.turned] == ["time_to_close"]
    assert (other.verdict, other.exit_code) == ("fail", 1)
    assert other.metrics["time_to_close"] == float("inf")


def test_a_what_if_keeps_what_the_run_was_given(original: crumple.Result, tmp_path: Path) -> None:
    other = replay(original, set={"car.rate": "400 m/s^2"}, out=tmp_path)
    assert other.signals["car.speed"][0] == 16.0  # as --set gave it to the run, not 15 as in the scene
    assert (other.seed, other.tick) == (7, original.tick)


def test_a_what_if_that_changes_nothing_says_so(original: crumple.Result, tmp_path: Path) -> None:
    same = replay(original, set={"switch.threshold": "1.1 m/s"}, out=tmp_path)
    assert same.outcome == f"makes no difference: same digest {original.digest}"


def test_a_parameter_that_is_not_there_is_refused(original: crumple.Result, tmp_path: Path) -> None:
    with pytest.raises(crumple.SceneError, match="the scene has no parameter of this name"):
        replay(original, set={"sped": 3}, out=tmp_path)
    assert list(tmp_path.iterdir()) == []


# -- what has changed since -------------------------------------------------------------------------------------


def test_the_scene_is_run_as_it_was_written_then(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(write_scene(tmp_path).read_text())
    scene = tmp_path / "sub" / "child.toml"
    scene.parent.mkdir()
    scene.write_text('include = "../base.toml"\ncrumple = 1\n[parameters]\nspeed = "9 m/s"\n')
    run = crumple.run(scene, out=tmp_path / "runs")
    scene.write_text("something else = ")
    (tmp_path / "base.toml").unlink()
    again = replay(run, out=tmp_path / "runs")
    assert again.same
    assert "base.toml is gone; what was run then is in the manifest" in again.notes[0]
    assert "child.toml has changed: its SHA-256 was" in again.notes[1]


def test_a_changed_scene_is_run_as_it_is_now_where_that_is_asked_for(tmp_path: Path) -> None:
    scene = write_scene(tmp_path)
    run = crumple.run(scene, out=tmp_path / "runs")
    scene.write_text(scene.read_text().replace('speed = "15 m/s"', 'speed = "12 m/s"'))
    other = replay(run, changed=True, out=tmp_path / "runs")
    assert (other.same, other.signals["car.speed"][0]) == (None, 12.0)
    assert "stop.toml has changed" in other.changed[0]


def test_a_changed_plugin_is_refused_unless_it_is_asked_for(tmp_path: Path) -> None:
    scene = write_scene(tmp_path)
    run = crumple.run(scene, out=tmp_path / "runs")
    plugin = tmp_path / "units.py"
    plugin.write_text(plugin.read_text() + "\n# changed\n")
    with pytest.raises(UsageError, match=r"unit 'car': the plugin .*units\.py has changed: its SHA-256 was"):
        replay(run, out=tmp_path / "runs")
    assert len(list((tmp_path / "runs").iterdir())) == 1
    other = replay(run, changed=True, out=tmp_path / "runs")
    assert other.same is None
    assert other.outcome.startswith("makes no difference: same digest")
    assert len(other.changed) == 2


def test_a_changed_fmu_is_refused_and_a_missing_one_named(tmp_path: Path) -> None:
    fmu = tmp_path / "crush.fmu"
    shutil.copy(bundled_fmus()["vehicle_crush"], fmu)
    scene = tmp_path / "crush.toml"
    scene.write_text(
        'crumple = 1\n[clock]\nperiod = "1 ms"\nstop = "20 ms"\n[units.vehicle]\nfmu = "crush.fmu"\n'
    )
    run = crumple.run(scene, out=tmp_path / "runs")
    assert replay(run, out=tmp_path / "runs").same
    content = fmu.read_bytes()
    assert content[-2:] == b"\0\0"  # the length of the archive's comment
    fmu.write_bytes(content[:-2] + b"\1\0x")
    with pytest.raises(UsageError, match=r"unit 'vehicle': the FMU .*crush\.fmu has changed"):
        replay(run, out=tmp_path / "runs")
    fmu.unlink()
    with pytest.raises(crumple.SceneError, match=r'the file "crush\.fmu" does not exist'):
        replay(run, out=tmp_path / "runs")


# -- what cannot be replayed ------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["manifest.json", "signals-100us.npy", "verdict.json"])
def test_a_damaged_run_is_refused(original: crumple.Result, tmp_path: Path, file: str) -> None:
    copy = copied(original, tmp_path)
    content = bytearray((copy / file).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / file).write_bytes(content)
    with pytest.raises(UsageError, match=file.replace(".", r"\.")):
        replay(copy, out=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"files": []}, "it holds no scene"),
        ({"seed": "x"}, r"manifest\.json is damaged"),
        ({"period": "1/0"}, r"manifest\.json is damaged"),
        ({"files": [{"path": "/x.toml", "sha256": "0" * 64, "text": ""}]}, "is not the one that was run"),
    ],
)
def test_a_manifest_that_says_something_else_is_refused(
    original: crumple.Result, tmp_path: Path, change: dict[str, Any], fact: str
) -> None:
    copy = copied(original, tmp_path)
    (copy / "seal.json").unlink()
    write_json(copy / "manifest.json", {**original.manifest, **change})
    with pytest.raises(UsageError, match=fact):
        replay(copy, out=tmp_path / "runs")


def test_what_somebody_put_beside_a_run_does_no_harm(original: crumple.Result, tmp_path: Path) -> None:
    copy = copied(original, tmp_path)
    (copy / "notes.txt").write_text("seen by me")
    assert replay(copy, out=tmp_path / "runs").same


def test_a_run_that_goes_on_is_refused(original: crumple.Result, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, name="alive", identity="0" * 64)
    try:
        with pytest.raises(UsageError, match="is still going on"):
            replay(folder.path, out=tmp_path)
    finally:
        folder.close()


def test_a_fork_of_a_run_without_live_inputs_goes_on_as_it_did(
    original: crumple.Result, tmp_path: Path
) -> None:
    fork = replay(original, until="3 ms", out=tmp_path)
    assert (fork.same, fork.digest) == (True, original.digest)
    assert "up to 3 ms, where the fork begins" in fork.outcome


# -- the command ------------------------------------------------------------------------------------------------


def test_the_command_says_that_it_is_the_same_run(
    original: crumple.Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["replay", str(original.folder), "--out", str(tmp_path)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert f"replay same digest {original.digest}: bit for bit the run {original.folder.name}" in shown
    assert "PASS 4 of 4 requirements held" in shown


def test_the_command_shows_then_and_now(
    original: crumple.Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["replay", str(original.folder), "--out", str(tmp_path), "--set", "switch.threshold=50 m/s"]
    assert invoke(asked) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "▸ time_to_close" in shown
    assert "pass → fail" in shown
    assert "switch.closed 1.0 then, 0.0 now" in shown
    assert "then the run was PASS" in shown


def test_the_command_tells_programs_all_of_it(
    original: crumple.Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["replay", str(original.folder), "--out", str(tmp_path), "--json", "--set", "car.rate=700"]
    code = invoke(asked)
    told = json.loads(capsys.readouterr().out)
    assert told["exit_code"] == code == 1
    assert told["replay"]["of"] == str(original.folder)
    assert told["replay"]["same"] is None
    assert told["replay"]["first_difference"]["tick"] == 1
    assert {"name": "chest", "was": "pass", "now": "fail"} in told["replay"]["requirements_turned"]
