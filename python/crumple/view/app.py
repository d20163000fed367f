"""The window: a process of its own, which reads a run and cannot change it but by its commands."""

from __future__ import annotations

import time
from pathlib import Path

import pygame

from crumple.errors import CrumpleError, UsageError
from crumple.view.export import UNSEEN, Look
from crumple.view.interaction import Interaction
from crumple.view.live_session import LiveSession, Source
from crumple.view.replay_session import ReplaySession
from crumple.view.session import Session

_RATE = 60  # pictures a second
_SLOW = 50  # fewer than that are told of
_REST = 100  # [ms] between two pictures where nothing moves, unless somebody touches something
_LEAST = (640, 360)  # the smallest window


def open_session(folder: Path, *, live: bool | None = None, still: bool = False) -> Session:
    """The run in a folder: as it goes on where its process lives, else from its recording.

    live: which of both; None: as it is. Raises CrumpleError where there is no run, or a damaged one.
    """
    from crumple import run_folder

    if live is None:
        live = run_folder.is_alive(folder)
    if not live:
        return ReplaySession(folder, still=still)
    return LiveSession(folder, _source(folder), still=still)


def _source(folder: Path) -> Source | None:
    """Frames of a run that goes on; None where it gives none: then its recording is followed alone."""
    try:
        from crumple.live.monitor import Monitor

        monitor: Source = Monitor(folder)
    except (ImportError, CrumpleError, OSError):
        return None
    return monitor


def show(session: Session, look: Look, *, most_frames: int = 0) -> None:
    """Open a window and show the session until it is closed.

    most_frames: close after so many pictures; 0: never. Raises UsageError where no window can be opened.
    """
    pygame.display.set_caption(f"{session.name} - Crumple")
    try:
        pygame.display.set_mode(look.size, pygame.RESIZABLE)
    except pygame.error as error:
        raise UsageError(
            f"no window can be opened ({error}). "
            "Pictures need none: crumple view RUN --screenshot end picture.png"
        ) from None
    pygame.key.set_repeat(300, 33)
    interaction = Interaction(session, size=look.size, dark=look.dark, scale=look.scale, still=look.still)
    try:
        _loop(interaction, most_frames)
    finally:
        pygame.display.quit()


def _loop(interaction: Interaction, most_frames: int) -> None:
    clock = _Clock()
    frames = 0
    unseen = pygame.display.get_driver() in UNSEEN
    while not interaction.quit and (not most_frames or frames < most_frames):
        for event in _events(interaction, clock):
            interaction.handle(event)
            if event.type == pygame.VIDEORESIZE:
                interaction.resize((max(event.w, _LEAST[0]), max(event.h, _LEAST[1])))
        surface = pygame.display.get_surface()
        if surface is None:
            return
        if surface.get_size() != interaction.size:
            interaction.resize(surface.get_size())
        interaction.advance(clock.passed())
        interaction.draw(surface)
        pygame.display.flip()
        interaction.slow = clock.wait()
        frames += 1
        if unseen and interaction.player.live is not None and interaction.player.live.status == "ended":
            return  # nobody could close it


def _events(interaction: Interaction, clock: _Clock) -> list[pygame.event.Event]:
    """What happened; where nothing moves, it is waited for a little: a still picture needs no processor."""
    events = pygame.event.get()
    if events or not interaction.calm:
        return events
    event = pygame.event.wait(_REST)
    clock.rested()
    return [] if event.type == pygame.NOEVENT else [event]


class _Clock:
    """Sixty pictures a second on an absolute schedule; says where they become fewer."""

    def __init__(self) -> None:
        self._last = self._due = time.perf_counter()
        self._since, self._count = self._last, 0
        self._said = ""

    def passed(self) -> float:
        """Wall time since the last call [s]."""
        now = time.perf_counter()
        passed, self._last = now - self._last, now
        return passed

    def rested(self) -> None:
        """The time until now was no time to draw in."""
        self._due = self._since = time.perf_counter()
        self._count = 0
        self._said = ""

    def wait(self) -> str:
        """Until the next picture is due. Returns what is to be said of a viewer that cannot keep up."""
        self._due += 1 / _RATE
        now = time.perf_counter()
        if self._due > now:
            time.sleep(self._due - now)
        else:
            self._due = now  # what was missed is not made up for
        self._count += 1
        if now - self._since >= 1.0:
            rate = self._count / (now - self._since)
            self._said = f"view {rate:.0f} Hz, run unaffected" if rate < _SLOW else ""
            self._since, self._count = now, 0
        return self._said
