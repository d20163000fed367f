"""A run with live inputs is replayed from its tape: the same bits, without the rig, also after a kill; or refused."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import crumple
from crumple.cli.app import invoke
from crumple.errors import CrumpleError, UsageError
from crumple.execution import Outline, Watch, execute
from crumple.live.plan import STAMPS, STATES, Channel
from crumple.replaying import replay
from crumple.run_folder import write_json
from crumple.tape import Tape
from crumple.tape_play import open_tape, pace
from crumple.tape_run import read_run
from crumple.verdict import not_finished

pytest.importorskip("zmq")

UNITS = '''
from crumple import Input, Output, Parameter, Unit

class Sum(Unit):
    """What came in while it was on, added up."""
    a = Input("m/s^2")
    on = Input(kind="boolean")
    by_hand = Input("m/s")
    y = Output("m/s")
    gain = Parameter(1.0, "1")

    def reset(self):
        self.sum = 0.0

    def step(self, now):
        self.sum += self.gain * self.a * now.dt * self.on
        self.y = self.sum + self.by_hand
'''
SCENE = """
crumple = 1
title = "a rig in lockstep"

[clock]
period = "1 ms"
stop = "200 ms"
mode = "lockstep"

[rigs.bench]
zmq = "{address}"
timeout = "20 s"

[sensors.front]
rig = "bench"
channels = {{ a = "m/s^2", on = {{ kind = "boolean" }}, n = {{ kind = "integer" }} }}

[actuators.out]
rig = "bench"
channels = {{ y = {{ from = "sum.y", safe = 0.0 }} }}

[units.sum]
plugin = "sum.py:Sum"

[connect]
"sum.a" = "front.a"
"sum.on" = "front.on"

