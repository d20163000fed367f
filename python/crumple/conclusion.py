"""From the last step of a run to its verdict on the disk.

Whatever goes wrong here, in a metric, in what units do when they are freed, on a full disk or in Crumple itself,
leaves no *pass* behind that did not hold: what cannot be judged or written is an error, and where nobody is left
to say so, `verdict.json` still says *inconclusive*.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from crumple import requirement, run_folder, seal, wording
from crumple.errors import CrumpleError, RecordError, StepError
from crumple.interrupts import name_of
from crumple.recording import Signals, Table
from crumple.requirement_result import RequirementResult
from crumple.result import Result
from crumple.upstream import never_moved
from crumple.verdict import Ending, Recording, Verdict, judge, proven

if TYPE_CHECKING:
    from crumple.execution import Watch
    from crumple.live.pacing import Pacing
    from crumple.run_folder import RunFolder
    from crumple.scene import Scene
    from crumple.scene_metrics import MetricResult
    from crumple.world import World


class Ran(msgspec.Struct, kw_only=True):
    """What there is to conclude from.

    recorders: with their `every`.   si: of every output, by name.   warned: warnings that were told already.
    isolated: units in worker processes.   wall: spent stepping [s].
    pacing: how the run kept time; None before the world was built.   replay_of: of which run this is
    a replay, as the manifest has it.
    hold: called before the verdict is written; from there on nothing may interrupt.
    """

    scene: Scene
    folder: RunFolder
    world: World | None
    recorders: list[tuple[Any, int]]
    si: dict[str, str | None]
    warned: set[str]
    isolated: list[str]
    wall: float
    watch: Watch
    hold: Callable[[], None]
    pacing: Pacing | None = None
    replay_of: Mapping[str, Any] | None = None


class _Judged(msgspec.Struct, kw_only=True):
    ending: Ending
    verdict: Verdict
    requirements: Sequence[RequirementResult]
    metrics: Sequence[MetricResult] = ()
    digest: str = ""
    timing: dict[str, Any] | None = None
    faults: Sequence[dict[str, Any]] = ()


def conclude(ran: Ran, ending: Ending) -> Result:
    """Judge a run that has ended, write its verdict and seal its folder. Raises nothing that a run can cause."""
    try:
        judged = _judged(ran, ending)
    except KeyboardInterrupt as error:
        judged = _not_judged(
            ran, ending, f"interrupted by {name_of(error)} while the run was being judged", "interrupted"
        )
    except BaseException as error:  # a fault of Crumple's own, or a plugin's SystemExit
        ran.watch.error = ran.watch.error or error
        judged = _not_judged(ran, ending, f"the run could not be judged: {_told(error)}", "error")
    if ending.how != "error":
        # plugins, too: what one does in its __del__ must be done before there is a verdict
        ran.world = ran.pacing = None
        ran.recorders.clear()
    ran.hold()
    result = Result(ran.folder.path, _commit(ran, judged))
    if ran.world is not None:
        with suppress(CrumpleError):  # after an error only now: what a failed unit does when freed is no news
            ran.world.close()
    return result


def _freed(ran: Ran, ending: Ending) -> Ending:
    """The same, or an error: a unit that ends its process when it is freed must do so before there is a verdict."""
    assert ran.world is not None
    if ending.how == "error":
        return ending
    try:
        ran.world.close()
    except StepError as error:
        ran.watch.error = error
        return replace(ending, how="error", where="unit", text=str(error))
    return ending


# -- judging ----------------------------------------------------------------------------------------------


def _judged(ran: Ran, ending: Ending) -> _Judged:
    world, watch = ran.world, ran.watch
    assert world is not None
    timing = ran.pacing.figures() if ran.pacing is not None else None
    faults = ran.pacing.faults.to_json() if ran.pacing is not None else ()
    ending = _freed(ran, ending)
    closed = _close_recorders(ran, ending)
    signals = Signals(ran.folder.path)
    recording = _counted(ran, closed, signals, ending)
    if watch.profiling:
        watch.profile = world.profile()
    watch.warnings = [text for text in world.warnings if text not in ran.warned]
    digest = world.digest() if ending.how != "error" else ""
    requirements, failure = requirement_results(ran, signals, ending)
    metrics = metric_results(ran, signals, ending)
    if failure is not None and ending.how != "error":
        watch.error = failure
        ending = replace(ending, how="error", where="run", text=str(failure))
    live = None
    if ran.scene.sensors or ran.scene.actuators or ran.scene.timing is not None:
        from crumple.live.judgement import inputs_condition, timing_results

        requirements += timing_results(
            ran.scene, timing, whole=ending.how == "horizon", replayed=ran.replay_of is not None
        )
        live = inputs_condition(ran.scene, timing, replay_of=ran.replay_of)
    verdict = judge(ending, requirements, recording, live=live, **_counts(ran))
    if verdict.outcome == "fail":
        with suppress(Exception):  # hints explain, they do not judge
            watch.hints = never_moved(world, signals, [r for r in requirements if r.status == "fail"])
    return _Judged(
        ending=ending,
        verdict=verdict,
        requirements=requirements,
        metrics=metrics,
        digest=digest,
        timing=timing,
        faults=faults,
    )


def _not_judged(ran: Ran, ending: Ending, text: str, how: Any) -> _Judged:
    """The outcome where judging itself broke off. An error that the run had ended in is still the first reason."""
    for recorder, _ in ran.recorders:
        with suppress(Exception):  # so that what was recorded can be read
            recorder.close()
    first = ending.text if ending.how == "error" else ""
    if not first:
        ending = replace(ending, how=how, where="run", text=text)
    requirements = [
        requirement.not_evaluated(each, f"{each.name}: {text}") for each in ran.scene.requirements
    ]
    verdict = judge(ending, requirements, Recording(unknown=text), **_counts(ran))
    if first:
        verdict = replace(verdict, reasons=(*verdict.reasons, text))
    return _Judged(ending=ending, verdict=verdict, requirements=requirements)


def _counts(ran: Ran) -> dict[str, Any]:
    units = ran.scene.units
    allowed = [f"{unit.name}.{output}" for unit in units.values() for output in unit.allow_nonfinite]
    return {"units": len(units), "outputs": len(ran.si), "nonfinite_allowed": allowed}


def _close_recorders(ran: Ran, ending: Ending) -> Recording:
    failure = ending.text if ending.where == "recorder" else ""
    for recorder, _ in ran.recorders:
        try:
            recorder.close()
        except RecordError as error:
            failure = failure or str(error)
            ran.watch.error = ran.watch.error or error
    return Recording(failure=failure)


def _counted(ran: Ran, recording: Recording, signals: Signals, ending: Ending) -> Recording:
    """The same with the rows that the files have, and should have."""
    rows = {table.path.name: table.rows for table in signals.tables}
    for path in sorted(ran.folder.path.glob("tape*.npy")):
        rows[path.name] = Table(path).rows
    expected: dict[str, int] = {}
    for recorder, every in ran.recorders:
        for file in recorder.files:
            if Path(file).suffix == ".npy":
                expected[Path(file).name] = ending.tick // every + 1
    return Recording(rows=rows, expected=expected, failure=recording.failure)


def requirement_results(
    ran: Ran, signals: Signals, ending: Ending
) -> tuple[list[RequirementResult], CrumpleError | None]:
    """How each came out, and the first failure of a metric."""
    scene = ran.scene
    horizon = float(max(scene.horizon, scene.stop))  # [s] that requirements without `until` look to
    because = ending.text
    closed = ending.how == "end_when"
    if closed:
        horizon = ending.t
    if ending.how == "horizon" and ending.horizon < horizon:
        because = f"the run was stopped at {wording.time(ending.horizon)}"
    seen = requirement.Seen(
        signals=signals,
        period=float(scene.period),
        start=float(scene.start),
        horizon=horizon,
        t=ending.t,
        si_of=lambda name: ran.si.get(name.split("[")[0]),
        not_seen=because,
        closed=closed,
    )
    results: list[RequirementResult] = []
    failure: CrumpleError | None = None
    for each in scene.requirements:
        try:
            results.append(proven(_evaluated(ran, each, seen, ending)))
        except (Exception, SystemExit) as error:  # a metric may be anybody's code
            text = f"{each.what} could not be computed: {_told(error)}"
            results.append(requirement.not_evaluated(each, f"{each.name}: {text}"))
            if failure is None:
                failure = CrumpleError(f"requirement '{each.name}': {text}")
                failure.__cause__ = error
    return results, failure


def metric_results(ran: Ran, signals: Signals, ending: Ending) -> list[MetricResult]:
    """The scene's metrics. After an error there are none: what a failed run shows cannot be trusted."""
    if not ran.scene.metrics or ending.how == "error":
        return []
    from crumple.scene_metrics import evaluate_all

    period, start = float(ran.scene.period), float(ran.scene.start)
    found = evaluate_all(
        ran.scene.metrics,
        lambda name: (signals[name], ran.si.get(name.split("[")[0])),
        period,
        start=start,
    )
    ran.watch.warnings += [f"metric {each.name}: {each.fact}" for each in found if each.fact]
    return found


