"""`crumple doctor`: what this machine has, with remedies."""

from __future__ import annotations

from typing import Annotated

import typer

from crumple.cli.screen import Screen


def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print all as JSON, and nothing else.")] = False,
) -> int:
    """Show what this machine has of all that Crumple can use, and what to do about the rest.

    Exit code 4 where something is missing that every run needs.
    """
    from crumple.doctor import findings

    found = findings()
    screen = Screen()
    code = 4 if any(f.needed and not f.good for f in found) else 0
    if json:
        from crumple.run_folder import to_json

        screen.line(to_json({"findings": [f.to_json() for f in found], "good": code == 0}, indent=2))
        return code
    width = max(len(f.name) for f in found)
    for finding in found:
        mark = " " if finding.good else "✗" if finding.needed else "-"
        style = "error" if finding.needed and not finding.good else "dim"
        screen.line(f"{screen.style(mark, style)} {finding.name:<{width}}   {finding.text}")
        if finding.remedy:
            screen.line(f"  {'':<{width}}   {screen.style(finding.remedy, 'warning')}")
    return code
