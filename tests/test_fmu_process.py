"""What FMUs do to the process that they run in: their logs, and the floating-point mode that they leave."""

from __future__ import annotations

import ctypes
import gc
import time

import pytest

from crumple.fmu import Fmu
from crumple.unit import Moment, Output, Unit
from crumple.world import World
from fmu_build import VARIANTS, build_fmu

H = 0.125  # [s], and a power of two: sums of it are exact
LOGS = [name for name in VARIANTS if name.startswith("log_")]


def world_of(*names: str) -> World:
    """A world of test FMUs, which integrate y' = 1; units are named dut0, dut1 and so on."""
    world = World(period=H, threads=1)
    for i, name in enumerate(names):
        world.add(f"dut{i}", Fmu(build_fmu(name)))
    return world


@pytest.mark.parametrize("name", LOGS)
def test_a_logger_is_called_in_any_way_whatever(name: str) -> None:
    world = world_of(name)
    world.reset()
    world.step(8)
    assert world["dut0.y"] == 1.0
    del world
    gc.collect()
    if "after_free" in name:
        time.sleep(0.05)  # it calls after 20 ms


class Arithmetic(Unit):
    """Feels whether sums round to nearest and keep subnormals."""

    third = Output()
    subnormal = Output()

    def step(self, now: Moment) -> None:
        one, tiny = float(now.tick >= 0), 5e-324 * (now.tick >= 0)
        self.third = one / 3.0
        self.subnormal = tiny + tiny


@pytest.mark.parametrize("fmi", [2, 3])
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("step_rounding", "rounding direction"),
        ("step_flush", "flush-to-zero mode"),
        ("step_traps", "exception mask"),
    ],
)
def test_a_changed_floating_point_mode_is_put_back_and_its_offender_named(
    fmi: int, name: str, change: str
) -> None:
    world = world_of(f"{name}{fmi}", "plain2")
    world.add("later", Arithmetic)  # after the offender, in the same tick
    trace = world.trace(["later.third", "later.subnormal", "dut1.y"])
    world.reset()
    world.step(8)
    world.end()
    rows = trace.array()
    assert set(rows["later.third"][1:]) == {1 / 3}
    assert set(rows["later.subnormal"][1:]) == {1e-323}
    assert rows["dut1.y"].tolist() == [i * H for i in range(9)]
    assert world["dut0.y"] == 1.0
    assert [text for text in world.warnings if f"environment changed ({change})" in text] == [
        f"unit 'dut0': the FMU left the floating-point environment changed ({change}); it was put back"
    ]
    assert ctypes.CDLL(None).fegetround() == 0  # to nearest
    assert ctypes.CDLL(None).fegetexcept() == 0  # no trap is on
