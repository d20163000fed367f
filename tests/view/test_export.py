"""Pictures and films without a window, and what the command says where it cannot make them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pygame
import pytest

from crumple.cli.app import invoke
from crumple.errors import UsageError
from crumple.view import export
from crumple.view.export import Cut, Look
from crumple.view.replay_session import ReplaySession
from view.headless import headless  # noqa: F401 - a fixture of the module
from view.view_runs import run_folder

SMALL = Look(size=(640, 360))
KEPT = Path(__file__).with_name("frame_pictures")
RENEW = "CRUMPLE_KEEP_PICTURES"  # set: pictures that differ are replaced


@pytest.fixture(scope="module")
def session() -> ReplaySession:
    return ReplaySession(run_folder())


# -- moments


@pytest.mark.parametrize(
    ("text", "t"),
    [("t=20ms", 0.02), ("20 ms", 0.02), ("0.02", 0.02), ("start", 0.0), ("end", 0.15), ("stands", 0.05)],
)
def test_a_moment_is_a_time_or_an_event(session: ReplaySession, text: str, t: float) -> None:
    assert export.moment_of(session, text) == pytest.approx(t)


@pytest.mark.parametrize(
    ("text", "said"),
    [("stand", "Events: begin, closes, slow, stands"), ("2 s", "goes 0 to 150 ms"), ("-1ms", "outside")],
)
def test_what_is_no_moment_is_refused_with_those_there_are(
    session: ReplaySession, text: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        export.moment_of(session, text)


def test_a_film_ends_where_it_was_asked_to_and_has_its_pictures_evenly() -> None:
    times = Cut(since=0.01, until=0.03, speed=0.02, fps=10).times()
    assert times == pytest.approx([0.01 + 0.002 * k for k in range(11)])
    assert Cut(since=0.0, until=0.0031, speed=0.02, fps=20).times()[-1] == 0.0031


def test_a_film_of_a_million_pictures_is_refused_before_the_first() -> None:
    with pytest.raises(UsageError, match="1,000,001 pictures"):
        Cut(since=0.0, until=1.0, speed=1e-4, fps=100).times()


# -- pictures


def test_a_picture_has_the_size_asked_for(session: ReplaySession, tmp_path: Path) -> None:
    export.screenshot(session, 0.02, tmp_path / "a.png", SMALL)
    assert pygame.image.load(tmp_path / "a.png").get_size() == (640, 360)


def test_a_picture_is_as_it_was_when_it_was_judged(session: ReplaySession) -> None:
    """Reduced, so that the last bit of an edge does not count; 2 of 255 on average is less than a line moved."""
    drawn = export.Painter(session, Look()).at(0.02)
    seen = pygame.transform.smoothscale(drawn, (640, 360))
    kept = KEPT / "small_scene.png"
    if os.environ.get(RENEW):
        KEPT.mkdir(exist_ok=True)
        pygame.image.save(seen, kept)
    import numpy as np

    before = pygame.surfarray.array3d(pygame.image.load(kept)).astype(float)
    after = pygame.surfarray.array3d(seen).astype(float)
    # times and digest of the run itself are at the foot and in the timing panel
    away = np.abs(before - after).max(axis=2)[:440, 28:340]
    assert away.mean() < 2.0, f"set {RENEW}=1 and look at the difference if this was meant"


def test_the_same_moment_is_the_same_picture_whatever_was_drawn_before(session: ReplaySession) -> None:
    painter = export.Painter(session, SMALL)
    first = bytes(pygame.image.tobytes(painter.at(0.02), "RGB"))
    for t in (0.0, 0.15, 0.05):
        painter.at(t)
    assert bytes(pygame.image.tobytes(painter.at(0.02), "RGB")) == first


def test_light_and_large_are_other_pictures(session: ReplaySession) -> None:
    looks = [SMALL, Look(size=(640, 360), dark=False), Look(size=(640, 360), scale=1.25)]
    assert (
        len({bytes(pygame.image.tobytes(export.Painter(session, look).at(0.02), "RGB")) for look in looks})
        == 3
    )


def test_a_picture_that_cannot_be_written_leaves_nothing_behind(
    session: ReplaySession, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="No such file or directory"):
        export.screenshot(session, 0.02, tmp_path / "nowhere" / "a.png", SMALL)
    with pytest.raises(UsageError, match=r"does not end in \.png"):
        export.screenshot(session, 0.02, tmp_path / "a.txt", SMALL)
    assert list(tmp_path.iterdir()) == []


def test_a_moment_without_its_unit_is_told_as_it_was_read(session: ReplaySession) -> None:
    with pytest.raises(UsageError, match=r'"t=73" is 73 s and outside of the run, which goes 0 to'):
        export.moment_of(session, "t=73")
    with pytest.raises(UsageError, match=r'"t=900 ms" is outside of the run'):
        export.moment_of(session, "t=900 ms")


# -- films


def test_a_gif_has_every_picture_and_its_pace(session: ReplaySession, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="pip install pillow")
    done: list[tuple[int, int]] = []
    cut = Cut(since=0.0, until=0.03, speed=0.1, fps=10)
    export.gif(session, tmp_path / "a.gif", SMALL, cut, lambda n, of: done.append((n, of)))
    with image.open(tmp_path / "a.gif") as film:
        assert (film.n_frames, film.size, film.info["duration"]) == (4, (640, 360), 100)
    assert done == [(n, 4) for n in range(1, 5)]


def test_an_mp4_has_every_picture(session: ReplaySession, tmp_path: Path) -> None:
    ffmpeg: Any = pytest.importorskip("imageio_ffmpeg", reason="pip install imageio-ffmpeg")
    cut = Cut(since=0.0, until=0.03, speed=0.1, fps=20)
    export.mp4(session, tmp_path / "a.mp4", SMALL, cut, lambda n, of: None)
    count, seconds = ffmpeg.count_frames_and_secs(str(tmp_path / "a.mp4"))
    assert count == 7 and seconds == pytest.approx(0.35, abs=0.06)
    with pytest.raises(UsageError, match="even sizes"):
        export.mp4(session, tmp_path / "a.mp4", Look(size=(641, 360)), cut, lambda n, of: None)


def test_a_film_that_breaks_off_leaves_nothing_behind(session: ReplaySession, tmp_path: Path) -> None:
    pytest.importorskip("PIL", reason="pip install pillow")

    def interrupt(done: int, whole: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export.gif(session, tmp_path / "a.gif", SMALL, Cut(since=0, until=0.03, speed=0.1, fps=10), interrupt)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("module", "make", "remedy"),
    [("PIL", export.gif, "pip install pillow"), ("imageio_ffmpeg", export.mp4, "pip install imageio-ffmpeg")],
)
def test_what_is_missing_is_named_with_its_remedy(  # noqa: PLR0917  # fixtures and parameters
    session: ReplaySession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    make: Any,
    remedy: str,
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UsageError, match=remedy):
        make(
            session,
            tmp_path / "a.gif",
            SMALL,
            Cut(since=0, until=0.03, speed=0.1, fps=10),
            lambda n, of: None,
        )


# -- the command


def test_the_command_writes_a_picture_of_the_latest_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(run_folder().parent.parent)
    picture = tmp_path / "a.png"
    assert invoke(["view", "--screenshot", "t=20ms", str(picture), "--size", "640x360", "--light"]) == 0
    assert pygame.image.load(picture).get_at((2, 2))[:3] == (0xF4, 0xF6, 0xF8)
    assert capsys.readouterr().out == f"{picture}\n"
    assert invoke(["view", "stop.toml", "--screenshot", "end", str(picture)]) == 0  # a scene, by its file


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing", "--screenshot", "end", "a.png"], "no run in runs begins or ends with"),
        (["--screenshot", "end", "a.png", "--size", "wide"], "write it as in 1920x1080"),
        (["--screenshot", "end", "a.png", "--size", "9x9"], "is not possible"),
        (["--screenshot", "tomorrow", "a.png"], "is no moment"),
        (["--gif", "a.png"], "does not end in .gif"),
        (["--mp4", "a.mp4", "--speed", "fast"], "--speed fast"),
        (["--mp4", "a.mp4", "--from", "90 ms", "--until", "20 ms"], "--until is before --from"),
        (["--connect"], "crumple run SCENE --realtime --view"),
    ],
)
def test_a_wrong_call_is_told_in_one_line_and_ends_with_2(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(run_folder().parent.parent)
    assert invoke(["view", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error and error.startswith("crumple: ") and error.count("\n") == 1


def test_without_pygame_or_a_display_there_is_one_line_that_says_what_to_do() -> None:
    code = "import sys; sys.modules['pygame'] = None; from crumple.cli.app import invoke; sys.exit(invoke(['view']))"
    unseen = {
        k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
    }
    where = run_folder().parent.parent
    for program, said in (
        (["-c", code], "pip install 'crumple[view]'"),
        (["-m", "crumple.view"], "--screenshot end picture.png"),
    ):
        ended = subprocess.run(
            [sys.executable, *program],
            cwd=where,
            env=unseen,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 2
        lines = [line for line in ended.stderr.splitlines() if line.startswith("crumple: ")]
        assert len(lines) == 1 and said in lines[0] and "Traceback" not in ended.stderr


def test_reading_the_help_needs_no_pygame() -> None:
    code = "import sys; from crumple.cli.app import invoke; invoke(['view', '-h']); sys.exit('pygame' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0 and "--screenshot" in ended.stdout
