"""Keys and mouse: what they do, and that nothing they do reaches a run but its commands."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pygame
import pytest

from crumple.view import fork
from crumple.view.interaction import Interaction
from crumple.view.player import SPEEDS, Player
from crumple.view.replay_session import ReplaySession
from view.headless import headless  # noqa: F401 - a fixture of the module
from view.live_bench import Bench, live_bench
from view.view_runs import FAILING, run_folder

SIZE = (1280, 720)


class Desk:
    """A viewer without a window, and hands for it."""

    def __init__(self, session: Any) -> None:
        self.now = 0.0
        self.viewer = Interaction(session, size=SIZE, clock=lambda: self.now)
        self.surface = pygame.Surface(SIZE)
        self.draw()

    @property
    def player(self) -> Player:
        return self.viewer.player

    @property
    def t(self) -> float:
        return self.viewer.player.t

    def draw(self) -> bytes:
        self.viewer.draw(self.surface)
        return bytes(pygame.image.tobytes(self.surface, "RGB"))

    def key(self, key: str, *, mod: int = 0, text: str | None = None) -> None:
        code = pygame.key.key_code(key)
        writes = text if text is not None else (key if len(key) == 1 else "")
        self.viewer.handle(pygame.event.Event(pygame.KEYDOWN, key=code, mod=mod, unicode=writes))
        self.draw()

    def type(self, text: str) -> None:
        for letter in text:
            self.key("space" if letter == " " else letter, text=letter)

    def mouse(self, kind: int, pos: tuple[float, float], **more: Any) -> None:
        at = (round(pos[0]), round(pos[1]))
        self.viewer.handle(pygame.event.Event(kind, pos=at, **{"button": 1, "rel": (0, 0), **more}))
        self.draw()

    def click(self, pos: tuple[float, float]) -> None:
        self.mouse(pygame.MOUSEBUTTONDOWN, pos)
        self.mouse(pygame.MOUSEBUTTONUP, pos)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.mouse(pygame.MOUSEBUTTONDOWN, start)
        self.mouse(pygame.MOUSEMOTION, end, rel=(round(end[0] - start[0]), round(end[1] - start[1])))
        self.mouse(pygame.MOUSEBUTTONUP, end)

    def wheel(self, pos: tuple[float, float], notches: int) -> None:
        self.mouse(pygame.MOUSEWHEEL, pos, x=0, y=notches)

    def find(self, name: str) -> tuple[int, int]:
        """Some point of the window at which something of that name is hit."""
        for y in range(2, SIZE[1], 4):
            for x in range(2, SIZE[0], 4):
                if self.viewer.frame.hit((x, y)) == name:
                    return x, y
        raise AssertionError(f"nothing is called {name}")

    def track(self, t: float) -> tuple[float, float]:
        """Where a moment is on the timeline."""
        area = self.viewer.frame.areas["charts"]
        return self.viewer.frame.charts.view.x(t), area.bottom - 102 + 25


@pytest.fixture
def desk() -> Desk:
    return Desk(ReplaySession(run_folder()))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with live_bench(tmp_path / "run") as made:
        yield made


# -- time


def test_space_plays_at_the_speed_of_the_replay_and_holds(desk: Desk) -> None:
    assert desk.player.speed == 1 / 50  # 150 ms in about eight seconds
    desk.key("space")
    desk.viewer.advance(0.05)
    assert desk.t == pytest.approx(0.05 / 50)
    desk.key("space")
    desk.viewer.advance(0.05)
    assert desk.t == pytest.approx(0.05 / 50)


def test_playing_ends_at_the_end_and_begins_again_from_the_start(desk: Desk) -> None:
    desk.key("end")
    assert desk.t == pytest.approx(0.15)
    desk.key("space")
    assert desk.t == 0.0 and desk.player.playing


def test_a_viewer_that_was_stopped_does_not_leap_when_it_goes_on(desk: Desk) -> None:
    desk.key("space")
    desk.viewer.advance(3600.0)
    assert desk.t <= 0.1 / 50 + 1e-12


def test_arrows_land_on_ticks_ten_with_shift_a_chart_with_control(desk: Desk) -> None:
    desk.player.seek(0.01003, exact=True)
    desk.key("right")
    assert desk.t == pytest.approx(0.0101, abs=1e-12)
    desk.key("left", mod=pygame.KMOD_SHIFT)
    assert desk.t == pytest.approx(0.0091, abs=1e-12)
    desk.key("right", mod=pygame.KMOD_CTRL)
    assert desk.t == pytest.approx(0.15)
    desk.key("right")
    assert desk.t == pytest.approx(0.15)


def test_e_goes_from_event_to_event_and_back(desk: Desk) -> None:
    times = [event.t for event in desk.viewer.session.events()]
    seen = [desk.t]
    for _ in times[1:]:
        desk.key("e")
        seen.append(desk.t)
    assert seen == pytest.approx(times, abs=1e-12)
    desk.key("e", mod=pygame.KMOD_SHIFT, text="E")
    assert desk.t == pytest.approx(times[-2], abs=1e-12)


@pytest.mark.parametrize("number", [1, 5, 9])
def test_figures_set_the_speed(desk: Desk, number: int) -> None:
    desk.key(str(number))
    assert desk.player.speed == SPEEDS[number - 1]


def test_home_and_end(desk: Desk) -> None:
    desk.key("end")
    desk.key("home")
    assert desk.t == 0.0


# -- mouse


def test_dragging_the_timeline_moves_the_cursor(desk: Desk) -> None:
    desk.drag(desk.track(0.03), desk.track(0.09))
    assert desk.t == pytest.approx(0.09, abs=3e-4)
    assert round(desk.t / 1e-4, 6) == round(desk.t / 1e-4)  # on a tick


def test_a_click_on_a_requirement_goes_to_the_moment_it_failed() -> None:
    desk = Desk(ReplaySession(run_folder(FAILING)))
    desk.key("end")
    desk.click(desk.find("requirement:gentle"))
    assert desk.t == pytest.approx(1e-4)


def test_a_click_on_an_event_goes_there(desk: Desk) -> None:
    events = desk.viewer.session.events()
    number = next(n for n, event in enumerate(events) if event.name == "slow")
    desk.click(desk.find(f"event:{number}"))
    assert desk.t == pytest.approx(events[number].t, abs=1e-12)


def test_a_click_into_a_chart_sets_the_cursor_and_a_drag_does_not(desk: Desk) -> None:
    charts = desk.viewer.frame.charts
    desk.click((charts.view.x(0.06), 150))
    assert desk.t == pytest.approx(0.06, abs=3e-4)
    desk.wheel((charts.view.x(0.06), 150), 4)
    before = charts.view
    desk.drag((600, 150), (500, 150))
    assert charts.view.since > before.since
    assert desk.t == pytest.approx(0.06, abs=3e-4)


def test_the_wheel_zooms_time_round_the_pointer_and_z_shows_all_again(desk: Desk) -> None:
    charts = desk.viewer.frame.charts
    x = charts.view.x(0.09)
    desk.wheel((x, 150), 3)
    assert charts.view.t(x) == pytest.approx(0.09, abs=1e-6)
    assert charts.view.until - charts.view.since == pytest.approx(0.15 / 1.25**3)
    desk.key("z")
    assert charts.view.until - charts.view.since == pytest.approx(0.15)


def test_a_signal_is_chosen_from_a_list_by_a_few_letters(desk: Desk) -> None:
    desk.key("l")
    assert desk.viewer.overlay is not None
    desk.type("corners[0")
    desk.key("return")
    desk.key("escape")
    desk.key("escape")
    assert desk.viewer.overlay is None
    assert desk.viewer.frame.charts.plotted[0] == "car.corners[0]"


def test_a_name_in_the_gutter_opens_the_list_and_a_click_beside_it_closes_it(desk: Desk) -> None:
    desk.click(desk.find("signal:car.speed"))
    assert desk.viewer.overlay is not None
    desk.click((5, 5))
    assert desk.viewer.overlay is None


# -- picture


def test_question_mark_shows_the_keys_and_any_key_closes_them(desk: Desk) -> None:
    plain = desk.draw()
    desk.key("/", text="?")
    assert desk.draw() != plain
    desk.key("escape")
    assert desk.draw() == plain


def test_t_changes_the_theme_and_back_and_tab_hides_the_panels(desk: Desk) -> None:
    dark = desk.draw()
    desk.key("t")
    assert desk.surface.get_at((2, 2))[:3] == (0xF4, 0xF6, 0xF8)
    desk.key("t")
    assert desk.draw() == dark
    desk.key("tab")
    assert "requirements" not in desk.viewer.frame.areas
    desk.key("tab")
    assert desk.draw() == dark


def test_a_picture_is_saved_beside_the_run_and_not_into_it(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run_folder(), folder)
    desk = Desk(ReplaySession(folder))
    desk.player.seek(0.02)
    plain = desk.draw()
    desk.key("p")
    saved = tmp_path / "run-20.0ms.png"
    assert bytes(pygame.image.tobytes(pygame.image.load(saved), "RGB")) == plain
    assert sorted(p.name for p in folder.iterdir()) == sorted(p.name for p in run_folder().iterdir())


def test_another_size_of_the_window_is_another_layout(desk: Desk) -> None:
    before = desk.viewer.frame.areas["charts"]
    desk.key("l")
    desk.type("corners[1")
    desk.key("return")
    desk.key("escape")
    desk.key("escape")
    desk.viewer.resize((1920, 1080))
    desk.surface = pygame.Surface((1920, 1080))
    desk.draw()
    assert desk.viewer.frame.areas["charts"].width > before.width
    assert desk.viewer.frame.charts.plotted[0] == "car.corners[1]"  # what was chosen stays


def test_a_folder_that_is_dropped_is_opened_and_rubbish_is_told(desk: Desk, tmp_path: Path) -> None:
    other = run_folder(FAILING)
    desk.viewer.handle(pygame.event.Event(pygame.DROPFILE, file=str(other)))
    assert desk.viewer.session.folder == other
    desk.viewer.handle(pygame.event.Event(pygame.DROPFILE, file=str(tmp_path)))
    assert desk.viewer.session.folder == other
    assert "is not the folder of a run" in desk.viewer.note()


def test_watching_changes_nothing_in_the_folder_of_a_run(desk: Desk) -> None:
    folder = desk.viewer.session.folder
    before = {path.name: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.iterdir()}
    for key in ("space", "right", "e", "f", "escape", "s", "s", "v", "g", "tab", "r"):
        desk.key(key)
        desk.viewer.advance(0.02)
    assert {path.name: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.iterdir()} == before


# -- a run that goes on


def at_work(bench: Bench, tick: int = 100) -> Desk:
    bench.core.publish(tick, 1.0)
    desk = Desk(bench.session)
    desk.viewer.advance(0.0)
    return desk


def test_space_holds_a_live_run_and_lets_it_go_on(bench: Bench) -> None:
    desk = at_work(bench)
    desk.key("space")
    bench.core.status = "paused"
    bench.core.publish(100, 1.0)
    desk.viewer.advance(0.02)
    desk.key("space")
    assert bench.core.sent == [("pause", {}), ("resume", {})]


def test_arrows_step_a_live_run_that_is_held_and_only_then(bench: Bench) -> None:
    desk = at_work(bench)
    desk.key("right")
    assert bench.core.sent == []
    bench.core.status = "paused"
    bench.core.publish(100, 1.0)
    desk.viewer.advance(0.02)
    desk.key("right", mod=pygame.KMOD_SHIFT)
    assert bench.core.sent == [("step", {"n": 10})]


def test_enter_begins_without_a_rig_that_is_waited_for_and_space_does_not(bench: Bench) -> None:
    bench.core.status = "waiting"
    desk = Desk(bench.session)
    desk.viewer.advance(0.02)
    desk.key("space")
    assert bench.core.sent == []
    desk.key("return")
    assert bench.core.sent == [("resume", {})]


def test_a_click_ahead_of_a_live_run_sends_it_there(bench: Bench) -> None:
    desk = at_work(bench)
    desk.click(desk.track(0.5))
    ((do, args),) = bench.core.sent
    assert do == "run_to" and args["t"] == pytest.approx(0.5, abs=3e-3)
    assert desk.t == pytest.approx(0.1)  # what has not been is not shown


def test_scrubbing_back_shows_the_past_while_the_run_goes_on(bench: Bench) -> None:
    desk = at_work(bench)
    desk.drag(desk.track(0.1), desk.track(0.04))
    seen = desk.t
    assert seen < 0.1 and bench.core.sent == []
    bench.core.publish(200, 1.0)
    bench.clock.now += 1.0
    desk.viewer.advance(0.02)
    assert desk.t == seen and desk.viewer.session.end() == pytest.approx(0.2)
    desk.key("end")
    assert desk.t == pytest.approx(0.2)


def test_a_live_run_has_no_future(bench: Bench) -> None:
    desk = at_work(bench)
    area = desk.viewer.frame.areas["charts"]
    x = round(desk.viewer.frame.charts.view.x(0.1)) + 20
    future = desk.surface.subsurface(pygame.Rect(x, area.top + 60, area.right - x - 40, 150))
    for name in ("signal_1", "signal_2", "signal_3"):
        for part in (1.0, 0.38):
            colour = desk.viewer.frame.theme.mix("panel", name, part)
            assert pygame.mask.from_threshold(future, colour, (8, 8, 8, 255)).count() == 0


def test_speed_goes_to_the_core_of_a_live_run(bench: Bench) -> None:
    desk = at_work(bench)
    desk.key("5")
    assert bench.core.sent == [("speed", {"speed": SPEEDS[4]})]


def test_a_fault_is_injected_by_a_click_or_from_the_list_and_cleared_the_same_way(bench: Bench) -> None:
    desk = at_work(bench)
    desk.click(desk.find("fault:stuck"))
    assert bench.core.sent == [("inject", {"fault": "stuck"})]
    (bench.folder / "commands.jsonl").write_text('{"tick": 90, "do": "inject", "fault": "stuck"}\n')
    bench.clock.now += 1.0
    desk.viewer.advance(0.02)
    desk.key("f")
    desk.key("return")
    assert bench.core.sent[1:] == [("clear", {"fault": "stuck"})]


def test_a_live_run_is_stopped_only_by_asking_twice(bench: Bench) -> None:
    desk = at_work(bench)
    desk.key("s")
    assert "again" in desk.viewer.note() and bench.core.sent == []
    desk.now += 60.0
    desk.key("s")
    assert bench.core.sent == []
    desk.key("space")
    desk.key("s")
    desk.key("s")
    assert bench.core.sent == [("pause", {}), ("stop", {})]


def test_when_a_live_run_is_over_it_is_read_as_a_whole_at_the_same_moment(bench: Bench) -> None:
    desk = at_work(bench)
    shutil.rmtree(bench.folder)
    shutil.copytree(run_folder(), bench.folder)
    bench.die()
    desk.viewer.advance(0.02)
    assert isinstance(desk.viewer.session, ReplaySession)
    assert desk.t == desk.viewer.session.end()
    desk.draw()


def test_a_run_that_was_killed_leaves_its_last_picture(bench: Bench) -> None:
    desk = at_work(bench)
    shutil.rmtree(bench.folder)  # nothing can be read any more
    bench.die()
    for _ in range(3):
        desk.viewer.advance(0.02)
        desk.draw()
    assert desk.t == pytest.approx(0.1)


# -- forks


class Process:
    """Stands in for `crumple replay`: makes a run, says something, ends."""

    def __init__(self, makes: Callable[[], object], code: int, says: str) -> None:
        self._makes, self._code, self._says = makes, code, says
        self.command: list[str] = []

    def __call__(self, command: list[str], *, stdout: Any, **_: Any) -> Process:
        self.command = command
        self._makes()
        stdout.write(self._says.encode())
        return self

    def poll(self) -> int:
        return self._code


def forked(monkeypatch: pytest.MonkeyPatch, process: Process, tmp_path: Path) -> Desk:
    folder = tmp_path / "run"
    shutil.copytree(run_folder(), folder)
    monkeypatch.setattr(fork, "subprocess", SimpleNamespace(Popen=process, DEVNULL=None, STDOUT=None))
    desk = Desk(ReplaySession(folder))
    desk.player.seek(0.05)
    desk.key("c")
    desk.viewer.advance(0.02)
    return desk


def test_c_continues_from_here_in_a_run_of_its_own_and_shows_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    process = Process(lambda: shutil.copytree(run_folder(FAILING), tmp_path / "fork"), 1, "FAIL")
    desk = forked(monkeypatch, process, tmp_path)
    assert process.command[-5:] == [str(tmp_path / "run"), "--until", "0.05 s", "--out", str(tmp_path)]
    assert desk.viewer.session.folder == tmp_path / "fork"
    assert desk.t == pytest.approx(0.05)


def test_a_fork_that_comes_to_nothing_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    desk = forked(monkeypatch, Process(lambda: None, 2, "crumple: the plugin is gone\n"), tmp_path)
    assert "the plugin is gone" in desk.viewer.note()
    assert desk.viewer.session.folder == tmp_path / "run"
