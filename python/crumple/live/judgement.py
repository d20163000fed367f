"""What a run's timing and its live inputs mean for its verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from crumple import wording
from crumple.requirement_result import RequirementResult
from crumple.verdict import Condition

if TYPE_CHECKING:
    from crumple.live.plan import SensorPlan, TimingPlan
    from crumple.scene import Scene

NAME = "timing"


def timing_results(
    scene: Scene, figures: Mapping[str, Any] | None, *, whole: bool, replayed: bool
) -> list[RequirementResult]:
    """The timing budget as requirements, one a limit. whole: the run came to its end.   replayed: without rigs."""
    plan: TimingPlan | None = scene.timing
    if plan is None:
        return []
    paced = figures is not None and figures["mode"] == "realtime" and "missed" in figures
    return [
        _result(
            plan,
            name,
            what,
            si,
            limit,
            value if known else None,
            seen=whole,
            kept=paced or (name == "age_p99" and not replayed),
        )
        for name, what, si, limit, value, known in _limits(plan, figures if figures else {}, paced)
    ]


def _limits(
    plan: TimingPlan, figures: Mapping[str, Any], paced: bool
) -> Iterator[tuple[str, str, str, float, float, bool]]:
    """Name, meaning, unit of measure, limit, value, and whether the value is known."""
    if plan.missed_max is not None:
        yield "missed", "share of missed ticks", "1", plan.missed_max, figures.get("missed_share", 0.0), paced
    if plan.slips_max is not None:
        yield "slips", "slips of the schedule", "1", float(plan.slips_max), figures.get("slips", 0), paced
    if plan.late_p99_max is not None:
        late = figures.get("late", {}).get("p99", 0.0)
        yield "late_p99", "lateness of 99 of 100 ticks", "ms", plan.late_p99_max * 1e3, late * 1e3, paced
    if plan.age_p99_max is not None:
        ages = [each["age"]["p99"] for each in figures.get("inputs", {}).values() if each["age"]["count"]]
        age = max(ages, default=0.0) * 1e3
        yield "age_p99", "age of 99 of 100 samples", "ms", plan.age_p99_max * 1e3, age, bool(ages)


def _result(
    plan: TimingPlan,
    name: str,
    what: str,
    si: str,
    limit: float,
    value: float | None,
    *,
    seen: bool,
    kept: bool,
) -> RequirementResult:
    held = value is not None and value <= limit
    status: Any = "inconclusive"
    if not kept:
        status = "not_applicable"
    elif value is not None and not held:
        status = "fail"
    elif held and seen:
        status = "pass"
    full = f"{NAME}.{name}"
    reason = ""
    if status == "fail" and value is not None:
        much, least = wording.against(value, limit)
        reason = f"{full}: {what} {wording.with_si(much, si)} exceeds {wording.with_si(least, si)}"
    if status == "inconclusive":
        reason = (
            f"{full}: {'not seen to the end of the run' if value is not None else 'nothing was measured'}"
        )
    if status == "not_applicable":
        reason = f"{full}: this run was not paced by the clock"
    return RequirementResult(
        name=full,
        what=what,
        title=what,
        status=status,
        value=value if kept else None,
        si=si,
        relation="max",
        limit=limit,
        within=None,
        margin=None if value is None or not kept or limit == 0 else (limit - value) / limit,
        complete=seen and kept and value is not None,
        decided=None,
        worst=None,
        reason=reason,
        signals=(),
        when="",
        doc=plan.doc,
    )


def inputs_condition(scene: Scene, figures: Mapping[str, Any] | None, *, replayed: bool) -> Condition | None:
    """Whether every live input was heard as the scene wants it, and the schedule held where rigs relied on it."""
    if not scene.sensors and not scene.actuators:
        return None
    name = "live inputs were heard and time was kept"
    if replayed:
        return Condition(name, True, "a replay: what was latched then was taken from the tape")
    if figures is None:
        return Condition(name, None, "the run did not begin")
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
        return Condition(name, False, "; ".join(wrong))
    return Condition(name, True, ", ".join(told) or "no sensors")


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
