"""Tapes: what a live input said, over time.

A run with sensors leaves its tape in its folder: one row a tick of everything that was latched (see
`crumple.tape_run`). A tape may also be made of measurements, from arrays or a CSV file, and then be played to a
run as a rig would do it. Such a tape is one file that `numpy.load` reads as a structured array: field "t" [s] and
one field a channel, all doubles. Units of measure stand in the titles of the fields, which NumPy keeps:

    >>> numpy.load("crash.npy").dtype
    dtype([(('{"tape": 1, "sensor": "front", ...}', 't'), '<f8'), (('acceleration [m/s^2]', 'acceleration'), '<f8')])

The title of "t" also holds a check sum of all rows. Whatever is not as it was written is refused.
"""

from __future__ import annotations

import io
import json
import os
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crumple import wording
from crumple.errors import UsageError
from crumple.live.plan import STAMPS, Channel
from crumple.whole_file import write_whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.float64]

KINDS = ("real", "integer", "boolean")
_MAY_MISS = ("sample_time", "source_time", "arrival_time")  # stamps that are NaN until there is a sample
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TITLE = re.compile(r"(?P<name>\w+) \[(?P<si>[^\[\]]*)\](?: (?P<kind>integer|boolean))?")
_MOST_HEADER = 10_000  # [bytes] what numpy.load reads without being asked to
_LARGEST = 2**53  # whole numbers up to it are exact as doubles


@dataclass(frozen=True, slots=True)
class Command:
    """What was done by hand just before the step from `tick`: "set", "inject", "arm" or "clear", with arguments."""

    tick: int
    do: str
    args: Mapping[str, Any] = field(default_factory=dict)


