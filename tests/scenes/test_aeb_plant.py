"""The plant of the two emergency braking scenes against closed forms: brakes, target car, pedestrian, contact."""

from __future__ import annotations

import csv
import functools

import numpy as np
import pytest

from bundled_fmu import Dut
from reference_data import reference

G = 9.80665
KMH = 1.0 / 3.6
WIDTH = 1.815  # of the car under test [m]
NO_DRAG = {"drag_area": 0.0, "rolling": 0.0}


def stopping_distance(v: float, td: float, tr: float, a: float) -> float:
    """From the request to rest: dead time, even ramp to `a` in `tr`, then `a`. Holds for v >= a tr / 2."""
    return v * td + v * tr / 2 + v * v / (2 * a) - a * tr * tr / 24


def brake(*, step: float = 1e-3, request: float = -20.0, **start: float) -> Dut:
    """A car that is asked to brake at t = 0, at rest."""
    car = Dut("vehicle_longitudinal").begin(**start)
    car.set(brake_request=request)
    while car["stopped"] < 0.5:
        car.step(step)
        assert car.t < 60.0
    return car


@pytest.mark.parametrize("kmh", [10, 30, 50, 80, 130])
@pytest.mark.parametrize(("td", "tr", "a"), [(0.1, 0.3, 9.0), (0.0, 0.0, 8.0), (0.1234, 0.25, 6.5)])
def test_the_car_stops_within_the_closed_form(kmh: float, td: float, tr: float, a: float) -> None:
    v = kmh * KMH
    car = brake(initial_speed=v, dead_time=td, ramp_time=tr, deceleration_max=a, **NO_DRAG)
    assert car["distance"] == pytest.approx(stopping_distance(v, td, tr, a), rel=1e-9)
    car.fmu.freeInstance()


@pytest.mark.parametrize("step", [1e-4, 1e-3, 7e-3, 0.05])
def test_the_stopping_distance_does_not_depend_on_the_step(step: float) -> None:
    car = brake(step=step, initial_speed=50 * KMH, **NO_DRAG)
    assert car["distance"] == pytest.approx(stopping_distance(50 * KMH, 0.1, 0.3, 9.0), rel=1e-9)


def test_the_published_time_to_collision_that_stopping_from_50_needs() -> None:
    # td = 0.1 s, tr = 0.3 s, a = 9 m/s^2: 1.0192 s, to the four decimals of that figure
    v = 50 * KMH
    assert brake(initial_speed=v, **NO_DRAG)["distance"] / v == pytest.approx(1.0192, abs=5e-5)


def test_drag_and_rolling_shorten_the_way_by_less_than_four_percent() -> None:
    for kmh, most in ((10, 0.02), (50, 0.03), (130, 0.04)):
        v = kmh * KMH
        share = brake(initial_speed=v)["distance"] / stopping_distance(v, 0.1, 0.3, 9.0)
        assert 1.0 - most < share < 1.0


@pytest.mark.parametrize("kmh", [10, 25, 50, 80, 130])
@pytest.mark.parametrize("surplus", [-1e-6, 1e-6])  # [s] against the time to collision that is needed
def test_a_collision_is_avoided_exactly_where_the_time_to_collision_suffices(
    kmh: float, surplus: float
) -> None:
    v = kmh * KMH
    needed = stopping_distance(v, 0.1, 0.3, 9.0) / v
    gap = (needed + surplus) * v
    car = Dut("vehicle_longitudinal").begin(initial_speed=v, **NO_DRAG)
    meets = Dut("encounter").begin(ego_speed=v, other_position=gap, ego_position=0.0)
    car.set(brake_request=-9.0)
    while True:
        meets.set(ego_position=car["position"], ego_speed=car["speed"])
        meets.step(1e-3)
        if car["stopped"] > 0.5 or meets["contact"] > 0.5:
            break
        car.step(1e-3)
    avoided = meets["gap"] > 0.0
    assert avoided is (surplus > 0.0)


