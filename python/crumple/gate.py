"""The gate's limits: how large an FMU may be before it is refused, and how a user allows more.

What an FMU measures is kept with its description, and held against the limits at every opening: an FMU that
came in under wider limits does not slip in under narrower ones. The rules that know no exception (paths, links,
doubled members, document types) are where the archive, the folder and the XML are read: `gate_archive`,
`gate_folder`, `description_parse`.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping

import msgspec

from crumple.errors import FmuError, UsageError

KIB, MIB, GIB = 2**10, 2**20, 2**30
VARIABLE = "CRUMPLE_LIMITS"

_SCALES = {
    "": 1,
    **{"k": 1000, "M": 1000**2, "kB": 1000, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "TB": 1000**4},
    **{"KiB": KIB, "MiB": MIB, "GiB": GIB, "TiB": 1024 * GIB},
}
_BYTES = ("archive", "unpacked", "xml")
_FACTS = {
    "archive": "the archive has {} bytes",
    "members": "the archive holds {} files and folders",
    "unpacked": "the archive would unpack to {} bytes",
    "ratio": "the archive would unpack to {} times its size, like a decompression bomb",
    "xml": "modelDescription.xml has {} bytes",
    "elements": "modelDescription.xml has {} elements and attributes",
    "depth": "modelDescription.xml has elements nested {} deep",
    "attribute": "modelDescription.xml has an attribute of {} characters",
    "variables": "modelDescription.xml has {} variables",
}
_IN_FOLDER = {
    "members": "the folder holds {} files and folders",
    "unpacked": "the folder holds {} bytes",
}


class Measured(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """What an FMU measures, in the fields of `GateLimits`."""

    archive: int = 0
    members: int = 0
    unpacked: int = 0
    ratio: int = 0
    xml: int = 0
    elements: int = 0
    depth: int = 0
    attribute: int = 0
    variables: int = 0


class GateLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How large an FMU may be. Each limit is meant to be far beyond any honest FMU, and short of harm.

    archive: the file [bytes].   members: files and folders in it.   unpacked: sum of its files [bytes].
    ratio: unpacked over packed size; counts from 64 MiB unpacked.   xml: modelDescription.xml [bytes].
    elements: elements and attributes in it, as the signs "<" and "=" tell.   depth: nesting of its elements.
    attribute: its longest attribute [characters].   variables: variables that it declares, aliases included.
    """

    archive: int = 4 * GIB
    members: int = 100_000  # bundled runtimes (Python, Java) run to tens of thousands
    unpacked: int = 4 * GIB
    ratio: int = 200  # deflate reaches 1032 on zeros; tables reach 100
    # reading a variable costs some 7 KiB of memory and 0.1 ms, so that these keep it under 3 GiB and a minute
    xml: int = 128 * MIB
    elements: int = 4_000_000
    depth: int = 100
    attribute: int = 5_000_000
    variables: int = 300_000

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise UsageError(f"GateLimits: {name} is a whole number from 1, not {value!r}.")

    def check(self, **found: int) -> None:
        """Raise FmuError for the first of `found` (values by the name of the limit) that is beyond its limit."""
        self.check_all(found)

    def check_all(self, found: Mapping[str, int] | Measured, *, folder: bool = False) -> None:
        """The same for many.   folder: what is measured is an unpacked FMU, not an archive."""
        if isinstance(found, Measured):
            found = {name: getattr(found, name) for name in found.__struct_fields__}
        for name, value in found.items():
            limit: int = getattr(self, name)
            if value > limit:
                fact = (_IN_FOLDER.get(name) if folder else None) or _FACTS[name]
                more = _more(name, value)
                raise FmuError(
                    f"{fact.format(f'{value:,}')}, more than the {limit:,} allowed. If you trust this FMU, allow "
                    f'more: {VARIABLE}="{name}={more}" in the environment, or '
                    f"limits=GateLimits({name}={_number(more)}) in Python."
                )


def limits_of(text: str) -> GateLimits:
    """Limits from a text such as "members=50000,unpacked=20GiB"; what it does not name keeps its default.

    Raises UsageError that names the part which cannot be read.
    """
    stated: dict[str, int] = {}
    for part in re.split(r"[,;\s]+", text.strip()):
        if not part:
            continue
        name, equals, value = part.partition("=")
        if name not in GateLimits.__struct_fields__:
            from crumple.description import did_you_mean  # for a mistake only

            known = GateLimits.__struct_fields__
            hint = did_you_mean(name, known) or f" There are: {', '.join(known)}."
            raise UsageError(f'{VARIABLE}: there is no limit "{name}".{hint}')
        match = re.fullmatch(r"([0-9]+)([A-Za-z]*)", value)
        if not equals or match is None or match[2] not in _SCALES or int(match[1]) < 1:
            raise UsageError(
                f'{VARIABLE}: "{part}" is no limit. Write a whole number from 1, as in {name}=50000 or '
                f"{name}=20GiB."
            )
        stated[name] = int(match[1]) * _SCALES[match[2]]
    return GateLimits(**stated)


def default_limits() -> GateLimits:
    """The limits that hold where none are given: those of the environment variable CRUMPLE_LIMITS."""
    return _of_environment(os.environ.get(VARIABLE, ""))


_of_environment = functools.lru_cache(maxsize=8)(limits_of)


def _more(name: str, value: int) -> str:
    """A limit that lets `value` pass with a little room, short to write."""
    if name in _BYTES and value >= MIB:
        scale, unit = (GIB, "GiB") if value >= GIB else (MIB, "MiB")
        return f"{value // scale + 1}{unit}"
    step = 10 ** max(0, len(str(value)) - 2)
    return str((value // step + 1) * step)


def _number(text: str) -> str:
    """The same limit as Python writes it: "5GiB" is "5 * 2**30"."""
    for unit, power in (("GiB", 30), ("MiB", 20)):
        if text.endswith(unit):
            return f"{text.removesuffix(unit)} * 2**{power}"
    return f"{int(text):_}"
