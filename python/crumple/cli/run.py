"""`crumple run`: a scene from its file to its verdict, on a terminal or as JSON."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crumple import wording
from crumple.cli.screen import Progress, Screen, columns
from crumple.cli.summary import (
    counted_facts,
    show_header,
    show_requirements,
    show_verdict,
    show_warnings,
    shown_path,
)
from crumple.errors import CrumpleError

if TYPE_CHECKING:
    from crumple.execution import Outline, Watch
    from crumple.junit import JunitFile
    from crumple.result import Result


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
      crumple run my_scene.toml --junit verdict.xml      for a CI that reads JUnit

    Exit codes: 0 pass, 1 fail, 2 wrong call or scene, 3 inconclusive, 4 error. They come from the verdict
    alone: also where a unit ends or kills the process, which is 3. `crumple show` shows the run again.
    """
    from crumple.cli.aside import prints_aside
    from crumple.cli.supervise import tell_code, tell_folder
    from crumple.execution import Watch, execute

    here = Path.cwd()  # now, since an FMU may change it
    watch = Watch(command=("crumple", *sys.argv[1:]), profiling=profile)
    screen = Screen()
    progress = Progress()
    report = _junit_file(junit, scene)

    def started(outline: Outline) -> None:
        tell_folder(outline.folder)
        if report is not None:
            report.begin(name=outline.name, folder=outline.folder, seed=outline.seed)
        if not json:
            _header(screen, outline, shown_path(outline.folder, here))
        progress.begin(outline.name, start=outline.start, horizon=outline.horizon)

    watch.started = started
    watch.reached = progress
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
                watch=watch,
            )
    except Exception as error:
        if report is not None:
            with suppress(CrumpleError):  # then it says that the run has not finished
                report.fail(str(error))
        raise
    finally:
        progress.clear()
    if json:
        from crumple.run_folder import to_json

        screen.line(to_json(result.to_json(), indent=2))
    else:
        _summary(screen, result, watch, shown_path(result.folder, here))
    if report is not None:
        report.end(result)
    tell_code(result.exit_code)  # while units that failed still exist: one may crash when it is freed
    return result.exit_code


def _junit_file(place: str | None, scene: str) -> JunitFile | None:
    """The JUnit file that is asked for, which says error from now on."""
    if place is None:
        return None
    from crumple.junit import JunitFile

    return JunitFile(place, name=Path(scene).stem)


def assignments(given: list[str]) -> dict[str, str]:
    """`--set` options as a mapping; of two for one name the later wins. UsageError where "=" is missing."""
    from crumple.errors import UsageError

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
    show_header(screen, outline.name, outline.title, facts)
    show_warnings(screen, outline.warnings, folder)
    screen.line()


def _summary(screen: Screen, result: Result, watch: Watch, folder: Path) -> None:
    from crumple.tracebacks import plugin_traceback

    show_verdict(screen, result, traceback=plugin_traceback(watch.error) if watch.error is not None else ())
    if result.requirements:
        screen.line()
        show_requirements(screen, result.requirements)
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
