"""The declarative Unit: ports, parameters, limits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from crumple.errors import PluginError, StepError, UsageError
from crumple.unit import Input, Moment, Output, Parameter, Unit
from crumple.world import World


class Brake(Unit):
    """Slows a speed down."""

    speed = Input("m/s", start=10.0, doc="of the car", min=0.0, max=100.0)
    force = Output("N", start=0.0)
    gain = Parameter(2.0, "N", min=0.0, max=10.0, doc="force per speed")
    distance = Parameter(1.5, "m")
    count = Parameter(3, min=1)
    armed = Parameter(True)
    mode = Parameter("soft", choices=["soft", "hard"])
    table = Parameter([0.0, 1.0], "m/s")

    def step(self, now: Moment) -> None:
        self.force = self.gain * self.speed


def world_of(unit: Any, *, period: Any = "10 ms", every: int = 1, seed: int = 0) -> World:
    """A world of one unit, named dut, at tick 0."""
    world = World(period=period)
    world.add("dut", unit, every=every)
    world.reset(seed=seed)
    return world


# -- declarations -----------------------------------------------------------------------------------


def test_ports_and_parameters_can_be_read_without_an_instance() -> None:
    assert list(Brake.declared_inputs()) == ["speed"]
    assert list(Brake.declared_outputs()) == ["force"]
    assert list(Brake.declared_parameters()) == ["gain", "distance", "count", "armed", "mode", "table"]
    speed = Brake.declared_inputs()["speed"]
    assert (speed.si, speed.start, speed.doc, speed.min, speed.max) == ("m/s", 10.0, "of the car", 0.0, 100.0)


def test_a_subclass_has_the_ports_of_its_base_and_its_own() -> None:
    class Loud(Brake):
        noise = Output("1")
        gain = Parameter(5.0, "N")

        def step(self, now: Moment) -> None:
            super().step(now)
            self.noise = 2 * self.force

    assert list(Loud.declared_outputs()) == ["force", "noise"]
    world = world_of(Loud)
    world.step()
    assert (world["dut.force"], world["dut.noise"]) == (50.0, 100.0)


def test_names_that_a_unit_needs_itself_are_refused() -> None:
    for name in ("period", "random", "step", "reset"):
        with pytest.raises(PluginError, match=f'"{name}" cannot be the name of a port'):
            type(Unit)("Bad", (Unit,), {name: Output()})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "complex"}, 'kind "complex" of a port: there are real, integer'),
        ({"shape": (2, 0)}, "every dimension has at least one element"),
    ],
)
def test_a_faulty_declaration_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(PluginError, match=message):
        Output(**arguments)


def test_a_start_value_of_the_wrong_size_and_an_unknown_unit_of_measure_are_refused() -> None:
    class Short(Unit):
        y = Output(shape=3, start=[1.0, 2.0])

    class Odd(Unit):
        y = Output("parsec/fortnight")

    with pytest.raises(PluginError, match='port "y" has 3 elements, but its start value has 2'):
        world_of(Short)
    with pytest.raises((PluginError, ValueError), match="parsec"):
        world_of(Odd)


# -- parameters -------------------------------------------------------------------------------------


def test_parameters_are_converted_to_their_declaration() -> None:
    unit = Brake(
        gain="0.005 kN", distance="20 cm", count="4", armed="false", mode="hard", table=["3.6 km/h", 2]
    )
    assert (unit.gain, unit.distance, unit.count) == (5.0, 0.2, 4)
    assert type(unit.count) is int
    assert (unit.armed, unit.mode, unit.table) == (False, "hard", [1.0, 2.0])
    assert Brake().gain == 2.0


def test_all_mistakes_in_parameters_are_told_together() -> None:
    given = {
        "gian": 1, "gain": "3 kg", "distance": "x", "count": 2.5, "armed": 3, "mode": "sfot", "table": 1,
    }  # fmt: skip
    with pytest.raises(PluginError) as caught:
        Brake(**given)
    mistakes = caught.value.mistakes
    assert len(mistakes) == len(given)
    assert mistakes[0] == 'Brake has no parameter "gian". Did you mean "gain"?'
    assert 'parameter "gain"' in mistakes[1] and "mass" in mistakes[1]
    assert "takes a whole number, not 2.5" in mistakes[3]
    assert "takes true or false, not 3" in mistakes[4]
    assert "takes one of 'soft', 'hard', not 'sfot'" in mistakes[5]
    assert str(caught.value) == "\n".join(mistakes)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"gain": 11}, "11 N is outside its limits 0 to 10 N"),
        ({"gain": "-1 N"}, "-1 N is outside its limits"),
        ({"gain": math.nan}, "nan is not a quantity"),
        ({"gain": True}, "takes a number, not True"),
        ({"count": 0}, "outside its limits 1 to"),
        ({"unheard": 1}, "There are: armed, count, distance, gain, mode, table"),
    ],
)
def test_limits_and_types_of_parameters(given: dict[str, Any], message: str) -> None:
    with pytest.raises(PluginError, match=message):
        Brake.check_parameters(given)


def test_a_mutable_default_is_not_shared() -> None:
    first, second = Brake(), Brake()
    first.table.append(9.0)
    assert second.table == [0.0, 1.0] == Brake().table


# -- ports ------------------------------------------------------------------------------------------


class AllKinds(Unit):
    """An input and an output of every kind and of several shapes."""

    real = Input(start=1.5)
    integer = Input(kind="integer", start=-3)
    boolean = Input(kind="boolean", start=True)
    string = Input(kind="string", start="hej")
    binary = Input(kind="binary", start=b"\x00\xff")
    vector = Input(shape=3, start=[1, 2, 3])
    matrix = Input("m", shape=(2, 2), start=0.5)
    words = Input(kind="string", shape=2, start=["a", "b"])
    real_out = Output()
    integer_out = Output(kind="integer")
    boolean_out = Output(kind="boolean")
    string_out = Output(kind="string", start="not yet")
    binary_out = Output(kind="binary")
    vector_out = Output(shape=3)
    matrix_out = Output("m", shape=(2, 2))
    words_out = Output(kind="string", shape=2)

    def step(self, now: Moment) -> None:
        self.real_out, self.integer_out, self.boolean_out = self.real, self.integer, self.boolean
        self.string_out, self.binary_out = self.string + "!", self.binary
        self.vector_out[:] = self.vector[::-1]  # in place
        self.matrix_out = self.matrix @ self.matrix  # as a whole
        self.words_out = [word.upper() for word in self.words]


KINDS = {
    "real": 2.5, "integer": 2**53, "boolean": False, "string": "ünï", "binary": b"",
    "vector": [7.0, 8.0, 9.0], "matrix": [[1.0, 2.0], [3.0, 4.0]], "words": ["x", ""],
}  # fmt: skip


def test_ports_of_every_kind_read_and_write_as_attributes() -> None:
    world = world_of(AllKinds)
    assert world["dut.string_out"] == "not yet"
    world.step()
    assert (world["dut.real_out"], world["dut.integer_out"], world["dut.boolean_out"]) == (1.5, -3, True)
    assert (world["dut.string_out"], world["dut.binary_out"]) == ("hej!", b"\x00\xff")
    assert world["dut.vector_out"].tolist() == [3, 2, 1]
    assert world["dut.matrix_out"].tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert world["dut.words_out"] == ["A", "B"]
    for name, value in KINDS.items():
        world[f"dut.{name}"] = value
    world.step()
    assert (world["dut.real_out"], world["dut.integer_out"], world["dut.boolean_out"]) == (2.5, 2**53, False)
    assert (world["dut.string_out"], world["dut.binary_out"]) == ("ünï!", b"")
    assert world["dut.vector_out"].tolist() == [9, 8, 7]
    assert world["dut.matrix_out"].tolist() == [[7, 10], [15, 22]]
    assert world["dut.words_out"] == ["X", ""]
    assert [type(world[f"dut.{n}_out"]) for n in ("real", "integer", "boolean")] == [float, int, bool]


def test_ports_of_every_kind_travel_between_plugins() -> None:
    world = World(period="10 ms")
    world.add("a", AllKinds)
    world.add("b", AllKinds)
    for name in KINDS:
        world.connect(f"a.{name}_out", f"b.{name}")
    world.reset()
    for name, value in KINDS.items():
        world[f"a.{name}"] = value
    world.step(2)
    assert world["b.string_out"] == "ünï!!" and world["b.words_out"] == ["X", ""]
    assert world["b.vector_out"].tolist() == [7, 8, 9]
    assert world["b.integer_out"] == 2**53 and world["b.boolean_out"] is False


def test_what_is_read_from_the_world_is_a_copy() -> None:
    world = world_of(AllKinds)
    world.step()
    vector = world["dut.vector_out"]
    vector[:] = 0
    assert world["dut.vector_out"].tolist() == [3, 2, 1]


def test_an_input_array_cannot_be_written_by_the_unit() -> None:
    class Writer(Unit):
        u = Input(shape=2)

        def step(self, now: Moment) -> None:
            self.u[0] = 1.0

    with pytest.raises(StepError, match="read-only"):
        world_of(Writer).step()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("real_out", "much", 'output "real_out" must be a number; it was set to .much.'),
        ("real_out", None, "must be a number"),
        ("integer_out", 1.5, "must be a whole number within 2\\^53"),
        ("integer_out", 2**60, "must be a whole number within 2\\^53"),
        ("string_out", 5, "takes str"),
        ("binary_out", "text", "takes bytes"),
        ("vector_out", [1, 2], r"has shape \(3,\); it was set to an array of shape \(2,\)"),
        ("words_out", ["one"], "must have 2 items"),
    ],
)
def test_an_output_of_the_wrong_type_ends_the_run_by_name(name: str, value: Any, message: str) -> None:
    class Wrong(AllKinds):
        def step(self, now: Moment) -> None:
            setattr(self, name, value)

    with pytest.raises(StepError, match=message) as caught:
        world_of(Wrong).step()
    assert (caught.value.unit, caught.value.call, caught.value.tick) == ("dut", "step", 0)


def test_numpy_numbers_are_numbers() -> None:
    class Numpy(AllKinds):
        def step(self, now: Moment) -> None:
            self.real_out, self.integer_out = np.float32(0.5), np.int64(4)
            self.boolean_out = np.bool_(True)
            self.vector_out = (1, 2, 3)

    world = world_of(Numpy)
    world.step()
    assert (world["dut.real_out"], world["dut.integer_out"], world["dut.boolean_out"]) == (0.5, 4, True)
    assert world["dut.vector_out"].tolist() == [1, 2, 3]


def test_limits_of_ports_are_kept() -> None:
    class Bounded(Unit):
        u = Input(min=-1.0, max=1.0)
        y = Output(max=2.0)

        def step(self, now: Moment) -> None:
            self.y = 3.0 * self.u

    world = world_of(Bounded)
    world["dut.u"] = 0.5
    world.step()
    world["dut.u"] = 1.0
    with pytest.raises(StepError, match=r'output "y" is 3\.0, outside its declared limits -inf to 2\.0'):
        world.step()
    world.reset()
    world["dut.u"] = -2.0
    with pytest.raises(StepError, match=r'input "u" is -2\.0, outside its declared limits -1\.0 to 1\.0'):
        world.step()


def test_a_value_that_is_not_finite_is_an_error_unless_declared() -> None:
    class Wild(Unit):
        y = Output(start=0.0)

        def step(self, now: Moment) -> None:
            self.y = math.inf

    class Tame(Wild):
        y = Output(start=0.0, allow_nonfinite=True)

    with pytest.raises(StepError, match=r'"y".* the value is infinite'):
        world_of(Wild).step()
    world = world_of(Tame)
    world.step()
    assert world["dut.y"] == math.inf


def test_an_instance_is_in_a_world_once() -> None:
    unit = Brake()
    world = World(period="10 ms")
    world.add("a", unit)
    with pytest.raises(UsageError, match="this instance is in the world already; make another"):
        world.add("b", unit)
