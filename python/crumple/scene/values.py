"""What "$name", "$(formula)" and a table `by` stand for, given the parameters of a scene.

Everything here is a function of the parameters' values, so that a campaign can ask it again for each of its cases
without reading the scene anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from crumple.scene.text import NAME, did_you_mean, listed, shown
from crumple.si import SiError, base_si, parse_quantity, parse_si

if TYPE_CHECKING:
    from crumple.formula import Formula
    from crumple.scene.plan import Value

REFERENCE = re.compile(rf"\$({NAME})")
FORMULA = re.compile(r"\$\((.*)\)", re.DOTALL)
INDEX = "index"  # of an instance of a unit that has a count, from 1
OTHERWISE = "otherwise"

_QUANTITY = re.compile(
    r"\s*(?P<number>[+\-\u2212]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:\s*/\s*\d+(?![\w.]))?)\s*(?P<si>[^\d\s].*)?"
)
_UNKNOWN = re.compile(r"'(\w+)' is no function\.")
_MOST_WHOLE = 2**53  # whole numbers beyond have gaps as doubles


class ValueFault(ValueError):
    """What is wrong with a value: the end of a sentence. `silent`: its cause has been told already."""

    def __init__(self, text: str, *, silent: bool = False) -> None:
        super().__init__(text)
        self.silent = silent


def split_quantity(text: str) -> tuple[str, str] | None:
    """The number and the unit of "57.09 km/h"; the unit is "" for a bare number. None for other texts."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return None
    si = (match["si"] or "").strip()
    try:
        parse_si("1" + si if si.startswith("/") else si)
    except SiError:
        return None
    return match["number"], si


def is_reference(value: object) -> bool:
    """Whether a whole text stands for a value: "$name" or "$(formula)"."""
    if not isinstance(value, str) or not value.startswith("$"):
        return False
    return REFERENCE.fullmatch(value) is not None or FORMULA.fullmatch(value) is not None


def quantity_text(number: float, si: str) -> Value:
    """A number in a unit as a scene writes it: "50 km/h"; the number itself where it has no unit."""
    whole = isinstance(number, float) and number.is_integer() and abs(number) < _MOST_WHOLE
    tidy = int(number) if whole else number
    return tidy if si in ("", "1") else f"{tidy!r} {si}"


class Values:
    """The values of a scene's parameters, and of what is derived from them.

    parameters: value by name.   derived: as the scene writes it, by name.   broken: names that are declared and have
    mistakes of their own.   used: names that something referred to, added to as that happens.
    """

    def __init__(
        self,
        parameters: Mapping[str, Value],
        derived: Mapping[str, Any] | None = None,
        *,
        broken: set[str] | None = None,
        used: set[str] | None = None,
    ) -> None:
        self.parameters = parameters
        self.derived = {} if derived is None else derived
        self.broken = set() if broken is None else broken
        self.used = set() if used is None else used
        self._found: dict[str, Value] = {}
        self._within: list[str] = []

    def value(self, name: str) -> Value:
        """Of a parameter or of what is derived. Raises ValueFault where there is none."""
        self.used.add(name)
        if name in self.broken:
            raise ValueFault(f'"{name}" has mistakes of its own.', silent=True)
        if name in self.parameters:
            return self.parameters[name]
        if name in self._found:
            return self._found[name]
        if name not in self.derived:
            known = [*self.parameters, *self.derived]
            near = did_you_mean("$" + name, [f"${n}" for n in known])
            there = f" There are: {listed(known)}." if known else " Declare it under [parameters]."
            raise ValueFault(f'"${name}" is no parameter of the scene.{near or there}')
        if name in self._within:
            ring = " -> ".join([*self._within[self._within.index(name) :], name])
            raise ValueFault(f"these need each other: {ring}. Take one of them out of the circle.")
        self._within.append(name)
        try:
            self._found[name] = self._derive(self.derived[name])
        finally:
            self._within.pop()
        return self._found[name]

    def resolved(self, written: Any, *, index: int | None = None) -> Any:
        """A value with what "$name" and "$(formula)" stand for in its place, items of arrays, too.

        index: of an instance, which "$(index)" means.   Raises ValueFault.
        """
        if isinstance(written, list):
            return [self.resolved(item, index=index) for item in written]
        if not isinstance(written, str):
            return written
        if match := REFERENCE.fullmatch(written):
            return index if index is not None and match[1] == INDEX else self.value(match[1])
        if match := FORMULA.fullmatch(written):
            return self._computed(match[1], index)
        return written

    def within(self, text: str, *, index: int | None = None) -> str:
        """A text in which "$name" is replaced by its value as a scene writes it: "ttc < $limit"."""

        def replaced(match: re.Match[str]) -> str:
            found = index if index is not None and match[1] == INDEX else self.value(match[1])
            if isinstance(found, bool):
                return "1" if found else "0"
            return str(found)

        return REFERENCE.sub(replaced, text)

    def needs(self, written: Any) -> set[str]:
        """The parameters on which a value depends, also by way of what is derived."""
        found: set[str] = set()
        names = self.names
        ahead = list(_names(written, names))
        while ahead:
            name = ahead.pop()
            if name in self.parameters:
                found.add(name)
            elif name in self.derived and name not in found:
                found.add(name)
                ahead += _names(self.derived[name], names)
                by = self.derived[name].get("by") if isinstance(self.derived[name], dict) else None
                ahead += [by] if isinstance(by, str) else []
        return {name for name in found if name in self.parameters}

    @property
    def names(self) -> frozenset[str]:
        """All words that stand for a value in a formula."""
        return frozenset((*self.parameters, *self.derived, *self.broken, INDEX))

    # ---- what is derived

    def _derive(self, written: Any) -> Value:
        if isinstance(written, dict):
            return self._chosen(written)
        value: Value = self.resolved(written)
        return value

    def _chosen(self, table: Mapping[str, Any]) -> Value:
        """The value that a table `by` gives."""
        by = table.get("by")
        if not isinstance(by, str):
            raise ValueFault('does not say by what: write by = "name" of a parameter.')
        selected = self.value(by.removeprefix("$"))
        for key, value in table.items():
            if key not in ("by", OTHERWISE) and means(key, selected):
                found: Value = self.resolved(value)
                return found
        if OTHERWISE in table:
            found = self.resolved(table[OTHERWISE])
            return found
        raise ValueFault(f'has no value for {by} = {shown(selected)}. Add one, or "{OTHERWISE}".')

    # ---- formulas

    def _computed(self, text: str, index: int | None) -> Value:
        numbers: dict[str, float] = {}
        units: list[tuple[str, str]] = []
        for name in formula_of(text, self.names).signals:
            found = index if index is not None and name == INDEX else self._number_of(name)
            numbers[name], si = number_and_si(name, found)
            units.append((name, si))
        bound = _bound(text, tuple(units), self.names)
        value = bound.function(numbers.__getitem__)
        if value is None:
            raise ValueFault(f'"{text}" has no value here: it divides by zero, or is too large.')
        return value != 0.0 if bound.condition else quantity_text(value, bound.si)

    def _number_of(self, name: str) -> Value:
        if "." in name:
            raise ValueFault(f'"{name}" is a signal, and this is computed before the run, from parameters.')
        if name == INDEX:
            raise ValueFault('"index" has a meaning in start and with of a unit that has a count.')
        return self.value(name)


