"""What vetting found out about an FMU, kept in the cache under the hash of the file.

A certificate counts where Crumple's version agrees in its first two numbers, and the machine (system, architecture,
C library) in all. After an update of either, or a change of a single bit of the FMU, it is as if it was never vetted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from crumple import _core
from crumple.archive import DIGITS, cache_root
from crumple.whole_file import write_whole

Grade = Literal["exact", "tolerance", "lying", "none", "unknown"]
Result = Literal["good", "note", "bad", "skipped"]

_SUFFIX = ".certificate"
_all_certified = False


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at. fact: what was found, in one line.

    note: worth knowing, and harmless to others.   skipped: there was nothing to look at, or no way to.
    """

    name: str
    result: Result
    fact: str


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """The result of vetting one file with one version of Crumple on one kind of machine.

    clean: it may run in the process of the world: no check is bad.
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
    name: str = ""  # of the file, when it was vetted
    start: dict[str, str] = {}  # values that it was given, as text
    step: float = 0.0  # the step of the default experiment, as vetted [s]
    cost: float = 0.0  # median wall time of a step in the world's process [s]; 0: not measured
    load: float = 0.0  # wall time to load, instantiate and initialise the first instance [s]; 0: not measured

    @property
    def bad(self) -> list[Check]:
        """The checks that keep it out of the world's process."""
        return [check for check in self.checks if check.result == "bad"]

    def check(self, name: str) -> Check | None:
        """The check of this name."""
        return next((check for check in self.checks if check.name == name), None)


@cache
def machine() -> str:
    """The kind of machine that a certificate counts on: "Linux x86_64 glibc 2.36"."""
    if not hasattr(os, "uname"):
        return "Windows"
    libc = ""
    with suppress(ValueError, OSError, AttributeError):  # another C library than GNU's does not know the name
        libc = os.confstr("CS_GNU_LIBC_VERSION") or ""
    system = os.uname()
    return " ".join(part for part in (system.sysname, system.machine, libc or "another C library") if part)


def _folder() -> Path:
    # apart from the unpacked FMUs: what was unpacked can be made again in a moment, a certificate cannot
    return cache_root() / "certificates"


def certificate_path(sha256: str) -> Path:
    """Where the certificate of the FMU with this SHA-256 lies, or would lie."""
    return _folder() / f"{sha256[:DIGITS]}{_SUFFIX}"


def certificate_of(sha256: str) -> Certificate | None:
    """The certificate of the FMU with this SHA-256; None where there is none that can be read and counts here."""
    if _all_certified:
        return Certificate(
            sha256=sha256,
            crumple=_core.__version__,
            machine=machine(),
            date="",
            clean=True,
            state="exact",
            serialize="exact",
        )
    found = _read(certificate_path(sha256))
    return found if found is not None and found.sha256 == sha256 and counts(found) else None


def counts(certificate: Certificate) -> bool:
    """Whether a certificate is of this version of Crumple and of this kind of machine."""
    same = _series(certificate.crumple) == _series(_core.__version__)
    return same and certificate.machine == machine()


def save_certificate(certificate: Certificate) -> Path:
    """Puts a certificate into the cache, whole or not at all, and says where. Raises OSError."""
    path = certificate_path(certificate.sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = msgspec.json.format(msgspec.json.encode(certificate), indent=2) + b"\n"
    write_whole(path, content)
    return path


def certificates() -> list[Certificate]:
    """All certificates in the cache that can be read, by name; also those that do not count here any more."""
    try:
        paths = sorted(_folder().glob(f"*{_SUFFIX}"))
    except OSError:
        return []
    found = [certificate for path in paths if (certificate := _read(path)) is not None]
    return sorted(found, key=lambda certificate: (certificate.name, certificate.sha256))


def clear_certificates() -> int:
    """Removes all certificates from the cache; how many there were. Raises OSError."""
    paths = list(_folder().glob(f"*{_SUFFIX}"))
    for path in paths:
        path.unlink(missing_ok=True)
    return len(paths)


@contextmanager
def all_certified() -> Iterator[None]:
    """Within it every FMU counts as clean, and its state as exact: for vetting, which finds out whether that is so."""
    global _all_certified  # noqa: PLW0603 -- a process that vets does nothing else
    before, _all_certified = _all_certified, True
    try:
        yield
    finally:
        _all_certified = before


def _read(path: Path) -> Certificate | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Certificate)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _series(version: str) -> list[str]:
    return version.split(".")[:2]
