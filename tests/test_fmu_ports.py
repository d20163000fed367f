"""What travels into and out of FMUs: all types of both versions, arrays, units of measure, initial loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from crumple.errors import BuildError, FmuError, StepError, UsageError
from crumple.fmu import Fmu
from crumple.unit import Input, Moment, Output, Unit
from crumple.world import World
from fmu_build import build_fmu

TYPES2 = ("Real", "Integer", "Boolean", "String", "Enumeration")
INTEGERS3 = ("Int8", "UInt8", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64")
TYPES3 = ("Float32", "Float64", *INTEGERS3, "Boolean", "String", "Binary", "Enumeration")
# other values than the start values
VALUES: dict[str, Any] = {
    "Real": -2.5, "Integer": 41, "Boolean": False, "String": "ünï & <x>", "Enumeration": "reverse",
    "Float32": 0.1, "Float64": 0.1, "Int8": 127, "UInt8": 0, "Int16": 32767, "UInt16": 1, "Int32": 2**31 - 1,
    "UInt32": 7, "Int64": 2**53, "UInt64": 2**53, "Binary": b"\x00\x01\xff",
}  # fmt: skip
SHOWN = {**VALUES, "Enumeration": 2, "Float32": float(np.float32(0.1))}


def build(*units: tuple[str, Any], period: Any = "10 ms", **links: Any) -> World:
    """A world of units by name; test FMUs are given by their names."""
    world = World(period=period, threads=1, **links)
    for name, unit in units:
        world.add(name, Fmu(build_fmu(unit)) if isinstance(unit, str) else unit)
    return world


def chained(fmi: int, types: tuple[str, ...], suffix: str = "", *, same_tick: bool = False) -> World:
    """Two FMUs of all types, the first feeding the second."""
    world = build(("a", f"all_types{fmi}"), ("b", f"all_types{fmi}"))
    for kind in types:
        world.connect(f"a.{kind}{suffix}_out", f"b.{kind}{suffix}_in", same_tick=same_tick)
    return world


# -- types ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fmi", "types"), [(2, TYPES2), (3, TYPES3)])
def test_every_type_travels_from_one_fmu_to_another(fmi: int, types: tuple[str, ...]) -> None:
    world = chained(fmi, types)
    world.reset()
    for kind in types:
        assert world[f"b.{kind}_out"] == world[f"a.{kind}_out"] != SHOWN[kind], kind
        world[f"a.{kind}_in"] = VALUES[kind]
    world.step()  # what is set shows at once in a, and in b a tick later
    for kind in types:
        assert world[f"a.{kind}_out"] == SHOWN[kind] != world[f"b.{kind}_out"], kind
    world.step()
    for kind in types:
        value = world[f"b.{kind}_out"]
        assert value == SHOWN[kind] and type(value) is type(SHOWN[kind]), kind


@pytest.mark.parametrize(("fmi", "types"), [(2, TYPES2), (3, TYPES3)])
def test_start_values_settle_through_connections_before_the_first_step(
    fmi: int, types: tuple[str, ...]
) -> None:
    for same_tick in (False, True):
        world = World(period="10 ms")
        world.add("a", Fmu(build_fmu(f"all_types{fmi}"), {f"{kind}_in": VALUES[kind] for kind in types}))
        world.add("b", Fmu(build_fmu(f"all_types{fmi}")))
        for kind in types:
            world.connect(f"a.{kind}_out", f"b.{kind}_in", same_tick=same_tick)
        world.reset()
        for kind in types:
            assert world[f"b.{kind}_out"] == SHOWN[kind], kind


@pytest.mark.parametrize("suffix", ["_1d", "_2d"])
def test_arrays_of_every_type_travel_from_one_fmu_to_another(suffix: str) -> None:
    world = World(period="10 ms")
    size = 3 if suffix == "_1d" else 6
    starts = {f"{kind}{suffix}_in": [VALUES[kind]] * size for kind in TYPES3}
    world.add("a", Fmu(build_fmu("all_types3"), starts))
    world.add("b", Fmu(build_fmu("all_types3")))
    for kind in TYPES3:
        world.connect(f"a.{kind}{suffix}_out", f"b.{kind}{suffix}_in")
    world.reset()
    world.step(2)
    for kind in TYPES3:
        value = world[f"b.{kind}{suffix}_out"]
        if isinstance(value, list):
            assert value == [SHOWN[kind]] * size, kind
        else:
            assert value.shape == ((3,) if suffix == "_1d" else (2, 3)), kind
            assert (value == float(SHOWN[kind])).all(), kind


@pytest.mark.parametrize("fmi", [2, 3])
def test_strings_are_copied_before_the_fmu_reuses_their_memory(fmi: int) -> None:
    world = build(("a", f"volatile_strings{fmi}"), ("b", f"volatile_strings{fmi}"))
    world.connect("a.String_out", "b.String_in")
    world.reset()
    for text in ("first", "a second, longer than the first", ""):
        world["a.String_in"] = text
        world.step(2)
        assert (world["a.String_out"], world["b.String_out"]) == (text, text)


class Mirror(Unit):
    """Gives what it gets, of every kind."""

    real = Input(shape=())
    integer = Input(kind="integer")
    boolean = Input(kind="boolean")
    string = Input(kind="string")
    matrix = Input(shape=(2, 3))
    real_out = Output()
    integer_out = Output(kind="integer")
    boolean_out = Output(kind="boolean")
    string_out = Output(kind="string")
    matrix_out = Output(shape=(2, 3))
    kinds = Output(kind="string")

    def step(self, now: Moment) -> None:
        self.kinds = " ".join(type(x).__name__ for x in (self.real, self.integer, self.boolean, self.string))
        self.real_out, self.integer_out = self.real, self.integer
        self.boolean_out, self.string_out = self.boolean, self.string
        self.matrix_out = self.matrix


@pytest.mark.parametrize("fmi", [2, 3])
def test_fmus_and_plugins_exchange_every_kind(fmi: int) -> None:
    names = {"integer": "Integer" if fmi == 2 else "Int32", "real": "Real" if fmi == 2 else "Float64"}
    names |= {"boolean": "Boolean", "string": "String"}
    world = build(("a", f"all_types{fmi}"), ("b", f"all_types{fmi}"), ("mirror", Mirror))
    for kind, name in names.items():
        world.connect(f"a.{name}_out", f"mirror.{kind}")
        world.connect(f"mirror.{kind}_out", f"b.{name}_in")
    if fmi == 3:
        world.connect("a.Float64_2d_out", "mirror.matrix")
        world.connect("mirror.matrix_out", "b.Float64_2d_in")
    world.reset()
    for name in names.values():
        world[f"a.{name}_in"] = VALUES[name]
    if fmi == 3:
        world["a.Float64_2d_in"] = np.arange(6.0).reshape(2, 3)
    world.step(3)
    for kind, name in names.items():
        assert world[f"mirror.{kind}_out"] == SHOWN[name]
        assert world[f"b.{name}_out"] == SHOWN[name]
    assert world["mirror.kinds"] == "float int bool str"
    if fmi == 3:
        assert world["b.Float64_2d_out"].tolist() == [[0, 1, 2], [3, 4, 5]]


class Bytes(Unit):
    """Reverses bytes."""

    given = Input(kind="binary")
    reversed = Output(kind="binary")

    def step(self, now: Moment) -> None:
        self.reversed = self.given[::-1]


def test_binary_values_travel_through_plugins() -> None:
    world = build(("a", "all_types3"), ("bytes", Bytes), ("b", "all_types3"))
    world.connect("a.Binary_out", "bytes.given")
    world.connect("bytes.reversed", "b.Binary_in")
    world.reset()
    world.step(3)
    assert world["b.Binary_out"] == b"\x10\xff\x00"


def test_integers_beyond_what_a_double_holds_are_an_error_that_says_so() -> None:
    world = build(("dut", "huge_integers3"))
    with pytest.raises(StepError, match=r"integers beyond 2\^53 cannot travel"):
        world.reset()
        world.step()


def test_a_number_that_is_not_whole_does_not_become_an_integer() -> None:
    world = build(("a", "all_types2"), ("b", "all_types2"))
    world.connect("a.Real_out", "b.Integer_in")
    with pytest.raises(StepError, match=r'input "Integer_in" takes whole numbers'):
        world.reset()
        world.step(2)


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("a.String_out", "b.Float64_in", "these cannot be connected"),
        ("a.String_out", "b.Binary_in", "these cannot be connected"),
        ("a.Float64_1d_out", "b.Float64_in", r'Connect one element: "a\.Float64_1d_out\[0\]"'),
        ("a.Float64_in", "b.Float64_in", "is an input; a connection goes from an output"),
        ("a.Float64_out", "b.Float64_ni", r'no port "Float64_ni"\. Did you mean "Float64_in"'),
        ("a.Float64_out", "c.Float64_in", "no unit 'c'"),
        ("a.Float64_out", "b.Float64_1d_in[3]", "3"),
    ],
)
def test_connections_that_cannot_be_are_refused(source: str, target: str, message: str) -> None:
    world = build(("a", "all_types3"), ("b", "all_types3"))
    with pytest.raises(BuildError, match=message):
        world.connect(source, target)
        world.build()


# -- arrays -----------------------------------------------------------------------------------------


def test_sixty_six_array_variables_and_their_elements() -> None:
    world = build(("a", "arrays3"), ("b", "arrays3"))
    for i in range(33):
        world.connect(f"a.y{i:02}", f"b.u{i:02}")
    world.reset()
    world.step(2)
    for i in range(33):
        first = np.arange(6.0) + i
        assert world[f"b.y{i:02}"].tolist() == (4 * first.reshape((6,) if i % 2 else (2, 3))).tolist()
    assert world["b.y00[1,2]"] == 20.0


def test_single_elements_are_connected() -> None:
    world = build(("a", "arrays3"), ("b", "arrays3"))
    world.connect("a.y00[1,2]", "b.u01[0]")
    world.connect("a.y01[5]", "b.u00[0,1]")
    world.reset()
    world.step(2)
    assert world["b.y01"].tolist() == [20, 4, 6, 8, 10, 12]  # the others keep their start values
    assert world["b.y00"].tolist() == [[0, 24, 4], [6, 8, 10]]


@pytest.mark.parametrize("n", [1, 4, 32])
def test_structural_parameters_size_ports(n: int) -> None:
    starts = {"n": n, "v_in": list(range(n)), "grid_in": np.ones((2, n))}
    world = World(period="10 ms")
    world.add("a", Fmu(build_fmu("all_types3"), starts))
    world.add("b", Fmu(build_fmu("all_types3"), starts))
    world.connect("a.v_out", "b.v_in")
    world.reset()
    world.step(2)
    assert world["b.v_out"].tolist() == list(range(n))
    assert world["b.sum"] == n * (n - 1) / 2
    assert world["a.grid_out"].shape == (2, n)


def test_ports_of_other_sizes_and_wrong_counts_of_values_are_refused() -> None:
    world = World(period="10 ms")
    world.add("a", Fmu(build_fmu("all_types3"), {"n": 4, "v_in": [0] * 4, "grid_in": np.zeros((2, 4))}))
    world.add("b", Fmu(build_fmu("all_types3")))
    with pytest.raises(BuildError, match=r"size 3.*size 4"):
        world.connect("a.v_out", "b.v_in")
        world.build()
    with pytest.raises(FmuError, match='"v_in" has 4 elements; 3 were given'):
        Fmu(build_fmu("all_types3"), {"n": 4, "v_in": [1, 2, 3]})


# -- parameters -------------------------------------------------------------------------------------


@pytest.mark.parametrize("fmi", [2, 3])
def test_a_tunable_parameter_changes_during_the_run(fmi: int) -> None:
    world = build(("dut", f"plain{fmi}"), period=0.125)
    world.reset()
    world.step(8)
    world["dut.k"] = 3.0
    world.step(8)
    assert world["dut.y"] == 4.0
    with pytest.raises(UsageError, match="cannot change during a run"):
        world["dut.x0"] = 1.0
    world.reset()  # as new, with its own gain
    world.step(8)
    assert world["dut.y"] == 1.0


@pytest.mark.parametrize("fmi", [2, 3])
def test_enumerations_are_set_by_name(fmi: int) -> None:
    world = build(("dut", f"all_types{fmi}"))
    world.reset()
    assert world["dut.Enumeration_out"] == 3
    world["dut.Enumeration_in"] = "drive"
    world.step()
    assert world["dut.Enumeration_out"] == 5
    with pytest.raises(FmuError, match=r'no item "drove"\. Did you mean "drive"'):
        world["dut.Enumeration_in"] = "drove"


@pytest.mark.parametrize(
    ("name", "value"), [("Boolean_in", "maybe"), ("Integer_in", 1.5), ("Integer_in", 2**31)]
)
def test_values_are_checked_against_the_type_of_an_input(name: str, value: Any) -> None:
    world = build(("dut", "all_types2"))
    world.reset()
    with pytest.raises(FmuError, match=name):
        world[f"dut.{name}"] = value


# -- units of measure -------------------------------------------------------------------------------


@pytest.mark.parametrize("fmi", [2, 3])
@pytest.mark.parametrize(
    ("source", "target", "value"),
    [
        ("speed_kmh_out", "speed", 10.0),
        ("speed_out", "speed_kmh", 36.0),
        ("temperature_degC_out", "temperature", 293.15),
        ("temperature_out", "temperature_degC", 26.85),
        ("force_kN_out", "force", 1000.0),
        ("force_out", "force_kN", 1.0),
        ("der(x)", "speed_kmh", 7.2),
        ("no_unit_out", "no_unit", 0.0),
    ],
)
def test_connections_convert_units_of_measure(fmi: int, source: str, target: str, value: float) -> None:
    world = build(("a", f"units{fmi}"), ("b", f"units{fmi}"))
    world.connect(f"a.{source}", f"b.{target}")
    world.reset()
    world.step(2)
    assert world[f"b.{target}"] == pytest.approx(value, rel=1e-14, abs=1e-12)
    assert world[f"b.{target}_out"] == world[f"b.{target}"]
    assert world.warnings == []


def test_a_unit_that_is_missing_on_one_side_is_warned_of() -> None:
    world = build(("a", "units2"), ("b", "units2"))
    world.connect("a.speed_kmh_out", "b.no_unit")
    world.reset()
    assert world["b.no_unit"] == 36.0
    assert world.warnings == [
        "connection a.speed_kmh_out -> b.no_unit: b.no_unit declares no unit; the value is passed on as km/h"
    ]


def test_units_that_do_not_measure_the_same_are_refused_unless_scaled_by_hand() -> None:
    world = build(("a", "units2"), ("b", "units3"))
    with pytest.raises(BuildError, match=r'"b\.force_kN" is in kN, its source "a\.speed_kmh_out" in km/h'):
        world.connect("a.speed_kmh_out", "b.force_kN")
        world.build()
    world = build(("a", "units2"), ("b", "units3"))
    world.connect("a.speed_kmh_out", "b.force_kN", scale=2.0, offset=1.0)
    world.reset()
    assert world["b.force_kN"] == 73.0


def test_start_values_are_converted_to_the_unit_of_the_variable() -> None:
    starts = {"speed": "36 km/h", "speed_kmh": "10 m/s", "temperature": "20 degC", "force_kN": "1500 N"}
    for fmi in (2, 3):
        world = World(period="10 ms")
        world.add("dut", Fmu(build_fmu(f"units{fmi}"), starts))
        world.reset()
        shown = [world[f"dut.{name}_out"] for name in starts]
        assert shown == pytest.approx([10.0, 36.0, 293.15, 1.5], rel=1e-14)


# -- initial loops ----------------------------------------------------------------------------------


@pytest.mark.parametrize("fmi", [2, 3])
def test_an_initial_loop_settles_on_its_solution(fmi: int) -> None:
    world = World(period="10 ms")
    world.add("p", Fmu(build_fmu(f"gain{fmi}"), {"a": 0.5, "b": 1.0}))
    world.add("q", Fmu(build_fmu(f"gain{fmi}"), {"a": -0.8, "b": 2.0}))
    world.connect("p.y", "q.u")
    world.connect("q.y", "p.u")
    world.reset()
    # p = 0.5 q + 1 and q = -0.8 p + 2
    assert world["p.y"] == pytest.approx(2.0 / 1.4, rel=1e-8)
    assert world["q.y"] == pytest.approx(1.2 / 1.4, rel=1e-8)


def test_an_initial_loop_that_does_not_settle_is_named() -> None:
    world = World(period="10 ms")
    world.add("p", Fmu(build_fmu("gain2"), {"a": 2.0, "b": 1.0}))
    world.add("q", Fmu(build_fmu("gain3"), {"a": 1.0}))
    world.add("bystander", Fmu(build_fmu("gain3")))
    world.connect("p.y", "q.u")
    world.connect("q.y", "p.u")
    with pytest.raises(BuildError, match="initial values of this loop do not settle") as caught:
        world.reset()
    assert all(name in str(caught.value) for name in ("p.y", "q.u", "q.y", "p.u"))
    assert "bystander" not in str(caught.value)


def test_a_chain_of_direct_feedthrough_is_evaluated_in_its_own_order() -> None:
    world = World(period="10 ms")
    for name in "dbca":  # neither declared nor named in the order of the chain, which is d, a, c, b
        world.add(name, Fmu(build_fmu("gain3"), {"a": 2.0, "b": 1.0}))
    for source, target in (("d", "a"), ("a", "c"), ("c", "b")):
        world.connect(f"{source}.y", f"{target}.u")
    world.reset()
    assert [world[f"{name}.y"] for name in "dacb"] == [4.0, 9.0, 19.0, 39.0]
