"""Key frames: the scene at its events, drawn by the viewer's own code."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from crumple.errors import UsageError
from crumple.view.figures import time_text

if TYPE_CHECKING:
    from crumple.view.session import Event, Session

_MOST = 5
_WIDE, _HIGH = 640, 360  # [px]; the page shows them at half of it or less


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFrame:
    """A picture of a moment. uri: the PNG itself.   time, name: what stands under it."""

    uri: str
    time: str
    name: str


def key_moments(session: Session, decisive: float | None) -> list[tuple[float, str]]:
    """Up to five moments worth a picture: events of the scene, faults, and the decisive one, in order of time."""
    end = session.end()
    found: list[Event] = [event for event in session.events() if event.kind in ("event", "fault", "error")]
    moments = [(event.t, event.name) for event in found if session.start <= event.t <= end]
    if decisive is not None and session.start <= decisive <= end:
        near = 0.01 * (end - session.start)
        if all(abs(t - decisive) > near for t, _ in moments):
            moments.append((decisive, "decisive moment"))
    if not moments:
        whole = end - session.start
        moments = [(session.start, "start"), (session.start + whole / 2, "half way"), (end, "end")]
    elif len(moments) < _MOST and all(t < end for t, _ in moments):
        moments.append((end, "end"))
    moments.sort()
    while len(moments) > _MOST:  # those that lie nearest to others are the least telling
        gaps = [moments[k + 1][0] - moments[k - 1][0] for k in range(1, len(moments) - 1)]
        moments.pop(1 + gaps.index(min(gaps)))
    return moments


def key_frames(session: Session, moments: list[tuple[float, str]]) -> tuple[list[KeyFrame], str]:
    """The pictures, and, where there are none, why."""
    from crumple.view import export

    if not session.scene_view.get("pictures"):
        return [], "the scene has no [view] with a picture"
    try:
        export.prepare_headless()
    except UsageError as error:
        return [], str(error)
    import pygame

    from crumple.view.canvas import Canvas
    from crumple.view.player import Player
    from crumple.view.theme import Theme

    theme = Theme(dark=False, width=1280, height=720, still=True)
    canvas = Canvas(theme, session.scene_view, session)
    canvas.labels = False  # too small to be read at this size
    player = Player(session)
    surface = pygame.Surface((_WIDE, _HIGH))
    frames = []
    for t, name in moments:
        player.seek(t, exact=True)
        surface.fill(theme.colour("window"))
        canvas.draw(surface, surface.get_rect(), player.moment())
        written = BytesIO()
        pygame.image.save(surface, written, "frame.png")
        uri = "data:image/png;base64," + base64.b64encode(written.getvalue()).decode()
        frames.append(KeyFrame(uri=uri, time=time_text(t, span=session.end()), name=name))
    return frames, ""
