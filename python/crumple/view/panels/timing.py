"""How the run keeps time: a bar for each tick against its budget, four figures, and what each unit costs."""

from __future__ import annotations

import math

import numpy as np
import pygame

from crumple.view import figures, ink
from crumple.view.layout import INSIDE
from crumple.view.panels.panel import Panel
from crumple.view.panels.requirements import CUT_AT, LIMIT_AT
from crumple.view.session import Moment, Numbers, Session, TimingRow

_LINE, _FOOT = 44, 74  # the dashed line of the budget and the foot of the bars, from the top of the panel
_HIGHEST = 38  # of a bar; one that is over its budget stands out over the line
_LABELS, _FIGURES = 93, 110
_STACK, _STACK_LABELS = 122, 141
_PITCH = 4
_SHARES = (0.86, 0.66, 0.50, 0.38, 0.29, 0.23)  # of the accent, from the dearest unit on


class Timing(Panel):
    """Draws it. Target: "unit:NAME" for each stretch of the stack that has a name."""

    turn = 4

    def paint(self, surface: pygame.Surface, rect: pygame.Rect, moment: Moment) -> None:
        """What is not known is said, never drawn as nothing."""
        theme, px = self.theme, self.theme.px
        session = moment.session
        timing = session.timing(moment.t)
        self.title(surface, rect, "Timing", pace(session, timing))
        left, right = rect.left + px(INSIDE), rect.right - px(INSIDE)
        if timing is None:
            theme.text(surface, "Not timed.", (left, rect.top + px(52)), colour="text_3", width=right - left)
            return
        if len(timing.step):
            self._bars(surface, rect, timing)
        elif timing.worst > 0:
            self._spread(surface, rect, timing)
        else:
            text = "no tick was timed" if math.isfinite(timing.p50) else timing.note or "not timed, free run"
            theme.text(surface, text, (left, rect.top + px(62)), size=12, colour="text_3", width=right - left)
        if rect.height >= px(_FIGURES + 8):
            self._figures(surface, rect, moment, timing)
        if timing.by_unit and rect.height >= px(_STACK_LABELS + 8):
            self._stack(surface, rect, timing)

    def _bars(self, surface: pygame.Surface, rect: pygame.Rect, timing: TimingRow) -> None:
        theme, px = self.theme, self.theme.px
        left, right = rect.left + px(INSIDE), rect.right - px(INSIDE)
        line, foot = rect.top + px(_LINE), rect.top + px(_FOOT)
        pitch, gap = max(px(_PITCH), 2), max(px(1), 1)
        places = max((right - left) // pitch, 1)
        heights, missed = worst_of_bins(timing, places)
        one = (foot - line) / timing.budget if timing.budget > 0 else 0.0
        colour, broken = theme.mix("panel", "accent", 0.72), theme.colour("fail")
        start = left + (places - len(heights)) * pitch
        for number, (height, miss) in enumerate(zip(heights.tolist(), missed.tolist(), strict=True)):
            tall = max(min(round(height * one), px(_HIGHEST)), px(3))
            surface.fill(broken if miss else colour, (start + number * pitch, foot - tall, pitch - gap, tall))
        surface.fill(theme.colour("hairline"), (left, foot, right - left, 1))
        ink.dashed_across(surface, theme.rgb("text_3"), left, right, line, on=px(4), off=px(3))

    def _spread(self, surface: pygame.Surface, rect: pygame.Rect, timing: TimingRow) -> None:
        """Where only the figures of the whole run were kept: from nothing to p50, p99 and the worst, and the budget."""
        theme, px = self.theme, self.theme.px
        track = pygame.Rect(rect.left + px(INSIDE), rect.top + px(60), rect.width - 2 * px(INSIDE), px(8))
        budget = track.left + round(LIMIT_AT * track.width)
        x50, x99, worst = (
            track.left + round(min(cost / timing.budget, CUT_AT) * LIMIT_AT * track.width)
            if timing.budget > 0
            else 0
            for cost in (timing.p50, timing.p99, timing.worst)
        )
        ink.bar(surface, track, theme.rgb("raised"))
        broken = timing.missed > 0 and worst > budget
        for end, shade in (
            (worst, theme.mix("panel", "accent", 0.22)),
            (x99, theme.mix("panel", "accent", 0.42)),
        ):
            ink.bar(
                surface, pygame.Rect(track.left, track.top, end - track.left, track.height), theme.rgb(shade)
            )
        if broken:
            beyond = pygame.Rect(budget, track.top, worst - budget, track.height)
            ink.hatch(surface, beyond, theme.rgb("fail"), pitch=px(4), width=1.3 * theme.k)
        p50 = pygame.Rect(track.left, track.top, max(x50 - track.left, track.height), track.height)
        ink.bar(surface, p50, theme.rgb(theme.mix("panel", "accent", 0.78)))
        thick = max(px(2), 2)
        colour = theme.colour("fail" if broken else "accent")
        surface.fill(colour, (worst - thick, track.top - px(3), thick, track.height + 2 * px(3)))
        top, foot = rect.top + px(_LINE), rect.top + px(_FOOT + 4)
        ink.dashed_down(surface, theme.rgb("text_3"), budget, top, foot, on=px(4), off=px(3))

    def _figures(self, surface: pygame.Surface, rect: pygame.Rect, moment: Moment, timing: TimingRow) -> None:
        theme, px = self.theme, self.theme.px
        left = rect.left + px(INSIDE)
        column = (rect.width - 2 * px(INSIDE)) / 4
        for number, (label, figure, colour) in enumerate(four_figures(moment, timing)):
            x = left + round(number * column)
            room = column - px(6)
            theme.text(surface, label, (x, rect.top + px(_LABELS)), size=11, colour="text_3", width=room)
            at = x, rect.top + px(_FIGURES)
            theme.text(surface, figure, at, weight=600, colour=colour, width=room)

    def _stack(self, surface: pygame.Surface, rect: pygame.Rect, timing: TimingRow) -> None:
        theme, px = self.theme, self.theme.px
        left, right = rect.left + px(INSIDE), rect.right - px(INSIDE)
        shown = largest(timing.by_unit, len(_SHARES))
        total = sum(cost for _, cost in shown)
        if total <= 0:
            return
        gap, tall = px(2), px(6)
        width = right - left - gap * (len(shown) - 1)
        done, label_end = 0.0, float(left)
        for number, (name, cost) in enumerate(shown):
            x1 = left + round(done / total * width) + gap * number
            done += cost
            x2 = left + round(done / total * width) + gap * number
            part = pygame.Rect(x1, rect.top + px(_STACK), max(x2 - x1, 1), tall)
            ink.rounded(surface, part, theme.rgb(theme.mix("panel", "accent", _SHARES[number])), px(2))
            wide = theme.measure(name, size=11)[0]
            if x1 >= label_end and x1 + wide <= right:
                at = x1, rect.top + px(_STACK_LABELS)
                theme.text(surface, name, at, size=11, colour="text_3")
                label_end = x1 + wide + px(8)
                self.target(pygame.Rect(x1, part.top, max(part.width, wide), px(24)), f"unit:{name}")


def pace(session: Session, timing: TimingRow | None) -> str:
    """ "7.1 × real time", "1 kHz, real time", "last 256 ticks seen"."""
    if timing is not None and timing.note and len(timing.step):
        return timing.note
    if timing is None or not math.isfinite(timing.ratio) or timing.ratio <= 0:
        return ""
    if session.mode == "live" and abs(timing.ratio - 1.0) < 0.02:
        return f"{rate(session.period)}, real time"
    text = f"{figures.speed(timing.ratio)} real time"
    return f"{text}, {figures.count(timing.slips, 'slip')}" if timing.slips else text


def rate(period: float) -> str:
    """How often a period [s] fits into a second: "1 kHz", "2 Hz"."""
    hertz = 1.0 / period
    for factor, si in ((1e6, "MHz"), (1e3, "kHz"), (1.0, "Hz")):
        if hertz >= factor * 0.9999:
            return f"{hertz / factor:.4g} {si}"
    return f"{hertz:.3g} Hz"


def four_figures(moment: Moment, timing: TimingRow) -> list[tuple[str, str, str]]:
    """Label, figure, colour: what matters in a live run, or what the ticks of a recorded one cost."""
    session = moment.session
    missed = ("missed", f"{timing.missed:,}", "fail" if timing.missed else "text")
    if session.mode != "live" and not len(timing.step) and not math.isfinite(timing.p50):
        per_tick = session.period / timing.ratio if timing.ratio > 0 else math.nan
        ticks = round((session.end() - session.start) / session.period)  # as many as it came to
        return [
            ("ticks", f"{ticks:,}", "text"),
            ("wall time", figures.duration(per_tick * ticks), "text"),
            ("mean tick", figures.duration(per_tick), "text"),
            ("budget", figures.duration(timing.budget), "text"),
        ]
    if session.mode != "live":
        last = missed if timing.missed else ("budget", figures.duration(timing.budget), "text")
        return [
            ("tick p50", figures.duration(timing.p50), "text"),
            ("p99", figures.duration(timing.p99), "text"),
            ("worst", figures.duration(timing.worst), "text"),
            last,
        ]
    late = float(np.percentile(timing.late, 99)) if len(timing.late) else math.nan
    found = [missed, ("wake p99", figures.duration(late), "text")]
    inputs = [row for row in session.inputs(moment.t) if row.age is not None]
    if inputs:
        worst = max(inputs, key=lambda row: (row.age or 0.0) / (row.max_age or math.inf))
        old = worst.max_age is not None and worst.age is not None and worst.age > worst.max_age
        found.append(("link age", figures.duration(worst.age), "stale" if old else "text"))
    else:
        found.append(("worst", figures.duration(timing.worst), "text"))
    slack = 1.0 - timing.p99 / timing.budget if timing.budget > 0 else math.nan
    return [*found, ("slack", figures.percent(slack) or "–", "fail" if slack < 0 else "text")]


def worst_of_bins(timing: TimingRow, places: int) -> tuple[Numbers, Numbers]:
    """The dearest tick of each bin [s], and whether one of the bin missed its deadline. At most `places` bins."""
    step = timing.step
    ends = step + timing.late if len(timing.late) == len(step) else step
    missed = (ends > timing.budget) & (timing.missed > 0)
    if len(step) > places:
        starts = np.arange(places) * len(step) // places
        step = np.maximum.reduceat(step, starts)
        missed = np.logical_or.reduceat(missed, starts)
    return np.nan_to_num(step, nan=0.0), missed.astype(np.float64)


def largest(costs: tuple[tuple[str, float], ...], most: int) -> list[tuple[str, float]]:
    """The dearest units first; where there are too many, the last is the sum of the others."""
    ordered = sorted(((name, cost) for name, cost in costs if cost > 0), key=lambda item: -item[1])
    if len(ordered) <= most:
        return ordered
    rest = ordered[most - 1 :]
    return [*ordered[: most - 1], (f"{len(rest)} others", sum(cost for _, cost in rest))]
