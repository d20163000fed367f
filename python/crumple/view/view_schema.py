"""The JSON Schema of the [view] table, for editors; `crumple.view.scene_view.check` knows more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crumple.view import vocabulary as words
from crumple.view.view_values import COLOUR, MOST_SHAPES
from crumple.view.vocabulary import Key

_ANY = {"type": ["number", "string"]}
_PAIR = {"type": "array", "items": _ANY, "minItems": 2, "maxItems": 2}
_SCHEMAS: dict[str, dict[str, Any]] = {
    "flag": {"type": "boolean"},
    "count": {"type": "integer", "minimum": 0, "maximum": MOST_SHAPES},
    "point": _PAIR,
    "extent": _PAIR,
    "range": _PAIR,
    "range_any": _PAIR,
    "points": {"type": "array", "items": _PAIR, "minItems": 2},
    "signals": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 6},
    "limits": {"anyOf": [_ANY, {"type": "array", "items": _ANY}]},
    "words": {"type": "object", "additionalProperties": _ANY},
    "colours": {"type": "object", "additionalProperties": _ANY},
    "curves": {"type": "object", "additionalProperties": _ANY, "minProperties": 1},
    "numbers": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
    "zones": {"type": "object", "additionalProperties": _PAIR},
    "glyphs": {"type": "object", "additionalProperties": {"enum": list(words.STATES)}},
    "each": {"type": ["number", "string", "object"]},
    "events": {"type": "object", "additionalProperties": _ANY},
    "colour": {
        "anyOf": [{"enum": list(words.COLOURS)}, {"type": "string", "pattern": f"^{COLOUR.pattern}$"}]
    },
}


def view_schema() -> dict[str, Any]:
    """JSON Schema of a [view] table, for editors. `check` knows more: signals, units and names."""
    shapes = []
    for kind, what in words.SHAPES.items():
        shape = _object(words.keys_of(kind), what.doc)
        shape["properties"]["shape"] = {"const": kind, "description": what.doc}
        shapes.append(shape)
    picture = _object(words.PICTURE, "One picture of the scene.")
    picture["properties"]["draw"] |= {"type": "object", "additionalProperties": {"oneOf": shapes}}
    view = _object(words.VIEW, "What viewers show of a run; without effect on it.")
    view["properties"]["pictures"] |= {"type": "object", "additionalProperties": picture}
    view["properties"]["charts"] |= {"type": "array", "items": _object(words.CHART, "A strip chart.")}
    return view


def _object(keys: Mapping[str, Key], doc: str) -> dict[str, Any]:
    properties = {key: {**_schema(what.kind), "description": what.doc} for key, what in keys.items()}
    required = [key for key, what in keys.items() if what.required]
    schema: dict[str, Any] = {"type": "object", "description": doc, "properties": properties}
    return {**schema, "required": required, "additionalProperties": False}


def _schema(kind: str) -> dict[str, Any]:
    if kind in words.UNITS:
        return dict(_ANY)
    if "|" in kind:
        return {"enum": kind.split("|")}
    return dict(_SCHEMAS.get(kind, {} if kind in ("pictures", "draw", "charts") else {"type": "string"}))
