"""The wire format: Python's codec and the core's, which must agree on every frame, and the tracker."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import crumple.live
from crumple import _core
from crumple.live import Header, Layout, Message, Tracker, Type, Watchdog, WireError, decode, encode
from crumple.live.wire import MOST_CHANNELS, REASONS, REMEMBERED, UNKNOWN_TIME, fnv1a, new_session
from wire_frames import FIRE, MIXED, NONE, bent, bits, header, judged, messages, output, quick

# -- one codec --------------------------------------------------------------------------------------------


@quick
@given(messages())
def test_a_message_comes_back_as_it_was(message: Message) -> None:
    again = decode(encode(message, MIXED), MIXED)
    assert again.header == message.header
    assert bits(again.values) == bits(message.values)


def test_a_frame_is_the_bytes_of_the_table() -> None:
    header = Header(
        type=2,
        flags=9,
        session=0x0102030405060708,
        sequence=5,
        sim_ns=-2,
        source_ns=3,
        echo_sequence=4,
        echo_ns=6,
    )
    frame = encode(Message(header, (1.0,)), Layout({"fire": "1"}))
    digest = fnv1a(b"fire real 1\n")
    assert frame == bytes.fromhex(
        "43524d50 01 02 0900 0807060504030201 0500000000000000 feffffffffffffff 0300000000000000"
        "0400000000000000 0600000000000000"
    ) + digest.to_bytes(8, "little") + bytes.fromhex("000000000000f03f")


def test_the_layout_is_fnv1a_of_a_line_for_each_channel() -> None:
    assert fnv1a(b"") == 0xCBF29CE484222325
    assert fnv1a(b"foobar") == 0x85944171F73967E8  # from the authors' own list of test vectors
    layout = Layout({"acceleration": "m/s^2", "belt_on": {"kind": "boolean", "si": "1"}})
    assert layout.hash == fnv1a(b"acceleration real m/s^2\nbelt_on boolean 1\n")
    assert NONE.hash == fnv1a(b"")


def test_layouts_differ_by_name_kind_unit_and_order() -> None:
    tables: list[dict[str, Any]] = [
        {"a": "m", "b": "s"},
        {"b": "s", "a": "m"},
        {"a": "m", "c": "s"},
        {"a": "m", "b": "ms"},
        {"a": "m", "b": {"si": "s", "kind": "integer"}},
        {"a": "m"},
    ]
    assert len({Layout(table).hash for table in tables}) == len(tables)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda f: f[:63], "short"),
        (lambda f: b"", "short"),
        (lambda f: f[:-1], "length"),
        (lambda f: f + bytes(8), "length"),
        (lambda f: f[:64], "length"),
        (lambda f: b"CRMQ" + f[4:], "magic"),
        (lambda f: f[:4] + b"\2" + f[5:], "version"),
        (lambda f: f[:5] + b"\0" + f[6:], "type"),
        (lambda f: f[:5] + b"\6" + f[6:], "type"),
        (lambda f: f[:6] + b"\x10\0" + f[8:], "flags"),
        (lambda f: f[:6] + b"\0\x80" + f[8:], "flags"),
        (lambda f: f[:8] + bytes(8) + f[16:], "session"),
        (lambda f: f[:40] + (2**53).to_bytes(8, "little") + f[48:], "sequence"),
        (lambda f: f[:16] + bytes(8) + f[24:], "sequence"),
        (lambda f: f[:16] + (2**53).to_bytes(8, "little") + f[24:], "sequence"),
        (lambda f: f[:56] + bytes(8) + f[64:], "layout"),
        (lambda f: f[:64] + struct.pack("<d", math.nan) + f[72:], "value"),
        (lambda f: f[:64] + struct.pack("<d", -math.inf) + f[72:], "value"),
        (lambda f: f[:72] + struct.pack("<d", 0.5) + f[80:], "value"),
        (lambda f: f[:80] + struct.pack("<d", 1.5) + f[88:], "value"),
        (lambda f: f[:80] + struct.pack("<d", 2.0**53 + 2) + f[88:], "value"),
    ],
)
def test_each_fault_has_its_reason(change: Callable[[bytes], bytes], reason: str) -> None:
    header = Header(type=Type.SAMPLE, session=1, sequence=1, source_ns=0)
    frame = encode(Message(header, (1.0, 1.0, 3.0, 4.0)), MIXED)
    with pytest.raises(WireError) as refused:
        decode(change(frame), MIXED)
    assert refused.value.reason == reason
    assert reason in REASONS


def test_a_rig_with_another_number_of_channels_is_told_of_its_layout_not_of_a_length() -> None:
    header = Header(type=Type.SAMPLE, session=1, sequence=1, source_ns=0)
    with pytest.raises(WireError, match=r"same channels.*in the same order: a, on, gear, b") as refused:
        decode(encode(Message(header, (1.0,)), Layout({"a": "m/s^2"})), MIXED)
    assert refused.value.reason == "layout"


@quick
@given(messages(), st.data())
def test_a_frame_with_flipped_bits_is_refused_or_means_what_it_says(
    message: Message, data: st.DataObject
) -> None:
    frame = bytearray(encode(message, MIXED))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(frame) * 8 - 1))
        frame[at // 8] ^= 1 << at % 8
    try:
        understood = decode(bytes(frame), MIXED)
    except WireError:
        return
    assert encode(understood, MIXED) == frame


@quick
@given(messages(), st.data())
def test_a_frame_of_another_length_is_refused(message: Message, data: st.DataObject) -> None:
    frame = encode(message, MIXED)
    cut = data.draw(st.integers(0, len(frame) - 1))
    longer = frame + data.draw(st.binary(min_size=1, max_size=40))
    for other in (frame[:cut], longer):
        if message.header.type == Type.BYE and len(other) in (64, MIXED.size):
            continue  # a good-bye may have values or none
        with pytest.raises(WireError):
            decode(other, MIXED)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (Message(Header(type=1, session=0, sequence=1, source_ns=0), (0.0,)), "session"),
        (Message(Header(type=1, session=1, sequence=0, source_ns=0), (0.0,)), "sequence"),
        (Message(Header(type=2, session=1, sequence=2**53, source_ns=0), (0.0,)), "sequence"),
        (Message(Header(type=9, session=1, sequence=1, source_ns=0), (0.0,)), "type"),
        (Message(Header(type=1, session=1, sequence=1, source_ns=0, flags=16), (0.0,)), "flags"),
        (Message(Header(type=1, session=1, sequence=1, source_ns=0), ()), "length"),
        (Message(Header(type=3, session=1, sequence=0, source_ns=0), (0.0,)), "length"),
        (Message(Header(type=1, session=1, sequence=1, source_ns=0), (math.inf,)), "value"),
        (Message(Header(type=1, session=1, sequence=1, source_ns=2**63), (0.0,)), "value"),
        (Message(Header(type=1, session=2**64, sequence=1, source_ns=0), (0.0,)), "value"),
    ],
)
def test_what_would_be_refused_cannot_be_sent(message: Message, reason: str) -> None:
    with pytest.raises(WireError) as refused:
        encode(message, Layout({"a": "1"}))
    assert refused.value.reason == reason


def test_values_go_by_name_or_by_place() -> None:
    layout = Layout({"a": "1", "b": "1"})
    assert layout.ordered({"b": 2, "a": True}) == layout.ordered([1, 2]) == (1.0, 2.0)
    with pytest.raises(WireError, match="b is missing"):
        layout.ordered({"a": 1})
    with pytest.raises(WireError, match="there is no c"):
        layout.ordered({"a": 1, "b": 2, "c": 3})
    with pytest.raises(WireError, match="3 values for 2 channels"):
        layout.ordered([1, 2, 3])


@pytest.mark.parametrize(
    ("channels", "text"),
    [
        ({"a b": "1"}, "spaces"),
        ({"a": ""}, "spaces"),
        ({"a": {"kind": "string"}}, 'kind "string"'),
        ({"a": {"unit": "m"}}, "there is no unit"),
        ({f"c{i}": "1" for i in range(MOST_CHANNELS + 1)}, "505 channels"),
    ],
)
def test_channels_that_cannot_be_are_refused(channels: dict[str, Any], text: str) -> None:
    with pytest.raises(WireError, match=text):
        Layout(channels)


def test_sessions_are_random_and_never_0() -> None:
    some = {new_session() for _ in range(100)}
    assert len(some) == 100
    assert 0 not in some


# -- tracker ----------------------------------------------------------------------------------------------


def test_sequences_tell_what_was_lost_doubled_or_overtaken() -> None:
    tracker = Tracker()
    said = [tracker.follow(header(n)) for n in (7, 8, 8, 11, 9, 12)]
    assert [seen.outcome for seen in said] == [
        *("accepted", "accepted", "duplicate", "accepted", "reordered", "accepted")
    ]
    assert [seen.gap for seen in said] == [0, 0, 0, 2, 0, 0]
    assert (tracker.accepted, tracker.lost, tracker.duplicates, tracker.reordered) == (4, 2, 1, 1)


def test_time_cannot_go_back_while_the_sequence_goes_on() -> None:
    tracker = Tracker()
    assert tracker.follow(header(1, sim=100, source=50)).outcome == "accepted"
    assert tracker.follow(header(2, sim=100, source=50)).outcome == "accepted"  # to stand still is allowed
    assert tracker.follow(header(3, sim=99, source=60)).outcome == "time_reversal"
    assert tracker.follow(header(4, sim=101, source=49)).outcome == "time_reversal"
    assert tracker.follow(header(5, sim=None, source=51)).outcome == "accepted"  # nobody knows its time
    assert tracker.follow(header(6, sim=99, source=52)).outcome == "time_reversal"  # after 2, still
    assert tracker.follow(header(7, sim=100, source=52)).outcome == "accepted"
    # what is dropped is dropped: two of them leave a gap
    assert (tracker.time_reversals, tracker.lost) == (3, 3)


def test_a_restart_is_a_new_session_and_the_old_one_is_over() -> None:
    tracker = Tracker()
    assert tracker.follow(header(900, sim=5, source=9)) == ("accepted", 0, False)
    assert tracker.follow(header(1, session=2, sim=0, source=0)) == ("accepted", 0, True)
    assert tracker.follow(header(901, sim=6, source=10)).outcome == "old_session"
    assert tracker.follow(header(3, session=2)) == ("accepted", 1, False)
    assert (tracker.restarts, tracker.old_sessions, tracker.lost) == (1, 1, 1)


def test_as_many_earlier_sessions_are_known_as_memory_is_set_aside_for() -> None:
    tracker = Tracker()
    for session in range(1, REMEMBERED + 2):
        tracker.follow(header(1, session=session))
    assert tracker.follow(header(2, session=1)).outcome == "old_session"
    tracker.follow(header(1, session=REMEMBERED + 2))
    assert tracker.follow(header(2, session=1)).outcome == "accepted"


# -- watchdog ---------------------------------------------------------------------------------------------


def test_outputs_hold_for_the_timeout_and_then_the_safe_values_do() -> None:
    dog = Watchdog(FIRE, safe={"fire": -1.0}, timeout=0.1)
    assert (dog.state(0.0), dog.values(0.0)) == ("silent", (-1.0,))
    assert dog.offer(output(1, 1.0), 5.0) is not None
    assert (dog.state(5.1), dog.values(5.1)) == ("live", (1.0,))
    assert dog.remaining(5.04) == pytest.approx(0.06)
    assert (dog.state(5.11), dog.values(5.11)) == ("silent", (-1.0,))
    dog.offer(output(2, 0.5), 6.0)
    assert dog.values(6.0) == (0.5,)


@pytest.mark.parametrize(
    ("flags", "state"), [(1, "safe"), (4, "safe"), (2, "ended"), (3, "ended"), (8, "live")]
)
def test_flags_make_the_rigs_own_safe_values_hold(flags: int, state: str) -> None:
    dog = Watchdog(FIRE, safe={"fire": 0.0}, timeout=0.1)
    dog.offer(output(1, 1.0), 0.0)
    dog.offer(output(2, 7.0, flags=flags), 0.01)
    assert dog.state(0.01) == state
    assert dog.values(0.01) == ((7.0,) if state == "live" else (0.0,))


def test_refused_messages_keep_nothing_alive_and_change_nothing() -> None:
    dog = Watchdog(FIRE, safe={"fire": 0.0}, timeout=0.1)
    dog.offer(output(5, 1.0), 0.0)
    for frame in (b"x", output(5, 9.0), output(4, 9.0), output(6, 9.0)[:-1], output(0, 0.0, kind=Type.READY)):
        dog.offer(frame, 0.09)
    assert dog.values(0.09) == (1.0,)
    assert dog.state(0.11) == "silent"
    assert dog.rejected == {"short": 1, "duplicate": 1, "reordered": 1, "length": 1}


def test_after_a_goodbye_only_another_session_counts() -> None:
    dog = Watchdog(FIRE, safe={"fire": 0.0}, timeout=0.1)
    dog.offer(output(1, 1.0), 0.0)
    dog.offer(output(2, 0.0, kind=Type.BYE, flags=3), 0.01)
    assert dog.state(9.0) == "ended"
    dog.offer(output(3, 1.0), 9.0)
    assert (dog.state(9.0), dog.rejected) == ("ended", {"old_session": 1})
    dog.offer(output(1, 1.0, session=2), 9.5)
    assert (dog.state(9.5), dog.values(9.5), dog.tracker.restarts) == ("live", (1.0,), 1)


def test_a_strangers_goodbye_ends_nothing() -> None:
    dog = Watchdog(FIRE, safe={"fire": 0.0}, timeout=0.1)
    dog.offer(output(1, 1.0), 0.0)
    dog.offer(output(1, 0.0, session=77, kind=Type.BYE), 0.01)
    assert dog.state(0.01) == "live"


def test_a_watchdog_without_a_safe_value_or_a_timeout_is_refused() -> None:
    with pytest.raises(crumple.UsageError, match=r"fire is missing.*safe when nobody answers"):
        Watchdog(FIRE, safe={}, timeout=0.1)
    with pytest.raises(crumple.UsageError, match="timeout = 0"):
        Watchdog(FIRE, safe={"fire": 0.0}, timeout=0.0)


# -- the core's decoder -----------------------------------------------------------------------------------

needs_core = pytest.mark.skipif(not hasattr(_core, "decode_frame"), reason="this core has no decode_frame")


@needs_core
@quick
@given(bent())
def test_the_core_and_python_judge_every_frame_alike(frame: bytes) -> None:
    # reals all: kinds are looked at by the sensor, not by this decoder
    channels = Layout({name: "1" for name in MIXED.names})
    frame = frame[:56] + channels.hash.to_bytes(8, "little") + frame[64:] if len(frame) >= 64 else frame
    ours = judged(frame, channels)
    try:
        said = _core.decode_frame(frame, channels.hash, len(channels.names))
    except ValueError as refused:
        assert ours == str(refused)
        return
    assert isinstance(ours, Message), f"{ours}, and the core takes it"
    h = ours.header
    sim = UNKNOWN_TIME if h.sim_ns is None else h.sim_ns
    assert tuple(said[:8]) == (
        h.type,
        h.flags,
        h.session,
        h.sequence,
        sim,
        h.source_ns,
        h.echo_sequence,
        h.echo_ns,
    )
    assert bits(tuple(said[8])) == bits(ours.values)
