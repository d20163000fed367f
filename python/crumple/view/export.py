"""Pictures and films of a run, without a window."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crumple.errors import UsageError
from crumple.si import SiError, parse_quantity
from crumple.view.session import Session

if TYPE_CHECKING:
    import pygame

_MOST_FRAMES = 20_000
_LARGEST = 8192  # pixels, of a side
_PALETTE_FRAMES = 5  # from which the colours of a GIF are taken
_GIF_COLOURS = 256
UNSEEN = ("offscreen", "dummy", "evdev")  # drivers of SDL that show nothing

Progress = Callable[[int, int], None]  # frames done, frames in all


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How pictures look. size: in pixels."""

    size: tuple[int, int] = (1280, 720)
    dark: bool = True
    scale: float = 1.0
    still: bool = False


def size_of(text: str) -> tuple[int, int]:
    """ "1920x1080" as numbers. Raises UsageError."""
    parts = text.lower().replace("×", "x").split("x")
    try:
        width, height = (int(part) for part in parts)
    except ValueError:
        raise UsageError(f'the size "{text}" is not one: write it as in 1920x1080.') from None
    if not (320 <= width <= _LARGEST and 180 <= height <= _LARGEST):
        raise UsageError(f'the size "{text}" is not possible: from 320x180 to {_LARGEST}x{_LARGEST}.')
    return width, height


def moment_of(session: Session, text: str) -> float:
    """A moment of a run [s]: "73ms", "t=73 ms", "0.073", "start", "end", or the name of an event.

    Raises UsageError where it is none, or the run does not have it.
    """
    asked = text.strip().removeprefix("t=").strip()
    if asked in ("start", "end"):
        return session.start if asked == "start" else session.end()
    for event in session.events():
        if event.name == asked:
            return event.t
    try:
        t = parse_quantity(asked, "s")
    except SiError:
        names = ", ".join(event.name for event in session.events()[:8])
        known = f" Events: {names}." if names else ""
        raise UsageError(
            f'"{text}" is no moment: write it as in t=73ms, start, end, or an event.{known}'
        ) from None
    slack = session.period / 2
    if not session.start - slack <= t <= session.end() + slack:
        from crumple import wording

        bare = asked.lstrip("+-").replace(".", "", 1).isdigit()
        read = f" is {wording.time(t)} and" if bare else " is"  # a number alone is of seconds
        raise UsageError(
            f'"{text}"{read} outside of the run, which goes {wording.span(session.start, session.end())}.'
        )
    return min(max(t, session.start), session.end())


def prepare_headless() -> None:
    """Have pygame draw without a display. To be called before anything is drawn."""
    os.environ["SDL_VIDEODRIVER"] = "dummy"
    start_pygame()


def start_pygame() -> None:
    """Only what is needed of pygame: all of it would open the sound card. Raises UsageError where it is missing."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        import pygame
    except ModuleNotFoundError:
        raise UsageError(
            "the viewer needs pygame-ce, which is not installed: pip install 'crumple[view]'"
        ) from None
    if not getattr(pygame, "IS_CE", False):
        raise UsageError(
            "the viewer needs pygame-ce, and another pygame is installed in its place: "
            "pip uninstall pygame, then pip install 'crumple[view]'"
        )
    try:
        pygame.display.init()
        pygame.font.init()
    except pygame.error as error:
        raise _no_display(str(error)) from None
    # without a display SDL draws into the void, unless it was told to
    if pygame.display.get_driver() in UNSEEN and not os.environ.get("SDL_VIDEODRIVER"):
        pygame.display.quit()
        raise _no_display("neither DISPLAY nor WAYLAND_DISPLAY leads to one")


def _no_display(why: str) -> UsageError:
    return UsageError(
        f"there is no display to open a window on ({why}). "
        "Pictures need none: crumple view RUN --screenshot end picture.png"
    )


class Painter:
    """Draws moments of a session onto one surface."""

    def __init__(self, session: Session, look: Look, *, speed: float = 0.0) -> None:
        import pygame

        from crumple.view.frame import Frame
        from crumple.view.player import Player
        from crumple.view.theme import Theme

        width, height = look.size
        theme = Theme(dark=look.dark, width=width, height=height, scale=look.scale, still=look.still)
        self._frame = Frame(theme, session)
        self._player = Player(session)
        self._player.speed = speed or self._player.speed
        self.surface = pygame.Surface(look.size)

    def at(self, t: float) -> pygame.Surface:
        """The picture of a moment [s]. The same surface every time."""
        self._player.seek(t, exact=True)
        self._frame.draw(self.surface, self._player.moment())
        return self.surface


def screenshot(session: Session, t: float, path: Path, look: Look) -> None:
    """A picture of a moment [s]; the suffix of `path` says which kind: .png or .jpg. Raises UsageError."""
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise UsageError(f"{path} does not end in .png or .jpg: a picture is one of these.")
    save_picture(Painter(session, look).at(t), path)


def save_picture(surface: pygame.Surface, path: Path) -> None:
    """Write a picture whole, or not at all. Raises UsageError where it cannot be."""
    import pygame

    with _whole(path) as temporary:
        try:
            pygame.image.save(surface, str(temporary.path))
        except pygame.error as error:
            raise UsageError(f"{path} cannot be written: {error}.") from None


def beside(session: Session, t: float) -> Path:
    """Where the picture of a moment [s] is kept: beside the folder of the run, which stays as it is."""
    from crumple.view.figures import time_text

    shown = time_text(t, span=session.horizon)
    plain = shown.translate({ord(" "): "", ord("−"): "-", ord(":"): "m", ord("µ"): "u"})
    return session.folder.with_name(f"{session.folder.name}-{plain}.png")


# -- films ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Which part of a run is shown, and how fast. since, until: [s].   speed: simulated seconds a second.

    fps: pictures a second.
    """

    since: float
    until: float
    speed: float
    fps: float

    def times(self) -> list[float]:
        """The moment of each picture [s]; the last is the end. Raises UsageError where they would be too many."""
        if self.until < self.since:
            raise UsageError("--until is before --from.")
        each = self.speed / self.fps
        count = math.floor((self.until - self.since) / each + 1e-6) + 1
        if count > _MOST_FRAMES:
            raise UsageError(
                f"that would be {count:,} pictures; {_MOST_FRAMES:,} are the most. Choose a part of the run with "
                "--from and --until, a higher --speed, or a lower --fps."
            )
        times = [self.since + k * each for k in range(count)]
        if self.until - times[-1] > 0.25 * each:
            times.append(self.until)
        times[-1] = self.until  # a hair off its place, and the very end
        return times


