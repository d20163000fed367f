"""Live runs, measured: a 10 kHz sensor into a 1 kHz scene with a Python plugin in each step, lockstep, round trips.

    python tests/bench/live.py [--seconds 20] [--steps 50000] [--rounds 3] [--asleep]

The rigs are a C program (live_peer.c, over crumple_wire.h) and a Python script (crumple.live), each in a process of
its own. Wanted, on two cores: samples no older than a period plus 0.5 ms at p99, and no more missed ticks than the
same loop without a sensor; 10,000 steps a second in lockstep with the C rig; round trips from sensor to actuator
within a period plus 0.5 ms at p99. What lockstep computed is checked.

All is measured in turns, so that a noisy minute touches every row; a cell has the median of the rounds and, where they
are three or more, the least and the most. "stolen" is the share of processor time that a virtual machine's host gave
to others meanwhile: what is late then is not for a program to cure.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crumple import _core
from crumple.execution import Watch, execute
from crumple.live.library import load_libzmq

HERE = Path(__file__).resolve().parent
HEADERS = HERE.parents[1] / "cpp" / "include"

PLUGIN = """
from crumple import Input, Output, Unit


class Half(Unit):
    x = Input("1")
    y = Output("1", start=0.0)

    def step(self, now):
        self.y = 0.5 * self.x
"""

PYTHON_SENSOR = """
import sys, time
from crumple.live import Sensor, real_time
rate = float(sys.argv[2])
with real_time(), Sensor(sys.argv[1], {"x": "1"}) as sensor:
    print("ready", flush=True)
    start = time.monotonic()
    k = 0
    while True:
        sensor.send(x=float(k % 100), t=k / rate)
        k += 1
        left = start + k / rate - time.monotonic()
        if left > 0:
            time.sleep(left)
"""

PYTHON_LOCKSTEP = """
import sys
from crumple.live import Rig
with Rig(sys.argv[1], sends={"x": "1"}, receives={"y": "1"}, safe={"y": 0.0}) as rig:
    y = rig.start()["y"]
    for _ in range(int(sys.argv[2])):
        y = rig.exchange(x=y + 1.0)["y"]
