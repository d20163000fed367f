"""Peers that are killed, stopped and started again, and the core itself, in every phase of a run.

Whatever happens: the run ends or goes on by its policy, its verdict tells, outputs go safe, the tape is readable to
its last row and replays, and nothing hangs.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from crumple import run_folder
from crumple.live.monitor import Monitor
from crumple.replaying import replay
from live_bench import UNITS, Bench, Core, Done, quicken, reach, until, value
from live_nursery import Nursery
from live_peers import ACTUATOR_PEER, RIG_PEER, SENSOR_PEER, Stream

pytest.importorskip("zmq")

ENDS = {
    signal.SIGTERM: "interrupted by SIGTERM",
    signal.SIGINT: "interrupted by Ctrl-C",
    signal.SIGKILL: "killed",
}
CODES = {"pass": 0, "done": 0, "fail": 1, "inconclusive": 3, "error": 4}


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    nursery = Nursery(tmp_path_factory.mktemp("nursery"), UNITS)
    yield nursery
    nursery.close()


@pytest.fixture
def bench(tmp_path: Path, nursery: Nursery) -> Bench:
    return Bench(tmp_path, nursery)


# -- the core is ended ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda n: n.name)
@pytest.mark.parametrize("phase", ["waiting", "first tick", "middle", "paused", "end"])
def test_when_the_core_is_ended_outputs_go_safe_and_the_tape_replays(
    bench: Bench, phase: str, number: signal.Signals
) -> None:
    with bench.peer(ACTUATOR_PEER, bench.actuator) as squib, Stream(bench.sensor) as stream:
        squib.says("ready")
        if phase == "waiting":
            stream.hold()
        stop = {"end": "400 ms"}.get(phase, "100 s")
        with bench.start(bench.paced(stop=stop)) as core:
            monitor = core.monitor()
            worker = core.worker()
            if phase in ("middle", "paused"):
                squib.says("live")
            come_to(phase, monitor, core)
            os.kill(worker, number)
            code = core.end()
        done = core.done
        if phase in ("middle", "paused"):
            squib.says_last("silent" if number == signal.SIGKILL else "ended")
        assert last_values(squib.lines) <= {-2.0}
    check_ended(done, number, code, phase)
    if phase in ("middle", "paused"):
        check_replay(bench, done)


def come_to(phase: str, monitor: Monitor, core: Core) -> None:
    """Waits until a run is in that phase."""
    if phase == "waiting":
        until(lambda: "waiting for" in core.text)
    elif phase == "first tick":
        until(lambda: monitor.status == "running")
    elif phase == "end":
        until(lambda: monitor.frame() is not None and monitor.frame().tick >= 390)
    else:
        reach(monitor, 200)
    if phase == "paused":
        monitor.send("pause")
        until(lambda: monitor.status == "paused")


def last_values(lines: list[str]) -> set[float]:
    """What an actuator peer applied in the states in which the safe values hold."""
    said = [line.split() for line in lines]
    return {float(words[1]) for words in said if words[0] in ("safe", "silent", "ended")}


def check_ended(done: Done, number: signal.Signals, code: int, phase: str) -> None:
    written = done.written
    if phase == "end" and written["verdict"] == "pass":  # it was quicker
        assert code == 0 or (number == signal.SIGKILL and code == 3)
        return
    assert (written["verdict"], written["exit_code"], code) == ("inconclusive", 3, 3)
    if number == signal.SIGKILL:
        assert written["state"] == "running"
        assert done.result.verdict == "inconclusive"
    else:
        assert written["ended"] == "interrupted"
        assert done.reason.startswith(ENDS[number])
        assert not (done.folder / "monitor.json").exists()
        assert len(np.load(done.folder / "tape.npy")) == written["tick"] + 1
        assert run_folder.is_alive(done.folder) is False


def check_replay(bench: Bench, done: Done) -> None:
    """What was latched is there to the last row, and gives the same again."""
    tape = np.load(done.folder / "tape.npy", mmap_mode="r")
    rows = done.signals["half.y"]
    assert len(tape) > 150
    n = min(len(tape), len(rows))
    assert np.array_equal(np.array(rows)[1:n], tape["front.x"][1:n] / 2)
    assert np.array_equal(np.unique(tape["front.state"][1:]), [1])
    assert replay(done.folder, out=bench.folder / "again").same


def test_when_the_supervisor_is_killed_the_run_does_not_go_on_unseen(bench: Bench) -> None:
    with (
        bench.peer(ACTUATOR_PEER, bench.actuator) as squib,
        Stream(bench.sensor),
        bench.start(bench.paced(stop="100 s")) as core,
    ):
        squib.says("ready")
        monitor = core.monitor()
        squib.says("live")
        worker = core.worker()
        assert worker != core.pid
        core.signal(signal.SIGKILL)
        assert core.end() == -signal.SIGKILL
        until(lambda: not run_folder.is_alive(core.folder), why="for the run's process to end")
        squib.says_last("silent" if monitor.status != "ended" else "ended")
        assert core.done.verdict == "inconclusive"
        assert last_values(squib.lines) == {-2.0}


def test_a_viewer_that_cuts_the_shared_memory_off_does_not_end_the_run(bench: Bench) -> None:
    with Stream(bench.sensor), bench.start(bench.paced(stop="20 s")) as core:
        monitor = core.monitor()
        tick = reach(monitor, 10)
        file = json.loads((core.folder / "monitor.json").read_text())["file"]
        for size in (0, 4096, 2**20):
            with pytest.raises(PermissionError):
                os.truncate(file, size)
        reach(monitor, tick + 20)
        quicken(monitor)
        assert core.end() == 0


# -- units that fail --------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["realtime", "lockstep"])
@pytest.mark.parametrize(
    ("unit", "code", "verdict"),
    [
        ("Raises", 4, "error"),
        ("GivesNaN", 4, "error"),
        ("Exits", 3, "inconclusive"),
        ("Crashes", 3, "inconclusive"),
    ],
)
def test_a_unit_that_fails_leaves_outputs_safe_and_no_rig_hears_of_nan(
    bench: Bench, unit: str, code: int, verdict: str, how: str
) -> None:
    if how == "lockstep":
        scene, peer, first = bench.lockstep(unit=unit, stop="100 s"), RIG_PEER, "middle"
        address, patience, at = bench.rig, 2.0, 150
    else:
        scene, peer, first = bench.paced(unit=unit, stop="100 s"), ACTUATOR_PEER, "live"
        address, patience, at = bench.actuator, 0.5, 700
    text = scene.read_text()
    scene.write_text(text.replace(f'units.py:{unit}"', f'units.py:{unit}"\nwith = {{ at = {at} }}', 1))
    with bench.peer(peer, address, patience) as rig, Stream(bench.sensor), bench.start(scene) as core:
        rig.says(first)
        assert core.end() == code
        if how == "realtime":
            rig.says_last("ended" if code == 4 else "silent")
        else:
            rig.says("RunEnded ended" if code == 4 else "RigTimeout silent")
    done = core.done
    assert done.result.verdict == verdict
    assert not any("nan" in line.lower() for line in rig.lines)
    assert "-2.0" in rig.lines[-1]
    assert "rejected value" not in rig.text


def test_a_value_that_is_not_a_number_at_the_start_does_not_leave_for_a_rig(bench: Bench) -> None:
    units = bench.folder / "units.py"
    units.write_text(
        units.read_text() + '\n\nclass Starts(Half):\n    y = Output("1", allow_nonfinite=True)\n\n'
        "    def reset(self):\n        self.y = math.nan\n"
    )
    scene = bench.lockstep(unit="Starts")
    with bench.peer(RIG_PEER, bench.rig, 1.0) as rig, bench.begin(scene) as run:
        done = run.end()
        rig.says("R")
    assert (done.verdict, done.written["exit_code"]) == ("error", 4)
    assert "NaN" in done.reason
    assert rig.lines[-1].split()[0] in ("RunEnded", "RigTimeout")
    assert not any("nan" in line.lower() for line in rig.lines)


# -- publishers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP], ids=lambda n: n.name)
def test_a_publisher_that_is_gone_is_stale_and_one_that_comes_back_is_fresh(
    bench: Bench, number: signal.Signals
) -> None:
    scene = bench.paced(stop="100 s", sensor='max_age = "300 ms"\nlost_max = 0\nstale_max = 0.9')
    with bench.begin(scene) as run, bench.peer(SENSOR_PEER, bench.sensor) as first:
        monitor = run.monitor()
        reach(monitor, 50)
        first.signal(number)
        until(lambda: value(monitor, "front.state") == 2.0, why="for the sample to be stale")
        if number == signal.SIGSTOP:
            first.signal(signal.SIGCONT)
            until(lambda: value(monitor, "front.state") == 1.0)
            quicken(monitor)
            done = run.end()
        else:
            first.end()
            with bench.peer(SENSOR_PEER, bench.sensor):
                until(lambda: value(monitor, "front.state") == 1.0)
                quicken(monitor)
                done = run.end()
    front = done.front
    assert front["states"]["held"] == front["stale_ticks"] > 0
    assert front["restarts"] == (0 if number == signal.SIGSTOP else 1)
    state, sequence = done.column("front.state"), done.column("front.sequence")
    assert np.all(np.diff(sequence[state == 2.0]) <= 0)  # no new sample was called stale
    if number != signal.SIGSTOP:
        assert done.verdict == "inconclusive"
        assert "front began anew 1 time" in done.reason
    assert replay(done.folder, out=bench.folder / "again").same


def test_a_publisher_that_dies_while_another_is_waited_for_does_not_hold_up_its_successor(
    bench: Bench,
) -> None:
    other = bench.address("other")
    extra = f'\n[sensors.other]\nzmq = "{other}"\nchannels = {{ z = "1" }}\nmax_age = "20 s"\n'
    scene = bench.paced(stop="100 ms", extra=extra)
    with bench.begin(scene) as run:
        with bench.peer(SENSOR_PEER, bench.sensor) as first:
            until(lambda: any("front: ready; other: silent" in text for text in run.waiting))
            first.signal(signal.SIGKILL)
            first.end()
        with (
            bench.peer(SENSOR_PEER, bench.sensor) as second,
            bench.peer(SENSOR_PEER.replace('{"x"', '{"z"').replace("x=", "z="), other),
        ):
            second.says("ready")
            done = run.end()
    assert done.verdict == "pass", done.reason


# -- rigs in lockstep -------------------------------------------------------------------------------------


def test_a_rig_that_is_stopped_for_less_than_its_timeout_changes_nothing(bench: Bench) -> None:
    with bench.begin(bench.lockstep(stop="3 s")) as run, bench.peer(RIG_PEER, bench.rig, 20.0) as rig:
        rig.says("middle")
        rig.signal(signal.SIGSTOP)
        time.sleep(0.3)
        rig.signal(signal.SIGCONT)
        done = run.end()
        rig.says("RunEnded ended")
    assert done.verdict == "pass", done.reason
    assert np.array_equal(done.column("front.x")[1:], np.arange(1, 3001))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP], ids=lambda n: n.name)
def test_a_rig_that_is_gone_ends_the_run_at_its_timeout(bench: Bench, number: signal.Signals) -> None:
    scene = bench.lockstep(stop="100 s", timeout="300 ms")
    with bench.begin(scene) as run, bench.peer(RIG_PEER, bench.rig, 20.0) as rig:
        rig.says("middle")
        rig.signal(number)
        done = run.end()
        if number == signal.SIGSTOP:
            rig.signal(signal.SIGCONT)
            rig.says("RunEnded ended")
    tick = done.written["tick"]
    assert (done.verdict, done.written["ended"]) == ("inconclusive", "unit_ended")
    assert f"did not send sample {tick + 1} within 0.3 s (timeout)" in done.reason
    assert np.array_equal(done.column("front.x")[1:], np.arange(1, tick + 1))
    assert replay(done.folder, out=bench.folder / "again").same


@pytest.mark.parametrize("number", [signal.SIGKILL, None], ids=["restarted", "two at once"])
def test_a_rig_that_comes_anew_ends_the_run(bench: Bench, number: signal.Signals | None) -> None:
    with bench.begin(bench.lockstep(stop="1000 s")) as run, bench.peer(RIG_PEER, bench.rig, 20.0) as first:
        first.says("middle")
        if number:
            first.signal(number)
            first.end()
        with bench.peer(RIG_PEER, bench.rig, 20.0):
            done = run.end()
        if number is None:
            first.says("RunEnded ended")
    assert (done.verdict, done.written["ended"]) == ("inconclusive", "unit_ended")
    assert "began anew" in done.reason
    assert done.front["restarts"] == 1


def test_a_rig_that_dies_before_the_run_begins_is_forgotten(bench: Bench) -> None:
    extra = f'\n[sensors.other]\nzmq = "{bench.sensor}"\nchannels = {{ x = "1" }}\nmax_age = "20 s"\n'
    scene = bench.lockstep(stop="100 ms")
    scene.write_text(scene.read_text().replace("[connect]", extra + "[connect]"))
    with bench.begin(scene) as run:
        with bench.peer(RIG_PEER, bench.rig, 20.0) as first:
            first.says("started")
            first.signal(signal.SIGKILL)
            first.end()
        with bench.peer(RIG_PEER, bench.rig, 20.0) as second:
            time.sleep(0.3)
            with Stream(bench.sensor):
                done = run.end()
            second.says("RunEnded ended")
    assert done.verdict == "pass", done.reason
    assert np.array_equal(done.column("front.x")[1:], np.arange(1, 101))


def test_another_sensor_beside_a_rig_does_not_disturb_its_answers(bench: Bench) -> None:
    extra = (
        f'\n[sensors.aside]\nzmq = "{bench.sensor}"\nchannels = {{ x = "1" }}\nmax_age = "20 s"\nevery = 7\n'
    )
    scene = bench.lockstep()
    scene.write_text(scene.read_text().replace("[connect]", extra + "[connect]"))
    with Stream(bench.sensor), bench.begin(scene) as run, bench.peer(RIG_PEER, bench.rig, 20.0) as rig:
        done = run.end()
        rig.says("RunEnded ended")
    assert done.verdict == "pass", done.reason
    assert np.array_equal(done.column("front.x")[1:], np.arange(1, 301))


def test_two_rigs_of_different_steps_each_get_their_own_answers(bench: Bench) -> None:
    scene = bench.lockstep()
    other = bench.address("other")
    extra = f"""
