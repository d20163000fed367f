"""Random formulas over random traces: the core and rtamt, an independent monitor, agree.

They mean the same by every operator, until included: what must hold first must hold up to just before the moment
at which the other comes. They differ at the end of a trace: for rtamt a moment that was not seen is the best there
could be for always and the worst for eventually and until; here it is not known. So they agree to 1e-9 where the whole
horizon was seen; where it was not, rtamt's value must lie between the two ends of what is known here.

CRUMPLE_STL_FORMULAS: how many formulas are tried, each with traces that are long enough and traces that are not.
"""

from __future__ import annotations

import math
import os
import random
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crumple.stl import parse_stl

rtamt = pytest.importorskip("rtamt", reason="rtamt 0.4.10 needs Python below 3.13")

_FORMULAS = int(os.environ.get("CRUMPLE_STL_FORMULAS", "300"))
_TRACES = 4  # of each formula, long ones and short ones
_SIGNALS = ("x", "y", "z")
_UNARY = ("always", "eventually", "once", "historically")


@dataclass(frozen=True)
class Random:
    """A formula in our words and in rtamt's. horizon: ticks that it looks ahead; endless: to the end of the trace."""

    ours: str
    theirs: str
    horizon: int
    endless: bool = False


def _comparison(pick: random.Random) -> Random:
    a, b = pick.choice(_SIGNALS), pick.choice(_SIGNALS)
    relation = pick.choice(("<", "<=", ">", ">=", "==", "!="))
    limit = f"{pick.uniform(-3, 3):.3f}"
    kind = pick.randrange(4)
    if kind == 0:
        ours, theirs = f"u.{a} {relation} {limit}", f"{a} {relation} {limit}"
    elif kind == 1:
        ours, theirs = f"u.{a} + u.{b} {relation} {limit}", f"{a} + {b} {relation} {limit}"
    elif kind == 2:
        ours, theirs = f"abs(u.{a}) {relation} 2.5 * u.{b}", f"abs({a}) {relation} 2.5 * {b}"
    else:
        ours, theirs = f"u.{a} * u.{b} {relation} {limit}", f"{a} * {b} {relation} {limit}"
    return Random(ours, theirs.replace("!=", "!=="), 0)


def _formula(pick: random.Random, depth: int) -> Random:
    if depth == 0 or pick.random() < 0.12:
        return _comparison(pick)
    kind = pick.choice((*_UNARY, "until", "and", "or", "implies", "not"))
    one = _formula(pick, depth - 1)
    if kind == "not":
        return Random(f"not ({one.ours})", f"not({one.theirs})", one.horizon, one.endless)
    first = pick.choice((0, 0, pick.randrange(6)))
    last = first + pick.randrange(7)
    bounded = pick.random() < 0.8
    here, there = (f"[{first} s, {last} s]", f"[{first}:{last}]") if bounded else ("", "")
    ahead = last if bounded else 0
    if kind in _UNARY:
        past = kind in ("once", "historically")
        return Random(
            f"{kind}{here}({one.ours})",
            f"{kind}{there}({one.theirs})",
            one.horizon + (0 if past else ahead),
            one.endless or not (past or bounded),
        )
    two = _formula(pick, depth - 1)
    horizon, endless = max(one.horizon, two.horizon), one.endless or two.endless
    if kind == "until":
        return Random(
            f"(({one.ours}) until{here} ({two.ours}))",
            f"(({one.theirs}) until{there} ({two.theirs}))",
            horizon + ahead,
            endless or not bounded,
        )
    word = {"implies": "->"}.get(kind, kind)
    return Random(
        f"(({one.ours}) {kind} ({two.ours}))", f"(({one.theirs}) {word} ({two.theirs}))", horizon, endless
    )


def random_formula(seed: int) -> Random:
    """One that looks ahead: others are no requirements."""
    pick = random.Random(seed)
    inner = _formula(pick, pick.choice((1, 2, 2, 3)))
    last = pick.randrange(5)
    return Random(
        f"always[0 s, {last} s]({inner.ours})",
        f"always[0:{last}]({inner.theirs})",
        inner.horizon + last,
        inner.endless,
    )


class Both:
    """A formula in both monitors."""

    def __init__(self, formula: Random) -> None:
        self.formula = formula
        self._spec = rtamt.StlDiscreteTimeOfflineSpecification()
        for name in (*_SIGNALS, "out"):
            self._spec.declare_var(name, "float")
        self._spec.spec = f"out = {formula.theirs}"
        self._spec.parse()
        self._judge = parse_stl(formula.ours).judge(
            "r", period=Fraction(1), si_of=lambda name: "1", kind_of=lambda name: "real"
        )

    def theirs(self, trace: np.ndarray) -> float:
        """The robustness at the start, by rtamt."""
        data = {name: trace[:, i].tolist() for i, name in enumerate(_SIGNALS)}
        return float(self._spec.evaluate({"time": list(range(len(trace))), **data})[0][1])

    def ours(self, trace: np.ndarray) -> tuple[float, float]:
        """Between which two it lies."""
        found = self._judge.over([f"u.{name}" for name in _SIGNALS], trace, 1.0, 0.0, "whole")
        return found.low, found.high

    def agree(self, seed: int) -> None:
        """Both say the same of a trace that is long enough, and nothing that excludes the other of one that is not."""
        formula, rng = self.formula, np.random.default_rng(seed)
        whole = rng.uniform(-4.0, 4.0, (formula.horizon + 2 + int(rng.integers(0, 6)), 3))
        if not formula.endless:  # else what is near the end of the trace has no whole horizon
            low, high = self.ours(whole)
            assert low == high, formula
            assert _close(low, self.theirs(whole)), formula
        short = whole[: int(rng.integers(2, len(whole) + 1))]  # of one sample rtamt makes nothing
        value = self.theirs(short)
        low, high = self.ours(short)
        assert low <= value + 1e-9, formula
        assert value <= high + 1e-9, formula


def _close(a: float, b: float) -> bool:
    return a == b or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)


def test_thousands_of_formulas_and_traces_agree_with_the_oracle():
    for seed in range(_FORMULAS):
        both = Both(random_formula(seed))
        for trace in range(_TRACES):
            both.agree(seed * _TRACES + trace)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.integers(10**6, 10**9), st.integers(0, 10**6))
def test_whatever_formula_is_found_agrees_with_the_oracle(formula, trace):
    Both(random_formula(formula)).agree(trace)


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("always(u.x < 1 implies eventually(u.y > 0))", "always((x < 1) -> eventually(y > 0))"),
        (
            "always(eventually(u.x > 2)) or eventually(always(u.y < 1))",
            "(always(eventually(x > 2))) or (eventually(always(y < 1)))",
        ),
        ("always((u.x < 3) until (u.y > 1))", "always((x < 3) until (y > 1))"),
        (
            "always(once(u.x > 0) implies historically(u.y < 3.9))",
            "always((once(x > 0)) -> (historically(y < 3.9)))",
        ),
    ],
)
def test_formulas_without_end_agree_where_the_run_was_whole(here, there):
    both = Both(Random(here, there, 0, True))
    for seed in range(20):
        trace = np.random.default_rng(seed).uniform(-4.0, 4.0, (40, 3))
        low, high = both.ours(trace)
        assert low == high
        assert _close(low, both.theirs(trace))
