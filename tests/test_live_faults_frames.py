"""What a publisher may send, and what becomes of it: every refusal is counted, and a number is used or it is not."""

from __future__ import annotations

import os
import random
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crumple.live.monitor import Monitor
from crumple.live.wire import Header, Layout, Message, Tracker, Type, WireError, decode, encode
from live_bench import Bench, Done, quicken, reach, until, value
from live_peers import Pirate

pytest.importorskip("zmq")

LONG = "max_age = '20 s'"
SEED = int(os.environ.get("CRUMPLE_FAULT_SEED", "20261122"))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def told(
    bench: Bench,
    scene: Path,
    tell: Callable[[Pirate, Monitor], Any],
    *,
    marks: int = 1,
) -> Done:
    """A run in which a publisher sends a good 0.0, then what it is told to, then a good 777 from a new start.

    What was sent before the 777 was latched was taken before it, for messages keep their order.
    """
    with bench.begin(scene) as run, Pirate(bench.sensor) as pirate:
        pirate.wait()
        pirate.good(0.0)
        monitor = run.monitor()
        reach(monitor, 3)
        tell(pirate, monitor)
        mark(pirate, monitor)
        quicken(monitor)
        return run.end()


def mark(pirate: Pirate, monitor: Monitor) -> None:
    """A sample of a new session, which is latched."""
    pirate.begin_anew()
    pirate.good(777.0)
    until(lambda: value(monitor, "front.x") == 777.0, why="for the mark")


# -- rubbish ----------------------------------------------------------------------------------------------


def bent(frame: bytes, at: int, code: str, number: int) -> bytes:
    """A frame with another number in one place."""
    raw = bytearray(frame)
    struct.pack_into(code, raw, at, number)
    return bytes(raw)


def rubbish(pirate: Pirate) -> Iterator[tuple[str, bytes]]:
    """Frames and the reason for which each is refused."""
    good = pirate.frame(5.0, sequence=2)
    yield "short", b""
    yield "short", b"\0"
    yield "short", good[:63]
    yield "magic", random.Random(SEED).randbytes(72)
    yield "magic", b"\0" * 4096
    yield "magic", b"crmp" + good[4:]
    yield "version", bent(good, 4, "B", 2)
    yield "type", bent(good, 5, "B", 0)
    yield "type", bent(good, 5, "B", 6)
    yield "type", bent(good, 5, "B", Type.OUTPUT)
    yield "flags", bent(good, 6, "<H", 16)
    yield "flags", bent(good, 6, "<H", 0xFFFF)
    yield "session", bent(good, 8, "<Q", 0)
    yield "sequence", bent(good, 16, "<Q", 0)
    yield "sequence", bent(good, 16, "<Q", 2**53)
    yield "sequence", bent(good, 16, "<Q", 2**64 - 1)
    yield "sequence", bent(good, 40, "<Q", 2**53)
    yield "layout", bent(good, 56, "<Q", 1)
    yield "layout", pirate.frame(5.0, sequence=2, layout=Layout({"x": "m"}))
    yield "layout", pirate.frame(1.0, sequence=2, layout=Layout({"x": {"kind": "boolean"}}))
    yield "layout", pirate.frame(5.0, sequence=2, layout=Layout({"z": "1"}))
    yield "length", good[:64]
    yield "length", good[:71]
    yield "length", good + b"\0"
    yield "length", good + bytes(8)
    yield "length", good + bytes(4096 - len(good))
    for number in (float("nan"), float("inf"), float("-inf")):
        yield "value", good[:64] + struct.pack("<d", number)
    yield "value", good[:64] + b"\x01\0\0\0\0\0\xf0\x7f"  # a NaN that signals


def test_each_kind_of_rubbish_is_counted_by_its_reason_and_none_is_used(bench: Bench) -> None:
    expected: Counter[str] = Counter()

    def tell(pirate: Pirate, monitor: Monitor) -> None:
        for reason, frame in rubbish(pirate):
            expected[reason] += 1
            pirate.send(frame)

    done = told(bench, bench.paced(stop="2 s", sensor=LONG), tell)
    front = done.front
    assert front["rejected"] == dict(expected)
    assert front["accepted"] == 2
    assert set(done.column("front.x")) == {0.0, 777.0}
    assert done.verdict == "pass", done.reason
    assert "refused" in next(
        c["evidence"] for c in done.written["conditions"] if c["name"].startswith("live inputs")
    )


