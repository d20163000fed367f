"""What must hold of any bytes that arrive on a wire: the properties that the fuzzer tries to break.

An input is a byte that says how it is read, then frames, each behind its length (two bytes, little-endian). Needs no
fuzzer: `check` can be called with any bytes.
"""

from __future__ import annotations

from pathlib import Path

from crumple import _core
from crumple.live.watchdog import Watchdog
from crumple.live.wire import (
    HEADER_SIZE,
    REASONS,
    UNKNOWN_TIME,
    Layout,
    Message,
    Tracker,
    Type,
    WireError,
    decode,
    encode,
)

LAYOUTS = (
    Layout({}),
    Layout({"fire": "1"}),
    Layout({"a": "m/s^2", "on": {"kind": "boolean"}, "gear": {"kind": "integer"}}),
    Layout({f"c{i}": "1" for i in range(40)}),
)
MEND = 0x80
"""With this bit the frames get the right layout, which no fuzzer guesses."""
TIMEOUT = 0.1  # [s] of the watchdog; a frame comes every third of it

_core_decodes = getattr(_core, "decode_frame", None)


def frames(data: bytes) -> list[bytes]:
    """The frames of an input."""
    found = []
    place = 1
    while place + 2 <= len(data) and len(found) < 64:
        size = int.from_bytes(data[place : place + 2], "little")
        frame = data[place + 2 : place + 2 + size]
        if data[0] & MEND and len(frame) >= HEADER_SIZE:
            frame = frame[:56] + LAYOUTS[data[0] % 4].hash.to_bytes(8, "little") + frame[64:]
        found.append(frame)
        place += 2 + size
    return found


def written(how: int, *content: bytes) -> bytes:
    """The input of these frames."""
    return bytes([how]) + b"".join(len(frame).to_bytes(2, "little") + frame for frame in content)


def check(data: bytes) -> list[str]:
    """What becomes of the frames of an input: "accepted" or the reason of the refusal, each.

    Raises AssertionError where anything else comes of it.
    """
    if not data:
        return []
    layout = LAYOUTS[data[0] % 4]
    tracker = Tracker()
    watchdog = Watchdog(layout, safe=dict.fromkeys(layout.names, 0.0), timeout=TIMEOUT)
    said = []
    for count, frame in enumerate(frames(data)):
        result = judged(frame, layout)
        _check_core(frame, layout, result)
        _check_watchdog(watchdog, frame, count * TIMEOUT / 3)
        if isinstance(result, str):
            assert result in REASONS[:10], result
            said.append(result)
            continue
        assert encode(result, layout) == frame, "a frame that is understood means what it says"
        lost = tracker.lost
        outcome, gap, _ = tracker.follow(result.header)
        assert tracker.lost - lost == gap >= 0
        assert gap == 0 or outcome == "accepted"
        said.append(outcome)
    refused = tracker.duplicates + tracker.reordered + tracker.time_reversals + tracker.old_sessions
    assert tracker.accepted + refused == sum(word not in REASONS[:10] for word in said)
    return said


def judged(frame: bytes, layout: Layout) -> Message | str:
    """The message of a frame, or the reason why there is none."""
    try:
        return decode(frame, layout)
    except WireError as error:
        assert str(error), "a refusal says what was found"
        return error.reason


def _check_core(frame: bytes, layout: Layout, ours: Message | str) -> None:
    if _core_decodes is None or any(channel.kind != "real" for channel in layout.channels):
        return  # kinds are looked at by the core's sensor, not by its decoder
    try:
        theirs = _core_decodes(frame, layout.hash, len(layout.names))
    except ValueError as error:
        assert ours == str(error), f"the core says {error}"
        return
    assert isinstance(ours, Message), f"the core understands it: {theirs}"
    h = ours.header
    sim = UNKNOWN_TIME if h.sim_ns is None else h.sim_ns
    header = (h.type, h.flags, h.session, h.sequence, sim, h.source_ns, h.echo_sequence, h.echo_ns)
    assert tuple(theirs[:8]) == header
    assert tuple(theirs[8]) == ours.values


def _check_watchdog(watchdog: Watchdog, frame: bytes, now: float) -> None:
    before = sum(watchdog.rejected.values())
    message = watchdog.offer(frame, now)
    assert (message is None) == (sum(watchdog.rejected.values()) == before + 1)
    state, values = watchdog.state(now), watchdog.values(now)
    assert values == watchdog.safe or state == "live"
    if message is not None and message.header.type == Type.OUTPUT:
        assert state == {0: "live", 1: "safe", 2: "ended"}[_severity(message.header.flags)]
    assert watchdog.values(now + 2 * TIMEOUT) == watchdog.safe


def _severity(flags: int) -> int:
    return 2 if flags & 2 else 1 if flags & 5 else 0


def corpus(folder: Path) -> list[Path]:
    """The inputs of a folder, in the order of their names."""
    return sorted(path for path in folder.iterdir() if path.is_file())
