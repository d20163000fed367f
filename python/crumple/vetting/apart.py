"""The process that forks for each trial: `python -m crumple.vetting.apart`, started and asked by `bench.py`.

It imports what trials need once, so that a trial starts in a millisecond, and it watches over each: how it ended, what
it was doing then, and which processes and files it left. One line of JSON asks for a trial, one answers.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import mmap
import os
import resource
import select
import signal
import struct
import sys
import time
import traceback
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from crumple.archive import open_fmu
from crumple.certificate import all_certified
from crumple.errors import CrumpleError
from crumple.vetting.bench import LEFT, remove
from crumple.vetting.confine import confine
from crumple.vetting.process import children_of, files_below
from crumple.worker import Limits

_LIBC = ctypes.CDLL(None, use_errno=True)
_SIZE = 1 << 20  # of what a trial and its watcher share [bytes]
_HEAD, _TEXT, _RESULT = 0, 64, 1024  # where in it lie: counter and moment; what it is doing; what it found
_CANARY = b"nobody but crumple writes here" * 4  # at its end
_DECOY = b"a file of the world's process\n"
_LOOK = 0.02  # [s] between looks at a trial
_PATIENCE = 60.0  # [s] for what a trial does outside of the FMU
_SUBREAPER, _PDEATHSIG = 36, 1  # numbers of prctl(2)
_NOTHING_LEFT = 71  # exit code of a trial that cannot go on
_PERTURB = -6  # M_PERTURB of mallopt(3)


class Trial:
    """What a trial has: a place to say what it is doing, and a limit of wall time."""

    def __init__(self, shared: mmap.mmap, seconds: float) -> None:
        self._shared = shared
        self._count = 0
        self.until = time.monotonic() + seconds

    @contextmanager
    def call(self, text: str) -> Iterator[None]:
        """The FMU is called now; if that never returns, `text` says what it was."""
        self._say(text, inside=True)
        yield
        self._say("", inside=False)

    def over(self) -> bool:
        """Whether its time is up."""
        return time.monotonic() > self.until

    def _say(self, text: str, *, inside: bool) -> None:
        self._count += 1
        content = text.encode()[:500]
        self._shared[_TEXT : _TEXT + 2 + len(content)] = struct.pack("<H", len(content)) + content
        self._shared[_HEAD : _HEAD + 9] = struct.pack("<QB", self._count, inside)

    def answer(self, result: dict[str, Any]) -> None:
        """What the trial found."""
        content = json.dumps(result).encode()
        if len(content) > _SIZE - _RESULT - 12 - len(_CANARY):
            content = json.dumps({"failed": {"fact": "what it did takes too many words"}}).encode()
        head = struct.pack("<QI", len(content), zlib.crc32(content))
        self._shared[_RESULT : _RESULT + 12 + len(content)] = head + content


class Watched:
    """The watcher's side of a trial."""

    def __init__(self) -> None:
        self.shared = mmap.mmap(-1, _SIZE)  # without a file: nothing that an FMU closes or cuts takes it away
        self.shared[-len(_CANARY) :] = _CANARY

    def beat(self) -> tuple[int, bool]:
        """A number that changes with every call, and whether the FMU has been called and has not returned."""
        count, inside = struct.unpack("<QB", self.shared[_HEAD : _HEAD + 9])
        return count, inside == 1

    def doing(self) -> str:
        """What the trial was doing last; "" where it was not calling the FMU."""
        (length,) = struct.unpack("<H", self.shared[_TEXT : _TEXT + 2])
        return self.shared[_TEXT + 2 : _TEXT + 2 + min(length, 500)].decode(errors="replace")

    def scribbled(self) -> bool:
        """Whether somebody wrote where nobody has to."""
        return self.shared[-len(_CANARY) :] != _CANARY

    def result(self) -> dict[str, Any] | None:
        """What the trial answered; None where it did not, or where what it wrote was overwritten."""
        if self.scribbled():
            return None
        length, checksum = struct.unpack("<QI", self.shared[_RESULT : _RESULT + 12])
        content = self.shared[_RESULT + 12 : _RESULT + 12 + min(length, _SIZE)]
        if not content or zlib.crc32(content) != checksum:
            return None
        found: dict[str, Any] = json.loads(content)
        return found


def serve(requests: int, replies: int) -> None:
    """Answers requests until there are no more."""
    pending = b""
    while True:
        while b"\n" not in pending:
            more = os.read(requests, 1 << 16)
            if not more:
                return
            pending += more
        line, _, pending = pending.partition(b"\n")
        reply = _conduct(json.loads(line), host=requests)
        content = (json.dumps(reply) + "\n").encode()
        while content:
            content = content[os.write(replies, content) :]


def _conduct(request: dict[str, Any], *, host: int) -> dict[str, Any]:
    """One trial, from its fork to its end."""
    folder = request["folder"]
    for name in ("work", "tmp"):
        os.makedirs(os.path.join(folder, name))
    plan = request["arguments"].get("plan")
    if plan:
        with suppress(CrumpleError):  # a trial will say so
            open_fmu(plan["path"])  # here, and not in each trial
    watched = Watched()
    output = os.memfd_create("output")
    with open(os.path.join(folder, "decoy"), "wb") as file:
        file.write(_DECOY)
    pid = os.fork()
    if pid == 0:
        _live(request, watched, output)
    with suppress(OSError):  # both sides do it, so that it is done before either goes on
        os.setpgid(pid, pid)
    status, silent = _await(pid, watched, request["timeout"], host)
    left = _bury(pid)
    printed = os.fstat(output).st_size
    words = os.pread(output, 2000, max(0, printed - 2000)).decode(errors="replace")
    os.close(output)
    return {
        "result": watched.result(),
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
        "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0,
        "silent": silent,
        "scribbled": watched.scribbled(),
        "doing": "" if watched.scribbled() else watched.doing(),
        "decoy": _touched(folder),
        "printed": printed,
        "words": words,
        "processes": left,
        "files": {**_prefixed("", folder, "work"), **_prefixed("$TMPDIR/", folder, "tmp")},
    }


