"""`crumple simulate`: one FMU without a scene, from its start values to a table."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crumple import wording
from crumple.cli.screen import Progress, Screen, columns
from crumple.errors import RecordError, StepError, UsageError
from crumple.whole_file import write_whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from crumple.simulation import Simulation

_MOST_NOTICES = 12


def simulate(  # noqa: PLR0917  # options of a command line have no order
    model: Annotated[str, typer.Argument(help="An .fmu file, an unpacked one, or a bundled FMU by name.")],
    stop: Annotated[
        str | None, typer.Option(metavar="TIME", help="Default: that of the FMU's default experiment.")
    ] = None,
    step: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Constant step. Default: the default experiment's, else the FMU's fixed internal step, else"
            " a round number that makes at least 500 steps.",
        ),
    ] = None,
    start_time: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Default: 0; without --stop, the start of the default experiment."),
    ] = None,
    start: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A start value, such as speed='57 km/h'. Repeatable."),
    ] = None,
    input_: Annotated[
        str | None,
        typer.Option(
            "--input", metavar="CSV", help="Values for inputs over time: first column time, others by name."
        ),
    ] = None,
    record: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="More variables for the table than the outputs. Repeatable."),
    ] = None,
    out: Annotated[
        str | None, typer.Option(metavar="CSV", help="Where the table goes; '-' is standard output.")
    ] = None,
    allow_nan: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Outputs in which NaN and infinity are values. Repeatable."),
    ] = None,
    allow_warnings: Annotated[
        bool, typer.Option("--allow-warnings", help="Go on where a call of the FMU returns a warning.")
    ] = False,
    tolerance: Annotated[
        float | None, typer.Option(help="Told to the FMU. Default: the default experiment's.")
    ] = None,
    isolate: Annotated[
        bool | None,
        typer.Option(
            "--isolate/--no-isolate",
            help="Run the FMU in a worker process, or in this one. Default: in this one if `crumple vet` found"
            " it clean.",
        ),
    ] = None,
    step_timeout: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Wall time that a call may take in a worker: '2 s'. Default: 10 s."
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="What is not quite valid in the FMU is an error, not a warning.")
    ] = False,
) -> int:
    """Run one FMU without a scene.

    The table has the column time, then the outputs by name, and a row for every communication point, that of
    the start included. An FMU that asks for the end gets it: the rows so far are kept, and the exit code is
    0.

    Exit codes: 0 done, 2 wrong call or FMU, 3 interrupted, or ended by the FMU from within this process, 4
    the FMU failed.
    """
    from crumple.cli.failures import report
    from crumple.execution import timeout_of
    from crumple.simulation import Simulation

    place = None if out is None or out == "-" else _place(out)
    simulation = Simulation(
        model,
        stop=stop,
        step=step,
        start_time=start_time,
        start=_start_values(start or []),
        input=input_,
        record=record or (),
        strict=strict,
        allow_warnings=allow_warnings,
        allow_nonfinite=allow_nan or (),
        tolerance=tolerance,
        isolate=isolate,
        step_timeout=None if step_timeout is None else timeout_of(step_timeout),
    )
    progress = Progress()
    schedule = simulation.schedule
    progress.begin(
        simulation.fmu.archive.path.stem, start=float(schedule.start), horizon=float(schedule.stop)
    )
    failure: BaseException | None = None
    try:
        simulation.run(progress)
    except StepError as error:
        failure = _with_remedy(error, {v.name for v in simulation.fmu.outputs()})
    except KeyboardInterrupt as error:
        failure = error
    finally:
        progress.clear()
    _finish(simulation, out, place, failed=failure is not None)
    return 0 if failure is None else report(failure)


def _start_values(given: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise UsageError(f'--start {text}: write it as name=value, such as --start mass="1719 kg".')
        found[name.strip()] = value.strip()
    return found


def _place(out: str) -> Path:
    """The absolute path of the table, as an FMU may change the working directory.

    Raises UsageError where it cannot be written: now, rather than after a long run.
    """
    place = Path(os.path.abspath(out))
    if place.is_dir():
        raise UsageError(f"--out {out}: this is a folder; name a file.")
    if not place.parent.is_dir():
        raise UsageError(f"--out {out}: there is no folder {place.parent}.")
    if not os.access(place if place.exists() else place.parent, os.W_OK):
        raise UsageError(f"--out {out}: this cannot be written.")
    return place


def _finish(simulation: Simulation, out: str | None, place: Path | None, *, failed: bool) -> None:
    """Notices on standard error, the table to where it goes, and a line that says what was run."""
    from crumple.simulation import write_csv

    aside = Screen(sys.stderr)
    notices = simulation.notices()
    for text in notices[:_MOST_NOTICES]:
        aside.line(f"{aside.style('warning', 'warning')}  {text}")
    if len(notices) > _MOST_NOTICES:
        aside.line(f"{aside.style('warning', 'warning')}  and {len(notices) - _MOST_NOTICES} more")
    table = simulation.result()
    if failed and not len(table):
        return
    if out is not None and place is None:
        write_csv(table, sys.stdout)
        return
    if place is not None:
        _write(table, place)
    screen = Screen(sys.stderr if failed else None)
    screen.line(_headline(simulation, table, out))
    if place is None and not failed:
        screen.line()
        for number, line in enumerate(columns(_summary(simulation, table))):
            screen.line(line if number else screen.style(line, "dim"))
        screen.line()
        screen.line(screen.style("--out FILE writes the table.", "dim"))


def _write(table: NDArray[np.void], place: Path) -> None:
    """Writes the table, whole or not at all: no half a table under that name."""
    from crumple.simulation import write_csv

    text = io.StringIO(newline="")
    write_csv(table, text)
    content = text.getvalue().encode()
    try:
        if place.exists() and not place.is_file():  # /dev/stdout and the like: nothing can take its place
            place.write_bytes(content)
        else:
            write_whole(place, content)
    except OSError as error:
        raise RecordError(f"the table could not be written to {place}: {error.strerror}") from None


def _headline(simulation: Simulation, table: NDArray[np.void], out: str | None) -> str:
    schedule = simulation.schedule
    archive = simulation.fmu.archive
    facts = [
        f"FMI {archive.description.fmi}",
        f"{float(schedule.start):g} to {float(table['time'][-1]):.10g} s",
        f"step {wording.time(float(schedule.step))}",
        wording.count(len(table), "row"),
    ]
    if schedule.taken:
        facts.append(f"{', '.join(schedule.taken)} from the FMU")
    line = f"{archive.path.name}   {' · '.join(facts)}"
    return line if out is None else f"{line}   {out}"


def _summary(simulation: Simulation, table: NDArray[np.void]) -> list[list[str]]:
    names = table.dtype.names or ()
    rows = [["  output", "first", "last", "least", "most", "unit"]]
    si = {v.name: v.si or "" for v in simulation.fmu.outputs()}
    for name in names[1:]:
        values = table[name]
        if values.dtype.kind == "O":
            first, last = values[0], values[-1]
            texts = [repr(v) if values.ndim == 1 else f"{len(v)} texts" for v in (first, last)]
            rows.append([f"  {name}", *texts, "", "", ""])
            continue
        values = values.astype("f8")
        if values.ndim > 1:
            shape = " x ".join(map(str, values.shape[1:]))
            cells = [f"[{shape}]", f"[{shape}]", wording.number(values.min()), wording.number(values.max())]
        else:
            cells = [wording.number(float(x)) for x in (values[0], values[-1], values.min(), values.max())]
        rows.append([f"  {name}", *cells, si.get(name, "")])
    return rows


def _with_remedy(error: StepError, outputs: set[str]) -> StepError:
    """The error of a value that is not finite, with the option that allows it."""
    if not error.call.startswith('output "'):
        return error
    name = error.call.removeprefix('output "').removesuffix('"')
    if name not in outputs:  # an element
        name = name.rpartition("[")[0]
    fact = error.fact.split(" If that is meant")[0] + f" If that is meant: --allow-nan '{name}'."
    return type(error)(error.unit, error.call, error.tick, error.t, fact)
