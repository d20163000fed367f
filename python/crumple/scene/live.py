"""The live inputs and outputs of a scene: sensors, actuators, and the rigs that they belong to.

Sensors and actuators are units of the world: they share the names of units and take part in connections.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from crumple.errors import Mistake
from crumple.live.plan import STAMPS, ActuatorPlan, Channel, PacingPlan, RigPlan, SensorPlan
from crumple.scene.channels import (
    Feed,
    LiveMember,
    in_channel,
    out_channel,
    port_of,
)
from crumple.scene.document import Document
from crumple.scene.drafted import Drafted
from crumple.scene.endpoints import Endpoints
from crumple.scene.pacing import Given
from crumple.scene.ports import ListedPorts, Port
from crumple.scene.rigs import Rigs
from crumple.scene.text import listed, shown
from crumple.si import parse_si

if TYPE_CHECKING:
    from crumple.scene.connections import Exposed, Units
    from crumple.scene.plan import ConnectionPlan

_MOST_CHANNELS = 504  # of a message of 4096 bytes, its header of 64 included
_START_TIMEOUT = 10.0  # [s]


@dataclass(slots=True)
class LiveDraft:
    """What was planned so far. members: sensors and actuators by name.   feeds: of the actuators' channels."""

    sensors: list[SensorPlan] = field(default_factory=list)
    actuators: list[ActuatorPlan] = field(default_factory=list)
    rigs: list[RigPlan] = field(default_factory=list)
    members: dict[str, LiveMember] = field(default_factory=dict)
    feeds: list[Feed] = field(default_factory=list)

    def beside(self, units: Units) -> dict[str, LiveMember]:
        """The members, but for those that have the name of a unit, which is a mistake."""
        return {name: member for name, member in self.members.items() if name not in units}

    def take_feeds(self, document: Document, connections: Iterable[ConnectionPlan]) -> None:
        """Tell each actuator's channel which output feeds it. What nothing feeds is noted."""
        sources = {plan.target: plan.source for plan in connections}
        written = document.tree.get("connect", {})
        for number, actuator in enumerate(self.actuators):
            fed = {channel: f"{actuator.name}.{channel.name}" for channel in actuator.channels}
            for channel, target in fed.items():
                drafted = Drafted(document, ("actuators", actuator.name, "channels", channel.name), {})
                if target not in sources and target not in written and not drafted.has_fault():
                    drafted.fault("", 'is fed by nothing: write from = "unit.port", or feed it in [connect].')
            channels = tuple(replace(each, source=sources.get(target, "")) for each, target in fed.items())
            self.actuators[number] = replace(actuator, channels=channels)


def plan_live(
    document: Document, units: Units, exposed: Exposed, *, mode: str, look_at_keys: bool
) -> LiveDraft:
    """All sensors, actuators and rigs, those with mistakes too. units: those that are simulated, by name."""
    draft = LiveDraft()
    rigs = Rigs(document, Endpoints(document, look_at_keys=look_at_keys))
    sensors = document.tree.get("sensors", {})
    for name, table in sensors.items():
        drafted = Drafted(document, ("sensors", name), table)
        _check_name(drafted, units, "unit")
        draft.sensors.append(_sensor(drafted, rigs, draft))
    _warn_of_layouts(document, draft.sensors)
    sources = {**units, **draft.members}
    for name, table in document.tree.get("actuators", {}).items():
        drafted = Drafted(document, ("actuators", name), table)
        _check_name(drafted, units, "unit")
        _check_name(drafted, sensors, "sensor")
        draft.actuators.append(_actuator(drafted, rigs, draft, sources, exposed))
    draft.rigs = rigs.plans(mode=mode)
    return draft


def _check_count(drafted: Drafted, channels: Sequence[Channel]) -> None:
    if len(channels) > _MOST_CHANNELS:
        fact = f"are {len(channels)}, and a message holds {_MOST_CHANNELS} at most."
        drafted.fault("channels", f"{fact} Spread them over several.")


