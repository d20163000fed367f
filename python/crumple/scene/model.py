"""The shape of a scene file, as pydantic models. What the keys mean together is the business of `check`.

Every description here goes into the JSON Schema, which editors show while a scene is written. After a change,
write the schema anew:

    python -m crumple.scene.model > python/crumple/scene/schema.json

Importing pydantic costs a tenth of a second: only `crumple.scene.shape` imports this module, where it must.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, PlainValidator, Tag

from crumple.scene.model_faults import FaultTable
from crumple.scene.model_live import (
    ActuatorTable,
    KeysTable,
    PacingTable,
    RigTable,
    SensorTable,
    TimingTable,
)
from crumple.scene.model_values import (
    VALUE_SCHEMA,
    Count,
    End,
    Flag,
    Name,
    Number,
    Quantity,
    Seed,
    Size,
    Table,
    Text,
    TextOrTexts,
    Texts,
    Value,
    Version,
    kind_of,
    one_of,
    words,
)
from crumple.scene.text import NAME, TIMING

_MODES = ("free", "realtime", "lockstep")
Mode = Annotated[Any, PlainValidator(one_of(*_MODES)), words(*_MODES)]


def _record_kind(value: Any) -> str:
    return "array" if isinstance(value, list) else "table"


class ClockTable(Table):
    """[clock]: the base step of the run and its end."""

    period: Quantity = Field(
        description='Base step: a time such as "100 us" or "1/60 s", or a rate such as "60 Hz".'
    )
    stop: Quantity = Field(description="Time at which the run ends: a whole number of periods after `start`.")
    start: Quantity = Field(0, description="Time of the first communication point.")
    seed: Seed = Field(0, description="Seed of all random streams; `--seed` overrides it.")
    threads: Count = Field(None, description="Most threads to use; results never depend on it.")
    mode: Mode = Field(
        "free",
        description="What paces the run: nothing (free), the wall clock (realtime), or a rig (lockstep).",
    )
    end_when: Text = Field(
        "", description='The run ends, complete, at the first tick where this is true: "car.speed < 0.1 m/s".'
    )


class ParameterTable(Table):
    """A parameter of the scene with its limits, used elsewhere as "$name"."""

    default: Value = Field(description="Its value unless `--set name=value` gives another.")
    si: Text = Field(
        None, description='Its unit of measure: values are plain numbers in it, and "$name" carries it.'
    )
    min: Quantity = Field(None, description="Least value allowed.")
    max: Quantity = Field(None, description="Greatest value allowed.")
    choices: list[Value] = Field(
        default_factory=list, description="The only values that it can have: texts, or numbers."
    )
    doc: Text = Field("", description="What it means.")


class MetricTable(Table):
    """[metrics.NAME]: a number of the run, for its verdict and for tables of cases."""

    value: Text = Field(
        description='An expression such as "max(car.speed)", or a formula of such: "$(max(a.x) - min(b.x))".'
    )
    si: Text = Field("", description="Unit of measure in which it is told.")
    doc: Text = Field("", description="What it means.")


class LimitsTable(Table):
    """What a worker process may use."""

    memory: Size = Field(default="4 GiB", description="Most memory of its worker process.")
    file_size: Size = Field(default="1 GiB", description="Size beyond which no file that it writes can grow.")
    processes: Flag = Field(
        default=None,
        description="Whether it may start processes; by default only an FMU may that says it needs its tool.",
    )
    write: Flag = Field(
        default=False, description="Whether it may write to files, where the system can forbid it."
    )
    network: Flag = Field(
        default=True, description="Whether it may use the network, where the system can forbid it."
    )


class IsolationTable(Table):
    """[isolation]: where units run that do not say so themselves."""

    isolate: Flag = Field(
        default=None,
        description="true: in a worker process, false: in Crumple's own. "
        "By default plugins and FMUs that passed `crumple vet` run in Crumple's own, other FMUs in workers.",
    )
    step_timeout: Quantity = Field(
        default="10 s",
        description="Wall time that each call to a worker may take before the run ends as an error.",
    )
    limits: LimitsTable = Field(
        default=LimitsTable(), description="What a worker process may use; the system enforces it."
    )


class UnitTable(IsolationTable):
    """[units.NAME]: one instance of a model, either an FMU or a Python plugin."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"oneOf": [{"required": ["fmu"]}, {"required": ["plugin"]}]}
    )

    fmu: Text = Field(
        None, description="A bundled FMU by name, or the path of an FMU, from this file's folder."
    )
    plugin: Text = Field(
        None, description='The name of an installed plugin, or "file.py:Class", from this file\'s folder.'
    )
    start: dict[str, Value] = Field(
        default={}, description="FMU: start values and parameters by variable name."
    )
    with_: dict[str, Value] = Field(default={}, alias="with", description="Plugin: its parameters by name.")
    count: Count = Field(
        None, description='Make that many, "cell_001" and so on; "$index" is the number of each.'
    )
    every: Count = Field(None, description="Step of this unit in base periods.")
    period: Quantity = Field(None, description="The same as a time: a whole multiple of the base period.")
    record: TextOrTexts = Field(
        default=[],
        description="FMU: patterns of local variables that become outputs, so that they are recorded.",
    )
    allow_nonfinite: Texts = Field(default=[], description="Outputs that may be NaN or infinite.")
    allow_warnings: Flag = Field(False, description="FMU: go on when it answers with a warning.")
    tell_stop: Flag = Field(
        False,
        description="FMU: tell it when the run stops; some models need it, and some refuse to go beyond.",
    )
    strict: Flag = Field(False, description="FMU: refuse it where its description is not quite valid.")


