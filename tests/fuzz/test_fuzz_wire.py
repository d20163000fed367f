"""Frames that the fuzzer knows, and many near them, against the properties that it tries to break."""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys
from pathlib import Path

import pytest

from crumple.live.wire import REASONS
from fuzz import bend, make_wire_corpus, wire_targets

HERE = Path(__file__).parent
CORPUS = wire_targets.corpus(HERE / "wire_corpus")


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_an_input_of_the_corpus_breaks_nothing(path: Path) -> None:
    wire_targets.check(path.read_bytes())


def test_the_corpus_is_what_its_script_writes_and_small() -> None:
    made = make_wire_corpus.inputs()
    for name, content in made.items():
        assert (HERE / "wire_corpus" / name).read_bytes() == content, name
    assert [p.name for p in CORPUS if p.name not in made and not p.name.startswith("found-")] == []
    assert sum(p.stat().st_size for p in CORPUS) < 20_000


def test_the_corpus_reaches_every_reason() -> None:
    said = {word for path in CORPUS for word in wire_targets.check(path.read_bytes())}
    assert said == {"accepted", *REASONS}


def test_inputs_near_the_corpus_break_nothing() -> None:
    """Without a fuzzer's sense for what is new, but the same each time and with every Python."""
    dice = random.Random(20260102)
    accepted = refused = 0
    for _ in range(5000):
        data = bend.bend_bytes(dice.choice(CORPUS).read_bytes(), dice)
        said = wire_targets.check(data)
        accepted += said.count("accepted")
        refused += len(said) - said.count("accepted")
    assert accepted > 1000
    assert refused > 1000


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")
def test_the_fuzzer_finds_nothing_in_a_bounded_run(tmp_path: Path) -> None:
    found = tmp_path / "found"
    done = subprocess.run(
        [sys.executable, str(HERE / "fuzz_wire.py"), "--runs", "8000", "--seed", "1", "--found", str(found)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert "number_of_executed_units: 8000" in done.stderr
    assert not [path for path in found.iterdir() if path.name.startswith(("crash-", "timeout-", "oom-"))]
