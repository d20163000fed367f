"""Reading a recording that is damaged, cut, or spread over files that do not go equally far."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import crumple
from crumple.recording import Signals

PERIOD = 1e-3  # [s]


def save(path: Path, *names: str, rows: int = 100, every: int = 1) -> np.ndarray:
    """A recording whose signals have the tick as value."""
    table = np.zeros(rows, [("t", "<f8"), *((name, "<f8") for name in names)])
    for name in names:
        table[name] = np.arange(rows) * every
    table["t"] = np.arange(rows) * every * PERIOD
    np.save(path, table)
    return table


def offset_of(path: Path) -> int:
    return int(np.load(path, mmap_mode="r").offset)


def append(path: Path, rows: np.ndarray) -> None:
    with open(path, "ab") as file:
        file.write(rows.tobytes())


@pytest.mark.parametrize("kept", [0, 1, 2, 3, 50])
@pytest.mark.parametrize("odd", [0, 5, 8, 13])
def test_of_a_file_that_was_cut_and_written_on_only_the_rows_before_the_cut_are_read(
    tmp_path: Path, kept: int, odd: int
) -> None:
    """A writer that does not notice the cut appends to the end, and the header counts what it wrote."""
    path = tmp_path / "signals-1ms.npy"
    table = save(path, "a.x")
    with open(path, "r+b") as file:
        file.truncate(offset_of(path) + kept * 16 + odd)
    append(path, table[70:])
    signals = Signals(tmp_path)
    # a row whose time is left may have the end of another: the last one is not given; where all that there was is gone,
    # what came later is whole
    rows = slice(0, max(0, kept + (odd >= 8) - 1)) if kept or odd else slice(70, 100)
    assert signals.t().tolist() == table["t"][rows].tolist()
    assert signals["a.x"].tolist() == table["a.x"][rows].tolist()


def test_zeros_that_a_power_cut_left_are_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "signals-1ms.npy"
    save(path, "a.x")
    start = offset_of(path)
    content = path.read_bytes()
    for rows in (1, 2, 40, 99):
        path.write_bytes(content[: start + rows * 16].ljust(len(content), b"\0"))
        signals = Signals(tmp_path)
        # the last of them may be half zeros
        assert signals.t().tolist() == (np.arange(rows - 1) * PERIOD).tolist()
        assert signals["a.x"].tolist() == list(range(rows - 1))


def test_files_of_one_rate_are_read_as_far_as_all_of_them_go(tmp_path: Path) -> None:
    save(tmp_path / "signals-1ms.npy", "a.x", rows=100)
    save(tmp_path / "signals-1ms-2.npy", "b.x", rows=97)
    save(tmp_path / "signals-5ms.npy", "c.x", rows=21, every=5)
    signals = Signals(tmp_path)
    assert len(signals.t()) == len(signals.t("b.x")) == 97
    assert (signals["a.x"] - signals["b.x"]).tolist() == [0.0] * 97
    assert len(signals["c.x"]) == 21
    assert [table.rows for table in signals.tables] == [100, 97, 21]
    assert signals.last_t() == pytest.approx(0.096)


def test_a_string_has_the_times_of_the_recording_that_it_is_from(tmp_path: Path) -> None:
    """Recorded every 5 ms, nothing is known of the time between."""
    save(tmp_path / "signals-1ms.npy", "a.x")
    save(tmp_path / "signals-5ms.npy", "a.y", rows=20, every=5)
    lines = [{"t": 0.0, "signal": "a.s", "value": "off"}, {"t": 0.01, "signal": "a.s", "value": "on"}]
    (tmp_path / "signals-5ms.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    signals = Signals(tmp_path)
    assert signals.t("a.s").tolist() == (np.arange(20) * 5 * PERIOD).tolist()
    assert signals["a.s"].tolist() == ["off"] * 2 + ["on"] * 18
    lines[1]["t"] = 0.007
    (tmp_path / "signals-1ms.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    finer = Signals(tmp_path)  # recorded at both rates, it is given at the finer
    assert finer["a.s"].tolist() == ["off"] * 7 + ["on"] * 93
    assert finer.changes("a.s") == [(0.0, "off"), (0.007, "on")]


@pytest.mark.parametrize(
    "line",
    [
        "{}",
        "3",
        "{",
        '{"t": "x", "signal": "a.s", "value": "on"}',
        '{"t": 0, "signal": "a.s", "value": 1}',
        "\0",
    ],
)
def test_a_line_of_strings_that_is_damaged_is_named(tmp_path: Path, line: str) -> None:
    whole = '{"t": 0, "signal": "a.s", "value": "on"}\n'
    (tmp_path / "signals-1ms.jsonl").write_text(f"{whole}{line}\n{whole}")
    with pytest.raises(crumple.CrumpleError, match=r"signals-1ms\.jsonl: line 2 is damaged"):
        Signals(tmp_path)


def test_a_bit_of_a_header_without_a_seal_gives_an_error_or_rows_of_the_run(tmp_path: Path) -> None:
    """Without a seal a name can change unseen; what is read under any name must still be what was recorded."""
    path = tmp_path / "signals-1ms.npy"
    table = save(path, "a.x", "a.y", rows=9)
    table["a.y"] += 0.5
    np.save(path, table)
    content, header = path.read_bytes(), offset_of(path)
    refused = 0
    for byte in range(header):
        for bit in (byte % 8, (byte + 5) % 8):
            changed = bytearray(content)
            changed[byte] ^= 1 << bit
            path.write_bytes(changed)
            try:
                signals = Signals(tmp_path)
                read = [
                    signals.t(),
                    *(table.column(name) for table in signals.tables for name in table.names),
                ]
            except crumple.CrumpleError as error:
                refused += 1
                assert "signals-1ms.npy" in str(error)
                continue
            for values, name in zip(read, ("t", "a.x", "a.y"), strict=False):
                assert values.tolist() == table[name][: len(values)].tolist(), (byte, bit)
    assert refused > header


def test_a_file_that_is_no_recording_is_refused_by_name(tmp_path: Path) -> None:
    for content in (
        b"precious",
        b"\x93NUMPX",
        b"\x93NUMPY\x09\x00" + bytes(100),
        b"\x93NUMPY\x03\x00\xff\xff\xff\xff",
    ):
        (tmp_path / "signals-1ms.npy").write_bytes(content)
        with pytest.raises(crumple.CrumpleError, match=r"signals-1ms\.npy"):
            Signals(tmp_path)


def test_a_folder_that_is_gone_has_no_signals(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    save(folder / "signals-1ms.npy", "a.x")
    shutil.rmtree(folder)
    signals = Signals(folder)
    assert len(signals) == 0
    assert signals.last_t() is None
