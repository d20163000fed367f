"""One case after the other in one process: the scene is read once, and a world is built only where it has to be.

What a case gives is what `crumple run` gives with the same parameters, bit for bit: the same units in the same world,
judged by the same rules from the same signals, which are kept in memory and only as far as something looks at them.
"""

from __future__ import annotations

import dataclasses
import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec

from crumple import conclusion, wording
from crumple.cases_sites import Sites, StartSite, find_sites, judgement, resolve_site
from crumple.errors import CrumpleError, EndError, StepError
from crumple.faults_run import injections
from crumple.fmu import bundled_fmus
from crumple.requirement_result import RequirementResult
from crumple.scene import compose, load_scene
from crumple.scene.document import read_document
from crumple.scene.load import locate_scene
from crumple.scene.parameters import typed
from crumple.scene.parameters import written as written_value
from crumple.scene_metrics import MetricResult
from crumple.verdict import Ending, Recording, Verdict, judge

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from crumple.scene import Scene
    from crumple.scene.plan import Value
    from crumple.world import Trace, World

_MOST_WORLDS = 6  # built at a time; each holds instances of FMUs
_MOST_JUDGED = 2000
_MOST_KEPT = 100_000  # values of each site, and of each parameter


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a case came to."""

    verdict: Verdict
    requirements: Sequence[RequirementResult] = ()
    metrics: Sequence[MetricResult] = ()
    digest: str = ""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for all cases: see `crumple.run`."""

    scene: str
    set: dict[str, Any] = {}
    seed: int | None = None
    isolate: bool | None = None
    step_timeout: float | None = None


