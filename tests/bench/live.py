"""Live runs, measured: a 10 kHz sensor into a 1 kHz scene with a Python plugin in each step, lockstep, round trips.

    python tests/bench/live.py [--seconds 20] [--awake]

The rigs are a C program (live_peer.c, over crumple_wire.h) and a Python script (crumple.live), each in a process of
its own. Wanted, on two cores: samples no older than a period plus 0.5 ms at p99, and no more missed ticks than the
same loop without a sensor; 10,000 steps a second in lockstep with the C rig; round trips from sensor to actuator
within a period plus 0.5 ms at p99. What lockstep computed is checked.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
from crumple.live import Sensor
rate = float(sys.argv[2])
with Sensor(sys.argv[1], {"x": "1"}) as sensor:
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

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "half.py").write_text(PLUGIN)
        self.library = load_libzmq()
        self.peer = folder / "live_peer"
        command = ["cc", "-O2", "-std=gnu11", f"-I{HEADERS}", str(HERE / "live_peer.c"), "-ldl", "-o"]
        subprocess.run([*command, str(self.peer)], check=True)

    def address(self, name: str) -> str:
        return f"ipc://{self.folder}/{name}"

    def scene(self, name: str, body: str) -> Path:
        file = self.folder / f"{name}.toml"
        file.write_text("crumple = 1\n" + textwrap.dedent(body))
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


def us(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f}"


def paced(bench: Bench, seconds: float) -> None:
    print(
        "\n| 1 kHz, a Python plugin each step | age p50 | p99 [us] | late p99 | max [us] | missed | slips |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|")

    def row(name: str, timing: dict[str, Any]) -> None:
        age = timing["inputs"].get("front", {}).get("age")
        ages = f"{us(age['p50'])} | {us(age['p99'])}" if age else " | "
        late = timing["late"]
        share = f"{timing['missed_share']:.3%}"
        print(
            f"| {name} | {ages} | {us(late['p99'])} | {us(late['max'])} | {share} | {timing['slips']} |",
            flush=True,
        )

    alone = PACED.format(seconds=seconds)
    row("no sensor", bench.run(bench.scene("alone", alone))[1])
    for name, rate in (("C", "10000"), ("Python", "10000")):
        address = bench.address(f"sensor-{name}")
        scene = bench.scene(f"sensor-{name}", alone + SENSOR.format(address=address))
        script = [sys.executable, "-c", PYTHON_SENSOR, address, rate]
        command = [str(bench.peer), "sensor", bench.library, address, rate] if name == "C" else script
        with bench.rig(*command):
            row(f"sensor at 10 kHz in {name}", bench.run(scene)[1])
    row("no sensor, again", bench.run(bench.scene("alone2", alone))[1])


def round_trip(bench: Bench, seconds: float) -> None:
    sensor, actuator = bench.address("loop-in"), bench.address("loop-out")
    body = PACED.format(seconds=seconds) + SENSOR.format(address=sensor) + ACTUATOR.format(address=actuator)
    with bench.rig(str(bench.peer), "loop", bench.library, sensor, actuator, "10000") as rig:
        _, timing = bench.run(bench.scene("loop", body))
        out, _ = rig.communicate(timeout=30)
    trips = sorted(int(line) * 1e-9 for line in out.split()[1:])
    p99 = trips[int(0.99 * len(trips))]
    print(
        f"\nsensor to actuator, C rig at 10 kHz, scene at 1 kHz: {len(trips):,} round trips, p50"
        f" {us(statistics.median(trips))} us, p99 {us(p99)} us, max {us(trips[-1])} us;"
        f" missed {timing['missed_share']:.3%}"
    )


def lockstep(bench: Bench, steps: int) -> None:
    print("\n| lockstep, a Python plugin each step | over | steps a second |")
    print("|---|---|---:|")
    for over in ("ipc", "tcp"):  # the most that can be had here
        address = bench.address("bare") if over == "ipc" else "tcp://127.0.0.1:45996"
        command = [str(bench.peer), "bare", bench.library, address, str(steps)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=600)
        print(f"| no run: two C programs and libzmq | {over} | {int(done.stdout):,} |", flush=True)
    for name, over in (("C", "ipc"), ("C", "tcp"), ("Python", "ipc"), ("Python", "tcp")):
        address = bench.address(f"lock-{name}") if over == "ipc" else "tcp://127.0.0.1:45997"
        body = LOCKSTEP.format(seconds=steps / 1000, address=address)
        script = [sys.executable, "-c", PYTHON_LOCKSTEP, address, str(steps)]
        command = [str(bench.peer), "lockstep", bench.library, address, str(steps)] if name == "C" else script
        with bench.rig(*command):
            verdict, _ = bench.run(bench.scene(f"lock-{name}-{over}", body))
        check(bench, steps, verdict)
        print(f"| rig in {name} | {over} | {verdict['tick'] / verdict['wall']:,.0f} |", flush=True)


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
    parser.add_argument("--awake", action="store_true", help="keep idle cores awake, at the idle priority")
    given = parser.parse_args()
    # a virtual machine gives idle cores away, and takes a tenth of a millisecond and more to get one back
    awake = [
        subprocess.Popen(["chrt", "-i", "0", sys.executable, "-c", "while True: pass"])
        for _ in range(2 if given.awake else 0)
    ]
    try:
        return measure(given)
    finally:
        for process in awake:
            process.kill()
            process.wait()


def measure(given: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        paced(bench, given.seconds)
        round_trip(bench, given.seconds)
        lockstep(bench, given.steps)
    return 0


if __name__ == "__main__":
    sys.exit(main())
