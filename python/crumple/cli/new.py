"""`crumple new`: something to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crumple.cli.screen import Screen, columns

app = typer.Typer(
    help="Start a plugin of your own.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)


@app.callback()
def new() -> None:
    """Start something of your own."""


@app.command()
def plugin(
    name: Annotated[str, typer.Argument(help="In small letters, such as lane_sensor.")],
    inside: Annotated[
        str | None, typer.Option("--in", metavar="DIR", help="Where its folder is made. Default: here.")
    ] = None,
) -> int:
    """Write an installable plugin with a passing test: a unit with an input, an output and a parameter."""
    from crumple.new_plugin import write_plugin

    files = write_plugin(name, inside=None if inside is None else Path(inside))
    folder = files[0].parent
    purposes = ["the unit", "its test", "what it is", "how it is installed"]
    screen = Screen()
    screen.line(f"{folder}")
    rows = [[f"  {file.name}", purpose] for file, purpose in zip(files, purposes, strict=True)]
    for line in columns(rows):
        screen.line(line)
    screen.line()
    screen.line(f"Next:  cd {folder} && pip install -e '.[test]' && pytest")
    return 0
