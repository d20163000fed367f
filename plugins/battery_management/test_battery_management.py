from __future__ import annotations

import pytest

from crumple import Table, World
from crumple.plugins import find_unit
from crumple.testing import check_unit

BatteryManagement = find_unit("battery_management")
ROOM = 301.15  # [K]
SENSOR, RISE, HOT, COLD, OVERVOLTAGE, UNDERVOLTAGE = range(1, 7)


def watch(
    kelvin: list[tuple[float, float]],
    *,
    volts: float = 3.8,
    amperes: float = 0.0,
    seconds: int = 60,
    **parameters: object,
) -> tuple[float, float, int | None]:
    """Cause, warning and the second of the alarm, with the temperature of the second of two cells given."""
    world = World("1 s")
    times, values = zip(*kelvin, strict=True)
    world.add("cell", Table(times, {"temperature": values}))
    world.add("bms", BatteryManagement(cells=2, **parameters))
    world.connect("cell.temperature", "bms.temperature[1]")
    world.reset()
    world["bms.current"] = amperes
    world["bms.voltage"] = [3.8, volts, *[0.0] * 98]
    for second in range(1, seconds + 1):
        world.step()
        assert world["bms.close"] == 1.0 - world["bms.alarm"]
        if world["bms.alarm"]:
            return world["bms.cause"], world["bms.warning"], second
    return world["bms.cause"], world["bms.warning"], None


STEADY = [(0.0, ROOM), (1.0, ROOM)]


def test_all_is_well_at_room_temperature() -> None:
    assert watch(STEADY) == (0.0, 0.0, None)


def test_a_rise_above_the_limit_alarms_once_the_window_is_full_and_three_samples_agree() -> None:
    assert watch([(0.0, 280.0), (60.0, 280.0 + 60 * 1.1)]) == (RISE, 1.0, 10 + 3)
    assert watch([(0.0, 260.0), (60.0, 260.0 + 60 * 0.9)]) == (0.0, 0.0, None)


def test_hot_depends_on_whether_it_is_charged() -> None:
    warm = [(0.0, 273.15 + 50), (1.0, 273.15 + 50)]
    assert watch(warm) == (0.0, 0.0, None)
    assert watch(warm, amperes=1.0) == (HOT, 1.0, 3)
    assert watch([(0.0, 334.0), (1.0, 334.0)]) == (HOT, 1.0, 3)


def test_cold_and_voltage_open_the_contactor_without_a_warning() -> None:
    cold = [(0.0, 270.0), (1.0, 270.0)]
    assert watch(cold) == (0.0, 0.0, None)
    assert watch(cold, amperes=1.0) == (COLD, 0.0, 3)
    assert watch(STEADY, volts=4.26) == (OVERVOLTAGE, 0.0, 3)
    assert watch(STEADY, volts=2.4) == (UNDERVOLTAGE, 0.0, 3)


@pytest.mark.parametrize("reading", [218.15, 600.0])
def test_an_impossible_reading_is_a_failed_sensor_and_no_temperature(reading: float) -> None:
    assert watch([(0.0, reading), (1.0, reading)]) == (SENSOR, 1.0, 3)
    # also a jump there is no rise
    assert watch([(0.0, ROOM), (20.0, ROOM), (20.0, reading), (60.0, reading)])[0] == SENSOR


def test_a_single_outlier_is_no_alarm() -> None:
    spike = [(0.0, ROOM), (20.0, ROOM), (20.0, 360.0), (21.5, 360.0), (21.5, ROOM), (60.0, ROOM)]
    assert watch(spike, rise_limit=100.0) == (0.0, 0.0, None)


def test_it_is_a_well_behaved_unit() -> None:
    check_unit(BatteryManagement, period="1 s")
