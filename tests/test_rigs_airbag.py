"""The airbag controller as a rig, in C and in Python, in lockstep and in real time; and rigs that fail."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import zmq

import crumple
from crumple.live import Rig, RigTimeout, RunEnded, Sensor
from crumple.live.keys import new_pair

RIGS = Path(__file__).resolve().parent.parent / "scenes" / "rigs"
LONG = 30.0  # [s] no wait comes near it, unless something is broken
SIDES: dict[str, Any] = {
    "sends": {"fire": "1", "velocity_lost": "m/s"},
    "receives": {"acceleration": "m/s^2"},
    "safe": {"acceleration": 0.0},
}


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[str]]:
    """The command of a controller: controller("c", "lockstep", address)."""
    folder = tmp_path_factory.mktemp("controller")
    built = folder / "controller"
    if shutil.which("gcc"):
        source = (RIGS / "controller.c").read_text()
        line = re.search(r"^ \*   (gcc .*)$", source, re.MULTILINE)  # as it stands at the top of the file
        assert line is not None
        command = (
            line[1].replace("python", sys.executable).replace(" controller.c ", f" {RIGS}/controller.c ")
        )
        subprocess.run(
            f"{command} -Wall -Wextra -Werror -pedantic", shell=True, check=True, cwd=folder, timeout=60
        )

    def command_of(language: str, mode: str, *addresses: str) -> list[str]:
        if language == "c":
            if not built.exists():
                pytest.skip("there is no gcc")
            return [str(built), mode, *addresses]
        flags = ["--rig"] if mode == "lockstep" else ["--samples", "--outputs"]
        words = [word for pair in zip(flags, addresses, strict=True) for word in pair]
        return [sys.executable, str(RIGS / "controller.py"), mode, *words]

    return command_of


@pytest.fixture(scope="module", autouse=True)
def libzmq() -> Iterator[None]:
    """C programs find the libzmq of pyzmq where the system has none."""
    import zmq.backend  # noqa: F401

    maps = Path("/proc/self/maps").read_text().split()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRUMPLE_LIBZMQ", next(word for word in maps if "libzmq" in word))
        yield


Start = Callable[[list[str]], "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts programs, none of which outlives the test."""
    running: list[subprocess.Popen[str]] = []

    def start_(command: list[str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        running.append(process)
        return process

    yield start_
    for process in running:
        process.kill()
        process.communicate()


def scene(name: str, folder: Path) -> Path:
    """A copy of a scene that meets its rig at files of its own."""
    shutil.copy(RIGS / "airbag_car.toml", folder)
    text = (RIGS / f"{name}.toml").read_text()
    for port, file in (("5600", "rig"), ("5555", "samples"), ("5556", "outputs")):
        text = text.replace(f"tcp://127.0.0.1:{port}", f"ipc://{folder}/{file}")
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


class Run(threading.Thread):
    """A run in a thread of this process; the rig is elsewhere."""

    def __init__(self, path: Path, **options: Any) -> None:
        super().__init__(daemon=True)
        self._path, self._options = path, options
        self._result: crumple.Result | None = None
        self._error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            out = self._path.parent / "runs"
            self._result = crumple.run(self._path, out=out, isolate=False, **self._options)
        except Exception as error:
            self._error = error

    def end(self) -> crumple.Result:
        """Its result, once it is over."""
        self.join(LONG)
        assert not self.is_alive()
        if self._error is not None:
            raise self._error
        assert self._result is not None
        return self._result


def module() -> Any:
    """scenes/rigs/controller.py."""
    spec = importlib.util.spec_from_file_location("rig_controller", RIGS / "controller.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def timing(result: crumple.Result) -> dict[str, Any]:
    return dict(json.loads((result.folder / "timing.json").read_text()))


@pytest.fixture(scope="module")
def with_the_plugin(tmp_path_factory: pytest.TempPathFactory) -> crumple.Result:
    return crumple.run("frontal_barrier", out=tmp_path_factory.mktemp("plugin"), isolate=False)


# -- lockstep ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["c", "python"])
def test_in_lockstep_the_crash_is_the_one_with_the_plugin_bit_for_bit(
    language: str,
    start: Start,
    controller: Callable[..., list[str]],
    with_the_plugin: crumple.Result,
    tmp_path: Path,
) -> None:
    rig = start(controller(language, "lockstep", f"ipc://{tmp_path}/rig"))
    result, plugin = Run(scene("airbag_bench", tmp_path)).end(), with_the_plugin
    assert rig.communicate(timeout=LONG)[0] == "over after 301 samples, fired\n"
    assert rig.returncode == 0
    assert (result.verdict, plugin.verdict) == ("pass", "pass"), result.reason
    for signal_ in ("occupant.head_acceleration", "occupant.chest_acceleration", "restraint.head_force"):
        assert (result.signals[signal_] == plugin.signals[signal_]).all()
    # the restraint hears of it at the same time; a sensor's value is on record one period after it was latched
    ours, theirs = result.signals["controller.fire"], plugin.signals["controller.fire"]
    assert ours.argmax() == theirs.argmax() + 1 == 151
    counted = timing(result)["inputs"]["controller"]
    assert (counted["accepted"], counted["lost"], counted["rejected"]) == (300, 0, {})


@pytest.mark.parametrize(
    ("speed", "threshold", "outcome"),
    [("8 km/h", 1.1, "pass, not fired"), ("25 km/h", 1.1, "pass, fired"), ("57 km/h", 50, "fail, not fired")],
)
def test_in_lockstep_the_verdict_is_about_the_rig(
    speed: str, threshold: float, outcome: str, tmp_path: Path
) -> None:
    run = Run(scene("airbag_bench", tmp_path), set={"speed": speed})
    script = module()
    rig = script.Controller(cycle=0.0005, window=0.01, threshold=threshold)
    said = io.StringIO()
    with redirect_stdout(said):
        script.lockstep(rig, rig=f"ipc://{tmp_path}/rig", patience=LONG)
    verdict, _, fired = outcome.partition(", ")
    assert run.end().verdict == verdict
    assert said.getvalue() == f"over after 301 samples, {fired}\n"


def test_where_python_carries_the_messages_the_crash_is_the_same(
    with_the_plugin: crumple.Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRUMPLE_LIBZMQ", "none")
    run = Run(scene("airbag_bench", tmp_path))
    script = module()
    rig = script.Controller(cycle=0.0005, window=0.01, threshold=1.1)
    script.lockstep(rig, rig=f"ipc://{tmp_path}/rig", patience=LONG)
    result = run.end()
    assert result.verdict == "pass", result.reason
    head = "occupant.head_acceleration"
    assert (result.signals[head] == with_the_plugin.signals[head]).all()


def test_with_keys_the_rig_that_is_listed_gets_in_and_no_other(tmp_path: Path) -> None:
    for name in ("bench", "ecu", "stranger"):
        new_pair(name, folder=tmp_path)
    path = bench(tmp_path)
    text = path.read_text().replace("[rigs.ecu]", '[rigs.ecu]\nkey = "ecu.key"')
    path.write_text(text + '\n[keys]\nsecret = "bench.key_secret"\n')
    run = Run(path)
    address = f"ipc://{tmp_path}/rig"
    end = time.monotonic() + LONG
    while not (tmp_path / "rig").exists() and time.monotonic() < end:
        time.sleep(0.01)
    for secret, others, text in (
        ("stranger", "bench", "refuses our key"),
        ("ecu", "stranger", "are keys wrong"),
        ("", "", "are keys wrong"),
    ):
        own = (
            {"secret": tmp_path / f"{secret}.key_secret", "keys": tmp_path / f"{others}.key"}
            if secret
            else {}
        )
        with Rig(address, **SIDES, **own) as rig, pytest.raises(RigTimeout, match=text):
            rig.start(1.0)
    with Rig(address, **SIDES, secret=tmp_path / "ecu.key_secret", keys=tmp_path / "bench.key") as rig:
        rig.start(LONG)
        with pytest.raises(RunEnded):
            while True:
                rig.exchange(fire=1, velocity_lost=0)
    assert run.end().tick == 1500


# -- real time --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["c", "python"])
def test_in_real_time_the_rig_hears_of_the_crash_and_fires(
    language: str, start: Start, controller: Callable[..., list[str]], tmp_path: Path
) -> None:
    """How soon is a matter of the machine, and so is whether the run may pass."""
    addresses = [f"ipc://{tmp_path}/samples", f"ipc://{tmp_path}/outputs"]
    rig = start(controller(language, "realtime", *addresses))
    path = scene("airbag_realtime", tmp_path)
    path.write_text(path.read_text().replace("speed = 1.0", "speed = 0.2"))
    result = Run(path).end()
    assert re.fullmatch(r"over after \d+ samples, fired\n", rig.communicate(timeout=LONG)[0])
    assert rig.returncode == 0
    fire = result.signals["controller.fire"]
    assert fire[-1] == 1.0
    assert fire.argmax() > 140, "nobody knows of the crash before"
    counted = timing(result)
    assert counted["outputs"]["bus"]["sent"] >= 300
    assert counted["inputs"]["controller"]["accepted"] > 10
    assert counted["inputs"]["controller"]["rejected"] == {}


# -- rigs that fail ---------------------------------------------------------------------------------------


def bench(folder: Path, *, timeout: str = "10 s") -> Path:
    """The lockstep scene with another time-out."""
    path = scene("airbag_bench", folder)
    text = path.read_text()
    assert 'timeout = "10 s"' in text
    path.write_text(text.replace('timeout = "10 s"', f'timeout = "{timeout}"'))
    return path


def begin(folder: Path, **options: Any) -> Rig:
    """A rig in this process that has made 20 steps."""
    rig = Rig(f"ipc://{folder}/rig", **SIDES, **{"timeout": 5.0, **options})
    rig.start(LONG)
    for _ in range(20):
        rig.exchange(fire=0, velocity_lost=0)
    return rig


def test_a_rig_that_falls_silent_ends_the_run_as_inconclusive(tmp_path: Path) -> None:
    run = Run(bench(tmp_path, timeout="200 ms"))
    with begin(tmp_path) as rig:
        result = run.end()
        assert result.verdict == "inconclusive"
        assert re.search(r"rig 'ecu' \(ipc://.*\) did not send sample 21 within 0.2 s", result.reason)
        with pytest.raises(RunEnded):
            rig.exchange(fire=1, velocity_lost=0)
        assert rig.outputs == {"acceleration": 0.0}


def test_a_rig_that_says_goodbye_ends_the_run_at_once(tmp_path: Path) -> None:
    run = Run(bench(tmp_path))
    begin(tmp_path).close()
    result = run.end()
    assert result.verdict == "inconclusive"
    assert "said goodbye after sample 20" in result.reason


def test_a_rig_that_starts_again_ends_the_run_and_not_with_a_pass(tmp_path: Path) -> None:
    run = Run(bench(tmp_path))
    with begin(tmp_path), Rig(f"ipc://{tmp_path}/rig", **SIDES) as second:
        with pytest.raises((RunEnded, RigTimeout)):
            second.start(0.5)
        result = run.end()
    assert result.verdict == "inconclusive"
    assert "began anew after sample 20" in result.reason


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_killed_is_an_end_to_its_rig(number: int, start: Start, tmp_path: Path) -> None:
    code = f"import crumple; crumple.run({str(bench(tmp_path))!r}, out={str(tmp_path / 'runs')!r}, isolate=False)"
    run = start([sys.executable, "-c", code])
    with begin(tmp_path, timeout=0.5) as rig:
        run.send_signal(number)
        with pytest.raises(RunEnded if number == signal.SIGTERM else RigTimeout):
            for _ in range(200):
                rig.exchange(fire=0, velocity_lost=0)
                time.sleep(0.005)
        assert rig.outputs == {"acceleration": 0.0}
    run.communicate(timeout=LONG)
    (folder,) = (tmp_path / "runs").iterdir()
    assert crumple.open_run(folder).verdict == "inconclusive"


def test_a_rig_that_is_stopped_for_a_while_misses_nothing(
    start: Start, controller: Callable[..., list[str]], tmp_path: Path
) -> None:
    rig = start(controller("python", "lockstep", f"ipc://{tmp_path}/rig"))
    run = Run(scene("airbag_bench", tmp_path))
    for _ in range(6):
        os.kill(rig.pid, signal.SIGSTOP)
        time.sleep(0.06)
        os.kill(rig.pid, signal.SIGCONT)
        time.sleep(0.06)
    assert run.end().verdict == "pass"
    assert rig.communicate(timeout=LONG)[0] == "over after 301 samples, fired\n"


def test_samples_that_arrive_twice_are_one_step(tmp_path: Path) -> None:
    run = Run(bench(tmp_path))
    with Rig(f"ipc://{tmp_path}/rig", **SIDES, timeout=5.0) as rig:
        rig.start(LONG)
        send = rig._link.send

        def doubled(frame: bytes) -> bool:
            send(frame)
            return send(frame)

        rig._link.send = doubled  # type: ignore[method-assign]
        with pytest.raises(RunEnded):
            while True:
                rig.exchange(fire=0, velocity_lost=0)
        assert rig.sequence == 301
    result = run.end()
    assert result.signals["vehicle.crush"].size == 1501
    counted = timing(result)["inputs"]["controller"]
    assert counted["accepted"] == 300
    assert counted["duplicates"] >= 299


def test_rubbish_among_the_samples_is_counted_and_changes_nothing(
    start: Start, controller: Callable[..., list[str]], with_the_plugin: crumple.Result, tmp_path: Path
) -> None:
    over = threading.Event()

    def shout() -> None:
        context = zmq.Context()
        socket = context.socket(zmq.DEALER)
        socket.setsockopt(zmq.SNDTIMEO, 20)
        socket.connect(f"ipc://{tmp_path}/rig")
        while not over.is_set():
            for rubbish in (b"", b"CRMP", bytes(64), b"CRMP\1\1" + bytes(74), b"x" * 3000):
                try:
                    socket.send(rubbish)
                except zmq.Again:
                    break
            time.sleep(0.0005)
        socket.close(0)
        context.term()

    shouting = threading.Thread(target=shout)
    shouting.start()
    try:
        start(controller("python", "lockstep", f"ipc://{tmp_path}/rig"))
        result = Run(scene("airbag_bench", tmp_path)).end()
        assert result.verdict == "pass", result.reason
    finally:
        over.set()
        shouting.join(LONG)
    head = "occupant.head_acceleration"
    assert (result.signals[head] == with_the_plugin.signals[head]).all()
    assert timing(result)["inputs"]["controller"]["rejected"].keys() <= {"short", "session", "magic"}


def test_a_sensor_that_starts_again_during_the_run_is_counted_and_used(tmp_path: Path) -> None:
    path = scene("airbag_realtime", tmp_path)
    path.write_text(path.read_text().replace("speed = 1.0", "speed = 0.1"))
    run = Run(path)
    for seconds, value in ((0.3, 0.0), (LONG, 1.0)):
        with Sensor(f"ipc://{tmp_path}/samples", SIDES["sends"]) as sensor:
            assert sensor.wait_for_subscriber(LONG)
            end = time.monotonic() + seconds
            while run.is_alive() and time.monotonic() < end:
                sensor.send(fire=value, velocity_lost=0)
                time.sleep(0.005)
    result = run.end()
    counted = timing(result)["inputs"]["controller"]
    assert (result.tick, counted["restarts"]) == (1500, 1)
    assert result.signals["controller.fire"][-1] == 1.0


def test_a_sensor_with_other_channels_is_named_and_the_run_does_not_begin(tmp_path: Path) -> None:
    path = scene("airbag_realtime", tmp_path)
    path.write_text(path.read_text().replace("stale_max", 'start_timeout = "500 ms"\nstale_max'))
    with Sensor(f"ipc://{tmp_path}/samples", {"fire": "1"}) as wrong:
        run = Run(path)
        while run.is_alive():
            wrong.send(fire=0)
            time.sleep(0.01)
    result = run.end()
    assert result.verdict == "inconclusive"
    assert result.tick == 0
    assert "'controller'" in result.reason
    assert "they have other channels than the scene says" in result.reason
