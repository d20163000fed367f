"""Loading a scene by name or path."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crumple.errors import Mistake, SceneError
from crumple.scene.check import plan_scene
from crumple.scene.document import SUFFIX, bundled_scenes, read_document
from crumple.scene.pacing import Given
from crumple.scene.plan import Scene
from crumple.scene.text import did_you_mean, listed


def locate_scene(name: str | os.PathLike[str]) -> tuple[Path, str]:
    """The file of a scene, and how to call it in messages.

    A text without a suffix and without a separator is the name of a bundled scene, anything else a path.
    Raises SceneError where there is none.
    """
    text = os.fspath(name)
    if not isinstance(name, str) or text.endswith(SUFFIX) or "/" in text or os.sep in text:
        return Path(os.path.abspath(text)), text
    bundled = bundled_scenes()
    if text in bundled:
        return bundled[text], f"{text}{SUFFIX}"
    if Path(text + SUFFIX).is_file():
        remedy = f" The file in this folder is called {text}{SUFFIX}."
    else:
        remedy = did_you_mean(text, bundled) or (f" There are: {listed(bundled)}." if bundled else "")
        remedy += f" A scene of your own is named by its file, as in {text}{SUFFIX}."
    raise SceneError([Mistake(None, None, text, f"no bundled scene has this name.{remedy}")])


def load_scene(
    name_or_path: str | os.PathLike[str],
    *,
    set: Mapping[str, Any] | None = None,
    seed: int | None = None,
    stop: str | float | None = None,
    threads: int | None = None,
    mode: str | None = None,
    speed: float | None = None,
    strict: bool | None = None,
    wait: bool | None = None,
    keys: bool = True,
    texts: Mapping[Path, str] | None = None,
) -> Scene:
    """Read and check a scene. Of FMUs, only the descriptions are read; plugins are imported.

    name_or_path: of a bundled scene, or of a file.
    set: parameters of the scene by name, and "unit.parameter" of units.
    seed, stop, threads, mode, speed, strict: instead of the scene's own.
    wait: False: the run begins without the sensors that it would wait for.
    keys: whether the files of keys must be there; a replay talks to nobody and needs none.
    texts: of scene files by their absolute path, to be read instead of what is on the disk now.
    Raises SceneError with every mistake, each with file and line.
    """
    path, label = locate_scene(name_or_path)
    document = read_document(path, label=label, texts=texts)
    return plan_scene(
        document,
        name=path.stem,
        given=set or {},
        seed=seed,
        stop=stop,
        threads=threads,
        live=Given(mode, speed, strict, wait),
        look_at_keys=keys,
    )
