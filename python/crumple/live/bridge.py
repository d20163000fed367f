"""Messages by way of Python, where the core finds no libzmq: right, but later and less evenly than the core's own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Literal, Protocol

import zmq

from crumple.live.sockets import Curve, Link
from crumple.live.wire import MAGIC

log = logging.getLogger("crumple.live")

Pattern = Literal["subscribe", "publish", "route"]

_SOCKETS = {"subscribe": zmq.SUB, "publish": zmq.PUB, "route": zmq.ROUTER}
_MOST = 256  # frames of one address before the others have their turn
_IDLE = 1  # [ms] how late a message to a rig may be when nothing else happens
_AWAKE = 0.005  # [s] after a message the next one is expected soon, and waited for without sleeping long
_NAP = 50e-6  # [s]
_FLUSH = 0.5  # [s] at most, for messages that are to leave


class Queue(Protocol):
    """The core's end: frames that arrived go in, frames that are to be sent come out."""

    def offer(self, frame: bytes, /) -> object:
        """Takes a frame that arrived."""

    def take(self) -> list[bytes]:
        """All frames that are to be sent, oldest first."""


class Bridge:
    """A thread that owns the sockets and carries frames between them and the core."""

    def __init__(self) -> None:
        self._ways: list[_Way] = []
        self._rounds = 0  # of the thread, which alone touches the sockets once they are open
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def add(
        self,
        queue: Queue,
        address: str,
        pattern: Pattern,
        *,
        bind: bool = False,
        public: str = "",
        secret: str = "",
        allowed: Sequence[str] = (),
    ) -> str:
        """Opens an address for a queue. Returns the address as it came about.

        pattern: "subscribe" (a sensor), "publish" (an actuator) or "route" (a rig).   public, secret: our keys,
        allowed: the peers', in Z85; empty for no encryption.   Raises UsageError where the address cannot be had.
        """
        curve = (
            Curve(public.encode(), secret.encode(), tuple(key.encode() for key in allowed))
            if secret
            else None
        )
        link = Link(_SOCKETS[pattern], address, bind=bind, curve=curve)
        if pattern == "subscribe":
            link.socket.setsockopt(zmq.SUBSCRIBE, b"")
        self._ways.append(_Way(queue, link, pattern))
        if self._thread is None:
            log.warning(
                "libzmq was not found: Python carries the messages, and timing is worse than it could be."
                " Install pyzmq from a wheel, or name the library in CRUMPLE_LIBZMQ."
            )
            self._thread = threading.Thread(target=self._carry, name="crumple-bridge", daemon=True)
            self._thread.start()
        return link.endpoint

    def flush(self) -> None:
        """Waits until what the core has left to send is sent."""
        end = time.monotonic() + _FLUSH
        wanted = self._rounds + 2  # the one under way may have been here already
        while self._thread is not None and self._rounds < wanted and time.monotonic() < end:
            time.sleep(_NAP)

    def close(self) -> None:
        """Sends what is left, and lets go of all addresses. May be called twice."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        for way in self._ways:
            way.send()
            way.link.close()
        self._ways.clear()

    def _carry(self) -> None:
        busy = 0.0
        while not self._stop.is_set():
            ways = list(self._ways)
            moved = sum(way.send() + way.receive() for way in ways)
            self._rounds += 1
            now = time.monotonic()
            if moved:
                busy = now + _AWAKE
            elif now < busy:
                time.sleep(_NAP)
            else:
                zmq.select(
                    [way.link.socket for way in ways if way.pattern != "publish"], [], [], _IDLE * 1e-3
                )


class _Way:
    """One address and its queue."""

    def __init__(self, queue: Queue, link: Link, pattern: Pattern) -> None:
        self.queue, self.link, self.pattern = queue, link, pattern
        self._peer = b""  # whose message came last: answers go there

    def send(self) -> int:
        frames = self.queue.take()
        for frame in frames:
            if self.pattern != "route":
                self.link.send(frame)
            elif self._peer:
                try:
                    self.link.socket.send_multipart([self._peer, frame], zmq.NOBLOCK)
                except zmq.ZMQError:
                    continue  # it has gone, or takes nothing; it will ask again
        return len(frames)

    def receive(self) -> int:
        if self.pattern == "publish":
            return 0
        for count in range(_MOST):
            try:
                parts = self.link.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return count
            peer = parts.pop(0) if self.pattern == "route" else b""
            # more parts than one are no message of ours; the core counts it as one that is too short
            frame = parts[0] if len(parts) == 1 else b""
            if frame[:4] == MAGIC:
                self._peer = peer
            self.queue.offer(frame)
        return _MOST
