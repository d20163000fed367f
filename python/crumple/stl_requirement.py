"""Requirements in signal temporal logic: the judgement of the core, put into words.

While a run goes on the core knows between which two values the distance from turning (the robustness) lies: they
differ by what was not seen, and by what is NaN. A requirement holds where both say so, is broken where both say so, and
is not decided else.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import msgspec

from crumple import wording
from crumple.formula import program_of, typed
from crumple.formula_reader import Node
from crumple.requirement_result import Relation, RequirementResult, reason_text, unseen
from crumple.si import base_si, parse_si
from crumple.stl import Atom, Stl, crisp, dimension_of, parse_stl, si_of_side, sides

if TYPE_CHECKING:
    from crumple import _core
    from crumple.requirement import Seen

Closing = Literal["cut", "whole", "ended"]
_RELATIONS: dict[str, Relation] = {
    "<": "max",
    "<=": "max",
    ">": "min",
    ">=": "min",
    "==": "equals",
    "!=": "min",
}


class _NoMetric(NamedTuple):
    """Stands where other requirements have the expression that they judge."""

    text: str
    scalar: bool = False
    root: None = None


class Holds(msgspec.Struct, frozen=True, kw_only=True):
    """A requirement `holds = "always[0, 150 ms](driver.head_acceleration < 80 g)"`.

    what: the formula as written.   si, kinds: of its signals, by name.   period: of the run [s], as a fraction.
    begin: of the run [s].   stop: whether the run ends when it is decided.
    applies: whether its condition `when` holds of the scene's parameters.
    """

    name: str
    what: str
    units: dict[str, str | None]
    kinds: dict[str, str]
    period: str
    stop: bool = False
    applies: bool = True
    when: str = ""
    doc: str = ""

    in_core: ClassVar[bool] = True

    # what other requirements have, too
    limits: tuple[Any, ...] = ()
    si: str = ""
    source_si: str | None = None
    at_end: bool = False

    @property
    def formula(self) -> Stl:
        """It as it was read."""
        return parse_stl(self.what)

    @property
    def signals(self) -> tuple[str, ...]:
        """Names of the signals that it looks at."""
        return self.formula.signals

    @property
    def expression(self) -> Any:
        """It is no metric."""
        return _NoMetric(self.what)

    @property
    def title(self) -> str:
        """What the value is called, as far as it is known before anything was judged."""
        return self.what

    def shown(self, value: float) -> float:
        """A value in the unit of the report."""
        return value

    def judge(self) -> _core.Judge:
        """For the core of a world."""
        return self.formula.judge(
            self.name,
            period=Fraction(self.period),
            si_of=self.units.get,
            kind_of=lambda name: self.kinds.get(name, "real"),
            stop=self.stop,
        )


def evaluate(required: Holds, seen: Seen, finding: _core.Finding | None = None) -> RequirementResult:
    """How it came out. finding: of the core; without it the core judges what was recorded.

    Raises nothing that a scene can cause.
    """
    blank = not_evaluated(required, f"{required.name}: does not apply, since it is only for {required.when}")
    if not required.applies:
        return blank
    if finding is None:
        finding = _over(required, seen)
    if finding is None:
        return msgspec.structs.replace(blank, reason=f"{required.name}: nothing was seen")
    status: Literal["pass", "fail", "inconclusive"]
    status = "fail" if finding.broken else "pass" if finding.holds else "inconclusive"
    high = finding.broken or (status == "inconclusive" and finding.high_tick >= 0)
    atom, tick = (finding.high_atom, finding.high_tick) if high else (finding.low_atom, finding.low_tick)
    decided = None if status == "inconclusive" else seen.start + max(finding.decided, 0) * seen.period
    result = msgspec.structs.replace(
        blank,
        status=status,
        complete=status == "pass" or finding.low == finding.high,
        decided=decided,
        distance=_finite(finding.high if high else finding.low),
    )
    if tick >= 0:
        moment = _Moment(required, required.formula.atoms[atom], seen, tick)
        result = moment.into(result)
    return msgspec.structs.replace(result, reason=_reason(required, result, seen, finding))


def closing(ending: str, *, whole: bool) -> Closing:
    """How windows end that reach beyond the run. ending: as in `Ending.how`.   whole: its horizon was reached."""
    if ending == "end_when":
        return "ended"
    return "whole" if ending == "horizon" and whole else "cut"


def not_evaluated(required: Holds, reason: str) -> RequirementResult:
    """One of which nothing was seen, or could be computed, and why."""
    return unseen(required, reason, title=required.what, si="", relation="equals", limit=1.0)


def _over(required: Holds, seen: Seen) -> _core.Finding | None:
    """The judgement of what was recorded so far."""
    import numpy as np

    columns = [np.asarray(seen.signals[name], np.float64) for name in required.signals]
    last = math.floor((min(seen.t, seen.horizon) - seen.start) / seen.period + 1e-3)
    rows = min([len(column) for column in columns] + [last + 1]) if columns else 0
    if rows <= 0:
        return None
    how: Closing = "ended" if seen.closed else "whole" if rows > _ticks(seen) else "cut"
    table = np.column_stack([column[:rows] for column in columns])
    return required.judge().over(list(required.signals), table, seen.period, seen.start, how)


def _ticks(seen: Seen) -> int:
    return math.floor((seen.horizon - seen.start) / seen.period + 1e-3)


class _Moment:
    """The comparison that decided, at the tick at which it did."""

    def __init__(self, required: Holds, atom: Atom, seen: Seen, tick: int) -> None:
        self._required, self._atom = required, atom
        self._t = seen.start + tick * seen.period
        self._values: dict[str, float] = {}
        for name in required.signals:
            samples = seen.signals[name]
            if tick < len(samples):
                self._values[name] = float(samples[tick])

    def into(self, result: RequirementResult) -> RequirementResult:
        """The result with value, limit, margin and what else there is to tell of this moment."""
        values = tuple(
            (
                name,
                value if math.isfinite(value := self._values[name]) else f"{value}",
                self._required.units.get(name) or "",
            )
            for name in self._required.signals
            if name in self._values
        )
        base = msgspec.structs.replace(
            result,
            worst=(self._t, self._t),
            part=self._atom.text,
            values=values,
            signals=tuple(dict.fromkeys((*self._atom.signals, *result.signals))),
        )
        left, right, relation = sides(self._atom)
        truth = right is None
        found_value = self._side(left)
        found_limit = self._side(right) if right is not None else float(relation == "true")
        if found_value is None or found_limit is None:  # NaN
            return msgspec.structs.replace(base, title=left.text, distance=None)
        value, limit = found_value, found_limit
        sharp = crisp(self._atom, lambda name: self._required.kinds.get(name, "real"))
        if truth:
            value = float(value != 0.0)
        elif relation == "!=":
            value, limit = abs(value - limit), 0.0
        si, factor, offset = ("", 1.0, 0.0) if truth else self._report_si(left, right)
        if relation == "!=":
            offset = 0.0
        shown, bound = ((x - offset) / factor for x in (value, limit))
        found = msgspec.structs.replace(
            base,
            title=left.text if not truth else self._atom.left.text,
            value=_tidy(shown),
            limit=_tidy(bound),
            si=si,
            relation="equals" if truth else _RELATIONS[relation],
            within=0.0 if truth or relation == "==" else None,
            distance=None if sharp or result.distance is None else result.distance / factor,
        )
        return msgspec.structs.replace(found, margin=self._margin(found, sharp=sharp))

    def _margin(self, found: RequirementResult, *, sharp: bool) -> float | None:
        from crumple.requirement import Limit

        assert found.value is not None
        if sharp or found.limit == 0.0:
            if found.status == "inconclusive":
                return None
            sign = 1.0 if found.status == "pass" else -1.0
            return 0.0 if not sharp and found.value == found.limit else sign
        margin = Limit(found.relation, found.limit, found.limit).margin(found.value)
        return None if found.status == "inconclusive" and margin < 0.0 else margin

    def _side(self, node: Node | None) -> float | None:
        """The value of a side of the comparison, in base units; None for NaN."""
        assert node is not None
        program = _program(node, tuple(self._required.units.items()))
        value = program.evaluate(self._values, self._t)
        return None if math.isnan(value) else value

    def _report_si(self, left: Node, right: Node | None) -> tuple[str, float, float]:
        """The unit of the report, with its factor and offset: that of the limit, else of what is compared with it."""
        si_of = self._required.units.get
        si = (right is not None and si_of_side(right, si_of)) or si_of_side(left, si_of)
        if not si:
            dimension = dimension_of(left, si_of)
            si = base_si(dimension) if dimension is not None and any(dimension[:7]) else ""
        unit = parse_si(si)
        return ("" if si == "1" else si), unit.factor, unit.offset


@lru_cache(maxsize=1024)
def _program(node: Node, units: tuple[tuple[str, str | None], ...]) -> _core.Program:
    return program_of(typed(node, dict(units).get))


def _finite(x: float) -> float | None:
    return x if math.isfinite(x) else None


def _tidy(value: float) -> float:
    return float(f"{value:.12g}")


def _reason(required: Holds, result: RequirementResult, seen: Seen, finding: _core.Finding) -> str:
    name = result.name
    alone = len(required.formula.atoms) == 1
    when = "" if result.worst is None else f" at {wording.time(result.worst[0])}"
    if result.status == "inconclusive":
        for atom, tick in ((finding.low_atom, finding.low_tick), (finding.high_atom, finding.high_tick)):
            if tick >= 0 and _blank(required.formula.atoms[atom], seen, tick):
                part, t = required.formula.atoms[atom].text, wording.time(seen.start + tick * seen.period)
                return f"{name}: {part} is not known at {t}: it is NaN there"
        because = f" ({seen.not_seen})" if seen.not_seen else ""
        return f"{name}: not decided by {wording.time(seen.t)}, where the run ended{because}"
    if result.value is None:
        verb = "does not hold" if result.status == "fail" else "holds"
        return f"{name}: {verb}"
    plain = result.part and alone and result.relation != "equals"
    if plain:
        return reason_text(result)
    value = wording.with_si(wording.against(result.value, result.limit)[0], result.si)
    if result.status == "pass":
        return f"{name}: holds; nearest{when}, where {result.title} is {value}: it takes {result.part}"
    return f"{name}: broken{when}, where {result.title} is {value} and not {_wanted(result)}"


def _wanted(result: RequirementResult) -> str:
    """The comparison that decided without its left side: ">= 1 s", "true"."""
    if result.part == result.title:
        return "true"
    if result.part == f"not {result.title}":
        return "false"
    return result.part.removeprefix(result.title).strip()


def _blank(atom: Atom, seen: Seen, tick: int) -> bool:
    samples = (seen.signals[name] for name in atom.signals)
    return any(tick < len(each) and math.isnan(float(each[tick])) for each in samples)
