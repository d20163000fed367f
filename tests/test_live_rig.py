"""Sensor, Actuator and Rig against plain sockets of ZeroMQ: greetings, watchdogs, restarts, keys; and the bridge."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

import crumple
from crumple.live import (
    Actuator,
    Flags,
    Header,
    Layout,
    Message,
    Rig,
    RigTimeout,
    RunEnded,
    Sensor,
    Type,
    WireError,
    decode,
    encode,
)
from crumple.live.bridge import Bridge
from crumple.live.keys import new_pair, read_public, read_secret
from crumple.live.sockets import is_loopback

LONG = 10.0  # [s] no wait in these tests comes near it, unless something is broken
A = Layout({"a": "m/s^2"})
FIRE = Layout({"fire": "1"})

Open = Callable[..., "zmq.Socket[bytes]"]


@pytest.fixture
def plain() -> Iterator[Open]:
    """Opens plain sockets: plain(zmq.SUB, connect=address)."""
    context = zmq.Context()
    made: list[zmq.Socket[bytes]] = []

    def open_(kind: int, *, connect: str = "", bind: str = "", **options: Any) -> zmq.Socket[bytes]:
        socket = context.socket(kind)
        made.append(socket)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RCVTIMEO, int(LONG * 1000))
        for name, value in options.items():
            setattr(socket, name, value)
        if kind == zmq.SUB:
            socket.setsockopt(zmq.SUBSCRIBE, b"")
        if connect:
            socket.connect(connect)
        else:
            socket.bind(bind)
        return socket

    yield open_
    for socket in made:
        socket.close()
    context.term()


def at(socket: zmq.Socket[bytes]) -> str:
    return socket.getsockopt_string(zmq.LAST_ENDPOINT)


def made(
    kind: Type,
    sequence: int,
    *values: float,
    session: int = 1,
    flags: int = 0,
    echo: int = 0,
    layout: Layout = FIRE,
) -> bytes:
    header = Header(
        type=kind,
        session=session,
        sequence=sequence,
        flags=flags,
        echo_sequence=echo,
        source_ns=time.monotonic_ns(),
    )
    return encode(Message(header, values), layout)


def eventually(what: Callable[[], bool]) -> bool:
    end = time.monotonic() + LONG
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True


# -- sensor -----------------------------------------------------------------------------------------------


def test_a_subscriber_is_greeted_and_then_gets_every_sample(plain: Open) -> None:
    with Sensor("tcp://127.0.0.1:*", {"a": "m/s^2"}) as sensor:
        assert sensor.wait_for_subscriber(timeout=0.01) is False
        sensor.send(a=0.0)  # reaches nobody
        listener = plain(zmq.SUB, connect=sensor.endpoint)
        assert sensor.wait_for_subscriber(timeout=LONG)
        sensor.send(a=-9.5, t=0.001)
        sensor.send([1.0])
        sensor.send({"a": 2.0}, t=-1.0)
        hello, *samples = (decode(listener.recv(), A) for _ in range(4))
    assert hello.header.type == Type.HELLO
    assert [(m.header.sequence, m.header.sim_ns, m.values) for m in samples] == [
        (2, 1_000_000, (-9.5,)),
        (3, None, (1.0,)),
        (4, -1_000_000_000, (2.0,)),
    ]
    bye = decode(listener.recv(), A)
    assert (bye.header.type, bye.header.session, bye.values) == (Type.BYE, hello.header.session, (2.0,))


def test_each_subscriber_is_greeted_and_counted(plain: Open) -> None:
    with Sensor("tcp://127.0.0.1:*", {"a": "m/s^2"}) as sensor:
        listeners = [plain(zmq.SUB, connect=sensor.endpoint) for _ in range(2)]
        assert eventually(lambda: sensor.subscribers == 2)
        for listener in listeners:
            assert decode(listener.recv(), A).header.type == Type.HELLO
        listeners[0].close()
        assert eventually(lambda: sensor.subscribers == 1)


def test_source_times_are_of_the_clock_that_the_core_reads(plain: Open) -> None:
    with Sensor("tcp://127.0.0.1:*", {"a": "m/s^2"}) as sensor:
        listener = plain(zmq.SUB, connect=sensor.endpoint)
        assert sensor.wait_for_subscriber(timeout=LONG)
        listener.recv()
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        sensor.send(a=1.0)
        after = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        assert before <= decode(listener.recv(), A).header.source_ns <= after


def test_a_sensor_that_starts_again_has_another_session() -> None:
    sessions = set()
    for _ in range(3):
        with Sensor("tcp://127.0.0.1:*", {"a": "m/s^2"}) as sensor:
            sessions.add(sensor.session)
    assert len(sessions) == 3


def test_a_sensor_may_connect_where_the_core_waits(plain: Open) -> None:
    core = plain(zmq.SUB, bind="tcp://127.0.0.1:*")
    with Sensor(at(core), {"a": "m/s^2"}, bind=False) as sensor:
        # one that waits subscribes when it next looks at its socket
        assert eventually(lambda: core.poll(1) == 0 and sensor.wait_for_subscriber(timeout=0.01))
        assert decode(core.recv(), A).header.type == Type.HELLO


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({}, "a is missing"),
        ({"a": 1.0, "b": 2.0}, "there is no b"),
        ({"a": float("nan")}, "a is nan"),
        ({"a": "hot"}, "no number: could not convert string"),
        ({"a": None}, "no number"),
        ({"a": 1.0, "t": float("inf")}, "t = inf s is no time"),
        ({"a": 1.0, "t": 1e10}, "is no time"),
    ],
)
def test_a_wrong_sample_is_refused_where_it_is_sent(values: dict[str, Any], text: str) -> None:
    with Sensor("tcp://127.0.0.1:*", {"a": "m/s^2"}) as sensor:
        with pytest.raises(WireError, match=text):
            sensor.send(**values)
        assert sensor.sequence == 0


def test_an_address_that_is_taken_is_named() -> None:
    with (
        Sensor("tcp://127.0.0.1:*", {"a": "1"}) as first,
        pytest.raises(
            crumple.UsageError, match=r"Cannot wait for others at tcp://127.0.0.1:\d+: Address already"
        ),
    ):
        Sensor(first.endpoint, {"a": "1"})


# -- actuator ---------------------------------------------------------------------------------------------


def actuator(address: str, **options: Any) -> Actuator:
    return Actuator(address, {"fire": "1"}, safe={"fire": -1.0}, **{"timeout": 0.2, **options})


def connected(core: zmq.Socket[bytes]) -> None:
    """Waits until a subscriber is there, at an XPUB."""
    assert core.recv() == b"\1"


def test_an_actuator_gives_the_newest_output_and_the_safe_value_after_silence(plain: Open) -> None:
    core = plain(zmq.XPUB, bind="tcp://127.0.0.1:*")
    with actuator(at(core), timeout=LONG / 4) as squib:  # a machine that stalls is not a rig that is silent
        assert (squib.latest(), squib.state, squib.header) == ({"fire": -1.0}, "silent", None)
        connected(core)
        core.send(made(Type.OUTPUT, 1, 0.0))
        assert squib.receive(timeout=LONG) == {"fire": 0.0}
        assert squib.state == "live"
        for sequence in (2, 3, 5):
            core.send(made(Type.OUTPUT, sequence, float(sequence)))
        assert eventually(lambda: squib.latest() == {"fire": 5.0})
        assert squib.lost == 1
        assert squib.header is not None
        assert squib.header.sequence == 5
        began = time.monotonic()
        assert squib.receive(timeout=LONG) == {"fire": -1.0}  # its watchdog, long before the time-out
        assert squib.state == "silent"
        assert time.monotonic() - began < LONG / 2


def test_an_actuator_goes_safe_when_told_and_says_why(plain: Open) -> None:
    core = plain(zmq.XPUB, bind="tcp://127.0.0.1:*")
    with actuator(at(core), timeout=LONG) as squib:
        connected(core)
        core.send(made(Type.OUTPUT, 1, 1.0))
        assert squib.receive(timeout=LONG) == {"fire": 1.0}
        core.send(made(Type.OUTPUT, 2, 7.0, flags=Flags.PAUSED))
        assert squib.receive(timeout=LONG) == {"fire": -1.0}
        assert squib.state == "safe"
        core.send(made(Type.OUTPUT, 3, 1.0))
        assert squib.receive(timeout=LONG) == {"fire": 1.0}
        core.send(made(Type.OUTPUT, 4, 0.0, flags=Flags.SAFE | Flags.FINAL))
        core.send(made(Type.BYE, 5, 0.0, flags=Flags.SAFE | Flags.FINAL))
        assert eventually(lambda: squib.latest() == {"fire": -1.0})
        assert squib.state == "ended"
        core.send(made(Type.OUTPUT, 1, 1.0, session=2))
        assert squib.receive(timeout=LONG) == {"fire": 1.0}
        assert (squib.state, squib.restarts) == ("live", 1)


def test_rubbish_keeps_no_actuator_alive(plain: Open) -> None:
    core = plain(zmq.XPUB, bind="tcp://127.0.0.1:*")
    with actuator(at(core), timeout=0.1) as squib:
        connected(core)
        core.send(made(Type.OUTPUT, 1, 1.0))
        assert squib.receive(timeout=LONG) == {"fire": 1.0}
        for _ in range(20):
            core.send(b"rubbish")
            core.send_multipart([made(Type.OUTPUT, 1, 1.0), b"more"])
            core.send(made(Type.OUTPUT, 1, 1.0, layout=A))
            time.sleep(0.01)
        assert eventually(lambda: squib.latest() == {"fire": -1.0})
        assert squib.state == "silent"
        assert squib.rejected == {"short": 40, "layout": 20, "duplicate": 20}


def test_an_actuator_needs_a_safe_value_for_each_channel() -> None:
    with pytest.raises(crumple.UsageError, match="level is missing"):
        Actuator("ipc:///tmp/none", {"fire": "1", "level": "1"}, safe={"fire": 0.0})


# -- lockstep ---------------------------------------------------------------------------------------------


class Core(threading.Thread):
    """The core's side of lockstep, by a script: answers[n] is what sample n is answered with."""

    def __init__(self, socket: zmq.Socket[bytes], answers: dict[int, list[bytes]] | None = None) -> None:
        super().__init__(daemon=True)
        self.socket, self.answers = socket, answers or {}
        self.seen: list[Message] = []
        self.frames: list[bytes] = []
        self.peers: set[bytes] = set()
        self._over = threading.Event()
        socket.setsockopt(zmq.RCVTIMEO, 20)

    def run(self) -> None:
        while not self._over.is_set():
            try:
                peer, frame = self.socket.recv_multipart()
            except zmq.Again:
                continue
            self.peers.add(peer)
            self.frames.append(frame)
            message = decode(frame, A)
            self.seen.append(message)
            for answer in self.answer(message):
                self.socket.send_multipart([peer, answer])

    def answer(self, message: Message) -> list[bytes]:
        number = message.header.sequence
        if message.header.type == Type.HELLO:
            return [made(Type.READY, 0), made(Type.OUTPUT, 0, 0.5)]
        if message.header.type == Type.SAMPLE:
            if number in self.answers:
                return [self.answers[number].pop(0)] if self.answers[number] else []
            return [made(Type.OUTPUT, number, 2 * message.values[0], echo=number)]
        return []

    def __enter__(self) -> Core:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join(LONG)


