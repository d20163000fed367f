"""How keys, values and times of a scene are written in messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from crumple.description import did_you_mean

__all__ = ["NAME", "TIMING", "did_you_mean", "key_path", "listed", "matches", "shown"]

NAME = r"[A-Za-z_][A-Za-z0-9_]*"
TIMING = "timing"  # of all requirements the one that is the timing budget
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_MOST = 60  # characters of a value


def key_path(path: Sequence[str | int]) -> str:
    """A path as TOML writes it: `units.vehicle.start`, `connect."brake.force"`, `record[1].every`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if _BARE.fullmatch(part) else f'"{part}"')
    return text


def shown(value: object) -> str:
    """A value the way TOML writes it, cut where it is long."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return f"an array of {len(value)}"
    if isinstance(value, str):
        text = value.replace("\n", "\\n")
        return f'"{text}"' if len(text) <= _MOST else f'"{text[: _MOST - 3]}..."'
    return str(value)


def matches(name: str, pattern: str) -> bool:
    """Whether a pattern with `*` and `?` means a name. Brackets are brackets, as in FMUs' names "x[1]"."""
    return name == pattern or fnmatchcase(name, pattern.replace("[", "[[]"))


def listed(names: Iterable[str], *, most: int = 12) -> str:
    """ "a, b, c", sorted; of very many the first."""
    known = sorted(names)
    shown_names = ", ".join(known[:most])
    return shown_names if len(known) <= most else f"{shown_names} and {len(known) - most} more"
