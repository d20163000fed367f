"""What the shapes of a picture are bound to, at one moment of a session.

Reals lie linearly between samples, angles go the short way, everything else is held. Nothing is known beyond the
newest sample: a later time gives the newest there is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from crumple.formula import TIME, Formula, FormulaError
from crumple.si import SiError, parse_si
from crumple.view.canvas.source import Source
from crumple.view.scene_view import Shape
from crumple.view.vocabulary import UNITS, Key, keys_of

Bound = Any  # a float that never changes, a function of a look-up, a text, or tuples and tables of these

_UNKNOWN = object()


class Values:
    """Values of signals at one moment. `at` chooses it; what is asked for twice is looked up once."""

    def __init__(self, session: Source) -> None:
        self.session = session
        self.t = session.start
        self._found: dict[str, float | None] = {}
        self._turns: dict[str, float] = {}  # signals that are angles: their full turn, in their own unit
        self._plain: set[str] = set()
        self._stale: frozenset[str] = frozenset()
        self.silent: Mapping[str, float] = {}  # age [s] of inputs that are silent

    def at(self, t: float, *, stale: bool = True) -> None:
        """Go to a time [s]."""
        self.t = min(max(t, self.session.start), self.session.end())
        self._found = {TIME: self.t}
        if stale:
            silent = {}
            for row in self.session.inputs(self.t):
                old = row.age is not None and row.max_age is not None and row.age > row.max_age
                if old or row.state not in ("fresh", ""):
                    silent[row.name] = math.nan if row.age is None else row.age
            self.silent = silent

    def get(self, name: str) -> float | None:
        """A signal's value in its own unit; None where it has no sample."""
        found = self._found.get(name, _UNKNOWN)
        if found is _UNKNOWN:
            found = self._found[name] = self._look_up(name)
        return found  # type: ignore[return-value]

    def past(self, value: Bound, t: float) -> float | None:
        """A bound value at another time [s]."""
        now, found = self.t, self._found
        self.at(t, stale=False)
        result = number(value, self)
        self.t, self._found = now, found
        return result

    def is_stale(self, shape: Shape) -> bool:
        """Whether an input that the shape stands for is silent."""
        return bool(self.silent) and any(unit in self.silent for unit in shape.units)

    def _look_up(self, name: str) -> float | None:
        turn = self._turn(name)
        value = self._angle(name, turn) if turn else self.session.value(name, self.t)
        return None if value is None or not math.isfinite(value) else float(value)

    def _turn(self, name: str) -> float:
        if name in self._plain:
            return 0.0
        if name not in self._turns:
            try:
                si = parse_si(si_of(self.session, name) or "1")
            except SiError:
                si = parse_si("1")
            if si.dimension != parse_si("rad").dimension:
                self._plain.add(name)
                return 0.0
            self._turns[name] = 2 * math.pi / si.factor
        return self._turns[name]

    def _angle(self, name: str, turn: float) -> float | None:
        """Between two samples the short way round."""
        t, values = self.session.series(name)
        if not len(t) or self.t < t[0]:
            return None
        after = int(np.searchsorted(t, self.t, side="right"))
        first = float(values[after - 1])
        if after == len(t) or not t[after] > t[after - 1]:
            return first
        share = (self.t - float(t[after - 1])) / float(t[after] - t[after - 1])
        return first + share * ((float(values[after]) - first + turn / 2) % turn - turn / 2)


def number(value: Bound, values: Values) -> float | None:
    """A bound number now; None where it has no sample."""
    if value is None or isinstance(value, float):
        return value
    result: float | None = value(values.get)
    return result


def bind(shape: Shape, session: Source) -> dict[str, Bound]:
    """The values of a shape, with its formulas bound to the units of a session."""
    keys = keys_of(shape.kind)
    return bind_table(shape.values, keys, session)


def bind_table(table: Mapping[str, Any], keys: Mapping[str, Key], session: Source) -> dict[str, Bound]:
    """The values of a table, with its formulas bound."""
    si = table.get("si")
    return {key: _bound(value, wanted_unit(keys[key].kind, key, si), session) for key, value in table.items()}


def si_of(session: Source, name: str) -> str | None:
    """Unit of measure of a signal; an element has that of its array."""
    return session.si.get(name) or session.si.get(name.partition("[")[0])


def wanted_unit(kind: str, key: str, si: str | None) -> str | None:
    """The unit in which the formulas of a key are computed."""
    if kind in UNITS:
        return UNITS[kind] or si
    if kind in ("point", "points", "extent"):
        return "m"
    if kind in ("range", "zones", "curves"):
        return si
    return "degC" if key == "temperatures" else "1"


def _bound(value: Any, wanted: str | None, session: Source) -> Bound:
    if isinstance(value, Formula):
        try:
            bound = value.bind(partial(si_of, session), wanted)
        except (FormulaError, SiError):
            return lambda _: None  # `check` says why; here it is no sample
        return bound(lambda _: None) if value.constant else bound
    if isinstance(value, tuple):
        return tuple(_bound(part, wanted, session) for part in value)
    if isinstance(value, Mapping):
        return {key: _bound(part, wanted, session) for key, part in value.items()}
    return value
