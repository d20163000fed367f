"""cobot_contact against the closed forms of a free collision, the table of limits, and the verdict of each fault."""

from __future__ import annotations

import csv
import functools
import math
from typing import Any

import pytest

import crumple
from crumple import Fmu, World
from crumple.metrics.contact import REGIONS, allowed_speed, contact_force, contact_time, reduced_mass
from crumple.scene import load_scene
from reference_data import reference

CLAMPED = {"contact": "clamped", "speed_mm_s": 75}
WATCHED = {"protection": "separation"}
DEFAULTS = {"speed_mm_s": 250, "contact": "free", "protection": "force", "contact_area_cm2": 10, "inject": ""}
NAMES = {  # of the table, by ours
    "skull": "skull/forehead",
    "back": "back/shoulders",
    "upper_arm": "upper arm/elbow",
    "forearm": "forearm/wrist",
    "hand": "hand/finger",
    "thigh": "thigh/knee",
    "lower_leg": "lower leg",
}

CASES: dict[str, tuple[dict[str, Any], str, set[str]]] = {
    "default": ({}, "pass", set()),
    "too fast": ({"speed_mm_s": 1000}, "fail", {"transient_force"}),
    "a small tip": ({"contact_area_cm2": 0.4}, "fail", {"pressure"}),
    "clamped": (CLAMPED, "pass", set()),
    "clamped, too fast": ({"contact": "clamped"}, "fail", {"transient_force", "quasi_static_force"}),
    "torque_bias": ({**CLAMPED, "inject": "torque_bias"}, "fail", {"transient_force"}),
    "torque_stuck": (
        {**CLAMPED, "inject": "torque_stuck"},
        "fail",
        {"transient_force", "quasi_static_force"},
    ),
    "brake_delay": (
        {**CLAMPED, "inject": "brake_delay"},
        "fail",
        {"transient_force", "quasi_static_force"},
    ),
    "comms_loss": ({**CLAMPED, "inject": "comms_loss"}, "pass", set()),
    "payload_mis_set": ({**CLAMPED, "inject": "payload_mis_set"}, "pass", set()),
    "limited": ({"protection": "speed_limit", "speed_mm_s": 1000}, "pass", set()),
    "speed_limit_off": (
        {"protection": "speed_limit", "speed_mm_s": 1000, "inject": "speed_limit_off"},
        "fail",
        {"transient_force"},
    ),
    "watched": (WATCHED, "pass", set()),
    "scanner_blind": ({**WATCHED, "inject": "scanner_blind"}, "fail", {"keeps_away"}),
    "watched, late brake": ({**WATCHED, "inject": "brake_delay"}, "pass", set()),
}


@functools.cache
def found() -> dict[str, Any]:
    """All cases, run once."""
    results = crumple.cases("cobot_contact", [{**DEFAULTS, **case} for case, _, _ in CASES.values()], jobs=2)
    return dict(zip(CASES, results, strict=True))


@functools.cache
def grid() -> list[tuple[str, float, float, Any]]:
    """Every region with robots of 5 and 25 kg: region, mass [kg], speed [m/s], result."""
    rows = [(region, mass, 0.1 + 0.02 * n) for n, region in enumerate(REGIONS) for mass in (5, 25)]
    results = crumple.cases(
        "cobot_contact",
        [{"region": r, "robot_mass_kg": m, "speed_mm_s": 1e3 * v} for r, m, v in rows],
        jobs=2,
    )
    return [(*row, result) for row, result in zip(rows, results, strict=True)]


def table() -> dict[str, dict[str, float]]:
    path = reference("iso15066_limits.csv")
    with open(path, newline="") as file:
        rows = {row.pop("region"): row for row in csv.DictReader(file)}
    return {ours: {k: float(v) for k, v in rows[NAMES.get(ours, ours)].items()} for ours in REGIONS}


def test_the_chest_at_250_mm_per_s_feels_111_8_newtons() -> None:
    metrics = found()["default"].metrics
    assert metrics["peak_force_N"] == pytest.approx(0.25 * math.sqrt(8.0 * 25e3), rel=1e-5)
    assert round(metrics["peak_force_N"], 1) == 111.8
    assert metrics["longest_contact_ms"] == pytest.approx(1e3 * math.pi * math.sqrt(8.0 / 25e3), rel=2e-3)


def test_the_peak_of_a_free_contact_is_speed_times_root_of_mass_and_stiffness() -> None:
    for region, mass, speed, result in grid():
        body = REGIONS[region]
        expected = contact_force(speed, stiffness=body.stiffness, mass=reduced_mass(body.mass, mass))
        assert result.metrics["peak_force_N"] == pytest.approx(expected, rel=1e-5), (region, mass)


def test_allowed_speeds_are_those_of_the_table_to_its_digits() -> None:
    known = table()
    for region, mass, _, result in grid():
        ours = result.metrics["allowed_speed_mm_s"]
        assert ours == pytest.approx(known[region][f"v_mm_s_mR{mass}"], abs=0.0501), (region, mass)
        assert ours == pytest.approx(1e3 * allowed_speed(REGIONS[region], mass), rel=1e-9)
    for region, each in REGIONS.items():
        for mass in (5, 10, 15, 25):
            world = body(
                "1 ms",
                robot_mass=float(mass),
                region_mass=each.mass,
                stiffness=each.stiffness,
                transient_limit=each.transient_force,
            )
            ours = 1e3 * world["body.allowed_speed"]
            assert ours == pytest.approx(known[region][f"v_mm_s_mR{mass}"], abs=0.0501), (region, mass)


