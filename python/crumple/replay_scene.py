"""The scene of a run as it was, from what the manifest kept of it, and what of it has changed since."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from crumple import run_folder
from crumple.errors import UsageError
from crumple.manifest import Provenance

if TYPE_CHECKING:
    from crumple.scene import Scene

_BOM = "\ufeff"


class RecordedFile(msgspec.Struct, frozen=True):
    """A file of a scene as it was read."""

    path: str
    sha256: str
    text: str


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """What a manifest says of a run, as far as a replay needs it."""

    files: list[RecordedFile]
    set: dict[str, Any]
    seed: int
    period: str
    start: str
    stop_tick: int
    units: dict[str, dict[str, Any]]
    id: str
    crumple: str
    python: str = ""
    platform: str = ""
    started: str = ""
    isolate: bool | None = None
    step_timeout: float | None = None

    @property
    def path(self) -> Path:
        """The scene's own file: the last that was read."""
        return Path(self.files[-1].path)


def read_recorded(folder: Path) -> Recorded:
    """What the manifest of a run says. Raises UsageError where it cannot be read, or says something else."""
    place = folder / run_folder.MANIFEST
    try:
        recorded = msgspec.convert(run_folder.read_json(folder, run_folder.MANIFEST), Recorded)
        _, _ = Fraction(recorded.period), Fraction(recorded.start)
    except (msgspec.ValidationError, ValueError, ZeroDivisionError) as error:
        raise UsageError(f"{place} is damaged: {error}") from None
    if not recorded.files:
        raise UsageError(f"{place} is damaged: it holds no scene.")
    for file in recorded.files:
        if _text(file) is None:
            raise UsageError(f"{place} is damaged: the text of {file.path} is not the one that was run.")
    return recorded


def load_recorded(recorded: Recorded, *, set: Mapping[str, Any], present: bool, speed: float | None) -> Scene:
    """The scene with its recorded text, or, where `present`, with the files that are there now.

    set: parameters, besides those that the run was given.   speed: of a run that was in real time; else None.
    Raises SceneError where it cannot be loaded any more, UsageError where it is not the scene of the run.
    """
    from crumple.scene import load_scene

    texts = {} if present else {Path(file.path): _text(file) or "" for file in recorded.files}
    scene = load_scene(
        recorded.path,
        set={**recorded.set, **set},
        seed=recorded.seed,
        mode=None if speed is None else "realtime",
        speed=speed,
        keys=False,
        texts=texts,
    )
    scene = dataclasses.replace(scene, isolate=recorded.isolate, step_timeout=recorded.step_timeout)
    if not present and not set:
        now = [str(scene.period), str(scene.start)]
        if now != [recorded.period, recorded.start]:
            raise UsageError(f"{recorded.path.name} means another clock to this version of Crumple, {now}.")
    return scene


def speed_of(folder: Path) -> float | None:
    """The speed of a run that was in real time; None of another, and of one that was killed."""
    if not (folder / run_folder.TIMING).exists():
        return None
    timing = run_folder.read_json(folder, run_folder.TIMING)
    speed = timing.get("speed")
    if timing.get("mode") != "realtime" or not isinstance(speed, int | float):
        return None
    return float(speed) if 0 < speed < math.inf else None


def changed_files(recorded: Recorded) -> list[str]:
    """Which files of the scene are not what they were, each as a sentence."""
    found = []
    for file in recorded.files:
        path = Path(file.path)
        try:
            now = run_folder.sha256_of(path)
        except OSError:
            found.append(f"{path} is gone")
            continue
        if now != file.sha256:
            found.append(f"{path} has changed: its SHA-256 was {file.sha256[:8]}…, and is {now[:8]}…")
    return found


def changed_units(recorded: Recorded, scene: Scene) -> list[str]:
    """Which FMUs and plugins are not what they were, each as a sentence. scene: as recorded, loaded now."""
    found = []
    now = Provenance(scene, command=()).to_json()["units"]
    for name, was in recorded.units.items():
        here = now.get(name)
        if here is None:
            found.append(f"unit '{name}' is no part of the scene any more")
            continue
        place = here.get("fmu") or here.get("source") or here.get("plugin")
        what = "FMU" if "fmu" in was else "plugin"
        if was.get("sha256") != here.get("sha256"):
            hashes = [str(each.get("sha256") or "none")[:8] for each in (was, here)]
            found.append(
                f"unit '{name}': the {what} {place} has changed: its SHA-256 was {hashes[0]}…, and is {hashes[1]}…"
            )
        elif was.get("version") != here.get("version"):
            found.append(
                f"unit '{name}': the {what} {place} is version {here['version']}, and was {was['version']}"
            )
    found += [f"unit '{name}' is new" for name in now if name not in recorded.units]
    return found


def other_surroundings(recorded: Recorded) -> list[str]:
    """What differs in Crumple, Python and system; results need not, but where they do this may be why."""
    import platform
    import sys

    import crumple

    host = platform.uname()
    here = f"{host.system} {host.release} {host.machine}"
    pairs = [
        ("Crumple", recorded.crumple, crumple.__version__),
        ("Python", recorded.python.split(" ")[0], sys.version.split(" ")[0]),
        ("system", recorded.platform, here),
    ]
    return [f"{what} was {was}, and is {now}" for what, was, now in pairs if was and was != now]


def _text(file: RecordedFile) -> str | None:
    """What was read, whose hash is the recorded one; None where it is not."""
    for text in (file.text, _BOM + file.text):
        content = text.encode("utf-8", errors="surrogatepass")
        if hashlib.sha256(content).hexdigest() == file.sha256:
            return text
    return None
