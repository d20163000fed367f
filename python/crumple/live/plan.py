"""What a scene says of live inputs and outputs, of pacing and of faults, once it is read and checked."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

from crumple.faults import FaultPlan

__all__ = ["FaultPlan"]  # besides what is defined here, for those who take all plans from one place

ChannelKind = Literal["real", "integer", "boolean"]
Mode = Literal["free", "realtime", "lockstep"]
Policy = Literal["hold", "extrapolate", "substitute", "fail_safe", "stop"]

# Outputs that every sensor has besides its channels, with their units of measure.
STAMPS: dict[str, tuple[ChannelKind, str]] = {
    "age": ("real", "s"),  # of the sample that is used, when it was latched
    "state": ("integer", "1"),  # see STATES
    "sequence": ("integer", "1"),  # of the sample; 0: none yet
    "sample_time": ("real", "s"),  # simulated time that the sender gave it
    "source_time": ("real", "s"),  # when it was sent, and
    "arrival_time": ("real", "s"),  # when it was seen here, both since the clock of the run began
}
STATES = ("none", "fresh", "held", "extrapolated", "substituted", "fail_safe")


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A number on the wire. Its place in the message is its place in the list.

    si: unit of measure.   start: value before the first message.   substitute: of a sensor, what stands in for
    it where policy is "substitute"; by default `start`.   safe: of an actuator, what it is told at the end.
    source: of an actuator, the output that feeds it, "unit.port".
    """

    name: str
    kind: ChannelKind = "real"
    si: str = "1"
    start: float = 0.0
    substitute: float = 0.0
    safe: float = 0.0
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An address of ZeroMQ. bind: this side waits there; else it connects.

    secret: file of this side's secret key.   keys: of the public keys of those it talks to, nobody else;
    for a connecting side the one of the server. Without files there is no encryption: loopback only.
    """

    address: str
    bind: bool = False
    secret: Path | None = None
    keys: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorPlan:
    """A live input. Either `endpoint` (SUB) or `rig`, the name of a peer that paces the run, is None.

    max_age [s, wall time]: older than that, `policy` applies; None: no limit.   stop_age [s]: older than that
    the run ends whatever the policy says; None: never.   queue: every message is used, one a tick, where True;
    else the newest.   every: ticks between two samples.   required: the run begins with its first sample, and
    does not without.   start_timeout [s, wall time]: how long that is waited for.
    stale_max: share of ticks that may go without a fresh value before no run can pass any more.
    lost_max: messages that may be lost (gaps, overflows of the queue) before no run can pass; None: any number.
    """

    name: str
    channels: tuple[Channel, ...]
    endpoint: Endpoint | None = None
    rig: str | None = None
    max_age: float | None = None
    stop_age: float | None = None
    policy: Policy = "hold"
    queue: bool = False
    every: int = 1
    required: bool = True
    start_timeout: float = 10.0
    stale_max: float = 0.0
    lost_max: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActuatorPlan:
    """A live output, sent every `every` ticks. Either `endpoint` (PUB) or `rig` is None."""

    name: str
    channels: tuple[Channel, ...]
    endpoint: Endpoint | None = None
    rig: str | None = None
    every: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RigPlan:
    """A peer in lockstep (it has a DEALER, we the ROUTER): its message begins a step, our answer ends it.

    timeout [s, wall time]: how long its next message is waited for, the first one included.
    """

    name: str
    endpoint: Endpoint
    timeout: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PacingPlan:
    """How the run keeps time.

    mode: free (as fast as possible), realtime (the clock paces), lockstep (a rig paces).
    speed: simulated seconds a second.   strict: the run ends where it is more than `catch_up` periods late; else
    the schedule slips.   grace [s, wall time]: at the start, misses do not count.   spin [s]: busy waiting before
    a deadline.   fifo: real-time priority, locked: memory stays in RAM, awake: idle processors do not fall asleep;
    each where the system allows it.
    """

    mode: Mode = "free"
    speed: float = 1.0
    strict: bool = False
    catch_up: int = 3
    grace: float = 0.1
    spin: float = 0.0
    fifo: bool = True
    locked: bool = True
    awake: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingPlan:
    """The timing budget, `[requirements.timing]`. None: no limit.

    missed_max: share of ticks that end after their deadline.   slips_max: how often the schedule may slip.
    late_p99_max [s]: 99 of 100 ticks begin no later than that after their time.
    age_p99_max [s]: 99 of 100 samples, of each sensor, are no older than that when they are latched.
    """

    missed_max: float | None = None
    slips_max: int | None = None
    late_p99_max: float | None = None
    age_p99_max: float | None = None
    doc: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePlan:
    """All that is live in a scene. period [s] is the scene's own."""

    period: Fraction
    sensors: tuple[SensorPlan, ...] = ()
    actuators: tuple[ActuatorPlan, ...] = ()
    rigs: tuple[RigPlan, ...] = ()
