"""Addresses and keys that cannot be had, are wrong, or are wanted by two; and what is left behind: nothing."""

from __future__ import annotations

import gc
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from crumple.errors import CrumpleError, SceneError
from crumple.live.keys import new_pair
from live_bench import Bench, Done, quicken, reach, resident, until, value
from live_peers import Pirate, Stream

pytest.importorskip("zmq")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


# -- addresses --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("library", ["libzmq", "none"])
@pytest.mark.parametrize("kind", ["ipc", "tcp"])
def test_an_address_that_another_run_has_bound_is_refused_and_the_other_goes_on(
    bench: Bench, kind: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if library == "none":
        monkeypatch.setenv("CRUMPLE_LIBZMQ", "none")
    if kind == "tcp":
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            bench.actuator = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    with Stream(bench.sensor), bench.begin(bench.paced(stop="100 s", name="first")) as run:
        monitor = run.monitor()
        tick = reach(monitor, 5)
        ended_badly(bench, bench.paced(stop="50 ms", name="second"), bench.actuator)
        reach(monitor, tick + 5)
        quicken(monitor)
        assert run.end().verdict == "pass"


def ended_badly(bench: Bench, scene: Path, *words: str) -> None:
    """A run that cannot have its address: an error that names it, in one way or the other, exit code 2 or 4."""
    try:
        done = bench.run(scene)
    except CrumpleError as error:
        text = str(error)
    else:
        assert done.written["exit_code"] == 4
        text = done.reason
    for word in words:
        assert word in text


def test_a_file_where_a_socket_should_be_is_left_alone(bench: Bench) -> None:
    thesis = bench.folder / "a"
    thesis.write_text("years of work")
    with Stream(bench.sensor):
        ended_badly(bench, bench.paced(), bench.actuator)
    assert thesis.read_text() == "years of work"


def test_a_socket_that_a_killed_run_left_behind_is_taken_over(bench: Bench) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(bench.folder / "a"))
        left.listen()
    assert (bench.folder / "a").is_socket()
    with Stream(bench.sensor):
        assert bench.run(bench.paced(stop="20 ms")).verdict == "pass"


@pytest.mark.parametrize("place", ["nowhere/a", "file/a"])
def test_a_path_that_cannot_be_written_is_named(bench: Bench, place: str) -> None:
    (bench.folder / "file").write_text("")
    bench.actuator = bench.address(place)
    with Stream(bench.sensor):
        ended_badly(bench, bench.paced(), bench.actuator)


def test_a_path_too_long_for_the_system_is_a_mistake_of_the_scene(bench: Bench) -> None:
    bench.actuator = bench.address("x" * 120)
    with pytest.raises(SceneError, match=r"the path is \d+ bytes long"):
        bench.run(bench.paced())


def test_two_sensors_on_one_address_each_take_what_has_their_layout(bench: Bench) -> None:
    extra = f"""
[sensors.same]
zmq = "{bench.sensor}"
channels = {{ x = "1" }}
max_age = "20 s"

[sensors.other]
zmq = "{bench.sensor}"
channels = {{ x = "m" }}
max_age = "20 s"
required = false
stale_max = 1.0
"""
    with Stream(bench.sensor):
        done = bench.run(bench.paced(stop="200 ms", extra=extra))
    inputs = done.timing["inputs"]
    assert inputs["same"]["accepted"] > 1
    assert inputs["other"]["accepted"] == 0
    assert inputs["other"]["rejected"] == {"layout": inputs["other"]["received"]}
    assert done.verdict == "pass", done.reason


def test_a_program_that_speaks_something_else_at_the_address_is_waited_out_and_named(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        over = threading.Event()

        def chatter() -> None:
            while not over.is_set():
                try:
                    peer, _ = server.accept()
                except TimeoutError:
                    continue
                peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 10)
                peer.close()

        thread = threading.Thread(target=chatter)
        thread.start()
        bench.sensor = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        done = bench.run(bench.paced(sensor='start_timeout = "500 ms"'))
        over.set()
        thread.join(10)
    assert (done.verdict, done.written["ended"]) == ("inconclusive", "not_begun")
    assert f"'front' at {bench.sensor}" in done.reason


# -- keys -------------------------------------------------------------------------------------------------


def keyed(bench: Bench, *, ours: str, theirs: str, patience: str) -> Path:
    """A scene whose sensor is encrypted; keys by the names of their files."""
    lines = f'max_age = "20 s"\nstart_timeout = "{patience}"\nkey = "{theirs}.key"\n'
    scene = bench.paced(stop="50 ms", sensor=lines, actuator=False)
    scene.write_text(scene.read_text() + f'\n[keys]\nsecret = "{ours}.key_secret"\n')
    return scene