class Tape:
    """Rows over time of one or more sensors.

    t: (n,) [s], increasing.   rows_by: by sensor, its channels and their values, (n, channels).
    source: where the values come from, for people.   commands: of a run, what was done by hand, tick by tick.
    Raises UsageError where a time or value is no number, time does not increase, or two sizes differ.
    """

    def __init__(
        self,
        t: Rows,
        rows_by: Mapping[str, tuple[tuple[Channel, ...], Rows]],
        *,
        source: str = "",
        commands: Sequence[Command] = (),
    ) -> None:
        self.t = t
        self.source = source
        self.commands = tuple(commands)
        self._rows_by = dict(rows_by)
        _check_times(t)
        for sensor, (channels, rows) in self._rows_by.items():
            _check_channels(sensor, channels, rows, t)

    # -- what it holds -----------------------------------------------------------------------------------

    @property
    def sensors(self) -> tuple[str, ...]:
        """Names of the sensors."""
        return tuple(self._rows_by)

    @property
    def sensor(self) -> str:
        """The name of its only sensor. Raises UsageError where there are several."""
        if len(self._rows_by) != 1:
            raise UsageError(f"the tape has {_listed(self._rows_by)}: say which sensor is meant.")
        return next(iter(self._rows_by))

    def channels(self, sensor: str | None = None) -> tuple[Channel, ...]:
        """The columns of a sensor: name, kind, unit of measure. Those of a run have the stamps, too."""
        return self._of(sensor)[0]

    def rows(self, sensor: str | None = None) -> tuple[tuple[str, ...], Rows]:
        """Names of the columns of a sensor, and its values, (n, columns)."""
        channels, rows = self._of(sensor)
        return tuple(channel.name for channel in channels), rows

    def _of(self, sensor: str | None) -> tuple[tuple[Channel, ...], Rows]:
        name = self.sensor if sensor is None else sensor
        if name not in self._rows_by:
            raise UsageError(f'the tape has no sensor "{name}". It has: {_listed(self._rows_by)}.')
        return self._rows_by[name]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.t)

    def __repr__(self) -> str:
        if not len(self):
            return "<Tape without rows>"
        span = wording.span(float(self.t[0]), float(self.t[-1]))
        return f"<Tape of {_listed(self._rows_by)}: {wording.count(len(self), 'row')}, t = {span}>"

    # -- making one --------------------------------------------------------------------------------------

    @staticmethod
    def from_arrays(
        t: Any,
        values: Mapping[str, Any],
        *,
        si: Mapping[str, str] | None = None,
        kinds: Mapping[str, Any] | None = None,
        sensor: str = "sensor",
        source: str = "",
    ) -> Tape:
        """A tape of one sensor.

        t: (n,) [s].   values: by channel, (n,).   si: unit of measure by channel, a plain number by default.
        kinds: "integer" or "boolean" by channel; real by default.   sensor: what a scene calls it.
        Raises UsageError naming channel, row and fact.
        """
        import numpy as np

        unknown = sorted({*(si or {}), *(kinds or {})} - values.keys())
        if unknown:
            raise UsageError(f"the tape has no channel {_listed(unknown)}. It has: {_listed(values)}.")
        channels = tuple(
            Channel(name=name, kind=(kinds or {}).get(name, "real"), si=(si or {}).get(name, "1"))
            for name in values
        )
        times = _column(np.asarray(t), "t")
        columns = [_column(np.asarray(column), name) for name, column in values.items()]
        for name, column in zip(values, columns, strict=True):
            if len(column) != len(times):
                raise UsageError(f'channel "{name}" has {len(column):,} values, and t has {len(times):,}.')
        rows = np.column_stack(columns) if columns else np.empty((len(times), 0))
        return Tape(times, {sensor: (channels, rows)}, source=source)

    @staticmethod
    def from_csv(file: str | os.PathLike[str], **options: Any) -> Tape:
        """A tape of columns of a CSV file; see `crumple.tape_csv.read_csv`."""
        from crumple.tape_csv import read_csv

        return read_csv(file, **options)

    @staticmethod
    def of_run(folder: str | os.PathLike[str]) -> Tape:
        """The tape in the folder of a run; see `crumple.tape_run.read_run`."""
        from crumple.tape_run import read_run

        return read_run(Path(folder))

    def only(self, sensor: str | None = None) -> Tape:
        """One sensor of it, without the stamps of a run: what its rig said."""
        channels, rows = self._of(sensor)
        kept = [number for number, channel in enumerate(channels) if channel.name not in STAMPS]
        name = self.sensor if sensor is None else sensor
        chosen = tuple(channels[number] for number in kept)
        return Tape(self.t, {name: (chosen, rows[:, kept])}, source=self.source)

    def cut(self, *, since: float | None = None, until: float | None = None, zero: bool = False) -> Tape:
        """The rows from `since` to `until` [s], both included. zero: time counts from `since`.

        Raises UsageError where no row is left.
        """
        import numpy as np

        near = (
            float(np.median(np.diff(self.t))) * 1e-6 if len(self) > 1 else 0.0
        )  # decimals, not doubles, are meant
        first = 0 if since is None else int(np.searchsorted(self.t, since - near))
        last = len(self) if until is None else int(np.searchsorted(self.t, until + near, side="right"))
        if first >= last:
            raise UsageError(
                "no row of the tape is left: it"
                f" goes from {wording.time(float(self.t[0]))} to {wording.time(float(self.t[-1]))}."
            )
        origin = 0.0 if not zero else float(self.t[first]) if since is None else since
        parts = {name: (channels, rows[first:last]) for name, (channels, rows) in self._rows_by.items()}
        return Tape(self.t[first:last] - origin, parts, source=self.source)

    def resampled(self, period: Fraction) -> Tape:
        """The same on whole multiples of `period` [s]: reals in a straight line between rows, others held.

        A row that lies on such a time is kept as it is.
        """
        import numpy as np

        step = float(period)
        first, last = (float(self.t[end]) / step for end in (0, -1))
        counts = np.arange(np.ceil(first - 1e-6), np.floor(last + 1e-6) + 1) + 0.0  # no -0.0
        if not len(counts):
            raise UsageError(f"the tape is shorter than {wording.time(step)}: there is nothing to resample.")
        t = counts * period.numerator / period.denominator
        before = np.clip(np.searchsorted(self.t, t + step * 1e-6, side="right") - 1, 0, len(self) - 1)
        exact = np.abs(self.t[before] - t) <= step * 1e-6
        parts = {}
        for name, (channels, rows) in self._rows_by.items():
            held = rows[before]
            for number, channel in enumerate(channels):
                if channel.kind == "real":
                    between = np.interp(t, self.t, rows[:, number])
                    held[:, number] = np.where(exact, held[:, number], between)
            parts[name] = (channels, held)
        return Tape(t, parts, source=self.source)

    # -- as a file ---------------------------------------------------------------------------------------

    def save(self, file: str | os.PathLike[str]) -> None:
        """Write a tape of one sensor to a file, whole or not at all.

        Raises UsageError where it has several sensors or more channels than fit a header, OSError where the file
        cannot be written.
        """
        import numpy as np

        channels, rows = self._of(self.sensor)
        content = np.empty((len(self), 1 + len(channels)), "<f8")
        content[:, 0], content[:, 1:] = self.t, rows
        titles = [_title(channel) for channel in channels]
        about: dict[str, Any] = {"tape": 1, "sensor": self.sensor, "source": self.source}
        about["crc32"] = _check_sum(about, titles, content)
        fields: list[Any] = [((json.dumps(about), "t"), "<f8")]
        fields += [((title, channel.name), "<f8") for title, channel in zip(titles, channels, strict=True)]
        array = content.view(np.dtype(fields)).reshape(-1)
        written = io.BytesIO()
        plain = all(channel.si.isascii() for channel in channels)
        np.lib.format.write_array(written, array, version=(1, 0) if plain else (3, 0))
        if written.tell() - content.nbytes > _MOST_HEADER:
            raise UsageError(
                f"{len(channels)} channels are more than the header of a tape holds. Make several tapes."
            )
        write_whole(Path(file), written.getvalue())

    @staticmethod
    def load(file: str | os.PathLike[str]) -> Tape:
        """Read a tape of one sensor. Raises UsageError where it is none, or not as it was written."""
        import numpy as np

        path = Path(file)
        try:
            array = np.lib.format.open_memmap(path, mode="r")
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror or error}.") from None
        except Exception as error:  # whatever NumPy's own parser of headers raises
            fact = str(error).partition("\n")[0][:120]
            raise UsageError(f"{path} is no tape, or was cut off: {fact}") from None
        about, channels = _described(path, array)
        rest = path.stat().st_size - array.offset - array.nbytes
        content = np.array(array).view("<f8").reshape(len(array), -1)
        if rest or about["crc32"] != _check_sum(about, [_title(each) for each in channels], content):
            raise UsageError(f"{path} is damaged: it is not as it was written. Make the tape again.")
        source, sensor = about["source"], about["sensor"]
        return Tape(content[:, 0].copy(), {sensor: (channels, content[:, 1:].copy())}, source=source)


