"""A gateway between MQTT and a scene, as a process of its own: the pattern for gateways to other worlds.

    pip install paho-mqtt
    python mqtt_gateway.py mqtt_gateway.toml

What arrives on the topics of [in] becomes samples of the scene's [sensors.x]; the outputs of its [actuators.x] are
published on the topics of [out]. Three things make a gateway safe, and any other one needs them, too:

- it never makes up a value: what is no number, and what a broker had kept (retained), is not passed on, so that the
  scene sees the age of what it has and applies its policy;
- it has a watchdog: when outputs stop, or the run ends, it publishes the safe values itself;
- when the gateway itself dies, the broker says so on the state topic (the last will), and devices go safe by that.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import math
import signal
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import paho.mqtt.client as mqtt

from crumple.errors import CrumpleError
from crumple.live import Actuator, Sensor

log = logging.getLogger("mqtt_gateway")

REPEAT = 1.0  # [s] outputs are published when they change, and again after so long


class Inward:
    """MQTT to Crumple. Lives on the thread of the MQTT client, which alone touches the sensor."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.channels = {said["topic"]: name for name, said in table["channels"].items()}
        self.values: dict[str, float] = {}
        self.refused = 0
        kinds = {name: _kind(said) for name, said in table["channels"].items()}
        self.sensor = Sensor(
            table["zmq"],
            kinds,
            bind=table.get("bind", True),
            secret=table.get("secret"),
            keys=table.get("keys", ()),
        )

    def take(self, message: mqtt.MQTTMessage) -> None:
        """One message: a sample goes out as soon as each channel has been heard of."""
        name = self.channels.get(message.topic)
        if name is None or message.retain:  # retained: nobody knows how old it is
            return
        try:
            values = self.values | {name: _number(message.payload)}
            if values.keys() >= set(self.channels.values()):
                self.sensor.send(values)
        except (ValueError, CrumpleError) as error:
            self.refused += 1
            log.warning("%s: not passed on: %s", message.topic, error)
            return
        self.values = values


class Outward:
    """Crumple to MQTT. Lives on the main thread."""

    def __init__(self, table: Mapping[str, Any], client: mqtt.Client, state_topic: str) -> None:
        self.topics = {name: said["topic"] for name, said in table["channels"].items()}
        self.client = client
        self.state_topic = state_topic
        self.actuator = Actuator(
            table["zmq"],
            {name: _kind(said) for name, said in table["channels"].items()},
            safe={name: said["safe"] for name, said in table["channels"].items()},
            timeout=table.get("timeout", 0.5),
            bind=table.get("bind", False),
            secret=table.get("secret"),
            keys=table.get("keys", ()),
        )
        self._told: dict[str, tuple[str, float]] = {}  # by topic: what was published last, and when

    def carry(self) -> None:
        """Waits a little for an output and publishes what is to be applied."""
        values = self.actuator.receive(timeout=0.02)
        for name, topic in self.topics.items():
            self._publish(topic, f"{values[name]:.17g}")
        self._publish(self.state_topic, self.actuator.state, retain=True)

    def end(self) -> None:
        """The safe values, whatever the scene says."""
        for name, value in self.actuator.safe.items():
            self.client.publish(self.topics[name], f"{value:.17g}", qos=1)
        self.client.publish(self.state_topic, "gone", qos=1, retain=True).wait_for_publish(1.0)
        self.actuator.close()

    def _publish(self, topic: str, text: str, *, retain: bool = False) -> None:
        now = time.monotonic()
        before, at = self._told.get(topic, ("", -math.inf))
        if (text != before or now - at > REPEAT) and self.client.is_connected():
            self.client.publish(topic, text, qos=1, retain=retain)
            self._told[topic] = text, now


def run(config: Mapping[str, Any], *, stop: list[int]) -> None:
    """Carries messages until `stop` is not empty."""
    host, _, port = config["broker"].partition(":")
    state_topic = config.get("state", "crumple/gateway")
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.will_set(state_topic, "gone", qos=1, retain=True)
    with contextlib.ExitStack() as stack:
        inward = outward = None
        if "in" in config:
            inward = Inward(config["in"])
            stack.callback(inward.sensor.close)
        if "out" in config:
            outward = Outward(config["out"], client, state_topic)
            stack.callback(outward.actuator.close)

        def on_connect(
            client: mqtt.Client, _: object, __: object, code: mqtt.ReasonCode, ___: object
        ) -> None:
            log.info("%s: %s", config["broker"], code)
            if inward is not None:  # after each connection: the broker may have forgotten
                client.subscribe([(topic, 0) for topic in inward.channels])

        client.on_connect = on_connect
        if inward is not None:
            client.on_message = lambda _client, _data, message: inward.take(message)
        client.reconnect_delay_set(min_delay=1, max_delay=10)
        client.connect_async(host, int(port or 1883), keepalive=10)
        client.loop_start()  # a thread; what it calls may not touch the actuator
        stack.callback(client.loop_stop)
        stack.callback(client.disconnect)
        while not stop:
            if outward is not None:
                outward.carry()
            else:
                time.sleep(0.02)
        if outward is not None:
            outward.end()


def _kind(said: Mapping[str, Any]) -> dict[str, str]:
    return {word: said[word] for word in ("si", "kind") if word in said}


def _number(payload: bytes) -> float:
    """A number, as text or as the "value" of a JSON object."""
    said = json.loads(payload)
    if isinstance(said, dict):
        said = said.get("value")
    if not isinstance(said, int | float) or not math.isfinite(said):
        raise ValueError(f"{payload[:40]!r} is no number")
    return float(said)


def main() -> None:
    """Command line."""
    asked = argparse.ArgumentParser(description="A gateway between MQTT and a Crumple scene.")
    asked.add_argument("config", type=Path, help="a TOML file, see mqtt_gateway.toml")
    config = tomllib.loads(asked.parse_args().config.read_text(encoding="utf-8"))
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    stop: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        stop.append(number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    run(config, stop=stop)


if __name__ == "__main__":
    main()
