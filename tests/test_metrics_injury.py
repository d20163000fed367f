"""Injury criteria of neck, chest and brain, and the risk curves, against closed forms and published points."""

from __future__ import annotations

import csv
import math
import pickle

import numpy as np
import pytest

from crumple.metrics import (
    MetricError,
    Nij,
    bric,
    chest_deflection,
    nij,
    occipital_moment,
    risk,
    thoracic_trauma_index,
    viscous_criterion,
)
from crumple.metrics.neck import INTERCEPTS, nij_signal
from crumple.metrics.registry import METRICS
from reference_data import reference

DT = 1e-4
T = np.arange(1001) * DT
SINE = np.sin(np.pi * T / 0.1)

# ---- neck


@pytest.mark.parametrize(
    ("dummy", "force", "moment", "mode"),
    [
        ("h3_50m", 6806.0, 310.0, "tension-flexion"),
        ("h3_50m", 6806.0, -135.0, "tension-extension"),
        ("h3_50m", -6160.0, 310.0, "compression-flexion"),
        ("h3_50m", -6160.0, -135.0, "compression-extension"),
        ("h3_05f", 4287.0, -67.0, "tension-extension"),
        ("h3_05f", -3880.0, 155.0, "compression-flexion"),
        ("thor_50m", 4200.0, 88.1, "tension-flexion"),
        ("thor_50m", -6400.0, -117.0, "compression-extension"),
    ],
)
def test_at_its_intercepts_each_load_gives_one(dummy: str, force: float, moment: float, mode: str) -> None:
    none = np.zeros_like(T)
    assert nij(force * SINE, none, DT, dummy=dummy).value == pytest.approx(1.0)
    assert nij(none, moment * SINE, DT, dummy=dummy).value == pytest.approx(1.0)
    both = nij(force * SINE, moment * SINE, DT, dummy=dummy)
    assert (both.value, both.t, both.mode) == (pytest.approx(2.0), 0.05, mode)


def test_the_worst_moment_of_nij_need_not_be_that_of_a_peak() -> None:
    force, moment = 3403.0 * SINE, np.where(T < 0.02, 155.0, 0.0)
    found = nij(force, moment, DT, dummy="h3_50m")
    assert found.t == 0.0199
    assert found.value == pytest.approx(0.5 + 0.5 * math.sin(math.pi * 0.199))
    assert nij_signal(force, moment, "h3_50m")[500] == pytest.approx(0.5)
    again = pickle.loads(pickle.dumps(found))
    assert (again, again.t, again.mode) == (found, found.t, "tension-flexion")
    assert isinstance(again, Nij)


def test_the_moment_about_the_condyles_is_less_by_the_shear_times_its_arm() -> None:
    assert occipital_moment([20.0, 20.0], [0.0, 500.0]).tolist() == [20.0, 20.0 - 0.01778 * 500.0]
    assert occipital_moment([20.0], [500.0], arm=0.0).tolist() == [20.0]


def test_bad_neck_signals_are_refused() -> None:
    with pytest.raises(
        MetricError, match=r"'q10' has no neck intercepts\. There are: h3_50m, h3_05f, thor_50m"
    ):
        nij(T, T, DT, dummy="q10")
    with pytest.raises(MetricError, match="force_z has 1001 samples and moment_y 1000"):
        nij(T, T[1:], DT, dummy="h3_50m")
    with pytest.raises(MetricError, match="moment_y has 1 samples and force_x 2"):
        occipital_moment([1.0], [1.0, 2.0])


# ---- chest


