"""The traceback of a plugin's own exception, without the frames of Crumple that carried it."""

from __future__ import annotations

import traceback
from pathlib import Path

from crumple.errors import CrumpleError, WorkerTraceback


def plugin_traceback(error: BaseException) -> list[str]:
    """Lines of the exception that a plugin raised (`error.__cause__`), its own frames only; else nothing."""
    cause = error.__cause__
    if isinstance(cause, WorkerTraceback):
        return cause.lines()
    if cause is None or isinstance(cause, CrumpleError | OSError):
        return []
    frames = [frame for frame in traceback.extract_tb(cause.__traceback__) if not _ours(frame.filename)]
    if isinstance(cause, SyntaxError):  # it has no frame of its own, and shows its place itself
        frames = []
    elif not frames:
        return []
    lines = [line for text in traceback.format_list(frames) for line in text.rstrip().splitlines()]
    raised = [line for text in traceback.format_exception_only(cause) for line in text.rstrip().splitlines()]
    return [*lines, *raised]


def _ours(filename: str) -> bool:
    """Whether a file is part of Crumple or of Python's import system, and no bundled plugin."""
    if filename.startswith("<frozen importlib"):
        return True
    package = Path(__file__).resolve().parent
    path = Path(filename).resolve()
    return path.is_relative_to(package) and not path.is_relative_to(package / "bundled")
