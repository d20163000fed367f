"""The bundled FMUs against closed forms and a real crash test. FMPy steps them, so nothing of the core is on trial.

Built FMUs are taken from the installed package; CRUMPLE_FMU_DIR names another folder of them.
"""

from __future__ import annotations

import functools
import importlib.resources
import math
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fmpy
import numpy as np
import pytest
from fmpy.validation import validate_fmu
from numpy.typing import NDArray

from crumple.metrics import cfc, clip_3ms, hic15, olc

Array = NDArray[np.float64]
G = 9.80665
V0 = 57.09 / 3.6  # of test 10146 [m/s]
MASS = 1719.0  # [kg]
FIRE = 0.0153  # [s]
NEVER = 9.0
NAMES = ("vehicle_crush", "vehicle_linear", "restraint", "occupant")
VEHICLES = ("vehicle_crush", "vehicle_linear")
REFERENCE = Path(os.environ.get("CRUMPLE_REFERENCE_DATA", Path(__file__).parents[2] / "shared" / "data"))
BUNDLED = importlib.resources.files("crumple") / "bundled" / "fmu"
FMUS = Path(os.environ.get("CRUMPLE_FMU_DIR", str(BUNDLED)))


def reference(name: str) -> Any:
    """Columns of a reference table; the test is skipped where it is absent."""
    path = REFERENCE / name
    if not path.exists():
        pytest.skip(f"reference data {path} is absent; CRUMPLE_REFERENCE_DATA names its folder")
    return np.genfromtxt(path, delimiter=",", names=True)


@functools.cache
def unpacked(name: str) -> tuple[tempfile.TemporaryDirectory[str], Any]:
    folder = tempfile.TemporaryDirectory()
    fmpy.extract(str(FMUS / f"{name}.fmu"), folder.name)
    return folder, fmpy.read_model_description(str(FMUS / f"{name}.fmu"))


class Dut:
    """One FMU instance with names instead of value references, and everything it logged."""

    def __init__(self, name: str) -> None:
        folder, self.description = unpacked(name)
        self.said: list[str] = []
        self.fmu: Any = fmpy.instantiate_fmu(
            folder.name, self.description, "CoSimulation", logger=lambda *args: self.said.append(args[-1].decode())
        )
        self.fmi3 = self.description.fmiVersion == "3.0"
        self.refs = {v.name: v.valueReference for v in self.description.modelVariables}
        self.outputs = [v.name for v in self.description.modelVariables if v.causality == "output"]
        self.t = 0.0

    def set(self, **values: float) -> None:
        write = self.fmu.setFloat64 if self.fmi3 else self.fmu.setReal
        write([self.refs[n] for n in values], [float(v) for v in values.values()])

    def get(self, *names: str) -> list[float]:
        read = self.fmu.getFloat64 if self.fmi3 else self.fmu.getReal
        return list(read([self.refs[n] for n in names]))

    def __getitem__(self, name: str) -> float:
        return self.get(name)[0]

    def enter(self, *, start: float = 0.0, stop: float | None = None) -> None:
        if self.fmi3:
            self.fmu.enterInitializationMode(startTime=start, stopTime=stop)
        else:
            self.fmu.setupExperiment(startTime=start, stopTime=stop)
            self.fmu.enterInitializationMode()
        self.t = start

    def begin(self, **values: float) -> Dut:
        self.set(**values)
        self.enter()
        self.fmu.exitInitializationMode()
        return self

    def step(self, length: float) -> None:
        self.fmu.doStep(currentCommunicationPoint=self.t, communicationStepSize=length)
        self.t += length

    def save(self) -> Any:
        return self.fmu.getFMUState() if self.fmi3 else self.fmu.getFMUstate()

    def load(self, state: Any, t: float) -> None:
        (self.fmu.setFMUState if self.fmi3 else self.fmu.setFMUstate)(state)
        self.t = t

    def forget(self, state: Any) -> None:
        (self.fmu.freeFMUState if self.fmi3 else self.fmu.freeFMUstate)(state)

    def serialise(self, state: Any) -> bytes:
        return bytes((self.fmu.serializeFMUState if self.fmi3 else self.fmu.serializeFMUstate)(state))

    def deserialise(self, content: bytes) -> Any:
        return (self.fmu.deserializeFMUState if self.fmi3 else self.fmu.deSerializeFMUstate)(content)

    def refuses(self, call: str, *args: Any, **kwargs: Any) -> str:
        """The message with which the FMU refuses what it is asked."""
        self.said.clear()
        with pytest.raises(Exception, match="fmi[23]"):
            getattr(self, call)(*args, **kwargs)
        assert len(self.said) == 1
        return self.said[0]


@pytest.fixture
def dut(request: pytest.FixtureRequest) -> Iterator[Dut]:
    made = Dut(request.param)
    yield made
    made.fmu.freeInstance()


each = pytest.mark.parametrize("dut", NAMES, indirect=True)
each_name = pytest.mark.parametrize("name", NAMES)


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
    *, fire: float, speed: float = V0, period: float = 1e-4, vehicle: str = "vehicle_crush", measured: bool = False
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
    folder = REFERENCE / "nhtsa10146"
    if not folder.exists():
        pytest.skip(f"reference data {folder} is absent; CRUMPLE_REFERENCE_DATA names its folder")
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