class LinkTable(Table):
    """A connection with its particulars."""

    from_: Text = Field(
        alias="from", description='The output that feeds this input: "unit.port" or "unit.port[2]".'
    )
    same_tick: Flag = Field(
        False, description="Wait for the source within the tick, and read its fresh value."
    )
    scale: Number = Field(None, description="input = output * scale + offset, instead of unit conversion.")
    offset: Number = Field(None, description="input = output * scale + offset, instead of unit conversion.")


class RecordTable(Table):
    """[record], or one of several [[record]]: which signals are kept, and how often."""

    signals: TextOrTexts = Field(
        default=["*"], description='Outputs by name or pattern: "vehicle.*". All where nothing is said.'
    )
    every: Count = Field(None, description="Keep every n-th communication point.")
    period: Quantity = Field(None, description="The same as a time: a whole multiple of the base period.")


class RequirementTable(Table):
    """[requirements.NAME]: what must hold, of a signal at all times, of a metric of the run, or over time."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "oneOf": [{"required": ["signal"]}, {"required": ["metric"]}, {"required": ["holds"]}]
        },
    )

    holds: Text = Field(
        None,
        description='A formula over time: "always(a.x > 1 m implies eventually[0, 300 ms](a.y < 5 m/s))".',
    )
    stop: Flag = Field(False, description="With holds: the run ends when it is decided.")
    signal: Text = Field(None, description='A signal, "unit.port", or a filter of one: "cfc60(unit.port)".')
    metric: Text = Field(None, description='A number of the run, as in "hic15(occupant.head_acceleration)".')
    max: Quantity = Field(None, description="Must not be above this.")
    min: Quantity = Field(None, description="Must not be below this.")
    equals: Value = Field(None, description="Must be this, give or take `within`.")
    within: Quantity = Field(None, description="How far from `equals` it may be.")
    from_: Quantity = Field(None, alias="from", description="Time from which it must hold.")
    until: Quantity = Field(None, description="Time until which it must hold.")
    at: End = Field("end", description='"end": it must hold at the end of the run only.')
    when: Text = Field(
        None,
        description='Only where parameters of the scene are so: "speed > 20 km/h and mass >= 1 t".',
    )
    doc: Text = Field("", description="Why this is required.")


ParameterValue = Annotated[
    Annotated[Value, Tag("plain")] | Annotated[ParameterTable, Tag("table")], Discriminator(kind_of)
]
DerivedValue = Annotated[
    Annotated[Value, Tag("plain")] | Annotated[dict[str, Value], Tag("table")], Discriminator(kind_of)
]
Source = Annotated[Annotated[Text, Tag("plain")] | Annotated[LinkTable, Tag("table")], Discriminator(kind_of)]
Records = Annotated[
    Annotated[RecordTable, Tag("table")] | Annotated[list[RecordTable], Tag("array")],
    Discriminator(_record_kind),
]


class _Budget(dict[str, Any]):
    """The table [requirements.timing], which is told from other requirements by its name."""


def _mark_budget(tables: Any) -> Any:
    if isinstance(tables, dict) and isinstance(tables.get(TIMING), dict):
        return {**tables, TIMING: _Budget(tables[TIMING])}
    return tables


def _requirement_kind(value: Any) -> str:
    return "budget" if isinstance(value, _Budget | TimingTable) else "table"


Requirement = Annotated[
    Annotated[RequirementTable, Tag("table")] | Annotated[TimingTable, Tag("budget")],
    Discriminator(_requirement_kind),
]
Requirements = Annotated[dict[Name, Requirement], BeforeValidator(_mark_budget)]


class SceneFile(Table):
    """A scene of Crumple: units, how they are connected, and what must hold of them."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"anyOf": [{"required": ["units"]}, {"required": ["sensors"]}]}
    )

    crumple: Version = Field(description="Version of this format.")
    title: Text = Field("", description="One line that says what happens.")
    description: Text = Field("", description="More about it.")
    include: TextOrTexts = Field(
        default=[],
        description="Files to read first, from this file's folder, or bundled scenes by name; keys here win.",
    )
    clock: ClockTable
    parameters: dict[Name, ParameterValue] = Field(
        default={}, description='Values that `--set` and campaigns vary, used as "$name".'
    )
    derived: dict[Name, DerivedValue] = Field(
        default={},
        description='Values computed from parameters: a formula "$(gap + 4 m)", or a table by the value of one.',
    )
    isolation: IsolationTable = Field(
        default=IsolationTable(), description="Where units run that do not say so themselves."
    )
    units: dict[Name, UnitTable] = Field(
        default={}, description="The instances of models by name.", min_length=1
    )
    pacing: PacingTable = Field(
        default=PacingTable(), description="How a run that the wall clock paces keeps time."
    )
    keys: KeysTable = Field(
        default=KeysTable(secret=""), description="Whom this bench is to those it talks to over a network."
    )
    sensors: dict[Name, SensorTable] = Field(
        default={}, description="Live inputs by name: what comes over ZeroMQ while the run goes on."
    )
    actuators: dict[Name, ActuatorTable] = Field(
        default={}, description="Live outputs by name: what is sent over ZeroMQ while the run goes on."
    )
    rigs: dict[Name, RigTable] = Field(default={}, description="Peers by name that pace a run in lockstep.")
    connect: dict[str, Source] = Field(default={}, description='"unit.input" = "unit.output".')
    record: Records = Field(
        default_factory=list, description="What is recorded; all outputs at every tick by default."
    )
    requirements: Requirements = Field(
        default={}, description='What must hold. "timing" is the timing budget of a live run.'
    )
    faults: dict[Name, FaultTable] = Field(
        default={},
        description="Disturbances by name: inputs, outputs, parameters and units, made wrong on purpose.",
    )
    metrics: dict[Name, MetricTable] = Field(
        default={}, description="Numbers of the run by name, beside its verdict."
    )
    view: dict[str, Any] = Field(default={}, description="For viewers; kept, without effect on the run.")


