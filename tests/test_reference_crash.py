"""Real sensors over a real wire: a measured crash fires the airbag controller in time, an inertial log is integrated.

NHTSA test 10146 is a 2018 sedan at 57 km/h into a rigid wall, measured at 10 kHz. The tapes are made and played by the
commands that a test engineer would use, in a process of their own.
"""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import crumple
from crumple.cli.app import invoke
from crumple.replaying import replay
from crumple.tape import Tape
from reference_data import reference

pytest.importorskip("zmq")

Array = NDArray[np.float64]
G = 9.80665
DEADLINE = 16.9e-3  # [s] of crash time: the 5-inch rule on this pulse, less 30 ms for the bag

CRASH = """
crumple = 1
title = "a measured crash, live"

[clock]
period = "100 us"
stop = "60 ms"
mode = "lockstep"

[rigs.sled]
zmq = "{address}"
timeout = "20 s"

[sensors.tunnel]
rig = "sled"
channels = {{ acceleration = "m/s^2" }}

[actuators.squib]
rig = "sled"
channels = {{ fire = {{ from = "controller.fire", safe = 0.0 }} }}

[units.sensor]
plugin = "crash_sensor"

[units.controller]
plugin = "airbag_controller"
every = 5
with = {{ threshold = "1.1 m/s" }}

[connect]
"sensor.acceleration" = "tunnel.acceleration"
"controller.acceleration" = "sensor.measured"

[requirements.time_to_fire]
metric = "time_of(controller.fire)"
max = "16.9 ms"
"""

REALTIME = """
crumple = 1
title = "a measured crash, live and slow"

[clock]
period = "500 us"
stop = "30 ms"
mode = "realtime"

[pacing]
speed = 0.1
fifo = false
locked = false

[sensors.tunnel]
zmq = "{address}"
channels = {{ acceleration = "m/s^2" }}
queue = true
start_timeout = "20 s"

[units.controller]
plugin = "airbag_controller"
with = {{ threshold = "1.1 m/s" }}

[connect]
"controller.acceleration" = "tunnel.acceleration"

[requirements.fires]
signal = "controller.fire"
min = 1.0
at = "end"

[requirements.timing]
slips_max = 1000
doc = "a busy machine proves nothing here"
"""

INERTIAL = """
crumple = 1
title = "an inertial sensor, integrated"

[clock]
period = "10 ms"
stop = "30 s"
mode = "lockstep"

[rigs.board]
zmq = "{address}"
timeout = "20 s"

[sensors.imu]
rig = "board"
channels = {{ gx = "rad/s", gy = "rad/s", gz = "rad/s", ax = "m/s^2", ay = "m/s^2", az = "m/s^2" }}

[units.sum]
plugin = "sums.py:Sums"

[connect]
"sum.gx" = "imu.gx"
"sum.gy" = "imu.gy"
"sum.gz" = "imu.gz"
"sum.ax" = "imu.ax"
"sum.ay" = "imu.ay"
"sum.az" = "imu.az"
"""

SUMS = '''
from crumple import Input, Output, Unit

class Sums(Unit):
    """Angles and velocities: the sums of what the sensor says times the step."""
    gx = Input("rad/s")
    gy = Input("rad/s")
    gz = Input("rad/s")
    ax = Input("m/s^2")
    ay = Input("m/s^2")
    az = Input("m/s^2")
    angle = Output("rad", shape=3)
    velocity = Output("m/s", shape=3)

    def reset(self):
        self.a, self.v = [0.0] * 3, [0.0] * 3

    def step(self, now):
        self.a = [s + w * now.dt for s, w in zip(self.a, (self.gx, self.gy, self.gz))]
        self.v = [s + w * now.dt for s, w in zip(self.v, (self.ax, self.ay, self.az))]
        self.angle, self.velocity = self.a, self.v
'''


