"""What `crumple info` shows of an FMU."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from crumple.cli.app import invoke
from fmu_build import VARIANTS, build_fmu


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert invoke(["info", *arguments]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def rows(text: str) -> list[list[str]]:
    """Lines as words."""
    return [line.split() for line in text.splitlines()]


@pytest.mark.parametrize("fmi", [2, 3])
def test_the_head_says_what_the_fmu_is(fmi: int, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, str(build_fmu(f"lag{fmi}")))
    assert f"lag{fmi}.fmu   FMI {fmi}.0 · Co-Simulation" in text
    assert VARIANTS[f"lag{fmi}"].doc in text
    assert "default     0 to 1 s · step 125 ms" in text
    assert "can         vary its step, save its state" in text


def test_variables_are_shown_by_what_they_are_for(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, str(build_fmu("units3")))
    words = rows(text)
    assert ["speed_kmh", "Float64", "36", "km/h"] in words
    assert ["gear", "Enumeration", "neutral", "park,", "reverse,", "neutral,", "drive"] in words
    assert ["body[1].frame_b.x", "Float64", "m"] in words
    assert text.index("  inputs ") < text.index("  outputs ")
    assert "1 internal variable: --all" in text
    everything = shown(capsys, str(build_fmu("units3")), "--all")
    assert "internal variable" not in everything and "locals" in everything


def test_tunable_array_and_text_variables(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, str(build_fmu("all_types3")), "--all")
    words = rows(text)
    assert ["gain", "Float64,", "tunable", "1"] in words
    assert ["n", "UInt64", "3", "1", "to", "32"] in words
    assert ["grid_in", "Float64[2,", "n]", "1", "2", "3", "4", "5", "6"] in words


def test_long_lists_are_cut_unless_all_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    assert "and 4 more: --all" in shown(capsys, str(build_fmu("all_types3")))
    assert "more: --all" not in shown(capsys, str(build_fmu("all_types3")), "--all")


def test_what_hinders_or_is_not_quite_valid_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, str(build_fmu("no_binary2")))
    assert "platforms   win32" in text
    assert "not here    it has no library for this machine" in text
    assert "cannot      be run by Crumple" in shown(capsys, str(build_fmu("xml_no_co_simulation2")))
    assert "cannot      have several instances in a process" in shown(
        capsys, str(build_fmu("once_per_process3"))
    )
    assert "run without the tool that made it" in shown(capsys, str(build_fmu("needs_tool2")))
    assert "warning  modelDescription.xml" in shown(capsys, str(build_fmu("xml_unknown_element2")))


def test_json_has_everything(capsys: pytest.CaptureFixture[str]) -> None:
    described = json.loads(shown(capsys, str(build_fmu("units2")), "--json"))
    assert (described["fmi"], described["model"], described["kinds"]) == ("2.0", "units2", ["CoSimulation"])
    assert len(described["sha256"]) == 64
    variables = {v["name"]: v for v in described["variables"]}
    assert len(variables) == sum(described["counts"].values())
    speed = variables["speed_kmh"]
    assert (speed["start"], speed["unit"], speed["causality"]) == ("36", "km/h", "input")
    assert variables["gear"]["items"] == {"park": 1, "reverse": 2, "neutral": 3, "drive": 5}
    assert described["warnings"] == []


def test_bundled_fmus_and_folders_are_shown_too(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "crush" in shown(capsys, "vehicle_crush")
    shutil.unpack_archive(build_fmu("lag2"), tmp_path / "lag", format="zip")
    assert "model       lag2" in shown(capsys, str(tmp_path / "lag"))


@pytest.mark.parametrize("name", ["absent.fmu", "vehicle_crash"])
def test_what_is_not_there_is_an_error(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["info", name]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and name in captured.err


def test_what_is_no_fmu_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "text.fmu"
    file.write_text("not an archive")
    assert invoke(["info", str(file)]) == 2
    assert "it is no FMU: an FMU is a ZIP archive" in capsys.readouterr().err
