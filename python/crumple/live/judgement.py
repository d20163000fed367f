"""What a run's timing and its live inputs mean for its verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from crumple import run_folder, wording
from crumple.errors import CrumpleError
from crumple.requirement_result import RequirementResult, Status
from crumple.verdict import Condition

if TYPE_CHECKING:
    from crumple.live.plan import SensorPlan, TimingPlan
    from crumple.scene import Scene

NAME = "timing"
_CONDITION = "live inputs were heard and time was kept"


def timing_results(
    scene: Scene, figures: Mapping[str, Any] | None, *, whole: bool, replayed: bool
) -> list[RequirementResult]:
    """The timing budget as requirements, one a limit. whole: the run came to its end.   replayed: without rigs."""
    plan: TimingPlan | None = scene.timing
    if plan is None:
        return []
    paced = figures is not None and figures["mode"] == "realtime" and "missed" in figures
    results = []
    for limit in _limits(plan, figures or {}, paced):
        kept = paced or (limit.name == "age_p99" and not replayed)
        results.append(_result(limit, seen=whole, kept=kept, doc=plan.doc))
    return results


def timing_unseen(plan: Mapping[str, Any], *, paced: bool) -> list[RequirementResult]:
    """The timing budget of a run that has not ended, or was cut off. plan: as the manifest has it; {} for none."""
    from crumple.live.plan import TimingPlan

    limits = {key: value for key, value in plan.items() if key in TimingPlan.__dataclass_fields__}
    return [
        _result(limit, seen=False, kept=paced or limit.name == "age_p99", doc=str(plan.get("doc", "")))
        for limit in _limits(TimingPlan(**limits), {}, paced=False)
    ]


class _Limit(NamedTuple):
    """value: None where it is not known."""

    name: str
    what: str
    si: str
    limit: float
    value: float | None


def _limits(plan: TimingPlan, figures: Mapping[str, Any], paced: bool) -> Iterator[_Limit]:
    def known(value: float) -> float | None:
        return value if paced else None

    if plan.missed_max is not None:
        share = known(figures.get("missed_share", 0.0))
        yield _Limit("missed", "share of missed ticks", "1", plan.missed_max, share)
    if plan.slips_max is not None:
        slips = known(float(figures.get("slips", 0)))
        yield _Limit("slips", "slips of the schedule", "1", float(plan.slips_max), slips)
    if plan.late_p99_max is not None:
        late = known(figures.get("late", {}).get("p99", 0.0) * 1e3)
        yield _Limit("late_p99", "lateness of 99 of 100 ticks", "ms", plan.late_p99_max * 1e3, late)
    if plan.age_p99_max is not None:
        ages = [
            each["age"]["p99"] * 1e3 for each in figures.get("inputs", {}).values() if each["age"]["count"]
        ]
        age = max(ages) if ages else None
        yield _Limit("age_p99", "age of 99 of 100 samples", "ms", plan.age_p99_max * 1e3, age)


def _result(limit: _Limit, *, seen: bool, kept: bool, doc: str) -> RequirementResult:
    """seen: to the end of the run.   kept: the run kept that kind of time at all."""
    name = f"{NAME}.{limit.name}"
    value = limit.value if kept else None
    if not kept:
        status, reason = "not_applicable", f"{name}: this run was not paced by the clock"
    elif value is None:
        status, reason = "inconclusive", f"{name}: nothing was measured"
    elif value > limit.limit:
        much, most = (wording.with_si(text, limit.si) for text in wording.against(value, limit.limit))
        status, reason = "fail", f"{name}: {limit.what} {much} exceeds {most}"
    elif not seen:
        status, reason = "inconclusive", f"{name}: not seen to the end of the run"
    else:
        status, reason = "pass", ""
    return RequirementResult(
        name=name,
        what=limit.what,
        title=limit.what,
        status=cast(Status, status),
        value=value,
        si=limit.si,
        relation="max",
        limit=limit.limit,
        within=None,
        margin=None if value is None or limit.limit == 0 else (limit.limit - value) / limit.limit,
        complete=seen and value is not None,
        decided=None,
        worst=None,
        reason=reason,
        doc=doc,
    )


def inputs_condition(
    scene: Scene, figures: Mapping[str, Any] | None, *, replay_of: Mapping[str, Any] | None
) -> Condition | None:
    """Whether every live input was heard as the scene wants it, and the schedule held where rigs relied on it.

    replay_of: of which run this is a replay. What was wrong with that run's inputs is wrong with those of its replay.
    """
    if not scene.sensors and not scene.actuators:
        return None
    if replay_of is not None:
        return _as_then(replay_of)
    if figures is None:
        return Condition(_CONDITION, None, "the run did not begin")
    wrong: list[str] = []
    told: list[str] = []
    for sensor in scene.sensors:
        wrong += _wrong(sensor, figures["inputs"][sensor.name])
        told.append(_told(sensor, figures["inputs"][sensor.name]))
    slips = figures.get("slips", 0)
    judged = scene.timing is not None and scene.timing.slips_max is not None
    if slips and not judged:
        wrong.append(
            f"the schedule slipped {wording.count(slips, 'time')}, {wording.time(figures['slipped_s'])} in all, while"
            " rigs relied on it (allow it with slips_max in [requirements.timing], or run slower: --speed)"
        )
    if wrong:
        return Condition(_CONDITION, False, "; ".join(wrong))
    return Condition(_CONDITION, True, ", ".join(told) or "no sensors")


def _as_then(replay_of: Mapping[str, Any]) -> Condition:
    """What was found of the live inputs that are replayed; with other parameters they are the same inputs still."""
    try:
        verdict = run_folder.read_json(Path(replay_of["run"]), run_folder.VERDICT)
        for condition in verdict["conditions"]:
            if condition["name"] == _CONDITION:
                return Condition(_CONDITION, condition["holds"], f"a replay of: {condition['evidence']}")
    except (CrumpleError, KeyError, TypeError):
        pass
    return Condition(_CONDITION, None, "a replay of a run that came to no verdict on its live inputs")


def _wrong(sensor: SensorPlan, seen: Mapping[str, Any]) -> Iterator[str]:
    if seen["stale_share"] > sensor.stale_max:
        yield (
            f"{sensor.name} had no fresh value in {seen['stale_ticks']:,} of {seen['ticks']:,} ticks"
            f" (stale_max = {sensor.stale_max:g})"
        )
    if sensor.lost_max is None:
        return
    if seen["lost"] > sensor.lost_max:
        lost = wording.count(seen["lost"], "message")
        yield f"{sensor.name} lost {lost} (lost_max = {sensor.lost_max})"
    if seen["restarts"]:  # nobody knows what was lost between
        yield f"{sensor.name} began anew {wording.count(seen['restarts'], 'time')} (lost_max = {sensor.lost_max})"


def _told(sensor: SensorPlan, seen: Mapping[str, Any]) -> str:
    """What was heard of a sensor, and all that was odd about it."""
    odd = {
        "lost": seen["lost"],
        "restarts": seen["restarts"],
        "duplicates": seen["duplicates"],
        "reordered": seen["reordered"],
        "time reversals": seen["time_reversals"],
        "refused": sum(seen["rejected"].values()),
        "ticks without a new one": seen["starved"] if sensor.queue or sensor.max_age is None else 0,
    }
    text = f"{sensor.name}: {seen['accepted']:,} samples"
    return text + "".join(f", {number:,} {what}" for what, number in odd.items() if number)
