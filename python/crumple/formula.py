"""Formulas of signals: "-4.2 m + vehicle.crush", "controller.fire > 0.5 and not vehicle.stopped".

    formula    = choice [ "implies" formula ]
    choice     = both { "or" both }            both = negation { "and" negation }      negation = [ "not" ] comparison
    comparison = sum [ ("<" | "<=" | ">" | ">=" | "==" | "!=") sum ]
    sum        = product { ("+" | "-") product }
    product    = power { ("*" | "/") power }
    power      = part [ "^" whole number ]
    part       = quantity | signal | t | true | false | function "(" formula { "," formula } ")" | "(" formula ")"
                 | "-" power

A signal is unit.port or unit.port[2], between quotes where its name holds other characters; t is the simulated
time. Functions: min, max, abs, sqrt, sin, cos, tan, exp, log, hypot, atan2. Everything is computed in base units, so
units may be mixed; a number without a unit fits what has none, and 0 fits everything. A number alone is in the unit
that is wanted. What is true is 1, what is false 0, and any number but 0 is true.

`Formula.bind` makes a Python function of it, `Formula.program` a program for the core, which computes the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from crumple.description import closest
from crumple.formula_reader import COMPARISONS, LOGIC, TIME, FormulaError, Node, Reader
from crumple.si import Si, SiError, describe, parse_si

if TYPE_CHECKING:
    from crumple import _core

__all__ = ["TIME", "Formula", "FormulaError", "constant", "parse_formula"]

Lookup = Callable[[str], float | None]
SiOf = Callable[[str], str | None]
Value = Callable[[Lookup], float | None]
Dimension = tuple[int, ...]


class Typed(NamedTuple):
    """A part with what it measures, computed in base units. dimension None fits anything.

    number: of a number, in base units; of a power, the exponent.   scale, offset: of a signal, to base units.
    plain: a number without a unit.
    """

    kind: str
    dimension: Dimension | None
    number: float = 0.0
    name: str = ""
    scale: float = 1.0
    offset: float = 0.0
    parts: tuple[Typed, ...] = ()
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula as it was read. signals: names of all signals in it, each once."""

    text: str
    signals: tuple[str, ...]
    root: Node

    @property
    def constant(self) -> bool:
        """Whether it never changes."""
        return not self.signals and "time" not in _kinds(self.root)

    @property
    def logical(self) -> bool:
        """Whether it is a condition: a comparison, or conditions joined."""
        return self.root.kind in (*COMPARISONS, *LOGIC)

    def bind(self, si_of: SiOf, wanted: str | None = None) -> Value:
        """A function of a look-up of signals that gives the value in the unit `wanted`, None where a signal has none.

        wanted: None for base units.   si_of: unit of a signal by name, None where it declares none.
        Raises FormulaError where units clash.
        """
        return _compiled(_python(self._typed(si_of, wanted)))

    def program(self, si_of: SiOf, wanted: str | None = None) -> _core.Program:
        """It for the core, which evaluates it at every tick, in the unit `wanted`. Arguments as for `bind`."""
        return program_of(self._typed(si_of, wanted))

    def dimension(self, si_of: SiOf) -> Dimension | None:
        """What it measures; None where that is not known. Raises FormulaError where units clash."""
        return typed(self.root, si_of, self.text).dimension

    def _typed(self, si_of: SiOf, wanted: str | None) -> Typed:
        """It in the unit `wanted`."""
        number = _alone(self.root)
        if number is not None:
            return Typed("number", None, number, plain=True)
        found = typed(self.root, si_of, self.text)
        if wanted is None or found.dimension is None:
            return found
        target = parse_si(wanted)
        if found.dimension[:7] != target.dimension[:7]:
            given = describe(Si("", 1.0, 0.0, found.dimension))
            raise FormulaError(f'"{self.text}" is {given}; {describe(target)} ("{wanted}") is wanted.')
        return _scaled(found, 1.0 / target.factor, -target.offset / target.factor)

    def check(self, signals: Mapping[str, str | None], wanted: str | None = None) -> None:
        """Raises FormulaError for a signal that is not among `signals` (name: unit), and for clashing units."""
        for name in self.signals:
            if name not in signals and name.partition("[")[0] not in signals:
                hint = "".join(f' Did you mean "{near}"?' for near in closest(name, signals, limit=1))
                remedy = hint or ' "crumple info" and "crumple show" list signals.'
                raise FormulaError(f'there is no signal "{name}" in this scene.{remedy}')
        self._typed(lambda name: signals.get(name, signals.get(name.partition("[")[0])), wanted)


