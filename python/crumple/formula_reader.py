"""Reading formulas: text to a tree of nodes that know their column."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from crumple.description import did_you_mean
from crumple.si import SiError, parse_si

TIME = "t"  # as a signal: the simulated time [s]
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
LOGIC = ("and", "or", "not", "implies")

# functions: how many values they take; None for two or more
FUNCTIONS: dict[str, int | None] = {
    "min": None,
    "max": None,
    "abs": 1,
    "sqrt": 1,
    "sin": 1,
    "cos": 1,
    "tan": 1,
    "exp": 1,
    "log": 1,
    "hypot": 2,
    "atan2": 2,
}
MOST = 500  # characters
_DEEPEST = 60  # parts within parts; Python itself refuses 200 brackets
_LARGEST_POWER = 9
_COUNTED = {1: "one value", 2: "two values", None: "two values or more"}

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<quoted>'[^']*'|"[^"]*")
    | (?P<signal>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+(?:\[[\d,\s]*\])?)
    | (?P<word>[A-Za-z_]\w*)
    | (?P<sign><=|>=|==|!=|[-+*/^(),<>\[\]])
    )""",
    re.VERBOSE,
)
# what may follow a number as its unit; the lookahead keeps "2 m/a.b" a quotient of 2 m and a signal
_ATOM = r"(?:°C|°|%|[A-Za-zµΩ]+)(?:\^?-?\d+)?(?![\w.(\[])"
_UNIT = re.compile(rf"\s*({_ATOM}(?:\*{_ATOM})*(?:/{_ATOM})?)")
_SPELLED = {"°C": "degC", "°": "deg"}
_NO_UNITS = {"and", "or", "implies", "until"}


class FormulaError(ValueError):
    """A formula that cannot be read, or whose units clash. The text says what and, where it can, the remedy.

    fact: that text without the formula.   text: the formula.   column: where in it, from 1; None: as a whole.
    """

    def __init__(self, fact: str, *, text: str = "", column: int | None = None) -> None:
        place = f" (column {column})" if column is not None else ""
        super().__init__(f'"{text}": {fact.rstrip(".")}{place}.' if text and column is not None else fact)
        self.fact = fact
        self.text = text
        self.column = column

    def pointed(self) -> str:
        """The formula on one line, and a caret under the column on the next; empty where there is no column."""
        return "" if self.column is None else f"{self.text}\n{' ' * (self.column - 1)}^"


class Node(NamedTuple):
    """A part of a formula.

    kind: "number", "signal", "time", an operator or a function.   text: as written.   si: unit of a number.
    column: where it begins, from 1.   bounds: of a temporal operator, its window [s].
    """

    kind: str
    text: str = ""
    number: float = 0.0
    si: str | None = None
    parts: tuple[Node, ...] = ()
    column: int = 1
    bounds: tuple[Fraction, Fraction | None] = (Fraction(0), None)


