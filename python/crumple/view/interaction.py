"""What keys and mouse do. Nothing here needs a window: events come in, and a picture goes out."""

from __future__ import annotations

import time
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pygame

from crumple.errors import CrumpleError
from crumple.view.figures import time_text
from crumple.view.fork import Fork
from crumple.view.frame import Frame
from crumple.view.live_session import LiveSession
from crumple.view.panels.keys import KeysOverlay
from crumple.view.panels.lists import fault_list, signal_list
from crumple.view.panels.picker import Picker
from crumple.view.player import Player
from crumple.view.replay_session import ReplaySession
from crumple.view.session import Session
from crumple.view.theme import Theme

_WHEEL = 1.25  # a notch of the wheel shows a part of time that is that much shorter
_TOLD = 4.0  # [s] that a note stays
_ASKED = 5.0  # [s] in which S must be pressed again
_DRAG = 4  # pixels that a mouse may move and still click
_NAMED = {"space": pygame.K_SPACE, "home": pygame.K_HOME, "end": pygame.K_END, "tab": pygame.K_TAB}
_MODIFIERS = (pygame.K_LSHIFT, pygame.K_RSHIFT, pygame.K_LCTRL, pygame.K_RCTRL, pygame.K_LALT, pygame.K_RALT)


class Interaction:
    """A session with its cursor, its picture, and what lies over it.

    clock: wall time [s], for tests.
    """

    def __init__(
        self,
        session: Session,
        *,
        size: tuple[int, int] = (1280, 720),
        dark: bool = True,
        scale: float = 1.0,
        still: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options: dict[str, Any] = {"dark": dark, "scale": scale, "still": still}
        self._size = size
        self._clock = clock
        self.quit = False
        self.player = Player(session)
        self.frame = Frame(self._theme(), session)
        self.overlay: Picker | None = None
        self.keys: KeysOverlay | None = None
        self._note, self._note_until = "", 0.0
        self._asked_until = 0.0
        self._drag: str = ""
        self._pressed: tuple[int, int] | None = None
        self._moved = False
        self._dirty = True
        self._fork: Fork | None = None
        self.slow = ""  # what is said of the viewer's own speed

    @property
    def size(self) -> tuple[int, int]:
        """Of the window [pixels]."""
        return self._size

    @property
    def session(self) -> Session:
        """What is shown."""
        return self.player.session

    @property
    def calm(self) -> bool:
        """Whether nothing moves until somebody touches something."""
        return self._fork is None and not self.player.moving

    # -- from frame to frame -----------------------------------------------------------------------------

    def advance(self, passed: float) -> None:
        """`passed` seconds of wall time went by."""
        self.player.advance(passed)
        if isinstance(self.session, ReplaySession):
            self.session.rows.hurried = self.player.playing
        live = self.player.live
        if live is not None and (refused := live.refused()):
            self.tell(f"The run refused it: {refused}")
        if live is not None and live.over:
            self._ended(live)
        if self._fork is not None:
            self._forked(self._fork)
        self.frame.charts.reveal(self.player.t)

    def draw(self, surface: pygame.Surface) -> None:
        """The picture, with what lies over it."""
        moment = self.player.moment()
        over = self.overlay is not None or self.keys is not None
        self._remark()
        whole = self._dirty or over or not moment.playing
        self.frame.draw(surface, moment, whole=whole)
        self._dirty = over
        if self.overlay is not None:
            self.overlay.draw(surface)
        if self.keys is not None:
            self.keys.draw(surface, surface.get_rect(), moment)

    def _remark(self) -> None:
        note = self.note()
        if note != self.session.remark:
            self.session.remark = note
            self.frame.changed()

    def note(self) -> str:
        """What the status line says for the moment; "" for nothing."""
        now = self._clock()
        if now < self._asked_until:
            return "Press S again to stop the run safely"
        if now < self._note_until:
            return self._note
        return self.slow

    def tell(self, text: str) -> None:
        """Say something in the status line for a while."""
        self._note, self._note_until = text, self._clock() + _TOLD
        self._dirty = True

    def resize(self, size: tuple[int, int]) -> None:
        """Another size of the window."""
        if size != self._size:
            self._size = size
            self._rebuild()

    def open(self, folder: Path) -> None:
        """Show another run. What cannot be opened is told, and the old one stays."""
        try:
            self._use(ReplaySession(folder, still=self._options["still"]))
        except CrumpleError as error:
            self.tell(str(error))

    # -- events ------------------------------------------------------------------------------------------

    def handle(self, event: pygame.event.Event) -> None:
        """One event of pygame's."""
        if event.type == pygame.QUIT:
            self.quit = True
        elif event.type == pygame.KEYDOWN and event.key not in _MODIFIERS:
            self._key(event)
        elif event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
            self._press(event.pos)
        elif event.type == pygame.MOUSEBUTTONUP and event.button == 1:
            self._release(event.pos)
        elif event.type == pygame.MOUSEMOTION:
            self._motion(event)
        elif event.type == pygame.MOUSEWHEEL:
            self._wheel(event)
        elif event.type == pygame.WINDOWLEAVE:
            self.frame.charts.hover = None
            self.frame.hover(None)
            self._dirty = True
        elif event.type == pygame.DROPFILE:
            self.open(Path(event.file))

    def _key(self, event: pygame.event.Event) -> None:
        self._dirty = True
        text = getattr(event, "unicode", "")
        if self.overlay is not None:
            self.overlay.key(event.key, text)
            self._close_done()
            return
        if self.keys is not None:
            self.keys = None
            if event.key == pygame.K_ESCAPE or text == "?":
                return
        asked, self._asked_until = self._clock() < self._asked_until, 0.0
        mod = getattr(event, "mod", 0)
        shift, ctrl = bool(mod & pygame.KMOD_SHIFT), bool(mod & pygame.KMOD_CTRL)
        if text == "?":
            self.keys = KeysOverlay(self.frame.theme)
        elif event.key in (pygame.K_LEFT, pygame.K_RIGHT):
            self._arrow(1 if event.key == pygame.K_RIGHT else -1, shift=shift, ctrl=ctrl)
        elif event.key == pygame.K_e:
            self.player.event(-1 if shift else 1)
        elif event.key == pygame.K_s:
            self._stop(asked)
        elif pygame.K_1 <= event.key <= pygame.K_9:
            self.player.set_speed(event.key - pygame.K_0)
        elif event.key == pygame.K_q and ctrl:
            self.quit = True
        else:
            self._act(event.key)

    def _act(self, key: int) -> None:
        """Keys without modifiers."""
        actions: dict[int, Callable[[], Any]] = {
            pygame.K_SPACE: self.player.toggle,
            pygame.K_HOME: self.player.to_start,
            pygame.K_END: self.player.to_end,
            pygame.K_TAB: self.frame.toggle_scene_only,
            pygame.K_f: self.choose_fault,
            pygame.K_l: self.choose_signal,
            pygame.K_v: self._next_view,
            pygame.K_g: self._labels,
            pygame.K_t: self._other_theme,
            pygame.K_p: self._save,
            pygame.K_r: self._report,
            pygame.K_c: self._continue_here,
            pygame.K_z: self.frame.charts.whole,
            pygame.K_RETURN: self._go_ahead,
            pygame.K_KP_ENTER: self._go_ahead,
            **dict.fromkeys((pygame.K_PLUS, pygame.K_EQUALS, pygame.K_KP_PLUS), lambda: self._zoom(1)),
            **dict.fromkeys((pygame.K_MINUS, pygame.K_KP_MINUS), lambda: self._zoom(-1)),
            pygame.K_q: lambda: setattr(self, "quit", True),
        }
        if key in actions:
            actions[key]()

    def _arrow(self, direction: int, *, shift: bool, ctrl: bool) -> None:
        if ctrl:
            view = self.frame.charts.view
            self.player.leap(direction * (view.until - view.since))
        else:
            self.player.step(direction * (10 if shift else 1))

    # -- mouse -------------------------------------------------------------------------------------------

    def _press(self, pos: tuple[int, int]) -> None:
        self._dirty = True
        if self.overlay is not None:
            self.overlay.click(pos)
            self._close_done()
            return
        if self.keys is not None:
            hit = self.keys.hit(pos) or ""
            self.keys = None
            if hit.startswith("key:"):
                self._named_key(hit[4:])
            return
        self._pressed, self._moved = pos, False
        hit = self.frame.hit(pos) or ""
        if hit.startswith("time:") and self._ahead(float(hit[5:])):
            return
        if hit.startswith("time:"):
            self._drag = "time"
            self.player.playing = False
            self.player.seek(float(hit[5:]))
        elif self.frame.area(pos) == "charts" and self.frame.charts.in_plot(pos):
            self._drag = "charts"
        elif self.frame.area(pos) == "canvas":
            self._drag = "canvas"

    def _ahead(self, t: float) -> bool:
        """Whether t [s] lies ahead of a live run, which is then asked to go on to it and hold there."""
        if self.player.live is None or t <= self.session.end() + self.session.period:
            return False
        self._pressed = None
        asked = self.player.run_to(t)
        shown = time_text(t, span=self.session.horizon)
        self.tell(f"Runs to {shown} and holds there" if asked else "The run does not listen")
        return True

    def _release(self, pos: tuple[int, int]) -> None:
        self._dirty = True
        pressed, drag = self._pressed, self._drag
        self._pressed, self._drag = None, ""
        if pressed is None or self._moved or drag == "time":
            return
        hit = self.frame.hit(pos)
        if hit:
            self._hit(*hit.partition(":")[::2])
        elif drag == "charts":
            self.player.playing = False
            self.player.seek(self.frame.charts.view.t(pos[0]))

    def _motion(self, event: pygame.event.Event) -> None:
        charts = self.frame.charts
        self.frame.hover(event.pos)
        was = charts.hover
        charts.hover = (
            event.pos if self.frame.area(event.pos) == "charts" and charts.in_plot(event.pos) else None
        )
        self._dirty = self._dirty or was != charts.hover
        if self._pressed is None or not self._drag:
            return
        far = max(abs(event.pos[0] - self._pressed[0]), abs(event.pos[1] - self._pressed[1]))
        self._moved = self._moved or far > _DRAG
        self._dirty = True
        if self._drag == "time":
            self.player.seek(charts.view.t(event.pos[0]))
        elif self._moved and self._drag == "charts":
            charts.pan(event.rel[0])
        elif self._moved and self._drag == "canvas" and self.frame.canvas is not None:
            self.frame.canvas.pan(event.rel[0], event.rel[1])

    def _wheel(self, event: pygame.event.Event) -> None:
        self._dirty = True
        if self.overlay is not None:
            self.overlay.wheel(event.y)
            return
        pos = pygame.mouse.get_pos() if not hasattr(event, "pos") else event.pos
        area = self.frame.area(pos)
        if area in ("requirements", "faults"):
            self.frame.scroll(area, -event.y)
        elif area == "charts":
            self.frame.charts.zoom(_WHEEL**-event.y, pos[0])
        elif area == "canvas" and self.frame.canvas is not None:
            self.frame.canvas.zoom(_WHEEL**event.y, pos)

    def _hit(self, kind: str, name: str) -> None:
        """Something with a name was clicked."""
        if kind == "requirement":
            self._to_requirement(name)
        elif kind == "event":
            self.player.playing = False
            self.player.seek(self.session.events()[int(name)].t)
        elif kind == "fault" and (name == "+" or self.player.live is None):
            self._to_fault(name)
        elif kind == "fault":
            self._inject(name)
        elif kind == "signal":
            self.choose_signal()
        elif kind == "chip":
            self.player.toggle()
        elif kind == "key":
            self._named_key(name)
        elif kind == "scroll":
            self.frame.scroll(name, 1)

    def _named_key(self, name: str) -> None:
        """A key hint was clicked: as if it had been pressed."""
        if name == "?":
            self.keys = KeysOverlay(self.frame.theme)
        elif name == "e":
            self.player.event(1)
        elif name == "s":
            self._stop(self._clock() < self._asked_until)
        elif name in ("left", "right"):
            self.player.step(1 if name == "right" else -1)
        elif name in _NAMED:
            self._act(_NAMED[name])
        elif len(name) == 1:
            self._act(ord(name))

    def _to_requirement(self, name: str) -> None:
        """To the moment that decided it: of the whole run where that is known."""
        for rows in (self.session.requirements(self.session.end()), self.session.requirements(self.player.t)):
            for row in rows:
                if row.name == name and row.at is not None:
                    self.player.playing = False
                    self.player.seek(row.at)
                    return
        self.tell(f"{name} has no moment that decided it yet")

    def _to_fault(self, name: str) -> None:
        if name == "+":
            self.choose_fault()
            return
        begun = [e.t for e in self.session.events() if e.kind == "fault" and e.name == name]
        if begun:
            self.player.playing = False
            self.player.seek(begun[0])

    # -- what is chosen ----------------------------------------------------------------------------------

    def choose_signal(self) -> None:
        """Open the list of all signals."""
        # not the charts as they are now: a window of another size has other ones
        self.overlay = signal_list(
            self.session,
            self.frame.theme,
            plotted=lambda: self.frame.charts.plotted,
            toggle=lambda name: self.frame.charts.toggle(name),  # noqa: PLW0108, other charts later
        )

    def choose_fault(self) -> None:
        """Open the list of faults: to inject in a live run, to go to in a replay."""
        live = self.player.live is not None
        act = self._inject if live else self._to_fault
        self.overlay = fault_list(self.session, self.frame.theme, lambda: self.player.t, act, live=live)

    def _inject(self, name: str) -> None:
        self.tell(self.player.inject(name) or f"{name} could not be injected: the run does not listen")

    def _close_done(self) -> None:
        if self.overlay is not None and self.overlay.done:
            self.overlay = None

    # -- the rest of the keys ----------------------------------------------------------------------------

    def _stop(self, asked: bool) -> None:
        if self.player.live is None:
            self.tell("This run is over; there is nothing to stop")
        elif not asked:
            self._asked_until = self._clock() + _ASKED
        else:
            self._asked_until = 0.0
            self.tell("Stopping" if self.player.stop() else "The run does not listen")

    def _go_ahead(self) -> None:
        """Begin without those who are waited for."""
        if self.player.live is not None and self.player.live.status == "waiting":
            self.player.live.send("resume")

    def _zoom(self, notches: int) -> None:
        """Of the scene; of time, round the cursor, where there is no scene."""
        area = self.frame.areas.get("canvas")
        if area is not None and self.frame.canvas is not None:
            self.frame.canvas.zoom(_WHEEL**notches, area.center)
        else:
            self.frame.charts.zoom(_WHEEL**-notches, self.frame.charts.view.x(self.player.t))

    def _next_view(self) -> None:
        if self.frame.canvas is not None:
            self.frame.canvas.next_view()

    def _labels(self) -> None:
        if self.frame.canvas is not None:
            self.frame.canvas.labels = not self.frame.canvas.labels

    def _other_theme(self) -> None:
        self._options["dark"] = not self._options["dark"]
        self._rebuild()

    def _save(self) -> None:
        from crumple.view.export import beside, save_picture

        path = beside(self.session, self.player.t)
        surface = pygame.Surface(self._size)
        self.session.remark = ""  # a picture is of the run, not of what the viewer says
        self.frame.changed()
        self.frame.draw(surface, self.player.moment())
        try:
            save_picture(surface, path)
        except (CrumpleError, OSError) as error:
            self.tell(f"The picture could not be saved: {error}")
        else:
            self.tell(f"Saved {path.name} beside the run")

    def _report(self) -> None:
        report = self.session.folder / "report.html"
        if report.is_file():
            webbrowser.open(report.resolve().as_uri())
        else:
            self.tell("This run has no report")

    def _continue_here(self) -> None:
        """A run of its own that repeats this one up to the cursor and goes on from there."""
        if self._fork is not None:
            self.tell("A fork is on its way already")
            return
        try:
            self._fork = Fork(self.session.folder, self.player.t)
        except OSError as error:
            self.tell(f"The fork could not be started: {error.strerror}")
        else:
            self.tell(f"Forking at {time_text(self.player.t)}")

    def _forked(self, fork: Fork) -> None:
        state = fork.poll()
        if state == "going":
            return
        self._fork = None
        if fork.run is not None:
            t = fork.t
            self.open(fork.run)
            self.player.seek(t)
            self.tell(f"This is the fork, {fork.run.name}")
        else:
            self.tell(f"The fork did not run: {fork.why}")

    # -- other sessions, other sizes ---------------------------------------------------------------------

    def _ended(self, live: LiveSession) -> None:
        """A live run is over: from now on it is read as a whole. Until that works, its last picture stays."""
        try:
            session = ReplaySession(live.folder, still=self._options["still"])
        except (CrumpleError, OSError):
            return
        t, following = self.player.t, self.player.following
        session.seen(live.timing(t))
        self._use(session)
        self.player.seek(session.end() if following else t)

    def _use(self, session: Session) -> None:
        self.player = Player(session)
        self.overlay = None
        self._rebuild()

    def _rebuild(self) -> None:
        scene_only = self.frame.scene_only
        before = self.frame.charts
        self.frame = Frame(self._theme(), self.session)
        self.frame.scene_only = scene_only
        if before.belongs_to(self.session):
            self.frame.charts.take_over(before)
        if self.overlay is not None:
            self.overlay.use(self.frame.theme)
        self._dirty = True

    def _theme(self) -> Theme:
        return Theme(width=self._size[0], height=self._size[1], **self._options)
