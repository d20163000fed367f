"""`crumple metrics`: what can be computed of signals, and what each metric is."""

from __future__ import annotations

import difflib
from itertools import groupby
from typing import Annotated

import typer

from crumple.cli.screen import Screen, columns
from crumple.errors import UsageError
from crumple.metrics.registry import METRICS, Metric


def metrics(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Explain this one; by default all are listed.")
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="All of them as tables for docs/metrics.md.")
    ] = False,
) -> int:
    """List the metrics that requirements and scenes can name, or explain one.

    Each with how it is written, the unit of its value, what it is and where it comes from.
    """
    screen = Screen()
    if name is not None:
        if name not in METRICS:
            close = difflib.get_close_matches(name, METRICS, n=3)
            hint = f"Did you mean {' or '.join(close)}?" if close else "`crumple metrics` lists all."
            raise UsageError(f'There is no metric "{name}". {hint}')
        _explain(screen, METRICS[name])
    elif markdown:
        screen.bare(as_markdown())
    else:
        _list(screen)
    return 0


def _groups() -> list[tuple[str, list[Metric]]]:
    """By group, in the order in which the groups first come up."""
    order = list(dict.fromkeys(metric.group for metric in METRICS.values()))
    ordered = sorted(METRICS.values(), key=lambda metric: order.index(metric.group))
    return [(group, list(members)) for group, members in groupby(ordered, key=lambda metric: metric.group)]


def _unit(metric: Metric) -> str:
    """Of the value, as the reader is told."""
    return metric.result_si or "of the signal"


def _taken(metric: Metric, index: int) -> str:
    si = metric.si_of_signal(index)
    return si if si is not None else "any unit"


def _list(screen: Screen) -> None:
    for number, (group, members) in enumerate(_groups()):
        if number:
            screen.line()
        screen.line(screen.style(group, "bold"))
        rows = [["  " + metric.usage, _unit(metric), metric.doc] for metric in members]
        for line in columns(rows, most=60):
            screen.line(screen.cut(line))


def _explain(screen: Screen, metric: Metric) -> None:
    screen.line(f"{screen.style(metric.name, 'bold')}: {metric.doc}")
    least, most = metric.signals
    names = metric.takes or ("signal",)
    rows = [["  usage", metric.usage]]
    for index, name in enumerate(names):
        more = " (may be left out)" if index >= least else ""
        more = " (one or more)" if most is None and index == len(names) - 1 else more
        rows.append([f"  {name}", f"a signal in {_taken(metric, index)}{more}"])
    for index, name in enumerate(metric.numbers):
        si = metric.si_of_number(index, metric.si_of_signal(0))
        more = " (may be left out)" if index >= len(metric.numbers) - metric.optional else ""
        rows.append([f"  {name}", f"a quantity in {si or 'the unit of the signal'}{more}"])
    kind = "a number for the run" if metric.scalar else "a signal again: wrap it, as in max(...)"
    rows += [
        ["  gives", f"{kind}, in {_unit(metric).replace('of the', 'the unit of the')}"],
        ["  source", metric.source],
    ]
    for line in columns(rows):
        screen.line(line)


def as_markdown() -> str:
    """All metrics as tables, one a group."""
    lines = []
    for group, members in _groups():
        lines += [
            f"## {group[0].upper()}{group[1:]}",
            "",
            "| usage | unit | what | source |",
            "|---|---|---|---|",
        ]
        for metric in members:
            cells = (f"`{metric.usage}`", _unit(metric), metric.doc, metric.source)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)
