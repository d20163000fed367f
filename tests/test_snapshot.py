"""Snapshots and forks of any world: by state, by fork() of workers, by replay; and what isolation must not change."""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import pytest

from command import printed_by
from crumple import Fmu, Input, Output, StepError, Unit, UsageError, World
from crumple.errors import StateError
from fmu_build import build_fmu
from small_units import Walk


class Echo(Unit):
    """Gives back what it hears, text and bytes of any length."""

    heard = Input(kind="string")
    said = Output(kind="string")
    raw = Output(kind="binary")

    def step(self, now) -> None:
        self.said = self.heard
        self.raw = self.heard.encode()[::-1]


class Careless(Unit):
    """Not the same twice: it draws from a source that belongs to nobody."""

    y = Output("1")

    def step(self, now) -> None:
        self.y = random.SystemRandom().random()


class Raises(Unit):
    y = Output("1")

    def step(self, now) -> None:
        if now.tick == 3:
            raise RuntimeError("no more fuel")


def make_world(isolate: bool | None = True, walk_apart: bool = False) -> World:
    """A loop of an FMU without any state functions (rest2) and a plugin, and a free input."""
    world = World("1 ms", threads=1)
    world.add("plant", Fmu(build_fmu("real_only2")), isolate=isolate)
    world.add("lag", Fmu(build_fmu("lag2"), start={"x0": 2.0}), isolate=isolate)
    world.add("walk", Walk(), every=3, isolate=walk_apart)
    world.connect("lag.y", "walk.pull")
    world.connect("walk.y", "lag.u")
    return world