[rigs.slow]
zmq = "{other}"
timeout = "20 s"

[sensors.slow_in]
rig = "slow"
every = 10
channels = {{ x = "1" }}

[actuators.slow_out]
rig = "slow"
every = 10
channels = {{ y = "half.y" }}

"""
    scene.write_text(scene.read_text().replace("[connect]", extra + "[connect]"))
    with (
        bench.begin(scene) as run,
        bench.peer(RIG_PEER, bench.rig, 20.0) as fast,
        bench.peer(RIG_PEER, other, 20.0) as slow,
    ):
        done = run.end()
        assert fast.says("RunEnded ended").split()[2] == "301"
        assert slow.says("RunEnded ended").split()[2] == "31"
    assert done.verdict == "pass", done.reason


def test_a_run_held_up_by_a_silent_rig_is_stopped_by_hand_at_once(bench: Bench) -> None:
    with (
        bench.begin(bench.lockstep(stop="1000 s", timeout="20 s")) as run,
        bench.peer(RIG_PEER, bench.rig, 20.0) as rig,
    ):
        monitor = run.monitor()
        rig.says("middle")
        rig.signal(signal.SIGSTOP)
        tick = reach(monitor, 1)
        monitor.send("stop")
        done = run.end()
    assert done.written["ended"] == "interrupted"
    assert done.written["tick"] >= tick


# -- actuator peers and viewers ---------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=lambda n: n.name)
def test_an_actuator_peer_that_is_gone_holds_nothing_up_and_its_successor_is_served(
    bench: Bench, number: signal.Signals
) -> None:
    with Stream(bench.sensor), bench.begin(bench.paced(stop="100 s")) as run:
        monitor = run.monitor()
        with bench.peer(ACTUATOR_PEER, bench.actuator) as first:
            first.says("live")
            first.signal(number)
            tick = reach(monitor, 0)
            reach(monitor, tick + 100)
            with bench.peer(ACTUATOR_PEER, bench.actuator) as second:
                second.says("live")
                monitor.send("stop")
                second.says("ended -2.0")
                done = run.end()
    assert done.timing["outputs"]["out"]["dropped"] == 0
    assert done.written["ended"] == "interrupted"


VIEWER = """
import sys, time
from pathlib import Path
from crumple.live.monitor import Monitor
monitor = Monitor(Path(sys.argv[1]))
monitor.send(sys.argv[2])
print("sent")
while True:
    monitor.frame()
