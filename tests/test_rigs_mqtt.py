"""The MQTT gateway against real brokers, mosquitto and amqtt: values both ways, and safe whoever dies."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

import crumple
from crumple.live import Header, Layout, Message, Type, decode, encode

mqtt = pytest.importorskip("paho.mqtt.client", reason="paho-mqtt is not installed")

GATEWAY = Path(__file__).resolve().parent.parent / "scenes" / "rigs" / "mqtt_gateway.py"
LONG = 20.0  # [s] no wait comes near it, unless something is broken
TEMPERATURE, VALVE = Layout({"temperature": "degC"}), Layout({"valve": "1"})

MOSQUITTO = shutil.which("mosquitto", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
BROKERS = [
    pytest.param("mosquitto", marks=pytest.mark.skipif(MOSQUITTO is None, reason="there is no mosquitto")),
    pytest.param(
        "amqtt",
        marks=pytest.mark.skipif(importlib.util.find_spec("amqtt") is None, reason="there is no amqtt"),
    ),
]


THERMOSTAT = """
from crumple import Input, Output, Unit

class Thermostat(Unit):
    temperature = Input("degC")
    valve = Output("1", start=0.0)

    def step(self, now):
        self.valve = 1.0 if self.temperature > 50.0 else 0.0
"""
PLANT = """
crumple = 1
[clock]
period = "2 ms"
stop = "1 s"
mode = "realtime"
[sensors.plant]
zmq = "ipc://FOLDER/in"
channels = { temperature = "degC" }
[units.thermostat]
plugin = "thermostat.py:Thermostat"
[actuators.cooling]
zmq = "ipc://FOLDER/out"
channels = { valve = "thermostat.valve" }
[connect]
"thermostat.temperature" = "plant.temperature"
"""


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def eventually(what: Callable[[], bool]) -> bool:
    end = time.monotonic() + LONG
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def end(process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> int:
    process.send_signal(number)
    try:
        return process.wait(LONG)
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module", params=BROKERS)
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a broker."""
    folder, port = tmp_path_factory.mktemp("broker"), free_port()
    if request.param == "mosquitto":
        config = folder / "mosquitto.conf"
        config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
        command = [str(MOSQUITTO), "-c", str(config)]
    else:
        config = folder / "amqtt.yaml"
        config.write_text(
            f"listeners:\n  default:\n    type: tcp\n    bind: 127.0.0.1:{port}\n"
            "plugins:\n  amqtt.plugins.authentication.AnonymousAuthPlugin:\n    allow_anonymous: true\n"
        )
        command = [sys.executable, "-W", "ignore", "-m", "amqtt.scripts.broker_script", "-c", str(config)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)

        def answers() -> bool:
            assert process.poll() is None, (folder / "log").read_text()
            with socket.socket() as door:
                return door.connect_ex(("127.0.0.1", port)) == 0

        try:
            assert eventually(answers)
            yield port
        finally:
            end(process, signal.SIGKILL)


class Device:
    """The plant's side of the broker: publishes readings, and sees what it is told."""

    def __init__(self, port: int) -> None:
        self.told: dict[str, list[str]] = {"plant/valve": [], "plant/crumple": []}
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self.client.on_connect = lambda client, *_: client.subscribe([(topic, 0) for topic in self.told])
        self.subscribed = False
        self.client.on_subscribe = lambda *_: setattr(self, "subscribed", True)
        self.client.on_message = lambda _client, _data, message: self.told[message.topic].append(
            message.payload.decode()
        )
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def reads(self, payload: str, *, retain: bool = False) -> None:
        self.client.publish("plant/temperature", payload, retain=retain).wait_for_publish(LONG)

    def last(self, topic: str) -> str:
        return self.told[topic][-1] if self.told[topic] else ""

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def device(broker: int) -> Iterator[Device]:
    made = Device(broker)
    assert eventually(lambda: made.subscribed)
    yield made
    made.reads("", retain=True)  # no later test finds what this one retained
    made.close()


class Scene:
    """What a run would have at the other end: a subscriber to samples, and a publisher of outputs."""

    def __init__(self, folder: Path) -> None:
        self.context = zmq.Context()
        self.samples = self.context.socket(zmq.SUB)
        self.samples.setsockopt(zmq.SUBSCRIBE, b"")
        self.samples.setsockopt(zmq.RCVTIMEO, int(LONG * 1000))
        self.samples.setsockopt(zmq.RECONNECT_IVL, 20)
        self.samples.connect(f"ipc://{folder}/in")
        self.outputs = self.context.socket(zmq.XPUB)
        self.outputs.setsockopt(zmq.RCVTIMEO, int(LONG * 1000))
        self.outputs.bind(f"ipc://{folder}/out")
        self.sequence = 0

    def sample(self, seconds: float = LONG) -> float | None:
        """The next sample's value; None: none came in time."""
        while self.samples.poll(int(seconds * 1000)):
            message = decode(self.samples.recv(), TEMPERATURE)
            if message.header.type == Type.SAMPLE:
                return message.values[0]
        return None

    def first_sample(self, device: Device, payload: str) -> float | None:
        """Of readings that are repeated until one comes through: MQTT says nothing of when a subscription works."""
        for _ in range(int(LONG / 0.1)):
            device.reads(payload)
            if (value := self.sample(0.1)) is not None:
                return value
        return None

    def send(self, value: float, *, flags: int = 0) -> None:
        self.sequence += 1
        now = time.monotonic_ns()
        header = Header(type=Type.OUTPUT, session=7, sequence=self.sequence, source_ns=now, flags=flags)
        self.outputs.send(encode(Message(header, (value,)), VALVE))

    def close(self) -> None:
        """Makes room for a real one. May be called twice."""
        self.samples.close(0)
        self.outputs.close(0)
        self.context.term()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.close()


