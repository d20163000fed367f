from __future__ import annotations

import math

import numpy as np
import pytest

from crumple import Table, World
from crumple.plugins import find_unit
from crumple.testing import check_unit

RoadRadar = find_unit("road_radar")
RoadCamera = find_unit("road_camera")
SURE = {"dropout": 0.0, "sigma_range": 0.0, "sigma_azimuth": 0.0}


def look(sensor, *, x: float, y: float, v: float = 0.0, ego=0.0, seconds: float = 1.0, seed: int = 0):
    """What the sensor gave over `seconds` of a target at (x, y), from a car at `ego` with speed `v`."""
    world = World("10 ms")
    way = [ego, ego + v * 100.0]
    world.add("car", Table([0.0, 100.0], {"x": way, "v": [v, v]}))
    world.add("target", Table([0.0, 100.0], {"x": [x, x], "y": [y, y], "vx": [0.0, 0.0], "vy": [0.0, 0.0]}))
    world.add("sensor", sensor)
    for source, port in (("car.x", "ego_position"), ("car.v", "ego_speed")):
        world.connect(source, f"sensor.{port}")
    for source, port in (("x", "position"), ("y", "lateral"), ("vx", "speed"), ("vy", "lateral_speed")):
        world.connect(f"target.{source}", f"sensor.target_{port}")
    world.reset(seed=seed)
    trace = world.trace()
    world.step(round(seconds * 100))
    return trace.array()


@pytest.mark.parametrize(("make", "mount"), [(RoadRadar, 0.0), (RoadCamera, 1.6)])
def test_without_noise_range_and_azimuth_are_the_geometry(make, mount: float) -> None:
    more = {"sigma_rate": 0.0} if make is RoadRadar else {"sigma_relative": 0.0}
    rows = look(make(**SURE, **more), x=20.0, y=-3.0)
    assert rows["sensor.valid"][-1].tolist() == [1.0, 0.0, 0.0, 0.0]
    assert rows["sensor.range"][-1][0] == pytest.approx(math.hypot(20.0 + mount, 3.0), rel=1e-12)
    assert rows["sensor.azimuth"][-1][0] == pytest.approx(math.atan2(-3.0, 20.0 + mount), rel=1e-12)


def test_the_radar_measures_the_rate_of_the_range() -> None:
    rows = look(RoadRadar(**SURE, sigma_rate=0.0), x=100.0, y=0.0, v=10.0)
    assert rows["sensor.rate"][-1][0] == pytest.approx(-10.0, rel=1e-12)


@pytest.mark.parametrize("latency", [0.06, 0.1, 0.15])
def test_a_frame_is_out_after_the_latency(latency: float) -> None:
    rows = look(RoadCamera(latency=latency), x=20.0, y=0.0)
    stamps = rows["sensor.stamp"]
    first = int(np.nonzero(stamps >= 0.0)[0][0])
    assert rows["t"][first] == pytest.approx(latency, abs=1e-9)
    age = rows["t"][first:] - stamps[first:]
    assert age.min() == pytest.approx(latency, abs=1e-9)
    assert age.max() == pytest.approx(latency + 0.03, abs=1e-9)  # until the next frame, 40 ms later


def test_noise_has_its_standard_deviation_and_follows_the_seed() -> None:
    def ranges(seed: int):
        rows = look(RoadRadar(dropout=0.0, cycle=0.01, latency=0.0), x=20.0, y=0.0, seconds=30.0, seed=seed)
        return rows["sensor.range"][1:, 0]

    first = ranges(1)
    assert np.std(first) == pytest.approx(0.15, rel=0.08)  # 3,000 looks: five standard errors are 6.5 %
    assert (first == ranges(1)).all()
    assert (first != ranges(2)).any()


def test_as_many_looks_are_lost_as_the_dropout_says() -> None:
    rows = look(RoadRadar(dropout=0.2, cycle=0.01, latency=0.0), x=20.0, y=0.0, seconds=30.0)
    lost = 1.0 - rows["sensor.valid"][1:, 0].mean()
    assert lost == pytest.approx(0.2, abs=0.037)  # five standard errors


@pytest.mark.parametrize(
    ("x", "y", "seen"),
    [(20.0, 19.0, True), (20.0, 21.0, False), (71.0, 14.0, False), (100.0, 5.0, True), (171.0, 0.0, False)],
)
def test_the_radar_sees_what_is_in_one_of_its_two_beams(x: float, y: float, seen: bool) -> None:
    assert bool(look(RoadRadar(**SURE), x=x, y=y)["sensor.valid"][-1][0]) is seen


def test_a_child_behind_parked_cars_is_seen_when_he_has_come_out_far_enough() -> None:
    # the car's camera is 16.6 m before the plane of the crossing, the first parked car ends 1 m before it: the line
    # of sight past its corner, 1.9075 m to the right, meets the plane at -1.9075 * 16.6 / 15.6 = -2.03 m
    def seen(y: float) -> bool:
        camera = RoadCamera(
            **SURE, target="pedestrian", parked=True, target_left=0.396, target_right=0.315, share=0.5
        )
        return bool(look(camera, x=0.0, y=y, ego=-15.0)["sensor.valid"][-1][0])

    assert not seen(-2.6)
    assert not seen(-2.2)  # his middle is 4 cm to the left of the point: less than half of him shows
    assert seen(-1.9)


def test_parked_cars_are_objects_of_their_own() -> None:
    rows = look(RoadRadar(**SURE, parked=True), x=0.0, y=-4.0, ego=-20.0)
    assert rows["sensor.valid"][-1].tolist() == [0.0, 1.0, 1.0, 0.0]
    assert rows["sensor.range"][-1][1] == pytest.approx(math.hypot(20.0 - 1.0 - 4.316, 2.8175), rel=1e-9)


def test_a_ghost_stands_on_the_road_while_the_car_comes_up_to_it() -> None:
    rows = look(RoadRadar(**SURE, sigma_rate=0.0, ghost=True, latency=0.0), x=500.0, y=0.0, v=10.0)
    valid = rows["sensor.valid"][:, 3] > 0.5
    assert rows["sensor.range"][valid][0][3] == pytest.approx(30.0, rel=1e-9)
    assert rows["sensor.range"][-1][3] == pytest.approx(20.5, abs=0.01)  # at the look of 0.95 s
    assert rows["sensor.rate"][-1][3] == pytest.approx(-10.0, rel=1e-9)


def test_a_blinded_sensor_sees_nothing() -> None:
    assert look(RoadCamera(blinded=True), x=20.0, y=0.0)["sensor.valid"].sum() == 0.0


def test_they_are_well_behaved_units() -> None:
    check_unit(RoadRadar, period="10 ms", parameters={"parked": True})
    check_unit(RoadCamera, period="10 ms")
