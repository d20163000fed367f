"""The bundled FMUs against closed forms and a real crash test, NHTSA 10146: a 2018 sedan at 57 km/h."""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bundled_fmu import Dut
from crumple.metrics import cfc, clip_3ms, hic15, olc
from reference_data import reference as reference_path

Array = NDArray[np.float64]
G = 9.80665
V0 = 57.09 / 3.6  # of test 10146 [m/s]
MASS = 1719.0  # [kg]
FIRE = 0.0153  # [s]
NEVER = 9.0


def reference(name: str) -> Any:
    """Columns of a reference table; the test is skipped where it is absent."""
    path = reference_path(name)
    return np.genfromtxt(path, delimiter=",", names=True)


@functools.cache
def drive(name: str, *, period: float = 1e-4, stop: float = 0.15, **start: float) -> dict[str, Array]:
    """All outputs of a vehicle at every communication point."""
    vehicle = Dut(name).begin(**start)
    rows = [vehicle.get(*vehicle.outputs)]
    for _ in range(round(stop / period)):
        vehicle.step(period)
        rows.append(vehicle.get(*vehicle.outputs))
    vehicle.fmu.freeInstance()
    return {n: np.array(c) for n, c in zip(vehicle.outputs, np.transpose(rows), strict=True)}


MOTION = ("torso_displacement", "torso_velocity", "head_displacement", "head_velocity")
FORCES = ("torso_force", "head_force", "belt_force")


@functools.cache
def crash(
    *,
    fire: float,
    speed: float = V0,
    period: float = 1e-4,
    vehicle: str = "vehicle_crush",
    measured: bool = False,
) -> dict[str, Array]:
    """Restraint and occupant in a crash of 150 ms, each input taken from the last communication point."""
    count = round(0.15 / period)
    if measured:
        cabin = measured_cabin(period)
    else:
        car = drive(vehicle, period=period, speed=speed)
        cabin = np.transpose([car["acceleration"], car["velocity"], car["crush"]])
    kinematics = ("cabin_acceleration", "cabin_velocity", "cabin_displacement")
    restraint = Dut("restraint").begin()
    occupant = Dut("occupant").begin(**dict(zip(kinematics, cabin[0], strict=True)))
    rows = []
    for k in range(count + 1):
        rows.append(restraint.get(*restraint.outputs) + occupant.get(*occupant.outputs))
        if k == count:
            break
        motion = dict(zip(MOTION, occupant.get(*MOTION), strict=True))
        forces = dict(zip(FORCES, restraint.get(*FORCES), strict=True))
        restraint.set(fire=k * period >= fire - 1e-12, **motion)
        occupant.set(**dict(zip(kinematics, cabin[k], strict=True)), **forces)
        restraint.step(period)
        occupant.step(period)
    names = [f"restraint.{n}" for n in restraint.outputs] + [f"occupant.{n}" for n in occupant.outputs]
    for unit in (restraint, occupant):
        unit.fmu.freeInstance()
    return dict(zip(names, np.transpose(rows), strict=True))


def measured_cabin(period: float) -> Array:
    """The test car's acceleration (mean of its four cross-member channels, CFC 60), velocity and travel."""
    assert period == 1e-4
    folder = reference_path("nhtsa10146")
    channels = [np.loadtxt(folder / f"v10146.{n:03d}")[:, 1] for n in (93, 94, 99, 100)]
    acceleration = cfc(np.mean(channels, axis=0), period, 60)[500:2001] * G
    velocity = V0 + np.concatenate([[0.0], np.cumsum(acceleration[1:] + acceleration[:-1]) * period / 2])
    travel = np.concatenate([[0.0], np.cumsum(velocity[1:] + velocity[:-1]) * period / 2])
    return np.transpose([acceleration, velocity, travel])


def head_hic(run: dict[str, Array]) -> Any:
    return hic15(cfc(run["occupant.head_acceleration"] / G, 1e-4, 1000), 1e-4)


def chest_g(run: dict[str, Array]) -> Array:
    return cfc(run["occupant.chest_acceleration_x"] / G, 1e-4, 180)


def rms(difference: Array) -> float:
    return float(np.sqrt(np.mean(difference**2)))


# ---- Vehicles --------------------------------------------------------------------------------------------


def closed_form(t: Array, *, k: float, e: float) -> tuple[Array, Array]:
    """Crush [m] and velocity [m/s] of the linear plant with a way back 1/e^2 times as stiff."""
    w = math.sqrt(k / MASS)
    deepest, turn = V0 / w, math.pi / 2 / w
    back = np.clip((t - turn) / e * w, 0.0, math.pi / 2)
    free = np.maximum(t - turn * (1 + e), 0.0)
    crush = np.where(
        t < turn, deepest * np.sin(w * t), deepest - e * e * deepest * (1 - np.cos(back)) - e * V0 * free
    )
    return crush, np.where(t < turn, V0 * np.cos(w * t), -e * V0 * np.sin(back))


