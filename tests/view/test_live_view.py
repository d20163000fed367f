"""Whatever becomes of a viewer, the run that it looks on at has the same bits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import crumple
import small_scene
from crumple.live.monitor import MONITOR, Monitor
from crumple.view.app import open_session
from crumple.view.live_session import LiveSession

PATIENCE = 60.0  # [s] of a machine that does other things as well
SPEED = 0.04  # the run of 150 ms takes four seconds

RUN = """
import sys
from crumple.execution import Watch, execute
result = execute(sys.argv[1], mode="realtime", speed=float(sys.argv[3]), out=sys.argv[2], watch=Watch())
print(result.digest, result.tick)
"""


def until(found: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        what = found()
        if what:
            return what
        time.sleep(0.02)
    raise AssertionError("nothing happened")


class LiveRun:
    """The small scene in real time, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.scene = small_scene.write_scene(folder)
        self.out = folder / "runs"
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN, str(self.scene), str(self.out), str(SPEED)],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.folder: Path = until(self._shown).parent

    def _shown(self) -> Path | None:
        assert self.process.poll() is None, "the run ended before it could be seen"
        return next(iter(self.out.glob(f"*/{MONITOR}")), None)

    def ended(self) -> tuple[str, int]:
        """Digest, and the tick that was reached."""
        said, _ = self.process.communicate(timeout=PATIENCE)
        digest, tick = said.split()
        return digest, int(tick)

    def view(self) -> subprocess.Popen[bytes]:
        """A viewer of it, without a display."""
        unseen = {**os.environ, "SDL_VIDEODRIVER": "dummy"}
        return subprocess.Popen(
            [sys.executable, "-m", "crumple.view", "--connect", str(self.folder)], env=unseen
        )


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveRun]:
    run = LiveRun(tmp_path)
    try:
        yield run
    finally:
        run.process.kill()
        run.process.wait(10)


def test_a_viewer_that_is_stopped_or_killed_changes_nothing_of_a_run(live: LiveRun) -> None:
    stopped, killed = live.view(), live.view()
    try:
        time.sleep(1.0)
        stopped.send_signal(signal.SIGSTOP)
        killed.send_signal(signal.SIGKILL)
        digest, tick = live.ended()
    finally:
        for viewer in (stopped, killed):
            viewer.kill()
            viewer.wait(10)
    assert tick == 1500
    assert digest == crumple.run(live.scene, out=live.out).digest


def test_a_viewer_that_nobody_sees_ends_with_its_run(live: LiveRun) -> None:
    viewer = live.view()
    try:
        live.ended()
        assert viewer.wait(PATIENCE) == 0
    finally:
        viewer.kill()
        viewer.wait(10)


def test_a_live_run_is_followed_held_stepped_and_read_as_a_whole_when_it_is_over(live: LiveRun) -> None:
    session = open_session(live.folder)
    assert isinstance(session, LiveSession)

    def follow() -> float:
        session.update()
        return session.end()

    until(lambda: follow() > 0.0)
    assert session.send("pause")
    until(lambda: (follow(), session.status == "paused")[1])
    held = Monitor(live.folder).frame()
    assert held is not None and 0 < held.tick < 1500
    assert session.send("step", n=7)
    until(lambda: round(follow() / session.period) == held.tick + 7)
    assert session.value("car.speed", session.end()) == pytest.approx(
        max(0.0, 15 - 300 * session.end()), abs=1e-9
    )
    assert session.send("speed", speed=10.0) and session.send("resume")
    digest, tick = live.ended()
    until(lambda: (follow(), session.over)[1])
    assert tick == 1500 and session.end() <= 0.15 + 1e-12
    whole = open_session(live.folder)
    assert whole.mode == "replay" and whole.digest == digest
