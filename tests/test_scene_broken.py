"""What is told about scenes with mistakes. One file for each mistake stands in `broken/`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from crumple.errors import SceneError
from crumple.scene import load_scene
from ramp_scene import SCENE, mistakes, writer

BROKEN = Path(__file__).parent / "broken"


@pytest.fixture
def write(tmp_path: Path) -> Any:
    return writer(tmp_path)


def expected(path: Path) -> tuple[list[str], dict[str, str]]:
    """The messages that a broken scene asks for in its first lines, and what to set."""
    lines = path.read_text(encoding="utf-8").splitlines()
    messages = [line.removeprefix("# expect: ") for line in lines if line.startswith("# expect: ")]
    given = dict(line.removeprefix("# set: ").split("=", 1) for line in lines if line.startswith("# set: "))
    return messages, given


def said(row: str, message: str) -> bool:
    """Whether a row is the message. "{here}" is the folder, "{any}" whatever this machine has installed."""
    wanted = (
        re.escape(message)
        .replace(re.escape("{any}"), ".*")
        .replace(re.escape("{here}"), re.escape(str(BROKEN)))
    )
    return re.fullmatch(wanted, " ".join(row.split())) is not None


@pytest.mark.parametrize("path", sorted(BROKEN.glob("*.toml")), ids=lambda path: path.stem)
def test_a_broken_scene_gives_its_messages_and_no_others(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BROKEN)
    messages, given = expected(path)
    assert messages, f"{path.name} says nothing of what it expects"
    with pytest.raises(SceneError) as caught:
        load_scene(path.name, set=given)
    rows = caught.value.rows()
    assert [row for row, message in zip(rows, messages, strict=True) if not said(row, message)] == []


def test_there_are_broken_scenes_of_every_sort() -> None:
    sorts = {path.stem.split("_")[0] for path in BROKEN.glob("*.toml")}
    wanted = {"text", "shape", "clock", "parameter", "set", "unit", "connect", "record", "require"}
    wanted |= {
        "include",
        "isolation",
        "pacing",
        "sensor",
        "actuator",
        "rig",
        "address",
        "key",
        "timing",
        "fault",
    }
    assert wanted <= sorts
    assert len(list(BROKEN.glob("*.toml"))) >= 160


def test_the_error_shows_all_mistakes_in_columns_and_counts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BROKEN)
    with pytest.raises(SceneError) as caught:
        load_scene("many.toml")
    lines = str(caught.value).splitlines()
    assert lines[-1] == "3 mistakes. Nothing was loaded."
    texts = ["unknown key", "input of unit", "m cannot feed kg"]
    assert len({line.index(text) for line, text in zip(lines, texts, strict=False)}) == 1


def test_a_file_that_does_not_exist_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert mistakes(Path("no.toml")) == ["no.toml: does not exist."]
    assert mistakes(tmp_path) == [f"{tmp_path}: is a folder; name a file in it."]
    [text] = mistakes("no_such_scene")  # type: ignore[arg-type]
    assert "no bundled scene has this name" in text
    (tmp_path / "mine.toml").write_text("")
    assert "called mine.toml" in mistakes("mine")[0]  # type: ignore[arg-type]


def test_bytes_that_are_no_text_are_placed(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes('crumple = 1\ntitle = "Öl"\n'.encode("latin-1"))
    with pytest.raises(SceneError) as caught:
        load_scene(tmp_path / "latin.toml")
    [mistake] = caught.value.mistakes
    assert (mistake.line, mistake.text) == (2, "is not UTF-8, which TOML must be: save the file as UTF-8.")


def test_a_byte_order_mark_and_windows_line_ends_are_read(write: Any) -> None:
    path = write()
    path.write_bytes(b"\xef\xbb\xbf" + SCENE.replace("\n", "\r\n").encode())
    assert load_scene(path).title == "a ramp"
    path.write_bytes(b"\xef\xbb\xbf" + SCENE.replace("\n", "\r\n").replace("every", "ever").encode())
    with pytest.raises(SceneError) as caught:
        load_scene(path)
    assert caught.value.mistakes[0].line == 19
