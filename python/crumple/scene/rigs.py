"""Rigs, which pace a run in lockstep, and whom each sensor and actuator talks to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from crumple import wording
from crumple.live.plan import Endpoint, RigPlan
from crumple.scene.document import Document
from crumple.scene.drafted import Drafted
from crumple.scene.endpoints import Endpoints
from crumple.scene.text import did_you_mean, listed

if TYPE_CHECKING:
    from crumple.scene.lines import Path

_IN_LOCKSTEP = "has no meaning in lockstep: each step has its sample, and none is stale. Take it out."
_OF_AGE = ("max_age", "stop_age", "policy", "stale_max")
_OF_START = ("start_timeout", "required")
_OTHERS = {"bind", "key", "channels", "every", "queue", "lost_max", *_OF_AGE, *_OF_START}  # than an address


class Place(NamedTuple):
    """Where a sensor or an actuator is found: at an address of its own, or with a rig. Neither: not known."""

    endpoint: Endpoint | None = None
    rig: str | None = None


def _may_be_address(path: Path) -> bool:
    """Whether a faulty key of a sensor or an actuator may have been meant to say where it is."""
    return bool(path) and path[0] not in _OTHERS


class Rigs:
    """The rigs of a scene, and who belongs to each."""

    def __init__(self, document: Document, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._tables: dict[str, Any] = document.tree.get("rigs", {})
        self._drafted = {name: Drafted(document, ("rigs", name), t) for name, t in self._tables.items()}
        self._members: dict[tuple[str, str], Drafted] = {}  # by rig and kind

    def place(self, drafted: Drafted, kind: str, *, bind: bool) -> Place:
        """Whom a sensor or an actuator talks to. bind: whether it does at an address of its own, unless it says."""
        table = drafted.table
        if "rig" in table and "zmq" in table:
            fact = "is there as well as zmq: it has an address of its own, or it belongs to a rig."
            drafted.fault("rig", f"{fact} Take one of them out.")
        elif "rig" in table:
            self._enter(drafted, kind)
            return Place(rig=table["rig"])
        elif "zmq" in table:
            return Place(endpoint=self._endpoints.read(drafted, f"{kind} {drafted.name}", bind=bind))
        elif not any(
            _may_be_address(path[2:]) for path in drafted.document.faulty if path[:2] == drafted.path
        ):
            remedy = 'write zmq = "tcp://127.0.0.1:5555", or in lockstep rig = "...".'
            drafted.fault("", f"has no address: {remedy}")
        return Place()

    def _enter(self, drafted: Drafted, kind: str) -> None:
        """A sensor or an actuator that names a rig."""
        name = drafted.table["rig"]
        if name in self._tables:
            first = self._members.setdefault((name, kind), drafted)
            if first is not drafted:
                fact = f'"{name}" has the {kind} "{first.name}" already, and takes one.'
                drafted.fault("rig", f"{fact} Put all channels into that.")
        else:
            others = f" There are: {listed(self._tables)}." if self._tables else f" Write [rigs.{name}]."
            remedy = did_you_mean(name, self._tables) or others
            drafted.fault("rig", f'this scene has no rig "{name}".{remedy}')
        facts = {
            **dict.fromkeys(("bind", "key"), f"belongs to the rig: write it in [rigs.{name}]."),
            **dict.fromkeys(_OF_START, f"is the rig's: it has timeout in [rigs.{name}]."),
            **dict.fromkeys(("queue", *_OF_AGE), _IN_LOCKSTEP),
        }
        for key, fact in facts.items():
            if key in drafted.table:
                drafted.fault(key, fact)

    def plans(self, *, mode: str) -> list[RigPlan]:
        """All rigs that somebody belongs to, once everybody has entered. mode: what paces the run."""
        plans: list[RigPlan] = []
        for name, drafted in self._drafted.items():
            if mode != "lockstep" and not any(rig == name for rig, _ in self._members):
                fact = "nothing belongs to it in this run"  # as where an including file gave all others addresses
                drafted.document.warnings.append(f"rig {name}: {fact}, which no rig paces")
                continue
            timeout = drafted.time("timeout")
            if "zmq" in drafted.table:
                endpoint = self._endpoints.read(drafted, f"rig {name}", bind=True)
                plans.append(RigPlan(name=name, endpoint=endpoint, timeout=timeout or 1.0))
            if mode == "lockstep":
                self._check_members(drafted)
        self._endpoints.check()
        return plans

    def _check_members(self, drafted: Drafted) -> None:
        sensor, actuator = (self._members.get((drafted.name, kind)) for kind in ("sensor", "actuator"))
        if sensor is None:
            if not any(path[0] in ("sensors", "rigs") for path in drafted.document.faulty):
                fact = "paces the run by what it sends, and no sensor takes that."
                drafted.fault("", f'{fact} Write rig = "{drafted.name}" in a sensor, or take the rig out.')
        elif actuator is not None:
            taken, answered = (each.table.get("every", 1) for each in (sensor, actuator))
            if taken != answered:
                steps = [wording.count(n, "tick") for n in (answered, taken)]
                fact = f"the rig is answered every {steps[0]}, and heard every {steps[1]}."
                key = "every" if "every" in actuator.table else "rig"
                actuator.fault(key, f"{fact} Give both the same every.")
