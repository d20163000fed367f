"""Real-time priority for rigs in Python: asked for, told, given back; libzmq's thread has it too."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from crumple.errors import UsageError
from crumple.live import Sensor, real_time
from crumple.live.priority import granted_priority

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these")


def priorities() -> dict[str, list[int]]:
    """The real-time priorities of all threads of this process, by the threads' names."""
    found: dict[str, list[int]] = {}
    for thread in Path("/proc/self/task").iterdir():
        # the fields after the name, which may hold anything: state is the third of proc(5), rt_priority the fortieth
        fields = (thread / "stat").read_text().rpartition(")")[2].split()
        found.setdefault((thread / "comm").read_text().strip(), []).append(int(fields[40 - 3]))
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
        with Sensor(f"ipc://{tmp_path}/front", {"x": "1"}):
            # of other contexts there may be others, with none
            assert 7 in [each for name, all_ in priorities().items() if "/IO/" in name for each in all_]
    with Sensor(f"ipc://{tmp_path}/other", {"x": "1"}):
        assert 7 not in [each for name, all_ in priorities().items() if "/IO/" in name for each in all_]


@pytest.mark.parametrize("priority", [0, -1, 100])
def test_a_priority_that_is_none_is_refused(priority: int) -> None:
    with (
        pytest.raises(UsageError, match=f"priority is {priority}; real-time priorities are 1 to 99"),
        real_time(priority=priority),
    ):
        pass