class Reader:
    """Reads one formula.

    names: words that stand for values without a dot in their name, such as parameters of a scene.
    """

    def __init__(self, text: str, *, names: frozenset[str] = frozenset(), most: int = MOST) -> None:
        if len(text) > most:
            raise FormulaError(f"is longer than {most} characters.")
        self.text = text.replace("\u2212", "-")
        self.signals: list[str] = []
        self.kind = ""
        self.token = ""
        self.begin = 0
        self._names = names
        self._at = 0
        self._depth = 0
        self.next()

    def whole(self) -> Node:
        """The formula. Raises FormulaError."""
        if not self.kind:
            raise FormulaError(
                'is empty: write a number, a signal such as "vehicle.crush", or a formula of these.'
            )
        node = self.condition()
        if self.kind:
            raise self.error(f"{self.token!r} has no place here")
        return node

    def error(self, fact: str, begin: int | None = None) -> FormulaError:
        """What is wrong here, or at the character `begin`."""
        return FormulaError(fact, text=self.text, column=(self.begin if begin is None else begin) + 1)

    def next(self) -> None:
        """On to the next token."""
        if not self.text[self._at :].strip():
            self.kind, self.token, self.begin = "", "", len(self.text.rstrip())
            return
        found = _TOKEN.match(self.text, self._at)
        self.begin = self._at + len(self.text[self._at :]) - len(self.text[self._at :].lstrip())
        if found is None:
            raise self.error(f"{self.text[self.begin]!r} has no place here")
        self.kind, self.token = str(found.lastgroup), found[str(found.lastgroup)]
        self.begin, self._at = found.start(self.kind), found.end()

    def node(self, kind: str, begin: int, parts: tuple[Node, ...]) -> Node:
        """A node over what was read since the character `begin`."""
        return Node(kind, self.text[begin : self.begin].strip(), parts=parts, column=begin + 1)

    def expect(self, sign: str) -> None:
        """Past a sign. Raises FormulaError where another stands there."""
        if self.token != sign:
            raise self.error(
                f"{sign!r} is missing before {self.token!r}" if self.token else f"{sign!r} is missing"
            )
        self.next()

    def at_word(self, *words: str) -> bool:
        """Whether one of these words comes next."""
        return self.kind == "word" and self.token in words

    def condition(self) -> Node:
        """What may stand in brackets: the loosest operators."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise FormulaError(f'"{self.text[:40]}..." has more than {_DEEPEST} brackets in brackets.')
        node = self.implication()
        self._depth -= 1
        return node

    def implication(self) -> Node:
        """a implies b, which is grouped from the right."""
        begin = self.begin
        node = self._binary(("or",), lambda: self._binary(("and",), self.negation))
        if not self.at_word("implies"):
            return node
        self.next()
        return self.node("implies", begin, (node, self._deeper(self.implication)))

    def negation(self) -> Node:
        """not a"""
        begin = self.begin
        if not self.at_word("not"):
            return self.comparison()
        self.next()
        return self.node("not", begin, (self._deeper(self.negation),))

    def comparison(self) -> Node:
        """a < b"""
        begin = self.begin
        node = self._sum()
        if self.kind != "sign" or self.token not in COMPARISONS:
            return node
        sign = self.token
        self.next()
        node = self.node(sign, begin, (node, self._sum()))
        if self.kind == "sign" and self.token in COMPARISONS:
            raise self.error(f"{self.token!r} has no place here: join two comparisons with 'and'")
        return node

    def _binary(self, signs: tuple[str, ...], below: Callable[[], Node]) -> Node:
        begin, depth = self.begin, self._depth
        node = below()
        while self.token in signs and self.kind in ("sign", "word"):
            self._deepen()
            sign = self.token
            self.next()
            node = self.node(sign, begin, (node, below()))
        self._depth = depth
        return node

    def _deeper(self, below: Callable[[], Node]) -> Node:
        self._deepen()
        node = below()
        self._depth -= 1
        return node

    def _deepen(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise FormulaError(f'"{self.text[:40]}..." has more than {_DEEPEST} parts.')

    def _sum(self) -> Node:
        return self._binary(("+", "-"), lambda: self._binary(("*", "/"), self._power))

    def _power(self) -> Node:
        begin = self.begin
        node = self.part()
        if self.kind != "sign" or self.token != "^":
            return node
        self.next()
        if self.kind != "number" or not self.token.isdigit() or not 1 <= int(self.token) <= _LARGEST_POWER:
            raise self.error(f"a power is a whole number from 1 to {_LARGEST_POWER}")
        power = float(self.token)
        self.next()
        return self.node("^", begin, (node,))._replace(number=power)

    def part(self) -> Node:
        """A number, a signal, a function, or anything in brackets."""
        kind, token, begin = self.kind, self.token, self.begin
        if kind == "number":
            return self._quantity()
        if kind in ("signal", "quoted") or (kind == "word" and token in self._names):
            name = token[1:-1] if kind == "quoted" else token
            self.signals.append(name)
            self.next()
            return Node("signal", name, column=begin + 1)
        if kind == "sign" and token in "+-":
            self.next()
            part = self._deeper(self._power)
            return part if token == "+" else self.node("neg", begin, (part,))
        if kind == "sign" and token == "(":
            self.next()
            node = self.condition()
            self.expect(")")
            return node
        if kind == "word":
            return self.word(token)
        raise self.error(f"{token!r} has no place here" if token else "something is missing at the end")

    def word(self, word: str) -> Node:
        """A word without a dot: the time, true, false, or a function."""
        begin = self.begin
        if word == TIME:
            self.next()
            return Node("time", TIME, column=begin + 1)
        if word in ("true", "false"):
            self.next()
            return Node("number", word, float(word == "true"), column=begin + 1)
        return self._function(word)

    def _quantity(self) -> Node:
        number, begin = float(self.token), self.begin
        unit = _UNIT.match(self.text, self._at)
        si = None
        if unit is not None and unit[1] not in _NO_UNITS:
            si = _SPELLED.get(unit[1], unit[1])
            try:
                parse_si(si)
            except SiError as error:
                raise self.error(str(error), unit.start(1)) from None
            self._at = unit.end()
        text = self.text[begin : self._at].strip()
        self.next()
        return Node("number", text, number, si, column=begin + 1)

    def _function(self, name: str) -> Node:
        if name not in FUNCTIONS:
            hint = did_you_mean(name, self.words())
            signal = f'A signal is written with its unit, as in "vehicle.{name}"'
            raise self.error(f"{name!r} is no function.{hint} {signal}".rstrip())
        begin = self.begin
        self.next()
        self.expect("(")
        parts = [self.condition()]
        while self.token == ",":
            self.next()
            parts.append(self.condition())
        self.expect(")")
        count = FUNCTIONS[name]
        if len(parts) != count if count is not None else len(parts) < 2:
            raise self.error(f"{name} takes {_COUNTED[count]}", begin)
        return self.node(name, begin, tuple(parts))

    def words(self) -> tuple[str, ...]:
        """What a wrong word may have been meant for."""
        return (*FUNCTIONS, *sorted(self._names))
