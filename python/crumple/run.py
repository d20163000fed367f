"""`crumple.run`. The work is in `crumple.execution`.

Nothing but the package itself imports this module, so that the name `crumple.run` stays with the function.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crumple.execution import Watch, execute

if TYPE_CHECKING:
    from crumple.result import Result
    from crumple.scene import Scene


def run(
    scene: str | os.PathLike[str] | Scene,
    *,
    set: Mapping[str, Any] | None = None,
    seed: int | None = None,
    stop: str | float | None = None,
    threads: int | None = None,
    out: str | os.PathLike[str] | None = None,
) -> Result:
    """Run a scene to its verdict.

    scene: a bundled scene by name, the path of a scene file, or what `load_scene` returned.
    set: parameters of the scene, or "unit.parameter", by name; quantities such as "8 km/h" are converted.
    seed, stop, threads: instead of the scene's own. A run that is stopped before the scene's own end leaves
    every requirement inconclusive whose window it does not see whole.
    out: the folder in which the run's folder is made, `runs` by default. Nothing is ever overwritten.
    Returns a Result also where the run failed, and where Ctrl-C or SIGTERM interrupted it (*inconclusive*).
    Raises SceneError, FmuError, PluginError or UsageError where nothing could be run.
    """
    return execute(scene, set=set, seed=seed, stop=stop, threads=threads, out=out, watch=Watch())
