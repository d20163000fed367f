"""The exit code of `crumple run` comes from its verdict, whoever ends the process that the units run in.

A unit in this process may call `exit(0)` or `_exit(0)`, start another program in its place, crash or kill. So
the command forks before anything heavy is imported: the child does the run and, as its last act, tells its
exit code through a pipe; the parent waits, and exits with what it was told. Where it was told nothing, it says
what became of the child and exits as *inconclusive*, which is what `verdict.json` says by then, too.

What counts in the pipe: one exit code behind a token, drawn before the fork and kept nowhere but in the memory
of the two, and not sent before. Only the child itself sends it, no copy that a unit may fork of it, and only
while its end of the pipe is still that pipe. Whatever else a unit writes into the pipe is passed over.

Where the system cannot fork, the command runs in one process, and a unit that ends it decides the exit code.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from crumple.exit_codes import USAGE, exit_code

COMMANDS = (
    "run",
    "replay",
    "simulate",
    "check",
)  # those that let units, or the modules of plugins, into their process
_LEAVING = 10  # [s] that the child may take from its last act to its end
_PATIENCE = 3  # interrupts, of which the last is no question any more
_SAME = 0.5  # [s] two signals within are one, sent to a process and to its group
_TOKEN = 16  # [bytes]
_MOST_HEARD = 2**21  # [bytes] twice what a pipe can hold
_PR_SET_PDEATHSIG = 1  # see prctl(2)


class _Tokens(NamedTuple):
    """What messages begin with: one for each kind, so that who reads the first does not know the second."""

    folder: bytes
    code: bytes


class _Line:
    """The child's end of the pipe."""

    def __init__(self, end: int, tokens: _Tokens) -> None:
        self.tokens = tokens
        self._end = end
        self._place = _place_of(end)
        self._pid = os.getpid()

    def tell(self, token: bytes, content: bytes) -> None:
        """Send a message. What cannot be sent is not: then the supervisor knows less, never more."""
        if os.getpid() != self._pid:  # a copy that a unit forked
            return
        try:
            if _place_of(self._end) == self._place:  # or a unit closed it, and has a file of its own there
                os.write(self._end, token + len(content).to_bytes(2, "big") + content)
        except OSError:
            pass


_line: _Line | None = None  # in the child


