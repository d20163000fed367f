"""A run without end: what it holds in memory does not grow with what it has done."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fmu_build import build_fmu

pytestmark = pytest.mark.slow

_SOAK = """
import json, os, sys, time
from pathlib import Path
import crumple
from crumple import Input, Output, Unit

what, ticks, every, out = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])


class Talker(Unit):
    x = Input("1")
    y = Output("1")
    text = Output(kind="string")

    def step(self, now):
        self.y = 1.0 - self.x
        if now.tick % 100 == 0:
            self.text = f"tick {now.tick}"


def resident():
    '''Pages of this process and its workers.'''
    children = Path("/proc/self/task", str(os.getpid()), "children").read_text().split()
    return sum(int(Path("/proc", pid, "statm").read_text().split()[1]) for pid in ["self", *children])


world = crumple.World(period="1 ms")
if what == "plugin":
    world.add("talker", Talker())
    world.connect("talker.y", "talker.x")
else:
    for name in ("a", "b"):
        world.add(name, crumple.Fmu(sys.argv[5]), isolate=what == "isolated")
    world.connect("a.y", "b.u")
    world.connect("b.y", "a.u", scale=-1.0, offset=1.0)
recorder = world.record(out / "signals", every=every)
world.reset()
pages, began = [], time.perf_counter()
for _ in range(100):
    world.step(ticks // 100)
    pages.append(resident())
seconds = time.perf_counter() - began
world.end()
print(json.dumps({"tick": world.tick, "t": world.t, "pages": pages, "seconds": seconds}))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
@pytest.mark.parametrize(
    ("what", "ticks", "every"),
    [
        ("fmu", 10_000_000, 1000),
        ("fmu", 1_000_000, 1),
        ("plugin", 2_000_000, 10),
        ("isolated", 120_000, 1),
    ],
    ids=["ten million ticks", "every tick recorded", "a plugin that talks", "in workers"],
)
def test_memory_does_not_grow(what: str, ticks: int, every: int, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SOAK, what, str(ticks), str(every), tmp_path, build_fmu("lag2")],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["tick"], said["t"]) == (ticks, ticks / 1000)
    pages = said["pages"][9:]  # from 10 % of the run on
    print(f"\n{what}: {ticks:,} ticks in {said['seconds']:.1f} s, {min(pages)} to {max(pages)} pages")
    assert max(pages) <= 1.05 * pages[0]
    recorded = tmp_path / "signals.npy"
    assert len(np.load(recorded, mmap_mode="r")) == ticks // every + 1
    recorded.unlink()
