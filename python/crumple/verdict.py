"""The verdict of a run, and the exit code, which is computed from the verdict and from nothing else.

A run is inconclusive until proven otherwise. `judge` writes *pass* only where every condition holds, and each
condition carries its evidence, so that the verdict can be defended by reading it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec.structs import asdict, replace

from crumple import wording
from crumple.exit_codes import exit_code
from crumple.requirement_result import RequirementResult

_ENDED_EARLY = ("unit_ended", "not_begun", "too_late")
_AS_MEANT = ("horizon", "end_when", "decided")

Outcome = Literal["pass", "fail", "inconclusive", "error", "done"]


class Condition(msgspec.Struct, frozen=True):
    """Something that must hold for a pass. holds: None where the run could not find out."""

    name: str
    holds: bool | None
    evidence: str


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How the stepping ended.

    how: "horizon" (all ticks were stepped), "end_when" (the scene's condition came true), "decided" (a requirement was,
    that stops the run), "unit_ended" (a unit asked to end the run, or a rig was lost),
    "not_begun" (somebody who is required did not come), "too_late" (a strict run lost real time), "interrupted",
    "error".
    tick, t: the last communication point that was reached [s].   ticks, horizon: what was to be reached.
    """

    how: Literal[
        "horizon", "end_when", "decided", "unit_ended", "not_begun", "too_late", "interrupted", "error"
    ]
    tick: int
    t: float
    ticks: int
    horizon: float
    text: str = ""  # what the unit, the recorder or the signal said
    where: Literal["unit", "recorder", "output", "run"] = "unit"  # of an error: who raised it


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """What the recorder has to show. rows: by file. expected: rows that each file should have.

    failure: why it could not be written.   unknown: why nobody could look at it.
    """

    rows: dict[str, int] = {}
    expected: dict[str, int] = {}
    failure: str = ""
    unknown: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """outcome with its reasons (one line each) and the evidence for every condition."""

    outcome: Outcome
    reasons: tuple[str, ...]
    conditions: tuple[Condition, ...]

    @property
    def exit_code(self) -> int:
        """See `exit_code`."""
        return exit_code(self.outcome)

    @property
    def reason(self) -> str:
        """All reasons in one line."""
        return "; ".join(self.reasons)

    def to_json(self) -> dict[str, Any]:
        """verdict, reason, exit_code and conditions, ready for JSON."""
        return {
            "verdict": self.outcome,
            "exit_code": self.exit_code,
            "reason": self.reason,
            "reasons": list(self.reasons),
            "conditions": [asdict(condition) for condition in self.conditions],
        }


def judge(
    ending: Ending,
    requirements: Sequence[RequirementResult],
    recording: Recording,
    *,
    units: int,
    outputs: int,
    nonfinite_allowed: Sequence[str] = (),
    live: Condition | None = None,
) -> Verdict:
    """The verdict over a run that has ended.

    units, outputs: how many there were, for the evidence.   nonfinite_allowed: outputs in which the scene
    allows NaN and infinity.   live: whether live inputs were heard and time was kept, where there are any.
    An error outranks everything, since what a failed run shows cannot be trusted. An interrupted run is
    inconclusive whatever it showed. Then a broken requirement is a fail, also where the run ended early. A
    requirement that claims to have held without a number, or without its whole window, has not.
    """
    requirements = [proven(each) for each in requirements]
    conditions = (
        _units_ended_well(ending, units),
        _outputs_finite(ending, outputs, nonfinite_allowed),
        _recording_whole(ending, recording),
        _horizons_seen(ending, requirements),
        _requirements_held(requirements),
        *([] if live is None else [live]),
    )
    failed = [r for r in requirements if r.status == "fail"]
    unknown = [r for r in requirements if r.status == "inconclusive"]
    applied = [r for r in requirements if r.status != "not_applicable"]
    outcome: Outcome
    if ending.how == "error" or recording.failure:
        outcome = "error"
        reasons = [recording.failure or ending.text]
    elif ending.how == "interrupted":
        outcome = "inconclusive"
        reasons = [ending.text or f"interrupted at {wording.time(ending.t)}"]
        reasons += [f"by then failed: {r.reason}" for r in failed]
    elif failed:
        outcome = "fail"
        reasons = [r.reason for r in failed] + _ended_by(ending)
    elif unknown or not all(condition.holds for condition in conditions):
        outcome = "inconclusive"
        reasons = [ending.text] if ending.how in _ENDED_EARLY and ending.text else _ended_by(ending)
        reasons += _together(unknown) if not (reasons and ending.how == "not_begun") else []
        reasons += [live.evidence] if live is not None and live.holds is False else []
        reasons += [] if reasons else [c.evidence for c in conditions if not c.holds]
    elif applied:
        outcome = "pass"
        held = wording.count(len(applied), "requirement")
        reasons = [f"{len(applied)} of {held} held", *_ended_by(ending)]
    else:
        outcome = "done"
        reasons = ["nothing was required" if not requirements else "none of the requirements applied"]
        reasons += _ended_by(ending)
    return Verdict(outcome=outcome, reasons=tuple(reasons), conditions=conditions)


