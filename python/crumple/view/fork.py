"""A run that repeats another up to some moment and goes on by itself, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal


class Fork:
    """`crumple replay RUN --until T` on its way. run: the folder of the new run, once there is one.

    t: where it parts from the old one [s].   why: what the command said, where it came to nothing.
    Raises OSError where the process cannot be started.
    """

    def __init__(self, folder: Path, t: float) -> None:
        self.t = t
        self.run: Path | None = None
        self.why = ""
        self._parent = folder.parent
        self._known = _runs_in(self._parent)
        self._said = tempfile.TemporaryFile()  # noqa: SIM115, it is closed where the process has ended
        command = [sys.executable, "-m", "crumple", "replay", str(folder), "--until", f"{t:.12g} s"]
        self._process = subprocess.Popen(
            [*command, "--out", str(self._parent)],
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # it goes on when the viewer is closed
        )

    def poll(self) -> Literal["going", "ended"]:
        """How it stands. Never waits."""
        code = self._process.poll()
        if code is None:
            return "going"
        new = sorted(_runs_in(self._parent) - self._known, key=lambda path: path.stat().st_mtime)
        if new and code != 2:
            self.run = new[-1]
        else:
            self._said.seek(0)
            lines = self._said.read().decode(errors="replace").strip().splitlines()
            self.why = lines[-1] if lines else f"exit code {code}"
        self._said.close()
        return "ended"


def _runs_in(folder: Path) -> set[Path]:
    return {path.parent for path in folder.glob("*/verdict.json")}
