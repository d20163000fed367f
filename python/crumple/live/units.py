"""Sensors, actuators and rigs of a scene as units of a world, live or from a tape."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from crumple import _core
from crumple.errors import UsageError
from crumple.live.addresses import is_loopback, parse_address
from crumple.live.errors import NotAllThere
from crumple.live.library import load_libzmq
from crumple.live.plan import STAMPS, ActuatorPlan, Channel, Endpoint, RigPlan, SensorPlan
from crumple.si import parse_si

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from crumple.scene import Scene
    from crumple.tape import Tape

SAFE, FINAL, PAUSED = 1, 2, 4  # flags of the wire
_NS = 1_000_000_000
_GREETING = 10.0  # [s] that a rig has to come, where its timeout is shorter: somebody starts it by hand
_MEND = 1.0  # [s] after which a connection that was lost for good is made anew
_LOOK = 0.002  # [s] between two looks for those who are waited for


class Waiting(NamedTuple):
    """Somebody without whom the run does not begin. state: "silent", "connected", "ready", or what is wrong."""

    name: str
    address: str
    state: str

    @property
    def ready(self) -> bool:
        return self.state == "ready"


class _Rig(NamedTuple):
    plan: RigPlan
    core: Any
    transport: Any


class _Sensor(NamedTuple):
    plan: SensorPlan
    inlet: Any
    transport: Any


class _Actuator(NamedTuple):
    plan: ActuatorPlan
    outlet: Any


class Live:
    """What is live in one world. Made before the world; its units are added by `compose`."""

    def __init__(self, scene: Scene, *, tape: Tape | None = None) -> None:
        self._tape = tape
        self._sensors: dict[str, _Sensor] = {}
        self._actuators: dict[str, _Actuator] = {}
        self._rigs: dict[str, _Rig] = {}
        self._transports: list[Any] = []
        self._bridge: Any = None
        period = scene.period
        self.context = _core.LiveContext(period.numerator, period.denominator, float(scene.start))
        if tape is not None:
            return
        _check_steps(scene)
        self._prompt = scene.pacing.mode == "realtime" and scene.pacing.fifo
        self._library = load_libzmq() if scene.sensors or scene.actuators else ""
        for rig in scene.rigs:
            transport = self._transport(rig.endpoint, "route")
            core = _core.Rig(self.context, rig.name, transport, round(rig.timeout * _NS))
            self._rigs[rig.name] = _Rig(rig, core, transport)

    # -- units -------------------------------------------------------------------------------------------

    def sensor(self, plan: SensorPlan) -> LiveUnit:
        """The unit of a sensor, for `World.add`."""
        channels = [_channel(each) for each in plan.channels]
        if self._tape is not None:
            rows = _taped(self._tape, plan)
            return LiveUnit(lambda name: _core.make_tape(channels, rows))
        rig = self._rigs[plan.rig].core if plan.rig else None
        transport = (
            self._rigs[plan.rig].transport if plan.rig else self._transport(plan.endpoint, "subscribe")
        )
        options = {
            "name": plan.name,
            "max_age": _ns(plan.max_age),
            "stop_age": _ns(plan.stop_age),
            "policy": plan.policy,
            "queue": plan.queue,
            "every": plan.every,
            "same_clock": plan.endpoint is None or is_local(plan.endpoint),
        }
        inlet = _core.Inlet(self.context, options, channels, transport)
        if rig is not None:
            rig.set_inlet(inlet)
        self._sensors[plan.name] = _Sensor(plan, inlet, transport)
        return LiveUnit(lambda name: _core.make_sensor(self.context, inlet, rig))

    def actuator(self, plan: ActuatorPlan) -> LiveUnit:
        """The unit of an actuator, for `World.add`."""
        channels = [_channel(each) for each in plan.channels]
        if self._tape is not None:
            return LiveUnit(lambda name: _core.make_sink(channels))
        transport = self._rigs[plan.rig].transport if plan.rig else self._transport(plan.endpoint, "publish")
        outlet = _core.Outlet(self.context, plan.name, channels, plan.every, transport)
        if plan.rig:
            self._rigs[plan.rig].core.set_outlet(outlet)
        self._actuators[plan.name] = _Actuator(plan, outlet)
        return LiveUnit(lambda name: _core.make_actuator(outlet, self._answered(plan.rig)))

    def _answered(self, rig: str | None) -> Any:
        """In lockstep, the samples that an actuator answers."""
        return next((s.inlet for s in self._sensors.values() if rig and s.plan.rig == rig), None)

    @property
    def any(self) -> bool:
        """Whether something is live at all."""
        return bool(self._sensors or self._actuators)

    @property
    def bridged(self) -> bool:
        """Whether Python carries the messages, because the core has no libzmq."""
        return self._bridge is not None

    # -- a run -------------------------------------------------------------------------------------------

    def wait(
        self,
        outputs: Callable[[str], Sequence[float]],
        *,
        hear: Callable[[Sequence[Waiting], float], bool],
    ) -> None:
        """Until all who are required are there; the world has been reset.

        outputs: what feeds an actuator's channels at the start, by the actuator's name.
        hear: called now and then with who is there and the time waited [s]; it says whether to begin without the
        sensors that are missing. Without a rig that paces the run nothing can begin.
        Raises NotAllThere naming those who did not come in time.
        """
        began = mended = time.monotonic()
        told = -1.0
        while True:
            rows = self._look(outputs)
            waited = time.monotonic() - began
            missing = [row for row, limit in rows if not row.ready]
            if waited - told >= 0.1 or not missing:
                told = waited
                if hear([row for row, _ in rows], waited):
                    missing = [row for row in missing if row.name in self._rigs]
            if not missing:
                return
            late = [row for row, limit in rows if not row.ready and waited > limit]
            if late:
                who = "; ".join(f"'{row.name}' at {row.address}: {row.state}" for row in late)
                remedy = "Start them, give a longer start_timeout, or begin without them: --no-wait"
                if any(row.name in self._rigs for row in late):
                    remedy = "Start them, or give a longer timeout"
                raise NotAllThere(
                    f"the run did not begin, since not all were there after {waited:.1f} s: {who}. {remedy}"
                )
            if time.monotonic() - mended > _MEND:
                mended = time.monotonic()
                for sensor in self._sensors.values():
                    sensor.transport.mend()
            time.sleep(_LOOK)

    def _look(self, outputs: Callable[[str], Sequence[float]]) -> list[tuple[Waiting, float]]:
        rows: list[tuple[Waiting, float]] = []
        for name, rig in self._rigs.items():
            actuator = next((a.plan.name for a in self._actuators.values() if a.plan.rig == name), None)
            there = rig.core.greet(0, list(outputs(actuator)) if actuator else [])
            state = "ready" if there else rig.core.trouble or "silent"
            rows.append((Waiting(name, rig.transport.address, state), max(rig.plan.timeout, _GREETING)))
        for name, (plan, inlet, transport) in self._sensors.items():
            if plan.rig or not plan.required:
                continue
            inlet.drain()
            if inlet.ready:
                state = "ready"
            elif inlet.last_refusal:
                state = f"its messages are refused: {_REFUSALS.get(inlet.last_refusal, inlet.last_refusal)}"
            else:
                state = "connected, no sample yet" if inlet.hello else "silent"
            rows.append((Waiting(name, transport.address, state), plan.start_timeout))
        return rows

    def begin(self) -> None:
        """Tick 0 begins now: times on the tape count from here."""
        self.context.begin()

    def check_hold(self) -> None:
        """Raises UsageError where a rig in lockstep could not be told that the run is held: it would give up."""
        told = {actuator.plan.rig for actuator in self._actuators.values()}
        deaf = [name for name in self._rigs if name not in told]
        if deaf:
            raise UsageError(
                f"rig '{deaf[0]}' has no actuator, by which it would hear that the run is held and not dead; hold"
                " the rig instead"
            )

    def pause(self, tick: int) -> None:
        """Rigs are told the safe values while somebody holds the run."""
        for actuator in self._actuators.values():
            actuator.outlet.safe(tick, PAUSED)

    def drain(self) -> None:
        """Take what has arrived while nothing is stepped, so that it does not grow old in a queue."""
        for sensor in self._sensors.values():
            if sensor.plan.rig is None:
                sensor.inlet.drain()

    def safe(self, tick: int) -> None:
        """The end, whatever it is: all rigs are told the safe values, and goodbye. May be called twice."""
        for actuator in self._actuators.values():
            actuator.outlet.safe(tick, FINAL)
        for rig in self._rigs.values():
            rig.core.goodbye()
        if self._bridge is not None:
            self._bridge.flush()

    def close(self) -> None:
        """Lets go of all addresses; what was sent last has left by then."""
        self.safe(0)
        if self._bridge is not None:
            self._bridge.close()
        for transport in self._transports:
            transport.close()

    # -- figures -----------------------------------------------------------------------------------------

    def inputs(self) -> dict[str, dict[str, Any]]:
        """What was counted at each sensor, for timing.json."""
        found = {}
        for name, (_, inlet, transport) in self._sensors.items():
            figures = inlet.figures()
            refused = figures.pop("refused")
            for reason in ("duplicate", "reordered", "time_reversal"):
                figures[f"{reason}s" if reason != "reordered" else reason] = refused.pop(reason, 0)
            fresh = figures["states"].get("fresh", 0)
            stale = figures["ticks"] - fresh
            found[name] = {
                "address": transport.address,
                **figures,
                "rejected": refused,
                "stale_ticks": stale,
                "stale_share": stale / figures["ticks"] if figures["ticks"] else 0.0,
            }
        return found

    def outputs(self) -> dict[str, dict[str, int]]:
        """What each actuator sent, for timing.json."""
        return {
            name: {"sent": actuator.outlet.sent, "dropped": actuator.outlet.dropped}
            for name, actuator in self._actuators.items()
        }

    def refusals(self) -> list[str]:
        """Peers that were turned away since the last call."""
        return [
            f"{transport.address}: {text}" for transport in self._transports for text in transport.refusals()
        ]

    # -- addresses ---------------------------------------------------------------------------------------

    def _transport(self, endpoint: Endpoint | None, pattern: str) -> Any:
        assert endpoint is not None
        public, secret, allowed = _keys(endpoint)
        if self._library:
            made = _core.zmq_transport(
                endpoint.address, pattern, endpoint.bind, public, secret, allowed, self._prompt
            )
        else:
            made = _core.QueueTransport(endpoint.address)
            if self._bridge is None:
                from crumple.live.bridge import Bridge

                self._bridge = Bridge()
            self._bridge.add(
                made,
                endpoint.address,
                pattern,
                bind=endpoint.bind,
                public=public,
                secret=secret,
                allowed=allowed,
            )
        self._transports.append(made)
        return made


class LiveUnit:
    """Makes its core unit when a world asks for it."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        self._make = make

    def make_unit(self, name: str) -> Any:
        """The core's unit; taken once."""
        return self._make(name)


