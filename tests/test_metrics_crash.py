"""Metrics against the published figures of a real crash: NHTSA test 10146, a 2018 sedan at 57 km/h."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from crumple.metrics import (
    acceleration_severity_index,
    cfc,
    chest_deflection,
    clip_3ms,
    delta_v,
    free_flight_time,
    hic15,
    minimum,
    occupant_impact_velocity,
    olc,
    olc_from_acceleration,
    required_fire_time,
    resultant,
    ridedown,
    risk,
    viscous_criterion,
)
from crumple.metrics.crash_protection import head_score, limit
from reference_data import reference

Array = NDArray[np.float64]
G = 9.80665


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


def crossmember(cfc_class: float) -> Array:
    """Mean acceleration of the rear seat crossmember [g] from contact on."""
    return np.asarray(sum(cfc(channel(n), 1e-4, cfc_class) for n in (93, 94, 99, 100))[500:] / 4)


def test_the_real_chest_deflection_and_what_it_means() -> None:
    deflection = cfc(channel(19), 1e-4, 600)
    found = chest_deflection(deflection, 1e-4)
    assert found.value == pytest.approx(23.2, abs=0.05)
    assert risk.chest_ais3(found.value * 1e-3) == pytest.approx(0.0206, abs=1e-4)
    assert viscous_criterion(deflection * 1e-3, 1e-4, dummy="h3_50m").value < 0.5
    assert limit("h3_50m_sled", "chest_deflection").colour(found.value) == "yellow"


def test_the_real_heads_had_no_hard_contact_and_the_full_score() -> None:
    for first in (1, 47):
        head = filtered_resultant(first, 1000)
        level = clip_3ms(head, 1e-4, cumulative=True)
        score = head_score(float(head.max()), hic15(head, 1e-4).value, level.value, seat="h3_50m_sled")
        assert (float(head.max()) < 80.0, score) == (True, 100.0)
    assert risk.head_ais3(139.80) == pytest.approx(3.434e-4, abs=1e-6)


def test_the_5_inch_rule_on_the_real_vehicle() -> None:
    v = 57.09 / 3.6 + np.concatenate(
        ((0.0,), np.cumsum(crossmember(180)[1:] + crossmember(180)[:-1]) * 0.5e-4 * G)
    )
    assert free_flight_time(v, 1e-4) == pytest.approx(0.0469, abs=5e-5)
    assert required_fire_time(v, 1e-4) == pytest.approx(0.0169, abs=5e-5)


def test_the_real_vehicle_as_a_barrier_would_be_judged() -> None:
    severity = acceleration_severity_index(crossmember(60), period=1e-4)
    assert severity.value == pytest.approx(2.36, abs=0.005)
    a = crossmember(180) * G
    impact = occupant_impact_velocity(a, period=1e-4)
    assert impact is not None
    assert impact.value == pytest.approx(17.94, abs=0.005)
    assert impact.t == pytest.approx(0.0838, abs=5e-5)
    assert ridedown(a, period=1e-4).value == pytest.approx(4.7, abs=0.1)
