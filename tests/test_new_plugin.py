"""`crumple new plugin`: a folder whose test passes at once, and which can be installed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from crumple.cli.app import invoke
from crumple.errors import UsageError
from crumple.new_plugin import check_name, write_plugin
from crumple.plugins import find_unit
from crumple.testing import check_unit


def test_the_test_of_a_new_plugin_passes_at_once(tmp_path: Path) -> None:
    files = write_plugin("lane_sensor", inside=tmp_path)
    assert sorted(f.name for f in files) == [
        "README.md", "lane_sensor.py", "pyproject.toml", "test_lane_sensor.py",
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path / "lane_sensor", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_it_is_found_by_file_and_is_well_behaved(tmp_path: Path) -> None:
    write_plugin("lane_sensor", inside=tmp_path)
    unit = find_unit("lane_sensor.py:LaneSensor", beside=tmp_path / "lane_sensor")
    check_unit(unit)
    assert unit.declared_inputs()["u"].doc and unit.declared_parameters()["time_constant"].si == "s"


def test_its_entry_point_names_its_class(tmp_path: Path) -> None:
    write_plugin("radar2", inside=tmp_path)
    project = tomllib.loads((tmp_path / "radar2" / "pyproject.toml").read_text())
    assert project["project"]["name"] == "crumple-radar2"
    assert project["project"]["entry-points"]["crumple.units"] == {"radar2": "radar2:Radar2"}
    assert project["tool"]["setuptools"]["py-modules"] == ["radar2"]
    assert 'plugin = "radar2"' in (tmp_path / "radar2" / "README.md").read_text()


@pytest.mark.slow
def test_it_can_be_installed_and_is_then_known_by_name(tmp_path: Path) -> None:
    write_plugin("lane_sensor", inside=tmp_path)
    target = tmp_path / "site"
    # what builds it is downloaded only where it is not here
    here = all(importlib.util.find_spec(name) for name in ("setuptools", "wheel"))
    own = ["--no-build-isolation"] if here else []
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", *own,
         "--target", str(target), str(tmp_path / "lane_sensor")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "No matching distribution" in done.stderr:
        pytest.skip("pip cannot download setuptools here")
    assert done.returncode == 0, done.stderr
    program = (
        f"import sys; sys.path.insert(0, {str(target)!r});"
        " from crumple.plugins import find_unit; print(find_unit('lane_sensor').__name__)"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "LaneSensor"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Lane-Sensor", 'Such as "lane_sensor"'),
        ("LaneSensor", 'Such as "lane_sensor"'),
        ("2fast", 'Such as "fast"'),
        ("", "cannot be the name"),
        ("x", "cannot be the name"),
        ("../escape", "cannot be the name"),
        ("lane_", "cannot be the name"),
        ("class", 'such as "class_unit"'),
        ("match", 'such as "match_unit"'),
        ("json", "a module of Python's library"),
        ("numpy", "an installed package"),
        ("crumple", "an installed package"),
        ("test_it", "taken for a test"),
        ("crash_sensor", 'a plugin "crash_sensor" is there already'),
    ],
)
def test_names_that_cannot_be_are_refused_with_one_that_can(name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        write_plugin(name, inside=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_good_names() -> None:
    for name in ("lane_sensor", "radar2", "ab", "acc_2_controller"):
        check_name(name)


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "lane_sensor").mkdir()
    (tmp_path / "lane_sensor" / "mine").write_text("precious")
    with pytest.raises(UsageError, match="is there already"):
        write_plugin("lane_sensor", inside=tmp_path)
    assert [p.name for p in (tmp_path / "lane_sensor").iterdir()] == ["mine"]


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert invoke(["new", "plugin", "lane_sensor"]) == 0
    shown = capsys.readouterr().out
    assert "test_lane_sensor.py" in shown and "pip install -e" in shown
    assert (tmp_path / "lane_sensor" / "lane_sensor.py").is_file()
    assert invoke(["new", "plugin", "lane_sensor"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert invoke(["new", "plugin", "other", "--in", str(tmp_path / "deep" / "er")]) == 0
    assert (tmp_path / "deep" / "er" / "other" / "other.py").is_file()
