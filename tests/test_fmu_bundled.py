"""The bundled FMUs as FMUs: archives, state, instances, and calls that they must refuse."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from fmpy.validation import validate_fmu

from bundled_fmu import FMUS, NAMES, Dut, unpacked


@pytest.fixture
def dut(request: pytest.FixtureRequest) -> Iterator[Dut]:
    made = Dut(request.param)
    yield made
    made.fmu.freeInstance()


each = pytest.mark.parametrize("dut", NAMES, indirect=True)
each_name = pytest.mark.parametrize("name", NAMES)


# ---- The archives ----------------------------------------------------------------------------------------


@each_name
def test_fmpy_finds_nothing_to_complain_about(name: str) -> None:
    assert validate_fmu(str(FMUS / f"{name}.fmu")) == []


@each_name
def test_no_output_depends_on_an_input(name: str) -> None:
    description = unpacked(name)[1]
    assert [o.dependencies for o in description.outputs] == [[]] * len(description.outputs)


@each
def test_description_and_library_agree_on_start_values_and_ranges(dut: Dut) -> None:
    dut.enter()
    for v in dut.description.modelVariables:
        if v.causality in ("parameter", "input"):
            assert dut[v.name] == float(v.start), v.name
    for v in dut.description.modelVariables:
        if v.causality == "parameter":
            for limit, beyond, word in (
                (v.min, -1e-9, "below its least"),
                (v.max, 1e-9, "above its greatest"),
            ):
                dut.fmu.reset()
                dut.set(**{v.name: float(limit)})
                value = (
                    float(limit) * (1 + math.copysign(beyond, beyond * float(limit)))
                    if float(limit)
                    else beyond
                )
                message = dut.refuses("set", **{v.name: value})
                assert v.name in message and word in message and v.unit in message


def test_the_linear_plant_has_the_ports_of_the_trilinear_one() -> None:
    crush, linear = (unpacked(n)[1] for n in ("vehicle_crush", "vehicle_linear"))
    ports = [[(v.name, v.unit) for v in d.modelVariables if v.causality == "output"] for d in (crush, linear)]
    assert ports[0] == ports[1]
    for name in ("mass", "speed"):
        assert (
            len({(v.start, v.unit) for d in (crush, linear) for v in d.modelVariables if v.name == name}) == 1
        )


# ---- State, instances, refusals --------------------------------------------------------------------------

BUSY: dict[str, dict[str, float]] = {
    "vehicle_crush": {},
    "vehicle_linear": {},
    "restraint": {"fire": 1.0, "torso_displacement": 0.1, "torso_velocity": 2.0, "head_displacement": 0.2},
    "alks_ego": {"deceleration": 2.0},
    "vehicle_longitudinal": {"brake_request": -3.0, "friction": 0.9},
    "encounter": {"ego_position": 5.0, "ego_speed": 9.0, "other_lateral": 0.3},
    "occupant": {"torso_force": 5000.0, "head_force": 900.0, "belt_force": 3000.0, "cabin_velocity": 10.0},
}


def onward(dut: Dut, count: int) -> list[list[float]]:
    rows = []
    for k in range(count):
        dut.set(**{n: v * (1 + 0.01 * k) for n, v in BUSY.get(dut.description.modelName, {}).items()})
        dut.step(1e-3)
        rows.append(dut.get(*dut.outputs))
    return rows


@each
def test_a_restored_state_continues_bit_for_bit(dut: Dut) -> None:
    dut.begin()
    onward(dut, 40)
    state, t = dut.save(), dut.t
    expected = onward(dut, 40)
    dut.load(state, t)
    assert onward(dut, 40) == expected
    other = Dut(dut.description.modelName)  # never initialised: the state brings that along
    copy = other.deserialise(dut.serialise(state))
    other.load(copy, t)
    assert onward(other, 40) == expected
    other.forget(copy)
    dut.forget(state)
    other.fmu.freeInstance()


@each
def test_bytes_that_are_no_state_are_refused(dut: Dut) -> None:
    dut.begin()
    content = dut.serialise(dut.save())
    spoilt = content[:-1] + bytes([content[-1] ^ 1])
    assert "damaged" in dut.refuses("deserialise", spoilt)
    assert "not a state of this model" in dut.refuses("deserialise", b"?" + content[1:])
    assert "bytes" in dut.refuses("deserialise", content[:-1])


@each_name
def test_instances_do_not_know_of_each_other(name: str) -> None:
    alone = onward(Dut(name).begin(), 30)
    many = [Dut(name).begin() for _ in range(8)]
    onward(many[3], 7)
    for dut in (*many[:3], *many[4:]):
        assert onward(dut, 30) == alone


@each
def test_reset_equals_new(dut: Dut) -> None:
    expected = onward(dut.begin(), 30)
    dut.fmu.reset()
    assert onward(dut.begin(), 30) == expected
    dut.fmu.terminate()
    assert dut.get(*dut.outputs) == expected[-1]


@each
def test_calls_out_of_turn_are_refused_with_a_reason(dut: Dut) -> None:
    assert "before initialisation mode" in dut.refuses("step", 1e-3)
    dut.fmu.reset()
    dut.enter(stop=0.01)
    assert "in initialisation mode" in dut.refuses("step", 1e-3)
    dut.fmu.reset()
    dut.enter(stop=0.01)
    dut.fmu.exitInitializationMode()
    assert "after the stop time" in dut.refuses("step", 0.02)
    assert "after an error" in dut.refuses("step", 1e-3)
    dut.fmu.reset()
    dut.begin()
    parameter = next(v.name for v in dut.description.modelVariables if v.causality == "parameter")
    assert f"{parameter} is a fixed parameter" in dut.refuses("set", **{parameter: 1.0})
    for length in (0.0, -1e-3, math.nan):
        dut.fmu.reset()
        dut.begin()
        assert "must be above 0" in dut.refuses("step", length)
    dut.fmu.reset()
    dut.begin()
    dut.t = 5.0
    assert "begins at 5 s, but this instance stands at 0 s" in dut.refuses("step", 1e-3)
    dut.fmu.reset()
    assert "must be a finite number" in dut.refuses("set", **{parameter: math.nan})
    dut.fmu.reset()
    dut.refs["nothing"] = 999
    assert "999" in dut.refuses("set", nothing=1.0)
    dut.fmu.reset()
    assert "is an output" in dut.refuses("set", **{dut.outputs[0]: 1.0})


@pytest.mark.parametrize(
    ("name", "start", "says"),
    [
        ("vehicle_crush", {"crush_2": 0.1}, "crush_2 = 0.1 m must be above the point before it, 0.12 m"),
        ("vehicle_crush", {"unload_stiffness": 1e6}, "must be above every slope of the crush curve"),
        ("vehicle_crush", {"force_3": 100.0}, "force_3 = 100 N must not be below force_2"),
        ("restraint", {"belt_unload_stiffness": 1e3}, "must be above belt_stiffness = 75000 N/m"),
        (
            "restraint",
            {"fill_delay": 0.008},
            "must be more than 0.004 s above ignition_delay",
        ),
        ("occupant", {"chest_damping": 1.0}, "chest_damping = 1 N.s/m must be at least 1.61 N.s/m"),
    ],
)
def test_parameters_that_do_not_fit_each_other_are_named(
    name: str, start: dict[str, float], says: str
) -> None:
    dut = Dut(name)
    assert says in dut.refuses("begin", **start)
    dut.fmu.freeInstance()
