"""Signals kept in memory while a world runs, as NumPy arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crumple import _core

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Trace:
    """Signals kept in memory while a world runs. See World.trace."""

    def __init__(self, core: _core.Trace) -> None:
        self._core = core

    def columns(self) -> list[_core.Column]:
        """What is kept, in order."""
        return self._core.columns

    def values(self) -> NDArray[np.float64]:
        """(rows, 1 + numbers): the time [s], then the signals that are no texts, element by element. A copy."""
        return self._core.values()

    def clear(self) -> None:
        """Forgets what was kept, as before another run of the same world."""
        self._core.clear()

    def array(self) -> NDArray[np.void]:
        """One row per recorded communication point: field "t" [s], then one field per signal."""
        import numpy as np

        columns = self._core.columns
        fields: list[Any] = [("t", np.float64)]
        for column in columns:
            if column.blob:
                continue
            fields.append(
                (column.name, np.float64, column.shape) if column.shape else (column.name, np.float64)
            )
        values = self._core.values()
        return np.ascontiguousarray(values).view(np.dtype(fields)).reshape(len(values))

    def blobs(self) -> dict[str, list[Any]]:
        """The string and binary signals as bytes, row by row; a list of lists for arrays."""
        columns = [c for c in self._core.columns if c.blob]
        width = sum(c.count for c in columns)
        flat = self._core.blobs()
        found: dict[str, list[Any]] = {}
        at = 0
        for column in columns:
            rows = [flat[r * width + at : r * width + at + column.count] for r in range(self._core.rows)]
            found[column.name] = rows if column.shape else [row[0] for row in rows]
            at += column.count
        return found
