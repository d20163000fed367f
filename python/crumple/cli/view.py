"""`crumple view`: a run in a window, or as a picture or a film without one."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crumple.cli.screen import Screen, is_terminal
from crumple.cli.show import locate
from crumple.errors import UsageError

if TYPE_CHECKING:
    from crumple.view.export import Cut
    from crumple.view.session import Session

_RUNS = Path("runs")
_WINDOW = "The window"
_FILMS = "Pictures and films, without a window"


def view(  # noqa: PLR0917  # options of a command line have no order
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="A run folder, the name of a run under runs (its first part or its end), or a scene's name or "
            "file: its latest run. Default: the latest run.",
        ),
    ] = None,
    connect: Annotated[
        bool, typer.Option("--connect", help="Show a run that goes on now, the latest or RUN.")
    ] = False,
    screenshot: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="T FILE", help="Write the picture at T: t=73ms, start, end, or an event's name."
        ),
    ] = None,
    gif: Annotated[str | None, typer.Option(metavar="FILE", help="Write a GIF (needs Pillow).")] = None,
    mp4: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write an MP4 (needs imageio-ffmpeg).")
    ] = None,
    since: Annotated[str, typer.Option("--from", metavar="T", help="Where the film begins.")] = "start",
    until: Annotated[str, typer.Option("--until", metavar="T", help="Where it ends.")] = "end",
    speed: Annotated[
        str | None,
        typer.Option(metavar="X", help='Of the film, in real time: "1/50", "2". By default some 8 s long.'),
    ] = None,
    fps: Annotated[
        str | None, typer.Option(metavar="N", help="Pictures a second: 20 in a GIF, 60 in an MP4.")
    ] = None,
    size: Annotated[str, typer.Option(metavar="WxH", help="In pixels.")] = "1280x720",
    light: Annotated[bool, typer.Option("--light", help="Light instead of dark.")] = False,
    scale: Annotated[str, typer.Option(metavar="X", help="Everything larger: 1.25, 1.5.")] = "1",
    still: Annotated[
        bool, typer.Option("--still", help="No movement but that of time: nothing between two samples.")
    ] = False,
) -> int:
    """Show a run: its scene, its signals, its requirements, at any moment of it.

    \b
      crumple view                                   the latest run under ./runs
      crumple view frontal_barrier                   the latest of this scene
      crumple view --connect                         the run that goes on now
      crumple view --screenshot t=73ms crash.png
      crumple view --screenshot fire crash.png --size 3840x2160 --light
      crumple view --gif crash.gif --from 0ms --until 120ms --speed 1/50
      crumple view frontal_barrier --mp4 crash.mp4 --size 1920x1080

    In the window, ? shows all keys. Nothing that is done there changes a run, but faults injected and a stop
    asked for in one that goes on; both are kept with it.

    The exit code is 0, or 2 where there is no such run or something is missing.
    """
    from crumple.view import export

    look = export.Look(size=export.size_of(size), dark=not light, scale=_scale(scale), still=still)
    folder = _alive(run) if connect else _located(run)
    headless = bool(screenshot or gif or mp4)
    if headless:
        export.prepare_headless()
    else:
        export.start_pygame()
    from crumple.view.app import open_session

    if not headless:
        from crumple.view.app import show

        show(open_session(folder, live=True if connect else None, still=still), look)
        return 0
    session = open_session(folder, live=False, still=still)
    if screenshot:
        moment, file = screenshot
        export.screenshot(session, export.moment_of(session, moment), Path(file), look)
        Screen().line(file)
    for film, make, usual in ((gif, export.gif, "20"), (mp4, export.mp4, "60")):
        if film:
            with _Progress(film) as progress:
                make(session, Path(film), look, _cut(session, (since, until), speed, fps or usual), progress)
            Screen().line(film)
    return 0


def _cut(session: Session, part: tuple[str, str], speed: str | None, fps: str) -> Cut:
    from crumple.view.export import Cut, moment_of
    from crumple.view.player import Player

    return Cut(
        since=moment_of(session, part[0]),
        until=moment_of(session, part[1]),
        speed=Player(session).speed if speed is None else _number(speed, "--speed", 1e-9, 1e9),
        fps=_number(fps, "--fps", 1.0, 120.0),
    )


def _scale(text: str) -> float:
    return _number(text, "--scale", 0.5, 4.0)


def _number(text: str, option: str, least: float, most: float) -> float:
    """A number such as "2" or "1/50"."""
    above, _, below = text.partition("/")
    try:
        value = float(above) / (float(below) if below else 1.0)
    except (ValueError, ZeroDivisionError):
        value = float("nan")
    if not least <= value <= most:
        raise UsageError(f"{option} {text}: write a number from {least:g} to {most:g}.")
    return value


def _located(run: str | None) -> Path:
    """The folder of a run; of a scene that is named by its file, its latest."""
    if run is not None and run.endswith(".toml"):
        run = Path(run).stem
    return locate(run)


def _alive(run: str | None) -> Path:
    """The folder of a run that goes on."""
    from crumple.run_folder import is_alive

    if run is not None:
        folder = _located(run)
        if not is_alive(folder):
            raise UsageError(f"{folder} does not go on any more. Show it without --connect.")
        return folder
    known = [path.parent for path in _RUNS.glob("*/verdict.json")]
    alive = sorted((path for path in known if is_alive(path)), key=lambda path: path.stat().st_mtime)
    if not alive:
        raise UsageError(
            f"no run goes on in {_RUNS.absolute()}. Start one: crumple run SCENE --realtime --view"
        )
    return alive[-1]


class _Progress:
    """One line on a terminal that says how far a film is."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._on = is_terminal(sys.stderr)
        self._began = time.monotonic()
        self._drawn = 0.0

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *error: object) -> None:
        if self._on:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def __call__(self, done: int, whole: int) -> None:
        now = time.monotonic()
        if not self._on or (now - self._drawn < 0.1 and done < whole):
            return
        self._drawn = now
        rate = done / max(now - self._began, 1e-9)
        left = (whole - done) / rate if rate else 0.0
        bar = "━" * round(32 * done / whole)
        text = f"{self._name}  {bar:─<32}  {done:,} / {whole:,} pictures   {rate:.0f} /s   {left:.0f} s left"
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