def test_linear_plant_is_its_closed_form() -> None:
    run = drive("vehicle_linear", period=1e-5)
    k = MASS * V0**2 / 0.741**2
    peak = int(run["crush"].argmax())
    assert run["crush"][peak] == pytest.approx(0.741, rel=1e-3)
    assert peak * 1e-5 == pytest.approx(math.pi * 0.741 / (2 * V0), rel=1e-3)
    assert peak * 1e-5 == pytest.approx(73.4e-3, rel=1e-3)
    assert -run["acceleration"].min() / G == pytest.approx(V0**2 / (0.741 * G), rel=1e-3)
    assert -run["acceleration"].min() / G == pytest.approx(34.6, rel=1e-3)
    assert run["rebound_speed"][-1] == pytest.approx(0.170 * V0, rel=1e-12)  # 2.70 m/s
    crush, velocity = closed_form(np.arange(len(run["crush"])) * 1e-5, k=787.33e3, e=0.170)
    assert run["crush"] == pytest.approx(crush, abs=1e-12)
    assert run["velocity"] == pytest.approx(velocity, abs=1e-10)
    assert pytest.approx(k, rel=1e-5) == 787.33e3
    assert run["energy_error"].max() < 1e-12


def test_trilinear_plant_made_linear_integrates_to_the_closed_form() -> None:
    k = 787.33e3
    line = {
        f"{what}_{i}": i * (0.3 if what == "crush" else 0.3 * k)
        for i in (1, 2, 3)
        for what in ("crush", "force")
    }
    run = drive("vehicle_crush", unload_stiffness=k / 0.170**2, **line)
    crush, velocity = closed_form(np.arange(len(run["crush"])) * 1e-4, k=k, e=0.170)
    assert run["crush"] == pytest.approx(crush, abs=1e-8)
    assert run["velocity"] == pytest.approx(velocity, abs=1e-6)


def test_trilinear_plant_is_the_crash_of_test_10146() -> None:
    run = drive("vehicle_crush", period=1e-5)
    peak = int(run["crush"].argmax())
    assert run["crush"][peak] == pytest.approx(0.741, rel=0.01)
    assert run["peak_crush"][-1] == pytest.approx(run["crush"][peak], rel=1e-6)
    assert peak * 1e-5 == pytest.approx(74.6e-3, abs=1e-3)
    assert run["rebound_speed"][-1] == pytest.approx(2.7, rel=0.03)
    assert -run["acceleration"].min() / G == pytest.approx(35.9, rel=0.005)
    assert olc(run["velocity"], 1e-5) == pytest.approx(29.2, rel=0.02)


def test_trilinear_plant_follows_the_measured_velocity() -> None:
    test = reference("nhtsa10146_pulse.csv")[:101]  # 0 to 100 ms at 1 kHz
    run = drive("vehicle_crush")
    assert rms(run["velocity"][:1001:10] - test["v_mps"]) < 0.3


@pytest.mark.parametrize("speed", [8 / 3.6, 25 / 3.6, V0, 80 / 3.6])
def test_energy_of_the_vehicle_closes(speed: float) -> None:
    run = drive("vehicle_crush", speed=speed)
    before = 0.5 * MASS * speed**2
    assert run["energy_error"].max() < 1e-7  # the task is 1 %
    assert run["absorbed_energy"][-1] - run["recovered_energy"][-1] == pytest.approx(
        before - 0.5 * MASS * run["rebound_speed"][-1] ** 2, rel=1e-7
    )
    # the same from outside: work of the wall on the car, by trapezoids
    work = np.sum((run["crush_force"][1:] + run["crush_force"][:-1]) / 2 * np.diff(run["crush"]))
    assert work == pytest.approx(before - run["kinetic_energy"][-1], rel=2e-3)


@pytest.mark.parametrize(
    "steps", [[5e-5], [1e-3], [1e-4, 3.3e-5, 7.1e-4]], ids=["50 us", "1 ms", "irregular"]
)
def test_peak_crush_does_not_depend_on_the_step(steps: list[float]) -> None:
    expected = drive("vehicle_crush")["peak_crush"][-1]
    vehicle = Dut("vehicle_crush").begin()
    k = 0
    while vehicle.t < 0.149:
        vehicle.step(steps[k % len(steps)])
        k += 1
    assert vehicle["peak_crush"] == pytest.approx(expected, rel=1e-6)
    assert vehicle["rebound_speed"] == pytest.approx(drive("vehicle_crush")["rebound_speed"][-1], rel=1e-5)
    vehicle.fmu.freeInstance()


