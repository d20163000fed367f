"""Arguments that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

Run = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN",
        help="A run folder; or the name of one under runs, its first part or its end. Default: the latest.",
    ),
]
"""A run, as `show.locate` finds it."""