def rig(address: str, **options: Any) -> Rig:
    sides = {"sends": {"a": "m/s^2"}, "receives": {"fire": "1"}, "safe": {"fire": -1.0}}
    return Rig(address, **{**sides, **options})


def test_a_rig_shakes_hands_and_steps_the_run(plain: Open) -> None:
    with Core(plain(zmq.ROUTER, bind="tcp://127.0.0.1:*")) as core, rig(at(core.socket)) as ecu:
        assert (ecu.state, ecu.outputs) == ("waiting", {"fire": -1.0})
        assert ecu.start(LONG) == ecu.outputs == {"fire": 0.5}
        for n in range(1, 50):
            assert ecu.exchange(t=n * 1e-3, a=n) == {"fire": 2.0 * n}
        assert (ecu.state, ecu.sequence, ecu.resent) == ("live", 49, 0)
        ecu.close()
        assert eventually(lambda: core.seen[-1].header.type == Type.BYE)
        samples = [m.header for m in core.seen if m.header.type == Type.SAMPLE]
    assert [h.sequence for h in samples] == list(range(1, 50))
    assert [h.sim_ns for h in samples] == [n * 1_000_000 for n in range(1, 50)]
    assert {h.session for h in samples} == {ecu.session}


def test_a_rig_starts_itself_at_its_first_exchange(plain: Open) -> None:
    with Core(plain(zmq.ROUTER, bind="tcp://127.0.0.1:*")) as core, rig(at(core.socket)) as ecu:
        assert ecu.exchange([3.0]) == {"fire": 6.0}


