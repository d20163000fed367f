"""A rig in lockstep: it sends a sample, the core makes one step with it and answers with outputs."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Literal, Self

import zmq

from crumple.errors import CrumpleError, UsageError
from crumple.live.rig import Channels
from crumple.live.sockets import Keys, Link, read_curve
from crumple.live.wire import (
    Flags,
    Header,
    Layout,
    Message,
    Type,
    WireError,
    decode,
    encode,
    nanoseconds,
    new_session,
)

_HELLO_EVERY = 0.1  # [s]
_TRIES = 4  # sendings of one sample within the time-out
_PAUSE = (
    2.0  # [s] at least, between two words of a core that holds the run by hand and says so again and again
)


class RigTimeout(CrumpleError, TimeoutError):
    """The core did not answer in time. The safe values hold."""


class RunEnded(CrumpleError):
    """The run is over. The safe values hold."""


class Rig:
    """A rig that paces the run: the `[rigs.x]` of a scene in lockstep.

        with Rig("tcp://127.0.0.1:5600", sends={"fire": "1"}, receives={"acceleration": "m/s^2"},
                 safe={"acceleration": 0.0}) as ecu:
            outputs = ecu.start()
            while True:
                outputs = ecu.exchange(fire=controller(outputs["acceleration"]))

    sends: channels of the scene's sensor on this rig.   receives: of its actuator. Each maps a name to a unit of
    measure, or to {"kind": "boolean", "si": "1"}, as in the scene and in its order; {} where there is none.
    safe: a value for each channel of `receives`.   timeout [s]: how long an answer is waited for.
    address, bind, secret, keys: as of `Sensor`. Not safe for threads: use it from one.
    Raises UsageError for an address, channels, safe values or keys that cannot be.
    """

    def __init__(
        self,
        address: str,
        *,
        sends: Channels,
        receives: Channels,
        safe: Mapping[str, float],
        timeout: float = 1.0,
        bind: bool = False,
        secret: str | os.PathLike[str] | None = None,
        keys: Keys = (),
    ) -> None:
        if not 0.0 < timeout < float("inf"):
            raise UsageError(f"timeout = {timeout}: a rig needs a time in seconds above 0.")
        self._sends, self._receives = Layout(sends), Layout(receives)
        try:
            self._safe = self._receives.ordered(safe)
        except WireError as error:
            raise UsageError(
                f"safe: {error} Every output needs a value that is safe when nobody answers."
            ) from None
        self.timeout = timeout
        self.session = new_session()
        self.sequence = 0  # of the last sample
        self.resent = 0  # samples sent once more
        self.rejected: Counter[str] = Counter()  # messages that were refused, by reason
        self.state: Literal["waiting", "live", "safe", "silent", "ended"] = "waiting"
        self._core = 0  # the core's session
        self._welcome = False  # whether the core waits for our samples
        self._patience = 0.0  # [s] that the first answer may take
        self._values: tuple[float, ...] = (0.0,) * len(self._sends.names)
        self._outputs = self._safe
        self._link = Link(
            zmq.DEALER, address, bind=bind, curve=read_curve(address, bind=bind, secret=secret, keys=keys)
        )
        # nothing is queued for a core that is not there: it would find old greetings and samples
        self._link.socket.setsockopt(zmq.IMMEDIATE, 1)

    @property
    def endpoint(self) -> str:
        """The address with its port."""
        return self._link.endpoint

    @property
    def outputs(self) -> dict[str, float]:
        """What is to be applied: the newest outputs if `state` is "live", else the safe values."""
        values = self._outputs if self.state == "live" else self._safe
        return dict(zip(self._receives.names, values, strict=True))

    def start(self, timeout: float | None = 10.0) -> dict[str, float]:
        """Waits until the core is ready, [s] at most; None: for ever. Returns the outputs at the start.

        Raises RigTimeout; RunEnded; WireError ("layout") where the scene has other channels than this rig.
        """
        if self.state != "waiting":
            raise UsageError(f"The rig was started before, and is {self.state}.")
        end = float("inf") if timeout is None else time.monotonic() + timeout
        self._patience = float("inf") if timeout is None else timeout
        told = -float("inf")
        while True:
            now = time.monotonic()
            if now >= end:
                why = self._link.why_silent() if not self._core else "It is ready, and sent no outputs."
                raise RigTimeout(f"No run began within {timeout:g} s. {why}{self._refused()}")
            if now - told >= _HELLO_EVERY:
                told = now
                self._send(Type.HELLO)
            message = self._receive(min(end - now, _HELLO_EVERY))
            if message is None:
                continue
            self._end_if_over(message)
            if message.header.type == Type.READY:
                self._core, self._welcome = message.header.session, True
                if not self._receives.names:
                    self.state = "live"
                    return {}
            elif message.header.type == Type.OUTPUT and message.header.session == self._core:
                self._apply(message)
                return self.outputs

    def exchange(
        self,
        values: Sequence[float] | Mapping[str, float] | None = None,
        *,
        t: float | None = None,
        **channels: float,
    ) -> dict[str, float]:
        """Sends a sample, all channels by name or in their order, and waits for the answer: one step of the run.

        t [s]: simulated time of the sample, where the rig knows one. Returns what is to be applied.
        The sample is sent again, with the same sequence, after each quarter of `timeout`. While somebody holds the
        run, the safe values hold (`state` is "safe") and the answer is waited for, however long.
        Raises RigTimeout; RunEnded; WireError for values that do not fit the channels.
        """
        if self.state == "waiting":
            self.start()
        if self.state == "ended":
            raise RunEnded("The run is over. Make another Rig for another run.")
        if self.state == "silent":
            raise RigTimeout(
                "The core did not answer before: whether it made the step is not known. Start again."
            )
        self._values = self._sends.ordered(channels if values is None else values)
        sim_ns, source_ns = nanoseconds(t), time.monotonic_ns()
        self.sequence += 1
        self._send(Type.SAMPLE, self.sequence, values=self._values, sim_ns=sim_ns, source_ns=source_ns)
        part = self.timeout / _TRIES
        held = False
        now = time.monotonic()
        # the first step waits for all others without whom the run does not begin
        most = max(self.timeout, self._patience) if self.sequence == 1 else self.timeout
        again, end = now + part, now + most
        while True:
            message = self._receive(min(again, end) - now)
            now = time.monotonic()
            if message is not None:
                self._end_if_over(message)
                header = message.header
                answered = header.echo_sequence == self.sequence == header.sequence
                if header.type == Type.OUTPUT and header.session == self._core:
                    if answered:
                        self._apply(message)
                        return self.outputs
                    if header.flags & Flags.PAUSED:  # it lives, and will answer when it goes on
                        self.state, held = "safe", True
                        most = max(self.timeout, _PAUSE)
                        end = now + most
            if now >= end:
                self.state = "silent"
                why = "though it was sent again and again."
                if held:
                    why = "since the core last said that somebody holds the run: it says so no more."
                raise RigTimeout(
                    f"No answer to sample {self.sequence} within {most:g} s,"
                    f" {why}{self._refused()} The safe values hold."
                )
            if now >= again:
                again = now + part
                self.resent += 1
                self._send(
                    Type.SAMPLE,
                    self.sequence,
                    values=self._values,
                    sim_ns=sim_ns,
                    source_ns=source_ns,
                    flags=Flags.RESENT,
                )

    def close(self) -> None:
        """Says good-bye, unless the core did, and lets go of the address. May be called twice."""
        if self._link.socket.closed:
            return
        if self._welcome and self.state != "ended":
            self._send(Type.BYE, 1, values=self._values)
        self.state = "ended"
        self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _send(
        self,
        kind: Type,
        sequence: int = 0,
        *,
        values: tuple[float, ...] = (),
        sim_ns: int | None = None,
        source_ns: int | None = None,
        flags: int = 0,
    ) -> None:
        header = Header(
            type=kind,
            session=self.session,
            sequence=sequence,
            sim_ns=sim_ns,
            source_ns=time.monotonic_ns() if source_ns is None else source_ns,
            flags=flags,
        )
        self._link.send(encode(Message(header, values), self._sends))

    def _receive(self, seconds: float) -> Message | None:
        frame = self._link.receive(max(seconds, 1e-3))
        if frame is None:
            return None
        try:
            message = decode(frame, self._receives)
        except WireError as error:
            self.rejected[error.reason] += 1
            if error.reason == "layout" and frame[5] == Type.READY:
                self._welcome = True
                raise WireError(
                    "layout", f"The scene's actuator has other channels than this rig. {error}"
                ) from None
            return None
        header = message.header
        if header.type in (Type.SAMPLE, Type.HELLO):
            self.rejected["type"] += 1
            return None
        return message

    def _end_if_over(self, message: Message) -> None:
        header = message.header
        if self._core and header.session != self._core:
            self.state = "ended"
            raise RunEnded("Another run began at this address: what this rig knows of the old one is void.")
        if header.type == Type.BYE or header.flags & Flags.FINAL:
            self.state = "ended"
            raise RunEnded(f"The run is over, after sample {self.sequence}.")

    def _apply(self, message: Message) -> None:
        self._outputs = message.values
        safe = message.header.flags & (Flags.SAFE | Flags.PAUSED)
        self.state = "safe" if safe else "live"

    def _refused(self) -> str:
        if not self.rejected:
            return ""
        words = ", ".join(f"{count} x {reason}" for reason, count in sorted(self.rejected.items()))
        return f" Messages were refused: {words}."
