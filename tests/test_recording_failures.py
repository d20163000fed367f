"""A disk that is full, writes that fail, files that vanish: never a pass, and never a wrong number."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import crumple
from crumple import seal
from failing_run import AT, TICKS, write_failing_scene
from line_process import LineProcess

ROW = 8 * 4  # [bytes] t, wave, and two numbers


class Runs(LineProcess):
    """Runs the scene with what is to go wrong, each time in a process of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Path(__file__).with_name("failing_run.py"), write_failing_scene(folder))
        self.folder = folder
        self._count = 0
        self.answer, self.whole = self.run()
        assert self.answer["verdict"] == "pass"
        assert self.whole is not None
        self._result = crumple.open_run(self.whole)

    def run(self, *, out: Path | None = None, **wrong: Any) -> tuple[dict[str, Any], Path | None]:
        """The answer, and the run's folder where there is one."""
        self._count += 1
        out = out or self.folder / f"runs-{self._count}"
        answer = json.loads(self.ask(json.dumps({"out": str(out), **wrong})))
        if answer.get("raised") == "NotImplementedError" or "no filters" in answer["text"]:
            pytest.skip(answer["text"])
        return answer, next(iter(out.iterdir()), None) if out.is_dir() else None

    def assert_no_wrong_number(self, folder: Path) -> int:
        """Every row that can be read is the whole run's, bit for bit. Returns how many there are.

        Where the finer of two recordings is lost, a signal is given at the coarser rate: its times tell.
        """
        result = crumple.open_run(folder)
        for name in result.signals:
            t, whole_t = result.signals.t(name), self._result.signals.t(name)
            rows = np.searchsorted(whole_t, t)
            assert np.array_equal(whole_t[rows], t)
            part, whole = result.signals[name], self._result.signals[name][rows]
            assert part.dtype == whole.dtype
            wrong = np.argwhere(part != whole)
            assert len(wrong) == 0, f"{folder}: {name} in row {wrong[0][0]} of {len(part)}"
        return len(result.t)

    def assert_no_pass(self, answer: dict[str, Any], folder: Path | None) -> None:
        """Neither what the run said nor what it left on the disk is a pass."""
        assert answer.get("exit_code", 2) in (2, 3, 4), answer
        assert answer["text"]
        if folder is not None:
            assert crumple.open_run(folder).verdict in ("error", "inconclusive")
            assert seal.verify(folder).state in ("whole", "unsealed")  # a run in error is sealed as it is


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    runs = Runs(tmp_path_factory.mktemp("failing"))
    yield runs
    runs.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if shutil.which("mount") is None:
        pytest.skip("no command mount")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no file system may be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_limit_on_the_size_of_files_is_an_error_wherever_it_is_met(runs: Runs) -> None:
    for limit in (0, 1, 100, 240, 300, 400, 700, 1000, 1500, 2000, 3000, 5000, 9000, 30_000, 60_000, 64_000):
        answer, folder = runs.run(limit=limit)
        runs.assert_no_pass(answer, folder)
        assert "File too large" in answer["text"]
        if "verdict" in answer:
            assert (answer["verdict"], answer["exit_code"]) == ("error", 4)
        if folder is not None:
            rows = runs.assert_no_wrong_number(folder)
            assert rows < TICKS + 1


def test_a_disk_that_fills_is_an_error_wherever_the_run_is(runs: Runs, disk: Path) -> None:
    """Page by page more room, until there is enough for a pass."""
    filler, out = disk / "filler", disk / "runs"
    said = []
    for pages in range(64):
        state = os.statvfs(disk)
        filler.write_bytes(bytes((state.f_bavail - pages) * state.f_bsize))
        answer, folder = runs.run(out=out)
        if answer.get("verdict") == "pass":
            assert folder is not None
            assert crumple.open_run(folder).verdict == "pass"
            assert seal.verify(folder).state == "whole"
            break
        said.append(answer["text"])
        runs.assert_no_pass(answer, folder)
        assert "No space left on device" in answer["text"]
        if folder is not None:
            runs.assert_no_wrong_number(folder)
        shutil.rmtree(out, ignore_errors=True)
        filler.unlink()
    else:
        raise AssertionError("it never passed")
    assert any("make a run folder" in text for text in said)
    assert any("signals-100us.npy" in text for text in said)
    assert any("verdict" in text for text in said)


@pytest.mark.parametrize(
    "name", ["signals-100us.npy", "signals-900us.npy", "signals-100us.jsonl", "events.jsonl"]
)
def test_a_write_that_fails_is_an_error_and_keeps_what_was_written(runs: Runs, name: str) -> None:
    answer, folder = runs.run(action=["fail", "write", name])
    assert folder is not None
    assert answer["verdict"] == "error", answer
    assert "Input/output error" in answer["text"]
    runs.assert_no_pass(answer, folder)
    assert runs.assert_no_wrong_number(folder) >= AT  # what was recorded before stays


def test_a_disk_that_cannot_keep_what_it_took_is_no_pass(runs: Runs) -> None:
    answer, folder = runs.run(action=["fail", "fsync"])
    assert folder is not None
    assert answer["verdict"] == "error", answer
    assert "Input/output error" in answer["text"]
    assert crumple.open_run(folder).verdict in ("error", "inconclusive")


def test_a_folder_that_is_removed_in_the_middle_is_no_pass(runs: Runs) -> None:
    answer, folder = runs.run(action=["remove"])
    assert folder is None
    assert answer["verdict"] == "error", answer


@pytest.mark.parametrize("name", ["signals-100us.npy", "signals-900us.npy"])
@pytest.mark.parametrize("rows", [-1.0, 0.0, 1.0, 2.0, 30.0, 30.5, 60.1])
def test_a_file_that_another_program_cuts_gives_no_wrong_number(runs: Runs, name: str, rows: float) -> None:
    offset = np.load(runs.whole / name, mmap_mode="r").offset if runs.whole else 0
    answer, folder = runs.run(action=["truncate", name, max(0, offset + int(rows * ROW))])
    assert folder is not None
    assert answer["verdict"] in ("error", "inconclusive"), answer
    assert name in answer["text"] or answer["verdict"] == "inconclusive"
    try:
        runs.assert_no_wrong_number(folder)
    except crumple.CrumpleError as error:
        assert name in str(error)  # a file without a header is refused by name


def test_a_place_that_cannot_be_written_is_named(runs: Runs, disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    answer, folder = runs.run(out=disk)
    assert folder is None
    assert answer["raised"] == "UsageError"
    assert "Read-only file system" in answer["text"]
    assert "--out" in answer["text"]
