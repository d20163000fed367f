"""Peers of a live run for tests that break it: a steady sensor, a publisher of anything, and scripts to be killed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from crumple.live.monitor import Monitor
from crumple.live.wire import Header, Layout, Message, Type, encode, new_session
from live_bench import WAIT, X, value


class Stream:
    """A sensor in a thread of this process that streams a number until it is closed."""

    def __init__(self, address: str, *, every: float = 0.001, value: Callable[[int], float] = float) -> None:
        from crumple.live import Sensor

        self.sensor = Sensor(address, X)
        self._over, self._held = threading.Event(), threading.Event()
        self._every, self._value = every, value
        self._thread = threading.Thread(target=self._go, name="stream")
        self._thread.start()

    def _go(self) -> None:
        while not self._over.is_set() and not self.sensor.wait_for_subscriber(timeout=0.05):
            pass
        while not self._over.wait(self._every):
            if not self._held.is_set():
                self.sensor.send(x=self._value(self.sensor.sequence + 1))

    def hold(self) -> None:
        """Silent from now on."""
        self._held.set()

    def go_on(self) -> None:
        self._held.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(WAIT)
        self.sensor.close()


class Pirate:
    """A publisher that sends whatever it is told to, good or bad."""

    def __init__(self, address: str, *, bind: bool = True, kind: int | None = None) -> None:
        import zmq

        self._context = zmq.Context()
        self.socket = self._context.socket(zmq.XPUB if kind is None else kind)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.SNDHWM, 0)
        self.socket.setsockopt(zmq.RCVTIMEO, int(WAIT * 1e3))
        (self.socket.bind if bind else self.socket.connect)(address)
        self.layout = Layout(X)
        self.session = new_session()
        self.sequence = 0

    def wait(self) -> None:
        """Until somebody subscribes."""
        assert self.socket.recv() == b"\1"

    def frame(self, x: float = 0.0, *, layout: Layout | None = None, **header: Any) -> bytes:
        """A frame, good unless the header says otherwise."""
        if "sequence" not in header:
            self.sequence += 1
        given = {
            "type": Type.SAMPLE,
            "session": self.session,
            "sequence": self.sequence,
            "source_ns": time.monotonic_ns(),
            **header,
        }
        values = () if given["type"] in (Type.HELLO, Type.READY) else (x,)
        return encode(Message(Header(**given), values), layout or self.layout)

    def begin_anew(self) -> None:
        """As after a restart: another session, from its first message."""
        self.session, self.sequence = new_session(), 0

    def send(self, *frames: bytes) -> None:
        for frame in frames:
            self.socket.send(frame)

    def tried(self, x: float, monitor: Monitor) -> bool:
        """Sends a good sample. Whether one like it has been used."""
        self.good(x)
        return value(monitor, "front.x") == x

    def good(self, x: float = 0.0) -> None:
        self.send(self.frame(x))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.socket.close()
        self._context.term()


SENSOR_PEER = """
import sys, time
from crumple.live import Sensor
with Sensor(sys.argv[1], {"x": "1"}) as sensor:
    print("ready")
    while True:
        sensor.send(x=float(sensor.sequence))
        time.sleep(0.001)
"""

ACTUATOR_PEER = """
import sys
from crumple.live import Actuator
with Actuator(sys.argv[1], {"y": "1"}, safe={"y": -2.0}, timeout=0.5) as out:
    print("ready")
    last = ""
    while out.state != "ended":
        y = out.receive(timeout=0.05)["y"]
        if out.state != last:
            last = out.state
            print(last, y)
"""

RIG_PEER = """
import sys
from crumple.errors import CrumpleError
from crumple.live import Rig
with Rig(sys.argv[1], sends={"x": "1"}, receives={"y": "1"}, safe={"y": -2.0}, timeout=float(sys.argv[2])) as rig:
    try:
        y = rig.start(timeout=20.0)["y"]
        print("started")
        while True:
            y = rig.exchange(x=float(rig.sequence + 1))["y"]
            if rig.sequence == 100:
                print("middle")
    except CrumpleError as error:
        print(type(error).__name__, rig.state, rig.sequence, rig.outputs["y"])
"""
