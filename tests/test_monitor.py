"""Looking on at a run from outside, and what may be done to it by hand."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import crumple
from crumple import Input, Output, Unit
from crumple.errors import UsageError
from crumple.execution import Watch, execute
from crumple.live.monitor import Frame, Monitor

PLUGIN = """
from crumple import Input, Output, Unit


class Clock(Unit):
    more = Input("1", start=0.0)
    seconds = Output("s", start=0.0)

    def step(self, now):
        self.seconds = now.t + now.dt + self.more


class Zero(Unit):
    out = Output("1", start=0.0)

    def step(self, now):
        pass
"""

SCENE = """
crumple = 1
[clock]
period = "1 ms"
stop = "{stop}"
mode = "realtime"
[units.clock]
plugin = "clock.py:Clock"
[units.zero]
plugin = "clock.py:Zero"
[units.loose]
plugin = "clock.py:Clock"
[connect]
"clock.more" = "zero.out"
[faults.jump]
on = "clock.more"
kind = "bias"
value = 1000
manual = true
"""


class Run(threading.Thread):
    """A run in real time, in a thread of its own, that somebody else ends."""

    def __init__(self, folder: Path, stop: str) -> None:
        super().__init__()
        (folder / "clock.py").write_text(PLUGIN)
        self.scene = folder / "scene.toml"
        self.scene.write_text(SCENE.format(stop=stop))
        self.out = folder / "runs"
        self.folder = folder
        self.found = threading.Event()
        self.result: crumple.Result | None = None
        self.start()
        assert self.found.wait(20)
        self.monitor = Monitor(self.folder)

    def run(self) -> None:
        def started(outline: Any) -> None:
            self.folder = outline.folder
            self.found.set()

        self.result = execute(self.scene, out=self.out, watch=Watch(started=started))

    def until(self, holds: Callable[[Frame], bool]) -> Frame:
        """The first frame of which something holds."""
        for _ in range(4000):
            frame = self.monitor.frame()
            if frame is not None and holds(frame):
                return frame
            time.sleep(0.005)
        raise AssertionError("it never came to that")

    def events(self, kind: str) -> list[dict[str, Any]]:
        lines = (self.folder / "events.jsonl").read_text().splitlines()
        return [event for event in map(json.loads, lines) if event["event"] == kind]

    def finish(self) -> crumple.Result:
        self.join(30)
        assert self.result is not None
        return self.result


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path, "60 s")
    yield run
    if run.is_alive():
        run.monitor.send("stop")
        run.finish()
    run.monitor.close()


def test_a_frame_holds_what_was_published_at_its_tick(running: Run) -> None:
    frame = running.until(lambda frame: frame.tick > 20 and frame.status == "running")
    seconds = frame.values[running.monitor.names.index("clock.seconds")]
    assert frame.t == frame.tick / 1000  # correctly rounded
    assert seconds == pytest.approx(frame.t, rel=1e-12)
    assert (frame.ticks, frame.speed, frame.budget) == (60_000, 1.0, 1e-3)
    later = running.until(lambda other: other.tick > frame.tick)
    assert later.moment > frame.moment
    assert len(later.lateness) == len(later.step_s) <= 256


def test_a_run_is_held_stepped_and_sent_on(running: Run) -> None:
    running.until(lambda frame: frame.tick > 5)
    running.monitor.send("pause")
    running.until(lambda frame: frame.status == "paused")
    time.sleep(0.05)
    held = running.monitor.frame()
    time.sleep(0.05)
    assert held is not None
    again = running.monitor.frame()
    assert again is not None and again.tick == held.tick
    running.monitor.send("step", n=7)
    running.until(lambda frame: frame.status == "paused")
    begun = running.events("command")[0]["tick"]
    running.monitor.send("run_to", t=(begun + 300) * 1e-3)
    running.until(lambda frame: frame.status == "paused" and frame.tick > begun + 250)
    running.monitor.send("stop")
    result = running.finish()
    assert (result.verdict, result.exit_code) == ("inconclusive", 3)
    assert result.tick == begun + 300  # exactly there, and no tick more
    assert result.reason.startswith("stopped by hand at t = ")
    assert [event["do"] for event in running.events("command")] == ["pause", "step", "run_to"]


def test_what_changes_results_is_on_the_tape_and_a_replay_does_it_again(running: Run) -> None:
    running.until(lambda frame: frame.tick > 5)
    running.monitor.send("inject", fault="jump")
    running.until(lambda frame: frame.values[running.monitor.names.index("clock.seconds")] > 1000)
    running.monitor.send("clear", fault="jump")
    running.monitor.send("set", name="loose.more", value=5.0)
    running.until(lambda frame: frame.values[running.monitor.names.index("loose.seconds")] > 5)
    running.monitor.send("stop")
    result = running.finish()
    lines = (result.folder / "commands.jsonl").read_text().splitlines()
    commands = [json.loads(line) for line in lines]
    assert [command["do"] for command in commands] == ["inject", "clear", "set"]
    since, until = commands[0]["tick"], commands[1]["tick"]
    high = result.signals["clock.seconds"] > 1000
    assert (high.sum(), high.argmax()) == (until - since, since + 1)
    replayed = crumple.replay(result.folder, out=result.folder.parent)
    assert replayed.digest == result.digest


def test_commands_that_make_no_sense_are_refused_and_told(running: Run) -> None:
    running.until(lambda frame: frame.tick > 5)
    send = running.monitor.send
    send("inject", fault="jmup")
    send("set", name="clock.seconds", value=1.0)
    send("set", name="loose.more", value="red")
    send("speed", speed=0)
    send("run_to", t=-1.0)
    send("step")
    for _ in range(2000):
        if len(running.events("warning")) >= 6:
            break
        time.sleep(0.005)
    told = [event["text"] for event in running.events("warning") if "refused" in event["text"]]
    assert len(told) == 6
    for text, fact in zip(
        told, ["no fault 'jmup'", "output", "numbers", "speed", "past", "takes n"], strict=True
    ):
        assert fact in text
    assert (
        not (running.folder / "commands.jsonl").exists()
        or not (running.folder / "commands.jsonl").read_text()
    )


def test_an_unknown_or_endless_command_is_not_sent(running: Run) -> None:
    with pytest.raises(UsageError, match='"explode" is no command'):
        running.monitor.send("explode")
    with pytest.raises(UsageError, match="too long"):
        running.monitor.send("set", name="loose.more", value="x" * 300)


def test_nobody_looks_on_at_a_run_that_is_over(tmp_path: Path) -> None:
    run = Run(tmp_path, "50 ms")
    result = run.finish()
    run.monitor.close()
    assert result.verdict == "done"
    with pytest.raises(UsageError, match=r"over|no monitor"):
        Monitor(result.folder)


class Relay(Unit):
    """Passes on what it is given."""

    x = Input("1", start=0.0)
    y = Output("1", start=0.0)

    def step(self, now: Any) -> None:
        self.y = self.x + 1.0


def test_a_fork_has_the_faults_of_its_world() -> None:
    from crumple.live.plan import FaultPlan

    world = crumple.World("1 ms")
    world.add("a", Relay)
    world.add("b", Relay)
    world.connect("a.y", "b.x")
    world.add_fault(FaultPlan(name="bent", on="b.x", kind="gain", value=3.0, since=2, until=4))
    world.reset()
    world.step(2)
    fork = world.fork()
    assert world.active_faults() == fork.active_faults() == ["bent"]
    world.step(3)
    fork.step(3)
    assert world["b.y"] == fork["b.y"] == 2.0
    assert world.digest() == fork.digest()