# ---- The archives ----------------------------------------------------------------------------------------------------


@each_name
def test_fmpy_finds_nothing_to_complain_about(name: str) -> None:
    assert validate_fmu(str(FMUS / f"{name}.fmu")) == []


@each_name
def test_both_fmi_versions_are_used_and_no_output_depends_on_an_input(name: str) -> None:
    description = unpacked(name)[1]
    assert description.fmiVersion == {"vehicle_crush": "3.0", "occupant": "3.0"}.get(name, "2.0")
    assert [o.dependencies for o in description.outputs] == [[]] * len(description.outputs)


@each
def test_description_and_library_agree_on_start_values_and_ranges(dut: Dut) -> None:
    dut.enter()
    for v in dut.description.modelVariables:
        if v.causality in ("parameter", "input"):
            assert dut[v.name] == float(v.start), v.name
    for v in dut.description.modelVariables:
        if v.causality == "parameter":
            for limit, beyond, word in ((v.min, -1e-9, "below its least"), (v.max, 1e-9, "above its greatest")):
                dut.fmu.reset()
                dut.set(**{v.name: float(limit)})
                value = float(limit) * (1 + math.copysign(beyond, beyond * float(limit))) if float(limit) else beyond
                message = dut.refuses("set", **{v.name: value})
                assert v.name in message and word in message and v.unit in message


def test_the_linear_plant_has_the_ports_of_the_trilinear_one() -> None:
    crush, linear = (unpacked(n)[1] for n in VEHICLES)
    ports = [[(v.name, v.unit) for v in d.modelVariables if v.causality == "output"] for d in (crush, linear)]
    assert ports[0] == ports[1]
    for name in ("mass", "speed"):
        assert len({(v.start, v.unit) for d in (crush, linear) for v in d.modelVariables if v.name == name}) == 1


# ---- Vehicles --------------------------------------------------------------------------------------------------------


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
    line = {f"{what}_{i}": i * (0.3 if what == "crush" else 0.3 * k) for i in (1, 2, 3) for what in ("crush", "force")}
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


@pytest.mark.parametrize("steps", [[5e-5], [1e-3], [1e-4, 3.3e-5, 7.1e-4]], ids=["50 us", "1 ms", "irregular"])
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


# ---- Restraint and occupant alone ------------------------------------------------------------------------------------


def test_an_unrestrained_occupant_flies_on() -> None:
    dut = Dut("occupant").begin(cabin_velocity=15.0, cabin_acceleration=-200.0)
    for k in range(100):
        t = k * 1e-3
        dut.set(cabin_acceleration=-200.0, cabin_velocity=15.0 - 200.0 * t, cabin_displacement=15 * t - 100 * t * t)
        dut.step(1e-3)
    assert dut.get("torso_displacement", "head_displacement") == pytest.approx([100 * 0.1**2] * 2, rel=1e-12)
    assert dut.get("torso_velocity", "chest_acceleration", "head_acceleration") == pytest.approx([20.0, 0.0, 0.0])


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


def pull(dut: Dut, travel: Array, period: float = 1e-4, names: tuple[str, str] = MOTION[:2], **inputs: float) -> Array:
    """Outputs of a restraint along a given travel; its velocity is the difference to the next sample."""
    rows = []
    for k in range(len(travel) - 1):
        speed = (travel[k + 1] - travel[k]) / period
        dut.set(**dict(zip(names, (travel[k], speed), strict=True)), **inputs)
        dut.step(period)
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
    assert force == pytest.approx(np.maximum(7450.0 - 330e3 * (0.25 - back[1:]), left), abs=20.0)
    assert force[40] < 0.32 * 7450.0  # 20 mm back
    assert dut["energy_error"] < 1e-3


def test_bag_is_full_30_ms_after_fire_and_pressed_then() -> None:
    dut = Dut("restraint").begin()
    fill = pull(dut, np.zeros(401), fire=1.0)
    assert np.argmax(fill[:, 2] >= 1.0) + 1 == pytest.approx(300, abs=1)  # ticks of 0.1 ms
    assert fill[:300, 1].max() == pytest.approx(0.0, abs=200.0)  # overpressure [Pa]
    assert fill[-1, 1] > 5e3


def test_closed_bag_is_compressed_along_the_adiabat() -> None:
    dut = Dut("restraint").begin(vent_area=0.0, gas_ratio=1.2, slack=1.0, column_distance=10.0)
    before = pull(dut, np.zeros(601), fire=1.0)[-1, 1] + 101325.0
    pressed = 0.085 + 0.5 * 0.14 + np.linspace(0.0, 0.1, 1001)
    pressed[:1] = 0.0
    after = pull(dut, np.concatenate([np.linspace(0.0, pressed[1], 1000), pressed[1:]]))[-1, 1] + 101325.0
    volume = 0.06 - 0.171 * 0.1
    into = pressed[-1] - 0.085
    assert into > 0.14  # past the depth over which the area grows
    volume = 0.06 - 0.171 * (into - 0.07)
    assert after / before == pytest.approx((0.06 / volume) ** 1.4, rel=2e-3)


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


