"""The rating of ISO/TS 18571 on curves whose scores are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from crumple.metrics import MetricError, iso18571
from crumple.metrics.rating import corridor_score
from crumple.metrics.registry import METRICS

Array = NDArray[np.float64]
N = 401
T = np.linspace(0.0, 1.0, N)


def bump(centre: float = 0.5) -> Array:
    return np.asarray(np.exp(-(((T - centre) / 0.08) ** 2)))


def test_identical_curves_are_rated_1() -> None:
    for curve in (bump(), np.sin(7 * T), T, -30.0 * bump()):
        found = iso18571(curve, curve)
        assert (found.corridor, found.phase, found.magnitude, found.slope, found.shift) == (1, 1, 1, 1, 0)
        assert (found.overall, found.grade) == (pytest.approx(1.0), "excellent")


@pytest.mark.parametrize("shift", [-40, -8, 8, 40])
def test_a_shifted_curve_loses_its_phase_in_proportion_and_nothing_of_magnitude_and_slope(shift: int) -> None:
    found = iso18571(np.roll(bump(), shift), bump())
    assert found.shift == shift
    assert found.phase == pytest.approx(1 - abs(shift) / (0.2 * N))
    assert found.magnitude == pytest.approx(1.0, abs=1e-6)
    assert found.slope == pytest.approx(1.0, abs=1e-4)
    assert found.corridor < 1.0


def test_a_shift_beyond_a_fifth_of_the_length_has_no_phase_score() -> None:
    # at the largest shift that is tried, 80 samples of 401, the correlation still grows
    found = iso18571(bump(0.75), bump(0.45))
    assert found.shift == 80
    assert found.phase == pytest.approx(1 - 80 / 80.2)


@pytest.mark.parametrize("factor", [0.8, 1.1, 1.3])
def test_a_scaled_curve_loses_magnitude_and_slope_in_proportion(factor: float) -> None:
    """The slope's error is |factor - 1|, of at most 2; the magnitude's, after warping, at most that, of 0.5."""
    found = iso18571(factor * bump(), bump())
    error = abs(factor - 1)
    assert (found.phase, found.shift) == (1.0, 0)
    assert found.slope == pytest.approx(1 - error / 2.0)
    assert 1 - error / 0.5 <= found.magnitude < 1.0


def test_a_scaled_constant_step_has_exactly_its_magnitude_error() -> None:
    """Where the curve is flat no warping helps: error 0.1 of 0.5. The short ramps between are too few to matter."""
    step = np.clip((T - 0.2) * 400, 0.0, 1.0)
    assert iso18571(1.1 * step, step).magnitude == pytest.approx(0.8, abs=0.01)
    assert iso18571(1.6 * step, step).magnitude == 0.0


@pytest.mark.parametrize(
    ("offset", "score"), [(0.0, 1.0), (0.05, 1.0), (0.275, 0.25), (0.5, 0.0), (0.9, 0.0), (-0.275, 0.25)]
)
def test_the_corridor_falls_with_the_square_from_5_to_50_percent_of_the_largest_magnitude(
    offset: float, score: float
) -> None:
    reference = -40.0 * bump()
    assert corridor_score(reference + 40.0 * offset, reference) == pytest.approx(score, abs=1e-9)


def test_an_offset_leaves_phase_and_slope_alone() -> None:
    found = iso18571(bump() + 0.275, bump())
    assert (found.phase, found.slope) == (1.0, pytest.approx(1.0))
    assert found.corridor == pytest.approx(0.25, abs=1e-9)


def test_a_curve_upside_down_is_poor() -> None:
    found = iso18571(-bump(), bump())
    assert found.grade == "poor"
    assert found.magnitude == 0.0


def brute_warp(curve: Array, reference: Array) -> float:
    """The least squared distance within the band, cell by cell."""
    n, reach = len(curve), math.ceil(0.1 * len(curve)) - 1
    cost = np.full((n, n), math.inf)
    for i in range(n):
        for j in range(max(0, i - reach), min(n, i + reach + 1)):
            before = [cost[i - a, j - b] for a, b in ((1, 1), (1, 0), (0, 1)) if i >= a and j >= b]
            cost[i, j] = (curve[i] - reference[j]) ** 2 + (min(before) if before else 0.0)
    i = j = n - 1
    path = [(i, j)]
    while i or j:
        steps = [(i - a, j - b) for a, b in ((1, 1), (1, 0), (0, 1)) if i >= a and j >= b]
        i, j = min(steps, key=lambda cell: cost[cell])
        path.append((i, j))
    difference = sum(abs(curve[i] - reference[j]) for i, j in path)
    return float(difference / sum(abs(reference[j]) for _, j in path))


def test_the_magnitude_is_that_of_the_warping_path_found_cell_by_cell() -> None:
    random = np.random.default_rng(18571)
    for n in (20, 37, 60):
        t = np.linspace(0, 1, n)
        reference = np.sin(2 * np.pi * t) + 0.3 * np.sin(9 * t) + 1.5
        curve = reference + 0.2 * random.normal(size=n)
        found = iso18571(curve, reference)
        if found.shift:
            continue
        assert found.magnitude == pytest.approx(max(0.0, 1 - brute_warp(curve, reference) / 0.5), rel=1e-12)


def test_scores_do_not_depend_on_the_unit() -> None:
    curve, reference = bump(0.52) * 1.1, bump()
    a, b = iso18571(curve, reference), iso18571(9.80665 * curve, 9.80665 * reference)
    assert a.overall == pytest.approx(b.overall)
    assert a.overall == pytest.approx(0.4 * a.corridor + 0.2 * (a.phase + a.magnitude + a.slope))


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(MetricError, match="curve has 401 samples and reference 400"):
        iso18571(bump(), bump()[1:])
    with pytest.raises(MetricError, match="at least 20"):
        iso18571(T[:19], T[:19])
    with pytest.raises(MetricError, match="reference is constant"):
        iso18571(bump(), 0 * T)


def test_the_scores_can_be_had_one_by_one() -> None:
    curve, reference = np.roll(bump(), 8) * 1.1, bump()
    found = iso18571(curve, reference)
    for part in ("corridor", "phase", "magnitude", "slope"):
        assert METRICS[f"iso18571_{part}"].evaluate([curve, reference], 1e-4).value == getattr(found, part)
    assert METRICS["iso18571"].evaluate([curve, reference], 1e-4).value == found.overall
