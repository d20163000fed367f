"""`crumple cache`: what is kept is shown, and goes when it is told to."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from crumple import archive as opening
from crumple import unpack
from crumple.archive import library_path, open_fmu
from crumple.cli.app import invoke
from paper_fmu import CONTENT, fmu_bytes


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a cache that holds two FMUs and the description of an unpacked one."""
    monkeypatch.setenv("CRUMPLE_CACHE", str(tmp_path / "cache"))
    opening._seen.clear()
    (tmp_path / "first.fmu").write_bytes(fmu_bytes({"resources/large": os.urandom(300_000)}))
    (tmp_path / "second.fmu").write_bytes(fmu_bytes({"resources/small": "x"}))
    folder = open_fmu(tmp_path / "first.fmu").directory
    os.utime(folder, (time.time() - 3600,) * 2)
    os.utime(folder.with_name(f"{folder.name}.description"), (time.time() - 3600,) * 2)
    open_fmu(tmp_path / "second.fmu")
    (tmp_path / "third").mkdir()
    (tmp_path / "third" / "modelDescription.xml").write_bytes((folder / "modelDescription.xml").read_bytes())
    open_fmu(tmp_path / "third")
    return tmp_path / "cache" / "fmu"


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert invoke(["cache", *arguments]) == 0
    return capsys.readouterr().out


def test_the_list_has_name_size_and_time_the_newest_first(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shown(capsys, "list").splitlines()
    assert re.fullmatch(rf"{re.escape(str(kept))}   3 FMUs · 30\d kB", lines[0])
    assert lines[2].split() == ["FMU", "size", "unpacked", "SHA-256"]
    rows = [re.split(r"\s{2,}", line.strip()) for line in lines[3:]]
    assert {row[0] for row in rows[:2]} == {"second.fmu", "third (a folder, used in place)"}
    assert rows[2][0] == "first.fmu"
    assert re.fullmatch(r"30\d kB", rows[2][1])
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d", row[2]) for row in rows)
    assert {row[3][:12] for row in rows} == {path.name[:12] for path in kept.iterdir()}


def test_all_is_cleared_although_it_is_read_only(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert re.search(r"3 FMUs cleared · 30\d kB freed", shown(capsys, "clear"))
    assert not kept.exists()
    assert "0 FMUs · 0 bytes" in shown(capsys, "list")
    assert library_path(open_fmu(kept.parents[1] / "first.fmu")).read_bytes() == CONTENT


@pytest.mark.parametrize("said", ["second", "second.fmu", "sec*", "SHA"])
def test_one_is_cleared_by_name_pattern_or_hash(
    said: str, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if said == "SHA":
        said = open_fmu(kept.parents[1] / "second.fmu").sha256
    assert "1 FMU cleared" in shown(capsys, "clear", said)
    left = shown(capsys, "list")
    assert "first.fmu" in left and "third" in left and "second" not in left


def test_a_name_that_is_not_there_is_an_error_and_nothing_goes(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["cache", "clear", "first", "fourth"]) == 2
    assert (
        'Nothing is kept of an FMU "fourth". `crumple cache list` shows what is.' in capsys.readouterr().err
    )
    assert "3 FMUs" in shown(capsys, "list")


def test_what_a_process_is_unpacking_stays_and_what_a_dead_one_left_goes(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alive, dead = kept / ".new-1", kept / ".new-2"
    alive.mkdir()
    dead.mkdir()
    with unpack.locked(alive):
        assert "3 FMUs cleared" in shown(capsys, "clear")
    assert list(kept.iterdir()) == [alive]


def test_what_is_no_description_is_listed_without_a_name(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in kept.glob("*.description"):
        file.write_bytes(b"of another version")
    lines = shown(capsys, "list").splitlines()
    assert [line.split()[0] for line in lines[3:]] == ["?"] * 3
