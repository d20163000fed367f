"""Which moment is shown: playing, holding, stepping, and how a live run is asked to do the same."""

from __future__ import annotations

from typing import Any

from crumple.view.live_session import LiveSession
from crumple.view.replay_session import ReplaySession
from crumple.view.session import Moment, Session

# Simulated seconds a second, by the keys 1 to 9.
SPEEDS = (1 / 500, 1 / 200, 1 / 50, 1 / 20, 1 / 5, 1.0, 5.0, 20.0, 60.0)
_WATCHED = 8.0  # [s] that a replay shall take about
_MOST_PASSED = 0.1  # [s] a pause of the viewer longer than this is not made up for


class Player:
    """The cursor of a session. In a live run it follows the newest moment until it is moved back.

    t: what is shown [s].   following: it is the newest of a live run.   speed: of a replay.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.live = session if isinstance(session, LiveSession) else None
        self.following = self.live is not None
        self.playing = False
        self.speed = _fitting_speed(session.horizon - session.start)
        self.t = session.end() if self.live is not None else session.start
        self.frame = 0

    @property
    def moving(self) -> bool:
        """Whether time goes on by itself."""
        return self.playing or (self.live is not None and self.live.status == "running")

    def moment(self) -> Moment:
        """What is to be drawn."""
        if isinstance(self.session, ReplaySession):
            self.session.speed = self.speed
        return Moment(self.session, self.t, self.moving, self.shown_speed(), self.frame)

    def shown_speed(self) -> float:
        """Simulated seconds a second."""
        return self.speed if self.live is None or not self.following else self.live.speed

    def advance(self, passed: float) -> None:
        """`passed` seconds of wall time went by."""
        self.frame += 1
        if self.live is not None:
            self.live.update()
            if self.following:
                self.t = self.live.end()
                return
        if self.playing:
            self.t += min(passed, _MOST_PASSED) * self.speed
            if self.t >= self.session.end():
                self.t = self.session.end()
                self.playing = False
                self.following = self.live is not None

    # -- moving ------------------------------------------------------------------------------------------

    def seek(self, t: float, *, exact: bool = False) -> None:
        """Show a moment [s], on a tick unless `exact`; of a live run the past."""
        session = self.session
        if not exact:
            t = session.start + round((t - session.start) / session.period) * session.period
        end = session.end()
        self.t = min(max(t, session.start), end)
        self.following = self.live is not None and t >= end

    def toggle(self) -> None:
        """Play or hold."""
        if self.live is not None and self.following:
            if self.live.status != "waiting":
                self.live.send("resume" if self.live.status == "paused" else "pause")
            return
        if not self.playing and self.t >= self.session.end():
            self.t = self.session.start
        self.playing = not self.playing

    def step(self, ticks: int) -> None:
        """Some ticks on, or back. A live run that is held makes the steps itself."""
        if self.live is not None and self.following and ticks > 0:
            if self.live.status == "paused":
                self.live.send("step", n=ticks)
            return
        self.playing = False
        session = self.session
        tick = round((self.t - session.start) / session.period)
        self.seek(session.start + (tick + ticks) * session.period)

    def leap(self, seconds: float) -> None:
        """Further on, or back, by simulated time [s]."""
        self.playing = False
        self.seek(self.t + seconds)

    def event(self, direction: int) -> None:
        """To the next event (1) or the one before (-1)."""
        slack = self.session.period / 2
        times = [event.t for event in self.session.events()]
        if direction > 0:
            found = next((t for t in times if t > self.t + slack), None)
        else:
            found = next((t for t in reversed(times) if t < self.t - slack), None)
        if found is not None:
            self.playing = False
            self.seek(found)

    def to_start(self) -> None:
        """To the first moment."""
        self.playing = False
        self.seek(self.session.start)
        self.following = False

    def to_end(self) -> None:
        """To the last moment; in a live run back to now."""
        self.playing = False
        self.t = self.session.end()
        self.following = self.live is not None

    def set_speed(self, number: int) -> None:
        """number: 1 to 9. A live run is asked for it, where it is followed."""
        speed = SPEEDS[number - 1]
        if self.live is not None and self.following:
            self.live.send("speed", speed=speed)
        else:
            self.speed = speed

    def run_to(self, t: float) -> bool:
        """Ask a live run to go on to a moment and hold there. Returns whether it was asked."""
        return self.live is not None and self.live.send("run_to", t=t)

    def inject(self, fault: str) -> str:
        """Inject a fault of a live run, or clear it where it is active. Returns what was done, "" for nothing."""
        if self.live is None:
            return ""
        active = any(row.name == fault and row.state == "active" for row in self.live.faults(self.live.end()))
        done = self.live.send("clear" if active else "inject", fault=fault)
        return f"{fault} {'cleared' if active else 'injected'}" if done else ""

    def stop(self) -> bool:
        """Ask a live run to end safely. Returns whether it was asked."""
        return self.live is not None and self.live.send("stop")


def _fitting_speed(span: float) -> float:
    """The speed at which a run is watched in a few seconds, real time where that is near."""
    wanted = span / _WATCHED
    if 0.25 <= wanted <= 4.0:
        return 1.0
    fitting: Any = min(SPEEDS, key=lambda speed: max(speed / wanted, wanted / speed) if wanted > 0 else speed)
    return float(fitting)