def build_schema() -> dict[str, Any]:
    """The JSON Schema of a scene file, for editors and for `crumple.scene.shape`."""
    schema = SceneFile.model_json_schema()
    requirements = schema["properties"]["requirements"]
    requirements["properties"] = {
        TIMING: {"$ref": "#/$defs/TimingTable", "description": "The timing budget."}
    }
    requirements["patternProperties"] = {f"^(?!{TIMING}$){NAME}$": {"$ref": "#/$defs/RequirementTable"}}
    schema["$defs"]["Value"] = {"type": ["number", "string", "boolean", "array"], "items": dict(VALUE_SCHEMA)}
    _tidy(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Crumple scene"}


def _tidy(node: Any) -> None:
    """Leave out what pydantic adds for its own sake: a title on every key, and defaults that say nothing."""
    if isinstance(node, list):
        for item in node:
            _tidy(item)
    if not isinstance(node, dict):
        return
    if node.get("format") == "value":
        node["$ref"] = "#/$defs/Value"
    for key in ("title", "discriminator", "format"):
        node.pop(key, None)
    if node.get("default", 0) in (None, "", "end") or isinstance(node.get("default"), list | dict):
        del node["default"]
    if node.get("additionalProperties") is True:
        del node["additionalProperties"]  # some versions of pydantic say so, some leave it out
    if "patternProperties" in node:
        node["additionalProperties"] = False
    for key, value in node.items():
        if key in (
            "$defs",
            "properties",
            "patternProperties",
        ):  # its keys are names, not words of JSON Schema
            for schema in value.values():
                _tidy(schema)
        else:
            _tidy(value)


if __name__ == "__main__":
    import json

    print(json.dumps(build_schema(), indent=1))
