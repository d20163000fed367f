"""The table of who survives what is filled in by rules, and these are right."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import pytest
from hostility import Case, Outcome, cases, cell, run, table, write

from fmu_build import build_fmu

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the FMU is written for Linux")

Y = 1.0 - math.exp(-1.0)
GOOD: dict[str, Any] = {"y": Y, "n": 8.0, "changed": {"signals": [0, 1]}}


@pytest.mark.parametrize(
    ("command", "code", "told", "text"),
    [
        ("exit", 0, None, "ends, exit 0"),
        ("exit", 3, None, "fails, exit 3"),
        ("segfault", -11, None, "dies, 139"),
        ("segfault:free", -11, GOOD, "dies at its end, 139"),
        ("hang", None, None, "waits"),
        ("chdir", 0, GOOD, "right"),  # signals are changed by the good run, too
        ("chdir", 0, {**GOOD, "changed": {"folder": ["/a", "/"]}}, "right; *left*: folder"),
        ("nan", 0, {**GOOD, "y": math.nan}, "**unnoticed**, NaN"),
        ("exit", 0, {**GOOD, "y": 0.0}, "**unnoticed**, wrong values"),
        ("error", 0, GOOD, "**unnoticed**"),
        ("error", 1, {"said": "unit 'dut' failed", "changed": {}}, "error"),
        ("error", 1, {"said": "a step failed", "changed": {}}, "error, unnamed"),
        ("exit_handler", 0, {"said": "unit 'dut' failed", "changed": {}}, "error, exit 0"),
    ],
)
def test_an_outcome_is_called_by_its_name(
    command: str, code: int | None, told: dict[str, Any] | None, text: str
) -> None:
    outcome = Outcome(code, told, "debug: loads hostile.so")
    assert cell(outcome, Case(command, ""), Outcome(0, GOOD, "")) == text


def test_a_case_is_run_and_nothing_is_left_of_it() -> None:
    fmu = build_fmu("hostile2")
    good = run("crumple", "", fmu)
    assert cell(good, Case("nothing", ""), good) == "right"
    for command in ("exit", "nan"):
        outcome = run("crumple", command, fmu)
        assert cell(outcome, Case(command, ""), good) == "error"
        assert outcome.processes == []


def test_the_table_is_put_between_its_comments(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text("before\n<!-- hostility: begin -->\nold\n<!-- hostility: end -->\nafter\n")
    cells = {("crumple", "exit"): "error", ("fmpy", "exit"): "ends, exit 0", ("fmpy", "nan"): "right"}
    text = table([Case("exit", "ends"), Case("nan", "is NaN")], ["crumple", "fmpy"], cells, count=2)
    write(file, text)
    assert file.read_text().splitlines()[1:-2] == [
        "<!-- hostility: begin -->",
        "| the FMU | Crumple | FMPy |",
        "|---|---|---|",
        "| **of 2 cases: the host's process ended or waited, or nothing was noticed** | **0** | **1** |",
        "| ends | error | ends, exit 0 |",
        "| is NaN | - | right |",
    ]


def test_every_behaviour_is_in_the_table_or_left_out_on_purpose() -> None:
    source = (Path(__file__).resolve().parents[2] / "fmu" / "hostile" / "behaviour.h").read_text()
    known = {line.split('"')[1] for line in source.splitlines() if line.startswith('    {"')}
    hits_others = {name for name in known if name.startswith("kill_parent")} | {
        "litter",
        "big_file",
        "children",
    }
    not_asked = {name for name in known if name.startswith("state_")}
    same_as_another = {"warning", "late", "leak", "socket", "scribble_start", "child_hang", "sibling"}
    shown = {case.behaviour for case in cases()}
    assert shown == known - hits_others - not_asked - same_as_another
