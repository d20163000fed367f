"""The seal of a run: every later change of any bit is found, told apart and placed.

CRUMPLE_SWEEP=all holds the whole folder against the seal for every single bit, which takes a minute.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import crumple
from crumple import run_folder, seal, seal_report
from crumple.cli.verify import verify as verify_command
from crumple.recording import Signals
from crumple.seal import DamagedRun
from small_scene import write_scene

RECORD = '[[record]]\nsignals = "*"\n\n[[record]]\nsignals = "*"\nevery = 10\n'
FILES = [
    "events.jsonl",
    "manifest.json",
    "signals-100us.jsonl",
    "signals-100us.npy",
    "signals-1ms.jsonl",
    "signals-1ms.npy",
    "verdict.json",
]


def sealed_run(folder: Path, *, stop: str | None = None) -> Path:
    result = crumple.run(write_scene(folder, RECORD), out=folder / "runs", stop=stop)
    if not (result.folder / seal.SEAL).exists():
        seal.seal(result.folder)
    return result.folder


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 20 ticks."""
    return sealed_run(tmp_path_factory.mktemp("small"), stop="2 ms")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 1,500 ticks, whose recording has several blocks."""
    return sealed_run(tmp_path_factory.mktemp("large"))


@pytest.fixture
def copy(large: Path, tmp_path: Path) -> Path:
    return shutil.copytree(large, tmp_path / "copy")


def flip(path: Path, byte: int, bit: int = 0) -> None:
    with open(path, "r+b", buffering=0) as file:
        was = os.pread(file.fileno(), 1, byte)[0]
        os.pwrite(file.fileno(), bytes([was ^ (1 << bit)]), byte)


def damages(folder: Path) -> list[tuple[str, str]]:
    return [(damage.file, damage.kind) for damage in seal.verify(folder).damages]


def test_a_run_that_nobody_touched_is_whole(large: Path) -> None:
    report = seal.verify(large)
    assert (report.state, report.exit_code, report.damages) == ("whole", 0, ())
    assert report.files == len(FILES)
    assert report.bytes == sum((large / name).stat().st_size for name in FILES)
    written = json.loads((large / seal.SEAL).read_text())
    assert sorted(written["files"]) == FILES
    assert report.seal == written["sha256"]
    assert report.sealed == written["sealed"]


def test_the_hashes_are_those_of_any_other_tool(large: Path) -> None:
    import hashlib

    written = json.loads((large / seal.SEAL).read_text())
    for name, entry in written["files"].items():
        content = (large / name).read_bytes()
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
        assert entry["bytes"] == len(content)
    lines = (large / seal.SEAL).read_bytes().splitlines(keepends=True)
    assert written["sha256"] == hashlib.sha256(b"".join(lines[:-2])).hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize("name", [*FILES, seal.SEAL])
def test_no_flipped_bit_of_any_file_is_silent(small: Path, tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(small, tmp_path / "copy")
    path = folder / name
    entry = None if name == seal.SEAL else seal.read_seal(folder).files[name]  # type: ignore[union-attr]
    everything = os.environ.get("CRUMPLE_SWEEP") == "all"  # else two bits of each byte
    silent = []
    with open(path, "r+b", buffering=0) as file:
        content = path.read_bytes()
        for byte, was in enumerate(content):
            for bit in range(8) if everything else (byte % 8, (byte + 4) % 8):
                os.pwrite(file.fileno(), bytes([was ^ (1 << bit)]), byte)
                if everything or (8 * byte + bit) % 37 == 0:
                    found = {damage.file for damage in seal.verify(folder).damages} == {name}
                elif entry is not None:
                    found = any(True for _ in seal_report.compared(folder, name, entry))
                else:
                    found = is_refused(folder)
                if not found:
                    silent.append((byte, bit))
            os.pwrite(file.fileno(), bytes([was]), byte)
    assert silent == []
    assert seal.verify(folder).state == "whole"


def is_refused(folder: Path) -> bool:
    try:
        seal.read_seal(folder)
    except DamagedRun:
        return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("name", ["signals-100us.npy", "signals-1ms.npy", "signals-100us.jsonl"])
def test_no_flipped_bit_of_a_recording_reaches_who_reads_it(small: Path, tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(small, tmp_path / "copy")
    path = folder / name
    silent = []
    for byte in range(path.stat().st_size):
        flip(path, byte, bit=byte % 8)
        try:
            signals = Signals(folder)
            for table in signals.tables:
                table.column("t")
            silent.append(byte)
        except DamagedRun as error:
            assert name in str(error)
        except crumple.CrumpleError as error:  # a header that cannot even be read
            assert str(path) in str(error)
        flip(path, byte, bit=byte % 8)
    assert silent == []


def test_the_events_of_a_sealed_run_are_what_was_sealed_or_refused(copy: Path) -> None:
    whole = run_folder.read_bytes(copy, "events.jsonl")
    assert json.loads(whole.splitlines()[0])["event"] == "start"
    flip(copy / "events.jsonl", 30)
    with pytest.raises(DamagedRun, match=r"events\.jsonl"):
        run_folder.read_bytes(copy, "events.jsonl")


@pytest.mark.parametrize("name", ["verdict.json", "manifest.json"])
def test_a_json_file_of_a_sealed_run_is_what_was_sealed_or_refused(copy: Path, name: str) -> None:
    whole = run_folder.read_json(copy, name)
    assert whole["crumple"] if name == "manifest.json" else whole["verdict"] == "pass"
    for byte in range(0, (copy / name).stat().st_size, 11):
        flip(copy / name, byte, bit=1)
        with pytest.raises(DamagedRun, match=name):
            run_folder.read_json(copy, name)
        flip(copy / name, byte, bit=1)


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '"pass"', "\x00" * 40, "[" * 100_000])
def test_a_json_file_without_a_seal_is_refused_in_one_line_where_it_is_damaged(
    copy: Path, content: str
) -> None:
    (copy / seal.SEAL).unlink()
    for name in ("verdict.json", "manifest.json"):
        (copy / name).write_text(content)
        with pytest.raises(crumple.UsageError, match=rf"{name} is damaged: it ") as caught:
            run_folder.read_json(copy, name)
        assert "\n" not in str(caught.value)
        report = seal.verify(copy)
        assert report.state == "damaged"
        assert name in report.reason


def test_damage_is_placed_in_bytes_rows_and_time(copy: Path) -> None:
    path = copy / "signals-100us.npy"
    rows = np.load(path, mmap_mode="r")
    flip(path, rows.offset + 700 * rows.itemsize + 3)
    (damage,) = seal.verify(copy).damages
    assert (damage.file, damage.kind) == (path.name, "changed")
    assert damage.begin is not None and damage.end is not None and damage.rows is not None
    assert damage.end - damage.begin == 4096
    assert damage.begin <= rows.offset + 700 * rows.itemsize + 3 < damage.end
    assert damage.rows[0] <= 700 <= damage.rows[1]
    assert damage.rows[1] - damage.rows[0] <= 4096 // rows.itemsize + 1
    assert damage.t == pytest.approx([row / 10_000 for row in damage.rows], rel=1e-8)
    assert f"rows {damage.rows[0]:,} to {damage.rows[1]:,}, t = " in damage.fact
    flip(path, 20)  # a second place, in the header
    header, again = seal.verify(copy).damages
    assert again == damage
    assert (header.begin, header.rows) == (0, (0, (4096 - rows.offset - 1) // rows.itemsize))
    assert "its header among them" in header.fact


def test_what_was_cut_added_or_taken_away_is_told(copy: Path) -> None:
    table = copy / "signals-100us.npy"
    rows = np.load(table, mmap_mode="r")
    os.truncate(table, rows.offset + 1000 * rows.itemsize + 5)
    (copy / "events.jsonl").unlink()
    (copy / "notes.txt").write_text("looked at it")
    (copy / "plots").mkdir()
    (copy / "plots" / "a.svg").write_text("<svg/>")
    with open(copy / "signals-1ms.jsonl", "a") as file:
        file.write("more")
    report = seal.verify(copy)
    assert report.exit_code == 1
    assert damages(copy) == [
        ("events.jsonl", "missing"),
        ("signals-100us.npy", "shorter"),
        ("signals-1ms.jsonl", "longer"),
        ("notes.txt", "added"),
        ("plots/a.svg", "added"),
    ]
    assert report.damages[1].rows == (1000, 1500)
    assert report.damages[1].t == pytest.approx((0.1, 0.15))


def test_a_file_that_became_something_else_does_not_hold_up_the_command(copy: Path) -> None:
    (copy / "events.jsonl").unlink()
    os.mkfifo(copy / "events.jsonl")  # to open it for reading would wait for ever
    assert damages(copy) == [("events.jsonl", "unreadable")]


def test_a_change_of_the_seal_itself_is_found_whatever_it_is(copy: Path) -> None:
    path = copy / seal.SEAL
    whole = path.read_bytes()
    for changed in (
        whole.replace(b"  ", b" ", 1),
        whole + b"\n",
        whole[:-1],
        b"",
        b"{}",
        json.dumps(json.loads(whole)).encode(),
        whole.replace(whole[-68:-4], whole[-68:-4].upper()),
    ):
        path.write_bytes(changed)
        report = seal.verify(copy)
        assert (report.state, damages(copy)) == ("damaged", [(seal.SEAL, "changed")])
        with pytest.raises(DamagedRun, match=r"seal\.json"):
            Signals(copy)
    path.unlink()
    path.mkdir()
    assert seal.verify(copy).state == "damaged"


def test_a_sealed_run_is_not_sealed_again(copy: Path) -> None:
    flip(copy / "signals-100us.npy", 5000)
    with pytest.raises(crumple.UsageError, match="sealed already"):
        seal.seal(copy)
    assert seal.verify(copy).state == "damaged"


@pytest.mark.parametrize("change", ["cut", "grown", "gone", "another"])
def test_the_signals_of_a_damaged_run_are_refused(copy: Path, change: str) -> None:
    path = copy / "signals-1ms.npy"
    if change == "cut":
        os.truncate(path, path.stat().st_size - 1)
    elif change == "grown":
        os.truncate(path, path.stat().st_size + 1)
    elif change == "gone":
        path.unlink()
    else:
        path = Path(shutil.copy(path, copy / "signals-10us.npy"))
    with pytest.raises(DamagedRun, match=path.name):
        Signals(copy)


def test_a_large_recording_is_checked_by_length_and_header_when_it_is_read(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crumple import recording

    monkeypatch.setattr(recording, "_CHECKED_WHOLE", 1000)
    path = copy / "signals-100us.npy"
    flip(path, 40_000, bit=7)
    assert len(Signals(copy)["car.speed"]) == 1501
    assert seal.verify(copy).exit_code == 1  # which reads all of it
    flip(path, 40_000, bit=7)
    flip(path, 180)
    with pytest.raises(crumple.CrumpleError, match="header"):
        Signals(copy)


def test_a_run_that_was_killed_is_not_sealed_and_says_until_when_it_goes(tmp_path: Path) -> None:
    code = "import sys, crumple; crumple.run(sys.argv[1], out=sys.argv[2], set={'car.wait': 0.001})"
    out = tmp_path / "runs"
    with subprocess.Popen([sys.executable, "-c", code, write_scene(tmp_path), out]) as process:
        while not (found := list(out.glob("*/signals-100us.npy"))) or len(Signals(found[0].parent).t()) < 20:
            time.sleep(0.01)
        folder = found[0].parent
        alive = seal.verify(folder)
        assert (alive.state, alive.exit_code) == ("unsealed", 3)
        assert alive.reason.startswith("the run is still going on")
        process.send_signal(signal.SIGKILL)
    report = seal.verify(folder)
    assert (report.state, report.exit_code, report.damages) == ("unsealed", 3, ())
    assert report.reason.startswith("the run was cut off at t = ")
    assert any(fact.startswith("signals-100us.npy: ") and " rows, to t = " in fact for fact in report.facts)


def test_a_seal_that_was_removed_is_missed(copy: Path) -> None:
    (copy / seal.SEAL).unlink()
    report = seal.verify(copy)
    assert (report.state, report.exit_code) == ("unsealed", 3)
    assert "has no seal" in report.reason


def test_what_is_no_run_is_a_usage_error(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere", Path(__file__)):
        with pytest.raises(crumple.UsageError, match="not the folder of a run"):
            seal.verify(place)


def test_the_command_shows_what_it_found(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify_command(str(copy)) == 0
    shown = capsys.readouterr().out
    assert "WHOLE   7 files" in shown
    assert json.loads((copy / seal.SEAL).read_text())["sha256"] in shown
    flip(copy / "signals-100us.npy", 40_000)
    assert verify_command(str(copy)) == 1
    shown = capsys.readouterr().out
    assert "DAMAGED   1 file is not what was sealed" in shown
    assert "signals-100us.npy   it has changed in bytes 36,864 to 40,959: rows " in shown
    flip(copy / seal.SEAL, 30)
    assert verify_command(str(copy)) == 1
    assert "seal.json is damaged" in " ".join(capsys.readouterr().out.split())
    (copy / seal.SEAL).unlink()
    assert verify_command(str(copy)) == 3
    assert "NOT SEALED   the run ended, but has no seal" in capsys.readouterr().out


def test_the_command_prints_json_for_scripts(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flip(copy / "manifest.json", 100)
    assert verify_command(str(copy), json=True) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["state"], said["exit_code"]) == ("damaged", 1)
    assert [damage["file"] for damage in said["damages"]] == ["manifest.json"]
    assert (said["damages"][0]["begin"], said["damages"][0]["rows"]) == (0, None)


def test_a_thousand_damages_are_counted_and_not_all_shown(
    tmp_path: Path, large: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(large, tmp_path / "copy")
    for number in range(1000):
        (copy / f"note-{number}.txt").touch()
    assert verify_command(str(copy)) == 1
    shown = capsys.readouterr().out
    assert "1,000 files are not what was sealed" in shown
    assert "and 980 places more" in shown
