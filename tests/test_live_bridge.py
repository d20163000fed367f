"""The bridge, which carries frames where the core has no libzmq of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import zmq

from crumple.live import (
    Flags,
    Sensor,
    Type,
    decode,
)
from crumple.live.bridge import Bridge
from live_sockets import FIRE, LONG, A, Open, actuator, eventually, made


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