# ---- Restraint and occupant alone ------------------------------------------------------------------------


def test_an_unrestrained_occupant_flies_on() -> None:
    dut = Dut("occupant").begin(cabin_velocity=15.0, cabin_acceleration=-200.0)
    for k in range(100):
        t = k * 1e-3
        dut.set(
            cabin_acceleration=-200.0,
            cabin_velocity=15.0 - 200.0 * t,
            cabin_displacement=15 * t - 100 * t * t,
        )
        dut.step(1e-3)
    assert dut.get("torso_displacement", "head_displacement") == pytest.approx([100 * 0.1**2] * 2, rel=1e-12)
    assert dut.get("torso_velocity", "chest_acceleration", "head_acceleration") == pytest.approx(
        [20.0, 0.0, 0.0]
    )


def test_head_and_torso_swing_on_the_neck_at_their_own_frequency() -> None:
    dut = Dut("occupant").begin(neck_damping=0.0, torso_force=1000.0)
    reduced = 37.0 * 4.54 / (37.0 + 4.54)
    w = math.sqrt(2500.0 / reduced)
    for _ in range(200):
        dut.set(torso_force=1000.0)
        dut.step(1e-3)
    # relative motion r'' = F/m_torso - w^2 r from rest
    ahead = 1000.0 / 37.0 / w**2 * (1 - math.cos(w * 0.2))
    assert dut["head_displacement"] - dut["torso_displacement"] == pytest.approx(ahead, rel=1e-9)
    assert dut["neck_force"] == pytest.approx(2500.0 * ahead, rel=1e-9)
    momentum = 37.0 * dut["torso_velocity"] + 4.54 * dut["head_velocity"]
    assert momentum == pytest.approx(-1000.0 * 0.2, rel=1e-12)


def pull(dut: Dut, travel: Array, **inputs: float) -> Array:
    """Belt force [N], bag pressure [Pa] and fill [1] along a travel of the torso [m] in ticks of 0.1 ms."""
    rows = []
    for here, there in itertools.pairwise(travel):
        dut.set(torso_displacement=here, torso_velocity=(there - here) / 1e-4, **inputs)
        dut.step(1e-4)
        rows.append(dut.get("belt_force", "bag_pressure", "bag_fill"))
    return np.array(rows)


def test_belt_limits_its_load_and_drops_by_70_percent_on_the_way_back() -> None:
    dut = Dut("restraint").begin()
    out = np.linspace(0.0, 0.25, 501)
    force = pull(dut, out)[:, 0]
    stretch = np.maximum(out[1:] - 0.02, 0.0)
    assert force == pytest.approx(np.minimum(75e3 * stretch, 7450.0), abs=20.0)
    back = np.linspace(0.25, 0.10, 301)
    force = pull(dut, back)[:, 0]
    left = 0.3 * 7450.0 * (back[1:] - 0.02) / 0.23
    expected = np.maximum(7450.0 - 330e3 * (0.25 - back[1:]), left)
    # the first step still sees the old velocity as an acceleration
    assert force[1:] == pytest.approx(expected[1:], abs=20.0)
    assert force[40] < 0.32 * 7450.0  # 20 mm back
    assert dut["energy_error"] < 1e-2  # mostly from that first step


def test_bag_is_full_30_ms_after_fire_and_pressed_then() -> None:
    dut = Dut("restraint").begin()
    fill = pull(dut, np.zeros(401), fire=1.0)
    assert np.argmax(fill[:, 2] >= 1.0) + 1 == pytest.approx(300, abs=1)  # ticks of 0.1 ms
    assert fill[:300, 1].max() == pytest.approx(0.0, abs=200.0)  # overpressure [Pa]
    assert fill[-1, 1] > 5e3


def test_closed_bag_is_compressed_along_the_adiabat() -> None:
    dut = Dut("restraint").begin(vent_area=0.0, gas_ratio=1.2)
    before = pull(dut, np.zeros(601), fire=1.0)[-1, 1] + 101325.0
    after = pull(dut, np.linspace(0.0, 0.255, 1001))[-1, 1] + 101325.0
    # 170 mm in; the area of 0.171 m^2 is reached at 140 mm
    volume = 0.06 - 0.171 * (0.170 - 0.5 * 0.140)
    assert after / before == pytest.approx((0.06 / volume) ** 1.4, rel=1e-3)


