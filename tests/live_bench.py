"""A bench for tests that break live runs: scenes, and runs in this process and in processes of their own.

Addresses are files in the test's own folder, so that no two tests can meet. Nothing waits longer than WAIT.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

import crumple
from crumple.execution import Outline, Watch, execute
from crumple.live.monitor import MONITOR, Monitor
from crumple.recording import Signals, Table
from crumple.result import Result
from live_nursery import Child, Nursery

WAIT = 15.0  # [s] after which a test gives up
X, Y = {"x": "1"}, {"y": "1"}  # the channels of a rig: what it sends, what it receives

UNITS = '''
import math, os, signal, time
from crumple import Input, Output, Parameter, Unit


class Half(Unit):
    """Half of what comes in; at one tick it does something worse, if it is told to."""

    x = Input("1")
    y = Output("1")
    at = Parameter(-1.0, "1")
    nap = Parameter(0.0, "s")  # wall time that each step takes

    def reset(self):
        self.y = 0.0

    def step(self, now):
        self.y = self.x / 2
        if self.nap:
            time.sleep(self.nap)
        if now.tick == self.at:
            self.fail()

    def fail(self):
        pass


class Raises(Half):
    def fail(self):
        raise RuntimeError("no more")


class GivesNaN(Half):
    def fail(self):
        self.y = math.nan


class Exits(Half):
    def fail(self):
        os._exit(0)


class Crashes(Half):
    def fail(self):
        os.kill(os.getpid(), signal.SIGSEGV)
'''

CLOCK = """
crumple = 1

[clock]
period = "{period}"
stop = "{stop}"
mode = "{mode}"

[units.half]
plugin = "units.py:{unit}"
"""
PACING = """
[pacing]
fifo = false
locked = false
catch_up = 1_000_000_000  # no slip: on a busy machine time is not what is tested
{pacing}
"""
SENSOR = """
[sensors.front]
zmq = "{address}"
channels = {{ x = "1" }}
{sensor}
"""
ACTUATOR = """
[actuators.out]
zmq = "{address}"
channels = {{ y = {{ from = "half.y", safe = -1.0 }} }}
"""
RIG = """
[rigs.ecu]
zmq = "{address}"
timeout = "{timeout}"

[sensors.front]
rig = "ecu"
channels = {{ x = "1" }}

[actuators.out]
rig = "ecu"
channels = {{ y = {{ from = "half.y", safe = -1.0 }} }}
"""
CONNECT = """
[connect]
"half.x" = "front.x"

[requirements.small]
signal = "half.y"
max = 1e9
{more}
"""


def until(what: Callable[[], Any], *, seconds: float = WAIT, why: str = "") -> Any:
    """Waits until something is true, and returns it."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, f"waited {seconds:g} s in vain {why}"
        time.sleep(0.002)
    return found


class Bench:
    """A folder with scenes and runs."""

    def __init__(self, folder: Path, nursery: Nursery | None = None) -> None:
        self.folder = folder
        self._nursery = nursery
        self.sensor, self.actuator, self.rig = (self.address(name) for name in ("s", "a", "r"))
        (folder / "units.py").write_text(UNITS, encoding="utf-8")

    def address(self, name: str) -> str:
        return f"ipc://{self.folder}/{name}"

    def scene(self, body: str, name: str = "scene") -> Path:
        path = self.folder / f"{name}.toml"
        path.write_text(body, encoding="utf-8")
        return path

    def paced(
        self,
        *,
        stop: str = "300 ms",
        period: str = "1 ms",
        sensor: str = "",
        actuator: bool = True,
        unit: str = "Half",
        pacing: str = "",
        more: str = "",
        extra: str = "",
        mode: str = "realtime",
        name: str = "scene",
    ) -> Path:
        """A scene on the clock, with a sensor and an actuator that anybody can talk to.

        sensor: more lines of its table.   extra: more tables.   more: more requirements.
        """
        if "max_age" not in sensor:
            sensor += '\nmax_age = "20 s"'
        body = CLOCK.format(period=period, stop=stop, mode=mode, unit=unit) + PACING.format(pacing=pacing)
        body += SENSOR.format(address=self.sensor, sensor=sensor)
        body += ACTUATOR.format(address=self.actuator) if actuator else ""
        return self.scene(body + extra + CONNECT.format(more=more), name)

    def lockstep(
        self, *, stop: str = "300 ms", timeout: str = "20 s", unit: str = "Half", more: str = ""
    ) -> Path:
        """A scene that a rig paces."""
        body = CLOCK.format(period="1 ms", stop=stop, mode="lockstep", unit=unit) + PACING.format(pacing="")
        body += RIG.format(address=self.rig, timeout=timeout)
        return self.scene(body + CONNECT.format(more=more))

    def run(self, scene: Path, **options: Any) -> Done:
        """A run in this process and thread, to its end."""
        return Done(execute(scene, out=self.folder / "runs", watch=Watch(), **options))

    def begin(self, scene: Path, **options: Any) -> Running:
        """A run in a thread."""
        return Running(self, scene, options)

    def start(self, scene: Path, *options: str, **environment: str) -> Core:
        """`crumple run` in processes of its own."""
        assert self._nursery is not None
        return Core(self._nursery, self.folder, scene, options, environment)

    def peer(self, script: str, *arguments: object) -> Child:
        """A script in a process of its own."""
        assert self._nursery is not None
        return Child(self._nursery, self.folder, script=script, arguments=arguments)


