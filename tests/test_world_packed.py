"""Snapshots as bytes: a world that goes on in another process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from crumple import Fmu, Input, Output, Unit, UsageError, World
from fmu_build import build_fmu


class Walk(Unit):
    """A random walk with memory: it goes on only if its state, its stream and its output are all restored."""

    pull = Input("1")
    y = Output("1")

    def reset(self) -> None:
        self.past = [0.0]

    def step(self, now) -> None:
        self.past.append(self.past[-1] + self.random.normal() + self.pull)
        self.y = self.y / 2 + self.past[-1]


def make_world() -> World:
    world = World("10 ms", isolate=False)
    world.add("lag", Fmu(build_fmu("lag2"), start={"x0": 2.0}, trust_state=True))
    world.add("walk", Walk, every=3)
    world.connect("lag.y", "walk.pull")
    world.connect("walk.y", "lag.u")
    world.reset(seed=11)
    return world


def test_another_process_goes_on_bit_for_bit(tmp_path: Path) -> None:
    world = make_world()
    world.step(50)  # in the middle of the slow unit's window
    packed = world.pack(world.snapshot())
    world.step(50)
    (tmp_path / "packed").write_bytes(packed)
    program = (
        "import sys, pathlib; import test_world_packed as t; w = t.make_world(); w.step(3);"
        "w.restore(w.unpack(pathlib.Path(sys.argv[1]).read_bytes())); assert w.tick == 50;"
        "w.step(50); print(w.digest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "packed")],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent,
    )
    assert done.stdout.strip() == world.digest()


def test_bytes_that_are_no_snapshot_are_refused() -> None:
    world = make_world()
    packed = world.pack(world.snapshot())
    for wrong in (b"", b"rubbish", packed[:-1], packed[: len(packed) // 2], packed + b"."):
        with pytest.raises(UsageError, match=r"unpack\(\)"):
            world.unpack(wrong)
    other = World("20 ms")
    other.add("walk", Walk)
    other.reset()
    with pytest.raises(UsageError, match="other units"):
        other.unpack(packed)
