"""Two runs as one page: what turned, and their signals upon each other."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from crumple.report.facts import WORDS, Facts, Figure, shown_limit, shown_value
from crumple.report.page import render, write_page
from crumple.report.plot import Line, Mark

if TYPE_CHECKING:
    from crumple.comparison import RunComparison
    from crumple.requirement_result import RequirementResult


def write_comparison(compared: RunComparison, path: Path) -> None:
    """Write the page. Raises CrumpleError where it cannot be written, or where jinja2 is missing."""
    write_page(path, lambda: comparison_page(compared))


def comparison_page(compared: RunComparison) -> str:
    """The whole page."""
    was, now = Facts(compared.was.folder), Facts(compared.now.folder)
    first = compared.recorded.first
    changes = [
        (each.name, each.turned, _cell(each.was), _cell(each.now), shown_limit(each.now or each.was))
        for each in compared.changes
    ]
    return render(
        "compare.html.j2",
        title=f"{was.session.name}: two runs",
        session=was.session,
        compared=compared,
        changes=changes,
        first_at=first is not None,
        figures=_figures(
            was, now, None if first is None else first.t, None if first is None else first.signal
        ),
    )


def _cell(result: RequirementResult | None) -> tuple[str, str, str]:
    """State, word and value."""
    if result is None:
        return "not_applicable", "not there", ""
    return result.status, WORDS[result.status], shown_value(result) if result.value is not None else ""


def _figures(was: Facts, now: Facts, at: float | None, signal: str | None) -> list[Figure]:
    """The signal that parts first, and the charts of the scene."""
    figures = was.signal_figures(first=signal)
    marks = [] if at is None else [Mark(t=at, text="first difference", colour="text_2")]
    until = max(was.session.end(), now.session.end())
    made = []
    for figure, lines in figures:
        others = []
        for line in lines:
            t, y = now.session.series(line.signal)
            others.append(
                Line(
                    t=t,
                    y=y * line.factor + line.offset,
                    colour="text" if len(lines) == 1 else line.colour,
                    dashed=True,
                )
            )
        plot = dataclasses.replace(figure.plot, lines=[*figure.plot.lines, *others], marks=marks, until=until)
        made.append(dataclasses.replace(figure, plot=plot))
    return made
