"""Contact of a robot with a human: the exact collision, the table of limits, the use of a limit by a signal."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest

from crumple.expression import parse_expression
from crumple.metrics import MetricError
from crumple.metrics.contact import (
    REGIONS,
    allowed_speed,
    body_region,
    contact_energy,
    contact_force,
    contact_pressure,
    contact_time,
    reduced_mass,
    robot_mass,
    separation_distance,
)
from crumple.metrics.registry import METRICS
from reference_data import reference


def test_force_time_and_energy_are_those_of_two_masses_on_a_spring() -> None:
    """Symplectic Euler is exact in the limit; at 1 us it is within 1e-5."""
    k, human, robot, v = 25e3, 40.0, 10.0, 0.25
    mu = reduced_mass(human, robot)
    dt, x, speed, largest, t = 1e-6, 0.0, v, 0.0, 0.0
    while x >= 0.0:
        speed -= k * x / mu * dt
        x += speed * dt
        largest = max(largest, k * x)
        t += dt
    assert mu == 8.0
    assert contact_force(v, stiffness=k, mass=mu) == pytest.approx(111.8034, abs=1e-4)
    assert largest == pytest.approx(contact_force(v, stiffness=k, mass=mu), rel=1e-4)
    assert t == pytest.approx(contact_time(stiffness=k, mass=mu), rel=1e-4)
    assert contact_energy(v, mass=mu) == pytest.approx(contact_force(v, stiffness=k, mass=mu) ** 2 / (2 * k))


def test_the_table_of_body_regions_and_the_speeds_it_allows() -> None:
    path = reference("iso15066_limits.csv")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(REGIONS)
    for row, region in zip(rows, REGIONS.values(), strict=True):
        assert row["region"].split("/")[0].replace(" ", "_") == region.name
        assert region.stiffness == 1e3 * float(row["k_N_per_mm"])
        assert region.mass == float(row["mH_kg"])
        assert region.force == float(row["F_quasistatic_N"])
        assert region.pressure == 1e4 * float(row["p_quasistatic_N_per_cm2"])
        assert region.transient_force == float(row["F_transient_N"])
        assert region.transient_energy == pytest.approx(float(row["E_transient_J"]), abs=5e-5)
        for mass in (5, 10, 15, 25):
            published = float(row[f"v_mm_s_mR{mass}"])
            assert 1e3 * allowed_speed(region, mass) == pytest.approx(published, abs=0.051)


def test_the_allowed_speed_reaches_the_limit_exactly() -> None:
    region = body_region("chest")
    v = allowed_speed(region, 10.0)
    assert contact_force(v, stiffness=region.stiffness, mass=reduced_mass(40.0, 10.0)) == pytest.approx(280.0)
    small = 1e-4  # m^2: 240 N/cm^2 on 1 cm^2 are 240 N
    assert allowed_speed(region, 10.0, area=small) == pytest.approx(v * 240.0 / 280.0)
    assert contact_pressure(240.0, small) == pytest.approx(region.transient_pressure)


def test_masses_and_distances() -> None:
    assert robot_mass(20.0, 3.0) == 13.0
    assert reduced_mass(math.inf, 10.0) == 10.0
    assert separation_distance(
        reaction=0.1, stopping=0.3, robot=0.5, braking=0.08, intrusion=0.2
    ) == pytest.approx(1.6 * 0.4 + 0.05 + 0.08 + 0.2)


def test_nonsense_is_refused() -> None:
    with pytest.raises(MetricError, match=r"'elbow' is no body region\. There are: skull, face"):
        body_region("elbow")
    with pytest.raises(MetricError, match="both must be above 0"):
        reduced_mass(0.0, 10.0)
    with pytest.raises(MetricError, match="contact area of 0"):
        contact_pressure(10.0, 0.0)


# ---- on signals

DT = 1e-3
T = np.arange(1501) * DT


def test_a_contact_has_the_transient_limit_for_half_a_second_and_then_the_other() -> None:
    force = np.where(T >= 0.2, 130.0, 0.0)  # touched at 0.2 s
    found = METRICS["contact_use"].evaluate([force], DT, numbers=[280.0, 140.0])
    assert found.value == pytest.approx(130 / 140)
    assert found.t == pytest.approx(0.701)
    pressed = np.where((T >= 0.2) & (T <= 0.7), 130.0, 0.0)
    assert METRICS["contact_use"].evaluate([pressed], DT, numbers=[280.0, 140.0]).value == pytest.approx(
        130 / 280
    )


def test_every_contact_is_counted_from_its_own_touch() -> None:
    force = np.where((T % 0.4) < 0.3, 100.0, 0.0)  # never longer than 0.3 s
    assert METRICS["contact_use"].evaluate([force], DT, numbers=[200.0, 50.0]).value == 0.5
    assert METRICS["contact_use"].evaluate([0 * T], DT, numbers=[200.0, 50.0]).value == 0.0
    with pytest.raises(MetricError, match="transient is 0"):
        METRICS["contact_use"].evaluate([force], DT, numbers=[0.0, 50.0])


def test_in_an_expression_limits_areas_and_stiffnesses_carry_their_own_units() -> None:
    def lookup(_: str) -> tuple[np.ndarray, str | None]:
        return np.array([0.0, 0.1, 0.05]), "kN"

    use = parse_expression("contact_use(arm.force, 0.2 kN, 100 N)").evaluate(lookup, 0.1)
    assert use.value == pytest.approx(0.5)
    energy = parse_expression("contact_energy(arm.force, 25 N/mm)").evaluate(lookup, 0.1)
    assert (energy.value, energy.si) == (pytest.approx(0.2), "J")
    pressure = parse_expression("max(contact_pressure(arm.force, 2 cm^2))").evaluate(lookup, 0.1)
    assert (pressure.value, pressure.si) == (pytest.approx(50.0), "N/cm^2")