def test_a_sample_that_nobody_answers_is_sent_again_with_its_sequence(plain: Open) -> None:
    late = made(Type.OUTPUT, 2, 9.0, echo=2)
    answers = {2: [made(Type.OUTPUT, 1, 7.0, echo=1, flags=Flags.RESENT), b"rubbish", late]}
    with (
        Core(plain(zmq.ROUTER, bind="tcp://127.0.0.1:*"), answers) as core,
        rig(at(core.socket), timeout=0.4) as ecu,
    ):
        assert ecu.exchange(a=1.0) == {"fire": 2.0}
        assert ecu.exchange(a=2.0, t=1.0) == {"fire": 9.0}
        assert (ecu.resent, dict(ecu.rejected)) == (2, {"short": 1})
        sent = [m for m in core.seen if m.header.sequence == 2]
    assert [m.header.flags for m in sent] == [0, Flags.RESENT, Flags.RESENT]
    assert len({(m.header.source_ns, m.header.sim_ns, m.values) for m in sent}) == 1


def test_a_rig_whose_core_is_silent_goes_safe_and_says_so(plain: Open) -> None:
    with (
        Core(plain(zmq.ROUTER, bind="tcp://127.0.0.1:*"), {2: []}) as core,
        rig(at(core.socket), timeout=0.1) as ecu,
    ):
        ecu.exchange(a=1.0)
        with pytest.raises(RigTimeout, match=r"No answer to sample 2 within 0.1 s.*safe values hold"):
            ecu.exchange(a=2.0)
        assert (ecu.state, ecu.outputs, ecu.resent) == ("silent", {"fire": -1.0}, 3)
        with pytest.raises(RigTimeout, match="did not answer before"):
            ecu.exchange(a=3.0)


