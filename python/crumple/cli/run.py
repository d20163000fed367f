"""`crumple run`: a scene from its file to its verdict, on a terminal or as JSON."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crumple import wording
from crumple.cli.screen import Progress, Screen, columns
from crumple.requirement_result import limit_text, margin_text, value_text, when_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crumple.execution import Outline, Watch
    from crumple.requirement_result import RequirementResult
    from crumple.result import Result

_MOST_WARNINGS = 5
_MOST_HINTS = 4
_MARKS = {"pass": " ", "fail": "✗", "inconclusive": "?", "not_applicable": "-"}


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
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Where the run's folder is made. Default: runs.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Show where the time went, unit by unit.")
    ] = False,
) -> int:
    """Run a scene and give its verdict.

    Exit codes: 0 pass, 1 fail, 2 wrong call or scene, 3 inconclusive, 4 error.
    """
    from crumple.cli.aside import prints_aside
    from crumple.cli.exit_guard import ExitGuard
    from crumple.execution import Watch, execute

    here = Path.cwd()  # now, since an FMU may change it
    watch = Watch(command=("crumple", *sys.argv[1:]), profiling=profile)
    screen = Screen()
    progress = Progress()
    guard = ExitGuard()

    def started(outline: Outline) -> None:
        guard.arm(_shown(outline.folder, here))
        if not json:
            _header(screen, outline, _shown(outline.folder, here))
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
                watch=watch,
            )
    finally:
        progress.clear()
    if json:
        from crumple.run_folder import to_json

        screen.line(to_json(result.to_json(), indent=2))
    else:
        _summary(screen, result, watch, _shown(result.folder, here))
    return result.exit_code


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


def _shown(folder: Path, here: Path) -> Path:
    """A folder as a person wants to read it: from the working directory, where it lies within."""
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


def _header(screen: Screen, outline: Outline, folder: Path) -> None:
    screen.line(f"{screen.style(outline.name, 'bold')}   {outline.title}".rstrip())
    facts = [wording.count(outline.units, "unit")]
    facts += [wording.count(outline.fmus, "FMU")] if outline.fmus else []
    facts += [wording.count(outline.plugins, "plugin")] if outline.plugins else []
    facts += [wording.time(outline.period), wording.time(outline.horizon), f"seed {outline.seed}"]
    screen.line(screen.style(" · ".join(facts), "dim"))
    _warnings(screen, outline.warnings, folder)
    screen.line()


def _warnings(screen: Screen, texts: Sequence[str], folder: Path) -> None:
    word = f"{screen.style('warning', 'warning')}  "
    for text in texts[:_MOST_WARNINGS]:
        screen.wrapped(text, indent=9, first=word)
    if len(texts) > _MOST_WARNINGS:
        more = wording.count(len(texts) - _MOST_WARNINGS, "more warning")
        screen.line(f"{word}{more} in {folder / 'events.jsonl'}")


def _summary(screen: Screen, result: Result, watch: Watch, folder: Path) -> None:
    _verdict(screen, result, watch)
    if result.requirements:
        screen.line()
        _table(screen, result.requirements)
    if watch.warnings:
        screen.line()
        _warnings(screen, watch.warnings, folder)
    if watch.profile:
        screen.line()
        _profile(screen, watch)
    screen.line()
    screen.line(f"  {screen.style('run folder', 'dim')}  {folder}")


def _verdict(screen: Screen, result: Result, watch: Watch) -> None:
    from crumple.tracebacks import plugin_traceback

    word = result.verdict.upper()
    first = f"  {screen.style(word, result.verdict)}   "
    left = len(word) + 5
    indent = " " * left
    if result.verdict in ("pass", "done"):
        speed = _speed(result)
        gap = max(3, min(screen.width, 96) - left - len(result.reasons[0]) - len(speed))
        screen.line(first + result.reasons[0] + " " * gap + screen.style(speed, "dim"))
    else:
        for number, reason in enumerate(result.reasons):
            screen.wrapped(reason, indent=left, first="" if number else first)
    for hint in watch.hints[:_MOST_HINTS]:
        screen.line(indent + hint)
    if watch.error is not None:
        for line in plugin_traceback(watch.error):
            screen.line(indent + line)
    if result.verdict not in ("pass", "done"):
        screen.line(indent + screen.style(_kept(result), "dim"))


def _kept(result: Result) -> str:
    last = result.signals.last_t()
    if result.verdict == "fail" or last is None:
        return _speed(result)
    return f"recorded until {wording.time(last)}"


def _speed(result: Result) -> str:
    ticks = wording.count(result.tick, "tick")
    if not result.wall:
        return ticks
    t = result.t
    simulated = float(t[-1] - t[0]) if len(t) else 0.0
    rate = wording.number(simulated / result.wall, digits=2 if simulated < 100 * result.wall else 3)
    return f"{ticks} in {_wall(result.wall)} ({rate} x real time)"


def _wall(seconds: float) -> str:
    if seconds < 0.01:
        return wording.time(float(f"{seconds:.2g}"))
    return f"{seconds:.2f} s" if seconds < 10 else wording.time(round(seconds, 1))


def _table(screen: Screen, requirements: list[RequirementResult]) -> None:
    rows = [["  requirement", "value", "limit", "margin", ""]]
    for result in requirements:
        margin = {"not_applicable": "does not apply", "inconclusive": "not decided"}.get(result.status)
        rows.append(
            [
                f"{_MARKS[result.status]} {result.name}",
                "" if result.status == "not_applicable" else value_text(result),
                limit_text(result),
                margin_text(result) if margin is None else margin,
                when_text(result) if result.status in ("pass", "fail") else "",
            ]
        )
    width = max(len(row[3]) for row in rows)
    for row in rows:
        row[3] = f"{row[3]:>{width}}"
    for number, line in enumerate(columns(rows)):
        status = requirements[number - 1].status if number else ""
        style = "dim" if not number or status == "not_applicable" else status if status != "pass" else ""
        screen.line(screen.style(line, style) if style else line)


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