def test_duplicates_gaps_reordered_old_sessions_and_times_that_go_back_are_counted(bench: Bench) -> None:
    def tell(pirate: Pirate, monitor: Monitor) -> None:
        first = pirate.session
        now = time.monotonic_ns()
        for sequence in (2, 2, 2, 5, 4, 3, 5, 6):  # 2 duplicates, a gap of 2, 2 reordered, 1 duplicate
            pirate.send(pirate.frame(1.0, sequence=sequence, source_ns=now))
        pirate.send(pirate.frame(2.0, sequence=7, source_ns=now - 1))
        pirate.send(pirate.frame(2.0, sequence=7, source_ns=now, sim_ns=1000))
        pirate.send(pirate.frame(2.0, sequence=8, source_ns=now, sim_ns=999))
        pirate.send(pirate.frame(2.0, sequence=10, source_ns=now))  # a gap of 2: 8 was refused
        pirate.begin_anew()
        pirate.send(pirate.frame(3.0, sequence=41))  # nobody knows what was before: no gap
        pirate.send(pirate.frame(3.0, sequence=42), pirate.frame(9.0, session=first, sequence=11))

    scene = bench.paced(stop="2 s", sensor=LONG + "\nlost_max = 3")
    done = told(bench, scene, tell)
    front = done.front
    assert (front["duplicates"], front["reordered"], front["time_reversals"]) == (3, 2, 2)
    assert (front["lost"], front["restarts"], front["rejected"]) == (4, 2, {"old_session": 1})
    assert front["accepted"] == 1 + 3 + 2 + 2 + 1
    assert 9.0 not in done.column("front.x")
    assert (done.verdict, done.written["exit_code"]) == ("inconclusive", 3)
    assert "front lost 4 messages (lost_max = 3)" in done.reason


@pytest.mark.parametrize("source", [-(2**63), -1, 0, 1])
def test_a_sample_from_before_the_clock_began_is_old_and_not_fresh(bench: Bench, source: int) -> None:
    scene = bench.paced(stop="50 ms", sensor='max_age = "10 ms"')
    with bench.begin(scene) as run, Pirate(bench.sensor) as pirate:
        pirate.wait()
        while run.alive:
            pirate.send(pirate.frame(1.0, source_ns=source))
            time.sleep(0.001)
        done = run.end()
    assert done.front["states"] == {"held": 50}
    assert min(done.column("front.age")[1:]) > 1.0
    assert done.verdict == "inconclusive"


def test_a_sample_from_the_future_is_as_fresh_as_its_arrival_and_no_fresher(bench: Bench) -> None:
    def tell(pirate: Pirate, monitor: Monitor) -> None:
        pirate.send(pirate.frame(1.0, source_ns=2**63 - 1, sim_ns=2**63 - 1))
        until(lambda: value(monitor, "front.x") == 1.0)

    done = told(bench, bench.paced(stop="2 s", sensor=LONG), tell)
    assert np.all(done.column("front.age") >= 0.0)
    used = done.column("front.x") == 1.0
    assert np.array_equal(done.column("front.source_time")[used], done.column("front.arrival_time")[used])


def test_a_message_in_parts_is_refused_whatever_its_parts_hold(bench: Bench) -> None:
    def tell(pirate: Pirate, monitor: Monitor) -> None:
        good = pirate.frame(9.0, sequence=2)
        pirate.socket.send_multipart([good, b""])
        pirate.socket.send_multipart([b"", good])
        pirate.socket.send_multipart([good[:64], good[64:]])
        pirate.socket.send_multipart([good] * 100)

    done = told(bench, bench.paced(stop="2 s", sensor=LONG), tell)
    assert done.front["received"] == 2 + 4
    assert sum(done.front["rejected"].values()) == 4
    assert 9.0 not in done.column("front.x")


