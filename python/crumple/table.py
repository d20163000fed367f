"""Values over time as a unit: the rows of a file that feed inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crumple import _core


class Table:
    """A unit whose outputs follow a table.

    times: (n,) [s], not decreasing.   columns: values by output name, (n,) each.
    kinds: kind by output name where it is not "real"; real columns are interpolated linearly, others hold.
    Before the first row and after the last, the nearest row holds.
    Raises BuildError for times that go back and columns of another length.
    """

    def __init__(
        self,
        times: Sequence[float],
        columns: Mapping[str, Sequence[float]],
        *,
        kinds: Mapping[str, str] | None = None,
    ) -> None:
        self.times = [float(t) for t in times]
        self.columns = {name: [float(x) for x in values] for name, values in columns.items()}
        self.kinds = dict(kinds or {})

    def make_unit(self, instance: str) -> _core.UnitHolder:
        """The unit, ready to be added to the core's world. instance: not used, a table has no messages."""
        del instance
        columns = [(name, self.kinds.get(name, "real"), values) for name, values in self.columns.items()]
        return _core.make_table(self.times, columns)