def children() -> set[int]:
    """Processes that this one has started, zombies too."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == os.getpid():
                found.add(int(entry.name))
    return found


@pytest.mark.parametrize("walk_apart", [False, True])
def test_isolation_changes_no_bit(walk_apart: bool) -> None:
    digests = set()
    for isolate in (False, True):
        world = make_world(isolate, walk_apart)
        world.reset(seed=4)
        world.step(100)
        digests.add(world.digest())
        assert world.isolated() == {"plant": isolate, "lag": isolate, "walk": walk_apart}
    reference = make_world(isolate=False)
    reference.reset(seed=4)
    reference.step(100)
    assert digests == {reference.digest()}


@pytest.mark.parametrize("walk_apart", [False, True])
@pytest.mark.parametrize("isolate", [True, False])
def test_a_fork_goes_on_as_its_parent_does_and_the_parent_does_not_notice(
    isolate: bool, walk_apart: bool
) -> None:
    alone = make_world(isolate=False)
    alone.reset(seed=7)
    alone.step(100)

    world = make_world(isolate, walk_apart)
    world.reset(seed=7)
    world.step(50)
    fork = world.fork()
    assert (fork.tick, fork.digest()) == (50, world.digest())
    fork.step(50)
    world.step(50)
    assert fork.digest() == world.digest() == alone.digest()


def test_a_hundred_forks_of_an_fmu_without_state_functions_are_independent() -> None:
    before = children()
    world = make_world()
    assert not world.fmus()["plant"].description.can_save
    world.reset(seed=1)
    world.step(30)
    digest = world.digest()
    forks = world.forks(100)
    assert len({id(fork) for fork in forks}) == 100
    for k, fork in enumerate(forks):
        fork.step(k % 5)
    assert world.digest() == digest
    world.step(4)
    for k, fork in enumerate(forks):
        fork.step(4 - k % 5)
        assert fork.digest() == world.digest()
    del forks, fork, world
    assert children() <= before


def test_what_was_set_by_hand_is_replayed() -> None:
    world = World("1 ms", threads=1)
    world.add("lag", Fmu(build_fmu("lag2")), isolate=False)
    world.reset()
    world.step(10)
    world["lag.u"] = 3.0
    world.step(10)
    snapshot = world.snapshot()
    assert "lag" in snapshot.replayed  # not vetted, and in this process
    trace = world.trace(["lag.y"])
    world.step(5)
    wanted = world.digest(), world["lag.y"]
    world["lag.u"] = -1.0
    world.step(7)
    world.restore(snapshot)
    assert world.tick == 20
    world.step(5)
    assert (world.digest(), world["lag.y"]) == wanted
    times = trace.array()["t"]  # the replay itself is not seen a second time
    assert len(times) == 1 + 5 + 7 + 5


def test_a_replay_that_comes_to_something_else_is_an_error() -> None:
    world = World("1 ms", threads=1)
    world.add("lag", Fmu(build_fmu("lag2")), isolate=False)
    world.add("careless", Careless())
    world.connect("careless.y", "lag.u")
    world.reset()
    world.step(10)
    snapshot = world.snapshot()
    world.step(1)
    with pytest.raises(StateError, match="Some unit does not do the same twice"):
        world.restore(snapshot)


def test_a_saved_world_goes_on_in_a_new_process(tmp_path: Path) -> None:
    world = World("1 ms", threads=1)
    world.add("lag", Fmu(build_fmu("lag2"), trust_state=True), isolate=True)
    world.add("walk", Walk())
    world.connect("walk.y", "lag.u")
    world.reset(seed=3)
    world.step(40)
    world.save(tmp_path / "world")
    world.step(60)
    program = (
        "import sys, test_snapshot as t; w = t.World('1 ms', threads=1);"
        "w.add('lag', t.Fmu(t.build_fmu('lag2'), trust_state=True), isolate=True);"
        "w.add('walk', t.Walk()); w.connect('walk.y', 'lag.u');"
        "w.resume(sys.argv[1]); assert w.tick == 40; w.step(60); print(w.digest())"
    )
    assert printed_by(program, tmp_path / "world") == world.digest()

    damaged = bytearray((tmp_path / "world").read_bytes())
    damaged[-1] ^= 1
    (tmp_path / "world").write_bytes(damaged)
    with pytest.raises(UsageError, match="was changed since it was saved"):
        world.resume(tmp_path / "world")


def test_a_world_that_cannot_leave_its_process_names_the_unit(tmp_path: Path) -> None:
    world = make_world()
    world.reset()
    with pytest.raises(StepError, match=r"unit 'lag' failed in pack.*not certified"):
        world.save(tmp_path / "world")
    assert list(tmp_path.iterdir()) == []


def test_a_plugin_that_raises_in_its_worker_shows_its_own_traceback() -> None:
    from crumple.tracebacks import plugin_traceback

    world = World("1 ms", threads=1)
    world.add("tank", Raises(), isolate=True)
    world.reset()
    with pytest.raises(StepError, match=r"unit 'tank' failed in step at t = 0\.003 s") as caught:
        world.step(10)
    assert caught.value.fact == "RuntimeError: no more fuel"
    lines = plugin_traceback(caught.value)
    assert 'raise RuntimeError("no more fuel")' in "\n".join(lines)
    assert Path(__file__).name in lines[0]


def test_a_worker_killed_from_outside_ends_the_run_with_its_name() -> None:
    before = children()
    world = make_world()
    world.reset()
    world.step(5)
    for victim in children() - before:
        os.kill(victim, 9)
    with pytest.raises(StepError, match="worker process was killed by SIGKILL") as caught:
        world.step(1)
    assert caught.value.unit == "lag"  # the first in the order of names
    assert caught.value.tick == 5
    world.reset()  # new workers
    world.step(5)
    world.close()
    assert children() <= before


def test_arrays_and_text_travel_to_workers_and_back() -> None:
    values = []
    for isolate in (False, True):
        world = World("1 ms", threads=1)
        world.add("dut", Fmu(build_fmu("all_types3")), isolate=isolate)
        world.reset()
        ports = world.inputs("dut")
        for port in ports:
            if port.kind == "string":
                world[f"dut.{port.name}"] = (
                    "ein Wort: äöü" * 20 if not port.shape else world[f"dut.{port.name}"]
                )
        world.step(3)
        values.append({p.name: world[f"dut.{p.name}"] for p in world.outputs("dut")})
    assert values[0].keys() == values[1].keys()
    for name, value in values[0].items():
        assert np.array_equal(value, values[1][name]), name


def test_text_longer_than_the_shared_memory_goes_in_pieces() -> None:
    world = World("1 ms", threads=1)
    world.add("echo", Echo(), isolate=True)
    world.reset()
    for text in ("", "x" * 3_500_000, "äöü" * 700_000, "", "short"):
        world["echo.heard"] = text
        world.step()
        assert world["echo.said"] == text
        assert world["echo.raw"] == text.encode()[::-1]
