"""The messages between Crumple and a rig: one frame each, a header of 64 bytes, then doubles (docs/wire.md).

Nothing that was received is trusted: `decode` gives a message that encodes to the very same bytes, or raises
`WireError` with a reason word. Needs no ZeroMQ; `cpp/include/crumple_wire.h` is the same for rigs in C.
"""

from __future__ import annotations

import math
import secrets
import struct
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Any, Final, Literal, NamedTuple

from crumple.errors import CrumpleError
from crumple.live.plan import Channel, ChannelKind

MAGIC: Final = b"CRMP"
VERSION: Final = 1
HEADER_SIZE: Final = 64  # [bytes]
EXACT: Final = 2**53  # sequences stay below, integers within: a double holds every one of them
UNKNOWN_TIME: Final = -(2**63)  # on the wire, where no simulated time is known
REMEMBERED: Final = 64  # earlier sessions: for as long as a sender could plausibly still send in one
MOST_CHANNELS: Final = (
    504  # a frame has 4096 bytes at most, so that a flood of large ones cannot fill the memory
)

REASONS: Final = (
    *("short", "magic", "version", "type", "flags", "session", "sequence", "layout", "length", "value"),
    *("old_session", "duplicate", "reordered", "time_reversal"),
)
"""Why a message is refused: what `decode` finds, in the order in which it looks, then what `Tracker` finds."""

Outcome = Literal["accepted", "old_session", "duplicate", "reordered", "time_reversal"]

_HEADER = struct.Struct("<4sBBHQQqqQqQ")
_ALL_FLAGS = 0b1111
_LONGEST = 9e9  # [s] what a signed number of nanoseconds holds: 285 years


class Type(IntEnum):
    """What a message is."""

    SAMPLE = 1  # values from the rig
    OUTPUT = 2  # values from the core
    HELLO = 3  # the rig: here I am, and this is my layout
    READY = 4  # the core: so am I, and your layout fits
    BYE = 5  # either: nothing more will come


class Flags(IntFlag):
    """What else is to be known of a message."""

    SAFE = 1  # the values are the safe ones
    FINAL = 2  # the run is over
    PAUSED = 4  # the run is halted, and may go on
    RESENT = 8  # sent before, with the same sequence


class WireError(CrumpleError):
    """A message is refused. `reason` is one of REASONS; the text says what was found."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason

    def __reduce__(self) -> tuple[type[WireError], tuple[str, str]]:
        return type(self), (self.reason, str(self))


class Layout:
    """The numbers of a message: their names, kinds and units of measure, in their order.

    channels: `Channel`s, or a mapping from name to the unit of measure or to a table as in a scene, such as
    {"acceleration": "m/s^2", "belt_on": {"kind": "boolean"}}.
    hash: FNV-1a, 64 bits, of a line "name kind si" for each channel.
    Raises WireError ("layout") for a name that occurs twice or that has spaces in it, and for too many channels.
    """

    def __init__(self, channels: Iterable[Channel] | Mapping[str, str | Mapping[str, Any]]) -> None:
        self.channels: tuple[Channel, ...] = (
            tuple(_channel(name, said) for name, said in channels.items())
            if isinstance(channels, Mapping)
            else tuple(channels)
        )
        self.names: tuple[str, ...] = tuple(channel.name for channel in self.channels)
        for channel in self.channels:
            _check_words(channel)
        if len(self.names) > MOST_CHANNELS:
            raise WireError("layout", f"{len(self.names)} channels; a message holds {MOST_CHANNELS}.")
        if len(set(self.names)) < len(self.names):
            raise WireError("layout", f"A channel occurs twice: {', '.join(self.names)}.")
        lines = "".join(f"{c.name} {c.kind} {c.si}\n" for c in self.channels)
        self.hash: int = fnv1a(lines.encode())
        self.size: int = HEADER_SIZE + 8 * len(self.channels)  # [bytes] of a message with values
        self._struct = struct.Struct(f"{_HEADER.format}{len(self.channels)}d")
        self._whole = tuple(i for i, c in enumerate(self.channels) if c.kind != "real")

    def __repr__(self) -> str:
        return f"Layout({', '.join(f'{c.name} [{c.si}]' for c in self.channels)}; {self.hash:#018x})"

    def ordered(self, values: Sequence[float] | Mapping[str, float]) -> tuple[float, ...]:
        """Values in the order of the channels. Raises WireError ("value") for a missing, unknown or wrong one."""
        if isinstance(values, Mapping):
            if values.keys() != set(self.names):
                missing = [name for name in self.names if name not in values]
                unknown = [name for name in values if name not in self.names]
                fact = f"{', '.join(missing)} is missing" if missing else f"there is no {', '.join(unknown)}"
                raise WireError("value", f"Of the channels ({', '.join(self.names)}), {fact}.")
            values = [values[name] for name in self.names]
        elif len(values) != len(self.names):
            raise WireError("value", f"{len(values)} values for {len(self.names)} channels.")
        try:
            ordered = tuple(map(float, values))
        except (TypeError, ValueError) as error:
            raise WireError("value", f"A channel's value is no number: {error}.") from None
        self.check(ordered)
        return ordered

    def check(self, values: Sequence[float]) -> None:
        """Raises WireError ("value") for what is not finite, a boolean that is not 0 or 1, an integer that is none."""
        for index, value in enumerate(values):
            if not math.isfinite(value):
                raise WireError("value", f"{self.names[index]} is {value}.")
        for index in self._whole:
            value, channel = values[index], self.channels[index]
            if channel.kind == "boolean" and value not in (0.0, 1.0):
                raise WireError("value", f"{channel.name} is a boolean and cannot be {value:g}.")
            if channel.kind == "integer" and (value != math.floor(value) or abs(value) > EXACT):
                raise WireError(
                    "value", f"{channel.name} is an integer within 2^53 and cannot be {value:.17g}."
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What stands before the values.

    type: one of Type.   flags: of Flags, combined.   session: not 0; another after each start of the sender.
    sequence: counts the messages of the type and session.   sim_ns: simulated time [ns]; None: not known.
    source_ns: the sender's CLOCK_MONOTONIC [ns] when it made the message.
    echo_sequence, echo_ns: sequence and source time of the last SAMPLE that an OUTPUT answers; 0: none.
    """

    type: int
    session: int
    sequence: int
    source_ns: int
    flags: int = 0
    sim_ns: int | None = None
    echo_sequence: int = 0
    echo_ns: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """A header and the values of the sender's channels in their order; HELLO and READY have none, BYE may have."""

    header: Header
    values: tuple[float, ...] = ()


