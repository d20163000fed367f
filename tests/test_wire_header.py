"""crumple_wire.h: what it encodes, refuses and follows is what Python does."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crumple.live
from crumple.live import Header, Layout, Message, Tracker, Type, Watchdog, encode
from crumple.live.wire import MOST_CHANNELS, REASONS, UNKNOWN_TIME
from wire_frames import FIRE, MIXED, NONE, bent, bits, header, judged, messages, output, quick, reals

HEADER = crumple.live.include_dir() / "crumple_wire.h"
STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow"]
needs_cc = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")


class CChannel(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("kind", ctypes.c_int), ("si", ctypes.c_char_p))


class CHeader(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("flags", ctypes.c_uint16),
        ("session", ctypes.c_uint64),
        ("sequence", ctypes.c_uint64),
        ("sim_ns", ctypes.c_int64),
        ("source_ns", ctypes.c_int64),
        ("echo_sequence", ctypes.c_uint64),
        ("echo_ns", ctypes.c_int64),
    )

    @classmethod
    def of(cls, h: Header) -> CHeader:
        sim = UNKNOWN_TIME if h.sim_ns is None else h.sim_ns
        return cls(h.type, h.flags, h.session, h.sequence, sim, h.source_ns, h.echo_sequence, h.echo_ns)

    def plain(self) -> Header:
        fields = {name: getattr(self, name) for name, _ in self._fields_}
        fields["sim_ns"] = None if self.sim_ns == UNKNOWN_TIME else self.sim_ns
        return Header(**fields)


class CWire:
    """crumple_wire.h as a library."""

    def __init__(self, path: Path) -> None:
        self.library = ctypes.CDLL(str(path))
        self.library.w_hash.restype = ctypes.c_uint64
        self.library.w_word.restype = ctypes.c_char_p
        for name in ("w_tracker", "w_watchdog"):
            getattr(self.library, name).restype = ctypes.c_void_p

    def channels(self, layout: Layout) -> Any:
        kinds = {"real": 0, "integer": 1, "boolean": 2}
        made = [CChannel(c.name.encode(), kinds[c.kind], c.si.encode()) for c in layout.channels]
        return (CChannel * max(1, len(made)))(*made)

    def hash(self, layout: Layout) -> int:
        return int(self.library.w_hash(self.channels(layout), ctypes.c_size_t(len(layout.names))))

    def word(self, reason: int) -> str:
        return str(self.library.w_word(reason).decode())

    def decode(self, frame: bytes, layout: Layout) -> Message | str:
        count = len(layout.names)
        header, values = CHeader(), (ctypes.c_double * max(1, count))(*[-5.0] * count)
        held = ctypes.create_string_buffer(
            frame, max(1, len(frame))
        )  # exact, so that a sanitizer would see more
        size, n = ctypes.c_size_t(len(frame)), ctypes.c_size_t(count)
        reason = self.library.w_decode(held, size, self.channels(layout), n, ctypes.byref(header), values)
        if reason:
            assert list(values)[:count] == [-5.0] * count, "a refused frame leaves the values alone"
            return self.word(reason)
        has = header.type not in (Type.HELLO, Type.READY) and len(frame) > 64
        return Message(header.plain(), tuple(values)[:count] if has else ())

    def encode(self, message: Message, layout: Layout) -> bytes | str:
        count = len(layout.names)
        values = (ctypes.c_double * max(1, count))(*message.values)
        frame, length = ctypes.create_string_buffer(layout.size), ctypes.c_size_t(0)
        reason = self.library.w_encode(
            ctypes.byref(CHeader.of(message.header)),
            self.channels(layout),
            ctypes.c_size_t(count),
            values if message.values else None,
            frame,
            ctypes.c_size_t(layout.size),
            ctypes.byref(length),
        )
        return self.word(reason) if reason else frame.raw[: length.value]


WRAPPER = r"""
#include "crumple_wire.h"
uint64_t w_hash(const crumple_channel* c, size_t n) { return crumple_layout_of(c, n).hash; }
const char* w_word(int reason) { return crumple_reason_word((crumple_reason)reason); }
int w_decode(const uint8_t* f, size_t size, const crumple_channel* c, size_t n, crumple_header* h, double* v) {
    const crumple_layout layout = crumple_layout_of(c, n);
    return (int)crumple_decode(f, size, &layout, h, v);
}
int w_encode(const crumple_header* h, const crumple_channel* c, size_t n, const double* v, uint8_t* f, size_t most,
             size_t* size) {
    const crumple_layout layout = crumple_layout_of(c, n);
    return (int)crumple_encode(h, &layout, v, f, most, size);
}
static crumple_tracker tracker;
static crumple_watchdog watchdog;
void* w_tracker(void) { memset(&tracker, 0, sizeof tracker); return &tracker; }
int w_follow(const crumple_header* h) { return (int)crumple_tracker_follow(&tracker, h); }
void w_counts(uint64_t* to) {
    const uint64_t from[] = {tracker.accepted, tracker.lost, tracker.duplicates, tracker.reordered,
                             tracker.time_reversals, tracker.old_sessions, tracker.restarts, tracker.session,
                             tracker.sequence};
    memcpy(to, from, sizeof from);
}
void* w_watchdog(int64_t timeout) { crumple_watchdog_start(&watchdog, timeout); return &watchdog; }
int w_offer(const crumple_channel* c, size_t n, const uint8_t* f, size_t size, int64_t now, double* v) {
    const crumple_layout layout = crumple_layout_of(c, n);
    crumple_header header;
    return (int)crumple_watchdog_offer(&watchdog, &layout, f, size, now, &header, v);
}
int w_state(int64_t now) { return (int)crumple_watchdog_state(&watchdog, now); }
uint64_t w_refused(int reason) { return watchdog.refused[reason]; }
uint64_t w_session(uint64_t seed) { return crumple_session_of(seed); }
"""


@pytest.fixture(scope="module")
def c(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CWire]:
    folder = tmp_path_factory.mktemp("wire")
    (folder / "wire.c").write_text(WRAPPER)
    library = folder / "wire.so"
    flags = ["-std=c11", "-O1", *STRICT, f"-I{HEADER.parent}", "-shared", "-fPIC"]
    subprocess.run(["cc", *flags, str(folder / "wire.c"), "-o", str(library)], check=True, timeout=60)
    yield CWire(library)


@needs_cc
@pytest.mark.parametrize(("compiler", "standard"), [("cc", "c11"), ("c++", "c++11"), ("c++", "c++20")])
def test_the_header_compiles_without_a_warning(compiler: str, standard: str, tmp_path: Path) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler}")
    source = tmp_path / ("empty.c" if compiler == "cc" else "empty.cpp")
    source.write_text('#include "crumple_wire.h"\nint main(void) { return CRUMPLE_OK; }\n')
    command = [compiler, f"-std={standard}", *STRICT, f"-I{HEADER.parent}", "-fsyntax-only", str(source)]
    assert subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stderr == ""


@needs_cc
@quick
@given(messages())
def test_c_encodes_what_python_encodes(c: CWire, message: Message) -> None:
    frame = encode(message, MIXED)
    assert c.encode(message, MIXED) == frame
    again = c.decode(frame, MIXED)
    assert isinstance(again, Message)
    assert again.header == message.header
    assert bits(again.values) == bits(message.values)


@needs_cc
@quick
@given(bent())
def test_c_and_python_judge_every_frame_alike(c: CWire, frame: bytes) -> None:
    ours, theirs = judged(frame, MIXED), c.decode(frame, MIXED)
    assert ours == theirs or (repr(ours) == repr(theirs))  # -0.0 and the like, told apart by their text


@needs_cc
@given(st.integers(0, 2**64 - 1))
@settings(max_examples=50, deadline=None)
def test_c_makes_sessions_that_are_not_0(c: CWire, seed: int) -> None:
    c.library.w_session.restype = ctypes.c_uint64
    assert c.library.w_session(ctypes.c_uint64(seed)) != 0


@needs_cc
def test_c_and_python_have_the_same_layouts_and_words(c: CWire) -> None:
    for layout in (MIXED, NONE, FIRE, Layout({f"c{i}": "1" for i in range(MOST_CHANNELS)})):
        assert c.hash(layout) == layout.hash
    assert [c.word(1 + i) for i in range(len(REASONS))] == list(REASONS)
    assert (c.word(0), c.word(99), c.word(-1)) == ("ok", "?", "?")


steps = st.tuples(
    st.integers(1, 4), st.integers(1, 12), st.one_of(st.none(), st.integers(0, 9)), st.integers(0, 9)
)


@needs_cc
@quick
@given(st.lists(steps, max_size=60))
def test_c_and_python_follow_a_sender_alike(c: CWire, sent: list[tuple[int, int, int | None, int]]) -> None:
    tracker = Tracker()
    c.library.w_tracker()
    for session, sequence, sim, source in sent:
        one = header(sequence, session=session, sim=sim, source=source)
        reason = c.library.w_follow(ctypes.byref(CHeader.of(one)))
        assert tracker.follow(one).outcome == (c.word(reason) if reason else "accepted")
    counts = (ctypes.c_uint64 * 9)()
    c.library.w_counts(counts)
    t = tracker
    assert list(counts) == [
        *(t.accepted, t.lost, t.duplicates, t.reordered, t.time_reversals, t.old_sessions, t.restarts),
        *(t.session, t.sequence),
    ]


frames = st.one_of(
    st.builds(
        output,
        st.integers(0, 9),
        reals,
        session=st.integers(1, 3),
        flags=st.integers(0, 15),
        kind=st.sampled_from([2, 2, 2, 4, 5]),
    ),
    st.binary(max_size=3),
)


@needs_cc
@quick
@given(st.lists(st.tuples(frames, st.integers(0, 80)), max_size=30))
def test_c_and_python_go_safe_at_the_same_moments(c: CWire, arrivals: list[tuple[bytes, int]]) -> None:
    dog = Watchdog(FIRE, safe={"fire": -1.0}, timeout=0.1)
    c.library.w_watchdog(ctypes.c_int64(100_000_000))
    c.library.w_refused.restype = ctypes.c_uint64
    value, now = (ctypes.c_double * 1)(-1.0), 0
    for frame, pause in arrivals:
        now += pause * 1_000_000
        dog.offer(frame, now * 1e-9)
        held = ctypes.create_string_buffer(frame, max(1, len(frame)))
        c.library.w_offer(
            *(
                c.channels(FIRE),
                ctypes.c_size_t(1),
                held,
                ctypes.c_size_t(len(frame)),
                ctypes.c_int64(now),
                value,
            )
        )
        for later in (now, now + 98_500_000, now + 101_500_000):  # never at the very moment
            state = ("live", "safe", "silent", "ended")[c.library.w_state(ctypes.c_int64(later))]
            assert state == dog.state(later * 1e-9)
            if state == "live":
                assert dog.values(later * 1e-9) == (value[0],)
    assert {w: n for i, w in enumerate(REASONS) if (n := c.library.w_refused(i + 1))} == dict(dog.rejected)
