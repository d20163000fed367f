"""Plain sockets of ZeroMQ, and what a core sends, for the tests of rigs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zmq

from crumple.live import (
    Actuator,
    Header,
    Layout,
    Message,
    Rig,
    Type,
    decode,
    encode,
)

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


def actuator(address: str, **options: Any) -> Actuator:
    return Actuator(address, {"fire": "1"}, safe={"fire": -1.0}, **{"timeout": 0.2, **options})


def connected(core: zmq.Socket[bytes]) -> None:
    """Waits until a subscriber is there, at an XPUB."""
    assert core.recv() == b"\1"


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