def gif(session: Session, path: Path, look: Look, cut: Cut, progress: Progress) -> None:
    """A GIF with one palette for all pictures, so that nothing flickers. Raises UsageError."""
    try:
        from PIL import Image
    except ModuleNotFoundError:
        raise UsageError("a GIF needs Pillow, which is not installed: pip install pillow") from None
    _suffix(path, ".gif")
    times = cut.times()
    painter = Painter(session, look, speed=cut.speed)

    def picture(t: float) -> Any:
        import pygame

        return Image.frombytes("RGB", look.size, pygame.image.tobytes(painter.at(t), "RGB"))

    palette = _palette([picture(t) for t in times[:: max(1, len(times) // _PALETTE_FRAMES)]], look.size)

    def pictures() -> Iterator[Any]:
        for number, t in enumerate(times):
            yield picture(t).quantize(palette=palette, dither=Image.Dither.NONE)
            progress(number + 1, len(times))

    each = (
        max(2, round(100 / cut.fps)) * 10
    )  # [ms] a GIF counts hundredths of a second, and viewers refuse one
    drawn = pictures()
    with _whole(path) as temporary:
        first = next(drawn)
        with open(temporary.path, "wb") as file:
            first.save(
                file, format="GIF", save_all=True, append_images=drawn, duration=each, loop=0, optimize=False
            )


def _palette(pictures: list[Any], size: tuple[int, int]) -> Any:
    """256 colours for several pictures: those of all of them beside each other, reduced in height alone."""
    from PIL import Image

    height = max(1, size[1] // 2)
    sheet = Image.new("RGB", (size[0], height * len(pictures)))
    for number, picture in enumerate(pictures):
        sheet.paste(picture.resize((size[0], height), Image.Resampling.NEAREST), (0, number * height))
    return sheet.quantize(_GIF_COLOURS, method=Image.Quantize.MEDIANCUT)


def mp4(session: Session, path: Path, look: Look, cut: Cut, progress: Progress) -> None:
    """H.264 that every player takes. Raises UsageError."""
    try:
        import imageio_ffmpeg  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        raise UsageError(
            "an MP4 needs imageio-ffmpeg, which is not installed: pip install imageio-ffmpeg"
        ) from None
    import pygame

    _suffix(path, ".mp4")
    if look.size[0] % 2 or look.size[1] % 2:
        raise UsageError(
            f"an MP4 needs even sizes, and {look.size[0]}x{look.size[1]} is not: choose another --size."
        )
    times = cut.times()
    painter = Painter(session, look, speed=cut.speed)
    with _whole(path) as temporary:
        writer = imageio_ffmpeg.write_frames(
            str(temporary.path),
            look.size,
            fps=cut.fps,
            codec="libx264",
            pix_fmt_in="rgb24",
            macro_block_size=2,
            output_params=["-crf", "16", "-preset", "medium", "-movflags", "+faststart"],
            ffmpeg_log_level="error",
        )
        try:
            writer.send(None)
            for number, t in enumerate(times):
                writer.send(pygame.image.tobytes(painter.at(t), "RGB"))
                progress(number + 1, len(times))
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error}.") from None
        finally:
            writer.close()


def _suffix(path: Path, wanted: str) -> None:
    if path.suffix.lower() != wanted:
        raise UsageError(f"{path} does not end in {wanted}.")


class _whole:
    """A file beside `path` that takes its place where all went well, and is gone where it did not."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> _whole:
        folder = self._path.absolute().parent
        try:
            handle, name = tempfile.mkstemp(
                prefix=f".{self._path.stem}.", suffix=self._path.suffix, dir=folder
            )
        except OSError as error:
            raise UsageError(f"{self._path} cannot be written: {folder}: {error.strerror}.") from None
        os.close(handle)
        self.path = Path(name)
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is None:
            umask = os.umask(0)
            os.umask(umask)
            self.path.chmod(0o666 & ~umask)
            os.replace(self.path, self._path)
        else:
            with suppress(OSError):
                self.path.unlink()
