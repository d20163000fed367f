"""What the canvas needs of a session, and a session on paper: made of arrays, for pictures without a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from crumple.view.session import InputRow, Numbers


class Source(Protocol):
    """The part of `crumple.view.session.Session` that the canvas asks."""

    start: float
    si: Mapping[str, str | None]

    @property
    def mode(self) -> str:
        """ "live" or "replay"."""

    def end(self) -> float:
        """The newest time that can be shown [s]."""

    def series(self, name: str) -> tuple[Numbers, Numbers]:
        """(n,) times [s] and (n,) values; empty for a name that was not recorded."""

    def value(self, name: str, t: float) -> float | None:
        """Linear between samples for reals, held for others; None where there is no sample."""

    def inputs(self, t: float) -> Sequence[InputRow]:
        """All live inputs as they stood at t [s]."""


class PaperSession:
    """Signals given as arrays over common times t [s], (n,).

    signals: values (n,), or one number for all times, by name.   si: units of measure by name.
    held: names that are not interpolated: flags, counts, states.   rows: of live inputs, whatever the time.
    """

    def __init__(
        self,
        t: Numbers | Sequence[float] = (0.0, 1.0),
        signals: Mapping[str, Numbers | Sequence[float] | float] | None = None,
        *,
        si: Mapping[str, str | None] | None = None,
        held: Sequence[str] = (),
        rows: Sequence[InputRow] = (),
        mode: str = "replay",
    ) -> None:
        self.t = np.asarray(t, float)
        self._values = {
            name: np.broadcast_to(np.asarray(values, float), self.t.shape)
            for name, values in (signals or {}).items()
        }
        self.si: Mapping[str, str | None] = {name: (si or {}).get(name, "1") for name in self._values}
        self.start = float(self.t[0])
        self.mode = mode
        self._held = frozenset(held)
        self.rows = tuple(rows)

    def end(self) -> float:
        """The last time [s]."""
        return float(self.t[-1])

    def series(self, name: str) -> tuple[Numbers, Numbers]:
        """Times and values; empty for a name that is not there."""
        values = self._values.get(name)
        return (np.empty(0), np.empty(0)) if values is None else (self.t, values)

    def value(self, name: str, t: float) -> float | None:
        """At t [s]; None beyond the last time, and for a name that is not there."""
        values = self._values.get(name)
        if values is None or not self.t[0] <= t <= self.t[-1]:
            return None
        if name in self._held:
            return float(values[int(np.searchsorted(self.t, t, side="right")) - 1])
        return float(np.interp(t, self.t, values))

    def inputs(self, t: float) -> Sequence[InputRow]:
        """The rows that were given."""
        return self.rows
