"""Faults on FMUs: tunable parameters, whole arrays, units in workers; and what docs/faults.md says of all kinds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import crumple
from crumple.errors import SceneError
from crumple.faults import KINDS
from crumple.scene import load_scene
from fmu_build import build_fmu

SCENE = """
crumple = 1
[clock]
period = "10 ms"
stop = "100 ms"
[units.a]
fmu = "{fmu}"
start = {{ gain = 2.0, bias = 1.0, {start} }}
[units.b]
fmu = "{fmu}"
[connect]
"b.{real}" = "a.y"
"""


def scene(fmi: int, faults: str, tmp_path: Path) -> Path:
    start, real = ("Real_in = 3.0", "Real_in") if fmi == 2 else ("Float64_in = 3.0", "Float64_in")
    path = tmp_path / "scene.toml"
    path.write_text(SCENE.format(fmu=build_fmu(f"all_types{fmi}"), start=start, real=real) + faults)
    return path


@pytest.mark.parametrize("fmi", [2, 3])
@pytest.mark.parametrize("isolate", [False, True])
def test_a_tunable_parameter_of_an_fmu_is_changed_and_comes_back(
    tmp_path: Path, fmi: int, isolate: bool
) -> None:
    fault = '[faults.half]\non = "a.gain"\nkind = "gain"\nvalue = 0.5\nfrom = "50 ms"\nuntil = "70 ms"\n'
    result = crumple.run(scene(fmi, fault, tmp_path), out=tmp_path / "runs", isolate=isolate)
    assert result.verdict == "done"
    assert result.signals["a.y"][1:].tolist() == [7, 7, 7, 7, 7, 4, 4, 7, 7, 7]
    assert result.signals["fault.half.before"][6] == 2.0
    assert result.signals["fault.half.after"][6] == 1.0


def test_a_parameter_that_cannot_change_is_refused_with_the_reason(tmp_path: Path) -> None:
    def said(on: str) -> str:
        fault = f'[faults.f]\non = "{on}"\nkind = "bias"\nvalue = 1\nfrom = 0\n'
        with pytest.raises(SceneError) as refused:
            load_scene(scene(3, fault, tmp_path))
        return str(refused.value)

    assert "is a fixed parameter, which cannot change during a run. Its FMU must declare it tunable." in said(
        "a.bias"
    )
    assert "which this scene does not have" in said("c.gain")


def test_a_whole_array_can_be_disturbed_at_its_source(tmp_path: Path) -> None:
    fault = '[faults.f]\non = "a.v_out"\nkind = "bias"\nvalue = 1\nfrom = "50 ms"\n'
    path = scene(3, fault, tmp_path)
    path.write_text(path.read_text().replace("bias = 1.0,", "bias = 1.0, n = 2, v_in = [7, 8],"))
    signals = crumple.run(path, out=tmp_path / "runs").signals
    before, after = signals["a.v_out"][4], signals["a.v_out"][5]
    assert np.array_equal(after, before + 1)
    assert np.array_equal(signals["fault.f.before"][5], before)


def test_a_killed_fmu_is_an_error_as_a_dead_one(tmp_path: Path) -> None:
    fault = '[faults.f]\non = "b"\nkind = "kill"\nfrom = "50 ms"\n'
    for isolate, says in ((False, "it is dead"), (True, "killed by SIGKILL")):
        result = crumple.run(scene(2, fault, tmp_path), out=tmp_path / "runs", isolate=isolate)
        assert result.verdict == "error" and says in result.reason and "unit 'b'" in result.reason


def test_the_page_on_faults_has_all_kinds_in_the_order_in_which_they_act() -> None:
    page = Path(__file__).parents[1] / "docs" / "faults.md"
    table = page.read_text().split("## Kinds")[1].split("\n\n")[2]
    rows = [re.findall(r"`(\w+)`", line) for line in table.splitlines()[2:]]
    assert [row[0] for row in rows] == [*KINDS]
    for row in rows:
        missing = [key for key in KINDS[row[0]].keys if key not in row]
        assert not missing, f"{row[0]}: {missing}"


def test_the_core_and_the_shell_know_the_same_kinds_in_the_same_order() -> None:
    header = (Path(__file__).parents[1] / "cpp/include/crumple/fault.hpp").read_text()
    body = re.sub(r"//.*", "", header.split("enum class FaultKind")[1].split("{")[1].split("}")[0])
    assert re.findall(r"\w+", body) == [kind for kind in KINDS if kind != "intermittent"]


def plan(**more: Any) -> Any:
    from crumple.faults import FaultPlan

    return FaultPlan(**{"name": "f", "on": "a.y", "kind": "bias", "value": 1.0, **more})


def test_what_is_said_of_a_fault_is_what_is_not_usual() -> None:
    assert plan().to_json() == {
        "name": "f", "on": "a.y", "kind": "bias", "value": 1.0, "since": None, "until": None, "doc": "",
    }  # fmt: skip
    assert plan(tags={"asil": "B"}, off=True).to_json()["tags"] == {"asil": "B"}
    assert plan().by_hand and not plan(event="g").by_hand