def crossmember() -> tuple[Array, Array]:
    """Time [s] and acceleration of the car [g]: the mean of the four sensors on its rear seat crossmember."""
    channels = [np.loadtxt(reference("nhtsa10146") / f"v10146.{number:03d}") for number in (93, 94, 99, 100)]
    return channels[0][:, 0], np.mean([channel[:, 1] for channel in channels], axis=0)


@pytest.fixture
def address(tmp_path: Path) -> str:
    place = f"ipc://{tmp_path}/w"
    if len(place) > 100:
        pytest.skip("the folder for temporary files has too long a name for a socket")
    return place


@pytest.fixture
def playing() -> Callable[..., object]:
    @contextmanager
    def play(tape: Path, address: str, *options: str) -> Iterator[subprocess.Popen[str]]:
        """`crumple play` in a process of its own, which must end well by itself."""
        command = [
            sys.executable,
            "-m",
            "crumple",
            "play",
            str(tape),
            "--zmq",
            address,
            "--wait",
            "20 s",
            *options,
        ]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            yield process
            said, _ = process.communicate(timeout=30)
            assert process.returncode == 0, said
        finally:
            process.kill()
            process.wait()

    return play


def crash_tape(folder: Path, *options: str) -> Path:
    """The crash from 0 to 60 ms, made of a CSV file by the command."""
    t, a = crossmember()
    file, tape = folder / "crash.csv", folder / "crash.npy"
    rows = "".join(f"{moment!r},{value!r}\n" for moment, value in zip(t.tolist(), a.tolist(), strict=True))
    file.write_text("t,ax\n" + rows)
    asked = [
        "tape",
        "from-csv",
        str(file),
        str(tape),
        "--time",
        "t",
        "--channel",
        "acceleration[m/s^2]=ax[g]",
    ]
    assert invoke([*asked, "--sensor", "tunnel", "--from", "0 ms", "--until", "60 ms", *options]) == 0
    return tape