[requirements.slow]
signal = "sum.y"
max = "100 m/s"
"""


def measured() -> Tape:
    """200 samples of three kinds, which nobody could guess."""
    random = np.random.default_rng(3)
    values = {"a": random.normal(size=200), "on": random.integers(0, 2, 200), "n": np.arange(200) * 3}
    kinds = {"on": "boolean", "n": "integer"}
    return Tape.from_arrays(np.arange(200) / 1000, values, si={"a": "m/s^2"}, kinds=kinds, sensor="front")


@contextmanager
def rig(
    address: str, *, at: Callable[[int], None] = lambda tick: None, timeout: float = 20.0
) -> Iterator[None]:
    """A rig in lockstep that plays `measured` to whoever comes. at: called before each sample."""
    from crumple.live import Rig

    receives = [Channel(name="y", si="m/s")]

    def play() -> None:
        tape = measured()
        ours = Rig(address, sends=tape.channels(), receives=receives, safe={"y": 0.0}, timeout=timeout)
        with ours, suppress(CrumpleError):
            ours.start(timeout=20)
            pace(tape, ours, reached=lambda t: at(round(t * 1000) + 1))

    thread = threading.Thread(target=play)
    thread.start()
    try:
        yield
    finally:
        thread.join(timeout=60)


def prepared(folder: Path) -> tuple[Path, str]:
    """The scene and the address of its rig."""
    address = f"ipc://{folder}/w"
    if len(address) > 100:
        pytest.skip("the folder for temporary files has too long a name for a socket")
    (folder / "sum.py").write_text(UNITS)
    (folder / "bench.toml").write_text(SCENE.format(address=address))
    return folder / "bench.toml", address


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> crumple.Result:
    folder = tmp_path_factory.mktemp("live")
    scene, address = prepared(folder)
    with rig(address):
        result = crumple.run(scene, out=folder / "runs")
    assert (result.verdict, result.tick) == ("pass", 200), result
    return result


def unsealed(result: crumple.Result, folder: Path, *, ended: bool = False) -> Path:
    """A copy of a run as a kill would have left it: without a verdict and a seal."""
    copy = Path(shutil.copytree(result.folder, folder / result.folder.name))
    (copy / "seal.json").unlink()
    if not ended:
        write_json(copy / "verdict.json", {"crumple": 1, "state": "running", **not_finished().to_json()})
    return copy


def cut_to(file: Path, rows: float) -> None:
    """Cut a recording after so many rows, the last one in part."""
    array = np.load(file, mmap_mode="r")
    length = array.offset + int(rows * array.dtype.itemsize)
    del array
    with open(file, "r+b") as opened:
        opened.truncate(length)


# -- the same run -----------------------------------------------------------------------------------------------


def test_the_replay_of_a_live_run_has_its_digest_and_needs_no_rig(
    original: crumple.Result, tmp_path: Path
) -> None:
    again = replay(original, out=tmp_path)
    assert (again.same, again.digest, again.verdict) == (True, original.digest, "pass")
    assert np.load(again.folder / "tape.npy").tobytes() == np.load(original.folder / "tape.npy").tobytes()
    assert replay(again, out=tmp_path).same  # its tape is as good


def test_the_tape_holds_what_the_rig_said_and_the_stamps(original: crumple.Result) -> None:
    tape = Tape.of_run(original.folder)
    names, rows = tape.rows("front")
    assert names == ("a", "on", "n", *STAMPS)
    assert len(tape) == 201
    sent = measured().rows()[1]
    assert rows[1:, :3].tobytes() == sent.tobytes()
    assert rows[1:, names.index("sequence")].tolist() == list(range(1, 201))
    assert rows[0, names.index("state")] == STATES.index("none")
    assert set(rows[1:, names.index("state")]) == {STATES.index("fresh")}
    assert (rows[1:, names.index("age")] >= 0).all()


def test_a_replay_in_real_time_has_the_same_bits(original: crumple.Result, tmp_path: Path) -> None:
    assert invoke(["replay", str(original.folder), "--speed", "5", "--out", str(tmp_path)]) == 0
    (folder,) = tmp_path.iterdir()
    assert crumple.open_run(folder).digest == original.digest


def test_a_what_if_hears_what_the_run_heard(original: crumple.Result, tmp_path: Path) -> None:
    other = replay(original, set={"sum.gain": 2.0}, out=tmp_path)
    assert other.signals["front.a"].tobytes() == original.signals["front.a"].tobytes()
    assert other.signals["sum.y"] == pytest.approx(2 * original.signals["sum.y"], rel=1e-12)
    assert other.comparison is not None
    assert other.comparison.first is not None
    first = int(np.flatnonzero(original.signals["sum.y"])[0])
    assert (other.comparison.first.tick, other.comparison.first.signal) == (first, "sum.y")


def test_a_fork_is_the_run_up_to_its_moment_and_hears_nothing_after_it(
    original: crumple.Result, tmp_path: Path
) -> None:
    fork = replay(original, until="80 ms", out=tmp_path)
    assert (fork.same, fork.tick) == (True, 200)
    heard, then = fork.signals["front.a"], original.signals["front.a"]
    assert heard[:81].tobytes() == then[:81].tobytes()
    assert set(heard[80:]) == {then[80]}
    assert f"bit for bit the run {original.folder.name} up to 80 ms" in fork.outcome
    with pytest.raises(UsageError, match="is not within the run, 0 to 200 ms"):
        replay(original, until="200 ms", out=tmp_path)


def test_the_samples_of_a_run_can_be_played_again(original: crumple.Result) -> None:
    heard = open_tape(original.folder, sensor="front")
    assert heard.channels() == measured().channels()
    assert heard.rows()[1].tobytes() == measured().rows()[1].tobytes()


# -- heard badly ------------------------------------------------------------------------------------------------

SILENT = """
crumple = 1
title = "a sensor that falls silent"

[clock]
period = "1 ms"
stop = "60 ms"
mode = "realtime"

[pacing]
fifo = false
locked = false

[sensors.front]
zmq = "{address}"
channels = {{ a = {{ si = "m/s^2", substitute = -1.0 }}, on = {{ kind = "boolean" }} }}
max_age = "5 ms"
policy = "substitute"
required = {required}
start_timeout = "20 s"

[units.sum]
plugin = "sum.py:Sum"

[connect]
"sum.a" = "front.a"
"sum.on" = "front.on"

