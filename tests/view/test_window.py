"""One real window, under a display that nobody sees, with a real keyboard and mouse."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from view.view_runs import run_folder

NEEDED = ("Xvfb", "xdotool")
MISSING = [name for name in NEEDED if shutil.which(name) is None]
PATIENCE = 30.0  # [s] of a machine that does other things as well

pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f"apt-get install {' '.join(n.lower() for n in MISSING)}"
)


@pytest.fixture
def display() -> Iterator[str]:
    """A display of its own, whose number the server chooses."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1600x1000x24", "-nolisten", "tcp"],
        pass_fds=(write,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        number = os.read(read, 32).decode().strip()
        if not number:
            pytest.skip("Xvfb does not start here")
        check_windows(f":{number}")
        yield f":{number}"
    finally:
        os.close(read)
        server.terminate()
        server.wait(10)


def check_windows(display: str) -> None:
    """Skips where SDL itself, without a line of ours, opens no window: some machines lack what it needs."""
    bare = "import pygame; pygame.display.init(); pygame.display.set_mode((64, 64)); pygame.display.flip()"
    tried = subprocess.run(
        [sys.executable, "-c", bare],
        env=window_environment(display),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if tried.returncode != 0:
        pytest.skip(f"SDL opens no window here: {tried.stderr.strip().splitlines()[-1:]}")


def window_environment(display: str) -> dict[str, str]:
    """The environment of a program with a window on this display."""
    return {**os.environ, "DISPLAY": display, "SDL_VIDEODRIVER": "x11", "SDL_AUDIODRIVER": "dummy"}


class Window:
    """The viewer of a run in a window, and hands for it."""

    def __init__(self, display: str, folder: Path, log: Path) -> None:
        self._env = window_environment(display)
        self.folder = folder
        self._log = log
        with open(log, "wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "crumple.view", str(folder)],
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        self.id, left, top = self.until(self._place)
        self.corner = int(left), int(top)
        self.hand("windowfocus", self.id)

    def _place(self) -> list[str]:
        """Number and corner of the window, once it is there in its size."""
        for number in self.hand("search", "--pid", str(self.process.pid)).split():
            told = self.hand("getwindowgeometry", "--shell", number).split()
            where = dict(line.split("=") for line in told if "=" in line)
            if where.get("WIDTH") == "1280":
                return [number, where["X"], where["Y"]]
        return []

    def hand(self, *arguments: str) -> str:
        """What xdotool does, and says."""
        ended = subprocess.run(
            ["xdotool", *arguments], env=self._env, capture_output=True, text=True, timeout=20, check=False
        )
        return ended.stdout

    def until(self, found: Callable[[], object]) -> list[str]:
        """Wait for something; a window that is gone is waited for no longer."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            what = found()
            if what:
                return what if isinstance(what, list) else [str(what)]
            if self.process.poll() is not None:
                said = self._log.read_text()
                if "no window can be opened" in said:
                    pytest.skip(said.strip())
                raise AssertionError(f"the viewer ended: {said}")
            time.sleep(0.05)
        raise AssertionError("nothing happened")

    def key(self, *keys: str) -> None:
        """Press keys, one after the other."""
        self.hand("key", "--delay", "40", *keys)

    def move(self, x: int, y: int) -> None:
        """Move the mouse to a point of the window."""
        self.hand("mousemove", str(self.corner[0] + x), str(self.corner[1] + y))
        time.sleep(0.1)

    def saved(self, *, after: set[str]) -> str:
        """The time in the name of the picture that P saves."""
        self.key("p")
        new = self.until(lambda: sorted(self.pictures() - after))
        return new[0].removeprefix(f"{self.folder.name}-").removesuffix(".png")

    def pictures(self) -> set[str]:
        """Names of the pictures beside the run."""
        return {path.name for path in self.folder.parent.glob("*.png") if not path.name.startswith(".")}

    def close(self) -> None:
        """Whatever the state of the viewer, it is gone."""
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait(10)


def test_a_window_obeys_keyboard_and_mouse_and_closes_by_itself(display: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run_folder(), folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    window = Window(display, folder, tmp_path / "log")
    try:
        time.sleep(0.5)
        window.key("Home", "Right", "Right", "Right")
        assert window.saved(after=set()) == "0.3ms"
        window.key("End")
        seen = window.pictures()
        assert window.saved(after=seen) == "150.0ms"
        seen = window.pictures()
        window.move(500, 607)  # somewhere on the timeline
        window.hand("mousedown", "1")
        for x in (460, 420, 400):
            window.move(x, 607)
        window.hand("mouseup", "1")
        moved = float(window.saved(after=seen).removesuffix("ms"))
        assert 20.0 < moved < 80.0
        window.hand("windowsize", window.id, "1400", "800")
        time.sleep(0.3)
        window.key("Right")
        seen = window.pictures()
        assert float(window.saved(after=seen).removesuffix("ms")) == pytest.approx(moved + 0.1, abs=1e-6)
        window.key("q")
        assert window.process.wait(PATIENCE) == 0
    finally:
        window.close()
    assert (tmp_path / "log").read_bytes() == b""
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