def fire_time(pulse: Array) -> float:
    """When the controller has to fire [s], for samples of 10 kHz from 0 s on [m/s^2], by its documented rules."""
    step = 1e-4
    share = -math.expm1(-2 * math.pi * 400.0 / math.sqrt(2 ** (1 / 3) - 1) * step)
    resolution = 2 * 100 * G / 2**12
    x = y = z = 0.0
    measured = [0.0]  # at every communication point
    for value in pulse:
        x += share * (value - x)
        y += share * (x - y)
        z += share * (y - z)
        measured.append(round(min(max(z, -100 * G), 100 * G) / resolution) * resolution)
    for window in range(len(pulse) // 5):
        seen = [-measured[5 * k] * 5 * step for k in range(max(0, window - 19), window + 1)]
        if sum(seen) > 1.1:
            return 5 * (window + 1) * step  # the end of its step
    return math.inf


def test_the_measured_crash_fires_the_airbag_in_time_and_its_replay_is_the_same(
    tmp_path: Path, address: str, playing: Callable[..., object]
) -> None:
    tape = crash_tape(tmp_path)
    scene = tmp_path / "crash.toml"
    scene.write_text(CRASH.format(address=address))
    with playing(tape, address, "--lockstep", "--receive", "fire"):  # type: ignore[attr-defined]
        run = crumple.run(scene, out=tmp_path / "runs")
    assert (run.verdict, run.tick) == ("pass", 600), run
    assert run.metrics["time_to_fire"] is not None
    assert run.metrics["time_to_fire"] / 1e3 <= DEADLINE
    # to the tick: nothing was lost, delayed or doubled on the wire
    t, a = crossmember()
    pulse = a[np.searchsorted(t, -1e-9) :][:600] * G
    assert run.metrics["time_to_fire"] / 1e3 == pytest.approx(fire_time(pulse), abs=1e-9)
    names, rows = Tape.of_run(run.folder).rows("tunnel")
    assert rows[1:, names.index("acceleration")].tobytes() == pulse.tobytes()
    assert rows[1:, names.index("sequence")].tolist() == list(range(1, 601))
    assert rows[1:, names.index("sample_time")] == pytest.approx(np.arange(600) * 1e-4, abs=1e-12)

    again = replay(run, out=tmp_path / "runs")
    assert (again.same, again.digest, again.verdict) == (True, run.digest, "pass")
    deaf = replay(run, set={"controller.threshold": "2.2 m/s"}, out=tmp_path / "runs")
    assert (deaf.verdict, [each.name for each in deaf.requirement_changes if each.turned]) == (
        "fail",
        ["time_to_fire"],
    )
    cut = replay(run, until="5 ms", out=tmp_path / "runs")
    assert cut.same
    assert cut.comparison is not None
    assert cut.comparison.first is not None
    assert cut.comparison.first.tick == 51  # the first row that the silent sensor has to itself


def test_the_measured_crash_fires_the_airbag_in_real_time_too(
    tmp_path: Path, address: str, playing: Callable[..., object]
) -> None:
    tape = crash_tape(tmp_path, "--rate", "2 kHz")
    scene = tmp_path / "slow.toml"
    scene.write_text(REALTIME.format(address=address))
    with playing(tape, address, "--speed", "0.1"):  # type: ignore[attr-defined]
        run = crumple.run(scene, out=tmp_path / "runs")
    assert (run.verdict, run.tick) == ("pass", 60), run
    fired = int(np.flatnonzero(run.signals["controller.fire"])[0])
    names, rows = Tape.of_run(run.folder).rows("tunnel")
    # by the time of the crash at which the sample was measured, whatever this machine made of the wall clock
    assert rows[fired, names.index("sample_time")] <= DEADLINE
    sequence = rows[1:, names.index("sequence")]
    assert sequence[0] == 1
    assert set(np.diff(sequence)) <= {0.0, 1.0}  # of a queue, every sample is used, one a tick
    again = replay(run, out=tmp_path / "runs")
    assert (again.same, again.digest) == (True, run.digest)


def test_the_inertial_log_is_integrated_as_numpy_does(
    tmp_path: Path, address: str, playing: Callable[..., object]
) -> None:
    log = reference("imu/fusion_sensor_data.csv")
    tape, scene = tmp_path / "imu.npy", tmp_path / "inertial.toml"
    asked = [
        "tape",
        "from-csv",
        str(log),
        str(tape),
        "--time",
        "Time (s)",
        "--rate",
        "100 Hz",
        "--sensor",
        "imu",
    ]
    asked += ["--until", "31 s"]  # longer than the run, which says when it is over
    for axis in "xyz":
        asked += ["--channel", f"g{axis}[rad/s]=Gyroscope {axis.upper()} (deg/s)[deg/s]"]
    for axis in "xyz":
        asked += ["--channel", f"a{axis}[m/s^2]=Accelerometer {axis.upper()} (g)[g]"]
    assert invoke(asked) == 0
    (tmp_path / "sums.py").write_text(SUMS)
    scene.write_text(INERTIAL.format(address=address))
    with playing(tape, address, "--lockstep"):  # type: ignore[attr-defined]
        run = crumple.run(scene, out=tmp_path / "runs")
    assert (run.verdict, run.tick) == ("done", 3000), run

    measured = np.loadtxt(log, delimiter=",", skiprows=1)
    grid = np.arange(3000) / 100
    for output, first, factor in (("sum.angle", 1, math.pi / 180), ("sum.velocity", 4, G)):
        columns = [np.interp(grid, measured[:, 0], measured[:, first + n] * factor) for n in range(3)]
        wanted = np.cumsum(np.column_stack(columns) * 0.01, axis=0)
        scale = np.abs(wanted).max(axis=0)
        assert scale.min() > 0.05  # it was turned and shaken
        assert (np.abs(run.signals[output][1:] - wanted).max(axis=0) <= 1e-12 * scale).all()
    again = replay(run, out=tmp_path / "runs")
    assert (again.same, again.digest) == (True, run.digest)