class Done:
    """What a run came to."""

    def __init__(self, result: Result | Path) -> None:
        self.folder = result if isinstance(result, Path) else result.folder

    @property
    def result(self) -> Result:
        """As anybody reads it."""
        return crumple.open_run(self.folder)

    def _json(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / name).read_text(encoding="utf-8"))
        return found

    @property
    def written(self) -> dict[str, Any]:
        return self._json("verdict.json")

    @property
    def verdict(self) -> str:
        return str(self.written["verdict"])

    @property
    def reason(self) -> str:
        return str(self.written["reason"])

    @property
    def timing(self) -> dict[str, Any]:
        return self._json("timing.json")

    @property
    def front(self) -> dict[str, Any]:
        """What was counted at the sensor."""
        found: dict[str, Any] = self.timing["inputs"]["front"]
        return found

    @property
    def events(self) -> list[dict[str, Any]]:
        text = (self.folder / "events.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.split("\n") if line]

    @property
    def signals(self) -> Signals:
        return Signals(self.folder)

    @property
    def tape(self) -> Table:
        return Table(self.folder / "tape.npy")

    def column(self, name: str) -> Any:
        """A column of the tape."""
        return np.array(np.load(self.folder / "tape.npy", mmap_mode="r")[name])


class Running:
    """A run in a thread of this process."""

    def __init__(self, bench: Bench, scene: Path, options: dict[str, Any]) -> None:
        self._outline: Outline | None = None
        self.waiting: list[str] = []  # what those who were waited for were found to be, newest last
        self.reached = -1.0  # [s]
        self._done: Done | None = None
        self.error: BaseException | None = None
        watch = Watch(started=self._started, waiting=self._heard, reached=self._reached)

        def go() -> None:
            try:
                self._done = Done(execute(scene, out=bench.folder / "runs", watch=watch, **options))
            except BaseException as error:
                self.error = error

        self._thread = threading.Thread(target=go, name="run")
        self._thread.start()

    def _started(self, outline: Outline) -> None:
        self._outline = outline

    def _heard(self, rows: Iterable[Any], waited: float) -> None:
        self.waiting.append("; ".join(f"{row.name}: {row.state}" for row in rows))

    def _reached(self, t: float) -> None:
        self.reached = t

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def folder(self) -> Path:
        return Path(until(lambda: self._outline or self._over()).folder)

    def _over(self) -> None:
        assert self._thread.is_alive(), f"the run did not begin: {self.error}"

    def monitor(self) -> Monitor:
        """Attached to the run."""
        return attach(self.folder)

    def end(self, seconds: float = WAIT) -> Done:
        """Waits for the end, and returns what it came to."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), "the run hangs"
        if self.error is not None:
            raise self.error
        assert self._done is not None
        return self._done

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._thread.is_alive() and self._outline is not None:
            with suppress(Exception):
                self.monitor().send("stop")
        self._thread.join(WAIT)


class Core(Child):
    """`crumple run` as a user starts it: a supervisor, and the process that runs."""

    def __init__(
        self,
        nursery: Nursery,
        folder: Path,
        scene: Path,
        options: Sequence[str],
        environment: dict[str, str],
    ) -> None:
        self._runs = folder / f"core-{len(list(folder.glob('core-*')))}"
        self._runs.mkdir()
        command = ["run", scene, "--out", self._runs, *options]
        super().__init__(nursery, folder, command=command, environment=environment)

    @property
    def folder(self) -> Path:
        """Of the run, once there is one."""
        return Path(until(lambda: [p for p in self._runs.iterdir() if p.name[0] != "."], why=self.text)[0])

    @property
    def done(self) -> Done:
        return Done(self.folder)

    def monitor(self) -> Monitor:
        """Attached to the run."""
        return attach(self.folder)

    def worker(self) -> int:
        """The process that runs."""
        folder = self.folder
        until((folder / MONITOR).exists)
        return int(json.loads((folder / MONITOR).read_text(encoding="utf-8"))["pid"])


def resident() -> int:
    """Memory of this process [KiB]."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * (os.sysconf("SC_PAGE_SIZE") // 1024)


def quicken(monitor: Monitor) -> None:
    """Lets a run come to its end soon."""
    monitor.send("speed", speed=1000.0)


def value(monitor: Monitor, name: str) -> float | None:
    """The newest value of an output; None before there is a frame."""
    frame = monitor.frame()
    return None if frame is None else float(frame.values[monitor.names.index(name)])


def attach(folder: Path) -> Monitor:
    """A monitor of a run that is about to begin."""
    until((folder / MONITOR).exists, why=f"for {MONITOR} in {folder}")
    return Monitor(folder)


def reach(monitor: Monitor, tick: int, *, seconds: float = WAIT) -> int:
    """Waits until a run is at a tick or later; returns the tick seen."""

    def there() -> int | None:
        frame = monitor.frame()
        assert monitor.status != "ended" or (frame is not None and frame.tick >= tick), "the run has ended"
        return frame.tick if frame is not None and frame.tick >= tick else None

    return int(until(there, seconds=seconds, why=f"for tick {tick}"))