@pytest.mark.parametrize(
    "last",
    [
        made(Type.BYE, 3, 0.0, flags=Flags.SAFE | Flags.FINAL),
        made(Type.BYE, 3),
        made(Type.OUTPUT, 2, 0.0, echo=2, flags=Flags.FINAL),
    ],
    ids=["bye", "bare bye", "final output"],
)
def test_the_end_of_the_run_is_an_exception_of_its_own(last: bytes, plain: Open) -> None:
    with Core(plain(zmq.ROUTER, bind="tcp://127.0.0.1:*"), {2: [last]}) as core, rig(at(core.socket)) as ecu:
        assert ecu.exchange(a=1.0) == {"fire": 2.0}
        with pytest.raises(RunEnded, match="The run is over, after sample 2"):
            ecu.exchange(a=2.0)
        assert (ecu.state, ecu.outputs) == ("ended", {"fire": -1.0})
        with pytest.raises(RunEnded, match="Make another Rig"):
            ecu.exchange(a=3.0)


def test_safe_outputs_make_the_rigs_own_safe_values_hold(plain: Open) -> None:
    answers = {2: [made(Type.OUTPUT, 2, 9.0, echo=2, flags=Flags.SAFE)]}
    with Core(plain(zmq.ROUTER, bind="tcp://127.0.0.1:*"), answers) as core, rig(at(core.socket)) as ecu:
        ecu.exchange(a=1.0)
        assert ecu.exchange(a=2.0) == {"fire": -1.0}
        assert ecu.state == "safe"
        assert ecu.exchange(a=3.0) == {"fire": 6.0}
        assert ecu.state == "live"


