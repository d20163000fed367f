"""How a run is shown: what it was, its verdict, its requirements. For `crumple run` and `crumple show`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crumple import wording
from crumple.cli.screen import Screen, columns
from crumple.errors import CrumpleError
from crumple.exit_codes import EXIT_CODES
from crumple.requirement_result import limit_text, margin_text, value_text, when_text

if TYPE_CHECKING:
    from crumple.requirement_result import RequirementResult
    from crumple.result import Result

_MOST_WARNINGS = 5
_MOST_HINTS = 4
_MARKS = {"pass": " ", "fail": "✗", "inconclusive": "?", "not_applicable": "-"}


def shown_path(path: Path, here: Path) -> Path:
    """A path as a person wants to read it: from the working directory, where it lies within."""
    return path.relative_to(here) if path.is_relative_to(here) else path


def show_header(screen: Screen, name: str, title: str, facts: Sequence[str]) -> None:
    """Two lines: name and title of the scene, and facts about it."""
    screen.line(f"{screen.style(name, 'bold')}   {title}".rstrip())
    screen.line(screen.style(" · ".join(facts), "dim"))


def counted_facts(*, units: int, fmus: int, plugins: int) -> list[str]:
    """ "5 units", "2 FMUs", "3 plugins"; what there is none of is left out."""
    facts = [wording.count(units, "unit")]
    facts += [wording.count(fmus, "FMU")] if fmus else []
    return [*facts, wording.count(plugins, "plugin")] if plugins else facts


def show_warnings(screen: Screen, texts: Sequence[str], folder: Path) -> None:
    """The first few, and where the others are."""
    word = f"{screen.style('warning', 'warning')}  "
    for text in texts[:_MOST_WARNINGS]:
        screen.wrapped(text, indent=9, first=word)
    if len(texts) > _MOST_WARNINGS:
        more = wording.count(len(texts) - _MOST_WARNINGS, "more warning")
        screen.line(f"{word}{more} in {folder / 'events.jsonl'}")


def show_verdict(screen: Screen, result: Result, *, traceback: Sequence[str] = ()) -> None:
    """The verdict with its reasons, what may explain them, and how far and fast the run went.

    traceback: lines of the exception of a plugin.
    """
    word = result.verdict.upper()
    style = result.verdict if result.verdict in EXIT_CODES else "inconclusive"
    first = f"  {screen.style(word, style)}   "
    reasons = result.reasons or ["no reason is given"]
    left = len(word) + 5
    indent = " " * left
    if result.verdict in ("pass", "done"):
        speed = _speed(result)
        gap = max(3, min(screen.width, 96) - left - len(reasons[0]) - len(speed))
        screen.line(first + reasons[0] + " " * gap + screen.style(speed, "dim"))
        for reason in reasons[1:]:
            screen.wrapped(reason, indent=left, first="")
    else:
        for number, reason in enumerate(reasons):
            screen.wrapped(reason, indent=left, first="" if number else first)
    for hint in result.hints[:_MOST_HINTS]:
        screen.line(indent + hint)
    for line in traceback:
        screen.line(indent + line)
    if result.verdict not in ("pass", "done") and (kept := _kept(result)):
        screen.line(indent + screen.style(kept, "dim"))


def _kept(result: Result) -> str:
    try:
        last = result.signals.last_t()
    except (CrumpleError, OSError, ValueError):
        return "the recording cannot be read"
    if result.verdict == "fail" or last is None:
        return _speed(result)
    return f"recorded until {wording.time(last)}"


def _speed(result: Result) -> str:
    ticks = wording.count(result.tick, "tick")
    if not result.wall:
        return ticks
    try:
        t = result.t
    except (CrumpleError, OSError, ValueError):
        return ticks
    simulated = float(t[-1] - t[0]) if len(t) else 0.0
    rate = wording.number(simulated / result.wall, digits=2 if simulated < 100 * result.wall else 3)
    return f"{ticks} in {wall_text(result.wall)} ({rate} x real time)"


def wall_text(seconds: float) -> str:
    """A wall time: "0.02 s", "3.1 ms"."""
    if seconds < 0.01:
        return wording.time(float(f"{seconds:.2g}"))
    return f"{seconds:.2f} s" if seconds < 10 else wording.time(round(seconds, 1))


def show_requirements(screen: Screen, requirements: Sequence[RequirementResult]) -> None:
    """A table: value, limit, margin, and when."""
    rows = [["  requirement", "value", "limit", "margin", ""]]
    for result in requirements:
        margin = {"not_applicable": "does not apply", "inconclusive": "not decided"}.get(result.status)
        rows.append(
            [
                f"{_MARKS[result.status]} {result.name}",
                "" if result.status == "not_applicable" else value_text(result),
                limit_text(result),
                margin_text(result) if margin is None else margin,
                when_text(result) if result.status in ("pass", "fail") else "",
            ]
        )
    width = max(len(row[3]) for row in rows)
    for row in rows:
        row[3] = f"{row[3]:>{width}}"
    for number, line in enumerate(columns(rows)):
        status = requirements[number - 1].status if number else ""
        style = "dim" if not number or status == "not_applicable" else status if status != "pass" else ""
        screen.line(screen.style(line, style) if style else line)


def show_faults(screen: Screen, faults: Sequence[Mapping[str, Any]]) -> None:
    """A table of the faults that acted: on what, when, and the line of an FMEA that they are."""
    rows = [["  fault", "on", "what", "acted", ""]]
    for fault in faults:
        spans = fault.get("acted") or []
        if not spans:
            continue
        first, more = spans[0], len(spans) - 1
        when = f"from {wording.time(first['from'])}"
        if "until" in first:
            when += f" until {wording.time(first['until'])}"
        when += f" and {more} times more" if more else ""
        kind = str(fault.get("kind", "")).replace("_", " ")
        rows.append([f"  {fault.get('name')}", str(fault.get("on")), kind, when, str(fault.get("id", ""))])
    if len(rows) == 1:
        return
    screen.line()
    for number, line in enumerate(columns(rows)):
        screen.line(line if number else screen.style(line, "dim"))


def show_metrics(screen: Screen, result: Result) -> None:
    """A table of the scene's metrics, those aside that requirements show already."""
    shown = {each.name for each in result.requirements}
    rows = [
        [f"  {each.name}", each.text, each.when, each.doc]
        for each in result.metric_results
        if each.name not in shown
    ]
    if not rows:
        return
    screen.line()
    for number, line in enumerate(columns([["  metric", "value"], *rows])):
        screen.line(screen.cut(line) if number else screen.style(line, "dim"))
