"""One FMU without a scene: crumple.simulate and `crumple simulate`."""

from __future__ import annotations

import csv
import math
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import crumple
from crumple.cli.app import invoke
from crumple.errors import FmuError, StepError, UsageError
from fmu_build import build_fmu
from largest_file import largest_file

PROGRAM = "import sys; sys.argv[0] = 'crumple'; from crumple.cli import main; main()"


def read(path: Path) -> tuple[list[str], list[list[str]]]:
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    return header, rows


# -- time ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fmi", [2, 3])
def test_ten_seconds_in_steps_of_ten_milliseconds_are_1001_rows(fmi: int) -> None:
    table = crumple.simulate(build_fmu(f"lag{fmi}"), stop=10, step=0.01)
    assert table.dtype.names == ("time", "y")
    assert len(table) == 1001
    assert table["time"][0] == 0.0 and table["time"][-1] == 10.0
    assert list(table["time"]) == [i / 100 for i in range(1001)]  # counted, not added
    assert table["y"][-1] == pytest.approx(0.99**1000, rel=1e-12)  # Euler on y' = -y


@pytest.mark.parametrize(
    ("stop", "step", "rows"),
    [
        (1, "1/60 s", 61),
        (1, 1 / 60, 61),
        ("1 s", "60 Hz", 61),
        (1.0, 0.1, 11),
        (0.3, 0.1, 4),
        ("0.5 ms", "1 us", 501),
        (Fraction(1, 3), Fraction(1, 9), 4),
        (1, 1 / 44100, 44101),
    ],
)
def test_the_number_of_rows_is_exact(stop: Any, step: Any, rows: int) -> None:
    assert len(crumple.simulate(build_fmu("lag2"), stop=stop, step=step)) == rows


def test_a_stop_that_is_no_whole_number_of_steps_ends_before_it_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    table = crumple.simulate(build_fmu("lag2"), stop=1.05, step=0.1)
    assert table["time"][-1] == 1.0
    assert (
        "lag2.fmu: the time to 1.05 s is no whole number of steps of 0.1 s; the last is at 1 s" in caplog.text
    )


def test_the_start_time_shifts_the_time_that_the_fmu_sees() -> None:
    table = crumple.simulate(build_fmu("lag3"), stop=3, step=0.5, start_time=2)
    assert list(table["time"]) == [2.0, 2.5, 3.0]


@pytest.mark.parametrize("fmi", [2, 3])
def test_what_is_not_given_comes_from_the_default_experiment(fmi: int) -> None:
    dut = build_fmu(f"lag{fmi}")
    described = crumple.Fmu(dut).description
    assert described.default_stop is not None and described.default_step is not None
    table = crumple.simulate(dut)
    assert table["time"][-1] == described.default_stop
    assert table["time"][1] == described.default_step


def test_without_a_default_experiment_the_stop_must_be_given_and_the_step_is_round() -> None:
    dut = build_fmu("xml_no_default_experiment3")
    with pytest.raises(UsageError, match="says no stop time: give one"):
        crumple.simulate(dut)
    assert len(crumple.simulate(dut, stop=10)) == 501  # steps of 20 ms
    assert len(crumple.simulate(dut, stop=3)) == 601  # steps of 5 ms


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stop": 0, "step": 0.1}, "is not after the start time"),
        ({"stop": 1, "step": 0}, "is no period"),
        ({"stop": 1, "step": "1 kg"}, "is no period"),
        ({"stop": 1, "step": 2}, "longer than the time from start to stop"),
        ({"stop": "soon", "step": 0.1}, 'the stop time "soon" is no time'),
        ({"stop": math.inf, "step": 0.1}, "is no time"),
        ({"stop": 1, "step": 0.1, "record": ["u"]}, '"u" is an input'),
    ],
)
def test_a_call_that_makes_no_sense_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        crumple.simulate(build_fmu("lag2"), **arguments)


def test_a_step_that_the_fmu_cannot_take_is_refused_with_those_it_can() -> None:
    with pytest.raises(UsageError, match=r"cannot take steps of 0\.003 s: .* \(0\.01 s, 0\.02 s, \.\.\.\)"):
        crumple.simulate(build_fmu("constant_step3"), stop=0.3, step=0.003)


