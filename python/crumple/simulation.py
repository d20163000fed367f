"""One FMU on its own, without a scene: from its start values and input to a table of its outputs.

What is not given is taken from the FMU:

- the stop time from its default experiment; its start time too, where no stop is given, else 0;
- the step from its default experiment, else its fixed internal step, else a round number that makes at least
  500 steps;
- the tolerance from its default experiment, else none is told to the FMU.
"""

from __future__ import annotations

import csv
import logging
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import IO, TYPE_CHECKING, Any

from crumple.description import Description, Variable, shape_of
from crumple.errors import EndError, UsageError
from crumple.fmu import Fmu, matching
from crumple.input_table import input_table
from crumple.period import period_of, simplest_fraction
from crumple.world import World

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Quantity = Fraction | str | float

_INPUT = "crumple_input"  # name of the table's unit
_CHUNK = 0.05  # [s] of wall time between two looks at the clock
_STEPS = 500  # at least, where nothing is known of the step
_DTYPES = {
    "Real": "f8", "Float64": "f8", "Float32": "f4", "Integer": "i4", "Boolean": "?",
    "Int8": "i1", "Int16": "i2", "Int32": "i4", "Int64": "i8",
    "UInt8": "u1", "UInt16": "u2", "UInt32": "u4", "UInt64": "u8",
    "String": "O", "Binary": "O",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a simulation begins and ends, exactly.

    start, step [s].   ticks: number of steps.   taken: what the FMU was asked for, such as "stop".
    notice: what the user may not have meant; "" where there is nothing.
    """

    start: Fraction
    step: Fraction
    ticks: int
    taken: tuple[str, ...] = ()
    notice: str = ""

    @property
    def stop(self) -> Fraction:
        """Time of the last communication point [s]."""
        return self.start + self.ticks * self.step


def simulate(
    path: str | os.PathLike[str],
    *,
    stop: Quantity | None = None,
    step: Quantity | None = None,
    start_time: Quantity | None = None,
    start: Mapping[str, Any] | None = None,
    input: str | os.PathLike[str] | NDArray[np.void] | Mapping[str, Any] | None = None,
    record: Sequence[str] = (),
    strict: bool = False,
    allow_warnings: bool = False,
    allow_nonfinite: Sequence[str] = (),
    tolerance: float | None = None,
    isolate: bool | None = None,
    step_timeout: float | None = None,
) -> NDArray[np.void]:
    """Runs one FMU with a constant step and returns its outputs at every communication point.

    path: an .fmu file, an unpacked folder, or the name of a bundled FMU.
    stop, step, start_time: seconds, or quantities such as "10 ms"; what is not given comes from the FMU, see
        above. Decimal numbers are meant as written: 10 s in steps of 0.01 s are exactly 1000 steps.
    start: values by variable name, set before initialisation; quantities are converted.
    input: a CSV file, structured array or mapping; see crumple.input_table.
    record: further variables to show, by name or pattern.
    strict, allow_warnings, allow_nonfinite, tolerance: see crumple.Fmu.
    isolate, step_timeout: in a worker process or not, and how long [s] its calls may take; see World.add.
    Returns a structured array, one row a communication point, that of the start included: field "time" [s],
    then one field per output in the FMU's order, of FMI's own type (strings and bytes as objects, arrays as
    sub-arrays).
    An FMU that asks for the end gets it: the rows so far are returned, and the logger "crumple" says so.
    Raises StepError where the FMU fails, FmuError or UsageError where it cannot be run as asked.
    """
    simulation = Simulation(
        path,
        stop=stop,
        step=step,
        start_time=start_time,
        start=start,
        input=input,
        record=record,
        strict=strict,
        allow_warnings=allow_warnings,
        allow_nonfinite=allow_nonfinite,
        tolerance=tolerance,
        isolate=isolate,
        step_timeout=step_timeout,
    )
    try:
        simulation.run()
    finally:
        for text in simulation.notices():
            logging.getLogger("crumple").warning("%s: %s", simulation.fmu.archive.path.name, text)
    return simulation.result()


class Simulation:
    """One FMU in a world of its own, ready to run. Arguments as for `simulate`."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        stop: Quantity | None = None,
        step: Quantity | None = None,
        start_time: Quantity | None = None,
        start: Mapping[str, Any] | None = None,
        input: Any = None,
        record: Sequence[str] = (),
        strict: bool = False,
        allow_warnings: bool = False,
        allow_nonfinite: Sequence[str] = (),
        tolerance: float | None = None,
        isolate: bool | None = None,
        step_timeout: float | None = None,
    ) -> None:
        self.fmu = Fmu(
            path,
            start,
            record=record,
            strict=strict,
            allow_warnings=allow_warnings,
            allow_nonfinite=allow_nonfinite,
        )
        described = self.fmu.description
        _check_record(self.fmu, record)
        self.schedule = schedule(self.fmu, stop=stop, step=step, start_time=start_time)
        self.fmu.tolerance = described.default_tolerance if tolerance is None else tolerance
        begin, dt = float(self.schedule.start), float(self.schedule.step)
        self._world = World(self.schedule.step, threads=1, digest=False, start=begin)
        # The end is known, so the FMU is told, as most importers do. Told exactly, an FMU that adds t and dt
        # may find its last step a rounding too long.
        last = begin + float(max(0, self.schedule.ticks - 1) * self.schedule.step)
        self.fmu.stop = max(float(self.schedule.stop), last + dt)
        self._name = re.sub(r"\W", "_", self.fmu.archive.path.stem) or "fmu"
        self._world.add(self._name, self.fmu, isolate=isolate, step_timeout=step_timeout)
        if input is not None:
            table, feeds = input_table(input, self.fmu)
            self._world.add(_INPUT, table)
            for feed in feeds:  # scale 1: as written, in the input's own unit
                self._world.connect(f"{_INPUT}.{feed.column}", f"{self._name}.{feed.target}", scale=1.0)
        self._outputs = [v for v in self.fmu.outputs() if v.name != "time"]  # the first column is
        self._trace = self._world.trace([f"{self._name}.{v.name}" for v in self._outputs])
        self.ended = ""
        """Why the FMU asked for the end; "" where it did not."""

    def run(self, reached: Callable[[float], None] = lambda t: None) -> None:
        """To the end, or until the FMU asks for it. reached: called now and then with the time [s].

        Raises StepError; what was reached before can still be had from `result`.
        """
        world = self._world
        world.reset()
        chunk = 1
        try:
            while (left := self.schedule.ticks - world.tick) > 0:
                before = time.perf_counter()
                world.step(min(chunk, left))
                spent = time.perf_counter() - before
                if spent < _CHUNK / 2:
                    chunk *= 2
                elif spent > _CHUNK * 2:
                    chunk = max(1, chunk // 2)
                reached(world.t)
            world.end()
        except EndError as error:
            when = f"t = {error.t:.6g} s (tick {error.tick})"
            self.ended = f"the FMU asked for the end at {when}; rows so far are kept"

    def notices(self) -> list[str]:
        """What a user should hear: doubts about the FMU and the call, and an early end."""
        texts = [self.schedule.notice, *self._world.warnings, self.ended]
        own = (f"unit '{self._name}' ({self.fmu.archive.path.name}): ", f"unit '{self._name}': ")
        for prefix in own:  # the only unit needs no name
            texts = [text.removeprefix(prefix) for text in texts]
        return [text for text in texts if text]

    def result(self) -> NDArray[np.void]:
        """The rows so far, as `simulate` returns them."""
        import numpy as np

        fields: list[Any] = [("time", "f8")]
        for variable in self._outputs:
            shape = shape_of(variable, self.fmu.structural)
            dtype = _dtype(variable, self.fmu.description)
            fields.append((variable.name, dtype, shape) if shape else (variable.name, dtype))
        traced, blobs = self._trace.array(), self._trace.blobs()
        table = np.empty(len(traced), dtype=fields)
        table["time"] = traced["t"]
        for variable in self._outputs:
            name = f"{self._name}.{variable.name}"
            if variable.kind in ("string", "binary"):
                self._fill_texts(table, variable, blobs[name])
            else:
                table[variable.name] = traced[name]
        return table

    def _fill_texts(self, table: NDArray[np.void], variable: Variable, rows: list[Any]) -> None:
        import numpy as np

        flat = [item for row in rows for item in (row if variable.dims else [row])]
        if variable.kind == "string":
            flat = [item.decode("utf-8", "replace") for item in flat]
        column = np.empty(len(flat), dtype=object)
        column[:] = flat
        table[variable.name] = column.reshape(table[variable.name].shape)


def schedule(
    fmu: Fmu, *, stop: Quantity | None, step: Quantity | None, start_time: Quantity | None
) -> Schedule:
    """When to begin and end and with what step, of what is given and what the FMU says, as stated above.

    Raises UsageError where that is not enough, or makes no sense.
    """
    described, taken = fmu.description, []
    begin = Fraction(0)
    if start_time is not None:
        begin = _seconds(start_time, "the start time")
    elif stop is None and described.default_start:
        begin = simplest_fraction(described.default_start)
        taken.append("start time")
    if stop is not None:
        end = _seconds(stop, "the stop time")
    elif described.default_stop is not None:
        end = simplest_fraction(described.default_stop)
        taken.append("stop time")
    else:
        raise UsageError(f"{fmu.archive.path.name} says no stop time: give one (--stop)")
    if end <= begin:
        raise UsageError(f"the stop time, {float(end):g} s, is not after the start time, {float(begin):g} s")
    if step is None:
        taken.append("step")
    size = _default_step(fmu, end - begin) if step is None else period_of(step)
    ticks, rest = divmod(end - begin, size)
    notice = ""
    if rest:
        last = float(begin + ticks * size)
        notice = (
            f"the time to {float(end):g} s is no whole number of steps of {float(size):g} s;"
            f" the last is at {last:g} s"
        )
    if ticks == 0:
        raise UsageError(f"a step of {float(size):g} s is longer than the time from start to stop")
    return Schedule(start=begin, step=size, ticks=int(ticks), taken=tuple(taken), notice=notice)


def write_csv(table: NDArray[np.void], file: IO[str]) -> None:
    """Writes what `simulate` returned: a column per field, or per element of an array field, counted from 0.

    Reals in the fewest digits that give the same double again, integers and booleans as integers, bytes in
    hex.
    """
    header: list[str] = []
    columns: list[list[Any]] = []
    for name in table.dtype.names or ():
        values = table[name]
        for suffix, column in _elements(values):
            header.append(name + suffix)
            columns.append(_cells(column))
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(zip(*columns, strict=True))


def _elements(values: NDArray[Any]) -> list[tuple[str, NDArray[Any]]]:
    import numpy as np

    if values.ndim == 1:
        return [("", values)]
    places = np.ndindex(values.shape[1:])
    return [(f"[{','.join(map(str, at))}]", values[(slice(None), *at)]) for at in places]


def _cells(column: NDArray[Any]) -> list[Any]:
    if column.dtype.kind == "b":
        column = column.astype("u1")
    elif column.dtype.kind == "f":
        column = column.astype("f8")
    return [cell.hex() if isinstance(cell, bytes) else cell for cell in column.tolist()]


def _check_record(fmu: Fmu, record: Sequence[str]) -> None:
    for pattern in record:
        found = matching(fmu.description, pattern)
        if len(found) == 1 and found[0].name == pattern and found[0].causality == "input":
            raise UsageError(f'record: "{pattern}" is an input; its values are those that it is fed')


def _dtype(variable: Variable, described: Description) -> str:
    if variable.type == "Enumeration":
        return "i4" if described.fmi.startswith("2") else "i8"
    return _DTYPES[variable.type]


def _seconds(value: Quantity, what: str) -> Fraction:
    from crumple.si import SiError, parse_exact

    try:
        if isinstance(value, Fraction):
            return value
        return parse_exact(value, "s") if isinstance(value, str) else simplest_fraction(float(value))
    except (SiError, ValueError, OverflowError) as error:
        raise UsageError(f'{what} "{value}" is no time: {error}') from None


def _default_step(fmu: Fmu, span: Fraction) -> Fraction:
    described = fmu.description
    for known in (described.default_step, described.internal_step):
        if known and known <= span and fmu.check_step(known) is None:
            return simplest_fraction(known)
    size = Fraction(1)
    while span / size < _STEPS:
        size /= 10
    while span / (size * 10) >= _STEPS:
        size *= 10
    for factor in (5, 2, 1):
        if span / (size * factor) >= _STEPS and (span / (size * factor)).denominator == 1:
            return size * factor
    return span / _STEPS
