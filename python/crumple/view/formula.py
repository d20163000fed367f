"""Formulas of signals, as the [view] table writes them: "-4.2 m + vehicle.crush", "controller.fire > 0.5".

    formula = sum [ ("<" | "<=" | ">" | ">=" | "==" | "!=") sum ], joined by "and", "or"
    sum     = product { ("+" | "-") product }
    product = part { ("*" | "/") part }
    part    = quantity | signal | t | function "(" formula { "," formula } ")" | "(" formula ")" | "-" part

A signal is unit.port or unit.port[2], between quotes where its name holds other characters; t is the simulated
time. Functions: min, max, abs, sin, cos, sqrt. Everything is computed in base units, so units may be mixed; a
number without a unit fits what has none, and 0 fits everything. A number alone is in the unit that is wanted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from crumple.description import closest, did_you_mean
from crumple.si import Si, SiError, describe, parse_si

Lookup = Callable[[str], float | None]
SiOf = Callable[[str], str | None]
Value = Callable[[Lookup], float | None]
Dimension = tuple[int, ...]

TIME = "t"  # as a signal: the simulated time [s]
_MOST = 500  # characters
_DEEPEST = 60  # parts within parts; Python itself refuses 200 brackets

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<quoted>'[^']*'|"[^"]*")
    | (?P<signal>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+(?:\[[\d,\s]*\])?)
    | (?P<word>[A-Za-z_]\w*)
    | (?P<sign><=|>=|==|!=|[-+*/(),<>])
    )""",
    re.VERBOSE,
)
# what may follow a number as its unit; the lookahead keeps "2 m/a.b" a quotient of 2 m and a signal
_ATOM = r"(?:°C|°|%|[A-Za-zµΩ]+)(?:\^?-?\d+)?(?![\w.(\[])"
_UNIT = re.compile(rf"\s*({_ATOM}(?:\*{_ATOM})*(?:/{_ATOM})?)")
_SPELLED = {"°C": "degC", "°": "deg"}


class FormulaError(ValueError):
    """A formula that cannot be read, or whose units clash. The text says what and, where it can, the remedy."""


class _Node(NamedTuple):
    """kind: "number", "signal", "time", an operator or a function."""

    kind: str
    text: str = ""
    number: float = 0.0
    si: str | None = None
    parts: tuple[_Node, ...] = ()


class _Typed(NamedTuple):
    """A part as Python, in base units, with what it measures; dimension None fits anything.

    plain: a number without a unit.
    """

    code: str
    dimension: Dimension | None
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula as it was read. signals: names of all signals in it, each once."""

    text: str
    signals: tuple[str, ...]
    root: _Node

    @property
    def constant(self) -> bool:
        """Whether it never changes."""
        return not self.signals and TIME not in _kinds(self.root)

    def bind(self, si_of: SiOf, wanted: str | None = None) -> Value:
        """A function of a look-up of signals that gives the value in the unit `wanted`, None where a signal has none.

        wanted: None for base units.   si_of: unit of a signal by name, None where it declares none.
        Raises FormulaError where units clash.
        """
        return _compiled(self._code(si_of, wanted))

    def _code(self, si_of: SiOf, wanted: str | None) -> str:
        """It as Python, in the unit `wanted`."""
        number = _alone(self.root)
        if number is not None:
            return repr(number)
        code, dimension, _ = _bind(self.root, si_of)
        if wanted is None or dimension is None:
            return code
        target = parse_si(wanted)
        if dimension[:7] != target.dimension[:7]:
            given = describe(Si("", 1.0, 0.0, dimension))
            raise FormulaError(f'"{self.text}" is {given}; {describe(target)} ("{wanted}") is wanted.')
        return _scaled(code, 1.0 / target.factor, -target.offset / target.factor)

    def check(self, signals: Mapping[str, str | None], wanted: str | None = None) -> None:
        """Raises FormulaError for a signal that is not among `signals` (name: unit), and for clashing units."""
        for name in self.signals:
            if name not in signals and name.partition("[")[0] not in signals:
                hint = "".join(f' Did you mean "{near}"?' for near in closest(name, signals, limit=1))
                remedy = hint or ' "crumple info" and "crumple show" list signals.'
                raise FormulaError(f'there is no signal "{name}" in this scene.{remedy}')
        self._code(lambda name: signals.get(name, signals.get(name.partition("[")[0])), wanted)


@lru_cache(maxsize=4096)
def parse_formula(text: str) -> Formula:
    """Read a formula. Raises FormulaError with what cannot be read, and where."""
    if len(text) > _MOST:
        raise FormulaError(f"is longer than {_MOST} characters.")
    reader = _Reader(text)
    root = reader.whole()
    return Formula(text, tuple(dict.fromkeys(reader.signals)), root)


def constant(value: float) -> Formula:
    """A number, in the unit that is wanted."""
    return Formula(f"{value:g}", (), _Node("number", f"{value:g}", value))


def _kinds(node: _Node) -> set[str]:
    return {node.kind}.union(*(_kinds(part) for part in node.parts))


def _alone(node: _Node) -> float | None:
    """The value of a number without a unit that stands alone."""
    if node.kind == "number" and node.si is None:
        return node.number
    if node.kind == "neg":
        inner = _alone(node.parts[0])
        return None if inner is None else -inner
    return None


# ---- units


_FUNCTIONS: dict[str, int] = {"min": 2, "max": 2, "abs": 1, "sin": 1, "cos": 1, "sqrt": 1}
_COMPARE = ("<", "<=", ">", ">=", "==", "!=")
_PLAIN: Dimension = (0,) * 8


_NAMES: dict[str, Any] = {
    "__builtins__": {},
    **{
        "abs": abs,
        "min": min,
        "max": max,
        "sin": math.sin,
        "cos": math.cos,
        "float": float,
        "TypeError": TypeError,
    },
    **{
        "_root": lambda x: math.sqrt(max(x, 0.0)),
        "_both": lambda a, b: float((a - 0.0 != 0.0) & (b - 0.0 != 0.0)),
    },
    **{
        "_either": lambda a, b: float((a - 0.0 != 0.0) | (b - 0.0 != 0.0)),
        "ArithmeticError": ArithmeticError,
    },
}
_SOURCE = """
def value(get):
    try:
        found = {code}
        return found if -1e300 < found < 1e300 else None
    except (TypeError, ArithmeticError):
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


