"""A process that runs cases: `python -m crumple.cases_worker`, started by `cases_pool`.

It is told what to run through one pipe and answers through another, in messages of MessagePack with their length
before them. The number of the case that it is at stands in a small shared file, so that whoever started it knows which
case ended the process.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
import time
from typing import Any

import msgspec

_FLUSH = 0.05  # [s] results are kept back so long: each message wakes who reads it
IDLE = -1  # no case
_LENGTH = struct.Struct("<I")
_NUMBER = struct.Struct("<q")


class Task(msgspec.Struct, frozen=True):
    """A case. number: of its row, from 0."""

    number: int
    given: dict[str, Any]
    seed: int | None
    inject: tuple[str, ...]
    cells: tuple[str, ...]  # of the table of cases


class Done(msgspec.Struct, frozen=True):
    """How a case came out. line: its row of the results, as CSV."""

    number: int
    verdict: str
    line: str


class Answer(msgspec.Struct, frozen=True):
    """done: since the last answer.   idle: the chunk is through.   failed: why nothing can be run at all."""

    done: list[Done] = []
    idle: bool = False
    failed: str = ""


def send(descriptor: int, message: Any) -> None:
    """Write a message. Raises OSError where nobody reads."""
    body = msgspec.msgpack.encode(message)
    data = memoryview(_LENGTH.pack(len(body)) + body)
    while data:
        data = data[os.write(descriptor, data) :]


def receive(descriptor: int) -> bytes | None:
    """The next message, still encoded; None at the end of the pipe."""
    head = _exactly(descriptor, _LENGTH.size)
    return None if head is None else _exactly(descriptor, _LENGTH.unpack(head)[0])


def _exactly(descriptor: int, count: int) -> bytes | None:
    data = b""
    while len(data) < count:
        piece = os.read(descriptor, count - len(data))
        if not piece:
            return None
        data += piece
    return data


def at(memory: mmap.mmap) -> int:
    """The number of the case that a worker is at; IDLE between two."""
    number: int = _NUMBER.unpack_from(memory, 0)[0]
    return number


def note(memory: mmap.mmap, number: int) -> None:
    """Say which case comes now."""
    _NUMBER.pack_into(memory, 0, number)


def _die_with_parent() -> None:
    """A campaign that is killed leaves nobody behind, not even one whose FMU never returns."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)  # PR_SET_PDEATHSIG, SIGKILL


def main(tasks: int, answers: int, place: int) -> None:
    """Serve until the pipe `tasks` ends. answers: the pipe for answers.   place: file of the case's number."""
    _die_with_parent()
    from crumple.cases_files import as_csv
    from crumple.cases_run import Options, Runner, cells_of
    from crumple.errors import CrumpleError

    memory = mmap.mmap(place, mmap.PAGESIZE)
    first = receive(tasks)
    if first is None:
        return
    try:
        runner = Runner(msgspec.msgpack.decode(first, type=Options))
    except CrumpleError as error:
        send(answers, Answer(failed=str(error)))
        return
    decoder = msgspec.msgpack.Decoder(list[Task])
    done: list[Done] = []
    sent = time.monotonic()
    while (message := receive(tasks)) is not None:
        for task in decoder.decode(message):
            note(memory, task.number)
            outcome = runner.run(task.given, seed=task.seed, inject=task.inject)
            note(memory, IDLE)
            line = as_csv((*task.cells, *cells_of(outcome, runner.scene)))
            done.append(Done(task.number, outcome.verdict.outcome, line))
            now = time.monotonic()
            if now - sent >= _FLUSH:
                send(answers, Answer(done))
                done, sent = [], now
        send(answers, Answer(done, idle=True))
        done, sent = [], time.monotonic()


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:4]))
