"""What holds of every bundled scene: it runs from any folder, passes, is the same each time, and is documented."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import crumple
from crumple.scene import load_scene

ROOT = Path(__file__).parents[2]
SCENES = sorted(path.stem for path in (ROOT / "scenes").glob("*.toml"))
GOLDEN = ROOT / "tests" / "golden"


@pytest.mark.parametrize("name", SCENES)
def test_it_passes_from_an_empty_folder_with_the_digest_that_is_kept(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "crumple", "run", name, "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    told = json.loads(done.stdout)
    assert (done.returncode, told["verdict"]) == (0, "pass"), told["reasons"]
    assert told["digest"] == (GOLDEN / f"{name}.txt").read_text().split()[0]


@pytest.mark.parametrize("name", SCENES)
def test_its_digest_does_not_depend_on_threads_or_processes(name: str, tmp_path: Path) -> None:
    kept = (GOLDEN / f"{name}.txt").read_text().split()[0]
    assert crumple.run(name, out=tmp_path, threads=2, stop=None).digest == kept


@pytest.mark.parametrize("name", SCENES)
def test_its_page_has_a_picture_its_parameters_its_faults_and_its_limits(name: str) -> None:
    page = (ROOT / "docs" / "scenes" / f"{name}.md").read_text(encoding="utf-8")
    scene = load_scene(name)
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", page)
    assert pictures
    assert all((ROOT / "docs" / "scenes" / picture).resolve().is_file() for picture in pictures)
    for parameter in scene.parameters:
        assert f"`{parameter}`" in page, f"the page does not tell of the parameter {parameter}"
    for requirement in scene.requirements:
        assert f"`{requirement.name}`" in page, (
            f"the page does not tell of the requirement {requirement.name}"
        )
    for fault in scene.faults:
        assert f"`{fault.name}`" in page, f"the page does not tell of the fault {fault.name}"
    assert scene.requirements
    assert scene.faults
    assert re.search(r"(?i)^#+ .*(not cover|limits|validity)", page, re.MULTILINE)


@pytest.mark.parametrize("name", SCENES)
def test_its_cases_file_has_the_scenes_own_parameters_as_columns(name: str) -> None:
    with open(ROOT / "scenes" / "campaigns" / f"{name}.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows
    known = set(load_scene(name).parameters)
    assert {column for column in rows[0] if column not in ("seed", "inject") and "." not in column} <= known
