"""`crumple play` against a run that wants something else of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from command import invoke
from crumple.tape import Tape
from live_bench import Bench


@pytest.fixture
def saved(tmp_path: Path) -> str:
    tape = Tape.from_arrays([k * 1e-3 for k in range(50)], {"x": range(50)}, si={"x": "1"}, sensor="front")
    tape.save(tmp_path / "front.npy")
    return str(tmp_path / "front.npy")


@pytest.mark.parametrize("speed", ["0", "-1", "nan", "inf"])
def test_a_speed_that_is_none_is_refused_before_anybody_is_waited_for(
    saved: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], speed: str
) -> None:
    address = f"ipc://{tmp_path}/p"
    assert invoke(["play", saved, "--zmq", address, "--wait", "20 s", "--speed", speed]) == 2
    said = capsys.readouterr()
    assert f"--speed {speed}: write a number above 0" in said.err
    assert "waiting" not in said.out + said.err


def test_a_tape_that_does_not_name_the_answers_is_told_how_and_the_run_ends_at_once(
    saved: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("zmq")
    bench = Bench(tmp_path)
    with bench.begin(bench.lockstep(timeout="600 s")) as run:
        assert invoke(["play", saved, "--zmq", bench.rig, "--lockstep", "--wait", "20 s"]) == 2
        done = run.end()
    assert "with --receive, each with its unit of measure" in capsys.readouterr().err
    assert done.verdict == "inconclusive" and "said goodbye" in done.reason