def test_grip_and_fading_limit_what_the_brakes_do() -> None:
    for start, expected in (({"friction": 0.3}, 0.3 * G), ({"efficiency": 0.5}, 4.5)):
        car = Dut("vehicle_longitudinal").begin(initial_speed=20.0, **NO_DRAG)
        car.set(brake_request=-9.0, **start)
        for _ in range(100):
            car.step(0.01)
        assert car["acceleration"] == pytest.approx(-expected, rel=1e-12)


def test_a_lag_behind_the_ramp_costs_its_time_constant() -> None:
    # a first-order lag shifts what follows a ramp by its time constant, once settled: v * tau less v lost before
    v, tau = 30.0, 0.05
    plain = brake(initial_speed=v, **NO_DRAG)["distance"]
    # the exact difference of the two ways, with u the lag of the braking: the speed lost is late by a * tau
    late = brake(initial_speed=v, lag=tau, **NO_DRAG)["distance"]
    assert late - plain == pytest.approx(v * tau, rel=0.01)


def test_brakes_release_as_fast_as_they_came_and_the_car_rolls_on() -> None:
    car = Dut("vehicle_longitudinal").begin(initial_speed=20.0, **NO_DRAG)
    car.set(brake_request=-9.0)
    for _ in range(100):
        car.step(0.01)
    car.set(brake_request=0.0)
    for _ in range(60):
        car.step(0.01)
    # 0.1 s dead time and 0.3 s ramp, up and down: 9 m/s^2 for 1 s in all
    assert car["acceleration"] == 0.0
    assert car["speed"] == pytest.approx(20.0 - 9.0 * 1.0, rel=1e-12)


def test_the_car_keeps_its_speed_until_a_request_arrives() -> None:
    car = Dut("vehicle_longitudinal").begin(initial_speed=20.0, initial_position=-50.0)
    for _ in range(200):
        car.step(0.01)
    assert car["speed"] == 20.0
    assert car["position"] == pytest.approx(-50.0 + 40.0, rel=1e-12)


@pytest.mark.parametrize("ramp", [0.0, 0.5])
def test_the_target_brakes_by_its_closed_form(ramp: float) -> None:
    v, a, final = 50 * KMH, 4.0, 2 * KMH
    car = Dut("target_car").begin(
        initial_speed=v, brake_time=1.0, deceleration=a, ramp_time=ramp, final_speed=final
    )
    for _ in range(600):
        car.step(0.01)
    lost = v - final
    even = (lost - a * ramp / 2) / a
    v1 = v - a * ramp / 2
    braking = v * ramp - a * ramp**2 / 6 + v1 * even - a * even**2 / 2
    assert car["speed"] == pytest.approx(final, rel=1e-12)
    assert car["acceleration"] == 0.0
    assert car["position"] == pytest.approx(v + braking + final * (5.0 - ramp - even), rel=1e-12)


def test_a_target_that_stops_before_its_ramp_is_over_stands() -> None:
    car = Dut("target_car").begin(initial_speed=1.0, brake_time=0.0, deceleration=6.0, ramp_time=1.0)
    for _ in range(300):
        car.step(0.01)
    t = (2 * 1.0 / 6.0) ** 0.5
    assert car["speed"] == 0.0
    assert car["position"] == pytest.approx(t - t**3, rel=1e-12)


@functools.cache
def geometry() -> list[dict[str, str]]:
    path = reference("aeb_pedestrian_geometry.csv")
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


CROSSINGS = {  # scenario: direction, start distance, acceleration distance, km/h, impact location %
    "CPNA-25": (1.0, 4.0, 1.0, 5.0, 25.0),
    "CPNA-75": (1.0, 4.0, 1.0, 5.0, 75.0),
    "CPFA-50": (-1.0, 6.0, 1.5, 8.0, 50.0),
    "CPNCO-50": (1.0, 4.0, 1.0, 5.0, 50.0),
}
IN_SWATH = {"CPNA-25": 0.327, "CPNA-75": 0.980, "CPFA-50": 0.408, "CPNCO-50": 0.653}  # [s] before impact


def crossing(name: str, **more: float) -> Dut:
    direction, distance, gain, kmh, location = CROSSINGS[name]
    start = {
        "direction": direction,
        "start_distance": distance,
        "acceleration_distance": gain,
        "walking_speed": kmh * KMH,
        "impact_offset": WIDTH * (location / 100 - 0.5),
        "impact_time": 5.0,
    }
    return Dut("pedestrian").begin(**(start | more))


