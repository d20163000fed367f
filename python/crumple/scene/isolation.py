"""Where the units of a scene run: in this process or in workers, how long a call may take, what a worker may use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from crumple.description import closest
from crumple.scene.clock import TimeError, exact_time
from crumple.scene.document import Document

if TYPE_CHECKING:
    from crumple.scene.lines import Path

_PREFIXES = "kMGT"
_BYTES = {
    "B": 1,
    **{f"{prefix}B": 1000**n for n, prefix in enumerate(_PREFIXES, 1)},
    **{f"{prefix.upper()}iB": 1024**n for n, prefix in enumerate(_PREFIXES, 1)},
}
_MOST_BYTES = 2**63 - 1  # of a limit, for the system
_LEAST_MEMORY = 2**20  # a worker's own program does not fit into less
_LONGEST = 10**9  # [s], 31 years; times in ns are counted in 64 bits
_size = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)")


class Isolation(NamedTuple):
    """What is said about where a unit runs. None, and what is missing in `limits`: nothing is said.

    isolate: in a worker process of its own.   step_timeout: of each call [s], wall time.
    limits: `memory` and `file_size` in bytes, `processes` and `network` as flags, by name.
    """

    isolate: bool | None = None
    step_timeout: float | None = None
    limits: Mapping[str, int | bool] = MappingProxyType({})


def plan_isolation(
    document: Document, path: Path, table: Mapping[str, Any], default: Isolation | None = None
) -> Isolation:
    """What the table at `path` says, and `default` where it says nothing. Mistakes are noted in the document."""
    default = Isolation() if default is None else default
    limits = dict(default.limits)
    for key, value in table.get("limits", {}).items():
        try:
            limits[key] = value if isinstance(value, bool) else _limit(key, value)
        except SizeError as error:
            document.fault((*path, "limits", key), str(error))
    step_timeout = default.step_timeout
    if "step_timeout" in table:
        try:
            step_timeout = _timeout(table["step_timeout"])
        except TimeError as error:
            document.fault((*path, "step_timeout"), str(error))
    return Isolation(table.get("isolate", default.isolate), step_timeout, limits)


def _timeout(value: str | float) -> float:
    time = exact_time(value)
    if time <= 0:
        raise TimeError(f'is {value}; a call needs time, such as "10 s".')
    if time > _LONGEST:
        raise TimeError(f'is {value}; "{_LONGEST} s" is the longest.')
    return float(time)


def _limit(key: str, value: int | str) -> int:
    size = parse_size(value)
    if key == "memory" and size < _LEAST_MEMORY:
        raise SizeError(f'is {value}, in which no worker process fits. Write a size such as "4 GiB".')
    return size


# ---- sizes


class SizeError(ValueError):
    """A size that cannot be used, with the fact and the remedy."""


def parse_size(value: int | str) -> int:
    """A size in bytes: 4096, "512 MiB", "2 GB". Raises SizeError."""
    if isinstance(value, int):
        size = Fraction(value)
    else:
        match = _size.fullmatch(value.strip())
        if match is None:
            raise SizeError(
                f'"{value}" is no size. Write a number and its unit, such as "512 MiB" or "4 GiB".'
            )
        unit = match[2]
        if unit not in _BYTES:
            raise SizeError(f'"{value}" {_unknown(match[1], unit)}')
        size = Fraction(match[1]) * _BYTES[unit]
    if size.denominator != 1:
        raise SizeError(f'"{value}" is no whole number of bytes.')
    if not 0 <= size <= _MOST_BYTES:
        raise SizeError(f"is {value}; a size has at least 0 bytes and less than 8388608 TiB.")
    return int(size)


def _unknown(number: str, unit: str) -> str:
    if not unit:
        return f'has no unit: write "{number} MiB", or a whole number without quotes for bytes.'
    names = closest(f"{unit}B" if unit in _PREFIXES.upper() else unit, _BYTES, limit=1)
    remedy = f'Did you mean "{number} {names[0]}"?' if names else f"There are: {', '.join(_BYTES)}."
    return f"has an unknown unit of size. {remedy}"