def test_parts_do_not_become_a_message_with_what_an_earlier_one_left_behind(bench: Bench) -> None:
    many = {f"x{i}": "1" for i in range(504)}  # then a message fills the largest frame
    scene = bench.paced(stop="2 s", sensor=LONG)
    channels = ", ".join(f'{name} = "1"' for name in many)
    text = scene.read_text().replace('channels = { x = "1" }', f"channels = {{ {channels} }}", 1)
    scene.write_text(text.replace('"front.x"', '"front.x0"'))
    layout = Layout(many)

    def frame(pirate: Pirate, sequence: int, x: float) -> bytes:
        header = Header(
            type=Type.SAMPLE, session=pirate.session, sequence=sequence, source_ns=time.monotonic_ns()
        )
        return encode(Message(header, (x,) * 504), layout)

    with bench.begin(scene) as run, Pirate(bench.sensor) as pirate:
        pirate.wait()
        pirate.send(frame(pirate, 1, 1.0))
        monitor = run.monitor()
        reach(monitor, 3)
        pirate.socket.send_multipart([frame(pirate, 2, 2.0)[:144], b"rest"])
        pirate.send(frame(pirate, 3, 3.0))
        until(lambda: value(monitor, "front.x503") == 3.0)
        quicken(monitor)
        done = run.end()
    assert (done.front["accepted"], done.front["lost"], done.front["rejected"]) == (2, 1, {"length": 1})
    assert 2.0 not in done.column("front.x0")


def test_a_message_of_a_mebibyte_cuts_its_sender_off_and_the_next_one_is_heard(bench: Bench) -> None:
    scene = bench.paced(stop="60 s", sensor=LONG)
    with bench.begin(scene) as run:
        with Pirate(bench.sensor) as pirate:
            pirate.wait()
            pirate.good(1.0)
            monitor = run.monitor()
            tick = reach(monitor, 3)
            pirate.send(b"x" * 2**20)
            reach(monitor, tick + 100)
            assert value(monitor, "front.x") == 1.0
        with Pirate(bench.sensor) as pirate:
            until(lambda: pirate.tried(5.0, monitor), seconds=10.0, why="for the connection to come back")
        quicken(monitor)
        done = run.end()
    assert done.front["rejected"] == {}
    assert done.front["restarts"] == 1


def mutated(pirate: Pirate, count: int) -> Iterator[bytes]:
    """Frames of a sender who has gone mad: most are good, some bent by a bit, repeated, late, or of old sessions."""
    chance = random.Random(SEED)
    sent: list[bytes] = []
    for number in range(count):
        frame = pirate.frame(float(number))
        act = chance.randrange(12)
        if act == 0:
            raw = bytearray(frame)
            raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
            frame = bytes(raw)
        elif act == 1 and sent:
            frame = chance.choice(sent[-20:])
        elif act == 2:
            pirate.sequence += chance.randrange(5)
            frame = pirate.frame(float(number))
        elif act == 3:
            frame = frame[: chance.randrange(len(frame))]
        elif act == 4:
            frame = frame + chance.randbytes(chance.randrange(1, 100))
        elif act == 5 and chance.random() < 0.1:
            pirate.begin_anew()
            frame = pirate.frame(float(number))
        elif act == 6 and sent:
            frame = chance.choice(sent)
        elif act == 7:
            kind = chance.choice([Type.HELLO, Type.BYE, Type.READY, Type.OUTPUT])
            frame = pirate.frame(float(number), type=kind, sequence=int(kind == Type.BYE))
        sent.append(frame)
        yield frame


class Model:
    """What the core's counters must come to."""

    def __init__(self, layout: Layout) -> None:
        self.layout, self.tracker = layout, Tracker()
        self.rejected: Counter[str] = Counter()
        self.values: set[float] = set()

    def offer(self, frame: bytes) -> None:
        try:
            message = decode(frame, self.layout)
        except WireError as error:
            self.rejected[error.reason] += 1
            return
        if message.header.type in (Type.HELLO, Type.BYE):
            return
        if message.header.type != Type.SAMPLE:
            self.rejected["type"] += 1
            return
        seen = self.tracker.follow(message.header)
        if seen.outcome == "accepted":
            self.values.add(message.values[0])
        elif seen.outcome == "old_session":
            self.rejected["old_session"] += 1


