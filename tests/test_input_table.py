"""What is fed into the inputs of one FMU over time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import crumple
from crumple.errors import UsageError
from fmu_build import build_fmu


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def integral(fmi: int, source: Any, *, stop: float = 2, step: float = 0.25) -> list[float]:
    """y of y' = u by forward Euler, so that the increments are step times the input at each step's start."""
    table = crumple.simulate(build_fmu(f"plain{fmi}"), stop=stop, step=step, input=source)
    return np.diff(table["y"]).tolist()


@pytest.mark.parametrize("fmi", [2, 3])
def test_a_continuous_input_is_interpolated_between_rows_and_held_outside(fmi: int, tmp_path: Path) -> None:
    file = write(tmp_path / "in.csv", "time,u\n0.5,0\n1.5,8\n")
    wanted = [0, 0, 0, 0.5, 1, 1.5, 2, 2]  # a quarter of u at 0, 0.25, ... 1.75 s
    assert integral(fmi, file) == wanted
    assert integral(fmi, {"time": [0.5, 1.5], "u": [0, 8]}) == wanted
    rows = np.array([(0.5, 0.0), (1.5, 8.0)], dtype=[("time", "f8"), ("u", "f8")])
    assert integral(fmi, rows) == wanted


def test_two_rows_of_one_time_are_a_jump(tmp_path: Path) -> None:
    file = write(tmp_path / "in.csv", '"time", "u"\n0,1\n1,1\n1,4\n2,4\n\n')
    assert integral(2, file) == [0.25] * 4 + [1.0] * 4


def test_a_jump_at_a_time_with_a_rounding_is_seen_in_time() -> None:
    times = [0.1 * i for i in range(11)]  # 0.30000000000000004 and the like
    table = crumple.simulate(
        build_fmu("all_types2"), stop=1, step=0.1, input={"time": times, "Integer_in": range(11)}
    )
    # the input of a step shows in the outputs at its end
    assert table["Integer_out"].tolist() == [0, *range(10)]


def test_discrete_inputs_hold(tmp_path: Path) -> None:
    file = write(
        tmp_path / "in.csv",
        "time,Integer_in,Boolean_in,Enumeration_in,Real_in\n0,1,false,park,0\n0.5,3,TRUE,drive,1\n1,-5,0,2,2\n",
    )
    table = crumple.simulate(build_fmu("all_types2"), stop=1, step=0.25, input=file)
    assert table["Integer_out"].tolist() == [1, 1, 1, 3, 3]
    assert table["Boolean_out"].tolist() == [False, False, False, True, True]
    assert table["Enumeration_out"].tolist() == [1, 1, 1, 5, 5]
    assert table["Real_out"].tolist() == [0, 0, 0.5, 1, 1.5]


def test_elements_of_arrays_are_columns_of_their_own(tmp_path: Path) -> None:
    file = write(tmp_path / "in.csv", 'time,u01[2],"u00[1,0]"\n0,7,-1\n')
    table = crumple.simulate(build_fmu("arrays3"), stop=1, step=0.5, input=file)
    assert table["y01"][-1].tolist() == [2, 4, 14, 8, 10, 12]  # the others keep their start values
    assert table["y00"][-1].tolist() == [[0, 2, 4], [-2, 8, 10]]
    whole = {"time": [0.0], "u00": np.arange(6.0).reshape(1, 2, 3)}
    assert crumple.simulate(build_fmu("arrays3"), stop=1, step=0.5, input=whole)["y00"][-1].tolist() == [
        [0, 2, 4],
        [6, 8, 10],
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("time,u\n", "there is no row of values"),
        ("u,time\n1,0\n", 'the first column is the time in s, but its name, "u", is that of an input'),
        ("time,v\n0,1\n", r'column "v" names no input\. Inputs: u\.'),
        ("time,tau\n0,1\n", r'column "tau" is a parameter, no input\. Give it with start\.'),
        ("time,y\n0,1\n", 'column "y" is a output, no input'),
        ("time,u,u\n0,1,1\n", 'two columns feed "u"'),
        ("time,u\n0,1\n0.5\n", r"in\.csv:3: the row has 1 values, the first row names 2 columns"),
        ("time,u\n0,1\n\n0.5,x\n", r'in\.csv:4: column "u" \(Real\) wants a finite number, not "x"'),
        ("time,u\n0,nan\n", r'in\.csv:2: column "u" \(Real\) wants a finite number, not "nan"'),
        ("time,u\n1,1\n0,1\n", r"in\.csv:3: the time goes back, from 1\.0 s to 0\.0 s"),
        ("time,u[0]\n0,1\n", "the input has no elements"),
    ],
)
def test_a_faulty_input_file_is_refused_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    file = write(tmp_path / "in.csv", text)
    with pytest.raises(UsageError, match=message):
        crumple.simulate(build_fmu("lag2"), stop=1, step=0.1, input=file)


def test_whole_numbers_and_strings_of_an_input_are_checked(tmp_path: Path) -> None:
    for column, cell, message in [
        ("Integer_in", "1.5", "wants a whole number"),
        ("Boolean_in", "2", "wants true, false, 1 or 0"),
        ("Enumeration_in", "parked", "wants an item"),
        ("String_in", "x", "tables feed numbers and booleans only"),
    ]:
        file = write(tmp_path / "in.csv", f"time,{column}\n0,{cell}\n")
        with pytest.raises(UsageError, match=message):
            crumple.simulate(build_fmu("all_types2"), stop=1, step=0.5, input=file)
    with pytest.raises(UsageError, match="No such file"):
        crumple.simulate(build_fmu("all_types2"), stop=1, step=0.5, input=tmp_path / "absent.csv")
    with pytest.raises(UsageError, match="give the path of a CSV file"):
        crumple.simulate(build_fmu("all_types2"), stop=1, step=0.5, input=3)  # type: ignore[arg-type]