def _evaluated(ran: Ran, each: Any, seen: requirement.Seen, ending: Ending) -> RequirementResult:
    """The result of one requirement: the core's own finding where it saw to it, else from what was recorded."""
    if not each.in_core or not each.applies:
        return requirement.evaluate(each, seen)
    from crumple import stl_requirement

    assert ran.world is not None
    whole = ending.tick == ending.ticks and ending.horizon >= seen.horizon - 0.5 * seen.period
    finding = ran.world.finding(each.name, stl_requirement.closing(ending.how, whole=whole))
    return stl_requirement.evaluate(each, seen, finding)


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _moment(worst: tuple[float, float] | None) -> Any:
    return None if worst is None else worst[0] if worst[0] == worst[1] else list(worst)


# -- writing ----------------------------------------------------------------------------------------------


def _commit(ran: Ran, judged: _Judged) -> dict[str, Any]:
    """Write events, verdict and seal. What could not be written and sealed whole does not count."""
    written = _written(ran, judged)
    folder = ran.folder
    on_disk = False
    try:
        _end_events(ran, judged)
        if judged.timing is not None:
            folder.write(run_folder.TIMING, judged.timing)
        folder.write(run_folder.VERDICT, written)
        on_disk = True
        seal.seal(folder.path)
    except BaseException as error:
        why = (isinstance(error, OSError) and error.strerror) or _told(error)
        text = f"the verdict could not be written to {folder.path}: {why}"
        ran.watch.error = RecordError(text)
        before = judged.verdict.reasons if judged.verdict.outcome == "error" else ()
        judged.verdict = replace(judged.verdict, outcome="error", reasons=(*before, text))
        written = _written(ran, judged)
        _take_back(folder, written, on_disk=on_disk)
    return written