def test_a_run_that_is_held_by_hand_is_waited_for_beyond_the_timeout(plain: Open) -> None:
    held = made(Type.OUTPUT, 2, 0.0, echo=1, flags=Flags.PAUSED | Flags.SAFE)
    answers = {2: [held, b"", b"", b"", b"", b"", b"", made(Type.OUTPUT, 2, 4.0, echo=2)]}
    with (
        Core(plain(zmq.ROUTER, bind="tcp://127.0.0.1:*"), answers) as core,
        rig(at(core.socket), timeout=0.04) as ecu,
    ):
        ecu.exchange(a=1.0)
        assert ecu.exchange(a=2.0) == {"fire": 4.0}
        assert ecu.resent >= 7  # of which 4 fit into the time-out


def test_the_first_step_waits_for_all_others_of_the_run(plain: Open) -> None:
    answers = {1: [b""] * 5 + [made(Type.OUTPUT, 1, 4.0, echo=1)], 2: [b""] * 9}
    with (
        Core(plain(zmq.ROUTER, bind="tcp://127.0.0.1:*"), answers) as core,
        rig(at(core.socket), timeout=0.1) as ecu,
    ):
        ecu.start(LONG)
        assert ecu.exchange(a=1.0) == {"fire": 4.0}
        assert ecu.resent >= 5
        with pytest.raises(RigTimeout):
            ecu.exchange(a=2.0)


def test_another_run_at_the_address_ends_the_rig(plain: Open) -> None:
    answers = {2: [made(Type.OUTPUT, 2, 0.0, echo=2, session=99)]}
    with Core(plain(zmq.ROUTER, bind="tcp://127.0.0.1:*"), answers) as core, rig(at(core.socket)) as ecu:
        ecu.exchange(a=1.0)
        with pytest.raises(RunEnded, match="Another run began"):
            ecu.exchange(a=2.0)
        assert ecu.outputs == {"fire": -1.0}


def test_a_rig_without_a_core_says_so_in_time() -> None:
    with (
        rig("ipc:///tmp/crumple-nobody-is-here") as ecu,
        pytest.raises(RigTimeout, match=r"No run began within 0.05 s. Does the peer wait at ipc"),
    ):
        ecu.start(0.05)


def test_a_rig_with_other_outputs_than_the_scene_is_told(plain: Open) -> None:
    with (
        Core(plain(zmq.ROUTER, bind="tcp://127.0.0.1:*")) as core,
        rig(at(core.socket), receives={"level": "1"}, safe={"level": 0.0}) as ecu,
        pytest.raises(WireError, match="The scene's actuator has other channels than this rig"),
    ):
        ecu.start(LONG)


def test_a_rig_may_receive_nothing(plain: Open) -> None:
    nothing = Layout({})

    class Bare(Core):
        def answer(self, message: Message) -> list[bytes]:
            number = message.header.sequence
            if message.header.type == Type.HELLO:
                return [made(Type.READY, 0, layout=nothing)]
            return [made(Type.OUTPUT, number, echo=number, layout=nothing)]

    with (
        Bare(plain(zmq.ROUTER, bind="tcp://127.0.0.1:*")) as core,
        rig(at(core.socket), receives={}, safe={}) as ecu,
    ):
        assert ecu.start(LONG) == {}
        assert ecu.exchange(a=1.0) == {}
        assert ecu.state == "live"


# -- keys -------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("tcp://127.0.0.1:5555", True),
        ("tcp://127.8.9.1:*", True),
        ("tcp://localhost:1", True),
        ("tcp://[::1]:1", True),
        ("ipc:///tmp/x", True),
        ("inproc://x", True),
        ("tcp://0.0.0.0:1", False),
        ("tcp://*:1", False),
        ("tcp://192.168.0.1:1", False),
        ("tcp://localhost.example.org:1", False),
        ("tcp://127.0.0.1.example.org:1", False),
        ("tcp://eth0:1", False),
        ("udp://127.0.0.1:1", False),
    ],
)
def test_loopback_is_what_no_other_machine_can_reach(address: str, loopback: bool) -> None:
    assert is_loopback(address) == loopback


