"""Signal temporal logic: what must hold over time, as `holds` in a requirement writes it.

    always[0, 150 ms](driver.head_acceleration < 80 g)
    always(sensor.ttc < 1 s implies eventually[0, 300 ms](aeb.brake_request < -5 m/s^2))

The formulas of `crumple.formula`, with these operators beside and, or, not and implies (which binds loosest):

    always[a, b](f)      f holds at every moment from a to b later
    eventually[a, b](f)  f holds at some moment from a to b later
    f until[a, b] g      g holds at some moment from a to b later, and f at every moment from now until just before it
    historically[a, b](f), once[a, b](f)   the same as always and eventually, from b to a earlier

A window without bounds has no end; its second bound may be the word `end`. Bounds are times. A window has the
communication points that lie within it: with a period of 40 ms, [0, 150 ms] has those at 0, 40, 80 and 120 ms.
A formula is judged at the start of the run. What it means, also at the end of a run, is told in docs/requirements.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from crumple.formula import Dimension, SiOf, Typed, program_of, typed
from crumple.formula_reader import COMPARISONS, FormulaError, Node, Reader
from crumple.si import SiError, parse_exact

if TYPE_CHECKING:
    from crumple import _core

MOST = 2000  # characters
_UNARY = ("always", "eventually", "once", "historically")
_AHEAD = ("always", "eventually", "until", "release")
_DUAL = {
    **{"and": "or", "or": "and", "until": "release", "release": "until"},
    **{"always": "eventually", "eventually": "always", "once": "historically", "historically": "once"},
}
_OPPOSITE = {
    "<": ">=",
    "<=": ">",
    ">": "<=",
    ">=": "<",
    "==": "!=",
    "!=": "==",
    "true": "false",
    "false": "true",
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_DISCRETE = ("boolean", "integer", "enumeration")

Window = tuple[Fraction, Fraction | None]  # [s]; None: without end


@dataclass(frozen=True, slots=True)
class Atom:
    """A comparison `left relation right`, or a value that is "true" or "false" (right is None).

    text: for people, with the relation as it counts here: what stands under a not is turned.
    """

    left: Node
    right: Node | None
    relation: str
    text: str

    @property
    def signals(self) -> tuple[str, ...]:
        """Names of its signals, each once."""
        sides = [self.left] if self.right is None else [self.left, self.right]
        return tuple(dict.fromkeys(name for side in sides for name in _signals(side)))


@dataclass(frozen=True, slots=True)
class Part:
    """An operator over parts, or an atom. window: of temporal operators. No part is a "not".

    column: where it begins in the text, from 1.
    """

    op: str
    parts: tuple[Part, ...] = ()
    window: Window | None = None
    atom: Atom | None = None
    column: int = 1


@dataclass(frozen=True, slots=True)
class Stl:
    """A formula as it was read. signals: names of all signals in it.   atoms: its comparisons, in the core's order."""

    text: str
    root: Part
    signals: tuple[str, ...]
    atoms: tuple[Atom, ...]

    def check(self, si_of: SiOf) -> None:
        """Raises FormulaError, with its column, where units clash."""
        for atom in self.atoms:
            _difference(atom, si_of, self.text)

    def judge(
        self, name: str, *, period: Fraction, si_of: SiOf, kind_of: Callable[[str], str], stop: bool = False
    ) -> _core.Judge:
        """It for the core. kind_of: of a signal, "real", "boolean", ...   Raises FormulaError as `check` does.

        Comparisons of booleans, and whether whole numbers are equal, know no distance: they are true or false.
        """
        from crumple import _core

        return _core.Judge(name, self._terms(self.root, period, si_of, kind_of), stop)

    def _terms(self, part: Part, period: Fraction, si_of: SiOf, kind_of: Callable[[str], str]) -> list[Any]:
        if part.atom is not None:
            atom = part.atom
            program = program_of(_difference(atom, si_of, self.text))
            return [("atom", 0, 0, program, atom.relation, crisp(atom, kind_of))]
        terms = [term for each in part.parts for term in self._terms(each, period, si_of, kind_of)]
        first, last = (0, 0) if part.window is None else ticks(part.window, period)
        return [*terms, (part.op, first, last, None, "", False)]

    def check_windows(self, period: Fraction) -> None:
        """Raises FormulaError for a window in which no communication point lies."""
        for part in _all(self.root):
            if part.window is not None and part.window[1] is not None:
                first, last = ticks(part.window, period)
                if last is not None and last < first:
                    low, high = (f"{float(bound):g} s" for bound in part.window if bound is not None)
                    fact = f"no tick lies from {low} to {high}; a tick is {float(period):g} s"
                    raise FormulaError(fact, text=self.text, column=part.column)

    def horizons(self) -> Iterator[tuple[Part, Fraction, Fraction, Fraction | None]]:
        """Windows that are judged from the start of the run: (part, first, last [s], all that it looks ahead to [s]).

        last is that of the window itself; a window without end is left out.
        """
        for part in _judged_first(self.root):
            if part.window is not None and part.window[1] is not None and part.op in _AHEAD:
                ahead = [_ahead(each) for each in part.parts]
                inner = None if None in ahead else max(each for each in ahead if each is not None)
                yield part, part.window[0], part.window[1], None if inner is None else part.window[1] + inner