def _check_name(drafted: Drafted, others: Iterable[str], kind: str) -> None:
    if drafted.name in others:
        remedy = "Sensors, actuators and units share their names: rename one."
        drafted.fault("", f"is the name of a {kind}, too. {remedy}")


# ---- sensors


def _sensor(drafted: Drafted, rigs: Rigs, draft: LiveDraft) -> SensorPlan:
    table = drafted.table
    place = rigs.place(drafted, "sensor", bind=False)
    channels = [
        in_channel(drafted.below("channels", each, written, "si"))
        for each, written in table.get("channels", {}).items()
    ]
    _check_count(drafted, channels)
    stamps = [Port(port, kind, (), parse_si(si), si, port) for port, (kind, si) in STAMPS.items()]
    known = not drafted.has_fault("channels")
    outputs = [*(port_of(channel) for channel in channels if channel.name not in STAMPS), *stamps]
    draft.members[drafted.name] = LiveMember(ListedPorts(outputs=outputs) if known else None)
    max_age, stop_age = drafted.time("max_age"), drafted.time("stop_age")
    if place.rig is None:
        _check_policy(drafted)
        _check_ages(drafted, max_age, stop_age)
    return SensorPlan(
        name=drafted.name,
        channels=tuple(channels),
        endpoint=place.endpoint,
        rig=place.rig,
        max_age=max_age,
        stop_age=stop_age,
        policy=table.get("policy", "hold"),
        queue=table.get("queue", False),
        every=table.get("every", 1),
        required=table.get("required", True),
        start_timeout=drafted.time("start_timeout") or _START_TIMEOUT,
        stale_max=drafted.share("stale_max") or 0.0,
        lost_max=table.get("lost_max"),
    )


def _warn_of_layouts(document: Document, sensors: Sequence[SensorPlan]) -> None:
    """Of sensors that listen to one address each gets every message, and refuses those of other channels."""
    first: dict[str, SensorPlan] = {}
    for sensor in sensors:
        if sensor.endpoint is None or sensor.endpoint.bind:
            continue
        other = first.setdefault(sensor.endpoint.address, sensor)
        layouts = [[(c.name, c.kind, c.si) for c in each.channels] for each in (sensor, other)]
        if layouts[0] != layouts[1]:
            fact = f"listens to the same address as {other.name}, with other channels"
            document.warnings.append(f"sensor {sensor.name}: {fact}; each refuses the messages of the other")


def _check_policy(drafted: Drafted) -> None:
    """Whether the policy can be kept."""
    table = drafted.table
    policy = table.get("policy", "hold")
    if policy == "extrapolate" and table.get("queue", False):
        fact = 'cannot be with policy = "extrapolate", which goes on from the newest sample.'
        drafted.fault("queue", f"{fact} Take one of them out.")
    if policy == "extrapolate":
        kinds = {
            channel: written.get("kind", "real")
            for channel, written in table.get("channels", {}).items()
            if isinstance(written, dict)
        }
        whole = [f"{channel} ({kind})" for channel, kind in kinds.items() if kind != "real"]
        if whole:
            fact = f"{listed(whole)} cannot be extrapolated and hold their values"
            drafted.document.warnings.append(f"sensor {drafted.name}: {fact}")
    if policy == "fail_safe" and "actuators" not in drafted.document.tree:
        fact = "makes the actuators send their safe values, and this scene has none."
        drafted.fault("policy", f'is "fail_safe", which {fact} "stop" ends the run, "substitute" replaces.')


