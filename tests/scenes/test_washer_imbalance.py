"""The scene washer_imbalance and its FMUs: the exact response, stick-slip of the feet, the verdict of every fault."""

from __future__ import annotations

import functools
import math
from typing import Any

import pytest
from fmpy.validation import validate_fmu

import crumple
from bundled_fmu import FMUS, Dut
from crumple import Fmu, World

MASS, RADIUS, FREQUENCY = 40.0, 0.24, 2.5
W_N = math.tau * FREQUENCY
NAMES = ("washer_tub", "washer_motor", "washer_cabinet")


def response(kg: float, rpm: float, zeta: float = 0.15) -> tuple[float, float]:
    """Amplitude [mm] and transmitted force [N] of M x'' + c x' + k x = m r w^2 cos(w t)."""
    q = rpm / 60 / FREQUENCY
    x = kg * RADIUS / MASS * q * q / math.hypot(1 - q * q, 2 * zeta * q)
    return x * 1e3, x * MASS * W_N * math.hypot(W_N, 2 * zeta * rpm * math.tau / 60)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Runs the scene, each case once."""
    folder = tmp_path_factory.mktemp("washer")

    @functools.cache
    def run(*inject: str, **settings: Any) -> crumple.Result:
        return crumple.run("washer_imbalance", set=settings, inject=inject, out=folder)

    return run


def failed(result: crumple.Result) -> set[str]:
    return {found.name for found in result.requirements if found.status == "fail"}


# ---- The archives ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_fmpy_finds_nothing_to_complain_about_in_the_washer(name: str) -> None:
    assert validate_fmu(str(FMUS / f"{name}.fmu")) == []


@pytest.mark.parametrize("name", NAMES)
def test_description_and_library_of_the_washer_agree_on_start_values(name: str) -> None:
    dut = Dut(name)
    dut.enter()
    for v in dut.description.modelVariables:
        if v.causality in ("parameter", "input"):
            assert dut[v.name] == float(v.start), v.name
    dut.fmu.freeInstance()


# ---- The exact response ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("kg", "rpm"), [(0.3, 60), (0.3, 150), (0.9, 800), (0.3, 1400)])
def test_amplitude_and_force_at_a_steady_speed_are_the_closed_form(run: Any, kg: float, rpm: float) -> None:
    result = run(unbalance_kg=kg, speed_rpm=rpm)
    amplitude, force = response(kg, rpm)
    assert result.verdict == "pass"
    assert result.metrics["amplitude_mm"] == pytest.approx(amplitude, rel=1e-3)
    assert result.metrics["transmitted_force_N"] == pytest.approx(force, rel=1e-3)


def test_the_peak_is_where_theory_has_it_and_as_high(run: Any) -> None:
    zeta = 0.15
    peak = 60 * FREQUENCY / math.sqrt(1 - 2 * zeta**2)  # [rpm]
    ratios = [
        run(speed_rpm=rpm).metrics["amplitude_mm"] / (0.3 * RADIUS / MASS * 1e3)
        for rpm in (peak - 3, peak, peak + 3)
    ]
    assert ratios[1] == pytest.approx(1 / (2 * zeta * math.sqrt(1 - zeta**2)), rel=1e-4)
    assert ratios[1] == pytest.approx(3.3715, abs=1e-3)
    assert ratios[1] > max(ratios[0], ratios[2])


def test_far_above_the_resonance_the_tub_turns_about_the_common_centre_of_mass(run: Any) -> None:
    result = run(speed_rpm=1600, frequency_Hz=0.5, damping=0.3)
    assert result.metrics["amplitude_mm"] == pytest.approx(0.3 * RADIUS / MASS * 1e3, rel=2e-3)


def test_other_dampers_and_another_tub_follow_the_closed_form_too(run: Any) -> None:
    result = run(speed_rpm=150, damping=0.3)
    assert result.metrics["amplitude_mm"] == pytest.approx(response(0.3, 150, 0.3)[0], rel=1e-3)
    result = run(tub_kg=80, speed_rpm=800)
    assert result.metrics["amplitude_mm"] == pytest.approx(response(0.3, 800)[0] / 2, rel=1e-3)


def test_a_speed_that_is_never_steady_has_no_amplitude(run: Any) -> None:
    result = run(unbalance_kg=2)  # found too heavy before the resonance
    assert result.verdict == "pass" and result.metrics["abort_s"] < 6.0
    assert result.metrics["amplitude_mm"] == 0.0


# ---- The tub ---------------------------------------------------------------------------------------------


def test_a_tub_that_is_let_go_swings_with_its_frequency_and_damping() -> None:
    world = World("1 ms")
    start = {"unbalance": 0.0, "damping": 0.1, "base": 0.01}
    world.add("tub", Fmu("washer_tub", start=start), isolate=False)
    world.reset()  # at rest with its base 10 mm to the right, which then jumps back
    world["tub.base"] = 0.0
    trace = world.trace(["tub.x"])
    world.step(1000)
    damped = W_N * math.sqrt(1 - 0.01)
    for k in (100, 300, 700):
        t = k * 1e-3
        swing = math.cos(damped * t) + 0.1 / math.sqrt(0.99) * math.sin(damped * t)
        assert trace.array()["tub.x"][k] == pytest.approx(0.01 * math.exp(-0.1 * W_N * t) * swing, abs=1e-8)
    assert world["tub.energy_error"] < 1e-9


def test_laundry_that_shifts_moves_the_common_centre_of_mass_by_nothing() -> None:
    world = World("1 ms")
    start = {"unbalance": 0.3, "damping": 0.15}
    world.add("tub", Fmu("washer_tub", start=start), isolate=False)
    world.add("motor", Fmu("washer_motor", start={"request": 60.0}), isolate=False)
    world.connect("motor.torque", "tub.torque")
    world.connect("tub.speed", "motor.measured_speed")
    world.reset()
    world.step(20_000)
    angle, x = float(world["tub.angle"]), float(world["tub.x"])
    before = MASS * x + 0.3 * RADIUS * math.cos(angle)
    world["tub.unbalance"] = 0.8
    world.step()
    after = MASS * world["tub.x"] + 0.8 * RADIUS * math.cos(world["tub.angle"])
    assert after == pytest.approx(before, abs=0.02 * MASS * 5e-3)  # 1 ms later; the tub itself jumped by 3 mm
    assert abs(world["tub.x"] - x) > 1e-3 or abs(math.cos(angle)) < 0.4


# ---- The cabinet -----------------------------------------------------------------------------------------


def push(newton: float, *, up: float = 0.0, steps: int = 1000, **start: float) -> World:
    world = World("1 ms")
    values = {"force_x": newton, "force_y": up, "mass": 30.0, "tub_mass": 40.0, **start}
    world.add("cabinet", Fmu("washer_cabinet", start=values), isolate=False)
    world.reset()
    world.step(steps)
    return world


def test_it_stands_below_the_friction_at_rest_and_slides_above() -> None:
    weight = 70.0 * 9.80665
    assert push(0.399 * weight)["cabinet.walked"] == 0.0
    world = push(0.401 * weight)
    slide = (0.401 * weight - 0.3 * weight) / 30.0 * 1.0  # a second later [m/s]
    assert world["cabinet.velocity"] == pytest.approx(slide, rel=1e-6)
    assert world["cabinet.x"] == pytest.approx(slide / 2, rel=1e-3)


def test_lift_takes_friction_away() -> None:
    weight = 70.0 * 9.80665
    assert push(0.2 * weight)["cabinet.walked"] == 0.0
    assert push(0.2 * weight, up=0.51 * weight)["cabinet.walked"] > 0.0
    assert push(0.0, up=1.1 * weight)["cabinet.lifted"] == 1.0


def test_pushed_once_it_slides_as_far_as_friction_lets_it() -> None:
    world = push(500.0, steps=100)
    v, x = float(world["cabinet.velocity"]), float(world["cabinet.x"])
    world["cabinet.force_x"] = 0.0
    world.step(3000)
    slowing = 0.3 * 70.0 * 9.80665 / 30.0  # [m/s^2]
    assert world["cabinet.velocity"] == 0.0 and world["cabinet.sliding"] == 0.0
    assert world["cabinet.x"] - x == pytest.approx(v * v / 2 / slowing, rel=0.02)


# ---- The device under test, and its faults ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("inject", "broken"),
    [
        ((), set()),
        (("load_shift",), set()),
        (("damper_loss",), set()),
        (("accelerometer_stuck",), set()),
        (("accelerometer_weak",), set()),
        (("tacho_dropout",), set()),
        (("lock_release",), set()),
        (("weak_brake",), set()),
        (("load_shift", "accelerometer_weak"), {"shift_is_stopped"}),
        (("lock_release", "weak_brake"), {"door"}),
    ],
    ids="+".join,
)
def test_each_fault_of_the_washer_has_its_verdict(
    run: Any, inject: tuple[str, ...], broken: set[str]
) -> None:
    result = run(*inject)
    assert failed(result) == broken
    assert result.verdict == ("fail" if broken else "pass")


@pytest.mark.parametrize(
    ("fault", "reason", "within"),
    [
        ("lock_release", 1, 0.01),
        ("tacho_dropout", 2, 0.25),
        ("accelerometer_stuck", 3, 0.2),
        ("load_shift", 5, 0.2),
    ],
)
def test_the_controller_says_why_and_soon(run: Any, fault: str, reason: int, within: float) -> None:
    result = run(fault)
    began = 20.0 if fault == "accelerometer_stuck" else 30.0
    assert result.signals["spin.reason"][-1] == reason
    assert result.metrics["abort_s"] == pytest.approx(began + within / 2, abs=within / 2 + 1e-3)


def test_worn_dampers_let_a_heavier_load_strike(run: Any) -> None:
    assert "tub_clearance" in failed(run("damper_loss", unbalance_kg=0.6))
    assert failed(run(unbalance_kg=0.6)) == set()


def test_on_a_wet_floor_it_walks_where_it_stood_on_tiles(run: Any) -> None:
    assert failed(run(unbalance_kg=0.6, floor="wet")) == {"stands"}
    assert run(unbalance_kg=0.6).metrics["walked_mm"] == 0.0


def test_without_supervision_two_kilograms_strike_and_walk(run: Any) -> None:
    result = run(unbalance_kg=2, supervised=False)
    assert {"tub_clearance", "stands"} <= failed(result)
    assert result.metrics["abort_s"] is None
    assert result.requirements["energy_closure"].status == "pass"
