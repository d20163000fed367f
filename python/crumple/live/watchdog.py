"""What a rig does with the outputs it receives: the newest while they come, the safe values in every other case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Literal

from crumple.errors import UsageError
from crumple.live.wire import Flags, Layout, Message, Seen, Tracker, Type, WireError, decode

State = Literal["live", "safe", "silent", "ended"]


class Watchdog:
    """Outputs as they are to be applied, from frames and the time of their arrival. It opens no socket.

    layout: of the outputs.   safe: a value for every channel.   timeout [s]: silence after which the safe
    values hold. Times are of one clock of the caller's, such as `time.monotonic()`.

    state at a time:
    - "live": an output arrived within `timeout`; its values hold;
    - "safe": so it did, and it says that the safe values are to hold, or that the run is paused;
    - "silent": nothing arrived within `timeout`, or ever. A message that is refused counts as nothing;
    - "ended": the run said that it is over. Only another session brings it back.
    In all but "live" the safe values hold: the rig's own, never those of a message.
    """

    def __init__(self, layout: Layout, *, safe: Mapping[str, float], timeout: float) -> None:
        if not 0.0 < timeout < float("inf"):
            raise UsageError(f"timeout = {timeout}: the watchdog needs a time in seconds above 0.")
        try:
            self.safe = layout.ordered(safe)
        except WireError as error:
            raise UsageError(
                f"safe: {error} Every output needs a value that is safe when nobody answers."
            ) from None
        self.layout = layout
        self.timeout = timeout
        self.tracker = Tracker()
        self.rejected: Counter[str] = Counter()  # messages that were refused, by reason
        self.last: Message | None = None  # the newest accepted OUTPUT
        self._arrival = -float("inf")  # [s]
        self._ended = False

    def offer(self, frame: bytes, now: float) -> Message | None:
        """Takes a frame that arrived at `now` [s]. Returns its message if it was accepted, else None."""
        try:
            message = decode(frame, self.layout)
        except WireError as error:
            self.rejected[error.reason] += 1
            return None
        return message if self.accept(message, now).outcome == "accepted" else None

    def accept(self, message: Message, now: float) -> Seen:
        """The same for a message that is decoded already."""
        header, tracker = message.header, self.tracker
        if header.type == Type.BYE and self._ended and tracker.session == 0:
            return Seen("accepted")  # said before, by the last outputs
        if tracker.is_earlier(header.session):
            tracker.old_sessions += 1
            self.rejected["old_session"] += 1
            return Seen("old_session")
        if header.type == Type.BYE:
            # a stranger's good-bye ends nothing: a run that is followed ends itself, or goes silent
            if tracker.session in (0, header.session):
                tracker.session = header.session
                tracker.end()
                self._ended = True
            return Seen("accepted")
        if header.type != Type.OUTPUT:
            return Seen("accepted")  # a greeting: of no consequence, and no sign of life either
        seen = tracker.follow(header)
        if seen.outcome != "accepted":
            self.rejected[seen.outcome] += 1
            return seen
        self.last = message
        self._arrival = now
        self._ended = bool(header.flags & Flags.FINAL)
        if self._ended:
            tracker.end()
        return seen

    def state(self, now: float) -> State:
        """What holds at `now` [s]."""
        if self._ended:
            return "ended"
        if self.last is None or now - self._arrival > self.timeout:
            return "silent"
        return "safe" if self.last.header.flags & (Flags.SAFE | Flags.PAUSED) else "live"

    def values(self, now: float) -> tuple[float, ...]:
        """What is to be applied at `now` [s]: the newest outputs if "live", else the safe values."""
        if self.last is not None and self.state(now) == "live":
            return self.last.values
        return self.safe

    def remaining(self, now: float) -> float:
        """Seconds until silence changes what holds; 0 where it holds already."""
        if self._ended or self.last is None:
            return 0.0
        return max(0.0, self._arrival + self.timeout - now)