@pytest.mark.parametrize("name", CROSSINGS)
def test_the_pedestrian_enters_the_swath_when_the_published_geometry_says(name: str) -> None:
    rows = [row for row in geometry() if row["case"] == name]
    assert len(rows) == 11
    walker = crossing(name)
    to_impact = float(rows[0]["t_impact_s"])
    assert 5.0 - walker["start_time"] == pytest.approx(to_impact, abs=1e-4)
    meets = Dut("encounter").begin(other_lateral=walker["lateral"])
    for _ in range(500):
        meets.set(other_lateral=walker["lateral"], other_lateral_speed=walker["lateral_speed"])
        meets.step(0.01)
        walker.step(0.01)
    inside = 5.0 - meets["swath_time"]
    assert inside == pytest.approx(IN_SWATH[name], abs=5e-4)
    for row in rows:  # how far the car is away at that moment, at each of its speeds
        assert float(row["ego_kmh"]) * KMH * inside == pytest.approx(
            float(row["ego_distance_at_that_time_m"]), abs=1e-3
        )
    assert 0.5 * (walker["lateral_speed"]) ** 2 / CROSSINGS[name][2] == pytest.approx(
        float(rows[0]["ped_acc"]), abs=5e-4
    )


@pytest.mark.parametrize("name", CROSSINGS)
def test_the_pedestrian_is_at_the_impact_location_at_the_impact_time(name: str) -> None:
    walker = crossing(name)
    for _ in range(1000):
        walker.step(0.005)
    direction, _, _, _, location = CROSSINGS[name]
    assert walker["lateral"] == pytest.approx(direction * WIDTH * (location / 100 - 0.5), abs=1e-9)


def test_a_pedestrian_who_stops_stands_where_he_should() -> None:
    walker = crossing("CPNA-75", stops=1.0, stop_offset=-2.3, stop_deceleration=1.5)
    for _ in range(1000):
        walker.step(0.01)
    assert walker["lateral"] == pytest.approx(-2.3, abs=1e-12)
    assert walker["lateral_speed"] == 0.0


def test_a_pedestrian_refuses_an_impact_before_he_can_be_there() -> None:
    assert "he needs 3.6 s" in Dut("pedestrian").refuses("begin", impact_time=2.0)


def test_contact_has_the_speed_and_the_time_of_the_moment_between_two_looks() -> None:
    # at 10 m/s from 10.05 m: contact at 1.005 s, halfway between two looks; it brakes evenly with 4 m/s^2
    meets = Dut("encounter").begin(other_position=10.05, ego_speed=12.0)
    for n in range(201):
        t = n * 0.01
        meets.set(ego_position=12.0 * t - 2.0 * t * t, ego_speed=12.0 - 4.0 * t)
        meets.step(0.01)
    exact = 3.0 - (9.0 - 10.05 / 2) ** 0.5
    assert meets["contact_time"] == pytest.approx(exact, abs=2e-5)
    assert meets["impact_speed"] == pytest.approx(12.0 - 4.0 * exact, abs=1e-4)


def test_a_car_in_the_next_lane_is_never_in_contact() -> None:
    meets = Dut("encounter").begin(other_position=10.0, other_lateral=-3.5, ego_speed=10.0)
    for n in range(300):
        meets.set(ego_position=0.1 * n)
        meets.step(0.01)
    assert meets["contact"] == 0.0
    assert meets["overlap"] == pytest.approx(WIDTH - 3.5, abs=1e-12)


def test_a_pedestrian_who_walks_into_the_side_of_a_car_at_rest_is_not_hit_by_it() -> None:
    meets = Dut("encounter").begin(
        other_position=-1.0, other_lateral=-3.0, other_left=0.36, other_right=0.24, other_length=0.5
    )
    for n in range(300):
        meets.set(other_lateral=-3.0 + 0.01 * n)
        meets.step(0.01)
    assert np.isclose(meets["overlap"], 0.6)
    assert meets["contact"] == 0.0
