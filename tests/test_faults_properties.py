"""What holds of faults whatever their parameters: bounds, order, seeds, snapshots."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import crumple
from crumple.faults import FaultPlan
from fault_scene import COUNT, READ

TICKS = 40
QUIET = settings(max_examples=40, deadline=None)
numbers = st.floats(-1e6, 1e6)
chances = st.floats(0.0, 1.0)
ticks = st.integers(0, 12)


def world_with(faults: list[FaultPlan], *, every: int = 1) -> crumple.World:
    world = crumple.World(period="100 ms", threads=1)
    world.add("count", COUNT())
    world.add("read", READ(), every=every)
    world.connect("count.x", "read.u")
    for fault in faults:
        world.add_fault(fault)
    return world


def read_with(*faults: FaultPlan, seed: int = 1) -> NDArray[np.float64]:
    """What is read of 0, 1, 2, ..."""
    world = world_with(list(faults))
    trace = world.trace(["read.y"])
    world.reset(seed=seed)
    world.step(TICKS)
    return np.asarray(trace.array()["read.y"][1:])


def plan(kind: str, **more: Any) -> FaultPlan:
    return FaultPlan(**{"name": "f", "on": "read.u", "kind": kind, "since": 0, **more})


X = np.arange(float(TICKS))


@QUIET
@given(numbers, numbers)
def test_a_gain_and_a_bias_are_a_line_whatever_the_order_of_declaration(gain: float, bias: float) -> None:
    faults = [plan("gain", name="z", value=gain), plan("bias", name="a", value=bias)]
    assert np.array_equal(read_with(*faults), X * gain + bias)
    assert np.array_equal(read_with(*reversed(faults)), X * gain + bias)


@QUIET
@given(st.tuples(numbers, numbers).map(sorted), st.integers(0, 2**32))
def test_what_is_saturated_after_noise_is_within_its_limits(limits: list[float], seed: int) -> None:
    y = read_with(
        plan("noise", value=1e5), plan("saturate", name="g", min=limits[0], max=limits[1]), seed=seed
    )
    assert ((y >= limits[0]) & (y <= limits[1])).all()


@QUIET
@given(st.floats(1e-3, 1e3))
def test_a_quantised_value_is_a_multiple_and_no_farther_than_half_a_digit(lsb: float) -> None:
    y = read_with(plan("quantise", value=lsb))
    assert (np.abs(y - X) <= lsb / 2 * (1 + 1e-9)).all()
    assert np.allclose(np.rint(y / lsb) * lsb, y, rtol=1e-12)


@QUIET
@given(ticks, ticks, st.integers(0, 2**32))
def test_a_delayed_sample_is_as_old_as_delay_and_jitter_say_and_time_goes_on(
    delay: int, jitter: int, seed: int
) -> None:
    y = read_with(plan("delay", delay=delay, jitter=jitter + (delay == 0)), seed=seed)
    most = delay + jitter + (delay == 0)
    late = X[most:] - y[most:]
    assert ((late >= delay) & (late <= most)).all()
    assert (np.diff(y) >= 0).all()


@QUIET
@given(chances, st.sampled_from(["dropout", "duplicate", "reorder"]), st.integers(0, 2**32))
def test_what_comes_over_a_bad_wire_was_sent_and_not_from_the_future(
    chance: float, kind: str, seed: int
) -> None:
    y = read_with(plan(kind, chance=chance), seed=seed)
    assert set(y) <= set(X)
    assert (y <= X).all()
    if kind != "reorder":
        assert (np.diff(y) >= 0).all()


@QUIET
@given(st.integers(0, 51))
def test_a_bit_that_is_flipped_twice_is_as_it_was(bit: int) -> None:
    once = plan("bit_flip", bit=bit, value=1.0)
    again = plan("bit_flip", name="g", bit=bit, value=1.0)
    assert np.array_equal(read_with(once, again), X)
    assert (read_with(once) != X).all()


@QUIET
@given(ticks, ticks, st.integers(2, 6), st.data())
def test_an_intermittent_fault_acts_in_its_part_of_each_period_in_its_window(
    since: int, length: int, period: int, data: st.DataObject
) -> None:
    part = data.draw(st.integers(1, period))
    fault = plan("stuck_at", value=-1.0, since=since, until=since + length, period=period, part=part)
    inside = (since <= X) & (since + length > X) & ((X - since) % period < part)
    assert np.array_equal(read_with(fault), np.where(inside, -1.0, X))


random_faults = st.lists(
    st.builds(
        lambda kind, value, chance, since, delay, jitter, on: FaultPlan(
            name="", on=on, kind=kind, value=value, chance=chance, since=since, delay=delay, jitter=jitter
        ),
        st.sampled_from(["noise", "spike", "dropout", "duplicate", "reorder", "delay", "stuck_at", "drift"]),
        st.floats(0.1, 10.0),
        chances,
        ticks,
        st.integers(1, 5),
        st.integers(0, 5),
        st.sampled_from(["read.u", "count.x"]),
    ),
    max_size=5,
).map(
    lambda made: [
        FaultPlan(**{**{k: getattr(f, k) for k in f.__slots__}, "name": f"f{i}"}) for i, f in enumerate(made)
    ]
)


@QUIET
@given(random_faults, st.integers(1, 3), st.integers(0, 25), st.integers(0, 2**32), st.randoms())
def test_a_run_goes_on_from_a_snapshot_bit_for_bit_and_does_not_depend_on_the_order_of_declaration(
    faults: list[FaultPlan], every: int, at: int, seed: int, random: Any
) -> None:
    world = world_with(faults, every=every)
    world.reset(seed=seed)
    world.step(at)
    shot = world.snapshot()
    world.step(TICKS)
    digest = world.digest()
    world.restore(shot)
    world.step(TICKS)
    assert world.digest() == digest
    shuffled = list(faults)
    random.shuffle(shuffled)
    other = world_with(shuffled, every=every)
    other.reset(seed=seed)
    other.step(at + TICKS)
    assert other.digest() == digest