@pytest.mark.parametrize("fmi", [2, 3])
@pytest.mark.parametrize(("stop", "step"), [(1, 0.1), (0.7, 0.1), (1, 1 / 3), (0.3, 0.1), (1e-3, 1e-5)])
def test_the_fmu_is_told_the_stop_and_never_stepped_beyond(
    fmi: int, stop: float, step: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "report"
    monkeypatch.setenv("CRUMPLE_TEST_FMU_REPORT", str(report))
    crumple.simulate(build_fmu(f"strict{fmi}"), stop=stop, step=step)
    assert not report.exists(), report.read_text()


# -- values ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fmi", [2, 3])
def test_start_values_and_recorded_variables_go_by_name(fmi: int) -> None:
    table = crumple.simulate(
        build_fmu(f"lag{fmi}"), stop=1, step=0.1, start={"tau": 2.0, "x0": 3}, record=["tau", "sub*"]
    )
    assert table.dtype.names == ("time", "y", "tau", "substeps")
    assert (table["tau"] == 2.0).all()
    assert table["y"][-1] == pytest.approx(3 * 0.95**10, rel=1e-12)


def test_unknown_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(FmuError, match=r'no variable "tua".*Did you mean "tau"'):
        crumple.simulate(build_fmu("lag2"), stop=1, step=0.1, start={"tua": 2.0})
    with pytest.raises(FmuError, match=r'no variable "substep".*Did you mean "substeps"'):
        crumple.simulate(build_fmu("lag2"), stop=1, step=0.1, record=["substep"])


def test_outputs_have_the_types_that_fmi_gives_them() -> None:
    table = crumple.simulate(build_fmu("all_types3"), stop=1, step=0.5)
    wanted = {
        "Float32_out": "f4", "Float64_out": "f8", "Int8_out": "i1", "UInt8_out": "u1", "Int16_out": "i2",
        "UInt16_out": "u2", "Int32_out": "i4", "UInt32_out": "u4", "Int64_out": "i8", "UInt64_out": "u8",
        "Boolean_out": "?", "Enumeration_out": "i8", "String_out": "O", "Binary_out": "O",
    }  # fmt: skip
    assert {name: table.dtype[name] for name in wanted} == {n: np.dtype(t) for n, t in wanted.items()}
    assert table["Int8_out"][-1] == -128 and table["UInt64_out"][-1] == 2**53 - 1
    assert table["String_out"][-1] == "grüße & <tags>" and table["Binary_out"][-1] == b"\x00\xff\x10"
    assert table["Float64_2d_out"].shape == (3, 2, 3)
    assert table["String_1d_out"][-1].tolist() == ["", "two words", "ß"]
    assert (
        table["Binary_2d_out"].shape == (3, 2, 3) and table["Binary_2d_out"][-1, 1, 2] == b"\xde\xad\xbe\xef"
    )
    assert crumple.simulate(build_fmu("all_types2"), stop=1, step=0.5)["Integer_out"].dtype == np.int32


def test_structural_parameters_size_the_columns() -> None:
    table = crumple.simulate(
        build_fmu("all_types3"),
        stop=1,
        step=0.5,
        start={"n": 4, "v_in": [1, 2, 3, 4], "grid_in": list(range(8))},
    )
    assert table["v_out"].shape == (3, 4) and table["grid_out"].shape == (3, 2, 4)
    assert table["sum"][-1] == 10.0
    assert table["grid_out"][-1].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_sixty_six_array_variables() -> None:
    table = crumple.simulate(build_fmu("arrays3"), stop=1, step=0.5)
    assert len(table.dtype.names) == 1 + 33
    assert table["y07"][-1].tolist() == [2.0 * (7 + j) for j in range(6)]
    assert table["y08"].shape == (3, 2, 3)


@pytest.mark.parametrize("name", ["lag2", "lag3", "ports2", "all_types2", "all_types3", "arrays3", "units3"])
def test_every_variable_equals_the_oracle(name: str) -> None:
    fmpy = pytest.importorskip("fmpy")
    dut = build_fmu(name)
    ours = crumple.simulate(dut, stop=2, step=0.1, record=["*"])
    variables = [v for v in crumple.Fmu(dut).description.variables if v.causality != "input"]
    numbers = [v.name for v in variables if v.kind not in ("string", "binary")]
    theirs = fmpy.simulate_fmu(
        str(dut), stop_time=2.0, output_interval=0.1, output=numbers, fmi_type="CoSimulation"
    )
    assert len(theirs) == len(ours) == 21
    for field in theirs.dtype.names:
        assert ours[field].dtype == theirs[field].dtype and ours[field].shape == theirs[field].shape
        np.testing.assert_allclose(ours[field].astype("f8"), theirs[field].astype("f8"), rtol=1e-12)


# -- endings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("fmi", [2, 3])
def test_an_fmu_that_asks_for_the_end_gets_it_and_its_last_step_counts(
    fmi: int, caplog: pytest.LogCaptureFixture
) -> None:
    table = crumple.simulate(
        build_fmu(f"step_terminate{fmi}"), stop=2, step=0.25
    )  # in its third step, which is whole
    assert table["time"].tolist() == [0, 0.25, 0.5, 0.75]
    assert table["y"].tolist() == [0, 0.25, 0.5, 0.75]
    assert "asked for the end at t = 0.75 s (tick 3)" in caplog.text


@pytest.mark.parametrize("fmi", [2, 3])
def test_an_error_names_call_tick_time_and_last_words(fmi: int) -> None:
    with pytest.raises(StepError) as caught:
        crumple.simulate(build_fmu(f"step_error{fmi}"), stop=2, step=0.125)
    error = caught.value
    assert (error.unit, error.call, error.tick, error.t) == (f"step_error{fmi}", f"fmi{fmi}DoStep", 2, 0.25)
    assert "went wrong on purpose" in error.fact


def test_a_value_that_is_no_number_ends_the_run_unless_allowed() -> None:
    with pytest.raises(StepError, match=r'failed in output "y" at t = 0\.75 s \(tick 3\): the value is NaN'):
        crumple.simulate(build_fmu("nan_output3"), stop=2, step=0.25)
    table = crumple.simulate(build_fmu("nan_output3"), stop=2, step=0.25, allow_nonfinite=["y"])
    assert np.isnan(table["y"]).tolist() == [i == 3 for i in range(9)]


def test_what_is_not_quite_valid_runs_with_a_word_unless_strict(caplog: pytest.LogCaptureFixture) -> None:
    dut = build_fmu("xml_unknown_element3")
    assert len(crumple.simulate(dut, stop=1, step=0.5)) == 3
    assert "xml_unknown_element3.fmu: " in caplog.text
    with pytest.raises(FmuError, match="strict was asked for"):
        crumple.simulate(dut, stop=1, step=0.5, strict=True)


# -- command line ----------------------------------------------------------------------------------


def test_the_command_writes_a_table_that_reads_back_to_the_same_doubles(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.csv"
    dut = build_fmu("lag2")
    arguments = ["--stop", "10", "--step", "0.01", "--start", "tau=0.7", "--record", "tau", "--out", str(out)]
    assert invoke(["simulate", str(dut), *arguments]) == 0
    shown = capsys.readouterr()
    assert "lag2.fmu   FMI 2.0 · 0 to 10 s · step 10 ms · 1,001 rows" in shown.out
    assert shown.err == ""
    header, rows = read(out)
    assert header == ["time", "y", "tau"]
    table = crumple.simulate(dut, stop=10, step=0.01, start={"tau": 0.7}, record=["tau"])
    assert [[float(c) for c in row] for row in rows] == [list(row) for row in table.tolist()]
    assert rows[1][0] == "0.01" and rows[-1][0] == "10.0"
    assert [p.name for p in tmp_path.iterdir()] == ["out.csv"]


def test_a_table_that_does_not_fit_on_the_disk_leaves_the_old_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "a.csv"
    command = ["simulate", str(build_fmu("lag2")), "--no-isolate", "--step", "1 ms", "--out", str(table)]
    assert invoke([*command, "--stop", "1 s"]) == 0
    before = table.read_bytes()
    with largest_file(1000):
        assert invoke([*command, "--stop", "2 s"]) == 4
    assert "the table could not be written to" in capsys.readouterr().err
    assert (table.read_bytes(), os.listdir(tmp_path)) == (before, ["a.csv"])


def test_the_table_has_integers_texts_hex_and_elements(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    assert (
        invoke(["simulate", str(build_fmu("all_types3")), "--stop", "1", "--step", "1", "--out", str(out)])
        == 0
    )
    header, rows = read(out)
    row = dict(zip(header, rows[-1], strict=True))
    assert len(header) == len(set(header))
    assert row["Int8_out"] == "-128" and row["UInt64_out"] == str(2**53 - 1) and row["Boolean_out"] == "1"
    assert row["Boolean_1d_out[1]"] == "0" and row["Enumeration_out"] == "3"
    assert row["String_out"] == "grüße & <tags>" and row["Binary_2d_out[1,2]"] == "deadbeef"
    assert row["Float64_2d_out[1,2]"] == "0.3" and row["Float32_1d_out[1]"] == "-1.5"
    assert [name for name in header if name.startswith("Int32_2d_out")] == [
        f"Int32_2d_out[{i},{j}]" for i in range(2) for j in range(3)
    ]


def test_without_out_a_summary_is_shown_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert invoke(["simulate", str(build_fmu("lag2")), "--stop", "1"]) == 0
    shown = capsys.readouterr().out
    assert "step from the FMU" in shown and "least" in shown and "--out FILE writes the table." in shown
    assert list(tmp_path.iterdir()) == []


def test_the_table_can_go_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["simulate", str(build_fmu("plain2")), "--stop", "1", "--step", "0.5", "--out", "-"]) == 0
    assert capsys.readouterr().out == "time,y,n\n0.0,0.0,0.0\n0.5,0.5,1.0\n1.0,1.0,2.0\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["absent.fmu", "--stop", "1"], 2, "absent.fmu"),
        (["{lag2}", "--stop", "1", "--start", "tau"], 2, "write it as name=value"),
        (["{lag2}", "--stop", "1", "--start", "tau=3 kg"], 2, "tau"),
        (["{lag2}", "--stop", "1", "--out", "no/such/out.csv"], 2, "there is no folder"),
        (["{constant_step2}", "--stop", "1", "--step", "0.003"], 4, "takes steps of one size only"),
        (["{xml_unknown_element2}", "--stop", "1", "--strict"], 2, "strict was asked for"),
        (["{two_libraries3}", "--stop", "1"], 2, "surprise"),
        (["{no_instance2}", "--stop", "1"], 4, "fmi2Instantiate"),
    ],
)
def test_exit_codes(
    arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, *options = arguments
    if name.startswith("{"):
        name = str(build_fmu(name.strip("{}")))
    assert invoke(["simulate", name, *options]) == code
    shown = capsys.readouterr()
    assert message in shown.err and shown.out == ""
    assert "Traceback" not in shown.err


def test_an_early_end_keeps_the_rows_says_so_and_exits_with_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.csv"
    dut = str(build_fmu("step_terminate3"))
    assert invoke(["simulate", dut, "--stop", "2", "--step", "0.5", "--out", str(out)]) == 0
    assert "asked for the end at t = 1.5 s (tick 3); rows so far are kept" in capsys.readouterr().err
    assert len(read(out)[1]) == 4


def test_an_error_keeps_the_rows_before_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.csv"
    dut = str(build_fmu("nan_output2"))
    assert invoke(["simulate", dut, "--stop", "2", "--step", "0.5", "--out", str(out)]) == 4
    shown = capsys.readouterr().err
    assert "unit 'nan_output2' failed in output \"y\" at t = 1.5 s (tick 3)" in shown
    assert "--allow-nan 'y'" in shown
    assert [row[0] for row in read(out)[1]] == ["0.0", "0.5", "1.0"]
    assert (
        invoke(["simulate", dut, "--stop", "2", "--step", "0.5", "--out", str(out), "--allow-nan", "y"]) == 0
    )
    assert [row[1] for row in read(out)[1]] == ["0.0", "0.5", "1.0", "nan", "2.0"]


def crumple_process(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("option", "code", "said"),
    [
        ("--no-isolate", 3, "its process ended by itself with exit code 0"),
        ("--isolate", 4, "its worker process ended with exit code 0"),
    ],
)
def test_an_fmu_that_ends_the_process_does_not_make_a_success(
    tmp_path: Path, option: str, code: int, said: str
) -> None:
    dut = str(build_fmu("step_exit2"))
    process = crumple_process(
        "simulate", dut, "--stop", "2", "--step", "0.5", "--out", "out.csv", option, cwd=tmp_path
    )
    _, shown = process.communicate(timeout=60)
    assert process.returncode == code
    assert said in " ".join(shown.split())
    assert (tmp_path / "out.csv").exists() == (code == 4)  # rows before the error are kept


def test_a_relative_table_is_written_where_the_command_was_started(tmp_path: Path) -> None:
    dut = str(build_fmu("step_chdir3"))  # to /, in its third step
    process = crumple_process(
        "simulate", dut, "--stop", "2", "--step", "0.5", "--out", "out.csv", cwd=tmp_path
    )
    _, shown = process.communicate(timeout=60)
    assert process.returncode == 0, shown
    assert len(read(tmp_path / "out.csv")[1]) == 5


def test_ctrl_c_keeps_the_rows_so_far(tmp_path: Path) -> None:
    # as many Euler steps per communication step as take some milliseconds
    arguments = ["--stop", "1000", "--step", "0.01", "--start", "substeps=300000", "--out", "out.csv"]
    process = crumple_process("simulate", str(build_fmu("lag2")), *arguments, cwd=tmp_path)
    time.sleep(2.0)
    os.kill(process.pid, signal.SIGINT)
    _, shown = process.communicate(timeout=60)
    assert process.returncode == 3, shown
    assert "interrupted" in shown and "Traceback" not in shown
    header, rows = read(tmp_path / "out.csv")
    assert header == ["time", "y"]
    assert 1 < len(rows) < 100_001
