"""Whether a scene has the shape of a scene: the right keys, each holding the right kind of value.

Importing pydantic costs more CPU than a small scene takes to run, and nearly every scene that is run is well
formed. So a document is first held against the JSON Schema, which was made from the models and lies beside
them; only where it does not fit are the models loaded, to say why. `fits` may refuse what the models accept,
never the reverse.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path as File
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from crumple.description import closest
from crumple.scene.text import TIMING, listed, shown

if TYPE_CHECKING:
    from pydantic import BaseModel

    from crumple.scene.lines import Path

SCHEMA = File(__file__).with_name("schema.json")


class Fault(NamedTuple):
    """What is wrong with the key at `path`; it may be a key that is missing."""

    path: Path
    text: str


@lru_cache(maxsize=1)
def scene_schema() -> dict[str, Any]:
    """The JSON Schema of a scene file."""
    schema: dict[str, Any] = msgspec.json.decode(SCHEMA.read_bytes())
    return schema


def shape_faults(tree: Mapping[str, Any]) -> list[Fault]:
    """All that is wrong with the shape of a whole scene. References ("$name") are to be resolved before."""
    schema = scene_schema()
    return [] if fits(tree, schema, schema["$defs"]) else list(_faults_by_models(tree))


def prune(tree: dict[str, Any], faults: list[Fault]) -> None:
    """Take out what is wrong, so that the rest can be looked at."""
    for fault in sorted(faults, key=lambda f: [str(part) for part in f.path], reverse=True):
        node: Any = tree
        for part in fault.path[:-1]:
            try:
                node = node[part]
            except (KeyError, IndexError, TypeError):
                node = None
                break
        if isinstance(node, dict) and fault.path:
            node.pop(fault.path[-1], None)
        elif isinstance(node, list) and isinstance(fault.path[-1], int) and fault.path[-1] < len(node):
            del node[fault.path[-1]]


# ---- the schema

_TYPES: dict[str, Any] = {"string": str, "boolean": bool, "array": list, "object": dict}


def fits(value: Any, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> bool:
    """Whether `value` is valid under a JSON Schema. Only the keywords that our own schema uses are known."""
    if "$ref" in schema:
        return fits(value, definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "const" in schema and (value != schema["const"] or type(value) is not type(schema["const"])):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if "type" in schema and not _has_type(value, schema["type"]):
        return False
    for keyword, least, most in (("anyOf", 1, math.inf), ("oneOf", 1, 1)):
        if (
            keyword in schema
            and not least <= sum(fits(value, s, definitions) for s in schema[keyword]) <= most
        ):
            return False
    if isinstance(value, str):
        return "pattern" not in schema or re.fullmatch(schema["pattern"], value) is not None
    if isinstance(value, list):
        return "items" not in schema or all(fits(item, schema["items"], definitions) for item in value)
    if isinstance(value, dict):
        return _object_fits(value, schema, definitions)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return bool(schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf))
    return True


def _has_type(value: Any, types: str | list[str]) -> bool:
    for name in [types] if isinstance(types, str) else types:
        if name in ("number", "integer"):
            number = isinstance(value, int if name == "integer" else int | float) and not isinstance(
                value, bool
            )
            if number and math.isfinite(value):
                return True
        elif isinstance(value, _TYPES[name]):
            return True
    return False


def _object_fits(value: dict[str, Any], schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> bool:
    if len(value) < schema.get("minProperties", 0) or any(
        key not in value for key in schema.get("required", ())
    ):
        return False
    known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    patterns = schema.get("patternProperties", {})
    for key, item in value.items():
        of_key = known.get(key)
        if of_key is None:
            of_key = next((s for pattern, s in patterns.items() if re.fullmatch(pattern, key)), others)
        if of_key is False or (of_key is not True and not fits(item, of_key, definitions)):
            return False
    return True


# ---- the models

_TAGS = ("plain", "table", "array", "budget")  # of unions, in pydantic's locations
_NO_CHANNEL = "is empty: a message has at least one number."
_TABLES = {"model_type", "model_attributes_type", "dict_type", "dict_attributes_type"}


def _faults_by_models(tree: Mapping[str, Any]) -> Iterator[Fault]:
    from pydantic import ValidationError

    from crumple.scene.model import SceneFile

    try:
        SceneFile.model_validate(tree)
    except ValidationError as error:
        for found in error.errors(include_url=False):
            yield _fault(tree, found)


def _fault(tree: Mapping[str, Any], found: Any) -> Fault:
    """One mistake of pydantic's in our words."""
    path, rest = _follow(tree, found["loc"])
    kind = found["type"]
    if kind == "missing":
        key = str(rest[-1])
        return Fault((*path, key), f"is missing. {_description(path, key)}".rstrip())
    if kind == "extra_forbidden":
        return Fault(path, _unknown_key(path))
    if kind == "value_error":
        return Fault(path, str(found["ctx"]["error"]))
    if kind in _TABLES:
        return Fault(path, f"must be a table, not {shown(found['input'])}.")
    if kind == "too_short":
        return Fault(path, "is empty: a scene has at least one unit." if path == ("units",) else _NO_CHANNEL)
    return Fault(path, f"{found['msg']}.")


