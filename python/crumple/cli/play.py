"""`crumple play`: a tape sent over the wire, as the rig that it was measured on would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from crumple import wording
from crumple.cli.screen import Progress, Screen
from crumple.cli.summary import wall_text

if TYPE_CHECKING:
    from crumple.tape import Tape
    from crumple.tape_play import Played

_STEP = 10.0  # [s] that an answer in lockstep may take


def play(  # noqa: PLR0917  # options of a command line have no order
    tape: Annotated[str, typer.Argument(metavar="TAPE", help="A tape, or the folder of a run.")],
    zmq: Annotated[
        str,
        typer.Option("--zmq", metavar="ADDRESS", help="Of ZeroMQ, as in the scene: tcp://127.0.0.1:5555."),
    ],
    speed: Annotated[
        float, typer.Option(metavar="X", help="Seconds of the tape in a second; that of the run.")
    ] = 1.0,
    lockstep: Annotated[
        bool, typer.Option("--lockstep", help="Be a rig that paces the run: one sample a step.")
    ] = False,
    loop: Annotated[
        int, typer.Option(metavar="N", min=0, help="Play it so often; 0: until nobody listens any more.")
    ] = 1,
    from_: Annotated[str | None, typer.Option("--from", metavar="TIME", help="Begin here: '0 ms'.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="End here: '150 ms'.")] = None,
    sensor: Annotated[
        str | None, typer.Option("--sensor", metavar="NAME", help="Of a run that has several: which.")
    ] = None,
    receive: Annotated[
        list[str] | None,
        typer.Option(
            "--receive",
            metavar="CHANNEL",
            help="In lockstep: a channel of the scene's actuator, 'level[m/s]', in its order. Repeatable.",
        ),
    ] = None,
    wait: Annotated[str, typer.Option(metavar="TIME", help="How long to wait for a run to listen.")] = "60 s",
    connect: Annotated[
        bool | None,
        typer.Option(
            "--connect/--bind",
            help="Go to the address, or wait there. Default: wait; in lockstep, go.",
        ),
    ] = None,
    secret: Annotated[
        str | None, typer.Option(metavar="FILE", help="Our own secret key, off this machine.")
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="FILE", help="A public key of those who may listen. Repeatable."),
    ] = None,
) -> int:
    """Send a tape over the wire, as a rig would.

    \b
      crumple play front.npy --zmq tcp://127.0.0.1:5555                    in real time
      crumple play front.npy --zmq tcp://127.0.0.1:5600 --lockstep         one sample a step
      crumple play runs/bench-20261121T201500-9f3c21ab --zmq ipc:///tmp/front --speed 0.1

    It waits until a run listens, and ends with the tape, or when nobody listens any more.
    Exit codes: 0 played, 2 wrong call, nobody came, or the two sides do not fit, 3 interrupted.
    """
    from crumple.cli.tape import seconds
    from crumple.errors import UsageError
    from crumple.tape_play import open_tape

    found = open_tape(tape, sensor=sensor)
    since, end = seconds(from_, "--from"), seconds(until, "--until")
    if since is not None or end is not None:
        found = found.cut(since=since, until=end)
    patience = seconds(wait, "--wait")
    if patience is None or patience <= 0:
        raise UsageError(f"--wait {wait} is no time to wait.")
    if receive and not lockstep:
        raise UsageError("--receive is for --lockstep: else nothing comes back.")
    if lockstep and speed != 1.0:
        raise UsageError("--speed has no meaning in lockstep: the two sides go as fast as they can.")
    if not 0 < speed < float("inf"):
        raise UsageError(f"--speed {speed:g}: write a number above 0, such as 2 or 0.5.")
    keys: dict[str, Any] = {"secret": secret, "keys": tuple(key or ())}
    if lockstep:
        _lockstep(found, zmq, receive or [], patience, loop, bind=connect is False, keys=keys)
    else:
        _publish(found, zmq, speed, patience, loop, bind=not connect, keys=keys)
    return 0


def _publish(
    tape: Tape, address: str, speed: float, patience: float, loop: int, *, bind: bool, keys: dict[str, Any]
) -> None:
    from crumple.errors import UsageError
    from crumple.live import Sensor
    from crumple.tape_play import publish

    screen, progress = Screen(), Progress()
    with Sensor(address, tape.channels(), bind=bind, **keys) as rig:
        screen.line(f"{tape.sensor} at {rig.endpoint}: waiting for a run")
        if not rig.wait_for_subscriber(timeout=patience):
            raise UsageError(
                f"nobody listened to {rig.endpoint} within {wording.time(patience)}. Start a run whose sensor has"
                " this address; a network in between needs keys on both sides."
            )
        _begin(progress, tape, loop)
        try:
            played = publish(tape, rig, speed=speed, loop=loop, reached=progress)
        finally:
            progress.clear()
        lost = rig.dropped
    _summary(screen, tape, played, dropped=lost)


def _lockstep(
    tape: Tape,
    address: str,
    receive: list[str],
    patience: float,
    loop: int,
    *,
    bind: bool,
    keys: dict[str, Any],
) -> None:
    from crumple.errors import UsageError
    from crumple.live import Rig, WireError
    from crumple.tape_play import layout_of, pace

    screen, progress = Screen(), Progress()
    answers = layout_of(receive)
    safe = dict.fromkeys(answers, 0.0)
    with Rig(
        address,
        sends=tape.channels(),
        receives=answers.values(),
        safe=safe,
        timeout=min(patience, _STEP),
        bind=bind,
        **keys,
    ) as rig:
        screen.line(f"{tape.sensor} at {rig.endpoint}: waiting for a run in lockstep")
        try:
            rig.start(timeout=patience)
        except WireError as error:
            raise UsageError(
                f"{error} Name those of the scene's actuator with --receive, each with its unit of measure."
            ) from None
        _begin(progress, tape, loop)
        try:
            played = pace(tape, rig, loop=loop, reached=progress)
        finally:
            progress.clear()
    _summary(screen, tape, played)


def _begin(progress: Progress, tape: Tape, loop: int) -> None:
    first, last = float(tape.t[0]), float(tape.t[-1])
    progress.begin(tape.sensor, start=first, horizon=first + (last - first) * (loop or 1))


def _summary(screen: Screen, tape: Tape, played: Played, *, dropped: int = 0) -> None:
    until = "" if played.t is None else f", to t = {wording.time(played.t)}"
    facts = [f"{wording.count(played.sent, 'sample')} sent{until}"]
    if played.left:
        facts.append("the run is over")
    if played.late > 0:
        facts.append(f"late by {wall_text(played.late)} at most")
    if dropped:
        facts.append(f"{dropped:,} dropped, since nobody took them")
    screen.line(" · ".join(facts))