@lru_cache(maxsize=4096)
def parse_formula(text: str, *, names: frozenset[str] = frozenset()) -> Formula:
    """Read a formula. names: words that are values, too, such as parameters of a scene.

    Raises FormulaError with what cannot be read, and where.
    """
    reader = Reader(text, names=names)
    root = reader.whole()
    return Formula(text, tuple(dict.fromkeys(reader.signals)), root)


def constant(value: float) -> Formula:
    """A number, in the unit that is wanted."""
    return Formula(f"{value:g}", (), Node("number", f"{value:g}", value))


def _kinds(node: Node) -> set[str]:
    return {node.kind}.union(*(_kinds(part) for part in node.parts))


def _alone(node: Node) -> float | None:
    """The value of a number without a unit that stands alone."""
    if node.kind == "number" and node.si is None:
        return node.number
    if node.kind == "neg":
        inner = _alone(node.parts[0])
        return None if inner is None else -inner
    return None


# ---- units

_PLAIN: Dimension = (0,) * 8


def typed(node: Node, si_of: SiOf, text: str = "") -> Typed:
    """A part with its units checked. text: the whole formula, for errors. Raises FormulaError where units clash."""
    if node.kind == "number":
        if node.si is None:
            return Typed("number", None if node.number == 0.0 else _PLAIN, node.number, plain=True)
        si = parse_si(node.si)
        return Typed("number", si.dimension, node.number * si.factor + si.offset)
    if node.kind == "time":
        return Typed("time", parse_si("s").dimension)
    if node.kind == "signal":
        return _signal(node.text, si_of(node.text))
    parts = tuple(typed(part, si_of, text) for part in node.parts)
    plain = all(part.plain for part in parts)
    kind, first = node.kind, parts[0].dimension
    if kind == "neg":
        return Typed(kind, first, parts=parts, plain=plain)
    if kind in ("*", "/"):
        return _product(kind, *parts)
    if kind == "^":
        power = int(node.number)
        dimension = None if first is None else tuple(each * power for each in first)
        return Typed(kind, dimension, node.number, parts=parts, plain=plain)
    if kind == "sqrt":
        if first is not None and any(power % 2 for power in first):
            fact = f'"{node.text}" has no unit of measure: its powers would be halves.'
            raise FormulaError(fact, text=text, column=node.column)
        root = None if first is None else tuple(power // 2 for power in first)
        return Typed(kind, root, parts=parts)
    if kind in ("sin", "cos", "tan", "exp", "log"):
        _without_unit(node, parts[0], text)
        return Typed(kind, _PLAIN, parts=parts)
    if kind in LOGIC:
        return Typed(kind, _PLAIN, parts=parts)
    dimension = _same(node, parts, text)
    if kind in COMPARISONS or kind == "atan2":
        return Typed(kind, _PLAIN, parts=parts)
    return Typed(kind, dimension, parts=parts, plain=plain)


def _signal(name: str, si_text: str | None) -> Typed:
    """A signal that declares no unit fits anything."""
    try:
        si = None if si_text is None else parse_si(si_text)
    except SiError:
        si = None  # an FMU's own unit, which nobody else knows
    if si is None:
        return Typed("signal", None, name=name)
    return Typed("signal", si.dimension, name=name, scale=si.factor, offset=si.offset)


def _scaled(part: Typed, factor: float, offset: float) -> Typed:
    if factor != 1.0:
        part = Typed("*", None, parts=(part, Typed("number", None, factor)))
    return part if offset == 0.0 else Typed("+", None, parts=(part, Typed("number", None, offset)))


def _without_unit(node: Node, part: Typed, text: str) -> None:
    """An angle or a number: [:7], since radians are none of the base units."""
    if part.dimension is not None and any(part.dimension[:7]):
        what = describe(Si("", 1.0, 0.0, part.dimension))
        wanted = "an angle or a number" if node.kind in ("sin", "cos", "tan") else "a number without a unit"
        fact = f"{node.kind} takes {wanted}, and {node.parts[0].text} is {what}"
        raise FormulaError(fact, text=text, column=node.parts[0].column)


def _product(kind: str, a: Typed, b: Typed) -> Typed:
    sign = 1 if kind == "*" else -1
    dimension = None
    if (a.dimension is not None or a.plain) and (b.dimension is not None or b.plain):
        dimension = tuple(
            p + sign * q for p, q in zip(a.dimension or _PLAIN, b.dimension or _PLAIN, strict=True)
        )
    return Typed(kind, dimension, parts=(a, b), plain=a.plain and b.plain)


def _same(node: Node, parts: tuple[Typed, ...], text: str) -> Dimension | None:
    """What all parts measure. Raises FormulaError where they do not measure the same."""
    known = [(part, each) for part, each in zip(node.parts, parts, strict=True) if each.dimension is not None]
    for (first, a), (second, b) in pairwise(known):
        assert a.dimension is not None and b.dimension is not None
        if a.dimension[:7] == b.dimension[:7]:
            continue
        for (one, each), (other, measured) in (((first, a), (second, b)), ((second, b), (first, a))):
            if each.plain:
                what = describe(Si("", 1.0, 0.0, measured.dimension or _PLAIN))
                fact = f"{one.text} has no unit, and {other.text} is {what}: write a number with a unit."
                raise FormulaError(fact, text=text, column=one.column)
        one_is, other_is = (describe(Si("", 1.0, 0.0, x.dimension or _PLAIN)) for x in (a, b))
        fact = f"{first.text} is {one_is}, {second.text} is {other_is}: they do not go together."
        raise FormulaError(fact, text=text, column=second.column)
    return known[0][1].dimension if known else None


# ---- as Python

_NAMES: dict[str, Any] = {
    "__builtins__": {},
    "abs": abs,
    "min": min,
    "max": max,
    "sqrt": math.sqrt,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "exp": math.exp,
    "log": math.log,
    "hypot": math.hypot,
    "atan2": math.atan2,
    "float": float,
    "TypeError": TypeError,
    "ValueError": ValueError,
    "ArithmeticError": ArithmeticError,
    "_and": lambda a, b: float((a - 0.0 != 0.0) & (b - 0.0 != 0.0)),
    "_or": lambda a, b: float((a - 0.0 != 0.0) | (b - 0.0 != 0.0)),
    "_implies": lambda a, b: float((a - 0.0 == 0.0) | (b - 0.0 != 0.0)),
    "_not": lambda a: float(a - 0.0 == 0.0),
}
_SOURCE = """
def value(get):
    try:
        found = {code}
        return found if -1e300 < found < 1e300 else None
    except (TypeError, ArithmeticError, ValueError):
        return None
"""


def _compiled(code: str) -> Value:
    """A function of one expression: formulas are computed for every shape of every frame, and calls are what costs.

    The code is made from the parsed formula: names of signals stand in it as quoted texts, and nothing else of what
    was written. Without a sample (None) there is no sum, nor anything else: a TypeError, so no value.
    """
    names = dict(_NAMES)
    exec(_SOURCE.format(code=code), names)
    value: Value = names["value"]
    return value


def _python(part: Typed) -> str:
    kind = part.kind
    if kind == "number":
        return repr(part.number)
    if kind == "time":
        return f"get({TIME!r})"
    if kind == "signal":
        code = f"get({part.name!r})"
        code = code if part.scale == 1.0 else f"({code} * {part.scale!r})"
        return code if part.offset == 0.0 else f"({code} + {part.offset!r})"
    code, *others = (_python(each) for each in part.parts)
    if kind == "neg":
        return f"(-{code})"
    if kind == "^":
        return f"({code} ** {int(part.number)})"
    if kind in COMPARISONS:
        return f"float({code} - {others[0]} {kind} 0.0)"
    if kind in LOGIC:
        kind = f"_{kind}"
    elif kind in ("+", "-", "*", "/"):
        return f"({code} {kind} {others[0]})"
    return f"{kind}({', '.join([code, *others])})"


# ---- for the core


def program_of(part: Typed) -> _core.Program:
    """A part as a program of the core."""
    from crumple import _core

    return _core.Program(_terms(part))


def _terms(part: Typed) -> list[tuple[str, float, float, str]]:
    """In postfix order: operation, two numbers (of a signal, its scale and offset), the name of a signal."""
    if part.kind == "signal":
        return [("signal", part.scale, part.offset, part.name)]
    if part.kind in ("number", "time"):
        return [(part.kind, part.number, 0.0, "")]
    operation = (part.kind, part.number, 0.0, "")
    terms = _terms(part.parts[0])
    for each in part.parts[1:]:
        terms += [*_terms(each), operation]
    return terms if len(part.parts) > 1 else [*terms, operation]