def _title(channel: Channel) -> str:
    return f"{channel.name} [{channel.si}]" + ("" if channel.kind == "real" else f" {channel.kind}")


def _described(path: Path, array: Any) -> tuple[dict[str, Any], tuple[Channel, ...]]:
    """What the titles of a file say. Raises UsageError where they are not a tape's."""
    fields = array.dtype.fields or {}
    names = array.dtype.names or ()
    titles = {name: (fields[name][2] if len(fields[name]) > 2 else "") for name in names}
    if array.ndim != 1 or names[:1] != ("t",) or any(fields[name][0].str != "<f8" for name in names):
        raise UsageError(f'{path} is no tape: its first field is no "t", or a field is no double.')
    try:
        about = json.loads(titles["t"])
        if about["tape"] != 1 or not all(
            isinstance(about[key], str) for key in ("sensor", "source", "crc32")
        ):
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise UsageError(
            f"{path} is no tape: it does not say what was measured. Make it with Tape.from_arrays, or with"
            ' "crumple tape from-csv".'
        ) from None
    channels = []
    for name in names[1:]:
        match = _TITLE.fullmatch(str(titles[name]))
        if match is None or match["name"] != name:
            raise UsageError(f'{path} is damaged: its channel "{name}" has no unit of measure.')
        kind: Any = match["kind"] or "real"
        channels.append(Channel(name=name, kind=kind, si=match["si"]))
    return about, tuple(channels)


