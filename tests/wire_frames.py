"""Messages and frames for the tests of the wire: whole, and bent."""

from __future__ import annotations

import struct

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from crumple.live import Header, Layout, Message, Type, WireError, decode, encode

quick = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
MIXED = Layout({"a": "m/s^2", "on": {"kind": "boolean"}, "gear": {"kind": "integer"}, "b": "°C"})
NONE = Layout({})
FIRE = Layout({"fire": "1"})

i64 = st.integers(-(2**63), 2**63 - 1)
reals = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def messages(draw: st.DrawFn, layout: Layout = MIXED) -> Message:
    kind = draw(st.sampled_from(Type))
    values: tuple[float, ...] = ()
    if (
        layout is MIXED
        and kind not in (Type.HELLO, Type.READY)
        and not (kind == Type.BYE and draw(st.booleans()))
    ):
        whole = draw(st.integers(-(2**53), 2**53))
        values = (draw(reals), float(draw(st.booleans())), float(whole), draw(reals))
    return Message(
        Header(
            type=kind,
            flags=draw(st.integers(0, 15)),
            session=draw(st.integers(1, 2**64 - 1)),
            sequence=0 if kind in (3, 4) else draw(st.integers(kind != Type.OUTPUT, 2**53 - 1)),
            sim_ns=draw(st.one_of(st.none(), st.integers(-(2**63) + 1, 2**63 - 1))),
            source_ns=draw(i64),
            echo_sequence=draw(st.integers(0, 2**53 - 1)),
            echo_ns=draw(i64),
        ),
        values,
    )


def bits(values: tuple[float, ...]) -> bytes:
    return struct.pack(f"<{len(values)}d", *values)


def judged(frame: bytes, layout: Layout) -> Message | str:
    try:
        return decode(frame, layout)
    except WireError as error:
        return error.reason


@st.composite
def bent(draw: st.DrawFn) -> bytes:
    """A frame, nearly a frame, or none."""
    frame = bytearray(encode(draw(messages()), MIXED))
    for _ in range(draw(st.integers(0, 3))):
        act, at = draw(st.integers(0, 3)), draw(st.integers(0, max(0, len(frame) - 1)))
        if act == 0 and frame:
            frame[at] ^= 1 << draw(st.integers(0, 7))
        elif act == 1 and frame:
            frame[at] = draw(st.sampled_from([0, 1, 2, 3, 5, 6, 0x7F, 0x80, 0xF0, 0xFF]))
        elif act == 2:
            del frame[at:]
        else:
            frame += draw(st.binary(max_size=20))
    return bytes(frame)


def header(sequence: int, *, session: int = 1, sim: int | None = None, source: int = 0) -> Header:
    return Header(type=Type.SAMPLE, session=session, sequence=sequence, sim_ns=sim, source_ns=source)


def output(
    sequence: int, value: float, *, session: int = 1, flags: int = 0, kind: int = Type.OUTPUT
) -> bytes:
    number = 0 if kind == Type.READY else max(sequence, kind == Type.BYE)
    made = Header(type=kind, session=session, sequence=number, source_ns=sequence, flags=flags)
    return encode(Message(made, () if kind in (3, 4) else (value,)), FIRE)
