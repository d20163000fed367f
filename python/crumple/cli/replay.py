"""`crumple replay`: a run again from its folder, without a network: the same bits, or where the two part."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crumple import wording
from crumple.cli.arguments import Run
from crumple.cli.changes import show_changes
from crumple.cli.screen import Progress, Screen
from crumple.cli.summary import (
    counted_facts,
    show_header,
    show_requirements,
    show_verdict,
    show_warnings,
    shown_path,
)

if TYPE_CHECKING:
    from crumple.execution import Outline, Watch
    from crumple.replaying import Replayed


def replay(  # noqa: PLR0917  # options of a command line have no order
    run: Run = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Another parameter, which makes a what-if of it. Repeatable."
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="The tape ends here, and sensors do what the scene says of silence: a fork."
        ),
    ] = None,
    changed: Annotated[
        bool,
        typer.Option("--changed", help="Run it though FMUs, plugins or the scene are not what they were."),
    ] = False,
    realtime: Annotated[
        bool, typer.Option("--realtime", help="In real time, not as fast as possible. The bits are the same.")
    ] = False,
    speed: Annotated[
        float | None, typer.Option(metavar="X", help="Simulated seconds in a second; implies --realtime.")
    ] = None,
    view: Annotated[bool, typer.Option("--view", help="Show it in the viewer while it goes on.")] = False,
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Where the new run's folder is made. Default: runs.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")] = False,
) -> int:
    """Run a run again from its folder, without a network: the same bits, or where the two part.

    \b
      crumple replay                                   the latest run under ./runs
      crumple replay frontal --set speed='64 km/h'     what if?
      crumple replay 9f3c21ab --until '20 ms'          what if the sensors had fallen silent then?

    Exit codes: those of the verdict, as in `crumple run`; a replay of a run that did not pass, for its timing
    perhaps, does not pass either. 4 where it should be the same run and is not, 2 where it cannot be replayed.
    """
    from crumple.cli.aside import prints_aside
    from crumple.cli.run import assignments, check_display
    from crumple.cli.show import locate
    from crumple.cli.supervise import tell_code, tell_folder
    from crumple.execution import Watch
    from crumple.replaying import execute_replay

    here = Path.cwd()  # now, since an FMU may change it
    folder = locate(run).absolute()
    watch = Watch(command=("crumple", *sys.argv[1:]))
    screen, progress = Screen(), Progress()

    def started(outline: Outline) -> None:
        tell_folder(outline.folder)
        if not json:
            _header(screen, outline, folder.name, shown_path(outline.folder, here))
        progress.begin(outline.name, start=outline.start, horizon=outline.horizon)

    if view:
        check_display()
    watch.started = started
    watch.reached = progress
    try:
        with prints_aside(json):
            replayed = execute_replay(
                folder,
                set=assignments(set_ or []),
                until=until,
                out=out,
                changed=changed,
                speed=1.0 if realtime and speed is None else speed,
                view=view,
                watch=watch,
            )
    finally:
        progress.clear()
    if json:
        from crumple.run_folder import to_json

        screen.line(to_json(replayed.to_json(), indent=2))
    else:
        _summary(screen, replayed, watch, shown_path(replayed.folder, here))
    tell_code(replayed.exit_code)  # while units that failed still exist: one may crash when it is freed
    return replayed.exit_code


def _header(screen: Screen, outline: Outline, original: str, folder: Path) -> None:
    facts = counted_facts(units=outline.units, fmus=outline.fmus, plugins=outline.plugins)
    facts += [wording.time(outline.period), wording.time(outline.horizon), f"seed {outline.seed}"]
    show_header(screen, outline.name, outline.title, [*facts, f"replay of {original}"])
    show_warnings(screen, outline.warnings, folder)
    screen.line()


def _summary(screen: Screen, replayed: Replayed, watch: Watch, folder: Path) -> None:
    from crumple.tracebacks import plugin_traceback

    show_verdict(screen, replayed, traceback=plugin_traceback(watch.error) if watch.error is not None else ())
    changes = [each for each in replayed.requirement_changes if each.turned]
    if replayed.requirements:
        screen.line()
        if replayed.same is not None and replayed.until is None:
            show_requirements(screen, replayed.requirements)
        else:
            show_changes(screen, replayed.requirement_changes, ("then", "now"))
    screen.line()
    rows = [*_facts(replayed, turned=len(changes)), ("run folder", str(folder))]
    width = max(len(label) for label, _ in rows)
    for label, text in rows:
        style = "fail" if label == "NOT THE SAME" else "warning" if label in ("changed", "note") else "dim"
        shown = screen.style(f"{label:<{width}}", style)
        screen.wrapped(text, indent=width + 4, first=f"  {shown}  ")


def _facts(replayed: Replayed, *, turned: int) -> Iterator[tuple[str, str]]:
    """What the replay shows, each with a label."""
    free = replayed.same is None or replayed.until is not None
    yield "NOT THE SAME" if replayed.same is False else "what if" if free else "replay", replayed.outcome
    if replayed.set:
        yield "set", ", ".join(f"{name} = {value}" for name, value in replayed.set.items())
    if free and replayed.requirements:
        yield (
            "requirements",
            f"{wording.count(turned, 'verdict')} changed" if turned else "no verdict changed",
        )
    if replayed.until is not None and replayed.comparison is not None:
        first = replayed.comparison.first
        if replayed.same and first is not None:
            yield (
                "fork",
                f"first difference at t = {wording.time(first.t)} (tick {first.tick:,}): {first.signal}",
            )
        elif replayed.same:
            yield "fork", "no difference was recorded after it"
    original = replayed.original
    if original.verdict != replayed.verdict:
        yield "then", f"the run was {original.verdict.upper()}: {original.reason}"
    for fact in replayed.changed:
        yield "changed", fact
    for note in replayed.notes:
        if note.endswith("run now") or replayed.same is False:
            yield "note", note
