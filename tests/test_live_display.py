"""`--view` where there is no display."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import small_scene
from crumple.cli.app import invoke


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a window needs no variable")
@pytest.mark.parametrize("command", ["run", "replay"])
def test_a_window_that_cannot_be_opened_is_told_before_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    what = str(small_scene.write_scene(tmp_path))
    out = tmp_path / "runs"
    if command == "replay":
        assert invoke(["run", what, "--out", str(out)]) == 0
        what = str(next(out.iterdir()))
    before = set(out.glob("*"))
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    assert invoke([command, what, "--view", "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert "there is no display" in said and "crumple view --screenshot end picture.png" in said
    assert set(out.glob("*")) == before
