"""What was recorded outlives the process: killed at any moment, a run's folder holds what the whole run holds.

CRUMPLE_KILLS is the number of kills, 28 by default; CRUMPLE_KILL_SEED another seed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import crumple
from crumple import run_folder, seal
from kill_scene import REPORT_BYTES, TICKS, read_report, write_kill_scene
from line_process import LineProcess

KILLS = int(os.environ.get("CRUMPLE_KILLS", "28"))
SEED = int(os.environ.get("CRUMPLE_KILL_SEED", "20261122"))
MOST_LOST = 0.1  # [s] of wall time before the kill
TABLES = {"signals-1ms.npy": 1, "signals-7ms.npy": 7}  # with the ticks from row to row


class Nursery(LineProcess):
    """Starts the scene again and again, each time in a process of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Path(__file__).with_name("kill_scene.py"), write_kill_scene(folder))
        self._folder = folder
        self._count = 0

    def start(self) -> tuple[int, Path, Path]:
        """Process id, the folder for the run's folder, and the file of times."""
        self._count += 1
        report = self._folder / f"times-{self._count}"
        report.write_bytes(bytes(REPORT_BYTES))
        out = self._folder / f"runs-{self._count}"
        return int(self.ask(f"{out} {report}")), out, report

    def wait(self) -> None:
        """Until the process of the last run is gone."""
        assert self.line() == "done"


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    nursery = Nursery(tmp_path_factory.mktemp("killed"))
    yield nursery
    nursery.close()


@dataclass
class Whole:
    """A run that nobody killed."""

    folder: Path
    first: float  # [s] from the order to start it until the first tick
    conclusion: float  # [s] from the last tick until the verdict
    files: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.files = {path.name: path.read_bytes() for path in self.folder.iterdir()}
        self.result = crumple.open_run(self.folder)
        self.signals = {name: np.array(self.result.signals[name]) for name in self.result.signals}
        self.times = {name: np.array(self.result.signals.t(name)) for name in self.result.signals}


@pytest.fixture(scope="module")
def whole(nursery: Nursery) -> Whole:
    for _ in range(2):  # the first fills caches
        began = time.monotonic_ns()
        _, out, report = nursery.start()
        nursery.wait()
    times = read_report(report)
    (folder,) = out.iterdir()
    ended = (folder / "verdict.json").stat().st_mtime_ns - time.time_ns() + time.monotonic_ns()
    found = Whole(
        folder,
        first=(times[0] - began) / 1e9,
        conclusion=(ended - times[TICKS - 1]) / 1e9,
    )
    assert found.result.verdict == "pass"
    assert found.result.tick == TICKS
    return found


@dataclass
class Tally:
    """What a kill met, and the longest time [s] between a row and the end that took it away."""

    before: int = 0
    running: int = 0
    ended: int = 0
    lost: list[float] = field(default_factory=list)


def moments(whole: Whole) -> Iterator[tuple[int, float]]:
    """Random moments: a tick, and the time [s] from when it is reached; tick -1 is the order to start."""
    chance = random.Random(SEED)
    for number in range(KILLS):
        if number % 4 == 0:
            yield -1, chance.uniform(0.0, 1.2 * whole.first)
        elif number % 4 == 1:
            yield TICKS - 1, chance.uniform(0.0, 1.2 * whole.conclusion)
        else:
            yield chance.randrange(TICKS - 1), chance.uniform(0.0, 0.005)