def test_an_address_off_loopback_needs_keys() -> None:
    with pytest.raises(
        crumple.UsageError, match=r"tcp://\*:5555 can be reached from other machines.*crumple keys new"
    ):
        Sensor("tcp://*:5555", {"a": "1"})


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


# -- the bridge -------------------------------------------------------------------------------------------


class Queue:
    """The core's end of the bridge, by hand."""

    def __init__(self) -> None:
        self.arrived: list[bytes] = []
        self.leaving: list[bytes] = []

    def offer(self, frame: bytes) -> bool:
        self.arrived.append(frame)
        return True

    def take(self) -> list[bytes]:
        leaving, self.leaving = self.leaving, []
        return leaving


@pytest.fixture
def bridge() -> Iterator[Bridge]:
    made = Bridge()
    yield made
    made.close()


def test_the_bridge_carries_samples_in(bridge: Bridge) -> None:
    queue = Queue()
    with Sensor("tcp://127.0.0.1:*", {"a": "m/s^2"}) as sensor:
        bridge.add(queue, sensor.endpoint, "subscribe")
        assert sensor.wait_for_subscriber(LONG)
        for value in range(100):
            sensor.send(a=value)
        assert eventually(lambda: len(queue.arrived) == 101)
    assert [decode(frame, A).values for frame in queue.arrived[1:101]] == [(float(v),) for v in range(100)]


def test_the_bridge_carries_outputs_out_and_the_last_ones_before_it_closes(bridge: Bridge) -> None:
    queue = Queue()
    with actuator(bridge.add(queue, "tcp://127.0.0.1:*", "publish", bind=True), timeout=LONG) as squib:
        sequence = 0

        def heard() -> bool:
            nonlocal sequence
            sequence += 1
            queue.leaving.append(made(Type.OUTPUT, sequence, 1.0))
            return squib.receive(0.02) == {"fire": 1.0}

        assert eventually(heard)
        queue.leaving.append(made(Type.OUTPUT, sequence + 1, 0.0, flags=Flags.FINAL))
        bridge.flush()
        assert queue.leaving == []
        queue.leaving.append(made(Type.BYE, sequence + 2))
        bridge.close()
        assert eventually(lambda: squib.latest() == {"fire": -1.0})
        assert squib.state == "ended"


def test_the_bridge_says_once_that_timing_is_worse(bridge: Bridge, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        bridge.add(Queue(), "tcp://127.0.0.1:*", "publish", bind=True)
    assert caplog.text.count("timing is worse") == 1


def test_the_bridge_answers_the_rig_that_asked_and_not_a_stranger(bridge: Bridge, plain: Open) -> None:
    queue = Queue()
    address = bridge.add(queue, "tcp://127.0.0.1:*", "route", bind=True)
    asking, stranger = plain(zmq.DEALER, connect=address), plain(zmq.DEALER, connect=address)
    asking.send(made(Type.HELLO, 0, layout=A))
    assert eventually(lambda: len(queue.arrived) == 1)
    stranger.send(b"rubbish")
    stranger.send_multipart([b"two", b"parts"])
    assert eventually(lambda: len(queue.arrived) == 3)
    queue.leaving.append(made(Type.READY, 0))
    assert decode(asking.recv(), FIRE).header.type == Type.READY
    assert queue.arrived[1:] == [b"rubbish", b""]


# -- imports ----------------------------------------------------------------------------------------------


def test_what_needs_no_zeromq_does_not_load_it() -> None:
    code = (
        "import sys, crumple.live as l; l.Layout({'a': '1'}); l.Watchdog; l.include_dir(); dir(l)\n"
        "assert 'zmq' not in sys.modules\n"
        "l.Sensor\n"
        "assert 'zmq' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