@lru_cache(maxsize=256)
def parse_stl(text: str) -> Stl:
    """Read a formula. Raises FormulaError with what cannot be read, and where."""
    reader = _StlReader(text, most=MOST)
    node = reader.whole()
    root = _part(node, reader.text, turned=False)
    if not any(part.op in _AHEAD for part in _all(root)):
        fact = "this is judged at the start of the run only"
        raise FormulaError(
            f"{fact}: write always({_short(reader.text)})", text=reader.text, column=node.column
        )
    atoms = tuple(part.atom for part in _all(root) if part.atom is not None)
    return Stl(reader.text, root, tuple(sorted(dict.fromkeys(reader.signals))), atoms)


def ticks(window: Window, period: Fraction) -> tuple[int, int | None]:
    """The communication points within a window, first and last; None: without end."""
    first, last = window
    return math.ceil(first / period), None if last is None else math.floor(last / period)


def crisp(atom: Atom, kind_of: Callable[[str], str]) -> bool:
    """Whether it is true or false without a distance."""
    if atom.right is None:
        return True
    kinds = {kind_of(name) for name in atom.signals}
    if not kinds or not kinds <= set(_DISCRETE):
        return False
    return kinds == {"boolean"} or atom.relation in ("==", "!=")


def sides(atom: Atom) -> tuple[Node, Node | None, str]:
    """What is compared, with what, and how; a signal comes before a number, whichever way round it was written."""
    if atom.right is not None and not _signals(atom.left) and _signals(atom.right):
        return atom.right, atom.left, _MIRRORED.get(atom.relation, atom.relation)
    return atom.left, atom.right, atom.relation


def dimension_of(node: Node, si_of: SiOf) -> Dimension | None:
    """What a side of a comparison measures; None where that is not known."""
    return typed(node, si_of).dimension


def si_of_side(node: Node, si_of: SiOf) -> str | None:
    """A unit that is written or declared in a formula and measures what all of it does; None where there is none."""
    wanted = dimension_of(node, si_of)
    if wanted is None:
        return None
    for part in _nodes(node):
        si = part.si if part.kind == "number" else si_of(part.text) if part.kind == "signal" else None
        if si:
            found = dimension_of(part, si_of)
            if found is not None and found[:7] == wanted[:7]:
                return si
    return None


# ---- reading


