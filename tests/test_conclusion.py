"""What goes wrong between the last step and the verdict on the disk: none of it leaves a pass behind."""

from __future__ import annotations

import json
import math
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import crumple
from crumple import conclusion, execution, requirement, run_folder, seal
from crumple.execution import Watch, execute
from crumple.metrics import MetricError
from crumple.recording import Signals
from crumple.run_folder import RunFolder
from largest_file import largest_file
from small_scene import write_scene

FULL = OSError(28, "No space left on device")


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    return write_scene(tmp_path)


def run(scene: Path, **options: Any) -> crumple.Result:
    return crumple.run(scene, out=scene.parent / "runs", **options)


def on_disk(result: crumple.Result) -> str:
    return str(json.loads((result.folder / "verdict.json").read_text())["verdict"])


def raising(error: BaseException) -> Callable[..., Any]:
    def raises(*arguments: Any, **options: Any) -> Any:
        raise error

    return raises


# every call that is made on the way from the last step to the verdict
STAGES = [
    (crumple.World, "digest"),
    (conclusion, "Signals"),
    (conclusion, "_counted"),
    (conclusion, "_close_recorders"),
    (requirement, "evaluate"),
    (conclusion, "judge"),
    (conclusion, "proven"),
    (RunFolder, "event"),
    (RunFolder, "write"),
    (seal, "seal"),
]
ERRORS: dict[type[BaseException], tuple[Any, ...]] = {
    OSError: (28, "No space left on device"),
    ZeroDivisionError: ("division by zero",),
    MemoryError: (),
    crumple.RecordError: ("the header is damaged",),
    MetricError: ("too short",),
    SystemExit: (0,),
}


@pytest.mark.parametrize("kind", ERRORS, ids=lambda e: e.__name__)
@pytest.mark.parametrize("stage", STAGES, ids=lambda s: s[1])
def test_a_failure_at_any_stage_leaves_no_success(
    scene: Path, monkeypatch: pytest.MonkeyPatch, stage: tuple[Any, str], kind: type[BaseException]
) -> None:
    where, name = stage
    unharmed = getattr(where, name)
    broken: list[int] = []

    def breaks(*arguments: Any, **options: Any) -> Any:
        if concluding and not (
            name == "judge" and broken
        ):  # the verdict over a failed judgement is judged, too
            broken.append(1)
            raise kind(*ERRORS[kind])
        return unharmed(*arguments, **options)

    concluding: list[bool] = []
    conclude = execution.conclude

    def concludes(*arguments: Any) -> crumple.Result:
        concluding.append(True)
        return conclude(*arguments)

    monkeypatch.setattr(execution, "conclude", concludes)
    monkeypatch.setattr(where, name, breaks)
    result = run(scene)
    monkeypatch.undo()
    assert broken
    assert (result.verdict, result.exit_code) == ("error", 4)
    fact = kind.__name__ if not ERRORS[kind] else str(ERRORS[kind][-1])
    assert fact in result.reason
    found = crumple.open_run(result.folder)
    assert found.verdict == ("inconclusive" if name == "write" else "error")


