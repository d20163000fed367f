"""What a supervisor says of a run whose process ended before it had a verdict."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from crumple import run_folder
from crumple.cli.screen import Screen
from crumple.cli.summary import shown_path
from crumple.errors import CrumpleError
from crumple.result import open_run
from crumple.verdict import cut_off


def explain(code: int, *, folder: str | None, json: bool) -> None:
    """Say on standard error what happened, and note it in the run folder.

    code: exit code of the process, or the negative number of the signal that killed it.
    folder: of the run; None where it had not begun.   json: print the run on standard output as well.
    """
    how = ended_how(code)
    screen = Screen(sys.stderr)
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        screen.bare("\r\x1b[K")  # a progress line may stand there
    word = f"  {screen.style('INCONCLUSIVE', 'inconclusive')}   "
    indent = len("  INCONCLUSIVE   ")
    if folder is None:
        screen.wrapped(f"cut off before there was a result: its process {how}", indent=indent, first=word)
        return
    path = Path(folder)
    ended = _verdict_on_disk(path)
    if ended is not None:
        said = f"its process {how}, and did not tell its verdict; the run folder says {ended.upper()}"
    else:
        _note(path, f"its process {how}")
        said = cut_off(_last_t(path), f"its process {how}").reason
        if json:
            with suppress(CrumpleError):
                Screen().line(run_folder.to_json(open_run(path).to_json(), indent=2))
    screen.wrapped(said, indent=indent, first=word)
    screen.line()
    screen.line(f"  {screen.style('run folder', 'dim')}  {shown_path(path, Path.cwd())}")


def ended_how(code: int) -> str:
    """ "was killed by SIGSEGV (segmentation fault)", "ended by itself with exit code 0"."""
    if code >= 0:
        return f"ended by itself with exit code {code}"
    try:
        number = signal.Signals(-code)
    except ValueError:  # a real-time signal
        return f"was killed by signal {-code}"
    told = "" if number in (signal.SIGKILL, signal.SIGTERM) else (signal.strsignal(number) or "")
    return f"was killed by {number.name}" + (f" ({told[:1].lower()}{told[1:]})" if told else "")


def _verdict_on_disk(folder: Path) -> str | None:
    """The verdict, where the run came to one."""
    try:
        result = open_run(folder)
    except CrumpleError:
        return None
    return result.verdict if result.state == "ended" else None


def _last_t(folder: Path) -> float | None:
    from crumple.recording import Signals

    try:
        return Signals(folder).last_t()
    except (CrumpleError, OSError, ValueError):
        return None


def _note(folder: Path, text: str) -> None:
    """A last line in the events. The process may have died in the middle of another one."""
    path = folder / run_folder.EVENTS
    with suppress(OSError):
        with open(path, "rb") as file:
            whole = file.seek(0, os.SEEK_END) == 0 or (
                file.seek(-1, os.SEEK_END) >= 0 and file.read() == b"\n"
            )
        line = run_folder.to_json({"event": "cut_off", "text": text}) + "\n"
        end = os.open(path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(end, (line if whole else "\n" + line).encode())
        finally:
            os.close(end)
