"""Real-time priority for rigs in Python: asked for, told, given back; libzmq's thread has it too."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from crumple.errors import UsageError
from crumple.live import Sensor, real_time
from crumple.live.priority import granted_priority

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these")


def of_sockets(tmp_path: Path) -> list[int]:
    """The real-time priorities of libzmq's I/O threads, once a new socket's thread has begun."""
    before = len(io_threads())
    with Sensor(f"ipc://{tmp_path}/front", {"x": "1"}):
        for _ in range(1000):
            if len(found := io_threads()) > before:
                return found
            time.sleep(0.01)
    raise AssertionError("libzmq made no thread in 10 s")


def io_threads() -> list[int]:
    found = []
    for thread in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # it has ended meanwhile
            if "/IO/" in (thread / "comm").read_text():
                # see proc(5): after the name, which may hold anything, come state, the 3rd, and rt_priority, the 40th
                fields = (thread / "stat").read_text().rpartition(")")[2].split()
                found.append(int(fields[40 - 3]))
    return found


def test_a_thread_has_its_priority_inside_and_is_an_ordinary_one_after() -> None:
    with real_time(priority=7) as granted:
        assert granted.fifo == (granted_priority() == 7)
        assert len(granted.why) == 2 - granted.fifo - granted.awake
        assert granted.fifo or "ulimit -r 7" in granted.why[0]
    assert granted_priority() == 0
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_it_is_given_back_where_the_rig_fails() -> None:
    with pytest.raises(ZeroDivisionError), real_time():
        _ = 1 / 0
    assert granted_priority() == 0


def test_sockets_made_inside_have_threads_of_the_same_priority(tmp_path: Path) -> None:
    with real_time(priority=7) as granted:
        if not granted.fifo:
            pytest.skip("the system grants no real-time priority")
        assert 7 in of_sockets(tmp_path)  # of other contexts there may be more, with none
    assert 7 not in of_sockets(tmp_path)


@pytest.mark.parametrize("priority", [0, -1, 100])
def test_a_priority_that_is_none_is_refused(priority: int) -> None:
    with (
        pytest.raises(UsageError, match=f"priority is {priority}; real-time priorities are 1 to 99"),
        real_time(priority=priority),
    ):
        pass
