"""Inputs that the fuzzer knows, and many near them, against the properties that it tries to break."""

from __future__ import annotations

import importlib.util
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuzz import bend, make_corpus, targets

HERE = Path(__file__).parent
CORPUS = targets.corpus(HERE / "corpus")


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with targets.sandbox() as place:
        monkeypatch.setenv("CRUMPLE_CACHE", str(place / "cache"))
        yield place


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_an_input_of_the_corpus_breaks_nothing(path: Path, folder: Path) -> None:
    targets.check(path.read_bytes(), folder)


def test_the_corpus_is_what_its_script_writes_and_small() -> None:
    made = make_corpus.inputs()
    for name, content in made.items():
        kept = (HERE / "corpus" / name).read_bytes()
        assert kept == content or name.endswith(".fmu"), name  # another zlib packs in other ways
    assert [p.name for p in CORPUS if p.name not in made and not p.name.startswith("found-")] == []
    assert sum(p.stat().st_size for p in CORPUS) < 200_000


def test_the_corpus_reaches_both_ends(folder: Path) -> None:
    said = [targets.check(path.read_bytes(), folder) for path in CORPUS]
    assert said.count("opened") >= 8
    assert len({text.rpartition(": ")[2] for text in said}) >= 10


def test_inputs_near_the_corpus_break_nothing(folder: Path) -> None:
    """Without a fuzzer's sense for what is new, but the same each time and with every Python."""
    dice = random.Random(20260101)
    opened = 0
    for _ in range(700):
        data = dice.choice(CORPUS).read_bytes()
        for _ in range(dice.choice((1, 1, 3))):
            bend_it = bend.bend_xml if data[:1] == b"<" and dice.random() < 0.7 else bend.bend_bytes
            data = bend_it(data, dice)
        opened += targets.check(data, folder) == "opened"
    assert 100 < opened < 600, "too many or too few of the inputs are still FMUs"


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")
def test_the_fuzzer_finds_nothing_in_a_bounded_run(tmp_path: Path) -> None:
    found = tmp_path / "found"
    done = subprocess.run(
        [sys.executable, str(HERE / "fuzz_gate.py"), "--runs", "800", "--seed", "1", "--found", str(found)],
        env={k: v for k, v in os.environ.items() if k != "CRUMPLE_LIMITS"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert "number_of_executed_units: 800" in done.stderr
    assert [p.name for p in found.iterdir() if p.name.startswith(("crash-", "timeout-", "oom-"))] == []