class KeptSignals:
    """The signals that something looks at, as `Signals` of a folder gives them."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._columns: dict[str, tuple[int, tuple[int, ...]]] = {}
        self._rows: NDArray[np.float64] | None = None
        at = 1
        for column in trace.columns():
            self._columns[column.name] = (at, column.shape)
            at += column.count

    def forget(self) -> None:
        """Before another run."""
        self._rows = None
        self._trace.clear()

    @property
    def rows(self) -> NDArray[np.float64]:
        """(communication points, 1 + numbers): the time, then the signals."""
        if self._rows is None:
            self._rows = self._trace.values()
        return self._rows

    def t(self, name: str | None = None) -> NDArray[np.float64]:
        """Times [s]."""
        return self.rows[:, 0]

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        found = self._columns.get(name)
        if found is not None:
            column, shape = found
            if not shape:
                return self.rows[:, column]
            return self.rows[:, column : column + math.prod(shape)].reshape(-1, *shape)
        whole, _, index = name.rpartition("[")
        element = tuple(int(number) for number in index.rstrip("]").split(","))
        at: Any = (slice(None), *element)
        values: NDArray[np.float64] = self[whole][at]
        return values

    def keys(self, pattern: str = "*") -> list[str]:
        """The names."""
        return list(self._columns)


class _Built:
    """A world, and what it is set to."""

    def __init__(self, scene: Scene, sites: Sites) -> None:
        self.scene = scene
        # each site with a getter of what it needs and its values so far: a grid has few of each
        self.sites: list[tuple[StartSite, Any, dict[Any, Any]]] = [
            (site, itemgetter(*site.needs), {}) for site in sites.starts
        ]
        self.world: World = compose(scene, threads=1)
        self.world.build()
        self.isolated = any(self.world.isolated().values())
        self.si = {
            f"{unit}.{port.name}": port.si for unit in self.world.units() for port in self.world.outputs(unit)
        }
        wanted = {
            name.partition("[")[0] for each in (*scene.requirements, *scene.metrics) for name in each.signals
        }
        self.signals = KeptSignals(self.world.trace([name for name in self.si if name in wanted]))
        self.now: dict[Any, Any] = {}  # what sites, and "unit.parameter", have been set to
        self.horizon = float(scene.stop)
        self.judged: OrderedDict[tuple[Any, ...], tuple[Any, Any]] = OrderedDict()
        units = scene.units.values()
        self.counts: dict[str, Any] = {
            "units": len(scene.units),
            "outputs": len(self.si),
            "nonfinite_allowed": [
                f"{unit.name}.{output}" for unit in units for output in unit.allow_nonfinite
            ],
        }


class Runner:
    """Runs cases of one scene. Raises SceneError where the scene has mistakes."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.scene = _isolated(load_scene(options.scene, set=options.set, seed=options.seed), options)
        path, label = locate_scene(options.scene)
        self._document = read_document(path, label=label)
        self.sites: Sites = find_sites(self._document, self.scene)
        self._worlds: OrderedDict[tuple[Any, ...], _Built] = OrderedDict()
        self._written: dict[tuple[str, Any], Value] = {}

    def run(
        self, given: Mapping[str, Any], *, seed: int | None = None, inject: Sequence[str] = ()
    ) -> Outcome:
        """One case. given: parameters as `crumple.run(set=...)` takes them. Raises nothing that a case can cause."""
        try:
            built = self._built(given)
            scene = self._judged_scene(built, given)
        except (CrumpleError, ValueError) as error:
            return _failed(str(error))
        built.signals.forget()
        ending = self._go(built, self.scene.seed if seed is None else seed, inject)
        return self._judge(built, ending, scene)

    # ---- the world

    def parameters(self, given: Mapping[str, Any]) -> dict[str, Value]:
        """The scene's parameters with those of a case."""
        values = dict(self.scene.parameters)
        for name, value in given.items():
            try:
                values[name] = self._written[name, value]
            except (KeyError, TypeError):  # new, or a list
                plan = self.scene.declared.get(name)
                if plan is None:
                    continue
                values[name] = written_value(plan, typed(plan, value))
                if not isinstance(value, list | bool) and len(self._written) < _MOST_KEPT:
                    self._written[name, value] = values[name]
        return values

    def _built(self, given: Mapping[str, Any]) -> _Built:
        """A world with the values of a case, made or set anew."""
        parameters = self.parameters(given)
        key = self.shape(parameters, given)
        built = self._worlds.get(key)
        if built is not None:
            del self._worlds[key]  # until it is whole again
            if self._set(built, parameters, given):
                self._worlds[key] = built
                return built
        return self._make(key, parameters, given)

    def shape(self, parameters: Mapping[str, Value], given: Mapping[str, Any]) -> tuple[Any, ...]:
        """What worlds that can be set to each other have in common."""
        own = tuple(sorted(name for name in given if "." in name))
        return (*(parameters[name] for name in self.sites.shaping), own)

    def _make(
        self, key: tuple[Any, ...], parameters: Mapping[str, Value], given: Mapping[str, Any]
    ) -> _Built:
        whole = {**self.options.set, **given}
        scene = _isolated(load_scene(self.options.scene, set=whole, seed=self.options.seed), self.options)
        built = _Built(scene, find_sites(self._document, scene))
        self._wanted(built, parameters, given)  # what it is made with needs not be set
        while len(self._worlds) >= _MOST_WORLDS:
            self._worlds.popitem(last=False)
        self._worlds[key] = built
        return built

    def _set(self, built: _Built, parameters: Mapping[str, Value], given: Mapping[str, Any]) -> bool:
        """Set a world to the values of a case. False: it has to be made anew."""
        for unit, changes in self._wanted(built, parameters, given).items():
            if not built.world.set_start(unit, changes):
                return False
        return True

    def _wanted(
        self, built: _Built, parameters: Mapping[str, Value], given: Mapping[str, Any]
    ) -> dict[str, dict[str, Any]]:
        """What is to be set that is not so yet, by unit."""
        changes: dict[str, dict[str, Any]] = {}
        now = built.now
        for site, needed, known in built.sites:
            key = needed(parameters)
            try:
                value = known[key]
            except (KeyError, TypeError):  # new, or a list
                value = resolve_site(site, self.sites.values(parameters))
                if not isinstance(key, list) and len(known) < _MOST_KEPT:
                    known[key] = value
            if (before := now.get(site, now)) is not value and (
                before != value or type(before) is not type(value)
            ):
                changes.setdefault(site.unit, {})[site.key] = value
                now[site] = value
        for name, value in given.items():
            if "." in name and (name not in now or now[name] != value):
                unit, _, key = name.partition(".")
                changes.setdefault(unit, {})[key] = value
                now[name] = value
        return changes

    # ---- the run

    def _go(self, built: _Built, seed: int, inject: Sequence[str]) -> Ending:
        """Steps to the end, or to whatever ends the run before. As a run of its own would."""
        world, ticks = built.world, built.scene.stop_tick
        try:
            world.reset(seed=seed)
            for command in injections(inject, built.scene):
                if world.tick < command.tick and world.drive(command.tick) == "ended":
                    break
                getattr(world, command.do)(command.args["fault"])
            if world.ended is None:
                world.drive(ticks)
            world.end()
            if not built.isolated:
                world.close()  # here, so that it is this case that fails where an FMU cannot be freed
        except EndError as error:
            return self._ending(built, "unit_ended", str(error))
        except StepError as error:
            where = "output" if error.call.startswith("output ") else "unit"
            return self._ending(built, "error", str(error), where=where)
        except CrumpleError as error:
            return self._ending(built, "error", str(error), where="run")
        except Exception as error:
            return self._ending(built, "error", f"{type(error).__name__}: {error}", where="run")
        if world.ended is not None:
            return self._ended_by_itself(built, world.ended)
        return self._ending(built, "horizon", "")

    def _ended_by_itself(self, built: _Built, by: str) -> Ending:
        """As in `execution`: the scene's condition came true, or a requirement was decided that stops the run."""
        at = f"the run ended at {wording.time(built.world.t)}"
        if by:
            return self._ending(built, "decided", f"{at}, where requirement '{by}' was decided")
        end = built.scene.end_when
        return self._ending(built, "end_when", f"{at} by end_when: {'' if end is None else end.text}")

    def _ending(self, built: _Built, how: Any, text: str, *, where: Any = "unit") -> Ending:
        world = built.world
        return Ending(
            how=how,
            tick=world.tick,
            t=world.t,
            ticks=built.scene.stop_tick,
            horizon=built.horizon,
            text=text,
            where=where,
        )

    # ---- the verdict

    def _judge(self, built: _Built, ending: Ending, scene: Scene) -> Outcome:
        ran: Any = SimpleNamespace(
            scene=scene, si=built.si, world=built.world, watch=SimpleNamespace(warnings=[]), replay_of=None
        )
        digest = built.world.digest() if ending.how != "error" else ""
        signals: Any = built.signals  # as those of a folder
        requirements, failure = conclusion.requirement_results(ran, signals, ending)
        if failure is not None and ending.how != "error":
            ending = msgspec.structs.replace(ending, how="error", where="run", text=str(failure))
        metrics = conclusion.metric_results(ran, signals, ending)
        rows = {"memory": len(built.signals.rows)}
        recording = Recording(rows=rows, expected={"memory": ending.tick + 1})
        verdict = judge(ending, requirements, recording, **built.counts)
        return Outcome(verdict=verdict, requirements=requirements, metrics=metrics, digest=digest)

    def _judged_scene(self, built: _Built, given: Mapping[str, Any]) -> Scene:
        """The scene with the limits that hold for this case."""
        if not self.sites.judging:
            return built.scene
        parameters = self.parameters(given)
        key = tuple(parameters[name] for name in self.sites.judging)
        found = built.judged.get(key)
        if found is None:
            found = built.judged[key] = judgement(self._document, built.scene, parameters)
            if len(built.judged) > _MOST_JUDGED:
                built.judged.popitem(last=False)
        return dataclasses.replace(built.scene, requirements=found[0], metrics=found[1])


