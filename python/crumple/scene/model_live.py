"""The shape of what a scene says of live inputs and outputs, pacing and timing. See `model`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Discriminator, Field, PlainValidator, Tag

from crumple.scene.model_values import (
    Count,
    Flag,
    Name,
    Natural,
    Number,
    Quantity,
    Table,
    Text,
    TextOrTexts,
    Value,
    kind_of,
    one_of,
    words,
)

_KINDS = ("real", "integer", "boolean")
_POLICIES = ("hold", "extrapolate", "substitute", "fail_safe", "stop")
Kind = Annotated[Any, PlainValidator(one_of(*_KINDS)), words(*_KINDS)]
Policy = Annotated[Any, PlainValidator(one_of(*_POLICIES)), words(*_POLICIES)]
_ZMQ_OR_RIG: dict[str, Any] = {"oneOf": [{"required": ["zmq"]}, {"required": ["rig"]}]}


class PacingTable(Table):
    """[pacing]: how a run that the wall clock paces keeps time."""

    speed: Number = Field(default=1.0, description="Simulated seconds in a second of wall time.")
    strict: Flag = Field(
        default=False,
        description="End the run where it falls behind by more than `catch_up`; else the schedule slips.",
    )
    catch_up: Natural = Field(
        default=3, description="How many periods the run may be late before it gives up hope."
    )
    grace: Quantity = Field(
        default="100 ms", description="Wall time at the start in which late ticks do not count."
    )
    spin: Quantity = Field(
        default="0 us", description="Busy waiting before a deadline: sharper, at the cost of a core."
    )
    fifo: Flag = Field(default=True, description="Ask the system for real-time priority.")
    locked: Flag = Field(default=True, description="Ask the system to keep all memory in RAM.")
    awake: Flag = Field(
        default=True, description="Ask the system to keep idle processors from falling asleep."
    )


class KeysTable(Table):
    """[keys]: whom this bench is to those it talks to over a network."""

    secret: Text = Field(
        description="The file of this bench's secret key, from this file's folder, as `crumple keys new` makes it."
    )


class EndpointTable(Table):
    """What all that talks over ZeroMQ has in common."""

    bind: Flag = Field(
        default=None, description="true: wait at the address; false: connect to who waits there."
    )
    key: TextOrTexts = Field(
        default=None,
        description="Files of the public keys of those who may talk to it; encrypted then. Needed off this machine.",
    )


class ChannelTable(Table):
    """A channel of a sensor: a number on the wire."""

    si: Text = Field("1", description='Its unit of measure, such as "m/s^2".')
    kind: Kind = Field(default="real", description="real, integer or boolean.")
    start: Value = Field(default=0, description="Its value before the first message.")
    substitute: Value = Field(
        default=None, description='What stands in for it under policy "substitute"; `start` if left out.'
    )


class OutChannelTable(Table):
    """A channel of an actuator: a number on the wire, and the output that it is."""

    from_: Text = Field(
        default=None,
        alias="from",
        description='The output that is sent: "unit.port". Or feed it in [connect].',
    )
    si: Text = Field(
        default=None, description="Its unit of measure on the wire; by default that of the output."
    )
    kind: Kind = Field(default=None, description="real, integer or boolean; by default that of the output.")
    safe: Value = Field(default=0, description="What is sent when the run ends, however it ends.")
    same_tick: Flag = Field(
        default=True, description="Send what is computed in this tick; else what was published before it."
    )
    scale: Number = Field(default=None, description="As in [connect]: sent = output * scale + offset.")
    offset: Number = Field(default=None, description="As in [connect]: sent = output * scale + offset.")


Channel = Annotated[
    Annotated[Text, Tag("plain")] | Annotated[ChannelTable, Tag("table")], Discriminator(kind_of)
]
OutChannel = Annotated[
    Annotated[Text, Tag("plain")] | Annotated[OutChannelTable, Tag("table")], Discriminator(kind_of)
]


class SensorTable(EndpointTable):
    """[sensors.NAME]: a live input; its channels are outputs of a unit of this name."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_ZMQ_OR_RIG)

    zmq: Text = Field(
        default=None, description='Where its samples come from: "tcp://127.0.0.1:5555", "ipc:///tmp/rig".'
    )
    rig: Text = Field(default=None, description="The rig that it belongs to, in lockstep.")
    channels: dict[Name, Channel] = Field(
        description="The numbers of a message in their order, each with its unit of measure: "
        '{ acceleration = "m/s^2" }.',
        min_length=1,
    )
    max_age: Quantity = Field(
        default=None, description="Age from which a sample is stale, and `policy` applies."
    )
    stop_age: Quantity = Field(default=None, description="Age from which the run ends, whatever the policy.")
    policy: Policy = Field(
        default="hold", description="What stands for a stale sample: " + ", ".join(_POLICIES) + "."
    )
    queue: Flag = Field(default=False, description="Use every message, one a tick; else the newest.")
    every: Count = Field(default=1, description="Ticks between two samples.")
    required: Flag = Field(default=True, description="The run begins with its first sample, and not without.")
    start_timeout: Quantity = Field(default="10 s", description="How long its first sample is waited for.")
    stale_max: Quantity = Field(
        default=0, description="Share of ticks without a fresh sample that a pass may have."
    )
    lost_max: Natural = Field(
        default=None, description="Lost messages that a pass may have; any number if left out."
    )


class ActuatorTable(EndpointTable):
    """[actuators.NAME]: a live output; its channels are inputs of a unit of this name."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_ZMQ_OR_RIG)

    zmq: Text = Field(
        default=None, description='Where it is sent from: "tcp://127.0.0.1:5556", "ipc:///tmp/rig".'
    )
    rig: Text = Field(default=None, description="The rig that it belongs to, in lockstep.")
    channels: dict[Name, OutChannel] = Field(
        description='The numbers of a message in their order, each with the output that it is: { fire = "ecu.fire" }.',
        min_length=1,
    )
    every: Count = Field(default=1, description="Ticks between two messages.")


class RigTable(EndpointTable):
    """[rigs.NAME]: a peer whose messages pace the run, tick by tick."""

    zmq: Text = Field(description='Where it is met: "tcp://127.0.0.1:5600".')
    timeout: Quantity = Field(description='Wall time that each of its messages is waited for, as in "2 s".')


class TimingTable(Table):
    """[requirements.timing]: the timing budget of a live run."""

    missed_max: Quantity = Field(
        default=None, description="Share of ticks that may end after their deadline."
    )
    slips_max: Natural = Field(default=None, description="How often the schedule may slip.")
    late_p99_max: Quantity = Field(
        default=None, description="99 of 100 ticks begin no later than this after their time."
    )
    age_p99_max: Quantity = Field(
        default=None,
        description="99 of 100 samples of each sensor are no older than this when they are used.",
    )
    doc: Text = Field("", description="Why this is required.")