# ---- The occupant in the crash ---------------------------------------------------------------------------------------


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


# ---- State, instances, refusals --------------------------------------------------------------------------------------

BUSY: dict[str, dict[str, float]] = {
    "vehicle_crush": {},
    "vehicle_linear": {},
    "restraint": {"fire": 1.0, "torso_displacement": 0.1, "torso_velocity": 2.0, "head_displacement": 0.2},
    "occupant": {"torso_force": 5000.0, "head_force": 900.0, "belt_force": 3000.0, "cabin_velocity": 10.0},
}


def onward(dut: Dut, count: int) -> list[list[float]]:
    rows = []
    for k in range(count):
        dut.set(**{n: v * (1 + 0.01 * k) for n, v in BUSY[dut.description.modelName].items()})
        dut.step(1e-3)
        rows.append(dut.get(*dut.outputs))
    return rows


@each
def test_a_restored_state_continues_bit_for_bit(dut: Dut) -> None:
    dut.begin()
    onward(dut, 40)
    state, t = dut.save(), dut.t
    expected = onward(dut, 40)
    dut.load(state, t)
    assert onward(dut, 40) == expected
    other = Dut(dut.description.modelName)  # never initialised: the state brings that along
    copy = other.deserialise(dut.serialise(state))
    other.load(copy, t)
    assert onward(other, 40) == expected
    other.forget(copy)
    dut.forget(state)
    other.fmu.freeInstance()


@each
def test_bytes_that_are_no_state_are_refused(dut: Dut) -> None:
    dut.begin()
    content = dut.serialise(dut.save())
    spoilt = content[:-1] + bytes([content[-1] ^ 1])
    assert "damaged" in dut.refuses("deserialise", spoilt)
    assert "not a state of this model" in dut.refuses("deserialise", b"?" + content[1:])
    assert "bytes" in dut.refuses("deserialise", content[:-1])


@each_name
def test_instances_do_not_know_of_each_other(name: str) -> None:
    alone = onward(Dut(name).begin(), 30)
    many = [Dut(name).begin() for _ in range(8)]
    onward(many[3], 7)
    for dut in (*many[:3], *many[4:]):
        assert onward(dut, 30) == alone


@each
def test_reset_equals_new(dut: Dut) -> None:
    expected = onward(dut.begin(), 30)
    dut.fmu.reset()
    assert onward(dut.begin(), 30) == expected
    dut.fmu.terminate()
    assert dut.get(*dut.outputs) == expected[-1]


@each
def test_calls_out_of_turn_are_refused_with_a_reason(dut: Dut) -> None:
    assert "before initialisation mode" in dut.refuses("step", 1e-3)
    dut.fmu.reset()
    dut.enter(stop=0.01)
    assert "in initialisation mode" in dut.refuses("step", 1e-3)
    dut.fmu.reset()
    dut.enter(stop=0.01)
    dut.fmu.exitInitializationMode()
    assert "after the stop time" in dut.refuses("step", 0.02)
    assert "after an error" in dut.refuses("step", 1e-3)
    dut.fmu.reset()
    dut.begin()
    parameter = next(v.name for v in dut.description.modelVariables if v.causality == "parameter")
    assert f"{parameter} is a fixed parameter" in dut.refuses("set", **{parameter: 1.0})
    for length in (0.0, -1e-3, math.nan):
        dut.fmu.reset()
        dut.begin()
        assert "must be above 0" in dut.refuses("step", length)
    dut.fmu.reset()
    dut.begin()
    dut.t = 5.0
    assert "begins at 5 s, but this instance stands at 0 s" in dut.refuses("step", 1e-3)
    dut.fmu.reset()
    assert "must be a finite number" in dut.refuses("set", **{parameter: math.nan})
    dut.fmu.reset()
    dut.refs["nothing"] = 999
    assert "999" in dut.refuses("set", nothing=1.0)
    dut.fmu.reset()
    assert "is an output" in dut.refuses("set", **{dut.outputs[0]: 1.0})


@pytest.mark.parametrize(
    ("name", "start", "says"),
    [
        ("vehicle_crush", {"crush_2": 0.1}, "crush_2 = 0.1 m must be above the point before it, 0.12 m"),
        ("vehicle_crush", {"unload_stiffness": 1e6}, "must be above every slope of the crush curve"),
        ("vehicle_crush", {"force_3": 100.0}, "force_3 = 100 N must not be below force_2"),
        ("restraint", {"belt_unload_stiffness": 1e3}, "must be above belt_stiffness = 75000 N/m"),
        ("restraint", {"fill_delay": 0.008}, "fill_delay = 0.008 s must be more than 0.004 s above ignition_delay"),
        ("occupant", {"chest_damping": 1.0}, "chest_damping = 1 N.s/m must be at least 1.61 N.s/m"),
    ],
)
def test_parameters_that_do_not_fit_each_other_are_named(name: str, start: dict[str, float], says: str) -> None:
    dut = Dut(name)
    assert says in dut.refuses("begin", **start)
    dut.fmu.freeInstance()