"""


@pytest.mark.parametrize("do", ["pause", "resume"])
def test_a_viewer_that_is_killed_leaves_the_run_as_it_was_told_and_another_can_take_over(
    bench: Bench, do: str
) -> None:
    with Stream(bench.sensor), bench.begin(bench.paced(stop="100 s")) as run:
        monitor = run.monitor()
        reach(monitor, 5)
        with bench.peer(VIEWER, run.folder, do) as viewer:
            viewer.says("sent")
            viewer.signal(signal.SIGKILL)
            viewer.end()
        if do == "pause":
            until(lambda: monitor.status == "paused")
            monitor.send("resume")
        until(lambda: monitor.status == "running")
        quicken(monitor)
        assert run.end().verdict == "pass"


# -- verdicts ---------------------------------------------------------------------------------------------


def test_the_exit_code_is_the_verdict_s_in_live_runs_too(bench: Bench) -> None:
    failing = '\n[requirements.never]\nsignal = "half.y"\nmax = -1\n'
    cases = {
        0: (bench.paced(stop="30 ms", name="passes"), True),
        1: (bench.paced(stop="30 ms", more=failing, name="fails"), True),
        2: (bench.scene(bench.paced(name="wrong").read_text() + "\n[sensor.x]\n", "wrong"), False),
        3: (bench.paced(stop="30 ms", sensor='start_timeout = "50 ms"', name="alone"), False),
        4: (bench.paced(stop="30 ms", unit="Raises", name="raises"), True),
    }
    raises = cases[4][0]
    raises.write_text(raises.read_text().replace('Raises"', 'Raises"\nwith = { at = 5 }'))
    for code, (scene, heard) in cases.items():
        with bench.start(scene) as core:
            if heard:
                with Stream(bench.sensor):
                    assert core.end() == code, core.text
            else:
                assert core.end() == code, core.text
            if code != 2:
                assert core.done.written["exit_code"] == code
                assert CODES[core.done.verdict] == code


def test_a_strict_run_that_cannot_keep_time_ends_inconclusive_with_outputs_safe(bench: Bench) -> None:
    scene = bench.paced(stop="100 s")
    text = scene.read_text().replace("catch_up = 1_000_000_000", "catch_up = 1\nstrict = true\ngrace = '0 s'")
    scene.write_text(text.replace('units.py:Half"', 'units.py:Half"\nwith = { nap = 0.02 }', 1))
    with bench.peer(ACTUATOR_PEER, bench.actuator) as squib, Stream(bench.sensor):
        squib.says("ready")
        with bench.begin(scene) as run:
            done = run.end()
    assert (done.verdict, done.written["ended"]) == ("inconclusive", "too_late")
    assert "real time was lost" in done.reason
