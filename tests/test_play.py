"""`crumple play` sends a tape on an absolute schedule, or one sample a step, as a rig would."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crumple.cli.app import invoke
from crumple.errors import UsageError
from crumple.tape import Tape
from crumple.tape_play import Played, layout_of, open_tape, pace, publish, samples

pytest.importorskip("zmq")


@pytest.fixture
def tape() -> Tape:
    """11 samples, 1 ms apart, the first at 20 ms."""
    return Tape.from_arrays(
        np.arange(11) / 1000 + 0.02, {"a": np.arange(11.0), "on": np.arange(11) % 2}, kinds={"on": "boolean"}
    )


class Clock:
    """A clock that only sleeping moves; and a rig that notes what it sends, and when."""

    def __init__(self, *, stall: float = 0.0, leave_after: int | None = None) -> None:
        self.t = 100.0
        self.sent: list[tuple[float, float, list[float]]] = []
        self.stall = stall  # [s] that sending the third sample takes
        self.leave_after = leave_after

    def now(self) -> float:
        return self.t

    def sleep(self, seconds: float) -> None:
        self.t += seconds

    @property
    def subscribers(self) -> int:
        return int(self.leave_after is None or len(self.sent) < self.leave_after)

    def send(self, values: list[float], *, t: float) -> None:
        self.sent.append((self.t, t, values))
        if len(self.sent) == 3:
            self.t += self.stall


def played(tape: Tape, clock: Clock, **options: Any) -> Played:
    return publish(tape, clock, now=clock.now, sleep=clock.sleep, **options)


@pytest.mark.parametrize("speed", [1.0, 0.05, 8.0])
def test_every_sample_leaves_at_its_time(tape: Tape, speed: float) -> None:
    clock = Clock()
    assert played(tape, clock, speed=speed) == Played(
        11, pytest.approx(0.03), left=False, late=pytest.approx(0.0)
    )
    wall = [when - 100.0 for when, _, _ in clock.sent]
    assert wall == pytest.approx([n / 1000 / speed for n in range(11)], abs=1e-9)
    assert [t for _, t, _ in clock.sent] == tape.t.tolist()
    assert [values for _, _, values in clock.sent] == tape.rows()[1].tolist()


def test_a_sample_that_is_late_does_not_delay_those_after_it(tape: Tape) -> None:
    clock = Clock(stall=0.0045)
    assert played(tape, clock).late == pytest.approx(0.0035)
    wall = [when - 100.0 for when, _, _ in clock.sent]
    assert wall == pytest.approx([0.0, 0.001, *[0.002], *[0.0065] * 4, 0.007, 0.008, 0.009, 0.010], abs=1e-9)


def test_it_ends_when_nobody_listens_any_more() -> None:
    slow = Tape.from_arrays(np.arange(100) / 10, {"a": np.zeros(100)})
    clock = Clock(leave_after=7)
    assert played(slow, clock).left
    assert len(clock.sent) <= 9  # it looks every tenth of a second, which is as often as it sends


def test_a_loop_goes_on_in_time(tape: Tape) -> None:
    rounds = list(samples(tape, loop=3))
    assert len(rounds) == 33
    assert np.diff([t for t, _ in rounds]) == pytest.approx(np.full(32, 0.001))
    assert [values[0] for _, values in rounds] == [*range(11)] * 3


@pytest.mark.parametrize("speed", [0.0, -1.0, float("inf"), float("nan")])
def test_a_speed_that_is_none_is_refused(tape: Tape, speed: float) -> None:
    with pytest.raises(UsageError, match="cannot be played at"):
        played(tape, Clock(), speed=speed)


# -- on the wire ------------------------------------------------------------------------------------------------


@pytest.fixture
def address(tmp_path: Path) -> str:
    place = f"ipc://{tmp_path}/w"
    if len(place) > 100:
        pytest.skip("the folder for temporary files has too long a name for a socket")
    return place


@pytest.fixture
def saved(tape: Tape, tmp_path: Path) -> str:
    tape.save(tmp_path / "tape.npy")
    return str(tmp_path / "tape.npy")


def frames(address: str, wanted: int) -> Iterator[bytes]:
    """What a subscriber gets, until it has so many samples."""
    import zmq

    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.rcvtimeo = 10_000
        socket.linger = 0
        socket.subscribe(b"")
        socket.connect(address)
        while wanted:
            frame = socket.recv()
            wanted -= frame[5] == 1
            yield frame


def test_the_command_puts_every_sample_on_the_wire_with_its_time(
    tape: Tape, saved: str, address: str
) -> None:
    from crumple.live import Layout, Type, decode

    codes: list[int] = []
    asked = ["play", saved, "--zmq", address, "--wait", "20 s", "--speed", "0.5"]
    thread = threading.Thread(target=lambda: codes.append(invoke(asked)))
    thread.start()
    got = [decode(frame, Layout(tape.channels())) for frame in frames(address, 11)]
    thread.join(timeout=20)
    assert codes == [0]
    taken = [message for message in got if message.header.type == Type.SAMPLE]
    assert [message.header.sequence for message in taken] == list(range(1, 12))
    assert [message.header.sim_ns for message in taken] == [20_000_000 + n * 1_000_000 for n in range(11)]
    assert [list(message.values) for message in taken] == tape.rows()[1].tolist()


def test_nobody_who_comes_is_an_error_that_names_the_address(
    saved: str, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    assert invoke(["play", saved, "--zmq", address, "--wait", "100 ms"]) == 2
    assert time.monotonic() - began < 20
    assert f"nobody listened to {address} within 100 ms" in capsys.readouterr().err


def test_no_core_that_paces_is_an_error(saved: str, address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["play", saved, "--zmq", address, "--lockstep", "--wait", "100 ms"]) == 2
    assert "No run began within 0.1 s" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "fact"),
    [
        (["--zmq", "tcp:127.0.0.1:1"], "is no address"),
        (["--zmq", "tcp://0.0.0.0:*"], "key"),
        (["--zmq", "ipc:///tmp/none", "--from", "1 s"], "no row of the tape is left"),
        (["--zmq", "ipc:///tmp/none", "--wait", "soon"], '--wait "soon" is no time'),
        (["--zmq", "ipc:///tmp/none", "--sensor", "rear"], 'is the tape of sensor "sensor", not of "rear"'),
        (["--zmq", "ipc:///tmp/none", "--receive", "fire"], "--receive is for --lockstep"),
        (["--zmq", "ipc:///tmp/none", "--lockstep", "--speed", "2"], "no meaning in lockstep"),
        (["--zmq", "ipc:///tmp/none", "--lockstep", "--receive", "a b"], "is no name of a channel"),
    ],
)
def test_a_wrong_call_ends_with_2(
    saved: str, capsys: pytest.CaptureFixture[str], options: list[str], fact: str
) -> None:
    assert invoke(["play", saved, *options]) == 2
    assert fact in capsys.readouterr().err


def test_what_is_no_tape_is_not_played(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    assert invoke(["play", str(tmp_path / "notes.txt"), "--zmq", "ipc:///tmp/none"]) == 2
    assert invoke(["play", str(tmp_path / "nothing.npy"), "--zmq", "ipc:///tmp/none"]) == 2
    assert invoke(["play", str(tmp_path), "--zmq", "ipc:///tmp/none"]) == 2
    said = capsys.readouterr().err
    assert "notes.txt is no tape" in said
    assert "nothing.npy cannot be read: No such file or directory" in said
    assert f"{tmp_path} has no tape" in said


def test_channels_of_an_answer_are_named_as_those_of_a_tape() -> None:
    channels = layout_of(["fire", "level[m/s]", "armed[boolean]"])
    assert [(each.name, each.kind, each.si) for each in channels.values()] == [
        ("fire", "real", "1"),
        ("level", "real", "m/s"),
        ("armed", "boolean", "1"),
    ]
    with pytest.raises(UsageError, match="named twice"):
        layout_of(["a", "a"])


class Rig:
    """A rig whose run ends in the middle of the tape."""

    def __init__(self, steps: int) -> None:
        self.sequence = 0
        self.steps = steps

    def exchange(self, values: list[float], *, t: float) -> dict[str, float]:
        from crumple.live import RunEnded

        if self.sequence >= self.steps:
            raise RunEnded("The run is over.")
        self.sequence += 1
        return {}


def test_a_run_that_ends_before_the_tape_has_had_what_it_wanted(tape: Tape) -> None:
    end = pace(tape, Rig(4))
    assert (end.sent, end.t, end.left) == (4, pytest.approx(0.023), True)


def test_a_tape_is_opened_by_its_file(tape: Tape, saved: str) -> None:
    assert open_tape(saved).rows()[1].tolist() == tape.rows()[1].tolist()
