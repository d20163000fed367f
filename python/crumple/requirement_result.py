"""How a requirement came out: the result, and the words for it in tables and reasons."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec.structs import asdict

from crumple import wording

if TYPE_CHECKING:
    from crumple.requirement import Requirement
    from crumple.stl_requirement import Holds

Status = Literal["pass", "fail", "inconclusive", "not_applicable"]
Relation = Literal["max", "min", "equals"]

_TIME = "time"  # the title of a metric whose value is itself the moment
_PLAIN = {"maximum", "minimum", "largest magnitude", "final value", "mean"}  # titles that go without saying


class RequirementResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a requirement came out.

    value: the worst over the window, in `si`; `inf` for a time that never came; None where nothing was seen.
    limit, within: as written, in `si`.   margin: see the module.
    complete: whether its window was seen to the end.
    decided: time [s] at which the result could not change any more: where the limit was first broken, or the
    end of the window. None while it is open.   worst: (t1, t2) [s], the moment or the window that gave the value.
    Of a requirement over time (`holds`), value and limit are those of the comparison that decided, `part`, at the
    worst moment; distance: how far it is from turning [si], negative where it is broken, None where there is none.
    values: its signals at that moment, each with name, value and unit.
    """

    name: str
    what: str
    title: str
    status: Status
    value: float | None
    si: str
    relation: Relation
    limit: float
    within: float | None
    margin: float | None
    complete: bool
    decided: float | None
    worst: tuple[float, float] | None
    reason: str
    signals: tuple[str, ...] = ()
    when: str = ""
    doc: str = ""
    distance: float | None = None
    part: str = ""
    values: tuple[tuple[str, float | str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Ready for JSON; tuples become lists."""
        return {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(self).items()}

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> RequirementResult:
        """The inverse of `to_json`; keys that a later version added are left out.

        Raises msgspec.ValidationError where it has another shape.
        """
        return msgspec.convert(written, cls)


def unseen(
    required: Requirement | Holds,
    reason: str,
    *,
    title: str,
    si: str,
    relation: Relation,
    limit: float,
    within: float | None = None,
) -> RequirementResult:
    """The result of a requirement of which nothing was seen, or could be computed, and why."""
    return RequirementResult(
        name=required.name,
        what=required.what,
        title=title,
        status="inconclusive" if required.applies else "not_applicable",
        value=None,
        si=si,
        relation=relation,
        limit=limit,
        within=within,
        margin=None,
        complete=False,
        decided=None,
        worst=None,
        reason=reason,
        signals=required.signals,
        when=required.when,
        doc=required.doc,
    )


def value_text(result: RequirementResult) -> str:
    """The value for a table: "HIC15 142.1", "38.9 g", "never"."""
    if result.value is None:
        return "-"
    if math.isinf(result.value) and result.value > 0 and result.si not in {"", "1"} and result.worst is None:
        return "never"
    text = wording.with_si(wording.against(result.value, result.limit)[0], result.si)
    if result.title in {result.what, _TIME, *_PLAIN}:
        return text
    return f"{result.title} {text}" if result.si in {"", "1"} else f"{text} ({result.title})"


def limit_text(result: RequirementResult) -> str:
    """The limit for a table: "≤ 700", "≥ 2 m", "= 3 V ± 0.1 V"."""
    limit = wording.with_si(wording.number(result.limit, digits=6), result.si)
    if result.relation == "equals":
        near = f" ± {wording.with_si(wording.number(result.within), result.si)}" if result.within else ""
        return f"= {limit}{near}"
    return f"{'≤' if result.relation == 'max' else '≥'} {limit}"


def when_text(result: RequirementResult) -> str:
    """The moment or window that gave the value: "at 80.3 ms", "73.1 to 88.1 ms"."""
    if result.worst is None or result.title == _TIME:
        return ""
    t1, t2 = result.worst
    return f"at {wording.time(t1)}" if t1 == t2 else wording.span(t1, t2)


def reason_text(result: RequirementResult) -> str:
    """One line that says what happened against which limit, and when."""
    name, what = result.name, result.title if result.title not in {_TIME, *_PLAIN} else result.what
    assert result.value is not None
    value, limit = wording.against(result.value, result.limit)
    limit = wording.with_si(limit, result.si)
    value = (
        "never came"
        if math.isinf(result.value) and result.worst is None
        else wording.with_si(value, result.si)
    )
    said = f"{name}: {what} {value}"
    if result.status == "pass":
        return f"{said} holds {limit_text(result)}"
    if result.relation == "equals":
        within = (
            f" by more than {wording.with_si(wording.number(result.within), result.si)}"
            if result.within
            else ""
        )
        said += f" differs from {limit}{within}"
    elif value == "never came":
        said += f"; the limit is {limit}"
    else:
        verb = "exceeds" if result.relation == "max" else "is below"
        said += f" {verb} {limit}"
        if result.limit and result.margin is not None and math.isfinite(result.margin):
            said += f" by {wording.percent(-result.margin)}"
    if result.title == _TIME:
        return said
    if result.worst is not None and result.worst[0] != result.worst[1]:
        return f"{said} at {wording.time(result.decided or 0.0)} (window {when_text(result)})"
    if result.worst is not None and result.decided is not None and result.decided != result.worst[0]:
        return f"{said} {when_text(result)} (first broken at {wording.time(result.decided)})"
    return f"{said} {when_text(result)}".rstrip()


def margin_text(requirement: RequirementResult) -> str:
    """The margin for a table; against a limit of 0 and for a time that never came there is none to state."""
    margin = requirement.margin
    no_scale = requirement.limit == 0.0 and requirement.relation != "equals"
    if margin is None or not math.isfinite(margin) or no_scale:
        return ""
    return wording.percent(margin)
