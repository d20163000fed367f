"""Addresses of sensors, actuators and rigs: what can be one, whom it reaches, and with which keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crumple.live.addresses import AddressError, is_loopback, parse_address, same_place
from crumple.live.keys import new_pair
from crumple.live.plan import Endpoint
from live_scene import LIVE, written
from ramp_scene import mistakes, writer


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    return writer(tmp_path)


# ---- keys


def test_keys_are_found_from_the_file_that_names_them(write: Any, tmp_path: Path) -> None:
    bench = new_pair("bench", folder=tmp_path / "keys")
    rig = new_pair("rig", folder=tmp_path / "keys")
    text = LIVE.replace('"$here"', '"tcp://10.0.0.7:5555"\nkey = "keys/rig.key"')
    text = text.replace('"tcp://127.0.0.1:*"', '"tcp://*:5556"\nkey = ["keys/rig.key", "keys/bench.key"]')
    scene = written(write, '[keys]\nsecret = "keys/bench.key_secret"', text=text)
    [front], [squib] = scene.sensors, scene.actuators
    assert front.endpoint == Endpoint(address="tcp://10.0.0.7:5555", secret=bench.secret, keys=(rig.public,))
    assert squib.endpoint is not None and squib.endpoint.keys == (rig.public, bench.public)


def test_on_loopback_there_is_no_encryption_unless_a_key_is_named(write: Any, tmp_path: Path) -> None:
    new_pair("bench", folder=tmp_path)
    keys = '[keys]\nsecret = "bench.key_secret"'
    assert written(write, keys).sensors[0].endpoint == Endpoint(address="tcp://127.0.0.1:5555")
    text = LIVE.replace('"$here"', '"$here"\nkey = "bench.key"')
    assert written(write, keys, text=text).sensors[0].endpoint == Endpoint(
        address="tcp://127.0.0.1:5555", secret=tmp_path / "bench.key_secret", keys=(tmp_path / "bench.key",)
    )


def test_a_secret_that_others_can_read_is_a_mistake_of_the_scene(write: Any, tmp_path: Path) -> None:
    new_pair("bench", folder=tmp_path).secret.chmod(0o640)
    text = LIVE.replace('"$here"', '"$here"\nkey = "bench.key"')
    [text] = mistakes(write(text + '[keys]\nsecret = "bench.key_secret"'))
    assert text.startswith('keys.secret: "bench.key_secret" can be read or written by others (mode 640).')


def test_a_scene_that_talks_to_nobody_needs_no_files_of_keys(write: Any) -> None:
    text = LIVE.replace('"$here"', '"tcp://10.0.0.7:5555"\nkey = "no.key"')
    text += '[keys]\nsecret = "no.key_secret"'
    assert len(mistakes(write(text))) == 2
    assert written(write, text=text, keys=False).sensors[0].endpoint is not None


@pytest.mark.parametrize(
    ("text", "loopback"),
    [
        ("tcp://127.0.0.1:5555", True),
        ("tcp://127.9.8.7:1", True),
        ("tcp://localhost:65535", True),
        ("tcp://LOCALHOST:5555", True),
        ("tcp://[::1]:5555", True),
        ("ipc:///tmp/x", True),
        ("ipc://@name", True),
        ("tcp://127.example.org:5555", False),
        ("tcp://127.0.0.1.example.org:5555", False),
        ("tcp://localhost.example.org:5555", False),
        ("tcp://10.0.0.1:5555", False),
        ("tcp://192.168.0.1:5555", False),
        ("tcp://[fe80::1]:5555", False),
        ("tcp://rig-7.lab:5555", False),
    ],
)
def test_only_what_is_surely_this_machine_counts_as_loopback(text: str, loopback: bool) -> None:
    assert is_loopback(parse_address(text, bind=False)) is loopback


@pytest.mark.parametrize("text", ["tcp://*:5555", "tcp://0.0.0.0:5555", "tcp://[::]:5555", "tcp://eth0:5555"])
def test_to_wait_everywhere_is_not_to_wait_on_this_machine(text: str) -> None:
    assert not is_loopback(parse_address(text, bind=True))


@pytest.mark.parametrize(
    "text", ["127.1", "2130706433", "0", "0x7f.1", "127.0.0.1;10.0.0.1", "a b", "", "[::1"]
)
def test_hosts_that_are_written_oddly_are_refused_or_not_trusted(text: str) -> None:
    try:
        address = parse_address(f"tcp://{text}:5555", bind=False)
    except AddressError:
        return
    assert not is_loopback(address)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("tcp://127.0.0.1:5555", "tcp://localhost:5555", True),
        ("tcp://*:5555", "tcp://127.0.0.1:5555", True),
        ("tcp://127.0.0.1:5555", "tcp://127.0.0.2:5555", False),
        ("tcp://127.0.0.1:5555", "tcp://127.0.0.1:5556", False),
        ("tcp://127.0.0.1:*", "tcp://127.0.0.1:*", False),
        ("ipc:///tmp/a", "ipc:///tmp/a", True),
        ("ipc:///tmp/a", "ipc:///tmp/b", False),
        ("ipc://*", "ipc://*", False),
        ("ipc:///tmp/a", "tcp://127.0.0.1:1", False),
    ],
)
def test_two_addresses_exclude_each_other_where_one_socket_could_not_have_both(
    one: str, other: str, same: bool
) -> None:
    addresses = [parse_address(text, bind=True) for text in (one, other)]
    assert same_place(*addresses) is same_place(*reversed(addresses)) is same