def _check_ages(drafted: Drafted, max_age: float | None, stop_age: float | None) -> None:
    """Whether the ages are there that the policy needs, and make sense together."""
    table = drafted.table
    if "max_age" not in table and not drafted.has_fault("max_age"):
        for key, does in (("policy", "applies to"), ("stale_max", "counts")):
            if key in table:
                remedy = 'Write max_age = "5 ms".'
                drafted.fault(key, f"{does} samples older than max_age, and there is none. {remedy}")
        if drafted.document.tree.get("clock", {}).get("mode") == "realtime" and "rig" not in table:
            fact = "has no max_age: should it fall silent, its last value counts as new, and the run may pass"
            drafted.document.warnings.append(f'sensor {drafted.name}: {fact}. Write max_age = "5 ms"')
    if "stop_age" not in table:
        return
    if table.get("policy") == "stop":
        fact = 'is there as well as policy = "stop", which ends the run at max_age.'
        drafted.fault("stop_age", f"{fact} Take one of them out.")
    elif max_age is not None and stop_age is not None and stop_age <= max_age:
        fact = f"is {shown(table['stop_age'])}, not above max_age, {shown(table['max_age'])}:"
        drafted.fault("stop_age", f'{fact} the policy would never apply. For that write policy = "stop".')


# ---- actuators


def _actuator(
    drafted: Drafted, rigs: Rigs, draft: LiveDraft, sources: Units, exposed: Exposed
) -> ActuatorPlan:
    """An actuator. sources: units and sensors, which may feed it."""
    place = rigs.place(drafted, "actuator", bind=True)
    made = [
        out_channel(drafted.below("channels", each, written, "from"), drafted.name, sources, exposed)
        for each, written in drafted.table.get("channels", {}).items()
    ]
    _check_count(drafted, [each.channel for each in made])
    draft.feeds += [each.feed for each in made if each.feed is not None]
    known = not drafted.has_fault("channels")
    ports = ListedPorts(inputs=[each.port for each in made]) if known else None
    draft.members[drafted.name] = LiveMember(ports)
    return ActuatorPlan(
        name=drafted.name,
        channels=tuple(each.channel for each in made),
        endpoint=place.endpoint,
        rig=place.rig,
        every=drafted.table.get("every", 1),
    )


# ---- with the rest of the scene


def check_modes(document: Document, draft: LiveDraft, pacing: PacingPlan, given: Given) -> None:
    """Whether what is live fits how the run is paced."""
    rigs = [rig.name for rig in draft.rigs]
    rig = next(iter(rigs), "")
    if pacing.mode == "lockstep" and not document.tree.get("rigs"):
        fact = "a rig paces a run in lockstep, and this scene has none."
        remedy = 'Write [rigs.NAME] with zmq and timeout, and rig = "NAME" in a sensor.'
        _of_mode(document, given, ("clock", "mode"), f'is "lockstep": {fact} {remedy}', f"{fact} {remedy}")
    elif pacing.mode != "lockstep" and rigs:
        paces = "paces the run, which needs"
        remedy = f'mode = "lockstep" in [clock]; it is "{pacing.mode}".'
        _of_mode(document, given, ("rigs", rig), f"{paces} {remedy}", f'rig "{rig}" {paces} lockstep.')
    if pacing.mode == "free" and draft.sensors and given.mode is None:
        names = listed(sensor.name for sensor in draft.sensors)
        fact = "this run goes as fast as it can, not at the pace of what is measured"
        document.warnings.append(f'sensor {names}: {fact}; for that, write mode = "realtime" in [clock]')
    if given.wait is False:
        draft.sensors = [replace(sensor, required=False) for sensor in draft.sensors]
    if given.wait is False and rigs and all(sensor.rig for sensor in draft.sensors):
        fact = f'rig "{rig}" paces this run, which cannot begin without it.'
        document.mistakes.append(Mistake(None, None, "--no-wait", fact))


def _of_mode(document: Document, given: Given, path: tuple[str, str], inside: str, outside: str) -> None:
    """A mistake of the mode, which stands in the file or comes from outside."""
    if given.mode is None:
        document.fault(path, inside)
    else:
        document.mistakes.append(Mistake(None, None, f"--mode {given.mode}", outside))
