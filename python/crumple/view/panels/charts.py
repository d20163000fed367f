"""Strip charts that share one axis of time and one cursor, with the timeline at their foot."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pygame

from crumple.view import ink
from crumple.view.figures import shown, time_text
from crumple.view.panels.chart_list import Chart, chart_of, charts_of, is_sample, is_stamp
from crumple.view.panels.chart_names import band_names, line_names
from crumple.view.panels.pointer import draw_pointer
from crumple.view.panels.strip import Row, Strip, View, axis_texts, shown_by_itself
from crumple.view.panels.timeline import Timeline
from crumple.view.session import Band, Moment, Session, Silence

if TYPE_CHECKING:
    from crumple.view.theme import Theme

# Lengths in pixels of a window of 1280 x 720.
_GUTTER, _WIDEST_GUTTER = 156, 264
_NAME = 82  # that the usual gutter has room for
_BESIDE_NAME = 88  # of a wider one: what is not for the name, with the figures of most axes
_RIGHT = 28
_TOP = 24
_GAP = 15
_LEAST = 48  # height of a chart
_MOST = 8  # charts
_FLAG = 20  # height of the flag at the top of the cursor
_ROUND = 6  # frames in which every figure has its turn
_LIVE_EVERY = 0.1  # [s] of wall time between two pictures of a live chart; the line between is drawn at once
_FINEST = 4.0  # periods that a view shows at least


class Charts:
    """The chart panel. `hover` is where the mouse is, or None. clock: wall time [s], for tests."""

    def __init__(self, theme: Theme, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._theme = theme
        self._timeline = Timeline(theme)
        self._session: Session | None = None
        self._strips: list[Strip] = []
        self._hidden: list[Strip] = []  # the scene's own that were taken away by hand
        self._window: tuple[float, float] | None = None  # chosen by zoom and pan [s]
        self._rows: list[Row] = []
        self._view = View(0.0, 1.0, 0, 1)
        self._figures: dict[int, tuple[str, str]] = {}
        self._round = 0
        self._gutter_width = 0
        self.hover: tuple[int, int] | None = None
        self.reserved = 0  # window px above the timeline that are left free for a card

    # -- what is shown -----------------------------------------------------------------------------------

    def use(self, session: Session) -> None:
        """Show another session, with its own charts."""
        self._session = session
        self._strips = [Strip(chart) for chart in charts_of(session)]
        self._figures.clear()

    def belongs_to(self, session: Session) -> bool:
        """Whether it shows this session."""
        return session is self._session

    def take_over(self, other: Charts) -> None:
        """What was chosen in another panel of the same session: zoom, and signals picked by hand."""
        self._window = other._window
        chosen = [strip for strip in other._strips if strip.chart.chosen]
        self._strips = [Strip(strip.chart) for strip in chosen] + self._strips
        gone = {strip.chart.lines[0].signal for strip in other._hidden}
        self._hidden = [
            strip for strip in self._strips if not strip.chart.chosen and strip.chart.lines[0].signal in gone
        ]
        self._strips = [strip for strip in self._strips if strip not in self._hidden]

    def toggle(self, signal: str) -> bool:
        """Plot a signal at the top; where it has a chart of its own already, take that away.

        Returns whether it is shown now.
        """
        assert self._session is not None
        self._figures.clear()
        for row in self._rows:
            strip = row.strip
            if strip in self._strips and [line.signal for line in strip.chart.lines] == [signal]:
                self._strips.remove(strip)
                if not strip.chart.chosen:
                    self._hidden.append(strip)
                return False
        number = sum(strip.chart.chosen for strip in self._strips)
        back = next((s for s in self._hidden if s.chart.lines[0].signal == signal), None)
        if back is not None:
            self._hidden.remove(back)
        self._strips.insert(0, back or Strip(chart_of(self._session, signal, number + 3)))
        return True

    @property
    def count(self) -> int:
        """How many charts there could be."""
        return len(self._strips)

    @property
    def foot(self) -> int:
        """Height of the timeline below the charts [window px]."""
        return self._timeline.height

    @property
    def least(self) -> int:
        """Height of the panel without any chart: timeline, and the flag of the cursor above it [window px]."""
        return self.foot + self._theme.px(_TOP)

    @property
    def plotted(self) -> list[str]:
        """Signals in the charts that are shown."""
        return [line.signal for row in self._rows for line in row.strip.chart.lines]

    @property
    def view(self) -> View:
        """The part of time that is shown."""
        return self._view

    def zoom(self, factor: float, x: float) -> None:
        """Show a part of time that is `factor` as long; what is under x [window px] stays there."""
        session, view = self._session, self._view
        if session is None:
            return
        at = view.t(min(max(x, view.left), view.left + view.width))
        span = (view.until - view.since) * factor
        whole = session.horizon - session.start
        span = min(max(span, _FINEST * session.period), whole)
        part = (at - view.since) / (view.until - view.since)
        self._look(session, at - part * span, span)

    def pan(self, dx: float) -> None:
        """Move what is shown by dx [window px]."""
        session, view = self._session, self._view
        if session is not None:
            span = view.until - view.since
            self._look(session, view.since - dx / view.width * span, span)

    def whole(self) -> None:
        """Show everything again."""
        self._window = None

    def reveal(self, t: float) -> None:
        """Move a zoomed view so that t [s] is in it."""
        if self._window is not None and self._session is not None:
            since, until = self._window
            if not since <= t <= until:
                self._look(self._session, t - (until - since) / 2, until - since)

    def _look(self, session: Session, since: float, span: float) -> None:
        whole = session.horizon - session.start
        if span >= whole * (1 - 1e-9):
            self._window = None
            return
        since = min(max(since, session.start), session.horizon - span)
        self._window = (since, since + span)

    # -- drawing -----------------------------------------------------------------------------------------

    def draw(self, surface: pygame.Surface, rect: pygame.Rect, moment: Moment) -> None:
        """Everything. The whole of `rect` is painted."""
        theme, session = self._theme, moment.session
        if session is not self._session:
            self.use(session)
        surface.fill(theme.colour("window"), rect)
        ink.rounded(surface, rect, theme.rgb("panel"), theme.px(8))
        self._arrange(rect, moment)
        view, t = self._view, moment.t
        silences, bands = session.silences(), session.bands(t)
        stale = any(each.since <= t <= each.until + session.period for each in silences)
        cursor = "stale" if stale else "accent"
        self._round = (self._round + 1) % _ROUND
        for number, row in enumerate(self._rows):
            self._prepare(number, moment, silences, bands)
            self._strip(surface, row, moment, silences, bands)
            self._gutter(surface, rect.left + theme.px(16), number, moment, silences)
        foot = pygame.Rect(rect.left, rect.bottom - self._timeline.height, rect.width, self._timeline.height)
        self._timeline.draw(surface, foot, moment, view, colour=cursor)
        if view.since <= t <= view.until:
            self._cursor(surface, rect, moment, cursor, foot.top + theme.px(20))
        if self.hover is not None and self.in_plot(self.hover):
            draw_pointer(theme, surface, rect, moment, view=view, rows=self._rows, at=self.hover)

    def hit(self, pos: tuple[int, int]) -> str | None:
        """ "signal:vehicle.speed" for names in the gutter, else what the timeline has there."""
        for row in self._rows:
            if row.top - 6 <= pos[1] <= row.top + row.height and pos[0] < self._view.left - self._theme.px(
                30
            ):
                return f"signal:{row.strip.chart.lines[0].signal}"
        return self._timeline.hit(pos)

    def in_plot(self, pos: tuple[int, int]) -> bool:
        """Whether a point lies within the charts' axis of time, timeline included."""
        if not self._rows or not self._view.left <= pos[0] <= self._view.left + self._view.width:
            return False
        return (
            self._rows[0].top - self._theme.px(_TOP) <= pos[1] <= self._rows[-1].top + self._rows[-1].height
        )

    def _arrange(self, rect: pygame.Rect, moment: Moment) -> None:
        theme, session = self._theme, moment.session
        named = max(
            (theme.measure(strip.chart.label, size=13)[0] for strip in self._strips[:_MOST]), default=0
        )
        wanted = theme.px(_GUTTER) if named <= theme.px(_NAME) else named + theme.px(_BESIDE_NAME)
        self._gutter_width = min(wanted, theme.px(_WIDEST_GUTTER))
        left, right = rect.left + self._gutter_width, rect.right - theme.px(_RIGHT)
        since, until = self._window or shown_by_itself(session, moment.t)
        self._view = View(since, until, left, max(1, right - left))
        room = rect.height - theme.px(_TOP) - self._timeline.height - self.reserved
        gap = theme.px(_GAP)
        fits = max(1, min(_MOST, (room + gap) // (theme.px(_LEAST) + gap)))
        strips = self._strips[:fits] if room >= theme.px(_LEAST) // 2 else []
        count = max(1, len(strips))
        height = max(8, (room - gap * (count - 1)) // count)
        top = rect.top + theme.px(_TOP)
        self._rows = [Row(strip, top + k * (height + gap), height) for k, strip in enumerate(strips)]

    def _prepare(
        self, number: int, moment: Moment, silences: Sequence[Silence], bands: Sequence[Band]
    ) -> None:
        """Have the pictures of a chart drawn where they are not those of now; live ones in turn, ten times a second."""
        row, session = self._rows[number], moment.session
        strip = row.strip
        signals = {line.signal for line in strip.chart.lines}
        wanted = strip.chart.window
        spans = tuple(
            (band.since, band.until)
            for band in bands
            if signals & set(band.signals) and (not wanted or band.requirement == wanted)
        )
        until = session.end()
        key: object = "whole"
        if session.mode == "live":
            turn = number / max(1, len(self._rows))
            key = int(self._clock() / _LIVE_EVERY + turn)
            if strip.past is not None and until <= strip.until:
                key = strip.key  # nothing is new
        sensors = {sensor.name for sensor in session.inputs(moment.t)} if silences else set()
        blind = tuple(
            (silence.since, silence.until)
            for silence in silences
            if is_sample(strip.chart, sensors & {silence.unit})
        )
        future = session.mode == "replay" or moment.t < until - session.period / 2
        strip.prepare(
            self._theme,
            session,
            self._view,
            row.height,
            key=key,
            until=until,
            bands=spans,
            blind=blind,
            future=future,
        )

    def _strip(
        self,
        surface: pygame.Surface,
        row: Row,
        moment: Moment,
        silences: Sequence[Silence],
        bands: Sequence[Band],
    ) -> None:
        """The two pictures, cut at the cursor, and what changes between two frames."""
        view, strip = self._view, row.strip
        cut = min(max(round(view.x(moment.t)) - view.left, 0), view.width)
        height = row.height + 2 * strip.pad
        top = row.top - strip.pad
        assert strip.past is not None and strip.future is not None
        surface.blit(strip.past, (view.left, top), (0, 0, cut, height))
        surface.blit(strip.future, (view.left + cut, top), (cut, 0, view.width - cut, height))
        self._events(surface, row, moment)
        for since, until in self._unknown(row, moment, silences):
            self._hatched(surface, row, since, until)
        self._ends(surface, row, moment, silences)
        self._texts(surface, row, bands)

    def _events(self, surface: pygame.Surface, row: Row, moment: Moment) -> None:
        theme, view = self._theme, self._view
        tints = {"fault": "fault", "requirement": "fail", "warning": "at_risk", "error": "error"}
        for event in moment.session.events():
            if view.since <= event.t <= view.until and event.t <= moment.session.end():
                done = event.t <= moment.t + moment.session.period / 2
                colour = theme.mix("panel", tints.get(event.kind, "text_3"), 0.5 if done else 0.25)
                surface.fill(colour, (round(view.x(event.t)), row.top, max(1, theme.px(1)), row.height))

    def _unknown(self, row: Row, moment: Moment, silences: Sequence[Silence]) -> list[tuple[float, float]]:
        """Stretches of a chart that are hatched [s]."""
        session = moment.session
        units = {line.signal.partition(".")[0] for line in row.strip.chart.lines if not is_stamp(line.signal)}
        last = session.end() if session.mode == "replay" else moment.t
        spans = [(each.since, min(each.until, last)) for each in silences if each.unit in units]
        spans += row.strip.gaps
        if session.mode == "replay" and session.end() < session.horizon - session.period / 2:
            spans.append(
                (session.end(), session.horizon)
            )  # the run broke off: nobody knows what would have been
        return [span for span in spans if span[1] > span[0]]

    def _hatched(self, surface: pygame.Surface, row: Row, since: float, until: float) -> None:
        view = self._view
        left, right = (round(min(max(view.x(t), view.left), view.left + view.width)) for t in (since, until))
        if right > left:
            theme = self._theme
            rect = pygame.Rect(left, row.top, right - left, row.height)
            ink.hatch(
                surface, rect, theme.rgb(theme.mix("panel", "stale", 0.45)), pitch=theme.px(6), width=theme.k
            )

    def _ends(self, surface: pygame.Surface, row: Row, moment: Moment, silences: Sequence[Silence]) -> None:
        """The newest piece of live lines, and a dot on each line at the cursor."""
        theme, view, strip, session, t = self._theme, self._view, row.strip, moment.session, moment.t
        if not view.since <= t <= view.until or self._is_silent(strip.chart, moment, silences):
            return
        live_end = session.mode == "live" and strip.until < t <= session.end()
        x = view.x(t)
        many = len(strip.chart.lines) > 1
        labels: list[tuple[float, int]] = []

        def within(y: float) -> float:
            return min(max(y, row.top - strip.pad), row.top + row.height + strip.pad)

        for number, line in enumerate(strip.chart.lines):
            value = session.value(line.signal, t)
            if value is None:
                continue
            y = within(strip.y(strip.value(number, value), row.top, row.height))
            if live_end and (before := session.value(line.signal, strip.until)) is not None:
                begin = (
                    view.x(strip.until),
                    within(strip.y(strip.value(number, before), row.top, row.height)),
                )
                pygame.draw.aaline(surface, theme.colour(line.colour), begin, (x, y))
            ink.disc(surface, (x, y), theme.px(3), theme.rgb(line.colour))
            labels.append((y, number))
        if many:
            line_names(theme, surface, view, row, sorted(labels), x=x)

    def _texts(self, surface: pygame.Surface, row: Row, bands: Sequence[Band]) -> None:
        """Figures of the axis, names of windows and limits."""
        theme, view, strip, session = self._theme, self._view, row.strip, self._session
        for value, text in axis_texts(strip):
            y = strip.y(value, row.top, row.height)
            theme.text(
                surface,
                text,
                (view.left - theme.px(7), y + theme.px(4)),
                size=11,
                colour="text_3",
                anchor="right",
            )
        if session is not None and moment_is_whole(session):
            band_names(theme, surface, view, row, session, bands=bands)
        for limit in strip.chart.limits:
            if strip.low <= limit.value <= strip.high:
                figure, unit = shown(limit.value, strip.chart.si)
                text = f"{limit.text} {figure} {unit}".rstrip()
                y = strip.y(limit.value, row.top, row.height)
                below = y - row.top < theme.px(14)
                at = (view.left + view.width, y + theme.px(13 if below else -4))
                theme.text(surface, text, at, size=11, colour="fail", anchor="right")

    # -- figures -----------------------------------------------------------------------------------------

    def _gutter(
        self, surface: pygame.Surface, left: int, number: int, moment: Moment, silences: Sequence[Silence]
    ) -> None:
        """Name and figure of a chart."""
        theme, row = self._theme, self._rows[number]
        chart = row.strip.chart
        line = chart.lines[0]
        if number not in self._figures or not moment.playing or (number + self._round) % _ROUND == 0:
            self._figures[number] = self._figure(chart, moment, silences)
        figure, unit = self._figures[number]
        tag = pygame.Rect(left, row.top - theme.px(1), theme.px(3), theme.px(11))
        surface.fill(theme.colour(line.colour), tag)
        name_at = (left + theme.px(9), row.top + theme.px(9))
        theme.text(surface, chart.label, name_at, size=13, colour="text_2", width=self._name_room(row.strip))
        at = (left + theme.px(9), row.top + theme.px(29))
        if figure == "no sample":
            theme.text(surface, figure, at, size=14, weight=600, colour="stale")
            return
        drawn = theme.text(surface, figure, at, size=17, weight=600)
        theme.text(surface, unit, (drawn.right + theme.px(4), at[1]), size=12, colour="text_3")

    def _name_room(self, strip: Strip) -> int:
        """What the figures of the axis leave to the name of a chart [window px]."""
        theme = self._theme
        axis = max((theme.measure(text, size=11)[0] for _, text in axis_texts(strip)), default=0)
        return self._gutter_width - theme.px(16 + 9 + 7 + 6) - axis  # inset, tag, and the gaps on both sides

    def _figure(self, chart: Chart, moment: Moment, silences: Sequence[Silence]) -> tuple[str, str]:
        line = chart.lines[0]
        silent = self._is_silent(chart, moment, silences)
        value = None if silent else moment.session.value(line.signal, moment.t)
        if value is None:
            return "no sample", ""
        near = chart.limits[0].value if chart.limits else None
        return shown(value * line.factor + line.offset, chart.si, near=near)

    def _is_silent(self, chart: Chart, moment: Moment, silences: Sequence[Silence]) -> bool:
        """Whether what the chart shows was not sent at the moment: an old value is no value."""
        now = {silence.unit for silence in silences if silence.since <= moment.t <= silence.until}
        return bool(now) and is_sample(
            chart, now & {sensor.name for sensor in moment.session.inputs(moment.t)}
        )

    # -- cursor and pointer ------------------------------------------------------------------------------

    def _cursor(
        self, surface: pygame.Surface, rect: pygame.Rect, moment: Moment, colour: str, bottom: int
    ) -> None:
        theme = self._theme
        x = round(self._view.x(moment.t))
        top = rect.top + theme.px(3 + _FLAG)
        surface.fill(theme.colour(colour), (x, top, max(1, theme.px(1)), bottom - top))
        self._flag(
            surface, time_text(moment.t, span=moment.session.horizon), x, rect.top + theme.px(3), colour
        )

    def _flag(self, surface: pygame.Surface, text: str, x: int, top: int, colour: str) -> None:
        theme = self._theme
        width = theme.measure(text, size=13, weight=600)[0] + theme.px(18)
        left = min(
            max(x - width // 2, self._view.left - theme.px(16)),
            self._view.left + self._view.width - width + theme.px(16),
        )
        flag = pygame.Rect(left, top, width, theme.px(_FLAG))
        ink.rounded(surface, flag, theme.rgb(colour), theme.px(4))
        theme.text(
            surface,
            text,
            (flag.centerx, flag.top + theme.px(14.5)),
            size=13,
            weight=600,
            colour="ink",
            anchor="center",
        )


def moment_is_whole(session: Session | None) -> bool:
    """Whether everything that will be known of the run is known."""
    return session is not None and session.mode == "replay"
