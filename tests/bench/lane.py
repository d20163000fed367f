"""One engine with one ring in a process of its own, so that an engine that dies harms no other measurement.

The processes of a case live at the same time and are measured in turn, round by round: what disturbs the
machine disturbs them alike.
"""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import signal
import statistics
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from bare import Bare
from engine import Absent, Engine
from ours import Crumple, CrumpleWithoutDigest, EmptyCall, PluginRing
from peers import Ecos, Fmpy, Libcosim
from rings import Ring

ENGINES: dict[str, type[Engine]] = {
    "bare": Bare,
    "crumple": Crumple,
    "crumple-nodigest": CrumpleWithoutDigest,
    "fmpy": Fmpy,
    "ecos": Ecos,
    "libcosim": Libcosim,
    "empty-call": EmptyCall,
    "plugin": PluginRing,
}
PEERS = ("fmpy", "ecos", "libcosim")
PATIENCE = 180.0
"""Seconds to wait for an answer before an engine is given up."""


@dataclass(frozen=True)
class Job:
    """What a process is to run."""

    engine: str
    ring: Ring
    threads: int
    record: Path | None
    log: Path  # where its standard output and error go: some engines talk a lot


def resident() -> int:
    """Resident memory of this process [bytes]; 0 where it cannot be told."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def other_threads() -> list[int]:
    """The CPU clocks of this process's threads but the calling one; empty where they cannot be told."""
    try:
        threads = [int(name) for name in os.listdir("/proc/self/task")]
    except OSError:
        return []
    # Linux: the clock of thread t is (~t << 3) | 6
    return [(~thread << 3) | 6 for thread in threads if thread != threading.get_native_id()]


def clocks(others: list[int]) -> tuple[int, int]:
    """CPU time of all threads, and wall time [ns].

    others: from `other_threads`. The kernel adds up what another running thread has used only every few
    milliseconds, unless that thread's own clock is read.
    """
    for clock in others:
        with contextlib.suppress(OSError):  # it may have ended
            time.clock_gettime_ns(clock)
    return time.process_time_ns(), time.perf_counter_ns()