[requirements.slow]
signal = "sum.y"
max = "100 m/s"
"""


def run_with_one_sample(folder: Path, scene: str) -> crumple.Result:
    """A run whose sensor speaks once, and then never again."""
    from crumple.live import Sensor

    _, address = prepared(folder)
    path = folder / "silent.toml"
    path.write_text(scene.format(address=address, required="true"))
    over = threading.Event()

    def speak_once() -> None:
        with Sensor(address, {"a": "m/s^2", "on": {"kind": "boolean"}}) as front:
            if front.wait_for_subscriber(timeout=20):
                front.send(a=7.0, on=1.0, t=0.0)
            over.wait(timeout=60)

    thread = threading.Thread(target=speak_once)
    thread.start()
    try:
        return crumple.run(path, out=folder / "runs")
    finally:
        over.set()
        thread.join()


def test_a_run_that_did_not_pass_for_its_inputs_is_not_made_better_by_its_replay(tmp_path: Path) -> None:
    run = run_with_one_sample(tmp_path, SILENT)
    assert (run.verdict, run.tick) == ("inconclusive", 60), run
    names, rows = Tape.of_run(run.folder).rows("front")
    assert rows[-1, names.index("state")] == STATES.index("substituted")
    assert rows[-1, names.index("a")] == -1.0
    again = replay(run, out=tmp_path / "runs")
    assert (again.same, again.digest) == (True, run.digest)
    assert (again.verdict, again.exit_code) == ("inconclusive", 3)
    assert "front had no fresh value" in again.reason


def test_a_run_that_its_silent_sensor_ended_is_replayed_to_that_tick(tmp_path: Path) -> None:
    patient = SILENT.replace('policy = "substitute"', 'policy = "stop"').replace('"5 ms"', '"400 ms"')
    run = run_with_one_sample(tmp_path, patient.replace('stop = "60 ms"', 'stop = "10 s"'))
    assert "has been silent for" in run.reason
    assert 0 < run.tick < 10_000
    again = replay(run, out=tmp_path / "runs")
    assert (again.same, again.digest, again.tick) == (True, run.digest, run.tick)
    assert (run.exit_code, again.exit_code) == (3, 3)


def test_a_sensor_that_never_spoke_is_on_the_tape_too(tmp_path: Path) -> None:
    _, address = prepared(tmp_path)
    scene = tmp_path / "mute.toml"
    scene.write_text(SILENT.format(address=address, required="false"))
    run = crumple.run(scene, out=tmp_path / "runs")
    names, rows = Tape.of_run(run.folder).rows("front")
    assert np.isnan(rows[:, names.index("sample_time")]).all()
    assert set(rows[:, names.index("state")]) == {STATES.index("none")}
    again = replay(run, out=tmp_path / "runs")
    assert (again.same, again.digest) == (True, run.digest)
    with pytest.raises(UsageError, match="took no sample of this sensor"):
        open_tape(run.folder)


# -- killed -----------------------------------------------------------------------------------------------------


def test_a_run_that_was_killed_is_replayed_as_far_as_its_tape_goes(tmp_path: Path) -> None:
    scene, address = prepared(tmp_path)
    out = tmp_path / "runs"

    def kill(tick: int) -> None:
        if tick == 120:
            time.sleep(0.1)  # what was flushed counts
            (folder,) = out.iterdir()
            os.kill(json.loads((folder / "manifest.json").read_text())["pid"], signal.SIGKILL)

    with rig(address, at=kill, timeout=1.0):
        command = [sys.executable, "-m", "crumple", "run", str(scene), "--out", str(out)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 3
    (folder,) = out.iterdir()
    assert crumple.open_run(folder).state == "cut_off"
    again = replay(folder, out=tmp_path / "again")
    assert again.same
    assert 100 <= again.tick <= 121
    assert again.comparison is not None
    assert again.comparison.rows >= 100


@pytest.mark.parametrize(("tape", "signals"), [(120.5, 200), (200, 90.3), (1.9, 1.9), (2, 201)])
def test_files_that_were_cut_are_used_to_their_last_whole_row(
    original: crumple.Result, tmp_path: Path, tape: float, signals: float
) -> None:
    copy = unsealed(original, tmp_path)
    cut_to(copy / "tape.npy", tape)
    cut_to(copy / "signals-1ms.npy", signals)
    if tape < 2:
        with pytest.raises(UsageError, match="before its first tick"):
            replay(copy, out=tmp_path / "runs")
        return
    again = replay(copy, out=tmp_path / "runs")
    assert again.same
    assert 0 <= int(tape) - 1 - again.tick <= 1


# -- damaged ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["flip", "cut", "longer", "missing"])
def test_a_sealed_tape_that_is_not_as_it_was_sealed_is_refused(
    original: crumple.Result, tmp_path: Path, damage: str
) -> None:
    copy = Path(shutil.copytree(original.folder, tmp_path / "copy"))
    tape = copy / "tape.npy"
    content = bytearray(tape.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
    tape.write_bytes(content[:-8] if damage == "cut" else content + b"\0" if damage == "longer" else content)
    if damage == "missing":
        tape.unlink()
    for use in (
        lambda: replay(copy, out=tmp_path / "runs"),
        lambda: Tape.of_run(copy),
        lambda: open_tape(copy),
    ):
        with pytest.raises(UsageError, match=r"tape\.npy"):
            use()
    assert not (tmp_path / "runs").exists()


def test_a_run_that_lost_its_tape_cannot_be_replayed(original: crumple.Result, tmp_path: Path) -> None:
    copy = unsealed(original, tmp_path)
    (copy / "tape.npy").unlink()
    with pytest.raises(UsageError, match=r"has no tape: its run had no live inputs, or tape\.npy was lost"):
        replay(copy, out=tmp_path / "runs")


def rewritten(folder: Path, change: Callable[[Any], Any]) -> None:
    """The tape of an unsealed run with other rows or columns."""
    array = np.load(folder / "tape.npy")
    np.save(folder / "tape.npy", change(array))


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (lambda a: np.delete(a, 50), "row 50 is of t = 51 ms, and should be of 50 ms"),
        (lambda a: np.insert(a, 50, a[50]), "row 51 is of t = 50 ms, and should be of 51 ms"),
        (lambda a: _renamed(a, "front.", "rear."), "its sensors are rear, and the scene's are front"),
        (
            lambda a: _renamed(a, "front.n", "front.m"),
            "sensor 'front' has a, on, m, .* and a, on, n in the scene",
        ),
        (lambda a: _renamed(a, "front.age", "front.agee"), "sensor 'front' has"),
        (lambda a: _with(a, "front.a", np.nan), '"a", row 8 .*nan is not a finite number'),
        (lambda a: _with(a, "front.on", 0.5), '"on", row 8 .*0.5 is not 0 or 1'),
        (lambda a: a[:0], "has no whole row"),
    ],
)
def test_a_tape_that_cannot_be_that_of_the_run_is_refused(
    original: crumple.Result, tmp_path: Path, change: Callable[[Any], Any], fact: str
) -> None:
    copy = unsealed(original, tmp_path)
    rewritten(copy, change)
    with pytest.raises(UsageError, match=fact):
        replay(copy, out=tmp_path / "runs")


def _renamed(array: Any, was: str, now: str) -> Any:
    array.dtype.names = tuple(
        name.replace(was, now) if name == was or was.endswith(".") else name for name in array.dtype.names
    )
    return array


def _with(array: Any, name: str, value: float) -> Any:
    array[name][7] = value
    return array


def test_a_tape_beside_a_scene_without_sensors_is_refused(original: crumple.Result, tmp_path: Path) -> None:
    (tmp_path / "sum.py").write_text(UNITS)
    scene = tmp_path / "bare.toml"
    scene.write_text(
        'crumple = 1\n[clock]\nperiod = "1 ms"\nstop = "9 ms"\n[units.sum]\nplugin = "sum.py:Sum"\n'
    )
    copy = unsealed(crumple.run(scene, out=tmp_path / "bare"), tmp_path)
    shutil.copy(original.folder / "tape.npy", copy)
    with pytest.raises(UsageError, match="the tape is that of another scene"):
        replay(copy, out=tmp_path / "runs")


# -- by hand ----------------------------------------------------------------------------------------------------


def test_what_was_done_by_hand_is_done_again_at_its_tick(tmp_path: Path) -> None:
    from crumple.live.monitor import Monitor

    scene, address = prepared(tmp_path)
    looking_on: list[Monitor] = []

    def started(outline: Outline) -> None:
        looking_on.append(Monitor(outline.folder))

    def by_hand(tick: int) -> None:
        if tick in (40, 90):
            looking_on[0].send("set", name="sum.by_hand", value=float(tick))
            time.sleep(0.3)  # it is looked for now and then

    with rig(address, at=by_hand):
        run = execute(scene, out=tmp_path / "runs", watch=Watch(started=started))
    assert run.verdict == "pass", run
    commands = read_run(run.folder).commands
    assert [(each.do, each.args) for each in commands] == [
        ("set", {"name": "sum.by_hand", "value": 40.0}),
        ("set", {"name": "sum.by_hand", "value": 90.0}),
    ]
    assert 40 <= commands[0].tick < 90 <= commands[1].tick
    again = replay(run, out=tmp_path / "runs")
    assert (again.same, again.digest) == (True, run.digest)


def test_rubbish_in_the_commands_of_a_run_stops_its_replay(original: crumple.Result, tmp_path: Path) -> None:
    copy = unsealed(original, tmp_path)
    (copy / "commands.jsonl").write_text("what?\n")
    assert invoke(["replay", str(copy), "--out", str(tmp_path / "runs")]) == 2
    assert not (tmp_path / "runs").exists()
