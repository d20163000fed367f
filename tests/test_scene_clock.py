"""Exact times: a period and a stop are fractions of a second, and ticks are counted."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crumple.scene.clock import (
    TimeError,
    every_of,
    exact_period,
    exact_time,
    multiple,
    simplest,
    ticks_between,
    time_text,
)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("100 us", Fraction(1, 10_000)),
        ("100 µs", Fraction(1, 10_000)),
        ("1/60 s", Fraction(1, 60)),
        ("60 Hz", Fraction(1, 60)),
        ("44.1 kHz", Fraction(1, 44_100)),
        ("29.97 Hz", Fraction(100, 2997)),
        ("1 min", Fraction(60)),
        ("0.5", Fraction(1, 2)),
        (0.001, Fraction(1, 1000)),
        (1e-4, Fraction(1, 10_000)),
        (1 / 60, Fraction(1, 60)),
        (1 / 44_100, Fraction(1, 44_100)),
        (0.016667, Fraction(16_667, 1_000_000)),
        (2, Fraction(2)),
    ],
)
def test_a_period_is_exact(written: str | float, seconds: Fraction) -> None:
    assert exact_period(written) == seconds


@pytest.mark.parametrize(
    "written", ["0 s", "-1 ms", 0, "0 Hz", "1 kg", "fast", float("nan"), float("inf"), ""]
)
def test_what_is_no_period_is_refused(written: str | float) -> None:
    with pytest.raises(TimeError):
        exact_period(written)


def test_a_time_is_no_rate_and_may_be_zero_or_negative() -> None:
    assert (exact_time("0 s"), exact_time("-20 ms"), exact_time(0)) == (0, Fraction(-1, 50), 0)
    with pytest.raises(TimeError):
        exact_time("60 Hz")


@given(st.integers(1, 10_000), st.integers(1, 10_000))
def test_a_float_means_the_fraction_of_small_numbers_that_it_is_the_double_of(above: int, below: int) -> None:
    assert simplest(above / below) == Fraction(above, below)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=1e-300))
def test_the_simplest_fraction_rounds_to_the_float(value: float) -> None:
    found = simplest(value)
    assert float(found) == value
    assert found.denominator <= Fraction(value).denominator
    assert simplest(-value) == -found


def test_an_hour_of_frames_is_a_whole_number_of_them() -> None:
    assert ticks_between(Fraction(0), exact_time("1 h"), exact_period("60 Hz"), shown="") == 216_000
    assert ticks_between(Fraction(0), exact_time("3600 s"), exact_period(0.01), shown="") == 360_000
    assert ticks_between(Fraction(-1, 10), Fraction(1, 10), Fraction(1, 1000), shown="") == 200


@given(
    st.integers(1, 10**9), st.fractions(min_value=Fraction(1, 10**6), max_value=100, max_denominator=10**6)
)
def test_a_whole_number_of_periods_is_counted_and_half_a_period_more_is_refused(
    count: int, period: Fraction
) -> None:
    assert ticks_between(Fraction(0), count * period, period, shown="") == count
    with pytest.raises(TimeError):
        ticks_between(Fraction(0), (count + Fraction(1, 2)) * period, period, shown="")


@given(st.fractions(min_value=Fraction(1, 10**9), max_value=10**6, max_denominator=10**9))
def test_a_time_in_a_message_reads_back_exactly(time: Fraction) -> None:
    assert exact_time(time_text(time)) == time


def test_times_are_written_in_the_unit_that_needs_no_zeros() -> None:
    texts = {
        Fraction(0): "0 s",
        Fraction(3, 20): "150 ms",
        Fraction(1, 10_000): "100 us",
        Fraction(1, 60): "1/60 s",
        Fraction(5, 2): "2.5 s",
        Fraction(1, 10**9): "1 ns",
    }
    assert {time: time_text(time) for time in texts} == texts


def test_a_units_own_period_is_a_whole_number_of_ticks() -> None:
    assert multiple("0.5 ms", Fraction(1, 10_000)) == 5
    assert multiple("30 Hz", Fraction(1, 60)) == 2
    assert every_of({}, Fraction(1)) == 1
    assert every_of({"every": 7}, Fraction(1)) == 7
    with pytest.raises(TimeError, match='"2 ms" and "3 ms"'):
        multiple("2.5 ms", Fraction(1, 1000))
    with pytest.raises(TimeError, match='Near it: "1 ms"'):
        multiple("0.5 ms", Fraction(1, 1000))
