from __future__ import annotations

import pytest
from crumple.bundled.plugins.shift_controller import DOWN, DOWN_THROTTLE, UP, UP_THROTTLE, line

from crumple import Table, World
from crumple.plugins import find_unit
from crumple.testing import check_unit

ShiftController = find_unit("shift_controller")


def gears(speeds: list[float], throttle: float, *, wait: str = "80 ms") -> tuple[list[int], list[int]]:
    """The gear after each speed, and what is said to be entered."""
    world = World("40 ms")
    times = [0.04 * i for i in range(len(speeds))]
    world.add("car", Table(times, {"speed": speeds, "throttle": [throttle] * len(speeds)}))
    world.add("shift", ShiftController(wait=wait))
    world.connect("car.speed", "shift.speed", same_tick=True)
    world.connect("car.throttle", "shift.throttle", same_tick=True)
    world.reset()
    out, entered = [], []
    for _ in speeds[1:]:
        world.step()
        out.append(int(world["shift.gear"]))
        entered.append(int(world["shift.entered"]))
    return out, entered


def test_it_shifts_up_two_steps_after_the_line_was_crossed() -> None:
    found, entered = gears([0, 9, 11, 11, 11, 11], 20)  # 10 mph at 20 %
    assert found == [1, 1, 1, 2, 2]
    assert entered == [0, 0, 0, 2, 0]


def test_a_short_look_beyond_the_line_is_forgotten() -> None:
    assert gears([0, 11, 11, 9, 11, 11, 9], 20)[0] == [1] * 6


def test_it_shifts_down_below_the_lower_line() -> None:
    up = [0, *[12] * 4]
    assert gears([*up, 6, 6, 6, 6], 20)[0][-1] == 2  # between 5 and 30 mph it stays
    assert gears([*up, 4, 4, 4, 4], 20)[0][-1] == 1


def test_without_waiting_it_shifts_at_once() -> None:
    assert gears([0, 11, 11], 20, wait="0 s")[0] == [2, 2]


def test_there_is_no_fifth_gear() -> None:
    assert max(gears([0, *[200] * 30], 0)[0]) == 4


@pytest.mark.parametrize(
    ("throttle", "up", "down"),
    [
        (0, 10, 20),
        (30, 12.5, 20 + 5 * 25 / 35),
        (42.5, 19, 26.25),
        (50, 23, 30),
        (70, 31.5, 40),
        (95, 40, 50),
    ],
)
def test_the_lines_are_straight_between_their_points(throttle: float, up: float, down: float) -> None:
    assert line(UP_THROTTLE, UP[0], throttle) == pytest.approx(up)
    assert line(DOWN_THROTTLE, DOWN[2], throttle) == pytest.approx(down)


def test_every_down_line_is_below_the_up_line_of_the_gear_beneath() -> None:
    for throttle in range(101):
        for gear in (1, 2, 3):
            assert line(DOWN_THROTTLE, DOWN[gear], throttle) < line(UP_THROTTLE, UP[gear - 1], throttle)


def test_it_is_a_well_behaved_unit() -> None:
    check_unit(ShiftController, period="40 ms")