class Server:
    """Inside the process: answers commands."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.kind = ENGINES[job.engine]
        self.engine: Any = None
        self.others: list[int] = []
        self.kind.prepare()

    def version(self) -> str:
        return self.kind.version()

    def build(self) -> dict[str, int]:
        """Load the ring: CPU, wall [ns] and memory [bytes] that it took, and steps taken."""
        memory, before = resident(), clocks([])
        self.engine = self.kind(self.job.ring, threads=self.job.threads, record=self.job.record)
        after = clocks(other_threads())
        self.engine.step(1)
        self.others = other_threads()
        cost = {"cpu": after[0] - before[0], "wall": after[1] - before[1]}
        return cost | {"memory": resident() - memory, "steps": self.kind.leads + 1}

    def load(self, rings: list[Ring]) -> list[float]:
        """CPU seconds to load, start and step once each of `rings`."""
        seconds = []
        for ring in rings:
            before = time.process_time_ns()
            self.engine = self.kind(ring)
            self.engine.step(1)
            seconds.append((time.process_time_ns() - before) * 1e-9)
        return seconds

    def run(self, steps: int, parts: int = 1) -> list[tuple[int, int]]:
        """Take steps, `parts` times: CPU and wall [ns] of each."""
        out = []
        for _ in range(parts):
            before = clocks(self.others)
            self.engine.step(steps)
            after = clocks(self.others)
            out.append((after[0] - before[0], after[1] - before[1]))
        return out

    def outputs(self) -> np.ndarray:
        values: np.ndarray = self.engine.outputs()
        return values

    def recorded(self) -> np.ndarray | None:
        row: np.ndarray | None = self.engine.recorded()
        return row

    def own_digest(self) -> str:
        return str(self.engine.own_digest())


def serve(pipe: Connection, job: Job) -> None:
    """Body of the process: answer until told to stop, or until something fails."""
    out = os.open(job.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(out, stream)
    try:
        server = Server(job)
        while True:
            name, arguments = pipe.recv()
            if name == "stop":
                break
            call: Callable[..., Any] = getattr(server, name)
            pipe.send(("ok", call(*arguments)))
    except Absent as absent:
        pipe.send(("absent", str(absent)))
    except Exception:
        pipe.send(("failed", traceback.format_exc()))
    finally:
        pipe.close()
        os._exit(0)  # how an engine's library behaves while a process ends is not what is measured


class Lane:
    """The near end of one engine's process."""

    def __init__(self, engine: str, ring: Ring, *, threads: int = 1, record: bool = False) -> None:
        self.kind = ENGINES[engine]
        self.engine = engine
        self.ring = ring
        self.threads = threads
        self.record = record
        self.note = ""  # why it takes no (further) part
        self.absent = False  # not installed, or cannot run such a ring
        self.wrong = False  # it computed other values than the reference
        self.steps = 0  # taken so far
        self.cpu: list[float] = []  # per unit and step, by round [ns]
        self.wall: list[float] = []  # the same in wall time [ns]
        self.digest = ""  # of the outputs at the first check
        self.own_digest = ""  # what the engine itself calls the digest of its run
        self._folder = tempfile.TemporaryDirectory(prefix="crumple-bench-")
        where = Path(self._folder.name)
        self._job = Job(engine, ring, threads, where if record else None, where / "log.txt")
        context = multiprocessing.get_context("spawn")
        self._pipe, far = context.Pipe()
        self._process = context.Process(target=serve, args=(far, self._job), daemon=True)
        self._process.start()
        far.close()
        self.version = self.ask("version") or ""

    @property
    def variant(self) -> str:
        """How it differs from the plain one: recording, or on threads."""
        return "recording" if self.record else f"{self.threads} threads" if self.threads > 1 else ""

    @property
    def label(self) -> str:
        """Name and variant."""
        return ", ".join(part for part in (self.kind.name, self.variant) if part)

    @property
    def alive(self) -> bool:
        """Whether it still takes part."""
        return not self.note

    @property
    def failed(self) -> bool:
        """Whether this fails the benchmark: wrong values always, an engine that breaks only if it is ours."""
        return self.wrong or bool(self.note and not self.absent and self.engine not in PEERS)

    @property
    def ns(self) -> float:
        """CPU per unit and step, least of the rounds [ns]."""
        return min(self.cpu, default=math.nan)

    @property
    def wall_ns(self) -> float:
        """Wall time per unit and step, least of the rounds [ns]."""
        return min(self.wall, default=math.nan)

    @property
    def spread(self) -> float:
        """Median of the rounds over the least: 1.0 on a quiet machine."""
        return statistics.median(self.cpu) / self.ns if self.cpu else math.nan

    def paired(self, base: Lane) -> float:
        """Median over the rounds of its CPU over that of `base` in the same round."""
        pairs = list(zip(self.cpu, base.cpu, strict=False))
        return statistics.median(own / other for own, other in pairs) if pairs else math.nan

    def ask(self, name: str, *arguments: Any) -> Any:
        """Send a command and wait for its answer; None when the lane ended, `note` then says why."""
        if not self.alive:
            return None
        try:
            self._pipe.send((name, arguments))
            if not self._pipe.poll(PATIENCE):
                self.note = f"no answer within {PATIENCE:g} s"
                return None
            kind, answer = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join(5.0)
            self.note = f"its process ended with code {self._process.exitcode}{self._last_words()}"
            return None
        if kind == "ok":
            return answer
        self.absent = kind == "absent"
        self.note = answer if self.absent else f"failed: {answer.strip().splitlines()[-1]}"
        return None

    def build(self) -> dict[str, int] | None:
        """Load the ring. What it took, as `Server.build`, or None."""
        answer: dict[str, int] | None = self.ask("build")
        self.steps = answer["steps"] if answer else 0
        return answer

    def run(self, steps: int, parts: int = 1) -> float:
        """Take steps, `parts` times: least CPU of one part [ns], nan where the lane ended."""
        answer = self.ask("run", steps, parts)
        self.steps += steps * parts
        return math.nan if answer is None else float(min(cpu for cpu, _ in answer))

    def round(self, steps: int, parts: int = 1) -> None:
        """One measured round: `parts` times as many steps. The least of the parts counts.

        A shared machine is quiet for milliseconds at a time, so short parts find the quiet ones.
        """
        answer = self.ask("run", steps, parts)
        self.steps += steps * parts
        if answer is not None:
            each = steps * self.ring.units
            self.cpu.append(min(cpu for cpu, _ in answer) / each)
            self.wall.append(min(wall for _, wall in answer) / each)

    def outputs(self) -> np.ndarray | None:
        """All outputs, at `steps`."""
        values: np.ndarray | None = self.ask("outputs")
        self.steps += self.kind.looks
        return values

    def pause(self) -> None:
        """Halt the process between its rounds: some engines' threads spin with nothing to do."""
        self._signal("SIGSTOP")

    def resume(self) -> None:
        """Let it run again."""
        self._signal("SIGCONT")

    def close(self) -> None:
        """End the process."""
        self.resume()
        with contextlib.suppress(OSError):
            self._pipe.send(("stop", ()))
        self._process.join(5.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._folder.cleanup()

    def _signal(self, name: str) -> None:
        if hasattr(signal, name) and self._process.pid is not None and self._process.is_alive():
            os.kill(self._process.pid, getattr(signal, name))

    def _last_words(self) -> str:
        try:
            lines = self._job.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            return ""
        return f": {lines[-1]}" if lines else ""
