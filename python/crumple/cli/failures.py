"""What a command line says when it cannot go on: one clear message on standard error, and an exit code."""

from __future__ import annotations

import errno
import sys
import traceback

import typer

from crumple.cli.screen import Screen
from crumple.errors import CrumpleError, RecordError, SceneError, StepError
from crumple.exit_codes import USAGE, exit_code
from crumple.tracebacks import plugin_traceback


def report(error: BaseException) -> int:
    """Show an exception the way a user wants it, and return the exit code.

    2 for a wrong call, scene or FMU, 3 where a person stopped it, 4 where a run failed. Only an error in
    Crumple itself shows a traceback.
    """
    screen = Screen(sys.stderr)
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else USAGE
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        screen.line("interrupted")
        return exit_code("inconclusive")
    if hasattr(error, "show") and hasattr(error, "exit_code"):  # typer's own: a wrong option or argument
        error.show(file=sys.stderr)
        return USAGE
    if isinstance(error, SceneError):
        screen.line(str(error))
        return USAGE
    if isinstance(error, StepError | RecordError):
        screen.line(f"{screen.style('ERROR', 'error')}  {error}")
        for line in plugin_traceback(error):
            screen.line(f"  {line}")
        return exit_code("error")
    if isinstance(error, CrumpleError):
        screen.line(f"crumple: {error}")
        for line in plugin_traceback(error):
            screen.line(f"  {line}")
        return USAGE
    if isinstance(error, OSError) and error.errno is not None:
        return _system_error(error, screen)
    traceback.print_exception(error, file=sys.stderr)
    screen.line(
        "This is a fault of Crumple itself, not of your scene. Please report it with the lines above."
    )
    return exit_code("error")


def _system_error(error: OSError, screen: Screen) -> int:
    place = f"{error.filename}: " if error.filename else ""
    remedy = " Free some space, or give another place with --out DIR." if error.errno == errno.ENOSPC else ""
    screen.line(f"crumple: {place}{error.strerror}.{remedy}")
    return USAGE
