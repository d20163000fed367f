"""The command `crumple`: called in this process, or started in one of its own where the process is on trial."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from crumple.cli.app import invoke


@dataclass(frozen=True)
class Shown:
    """What a command came to: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


def called(*arguments: object, cwd: Path | None = None, **environment: str) -> Shown:
    """A command in this process: all but the start, the supervisor and the end of a process of its own."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(cwd or os.curdir),
        mock.patch.dict(os.environ, environment),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = invoke([str(argument) for argument in arguments])
    return Shown(code, out.getvalue(), err.getvalue())


def command_line(*arguments: object) -> list[str]:
    """What starts the command, as a list of words."""
    return [sys.executable, "-m", "crumple", *map(str, arguments)]


def started(*arguments: object, cwd: Path | None = None, **environment: str) -> Shown:
    """A command in a process of its own, from its start to its exit code."""
    done = subprocess.run(
        command_line(*arguments),
        cwd=cwd,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        env={**os.environ, **environment},
        check=False,
    )
    return Shown(done.returncode, done.stdout, done.stderr)


def printed_by(program: str, *arguments: object) -> str:
    """What a program of Python's prints that may import the modules of the tests."""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.strip()
