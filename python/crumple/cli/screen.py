"""What the terminal shows: styles that vanish elsewhere, aligned tables, and one moving line."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import IO

from crumple import wording

_STYLES = {
    "bold": "1",
    "dim": "2",
    "pass": "1;32",
    "done": "1",
    "fail": "1;31",
    "inconclusive": "1;33",
    "error": "1;35",
    "warning": "33",
}


def has_colour(stream: IO[str]) -> bool:
    """Whether a stream takes colour: a terminal that is not dumb, and no NO_COLOR (see no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return is_terminal(stream)


def is_terminal(stream: IO[str]) -> bool:
    """Whether a stream is a terminal; one that was closed is none."""
    return not stream.closed and stream.isatty()


class Screen:
    """Lines on a stream. A reader that goes away (`crumple run | head -1`) ends the output, never the run.

    So does whatever else makes the stream useless, such as a full disk; that is said on standard error, once.
    """

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = sys.stdout if stream is None else stream
        self._usable = True
        self._colour = has_colour(self._stream)
        self._terminal = is_terminal(self._stream)
        self.width = shutil.get_terminal_size((100, 24)).columns if self._terminal else 100

    def style(self, text: str, name: str) -> str:
        """`text` in a style, or as it is where there is no colour."""
        return f"\x1b[{_STYLES[name]}m{text}\x1b[0m" if self._colour and text else text

    def line(self, text: str = "") -> None:
        """Write one line."""
        self.bare(text + "\n")

    def bare(self, text: str) -> None:
        """Write a text as it is, without an end of line."""
        if not self._usable:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except UnicodeError:
            raise
        except (OSError, ValueError) as error:  # ValueError: the stream was closed
            self._usable = False
            with suppress(OSError, ValueError):
                # the flush at exit must find a stream that still works
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
            if not isinstance(error, BrokenPipeError) and self._stream is not sys.stderr:
                why = (isinstance(error, OSError) and error.strerror) or error
                Screen(sys.stderr).line(f"crumple: the output could not be written: {why}.")

    def cut(self, text: str) -> str:
        """`text` as far as it fits on a terminal; whole elsewhere."""
        return text if len(text) <= self.width or not self._terminal else text[: self.width - 1] + "…"

    def wrapped(self, text: str, *, indent: int, first: str = "") -> None:
        """Write a long text in lines that fit: the first after `first`, the others indented like it.

        indent: how many columns `first` takes on the screen.
        """
        lines = textwrap.wrap(text, max(40, self.width - indent), break_long_words=False) or [""]
        for number, line in enumerate(lines):
            self.line((first if number == 0 and first else " " * indent) + line)


def columns(rows: Sequence[Sequence[str]], *, gap: int = 3, most: int = 44) -> list[str]:
    """Rows of cells as lines with aligned columns. A cell wider than `most` pushes its own row only."""
    count = max((len(row) for row in rows), default=0)
    widths = [
        max((len(r[c]) for r in rows if c < len(r) and len(r[c]) <= most), default=0) for c in range(count)
    ]
    return [(" " * gap).join(f"{cell:<{widths[c]}}" for c, cell in enumerate(row)).rstrip() for row in rows]


class LiveLine:
    """One line of a terminal that is written again and again, and wiped by `clear`. It never fails.

    on: whether anything is written.
    """

    def __init__(self, stream: IO[str] | None = None) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.on = False
        self.shown = False
        self._colour = has_colour(self.stream)

    def put(self, text: str) -> None:
        """Take the place of what stood there."""
        self.shown = True
        self._write(f"\r\x1b[K{text}")

    def clear(self) -> None:
        """Wipe the line, so that what follows stands alone."""
        if self.shown:
            self._write("\r\x1b[K")
            self.shown = False

    def bar(self, done: float, width: int) -> str:
        """A bar for a share of 0 to 1, so many columns wide."""
        filled = max(0.0, min(1.0, done)) * width
        whole = int(filled)
        tip = "╸" if filled - whole >= 0.5 and whole < width else ""
        bar, rest = "━" * whole + tip, width - whole - len(tip)
        if self._colour:
            return f"\x1b[36m{bar}\x1b[0m\x1b[2m{'━' * rest}\x1b[0m"
        return bar + "─" * rest

    def _write(self, text: str) -> None:
        try:
            self.stream.write(text)
            self.stream.flush()
        except OSError:
            self.on = False


class Progress(LiveLine):
    """One line on a terminal for runs of more than two seconds: bar, simulated time, speed, time left.

    Called with the simulated time as often as one likes; it draws at most ten times a second, and is wiped by
    `clear`. On anything but a terminal it is silent.
    """

    _FIRST = 0.3  # [s] of wall time before the first guess how long the run takes
    _WORTH = 2.0  # [s] a run shorter than this shows nothing
    _EVERY = 0.1  # [s] between drawings

    def begin(self, name: str, *, start: float, horizon: float) -> None:
        """A run from `start` to `horizon` [s] begins now."""
        self.on = is_terminal(self.stream) and os.environ.get("TERM") != "dumb"
        self._name = name
        self._start = start
        self._horizon = horizon
        self._began = time.monotonic()
        self._drawn = 0.0

    def __call__(self, t: float) -> None:
        if not self.on:
            return
        now = time.monotonic()
        spent = now - self._began
        if spent < self._FIRST or now - self._drawn < self._EVERY:
            return
        done = (t - self._start) / ((self._horizon - self._start) or 1.0)
        left = spent / done - spent if done > 0 else float("inf")
        if not self.shown and spent + left < self._WORTH:
            return
        self._drawn = now
        speed = (t - self._start) / spent
        facts = f"{wording.time(t)} / {wording.time(self._horizon)}"
        facts += f"   {wording.number(speed, digits=3)} x real time"
        if left < float("inf"):
            facts += f"   {time_left(left)} left"
        width = shutil.get_terminal_size((80, 24)).columns
        room = min(32, width - len(self._name) - len(facts) - 8)
        if room >= 8:
            line = f"{self._name}   {self.bar(done, room)}   {facts}"
        else:
            line = f"{self._name}   {facts}"[: width - 1]
        self.put(line)


def time_left(seconds: float) -> str:
    """A guess in words: "12 s", "3 min", "2 h 5 min"."""
    if seconds < 99.5:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
