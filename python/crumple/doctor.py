"""What this machine has of all that Crumple can use, and what to do about the rest."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at.

    name: what.   text: the facts.   good: False where something is missing or limited.
    remedy: what to do about it.   needed: whether no run works without it.
    """

    name: str
    text: str
    good: bool = True
    remedy: str = ""
    needed: bool = False

    def to_json(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)


def findings() -> list[Finding]:
    """Everything looked at, the most needed first. Nothing is changed, and no failure is raised."""
    looks: list[Callable[[], list[Finding]]] = [
        _core, _python, _packages, _workers, _compiler, _libzmq, _viewer, _real_time, _cache,
    ]  # fmt: skip
    found: list[Finding] = []
    for look in looks:
        try:
            found += look()
        except Exception as error:  # a look that fails is a finding, too
            name = look.__name__.strip("_").replace("_", " ")
            found.append(Finding(name, f"cannot be found out: {type(error).__name__}: {error}", good=False))
    return found


def _core() -> list[Finding]:
    try:
        from crumple import _core as core
    except ImportError as error:
        remedy = "Install again: pip install --force-reinstall crumple"
        return [Finding("core", f"cannot be loaded: {error}", good=False, remedy=remedy, needed=True)]
    text = f"crumple {core.__version__}, C++20, {core.compiler}"
    built = Path(core.__file__ or "")
    if built.is_file():
        import time

        text += f", built {time.strftime('%Y-%m-%d', time.localtime(built.stat().st_mtime))}"
    return [Finding("core", text)]


def _python() -> list[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    return [Finding("python", f"{version}   {sys.executable}")]


def _packages() -> list[Finding]:
    wanted = ("numpy", "fmpy", "msgspec", "pydantic", "typer", "rich")
    versions = {name: _version(name) for name in wanted}
    missing = [name for name, version in versions.items() if version is None]
    text = " · ".join(f"{name} {version}" for name, version in versions.items() if version)
    if not missing:
        return [Finding("packages", text)]
    remedy = f"pip install {' '.join(missing)}"
    return [Finding("packages", f"{text}; not there: {', '.join(missing)}", False, remedy, needed=True)]


def _workers() -> list[Finding]:
    """Whether the program of the workers runs, and what the system denies to it there."""
    from crumple import _core, worker

    if not _core.workers_available():
        remedy = "Worker processes need Linux; here every FMU runs in the world's process"
        return [Finding("workers", "not on this system", good=False, remedy=remedy)]
    (program,) = worker.fmu_command()
    try:  # without a world it says what it is, and ends
        said = subprocess.run([program], capture_output=True, text=True, timeout=10, check=False).stderr
    except (OSError, subprocess.SubprocessError) as error:
        said = str(error)
    if not said.startswith("crumple-worker"):
        text = f"{program} does not run: {said.strip() or 'it said nothing'}"
        return [Finding("workers", text, good=False, remedy="Install Crumple again", needed=True)]
    version = _core.landlock_version()
    if version >= 6:
        return [Finding("workers", "run; they can neither write to files nor signal other processes")]
    lacks = (
        "signals to other processes" if version >= 1 else "writing to files, and signals to other processes"
    )
    remedy = "Linux 6.12 and newer deny all of it (Landlock); run untrusted FMUs as a user of their own"
    return [Finding("workers", f"run; {lacks}: not denied here", good=False, remedy=remedy)]


def _compiler() -> list[Finding]:
    """Of C++: needed to build Crumple from its sources, and FMUs."""
    named = os.environ.get("CXX")
    for name in (named, "c++", "g++", "clang++"):
        path = shutil.which(name.split()[0]) if name else None
        if path is None:
            continue
        asked = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False)
        first = (asked.stdout.splitlines() or ["version unknown"])[0]
        return [Finding("compiler", f"{first}   {path}")]
    remedy = "Only to build from source. Debian and Ubuntu: apt install g++"
    return [Finding("compiler", "none for C++", good=False, remedy=remedy)]


def _libzmq() -> list[Finding]:
    if importlib.util.find_spec("zmq") is None:
        return [Finding("libzmq", "not there", good=False, remedy="pip install pyzmq")]
    import zmq

    curve = bool(zmq.has("curve"))
    text = f"{zmq.zmq_version()} {'with' if curve else 'without'} CURVE, from pyzmq {zmq.pyzmq_version()}"
    remedy = "" if curve else "Without CURVE nothing can be sent off this machine: install pyzmq as a wheel"
    from crumple.live.library import load_libzmq

    if not load_libzmq():
        remedy = "Install pyzmq as a wheel, or name a libzmq in CRUMPLE_LIBZMQ"
        return [Finding("libzmq", f"{text}; the core cannot load it, Python carries messages", False, remedy)]
    return [Finding("libzmq", text, curve, remedy)]


def _viewer() -> list[Finding]:
    if importlib.util.find_spec("pygame") is None:
        return [Finding("viewer", "not there", good=False, remedy="pip install 'crumple[view]'")]
    maintained = _version("pygame-ce")
    name = f"pygame-ce {maintained}" if maintained else f"pygame {_version('pygame') or '?'}"
    display = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    if sys.platform != "linux":
        return [Finding("viewer", name)]
    if display:
        return [Finding("viewer", f"{name}, display {display}")]
    remedy = "No display here: log in with a desktop, or ssh -X"
    return [Finding("viewer", f"{name}, no display", good=False, remedy=remedy)]


def _real_time() -> list[Finding]:
    if sys.platform == "linux":
        from crumple.doctor_linux import real_time

        return real_time()
    text = "not looked at on this system"
    return [Finding("real time", text, good=False, remedy="Real-time runs are made for Linux")]


def _cache() -> list[Finding]:
    from crumple import wording
    from crumple.archive import cache_root

    root = cache_root()
    folder = root / "fmu"
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    if not os.access(nearest, os.W_OK):
        remedy = "Set CRUMPLE_CACHE to a folder that can be written"
        return [Finding("fmu cache", f"{folder} cannot be written", False, remedy, needed=True)]
    kept = list(folder.glob("*.description")) if folder.is_dir() else []
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) if kept else 0
    text = f"{wording.count(len(kept), 'description')}, {wording.number(size / 1e6, digits=2)} MB"
    return [Finding("fmu cache", f"{text}   {folder}   crumple cache clear")]


def _version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None
