"""The FMUs of reactor_runaway and cobot_contact as FMUs, and on their own against closed forms."""

from __future__ import annotations

import math
from typing import Any

import pytest
from fmpy.validation import validate_fmu

from bundled_fmu import FMUS, Dut, unpacked
from crumple import Fmu, World

BUSY: dict[str, dict[str, float]] = {
    "batch_reactor": {"conductance": 20.0, "quench": 1.0, "vent_flow": 50.0, "dump": 1.0},
    "cooling_jacket": {"valve": 0.7, "cooling_water": 0.9, "agitator": 0.5},
    "rupture_disk": {"pressure": 5e6, "temperature": 500.0},
    "robot_axis": {"speed_command": 0.25, "position": 0.01, "speed": 0.2, "stop": 1.0},
    "body_region": {"drive_force": 80.0, "brake": 0.0},
}
each = pytest.mark.parametrize("name", BUSY)


def onward(dut: Dut, count: int, length: float) -> list[list[float]]:
    rows = []
    for k in range(count):
        dut.set(**{n: v * (1 + 0.01 * k) for n, v in BUSY[dut.description.modelName].items()})
        dut.step(length)
        rows.append(dut.get(*dut.outputs))
    return rows


def step_of(name: str) -> float:
    return 1e-3 if name in ("robot_axis", "body_region") else 1.0


@each
def test_archive_and_description_are_in_order_and_no_output_depends_on_an_input(name: str) -> None:
    assert validate_fmu(str(FMUS / f"{name}.fmu")) == []
    assert [o.dependencies for o in unpacked(name)[1].outputs] == [[]] * len(unpacked(name)[1].outputs)


@each
def test_description_and_library_agree_on_start_values_and_ranges(name: str) -> None:
    dut = Dut(name)
    dut.enter()
    for v in dut.description.modelVariables:
        if v.causality in ("parameter", "input"):
            assert dut[v.name] == float(v.start), v.name
    for v in dut.description.modelVariables:
        if v.causality == "parameter":
            for limit, sign, word in ((v.min, -1.0, "below its least"), (v.max, 1.0, "above its greatest")):
                dut.fmu.reset()
                dut.set(**{v.name: float(limit)})
                said = dut.refuses(
                    "set", **{v.name: float(limit) + sign * max(1e-9, 1e-9 * abs(float(limit)))}
                )
                assert v.name in said and word in said and v.unit in said
    dut.fmu.freeInstance()


@each
def test_a_restored_state_continues_bit_for_bit_also_in_another_instance(name: str) -> None:
    dut, length = Dut(name).begin(), step_of(name)
    onward(dut, 40, length)
    state, t = dut.save(), dut.t
    expected = onward(dut, 40, length)
    dut.load(state, t)
    assert onward(dut, 40, length) == expected
    other = Dut(name)
    copy = other.deserialise(dut.serialise(state))
    other.load(copy, t)
    assert onward(other, 40, length) == expected
    dut.fmu.freeInstance()
    other.fmu.freeInstance()


@pytest.mark.parametrize(
    ("name", "start", "says"),
    [
        ("batch_reactor", {"ammonia": 10.0}, "must be at least twice nitrochlorobenzene = 9.0448 kmol"),
        ("batch_reactor", {"heat_capacity": 1000.0}, "must be above that of its water"),
        ("batch_reactor", {"end_temperature": 400.0}, "must be above start_temperature = 448 K"),
        ("body_region", {"clamped": 0.5}, "clamped = 0.5 must be 0 (free) or 1 (before a wall)"),
    ],
)
def test_parameters_that_do_not_fit_are_named(name: str, start: dict[str, float], says: str) -> None:
    dut = Dut(name)
    assert says in dut.refuses("begin", **start)
    dut.fmu.freeInstance()


# ---- the reactor


def reactor(period: str, **start: float) -> World:
    world = World(period)
    world.add("reactor", Fmu("batch_reactor", start=start), isolate=False)
    world.reset()
    return world


def test_heat_that_is_made_is_in_the_batch() -> None:
    world = reactor("1 s")
    world.step(600)
    x, t = world["reactor.conversion"], world["reactor.temperature"]
    assert 2504.0 * (t - 448.0) == pytest.approx(9.0448 * x * 5.9e5, rel=1e-9)


def test_conversion_at_constant_temperature_is_the_textbooks_integral() -> None:
    # without heat of reaction: the second-order law integrated, Fogler (E9-2.10)
    world = reactor("1 s", reaction_enthalpy=0.0)
    world.step(2700)
    x, theta = world["reactor.conversion"], 33.0 / 9.0448
    k = 0.00017 * math.exp(11273 / 1.987 * (1 / 461 - 1 / 448))
    integral = 5.119 / (k * 9.0448) / (theta - 2) * math.log((theta - 2 * x) / (theta * (1 - x)))
    assert integral == pytest.approx(45.0, rel=1e-9)