@pytest.mark.parametrize(
    ("dummy", "scale", "depth"),
    [
        ("h3_50m", 1.3, 0.229),
        ("h3_05f", 1.3, 0.187),
        ("h3_95m", 1.3, 0.254),
        ("worldsid_50m", 1.0, 0.170),
        ("es2", 1.0, 0.140),
        ("sid_iis", 1.0, 0.138),
    ],
)
def test_the_viscous_criterion_of_a_haversine(dummy: str, scale: float, depth: float) -> None:
    """D = A (1 - cos wt) / 2: V D = A^2 w sin wt (1 - cos wt) / 4, largest at wt = 2 pi / 3 with 3 sqrt(3) / 4."""
    a, w = 0.04, 2 * math.pi / 0.1
    d = a * (1 - np.cos(w * T)) / 2
    expected = scale * a * a * w / 4 * 3 * math.sqrt(3) / 4 / depth
    for sign in (1.0, -1.0):
        found = viscous_criterion(sign * d, DT, dummy=dummy)
        assert found.value == pytest.approx(expected, rel=1e-5)
        assert found.t == pytest.approx(0.1 / 3, abs=DT)


def test_the_velocity_of_compression_is_exact_for_polynomials_up_to_the_fourth_degree() -> None:
    t = T[:200]
    d = 0.03 * (1 + t / 0.02) ** 4
    found = viscous_criterion(d, DT, dummy="worldsid_50m")
    last = t[-3]
    rate = 4 * 0.03 / 0.02 * (1 + last / 0.02) ** 3
    assert found.value == pytest.approx(rate * 0.03 * (1 + last / 0.02) ** 4 / 0.170, rel=1e-9)


def test_a_chest_that_is_only_released_has_no_viscous_criterion() -> None:
    assert viscous_criterion(np.linspace(0.05, 0.0, 500), DT, dummy="h3_50m").value == 0.0


def test_deflection_counts_in_either_direction() -> None:
    found = chest_deflection(-23.2 * SINE, DT)
    assert (found.value, found.t) == (23.2, 0.05)
    assert METRICS["chest_deflection"].evaluate([23.2 * SINE], DT).si == "mm"


def test_the_thoracic_trauma_index_is_the_mean_of_two_peaks() -> None:
    assert thoracic_trauma_index(-90.0 * SINE, 70.0 * SINE) == pytest.approx(80.0)
    assert thoracic_trauma_index(np.stack((60 * SINE, 90 * SINE), axis=1), 70 * SINE) == pytest.approx(80.0)
    assert thoracic_trauma_index(90 * SINE, 70 * SINE, age=30.0) == pytest.approx(122.0)


def test_bad_chest_signals_are_refused() -> None:
    with pytest.raises(MetricError, match=r"'q6' has no viscous constants"):
        viscous_criterion(T, DT, dummy="q6")
    with pytest.raises(MetricError, match="deflection has 4 samples; at least 5"):
        viscous_criterion(T[:4], DT, dummy="h3_50m")


# ---- brain


@pytest.mark.parametrize(
    ("critical", "wx", "wy", "wz"),
    [("average", 66.25, 56.45, 42.87), ("mps", 66.30, 53.80, 41.50), ("csdm", 66.20, 59.10, 44.25)],
)
def test_each_critical_rate_alone_gives_one(critical: str, wx: float, wy: float, wz: float) -> None:
    none = np.zeros_like(T)
    for rates in ((wx * SINE, none, none), (none, -wy * SINE, none), (none, none, wz * SINE)):
        assert bric(*rates, critical=critical) == pytest.approx(1.0)
    late = np.roll(SINE, 100)
    assert bric(wx * SINE, wy * late, wz * SINE, critical=critical) == pytest.approx(math.sqrt(3.0))


def test_unknown_critical_values_are_refused() -> None:
    with pytest.raises(MetricError, match=r"'ccsd' are no critical values\. There are: average, mps, csdm"):
        bric(T, T, T, critical="ccsd")


# ---- risk


