"""The [view] table of a scene: read and checked. What its words mean: crumple.view.vocabulary.

Paths of mistakes begin within the table: ("pictures", "side", "draw", "car", "x").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from crumple.description import closest
from crumple.formula import Formula, FormulaError, parse_formula
from crumple.scene.text import listed, shown
from crumple.si import parse_quantity
from crumple.view import vocabulary as words
from crumple.view.view_values import MOST_SHAPES, ValueReader, WrongValue
from crumple.view.vocabulary import Key

Path = tuple[str | int, ...]
Mistake = tuple[Path, str]


@dataclass(frozen=True, slots=True)
class Shape:
    """One thing to draw. values: by key, defaults filled in; numbers are formulas.   table: its name in the scene."""

    name: str
    kind: str
    values: Mapping[str, Any]
    table: str = ""

    def formulas(self) -> Iterator[Formula]:
        """All formulas in it."""
        return _formulas(tuple(self.values.values()))

    @property
    def units(self) -> tuple[str, ...]:
        """Names of the units whose signals it shows; its `source` alone where that is written."""
        if self.values.get("source"):
            return (self.values["source"],)
        found = (signal.partition(".")[0] for formula in self.formulas() for signal in formula.signals)
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Picture:
    """One view of the scene. values: by key of vocabulary.PICTURE.   shapes: from back to front."""

    name: str
    values: Mapping[str, Any]
    shapes: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A strip chart. range, limits: in `si`, or in the unit of the first signal where that is None."""

    signals: tuple[str, ...]
    label: str
    si: str | None = None
    limits: tuple[str | float, ...] = ()
    range: tuple[str | float, str | float] | None = None
    window: str | None = None


@dataclass(frozen=True, slots=True)
class SceneView:
    """A [view] table. events: as they were written, by name."""

    pictures: tuple[Picture, ...] = ()
    charts: tuple[Chart, ...] = ()
    events: Mapping[str, str | float] = field(default_factory=dict)


def check(table: Mapping[str, Any], signals: Mapping[str, str | None]) -> list[Mistake]:
    """All that is wrong with a [view] table, as (path within it, message).

    signals: unit of measure by name of all outputs there are, None where none is declared. Elements of an array
    are found under the name of the array.
    """
    reading = _Reading(signals)
    reading.view(table)
    return reading.mistakes


def read_view(table: Mapping[str, Any]) -> SceneView:
    """What a [view] table says. What is wrong in it is left out: whoever wants to know what calls `check`."""
    return _Reading(None).view(table)


def read_event(text: str | float) -> tuple[str, Any]:
    """An event: ("time", seconds), ("metric", crumple.expression.Expression) or ("when", Formula).

    Raises ValueError (FormulaError, SiError, ExpressionError) with what is wrong.
    """
    if not isinstance(text, str) or re.match(r"\s*[-+.\d]", text):
        return "time", parse_quantity(text, "s")
    if re.match(r"\s*[A-Za-z_]\w*\s*\(", text) and not re.search(r"[<>=]", text):
        from crumple.expression import parse_expression  # metrics need numpy

        expression = parse_expression(text)
        if expression.scalar:
            return "metric", expression
        raise FormulaError(f'"{text}" is a signal: an event is a condition, as in "{text} > 1", or a metric.')
    formula = parse_formula(text)
    if not formula.logical:
        example = (
            f'"{text} > 0.5", "max({text})" or "10 ms"' if formula.signals else '"controller.fire > 0.5"'
        )
        raise FormulaError(
            f'"{text}" says no moment: write a condition, a metric or a time, as in {example}.'
        )
    return "when", formula


def _formulas(value: Any) -> Iterator[Formula]:
    if isinstance(value, Formula):
        yield value
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _formulas(part)
    elif isinstance(value, Mapping):
        yield from _formulas(tuple(value.values()))