_REFUSALS = {
    "layout": "they have other channels than the scene says (names, kinds, units or their order differ)",
    "magic": "they are no messages of Crumple",
    "short": "they are no messages of Crumple",
    "version": "they are of another version of the wire format",
    "length": "they have another number of values than channels",
    "value": "they hold a value that is not finite, or not of its channel's kind",
}


def is_local(endpoint: Endpoint) -> bool:
    """Whether who talks over this address is on this machine, and so has its clock."""
    return is_loopback(parse_address(endpoint.address, bind=endpoint.bind))


def _taped(tape: Tape, plan: SensorPlan) -> NDArray[np.float64]:
    """What a sensor gave at every tick, in the order of its ports."""
    names, rows = tape.rows(plan.name)
    wanted = [*(channel.name for channel in plan.channels), *STAMPS]
    if missing := [name for name in wanted if name not in names]:
        raise UsageError(
            f"the tape has no {', '.join(missing)} of sensor '{plan.name}': it is of another scene"
        )
    return rows[:, [names.index(name) for name in wanted]]


def _check_steps(scene: Scene) -> None:
    for rig in scene.rigs:
        if not any(sensor.rig == rig.name for sensor in scene.sensors):
            raise UsageError(f"rig '{rig.name}' has no sensor, and its samples are what paces the run")
        ends: list[SensorPlan | ActuatorPlan] = [*scene.sensors, *scene.actuators]
        steps = {each.every for each in ends if each.rig == rig.name}
        if len(steps) > 1:
            raise UsageError(f"rig '{rig.name}': its sensor and its actuator have the same `every`")


def _keys(endpoint: Endpoint) -> tuple[str, str, list[str]]:
    if endpoint.secret is None:
        return "", "", []
    from crumple.live.keys import read_public, read_secret

    public, secret = read_secret(endpoint.secret)
    return public, secret, [read_public(path) for path in endpoint.keys]


def _channel(channel: Channel) -> dict[str, Any]:
    si = parse_si(channel.si)
    return {
        "port": {
            "name": channel.name,
            "kind": channel.kind,
            "shape": [],
            "si": (si.text, si.factor, si.offset, si.dimension),
            "start": [channel.start],
            "allow_nonfinite": False,
        },
        "wire_si": channel.si,
        "substitute": channel.substitute,
        "safe": channel.safe,
    }


def _ns(seconds: float | None) -> int:
    return -1 if seconds is None else round(seconds * _NS)
