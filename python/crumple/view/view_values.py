"""Reading the values of a [view] table, each by its kind (crumple.view.vocabulary)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from crumple.description import closest
from crumple.formula import Formula, FormulaError, constant, parse_formula
from crumple.scene.text import listed, shown
from crumple.si import SiError, parse_quantity, parse_si
from crumple.view import vocabulary as words

MOST_SHAPES = 2000  # of a picture, counted ones included: beyond that no frame is in time
_MOST_POINTS = 2000
COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")


class WrongValue(Exception):
    """A value that cannot be. path: below the key."""

    def __init__(self, text: str, *path: str | int) -> None:
        super().__init__(text)
        self.path = path


class ValueReader:
    """Reads values. Raises WrongValue for what cannot be.

    signals: unit of measure by name; None where nothing is known of names and units.   si: of the shape at hand.
    shapes: the tables of the picture at hand, by name.
    """

    def __init__(self, signals: Mapping[str, str | None] | None) -> None:
        self._signals = signals
        self._shapes: Mapping[str, Any] = {}
        self._si: str | None = None

    def value(self, kind: str, raw: Any) -> Any:
        if kind in words.UNITS:
            return self._formula(raw, words.UNITS[kind] or self._si)
        if kind in _READERS:
            return _READERS[kind](self, raw)
        choices = kind.split("|")
        if raw in choices and isinstance(raw, str):
            return raw
        near = "".join(f' Did you mean "{name}"?' for name in closest(str(raw), choices, limit=1))
        raise WrongValue(f"must be {_either(choices)}, not {shown(raw)}.{near}")

    def _formula(self, raw: Any, wanted: str | None) -> Formula:
        if isinstance(raw, int | float) and not isinstance(raw, bool) and math.isfinite(raw):
            return constant(float(raw))
        if not isinstance(raw, str):
            raise WrongValue(
                f'must be a number, or a formula in quotes as in "-4.2 m + vehicle.crush", not {shown(raw)}.'
            )
        try:
            formula = parse_formula(raw)
            if self._signals is not None:
                formula.check(self._signals, wanted)
            elif formula.constant:
                formula.bind(lambda _: None, wanted)
        except (FormulaError, SiError) as error:
            raise WrongValue(str(error)) from None
        return formula

    def _text(self, raw: Any) -> str:
        if isinstance(raw, str):
            return raw
        raise WrongValue(f"must be a text in quotes, not {shown(raw)}.")

    def _flag(self, raw: Any) -> bool:
        if isinstance(raw, bool):
            return raw
        raise WrongValue(f"must be true or false, not {shown(raw)}.")

    def _count(self, raw: Any) -> int:
        if isinstance(raw, int) and not isinstance(raw, bool) and 0 <= raw <= MOST_SHAPES:
            return raw
        raise WrongValue(f"must be a whole number from 0 to {MOST_SHAPES}, not {shown(raw)}.")

    def _colour(self, raw: Any) -> str:
        if isinstance(raw, str) and (raw in words.COLOURS or COLOUR.fullmatch(raw)):
            return raw
        near = "".join(f' Did you mean "{name}"?' for name in closest(str(raw), words.COLOURS, limit=1))
        raise WrongValue(f'must be a colour of the palette or "#RRGGBB", not {shown(raw)}.{near}')

    def _si_text(self, raw: Any) -> str:
        text = self._text(raw)
        try:
            parse_si(text)
        except SiError as error:
            raise WrongValue(str(error)) from None
        return text

    def _file(self, raw: Any) -> str:
        text = self._text(raw)
        path = PurePath(text)
        if path.is_absolute() or ".." in path.parts:
            raise WrongValue(f"{shown(text)} leaves the scene's folder: put the picture beside the scene.")
        return text

    def _each(self, raw: Any) -> Any:
        return raw  # read once for each cell, in _cells

    def _shape_name(self, raw: Any) -> str:
        name = self._text(raw)
        if not self._is_shape(name):
            near = "".join(f' Did you mean "{n}"?' for n in closest(name, self._shapes, limit=1))
            raise WrongValue(f"there is no shape {shown(name)} in this picture.{near}")
        return name

    def _is_shape(self, name: str) -> bool:
        base, _, number = name.rpartition(" ")
        return name in self._shapes or (base in self._shapes and number.isdigit())

    def _anchor(self, raw: Any) -> tuple[str, str]:
        text = self._text(raw)
        name, _, part = text.partition(".")
        self._shape_name(name)
        table = self._shapes.get(name, self._shapes.get(name.rpartition(" ")[0]))
        kind = table.get("shape") if isinstance(table, Mapping) else None
        parts = words.PARTS.get(str(kind), ())
        if part and part not in parts:
            has = f"It has: {listed(parts)}." if parts else f'Write at = "{name}".'
            raise WrongValue(f'a {kind} has no part "{part}". {has}')
        return name, part

    def _signal(self, raw: Any) -> str:
        name = self._text(raw)
        try:
            if self._signals is not None:
                parse_formula(f'"{name}"').check(self._signals, self._si)
        except FormulaError as error:
            raise WrongValue(str(error)) from None
        return name

    def _axis(self, raw: Any) -> str:
        si, self._si = self._si, None  # the shape's own unit is that of its other axis
        try:
            return self._signal(raw)
        finally:
            self._si = si

    def _signals_list(self, raw: Any) -> tuple[str, ...]:
        if not isinstance(raw, list) or not 1 <= len(raw) <= 6:
            raise WrongValue(f"must be an array of one to six signals, not {shown(raw)}.")
        return tuple(self._signal(name) for name in raw)

    def _quantity(self, raw: Any) -> str | float:
        try:
            parse_quantity(raw, self._si)
        except SiError as error:
            raise WrongValue(str(error)) from None
        value: str | float = raw
        return value

    def _limits(self, raw: Any) -> tuple[str | float, ...]:
        return tuple(self._quantity(each) for each in (raw if isinstance(raw, list) else [raw]))

    def _range_any(self, raw: Any) -> tuple[str | float, str | float]:
        if not isinstance(raw, list) or len(raw) != 2:
            raise WrongValue(f"must be [least, greatest], not {shown(raw)}.")
        return self._quantity(raw[0]), self._quantity(raw[1])

    def _row(self, raw: Any, least: int, most: int, wanted: str | None, what: str) -> tuple[Formula, ...]:
        if not isinstance(raw, list) or not least <= len(raw) <= most:
            raise WrongValue(f"must be {what}, not {shown(raw)}.")
        out = []
        for n, part in enumerate(raw):
            try:
                out.append(self._formula(part, wanted))
            except WrongValue as wrong:
                raise WrongValue(str(wrong), n) from None
        return tuple(out)

    def _point(self, raw: Any) -> tuple[Formula, ...]:
        return self._row(raw, 2, 2, "m", "a point, [x, y]")

    def _points(self, raw: Any) -> tuple[tuple[Formula, ...], ...]:
        if not isinstance(raw, list) or not 2 <= len(raw) <= _MOST_POINTS:
            raise WrongValue(f"must be an array of points, [[x, y], [x, y], ...], not {shown(raw)}.")
        return tuple(self._point(each) for each in raw)

    def _extent(self, raw: Any) -> tuple[Formula, ...]:
        return self._row(raw, 2, 2, "m", "[least, greatest]")

    def _range(self, raw: Any) -> tuple[Formula, ...]:
        return self._row(raw, 2, 2, self._si, "[least, greatest]")

    def _by_word(self, raw: Any, example: str) -> Mapping[str, Any]:
        if isinstance(raw, Mapping) and all(isinstance(key, str) for key in raw):
            return raw
        raise WrongValue(f"must be a table such as {example}, not {shown(raw)}.")

    def _words(self, raw: Any) -> dict[str, Formula]:
        table = self._by_word(raw, '{ open = "door.angle > 5 deg", shut = "1 > 0" }')
        return {word: self._within(word, condition) for word, condition in table.items()}

    def _within(self, word: str, condition: Any) -> Formula:
        try:
            return self._formula(condition, "1")
        except WrongValue as wrong:
            raise WrongValue(str(wrong), word) from None

    def _colours(self, raw: Any) -> dict[str, Formula]:
        table = self._by_word(raw, '{ fail = "front.force > 5 kN" }')
        return {self._colour(word): self._within(word, condition) for word, condition in table.items()}

    def _curves(self, raw: Any) -> dict[str, Formula]:
        table = self._by_word(raw, '{ heat = "reactor.heat_generated" }')
        curves = {}
        for name, formula in table.items():
            try:
                curves[name] = self._formula(formula, self._si)
            except WrongValue as wrong:
                raise WrongValue(str(wrong), name) from None
        return curves

    def _numbers(self, raw: Any) -> tuple[float, float]:
        good = isinstance(raw, list) and len(raw) == 2 and not any(isinstance(part, bool) for part in raw)
        if (
            good
            and all(isinstance(part, int | float) and math.isfinite(part) for part in raw)
            and raw[0] < raw[1]
        ):
            return float(raw[0]), float(raw[1])
        raise WrongValue(f"must be [least, greatest], two plain numbers, not {shown(raw)}.")

    def _zones(self, raw: Any) -> dict[str, tuple[Formula, ...]]:
        table = self._by_word(raw, '{ fail = ["0 s", "0.75 s"] }')
        return {self._colour(word): self._range(span) for word, span in table.items()}

    def _glyphs(self, raw: Any) -> dict[str, str]:
        table = self._by_word(raw, '{ vented = "at_risk" }')
        return {word: self.value("|".join(words.STATES), state) for word, state in table.items()}

    def _pictures(self, raw: Any) -> Mapping[str, Any]:
        return self._by_word(raw, "[view.pictures.side]")

    def _draw(self, raw: Any) -> Mapping[str, Any]:
        return self._by_word(raw, '{ car = { shape = "vehicle" } }')

    def _events(self, raw: Any) -> Mapping[str, Any]:
        return self._by_word(raw, '{ fire = "controller.fire > 0.5" }')

    def _charts(self, raw: Any) -> Sequence[Any]:
        if isinstance(raw, list):
            return raw
        raise WrongValue(f"must be [[view.charts]], one for each chart, not {shown(raw)}.")


_READERS: dict[str, Callable[[ValueReader, Any], Any]] = {
    "text": ValueReader._text,
    "flag": ValueReader._flag,
    "count": ValueReader._count,
    "colour": ValueReader._colour,
    "si": ValueReader._si_text,
    "file": ValueReader._file,
    "each": ValueReader._each,
    "shape": ValueReader._shape_name,
    "anchor": ValueReader._anchor,
    "signal": ValueReader._signal,
    "axis": ValueReader._axis,
    "signals": ValueReader._signals_list,
    "limits": ValueReader._limits,
    "range_any": ValueReader._range_any,
    "point": ValueReader._point,
    "points": ValueReader._points,
    "extent": ValueReader._extent,
    "range": ValueReader._range,
    "words": ValueReader._words,
    "colours": ValueReader._colours,
    "zones": ValueReader._zones,
    "curves": ValueReader._curves,
    "numbers": ValueReader._numbers,
    "glyphs": ValueReader._glyphs,
    "pictures": ValueReader._pictures,
    "draw": ValueReader._draw,
    "events": ValueReader._events,
    "charts": ValueReader._charts,
}


def _either(choices: Sequence[str]) -> str:
    quoted = [f'"{choice}"' for choice in choices]
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}" if len(quoted) > 1 else quoted[0]