class _Reading(ValueReader):
    """Reads a table once, noting what is wrong. signals None: nothing is known of units and names."""

    def __init__(self, signals: Mapping[str, str | None] | None) -> None:
        super().__init__(signals)
        self.mistakes: list[Mistake] = []
        self._pictures_there: Mapping[str, Any] = {}

    def view(self, table: Mapping[str, Any]) -> SceneView:
        values = self._table((), table, words.VIEW)
        pictures = []
        self._pictures_there = values.get("pictures") or {}
        for name, raw in self._pictures_there.items():
            picture = self._picture(("pictures", name), str(name), raw)
            pictures += [] if picture is None else [picture]
        charts = [self._chart(("charts", n), raw) for n, raw in enumerate(values.get("charts") or [])]
        events = {}
        for name, raw in (values.get("events") or {}).items():
            try:
                self._event(raw)
                events[name] = raw
            except (ValueError, TypeError) as error:
                self._note(("events", name), str(getattr(error, "fact", error)))
        return SceneView(tuple(pictures), tuple(chart for chart in charts if chart is not None), events)

    def _note(self, path: Path, text: str) -> None:
        if (path, text) not in self.mistakes:
            self.mistakes.append((path, text))

    def _table(self, path: Path, raw: Any, keys: Mapping[str, Key]) -> dict[str, Any]:
        """The values of a table by key, with defaults; keys that are wrong hold their default, too."""
        if not isinstance(raw, Mapping):
            self._note(path, f"must be a table, not {shown(raw)}.")
            return {}
        for key in raw:
            if key not in keys:
                near = "".join(f' Did you mean "{name}"?' for name in closest(str(key), keys, limit=1))
                self._note((*path, key), f"unknown key.{near or f' There are: {listed(keys)}.'}")
        values: dict[str, Any] = {}
        for key, what in keys.items():
            values[key] = None if what.default is None else self.value(what.kind, what.default)
            if key in raw:
                try:
                    values[key] = self.value(what.kind, raw[key])
                except WrongValue as wrong:
                    self._note((*path, key, *wrong.path), str(wrong))
            elif what.required:
                self._note((*path, key), f"is missing: {what.doc}.")
        return values

    def _event(self, raw: Any) -> None:
        if isinstance(raw, bool) or not isinstance(raw, str | int | float):
            raise TypeError(
                f'must be a condition, a metric or a time, as in "controller.fire > 0.5", not {shown(raw)}.'
            )
        how, what = read_event(raw)
        if self._signals is None:
            return
        if how == "when":
            what.check(self._signals, "1")
        elif how == "metric":
            for name in what.signals:
                parse_formula(f'"{name}"').check(self._signals)
            what.check(self._si_of)

    def _si_of(self, name: str) -> str | None:
        known = self._signals or {}
        return known.get(name, known.get(name.partition("[")[0]))

    def _chart(self, path: Path, raw: Any) -> Chart | None:
        si = raw.get("si") if isinstance(raw, Mapping) else None
        self._si = si if isinstance(si, str) else None
        values = self._table(path, raw, words.CHART)
        if not values:
            return None
        signals = (*((values["signal"],) if values["signal"] else ()), *(values["signals"] or ()))
        if not signals:
            if not any(at[: len(path)] == path for at, _ in self.mistakes):
                self._note(path, 'does not say what it shows: write signal = "unit.port".')
            return None
        label = values["label"] or signals[0]
        limits, span = values["limit"] or (), values["range"]
        return Chart(signals, label, values["si"], limits, span, values["window"])

    def _picture(self, path: Path, name: str, raw: Any) -> Picture | None:
        self._si = None
        values = self._table(path, raw, words.PICTURE)
        draw = self._drawn(path, values)
        if not draw:
            return None
        self._shapes = draw
        shapes: list[Shape] = []
        own = values.get("draw") or {}
        for key, table in draw.items():
            before = len(self.mistakes)
            if len(shapes) <= MOST_SHAPES:
                shapes += self._counted((*path, "draw", key), key, table)
            if key not in own:
                del self.mistakes[before:]  # they are told of the picture that it is like
        if len(shapes) > MOST_SHAPES:
            self._note(
                (*path, "draw"), f"has more than {MOST_SHAPES} shapes; no frame of it would be in time."
            )
        self._circles((*path, "draw"), shapes)
        if values["x"] is None:
            return None
        return Picture(name, values, tuple(shapes))

    def _drawn(self, path: Path, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The tables of a picture's shapes, with those of the picture that it is like."""
        own, like = values.get("draw") or {}, values.get("like")
        if like is None:
            if (
                values
                and not own
                and not any(at[: len(path) + 1] == (*path, "draw") for at, _ in self.mistakes)
            ):
                self._note(
                    (*path, "draw"),
                    'is missing: write what is drawn, as in draw.car = { shape = "vehicle" }.',
                )
            return own
        other = self._pictures_there.get(like)
        others = other.get("draw") if isinstance(other, Mapping) else None
        if not isinstance(others, Mapping) or "like" in (other or {}):
            near = "".join(f' Did you mean "{n}"?' for n in closest(like, self._pictures_there, limit=1))
            self._note((*path, "like"), f'there is no picture "{like}" that draws something itself.{near}')
            return own
        return {**others, **own}

    def _circles(self, path: Path, shapes: list[Shape]) -> None:
        carriers = {shape.name: shape.values.get("on") for shape in shapes}
        for shape in shapes:
            seen, at = [shape.name], carriers.get(shape.name)
            while at in carriers and at not in seen:
                seen.append(str(at))
                at = carriers[at]
            if at == shape.name:
                text = f"these carry each other: {' on '.join([*seen, shape.name])}. Put one of them on the ground."
                self._note((*path, shape.table, "on"), text)
                carriers[shape.name] = None
                shape.values["on"] = None  # type: ignore[index]  # a dict, not yet given away

    def _counted(self, path: Path, name: str, raw: Any) -> Iterator[Shape]:
        count = raw.get("count") if isinstance(raw, Mapping) else None
        if count is None:
            yield from self._shape(path, name, name, raw)
            return
        if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MOST_SHAPES:
            self._note(
                (*path, "count"), f"must be a whole number from 1 to {MOST_SHAPES}, not {shown(count)}."
            )
            count = 1
        rest = {key: value for key, value in raw.items() if key != "count"}
        for n in range(count):
            yield from self._shape(path, f"{name} {n + 1}", name, _numbered(rest, n))

    def _shape(self, path: Path, name: str, table: str, raw: Any) -> Iterator[Shape]:
        kind = raw.get("shape") if isinstance(raw, Mapping) else None
        if not isinstance(kind, str) or kind not in words.SHAPES:
            near = "".join(f' Did you mean "{n}"?' for n in closest(str(kind or ""), words.SHAPES, limit=1))
            there = f" There are: {listed(words.SHAPES, most=30)}."
            if not isinstance(raw, Mapping):
                self._note(path, f"must be a table, not {shown(raw)}.")
            elif kind is None:
                self._note((*path, "shape"), f"is missing: what it is.{there}")
            else:
                self._note((*path, "shape"), f"{shown(kind)} is no shape.{near or there}")
            return
        si = raw.get("si")
        self._si = si if isinstance(si, str) else None
        values = self._table(path, raw, words.keys_of(kind))
        self._si = None
        if kind == "label" and not ("at" in raw or ("x" in raw and "y" in raw)):
            self._note(path, 'stands nowhere: write at = "shape", or x and y.')
        if kind == "cells" and values["cells"]:
            values = self._cells(path, raw, values)
        needed = [
            key for key, what in words.keys_of(kind).items() if what.required and values.get(key) is None
        ]
        if not needed:
            values.pop("shape", None)
            values.pop("count", None)
            yield Shape(name, kind, values, table)

    def _cells(self, path: Path, raw: Mapping[str, Any], values: dict[str, Any]) -> dict[str, Any]:
        """Texts with {n} once for each cell."""
        for key in ("temperatures", "vented", "words"):
            if key in raw:
                kind = {"temperatures": "temperature", "vented": "condition"}.get(key, "words")
                try:
                    values[key] = tuple(
                        self.value(kind, _numbered(raw[key], n)) for n in range(values["cells"])
                    )
                except WrongValue as wrong:
                    self._note((*path, key, *wrong.path), str(wrong))
                    values[key] = None
        values["name"] = tuple(_numbered(values["name"] or "", n) for n in range(values["cells"]))
        return values


def _numbered(raw: Any, n: int) -> Any:
    """A value with {n}, {i} and {next} in its texts put in, for the n-th from 0."""
    if isinstance(raw, str):
        return raw.replace("{n}", str(n + 1)).replace("{i}", str(n)).replace("{next}", str(n + 2))
    if isinstance(raw, list):
        return [_numbered(part, n) for part in raw]
    if isinstance(raw, Mapping):
        return {key: _numbered(value, n) for key, value in raw.items()}
    return raw