def fill_standard_streams() -> None:
    """Open what the shell left closed (`crumple run x >&-`).

    Else a recording would get that number, and units would print into it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            # the lowest number that is free: this one
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        if getattr(sys, name) is None:
            mode = "w" if number else "r"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def supervise(arguments: Sequence[str]) -> None:
    """Go on in a child process, and leave this one with the child's exit code: it returns in the child only.

    arguments: of the command line. Returns at once for a command that lets no unit into its process, and where
    the system cannot fork.
    """
    command = next((text for text in arguments if not text.startswith("-")), "")
    if command not in COMMANDS or not hasattr(os, "fork"):
        return
    tokens = _Tokens(os.urandom(_TOKEN), os.urandom(_TOKEN))
    reading, writing = os.pipe()
    os.set_blocking(writing, False)  # a unit that fills the pipe must not stop the run
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # where it is ignored nobody can be waited for
    awaited = {signal.SIGCHLD, signal.SIGINT, signal.SIGTERM}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    supervisor = os.getpid()
    gc.freeze()  # or the collector writes to each object there is, and so copies every page
    try:
        child = os.fork()
    except OSError as error:
        _say(f"crumple: no process can be started for the run: {error.strerror}.")
        os._exit(USAGE)
    if child == 0:
        global _line  # noqa: PLW0603  # a fact about the process
        os.close(reading)
        _line = _Line(writing, tokens)
        _end_with(supervisor)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return
    os.close(writing)
    status = _wait(child, awaited)
    heard = _read(reading)
    codes, folders = _contents(heard, tokens.code), _contents(heard, tokens.folder)
    told = len(codes) == 1 and len(codes[0]) == 1
    _explain(
        os.waitstatus_to_exitcode(status),
        told=told,
        folder=os.fsdecode(folders[0]) if folders else None,
        json="--json" in arguments,
    )
    os._exit(codes[0][0] if told else exit_code("inconclusive"))


def tell_folder(folder: os.PathLike[str]) -> None:
    """Tell the supervisor, where there is one, which run folder to name."""
    if _line is not None:
        _line.tell(_line.tokens.folder, os.fsencode(folder))


def tell_code(code: int) -> None:
    """Tell the supervisor, where there is one, the exit code. Only the first call counts.

    From then on this process has ten seconds to end: what a unit does at its exit can hold nothing up.
    """
    global _line  # noqa: PLW0603
    if _line is None:
        return
    _line.tell(_line.tokens.code, bytes([code & 0xFF]))
    _line = None
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    signal.alarm(_LEAVING)


# -- the supervisor ---------------------------------------------------------------------------------------


def _wait(child: int, awaited: set[signal.Signals]) -> int:
    """Wait for the child's end and return its status. On the way, signals that reached only this process go on to it.

    The terminal sends Ctrl-C to its whole group. Whether a signal came from there is known on Linux only; elsewhere
    every SIGINT is taken to. A child that has not ended at the third signal hangs, and is killed.
    """
    asked: list[float] = []  # [s] when
    while True:
        if hasattr(signal, "sigwaitinfo"):
            came = signal.sigwaitinfo(awaited)
            number, from_terminal = came.si_signo, came.si_code > 0  # si_code > 0: sent by the kernel
        else:
            number, from_terminal = signal.sigwait(awaited), True
        if number == signal.SIGCHLD:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return status
            continue
        now = time.monotonic()
        if not asked or now - asked[-1] > _SAME:
            asked.append(now)
        if len(asked) >= _PATIENCE:
            _say(f"crumple: interrupted {_PATIENCE} times; the run is killed")
            os.kill(child, signal.SIGKILL)
        elif number == signal.SIGTERM or not from_terminal or os.getpgid(child) != os.getpgrp():
            os.kill(child, number)


def _read(end: int) -> bytes:
    """What is in the pipe. A process that a unit left behind may keep it open, or even write to it without end."""
    os.set_blocking(end, False)
    heard = b""
    with suppress(BlockingIOError):
        while len(heard) < _MOST_HEARD and (piece := os.read(end, 65536)):
            heard += piece
    return heard


def _contents(heard: bytes, token: bytes) -> list[bytes]:
    """The content of every whole message with a token."""
    found = []
    for rest in heard.split(token)[1:]:
        size = int.from_bytes(rest[:2], "big")
        if len(rest) >= 2 + size:
            found.append(rest[2 : 2 + size])
    return found


def _explain(ended: int, *, told: bool, folder: str | None, json: bool) -> None:
    """Say what became of the child where it did not end as it should. Nothing that it left behind can prevent that."""
    if told and ended >= 0:
        return
    try:
        from crumple.cli import cut_off  # with all that a folder is read with: only where it is needed

        if not told:
            cut_off.explain(ended, folder=folder, json=json)
        elif ended == -signal.SIGALRM:
            _say(f"crumple: after its verdict the process did not end within {_LEAVING} s")
        else:
            _say(f"crumple: after its verdict the process {cut_off.ended_how(ended)}")
    except Exception as error:
        _say(f"crumple: the process of the run ended with {ended}; {type(error).__name__}: {error}")


# -- the child --------------------------------------------------------------------------------------------


def _end_with(supervisor: int) -> None:
    """Have the kernel kill this process when the supervisor ends, so that no run goes on unseen."""
    if sys.platform == "linux":
        try:
            import ctypes  # numpy imports it anyway

            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        except (ImportError, OSError, AttributeError):
            pass
    if os.getppid() != supervisor:  # it ended before that
        os._exit(exit_code("inconclusive"))


def _place_of(descriptor: int) -> tuple[int, int]:
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino


def _say(text: str) -> None:
    with suppress(OSError):
        os.write(2, f"{text}\n".encode())
