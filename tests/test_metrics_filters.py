"""CFC filters against the standard's coefficients, gains and start-up."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from crumple.metrics import ISO_6487, SAE_J211, MetricError, cfc, cfc_coefficients, cfc_forward
from reference_data import reference

Array = NDArray[np.float64]


CLASSES = (60, 180, 600, 1000)


def test_coefficients_at_10_khz() -> None:
    c = cfc_coefficients(180, 1e-4)
    assert (c.a0, c.b1, c.b2) == pytest.approx(
        (0.01179627109978, 1.67011746326783, -0.71730254766694), rel=1e-12
    )
    assert (c.a1, c.a2) == (2 * c.a0, c.a0)
    for cfc_class in CLASSES:
        assert sum(cfc_coefficients(cfc_class, 1e-4)) == pytest.approx(1.0, abs=1e-14)  # gain 1 at 0 Hz


def test_coefficients_of_the_published_table() -> None:
    with reference("cfc_coeffs.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 40
    for row in rows:
        corner = ISO_6487 if row["convention"].startswith("ISO6487") else SAE_J211
        found = cfc_coefficients(float(row["CFC"]), 1 / float(row["fs_Hz"]), corner=corner)
        assert tuple(found) == pytest.approx(
            tuple(float(row[k]) for k in ("a0", "a1", "a2", "b1", "b2")), rel=1e-9
        )


def gain_db(filtered: Array, f: float, period: float) -> float:
    """Amplitude of the part at f [Hz] in the middle half, against 1."""
    n = len(filtered)
    middle = slice(n // 4, 3 * n // 4)
    phase = 2 * np.pi * f * period * np.arange(n)[middle]
    basis = np.stack((np.sin(phase), np.cos(phase)), axis=1)
    amplitudes = np.linalg.lstsq(basis, filtered[middle], rcond=None)[0]
    return float(20 * np.log10(np.hypot(*amplitudes)))


@pytest.mark.parametrize("cfc_class", CLASSES)
def test_gain_at_the_class_and_at_its_corner(cfc_class: int) -> None:
    period = 1 / (200 * cfc_class)
    for f, two_passes in ((cfc_class, -0.454), (cfc_class / 0.6, -3.010)):
        sine = np.sin(2 * np.pi * f * period * np.arange(8000))
        assert gain_db(cfc(sine, period, cfc_class), f, period) == pytest.approx(two_passes, abs=2e-3)
        assert gain_db(cfc_forward(sine, period, cfc_class), f, period) == pytest.approx(
            two_passes / 2, abs=1e-3
        )


@pytest.mark.parametrize("cfc_class", CLASSES)
def test_a_constant_comes_back_exactly(cfc_class: int) -> None:
    x = np.full(500, 39.4)
    assert np.array_equal(cfc(x, 1e-4, cfc_class), x)
    assert np.array_equal(cfc_forward(x, 1e-4, cfc_class), x)


@pytest.mark.parametrize("cfc_class", CLASSES)
def test_a_ramp_comes_back_without_delay(cfc_class: int) -> None:
    ramp = np.arange(1000) * 0.1  # 0.1 a sample
    filtered = cfc(ramp, 1e-4, cfc_class)
    np.testing.assert_allclose(filtered[100:-100], ramp[100:-100], atol=1e-4)  # a thousandth of a sample
    np.testing.assert_allclose(filtered, ramp, atol=0.06)  # at the ends, CFC 60 still remembers its start
    lag = ramp[-1] - cfc_forward(ramp, 1e-4, cfc_class)[-1]
    c = cfc_coefficients(cfc_class, 1e-4)
    group_delay = 1 + (c.b1 + 2 * c.b2) / (1 - c.b1 - c.b2)  # [samples], at 0 Hz
    assert lag == pytest.approx(0.1 * group_delay, rel=1e-9)


def test_a_symmetric_pulse_stays_symmetric() -> None:
    half_sine = 60 * np.sin(np.pi * np.arange(301) / 300)
    x = np.concatenate((np.zeros(400), half_sine, np.zeros(400)))
    filtered = cfc(x, 1e-4, 180)
    np.testing.assert_allclose(filtered, filtered[::-1], atol=1e-9)


def test_the_online_filter_is_the_difference_equation() -> None:
    x = np.random.default_rng(7).normal(size=60)
    a0, a1, a2, b1, b2 = cfc_coefficients(600, 1e-4)
    y = [x[0], x[0]]
    before = [x[0], x[0], *x]
    for n in range(2, len(before)):
        y.append(a0 * before[n] + a1 * before[n - 1] + a2 * before[n - 2] + b1 * y[n - 1] + b2 * y[n - 2])
    np.testing.assert_allclose(cfc_forward(x, 1e-4, 600), y[2:], rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(cfc_forward(x, 1e-4, 600)[:30], cfc_forward(x[:30], 1e-4, 600))


def test_the_start_up_mirrors_both_ends_and_begins_on_the_mean_of_ten() -> None:
    x = np.random.default_rng(3).normal(size=150)
    a0, a1, a2, b1, b2 = cfc_coefficients(1000, 1e-4)
    before, after = 2 * x[0] - x[1:101], 2 * x[-1] - x[-101:-1]
    y = np.concatenate((before[::-1], x, after[::-1]))  # 100 samples: 10 ms
    for _ in range(2):
        u, y = y, np.full_like(y, y[:10].mean())
        for n in range(2, len(u)):
            y[n] = a0 * u[n] + a1 * u[n - 1] + a2 * u[n - 2] + b1 * y[n - 1] + b2 * y[n - 2]
        y = y[::-1]
    np.testing.assert_allclose(cfc(x, 1e-4, 1000), y[100:250], rtol=1e-12, atol=1e-12)


@given(
    hnp.arrays(np.float64, st.integers(10, 60), elements=st.floats(-200, 200, allow_subnormal=False)),
    st.floats(-5, 5),
)
def test_the_filter_is_linear(x: Array, scale: float) -> None:
    y = np.linspace(-1.0, 3.0, len(x)) ** 2
    together = cfc(scale * x + y, 1e-3, 60)
    np.testing.assert_allclose(together, scale * cfc(x, 1e-3, 60) + cfc(y, 1e-3, 60), atol=1e-9)


def test_a_sampling_rate_below_ten_times_the_class_is_refused_with_the_remedy() -> None:
    cfc(np.zeros(100), 1e-4, 1000)
    with pytest.raises(
        MetricError, match=r"CFC 1000 needs .* at least 10000 Hz; the signal has 5000 Hz.*0.1 ms or less"
    ):
        cfc(np.zeros(100), 2e-4, 1000)
    with pytest.raises(MetricError, match="cfc_class is 0"):
        cfc(np.zeros(100), 2e-4, 0)