def _take_back(folder: RunFolder, written: dict[str, Any], *, on_disk: bool) -> None:
    """Leave no other verdict on the disk than an error, or the first, which is *inconclusive*.

    on_disk: whether a verdict is in the place of the first.
    """
    with suppress(BaseException):
        folder.write(run_folder.VERDICT, written)
        with suppress(BaseException):
            seal.seal(folder.path)
        return
    if not on_disk:
        return
    path = folder.path / run_folder.VERDICT
    with suppress(OSError):
        with open(path, "r+b") as file:  # no new file fits; a shorter text in the place of the old one does
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            few = {
                key: written[key] for key in ("crumple", "state", "verdict", "exit_code", "reason", "reasons")
            }
            file.write(run_folder.to_json(few).encode()[:size].ljust(size))
            os.fsync(file.fileno())
        return
    with suppress(OSError):
        path.unlink()


def _end_events(ran: Ran, judged: _Judged) -> None:
    folder, ending, verdict = ran.folder, judged.ending, judged.verdict
    for text in ran.watch.warnings:
        folder.event("warning", text=text)
    error = ran.watch.error
    if error is not None:
        folder.event("error", text=str(error), traceback=list(_traceback(error)))
    elif ending.how != "horizon":
        folder.event(ending.how, text=ending.text)
    facts = {"t": ending.t, "tick": ending.tick, "verdict": verdict.outcome, "reason": verdict.reason}
    folder.event("end", **facts)


def _traceback(error: BaseException) -> Iterator[str]:
    """The frames of a plugin; all frames where the fault is Crumple's own, for whoever is to mend it."""
    from crumple.tracebacks import plugin_traceback

    lines = plugin_traceback(error)
    if not lines and not isinstance(error, CrumpleError):
        import traceback

        lines = [line for text in traceback.format_exception(error) for line in text.rstrip().splitlines()]
    yield from lines


def _written(ran: Ran, judged: _Judged) -> dict[str, Any]:
    scene, ending, requirements = ran.scene, judged.ending, judged.requirements
    metrics: dict[str, Any] = {
        result.name: {
            "value": result.value,
            "si": result.si,
            "at": _moment(result.worst),
            "what": result.what,
        }
        for result, each in zip(requirements, scene.requirements, strict=False)  # those of the timing follow
        if each.expression.scalar
    }
    metrics |= {each.name: each.to_json() for each in judged.metrics}
    return {
        "crumple": 1,
        "state": "ended",
        **judged.verdict.to_json(),
        "requirements": [result.to_json() for result in requirements],
        "metrics": metrics,
        **({"faults": judged.faults} if judged.faults else {}),
        "digest": judged.digest,
        "ended": ending.how,
        "tick": ending.tick,
        "ticks": ending.ticks,
        "t": ending.t,
        "horizon": ending.horizon,
        "scene": scene.name,
        "title": scene.title,
        "seed": scene.seed,
        "isolated": ran.isolated,
        "mode": scene.pacing.mode,
        "wall": round(ran.wall, 6),
        "hints": ran.watch.hints,
    }