@pytest.mark.parametrize(
    ("core", "peer", "well"),
    [
        (("bench", "rig"), ("rig", "bench"), True),
        (("bench", "rig"), ("rig", "stranger"), False),  # the rig expects somebody else
        (("bench", "stranger"), ("rig", "bench"), False),  # we expect somebody else
        (("stranger", "rig"), ("rig", "bench"), False),  # we are somebody else
        (("bench", "rig"), None, False),  # the rig has no keys
        (("bench", "bench"), ("rig", "rig"), False),  # swapped
    ],
    ids=["right", "unknown to the rig", "rig unknown", "wrong secret", "no keys", "swapped"],
)
@pytest.mark.parametrize("binds", ["the rig binds", "the core binds"])
def test_only_those_whose_keys_are_listed_are_heard(
    bench: Bench, core: tuple[str, str], peer: tuple[str, str] | None, well: bool, binds: str
) -> None:
    from crumple.live import Sensor

    for name in ("bench", "rig", "stranger"):
        new_pair(name, folder=bench.folder)
    scene = keyed(bench, ours=core[0], theirs=core[1], patience="10 s" if well else "300 ms")
    ours = binds == "the core binds"
    if ours:
        scene.write_text(scene.read_text().replace("start_timeout", "bind = true\nstart_timeout"))
    keys = {}
    if peer is not None:
        keys = {
            "secret": bench.folder / f"{peer[0]}.key_secret",
            "keys": bench.folder / f"{peer[1]}.key",
        }
    with Sensor(bench.sensor, {"x": "1"}, bind=not ours, **keys) as sensor, bench.begin(scene) as run:
        while run.alive:
            sensor.send(x=1.0)
            time.sleep(0.002)
        done = run.end()
    if well:
        assert done.verdict == "pass", done.reason
        return
    assert (done.verdict, done.written["ended"]) == ("inconclusive", "not_begun")
    assert done.front["received"] == 0
    if ours:
        assert any(event["event"] == "refused" for event in done.events)


# -- what is left behind ----------------------------------------------------------------------------------


def held() -> tuple[int, int]:
    """Descriptors and threads of this process."""
    gc.collect()
    return len(os.listdir("/proc/self/fd")), threading.active_count() + len(os.listdir("/proc/self/task"))


def passes(bench: Bench) -> None:
    with Stream(bench.sensor, every=0.0005):
        bench.run(bench.paced(stop="5 ms"))


def begins_not(bench: Bench) -> None:
    bench.run(bench.paced(sensor='start_timeout = "5 ms"'))


def breaks(bench: Bench) -> None:
    scene = bench.paced(stop="5 ms", unit="Raises", sensor="required = false\nstale_max = 1")
    scene.write_text(scene.read_text().replace('Raises"', 'Raises"\nwith = { at = 2 }'))
    bench.run(scene)


def builds_not(bench: Bench) -> None:
    scene = bench.paced(stop="5 ms", unit="BuildsNot")
    units = bench.folder / "units.py"
    if "BuildsNot" not in units.read_text():
        units.write_text(
            units.read_text()
            + "\n\nclass BuildsNot(Half):\n    def __init__(self):\n        raise ValueError\n"
        )
    with pytest.raises((CrumpleError, ValueError)):
        bench.run(scene)


@pytest.mark.parametrize("library", ["libzmq", "none"])
@pytest.mark.parametrize("run", [passes, begins_not, breaks, builds_not], ids=lambda f: f.__name__)
def test_twenty_runs_in_one_process_leave_nothing_behind(
    bench: Bench, run: Callable[[Bench], None], library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if library == "none":
        monkeypatch.setenv("CRUMPLE_LIBZMQ", "none")
    for _ in range(2):
        run(bench)
    before, memory = held(), resident()
    for _ in range(20 if run is passes and library == "libzmq" else 5):
        run(bench)
    assert held() == before
    assert resident() - memory < 12 * 1024


# -- without libzmq ---------------------------------------------------------------------------------------


def test_where_python_carries_the_messages_the_same_is_counted_and_held(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRUMPLE_LIBZMQ", "none")
    with bench.begin(bench.paced(stop="5 s")) as run, Pirate(bench.sensor) as pirate:
        pirate.wait()
        pirate.good(1.0)
        monitor = run.monitor()
        reach(monitor, 3)
        good = pirate.frame(9.0, sequence=2)
        pirate.send(b"", b"\0" * 72, good[:64], good + bytes(8))
        pirate.socket.send_multipart([good, good])
        pirate.send(pirate.frame(2.0, sequence=5), pirate.frame(2.0, sequence=5))
        pirate.send(pirate.frame(3.0, sequence=6))
        until(lambda: value(monitor, "front.x") == 3.0)
        quicken(monitor)
        done: Done = run.end()
    front = done.front
    assert (front["accepted"], front["lost"], front["duplicates"]) == (3, 3, 1)
    assert sum(front["rejected"].values()) == 5
    assert done.timing["bridged"] is True
    assert 9.0 not in done.column("front.x")
    assert done.verdict == "pass", done.reason
