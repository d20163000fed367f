"""What lies upstream of a failed requirement and may explain it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crumple import wording
from crumple.errors import CrumpleError

if TYPE_CHECKING:
    from crumple.recording import Signals
    from crumple.requirement_result import RequirementResult
    from crumple.world import World


def never_moved(world: World, signals: Signals, failed: Sequence[RequirementResult]) -> list[str]:
    """Outputs upstream of a failed requirement that kept one value all through the run: "controller.fire
    stayed 0".

    An airbag that never fires, a sensor that is dead: what did not happen explains more than what did.
    """
    feeds: dict[str, list[str]] = {}  # by unit: the outputs that it reads
    for link in world.connections():
        feeds.setdefault(link.target.partition(".")[0], []).append(link.source)
    found: dict[str, None] = {}  # a set that keeps its order
    visited: set[str] = set()
    todo = [name for result in failed for name in result.signals]
    while todo:
        name = todo.pop(0)
        stayed = _constant(signals, name)
        if stayed is not None:
            found[f"{name} stayed {stayed}"] = None
        unit = name.partition(".")[0]
        if unit not in visited:
            visited.add(unit)
            todo += feeds.get(unit, [])
    return list(found)


def _constant(signals: Signals, name: str) -> str | None:
    """The one value of a scalar signal that never changed."""
    try:
        samples = signals[name]
    except CrumpleError:
        return None
    if samples.ndim != 1 or len(samples) < 2 or samples.dtype == object:
        return None
    return wording.number(float(samples[0])) if (samples == samples[0]).all() else None
