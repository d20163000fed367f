from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from crumple import Table, World
from crumple.plugins import find_unit
from crumple.testing import check_unit

AebController = find_unit("aeb_controller")
Line = sys.modules[AebController.__module__].Line


def approach(
    *, kmh: float, gap: float, y: float = 0.0, radar: bool = True, camera: bool = True, kind: float = 1.0
):
    """The controller's outputs while a car drives on, unbraked, up to a standing object, with perfect sensors."""
    v = kmh / 3.6
    t = np.arange(0.0, gap / v, 0.01)
    x = gap - v * t
    distance = np.hypot(x, y)
    world = World("10 ms")
    shape = {
        "v": np.full_like(t, v),
        "range": distance,
        "rate": -v * x / distance,
        "azimuth": np.arctan2(y, x),
        "stamp": t,
        "r": np.full_like(t, float(radar)),
        "c": np.full_like(t, float(camera)),
        "camera_range": np.hypot(x + 1.6, y),
        "camera_azimuth": np.arctan2(y, x + 1.6),
        "kind": np.full_like(t, kind * camera),
    }
    world.add("truth", Table(t, shape))
    world.add("aeb", AebController)
    world.connect("truth.v", "aeb.speed")
    for source, port in (
        *(
            ("range", "radar_range"),
            ("rate", "radar_rate"),
            ("azimuth", "radar_azimuth"),
            ("r", "radar_valid"),
        ),
        *(("camera_range", "camera_range"), ("camera_azimuth", "camera_azimuth"), ("c", "camera_valid")),
        ("kind", "camera_kind"),
    ):
        world.connect(f"truth.{source}", f"aeb.{port}[0]")
    world.connect("truth.stamp", "aeb.radar_stamp")
    world.connect("truth.stamp", "aeb.camera_stamp")
    world.reset()
    trace = world.trace()
    world.step(len(t) - 1)
    rows = trace.array()
    return rows, gap / v - rows["t"]  # and the true time to collision


def first(rows, left, stage: float) -> float:
    """Time to collision at which a stage is reached; 0 if it never is."""
    reached = np.nonzero(rows["aeb.stage"] >= stage)[0]
    return float(left[reached[0]]) if len(reached) else 0.0


@pytest.mark.parametrize("kmh", [10, 30, 50])
def test_it_warns_brakes_partly_and_brakes_fully_in_this_order(kmh: float) -> None:
    rows, left = approach(kmh=kmh, gap=kmh / 3.6 * 4.0)
    warned, partly, fully = (first(rows, left, stage) for stage in (1.0, 2.0, 3.0))
    assert warned >= 1.7
    assert warned > partly >= fully
    needed = 0.1 + 0.15 + kmh / 3.6 / 18.0
    assert max(needed, 1.0) - 0.05 < fully < max(needed, 1.0) + 0.25
    assert rows["aeb.request"].min() == -9.0


def test_a_car_on_the_next_lane_is_left_alone() -> None:
    rows, _ = approach(kmh=50, gap=60.0, y=-3.2)
    assert rows["aeb.stage"].max() == 0.0


def test_an_echo_that_only_the_radar_has_and_that_stands_is_left_alone() -> None:
    rows, _ = approach(kmh=50, gap=60.0, camera=False)
    assert rows["aeb.stage"].max() == 0.0


def test_the_camera_alone_is_enough_for_full_braking() -> None:
    rows, left = approach(kmh=50, gap=60.0, radar=False)
    assert first(rows, left, 3.0) > 1.0


def test_a_pedestrian_in_the_way_is_braked_for_even_where_one_could_steer_past() -> None:
    car, left = approach(kmh=50, gap=60.0, y=1.1)
    walker, _ = approach(kmh=50, gap=60.0, y=1.1, kind=2.0)
    assert first(car, left, 3.0) < first(walker, left, 3.0)


def test_the_filter_finds_position_and_velocity_of_an_even_motion() -> None:
    line = Line(0.0, 0.0, sigma_x=1.0, sigma_v=10.0, rough=0.0)
    noise = np.random.default_rng(1).normal(0.0, 0.1, 400)
    for n, miss in enumerate(noise, start=1):
        line.predict(0.05)
        line.see_position(2.0 * 0.05 * n + miss, 0.1)
    # least squares: the error of the slope of n positions over T is sigma sqrt(12 / n) / T
    assert abs(line.v - 2.0) < 5.0 * 0.1 * math.sqrt(12 / 400) / 20.0
    assert abs(line.x - 40.0) < 5.0 * 0.1 * 2.0 / math.sqrt(400)
    assert math.sqrt(line.pvv) == pytest.approx(0.1 * math.sqrt(12 / 400) / 20.0, rel=0.02)


def test_it_is_a_well_behaved_unit() -> None:
    check_unit(AebController, period="10 ms")
