from __future__ import annotations

import pytest
from crumple.bundled.plugins.alks_driver import critical_measure, proactive_measure

from crumple import World
from crumple.plugins import find_unit
from crumple.testing import check_unit

AlksDriver = find_unit("alks_driver")
HARDEST = 0.774 * 9.81


def demands(driver: str, steps: int, *, rate: int = 10, **inputs: float) -> list[float]:
    """What it demands of the brakes, step by step, for a situation that does not change."""
    world = World(f"{rate} Hz")
    world.add("driver", AlksDriver(driver=driver))
    world.reset()
    for name, value in inputs.items():
        world[f"driver.{name}"] = value
    out = []
    for _ in range(steps):
        world.step()
        out.append(world["driver.deceleration"])
    return out


def reacts(driver: str, **inputs: float) -> bool:
    world = World("100 ms")
    world.add("driver", AlksDriver(driver=driver))
    world.reset()
    for name, value in inputs.items():
        world[f"driver.{name}"] = value
    world.step()
    return bool(world["driver.risk"] > 0.0)


def test_the_careful_driver_lets_go_for_three_quarters_of_a_second_then_brakes_up_to_0_774_g() -> None:
    found = demands("cc", 100, rate=100, distance=14.3, clearance=-0.1, speed=16.0, object_speed=8.0)
    assert found[:75] == [0.4] * 75
    rise = found[75:]
    # 0.4 m/s^2 and 12.65 m/s^3: 0.774 g are reached in 0.57 s
    assert rise[0] == pytest.approx(0.4 + 0.1265)
    assert rise[9] == pytest.approx(0.4 + 10 * 0.1265)
    long = demands("cc", 140, rate=100, distance=14.3, clearance=-0.1, speed=16.0, object_speed=8.0)
    assert long[75 + 55] < HARDEST and long[75 + 57] == pytest.approx(HARDEST)


def test_the_careful_driver_sees_a_risk_at_two_seconds_and_none_above() -> None:
    same = {"clearance": 0.0, "speed": 18.0, "object_speed": 8.0}
    assert reacts("cc", distance=4.3 + 19.9, **same)
    assert not reacts("cc", distance=4.3 + 20.1, **same)
    assert not reacts("cc", distance=4.3 + 5.0, clearance=0.01, speed=18.0, object_speed=8.0)


def test_the_regulation_reacts_from_half_a_metre_on_and_brakes_at_6() -> None:
    # closing at 6 m/s: 6 / 12 + 0.35 + 0.1 = 0.95 s, 5.7 m
    same = {"speed": 16.0, "object_speed": 10.0}
    assert reacts("reg157", distance=4.3 + 5.6, clearance=0.5, **same)
    assert not reacts("reg157", distance=4.3 + 5.8, clearance=0.5, **same)
    assert not reacts("reg157", distance=4.3 + 5.6, clearance=0.51, **same)
    assert demands("reg157", 6, distance=4.3 + 3.0, clearance=0.2, **same) == [0.0] * 4 + [6.0] * 2


def test_rss_has_a_safe_distance_along_and_across_the_road() -> None:
    # 10 m/s behind 5 m/s: 7.5 + 0.84375 + 12.25^2 / 12 - 25 / 12 = 18.7656 m; at 1 m/s across: 2.8625 m
    same = {"speed": 10.0, "object_speed": 5.0, "lateral_speed": 1.0}
    assert reacts("rss", distance=4.3 + 18.76, clearance=2.86, **same)
    assert not reacts("rss", distance=4.3 + 18.77, clearance=2.86, **same)
    assert not reacts("rss", distance=4.3 + 18.76, clearance=2.87, **same)


def test_the_proactive_measure_falls_from_one_to_zero_between_its_two_distances() -> None:
    # 20 m/s behind 14 m/s: unsafe 15 + 400 / 12 - 14 = 34.333 m, safe 15 + 50 - 14 + 2 = 53 m, both 2 m farther
    assert proactive_measure(36.3, 20.0, 14.0) == 1.0
    assert proactive_measure(55.01, 20.0, 14.0) == 0.0
    assert proactive_measure((36.0 + 1 / 3 + 55.0) / 2, 20.0, 14.0) == pytest.approx(0.5)


def test_the_critical_measure_falls_from_one_to_zero_between_its_two_distances() -> None:
    # closing at 6 m/s, no braking yet: 4.5 + 36 / 12 = 7.5 m, 4.5 + 36 / 8 = 9 m
    assert critical_measure(7.4, 20.0, 14.0, 0.0) == 1.0
    assert critical_measure(9.1, 20.0, 14.0, 0.0) == 0.0
    assert critical_measure(8.25, 20.0, 14.0, 0.0) == pytest.approx(0.5)
    # braking at 4 m/s^2 it is slower than the other in 0.25 s: 1 / 8 m
    assert critical_measure(0.12, 15.0, 14.0, -4.0) == 1.0
    assert critical_measure(0.13, 15.0, 14.0, -4.0) == 0.0
    assert critical_measure(1.0, 14.0, 14.0, 0.0) == 0.0


def test_the_fuzzy_model_brakes_as_hard_as_its_measures_say() -> None:
    same = {"speed": 20.0, "object_speed": 14.0, "clearance": -0.1}
    both = demands("fsm", 20, distance=4.3 + 8.25, **same)  # CFS 0.5: 4 + 2 * 0.5
    assert both[:8] == [0.0] * 8
    assert both[8] == pytest.approx(1.265)
    assert both[-1] == pytest.approx(5.0)
    far = demands("fsm", 20, distance=4.3 + (36.0 + 1 / 3 + 55.0) / 2, **same)  # PFS alone: 4 * 0.5
    assert far[-1] == pytest.approx(2.0)


def test_the_fuzzy_model_waits_for_a_car_that_it_will_have_passed() -> None:
    # 5 m from middle to middle, and a length of 4.3 m more until it is passed, at 6 m/s: 1.55 s, and 0.1 s
    same = {"distance": 5.0, "speed": 20.0, "object_speed": 14.0, "lateral_speed": 0.5}
    assert reacts("fsm", clearance=0.8, **same)
    assert not reacts("fsm", clearance=1.2, **same)
    assert not reacts("fsm", clearance=0.8, **{**same, "lateral_speed": 0.0})


@pytest.mark.parametrize("driver", ["cc", "fsm", "rss", "reg157"])
def test_no_model_reacts_to_a_car_behind_or_unseen_or_faster(driver: str) -> None:
    near = {"clearance": -0.1, "speed": 20.0, "object_speed": 8.0, "lateral_speed": 1.0}
    assert reacts(driver, distance=8.0, **near)
    assert not reacts(driver, distance=-1.0, **near)
    assert not reacts(driver, distance=8.0, valid=0.0, **near)
    assert not reacts(driver, distance=200.0, **{**near, "object_speed": 20.0})


@pytest.mark.parametrize("driver", ["cc", "fsm", "rss", "reg157"])
def test_it_is_a_well_behaved_unit(driver: str) -> None:
    check_unit(AlksDriver, period="100 ms", parameters={"driver": driver})