@pytest.fixture
def gateway(broker: int, scene: Scene, device: Device, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The gateway, connected to the broker and to both ends of the scene."""
    text = GATEWAY.with_suffix(".toml").read_text()
    for old, new in (
        ("127.0.0.1:1883", f"127.0.0.1:{broker}"),
        ("tcp://127.0.0.1:5557", f"ipc://{tmp_path}/in"),
        ("tcp://127.0.0.1:5558", f"ipc://{tmp_path}/out"),
    ):
        assert text.count(old) >= 1
        text = text.replace(old, new)
    (tmp_path / "gateway.toml").write_text(text)
    with (tmp_path / "gateway.log").open("wb") as log:
        command = [sys.executable, str(GATEWAY), str(tmp_path / "gateway.toml")]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            assert scene.outputs.recv() == b"\1"
            assert eventually(lambda: device.last("plant/crumple") == "silent"), (
                tmp_path / "gateway.log"
            ).read_text()
            assert scene.first_sample(device, "0") == 0.0
            while scene.sample(0.1) is not None:
                pass
            yield process
        finally:
            process.kill()
            process.wait()


def test_readings_become_samples_and_outputs_are_published(
    gateway: subprocess.Popen[bytes], device: Device, scene: Scene
) -> None:
    for payload in ("21.5", "warm", '{"value": -3, "unit": "degC"}', "NaN", "{}", "1e400", "7"):
        device.reads(payload)
    assert [scene.sample() for _ in range(3)] == [21.5, -3.0, 7.0]
    scene.send(0.25)
    assert eventually(lambda: device.last("plant/valve") == "0.25")
    assert eventually(lambda: device.last("plant/crumple") == "live")


def test_a_scene_closes_a_loop_over_mqtt(
    gateway: subprocess.Popen[bytes], device: Device, scene: Scene, tmp_path: Path
) -> None:
    """Reading, sensor, plugin, actuator, valve; and the safe value when the run is over."""
    scene.close()
    (tmp_path / "thermostat.py").write_text(THERMOSTAT)
    path = tmp_path / "plant.toml"
    path.write_text(PLANT.replace("FOLDER", str(tmp_path)))
    results: list[crumple.Result] = []
    run = threading.Thread(
        target=lambda: results.append(crumple.run(path, out=tmp_path / "runs")), daemon=True
    )
    run.start()
    assert eventually(lambda: device.reads("80") or device.last("plant/valve") == "1")
    assert eventually(lambda: "live" in device.told["plant/crumple"])
    run.join(LONG)
    assert eventually(lambda: device.last("plant/crumple") == "ended")
    assert device.last("plant/valve") == "0"
    assert results[0].signals["plant.temperature"][-1] == 80.0


def test_what_the_broker_had_kept_is_no_reading(
    gateway: subprocess.Popen[bytes], broker: int, device: Device, scene: Scene, tmp_path: Path
) -> None:
    device.reads("99", retain=True)
    assert scene.sample() == 99.0  # it is new to who listens already
    end(gateway)
    command = [sys.executable, str(GATEWAY), str(tmp_path / "gateway.toml")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as again:
        try:
            assert scene.first_sample(device, "5") == 5.0
        finally:
            end(again, signal.SIGKILL)


def test_outputs_that_stop_are_followed_by_the_safe_values(
    gateway: subprocess.Popen[bytes], device: Device, scene: Scene
) -> None:
    scene.send(1.0)
    assert eventually(lambda: device.last("plant/valve") == "1")
    assert eventually(lambda: device.last("plant/valve") == "0")
    assert eventually(lambda: device.last("plant/crumple") == "silent")


def test_a_gateway_that_is_asked_to_end_leaves_the_safe_values(
    gateway: subprocess.Popen[bytes], device: Device, scene: Scene
) -> None:
    scene.send(1.0)
    assert eventually(lambda: device.last("plant/valve") == "1")
    assert end(gateway) == 0
    assert eventually(lambda: device.told["plant/valve"][-1] == "0")
    assert eventually(lambda: device.last("plant/crumple") == "gone")
    assert eventually(
        lambda: scene.samples.poll(10) == 0 or decode(scene.samples.recv(), TEMPERATURE).header.type == 5
    )


def test_of_a_gateway_that_is_killed_the_broker_says_that_it_is_gone(
    gateway: subprocess.Popen[bytes], device: Device
) -> None:
    assert end(gateway, signal.SIGKILL) == -signal.SIGKILL
    assert eventually(lambda: device.last("plant/crumple") == "gone")
