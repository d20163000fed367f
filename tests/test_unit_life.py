"""The life of a plugin: steps, reset, random numbers, saved state, failures."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from crumple.errors import StepError, UsageError
from crumple.unit import Moment, Output, Parameter, Unit
from crumple.world import World


def world_of(unit: Any, *, period: Any = "10 ms", every: int = 1, seed: int = 0) -> World:
    """A world of one unit, named dut, at tick 0."""
    world = World(period=period)
    world.add("dut", unit, every=every)
    world.reset(seed=seed)
    return world


def test_a_step_is_told_tick_time_and_length() -> None:
    class Clocked(Unit):
        tick = Output(kind="integer")
        t = Output("s")
        dt = Output("s")
        known = Output("s")

        def reset(self) -> None:
            self.known = self.period

        def step(self, now: Moment) -> None:
            self.tick, self.t, self.dt = now.tick, now.t, now.dt

    world = world_of(Clocked, period="1/60 s", every=3)
    assert world["dut.known"] == 3 / 60
    world.step(6)
    assert (world["dut.tick"], world["dut.t"], world["dut.dt"]) == (3, 3 / 60, 3 / 60)


class Walk(Unit):
    """A random walk that keeps its history."""

    trail: ClassVar[str] = "of the class"
    x = Output(start=0.0)
    width = Parameter(1.0)

    def reset(self) -> None:
        self.history: list[float] = []

    def step(self, now: Moment) -> None:
        self.x += self.width * self.random.standard_normal()
        self.history.append(self.x)


def walk(seed: int, *, name: str = "dut", steps: int = 20) -> list[float]:
    world = World(period="10 ms")
    world.add(name, Walk)
    trace = world.trace()
    world.reset(seed=seed)
    world.step(steps)
    return trace.array()[f"{name}.x"].tolist()  # type: ignore[no-any-return]


def test_random_numbers_come_from_the_seed_and_the_name() -> None:
    assert walk(1) == walk(1)
    assert walk(1) != walk(2)
    assert walk(1, name="a") != walk(1, name="b")
    steps = np.diff([x for seed in range(40) for x in walk(seed, steps=50)])
    assert abs(np.std(np.diff(walk(7, steps=4000))) - 1.0) < 0.05 and len(steps) > 1000


def test_a_reset_unit_equals_a_new_one() -> None:
    class Hoarder(Walk):
        def step(self, now: Moment) -> None:
            super().step(now)
            self.left_over = getattr(self, "left_over", 0) + 1
            self.x += self.left_over

    world = world_of(Hoarder, seed=5)
    world.step(10)
    first = world.digest()
    world.reset(seed=5)
    assert world["dut.x"] == 0.0
    world.step(10)
    assert world.digest() == first


def test_a_parameter_that_a_step_changed_is_as_given_after_a_reset() -> None:
    class Decay(Unit):
        y = Output()
        gain = Parameter(1.0)

        def step(self, now: Moment) -> None:
            self.gain /= 2
            self.y = self.gain

    world = world_of(Decay(gain=8.0))
    world.step(2)
    assert world["dut.y"] == 2.0
    world.reset()
    world.step()
    assert world["dut.y"] == 4.0


def test_state_is_saved_and_restored_without_a_word_from_the_author() -> None:
    world = world_of(Walk(width=0.1), seed=3)
    world.step(10)
    snapshot = world.snapshot()
    world.step(10)
    wanted = (world.digest(), world["dut.x"])
    world.restore(snapshot)
    world.step(10)
    assert (world.digest(), world["dut.x"]) == wanted
    world.restore(snapshot)  # a second time, and from another place
    world.step(10)
    assert (world.digest(), world["dut.x"]) == wanted


def test_arrays_and_texts_are_restored_as_well() -> None:
    class Memory(Unit):
        y = Output(shape=2)
        word = Output(kind="string", start="")

        def step(self, now: Moment) -> None:
            self.y[:] += [1, 2]
            self.word += "x"

    world = world_of(Memory)
    world.step(3)
    snapshot = world.snapshot()
    world.step(3)
    world.restore(snapshot)
    assert (world["dut.y"].tolist(), world["dut.word"]) == ([3, 6], "xxx")
    world.step()
    assert (world["dut.y"].tolist(), world["dut.word"]) == ([4, 8], "xxxx")


# -- failures ---------------------------------------------------------------------------------------


def _deep(x: float) -> float:
    return 1.0 / x


class Faulty(Unit):
    """Divides by nought in the fourth step."""

    y = Output()

    def step(self, now: Moment) -> None:
        self.y = _deep(3.0 - now.tick)


def test_a_plugin_that_raises_ends_the_run_once_with_its_own_traceback() -> None:
    world = world_of(Faulty)
    with pytest.raises(StepError) as caught:
        world.step(10)
    error = caught.value
    assert (error.unit, error.call, error.tick, error.t) == ("dut", "step", 3, 0.03)
    assert "ZeroDivisionError" in error.fact
    assert str(error).startswith("unit 'dut' failed in step at t = 0.03 s (tick 3): ")
    assert isinstance(error.__cause__, ZeroDivisionError)
    frames = []
    trace = error.__cause__.__traceback__
    while trace is not None:
        frames.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    assert frames[-2:] == ["step", "_deep"]
    with pytest.raises(UsageError, match=r"an earlier step failed.*reset\(\)"):
        world.step()
    world.reset()
    world.step(3)
    assert world["dut.y"] == 1.0


@pytest.mark.parametrize("method", ["reset", "end", "save", "load"])
def test_other_methods_that_raise_are_named(method: str) -> None:
    def fail(self: Unit, *arguments: Any) -> None:
        raise RuntimeError("out of order")

    faulty: Any = type(Unit)("Faulty", (Walk,), {method: fail})
    world = World(period="10 ms")
    world.add("dut", faulty)
    with pytest.raises(StepError, match=f"unit 'dut' failed in {method}.*RuntimeError: out of order"):
        world.reset()
        world.step()
        if method in ("save", "load"):
            world.restore(world.snapshot())
        world.end()


def test_a_unit_without_a_step_says_so() -> None:
    class Idle(Unit):
        y = Output()

    with pytest.raises(StepError, match=r"Idle has no step\(self, now\) method"):
        world_of(Idle).step()


def test_a_keyboard_interrupt_in_a_step_is_one_outside() -> None:
    class Stopper(Unit):
        y = Output()

        def step(self, now: Moment) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world_of(Stopper).step()
