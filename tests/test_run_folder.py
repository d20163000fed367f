"""The folder of a run: whole from the moment that it can be seen, and never half a line in it."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

import crumple
from crumple.run_folder import EVENTS, VERDICT, RunFolder, is_alive, read_json, write_json
from largest_file import largest_file


def test_a_folder_appears_with_its_lock_and_an_inconclusive_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    rename = Path.rename

    def renamed(hidden: Path, name: Path) -> Path:
        visible = [path for path in tmp_path.iterdir() if not path.name.startswith(".")]
        seen.append((visible, sorted(path.name for path in hidden.iterdir()), is_alive(hidden)))
        return rename(hidden, name)

    monkeypatch.setattr(Path, "rename", renamed)
    folder = RunFolder(tmp_path, name="a scene", identity="0123456789abcdef")
    assert seen == [([], [EVENTS, VERDICT], True)]
    assert [path for path in tmp_path.iterdir()] == [folder.path]
    assert folder.path.name.startswith("a_scene-")
    assert folder.path.name.endswith("-01234567")
    assert read_json(folder.path, VERDICT)["verdict"] == "inconclusive"
    assert is_alive(folder.path)
    folder.close()
    assert not is_alive(folder.path)


def test_many_runs_at_once_have_a_folder_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.strftime", lambda *arguments: "20261122T000000")
    folders: list[RunFolder] = []
    threads = [
        threading.Thread(target=lambda: folders.append(RunFolder(tmp_path, name="x", identity="1" * 64)))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = {f"x-20261122T000000-11111111{end}" for end in ("", *(f"-{n}" for n in range(2, 21)))}
    assert {folder.path.name for folder in folders} == names
    assert {path.name for path in tmp_path.iterdir()} == names
    for folder in folders:
        folder.close()


def test_what_has_the_name_already_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.strftime", lambda *arguments: "20261122T000000")
    (tmp_path / "x-20261122T000000-11111111").write_text("a file")
    (tmp_path / "x-20261122T000000-11111111-2").mkdir()
    folder = RunFolder(tmp_path, name="x", identity="1" * 64)
    assert folder.path.name == "x-20261122T000000-11111111-3"
    assert (tmp_path / "x-20261122T000000-11111111").read_text() == "a file"
    assert list((tmp_path / "x-20261122T000000-11111111-2").iterdir()) == []
    folder.close()


def test_a_folder_that_is_discarded_leaves_nothing(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, name="x", identity="1" * 64)
    (folder.path / "signals.npy").touch()
    folder.discard()
    assert list(tmp_path.iterdir()) == []


def test_where_no_folder_can_be_made_nothing_is_left_and_the_remedy_is_named(tmp_path: Path) -> None:
    with largest_file(10), pytest.raises(crumple.UsageError, match=r"File too large\. Give another .* --out"):
        RunFolder(tmp_path, name="x", identity="1" * 64)
    assert list(tmp_path.iterdir()) == []


def test_an_event_that_does_not_fit_leaves_no_half_line(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, name="x", identity="1" * 64)
    folder.event("start", seed=0)
    size = (folder.path / EVENTS).stat().st_size
    with largest_file(size + 20), pytest.raises(OSError, match="File too large"):
        folder.event("warning", text="long" * 100)
    assert (folder.path / EVENTS).stat().st_size == size
    folder.event("end")
    folder.close()
    lines = (folder.path / EVENTS).read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["start", "end"]


def test_a_text_that_is_not_unicode_is_kept(tmp_path: Path) -> None:
    """As in the path of a file whose name is not UTF-8."""
    text = "auto\udce9 \u00e9 \U0001f697"
    write_json(tmp_path / "a.json", {text: text})
    assert read_json(tmp_path, "a.json") == {text: text}
    folder = RunFolder(tmp_path, name="x", identity="1" * 64)
    folder.event("start", text=text)
    folder.close()
    assert json.loads((folder.path / EVENTS).read_text())["text"] == text


def test_a_json_file_that_does_not_fit_leaves_the_old_one(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"old": 1})
    with largest_file(20), pytest.raises(OSError, match="File too large"):
        write_json(tmp_path / "a.json", {"new": "x" * 100})
    assert read_json(tmp_path, "a.json") == {"old": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
