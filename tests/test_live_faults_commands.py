"""Whoever looks on may send anything, at any time, and do anything to what is shared: the run minds what it is told."""

from __future__ import annotations

import json
import mmap
import os
import random
import struct
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crumple.errors import CrumpleError, UsageError
from crumple.live.monitor import Monitor
from crumple.replaying import replay
from live_bench import WAIT, Bench, Done, X, Y, quicken, reach, until
from live_peers import Stream

pytest.importorskip("zmq")

COMMANDS = int(os.environ.get("CRUMPLE_COMMANDS", "1000"))  # sent without a pause
EXTRA = """
[units.free]
plugin = "units.py:Half"

[faults.stuck]
on = "half.x"
kind = "stuck_at"
value = 40.0
manual = true
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def commanded(bench: Bench, *commands: tuple[str, dict[str, Any]], scene: Path | None = None) -> Done:
    """A run that gets commands in its middle, one after the other, and ends in its own time."""
    scene = scene or bench.paced(stop="2 s", extra=EXTRA)
    with Stream(bench.sensor), bench.begin(scene) as run:
        monitor = run.monitor()
        reach(monitor, 10)
        for do, arguments in commands:
            monitor.send(do, **arguments)
        until(lambda: taken(run.folder) >= len(commands), why="for the commands to be taken")
        if "pause" in obeyed(run.folder):
            until(lambda: monitor.status == "paused")
            monitor.send("resume")
        quicken(monitor)
        return run.end()


def taken(folder: Path) -> int:
    """Commands that were obeyed or refused."""
    return len(obeyed(folder)) + len(refused(folder))


def events(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "events.jsonl").read_text(encoding="utf-8").rpartition("\n")[0]
    return [json.loads(line) for line in text.split("\n") if line]


def obeyed(folder: Path) -> list[str]:
    return [event["do"] for event in events(folder) if event["event"] == "command"]


def refused(folder: Path) -> list[str]:
    return [event["text"] for event in events(folder) if "a command was refused: " in event.get("text", "")]


NOT_TO_BE_OBEYED: list[tuple[str, dict[str, Any]]] = [
    ("run_to", {"t": float("inf")}),
    ("run_to", {"t": float("nan")}),
    ("run_to", {"t": -1.0}),
    ("run_to", {"t": None}),
    ("run_to", {"t": [1.0]}),
    ("run_to", {}),
    ("step", {"n": float("inf")}),
    ("step", {"n": float("nan")}),
    ("step", {"n": "x"}),
    ("step", {"n": {}}),
    ("speed", {"speed": 0.0}),
    ("speed", {"speed": -1.0}),
    ("speed", {"speed": float("nan")}),
    ("speed", {"speed": float("inf")}),
    ("speed", {"speed": 1e300}),
    ("speed", {"speed": 1e-300}),
    ("speed", {"speed": "fast"}),
    ("speed", {}),
    ("set", {}),
    ("set", {"name": "free.x"}),
    ("set", {"value": 1.0}),
    ("set", {"name": "free.x", "value": float("nan")}),
    ("set", {"name": "free.x", "value": float("inf")}),
    ("set", {"name": "free.x", "value": None}),
    ("set", {"name": "free.x", "value": "abc"}),
    ("set", {"name": "free.x", "value": {}}),
    ("set", {"name": "free.x", "value": [1.0, 2.0]}),
    ("set", {"name": "free.y", "value": 1.0}),  # an output
    ("set", {"name": "half.x", "value": 1.0}),  # fed by the sensor
    ("set", {"name": "front.x", "value": 1.0}),
    ("set", {"name": "free.nope", "value": 1.0}),
    ("set", {"name": "nobody.x", "value": 1.0}),
    ("set", {"name": "free", "value": 1.0}),
    ("set", {"name": "", "value": 1.0}),
    ("set", {"name": ["free.x"], "value": 1.0}),
    ("set", {"name": None, "value": 1.0}),
    ("set", {"name": "free.x", "value": 1.0, "tick": 5000}),
    ("set", {"name": "free.x", "value": 1.0, "event": "end"}),
    ("pause", {"kind": 1}),
    ("resume", {"tick": 1}),
    ("inject", {}),
    ("inject", {"fault": "nothing"}),
    ("inject", {"fault": None}),
    ("clear", {"fault": ["stuck"]}),
    ("clear", {"fault": ""}),
]


def test_a_command_that_cannot_be_obeyed_is_refused_with_its_reason_and_changes_nothing(bench: Bench) -> None:
    done = commanded(bench, *NOT_TO_BE_OBEYED)
    texts = refused(done.folder)
    assert len(texts) == len(NOT_TO_BE_OBEYED)
    for (do, _), text in zip(NOT_TO_BE_OBEYED, texts, strict=True):
        assert f'"do": "{do}"' in text
    assert obeyed(done.folder) == ["speed"]  # the one that ends the test
    tape = done.folder / "commands.jsonl"
    assert not tape.exists() or not tape.read_bytes()
    assert not np.any(done.signals["free.y"])
    assert (done.verdict, done.written["tick"]) == ("pass", 2000), done.reason


@pytest.mark.parametrize("phase", ["paused", "running"])
def test_what_is_written_between_the_commands_is_no_command(bench: Bench, phase: str) -> None:
    chance = random.Random(7)
    with Stream(bench.sensor), bench.begin(bench.paced(stop="2 s")) as run:
        monitor = run.monitor()
        reach(monitor, 10)
        if phase == "paused":
            monitor.send("pause")
            until(lambda: monitor.status == "paused")
        lines = [
            b"",
            b"\xff\xfe\0",
            b"[" * 255,
            b"null",
            b"7",
            b'"stop"',
            b'["stop"]',
            b"{}",
            b'{"do": null}',
            b'{"do": ["stop"]}',
            b'{"do": "STOP"}',
            b'{"do": "explode"}',
            b'{"do": "stop"',
            b'{"stop": 1}',
        ]
        lines += [chance.randbytes(chance.randrange(1, 255)).replace(b"\0", b"\1") for _ in range(40)]
        for line in lines:
            put(monitor, line)
        until(lambda: len(refused(run.folder)) == len(lines), why="for all to be refused")
        monitor.send("resume")
        quicken(monitor)
        done = run.end()
    assert (done.verdict, done.written["tick"]) == ("pass", 2000), done.reason


def put(monitor: Monitor, text: bytes) -> None:
    """A command as `Monitor.send` writes it, whatever it is."""
    memory = monitor._memory
    (written,) = struct.unpack_from("<Q", memory, 4352)
    until(lambda: written - struct.unpack_from("<Q", memory, 4360)[0] < 64)
    at = 4416 + written % 64 * 256
    memory[at : at + 256] = text[:256].ljust(256, b"\0")
    struct.pack_into("<Q", memory, 4352, written + 1)


def test_commands_without_end_are_all_taken_and_the_run_goes_on_meanwhile(bench: Bench) -> None:
    with Stream(bench.sensor), bench.begin(bench.paced(stop="100 s", extra=EXTRA)) as run:
        monitor = run.monitor()
        before = reach(monitor, 10)
        for number in range(COMMANDS):
            until(lambda number=number: sent(monitor, "set", name="free.x", value=float(number)))
        after = reach(monitor, before)
        until(lambda: sent(monitor, "stop"))
        done = run.end()
    rows = [json.loads(line) for line in (done.folder / "commands.jsonl").read_text().splitlines()]
    assert [row["value"] for row in rows] == [float(number) for number in range(COMMANDS)]
    assert [row["tick"] for row in rows] == sorted(row["tick"] for row in rows)
    assert after > before + 50  # whoever sends without end does not hold the run
    assert (done.verdict, done.written["ended"]) == ("inconclusive", "interrupted")


def sent(monitor: Monitor, do: str, **arguments: Any) -> bool:
    """Whether there was room for a command."""
    try:
        monitor.send(do, **arguments)
    except UsageError:
        return False
    return True


def test_set_inject_and_clear_by_hand_are_on_the_tape_and_replay_to_the_same_digest(bench: Bench) -> None:
    done = commanded(
        bench,
        ("set", {"name": "free.x", "value": 10.0}),
        ("pause", {}),
        ("inject", {"fault": "stuck"}),
        ("step", {"n": 3}),
        ("set", {"name": "free.x", "value": 20}),
        ("clear", {"fault": "stuck"}),
    )
    assert not refused(done.folder)
    assert {0.0, 5.0, 10.0} == set(done.signals["free.y"])
    assert 20.0 in done.signals["half.y"]
    assert done.verdict == "pass", done.reason
    again = replay(done.folder, out=bench.folder / "again")
    assert again.same
    assert again.digest == done.result.digest


def test_commands_while_the_run_is_waited_for_are_refused_but_stop_and_resume(bench: Bench) -> None:
    with bench.begin(bench.paced(stop="20 s", extra=EXTRA)) as run:
        monitor = run.monitor()
        until(lambda: monitor.status == "waiting")
        monitor.send("set", name="free.x", value=1.0)
        monitor.send("pause")
        put(monitor, b"\xff")
        until(lambda: len(refused(run.folder)) == 3)
        monitor.send("resume")
        reach(monitor, 5)
        monitor.send("stop")
        done = run.end()
    assert done.front["states"].keys() == {"none"}
    assert (done.verdict, done.written["exit_code"]) == ("inconclusive", 3)


def test_stop_while_the_run_is_waited_for_ends_it_before_it_began(bench: Bench) -> None:
    with bench.begin(bench.paced()) as run:
        monitor = run.monitor()
        until(lambda: monitor.status == "waiting")
        monitor.send("stop")
        done = run.end()
    assert (done.verdict, done.written["tick"], done.written["ended"]) == ("inconclusive", 0, "interrupted")
    check_closed(done, monitor)


def test_commands_after_the_end_reach_nobody_and_nobody_new_can_look_on(bench: Bench) -> None:
    with Stream(bench.sensor), bench.begin(bench.paced(stop="50 ms")) as run:
        monitor = run.monitor()
        done = run.end()
    for _ in range(64):
        monitor.send("stop")
    with pytest.raises(UsageError, match="does not take commands"):
        monitor.send("stop")
    check_closed(done, monitor)
    assert done.verdict == "pass"


def check_closed(done: Done, monitor: Monitor) -> None:
    """Nothing invites anybody to look on at what is over."""
    assert monitor.status == "ended"
    assert not (done.folder / "monitor.json").exists()
    with pytest.raises(UsageError):
        Monitor(done.folder)


def test_a_viewer_that_writes_all_over_the_shared_memory_changes_no_result(bench: Bench) -> None:
    chance = random.Random(1)  # its thread has the interpreter for most of each tick: a tick takes 30 ms
    with Stream(bench.sensor), bench.begin(bench.paced(stop="100 ms")) as run:
        monitor = run.monitor()
        reach(monitor, 10)
        memory: mmap.mmap = monitor._memory
        while run.alive:
            at = chance.randrange(len(memory) - 8)
            memory[at : at + 8] = chance.randbytes(8)
            if chance.random() < 0.1:  # the counters of commands
                struct.pack_into("<Q", memory, chance.choice([4352, 4360]), chance.randrange(2**64))
        done = run.end()
    assert (done.verdict, done.written["tick"]) == ("pass", 100), done.reason
    assert set(obeyed(done.folder)) == set()


def test_a_run_that_is_held_hears_its_sensors_and_goes_on_with_fresh_values(bench: Bench) -> None:
    scene = bench.paced(stop="2 s", sensor='max_age = "500 ms"\nlost_max = 0')
    with Stream(bench.sensor, every=0.0) as stream, bench.begin(scene) as run:
        monitor = run.monitor()
        reach(monitor, 100)
        monitor.send("pause")
        until(lambda: monitor.status == "paused")
        before = stream.sensor.sequence
        until(lambda: stream.sensor.sequence > before + 40_000)  # more than is queued anywhere
        monitor.send("resume")
        until(lambda: monitor.status == "running")
        quicken(monitor)
        done = run.end()
    assert (done.front["lost"], done.front["stale_ticks"]) == (0, 0)
    assert done.front["received"] > 40_000
    assert done.verdict == "pass", done.reason


def test_a_pause_tells_actuators_the_safe_values_again_and_again(bench: Bench) -> None:
    from crumple.live import Actuator

    with (
        Actuator(bench.actuator, {"y": "1"}, safe={"y": -2.0}, timeout=20.0) as out,
        Stream(bench.sensor),
        bench.begin(bench.paced(stop="5 s")) as run,
    ):
        monitor = run.monitor()
        until(lambda: out.receive(timeout=0.1) and out.state == "live")
        monitor.send("pause")
        until(lambda: out.receive(timeout=0.1) and out.state == "safe")
        assert out.latest() == {"y": -2.0}
        header = out.header
        assert header is not None
        until(lambda: out.receive(timeout=0.1) and out.header.sequence >= header.sequence + 3)
        monitor.send("resume")
        until(lambda: out.receive(timeout=0.1) and out.state == "live")
        monitor.send("stop")
        until(lambda: out.receive(timeout=0.1) and out.state == "ended")
        assert run.end().verdict == "inconclusive"
        assert out.lost == 0


def test_single_steps_and_runs_to_a_time_stop_where_they_should(bench: Bench) -> None:
    with Stream(bench.sensor), bench.begin(bench.paced(stop="10 s")) as run:
        monitor = run.monitor()
        reach(monitor, 10)
        monitor.send("pause")
        until(lambda: monitor.status == "paused")
        frame = until(monitor.frame)
        tick = held_at(run.folder)
        for _ in range(5):
            monitor.send("step", n=1)
            tick += 1
            until(lambda tick=tick: monitor.status == "paused" and monitor.frame().tick == tick)
        monitor.send("step", n=7)
        until(lambda: monitor.status == "paused" and monitor.frame().tick == tick + 7)
        for _ in range(3):  # as quick as a key that is held down
            monitor.send("step", n=1)
        until(lambda: monitor.status == "paused" and monitor.frame().tick == tick + 10)
        monitor.send("run_to", t=(tick + 50) / 1000)
        until(lambda: monitor.status == "paused" and monitor.frame().tick == tick + 50)
        monitor.send("stop")
        done = run.end()
    assert frame.tick <= tick
    assert done.written["tick"] == tick + 50


def held_at(folder: Path) -> int:
    """The tick at which a run was last held."""
    ticks: list[int] = until(lambda: [e["tick"] for e in events(folder) if e.get("do") == "pause"])
    return ticks[-1]


def test_many_who_look_on_and_leave_do_no_harm(bench: Bench) -> None:
    over = threading.Event()
    seen = [0] * 4

    def look(number: int, folder: Path) -> None:
        while not over.is_set():
            try:
                monitor = Monitor(folder)
            except UsageError:
                return
            for _ in range(20):
                frame = monitor.frame()
                if frame is not None:
                    assert frame.values[monitor.names.index("half.y")] == (
                        frame.values[monitor.names.index("front.x")] / 2
                    )  # of one tick, never of two
                    seen[number] += 1
            monitor.close()

    with Stream(bench.sensor), bench.begin(bench.paced(stop="500 ms")) as run:
        reach(run.monitor(), 1)
        threads = [threading.Thread(target=look, args=(i, run.folder)) for i in range(4)]
        for thread in threads:
            thread.start()
        done = run.end()
        over.set()
        for thread in threads:
            thread.join(20)
    assert done.verdict == "pass", done.reason
    assert all(seen)


# -- a run that a rig paces


class Pacer:
    """A rig in a thread that sends the numbers from 1 on, until the run is over."""

    def __init__(self, address: str, *, receives: dict[str, str]) -> None:
        from crumple.live import Rig

        self.rig = Rig(address, sends=X, receives=receives, safe=dict.fromkeys(receives, -2.0), timeout=0.3)
        self.answers: list[dict[str, float]] = []
        self.ended = ""
        self._thread = threading.Thread(target=self._go, name="rig")
        self._thread.start()

    def _go(self) -> None:
        with self.rig:
            try:
                self.rig.start(WAIT)
                while True:
                    self.answers.append(self.rig.exchange(x=float(self.rig.sequence + 1)))
            except CrumpleError as error:
                self.ended = type(error).__name__

    def __enter__(self) -> Pacer:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(WAIT)


def test_a_run_that_a_rig_paces_is_held_stepped_and_goes_on_while_the_rig_waits(bench: Bench) -> None:
    scene = bench.lockstep(stop="2 s", timeout="300 ms")
    with Pacer(bench.rig, receives=Y) as pacer, bench.begin(scene) as run:
        monitor = run.monitor()
        reach(monitor, 10)
        monitor.send("pause")
        until(lambda: monitor.status == "paused" and pacer.rig.state == "safe")
        tick = held_at(run.folder)
        assert pacer.rig.outputs == {"y": -2.0}  # its own safe values, for as long as it lasts
        resent = pacer.rig.resent
        until(lambda: pacer.rig.resent > resent + 8)  # twice the time-outs of both sides
        assert (monitor.status, until(monitor.frame).tick) == ("paused", tick)
        monitor.send("step", n=3)
        until(lambda: monitor.status == "paused" and monitor.frame().tick == tick + 3)
        monitor.send("run_to", t=(tick + 20) / 1000)
        until(lambda: monitor.status == "paused" and monitor.frame().tick == tick + 20)
        until(lambda: pacer.rig.state == "safe")
        monitor.send("resume")
        done = run.end()
    assert (done.verdict, done.written["tick"], pacer.ended) == ("pass", 2000, "RunEnded"), done.reason
    assert done.front["lost"] == 0
    steps = [answer["y"] for answer in pacer.answers]
    assert steps == [k / 2 for k in range(len(steps))] or steps[1:] == [
        k / 2 for k in range(2, len(steps) + 1)
    ]
    assert replay(done.folder, out=bench.folder / "again").same


def test_a_run_is_not_held_where_its_rig_could_not_be_told(bench: Bench) -> None:
    scene = bench.lockstep(stop="1 s", timeout="300 ms")
    text = scene.read_text(encoding="utf-8")
    scene.write_text(
        text[: text.index("[actuators.out]")] + text[text.index("[connect]") :], encoding="utf-8"
    )
    with Pacer(bench.rig, receives={}) as pacer, bench.begin(scene) as run:
        monitor = run.monitor()
        reach(monitor, 10)
        for do, arguments in (("pause", {}), ("step", {"n": 1}), ("run_to", {"t": 0.9})):
            monitor.send(do, **arguments)
        until(lambda: not run.alive or len(refused(run.folder)) == 3)
        done = run.end()
    texts = refused(done.folder)
    assert len(texts) == 3 and all("rig 'ecu' has no actuator" in text for text in texts)
    assert (done.verdict, done.written["tick"], pacer.ended) == ("pass", 1000, "RunEnded"), done.reason
