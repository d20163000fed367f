"""Whole runs of a small scene: folder, recording, verdict, and every way in which a run can end."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import crumple
from crumple import run_folder
from crumple.execution import Watch, execute
from crumple.exit_codes import EXIT_CODES
from small_scene import write_scene


def run(scene: Path, **options: Any) -> crumple.Result:
    return crumple.run(scene, out=scene.parent / "runs", **options)


def test_a_run_passes_and_its_signals_follow_the_law_of_motion(tmp_path: Path) -> None:
    result = run(write_scene(tmp_path))
    assert (result.verdict, result.exit_code) == ("pass", 0)
    assert result.reason == "4 of 4 requirements held"
    t, speed = result.t, result.signals["car.speed"]
    assert len(t) == 1501
    assert (t[0], t[1], t[-1]) == (0.0, 1e-4, 0.15)  # counted, not added
    assert speed == pytest.approx(np.maximum(0.0, 15.0 - 300.0 * t), abs=1e-12)
    # the switch adds 300 m/s^2 * 0.5 ms = 0.15 m/s a step, but sees the car at rest in its first: it exceeds
    # 1.1 m/s in its ninth, which ends at 4.5 ms
    assert result.requirements["time_to_close"].value == pytest.approx(4.5)
    assert result.metrics == {
        "chest": result.requirements["chest"].value,
        "time_to_close": pytest.approx(4.5),
    }
    assert result.requirements["chest"].value == pytest.approx(300 / 9.80665, rel=1e-12)


def test_a_late_switch_fails_with_requirement_value_limit_and_cause(tmp_path: Path) -> None:
    watch = Watch()
    result = execute(write_scene(tmp_path), set={"switch.threshold": "50 m/s"}, out=tmp_path, watch=watch)
    assert (result.verdict, result.exit_code) == ("fail", 1)
    assert result.reason == "time_to_close: first_time(switch.closed) never came; the limit is 16.9 ms"
    assert watch.hints[0] == "switch.closed stayed 0"


def test_a_scene_parameter_changes_the_run_and_what_applies(tmp_path: Path) -> None:
    result = run(write_scene(tmp_path), set={"speed": "8 km/h"})
    assert result.verdict == "pass"
    assert result.requirements["time_to_close"].status == "not_applicable"
    assert result.signals["car.speed"][0] == pytest.approx(8 / 3.6)


def test_without_requirements_a_run_is_done(tmp_path: Path) -> None:
    result = run(write_scene(tmp_path, required=False))
    assert (result.verdict, result.exit_code, result.reason) == ("done", 0, "nothing was required")


def test_the_folder_holds_what_ran_and_what_came_out(tmp_path: Path) -> None:
    scene = write_scene(tmp_path)
    result = run(scene, seed=7, threads=1, set={"speed": "10 m/s"})
    assert sorted(p.name for p in result.folder.iterdir()) == [
        "events.jsonl",
        "manifest.json",
        "seal.json",
        "signals-100us.jsonl",
        "signals-100us.npy",
        "verdict.json",
    ]
    manifest = result.manifest
    assert manifest["files"] == [
        {"path": str(scene), "sha256": run_folder.sha256_of(scene), "text": scene.read_text()}
    ]
    assert (manifest["seed"], manifest["threads"], manifest["stop_tick"]) == (7, 1, 1500)
    assert (manifest["parameters"], manifest["set"]) == ({"speed": "10 m/s"}, {"speed": "10 m/s"})
    assert manifest["units"]["car"]["sha256"] == run_folder.sha256_of(tmp_path / "units.py")
    assert manifest["id"].startswith(result.folder.name.rpartition("-")[2])
    assert manifest["crumple"] == crumple.__version__
    assert {"python", "platform", "host", "command", "started"} <= manifest.keys()
    assert [e["event"] for e in result.events if e["event"] != "warning"] == ["start", "end"]
    written = json.loads((result.folder / "verdict.json").read_text())
    assert (written["verdict"], written["state"], written["tick"]) == ("pass", "ended", 1500)
    assert len(written["conditions"]) == 5
    assert all(condition["holds"] for condition in written["conditions"])


def test_the_id_is_of_what_is_run_not_of_where_or_when(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    first = run(write_scene(tmp_path)).manifest["id"]
    assert run(write_scene(tmp_path / "elsewhere"), threads=2).manifest["id"] == first
    assert run(write_scene(tmp_path), seed=1).manifest["id"] != first
    assert run(write_scene(tmp_path), set={"speed": "9 m/s"}).manifest["id"] != first
    assert run(write_scene(tmp_path), stop="100 ms").manifest["id"] != first
    scene = write_scene(tmp_path)
    (tmp_path / "units.py").write_text((tmp_path / "units.py").read_text() + "\n# changed\n")
    assert run(scene).manifest["id"] != first


def test_a_run_never_overwrites_another(tmp_path: Path) -> None:
    scene = write_scene(tmp_path)
    folders = {run(scene, stop="1 ms").folder for _ in range(5)}
    assert len(folders) == 5
    assert all((folder / "verdict.json").is_file() for folder in folders)


def test_the_same_scene_gives_the_same_digest_and_another_seed_or_speed_its_own(tmp_path: Path) -> None:
    scene = write_scene(tmp_path)
    first = run(scene)
    assert len(first.digest) == 16
    assert run(scene, threads=2).digest == first.digest
    assert run(scene, set={"speed": "14 m/s"}).digest != first.digest


def test_recording_groups_have_their_own_rates_and_requirements_are_always_recorded_in_full(
    tmp_path: Path,
) -> None:
    group = '[record]\nsignals = ["car.corners", "car.speed", "car.text"]\nperiod = "1 ms"'
    result = run(write_scene(tmp_path, group))
    slow, full = np.load(result.folder / "signals-1ms.npy"), np.load(result.folder / "signals-100us.npy")
    assert (len(slow), len(full)) == (151, 1501)
    assert slow.dtype["car.corners"].shape == (2,)
    assert len(result.signals["car.speed"]) == 1501  # the finer of the two
    assert len(result.signals["car.corners"]) == len(result.signals.t("car.corners")) == 151
    assert result.signals["car.corners[1]"][0] == 0.0
    assert len(result.t) == 1501
    assert result.verdict == "pass"


def test_strings_are_recorded_at_each_change(tmp_path: Path) -> None:
    result = run(write_scene(tmp_path))
    changes = result.signals.changes("car.text")
    assert [text for _, text in changes] == ["drives", "stands"]
    assert changes[1][0] == pytest.approx(0.05, abs=1.5e-4)  # 15 m/s at 300 m/s^2
    texts = result.signals["car.text"]
    assert (texts[0], texts[-1], len(texts)) == ("drives", "stands", 1501)


def test_a_run_stopped_before_its_end_is_inconclusive(tmp_path: Path) -> None:
    result = run(write_scene(tmp_path), stop="130 ms")
    assert (result.verdict, result.exit_code) == ("inconclusive", 3)
    assert result.requirements["deceleration"].status == "pass"  # its window ends at 120 ms
    assert result.requirements["chest"].status == "inconclusive"
    assert "(the run was stopped at 130 ms)" in result.reason
    early = run(write_scene(tmp_path), stop="20 ms", set={"switch.threshold": "50 m/s"})
    assert (early.verdict, early.exit_code) == ("fail", 1)  # what is broken stays broken


def test_a_run_may_go_beyond_the_scene(tmp_path: Path) -> None:
    result = run(write_scene(tmp_path), stop="200 ms")
    assert (result.verdict, len(result.t)) == ("pass", 2001)


def test_a_plugin_that_raises_is_an_error_with_its_own_traceback(tmp_path: Path) -> None:
    watch = Watch()
    scene = write_scene(tmp_path)
    result = execute(scene, set={"switch.trouble": "raise"}, out=tmp_path / "runs", watch=watch)
    assert (result.verdict, result.exit_code) == ("error", 4)
    fact = "ZeroDivisionError: the switch is broken"
    assert result.reason == f"unit 'switch' failed in step at t = 0.01 s (tick 100): {fact}"
    assert result.digest == ""
    (event,) = [e for e in result.events if e["event"] == "error"]
    assert [line for line in event["traceback"] if line.startswith("  File")] == [
        f'  File "{tmp_path / "units.py"}", line {line}, in {where}'
        for line, where in ((_line("self.do(self.trouble)"), "step"), (_line("raise ZeroDiv"), "do"))
    ]
    assert event["traceback"][-1] == fact
    assert isinstance(watch.error, crumple.StepError)
    assert (watch.error.unit, watch.error.tick) == ("switch", 100)
    # the switch steps at the end of its window, from tick 100 to 105: up to 104 everything is kept
    assert len(crumple.open_run(result.folder).t) == 105


def _line(text: str) -> int:
    from small_scene import UNITS

    return next(n for n, line in enumerate(UNITS.splitlines(), 1) if text in line)


def test_nan_in_an_output_is_an_error_and_not_recorded(tmp_path: Path) -> None:
    result = run(write_scene(tmp_path), set={"switch.trouble": "nan"})
    assert (result.verdict, result.exit_code) == ("error", 4)
    assert "the value is NaN" in result.reason
    assert np.isfinite(result.signals["switch.closed"]).all()
    finite = next(c for c in result.conditions if c.name == "no output was NaN or infinite")
    assert finite.holds is False


def test_a_plugin_that_calls_sys_exit_is_an_error(tmp_path: Path) -> None:
    result = run(write_scene(tmp_path), set={"switch.trouble": "sys.exit"})
    assert (result.verdict, result.exit_code) == ("error", 4)
    assert "SystemExit" in result.reason


def test_an_interrupt_is_inconclusive_with_all_data_kept(tmp_path: Path) -> None:
    result = run(write_scene(tmp_path), set={"switch.trouble": "interrupt"})
    assert (result.verdict, result.exit_code) == ("inconclusive", 3)
    assert result.reason.startswith("interrupted by Ctrl-C at t = 10.4 ms")
    assert len(result.t) == 105
    assert crumple.open_run(result.folder).reason == result.reason
    assert [e["event"] for e in result.events][-2:] == ["interrupted", "end"]


def test_sigterm_interrupts_and_is_named(tmp_path: Path) -> None:
    def later() -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    timer = threading.Timer(0.3, later)
    watch = Watch(started=lambda outline: timer.start())
    result = execute(write_scene(tmp_path), set={"car.wait": 0.002}, out=tmp_path, watch=watch)
    timer.join()
    assert result.verdict == "inconclusive"
    assert result.reason.startswith("interrupted by SIGTERM")
    assert 0 < result.tick < 1500
    assert len(result.t) == result.tick + 1
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_run_goes_on_in_a_thread_where_signals_cannot_be_handled(tmp_path: Path) -> None:
    results: list[crumple.Result] = []
    thread = threading.Thread(target=lambda: results.append(run(write_scene(tmp_path))))
    thread.start()
    thread.join()
    assert results[0].verdict == "pass"


def test_what_cannot_be_loaded_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(crumple.SceneError):
        run(write_scene(tmp_path), set={"speod": "8 km/h"})
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_cannot_be_made_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file, not a folder")
    with pytest.raises(crumple.UsageError, match="--out"):
        run(write_scene(tmp_path))


def test_a_loaded_scene_runs_too(tmp_path: Path) -> None:
    scene = crumple.load_scene(write_scene(tmp_path), set={"speed": "10 m/s"})
    result = crumple.run(scene, seed=3, out=tmp_path / "runs")
    assert (result.verdict, result.manifest["seed"]) == ("pass", 3)
    with pytest.raises(crumple.UsageError, match="load_scene"):
        crumple.run(scene, stop="1 ms", out=tmp_path / "runs")
    assert crumple.run(replace(scene, title="another"), out=tmp_path / "runs").verdict == "pass"


_LIMITED = """
import resource, signal, sys, crumple
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
result = crumple.run(sys.argv[1], out=sys.argv[3])
print(result.verdict, result.exit_code, result.reason)
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="needs a limit on the size of files")
def test_a_disk_that_is_full_is_an_error_and_never_a_pass(tmp_path: Path) -> None:
    scene = write_scene(tmp_path)  # its recording takes 72 kB
    shown = subprocess.run(
        [sys.executable, "-c", _LIMITED, scene, "30000", tmp_path / "runs"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert shown.startswith("error 4 ")
    assert "signals-100us.npy" in shown
    (folder,) = (tmp_path / "runs").iterdir()
    found = crumple.open_run(folder)
    assert found.verdict == "error"
    assert 0 < len(found.t) < 1501
    assert found.t == pytest.approx(np.arange(len(found.t)) / 10000)


def test_a_verdict_that_cannot_be_written_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = run_folder.write_json

    def full(path: Path, content: Any) -> None:
        if content.get("state") == "ended":
            raise OSError(28, "No space left on device")
        write(path, content)

    monkeypatch.setattr(run_folder, "write_json", full)
    result = run(write_scene(tmp_path))
    assert (result.verdict, result.exit_code) == ("error", 4)
    assert "No space left on device" in result.reason
    monkeypatch.undo()
    assert crumple.open_run(result.folder).verdict == "inconclusive"  # on the disk it stays what it was


def test_a_unit_may_end_the_run_which_is_no_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drive = crumple.World.drive

    def ends(world: crumple.World, until: int, **pace: Any) -> str:
        if until > 200:
            raise crumple.EndError("car", "step", world.tick, world.t, "out of fuel")
        return drive(world, until, **pace)

    monkeypatch.setattr(crumple.World, "drive", ends)
    result = run(write_scene(tmp_path))
    assert (result.verdict, result.exit_code) == ("inconclusive", 3)
    assert result.reasons[0].startswith("unit 'car' asked to end the run at t = ")
    assert len(result.t) == result.tick + 1
    assert result.events[-2]["event"] == "unit_ended"
    failed = run(write_scene(tmp_path), set={"car.rate": 700})
    assert (failed.verdict, failed.exit_code) == ("fail", 1)  # 71 g in the first 3 ms: that stays broken


def test_a_fault_of_our_own_is_an_error_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(world: crumple.World, until: int, **pace: Any) -> str:
        raise MemoryError("no memory left")

    monkeypatch.setattr(crumple.World, "drive", breaks)
    result = run(write_scene(tmp_path))
    assert (result.verdict, result.exit_code) == ("error", 4)
    assert result.reason == "MemoryError: no memory left"


def test_the_verdict_is_inconclusive_from_before_the_first_step(tmp_path: Path) -> None:
    seen: list[Any] = []

    def started(outline: Any) -> None:
        seen.append(json.loads((outline.folder / "verdict.json").read_text()))
        seen.append(crumple.open_run(outline.folder).reason)

    result = execute(write_scene(tmp_path), out=tmp_path / "runs", watch=Watch(started=started))
    assert (seen[0]["verdict"], seen[0]["exit_code"]) == ("inconclusive", EXIT_CODES["inconclusive"])
    assert seen[1].startswith("the run is still going on")
    assert result.verdict == "pass"


def test_the_time_of_every_unit_is_measured_where_asked(tmp_path: Path) -> None:
    watch = Watch(profiling=True)
    execute(write_scene(tmp_path), out=tmp_path / "runs", watch=watch)
    assert {row.unit: row.count for row in watch.profile} == {"car": 1500, "switch": 300}
    assert sum(row.share for row in watch.profile) == pytest.approx(1.0)
