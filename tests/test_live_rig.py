"""Sensor, Actuator and Rig against plain sockets of ZeroMQ: greetings, watchdogs, restarts."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import pytest
import zmq

import crumple
from crumple.live import (
    Actuator,
    Flags,
    Layout,
    Message,
    RigTimeout,
    RunEnded,
    Sensor,
    Type,
    WireError,
    decode,
)
from live_sockets import LONG, A, Core, Open, actuator, at, connected, eventually, made, rig

# -- sensor -----------------------------------------------------------------------------------------------


def test_a_subscriber_is_greeted_and_then_gets_every_sample(plain: Open) -> None:
    with Sensor("tcp://127.0.0.1:*", {"a": "m/s^2"}) as sensor:
        assert sensor.wait_for_subscriber(timeout=0.01) is False
        sensor.send(a=0.0)  # reaches nobody
        listener = plain(zmq.SUB, connect=sensor.endpoint)
        assert sensor.wait_for_subscriber(timeout=LONG)
        sensor.send(a=-9.5, t=0.001)
        sensor.send([1.0])
        sensor.send({"a": 2.0}, t=-1.0)
        hello, *samples = (decode(listener.recv(), A) for _ in range(4))
    assert hello.header.type == Type.HELLO
    assert [(m.header.sequence, m.header.sim_ns, m.values) for m in samples] == [
        (2, 1_000_000, (-9.5,)),
        (3, None, (1.0,)),
        (4, -1_000_000_000, (2.0,)),
    ]
    bye = decode(listener.recv(), A)
    assert (bye.header.type, bye.header.session, bye.values) == (Type.BYE, hello.header.session, (2.0,))


def test_each_subscriber_is_greeted_and_counted(plain: Open) -> None:
    with Sensor("tcp://127.0.0.1:*", {"a": "m/s^2"}) as sensor:
        listeners = [plain(zmq.SUB, connect=sensor.endpoint) for _ in range(2)]
        assert eventually(lambda: sensor.subscribers == 2)
        for listener in listeners:
            assert decode(listener.recv(), A).header.type == Type.HELLO
        listeners[0].close()
        assert eventually(lambda: sensor.subscribers == 1)


def test_source_times_are_of_the_clock_that_the_core_reads(plain: Open) -> None:
    with Sensor("tcp://127.0.0.1:*", {"a": "m/s^2"}) as sensor:
        listener = plain(zmq.SUB, connect=sensor.endpoint)
        assert sensor.wait_for_subscriber(timeout=LONG)
        listener.recv()
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        sensor.send(a=1.0)
        after = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        assert before <= decode(listener.recv(), A).header.source_ns <= after


def test_a_sensor_that_starts_again_has_another_session() -> None:
    sessions = set()
    for _ in range(3):
        with Sensor("tcp://127.0.0.1:*", {"a": "m/s^2"}) as sensor:
            sessions.add(sensor.session)
    assert len(sessions) == 3


def test_a_sensor_may_connect_where_the_core_waits(plain: Open) -> None:
    core = plain(zmq.SUB, bind="tcp://127.0.0.1:*")
    with Sensor(at(core), {"a": "m/s^2"}, bind=False) as sensor:
        # one that waits subscribes when it next looks at its socket
        assert eventually(lambda: core.poll(1) == 0 and sensor.wait_for_subscriber(timeout=0.01))
        assert decode(core.recv(), A).header.type == Type.HELLO


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({}, "a is missing"),
        ({"a": 1.0, "b": 2.0}, "there is no b"),
        ({"a": float("nan")}, "a is nan"),
        ({"a": "hot"}, "no number: could not convert string"),
        ({"a": None}, "no number"),
        ({"a": 1.0, "t": float("inf")}, "t = inf s is no time"),
        ({"a": 1.0, "t": 1e10}, "is no time"),
    ],
)
def test_a_wrong_sample_is_refused_where_it_is_sent(values: dict[str, Any], text: str) -> None:
    with Sensor("tcp://127.0.0.1:*", {"a": "m/s^2"}) as sensor:
        with pytest.raises(WireError, match=text):
            sensor.send(**values)
        assert sensor.sequence == 0


def test_an_address_that_is_taken_is_named() -> None:
    with (
        Sensor("tcp://127.0.0.1:*", {"a": "1"}) as first,
        pytest.raises(
            crumple.UsageError, match=r"Cannot wait for others at tcp://127.0.0.1:\d+: Address already"
        ),
    ):
        Sensor(first.endpoint, {"a": "1"})


# -- actuator ---------------------------------------------------------------------------------------------


def test_who_waits_for_a_run_tries_as_often_later_as_at_first() -> None:
    # a run may be shorter than a pause that grows, and would be missed
    with Actuator(
        "ipc:///tmp/crumple-nobody-is-here", {"fire": "1"}, safe={"fire": 0.0}, timeout=0.1
    ) as squib:
        socket = squib._link.socket
        assert (socket.getsockopt(zmq.RECONNECT_IVL), socket.getsockopt(zmq.RECONNECT_IVL_MAX)) == (20, 0)


def test_an_actuator_gives_the_newest_output_and_the_safe_value_after_silence(plain: Open) -> None:
    core = plain(zmq.XPUB, bind="tcp://127.0.0.1:*")
    with actuator(at(core), timeout=LONG / 4) as squib:  # a machine that stalls is not a rig that is silent
        assert (squib.latest(), squib.state, squib.header) == ({"fire": -1.0}, "silent", None)
        connected(core)
        core.send(made(Type.OUTPUT, 1, 0.0))
        assert squib.receive(timeout=LONG) == {"fire": 0.0}
        assert squib.state == "live"
        for sequence in (2, 3, 5):
            core.send(made(Type.OUTPUT, sequence, float(sequence)))
        assert eventually(lambda: squib.latest() == {"fire": 5.0})
        assert squib.lost == 1
        assert squib.header is not None
        assert squib.header.sequence == 5
        began = time.monotonic()
        assert squib.receive(timeout=LONG) == {"fire": -1.0}  # its watchdog, long before the time-out
        assert squib.state == "silent"
        assert time.monotonic() - began < LONG / 2


def test_an_actuator_goes_safe_when_told_and_says_why(plain: Open) -> None:
    core = plain(zmq.XPUB, bind="tcp://127.0.0.1:*")
    with actuator(at(core), timeout=LONG) as squib:
        connected(core)
        core.send(made(Type.OUTPUT, 1, 1.0))
        assert squib.receive(timeout=LONG) == {"fire": 1.0}
        core.send(made(Type.OUTPUT, 2, 7.0, flags=Flags.PAUSED))
        assert squib.receive(timeout=LONG) == {"fire": -1.0}
        assert squib.state == "safe"
        core.send(made(Type.OUTPUT, 3, 1.0))
        assert squib.receive(timeout=LONG) == {"fire": 1.0}
        core.send(made(Type.OUTPUT, 4, 0.0, flags=Flags.SAFE | Flags.FINAL))
        core.send(made(Type.BYE, 5, 0.0, flags=Flags.SAFE | Flags.FINAL))
        assert eventually(lambda: squib.latest() == {"fire": -1.0})
        assert squib.state == "ended"
        core.send(made(Type.OUTPUT, 1, 1.0, session=2))
        assert squib.receive(timeout=LONG) == {"fire": 1.0}
        assert (squib.state, squib.restarts) == ("live", 1)


def test_rubbish_keeps_no_actuator_alive(plain: Open) -> None:
    core = plain(zmq.XPUB, bind="tcp://127.0.0.1:*")
    with actuator(at(core), timeout=0.1) as squib:
        connected(core)
        core.send(made(Type.OUTPUT, 1, 1.0))
        assert squib.receive(timeout=LONG) == {"fire": 1.0}
        for _ in range(20):
            core.send(b"rubbish")
            core.send_multipart([made(Type.OUTPUT, 1, 1.0), b"more"])
            core.send(made(Type.OUTPUT, 1, 1.0, layout=A))
            time.sleep(0.01)
        assert eventually(lambda: squib.latest() == {"fire": -1.0})
        assert squib.state == "silent"
        assert squib.rejected == {"short": 40, "layout": 20, "duplicate": 20}


def test_an_actuator_needs_a_safe_value_for_each_channel() -> None:
    with pytest.raises(crumple.UsageError, match="level is missing"):
        Actuator("ipc:///tmp/none", {"fire": "1", "level": "1"}, safe={"fire": 0.0})


# -- lockstep ---------------------------------------------------------------------------------------------


def test_a_rig_shakes_hands_and_steps_the_run(plain: Open) -> None:
    with Core(plain(zmq.ROUTER, bind="tcp://127.0.0.1:*")) as core, rig(at(core.socket)) as ecu:
        assert (ecu.state, ecu.outputs) == ("waiting", {"fire": -1.0})
        assert ecu.start(LONG) == ecu.outputs == {"fire": 0.5}
        for n in range(1, 50):
            assert ecu.exchange(t=n * 1e-3, a=n) == {"fire": 2.0 * n}
        assert (ecu.state, ecu.sequence, ecu.resent) == ("live", 49, 0)
        ecu.close()
        assert eventually(lambda: core.seen[-1].header.type == Type.BYE)
        samples = [m.header for m in core.seen if m.header.type == Type.SAMPLE]
    assert [h.sequence for h in samples] == list(range(1, 50))
    assert [h.sim_ns for h in samples] == [n * 1_000_000 for n in range(1, 50)]
    assert {h.session for h in samples} == {ecu.session}


def test_a_rig_starts_itself_at_its_first_exchange(plain: Open) -> None:
    with Core(plain(zmq.ROUTER, bind="tcp://127.0.0.1:*")) as core, rig(at(core.socket)) as ecu:
        assert ecu.exchange([3.0]) == {"fire": 6.0}


def test_a_sample_that_nobody_answers_is_sent_again_with_its_sequence(plain: Open) -> None:
    late = made(Type.OUTPUT, 2, 9.0, echo=2)
    answers = {2: [made(Type.OUTPUT, 1, 7.0, echo=1, flags=Flags.RESENT), b"rubbish", late]}
    with (
        Core(plain(zmq.ROUTER, bind="tcp://127.0.0.1:*"), answers) as core,
        rig(at(core.socket), timeout=0.4) as ecu,
    ):
        assert ecu.exchange(a=1.0) == {"fire": 2.0}
        assert ecu.exchange(a=2.0, t=1.0) == {"fire": 9.0}
        assert (ecu.resent, dict(ecu.rejected)) == (2, {"short": 1})
        sent = [m for m in core.seen if m.header.sequence == 2]
    assert [m.header.flags for m in sent] == [0, Flags.RESENT, Flags.RESENT]
    assert len({(m.header.source_ns, m.header.sim_ns, m.values) for m in sent}) == 1


def test_a_rig_whose_core_is_silent_goes_safe_and_says_so(plain: Open) -> None:
    with (
        Core(plain(zmq.ROUTER, bind="tcp://127.0.0.1:*"), {2: []}) as core,
        rig(at(core.socket), timeout=0.4) as ecu,
    ):
        ecu.exchange(a=1.0)
        with pytest.raises(RigTimeout, match=r"No answer to sample 2 within 0.4 s.*safe values hold"):
            ecu.exchange(a=2.0)
        assert (ecu.state, ecu.outputs) == ("silent", {"fire": -1.0})
        assert 1 <= ecu.resent <= 3  # each quarter, where the machine keeps up
        with pytest.raises(RigTimeout, match="did not answer before"):
            ecu.exchange(a=3.0)


@pytest.mark.parametrize(
    "last",
    [
        made(Type.BYE, 3, 0.0, flags=Flags.SAFE | Flags.FINAL),
        made(Type.BYE, 3),
        made(Type.OUTPUT, 2, 0.0, echo=2, flags=Flags.FINAL),
    ],
    ids=["bye", "bare bye", "final output"],
)
def test_the_end_of_the_run_is_an_exception_of_its_own(last: bytes, plain: Open) -> None:
    with Core(plain(zmq.ROUTER, bind="tcp://127.0.0.1:*"), {2: [last]}) as core, rig(at(core.socket)) as ecu:
        assert ecu.exchange(a=1.0) == {"fire": 2.0}
        with pytest.raises(RunEnded, match="The run is over, after sample 2"):
            ecu.exchange(a=2.0)
        assert (ecu.state, ecu.outputs) == ("ended", {"fire": -1.0})
        with pytest.raises(RunEnded, match="Make another Rig"):
            ecu.exchange(a=3.0)


def test_safe_outputs_make_the_rigs_own_safe_values_hold(plain: Open) -> None:
    answers = {2: [made(Type.OUTPUT, 2, 9.0, echo=2, flags=Flags.SAFE)]}
    with Core(plain(zmq.ROUTER, bind="tcp://127.0.0.1:*"), answers) as core, rig(at(core.socket)) as ecu:
        ecu.exchange(a=1.0)
        assert ecu.exchange(a=2.0) == {"fire": -1.0}
        assert ecu.state == "safe"
        assert ecu.exchange(a=3.0) == {"fire": 6.0}
        assert ecu.state == "live"


def test_a_run_that_is_held_by_hand_is_waited_for_beyond_the_timeout(plain: Open) -> None:
    held = made(Type.OUTPUT, 2, 0.0, echo=1, flags=Flags.PAUSED | Flags.SAFE)
    answers = {2: [held, b"", b"", b"", b"", b"", b"", made(Type.OUTPUT, 2, 4.0, echo=2)]}
    with (
        Core(plain(zmq.ROUTER, bind="tcp://127.0.0.1:*"), answers) as core,
        rig(at(core.socket), timeout=0.04) as ecu,
    ):
        ecu.exchange(a=1.0)
        assert ecu.exchange(a=2.0) == {"fire": 4.0}
        assert ecu.resent >= 7  # of which 4 fit into the time-out


def test_a_rig_whose_core_falls_silent_while_the_run_is_held_says_that_it_was(plain: Open) -> None:
    held = made(Type.OUTPUT, 2, 0.0, echo=1, flags=Flags.PAUSED | Flags.SAFE)
    with (
        Core(plain(zmq.ROUTER, bind="tcp://127.0.0.1:*"), {2: [held]}) as core,
        rig(at(core.socket), timeout=0.1) as ecu,
    ):
        ecu.exchange(a=1.0)
        with pytest.raises(
            RigTimeout, match="within 2 s, since the core last said that somebody holds the run"
        ):
            ecu.exchange(a=2.0)
        assert (ecu.state, ecu.outputs) == ("silent", {"fire": -1.0})


def test_the_first_step_waits_for_all_others_of_the_run(plain: Open) -> None:
    answers = {1: [b""] * 5 + [made(Type.OUTPUT, 1, 4.0, echo=1)], 2: [b""] * 9}
    with (
        Core(plain(zmq.ROUTER, bind="tcp://127.0.0.1:*"), answers) as core,
        rig(at(core.socket), timeout=0.1) as ecu,
    ):
        ecu.start(LONG)
        assert ecu.exchange(a=1.0) == {"fire": 4.0}
        assert ecu.resent >= 5
        with pytest.raises(RigTimeout):
            ecu.exchange(a=2.0)


def test_another_run_at_the_address_ends_the_rig(plain: Open) -> None:
    answers = {2: [made(Type.OUTPUT, 2, 0.0, echo=2, session=99)]}
    with Core(plain(zmq.ROUTER, bind="tcp://127.0.0.1:*"), answers) as core, rig(at(core.socket)) as ecu:
        ecu.exchange(a=1.0)
        with pytest.raises(RunEnded, match="Another run began"):
            ecu.exchange(a=2.0)
        assert ecu.outputs == {"fire": -1.0}


def test_a_rig_without_a_core_says_so_in_time() -> None:
    with (
        rig("ipc:///tmp/crumple-nobody-is-here") as ecu,
        pytest.raises(RigTimeout, match=r"No run began within 0.05 s. Does the peer wait at ipc"),
    ):
        ecu.start(0.05)


def test_a_rig_with_other_outputs_than_the_scene_is_told(plain: Open) -> None:
    with (
        Core(plain(zmq.ROUTER, bind="tcp://127.0.0.1:*")) as core,
        rig(at(core.socket), receives={"level": "1"}, safe={"level": 0.0}) as ecu,
    ):
        with pytest.raises(WireError, match="The scene's actuator has other channels than this rig"):
            ecu.start(LONG)
        ecu.close()  # the run began with it, and hears that it will send nothing
        assert eventually(lambda: core.seen[-1].header.type == Type.BYE)


def test_a_rig_may_receive_nothing(plain: Open) -> None:
    nothing = Layout({})

    class Bare(Core):
        def answer(self, message: Message) -> list[bytes]:
            number = message.header.sequence
            if message.header.type == Type.HELLO:
                return [made(Type.READY, 0, layout=nothing)]
            return [made(Type.OUTPUT, number, echo=number, layout=nothing)]

    with (
        Bare(plain(zmq.ROUTER, bind="tcp://127.0.0.1:*")) as core,
        rig(at(core.socket), receives={}, safe={}) as ecu,
    ):
        assert ecu.start(LONG) == {}
        assert ecu.exchange(a=1.0) == {}
        assert ecu.state == "live"


# -- imports ----------------------------------------------------------------------------------------------


def test_what_needs_no_zeromq_does_not_load_it() -> None:
    code = (
        "import sys, crumple.live as l; l.Layout({'a': '1'}); l.Watchdog; l.include_dir(); dir(l)\n"
        "assert 'zmq' not in sys.modules\n"
        "l.Sensor\n"
        "assert 'zmq' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
