"""`crumple report`: a run as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crumple.cli.arguments import Run
from crumple.cli.screen import Screen
from crumple.cli.summary import shown_path


def report(
    run: Run = None,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Where the page is written. Default: report.html in the run's folder."
        ),
    ] = None,
) -> int:
    """Write the report of a run: one HTML file with everything in it, which needs no network.

    \b
      crumple report                                 the latest run under ./runs
      crumple report frontal_barrier --out crash.html
      crumple run frontal_barrier --report           both at once

    It says the verdict and its reason, each requirement with its margin, shows the decisive moment, key frames and
    signals, the faults that acted, what had to hold for a pass, and the hashes and the command that run it again.
    For a PDF print it from a browser. The exit code is 0 once it is written, whatever the verdict of the run.
    """
    from crumple.cli.show import locate
    from crumple.report import write_report

    here = Path.cwd()
    written = write_report(locate(run).absolute(), None if out is None else Path(out))
    Screen().line(str(shown_path(written.absolute(), here)))
    return 0