class _StlReader(Reader):
    """Reads temporal operators besides."""

    def negation(self) -> Node:
        begin = self.begin
        node = super().negation()
        while self.at_word("until"):
            self.next()
            bounds = self._bounds()
            node = self.node("until", begin, (node, super().negation()))._replace(bounds=bounds)
        return node

    def word(self, word: str) -> Node:
        if word not in _UNARY:
            return super().word(word)
        begin = self.begin
        self.next()
        bounds = self._bounds()
        if self.token != "(":
            found = f", not {self.token!r}" if self.token else ""
            raise self.error(f"{word} is followed by its formula in brackets{found}")
        self.next()
        inner = self.condition()
        self.expect(")")
        return self.node(word, begin, (inner,))._replace(bounds=bounds)

    def words(self) -> tuple[str, ...]:
        return (*super().words(), *_UNARY, "until", "implies")

    def _bounds(self) -> Window:
        if self.token != "[":
            return Fraction(0), None
        self.next()
        first = self._bound()
        if first is None:
            raise self.error("a window begins at a time")
        if self.token != ",":
            raise self.error("a window has two bounds, as in [0 s, 300 ms]")
        self.next()
        begin = self.begin
        last = self._bound()
        if last is not None and last < first:
            raise self.error("the window ends before it begins", begin)
        if self.token != "]":
            raise self.error(
                "']' is missing after the window" + (f", before {self.token!r}" if self.token else "")
            )
        self.next()
        return first, last

    def _bound(self) -> Fraction | None:
        """A time [s]; None for the word end."""
        begin = self.begin
        if self.at_word("end", "inf"):
            self.next()
            return None
        if self.kind != "number":
            negative = self.token == "-"
            raise self.error(
                "a window does not reach back: use once or historically"
                if negative
                else "a bound is a time such as 300 ms, or the word end"
            )
        node = self.part()
        if node.si is None and node.number != 0.0:
            raise self.error(f"{node.text} has no unit: write {node.text} s, or {node.text} ms", begin)
        try:
            return parse_exact(node.text if node.si is not None else 0, "s")
        except SiError as error:
            raise self.error(str(error), begin) from None


# ---- from nodes to parts


def _part(node: Node, text: str, *, turned: bool) -> Part:
    """A part, or (turned) that it does not hold, with every not moved into the comparisons."""
    kind = node.kind
    if kind == "not":
        return _part(node.parts[0], text, turned=not turned)
    if kind == "implies":
        first, second = node.parts
        both = (_part(first, text, turned=not turned), _part(second, text, turned=turned))
        return Part("and" if turned else "or", both, column=node.column)
    if kind in _DUAL:
        parts = tuple(_part(each, text, turned=turned) for each in node.parts)
        window = node.bounds if kind in (*_UNARY, "until") else None
        return Part(_DUAL[kind] if turned else kind, parts, window, column=node.column)
    _refuse_temporal(node, text)
    return Part("atom", atom=_atom(node, turned), column=node.column)


def _refuse_temporal(node: Node, text: str) -> None:
    for part in _nodes(node):
        if part.kind in (*_UNARY, "until"):
            fact = f"{part.kind} is true or false over time, and cannot stand in a sum or a comparison"
            raise FormulaError(fact, text=text, column=part.column)


def _atom(node: Node, turned: bool) -> Atom:
    if node.kind not in COMPARISONS:
        relation = "false" if turned else "true"
        return Atom(node, None, relation, f"not {node.text}" if turned else node.text)
    left, right = node.parts
    relation = _OPPOSITE[node.kind] if turned else node.kind
    return Atom(left, right, relation, f"{left.text} {relation} {right.text}")


def _difference(atom: Atom, si_of: SiOf, text: str) -> Typed:
    """What is compared with 0."""
    left = typed(atom.left, si_of, text)
    if atom.right is None:
        return left
    both = Node(atom.relation, parts=(atom.left, atom.right))
    typed(both, si_of, text)  # for its units
    return Typed("-", None, parts=(left, typed(atom.right, si_of, text)))


def _all(part: Part) -> Iterator[Part]:
    """All parts, each after its own: the order of the core."""
    for each in part.parts:
        yield from _all(each)
    yield part


def _judged_first(part: Part) -> Iterator[Part]:
    """The parts that are judged at the start of the run only."""
    yield part
    if part.op in ("and", "or"):
        for each in part.parts:
            yield from _judged_first(each)


def _ahead(part: Part) -> Fraction | None:
    """How far it looks ahead [s]; None: without end."""
    inner = [_ahead(each) for each in part.parts]
    if None in inner:
        return None
    most = max((each for each in inner if each is not None), default=Fraction(0))
    if part.op not in _AHEAD or part.window is None:
        return most
    return None if part.window[1] is None else part.window[1] + most


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for part in node.parts:
        yield from _nodes(part)


def _signals(node: Node) -> list[str]:
    return [part.text for part in _nodes(node) if part.kind == "signal"]


def _short(text: str) -> str:
    text = text.strip()
    return text if len(text) <= 40 else f"{text[:37]}..."