def _check_sum(about: Mapping[str, Any], titles: Sequence[str], content: Rows) -> str:
    head = json.dumps([about["sensor"], about["source"], *titles]).encode()
    return f"{zlib.crc32(content.tobytes(), zlib.crc32(head)):08x}"


# -- checks ---------------------------------------------------------------------------------------------------


def _column(array: NDArray[Any], name: str) -> Rows:
    """One column of numbers as doubles, exactly."""
    import numpy as np

    if array.ndim != 1 or array.dtype.kind not in "buif":
        raise UsageError(
            f'"{name}" is no column of numbers: its shape is {array.shape}, its type {array.dtype}.'
        )
    if (
        array.dtype.kind in "ui"
        and len(array)
        and max(abs(int(array.min())), abs(int(array.max()))) > _LARGEST
    ):
        raise UsageError(f'"{name}" holds whole numbers beyond 2^53, which a double cannot hold.')
    return np.ascontiguousarray(array, dtype=np.float64)


def _check_times(t: Rows) -> None:
    import numpy as np

    if not len(t):
        raise UsageError("the tape has no row.")
    bad = np.flatnonzero(~np.isfinite(t))
    if len(bad):
        raise UsageError(f"row {bad[0] + 1} of the tape: its time is {t[bad[0]]}, which is no number.")
    back = np.flatnonzero(np.diff(t) <= 0)
    if len(back):
        row = int(back[0]) + 1
        fact = "stands still" if t[row] == t[row - 1] else "goes back"
        raise UsageError(
            f"row {row + 1} of the tape: time {fact}, from {float(t[row - 1])!r} s to {float(t[row])!r} s."
        )


def _check_channels(sensor: str, channels: tuple[Channel, ...], rows: Rows, t: Rows) -> None:
    import numpy as np

    from crumple.si import SiError, parse_si

    if not _NAME.fullmatch(sensor):
        raise UsageError(f'"{sensor}" is no name of a sensor: write letters, digits and "_".')
    if not channels:
        raise UsageError(f'sensor "{sensor}" has no channel.')
    if rows.shape != (len(t), len(channels)):
        raise UsageError(
            f'sensor "{sensor}": {rows.shape} values do not fit {len(t)} rows of {len(channels)}.'
        )
    for channel, column in zip(channels, rows.T, strict=True):
        name = f'channel "{channel.name}"'
        if not _NAME.fullmatch(channel.name) or channel.name == "t":
            raise UsageError(f'{name}: a name is made of letters, digits and "_", and "t" is the time.')
        if channel.kind not in KINDS:
            raise UsageError(f'{name}: its kind is "{channel.kind}"; there are {", ".join(KINDS)}.')
        try:
            parse_si(channel.si)
        except SiError as error:
            raise UsageError(f"{name}: {error}") from None
        if channel.name in _MAY_MISS:
            continue
        fits = np.isfinite(column)
        if channel.kind == "boolean":
            fits = (column == 0) | (column == 1)
        elif channel.kind == "integer":
            fits = (column == np.floor(column)) & (np.abs(column) <= _LARGEST)
        if not fits.all():
            row = int(np.flatnonzero(~fits)[0])
            wanted = {"boolean": "0 or 1", "integer": "whole, up to 2^53"}.get(
                channel.kind, "a finite number"
            )
            raise UsageError(
                f"{name}, row {row + 1} (t = {wording.time(float(t[row]))}): {column[row]} is not {wanted}."
            )


def _listed(names: Any) -> str:
    return ", ".join(f'"{name}"' for name in names) or "none"