def encode(message: Message, layout: Layout) -> bytes:
    """The frame of a message. Raises WireError for one that `decode` would refuse."""
    h, values = message.header, message.values
    _check(h.type, h.flags, h.session, h.sequence, h.echo_sequence)
    expected = 0 if h.type in (Type.HELLO, Type.READY) else len(layout.names)
    if len(values) != expected and not (h.type == Type.BYE and not values):
        raise WireError("length", f"{Type(h.type).name} has {len(values)} values where {expected} belong.")
    if values:
        layout.check(values)
    sim = UNKNOWN_TIME if h.sim_ns is None else h.sim_ns
    packer = layout._struct if values else _HEADER
    try:
        return packer.pack(
            MAGIC, VERSION, h.type, h.flags, h.session, h.sequence, sim, h.source_ns,
            h.echo_sequence, h.echo_ns, layout.hash, *values,
        )  # fmt: skip
    except struct.error as error:
        raise WireError("value", f"A number of the header is out of range: {error}.") from None


def decode(frame: bytes, layout: Layout) -> Message:
    """The message of a frame from a sender that should have this layout. Raises WireError for all else."""
    if len(frame) < HEADER_SIZE:
        raise WireError("short", f"{len(frame)} bytes are less than a header ({HEADER_SIZE}).")
    magic, version, kind, flags, session, sequence, sim, source, echo, echo_ns, digest = _HEADER.unpack_from(
        frame
    )
    if magic != MAGIC:
        raise WireError(
            "magic", f"It begins with {bytes(magic)!r}, not with {MAGIC!r}: no message of Crumple."
        )
    if version != VERSION:
        raise WireError("version", f"Version {version} of the wire format; this is version {VERSION}.")
    _check(kind, flags, session, sequence, echo)
    if digest != layout.hash:
        raise WireError(
            "layout",
            f"Layout {digest:#018x}; expected {layout.hash:#018x}. Sender and receiver must have the same channels,"
            f" with kinds and units of measure, in the same order: {', '.join(layout.names) or 'none'}.",
        )
    expected = HEADER_SIZE if kind in (Type.HELLO, Type.READY) else layout.size
    if len(frame) != expected and not (kind == Type.BYE and len(frame) == HEADER_SIZE):
        raise WireError("length", f"{Type(kind).name} of {len(frame)} bytes; expected {expected}.")
    values: tuple[float, ...] = ()
    if len(frame) > HEADER_SIZE:
        values = layout._struct.unpack(frame)[11:]
        layout.check(values)
    header = Header(
        type=kind,
        flags=flags,
        session=session,
        sequence=sequence,
        sim_ns=None if sim == UNKNOWN_TIME else sim,
        source_ns=source,
        echo_sequence=echo,
        echo_ns=echo_ns,
    )
    return Message(header, values)