def _follow(tree: Any, loc: tuple[str | int, ...]) -> tuple[Path, list[str | int]]:
    """The part of pydantic's location that is a path in the document, without its tags, and what is left."""
    path: Path = ()
    rest = list(loc)
    node = tree
    while rest:
        part = rest[0]
        there = (
            part in node if isinstance(node, dict) else isinstance(node, list) and part in range(len(node))
        )
        if there:
            node = node[part]
        elif len(rest) > 1 and part in _TAGS:
            rest.pop(0)
            continue
        else:
            break
        path = (*path, part)
        rest.pop(0)
    return path, rest


def _model_at(path: Path) -> type[BaseModel] | None:
    """The model of the table at `path`."""
    from crumple.scene import model, model_faults, model_live

    if not path:
        return model.SceneFile
    first = path[0]
    if path[-1] == "limits" and (path == ("isolation", "limits") or (first == "units" and len(path) == 3)):
        return model.LimitsTable
    if first == "record":
        return model.RecordTable
    if path == ("requirements", TIMING):
        return model_live.TimingTable
    if len(path) == 4 and path[2] == "channels":
        channels: dict[Any, type[BaseModel]] = {
            "actuators": model_live.OutChannelTable,
            "sensors": model_live.ChannelTable,
        }
        return channels.get(first)
    single: dict[Any, type[BaseModel]] = {
        "clock": model.ClockTable,
        "isolation": model.IsolationTable,
        "keys": model_live.KeysTable,
        "pacing": model_live.PacingTable,
    }
    named: dict[Any, type[BaseModel]] = {
        "actuators": model_live.ActuatorTable,
        "connect": model.LinkTable,
        "faults": model_faults.FaultTable,
        "metrics": model.MetricTable,
        "parameters": model.ParameterTable,
        "requirements": model.RequirementTable,
        "rigs": model_live.RigTable,
        "sensors": model_live.SensorTable,
        "units": model.UnitTable,
    }
    if len(path) == 1:
        return single.get(first)
    return named.get(first) if len(path) == 2 else None


def _keys(model: type[BaseModel]) -> dict[str, str]:
    """The keys of a table with their descriptions."""
    return {field.alias or name: field.description or "" for name, field in model.model_fields.items()}


def _description(path: Path, key: str) -> str:
    model = _model_at(path)
    if model is None:
        return ""
    if not path and key == "clock":
        return 'Write [clock] with a period and a stop, such as "1 ms" and "2 s".'
    if not path and key == "crumple":
        return "Write crumple = 1 at the top: the version of this format."
    if not path and key == "units":
        return "Write a table for each, as in [units.vehicle]."
    return _keys(model).get(key, "")


def _unknown_key(path: Path) -> str:
    from crumple.scene import model, model_live

    key = str(path[-1])
    known = _model_at(path[:-1])
    keys = _keys(known) if known is not None else {}
    if path[:2] == ("requirements", TIMING) and key in _keys(model.RequirementTable):
        return f'has no meaning in a timing budget, which "{TIMING}" is; name the requirement otherwise.'
    near = "".join(f' Did you mean "{name}"?' for name in closest(key, keys, limit=1))
    for name, table in (("clock", model.ClockTable), ("pacing", model_live.PacingTable)):
        if key in _keys(table) and (len(path) == 1 or path[0] in ("clock", "pacing")):
            near = f" It belongs in [{name}]."
    if len(path) == 1 and key in _keys(model.IsolationTable):
        near = " It belongs in [isolation], or to a unit."
    return f"unknown key.{near or f' There are: {listed(keys, most=20)}.'}"