def test_results_hardly_depend_on_the_step() -> None:
    found: dict[str, Any] = {}
    for period, count in (("10 s", 330), ("1 s", 3300), ("0.3 s", 11000)):
        world = reactor(period)
        world.step(count)
        found[period] = world["reactor.temperature"]
    assert found["10 s"] == pytest.approx(found["0.3 s"], abs=1e-6)
    assert found["1 s"] == pytest.approx(found["0.3 s"], abs=1e-6)


@pytest.mark.parametrize(("kelvin", "bar"), [(373.124, 1.01325), (448.0, 8.9), (538.0, 50.7)])
def test_the_vapour_pressure_is_that_of_steam_tables(kelvin: float, bar: float) -> None:
    world = reactor("1 s", start_temperature=kelvin, other_pressure=0.0, reaction_enthalpy=0.0)
    assert world["reactor.pressure"] / 1e5 == pytest.approx(bar, rel=5e-3)


def test_a_quench_mixes_cold_water_in() -> None:
    world = reactor("1 s", rate_constant=0.0)
    world["reactor.quench"] = 1.0
    world.step(600)
    mixed = (2504.0 * 448.0 + 1500.0 * 298.0) / (2504.0 + 1500.0)
    assert world["reactor.quenched"] == 1500.0
    assert world["reactor.temperature"] == pytest.approx(
        mixed, rel=1e-3
    )  # the last step takes a little too much


def test_a_dump_empties_the_vessel_in_its_time() -> None:
    world = reactor("1 s")
    world["reactor.dump"] = 1.0
    world.step(60)
    assert world["reactor.inventory"] == pytest.approx(0.5, abs=1e-9)
    world.step(100)
    assert world["reactor.inventory"] == 0.01
    assert world["reactor.heat_generated"] == 0.0


# ---- jacket and disk


def test_a_valve_takes_its_travel_time_and_forcing_it_comes_first() -> None:
    world = World("1 s")
    world.add("jacket", Fmu("cooling_jacket"), isolate=False)
    world.reset()
    world["jacket.valve"] = 0.65
    world.step(3)
    assert world["jacket.position"] == pytest.approx(0.3)
    world.step(10)
    assert world["jacket.conductance"] == pytest.approx(0.65 * 35.83)
    world["jacket.valve"] = 0.0
    world["jacket.force_open"] = 1.0
    world["jacket.agitator"] = 0.0
    world.step(10)
    assert world["jacket.conductance"] == pytest.approx(0.2 * 35.83)


def test_a_disk_bursts_once_and_stays_open_below_its_pressure() -> None:
    world = World("1 s")
    world.add("disk", Fmu("rupture_disk"), isolate=False)
    world.reset()
    world["disk.temperature"] = 500.0
    world["disk.pressure"] = 4.82e6
    world.step()
    assert (world["disk.open"], world["disk.flow"]) == (0.0, 0.0)
    world["disk.pressure"] = 4.83e6
    world.step()
    g, area = 1.3, math.pi / 4 * 0.0508**2 * 0.62
    choked = area * 4.83e6 * math.sqrt(g / (461.5 * 500.0)) * (2 / (g + 1)) ** ((g + 1) / (2 * (g - 1)))
    assert world["disk.flow"] == pytest.approx(60.0 * choked, rel=1e-12)
    world["disk.pressure"] = 2e5
    world.step()
    assert world["disk.open"] == 1.0
    assert world["disk.flow"] > 0.0
    world["disk.pressure"] = 101325.0
    world.step()
    assert (world["disk.open"], world["disk.flow"]) == (1.0, 0.0)


def test_a_plugged_disk_never_opens() -> None:
    world = World("1 s")
    world.add("disk", Fmu("rupture_disk"), isolate=False)
    world.reset()
    world["disk.blockage"] = 1.0
    world["disk.pressure"] = 2e7
    world.step(10)
    assert (world["disk.open"], world["disk.flow"]) == (0.0, 0.0)


# ---- the axis


def test_drives_go_on_for_the_dead_time_and_then_the_brake_comes() -> None:
    world = World("1 ms")
    world.add("axis", Fmu("robot_axis", start={"start_position": 0.0}), isolate=False)
    world.reset()
    world["axis.speed_command"] = 0.1
    world.step(10)
    before = world["axis.drive_force"]
    world["axis.stop"] = 1.0
    world["axis.speed_command"] = 0.0
    world.step(100)
    assert world["axis.brake"] == 0.0
    assert world["axis.drive_force"] > before  # it still follows the old command
    world.step()
    assert (world["axis.brake"], world["axis.drive_force"]) == (1.0, 0.0)


def test_a_drive_pushes_with_no_more_than_its_limit() -> None:
    world = World("1 ms")
    world.add("axis", Fmu("robot_axis", start={"force_limit": 120.0, "start_position": 0.0}), isolate=False)
    world.reset()
    world["axis.position"] = -1.0
    world.step()
    assert world["axis.drive_force"] == 120.0
