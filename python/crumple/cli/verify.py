"""`crumple verify`: whether every bit of a run is as it was when the run ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from crumple import wording
from crumple.cli.screen import Screen, columns
from crumple.seal import SEAL

if TYPE_CHECKING:
    from crumple.seal import Report

_MOST = 20  # lines of damage on the screen; --json has all
_WORDS = {
    "whole": ("WHOLE", "pass"),
    "damaged": ("DAMAGED", "fail"),
    "unsealed": ("NOT SEALED", "inconclusive"),
}


def verify(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The folder of a run.")],
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON, and nothing else.")] = False,
) -> int:
    """Compare every file of a run with the seal that was put on it when it ended.

    Exit codes: 0 every bit is as it was, 1 damaged, 2 wrong call, 3 not sealed.
    """
    from crumple import seal

    report = seal.verify(run)
    screen = Screen()
    if json:
        from msgspec import to_builtins

        from crumple.run_folder import to_json

        screen.line(to_json({**to_builtins(report), "exit_code": report.exit_code}, indent=2))
    else:
        _show(screen, report)
    return report.exit_code


def _show(screen: Screen, report: Report) -> None:
    sealed = f"   sealed {report.sealed}" if report.sealed else ""
    screen.line(f"{screen.style(report.folder, 'bold')}{sealed}")
    screen.line()
    word, style = _WORDS[report.state]
    left = len(word) + 5
    screen.wrapped(_reason(report), indent=left, first=f"  {screen.style(word, style)}   ")
    if report.state == "whole":
        screen.line(f"{' ' * left}{screen.style(f'seal {report.seal}', 'dim')}")
    for fact in report.facts:
        screen.line(f"{' ' * left}{screen.style(fact, 'dim')}")
    if report.damages and report.damages[0].file != SEAL:
        screen.line()
        shown = report.damages[:_MOST]
        for line in columns([[f"  {damage.file}", damage.fact] for damage in shown]):
            screen.line(line)
        if len(report.damages) > len(shown):
            screen.line(f"  and {wording.count(len(report.damages) - len(shown), 'place')} more")


def _reason(report: Report) -> str:
    """In few words where the list of damages follows."""
    if report.state != "damaged" or not report.seal:
        return report.reason
    files = len({damage.file for damage in report.damages})
    return f"{wording.count(files, 'file')} {'is' if files == 1 else 'are'} not what was sealed"