class _Bound(NamedTuple):
    """A formula for names in certain units. si: of its value.   condition: whether it is true or false."""

    function: Any
    si: str
    condition: bool


@lru_cache(maxsize=1024)
def _bound(text: str, units: tuple[tuple[str, str], ...], names: frozenset[str]) -> _Bound:
    from crumple.formula import FormulaError

    formula, si_of = formula_of(text, names), dict(units).__getitem__
    try:
        dimension = formula.dimension(si_of)
        function = formula.bind(si_of)
    except FormulaError as error:
        raise ValueFault(_told(text, error)) from None
    si = "" if dimension is None else base_si(dimension)
    return _Bound(function, si, formula.logical)


def formula_of(text: str, names: frozenset[str]) -> Formula:
    """The formula within "$(...)". names: see `Values.names`. Raises ValueFault."""
    from crumple.formula import FormulaError, parse_formula

    try:
        return parse_formula(text, names=names)
    except FormulaError as error:
        if match := _UNKNOWN.search(str(error)):
            known = sorted(names - {INDEX})
            near = did_you_mean(match[1], known) or (f" There are: {listed(known)}." if known else "")
            raise ValueFault(f'"{match[1]}" is no parameter of the scene, and no function.{near}') from None
        raise ValueFault(_told(text, error)) from None


def _told(text: str, error: Exception) -> str:
    """What a formula's error says, as the end of a sentence."""
    said = str(error)
    return said if text.strip() in said else f'"{text}" {said}'


def means(key: str, value: Value) -> bool:
    """Whether a key of a table `by` means a value: a text itself, a number in the parameter's unit, true or false."""
    if isinstance(value, bool):
        return key == ("true" if value else "false")
    if isinstance(value, str) and value == key:
        return True
    mine, other = _plain_number(value), _plain_number(key)
    return mine is not None and other is not None and mine[0] == other[0] and other[1] in ("", mine[1])


def _plain_number(value: Any) -> tuple[float, str] | None:
    if isinstance(value, int | float):
        return float(value), ""
    quantity = split_quantity(value) if isinstance(value, str) else None
    if quantity is None:
        return None
    return parse_quantity(quantity[0]), quantity[1]


def number_and_si(name: str, value: Any) -> tuple[float, str]:
    """A value as a number in a unit. Raises ValueFault for what is none."""
    if isinstance(value, int | float):
        return float(value), "1"
    quantity = split_quantity(value) if isinstance(value, str) else None
    if quantity is None:
        raise ValueFault(f'"{name}" is {shown(value)}, and a formula computes with numbers.')
    return parse_quantity(quantity[0]), quantity[1] or "1"


def _names(written: Any, known: frozenset[str]) -> set[str]:
    """The names that a value refers to."""
    if isinstance(written, dict | list):
        items = written.values() if isinstance(written, dict) else written
        return {name for item in items for name in _names(item, known)}
    if not isinstance(written, str) or "$" not in written:
        return set()
    if match := FORMULA.fullmatch(written):
        try:
            return set(formula_of(match[1], known).signals)
        except ValueFault:
            return set()
    return set(REFERENCE.findall(written))
