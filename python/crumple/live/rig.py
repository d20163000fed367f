"""A sensor and an actuator of a rig, as a script beside the hardware uses them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import zmq

from crumple.errors import UsageError
from crumple.live.plan import Channel
from crumple.live.sockets import Keys, Link, read_curve
from crumple.live.watchdog import State, Watchdog
from crumple.live.wire import Header, Layout, Message, Type, encode, nanoseconds, new_session

Channels = Iterable[Channel] | Mapping[str, str | Mapping[str, Any]]

_GREETING = 0.001  # [s] between two looks whether somebody subscribed: a look costs as much as sending
_MOST = 4096  # messages taken at once: more than ZeroMQ queues, and a flood must not keep us for ever


class Sensor:
    """Publishes samples, for the `[sensors.x]` of a scene with `zmq = address`.

        with Sensor("tcp://127.0.0.1:5555", {"acceleration": "m/s^2"}) as front:
            front.wait_for_subscriber(timeout=10)
            while True:
                front.send(acceleration=read_the_chip())

    address: of ZeroMQ; a port `*` takes a free one (see `endpoint`).   channels: name to unit of measure, or to
    {"kind": "boolean", "si": "1"}, exactly as in the scene.   bind: wait there for the core; else connect to it.
    secret, keys: key files (`crumple keys new`): our own secret one, and the public ones of those who may listen.
    Without keys only addresses on loopback are allowed. Not safe for threads: use it from one.
    Raises UsageError for an address, channels or keys that cannot be.
    """

    def __init__(
        self,
        address: str,
        channels: Channels,
        *,
        bind: bool = True,
        secret: str | os.PathLike[str] | None = None,
        keys: Keys = (),
    ) -> None:
        self.layout = Layout(channels)
        self.session = new_session()
        self.sequence = 0  # of the last sample
        self.dropped = 0  # samples that could not be handed over to ZeroMQ
        self._values: tuple[float, ...] = (0.0,) * len(self.layout.names)
        self._subscribers = 0
        self._looked = -float("inf")
        self._link = Link(
            zmq.XPUB, address, bind=bind, curve=read_curve(address, bind=bind, secret=secret, keys=keys)
        )
        # each subscriber is told of, so that each gets a greeting
        self._link.socket.setsockopt(zmq.XPUB_VERBOSER, 1)

    @property
    def endpoint(self) -> str:
        """The address with its port."""
        return self._link.endpoint

    @property
    def subscribers(self) -> int:
        """How many listen now."""
        self._greet(0.0)
        return self._subscribers

    def wait_for_subscriber(self, timeout: float | None = None) -> bool:
        """Waits until somebody listens, [s] at most; None: for ever. Whether somebody does.

        What is sent before that reaches nobody.
        """
        end = float("inf") if timeout is None else time.monotonic() + timeout
        while not self._subscribers:
            left = end - time.monotonic()
            if left <= 0.0:
                self._greet(0.0)
                break
            self._greet(min(left, 0.1))
        return self._subscribers > 0

    def send(
        self,
        values: Sequence[float] | Mapping[str, float] | None = None,
        *,
        t: float | None = None,
        **channels: float,
    ) -> int:
        """Sends one sample: all channels, by name, as a mapping or in their order. Returns its sequence.

        t [s]: simulated time of the sample, where the rig knows one.
        Never waits: ZeroMQ drops what a subscriber is too slow for (the receiver counts what it lost).
        Raises WireError for a channel that is missing or unknown, and for a value that its kind does not allow.
        """
        self._values = self.layout.ordered(channels if values is None else values)
        sim_ns = nanoseconds(t)
        now = time.monotonic()
        if now - self._looked > _GREETING:
            self._looked = now
            self._greet(0.0)
        self.sequence += 1
        self._send(Type.SAMPLE, self.sequence, self._values, sim_ns)
        return self.sequence

    def close(self) -> None:
        """Says good-bye and lets go of the address. May be called twice."""
        if self._link.socket.closed:
            return
        self._send(Type.BYE, 1, self._values, None)
        self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _greet(self, seconds: float) -> None:
        """Reads who came and went; who came is greeted, and so knows that this channel works."""
        for _ in range(_MOST):
            if (said := self._link.receive(seconds)) is None:
                break
            seconds = 0.0
            if said[:1] == b"\1":
                self._subscribers += 1
                self._send(Type.HELLO, 0, (), None)
            elif said[:1] == b"\0":
                self._subscribers = max(0, self._subscribers - 1)

    def _send(self, kind: Type, sequence: int, values: tuple[float, ...], sim_ns: int | None) -> None:
        header = Header(
            type=kind,
            session=self.session,
            sequence=sequence,
            sim_ns=sim_ns,
            source_ns=time.monotonic_ns(),
        )
        self.dropped += not self._link.send(encode(Message(header, values), self.layout))


class Actuator:
    """Receives outputs, from the `[actuators.x]` of a scene with `zmq = address`, and goes safe on its own.

        with Actuator("tcp://127.0.0.1:5556", {"fire": "1"}, safe={"fire": 0.0}) as squib:
            while squib.state != "ended":
                drive(squib.receive(timeout=0.05)["fire"])

    safe: a value for every channel.   timeout [s]: silence after which they hold.   bind: wait there for the core;
    else connect to it.   address, channels, secret, keys: as of `Sensor`.

    The safe values hold from the start, after `timeout` without an output, when an output says so (SAFE, PAUSED),
    and after the run's end. `state` says which: "live", "safe", "silent" or "ended". Messages that are refused are
    counted in `rejected` and keep nothing alive. Not safe for threads: use it from one.
    Raises UsageError for an address, channels, safe values or keys that cannot be.
    """

    def __init__(
        self,
        address: str,
        channels: Channels,
        *,
        safe: Mapping[str, float],
        timeout: float = 0.1,
        bind: bool = False,
        secret: str | os.PathLike[str] | None = None,
        keys: Keys = (),
    ) -> None:
        self.layout = Layout(channels)
        self._watchdog = Watchdog(self.layout, safe=safe, timeout=timeout)
        self._link = Link(
            zmq.SUB, address, bind=bind, curve=read_curve(address, bind=bind, secret=secret, keys=keys)
        )
        self._link.socket.setsockopt(zmq.SUBSCRIBE, b"")

    @property
    def endpoint(self) -> str:
        """The address with its port."""
        return self._link.endpoint

    @property
    def state(self) -> State:
        """ "live", "safe", "silent" or "ended", now. Reads no message: `latest` and `receive` do."""
        return self._watchdog.state(time.monotonic())

    @property
    def safe(self) -> dict[str, float]:
        """The safe values by channel."""
        return dict(zip(self.layout.names, self._watchdog.safe, strict=True))

    @property
    def rejected(self) -> dict[str, int]:
        """Messages that were refused, by reason (docs/wire.md)."""
        return dict(self._watchdog.rejected)

    @property
    def lost(self) -> int:
        """Outputs that were sent and did not arrive."""
        return self._watchdog.tracker.lost

    @property
    def restarts(self) -> int:
        """How often another run took the place of the one before."""
        return self._watchdog.tracker.restarts

    @property
    def header(self) -> Header | None:
        """Of the newest output: its time, sequence and the sample that it answers. None: there was none."""
        return None if self._watchdog.last is None else self._watchdog.last.header

    def latest(self) -> dict[str, float]:
        """What is to be applied now: of all that has arrived the newest, or the safe values. Does not wait."""
        self._drain()
        return dict(zip(self.layout.names, self._watchdog.values(time.monotonic()), strict=True))

    def receive(self, timeout: float | None = None) -> dict[str, float]:
        """Waits for an output, [s] at most; None: for ever. Returns what is to be applied then.

        Returns early where silence makes the safe values hold.
        """
        if not self._drain():
            end = float("inf") if timeout is None else time.monotonic() + timeout
            while True:
                now = time.monotonic()
                before = self._watchdog.remaining(now)
                left = end - now
                if left <= 0.0:
                    break
                frame = self._link.receive(min(left, before or 0.1, 0.1))
                if frame is not None and self._watchdog.offer(frame, time.monotonic()) is not None:
                    self._drain()
                    break
                if before and not self._watchdog.remaining(time.monotonic()):
                    break
        return dict(zip(self.layout.names, self._watchdog.values(time.monotonic()), strict=True))

    def close(self) -> None:
        """Lets go of the address. May be called twice."""
        self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _drain(self) -> bool:
        """Takes all that has arrived, the newest last. Whether any of it was accepted."""
        if self._link.socket.closed:
            raise UsageError("The actuator is closed.")
        taken = False
        for _ in range(_MOST):
            if (frame := self._link.receive()) is None:
                break
            taken |= self._watchdog.offer(frame, time.monotonic()) is not None
        return taken
