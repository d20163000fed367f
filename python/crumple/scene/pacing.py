"""How a scene keeps time: the mode of its run, its pacing, and the timing budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple, get_args

from crumple.errors import Mistake
from crumple.live.plan import Mode, PacingPlan, TimingPlan
from crumple.scene.document import Document
from crumple.scene.drafted import Drafted
from crumple.scene.text import TIMING, did_you_mean, listed

_SLOWEST, _FASTEST = 1e-6, 1e6  # beyond, a tick's time no longer fits into whole nanoseconds, or into a life
_SPEEDS = "it is a number from 1e-6 to 1e6: simulated seconds a second"
_OF_DEADLINES = ("missed_max", "slips_max", "late_p99_max")
_LIMITS = (*_OF_DEADLINES, "age_p99_max")


class Given(NamedTuple):
    """What is said from outside, instead of by the scene. wait: False: the run begins without its sensors."""

    mode: str | None = None
    speed: float | None = None
    strict: bool | None = None
    wait: bool | None = None


def plan_pacing(document: Document, given: Given) -> PacingPlan:
    """The pacing that the scene and the caller ask for; with mistakes, as far as it can be told."""
    clock = document.tree.get("clock", {})
    drafted = Drafted(document, ("pacing",), document.tree.get("pacing", {}))
    table = drafted.table
    speed = table.get("speed", 1.0)
    if not _SLOWEST <= speed <= _FASTEST:
        drafted.fault("speed", f"is {speed}; {_SPEEDS}.")
        speed = 1.0
    plan = PacingPlan(
        mode=clock.get("mode", "free"),
        speed=float(speed),
        strict=table.get("strict", False),
        catch_up=table.get("catch_up", 3),
        grace=drafted.time("grace", 0.1, zero=True) or 0.0,
        spin=drafted.time("spin", 0.0, zero=True) or 0.0,
        fifo=table.get("fifo", True),
        locked=table.get("locked", True),
        awake=table.get("awake", True),
    )
    return _overridden(document, plan, given)


def _overridden(document: Document, plan: PacingPlan, given: Given) -> PacingPlan:
    def fault(label: str, text: str) -> None:
        document.mistakes.append(Mistake(None, None, label, text))

    modes: tuple[Mode, ...] = get_args(Mode)
    for mode in modes:
        if given.mode == mode:
            plan = replace(plan, mode=mode)
    if given.mode is not None and given.mode not in modes:
        near = did_you_mean(str(given.mode), modes) or f" There are: {listed(modes)}."
        fault("--mode", f'"{given.mode}" is no mode.{near}')
        return plan
    if given.speed is not None:
        if not _SLOWEST <= given.speed <= _FASTEST:
            fault("--speed", f"is {given.speed:g}; {_SPEEDS}.")
        else:
            plan = replace(plan, speed=float(given.speed))
    if given.strict is not None:
        plan = replace(plan, strict=given.strict)
    for label, said in (("--speed", given.speed is not None), ("--strict", bool(given.strict))):
        if said and plan.mode != "realtime":
            remedy = "a rig paces this one" if plan.mode == "lockstep" else "add --realtime"
            fault(label, f"has a meaning for a run that the wall clock paces; {remedy}.")
    return plan


def plan_timing(document: Document, pacing: PacingPlan, given: Given, *, sensors: bool) -> TimingPlan | None:
    """The timing budget, or None where there is none. sensors: the scene has some."""
    requirements: Mapping[str, Any] = document.tree.get("requirements", {})
    if TIMING not in requirements:
        return None
    drafted = Drafted(document, ("requirements", TIMING), requirements[TIMING])
    table = drafted.table
    stated = [key for key in _LIMITS if key in table]
    if not stated and not drafted.has_fault():
        drafted.fault("", f"requires nothing: give it {', '.join(_LIMITS[:-1])} or {_LIMITS[-1]}.")
    if pacing.mode == "free" and given.mode is None:
        fact = 'cannot be judged: this run is as fast as it can be. Write mode = "realtime" in [clock]'
        drafted.fault("", f"{fact}, or run it with --realtime.")
    elif pacing.mode == "lockstep":
        for key in _OF_DEADLINES:
            if key in table:
                drafted.fault(key, "has no meaning in lockstep, where the rig paces and no tick can be late.")
    if "age_p99_max" in table and not sensors:
        drafted.fault("age_p99_max", "is of samples, and the scene has no sensor.")
    return TimingPlan(
        missed_max=drafted.share("missed_max"),
        slips_max=table.get("slips_max"),
        late_p99_max=drafted.time("late_p99_max", zero=True),
        age_p99_max=drafted.time("age_p99_max", zero=True),
        doc=table.get("doc", ""),
    )
