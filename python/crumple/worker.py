"""Worker processes: which program runs a unit apart, and what it may use there."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from crumple import _core
from crumple.errors import UsageError

if TYPE_CHECKING:
    from crumple.unit import Unit

STEP_TIMEOUT = 10.0  # [s]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker may use.

    memory: private memory [bytes]; None for no limit.   file_size: of any file that it writes [bytes].
    processes: it may start other processes; None: only an FMU that says it needs its tool.
    network: it may open network sockets.
    write: it may write to files, not only read them. Denied by default, where the system can (Linux 5.13, Landlock).
    """

    memory: int | None = 4 << 30
    file_size: int | None = 1 << 30
    processes: bool | None = None
    network: bool = True
    write: bool = False


def available() -> bool:
    """Whether this system has worker processes (Linux)."""
    return _core.workers_available()


def options(
    command: Sequence[str],
    *,
    step_timeout: float | None = None,
    limits: Limits | None = None,
    trust_state: bool = False,
    fresh: bool = True,
    needs_tool: bool = False,
) -> dict[str, Any]:
    """What the core needs to start a worker.

    step_timeout: wall time for every call [s].   trust_state: the unit's own way to save its state can be relied on.
    fresh: a new process at every reset.   needs_tool: it runs by starting another program.
    Raises UsageError where a number is out of its range.
    """
    limits = limits or Limits()
    timeout = STEP_TIMEOUT if step_timeout is None else step_timeout
    if not 0 < timeout <= 1e9:
        raise UsageError(f"step_timeout = {timeout:g} s: it must be longer than nothing, and at most 1e9 s")
    for name, size in (("memory", limits.memory), ("file_size", limits.file_size)):
        if size is not None and not 0 < size < 2**63:
            raise UsageError(f"limits.{name} = {size}: it must be a positive number of bytes")
    return {
        "command": list(command),
        "timeout": float(timeout),
        "memory": limits.memory or 0,
        "file_size": limits.file_size or 0,
        "processes": needs_tool if limits.processes is None else limits.processes,
        "network": limits.network,
        "write": limits.write,
        "trust_state": trust_state,
        "fresh": fresh,
    }


@cache
def fmu_command() -> tuple[str, ...]:
    """The program that runs an FMU."""
    # beside the compiled core: an editable install keeps the Python files elsewhere
    return (str(Path(_core.__file__).with_name("crumple-worker")),)


def python_command(kind: str) -> tuple[str, ...]:
    """The program that runs a plugin ("plugin"), or an FMU that calls Python ("fmu")."""
    return (sys.executable, "-u", "-m", "crumple.isolated", kind)


def plugin_recipe(unit: Unit) -> bytes:
    """What a Python worker needs to make this plugin again: its class by module and name, and what it holds.

    Raises UsageError where it cannot be made in another process.
    """
    cls = type(unit)
    module = sys.modules.get(cls.__module__)
    file = getattr(module, "__file__", None)
    remedy = "Put it into a file of its own, or run it in this process (isolate=False)."
    if "<locals>" in cls.__qualname__ or cls.__module__ == "__main__":
        place = "in the main script" if cls.__module__ == "__main__" else "within a function"
        raise UsageError(
            f"{cls.__qualname__} is defined {place}, where its worker process cannot find it. {remedy}"
        )
    try:
        held = pickle.dumps(unit.__dict__)
    except Exception as error:
        raise UsageError(
            f"{cls.__qualname__} cannot be taken to a worker process: {error}. {remedy}"
        ) from error
    named = (cls.__module__, None if file is None else os.path.abspath(file), cls.__qualname__)
    return pickle.dumps((list(sys.path), *named, held))
