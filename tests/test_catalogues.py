"""What the tables of FMUs, plugins and scenes list is what there is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_every_fmu_has_its_row_with_its_version_and_its_page() -> None:
    table = (ROOT / "fmu" / "README.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| \[(\w+)\]\(\1/README\.md\) \| ([23]\.0) \|", table, re.MULTILINE))
    built = re.findall(
        r"^crumple_add_fmu\((\w+) VERSION ([23])\)",
        (ROOT / "fmu" / "CMakeLists.txt").read_text(),
        re.MULTILINE,
    )
    assert listed == {name: f"{version}.0" for name, version in built}
    assert all((ROOT / "fmu" / name / "README.md").is_file() for name in listed)


def test_every_plugin_is_an_entry_point_that_is_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    entries = project["entry-points"]["crumple.units"]
    folders = {path.name for path in (ROOT / "plugins").iterdir() if (path / "pyproject.toml").is_file()}
    places = [where.removeprefix("crumple.bundled.plugins.").partition(":") for where in entries.values()]
    assert folders == {module for module, _, _ in places}
    for module, _, unit in places:
        folder = ROOT / "plugins" / module
        assert f"class {unit}(" in (folder / f"{module}.py").read_text(encoding="utf-8")
        assert (folder / "README.md").is_file()
        assert list(folder.glob("test_*.py"))


@pytest.mark.parametrize("page", ["scenes/README.md", "README.md"])
def test_every_scene_has_its_row(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for path in (ROOT / "scenes").glob("*.toml"):
        assert f"docs/scenes/{path.stem}.md)" in text, f"{page} does not list {path.stem}"