def test_a_metric_that_raises_is_named_and_the_others_are_judged_all_the_same(
    scene: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unharmed = requirement.evaluate

    def breaks(each: Any, seen: Any) -> Any:
        return unharmed(each, seen) if each.name != "chest" else 1 / 0

    monkeypatch.setattr(requirement, "evaluate", breaks)
    watch = Watch()
    result = execute(scene, out=scene.parent / "runs", watch=watch)
    assert (result.verdict, result.exit_code) == ("error", 4)
    fact = "clip_3ms(car.acceleration) could not be computed: ZeroDivisionError: division by zero"
    assert result.reason == f"requirement 'chest': {fact}"
    assert [r.status for r in result.requirements] == ["inconclusive", "pass", "pass", "pass"]
    assert result.requirements["chest"].reason == f"chest: {fact}"
    assert isinstance(watch.error, crumple.CrumpleError)
    (event,) = [e for e in result.events if e["event"] == "error"]
    assert event["traceback"][-1] == "ZeroDivisionError: division by zero"
    assert any("in breaks" in line for line in event["traceback"])
    assert result.digest  # what was stepped is not in doubt
    assert crumple.open_run(result.folder).to_json() == result.to_json()


def test_a_metric_that_gives_no_number_proves_nothing(scene: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from msgspec.structs import replace

    unharmed = requirement.evaluate
    for change, told in (
        ({"value": math.nan}, "car.speed is NaN"),
        ({"value": None}, "car.speed has no value"),
        ({"complete": False}, "not seen to its end"),
    ):

        def changes(each: Any, seen: Any, change: Any = change) -> Any:
            result = unharmed(each, seen)
            return replace(result, **change) if each.name == "stands" else result

        monkeypatch.setattr(requirement, "evaluate", changes)
        result = run(scene)
        assert (result.verdict, result.exit_code) == ("inconclusive", 3)
        assert result.reason == f"stands: {told}"
        assert result.requirements["stands"].status == "inconclusive"
        assert on_disk(result) == "inconclusive"


def test_an_error_of_the_run_stays_the_first_reason_where_judging_fails_too(
    scene: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conclusion, "Signals", raising(crumple.RecordError("the header is damaged")))
    result = run(scene, set={"switch.trouble": "raise"})
    assert result.verdict == "error"
    assert result.reasons[0].startswith("unit 'switch' failed in step at t = 0.01 s")
    assert result.reasons[1] == "the run could not be judged: RecordError: the header is damaged"


def test_hints_that_cannot_be_found_change_no_verdict(scene: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conclusion, "never_moved", raising(KeyError("car")))
    assert run(scene, set={"switch.threshold": "50 m/s"}).verdict == "fail"


# -- the disk ---------------------------------------------------------------------------------------------


def test_a_run_that_cannot_be_sealed_is_an_error_on_the_screen_and_on_the_disk(
    scene: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seal, "seal", raising(FULL))
    result = run(scene)
    text = f"the verdict could not be written to {result.folder}: No space left on device"
    assert (result.verdict, result.reason, on_disk(result)) == ("error", text, "error")


def test_a_pass_is_overwritten_in_its_place_where_no_new_file_fits(
    scene: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = run_folder.write_json

    def full(path: Path, content: Any) -> None:
        if content.get("verdict") == "error":
            raise FULL
        write(path, content)

    monkeypatch.setattr(seal, "seal", raising(FULL))
    monkeypatch.setattr(run_folder, "write_json", full)
    result = run(scene)
    monkeypatch.undo()
    assert (result.verdict, on_disk(result)) == ("error", "error")
    found = crumple.open_run(result.folder)
    assert (found.exit_code, found.reason) == (4, result.reason)


def test_a_pass_that_cannot_be_overwritten_is_removed(scene: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(folder: Path) -> None:
        (folder / "verdict.json").chmod(0o400)
        monkeypatch.setattr(run_folder, "write_json", raising(FULL))
        monkeypatch.setattr(os, "fsync", raising(OSError(5, "Input/output error")))
        raise FULL

    monkeypatch.setattr(seal, "seal", fails)
    result = run(scene)
    monkeypatch.undo()
    assert result.exit_code == 4
    place = result.folder / "verdict.json"
    assert not place.exists() or on_disk(result) == "error"


@pytest.mark.parametrize("most", [0, 200, 1000, 2000, 3000])
def test_files_that_cannot_grow_any_more_leave_no_success(
    scene: Path, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    conclude = execution.conclude

    def concludes(
        *arguments: Any, **options: Any
    ) -> Any:  # the recording fits, what is written after it does not
        with largest_file(most):
            return conclude(*arguments, **options)

    # events have some 200 bytes, seal.json some 1,500, verdict.json some 3,400
    monkeypatch.setattr(execution, "conclude", concludes)
    result = run(scene)
    assert result.exit_code == 4
    assert crumple.open_run(result.folder).exit_code in (3, 4)


# -- interrupts -------------------------------------------------------------------------------------------


def interrupting(unharmed: Callable[..., Any], *signals: int) -> Callable[..., Any]:
    def interrupts(*arguments: Any, **options: Any) -> Any:
        for number in signals:
            os.kill(os.getpid(), number)
            time.sleep(0.001)
        return unharmed(*arguments, **options)

    return interrupts


@pytest.mark.parametrize(
    ("number", "name"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")], ids=["SIGINT", "SIGTERM"]
)
@pytest.mark.parametrize("stage", STAGES[:6], ids=lambda s: s[1])
def test_an_interrupt_while_the_run_is_judged_is_inconclusive(
    scene: Path, monkeypatch: pytest.MonkeyPatch, stage: tuple[Any, str], number: int, name: str
) -> None:
    monkeypatch.setattr(*stage, interrupting(getattr(*stage), number))
    result = run(scene)
    assert (result.verdict, result.exit_code) == ("inconclusive", 3)
    assert result.reasons[0] == f"interrupted by {name} while the run was being judged"
    assert on_disk(result) == "inconclusive"
    assert result.conditions and not any(c.holds for c in result.conditions if "recording" in c.name)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("stage", [(RunFolder, "write"), (seal, "seal")], ids=lambda s: s[1])
def test_signals_cannot_disturb_the_writing_of_a_verdict(
    scene: Path, monkeypatch: pytest.MonkeyPatch, stage: tuple[Any, str]
) -> None:
    unharmed = getattr(*stage)
    interrupted = interrupting(unharmed, signal.SIGINT, signal.SIGTERM, signal.SIGTERM)

    def at_the_end(*arguments: Any) -> Any:
        last = stage[1] == "seal" or arguments[2].get("state") == "ended"
        return (interrupted if last else unharmed)(*arguments)

    monkeypatch.setattr(*stage, at_the_end)
    result = run(scene)
    assert (result.verdict, on_disk(result)) == ("pass", "pass")
    assert seal.verify(result.folder).state == "whole"


def test_a_signal_that_comes_twice_at_once_is_one(scene: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # as from `timeout`, which sends to the command and to its group, in which the supervisor passes it on
    drive = crumple.World.drive

    def interrupted(world: crumple.World, until: int, **pace: Any) -> str:
        if world.tick >= 100:
            interrupting(drive, signal.SIGTERM)(world, until, **pace)
        return drive(world, until, **pace)

    monkeypatch.setattr(crumple.World, "drive", interrupted)
    monkeypatch.setattr(conclusion, "judge", interrupting(conclusion.judge, signal.SIGTERM))
    result = run(scene)
    assert result.verdict == "inconclusive"
    assert result.reason.startswith("interrupted by SIGTERM at t = ")
    assert len(result.t) == result.tick + 1


def test_a_later_second_signal_ends_the_judging_of_an_interrupted_run(
    scene: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crumple.interrupts._SAME", 0.0)
    monkeypatch.setattr(conclusion, "Signals", interrupting(Signals, signal.SIGTERM))
    result = run(scene, set={"switch.trouble": "interrupt"})
    assert result.reason == "interrupted by SIGTERM while the run was being judged"
    assert (result.verdict, on_disk(result)) == ("inconclusive", "inconclusive")


# -- units ------------------------------------------------------------------------------------------------


def test_units_are_freed_before_the_verdict_is_written(scene: Path) -> None:
    units = scene.parent / "units.py"
    watcher = (
        "class Car(Unit):\n    def __del__(self):\n"
        "        import json, pathlib\n"
        "        (path,) = pathlib.Path(__file__).parent.glob('runs/*/verdict.json')\n"
        "        pathlib.Path(__file__).with_name('seen').write_text(json.loads(path.read_text())['state'])\n"
    )
    units.write_text(units.read_text().replace("class Car(Unit):\n", watcher))
    assert run(scene).verdict == "pass"
    assert (scene.parent / "seen").read_text() == "running"


def test_isolation_is_in_the_manifest_and_not_in_the_identity(scene: Path) -> None:
    plain = run(scene)
    here = run(scene, isolate=False, step_timeout="2 s")
    assert (plain.manifest["isolate"], plain.manifest["step_timeout"]) == (None, None)
    assert (here.manifest["isolate"], here.manifest["step_timeout"]) == (False, 2.0)
    assert here.manifest["id"] == plain.manifest["id"]
    assert here.digest == plain.digest


@pytest.mark.parametrize("given", ["0 s", "-1 s", "1 kg", "soon", math.nan, math.inf, 1e12])
def test_a_step_timeout_that_is_no_time_is_a_usage_error(scene: Path, given: Any) -> None:
    with pytest.raises(crumple.UsageError, match="step timeout"):
        run(scene, step_timeout=given)
    assert not (scene.parent / "runs").exists()
