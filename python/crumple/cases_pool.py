"""The processes that run cases, as the one sees them that hands the cases out.

A case that ends its process is tried once more in a new one, where nothing went before it: whether it is to blame must
not depend on which cases the process ran before. The other cases of its chunk go to the next process.
"""

from __future__ import annotations

import mmap
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import IO

import msgspec

from crumple.cases_run import Options
from crumple.cases_worker import IDLE, Answer, Done, Task, at, note, receive, send
from crumple.errors import CrumpleError

_CHUNK = 0.4  # [s] of work in a chunk, about
_MOST = 512  # cases in a chunk
_MOST_ODD_ENDS = 3
_FIRST = 4  # cases in the first chunk of a worker, before anything is known


class _Worker:
    """One process. chunk: the cases that it has not answered yet, in their order."""

    def __init__(self, options: Options) -> None:
        self.chunk: deque[Task] = deque()
        self.began = 0.0
        self.size = 0
        self.chunks = 0
        self._place: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed with the worker
        self._place.truncate(mmap.PAGESIZE)
        self.memory = mmap.mmap(self._place.fileno(), mmap.PAGESIZE)
        note(self.memory, IDLE)
        tasks, self._tasks = os.pipe()
        self.answers, answers = os.pipe()
        place = self._place.fileno()
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "crumple.cases_worker", str(tasks), str(answers), str(place)],
                pass_fds=(tasks, answers, place),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            )
        finally:
            os.close(tasks)
            os.close(answers)
        send(self._tasks, options)

    def give(self, tasks: Sequence[Task]) -> None:
        """A chunk to run. Raises OSError where the process has ended."""
        self.chunk = deque(tasks)
        self.size, self.began = len(tasks), time.monotonic()
        self.chunks += 1
        send(self._tasks, list(tasks))

    def ended(self) -> str:
        """How the process ended, in words."""
        code = self.process.wait()
        if code >= 0:
            return f"exit code {code}"
        with suppress(ValueError):
            return f"signal {-code} ({signal.Signals(-code).name})"
        return f"signal {-code}"

    def close(self, *, kill: bool = False) -> None:
        """End it, and free what it holds here."""
        with suppress(OSError):
            os.close(self._tasks)
        if kill:
            self.process.kill()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=10)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.answers)
        self.memory.close()
        self._place.close()


class Pool:
    """Runs tasks on several processes and gives what comes back, as it comes.

    failed: makes the result of a case that ended its process: of the task, and how.
    """

    def __init__(self, options: Options, *, jobs: int, failed: Callable[[Task, str], Done]) -> None:
        self._options = options
        self._jobs = jobs
        self._failed = failed
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()
        self._waiting: deque[Task] = deque()
        self._odd_ends = 0  # of processes that ended at no case
        self._rate = 0.0  # [1/s] cases of one worker

    def run(self, tasks: Sequence[Task]) -> Iterator[list[Done]]:
        """All results, in the order in which they come. Raises CrumpleError where no process can run anything."""
        self._waiting = deque(tasks)
        try:
            for _ in range(min(self._jobs, len(tasks))):
                self._start()
            while self._waiting or any(worker.chunk for worker in self._workers):
                for key, _ in self._selector.select(timeout=1.0):
                    done = self._hear(key.data)
                    if done:
                        yield done
            self._end(kill=False)
        finally:
            self._end(kill=True)
            self._selector.close()

    def _start(self, alone: Task | None = None) -> None:
        """A new process. alone: all that it is given at first."""
        worker = _Worker(self._options)
        self._workers.append(worker)
        self._selector.register(worker.answers, selectors.EVENT_READ, worker)
        if alone is None:
            self._feed(worker)
        else:
            with suppress(OSError):
                worker.give([alone])

    def _feed(self, worker: _Worker) -> None:
        count = _FIRST if not self._rate else max(1, min(_MOST, int(self._rate * _CHUNK)))
        count = max(
            1, min(count, -(-len(self._waiting) // (2 * self._jobs)))
        )  # so that all end at the same time
        chunk = [self._waiting.popleft() for _ in range(min(count, len(self._waiting)))]
        if chunk:
            with suppress(OSError):  # it has ended, which is heard next
                worker.give(chunk)

    def _hear(self, worker: _Worker) -> list[Done]:
        """What a worker has to say."""
        try:
            message = receive(worker.answers)
        except OSError:
            message = None
        if message is None:
            return self._ended(worker)
        answer = msgspec.msgpack.decode(message, type=Answer)
        if answer.failed:
            raise CrumpleError(answer.failed)
        for _ in answer.done:
            worker.chunk.popleft()
        if answer.idle:
            spent = time.monotonic() - worker.began
            if worker.size >= _FIRST:
                self._rate = worker.size / max(spent, 1e-6)
            self._feed(worker)
        return answer.done

    def _ended(self, worker: _Worker) -> list[Done]:
        """A worker has ended. The case that it was at is tried again, alone; or was, and is to blame."""
        number = at(worker.memory)
        how = worker.ended()
        self._drop(worker)
        culprit = next((task for task in worker.chunk if task.number == number), None)
        self._waiting.extendleft(task for task in reversed(worker.chunk) if task is not culprit)
        if culprit is None:
            self._odd_ends += 1
            if self._odd_ends > _MOST_ODD_ENDS:
                raise CrumpleError(f"the processes that run cases end before they run any: {how}")
        if culprit is not None and (worker.chunks > 1 or worker.size > 1):
            self._start(culprit)
            return []
        if self._waiting:
            self._start()
        return [] if culprit is None else [self._failed(culprit, how)]

    def _drop(self, worker: _Worker) -> None:
        self._selector.unregister(worker.answers)
        self._workers.remove(worker)
        worker.close()

    def _end(self, *, kill: bool) -> None:
        for worker in self._workers:
            worker.close(kill=kill)
        self._workers = []