def _ended_by(ending: Ending) -> list[str]:
    """What ended the run before its last tick, where the scene wants that."""
    return [ending.text] if ending.how in ("end_when", "decided") and ending.text else []


def proven(result: RequirementResult) -> RequirementResult:
    """The result, inconclusive where it says *pass* and has nothing to show for it."""
    if result.status != "pass":
        return result
    if result.value is None or math.isnan(result.value):
        fact = "has no value" if result.value is None else "is NaN"
        return replace(result, status="inconclusive", reason=f"{result.name}: {result.what} {fact}")
    if not result.complete:
        return replace(result, status="inconclusive", reason=f"{result.name}: not seen to its end")
    return result


def _together(results: Sequence[RequirementResult]) -> list[str]:
    """Their reasons, those that differ only in the name of the requirement as one."""
    names: dict[str, list[str]] = {}
    for result in results:
        names.setdefault(result.reason.removeprefix(f"{result.name}: "), []).append(result.name)
    return [f"{', '.join(who)}: {why}" for why, who in names.items()]


def not_finished() -> Verdict:
    """What `verdict.json` says from the first moment until the run has ended."""
    return Verdict(outcome="inconclusive", reasons=("the run has not finished",), conditions=())


def cut_off(t: float | None, how: str = "") -> Verdict:
    """The verdict over a run whose process ended without one. t: the last recorded time [s].   how: it ended."""
    when = "before the first recorded time" if t is None else f"at t = {wording.time(t)}"
    reason = f"the run was cut off {when}" + (f": {how}" if how else "")
    return Verdict(outcome="inconclusive", reasons=(reason,), conditions=())


def _units_ended_well(ending: Ending, units: int) -> Condition:
    name = "every unit ended well"
    if ending.how == "error" and ending.where == "unit":
        return Condition(name, False, ending.text)
    if ending.how == "unit_ended":
        return Condition(name, False, ending.text)
    if ending.how not in _AS_MEANT:
        return Condition(name, None, f"the run did not come to its end: {ending.text}")
    if ending.how == "horizon" and ending.tick != ending.ticks:
        return Condition(name, False, f"stepped {ending.tick:,} of {ending.ticks:,} ticks")
    many = wording.count(units, "unit")
    return Condition(
        name, True, f"{many} reported success in every one of {ending.tick:,} ticks and at the end"
    )


def _outputs_finite(ending: Ending, outputs: int, allowed: Sequence[str]) -> Condition:
    name = "no output was NaN or infinite"
    if ending.how == "error" and ending.where == "output":
        return Condition(name, False, ending.text)
    checked = wording.count(outputs, "output")
    evidence = f"{checked} checked at every tick up to {wording.time(ending.t)}"
    if allowed:
        evidence += f"; the scene allows it in {', '.join(sorted(allowed))}"
    return Condition(name, None if ending.how == "error" else True, evidence)


def _recording_whole(ending: Ending, recording: Recording) -> Condition:
    name = "the recording is whole"
    if recording.failure:
        return Condition(name, False, recording.failure)
    short = [
        f"{file} has {recording.rows.get(file, 0):,} of {rows:,} rows"
        for file, rows in sorted(recording.expected.items())
        if recording.rows.get(file, 0) != rows
    ]
    if ending.how == "error":
        return Condition(name, None, "the run ended in an error")
    if recording.unknown:
        return Condition(name, None, recording.unknown)
    if short:
        return Condition(name, False, "; ".join(short))
    files = ", ".join(f"{file}: {rows:,} rows" for file, rows in sorted(recording.rows.items()))
    return Condition(name, True, files or "nothing was to be recorded")


def _horizons_seen(ending: Ending, requirements: Sequence[RequirementResult]) -> Condition:
    name = "every requirement was seen over its whole horizon"
    unseen = [r.name for r in requirements if r.status != "not_applicable" and not r.complete]
    if unseen:
        return Condition(name, False, f"not seen to its end: {', '.join(unseen)}")
    if ending.how in ("end_when", "decided"):
        return Condition(name, True, f"{ending.tick:,} ticks, to {wording.time(ending.t)}: {ending.text}")
    if ending.how != "horizon" or ending.tick != ending.ticks:
        evidence = f"stepped {ending.tick:,} of {ending.ticks:,} ticks"
        return Condition(name, None if ending.how == "error" else ending.tick == ending.ticks, evidence)
    return Condition(name, True, f"{ending.ticks:,} of {ending.ticks:,} ticks, to {wording.time(ending.t)}")


def _requirements_held(requirements: Sequence[RequirementResult]) -> Condition:
    name = "every requirement held"
    applied = [r for r in requirements if r.status != "not_applicable"]
    broken = [r.name for r in applied if r.status == "fail"]
    unknown = [r.name for r in applied if r.status == "inconclusive"]
    if broken:
        return Condition(name, False, f"failed: {', '.join(broken)}")
    if unknown:
        return Condition(name, None, f"not decided: {', '.join(unknown)}")
    left_out = len(requirements) - len(applied)
    evidence = f"{len(applied)} of {len(applied)}" + (f"; {left_out} not applicable" if left_out else "")
    return Condition(name, True, evidence if applied else "nothing was required")
