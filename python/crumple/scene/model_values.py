"""The values that keys of a scene file may have, and how each is described in the JSON Schema.

A value that does not fit raises ValueError with the end of a sentence, which `shape` puts behind the key.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator, WithJsonSchema

from crumple.description import closest
from crumple.scene.text import NAME, shown

VERSION = 1
_LARGEST = 2**63 - 1  # TOML's own limit
_name = re.compile(NAME)


def _fail(wanted: str, value: object) -> ValueError:
    return ValueError(f"{wanted}, not {shown(value)}.")


def _text(value: Any) -> Any:
    if isinstance(value, str):
        return value
    raise _fail("must be a text in quotes", value)


def _flag(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    raise _fail("must be true or false", value)


def _whole(least: int) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= _LARGEST:
            return value
        raise _fail(f"must be a whole number, {least} or more", value)

    return check


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any) -> Any:
    if _is_number(value) and math.isfinite(value):
        return value
    raise _fail("must be a number", value)


def _quantity(value: Any) -> Any:
    if isinstance(value, str) or (_is_number(value) and math.isfinite(value)):
        return value
    raise _fail('must be a number, or a number with a unit in quotes as in "57.09 km/h"', value)


def _size(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST:
        return value
    raise _fail('must be a size in quotes as in "512 MiB", or a whole number of bytes', value)


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return [_value(item) for item in value]
    if isinstance(value, str | bool) or (_is_number(value) and math.isfinite(value)):
        return value
    raise _fail("must be a number, a text, true, false or an array of these", value)


def _texts(value: Any) -> Any:
    if not isinstance(value, list):
        raise _fail("must be an array of texts", value)
    for item in value:
        if not isinstance(item, str):
            raise ValueError(f"must be an array of texts, and {shown(item)} is none.")
    return value


def _text_or_texts(value: Any) -> Any:
    return value if isinstance(value, str) else _texts(value)


def _named(value: Any) -> Any:
    if isinstance(value, str) and not _name.fullmatch(value):
        raise ValueError("cannot be a name: a name has letters, digits and _ only, and no digit first.")
    return value


def _version(value: Any) -> Any:
    if value == VERSION and type(value) is int:
        return value
    if type(value) is int and value > VERSION:
        raise ValueError(f"this Crumple reads format {VERSION}; format {value} needs a newer one.")
    raise _fail(f"must be {VERSION}, the version of this format", value)


def _end(value: Any) -> Any:
    if value == "end":
        return value
    raise _fail('can only be "end"; for a window, write from = and until =', value)


def one_of(*words: str, later: tuple[str, ...] = ()) -> Callable[[Any], Any]:
    """One of a few words. later: those that are understood and not there yet."""

    def check(value: Any) -> Any:
        if isinstance(value, str) and value in words:
            return value
        quoted = [f'"{word}"' for word in words]
        if value in later:
            raise ValueError(f'"{value}" is not in this version of Crumple. There are {_and(quoted)}.')
        near = closest(value, words, limit=1) if isinstance(value, str) else []
        if near:
            raise ValueError(f'has no "{value}". Did you mean "{near[0]}"?')
        raise _fail(f"must be {' or '.join([', '.join(quoted[:-1]), quoted[-1]])}", value)

    return check


def _and(texts: list[str]) -> str:
    return f"{', '.join(texts[:-1])} and {texts[-1]}"


def _or_reference(schema: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [schema, {"type": "string", "pattern": rf"^\$({NAME}|\(.*\))$"}]})


_ARRAY_OF_TEXTS = {"type": "array", "items": {"type": "string"}}
_COUNT = {"type": "integer", "minimum": 1, "maximum": _LARGEST}
_SEED = {"type": "integer", "minimum": 0, "maximum": _LARGEST}
_BYTES = {"type": ["integer", "string"], "minimum": 0, "maximum": _LARGEST}

VALUE_SCHEMA = {"format": "value"}  # holds itself: build_schema puts a reference in its place

Version = Annotated[Any, PlainValidator(_version), WithJsonSchema({"const": VERSION})]
End = Annotated[Any, PlainValidator(_end), WithJsonSchema({"const": "end"})]
Name = Annotated[str, BeforeValidator(_named), WithJsonSchema({"type": "string", "pattern": f"^{NAME}$"})]
Text = Annotated[Any, PlainValidator(_text), WithJsonSchema({"type": "string"})]
Texts = Annotated[Any, PlainValidator(_texts), WithJsonSchema(_ARRAY_OF_TEXTS)]
TextOrTexts = Annotated[
    Any, PlainValidator(_text_or_texts), WithJsonSchema({"anyOf": [{"type": "string"}, _ARRAY_OF_TEXTS]})
]
Flag = Annotated[Any, PlainValidator(_flag), _or_reference({"type": "boolean"})]
Count = Annotated[Any, PlainValidator(_whole(1)), _or_reference(_COUNT)]
Seed = Annotated[Any, PlainValidator(_whole(0)), _or_reference(_SEED)]
Natural = Seed  # a number of things, which may be none
Number = Annotated[Any, PlainValidator(_number), _or_reference({"type": "number"})]
Quantity = Annotated[Any, PlainValidator(_quantity), WithJsonSchema({"type": ["number", "string"]})]
Size = Annotated[Any, PlainValidator(_size), WithJsonSchema(_BYTES)]
Value = Annotated[Any, PlainValidator(_value), WithJsonSchema(VALUE_SCHEMA)]


def words(*known: str) -> WithJsonSchema:
    """The schema of a key that is one of a few words; `one_of` checks it."""
    return _or_reference({"enum": [*known]})


def kind_of(value: Any) -> str:
    return "table" if isinstance(value, dict | BaseModel) else "plain"


class Table(BaseModel):
    """A table of a scene file: no keys but its own."""

    model_config = ConfigDict(extra="forbid", populate_by_name=False)