def test_the_scene_has_the_limits_of_the_table() -> None:
    known = table()
    for region, row in known.items():
        derived = load_scene("cobot_contact", set={"region": region}).derived
        for name, value, si in (
            ("stiffness", row["k_N_per_mm"], "N/mm"),
            ("region_mass", row["mH_kg"], "kg"),
            ("quasi_static_force", row["F_quasistatic_N"], "N"),
            ("transient_force", row["F_transient_N"], "N"),
            ("transient_pressure", row["p_quasistatic_N_per_cm2"] * row["transient_mult"], "N/cm^2"),
        ):
            assert derived[name] == f"{value:g} {si}", (region, name)


# ---- the contact alone


def body(period: str, **start: float) -> World:
    world = World(period)
    world.add("body", Fmu("body_region", start=start), isolate=False)
    world.reset()
    return world


@pytest.mark.parametrize("period", ["7 ms", "1 ms", "130 us"])
def test_nothing_hangs_on_the_step(period: str) -> None:
    world = body(period, region_mass=0.6, stiffness=75e3, gap=0.0123)
    world.step(round(0.2 / float(world.period)))
    mu = reduced_mass(0.6, 10.0)
    assert world["body.peak_force"] == pytest.approx(0.25 * math.sqrt(mu * 75e3), rel=1e-5)
    assert world["body.region_speed"] == pytest.approx(
        2 * 10.0 / 10.6 * 0.25, rel=1e-6
    )  # an elastic collision
    assert world["body.robot_speed"] == pytest.approx((10.0 - 0.6) / 10.6 * 0.25, rel=1e-6)
    assert world["body.energy_error"] < 1e-6


def test_a_contact_lasts_half_a_period() -> None:
    world = body("10 us", gap=0.0)
    expected = contact_time(stiffness=25e3, mass=8.0)
    while world["body.force"] > 0.0 or world.tick < 2:
        world.step()
    assert world.t == pytest.approx(expected, abs=2e-5)


def test_a_clamped_region_bears_the_whole_mass_of_the_robot() -> None:
    world = body("1 ms", clamped=1.0)
    world.step(400)
    assert world["body.peak_force"] == pytest.approx(0.25 * math.sqrt(10.0 * 25e3), rel=1e-5)
    assert world["body.robot_speed"] == pytest.approx(-0.25, rel=1e-6)


def test_a_push_that_sets_in_at_once_comes_to_twice_its_force() -> None:
    world = body("1 ms", clamped=1.0, push=1.0, gap=0.0, robot_speed_at_start=0.0)
    world["body.drive_force"] = 50.0
    world.step(300)
    assert world["body.peak_force"] == pytest.approx(100.0, rel=1e-4)


def test_a_brake_stops_a_robot_in_its_stopping_distance_and_holds_it() -> None:
    world = body("1 ms", gap=1.0)
    world["body.brake"] = 1.0
    world.step(50)
    assert world["body.robot_position"] + 1.0 == pytest.approx(0.25**2 / (2 * 1000.0 / 10.0), rel=1e-6)
    assert world["body.robot_speed"] == 0.0
    assert world["body.energy_error"] < 1e-9


def test_a_brake_that_is_pushed_too_hard_lets_go() -> None:
    world = body("1 ms", gap=1.0, robot_speed_at_start=0.0, brake_force=100.0)
    world["body.brake"] = 1.0
    world["body.drive_force"] = 90.0
    world.step(100)
    assert world["body.robot_position"] == -1.0
    world["body.drive_force"] = 120.0
    world.step(100)
    assert world["body.robot_speed"] == pytest.approx(20.0 / 10.0 * 0.1, rel=1e-6)


# ---- verdicts


@pytest.mark.parametrize("name", CASES)
def test_a_case_comes_to_its_verdict_and_breaks_what_it_should(name: str) -> None:
    result = found()[name]
    _, verdict, breaks = CASES[name]
    failed = {requirement for requirement, status in result.requirements.items() if status == "fail"}
    assert (result.verdict, failed) == (verdict, breaks), result.reason


def test_what_a_late_stop_adds_to_a_clamped_contact_is_speed_times_stiffness_times_the_delay() -> None:
    peaks = {
        name: found()[name].metrics["peak_force_N"] for name in ("clamped", "brake_delay", "torque_bias")
    }
    give = 1.0 / (1.0 + 25e3 / (10.0 * 120.0**2))  # the position loop is a spring in series
    later = 0.075 * 25e3 * give
    assert peaks["brake_delay"] - peaks["clamped"] == pytest.approx(later * 0.150, rel=0.05)
    assert peaks["torque_bias"] - peaks["clamped"] == pytest.approx(55.0, rel=0.1)


def test_a_lost_connection_stops_the_robot_before_it_touches_anybody() -> None:
    metrics = found()["comms_loss"].metrics
    assert metrics["peak_force_N"] == 0.0
    assert metrics["stop_ms"] < 50


def test_three_kilograms_that_it_was_not_told_of_let_it_press_29_newtons_harder() -> None:
    peaks = [found()[name].metrics["peak_force_N"] for name in ("payload_mis_set", "clamped")]
    assert peaks[0] - peaks[1] == pytest.approx(3 * 9.80665, abs=6.0)