"""


class Bench:
    """A folder with scenes, rigs and runs."""

    def __init__(self, folder: Path, *, awake: bool = True) -> None:
        self.folder = folder
        self.awake = awake  # whether idle processors are kept from falling asleep
        (folder / "half.py").write_text(PLUGIN)
        self.library = load_libzmq()
        self.peer = folder / "live_peer"
        command = ["cc", "-O2", "-std=gnu11", f"-I{HEADERS}", str(HERE / "live_peer.c"), "-ldl", "-o"]
        subprocess.run([*command, str(self.peer)], check=True)

    def address(self, name: str) -> str:
        return f"ipc://{self.folder}/{name}"

    def scene(self, name: str, body: str) -> Path:
        file = self.folder / f"{name}.toml"
        pacing = "" if self.awake else "[pacing]\nawake = false\n"
        file.write_text("crumple = 1\n" + textwrap.dedent(body) + pacing)
        return file

    def run(self, scene: Path) -> tuple[dict[str, Any], dict[str, Any]]:
        """verdict.json and timing.json of a run."""
        result = execute(scene, out=self.folder / "runs", watch=Watch())
        found = [json.loads((result.folder / name).read_text()) for name in ("verdict.json", "timing.json")]
        if found[0]["verdict"] not in ("pass", "done", "inconclusive", "fail"):
            raise SystemExit(f"{scene.stem}: {found[0]['reason']}")
        return found[0], found[1]

    @contextmanager
    def rig(self, *command: str) -> Iterator[subprocess.Popen[str]]:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


PACED = """
[clock]
period = "1 ms"
stop = "{seconds} s"
mode = "realtime"
[units.half]
plugin = "half.py:Half"
"""

SENSOR = """
[sensors.front]
zmq = "{address}"
channels = {{ x = "1" }}
max_age = "100 ms"
[connect]
"half.x" = "front.x"
"""

ACTUATOR = """
[actuators.out]
zmq = "{address}"
channels = {{ y = "half.y" }}
"""

LOCKSTEP = """
[clock]
period = "1 ms"
stop = "{seconds} s"
mode = "lockstep"
[units.half]
plugin = "half.py:Half"
[rigs.ecu]
zmq = "{address}"
timeout = "10 s"
[sensors.front]
rig = "ecu"
channels = {{ x = "1" }}
[actuators.out]
rig = "ecu"
channels = {{ y = "half.y" }}
[connect]
"half.x" = "front.x"
"""


def stolen() -> tuple[float, float]:
    """Processor time since the machine began: given to others by its host, and all [ticks]."""
    times = [float(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return times[7], sum(times)


class Table:
    """Rows of figures, each measured once a round; printed with medians."""

    def __init__(self, head: str, columns: list[str]) -> None:
        self._head, self._columns = head, [*columns, "stolen"]
        self._rows: dict[str, list[dict[str, float]]] = {}

    @contextmanager
    def measure(self, row: str) -> Iterator[dict[str, float]]:
        """Fill what is given, by column."""
        figures: dict[str, float] = {}
        lost, total = stolen()
        yield figures
        now_lost, now_total = stolen()
        figures["stolen"] = (now_lost - lost) / max(now_total - total, 1.0)
        self._rows.setdefault(row, []).append(figures)
        shown = ", ".join(f"{name} {tell(name, value)}" for name, value in figures.items())
        print(f"  {row}: {shown}", file=sys.stderr, flush=True)

    def print(self) -> None:
        print(f"\n| {self._head} | {' | '.join(self._columns)} |")
        print(f"|---|{'---:|' * len(self._columns)}")
        for row, rounds in self._rows.items():
            cells = [cell(name, [each[name] for each in rounds if name in each]) for name in self._columns]
            print(f"| {row} | {' | '.join(cells)} |", flush=True)


def tell(name: str, value: float) -> str:
    return f"{value:.2%}" if name in ("missed", "stolen") else f"{value:,.0f}"


def cell(name: str, values: list[float]) -> str:
    if not values:
        return ""
    text = tell(name, statistics.median(values))
    return f"{text} ({tell(name, min(values))} to {tell(name, max(values))})" if len(values) > 2 else text


def paced(bench: Bench, table: Table, seconds: float, number: int) -> None:
    def row(name: str, scene: Path) -> None:
        with table.measure(name) as figures:
            _, timing = bench.run(scene)
            if age := timing["inputs"].get("front", {}).get("age"):
                figures.update({"age p50": age["p50"] * 1e6, "age p99": age["p99"] * 1e6})
            late = timing["late"]
            figures.update({"late p99": late["p99"] * 1e6, "missed": timing["missed_share"]})

    alone = PACED.format(seconds=seconds)
    row("no sensor", bench.scene("alone", alone))
    for name in ("C", "Python"):
        address = bench.address(f"sensor-{name}{number}")
        scene = bench.scene(f"sensor-{name}", alone + SENSOR.format(address=address))
        script = [sys.executable, "-c", PYTHON_SENSOR, address, "10000"]
        command = [str(bench.peer), "sensor", bench.library, address, "10000"] if name == "C" else script
        with bench.rig(*command):
            row(f"sensor at 10 kHz in {name}", scene)


def round_trip(bench: Bench, table: Table, seconds: float, number: int) -> None:
    sensor, actuator = bench.address(f"loop-in{number}"), bench.address(f"loop-out{number}")
    body = PACED.format(seconds=seconds) + SENSOR.format(address=sensor) + ACTUATOR.format(address=actuator)
    with (
        table.measure("rig in C at 10 kHz") as figures,
        bench.rig(str(bench.peer), "loop", bench.library, sensor, actuator, "10000") as rig,
    ):
        _, timing = bench.run(bench.scene("loop", body))
        out, _ = rig.communicate(timeout=30)
        trips = sorted(int(line) * 1e-3 for line in out.split()[1:])
        if len(trips) < 500 * seconds:
            raise SystemExit(f"{len(trips)} round trips in {seconds} s: the rig heard too little")
        figures.update(
            {"p50": statistics.median(trips), "p99": trips[int(0.99 * len(trips))], "max": trips[-1]}
        )
        figures["missed"] = timing["missed_share"]


def lockstep(bench: Bench, table: Table, steps: int, number: int) -> None:
    for over, address in (("ipc", bench.address(f"bare{number}")), ("tcp", "tcp://127.0.0.1:45996")):
        with table.measure(f"no run: two C programs and libzmq, {over}") as figures, kept(bench.awake):
            command = [str(bench.peer), "bare", bench.library, address, str(steps)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=600)
            figures["steps a second"] = float(done.stdout)
    for name, over in (("C", "ipc"), ("C", "tcp"), ("Python", "ipc"), ("Python", "tcp")):
        address = bench.address(f"lock-{name}{number}") if over == "ipc" else "tcp://127.0.0.1:45997"
        body = LOCKSTEP.format(seconds=steps / 1000, address=address)
        script = [sys.executable, "-c", PYTHON_LOCKSTEP, address, str(steps)]
        command = [str(bench.peer), "lockstep", bench.library, address, str(steps)] if name == "C" else script
        with table.measure(f"rig in {name}, {over}") as figures, bench.rig(*command):
            verdict, _ = bench.run(bench.scene(f"lock-{name}-{over}", body))
            figures["steps a second"] = verdict["tick"] / verdict["wall"]
        check(bench, steps, verdict)


@contextmanager
def kept(awake: bool) -> Iterator[None]:
    """Idle processors do not fall asleep, where that is granted: as during a run."""
    _core.ask_for_real_time(0, False, awake)
    try:
        yield
    finally:
        _core.leave_real_time()


def check(bench: Bench, steps: int, verdict: dict[str, Any]) -> None:
    """x(k+1) = y(k) + 1, y = x / 2: y tends to 1 and is 1 - 2^-k exactly."""
    from crumple.recording import Signals

    newest = max((bench.folder / "runs").iterdir(), key=lambda path: path.stat().st_mtime)
    y = Signals(newest)["half.y"]
    if verdict["tick"] != steps or [y[k] for k in range(1, 9)] != [1 - 2.0**-k for k in range(1, 9)]:
        raise SystemExit(f"the run in lockstep computed something else: {verdict['reason']}, {y[1:9]}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0, help="of each run in real time")
    parser.add_argument("--steps", type=int, default=50_000, help="of each run in lockstep")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
    parser.add_argument(
        "--asleep",
        action="store_true",
        help="let idle processors fall asleep, to compare (but for the rig in Python, which asks itself)",
    )
    given = parser.parse_args()
    ages = ["age p50", "age p99", "late p99", "missed"]
    parts: list[tuple[Callable[..., None], Table, float]] = [
        (paced, Table("1 kHz, a Python plugin each step [us]", ages), given.seconds),
        (
            round_trip,
            Table("sensor to actuator, scene at 1 kHz [us]", ["p50", "p99", "max", "missed"]),
            given.seconds,
        ),
        (lockstep, Table("lockstep, a Python plugin each step", ["steps a second"]), given.steps),
    ]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), awake=not given.asleep)
        for number in range(given.rounds):
            print(f"round {number + 1} of {given.rounds}", file=sys.stderr)
            for measure, table, length in parts:
                measure(bench, table, length, number)
    for _, table, _ in parts:
        table.print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
