"""`crumple tape`: make, show and cut tapes, which `crumple play` plays to a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crumple import wording
from crumple.cli.screen import Screen, columns

if TYPE_CHECKING:
    from crumple.tape import Tape

app = typer.Typer(
    help="Make, show and cut tapes of measurements.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)
_SENSOR = typer.Option("--sensor", metavar="NAME", help="Of a run that has several: which.")
_FROM = typer.Option("--from", metavar="TIME", help="First time of the tape: '0 ms'.")
_UNTIL = typer.Option("--until", metavar="TIME", help="Last time of the tape: '150 ms'.")


@app.command("from-csv")
def from_csv(  # noqa: PLR0917  # options of a command line have no order
    file: Annotated[str, typer.Argument(metavar="FILE", help="A CSV file; its first row names the columns.")],
    out: Annotated[str, typer.Argument(metavar="OUT", help="The tape, such as crash.npy.")],
    channel: Annotated[
        list[str],
        typer.Option(
            "--channel",
            metavar="NAME=COLUMN",
            help="A channel and its column, with units of measure in brackets: 'acceleration[m/s^2]=ax[g]'."
            " [boolean] and [integer] are other kinds. Repeatable.",
        ),
    ],
    time: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The column that is the time, in s unless it says so: 't[ms]'."),
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option(metavar="RATE", help="Resample to it, '10 kHz'; without --time, the rate of the rows."),
    ] = None,
    scale: Annotated[
        list[str] | None,
        typer.Option("--scale", metavar="NAME=FACTOR", help="Multiply a channel. Repeatable."),
    ] = None,
    sensor: Annotated[str, typer.Option(metavar="NAME", help="What a scene calls the sensor.")] = "sensor",
    from_: Annotated[str | None, _FROM] = None,
    until: Annotated[str | None, _UNTIL] = None,
    zero: Annotated[bool, typer.Option("--zero", help="Time counts from --from.")] = False,
) -> int:
    """Make a tape of columns of a CSV file.

    \b
      crumple tape from-csv crash.csv front.npy --time t_s --channel 'acceleration[m/s^2]=acc[g]' --sensor front
      crumple tape from-csv daq.txt front.npy --time 1 --channel 'acceleration=2[g]'     columns without names

    Exit codes: 0 made, 2 wrong call, or a row that is none: no tape is made then.
    """
    from crumple.cli.run import assignments
    from crumple.errors import UsageError
    from crumple.tape_csv import read_csv

    channels: dict[str, str] = {}
    for text in channel:
        name, sign, column = text.partition("=")
        if not sign or not name.strip() or not column.strip():
            raise UsageError(
                f"--channel {text}: write it as name=column, such as 'acceleration[m/s^2]=ax[g]'."
            )
        if name.strip() in channels:
            raise UsageError(f"--channel {text}: there is a channel of this name already.")
        channels[name.strip()] = column.strip()
    factors = {}
    for name, text in assignments(scale or []).items():
        try:
            factors[name] = float(text)
        except ValueError:
            raise UsageError(f"--scale {name}={text}: the factor is no number.") from None
    tape = read_csv(file, channels=channels, time=time, rate=rate, scale=factors, sensor=sensor)
    _save(_cut(tape, from_, until, zero=zero), out)
    return 0


@app.command()
def info(
    tape: Annotated[str, typer.Argument(metavar="TAPE", help="A tape, or the folder of a run.")],
    sensor: Annotated[str | None, _SENSOR] = None,
) -> int:
    """Show what is on a tape: channels, units of measure, ranges, times."""
    from crumple.errors import UsageError
    from crumple.tape import Tape
    from crumple.tape_run import heard, read_run

    path = Path(tape)
    if not path.is_dir():
        found = Tape.load(path)
        if sensor not in (None, found.sensor):
            raise UsageError(f'{path} is the tape of sensor "{found.sensor}", not of "{sensor}".')
        _show(found, path)
        return 0
    whole = read_run(path)
    screen = Screen()
    for number, name in enumerate(whole.sensors if sensor is None else [sensor]):
        if number:
            screen.line()
        _show(heard(whole, name), path, ticks=len(whole) - 1)
    if whole.commands:
        screen.line()
        rows = [["  tick", "by hand", ""]]
        for command in whole.commands:
            arguments = ", ".join(f"{key} = {value}" for key, value in command.args.items())
            rows.append([f"  {command.tick:,}", command.do, arguments])
        for number, line in enumerate(columns(rows)):
            screen.line(line if number else screen.style(line, "dim"))
    return 0


@app.command()
def cut(  # noqa: PLR0917  # options of a command line have no order
    tape: Annotated[str, typer.Argument(metavar="TAPE", help="A tape, or the folder of a run.")],
    out: Annotated[str, typer.Argument(metavar="OUT", help="The new tape.")],
    from_: Annotated[str | None, _FROM] = None,
    until: Annotated[str | None, _UNTIL] = None,
    zero: Annotated[bool, typer.Option("--zero", help="Time counts from --from.")] = False,
    rate: Annotated[
        str | None, typer.Option(metavar="RATE", help="Resample to this rate, such as '1 kHz'.")
    ] = None,
    sensor: Annotated[str | None, _SENSOR] = None,
) -> int:
    """Make a tape of a part of another, or of one sensor of a run."""
    from crumple.tape_csv import period_of_rate
    from crumple.tape_play import open_tape

    made = _cut(open_tape(tape, sensor=sensor), from_, until, zero=zero)
    _save(made if rate is None else made.resampled(period_of_rate(rate)), out)
    return 0


def seconds(text: str | None, option: str) -> float | None:
    """A time that was given as an option [s]. Raises UsageError where it is none."""
    from crumple.errors import UsageError
    from crumple.scene.clock import TimeError, exact_time

    try:
        return None if text is None else float(exact_time(text))
    except TimeError as error:
        raise UsageError(f'{option} "{text}" is no time: {error} Write it as in "80 ms".') from None


def _cut(tape: Tape, from_: str | None, until: str | None, *, zero: bool) -> Tape:
    since, end = seconds(from_, "--from"), seconds(until, "--until")
    if since is None and end is None and not zero:
        return tape
    return tape.cut(since=since, until=end, zero=zero)


def _save(tape: Tape, out: str) -> None:
    from crumple.errors import UsageError

    path = Path(out)
    try:
        tape.save(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from None
    _show(tape, path)


def _show(tape: Tape, path: Path, *, ticks: int | None = None) -> None:
    import numpy as np

    screen = Screen()
    facts = [wording.count(len(tape), "sample"), f"t = {wording.span(float(tape.t[0]), float(tape.t[-1]))}"]
    if len(tape) > 1:
        steps = np.diff(tape.t)
        step = float(f"{float(np.median(steps)):.6g}")
        facts.append(f"{wording.number(1 / step)} Hz")
        if steps.max() > 1.5 * step:
            facts.append(f"longest gap {wording.time(float(f'{steps.max():.4g}'))}")
    facts += [f"of {wording.count(ticks, 'tick')}"] if ticks is not None else []
    facts += [f"from {tape.source}"] if tape.source not in ("", path.name) else []
    screen.line(f"{screen.style(str(path), 'bold')}   sensor {tape.sensor}")
    screen.line(screen.style(" · ".join(facts), "dim"))
    screen.line()
    rows = [["  channel", "unit", "kind", "min", "max", "mean"]]
    for channel, column in zip(tape.channels(), tape.rows()[1].T, strict=True):
        figures = [wording.number(float(each)) for each in (column.min(), column.max(), column.mean())]
        rows.append([f"  {channel.name}", channel.si, channel.kind, *figures])
    for number, line in enumerate(columns(rows)):
        screen.line(line if number else screen.style(line, "dim"))