class Seen(NamedTuple):
    """What a `Tracker` makes of a message.

    outcome: "accepted", or why it is to be dropped.   gap: messages lost before it.
    restart: it is the first of another session.
    """

    outcome: Outcome
    gap: int = 0
    restart: bool = False


class Tracker:
    """Follows sessions, sequences and times of one sender's messages of one type.

    A message that is dropped changes nothing but its count. The first of a session makes no gap, for nobody knows
    what the sender sent before. The last REMEMBERED earlier sessions are known.
    """

    def __init__(self) -> None:
        self.session = 0  # that is followed; 0: none
        self.sequence = 0  # of the last accepted message
        self.accepted = 0
        self.lost = 0
        self.duplicates = 0
        self.reordered = 0
        self.time_reversals = 0
        self.old_sessions = 0
        self.restarts = 0
        self._sessions = 0
        self._sim_ns = UNKNOWN_TIME
        self._source_ns = 0
        self._earlier: deque[int] = deque(maxlen=REMEMBERED)

    def follow(self, header: Header) -> Seen:
        """Judges a message (SAMPLE or OUTPUT) and, if it is accepted, goes on from there."""
        sim = UNKNOWN_TIME if header.sim_ns is None else header.sim_ns
        restart, gap = False, 0
        if header.session == self.session:
            if header.sequence == self.sequence:
                self.duplicates += 1
                return Seen("duplicate")
            if header.sequence < self.sequence:
                self.reordered += 1
                return Seen("reordered")
            back = UNKNOWN_TIME not in (sim, self._sim_ns) and sim < self._sim_ns
            if back or header.source_ns < self._source_ns:
                self.time_reversals += 1
                return Seen("time_reversal")
            gap = header.sequence - self.sequence - 1
        elif header.session in self._earlier:
            self.old_sessions += 1
            return Seen("old_session")
        else:
            restart = self._sessions > 0
            self.end()
            self.session = header.session
            self._sessions += 1
            self.restarts += restart
            self._sim_ns = UNKNOWN_TIME
        self.accepted += 1
        self.lost += gap
        self.sequence = header.sequence
        self._source_ns = header.source_ns
        if sim != UNKNOWN_TIME:
            self._sim_ns = sim
        return Seen("accepted", gap, restart)

    def is_earlier(self, session: int) -> bool:
        """Whether this session is over: another came after it, or it was ended."""
        return session in self._earlier

    def end(self) -> None:
        """The session that is followed is over; more of its messages would be of an earlier session."""
        if self.session:
            self._earlier.append(self.session)
        self.session = 0


def nanoseconds(t: float | None) -> int | None:
    """A simulated time [s] as a message has it; None: not known. Raises WireError ("value") for what is no time."""
    if t is None:
        return None
    if not math.isfinite(t) or abs(t) > _LONGEST:
        raise WireError("value", f"t = {t} s is no time.")
    return round(t * 1e9)


def new_session() -> int:
    """A session's number: random, not 0."""
    return secrets.randbits(64) or 1


def fnv1a(text: bytes) -> int:
    """FNV-1a, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in text:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def _check(kind: int, flags: int, session: int, sequence: int, echo: int) -> None:
    if not Type.SAMPLE <= kind <= Type.BYE:
        raise WireError("type", f"There is no type {kind}.")
    if flags & ~_ALL_FLAGS:
        raise WireError("flags", f"There are no flags {flags & ~_ALL_FLAGS:#06x}.")
    if session == 0:
        raise WireError("session", "A session cannot be 0.")
    least = kind in (Type.SAMPLE, Type.BYE)  # in lockstep the first OUTPUT has 0
    most = 0 if kind in (Type.HELLO, Type.READY) else EXACT - 1
    if not least <= sequence <= most or not 0 <= echo < EXACT:
        raise WireError("sequence", f"{Type(kind).name} cannot have sequence {sequence} and echo {echo}.")


def _channel(name: str, said: str | Mapping[str, Any]) -> Channel:
    if isinstance(said, str):
        return Channel(name=name, si=said)
    unknown = set(said) - {"kind", "si"}
    if unknown:
        raise WireError(
            "layout", f'Channel "{name}": there is no {", ".join(sorted(unknown))}, only kind and si.'
        )
    kind: ChannelKind = said.get("kind", "real")
    return Channel(name=name, kind=kind, si=said.get("si", "1"))


def _check_words(channel: Channel) -> None:
    if channel.kind not in ("real", "integer", "boolean"):
        raise WireError(
            "layout", f'Channel "{channel.name}": kind "{channel.kind}" is not real, integer or boolean.'
        )
    for word in (channel.name, channel.si):
        if not word or any(letter.isspace() or ord(letter) < 32 for letter in word):
            raise WireError(
                "layout", f'Channel "{channel.name}" [{channel.si}]: a name or unit with spaces, or none.'
            )
