"""What a viewer has to tell of a run that goes on: what was refused, and what was seen of one that was killed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pygame
import pytest

from crumple.view.interaction import Interaction
from crumple.view.live_session import LiveSession
from crumple.view.replay_session import ReplaySession
from view.headless import headless  # noqa: F401 - a fixture of the module
from view.live_bench import Bench, live_bench

SIZE = (1280, 720)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with live_bench(tmp_path / "run") as made:
        made.core.publish(100, 1.0)
        yield made


def test_who_looked_on_at_a_run_that_was_killed_keeps_the_timing_that_was_seen_last(bench: Bench) -> None:
    manifest = json.loads((bench.folder / "manifest.json").read_text())
    (bench.folder / "manifest.json").write_text(json.dumps({**manifest, "pacing": {"mode": "realtime"}}))
    viewer = Interaction(bench.session, size=SIZE)
    viewer.advance(0.0)
    bench.die()
    viewer.advance(0.02)
    assert isinstance(viewer.session, ReplaySession)
    timing = viewer.session.timing(0.1)
    assert timing is not None
    assert (timing.missed, len(timing.step), timing.note) == (2, 4, "last 4 ticks seen")
    words: list[Any] = []
    viewer.frame.theme.drawn = words
    viewer.draw(pygame.Surface(SIZE))
    assert "last 4 ticks seen" in {text.text for text in words}


def test_what_the_run_refused_is_told_once(bench: Bench) -> None:
    def refuse(why: str) -> None:
        with open(bench.folder / "events.jsonl", "a") as events:
            events.write(json.dumps({"event": "warning", "text": f"a command was refused: {why}"}) + "\n")

    now = 0.0
    refuse("before anybody looked on ({})")
    session = LiveSession(bench.folder, bench.core, clock=bench.clock)
    viewer = Interaction(session, size=SIZE, clock=lambda: now)
    viewer.advance(0.02)
    assert viewer.note() == ""
    refuse('rig \'ecu\' has no actuator ({"do": "pause"})')
    for _ in range(3):
        bench.clock.now += 1.0
        viewer.advance(0.02)
    assert viewer.note() == "The run refused it: rig 'ecu' has no actuator"
    now = 60.0
    viewer.advance(0.02)
    assert viewer.note() == ""
