"""Who is waited for before a run begins: a line each, drawn anew while the seconds go by."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING

from crumple.cli.screen import has_colour, is_terminal

if TYPE_CHECKING:
    from crumple.live.units import Waiting

_HEAD = "waiting for   "
_READY, _SILENT = "ready", "silent"  # states
_PATIENCE = 2.0  # [s] before a remedy is shown
_REMEDY = "start what is silent, or begin without sensors: --no-wait"


class WaitingLines:
    """Called with those who are waited for and the time waited [s], as `Watch.waiting` is.

    On a terminal the lines are drawn over the last ones and stay when all are there. Elsewhere a line is written
    when somebody's state changes. stream: standard error where nothing is said.
    """

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._terminal = is_terminal(self._stream)
        self._colour = has_colour(self._stream)
        self._drawn = 0  # lines that stand on the terminal
        self._states: dict[str, str] = {}

    def __call__(self, rows: Sequence[Waiting], waited: float) -> None:
        """rows: name, address, state; "ready" is who is there."""
        if not rows:
            return
        if self._terminal:
            self._draw(self._lines(rows, waited))
            return
        for name, address, state in rows:
            if self._states.get(name) != state:
                self._states[name] = state
                self._write(f"{_HEAD}{name} {address}  {state} after {waited:.1f} s\n")

    def _lines(self, rows: Sequence[Waiting], waited: float) -> list[str]:
        """A line each, and what can be done once patience is over."""
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        lines: list[str] = []
        for name, address, state in rows:
            text = f"{name:<{widths[0]}} {address:<{widths[1]}}  … "
            if state != _READY:
                text += f"{waited:.1f} s, {'still ' if waited >= _PATIENCE and state == _SILENT else ''}"
            lines.append(text + state)
        if waited >= _PATIENCE and any(state == _SILENT for _, _, state in rows):
            lines.append(_REMEDY)
        return lines

    def _draw(self, lines: Sequence[str]) -> None:
        room = max(20, shutil.get_terminal_size((80, 24)).columns - len(_HEAD) - 1)
        # a line that the terminal wraps by itself could not be drawn over
        pieces = [piece for line in lines for piece in textwrap.wrap(line, room, subsequent_indent="    ")]
        text = (f"\x1b[{self._drawn}A" if self._drawn else "") + "\r\x1b[J"
        for number, piece in enumerate(pieces):
            shown = piece
            if self._colour and piece.endswith(f"… {_READY}"):
                shown = f"{piece.removesuffix(_READY)}\x1b[32m{_READY}\x1b[0m"
            elif self._colour and piece == _REMEDY:
                shown = f"\x1b[2m{piece}\x1b[0m"
            text += f"{_HEAD if number == 0 else ' ' * len(_HEAD)}{shown}\n"
        self._drawn = len(pieces)
        self._write(text)

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # nobody looks any more
            self._terminal = False