def test_pretensioner_pulls_after_its_delay_and_never_without_fire() -> None:
    fired, idle = Dut("restraint").begin(), Dut("restraint").begin()
    travel = []
    for k in range(300):
        fired.set(fire=float(k == 100))  # a pulse of one tick is enough
        fired.step(1e-4)
        idle.step(1e-4)
        travel.append(fired["pretensioner_travel"])
    assert np.flatnonzero(travel)[0] == 140  # 4 ms after the step that begins with fire
    assert travel[-1] == pytest.approx(0.06, abs=1e-3)
    assert idle.get("pretensioner_travel", "bag_fill", "belt_force") == [0.0, 0.0, 0.0]


# ---- The occupant in the crash ---------------------------------------------------------------------------


def test_head_and_chest_come_near_the_crash_test() -> None:
    run = crash(fire=FIRE)
    found = head_hic(run)
    assert found.value == pytest.approx(139.8, rel=0.02)
    assert (found.t1, found.t2) == pytest.approx((0.0777, 0.0927), abs=1.5e-3)
    assert chest_g(run).min() == pytest.approx(-39.4, rel=0.01)
    assert clip_3ms(chest_g(run), 1e-4) == pytest.approx(41.0, rel=0.05)
    assert run["occupant.chest_deflection"].max() == pytest.approx(23.2e-3, rel=0.02)
    assert run["occupant.torso_displacement"].max() == pytest.approx(0.272, rel=0.01)
    assert run["restraint.wheel_force"].max() == run["restraint.column_force"].max() == 0.0


def test_occupant_follows_the_measured_curve() -> None:
    curve = reference("nhtsa10146_restraint_curve.csv")[:120]  # 0 to 119 ms at 1 kHz
    run = crash(fire=FIRE, measured=True)
    ticks = np.rint(curve["t_ms"] * 10).astype(int)
    assert rms(chest_g(run)[ticks] - curve["chest_ax_g_CFC180"]) < 1.6  # [g]
    assert rms(run["occupant.torso_displacement"][ticks] * 1e3 - curve["rel_disp_mm"]) < 5.0  # [mm]
    assert chest_g(run).min() == pytest.approx(-39.4, rel=0.02)
    assert head_hic(run).value == pytest.approx(139.8, rel=0.05)


def test_without_airbag_the_head_strikes_the_wheel() -> None:
    run = crash(fire=NEVER)
    assert 1000 < head_hic(run).value < 1500
    assert run["restraint.wheel_force"].max() == pytest.approx(4000.0, rel=1e-6)
    assert run["restraint.bag_fill"].max() == 0.0


def test_the_later_the_airbag_the_worse() -> None:
    hics = [head_hic(crash(fire=t)).value for t in (FIRE, 0.028, 0.035, 0.045)]
    chests = [float(clip_3ms(chest_g(crash(fire=t)), 1e-4)) for t in (FIRE, 0.028, 0.035, 0.045)]
    assert hics == sorted(hics) and chests == sorted(chests)
    assert hics[1] > 2.5 * hics[0]
    assert hics[3] > 700 and chests[3] > 60


def test_at_8_km_h_nothing_is_needed_and_at_25_km_h_the_airbag_does_no_harm() -> None:
    slow = crash(fire=NEVER, speed=8 / 3.6)
    assert head_hic(slow).value < 10
    assert clip_3ms(chest_g(slow), 1e-4) < 15
    assert slow["restraint.wheel_force"].max() == 0.0
    fired = crash(fire=0.025, speed=25 / 3.6)
    assert head_hic(fired).value < 150
    assert clip_3ms(chest_g(fired), 1e-4) < 35


def test_the_linear_plant_can_take_the_place_of_the_trilinear_one() -> None:
    run = crash(fire=FIRE, vehicle="vehicle_linear")
    assert 50 < head_hic(run).value < 300  # a softer start, a later peak
    assert clip_3ms(chest_g(run), 1e-4) < 60


@pytest.mark.parametrize("fire", [FIRE, 0.045, NEVER])
def test_energy_of_the_occupant_closes_across_the_coupling(fire: float) -> None:
    run = crash(fire=fire)
    assert run["occupant.energy_error"].max() < 1e-12
    assert run["restraint.energy_error"].max() < 1e-4
    # what the occupant gave and what the restraint took differ by what stepping them apart costs
    lost = np.abs(run["occupant.restraint_work"] - run["restraint.absorbed_energy"]).max()
    assert lost / run["occupant.kinetic_energy"][0] < 1e-4


@pytest.mark.parametrize(("period", "tolerance"), [(5e-5, 1e-4), (1e-3, 5e-3)], ids=["50 us", "1 ms"])
def test_the_coupling_hardly_depends_on_the_step(period: float, tolerance: float) -> None:
    coarse, fine = crash(fire=0.015, period=period), crash(fire=0.015)
    for name in ("occupant.torso_displacement", "occupant.head_displacement", "occupant.chest_acceleration"):
        assert coarse[name].max() == pytest.approx(fine[name].max(), rel=tolerance), name