def test_risk_curves_are_the_published_ones() -> None:
    path = reference("risk_table.csv")
    curves = {
        "P_head_AIS3+(HIC15)": risk.head_ais3,
        "P_neck_AIS3+(Nij) H3-50M": risk.neck_ais3,
        "P_neck_AIS3+(Fz kN) H3-50M": lambda kn: risk.neck_force_ais3(kn * 1e3),
        "P_chest_AIS3+(D mm) H3-50M": lambda mm: risk.chest_ais3(mm * 1e-3),
        "P_femur_AIS2+(F kN) H3-50M": lambda kn: risk.femur_ais2(kn * 1e3),
    }
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["function"] for row in rows} == set(curves)
    for row in rows:
        assert curves[row["function"]](float(row["input"])) == pytest.approx(float(row["P"]), rel=1e-9)


def test_risks_at_their_marks() -> None:
    assert risk.head_ais3(math.exp(7.45231)) == pytest.approx(0.5)
    assert risk.head_ais3(700.0) == pytest.approx(0.111629, abs=5e-7)
    assert risk.head_ais3(0.0) == 0.0
    assert risk.chest_ais3(0.042) == pytest.approx(0.147342, abs=5e-7)
    assert risk.chest_ais3((10.5456 / 1.7212) ** (1 / 0.4612) * 1e-3, dummy="h3_05f") == pytest.approx(0.5)
    assert risk.chest_ais3_thor(0.058183) == pytest.approx(1 - math.exp(-1.0))
    assert risk.neck_ais3(1.0) == pytest.approx(0.221301, abs=5e-7)
    assert risk.neck_ais3(6.047 / 5.44, dummy="thor_50m") == pytest.approx(0.5)
    assert risk.femur_ais2(-5.7949 / 0.7619 * 1e3, dummy="h3_05f") == pytest.approx(0.5)
    assert (risk.brain_ais3(0.5), risk.brain_ais4(0.523)) == (0.0, 0.0)
    assert risk.brain_ais3(0.523 + 0.531) == pytest.approx(1 - math.exp(-1.0))
    assert risk.brain_ais4(0.523 + 0.647) == pytest.approx(1 - math.exp(-1.0))
    assert risk.neck_force_ais3(-1e9) == 1.0


def test_joint_risk_is_that_of_at_least_one_injury() -> None:
    assert risk.joint(0.1, 0.2) == pytest.approx(0.28)
    assert risk.joint() == 0.0
    assert risk.relative_risk_score(risk.joint(0.1, 0.2)) == pytest.approx(0.28 / 0.15)
    with pytest.raises(MetricError, match=r"1\.2 is no probability"):
        risk.joint(0.1, 1.2)
    with pytest.raises(MetricError, match=r"'q6' has no such risk curve\. There are: h3_50m, h3_05f"):
        risk.chest_ais3(0.04, dummy="q6")


def test_risks_of_signals_are_in_percent_and_carry_when() -> None:
    d = METRICS["chest_ais3_h3_50m"].evaluate([-0.042 * SINE], DT)
    assert (d.value, d.si, d.t) == (pytest.approx(14.7342, abs=5e-5), "%", 0.05)
    head = METRICS["head_ais3"].evaluate([70.0 + 0 * T], DT)
    assert head.value == pytest.approx(100 * risk.head_ais3(70**2.5 * 0.015))
    assert head.window is not None
    assert head.window[1] - head.window[0] == pytest.approx(0.015)
    none = np.zeros_like(T)
    assert METRICS["neck_ais3_h3_50m"].evaluate([6806.0 * SINE, none], DT).value == pytest.approx(
        22.1301, abs=5e-5
    )
    assert METRICS["femur_ais2_h3_50m"].evaluate([-1e4 * SINE], DT).value == pytest.approx(35.4573, abs=5e-5)
    brain = METRICS["brain_ais3"].evaluate([66.25 * (0.523 + 0.531) * SINE, none, none], DT)
    assert brain.value == pytest.approx(100 * (1 - math.exp(-1.0)))
    assert brain.t is None
    assert set(INTERCEPTS) == {"h3_50m", "h3_05f", "thor_50m"}
