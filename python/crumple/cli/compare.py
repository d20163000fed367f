"""`crumple compare`: two runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crumple import wording
from crumple.cli.screen import Screen

if TYPE_CHECKING:
    from crumple.comparison import RunComparison


def compare(
    first: Annotated[str, typer.Argument(metavar="RUN", help="A run folder, or the name of one under runs.")],
    second: Annotated[str, typer.Argument(metavar="RUN", help="The run that it is compared with.")],
    out: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Also write an HTML page with plots of both, one upon the other."),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the comparison as JSON, and nothing else.")
    ] = False,
) -> int:
    """Show where two runs part: the first tick and signal that differ, and what became of each requirement.

    \b
      crumple compare 9f3c21ab 41d07c9e
      crumple compare runs/old runs/new --out change.html

    Exit codes: 0 where every bit that both recorded is the same, 1 where something differs, 2 where a run cannot
    be read.
    """
    from crumple.cli.show import locate
    from crumple.comparison import compare_runs

    compared = compare_runs(locate(first).absolute(), locate(second).absolute())
    screen = Screen()
    if out is not None:
        from crumple.report.compare_page import write_comparison

        write_comparison(compared, Path(out))
    if json:
        from crumple.run_folder import to_json

        screen.line(to_json(compared.to_json(), indent=2))
    else:
        _show(screen, compared)
        if out is not None:
            screen.line()
            screen.line(f"  {out}")
    return 0 if compared.same else 1


def _show(screen: Screen, compared: RunComparison) -> None:
    from crumple.cli.changes import show_changes

    screen.line(screen.style(f"{compared.was.folder.name}  →  {compared.now.folder.name}", "bold"))
    screen.line()
    word, style = ("SAME", "pass") if compared.same else ("DIFFERENT", "fail")
    screen.wrapped(compared.outcome(), indent=2 + len(word) + 3, first=f"  {screen.style(word, style)}   ")
    facts = compared.facts()
    width = max(len(label) for label, _ in facts)
    for label, text in facts:
        screen.wrapped(text, indent=width + 4, first=f"  {screen.style(f'{label:<{width}}', 'dim')}  ")
    if compared.changes:
        screen.line()
        show_changes(screen, compared.changes, ("first", "second"))
    turned = sum(each.turned for each in compared.changes)
    screen.line()
    screen.line(f"  {wording.count(turned, 'verdict')} changed" if turned else "  no verdict changed")
