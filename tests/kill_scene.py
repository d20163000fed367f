"""A scene to be killed, and a nursery that starts it again and again without starting Python again.

The scene has an FMU and a plugin, records numbers and a string that changes in every tick, at two rates, and is
paced to some tenths of a second of wall time. In every tick the plugin notes the time on the system's clock in a
file that it shares with the test, so that the test knows which rows were recorded how long before the end.

    python tests/kill_scene.py SCENE       reads lines "OUT REPORT" and runs the scene in a process of its own for
                                           each; says "ready", and answers "PID" at the start and "done" at the end
"""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path

TICKS = 1000
REPORT_BYTES = 8 * (TICKS + 1)  # one time in nanoseconds for each communication point, 0: not reached

UNITS = '''
import math, mmap, os, struct, time
from crumple import Input, Output, Unit


class Witness(Unit):
    """Publishes numbers and texts that differ from tick to tick, and notes when each tick was reached."""

    speed = Input("m/s")
    wave = Output("1")
    corners = Output("m", shape=3)
    text = Output(kind="string")

    def reset(self):
        self.text = "at the start"

    def step(self, now):
        note(now.tick)
        self.wave = math.sin(now.tick) * self.speed
        self.corners = [self.wave, -self.wave, now.tick]
        self.text = f"after tick {now.tick}: \\u00e4 {self.wave!r}"
        time.sleep(50e-6)


_shared = {}


def note(tick):
    path = os.environ.get("CRUMPLE_TEST_REPORT")
    if path is None:
        return
    if path not in _shared:
        with open(path, "r+b") as file:
            _shared[path] = mmap.mmap(file.fileno(), 0)
    struct.pack_into("<q", _shared[path], 8 * tick, time.monotonic_ns())
'''

SCENE = f"""
crumple = 1
title = "to be killed"

[clock]
period = "1 ms"
stop = "{TICKS} ms"

[units.car]
fmu = "vehicle_crush"

[units.witness]
plugin = "witness.py:Witness"

[connect]
"witness.speed" = "car.velocity"

[[record]]
signals = ["car.*", "witness.*"]

[[record]]
signals = ["witness.*"]
every = 7

[requirements.wave]
signal = "witness.wave"
max = 1e6
"""


def write_kill_scene(folder: Path) -> Path:
    """The scene as a file in `folder`."""
    (folder / "witness.py").write_text(UNITS, encoding="utf-8")
    path = folder / "killed.toml"
    path.write_text(SCENE, encoding="utf-8")
    return path


def read_report(path: Path) -> list[int]:
    """Time [ns] on the monotonic clock at which each communication point was reached; 0 where it was not."""
    return list(struct.unpack(f"<{TICKS + 1}q", path.read_bytes()))


def _nursery(scene: str) -> None:
    import crumple

    crumple.run(
        scene, out=Path(scene).parent / "first"
    )  # all that can be imported and cached is, from here on
    print("ready", flush=True)
    for line in sys.stdin:
        out, report = line.split()
        child = os.fork()
        if child == 0:
            try:
                os.environ["CRUMPLE_TEST_REPORT"] = report
                crumple.run(scene, out=out)
            finally:
                os._exit(0)
        print(child, flush=True)
        os.waitpid(child, 0)
        print("done", flush=True)


if __name__ == "__main__":
    _nursery(sys.argv[1])
