"""Time in a world: exact periods, counted ticks, units of several rates."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from crumple.errors import BuildError, UsageError
from crumple.period import period_of
from crumple.world import World
from small_units import Counter, Relay

# -- time is counted --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("period", "wanted"),
    [
        ("100 us", Fraction(1, 10_000)),
        ("60 Hz", Fraction(1, 60)),
        ("1/60 s", Fraction(1, 60)),
        (1 / 60, Fraction(1, 60)),
        (0.001, Fraction(1, 1000)),
        ("44.1 kHz", Fraction(1, 44_100)),
        (Fraction(1, 3), Fraction(1, 3)),
        ("0.1", Fraction(1, 10)),
        (2, Fraction(2)),
        ("1 min", Fraction(60)),
    ],
)
def test_a_period_is_an_exact_fraction(period: Any, wanted: Fraction) -> None:
    assert period_of(period) == World(period=period).period == wanted


@pytest.mark.parametrize(
    "period", [0, -1, "0 s", "-1 ms", "fast", "1 kg", float("nan"), float("inf"), "0 Hz"]
)
def test_what_is_no_period_is_refused(period: Any) -> None:
    with pytest.raises(UsageError, match="is no period"):
        World(period=period)


@pytest.mark.parametrize(
    ("period", "ticks", "t"),
    [
        ("10 ms", 360_000, 3600.0),
        ("60 Hz", 60 * 3600, 3600.0),
        ("44.1 kHz", 441_000, 10.0),
        ("1/3 s", 9, 3.0),
    ],
)
def test_time_is_exact_at_the_end(period: str, ticks: int, t: float) -> None:
    world = World(period=period)
    world.add("counter", Counter, every=1)
    world.reset()
    world.step(ticks)
    assert (world.tick, world.t, world["counter.n"]) == (ticks, t, ticks)


def test_every_recorded_time_is_the_nearest_double() -> None:
    world = World(period="1/60 s", start=0.0)
    world.add("counter", Counter)
    trace = world.trace()
    world.reset()
    world.step(600)
    assert trace.array()["t"].tolist() == [float(Fraction(i, 60)) for i in range(601)]


def test_a_start_time_is_added_once() -> None:
    world = World(period="0.1 s", start=5.0)
    world.add("counter", Counter)
    world.reset()
    assert world.t == 5.0
    world.step(10)
    assert world.t == 6.0


# -- rates ------------------------------------------------------------------------------------------


def test_a_slow_unit_reads_when_its_window_opens_and_shows_when_it_closes() -> None:
    world = World(period="1 s")
    world.add("fast", Counter)
    world.add("slow", Relay, every=4)
    world.connect("fast.n", "slow.u")
    trace = world.trace()
    world.reset()
    world.step(12)
    assert trace.array()["fast.n"].tolist() == list(range(13))
    assert trace.array()["slow.y"].tolist() == [0] * 4 + [1] * 4 + [5] * 4 + [9]


def test_a_same_tick_input_of_a_slow_unit_is_read_when_its_window_closes() -> None:
    world = World(period="1 s")
    world.add("fast", Counter)
    world.add("slow", Relay, every=4)
    world.connect("fast.n", "slow.u", same_tick=True)
    trace = world.trace(["slow.y"])
    world.reset()
    world.step(9)
    assert trace.array()["slow.y"].tolist() == [0] * 4 + [5] * 4 + [9, 9]


@pytest.mark.parametrize(
    ("every", "message"), [(0, "it counts ticks from 1"), (-2, "it counts ticks from 1")]
)
def test_a_rate_that_is_none_is_refused(every: int, message: str) -> None:
    with pytest.raises(BuildError, match=message):
        World(period=1).add("unit", Counter, every=every)
