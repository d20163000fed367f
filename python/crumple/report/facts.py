"""What a report says, read from a run folder: everything but the looks."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from crumple import run_folder, wording
from crumple.metrics import risk
from crumple.report.plot import Level, Line, Mark, Plot, Window
from crumple.requirement_result import RequirementResult, limit_text
from crumple.scene_metrics import MetricResult
from crumple.view.figures import limit as limit_shown
from crumple.view.figures import percent, shown, shown_text, time_text
from crumple.view.panels.chart_list import Chart, chart_of, charts_of
from crumple.view.panels.chart_list import Line as ChartLine
from crumple.view.replay_session import ReplaySession
from crumple.view.requirement_rows import final_row
from crumple.view.session import RequirementRow

_LIMIT_AT = 0.8  # of the bar's track, so that all limits stand in one line
_CUT = 1.25  # times the limit, where a bar ends
_MOST_SIGNALS = 8
WORDS = {
    "pass": "held",
    "at_risk": "held, at risk",
    "fail": "failed",
    "inconclusive": "not seen to the end",
    "not_applicable": "does not apply",
    "holding": "not decided",
    "error": "not judged",
}
VERDICTS = {
    "pass": "PASS",
    "fail": "FAIL",
    "inconclusive": "INCONCLUSIVE",
    "error": "ERROR",
    "done": "DONE",
    "undecided": "UNDECIDED",
}
# metric or signal: part of the body, what its value is converted to, the risk
_INJURIES: Mapping[str, tuple[str, float, Any, str]] = {
    "hic15": ("head", 1.0, risk.head_ais3, "AIS 3+"),
    "nij": ("neck", 1.0, risk.neck_ais3, "AIS 3+"),
    "bric": ("brain", 1.0, risk.brain_ais3, "AIS 3+"),
}
_LENGTHS = {"m": 1.0, "mm": 1e-3, "cm": 1e-2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A requirement in the table. fill: share of the track [%].   over: its part beyond the limit is hatched."""

    name: str
    note: str
    doc: str
    state: str
    word: str
    value: str
    limit: str
    fill: float
    over: bool
    cut: bool
    margin: str
    when: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A plot with its heading."""

    title: str
    note: str
    plot: Plot


class Facts:
    """A run, read for its report. Raises CrumpleError where the folder holds no run, or a damaged one."""

    def __init__(self, folder: Path) -> None:
        self.session = ReplaySession(folder, still=True)
        self.result = self.session.result
        self.manifest: dict[str, Any] = run_folder.read_json(folder, run_folder.MANIFEST)
        self.results = [r for r in self.session.results() if r.status != "not_applicable"]
        self.skipped = [r for r in self.session.results() if r.status == "not_applicable"]

    # -- the verdict ---------------------------------------------------------------------------------------

    @property
    def verdict(self) -> str:
        """Of the run; "undecided" where it was cut off."""
        return self.session.verdict()[0]

    def headline(self) -> str:
        """The sentence of the banner, as the terminal says it."""
        if self.verdict == "pass":
            held = wording.count(len(self.results), "requirement")
            return f"{held} held over the whole {wording.time(self.session.end() - self.session.start)}"
        return self.result.reasons[0] if self.result.reasons else self.session.verdict()[1]

    def causes(self) -> list[str]:
        """What else is to be said at once: where, when, why."""
        if self.verdict == "pass":
            tight = self.decisive()
            if tight is None or tight.margin is None:
                return []
            return [
                f"The tightest is {tight.name}: {shown_value(tight)} against {shown_limit(tight)}, "
                f"a margin of {percent(tight.margin)}."
            ]
        held = sum(r.status == "pass" for r in self.results)
        more = [f"{text}." for text in (*self.result.reasons[1:4], *self.result.hints[:2])]
        if self.results and self.verdict in ("fail", "inconclusive"):
            more.append(f"{held} of {wording.count(len(self.results), 'requirement')} held.")
        return more

    def decisive(self) -> RequirementResult | None:
        """The requirement that decided: of those that failed the first in the scene, else the tightest that held."""
        for status in ("fail", "inconclusive"):
            found = [r for r in self.results if r.status == status]
            if found:
                return found[0]
        held = [r for r in self.results if r.margin is not None and not _exact(r)]
        return min(held, key=lambda r: math.inf if r.margin is None else r.margin, default=None)

    # -- requirements --------------------------------------------------------------------------------------

    def rows(self) -> list[Row]:
        """All requirements that apply, in the order of the scene."""
        return [_row(result, self.session.end()) for result in self.results]

    def metrics(self) -> list[tuple[str, str, str, str]]:
        """Name, value, when and meaning of each metric of the scene."""
        required = {r.name for r in self.session.results()}  # which the table of requirements has already
        return [
            (each.name, _metric_text(each), _moment(each.at), each.doc or each.what)
            for each in self.result.metric_results
            if each.name not in required
        ]

    def injuries(self) -> list[tuple[str, str, str, str, str]]:
        """Part of the body, criterion, value, risk and its scale, for those that have a published risk curve."""
        found = []
        for r in self.results:
            part = _injury(r)
            if part is not None:
                found.append(
                    (part[0], r.name, shown_value(r), wording.number(part[1] * 100, digits=2) + " %", part[2])
                )
        return found

    def faults(self) -> list[tuple[str, str, str, str, str]]:
        """Name, place, what it does, when, and whether it acted, of each fault of the scene."""
        known = {str(f.get("name")): f for f in self.manifest.get("faults", ())}
        rows: list[tuple[str, str, str, str, str]] = []
        for row in self.session.faults(self.session.end()):
            tag = known.get(row.name, {}).get("id")
            rows.append((row.name + (f" ({tag})" if tag else ""), row.on, row.text, row.when, row.state))
        return rows

    # -- pictures ------------------------------------------------------------------------------------------

    def moment(self) -> float | None:
        """The decisive moment [s]."""
        found = self.decisive()
        return None if found is None else final_row(found).at

    def decisive_figures(self) -> list[Figure]:
        """The requirement that decided, and the one after it in weight: the signals around the moment."""
        first = self.decisive()
        if first is None:
            return []
        others = [
            r for r in self.results if r is not first and r.signals and set(r.signals) != set(first.signals)
        ]
        others.sort(key=lambda r: (r.status == "pass", _exact(r), math.inf if r.margin is None else r.margin))
        chosen = [first, *others[:1]]
        return [figure for r in chosen if (figure := self._figure_of(r)) is not None]

    def signal_figures(self, *, first: str | None = None) -> list[tuple[Figure, tuple[ChartLine, ...]]]:
        """The charts of the scene, and signals of the requirements that they lack, each with what it draws.

        first: a signal that shall come first.
        """
        charts = charts_of(self.session)
        if first is not None and first in set(self.session.names()):
            charts = [c for c in charts if all(line.signal != first for line in c.lines)]
            charts.insert(0, chart_of(self.session, first, 0))
        drawn = {line.signal for chart in charts for line in chart.lines}
        for r in self.results:
            for name in r.signals:
                if name not in drawn and name in set(self.session.names()) and len(charts) < _MOST_SIGNALS:
                    drawn.add(name)
                    charts.append(chart_of(self.session, name, len(charts)))
        marks = self._fault_marks()
        return [(self._figure(chart, marks=marks), chart.lines) for chart in charts[:_MOST_SIGNALS]]

    def _figure_of(self, r: RequirementResult) -> Figure | None:
        signals = [name for name in r.signals if name in set(self.session.names())]
        if not signals:
            return None
        number = 0 if r is self.decisive() else 2
        chart = next(
            (c for c in charts_of(self.session) if c.lines[0].signal == signals[0]),
            chart_of(self.session, signals[0], number),
        )
        row = final_row(r)
        colour = {"pass": "pass", "fail": "fail"}.get(r.status, "inconclusive")
        windows = []
        marks = self._fault_marks() + self._event_marks()
        if r.worst is not None and r.worst[0] < r.worst[1]:
            text = f"{r.title} {shown_value(r)}" if r.title != r.what else r.name
            windows.append(Window(since=r.worst[0], until=r.worst[1], text=text, colour=colour))
        elif row.at is not None:
            marks.append(Mark(t=row.at, text=f"{r.name}: {shown_value(r)}", colour=colour))
        levels = []
        if r.what == signals[0] and r.limit is not None and r.si == (chart.si or ""):
            levels.append(Level(value=r.limit, text=limit_text(r)))
        return self._figure(chart, title=r.name, note=r.what, windows=windows, marks=marks, levels=levels)

    def _figure(
        self,
        chart: Chart,
        *,
        title: str = "",
        note: str = "",
        windows: Sequence[Window] = (),
        marks: Sequence[Mark] = (),
        levels: Sequence[Level] = (),
    ) -> Figure:
        lines = []
        for line in chart.lines:
            t, y = self.session.series(line.signal)
            label = line.label if len(chart.lines) > 1 else ""
            lines.append(Line(t=t, y=y * line.factor + line.offset, colour=line.colour, label=label))
        limits = [Level(value=each.value, text=each.text) for each in chart.limits]
        names = ", ".join(line.signal for line in chart.lines)
        plot = Plot(
            lines=lines,
            si=chart.si,
            since=self.session.start,
            until=self.session.end(),
            windows=windows,
            marks=marks,
            levels=[*limits, *levels],
            span=chart.span,
        )
        return Figure(
            title=title or chart.label, note=note or (names if names != chart.label else ""), plot=plot
        )

    def _fault_marks(self) -> list[Mark]:
        return [Mark(t=e.t, text=e.name, colour="fault") for e in self.session.events() if e.kind == "fault"]

    def _event_marks(self) -> list[Mark]:
        named = [e for e in self.session.events() if e.kind == "event" and e.t > self.session.start]
        return [Mark(t=e.t, text=e.name) for e in named[:4]]

    # -- provenance ----------------------------------------------------------------------------------------

    def conditions(self) -> list[tuple[str, bool | None, str]]:
        """What had to hold for a pass: name, whether it does, and what was really checked."""
        return [(c.name, c.holds, c.evidence) for c in self.result.conditions]

    def timing(self) -> list[tuple[str, str]]:
        """How the run kept time; empty where it was not timed."""
        row = self.session.timing(self.session.end())
        if row is None or math.isnan(row.p50):
            return []
        step = " / ".join(time_text(v) for v in (row.p50, row.p99, row.worst))
        return [
            ("a tick may take", time_text(row.budget)),
            ("it took, p50 / p99 / worst", step),
            ("missed deadlines", f"{row.missed:,}"),
            ("slips of the schedule", f"{row.slips:,}"),
        ]

    def started(self) -> str:
        """The date of the run."""
        try:
            moment = datetime.fromisoformat(str(self.manifest["started"]))
        except (KeyError, ValueError):
            return ""
        return f"{moment.day} {moment:%B %Y, %H:%M} UTC"

    def provenance(self) -> list[tuple[str, str]]:
        """Hashes, versions, clock, seed, host, digest."""
        m = self.manifest
        period = wording.time(self.session.period)
        ticks = wording.count(self.result.tick, "tick")
        models = [
            f"{name} {unit.get('model', '')!s} {_short(unit.get('sha256'))}"
            for name, unit in m.get("units", {}).items()
        ]
        return [
            (
                "scene",
                ", ".join(f"{Path(f['path']).name} {_short(f.get('sha256'))}" for f in m.get("files", ())),
            ),
            (
                "models",
                " · ".join(models[:12]) + (f" and {len(models) - 12} more" if len(models) > 12 else ""),
            ),
            ("parameters", ", ".join(f"{k} = {v}" for k, v in m.get("parameters", {}).items()) or "none"),
            ("clock", f"{period}, {ticks}, seed {self.session.seed}"),
            ("digest", self.result.digest or "none: the run did not end"),
            ("crumple", f"{m.get('crumple', '')}, Python {str(m.get('python', '')).partition(' ')[0]}"),
            ("host", str(m.get("platform", ""))),
            ("run", self.session.folder.name),
        ]

    def command(self) -> str:
        """What runs it again."""
        given = self.manifest.get("set") or {}
        parts = [f"--set {k}={_quoted(v)}" for k, v in given.items()]
        if self.session.seed:
            parts.append(f"--seed {self.session.seed}")
        return " ".join(["crumple run", self.session.name, *parts])


def _row(r: RequirementResult, end: float) -> Row:
    row: RequirementRow = final_row(r)
    fill, over, cut = _bar(r)
    margin = "" if row.margin is None or _exact(r) else percent(row.margin)
    return Row(
        name=r.name,
        note=row.note,
        doc=r.doc,
        state=row.state,
        word=WORDS[row.state],
        value=shown_value(r),
        limit=shown_limit(r),
        fill=fill,
        over=over,
        cut=cut,
        margin=margin,
        when=_moment(r.worst) if r.worst != (end, end) else "at the end",
    )


def _bar(r: RequirementResult) -> tuple[float, bool, bool]:
    """How far the bar reaches [%], whether it is beyond the limit, and whether it is cut."""
    if r.value is None or r.status == "inconclusive":
        return 0.0, False, False
    if r.relation == "equals":
        near = r.margin if r.margin is not None else 0.0
        share = 1.0 - near if r.within else (1.0 if r.status == "pass" else _CUT)
    elif r.limit == 0.0 or math.isinf(r.value):
        share = 0.0 if r.status == "pass" else _CUT
    elif r.margin is not None:
        share = 1.0 - r.margin
    else:
        share = 1.0 if r.status == "pass" else _CUT
    share = max(share, 0.0)
    return 100.0 * _LIMIT_AT * min(share, _CUT), r.status == "fail", share > _CUT


def shown_value(r: RequirementResult) -> str:
    """The value of a requirement; "?" where nothing was seen."""
    if r.value is None:
        return "?"
    if math.isinf(r.value) and r.value > 0:
        return "never"
    return shown_text(r.value, r.si, near=r.limit)


def _metric_text(metric: MetricResult) -> str:
    return metric.text if metric.value is None else shown_text(metric.value, metric.si, near=metric.value)


def shown_limit(r: RequirementResult | None) -> str:
    """The limit of a requirement with its sign."""
    return "" if r is None else limit_shown(r.relation, r.limit, r.si)


def _exact(r: RequirementResult) -> bool:
    """A flag or a count that is just what is asked for: its margin says nothing."""
    return r.si in ("", "1", "-") and r.value == r.limit


def _moment(at: Sequence[float] | None) -> str:
    if at is None:
        return ""
    if at[0] == at[1]:
        return f"at {time_text(at[0])}"
    first, second = shown(at[0] * 1e3, "ms") if at[1] <= 1.0 else shown(at[0], "s"), time_text(at[1])
    return f"{first[0]} to {second}"


def _injury(r: RequirementResult) -> tuple[str, float, str] | None:
    if r.value is None or not math.isfinite(r.value):
        return None
    name = re.match(r"(\w+)\(", r.what)
    if name is not None and name[1] in _INJURIES:
        part, factor, curve, scale = _INJURIES[name[1]]
        return part, float(curve(r.value * factor)), scale
    if r.what.rpartition(".")[2] == "chest_deflection" and r.si in _LENGTHS:
        return "chest", risk.chest_ais3(r.value * _LENGTHS[r.si]), "AIS 3+"
    return None


def _short(digest: Any) -> str:
    text = str(digest or "")
    return f"{text[:8]}…" if text else ""


def _quoted(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if re.fullmatch(r"[\w.+-]+", text) else "'" + text.replace("'", "'\\''") + "'"
