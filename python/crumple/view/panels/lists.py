"""The lists to choose from: signals to plot, faults to inject or to go to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from crumple.view.figures import unit
from crumple.view.panels.picker import Choice, Picker
from crumple.view.session import Session

if TYPE_CHECKING:
    from crumple.view.theme import Theme


def signal_list(
    session: Session, theme: Theme, *, plotted: Callable[[], Collection[str]], toggle: Callable[[str], object]
) -> Picker:
    """All signals; those in the charts are marked."""

    def choices() -> Sequence[Choice]:
        shown = set(plotted())
        return [
            Choice(name, unit(session.si.get(name.partition("[")[0])), marked=name in shown)
            for name in session.names()
        ]

    return Picker(theme, "Signals", choices, toggle, empty="Nothing was recorded.")


def fault_list(
    session: Session, theme: Theme, t: Callable[[], float], act: Callable[[str], object], *, live: bool
) -> Picker:
    """All faults as they stand. live: choosing one injects it, or clears it where it is active."""

    def choices() -> Sequence[Choice]:
        return [
            Choice(row.name, f"{row.on}, {row.text}, {row.when}", "fault", row.state == "active")
            for row in session.faults(t())
        ]

    title = "Faults: Enter injects, or clears" if live else "Faults"
    empty = "This scene has no [faults]." if live else "This run had no faults."
    return Picker(theme, title, choices, act, empty=empty, stays=live)
