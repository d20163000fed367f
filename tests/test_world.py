"""A world of units: determinism, waves, connections, watching, interruption."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crumple.errors import BuildError, StepError, UsageError
from crumple.fmu import Fmu
from crumple.table import Table
from crumple.unit import Input, Moment, Output, Parameter, Unit
from crumple.world import World
from fmu_build import build_fmu
from small_units import Counter, Relay


class Noise(Unit):
    """Adds noise to what it gets."""

    u = Input()
    y = Output(start=1.0)
    gain = Parameter(0.5)

    def step(self, now: Moment) -> None:
        self.y = self.gain * self.u + self.random.standard_normal()


def ring(
    order: Sequence[int] = range(6), *, threads: int = 1, everywhere: bool = False, same_tick: bool = True
) -> World:
    """Six units in a ring, FMUs of both versions and plugins, some slower, one link within the tick."""
    world = World(period="1 ms", threads=threads, _everywhere=everywhere)
    units: list[tuple[str, Any, int]] = [
        ("a", Fmu(build_fmu("lag2"), {"tau": 0.1}), 1),
        ("b", Fmu(build_fmu("lag3"), {"tau": 0.2}), 1),
        ("c", Noise(gain=0.3), 2),
        ("d", Fmu(build_fmu("lag2"), {"tau": 0.05, "x0": 2}), 5),
        ("e", Noise(), 1),
        ("f", Fmu(build_fmu("lag3"), {"tau": 0.3}), 1),
    ]
    for i in order:
        name, unit, every = units[i]
        world.add(name, unit, every=every)
    links = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"), ("e", "f"), ("f", "a")]
    for i in order:
        source, target = links[i]
        world.connect(f"{source}.y", f"{target}.u", same_tick=same_tick and source in "ae")
    return world


def digest(world: World, ticks: int = 200) -> str:
    world.reset(seed=11)
    world.step(ticks)
    return world.digest()


# -- same scene, same bits --------------------------------------------------------------------------


def test_the_digest_depends_on_neither_threads_nor_order() -> None:
    wanted = digest(ring())
    assert len(wanted) == 16
    for threads in (1, 2, 8):
        assert digest(ring(threads=threads, everywhere=True)) == wanted
    assert digest(ring(threads=2)) == wanted
    assert digest(ring(range(5, -1, -1))) == wanted
    assert digest(ring([3, 1, 5, 0, 4, 2], threads=8, everywhere=True)) == wanted


def test_the_digest_depends_on_all_that_matters() -> None:
    wanted = digest(ring())
    assert digest(ring(same_tick=False)) != wanted
    assert digest(ring(), ticks=201) != wanted
    world = ring()
    world.reset(seed=12)
    world.step(200)
    assert world.digest() != wanted


def test_a_world_resumed_from_a_snapshot_gives_the_same_bits() -> None:
    world = ring(threads=2, everywhere=True)
    world.reset(seed=11)
    world.step(50)
    snapshot = world.snapshot()
    world.step(150)
    wanted = (world.digest(), world["d.y"])
    assert wanted[0] == digest(ring())
    world.restore(snapshot)
    assert (world.tick, world.t) == (50, 0.05)
    world.step(150)
    assert (world.digest(), world["d.y"]) == wanted


def test_steps_in_one_go_or_one_by_one_and_a_second_run_are_the_same() -> None:
    world = ring()
    wanted = digest(world)
    assert digest(world) == wanted
    world.reset(seed=11)
    for _ in range(200):
        world.step()
    assert world.digest() == wanted


def test_watching_and_profiling_change_nothing(tmp_path: Path) -> None:
    wanted = digest(ring())
    world = ring()
    trace = world.trace(every=7)
    world.record(tmp_path / "signals", signals=["a.y", "d.y"], every=3)
    world.set_profiling(True)
    assert digest(world) == wanted
    world.end()
    assert len(trace.array()) == 200 // 7 + 1
    assert len(np.load(tmp_path / "signals.npy")) == 200 // 3 + 1


def test_the_first_failure_in_unit_order_is_reported_whatever_the_threads() -> None:
    for threads in (1, 2, 8):
        world = World(period="125 ms", threads=threads, _everywhere=True)
        for name in ("zulu", "mike", "alfa"):
            world.add(name, Fmu(build_fmu("step_error2" if name != "alfa" else "plain2")))
        world.reset()
        with pytest.raises(StepError) as caught:
            world.step(5)
        assert caught.value.unit == "mike"


# -- waves ------------------------------------------------------------------------------------------


def chain(*links: tuple[str, str, bool], names: str = "abc") -> World:
    world = World(period="1 s")
    for name in names:
        world.add(name, Relay)
    for source, target, same_tick in links:
        world.connect(f"{source}.y", f"{target}.u", same_tick=same_tick)
    return world


def test_an_ordinary_connection_delays_by_a_tick_and_a_same_tick_one_does_not() -> None:
    world = chain(("a", "b", False), ("b", "c", False))
    world.reset()
    world.step()
    assert world.waves() == [["a", "b", "c"]]
    assert [world[f"{n}.y"] for n in "abc"] == [1.0, 1.0, 1.0]
    world.step()
    assert [world[f"{n}.y"] for n in "abc"] == [1.0, 2.0, 2.0]
    world = chain(("c", "b", True), ("b", "a", True))
    world.reset()
    world.step()
    assert world.waves() == [["c"], ["b"], ["a"]]
    assert [world[f"{n}.y"] for n in "abc"] == [3.0, 2.0, 1.0]


def test_units_that_wait_for_each_other_are_named_with_the_remedy() -> None:
    world = chain(("a", "b", True), ("b", "c", True), ("c", "a", True))
    with pytest.raises(BuildError) as caught:
        world.build()
    text = str(caught.value)
    assert text.startswith("These units wait for each other within one tick: ")
    assert text.endswith("Drop same_tick from one of these connections.")
    loop = text.split(": ")[1].split(". ", maxsplit=1)[0].split(" -> ")
    assert sorted(loop[1:]) == ["a", "b", "c"] and loop[0] == loop[-1]
    assert all((s, t) in {("a", "b"), ("b", "c"), ("c", "a")} for s, t in pairwise(loop))
    chain(("a", "b", True), ("b", "c", True), ("c", "a", False)).build()  # the remedy works


# -- connections and names --------------------------------------------------------------------------


class Vector(Unit):
    """Three numbers in, three numbers out."""

    u = Input("km/h", shape=3)
    y = Output("m/s", shape=3, start=[1.0, 2.0, 3.0])
    plain = Output(shape=(2, 2), start=[[1, 2], [3, 4]])
    single = Input("1")

    def step(self, now: Moment) -> None:
        pass


def vectors(source: str, target: str, **options: Any) -> World:
    world = World(period="1 s")
    world.add("a", Vector)
    world.add("b", Vector)
    world.connect(source, target, **options)
    world.reset()
    world.step()
    return world


def test_units_of_measure_are_converted_element_by_element() -> None:
    world = vectors("a.y", "b.u")
    assert world["b.u"].tolist() == pytest.approx([3.6, 7.2, 10.8], rel=1e-15)
    assert world.warnings == []
    [connection] = world.connections()
    assert (connection.source, connection.target, connection.same_tick) == ("a.y", "b.u", False)
    assert (connection.scale, connection.offset) == (pytest.approx(3.6), 0.0)


def test_elements_scales_and_offsets_by_hand() -> None:
    assert vectors("a.plain[1,0]", "b.single")["b.single"] == 3.0
    assert vectors("a.plain[2]", "b.single")["b.single"] == 3.0
    assert vectors("a.y[1]", "b.single", scale=-2.0, offset=0.5)["b.single"] == -3.5
    world = vectors("a.y[2]", "b.u[0]")
    assert world["b.u"].tolist() == pytest.approx([10.8, 0, 0])
    assert world["b.u[0]"] == pytest.approx(10.8)


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("a.x", "b.u", "unit 'a' has no port \"x\""),
        ("c.y", "b.u", "no unit 'c' in this world"),
        ("alpha", "b.u", "alpha"),
        ("b.u", "a.y", '"b.u" is an input; a connection goes from an output'),
        ("a.y", "b.y", '"b.y" is an output; a connection goes from an output'),
        ("a.y", "b.single", r'Connect one element: "a\.y\[0\]"'),
        ("a.plain", "b.u", "size 2 x 2"),
        ("a.y[3]", "b.u[0]", "index 3 is past the end: this dimension has 3 elements"),
        ("a.plain[0,2]", "b.single", "plain"),
    ],
)
def test_connections_that_cannot_be_are_refused_by_name(source: str, target: str, message: str) -> None:
    with pytest.raises(BuildError, match=message):
        vectors(source, target)


def test_an_input_has_one_source() -> None:
    world = chain(("a", "c", False))
    world.connect("b.y", "c.u")
    with pytest.raises(BuildError, match=r'"c\.u" has two sources, "a\.y" and "b\.y"'):
        world.build()


def test_names_of_units() -> None:
    world = World(period=1)
    world.add("a", Relay)
    for name, message in [("a", "exists already"), ("", "is not empty"), ("x.y", "has no dot")]:
        with pytest.raises(BuildError, match=message):
            world.add(name, Relay)
    with pytest.raises(UsageError, match="is no unit"):
        world.add("b", 3.0)  # type: ignore[arg-type]


def test_calls_in_the_wrong_moment_say_what_to_do() -> None:
    world = World(period=1)
    world.add("a", Relay)
    with pytest.raises(UsageError, match=r"Call reset\(\) first"):
        world.step()
    world.build()
    with pytest.raises(UsageError, match="the world is built; make a new one"):
        world.add("b", Relay)
    world.reset()
    with pytest.raises(UsageError, match="not negative"):
        world.step(-1)
    world.step(0)
    world.end()
    with pytest.raises(UsageError, match=r"The run has ended|the run has ended"):
        world.step()
    for seed in (-1, 2**64):
        with pytest.raises(UsageError, match="whole number from 0"):
            world.reset(seed=seed)
    world.reset(seed=2**64 - 1)
    assert world.seed == 2**64 - 1


def test_inputs_are_set_unless_they_are_fed() -> None:
    world = chain(("a", "b", False))
    world.reset()
    world["a.u"] = 5
    world.step()
    assert world["a.y"] == 6.0
    for name, message in [("b.u", "is fed by a connection"), ("a.y", "is an output; only inputs can be set")]:
        with pytest.raises(UsageError, match=message):
            world[name] = 1.0
    for value in (float("nan"), "text", [1.0, 2.0]):
        with pytest.raises(UsageError):
            world["a.u"] = value


# -- watching ---------------------------------------------------------------------------------------


def test_a_trace_has_a_row_for_the_start_and_one_for_each_tick() -> None:
    world = World(period="0.5 s")
    world.add("v", Vector)
    world.add("n", Counter)
    trace = world.trace(["n.n", "v.y"])
    world.reset()
    world.step(3)
    rows = trace.array()
    assert rows.dtype.names == ("t", "n.n", "v.y")
    assert rows["t"].tolist() == [0, 0.5, 1, 1.5]
    assert rows["n.n"].tolist() == [0, 1, 2, 3]
    assert rows["v.y"].shape == (4, 3)


def test_profile_counts_every_step_of_every_unit() -> None:
    world = ring()
    world.reset()
    world.set_profiling(True)
    world.step(100)
    rows = {row.unit: row for row in world.profile()}
    assert {name: row.count for name, row in rows.items()} == {
        "a": 100, "b": 100, "c": 50, "d": 20, "e": 100, "f": 100,
    }  # fmt: skip
    for row in rows.values():
        assert 0 < row.mean <= row.max and row.p99 > 0
    assert sum(row.share for row in rows.values()) == pytest.approx(1.0)
    world.set_profiling(False)
    world.step(10)
    assert world.profile() == []


def test_a_table_interpolates_reals_and_holds_the_rest() -> None:
    world = World(period="0.5 s")
    world.add(
        "table",
        Table([1, 2, 2, 3], {"x": [0, 4, 8, 10], "n": [1, 2, 3, 4]}, kinds={"n": "integer"}),
    )
    trace = world.trace()
    world.reset()
    world.step(8)
    assert trace.array()["table.x"].tolist() == [0, 0, 0, 2, 8, 9, 10, 10, 10]
    assert trace.array()["table.n"].tolist() == [1, 1, 1, 1, 3, 3, 4, 4, 4]
    with pytest.raises(BuildError, match="do not go back; row 1 does"):
        world = World(period=1)
        world.add("table", Table([1, 0], {"x": [0, 0]}))


# -- interruption -----------------------------------------------------------------------------------


def test_ctrl_c_leaves_a_long_step_between_two_ticks() -> None:
    world = World(period="1 ms")
    world.add("counter", Counter)
    trace = world.trace(every=1000)
    world.reset()
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        world.step(10**9)
    assert time.monotonic() - began < 20  # it would take minutes
    assert 0 < world.tick < 10**9
    assert world["counter.n"] == world.tick
    assert len(trace.array()) == world.tick // 1000 + 1
    # the signal most likely met the plugin in the middle of its step, and then only a reset makes it whole
    world.reset()
    world.step(10)
    assert world["counter.n"] == 10


def test_ctrl_c_leaves_a_world_of_fmus_on_several_threads() -> None:
    program = f"""
import os, signal, threading
from crumple.fmu import Fmu
from crumple.world import World
world = World(period="1 ms", threads=2, _everywhere=True)
for name in "ab":
    world.add(name, Fmu({str(build_fmu("lag2"))!r}))
world.reset()
threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    world.step(10**12)
except KeyboardInterrupt:
    world.step(5)
    print("left", world.tick > 5)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "left True\n", done.stderr


def test_other_python_threads_run_while_a_world_of_fmus_steps() -> None:
    world = World(period="1 ms", threads=1)
    world.add("lag", Fmu(build_fmu("lag2"), {"substeps": 200}))
    world.reset()
    beats = []
    done = threading.Event()

    def beat() -> None:
        while not done.wait(0.005):
            beats.append(world)

    thread = threading.Thread(target=beat)
    thread.start()
    world.step(50_000)  # some tenths of a second
    done.set()
    thread.join()
    assert len(beats) >= 3
