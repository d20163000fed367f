"""What a scene requires and records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crumple.scene import load_scene
from ramp_scene import SCENE, writer


@pytest.fixture
def write(tmp_path: Path) -> Any:
    return writer(tmp_path)


def requirement(write: Any, text: str) -> Any:
    [found] = load_scene(write(f"{SCENE}[requirements.a]\n{text}")).requirements
    return found


def test_limits_are_kept_in_the_unit_of_the_signal_and_in_that_of_the_scene(write: Any) -> None:
    found = requirement(write, 'signal = "ramp.a"\nmax = "60 g"\nmin = -1.5')
    assert (found.source_si, found.si) == ("m/s^2", "g")
    upper, lower = found.limits
    assert (upper.relation, upper.value, upper.shown) == ("max", 588.399, 60.0)
    assert (lower.relation, lower.value) == ("min", -1.5)
    assert lower.shown == pytest.approx(-1.5 / 9.80665, rel=1e-15)


def test_a_metric_takes_its_limit_in_its_own_unit(write: Any) -> None:
    found = requirement(write, 'metric = "first_time(ramp.a, 1 m/s^2)"\nmax = "16.9 ms"')
    assert (found.source_si, found.si, found.limits[0].value) == ("s", "ms", 0.0169)
    assert requirement(write, 'metric = "hic15(ramp.a)"\nmax = 700').limits[0].shown == 700.0


def test_a_window_is_exact_and_the_end_is_the_end(write: Any) -> None:
    found = requirement(write, 'signal = "ramp.a"\nmax = 1\nfrom = "0.1 s"\nuntil = 0.2\ndoc = "why"')
    assert (found.start, found.until, found.at_end, found.doc) == (0.1, 0.2, False, "why")
    found = requirement(write, 'signal = "ramp.a"\nequals = 2\nwithin = "1 cm/s^2"\nat = "end"')
    assert (found.start, found.until, found.at_end) == (None, None, True)
    assert (found.limits[0].value, found.limits[0].within) == (2.0, 0.01)


def test_true_and_false_are_one_and_zero(write: Any) -> None:
    assert requirement(write, 'signal = "ramp.a"\nequals = false').limits[0].value == 0.0


def groups(write: Any, text: str) -> list[tuple[tuple[str, ...], int]]:
    return [(group.signals, group.every) for group in load_scene(write(SCENE + text)).record]


def test_everything_is_recorded_unless_something_is_said(write: Any) -> None:
    everything = ("ramp.a", "ramp.wide", "ramp.word", "meter.y")
    assert groups(write, "") == [(everything, 1)]
    assert groups(write, "[record]\nevery = 10") == [(everything, 10)]
    assert groups(write, '[record]\nsignals = ["ramp.?", "meter.*"]') == [(("ramp.a", "meter.y"), 1)]
    assert groups(write, "[record]\nsignals = []") == []


def test_rates_are_kept_apart_and_equal_rates_together(write: Any) -> None:
    text = """
[[record]]
signals = "ramp.*"
period = "5 ms"
[[record]]
signals = "meter.y"
[[record]]
signals = ["ramp.a", "meter.y"]
every = 5
"""
    assert groups(write, text) == [(("meter.y",), 1), (("ramp.a", "ramp.wide", "ramp.word", "meter.y"), 5)]
