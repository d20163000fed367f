"""The scene automatic_transmission: the Simulink trace of the benchmark, its falsifying inputs, its faults."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from crumple import Fmu, Table, World
from crumple.cases_run import Options, Outcome, Runner
from crumple.plugins import find_unit
from reference_data import reference as reference_path


@functools.cache
def runner() -> Runner:
    return Runner(Options(scene="automatic_transmission"))


def run(*, inject: str = "", **given: float) -> Outcome:
    outcome = runner().run(given, inject=[inject] if inject else [])
    assert outcome.verdict.outcome in ("pass", "fail"), outcome.verdict.reason
    return outcome


def falsified(**given: Any) -> set[str]:
    return {each.name for each in run(**given).requirements if each.status == "fail"}


@functools.cache
def reference() -> dict[str, np.ndarray]:
    path = reference_path("autotrans_trace.h5")
    h5py = pytest.importorskip("h5py")
    with h5py.File(path) as file:
        return {name: np.array(file[name]) for name in file}


def driven(period: str = "40 ms", *, gear: float | None = None) -> np.ndarray:
    """The powertrain under the pedals of the trace, with the shift logic or in one gear."""
    trace = reference()
    world = World(period)
    pedals = {"throttle": trace["throttle"], "brake": np.abs(trace["brake_torque"])}
    world.add("pedals", Table(trace["time"], pedals))
    world.add("car", Fmu("powertrain"), isolate=False)
    world.add("shift", find_unit("shift_controller")())
    world.connect("pedals.throttle", "car.throttle")
    world.connect("pedals.brake", "car.brake")
    world.connect("pedals.throttle", "shift.throttle", same_tick=True)
    world.connect("car.speed", "shift.speed", same_tick=True)
    if gear is None:
        world.connect("shift.gear", "car.gear")
    world.reset()
    if gear is not None:
        world["car.gear"] = gear
    kept = world.trace(
        ["car.speed", "car.engine_speed", "shift.gear", "car.impeller_torque", "car.output_torque"]
    )
    world.step(round(30.0 / float(world.period)))
    return kept.array()


# ---- The trace ---------------------------------------------------------------------------------------------


def test_speed_and_gear_follow_the_simulink_trace() -> None:
    trace, ours = reference(), driven()
    assert len(ours) == len(trace["time"]) == 751
    speed = ours["car.speed"] - trace["vehicle_speed"]
    assert np.sqrt((speed**2).mean()) < 0.02  # mph; it is 0.0135
    assert np.abs(speed).max() < 0.03
    assert int((ours["shift.gear"] != trace["gear"]).sum()) == 0
    engine = ours["car.engine_speed"] - trace["engine_rpm"]
    assert np.sqrt((engine**2).mean()) < 4.0  # rpm; it is 3.1


def test_torques_follow_the_trace_as_speeds_do() -> None:
    trace, ours = reference(), driven()
    for name in ("impeller_torque", "output_torque"):
        error = ours[f"car.{name}"][1:] - trace[name][1:]
        shifts = np.abs(np.diff(trace["gear"])) > 0  # ours are of the gear before, at the sample of a shift
        assert np.sqrt((error[~shifts] ** 2).mean()) < 0.01 * trace[name].max()


def test_the_torque_converter_at_rest_is_that_of_the_tables() -> None:
    world = World("40 ms")
    world.add("car", Fmu("powertrain"), isolate=False)
    world.reset()
    assert world["car.impeller_torque"] == pytest.approx((1000 / 137.465208993806) ** 2)
    assert world["car.output_torque"] == pytest.approx(2.393 * 2.232 * (1000 / 137.465208993806) ** 2)


def test_a_car_that_is_braked_hard_stands_and_does_not_go_backwards() -> None:
    outcome = run(throttle=0, brake=325)
    [speed] = [each.value for each in outcome.metrics if each.name == "speed_mph"]
    assert speed is not None
    assert 0.0 <= speed < 0.2


def test_the_step_of_the_importer_hardly_matters() -> None:
    coarse, fine = driven("40 ms", gear=2.0), driven("20 ms", gear=2.0)
    # mph; the pedals are held over a step, so what differs is half a step of their change
    assert coarse["car.speed"] == pytest.approx(fine["car.speed"][::2], abs=0.04)


# ---- Requirements and faults -------------------------------------------------------------------------------

WITNESSES: list[tuple[dict[str, float], set[str]]] = [
    ({}, set()),
    ({"throttle": 100}, {"AT1", "AT2"}),
    ({"throttle": 90}, {"AT2"}),
    ({"throttle": 40}, {"AT6c"}),
    ({"throttle": 100, "change_s": 3}, {"AT52"}),
    ({"throttle": 30, "throttle_then": 100, "change_s": 5}, {"AT2", "AT53"}),
    ({"throttle": 30, "throttle_then": 100, "change_s": 14}, {"AT54"}),
    ({"throttle": 100, "change_s": 5, "brake_then": 325}, {"AT53"}),
]


@pytest.mark.parametrize(("given", "broken"), WITNESSES)
def test_each_witness_falsifies_what_the_guide_tells(given: dict[str, float], broken: set[str]) -> None:
    assert falsified(**given) == broken


def test_full_throttle_breaks_the_first_two_by_the_published_figures() -> None:
    values = {each.name: each.value for each in run(throttle=100).requirements}
    assert values["AT1"] == pytest.approx(120.21, abs=0.01)  # mph at 20 s
    assert values["AT2"] == pytest.approx(4768, abs=0.5)  # rpm within 10 s


FAULTS = {
    "low_speed_reading": set(),
    "noisy_speed": {"AT53", "AT54"},
    "stuck_in_first": set(),
    "full_throttle": {"AT52"},
    "late_gear": set(),
}


@pytest.mark.parametrize(("fault", "broken"), FAULTS.items())
def test_each_fault_has_the_verdict_that_the_guide_tells(fault: str, broken: set[str]) -> None:
    assert falsified(inject=fault) == broken