def _isolated(scene: Scene, options: Options) -> Scene:
    """The scene with what is said from outside about processes of units.

    A case runs in a process apart already. So the FMUs that come with Crumple need none of their own for each case;
    others have theirs unless they were vetted, as in any run.
    """
    own = {fmu.resolve() for fmu in bundled_fmus().values()}
    units = {
        name: dataclasses.replace(plan, isolate=False)
        if plan.isolate is None
        and not plan.limits
        and plan.archive is not None
        and Path(plan.archive.path).resolve() in own
        else plan
        for name, plan in scene.units.items()
    }
    return dataclasses.replace(
        scene,
        units=units,
        isolate=scene.isolate if options.isolate is None else options.isolate,
        step_timeout=scene.step_timeout if options.step_timeout is None else options.step_timeout,
    )


def _failed(text: str) -> Outcome:
    reason = " ".join(text.split())
    return Outcome(verdict=Verdict(outcome="error", reasons=(reason,), conditions=()))


def crashed(how: str) -> Outcome:
    """The outcome of a case that ended the process that it ran in."""
    return _failed(f"the process that ran it ended: {how}")


def cells_of(outcome: Outcome, scene: Scene) -> list[Any]:
    """The outcome as the cells of a row of the results, in the order of `cases_table.result_names`."""
    by_name = {each.name: each for each in outcome.requirements}
    cells: list[Any] = [outcome.verdict.outcome, outcome.verdict.reason]
    for required in scene.requirements:
        result = by_name.get(required.name)
        cells += [None, None] if result is None else [result.status, _margin(result)]
    metrics = {each.name: each.value for each in outcome.metrics}
    cells += [metrics.get(each.name) for each in scene.metrics]
    return [*cells, outcome.digest]


def _margin(result: RequirementResult) -> float | None:
    margin = result.margin
    return margin if margin is not None and math.isfinite(margin) else None