def test_the_core_counts_a_mad_sender_exactly_as_the_codec_of_rigs_does(bench: Bench) -> None:
    with bench.begin(bench.paced(stop="20 s", sensor=LONG)) as run, Pirate(bench.sensor) as pirate:
        model = Model(pirate.layout)
        pirate.wait()
        frames = [pirate.frame(0.0)]
        pirate.send(frames[0])
        monitor = run.monitor()
        reach(monitor, 3)
        for frame in mutated(pirate, 3000):
            frames.append(frame)
            pirate.send(frame)
        pirate.begin_anew()
        frames.append(pirate.frame(777777.0))
        pirate.send(frames[-1])
        until(lambda: value(monitor, "front.x") == 777777.0)
        quicken(monitor)
        done = run.end()
    for frame in frames:
        model.offer(frame)
    front, tracker = done.front, model.tracker
    assert front["received"] == len(frames)
    assert front["rejected"] == dict(model.rejected)
    found = [
        front[name] for name in ("accepted", "lost", "duplicates", "reordered", "time_reversals", "restarts")
    ]
    assert found == [
        tracker.accepted,
        tracker.lost,
        tracker.duplicates,
        tracker.reordered,
        tracker.time_reversals,
        tracker.restarts,
    ]
    assert set(done.column("front.x")) <= model.values
    assert len(model.rejected) >= 6  # the seed brought something of everything


# -- policies ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "state", "last"),
    [
        ("hold", "held", 8.0),
        ("substitute", "substituted", 3.0),
        ("fail_safe", "fail_safe", 8.0),
        ("extrapolate", "extrapolated", None),
    ],
)
def test_when_a_sensor_falls_silent_the_policy_holds_and_the_run_cannot_pass(
    bench: Bench, policy: str, state: str, last: float | None
) -> None:
    scene = bench.paced(stop="1 s", sensor=f'max_age = "200 ms"\npolicy = "{policy}"')
    text = scene.read_text().replace('{ x = "1" }', "{ x = { substitute = 3.0 } }", 1)
    scene.write_text(text)
    with bench.begin(scene) as run, Pirate(bench.sensor) as pirate:
        pirate.wait()
        pirate.good(7.0)
        monitor = run.monitor()
        reach(monitor, 2)
        pirate.good(8.0)
        done = run.end()
    front = done.front
    assert set(front["states"]) == {"fresh", state}
    assert front["stale_ticks"] == front["states"][state] > 100
    x = done.column("front.x")
    if last is None:
        assert x[-1] > x[-2] > 8.0  # ever further along the line
    else:
        assert x[-1] == last
    assert done.verdict == "inconclusive"
    assert done.reason.startswith("front had no fresh value in ")


@pytest.mark.parametrize(
    ("line", "limit"), [('stop_age = "100 ms"', "stop_age"), ('policy = "stop"', "max_age")]
)
def test_a_silence_that_ends_the_run_ends_it_inconclusive_with_the_last_sample_named(
    bench: Bench, line: str, limit: str
) -> None:
    scene = bench.paced(stop="20 s", sensor=f'max_age = "50 ms"\n{line}')
    with bench.begin(scene) as run, Pirate(bench.sensor) as pirate:
        pirate.wait()
        pirate.good(7.0)
        done = run.end()
    assert (done.verdict, done.written["ended"]) == ("inconclusive", "unit_ended")
    assert "sensor 'front'" in done.reason
    assert f"the run ends at {limit} = " in done.reason
    assert "its last sample was number 1" in done.reason


def test_a_queue_that_runs_over_counts_what_it_lost(bench: Bench) -> None:
    scene = bench.paced(stop="30 s", sensor=LONG + "\nqueue = true\nlost_max = 0")
    with bench.begin(scene) as run, Pirate(bench.sensor) as pirate:
        pirate.wait()
        pirate.good(0.0)
        monitor = run.monitor()
        reach(monitor, 3)
        for number in range(6000):
            pirate.good(float(number))
        reach(monitor, until(monitor.frame).tick + 500)
        quicken(monitor)
        done = run.end()
    front = done.front
    assert front["received"] == front["accepted"] == 6001
    assert front["overflows"] == front["lost"] > 0
    assert done.verdict == "inconclusive"
