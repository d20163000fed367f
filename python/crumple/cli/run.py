"""`crumple run`: a scene from its file to its verdict, on a terminal or as JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crumple import wording
from crumple.cli.screen import Progress, Screen, columns
from crumple.cli.summary import (
    counted_facts,
    show_faults,
    show_header,
    show_metrics,
    show_requirements,
    show_verdict,
    show_warnings,
    shown_path,
)
from crumple.cli.waiting import WaitingLines
from crumple.errors import CrumpleError, UsageError

if TYPE_CHECKING:
    from crumple.execution import Outline, Watch
    from crumple.junit import JunitFile
    from crumple.live.units import Waiting
    from crumple.result import Result


_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")


def run(  # noqa: PLR0917  # options of a command line have no order
    scene: Annotated[
        str, typer.Argument(metavar="SCENE", help="A bundled scene by name, or the path of a scene file.")
    ],
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A parameter of the scene, or unit.parameter. Repeatable."
        ),
    ] = None,
    stop: Annotated[
        str | None, typer.Option(metavar="TIME", help="Stop here instead of where the scene does: '80 ms'.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of all random streams, instead of the scene's.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(help="Most threads to use. Results never depend on it.")
    ] = None,
    isolate: Annotated[
        bool | None,
        typer.Option(
            "--isolate/--no-isolate",
            help="Run every unit in a worker process, or none, whatever the scene says. Results never depend"
            " on it.",
        ),
    ] = None,
    step_timeout: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Wall time that a call of an isolated unit may take: '2 s'. Default: the scene's, else 10 s.",
        ),
    ] = None,
    realtime: Annotated[
        bool,
        typer.Option(
            "--realtime",
            help="Let the wall clock pace the run: one second takes one second. Short for --mode realtime.",
        ),
    ] = False,
    speed: Annotated[
        str | None,
        typer.Option(
            metavar="X", help="In real time: simulated seconds a second, such as 2, 0.5 or 1/50. Default: 1."
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="In real time: end the run where it falls too far behind, instead of letting the schedule"
            " slip.",
        ),
    ] = False,
    mode: Annotated[
        str | None,
        typer.Option(
            metavar="MODE",
            help="What paces the run, instead of what the scene says: free (nothing), realtime (the clock) or"
            " lockstep (a rig).",
        ),
    ] = None,
    no_wait: Annotated[
        bool,
        typer.Option("--no-wait", help="Begin without the sensors that are not there yet."),
    ] = False,
    inject: Annotated[
        list[str] | None,
        typer.Option(
            "--inject",
            metavar="FAULT[@TIME]",
            help="Let a fault of the scene act that is off or manual: when it says, or at this time."
            " Repeatable; `crumple faults` lists them.",
        ),
    ] = None,
    view: Annotated[
        bool, typer.Option("--view", help="Open the viewer on the run, in a process of its own.")
    ] = False,
    report: Annotated[
        bool,
        typer.Option("--report", help="Also write report.html into the run's folder: see crumple report."),
    ] = False,
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Where the run's folder is made. Default: runs.")
    ] = None,
    junit: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write the verdict as JUnit XML. From the first moment of the run the file says error.",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Show where the time went, unit by unit.")
    ] = False,
) -> int:
    """Run a scene and give its verdict.

    \b
      crumple run frontal_barrier
      crumple run my_scene.toml --set speed='8 km/h' --stop '80 ms'
      crumple run my_scene.toml --isolate --step-timeout 2s
      crumple run my_scene.toml --inject stuck_sensor    with a fault, as `crumple faults` lists them
      crumple run my_scene.toml --junit verdict.xml      for a CI that reads JUnit
      crumple run my_rig.toml --realtime --view          with sensors and actuators, watched

    Exit codes: 0 pass, 1 fail, 2 wrong call or scene, 3 inconclusive, 4 error. They come from the verdict
    alone: also where a unit ends or kills the process, which is 3. `crumple show` shows the run again.
    """
    from crumple.cli.aside import prints_aside
    from crumple.cli.supervise import tell_code, tell_folder
    from crumple.execution import Watch, execute

    if view:
        check_display()
    live = live_options(realtime=realtime, mode=mode, speed=speed, strict=strict, no_wait=no_wait, view=view)
    here = Path.cwd()  # now, since an FMU may change it
    watch = Watch(command=("crumple", *sys.argv[1:]), profiling=profile)
    screen = Screen()
    progress = Progress()
    suite = _junit_file(junit, scene)

    lines = WaitingLines()
    begin: Callable[[], None] = progress.clear

    def started(outline: Outline) -> None:
        nonlocal begin
        tell_folder(outline.folder)
        if suite is not None:
            suite.begin(name=outline.name, folder=outline.folder, seed=outline.seed)
        if not json:
            _header(screen, outline, shown_path(outline.folder, here))
        begin = partial(progress.begin, outline.name, start=outline.start, horizon=outline.horizon)
        begin()

    def waiting(rows: Sequence[Waiting], waited: float) -> None:
        lines(rows, waited)
        begin()  # the time until all are there is not the run's

    watch.started = started
    watch.reached = progress
    watch.waiting = waiting
    try:
        with prints_aside(json):
            result = execute(
                scene,
                set=assignments(set_ or []),
                seed=seed,
                stop=stop,
                threads=threads,
                out=out,
                isolate=isolate,
                step_timeout=step_timeout,
                inject=inject or (),
                watch=watch,
                **live,
            )
    except Exception as error:
        if suite is not None:
            with suppress(CrumpleError):  # then it says that the run has not finished
                suite.fail(str(error))
        raise
    finally:
        progress.clear()
    if json:
        from crumple.run_folder import to_json

        screen.line(to_json(result.to_json(), indent=2))
    else:
        _summary(screen, result, watch, shown_path(result.folder, here))
    if suite is not None:
        suite.end(result)
    tell_code(result.exit_code)  # while units that failed still exist: one may crash when it is freed
    if report:
        _report(screen, result.folder, here, quiet=json)
    return result.exit_code


def _report(screen: Screen, folder: Path, here: Path, *, quiet: bool) -> None:
    """The report of the run. What is in its way is told, and changes no exit code: the run stands without it."""
    from crumple.report import write_report

    try:
        written = write_report(folder)
    except CrumpleError as error:
        print(f"There is no report: {error}", file=sys.stderr)
        return
    if not quiet:
        screen.line(f"  report      {shown_path(written, here)}")


def live_options(
    *, realtime: bool, mode: str | None, speed: str | None, strict: bool, no_wait: bool, view: bool
) -> dict[str, Any]:
    """What was said of pacing and of live inputs, for `execute`. Raises UsageError."""
    if realtime and mode not in (None, "realtime"):
        raise UsageError(f"--realtime and --mode {mode} contradict each other: take one of them out.")
    said: dict[str, Any] = {
        "mode": "realtime" if realtime else mode,
        "speed": None if speed is None else _speed(speed),
        "strict": True if strict else None,
        "wait": False if no_wait else None,
        "view": True if view else None,
    }
    return {name: value for name, value in said.items() if value is not None}


def check_display() -> None:
    """Raises UsageError where no window can be opened: the viewer, a process of its own, could tell nobody."""
    if sys.platform == "linux" and not any(map(os.environ.get, _DISPLAYS)):
        raise UsageError(
            f"--view: there is no display to open a window on ({' and '.join(_DISPLAYS[:2])} are not set). Run it"
            " without, and make pictures of it: crumple view --screenshot end picture.png"
        )


def _speed(text: str) -> float:
    from fractions import Fraction

    try:
        speed = float(Fraction(text.strip().removesuffix("x").strip()))
    except (ValueError, ZeroDivisionError, OverflowError):
        speed = 0.0
    if speed <= 0:
        raise UsageError(f"--speed {text}: write a number above 0, such as 2, 0.5 or 1/50.")
    return speed


def _junit_file(place: str | None, scene: str) -> JunitFile | None:
    """The JUnit file that is asked for, which says error from now on."""
    if place is None:
        return None
    from crumple.junit import JunitFile

    return JunitFile(place, name=Path(scene).stem)


def assignments(given: list[str]) -> dict[str, str]:
    """`--set` options as a mapping; of two for one name the later wins. UsageError where "=" is missing."""
    found: dict[str, str] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise UsageError(f'--set {text}: write it as name=value, such as --set speed="8 km/h".')
        found[name.strip()] = value.strip()
    return found


def _header(screen: Screen, outline: Outline, folder: Path) -> None:
    facts = counted_facts(units=outline.units, fmus=outline.fmus, plugins=outline.plugins)
    facts += [wording.time(outline.period), wording.time(outline.horizon), f"seed {outline.seed}"]
    facts += _pace(outline.mode, outline.speed)
    show_header(screen, outline.name, outline.title, facts)
    show_warnings(screen, outline.warnings, folder)
    screen.line()


def _pace(mode: str, speed: float) -> list[str]:
    """What paces the run, where something does."""
    if mode == "realtime":
        return ["real time" if speed == 1.0 else f"{wording.number(speed)} x real time"]
    return [mode] if mode != "free" else []


def _summary(screen: Screen, result: Result, watch: Watch, folder: Path) -> None:
    from crumple.tracebacks import plugin_traceback

    show_verdict(screen, result, traceback=plugin_traceback(watch.error) if watch.error is not None else ())
    if result.requirements:
        screen.line()
        show_requirements(screen, result.requirements)
    show_metrics(screen, result)
    show_faults(screen, result.faults)
    if watch.warnings:
        screen.line()
        show_warnings(screen, watch.warnings, folder)
    if watch.profile:
        screen.line()
        _profile(screen, watch)
    screen.line()
    screen.line(f"  {screen.style('run folder', 'dim')}  {folder}")


def _profile(screen: Screen, watch: Watch) -> None:
    rows = [["  unit", "steps", "mean", "p99", "max", "share"]]
    for unit in sorted(watch.profile, key=lambda r: -r.share):
        times = [wording.time(unit.mean), wording.time(unit.p99), wording.time(unit.max)]
        rows.append([f"  {unit.unit}", f"{unit.count:,}", *times, wording.percent(unit.share)])
    for column in range(1, 6):
        width = max(len(row[column]) for row in rows)
        for row in rows:
            row[column] = f"{row[column]:>{width}}"
    for number, line in enumerate(columns(rows)):
        screen.line(line if number else screen.style(line, "dim"))
