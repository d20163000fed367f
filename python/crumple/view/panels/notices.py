"""When something must be said in the picture itself: a rig is waited for, an input is silent, the run broke."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pygame

from crumple import wording
from crumple.view import figures
from crumple.view.live_session import LiveSession
from crumple.view.panels.cards import draw_card, draw_error, draw_stale
from crumple.view.panels.states import Peer, draw_waiting
from crumple.view.replay_session import ReplaySession
from crumple.view.session import Moment

if TYPE_CHECKING:
    from crumple.view.theme import Theme


def draw_notices(
    theme: Theme, surface: pygame.Surface, rect: pygame.Rect, moment: Moment, *, scene: bool
) -> None:
    """Draws what there is to be said over `rect`, most often nothing. scene: there is a picture of the scene."""
    session = moment.session
    if isinstance(session, LiveSession):
        if session.status == "waiting":
            _waiting(theme, surface, rect, session)
        elif has_card(moment):
            draw_stale(theme, surface, rect, moment)
    elif isinstance(session, ReplaySession) and has_card(moment):
        _error(theme, surface, rect, session, scene=scene)


def has_card(moment: Moment) -> bool:
    """Whether a card will lie at the foot of the picture."""
    session = moment.session
    if isinstance(session, LiveSession):
        late = [row for row in session.inputs(moment.t) if row.state not in ("fresh", "none")]
        return session.status not in ("waiting", "ended") and bool(late)
    broke = isinstance(session, ReplaySession) and session.result.verdict == "error"
    return broke and moment.t >= session.end() - session.period / 2


def _waiting(theme: Theme, surface: pygame.Surface, rect: pygame.Rect, session: LiveSession) -> None:
    rows = session.inputs(session.end())
    required = [row for row in rows if session.is_required(row.name)]
    peers = [
        Peer(row.name, row.endpoint, row.state != "none", "ready" if row.state != "none" else "silent")
        for row in required
    ]
    missing = [peer.name for peer in peers if not peer.ready]
    draw_waiting(
        theme,
        surface,
        rect,
        name=session.name,
        peers=peers,
        cost=_cost(session, missing),
    )


def _cost(session: LiveSession, missing: Sequence[str]) -> str:
    """What it would mean to begin without those who are missing."""
    reached = session.reached_by(missing)
    looked_at = session.looked_at()
    blind = [
        name
        for name, (_, signals) in looked_at.items()
        if any(signal.partition(".")[0] in reached for signal in signals)
    ]
    if not missing or not blind:
        return ""
    who = " and ".join(missing)
    verb = "stays" if len(blind) == 1 else "stay"
    return (
        f"Without {who}, {len(blind)} of {wording.count(len(looked_at), 'requirement')} {verb} inconclusive."
    )


def _error(
    theme: Theme, surface: pygame.Surface, rect: pygame.Rect, session: ReplaySession, *, scene: bool
) -> None:
    result = session.result
    tick = round((session.end() - session.start) / session.period)
    sentences = [line for reason in result.reasons for line in str(reason).split("\n") if line.strip()]
    title = sentences[0] if sentences else "the run ended in an error"
    lines = [
        *sentences[1:2],
        "No requirement was observed to its end, so there is no verdict on the product.",
    ]
    if any(row.status in ("pass", "fail") for row in result.requirements):
        lines = sentences[1:3]
    held = f"{figures.time_text(session.end(), span=session.horizon)}, tick {tick:,}"
    last = f"Kept up to tick {tick:,}."
    if (session.folder / "report.html").is_file():
        last += "   R opens the report"
    if scene:
        draw_error(theme, surface, rect, title=title, lines=lines, held=held, last=last)
    else:  # charts are true as far as they go: nothing to take the colour out of
        draw_card(theme, surface, rect, glyph="error", colour="error", title=title, lines=lines, last=last)
