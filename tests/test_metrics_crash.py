"""Metrics against the published figures of a real crash: NHTSA test 10146, a 2018 sedan at 57 km/h."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from crumple.metrics import cfc, clip_3ms, delta_v, hic15, minimum, olc, olc_from_acceleration, resultant

Array = NDArray[np.float64]
G = 9.80665
REFERENCE = Path(os.environ.get("CRUMPLE_REFERENCE_DATA", Path(__file__).parents[2] / "shared" / "data"))


def reference(name: str) -> Path:
    path = REFERENCE / name
    if not path.exists():
        pytest.skip(f"reference data {path} is absent; CRUMPLE_REFERENCE_DATA names its folder")
    return path


START = 0.050  # the records begin 50 ms before contact


def channel(number: int) -> Array:
    return np.loadtxt(reference("nhtsa10146") / f"v10146.{number:03d}")[:, 1]


def filtered_resultant(first: int, cfc_class: int) -> Array:
    return resultant(*(cfc(channel(n), 1e-4, cfc_class) for n in range(first, first + 3)))


@pytest.mark.parametrize(
    ("first", "published", "t1", "t2", "exact"),
    [(1, 140.0, 0.0777, 0.0927, 139.80), (47, 335.0, 0.0678, 0.0828, 334.92)],
)
def test_hic15_of_the_real_heads(first: int, published: float, t1: float, t2: float, exact: float) -> None:
    found = hic15(filtered_resultant(first, 1000), 1e-4)
    assert found.value == pytest.approx(published, abs=0.5)
    assert (found.t1 - START, found.t2 - START) == pytest.approx((t1, t2), abs=0.15e-3)
    assert found.value == pytest.approx(exact, abs=0.005)


@pytest.mark.parametrize(
    ("first", "published", "tolerance", "contiguous", "cumulative"),
    [(13, 41.0, 0.1, 40.92, 41.02), (59, 41.0, 0.5, 40.60, 40.60)],
)
def test_3ms_clip_of_the_real_chests(
    first: int, published: float, tolerance: float, contiguous: float, cumulative: float
) -> None:
    chest = filtered_resultant(first, 180)
    assert clip_3ms(chest, 1e-4).value == pytest.approx(published, abs=tolerance)
    assert clip_3ms(chest, 1e-4).value == pytest.approx(contiguous, abs=0.005)
    assert clip_3ms(chest, 1e-4, cumulative=True).value == pytest.approx(cumulative, abs=0.005)


@pytest.mark.parametrize(
    ("number", "published", "exact"),
    [(23, -1923, -1923.3), (24, -2345, -2345.3), (69, -1182, -1181.6), (70, -1378, -1378.1)],
)
def test_femur_forces_of_the_real_dummies(number: int, published: float, exact: float) -> None:
    found = minimum(cfc(channel(number), 1e-4, 600), 1e-4)
    assert found.value == pytest.approx(published, abs=1.0)
    assert found.value == pytest.approx(exact, abs=0.06)


def test_the_real_vehicle() -> None:
    a = sum(cfc(channel(n), 1e-4, 180) for n in (93, 94, 99, 100))[500:] / 4 * G
    change = delta_v(a, 1e-4)
    assert change.value == pytest.approx(18.56, abs=0.01)
    assert change.t == pytest.approx(0.1135, abs=1e-4)
    load = olc_from_acceleration(a, 1e-4, speed=57.09 / 3.6)
    assert load.value == pytest.approx(29.6, abs=0.05)
    assert (load.t1, load.t2) == pytest.approx((0.0359, 0.0993), abs=1e-4)


def test_olc_of_the_measured_velocity_at_1_khz() -> None:
    v = np.loadtxt(reference("nhtsa10146_pulse.csv"), delimiter=",", skiprows=1)[:, 3]
    assert olc(v, 1e-3).value == pytest.approx(29.6, abs=0.05)
