"""What vetting found out about an FMU, kept in the cache under the hash of the file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from crumple.archive import cache_root

Grade = Literal["exact", "tolerance", "lying", "none", "unknown"]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at. fact: what was found, in one line."""

    name: str
    result: Literal["good", "note", "bad", "skipped"]
    fact: str


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """The result of vetting one file with one version of Crumple on one kind of machine.

    clean: it may run in the process of the world.
    state: what saving and restoring its state is worth: bit-exact, within tolerance, lying, none (not offered),
    unknown (could not be found out). serialize: the same for a state as bytes in a new process.
    """

    sha256: str
    crumple: str  # version that vetted
    machine: str
    date: str  # ISO 8601, UTC
    clean: bool
    state: Grade = "unknown"
    serialize: Grade = "unknown"
    checks: tuple[Check, ...] = ()


def certificate_path(sha256: str) -> Path:
    """Where the certificate of the FMU with this SHA-256 lies, or would lie."""
    return cache_root() / "fmu" / f"{sha256[:24]}.certificate"


def certificate_of(sha256: str) -> Certificate | None:
    """The certificate of the FMU with this SHA-256; None where there is none that can be read and fits."""
    try:
        found = msgspec.json.decode(certificate_path(sha256).read_bytes(), type=Certificate)
    except (OSError, msgspec.DecodeError):
        return None
    return found if found.sha256 == sha256 else None
