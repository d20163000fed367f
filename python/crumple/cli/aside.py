"""Keeps what units print out of a result on standard output."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress


@contextmanager
def prints_aside(wanted: bool = True) -> Iterator[None]:
    """What FMUs and plugins print within goes to standard error. Whoever writes the result has its stream already."""
    if not wanted:
        yield
        return
    sys.stdout.flush()
    try:
        kept = os.dup(1)
        os.dup2(2, 1)
    except OSError:  # no standard output, or no standard error
        kept = -1
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        if kept >= 0:
            _flush_c()
            os.dup2(kept, 1)
            os.close(kept)


def _flush_c() -> None:
    """C keeps what an FMU printed until its buffer is full or the process ends."""
    with suppress(AttributeError, ImportError, OSError, TypeError):
        import ctypes

        ctypes.CDLL(None).fflush(None)
