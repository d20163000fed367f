"""The conformance check for plugin authors finds what breaks its rules, and nothing else."""

from __future__ import annotations

import itertools
import random
from collections import deque
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import pytest

from crumple.errors import PluginError
from crumple.testing import check_unit
from crumple.unit import Input, Moment, Output, Parameter, Unit


class Good(Unit):
    """Uses all that a unit may use."""

    u = Input("m/s", start=3.0, min=0.0, max=5.0)
    n = Input(kind="integer")
    flag = Input(kind="boolean")
    word = Input(kind="string")
    raw = Input(kind="binary")
    vector = Input(shape=(2, 2))
    y = Output("m", start=0.0)
    count = Output(kind="integer")
    text = Output(kind="string")
    values = Output(shape=(2, 2))
    gain = Parameter(1.0)

    def reset(self) -> None:
        self.window = deque([0.0], maxlen=50)
        self.seen: dict[str, int] = {}

    def step(self, now: Moment) -> None:
        assert 0 <= self.u <= 5 and isinstance(self.n, int) and isinstance(self.flag, bool)
        self.window.append(self.gain * self.u * now.dt + self.random.normal())
        self.seen[self.word] = self.seen.get(self.word, 0) + self.flag + len(self.raw)
        self.y = sum(self.window)
        self.count = self.n + len(self.seen)
        self.text = max(self.seen)
        self.values = 2 * self.vector


def test_a_good_unit_passes() -> None:
    check_unit(Good)
    check_unit(Good, parameters={"gain": 3.0}, steps=37, period="1/60 s", seed=9)


def test_inputs_can_be_given() -> None:
    ticks: list[int] = []

    def inputs(tick: int) -> dict[str, Any]:
        ticks.append(tick)
        return {"u": min(5.0, 0.1 * tick)}

    check_unit(Good, inputs=inputs, steps=20)
    assert ticks[:20] == list(range(20))


def test_a_unit_without_inputs_and_one_without_outputs_pass() -> None:
    class Source(Unit):
        y = Output()

        def step(self, now: Moment) -> None:
            self.y = now.t

    class Sink(Unit):
        u = Input()

        def step(self, now: Moment) -> None:
            self.last = self.u

    check_unit(Source)
    check_unit(Sink)


def test_a_nonfinite_output_passes_where_it_is_declared() -> None:
    class Open(Unit):
        y = Output(allow_nonfinite=True)

        def step(self, now: Moment) -> None:
            self.y = float("nan") if now.tick % 2 else float("inf")

    check_unit(Open)


class GlobalRandom(Unit):
    y = Output()

    def step(self, now: Moment) -> None:
        self.y = random.random()


class ClassState(Unit):
    y = Output()
    shared: ClassVar[itertools.count[int]] = itertools.count()

    def step(self, now: Moment) -> None:
        self.y = float(next(self.shared))


class Leftover(Unit):
    """Its state lies in the class, but the first run of each instance is the same."""

    y = Output()
    lives: ClassVar[WeakKeyDictionary[Unit, int]] = WeakKeyDictionary()

    def step(self, now: Moment) -> None:
        if now.tick == 0:
            self.lives[self] = self.lives.get(self, 0) + 1
        self.y = float(self.lives[self])


class Forgetful(Unit):
    y = Output()

    def reset(self) -> None:
        self.x = self.z = 0.0

    def step(self, now: Moment) -> None:
        self.x += 1.0
        self.z += self.x
        self.y = self.z

    def save(self) -> Any:
        return {"x": self.x}

    def load(self, state: Any) -> None:
        self.__dict__.update(state)


class Disturbed(Unit):
    y = Output()

    def reset(self) -> None:
        self.x = 0.0

    def step(self, now: Moment) -> None:
        self.x += 1.0
        self.y = self.x

    def save(self) -> Any:
        self.x += 100.0
        return super().save()


class Hoarder(Unit):
    u = Input()
    y = Output()

    def reset(self) -> None:
        self.history: list[float] = []

    def step(self, now: Moment) -> None:
        self.history.append(self.u)
        self.y = self.u


class Chatterbox(Unit):
    text = Output(kind="string", start="")

    def step(self, now: Moment) -> None:
        self.text += "bla"


class Writer(Unit):
    u = Input()
    y = Output()

    def step(self, now: Moment) -> None:
        self.u *= 2.0
        self.y = self.u


class ArrayWriter(Unit):
    u = Input(shape=3)
    y = Output()

    def step(self, now: Moment) -> None:
        self.u[0] = 1.0


class Explosive(Unit):
    y = Output(start=1.0)

    def step(self, now: Moment) -> None:
        self.y = self.y * 1e200


class Crashing(Unit):
    y = Output()

    def step(self, now: Moment) -> None:
        if now.tick == 7:
            raise ValueError("seven")


class Unpicklable(Unit):
    y = Output()

    def reset(self) -> None:
        self.f = lambda x: x

    def step(self, now: Moment) -> None:
        self.y = self.f(now.t)


@pytest.mark.parametrize(
    ("unit", "rule", "remedy"),
    [
        (GlobalRandom, "same seed, same outputs", r"Take random numbers from self\.random"),
        (ClassState, "same seed, same outputs", "class variables"),
        (Leftover, "reset equals new", "Keep state in attributes of self"),
        (Forgetful, "save and load continue bit for bit", "must hold all that step"),
        (Disturbed, "save and load continue bit for bit", r"save\(\) must not change self"),
        (Hoarder, "no growth", "Keep a bounded window"),
        (Chatterbox, "no growth", "Keep a bounded window"),
        (Writer, "inputs are only read", "attribute of another name"),
        (ArrayWriter, "inputs are only read", "Copy an input array"),
        (Explosive, "every output is finite", "allow_nonfinite=True"),
        (Crashing, "steps without an error", "seven"),
        (Unpicklable, "save and load continue bit for bit", "pickle"),
    ],
)
def test_a_broken_rule_is_named_with_its_remedy(unit: type[Unit], rule: str, remedy: str) -> None:
    with pytest.raises(AssertionError, match=remedy) as caught:
        check_unit(unit)
    assert str(caught.value).startswith(f"{unit.__name__} breaks the rule: {rule}. ")


def test_the_first_difference_is_named() -> None:
    with pytest.raises(AssertionError, match=r'output "y" is 100\.0 after step 1, then|output "y" is'):
        check_unit(ClassState)
    with pytest.raises(AssertionError) as caught:
        check_unit(Crashing)
    assert isinstance(caught.value.__cause__, ValueError)
    assert "Step failed at tick 7: ValueError: seven" in str(caught.value)


def test_wrong_parameters_are_what_they_are() -> None:
    with pytest.raises(PluginError, match="gian"):
        check_unit(Good, parameters={"gian": 1.0})


def test_a_longer_window_passes_with_more_steps() -> None:
    class Long(Unit):
        y = Output()

        def reset(self) -> None:
            self.window: deque[float] = deque(maxlen=3000)

        def step(self, now: Moment) -> None:
            self.window.append(now.t)
            self.y = self.window[0]

    with pytest.raises(AssertionError, match="more steps"):
        check_unit(Long)
    check_unit(Long, steps=300)