@pytest.mark.slow
def test_a_run_that_is_killed_at_any_moment_holds_what_the_whole_run_holds(
    nursery: Nursery, whole: Whole
) -> None:
    tally = Tally()
    for tick, moment in moments(whole):
        began = time.monotonic()
        pid, out, report = nursery.start()
        if tick >= 0:
            while not read_report(report)[tick] and time.monotonic() - began < 60:
                time.sleep(2e-4)
            began = time.monotonic()
        time.sleep(max(0.0, began + moment - time.monotonic()))
        killed = time.monotonic_ns()
        with suppress(ProcessLookupError):  # it has come to its end
            os.kill(pid, signal.SIGKILL)
        nursery.wait()
        folders = [path for path in out.iterdir() if path.name[0] != "."] if out.exists() else []
        if not folders:
            tally.before += 1
            assert not any(read_report(report))  # no folder, so no tick
            continue
        (folder,) = folders
        wait_for_children(folder)
        check(folder, whole, tally)
        check_lost(folder, read_report(report), killed, tally)
    print(
        f"\n{KILLS} kills, seed {SEED}: {tally.before} before there was a folder, {tally.running} of a run,"
    )
    print(f"{tally.ended} after its verdict; rows lost: at most the last {max(tally.lost) * 1e3:.1f} ms,")
    print(f"in the middle {sorted(tally.lost)[len(tally.lost) // 2] * 1e3:.1f} ms")
    assert tally.running > KILLS / 3
    lost = sorted(tally.lost)
    assert lost[-1 - KILLS // 20] < MOST_LOST
    assert lost[-1] < 20 * MOST_LOST  # where the machine or its disk stood still


def wait_for_children(folder: Path) -> None:
    """Until nobody holds the run's lock: the trial run of an FMU that costs are measured with outlives the kill."""
    deadline = time.monotonic() + 10
    while run_folder.is_alive(folder) and time.monotonic() < deadline:
        time.sleep(1e-3)


def check(folder: Path, whole: Whole, tally: Tally) -> None:
    """All that is in the folder of a killed run is in the whole run's, bit for bit."""
    result = crumple.open_run(folder)
    ended = json.loads((folder / "verdict.json").read_text())["state"] == "ended"
    if ended:
        tally.ended += 1
        assert (result.verdict, result.digest) == ("pass", whole.result.digest)
        assert len(result.t) == TICKS + 1
    else:
        tally.running += 1
        assert (result.verdict, result.exit_code) == ("inconclusive", 3)
        assert result.reason.startswith("the run was cut off ")
        assert seal.verify(folder).exit_code == 3
    events = result.events
    assert [e["event"] for e in events] == ["start", "end"][: len(events)]
    for name in ("signals-1ms", "signals-7ms"):
        lines = read_or_nothing(folder / f"{name}.jsonl").split(b"\n")[:-1]
        assert lines == whole.files[f"{name}.jsonl"].split(b"\n")[: len(lines)]
    if (folder / "manifest.json").exists():
        assert result.manifest["id"] == whole.result.manifest["id"]
    for name in result.signals:
        assert_begins_like(whole.signals[name], np.array(result.signals[name]), f"{folder}: {name}")
        assert_begins_like(whole.times[name], np.array(result.signals.t(name)), f"{folder}: t of {name}")
    for name in TABLES:
        if len(read_or_nothing(folder / name)) > 1000:  # else the process died before it had a header
            rows = np.load(folder / name, mmap_mode="r")
            kept = np.load(whole.folder / name)
            assert rows.dtype == kept.dtype
            assert rows.tobytes() == kept[: len(rows)].tobytes()


def read_or_nothing(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def assert_begins_like(whole: Any, part: Any, what: str) -> None:
    """The same rows, bit for bit, as far as they go."""
    assert part.dtype == whole.dtype
    same = (
        part == whole[: len(part)] if part.dtype == object else part.tobytes() == whole[: len(part)].tobytes()
    )
    assert np.all(same), what


def check_lost(folder: Path, times: list[int], killed: int, tally: Tally) -> None:
    """How long before the end the first row was recorded that the folder does not have.

    A tick has its time once its row was recorded. Counted up to the last tick that the process came to, for
    where a machine does not let it run, there is nothing that could be lost.
    """
    for name, every in TABLES.items():
        header = read_or_nothing(folder / name)
        rows = len(np.load(folder / name, mmap_mode="r")) if len(header) > 1000 else 0
        recorded = [at for at in times[::every] if at]
        if rows < len(recorded):
            tally.lost.append((min(killed, recorded[-1]) - recorded[rows]) / 1e9)
        else:
            tally.lost.append(0.0)
