"""After a fork a sensor hears nothing more: its last sample grows old, and the policy of the scene applies."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from crumple.live.plan import STAMPS, STATES, Channel, SensorPlan
from crumple.tape import Command, Tape
from crumple.tape_fork import forked


def silent(**options: Any) -> tuple[dict[str, Any], int]:
    """A sensor that heard 10 at tick 1 and 12 at tick 3, 2 ms apart, and nothing from tick 4 on; ticks of 1 ms."""
    plan = SensorPlan(name="s", channels=(Channel(name="a", substitute=-7.0),), **options)
    names = ("a", *STAMPS)
    rows = np.zeros((5, len(names)))
    rows[:, 0] = [0, 10, 10, 12, 12]
    rows[:, names.index("age")] = [0, 0.0, 1e-3, 0.0, 1e-3]
    rows[1:, names.index("state")] = STATES.index("fresh")
    rows[:, names.index("sequence")] = [0, 1, 1, 2, 2]
    rows[:, names.index("source_time")] = [np.nan, 0.0, 0.0, 2e-3, 2e-3]
    channels = tuple(Channel(name=name) for name in names)
    scene = SimpleNamespace(
        sensors=(plan,), pacing=SimpleNamespace(speed=1.0), period=1 / 1000, start=0, stop_tick=10
    )
    tape = Tape(np.arange(5) / 1000, {"s": (channels, rows)}, commands=[Command(2, "set"), Command(6, "set")])
    longer, last = forked(tape, scene, 4)  # type: ignore[arg-type]
    assert [command.tick for command in longer.commands] == [2]
    assert longer.rows("s")[1][:5].tobytes() == rows.tobytes()
    return dict(zip(names, longer.rows("s")[1][5:].T, strict=True)), last


def states(*names: str) -> list[float]:
    return [float(STATES.index(name)) for name in names]


def test_without_an_age_limit_the_last_sample_stays_and_grows_old() -> None:
    found, last = silent()
    assert found["a"].tolist() == [12.0] * 6
    assert found["age"] == pytest.approx([0.002, 0.003, 0.004, 0.005, 0.006, 0.007])
    assert found["state"].tolist() == states(*["fresh"] * 6)
    assert last == 10


@pytest.mark.parametrize(
    ("policy", "state", "values"),
    [
        ("hold", "held", [12, 12, 12, 12]),
        ("substitute", "substituted", [-7, -7, -7, -7]),
        ("fail_safe", "fail_safe", [12, 12, 12, 12]),
        ("extrapolate", "extrapolated", [16, 17, 18, 19]),  # 1 a millisecond
    ],
)
def test_a_policy_applies_from_the_tick_at_which_the_sample_is_too_old(
    policy: Any, state: str, values: list[float]
) -> None:
    found, last = silent(policy=policy, max_age=0.0035)
    assert found["state"].tolist() == states("fresh", "fresh", state, state, state, state)
    assert found["a"] == pytest.approx([12, 12, *values])
    assert last == 10


def test_a_policy_or_an_age_that_ends_the_run_ends_the_fork() -> None:
    assert silent(policy="stop", max_age=0.0035)[1] == 6
    assert silent(stop_age=0.0055)[1] == 8


def test_a_sensor_that_is_read_every_second_tick_holds_in_between() -> None:
    found, _ = silent(every=2)
    assert found["age"] == pytest.approx([0.003, 0.003, 0.005, 0.005, 0.007, 0.007])
