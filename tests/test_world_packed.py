"""Snapshots as bytes: a world that goes on in another process."""

from __future__ import annotations

from pathlib import Path

import pytest

from command import printed_by
from crumple import Fmu, UsageError, World
from fmu_build import build_fmu
from small_units import Walk


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
    assert printed_by(program, tmp_path / "packed") == world.digest()


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
