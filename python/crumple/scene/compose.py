"""From a scene to a world that is ready to be reset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from crumple.fmu import Fmu
    from crumple.live.plan import ActuatorPlan, SensorPlan
    from crumple.scene.plan import Scene, UnitPlan
    from crumple.unit import Unit
    from crumple.world import World


class Maker(Protocol):
    """Makes the units of sensors and actuators: live, or from a tape."""

    def sensor(self, plan: SensorPlan) -> Any: ...
    def actuator(self, plan: ActuatorPlan) -> Any: ...


def compose(
    scene: Scene, *, threads: int | None = None, digest: bool = True, live: Maker | None = None
) -> World:
    """The world that a scene describes, not yet built.

    threads: instead of the scene's own.   digest: keep a hash of all signals.
    live: makes the units of sensors and actuators; by default a `crumple.live.units.Live` of the scene's own.
    Raises FmuError, PluginError or BuildError for what only shows when units are made.
    """
    from crumple.stl_requirement import Holds
    from crumple.world import World

    world = World(
        scene.period,
        threads=scene.threads if threads is None else threads,
        digest=digest,
        start=float(scene.start),
    )
    for name, plan in scene.units.items():
        world.add(name, _unit(scene, plan), every=plan.every, **_isolation(scene, plan))
    if scene.sensors or scene.actuators:
        maker = _own(scene) if live is None else live
        for sensor in scene.sensors:
            world.add(sensor.name, maker.sensor(sensor))
        for actuator in scene.actuators:
            world.add(actuator.name, maker.actuator(actuator))
    for link in scene.connections:
        world.connect(
            link.source, link.target, same_tick=link.same_tick, scale=link.scale, offset=link.offset
        )
    for fault in scene.faults:
        world.add_fault(fault)
    for each in scene.requirements:
        if isinstance(each, Holds) and each.applies:
            world.add_requirement(each.judge())
    if scene.end_when is not None:
        world.end_when(scene.end_when.program())
    return world


def _own(scene: Scene) -> Maker:
    from crumple.live.units import Live

    return Live(scene)


def _isolation(scene: Scene, plan: UnitPlan) -> dict[str, Any]:
    """What is said about where a unit runs; from outside before the scene. What nobody says is left out."""
    import msgspec

    from crumple.worker import Limits

    said: dict[str, Any] = {
        "isolate": plan.isolate if scene.isolate is None else scene.isolate,
        "step_timeout": plan.step_timeout if scene.step_timeout is None else scene.step_timeout,
        "limits": msgspec.convert(dict(plan.limits), Limits) if plan.limits else None,
    }
    return {key: value for key, value in said.items() if value is not None}


def _unit(scene: Scene, plan: UnitPlan) -> Fmu | Unit:
    if plan.plugin is not None:
        return plan.plugin(**plan.values)
    from crumple.fmu import Fmu

    assert plan.archive is not None
    return Fmu(
        plan.archive.path,
        plan.values,
        record=plan.expose,
        strict=plan.strict,
        allow_nonfinite=plan.allow_nonfinite,
        allow_warnings=plan.allow_warnings,
        stop=float(scene.stop) if plan.tell_stop else None,
    )
