"""Who is let in: keys, and addresses that need them."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zmq

import crumple
from crumple.live import (
    RigTimeout,
    Sensor,
    Type,
    decode,
)
from crumple.live.keys import new_pair, read_public, read_secret
from live_sockets import LONG, A, Open, actuator, at, connected, eventually, made, rig


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pairs "bench", "rig" and "stranger"."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("bench", "rig", "stranger"):
        new_pair(name, folder=folder)
    return folder


def curve(keys: Path, own: str, server: str = "") -> dict[str, Any]:
    public, secret = (key.encode() for key in read_secret(keys / f"{own}.key_secret"))
    made: dict[str, Any] = {"curve_publickey": public, "curve_secretkey": secret}
    if server:
        made["curve_serverkey"] = read_public(keys / f"{server}.key").encode()
    return made


def test_keys_let_in_who_is_listed_and_nobody_else(
    plain: Open, keys: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "crumple.live")
    with Sensor(
        "tcp://127.0.0.1:*", {"a": "m/s^2"}, secret=keys / "rig.key_secret", keys=[keys / "bench.key"]
    ) as sensor:
        plain(zmq.SUB, connect=sensor.endpoint)
        plain(zmq.SUB, connect=sensor.endpoint, **curve(keys, "stranger", "rig"))
        plain(zmq.SUB, connect=sensor.endpoint, **curve(keys, "bench", "stranger"))
        stranger = read_public(keys / "stranger.key")
        assert eventually(lambda: stranger in caplog.text)
        assert "refused 127.0.0.1" in caplog.text
        assert sensor.wait_for_subscriber(timeout=0.2) is False
        listener = plain(zmq.SUB, connect=sensor.endpoint, **curve(keys, "bench", "rig"))
        assert sensor.wait_for_subscriber(timeout=LONG)
        assert sensor.subscribers == 1
        assert decode(listener.recv(), A).header.type == Type.HELLO


def test_an_actuator_with_keys_hears_only_the_core_that_it_knows(plain: Open, keys: Path) -> None:
    core = plain(zmq.XPUB, bind="tcp://127.0.0.1:*", curve_server=True, **curve(keys, "bench"))
    other = plain(zmq.XPUB, bind="tcp://127.0.0.1:*", curve_server=True, **curve(keys, "stranger"))
    open_ = plain(zmq.XPUB, bind="tcp://127.0.0.1:*")
    own = {"secret": keys / "rig.key_secret", "keys": keys / "bench.key"}
    with actuator(at(core), **own) as squib:
        connected(core)
        core.send(made(Type.OUTPUT, 1, 1.0))
        assert squib.receive(timeout=LONG) == {"fire": 1.0}
    for wrong in (other, open_):
        wrong.setsockopt(zmq.RCVTIMEO, 200)
        with actuator(at(wrong), **own) as squib:
            with pytest.raises(zmq.Again):
                wrong.recv()
            assert squib.receive(timeout=0.01) == {"fire": -1.0}


@pytest.mark.parametrize(
    ("own", "known", "text"),
    [
        ("stranger", "bench", "refuses our key: its list of keys must hold our public one"),
        ("rig", "stranger", "are keys wrong, or on one side only"),
        (None, None, "are keys wrong, or on one side only"),
    ],
)
def test_a_rig_that_is_not_let_in_is_told_why(
    own: str | None, known: str | None, text: str, keys: Path
) -> None:
    from crumple.live.sockets import Link, read_curve

    pair = read_curve("tcp://127.0.0.1:*", bind=True, secret=keys / "bench.key_secret", keys=keys / "rig.key")
    gate = Link(zmq.ROUTER, "tcp://127.0.0.1:*", bind=True, curve=pair)
    own_keys = {"secret": keys / f"{own}.key_secret", "keys": keys / f"{known}.key"} if own else {}
    try:
        with rig(gate.endpoint, **own_keys) as ecu:
            with pytest.raises(RigTimeout, match=text):
                ecu.start(0.8)
            assert gate.receive(0.0) is None
    finally:
        gate.close()


def test_an_address_off_loopback_needs_keys() -> None:
    with pytest.raises(
        crumple.UsageError, match=r"tcp://\*:5555 can be reached from other machines.*crumple keys new"
    ):
        Sensor("tcp://*:5555", {"a": "1"})


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("127.0.0.1:5555", r'is no address\. Did you mean "tcp://127\.0\.0\.1:5555"\?'),
        ("udp://127.0.0.1:5555", '"udp" is not known here'),
        ("inproc://x", "reaches nobody outside this process"),
        ("tcp://127.0.0.1", "has no port"),
    ],
)
def test_a_rig_is_told_what_is_wrong_with_its_address(address: str, text: str) -> None:
    with pytest.raises(crumple.UsageError, match=text):
        Sensor(address, {"a": "1"})


def test_a_rig_does_not_load_what_reads_scenes() -> None:
    code = "import sys, crumple.live.rig, crumple.live.lockstep; print('crumple.scene' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("False\n", "")


@pytest.mark.parametrize(
    ("secret", "others", "text"),
    [
        ("rig.key_secret", [], "keys= .public, of the peer. is missing"),
        (None, ["bench.key"], "secret= .our own key. is missing"),
        ("none.key_secret", ["bench.key"], "does not exist"),
        ("rig.key_secret", ["text.key"], "is no file of keys"),
        ("rig.key_secret", ["short.key"], "this has 3"),
    ],
)
def test_keys_that_cannot_be_used_are_named(
    secret: str | None, others: list[str], text: str, keys: Path
) -> None:
    (keys / "text.key").write_text("hello")
    (keys / "short.key").write_text('curve\n    public-key = "abc"\n')
    with pytest.raises(crumple.UsageError, match=text):
        Sensor(
            "tcp://127.0.0.1:*",
            {"a": "1"},
            secret=keys / secret if secret else None,
            keys=[keys / name for name in others],
        )
