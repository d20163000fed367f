"""Requirements of two runs side by side, for `crumple replay` and `crumple compare`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from crumple.cli.screen import Screen, columns

if TYPE_CHECKING:
    from crumple.replay_compare import RequirementChange


def show_changes(screen: Screen, changes: Iterable[RequirementChange], names: tuple[str, str]) -> None:
    """A table of each requirement in two runs, whose names head the columns; those that turned are marked."""
    from crumple.requirement_result import limit_text, value_text

    rows = [["  requirement", *names, "limit", ""]]
    styles = ["dim"]
    for each in changes:
        shown = [
            "-" if result is None or result.status == "not_applicable" else value_text(result)
            for result in (each.was, each.now)
        ]
        known = each.now or each.was
        assert known is not None
        words = [
            result.status.replace("_", " ") if result else "not there" for result in (each.was, each.now)
        ]
        turn = f"{words[0]} → {words[1]}" if each.turned else words[1]
        rows.append([f"{'▸' if each.turned else ' '} {each.name}", *shown, limit_text(known), turn])
        styles.append(
            known.status if each.turned and known.status in ("pass", "fail", "inconclusive") else ""
        )
    for line, style in zip(columns(rows), styles, strict=True):
        screen.line(screen.style(line, style) if style else line)
