"""The host's side of trials: it starts the process that forks for each (`apart.py`), asks, and survives its end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from typing import Any

import msgspec

from crumple import wording
from crumple.errors import CrumpleError

LEFT = 86  # exit code of a process that ended as it should, a number that nobody comes to by chance
_SINGLE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class VettingError(CrumpleError):
    """Vetting itself failed: nothing is known about the FMU."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a trial ended.

    result: what it found; None where the process did not live to tell.
    death: how the process ended, in words; "" where it ended well.
    doing: which call the FMU did not return from; "" where it was in none.
    at_exit: the trial itself went well, and the process died at its very end.
    """

    result: dict[str, Any] | None
    death: str
    doing: str
    at_exit: bool
    decoy: str  # what it did to an open file that is none of its own: "cut", "overwrote"; "" for nothing
    printed: int  # [bytes]
    processes: list[str]  # names of those that were left
    files: dict[
        str, int
    ]  # that were left in the working folder and in that for temporary files: size [bytes]

    @property
    def fact(self) -> str:
        """How it ended and where, in a line."""
        return f"{self.doing}: {self.death}" if self.doing and self.doing != "exit" else self.death


class Bench:
    """Trials, one at a time, in a scratch folder that goes with it."""

    def __init__(self) -> None:
        self._number = 0
        self._apart: subprocess.Popen[bytes] | None = None
        self.folder = tempfile.mkdtemp(prefix="crumple-vet-")

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        remove(self.folder)

    def try_out(
        self,
        trial: str,
        *,
        seconds: float,
        timeout: float,
        perturb: bool = False,
        leave: bool = False,
        **arguments: Any,
    ) -> Outcome:
        """One trial in a process of its own. seconds: of wall time, after which it stops by itself.

        timeout: wall time for a call of the FMU [s], after which the process is killed.
        perturb: fresh memory holds rubbish.   leave: the process ends as a program does, with its exit handlers.
        Raises VettingError where the trial could not be done.
        """
        self._number += 1
        request: dict[str, Any] = {
            "trial": trial,
            "arguments": arguments,
            "folder": os.path.join(self.folder, str(self._number)),
            "seconds": seconds,
            "timeout": timeout,
            "environment": dict(os.environ),  # as it is now, which may be long after the process was started
            "perturb": perturb,
            "leave": leave,
        }
        os.makedirs(request["folder"])
        reply = self._ask(request)
        remove(request["folder"])
        if reply is None:
            return Outcome(
                result=None,
                death="it ended the process that had started it",
                doing="",
                at_exit=False,
                decoy="",
                printed=0,
                processes=[],
                files={},
            )
        result = reply["result"]
        if result is not None and "traceback" in result:
            raise VettingError(f"vetting failed in {trial}:\n{result['traceback']}")
        death = _death(reply, timeout)
        at_exit = result is not None and reply["doing"] == "exit"
        return Outcome(
            result=result,
            death=death,
            doing=reply["doing"],
            at_exit=at_exit,
            decoy=reply["decoy"],
            printed=reply["printed"],
            processes=reply["processes"],
            files=reply["files"],
        )

    def _ask(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """The answer; None where the other side is gone."""
        apart = self._running()
        assert apart.stdin is not None
        assert apart.stdout is not None
        try:
            apart.stdin.write((json.dumps(request) + "\n").encode())
            apart.stdin.flush()
            line = apart.stdout.readline()
        except BrokenPipeError:
            line = b""
        if line.endswith(b"\n"):
            reply: dict[str, Any] = json.loads(line)
            return reply
        code = apart.wait()
        self._stop()
        if code >= 0:  # it was not killed: it failed
            raise VettingError(f"the process of the trials ended with exit code {code}")
        return None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._apart is None:
            self._apart = subprocess.Popen(
                [sys.executable, "-m", "crumple.vetting.apart", self.folder],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**_SINGLE, **os.environ},
                start_new_session=True,  # Ctrl-C is for the host, which then ends it
            )
        return self._apart

    def _stop(self) -> None:
        apart, self._apart = self._apart, None
        if apart is None:
            return
        for pipe in (apart.stdin, apart.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        try:
            apart.wait(timeout=5)
        except subprocess.TimeoutExpired:
            apart.kill()
            apart.wait()


def _death(reply: dict[str, Any], timeout: float) -> str:
    if reply["scribbled"]:
        return "it overwrote memory that its process shares with another"
    if reply["silent"]:
        return f"it did not answer within {wording.time(timeout)} (step_timeout) and was killed"
    if reply["signal"]:
        return f"its process was killed by {_signal_text(reply['signal'])}{_last_words(reply)}"
    if reply["doing"] == "exit":
        return (
            ""
            if reply["code"] == LEFT
            else f"its process ended with exit code {reply['code']} instead of {LEFT}"
        )
    if reply["code"] or (reply["result"] is None and reply["doing"]):
        return f"its process ended with exit code {reply['code']}{_last_words(reply)}"
    return ""


def _signal_text(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
    text = (signal.strsignal(number) or "").lower()
    return f"{name} ({text})" if text and text != "killed" else name


def _last_words(reply: dict[str, Any]) -> str:
    lines = str(reply["words"]).strip().splitlines()
    return f'; its last words: "{lines[-1][:200]}"' if lines else ""


def remove(folder: str) -> None:
    """A folder and all in it, also where an FMU has made folders that nobody may look into."""
    for place, folders, _ in os.walk(folder):
        for name in folders:
            with suppress(OSError):
                os.chmod(os.path.join(place, name), 0o700)
    shutil.rmtree(folder, ignore_errors=True)