def _scaled(code: str, factor: float, offset: float) -> str:
    code = code if factor == 1.0 else f"({code} * {factor!r})"
    return code if offset == 0.0 else f"({code} + {offset!r})"


def _bind(node: _Node, si_of: SiOf) -> _Typed:
    """A part as code, in base units."""
    if node.kind == "number":
        if node.si is None:
            return _Typed(repr(node.number), None if node.number == 0.0 else _PLAIN, True)
        si = parse_si(node.si)
        return _Typed(repr(node.number * si.factor + si.offset), si.dimension)
    if node.kind == "time":
        return _Typed(f"get({TIME!r})", parse_si("s").dimension)
    if node.kind == "signal":
        return _signal(node.text, si_of(node.text))
    parts = [_bind(part, si_of) for part in node.parts]
    code = [part.code for part in parts]
    if node.kind == "neg":
        return _Typed(f"(-{code[0]})", parts[0].dimension, parts[0].plain)
    if node.kind in ("*", "/"):
        return _product(node, *parts)
    if node.kind in ("sin", "cos"):
        return _Typed(f"{node.kind}({code[0]})", _PLAIN)
    if node.kind == "sqrt":
        dimension = parts[0].dimension
        if dimension is not None and any(power % 2 for power in dimension):
            raise FormulaError(f'"{node.text}" has no unit of measure: its powers would be halves.')
        root = None if dimension is None else tuple(power // 2 for power in dimension)
        return _Typed(f"_root({code[0]})", root)
    if node.kind in ("and", "or"):
        return _Typed(f"{'_both' if node.kind == 'and' else '_either'}({code[0]}, {code[1]})", _PLAIN)
    dimension = _same(node, parts)
    if node.kind in _COMPARE:
        return _Typed(f"float({code[0]} - {code[1]} {node.kind} 0.0)", _PLAIN)
    plain = all(part.plain for part in parts)
    if node.kind in ("+", "-"):
        return _Typed(f"({code[0]} {node.kind} {code[1]})", dimension, plain)
    return _Typed(f"{node.kind}({', '.join(code)})", dimension, plain)


def _signal(name: str, si_text: str | None) -> _Typed:
    """A signal that declares no unit fits anything."""
    try:
        si = None if si_text is None else parse_si(si_text)
    except SiError:
        si = None  # an FMU's own unit, which nobody else knows
    code = f"get({name!r})"
    return _Typed(code, None) if si is None else _Typed(_scaled(code, si.factor, si.offset), si.dimension)


def _product(node: _Node, a: _Typed, b: _Typed) -> _Typed:
    sign = 1 if node.kind == "*" else -1
    dimension = None
    if (a.dimension is not None or a.plain) and (b.dimension is not None or b.plain):
        dimension = tuple(
            p + sign * q for p, q in zip(a.dimension or _PLAIN, b.dimension or _PLAIN, strict=True)
        )
    return _Typed(f"({a.code} {node.kind} {b.code})", dimension, a.plain and b.plain)


def _same(node: _Node, parts: list[_Typed]) -> Dimension | None:
    """What all parts measure. Raises FormulaError where they do not measure the same."""
    known = [
        (part, typed) for part, typed in zip(node.parts, parts, strict=True) if typed.dimension is not None
    ]
    for (first, a), (second, b) in pairwise(known):
        assert a.dimension is not None and b.dimension is not None
        if a.dimension[:7] == b.dimension[:7]:
            continue
        for (one, typed), (other, measured) in (((first, a), (second, b)), ((second, b), (first, a))):
            if typed.plain:
                what = describe(Si("", 1.0, 0.0, measured.dimension or _PLAIN))
                raise FormulaError(
                    f"{one.text} has no unit, and {other.text} is {what}: write a number with a unit."
                )
        one_is, other_is = (describe(Si("", 1.0, 0.0, x.dimension or _PLAIN)) for x in (a, b))
        raise FormulaError(f"{first.text} is {one_is}, {second.text} is {other_is}: they do not go together.")
    return known[0][1].dimension if known else None


# ---- reading


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text.replace("\u2212", "-")
        self._at = 0
        self.signals: list[str] = []
        self._kind = ""
        self._token = ""
        self._begin = 0
        self._parts = 0
        self._next()

    def whole(self) -> _Node:
        if not self._kind:
            raise FormulaError(
                'is empty: write a number, a signal such as "vehicle.crush", or a formula of these.'
            )
        node = self._condition()
        if self._kind:
            raise self._error(f"{self._token!r} has no place here")
        return node

    def _error(self, fact: str) -> FormulaError:
        return FormulaError(f'"{self._text}": {fact} (column {self._begin + 1}).')

    def _next(self) -> None:
        if not self._text[self._at :].strip():
            self._kind, self._token, self._begin = "", "", len(self._text)
            return
        found = _TOKEN.match(self._text, self._at)
        self._begin = self._at + len(self._text[self._at :]) - len(self._text[self._at :].lstrip())
        if found is None:
            raise self._error(f"{self._text[self._at :].strip()[0]!r} has no place here")
        self._kind, self._token = str(found.lastgroup), found[str(found.lastgroup)]
        self._begin, self._at = found.start(str(found.lastgroup)), found.end()

    def _binary(self, signs: tuple[str, ...], below: Callable[[], _Node]) -> _Node:
        begin = self._begin
        node = below()
        while self._token in signs and self._kind in ("sign", "word"):
            sign = self._token
            self._next()
            parts = (node, below())
            node = _Node(sign, self._text[begin : self._begin].strip(), parts=parts)
        return node

    def _condition(self) -> _Node:
        return self._binary(("or",), lambda: self._binary(("and",), self._comparison))

    def _comparison(self) -> _Node:
        node = self._sum()
        if self._kind == "sign" and self._token in _COMPARE:
            sign = self._token
            self._next()
            node = _Node(sign, self._text, parts=(node, self._sum()))
        return node

    def _sum(self) -> _Node:
        return self._binary(("+", "-"), lambda: self._binary(("*", "/"), self._part))

    def _part(self) -> _Node:
        self._parts += 1
        if self._parts > _DEEPEST:
            raise FormulaError(f'"{self._text[:40]}..." has more than {_DEEPEST} parts.')
        kind, token = self._kind, self._token
        if kind == "number":
            return self._quantity()
        if kind in ("signal", "quoted"):
            name = token[1:-1] if kind == "quoted" else token
            self.signals.append(name)
            self._next()
            return _Node("signal", name)
        if kind == "sign" and token in "+-":
            self._next()
            part = self._part()
            return part if token == "+" else _Node("neg", f"-{part.text}", parts=(part,))
        if kind == "sign" and token == "(":
            self._next()
            node = self._condition()
            self._expect(")")
            return node
        if kind == "word" and token == TIME:
            self._next()
            return _Node("time", TIME)
        if kind == "word":
            return self._function(token)
        raise self._error(f"{token!r} has no place here" if token else "something is missing at the end")

    def _quantity(self) -> _Node:
        number, begin = float(self._token), self._begin
        unit = _UNIT.match(self._text, self._at)
        si = None
        if unit is not None and unit[1] not in ("and", "or"):
            si = _SPELLED.get(unit[1], unit[1])
            try:
                parse_si(si)
            except SiError as error:
                raise self._error(str(error).rstrip(".")) from None
            self._at = unit.end()
        text = self._text[begin : self._at].strip()
        self._next()
        return _Node("number", text, number, si)

    def _function(self, name: str) -> _Node:
        if name not in _FUNCTIONS:
            hint = did_you_mean(name, _FUNCTIONS)
            signal = f'A signal is written with its unit, as in "vehicle.{name}"'
            raise self._error(f"{name!r} is no function.{hint} {signal}".rstrip())
        begin = self._begin
        self._next()
        self._expect("(")
        parts = [self._condition()]
        while self._token == ",":
            self._next()
            parts.append(self._condition())
        self._expect(")")
        if (len(parts) != 1) != (_FUNCTIONS[name] != 1):
            raise self._error(
                f"{name} takes {'one value' if _FUNCTIONS[name] == 1 else 'two values or more'}"
            )
        return _Node(name, self._text[begin : self._begin].strip(), parts=tuple(parts))

    def _expect(self, sign: str) -> None:
        if self._token != sign:
            raise self._error(
                f"{sign!r} is missing before {self._token!r}" if self._token else f"{sign!r} is missing"
            )
        self._next()
