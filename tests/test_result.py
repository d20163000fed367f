"""Reading a run: its signals, a folder on disk, and runs that were killed or are still going on."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import crumple
from crumple.errors import CrumpleError
from crumple.recording import Signals, UnknownSignal
from small_scene import write_scene


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> crumple.Result:
    folder = tmp_path_factory.mktemp("passed")
    return crumple.run(write_scene(folder), out=folder / "runs")


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> crumple.Result:
    folder = tmp_path_factory.mktemp("failed")
    scene = write_scene(
        folder, '[requirements."x"]\nsignal = "car.speed"\nmax = "2 m/s"\ndoc = "<&> \\"why\\""'
    )
    return crumple.run(scene, out=folder / "runs", set={"switch.threshold": "50 m/s"})


def test_a_folder_opens_to_what_the_run_returned(failed: crumple.Result) -> None:
    again = crumple.open_run(failed.folder)
    assert again.to_json() == failed.to_json()
    assert again.requirements == failed.requirements
    assert again.conditions == failed.conditions
    assert (again.signals["car.speed"] == failed.signals["car.speed"]).all()
    assert crumple.open_run(str(failed.folder)).verdict == "fail"


def test_the_json_is_plain_and_has_what_a_script_needs(failed: crumple.Result) -> None:
    from crumple.run_folder import to_json

    found = json.loads(to_json(failed.to_json()))
    assert found.keys() == {
        "verdict", "reason", "exit_code", "conditions", "digest", "requirements", "metrics", "run"
    }  # fmt: skip
    assert found["metrics"]["time_to_close"]["value"] == "inf"  # JSON has no infinity
    by_name = {r["name"]: r for r in found["requirements"]}
    assert by_name["x"]["decided"] == 0.0
    assert by_name["x"]["margin"] == pytest.approx(1 - 15 / 2)
    assert crumple.open_run(failed.folder).metrics["time_to_close"] == float("inf")


def test_signals_are_a_mapping_of_arrays_mapped_from_the_file(passed: crumple.Result) -> None:
    signals = passed.signals
    assert signals.keys() == ["car.acceleration", "car.corners", "car.speed", "car.text", "switch.closed"]
    assert signals.keys("car.*[dn]") == ["car.acceleration", "car.speed"]
    assert len(signals) == 5
    assert "car.speed" in signals
    assert "car.corners[1]" in signals
    assert "car.sped" not in signals
    assert signals.get("car.sped") is None
    assert isinstance(signals.tables[0].array(), np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        signals["car.speed"][0] = 1.0
    with pytest.raises(UnknownSignal, match=r'Did you mean "car\.speed"\?'):
        signals["car.sped"]
    with pytest.raises(UnknownSignal, match="no element"):
        signals["car.corners[2]"]


def test_requirements_are_found_by_place_and_by_name(passed: crumple.Result) -> None:
    assert passed.requirements[0] is passed.requirements["chest"]
    assert [r.name for r in passed.requirements[1:3]] == ["time_to_close", "stands"]
    with pytest.raises(KeyError, match="chest"):
        passed.requirements["chin"]


def test_a_recording_over_several_files_reads_as_one(tmp_path: Path) -> None:
    for number, names in (("", ["a.x", "a.y"]), ("-2", ["b.x"]), ("-10", ["c.x"])):
        table = np.zeros(7, [("t", "<f8"), *((name, "<f8") for name in names)])
        table["t"] = np.arange(7) / 1000
        for name in names:
            table[name] = len(name + number)
        np.save(tmp_path / f"signals-1ms{number}.npy", table)
    signals = Signals(tmp_path)
    assert [table.path.stem for table in signals.tables] == ["signals-1ms", "signals-1ms-2", "signals-1ms-10"]
    assert signals.keys() == ["a.x", "a.y", "b.x", "c.x"]
    assert signals["c.x"].tolist() == [6.0] * 7
    assert signals.last_t() == 0.006


def test_only_rows_that_both_header_and_length_vouch_for_are_read(tmp_path: Path) -> None:
    table = np.zeros(100, [("t", "<f8"), ("a.x", "<f8")])
    table["t"] = np.arange(100) / 1000
    np.save(tmp_path / "signals-1ms.npy", table)
    whole = (tmp_path / "signals-1ms.npy").read_bytes()
    start = len(whole) - table.nbytes
    for kept in range(0, len(whole), 7):
        (tmp_path / "signals-1ms.npy").write_bytes(whole[:kept])
        signals = Signals(tmp_path)
        rows = max(0, kept - start) // 16
        assert len(signals.t()) == rows
        assert (signals.t() == np.arange(rows) / 1000).all()
    # rows that the header does not count yet may be half written
    (tmp_path / "signals-1ms.npy").write_bytes(whole.replace(b"(100,)", b"( 60,)"))
    assert len(Signals(tmp_path).t()) == 60


def test_a_damaged_header_is_an_error_and_no_number(tmp_path: Path) -> None:
    np.save(tmp_path / "signals-1ms.npy", np.zeros(10, [("t", "<f8"), ("a.x", "<f8")]))
    whole = (tmp_path / "signals-1ms.npy").read_bytes()
    for old, new in ((b"'descr'", b"'decsr'"), (b"<f8", b"<f4"), (b"\x93NUMPY", b"\x93NUMPX")):
        (tmp_path / "signals-1ms.npy").write_bytes(whole.replace(old, new))
        with pytest.raises(CrumpleError, match=r"signals-1ms\.npy"):
            Signals(tmp_path)


def test_a_last_line_of_strings_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    lines = '{"t": 0, "signal": "a.s", "value": "on"}\n{"t": 0.5, "signal": "a.s", "value": "off"}\n'
    for kept in range(len(lines) + 1):
        (tmp_path / "signals-1ms.jsonl").write_text(lines[:kept])
        found = Signals(tmp_path)
        whole = lines[:kept].count("\n")
        assert found.keys() == (["a.s"] if whole else [])
        if whole:
            assert found.changes("a.s") == [(0.0, "on"), (0.5, "off")][:whole]


_RUN = "import sys, crumple; crumple.run(sys.argv[1], out=sys.argv[2], set={'car.wait': 0.001})"


def started(folder: Path, scene: Path) -> tuple[subprocess.Popen[bytes], Path]:
    """A run in a process of its own, once it has recorded something."""
    process = subprocess.Popen([sys.executable, "-c", _RUN, scene, folder])
    for _ in range(3000):
        found = list(folder.glob("*/signals-100us.npy"))
        if found and len(Signals(found[0].parent).t()) > 20:
            return process, found[0].parent
        assert process.poll() is None
        time.sleep(0.01)
    raise AssertionError("the run did not start")


def test_a_killed_run_is_inconclusive_and_readable(tmp_path: Path) -> None:
    process, folder = started(tmp_path / "runs", write_scene(tmp_path))
    try:
        live = crumple.open_run(folder)
        assert live.verdict == "inconclusive"
        assert live.reason.startswith("the run is still going on, recorded until t = ")
        rows = len(live.t)
        loaded = np.load(folder / "signals-100us.npy", mmap_mode="r")  # while it is being written
        assert len(loaded) >= rows
        assert loaded["car.speed"][0] == 15.0
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    result = crumple.open_run(folder)
    assert (result.verdict, result.exit_code) == ("inconclusive", 3)
    assert re.fullmatch(r"the run was cut off at t = [\d.]+ ms", result.reason)
    assert len(result.t) >= rows
    assert result.t == pytest.approx(np.arange(len(result.t)) / 10000, rel=1e-15)
    assert result.signals["car.speed"] == pytest.approx(15 - 0.03 * np.arange(len(result.t)), abs=1e-12)
    assert len(np.load(folder / "signals-100us.npy")) == len(result.t)
    assert result.manifest["scene"] == "stop"
    assert result.events[0]["event"] == "start"


def test_a_copied_folder_still_opens(passed: crumple.Result, tmp_path: Path) -> None:
    copy = shutil.copytree(passed.folder, tmp_path / "copy")
    result = crumple.open_run(copy)
    assert (result.verdict, result.digest) == ("pass", passed.digest)


def test_what_is_no_run_is_named(tmp_path: Path, passed: crumple.Result) -> None:
    with pytest.raises(crumple.UsageError, match="is not the folder of a run"):
        crumple.open_run(tmp_path)
    copy = shutil.copytree(passed.folder, tmp_path / "copy")
    for damage in ("", "{", "[]", "{}"):
        (copy / "verdict.json").write_text(damage)
        with pytest.raises(crumple.UsageError, match=r"verdict\.json"):
            crumple.open_run(copy)


def test_a_verdict_that_claims_to_have_ended_without_one_is_never_a_pass(
    passed: crumple.Result, tmp_path: Path
) -> None:
    copy = shutil.copytree(passed.folder, tmp_path / "copy")
    (copy / "seal.json").unlink()  # which would tell of the change
    written = json.loads((copy / "verdict.json").read_text())
    (copy / "verdict.json").write_text(json.dumps({**written, "state": "running"}))
    assert crumple.open_run(copy).verdict == "inconclusive"
    (copy / "verdict.json").write_text(json.dumps({**written, "verdict": "splendid"}))
    assert crumple.open_run(copy).exit_code == 3


class Shape(HTMLParser):
    """Collects tags and text, and insists that every tag is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)
        self.seen.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_result_shows_itself_in_a_notebook(failed: crumple.Result) -> None:
    html = failed._repr_html_()
    shape = Shape()
    shape.feed(html)
    assert shape.open == []
    assert shape.seen.count("tr") == 1 + len(failed.requirements)
    assert shape.seen.count("svg") == len(failed.requirements)
    assert "script" not in shape.seen
    for text in ("FAIL", "time_to_close", "never", "≤ 16.9 ms", "car.speed", str(failed.folder)):
        assert text in shape.text
    assert "<&>" not in html
    assert len(html) < 60_000


def test_a_sparkline_keeps_the_peak_of_a_long_signal(tmp_path: Path) -> None:
    from crumple.card import _envelope

    samples = np.zeros(100_000)
    samples[54_321] = 7.0
    low, high = _envelope(samples)
    assert (len(low), high.max(), low.max()) == (180, 7.0, 0.0)


def test_the_text_of_a_result_names_every_requirement(failed: crumple.Result) -> None:
    text = repr(failed)
    assert text.startswith("<Result FAIL: ")
    assert all(r.name in text for r in failed.requirements)
    assert str(failed.folder) in text


def test_reading_a_verdict_needs_no_numpy(passed: crumple.Result) -> None:
    code = "import sys, crumple; crumple.open_run(sys.argv[1]).to_json(); print('numpy' in sys.modules)"
    command = [sys.executable, "-c", code, passed.folder]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "False"
