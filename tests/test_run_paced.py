"""`crumple run` with a pace of its own, and what its screen says of those who are waited for."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from command import called
from crumple.cli.run import live_options
from crumple.cli.waiting import WaitingLines
from crumple.errors import UsageError
from crumple.live.units import Waiting
from ramp_scene import SCENE, writer

SILENT = Waiting("front_imu", "tcp://127.0.0.1:5555", "silent")
ECU = Waiting("ecu", "tcp://127.0.0.1:5560", "ready")


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    return writer(tmp_path)


class Terminal(io.StringIO):
    """Keeps what a terminal would show: knows how to go up, to the left, and to wipe what is below."""

    def isatty(self) -> bool:
        return True

    def screen(self) -> list[str]:
        lines = [""]
        row = 0
        for part in self.getvalue().replace("\x1b[", "\0\x1b").split("\0"):
            text = part
            if part.startswith("\x1b"):
                end = next(i for i, c in enumerate(part) if c.isalpha())
                number, act, text = part[1:end], part[end], part[end + 1 :]
                if act == "A":
                    row -= int(number)
                elif act == "J":
                    del lines[row + 1 :]
                    lines[row] = ""
            for piece in text.replace("\r", "").splitlines(keepends=True):
                lines[row] += piece.rstrip("\n")
                if piece.endswith("\n"):
                    row += 1
                    lines += [""] * (row + 1 - len(lines))
        return lines


# ---- who is waited for


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    return Terminal()


def test_a_terminal_shows_a_line_for_each_in_columns(terminal: Terminal) -> None:
    WaitingLines(terminal)([SILENT, ECU], 0.4)
    assert terminal.screen() == [
        "waiting for   front_imu tcp://127.0.0.1:5555  … 0.4 s, silent",
        "              ecu       tcp://127.0.0.1:5560  … ready",
        "",
    ]


def test_the_lines_are_drawn_over_and_stay_when_all_are_there(terminal: Terminal) -> None:
    lines = WaitingLines(terminal)
    for tenth in range(30):
        lines([SILENT, ECU], tenth / 10)
    assert terminal.screen() == [
        "waiting for   front_imu tcp://127.0.0.1:5555  … 2.9 s, still silent",
        "              ecu       tcp://127.0.0.1:5560  … ready",
        "              start what is silent, or begin without sensors: --no-wait",
        "",
    ]
    lines([SILENT._replace(state="ready"), ECU], 3.0)
    assert terminal.screen() == [
        "waiting for   front_imu tcp://127.0.0.1:5555  … ready",
        "              ecu       tcp://127.0.0.1:5560  … ready",
        "",
    ]


def test_what_is_wrong_with_a_peer_is_told_whole_on_a_narrow_terminal(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = SILENT._replace(state="its messages are refused: they have other channels than the scene says")
    monkeypatch.setenv("COLUMNS", "80")
    lines = WaitingLines(terminal)
    for waited in (1.0, 1.1, 1.2):
        lines([wrong, ECU], waited)
    assert terminal.screen() == [
        "waiting for   front_imu tcp://127.0.0.1:5555  … 1.2 s, its messages are",
        "                  refused: they have other channels than the scene says",
        "              ecu       tcp://127.0.0.1:5560  … ready",
        "",
    ]


def test_elsewhere_only_changes_are_written() -> None:
    stream = io.StringIO()
    lines = WaitingLines(stream)
    for tenth in range(20):
        lines([SILENT, ECU], tenth / 10)
    lines([SILENT._replace(state="ready"), ECU], 2.0)
    assert stream.getvalue().splitlines() == [
        "waiting for   front_imu tcp://127.0.0.1:5555  silent after 0.0 s",
        "waiting for   ecu tcp://127.0.0.1:5560  ready after 0.0 s",
        "waiting for   front_imu tcp://127.0.0.1:5555  ready after 2.0 s",
    ]


def test_nobody_to_wait_for_is_no_line(terminal: Terminal) -> None:
    WaitingLines(terminal)([], 0.0)
    assert terminal.getvalue() == ""


def test_a_screen_that_went_away_does_not_end_the_run() -> None:
    stream = io.StringIO()
    lines = WaitingLines(stream)
    stream.close()
    lines([SILENT], 0.0)
    lines([ECU], 0.1)


# ---- options


def said(**given: Any) -> dict[str, Any]:
    nothing = {
        "realtime": False,
        "mode": None,
        "speed": None,
        "strict": False,
        "no_wait": False,
        "view": False,
    }
    return live_options(**{**nothing, **given})


def test_only_what_is_given_is_passed_on() -> None:
    assert said() == {}
    assert said(realtime=True) == {"mode": "realtime"}
    assert said(realtime=True, mode="realtime", speed="1/50", strict=True, no_wait=True, view=True) == {
        "mode": "realtime",
        "speed": 0.02,
        "strict": True,
        "wait": False,
        "view": True,
    }
    assert [said(speed=text)["speed"] for text in ("2", "0.5", "3x", " 1e-2 ")] == [2.0, 0.5, 3.0, 0.01]


@pytest.mark.parametrize("text", ["0", "-1", "fast", "1/0", "nan", "inf", ""])
def test_a_speed_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="write a number above 0"):
        said(speed=text)


def test_two_paces_contradict_each_other() -> None:
    with pytest.raises(UsageError, match="contradict each other"):
        said(realtime=True, mode="free")


def test_a_scene_runs_at_the_speed_that_is_asked_for(write: Any, tmp_path: Path) -> None:
    shown = called("run", write(SCENE), "--realtime", "--speed", "20", cwd=tmp_path)
    assert shown.code == 0
    assert "1,000 ticks" in shown.out


@pytest.mark.parametrize(
    "options",
    [
        ["--speed", "2"],
        ["--strict"],
        ["--mode", "fast"],
        ["--mode", "lockstep"],
        ["--realtime", "--mode", "free"],
    ],
)
def test_a_pace_that_cannot_be_is_a_wrong_call(write: Any, tmp_path: Path, options: list[str]) -> None:
    shown = called("run", write(SCENE), *options, cwd=tmp_path)
    assert (shown.code, shown.out) == (2, "")
    assert "Traceback" not in shown.err
    assert not list((tmp_path / "runs").glob("*"))
