"""All checks of a scene, one after the other, each going as far as the mistakes so far allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from crumple.errors import Mistake
from crumple.scene.clock import Span, TimeError, exact_period, exact_time, ticks_between
from crumple.scene.connections import Exposed, Units, plan_connections
from crumple.scene.document import Document
from crumple.scene.instances import expand_connections, make_instances
from crumple.scene.pacing import Given, plan_pacing, plan_timing
from crumple.scene.parameters import resolve
from crumple.scene.plan import Scene, SceneSource
from crumple.scene.recording import outputs, plan_recording
from crumple.scene.shape import prune, shape_faults
from crumple.scene.text import shown
from crumple.scene.units import plan_units

if TYPE_CHECKING:
    from crumple.live.plan import FaultPlan, PacingPlan
    from crumple.scene.live import LiveDraft

_MOST_SEED = 2**64 - 1


def plan_scene(
    document: Document,
    *,
    name: str,
    given: Mapping[str, Any],
    seed: int | None = None,
    stop: str | float | None = None,
    threads: int | None = None,
    live: Given | None = None,
    look_at_keys: bool = True,
) -> Scene:
    """The scene that a document describes.

    given: parameters from outside, by name.   live: what is said from outside of pacing.
    look_at_keys: whether files of keys must be there.
    Raises SceneError with everything that is wrong.
    """
    parameters = resolve(document, given)
    _check_shape(document)
    tree = document.tree
    clock = _Clock(document, tree.get("clock", {}), stop)
    instances = make_instances(document, parameters)
    units = plan_units(document, clock.period, instances)
    _check_units(document)
    exposed = Exposed()
    said = Given() if live is None else live
    pacing = plan_pacing(document, said)
    draft = _live(document, units, exposed, pacing, said, look_at_keys=look_at_keys)
    members: Units = units if draft is None else {**units, **draft.beside(units)}
    expand_connections(document, instances, members)
    connections = plan_connections(document, members, exposed, live=draft)
    if draft is not None:
        draft.take_feeds(document, connections)
    faults: tuple[FaultPlan, ...] = ()
    if "faults" in tree:
        from crumple.scene.faults import plan_faults

        faults = tuple(plan_faults(document, members, connections, clock.span, exposed))
    timing = plan_timing(document, pacing, said, sensors=bool(tree.get("sensors")))
    requirements: tuple[Any, ...] = ()
    if "requirements" in tree:
        from crumple.scene.requirements import plan_requirements  # metrics need numpy; not every scene does

        requirements = tuple(
            plan_requirements(document, members, exposed, parameters, clock.span, period=clock.period)
        )
    end_when = None
    if tree.get("clock", {}).get("end_when"):
        from crumple.scene.holds import plan_end

        end_when = plan_end(document, members, exposed)
    metrics: tuple[Any, ...] = ()
    if "metrics" in tree:
        from crumple.scene.metrics import plan_metrics

        metrics = tuple(plan_metrics(document, members, exposed, parameters))
    required = tuple(signal for each in (*requirements, *metrics) for signal in each.signals)
    record = plan_recording(document, members, exposed, clock.period, required=required)
    _check_view(document, members, exposed)
    threads = _outside(document, "--threads", threads, 1, 2**20)
    seed = _outside(document, "--seed", seed, 0, _MOST_SEED)
    document.raise_mistakes()
    assert clock.period is not None and clock.span is not None
    unused = sorted(set(parameters.values) - parameters.used)
    return Scene(
        name=name,
        title=tree.get("title", ""),
        description=tree.get("description", ""),
        path=_path(document),
        files=tuple(SceneSource(o.path, o.sha256, o.text) for o in document.files if o.path is not None),
        period=clock.period,
        start=clock.span.start,
        stop_tick=clock.stop_tick,
        horizon=clock.span.stop,
        seed=tree["clock"].get("seed", 0) if seed is None else seed,
        threads=tree["clock"].get("threads") if threads is None else threads,
        parameters=parameters.values,
        declared=parameters.plans,
        derived=parameters.derived_values(),
        overrides=parameters.overrides,
        units={
            unit: replace(plan, expose=tuple(dict.fromkeys([*plan.expose, *exposed.names.get(unit, ())])))
            for unit, plan in units.items()
        },
        connections=tuple(connections),
        requirements=requirements,
        metrics=metrics,
        record=tuple(record),
        pacing=pacing,
        sensors=() if draft is None else tuple(draft.sensors),
        actuators=() if draft is None else tuple(draft.actuators),
        rigs=() if draft is None else tuple(draft.rigs),
        timing=timing,
        end_when=end_when,
        faults=faults,
        view=tree.get("view", {}),
        warnings=(*document.warnings, *(f'parameter "{p}" of the scene is used nowhere' for p in unused)),
    )


def _live(
    document: Document, units: Units, exposed: Exposed, pacing: PacingPlan, said: Given, *, look_at_keys: bool
) -> LiveDraft | None:
    """What is live in the scene; None, and nothing imported, where nothing is."""
    tables = any(document.tree.get(key) for key in ("sensors", "actuators", "rigs"))
    if not tables and pacing.mode != "lockstep":
        return None
    from crumple.scene.live import check_modes, plan_live

    draft = plan_live(document, units, exposed, mode=pacing.mode, look_at_keys=look_at_keys)
    check_modes(document, draft, pacing, said)
    return draft


def _check_units(document: Document) -> None:
    """A scene without anything in it. One with sensors alone judges what is measured."""
    tree = document.tree
    if "units" not in tree and not tree.get("sensors") and not any(p[0] == "units" for p in document.faulty):
        document.fault(("units",), "is missing. Write a table for each, as in [units.vehicle].")


def _check_view(document: Document, units: Units, exposed: Exposed) -> None:
    """What is to be drawn, which a view looks up among the outputs."""
    if not document.tree.get("view"):
        return
    from crumple.view.scene_view import check

    signals: dict[str, str | None] = {}
    for name in outputs(units, exposed):
        unit, _, port = name.partition(".")
        ports = units[unit].ports
        found = None if ports is None else ports.find_output(port) or ports.find_hidden(port)
        signals[name] = None if found is None else found.si_name
    unknown = [unit for unit, member in units.items() if member.ports is None]
    for path, text in check(document.tree["view"], signals):
        if not unknown:  # what is said of a unit with mistakes may be true
            document.fault(("view", *path), text)


def _path(document: Document) -> Any:
    path = document.files[-1].path
    assert path is not None
    return path


def _check_shape(document: Document) -> None:
    """Note what has the wrong shape, and take it out."""
    tree = document.tree
    connect = tree.get("connect")
    connect = connect if isinstance(connect, dict) else {}
    for unit, table in list(connect.items()):
        if isinstance(table, dict) and "." not in unit and "from" not in table and table:
            key = next(iter(table))
            document.fault(("connect", unit, key), f'put the whole name in quotes: "{unit}.{key}" = ...')
            del connect[unit]
    faults = shape_faults(tree)
    for fault in faults:
        if not any(_is_cause(path, fault.path) for path in document.unresolved):
            document.fault(fault.path, fault.text)
    prune(tree, faults)


def _is_cause(unresolved: tuple[str | int, ...], path: tuple[str | int, ...]) -> bool:
    """Whether the fault at `path` is that a "$name" at or within it has no value."""
    return unresolved[: len(path)] == path and all(isinstance(part, int) for part in unresolved[len(path) :])


def _outside(document: Document, label: str, value: int | None, least: int, most: int) -> int | None:
    if value is not None and not (isinstance(value, int) and least <= value <= most):
        document.mistakes.append(
            Mistake(None, None, label, f"{value} is no whole number from {least} to {most}.")
        )
        return None
    return value


class _Clock:
    """The times of a scene. period: None where it is wrong. span: start and stop as the file has them."""

    def __init__(self, document: Document, table: Mapping[str, Any], stop: str | float | None) -> None:
        self._document = document
        self._table = table
        self.period: Fraction | None = self._read("period", exact_period)
        self.span: Span | None = None
        self.stop_tick = 0
        start = self._read("start", exact_time) if "start" in table else Fraction(0)
        end = self._read("stop", exact_time)
        if self.period is None or start is None or end is None:
            return
        try:
            self.stop_tick = ticks_between(start, end, self.period, shown=shown(table["stop"]))
            self.span = Span(start, end, self.period)
        except TimeError as error:
            document.fault(("clock", "stop"), str(error))
        if stop is not None:
            try:
                self.stop_tick = ticks_between(start, exact_time(stop), self.period, shown=str(stop))
            except TimeError as error:
                document.mistakes.append(Mistake(None, None, "--stop", str(error)))

    def _read(self, key: str, reader: Any) -> Fraction | None:
        if key not in self._table:
            return None  # the shape is wrong, and that is reported
        try:
            time: Fraction = reader(self._table[key])
        except TimeError as error:
            self._document.fault(("clock", key), str(error))
            return None
        return time
