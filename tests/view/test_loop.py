"""The window's loop: sixty pictures a second where something moves, and hardly any where nothing does."""

from __future__ import annotations

import pygame
import pytest

from crumple.view import app
from crumple.view.interaction import Interaction
from crumple.view.replay_session import ReplaySession
from view.headless import headless  # noqa: F401 - a fixture of the module
from view.view_runs import FAILING, run_folder


@pytest.fixture
def rests(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rests that the loop took [ms]; nobody touches anything meanwhile."""
    taken: list[int] = []

    def wait(timeout: int) -> pygame.event.Event:
        taken.append(timeout)
        return pygame.event.Event(pygame.NOEVENT)

    monkeypatch.setattr(pygame.event, "wait", wait)
    monkeypatch.setattr(pygame.event, "get", list)
    return taken


def turn(*, playing: bool) -> int:
    """How many pictures five turns of the loop drew."""
    session = ReplaySession(run_folder(FAILING))
    pygame.display.set_mode((1280, 720))
    interaction = Interaction(session, size=(1280, 720))
    interaction.player.playing = playing
    app._loop(interaction, 5)
    return interaction.player.frame


def test_a_still_picture_rests_between_two_drawings(rests: list[int]) -> None:
    assert turn(playing=False) == 5
    assert rests == [100] * 5


def test_a_run_that_plays_is_drawn_without_rest(rests: list[int]) -> None:
    assert turn(playing=True) == 5
    assert rests == []


def test_rests_are_no_slowness(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(app.time, "perf_counter", lambda: now)
    monkeypatch.setattr(app.time, "sleep", lambda seconds: None)
    clock = app._Clock()
    for _ in range(30):  # ten pictures a second, for three seconds
        now += 0.1
        clock.rested()
        assert clock.wait() == ""
    said = []
    for _ in range(30):
        now += 0.1
        said.append(clock.wait())
    assert said[-1].startswith("view 10 Hz")
