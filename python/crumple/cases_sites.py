"""Where a scene's parameters are used: which cases differ in start values alone, and which need another world.

A *site* is a key of the scene whose value depends on parameters. Sites in `start` and `with` of units can be set anew
in a world that exists; so can limits of requirements and numbers of metrics, which are judged after the run. All
others (the clock, connections, faults, the number of units) shape the world.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from crumple.scene.clock import Span
from crumple.scene.connections import Exposed
from crumple.scene.document import Document
from crumple.scene.metrics import plan_metrics
from crumple.scene.parameters import Parameters
from crumple.scene.plan import Scene, Value
from crumple.scene.references import replace_references
from crumple.scene.requirements import plan_requirements
from crumple.scene.values import FORMULA, Values, is_reference

_WORD = re.compile(r"[A-Za-z_]\w*")
_FOR_READERS = {"crumple", "title", "description", "include", "parameters", "derived", "view"}


@dataclass(frozen=True, slots=True, eq=False)
class StartSite:
    """A start value or parameter of a unit. written: as the scene has it.   needs: the parameters behind it, sorted.

    index: of an instance.   which: item of the resolved list that is this instance's; None: the whole value.
    """

    unit: str
    key: str
    written: Any
    needs: tuple[str, ...]
    index: int | None = None


@dataclass(frozen=True)
class Sites:
    """What depends on what. shaping, judging: parameters that shape the world, or only how it is judged."""

    starts: tuple[StartSite, ...]
    shaping: tuple[str, ...]
    judging: tuple[str, ...]
    derived: Mapping[str, Any]

    def values(self, parameters: Mapping[str, Value]) -> Values:
        """What references stand for with these parameters."""
        return Values(parameters, self.derived)


def find_sites(document: Document, scene: Scene) -> Sites:
    """All sites of a scene. document: as it was read, with nothing replaced.   scene: what became of it."""
    derived = document.tree.get("derived", {})
    known = Values(scene.parameters, derived)
    starts: list[StartSite] = []
    shaping: set[str] = set()
    judging: set[str] = set()
    units = document.tree.get("units", {})
    for key, value in document.tree.items():
        if key in _FOR_READERS:
            continue
        for path, written in _texts(value, (key,)):
            needs = known.needs(written)
            if path[0] == "requirements" and path[-1] == "when" and isinstance(written, str):
                needs = needs.union(*(known.needs(f"${word}") for word in _WORD.findall(written)))
            if not needs:
                continue
            if path[0] == "requirements" and "holds" not in document.tree["requirements"][path[1]]:
                judging |= needs  # what holds is seen to by the world itself
            elif path[0] == "metrics" and path[-1] == "value" and FORMULA.fullmatch(written):
                judging |= needs
            elif not _is_start(path, units):
                shaping |= needs
    for unit, table in units.items():
        for where in ("start", "with"):
            for key, written in table.get(where, {}).items() if isinstance(table.get(where), dict) else ():
                needs = known.needs(written)
                if not needs:
                    continue
                if isinstance(written, list):
                    shaping |= needs  # one value for each instance, or an array
                    continue
                instances = [name for name in scene.units if "count" in table and _is_instance(name, unit)]
                for number, name in enumerate(instances or [unit], 1):
                    index = number if instances else None
                    starts.append(StartSite(name, key, written, tuple(sorted(needs)), index))
    overridden = {tuple(name.split(".", 1)) for name in scene.overrides if "." in name}
    starts = [site for site in starts if (site.unit, site.key) not in overridden]
    return Sites(tuple(starts), tuple(sorted(shaping)), tuple(sorted(judging - shaping)), derived)


def _texts(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """All texts at and below a key that may refer to parameters."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key != "doc":
                yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(item, (*path, number))
    elif isinstance(value, str) and ("$" in value or path[-1] == "when"):
        yield path, value


def _is_start(path: tuple[Any, ...], units: Mapping[str, Any]) -> bool:
    return len(path) == 4 and path[0] == "units" and path[2] in ("start", "with")


def _is_instance(name: str, unit: str) -> bool:
    return name.startswith(f"{unit}_") and name[len(unit) + 1 :].isdigit()


def resolve_site(site: StartSite, values: Values) -> Any:
    """The value at a site. Raises ValueFault."""
    if is_reference(site.written) or not isinstance(site.written, str):
        return values.resolved(site.written, index=site.index)
    return site.written


def judgement(document: Document, scene: Scene, parameters: Mapping[str, Value]) -> tuple[Any, Any]:
    """The requirements and metrics of a scene with other parameters. Raises SceneError where they make no sense.

    document: as it was read.   scene: with the units that there are.
    """
    known = Parameters()
    known.values.update(parameters)
    known.plans.update(scene.declared)
    known.derived.update(document.tree.get("derived", {}))
    own = Document()
    own.files, own.origins = document.files, document.origins
    own.tree = {
        key: copy.deepcopy(document.tree[key]) for key in ("requirements", "metrics") if key in document.tree
    }
    replace_references(own, known.known, overridden=())
    span, exposed = Span(scene.start, scene.horizon, scene.period), Exposed()
    requirements = plan_requirements(own, scene.units, exposed, known, span, period=scene.period)
    metrics = plan_metrics(own, scene.units, exposed, known)
    own.raise_mistakes()
    return tuple(requirements), tuple(metrics)
