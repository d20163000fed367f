"""`crumple show`: a past run again, from its folder: verdict, evidence, metrics, files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crumple import wording
from crumple.cli.arguments import Run
from crumple.cli.screen import Screen, columns
from crumple.cli.summary import (
    counted_facts,
    show_faults,
    show_header,
    show_requirements,
    show_verdict,
    show_warnings,
    shown_path,
    wall_text,
)

if TYPE_CHECKING:
    from crumple.result import Result
    from crumple.verdict import Condition

_RUNS = Path("runs")  # where `crumple run` makes its folders
_STAMP = re.compile(r".*-(\d{8}T\d{6})-[0-9a-f]{8}(?:-(\d+))?")  # the name of a run folder
_MOST_NAMED = 5
_MARKS = {True: "✓", False: "✗", None: "?"}
_STYLES = {True: "", False: "fail", None: "inconclusive"}


def show(
    run: Run = None,
    junit: Annotated[
        str | None, typer.Option(metavar="FILE", help="Also write the verdict as JUnit XML.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the run as JSON, and nothing else.")] = False,
) -> int:
    """Show a past run: its verdict, the evidence for it, metrics and files.

    \b
      crumple show                                   the latest run under ./runs
      crumple show frontal_barrier                   the latest whose name begins so
      crumple show 9f3c21ab                          the one whose name ends so
      crumple show results/night-20261121T201500-9f3c21ab --junit night.xml

    The exit code is that of the verdict: 0 pass or done, 1 fail, 3 inconclusive, 4 error; 2 where there is
    no such run. A run that was killed is inconclusive, and so is one that is still going on.
    """
    from crumple.result import open_run

    folder = locate(run).absolute()
    result = open_run(folder)
    if junit is not None:
        from crumple.junit import write_junit

        write_junit(result, junit)
    if json:
        from crumple.run_folder import to_json

        files = {path.name: path.stat().st_size for path in _files(folder)}
        Screen().line(to_json({**result.to_json(), "state": result.state, "files": files}, indent=2))
    else:
        _show(Screen(), result, shown_path(folder, Path.cwd()))
    return result.exit_code


# -- finding a run ----------------------------------------------------------------------------------------


def locate(given: str | None, *, runs: Path = _RUNS) -> Path:
    """The folder of a run, by its path, or by its name, its first part or its end, under `runs`.

    Of several that begin so, the latest. None is the latest of all. Raises UsageError where there is none, or
    where several end so.
    """
    from crumple.errors import UsageError

    if given is not None and (path := Path(given)).is_dir():
        if _is_run(path):
            return path
        if within := _runs_in(path):
            return within[-1]
        raise UsageError(f"{given} is not the folder of a run, and has none in it.")
    known = _runs_in(runs)
    if not known:
        what = f'no run "{given}": this is no folder, and ' if given else ""
        raise UsageError(f"{what}there is no run in {runs.absolute()}. Name the folder of a run.")
    if not given:
        return known[-1]
    name = given.removeprefix(f"{runs}/")
    beginning = [path for path in known if path.name.startswith(name)]
    if beginning:
        return next((path for path in beginning if path.name == name), beginning[-1])
    ending = [path for path in known if path.name.endswith(name)]
    if len(ending) == 1:
        return ending[0]
    if ending:
        raise UsageError(f'{len(ending)} runs end in "{name}": {_named(ending)}. Give more of the name.')
    raise UsageError(f'no run in {runs} begins or ends with "{name}". The latest: {_named(known)}.')


def _named(paths: list[Path]) -> str:
    """The latest few, the very latest first."""
    names = [path.name for path in paths[: -_MOST_NAMED - 1 : -1]]
    return ", ".join(names) + (", ..." if len(paths) > _MOST_NAMED else "")


def _runs_in(folder: Path) -> list[Path]:
    """The runs in a folder, the latest last."""
    found = [path for path in folder.iterdir() if _is_run(path)] if folder.is_dir() else []
    return sorted(found, key=_started)


def _is_run(folder: Path) -> bool:
    return (folder / "verdict.json").is_file()


def _started(folder: Path) -> tuple[str, int, int, str]:
    """Sorts runs by when they began: the second is in the name, the rest in the manifest, which is written once."""
    manifest = folder / "manifest.json"
    written = manifest.stat().st_mtime_ns if manifest.is_file() else 0
    match = _STAMP.fullmatch(folder.name)
    return (match[1] if match else "", written, int((match and match[2]) or 0), folder.name)


# -- showing it -------------------------------------------------------------------------------------------


def _show(screen: Screen, result: Result, folder: Path) -> None:
    show_header(screen, result.scene or result.folder.name, result.title, list(_facts(result)))
    screen.line()
    events = _events(result)
    traceback = [line for event in events for line in event.get("traceback") or ()]
    show_verdict(screen, result, traceback=traceback)
    if result.requirements:
        screen.line()
        show_requirements(screen, result.requirements)
    show_faults(screen, result.faults)
    warnings = [str(event.get("text", "")) for event in events if event.get("event") == "warning"]
    if warnings:
        screen.line()
        show_warnings(screen, warnings, folder)
    if result.conditions:
        screen.line()
        screen.line(screen.style("  condition", "dim"))
        for condition in result.conditions:
            _condition(screen, condition)
    for title, rows in (("metric", list(_metrics(result))), ("file", list(_sizes(result)))):
        if rows:
            screen.line()
            for number, line in enumerate(columns([[f"  {title}"], *rows])):
                screen.line(line if number else screen.style(line, "dim"))
    screen.line()
    if result.digest:
        screen.line(f"  {screen.style('digest', 'dim')}      {result.digest}")
    screen.line(f"  {screen.style('run folder', 'dim')}  {folder}")


def _facts(result: Result) -> Iterator[str]:
    """What the manifest says of the run; nothing where it cannot be read: the verdict does not depend on it."""
    from crumple.errors import CrumpleError

    try:
        manifest = result.manifest
        units = list(manifest["units"].values())
        fmus = sum("fmu" in unit for unit in units)
        yield from counted_facts(units=len(units), fmus=fmus, plugins=len(units) - fmus)
        if result.isolated:
            yield f"{len(result.isolated)} in {'a worker' if len(result.isolated) == 1 else 'workers'}"
        yield f"seed {manifest['seed']}"
        yield f"began {str(manifest['started']).replace('T', ' ').removesuffix('Z')} UTC"
    except (CrumpleError, LookupError, TypeError, AttributeError):
        yield "its manifest cannot be read"
    if result.wall:
        yield f"took {wall_text(result.wall)}"


def _events(result: Result) -> list[dict[str, Any]]:
    try:
        return result.events
    except (OSError, UnicodeError):
        return []


def _condition(screen: Screen, condition: Condition) -> None:
    """A mark and the condition, and below it the evidence."""
    line = f"{_MARKS[condition.holds]} {condition.name}"
    style = _STYLES[condition.holds]
    screen.line(screen.style(line, style) if style else line)
    screen.wrapped(condition.evidence, indent=6)


def _metrics(result: Result) -> Iterator[list[str]]:
    """Every metric with all its digits."""
    written = {
        requirement.name: requirement for requirement in result.requirements
    }  # where runs did not tell
    for each in result.metric_results:
        required = written.get(each.name)
        si, what = (
            each.si or (required.si if required else ""),
            each.what or (required.what if required else ""),
        )
        exact = "-" if each.value is None else wording.with_si(repr(each.value), si)
        yield [f"  {each.name}", exact, what]


def _sizes(result: Result) -> Iterator[list[str]]:
    from crumple.errors import CrumpleError

    try:
        rows = {table.path.name: wording.count(table.rows, "row") for table in result.signals.tables}
    except (CrumpleError, OSError, ValueError):
        rows = {}
    for path in _files(result.folder):
        yield [f"  {path.name}", _bytes(path.stat().st_size), rows.get(path.name, "")]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def _bytes(size: int) -> str:
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}"
    return f"{size} B"