def _await(pid: int, watched: Watched, timeout: float, host: int) -> tuple[int, bool]:
    """Until the trial ends; kills it where the FMU does not return. Gives its status, and whether that was so."""
    beat, since = watched.beat(), time.monotonic()
    end = os.pidfd_open(pid)  # can be read once the process has ended
    while True:
        ready, _, _ = select.select([host, end], [], [], _LOOK)
        if host in ready:  # nobody asks before he was answered: the host is gone
            os.kill(pid, signal.SIGKILL)
            _bury(pid)
            remove(sys.argv[1])
            os._exit(0)
        silent = False
        if not ready:
            now, found = time.monotonic(), watched.beat()
            if found != beat:
                beat, since = found, now
            silent = now - since > (timeout if beat[1] else max(timeout, _PATIENCE))
            if silent:
                os.kill(pid, signal.SIGKILL)
        if ready or silent:
            os.close(end)
            return os.waitpid(pid, 0)[1], silent


def _bury(pid: int) -> list[str]:
    """Ends the processes that a trial left, and names them."""
    left: list[str] = []
    while orphans := _orphans():  # those whose parent ended became children of this process
        for number, name in orphans.items():
            left.append(name)
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(number, signal.SIGKILL)
                os.waitpid(number, 0)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    return left


def _orphans() -> dict[int, str]:
    """Children of this process that live; those that have ended are waited for."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
        return children_of(os.getpid())
    return {}


def _touched(folder: str) -> str:
    """What was done to the file that every trial has open and nobody has to write to."""
    with open(os.path.join(folder, "decoy"), "rb") as file:
        content = file.read(len(_DECOY) + 1)
    return "" if content == _DECOY else "cut" if not content else "overwrote"


def _prefixed(prefix: str, folder: str, name: str) -> dict[str, int]:
    return {prefix + path: size for path, size in files_below(os.path.join(folder, name)).items()}


def _live(request: dict[str, Any], watched: Watched, output: int) -> None:
    """The life of the process of a trial."""
    code = 70
    try:
        trial = Trial(watched.shared, request["seconds"])
        _settle_in(request, output)
        answer = _trial(request["trial"])(trial, **request["arguments"])
        _LIBC.fflush(None)
        trial.answer(answer)
        code = 0
        if request["leave"]:
            with trial.call("exit"):
                _LIBC.exit(LEFT)  # with what the FMU has left to be done at the end of the process
    except (
        OSError,
        MemoryError,
    ) as error:  # the FMU has taken from its process what a trial needs, such as files
        code = _NOTHING_LEFT
        with suppress(OSError):
            os.write(2, f"{error}\n".encode())
    except CrumpleError as error:  # before anything of the FMU was run
        with suppress(Exception):
            trial.answer({"traceback": str(error)})
    except BaseException:
        with suppress(Exception):
            trial.answer({"traceback": traceback.format_exc()})
    finally:
        os._exit(code)


def _settle_in(request: dict[str, Any], output: int) -> None:
    os.setpgid(0, 0)  # what an FMU does to its group is done to nobody else
    _LIBC.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    folder = request["folder"]
    os.environ.update(request["environment"])
    os.environ["TMPDIR"] = os.path.join(folder, "tmp")
    os.chdir(os.path.join(folder, "work"))
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.closerange(3, 256)
    os.open(os.path.join(folder, "decoy"), os.O_RDWR)  # as the world's process has files open
    usual = Limits()
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_DATA, usual.memory)
    _limit(resource.RLIMIT_FSIZE, usual.file_size)
    if request["perturb"]:  # memory that nobody wrote to holds other bytes than in the first run
        _LIBC.mallopt(_PERTURB, 0x5A)


def _limit(number: int, most: int | None) -> None:
    if most is not None:
        with suppress(ValueError, OSError):  # there is a stricter one
            resource.setrlimit(number, (most, most))


def _trial(name: str) -> Callable[..., dict[str, Any]]:
    from crumple.vetting import calls, state, trials

    for module in (trials, state, calls):
        if hasattr(module, name):
            found: Callable[..., dict[str, Any]] = getattr(module, name)
            return found
    raise LookupError(name)


def main() -> None:
    """Serves on standard input and output, which no FMU gets to see."""
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    _LIBC.prctl(_SUBREAPER, 1, 0, 0, 0)
    for module in ("fmpy.validation", "lark", "lxml.etree"):  # here, once, and not in each trial
        importlib.import_module(module)
    _trial("run")
    confine(sys.argv[1])
    gc.freeze()  # what is here stays; a trial that collects garbage need not look at it
    with all_certified():
        serve(requests, replies)
    remove(sys.argv[1])  # also where the host did not live to do it


if __name__ == "__main__":
    main()
    sys.stdout.flush()
