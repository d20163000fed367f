"""A run that was never made, for drawing panels: its figures are those a reader can check in the picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from crumple.view.session import (
    Event,
    FaultRow,
    InputRow,
    Moment,
    RequirementRow,
    Silence,
    State,
    TimingRow,
)


def requirement(name: str, state: State = "holding", **given: Any) -> RequirementRow:
    """A row; the margin is computed from value and limit where it is not given."""
    value, limit = given.get("value"), given.get("limit", 1.0)
    relation = given.get("relation", "max")
    margin = given.get("margin")
    if margin is None and value is not None and limit and math.isfinite(value):
        margin = (limit - value if relation == "max" else value - limit) / abs(limit)
    whole = {
        "note": "",
        "si": "",
        "relation": relation,
        "limit": limit,
        "final": None,
        "decided": None,
        "at": None,
    }
    return RequirementRow(
        **{**whole, **given, "name": name, "state": state, "value": value, "margin": margin}
    )


def timing(
    *, ticks: int = 84, missed: int = 0, period: float = 1e-4, seed: int = 0, **given: Any
) -> TimingRow:
    """Ticks of some 14 µs, one dearer; `missed` of them over their budget."""
    random = np.random.default_rng(seed)
    step = 13e-6 + 3e-6 * random.random(ticks)
    if ticks > 40:
        step[31] = 48e-6
    for number in range(missed if ticks else 0):
        step[ticks // 2 + 3 * number] = 1.2 * period
    whole = {
        "late": np.zeros(ticks),
        "budget": period,
        "p50": 14e-6,
        "p99": 21e-6,
        "worst": float(step.max()) if ticks else math.nan,
        "slips": 0,
        "by_unit": (
            ("controller", 7e-6),
            ("occupant", 2.6e-6),
            ("vehicle", 2e-6),
            ("sensor", 1.5e-6),
            ("restraint", 0.7e-6),
        ),
        "ratio": 7.1,
    }
    return TimingRow(**{**whole, **given, "step": step, "missed": missed})


@dataclass
class FakeSession:
    """All that a panel may ask, as fields."""

    name: str = "frontal_barrier"
    title: str = "56 km/h into a rigid wall, airbag controller under test"
    scene_view: Mapping[str, Any] = field(default_factory=dict)
    mode: Literal["replay", "live"] = "replay"
    period: float = 1e-4
    start: float = 0.0
    horizon: float = 0.150
    ticks: int = 1500
    seed: int = 0
    digest: str = "9f3c21abd0e1"
    units: int = 5
    fmus: int = 2
    certified: int = 2
    si: Mapping[str, str | None] = field(default_factory=dict)
    folder: Path = Path("runs/none")
    rows: Sequence[RequirementRow] = ()
    fault_rows: Sequence[FaultRow] = ()
    input_rows: Sequence[InputRow] = ()
    timing_row: TimingRow | None = field(default_factory=timing)
    gaps: Sequence[Silence] = ()
    word: tuple[str, str] = ("pass", "6 of 6 held over the whole 150 ms")
    how: str = "Replay 1/50"
    link_text: str = ""
    warning: str = ""

    def end(self) -> float:
        return self.horizon

    def names(self) -> Sequence[str]:
        return ()

    def series(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        return np.empty(0), np.empty(0)

    def value(self, name: str, t: float) -> float | None:
        return None

    def requirements(self, t: float) -> Sequence[RequirementRow]:
        return self.rows

    def faults(self, t: float) -> Sequence[FaultRow]:
        return self.fault_rows

    def inputs(self, t: float) -> Sequence[InputRow]:
        return self.input_rows

    def timing(self, t: float) -> TimingRow | None:
        return self.timing_row

    def events(self) -> Sequence[Event]:
        return ()

    def silences(self) -> Sequence[Silence]:
        return self.gaps

    def verdict(self) -> tuple[str, str]:
        return self.word

    def chip(self) -> str:
        return self.how

    def link(self) -> str:
        return self.link_text

    def note(self) -> str:
        return self.warning


def at(session: FakeSession, t: float = 0.073, *, playing: bool = False, frame: int = 0) -> Moment:
    """A moment of it."""
    return Moment(session, t, playing, 0.02, frame)


def crash(**given: Any) -> FakeSession:
    """A crash replayed at 73 ms: all held so far, one at risk."""
    rows = [
        requirement("head", note="HIC15", value=128.9, limit=700.0, final=166.7),
        requirement("chest", note="3 ms", value=25.9, limit=60.0, si="g", final=33.1),
        requirement("chest_deflection", value=19.6, limit=42.0, si="mm", final=26.5),
        requirement("time_to_fire", "at_risk", value=15.5, limit=16.9, si="ms", final=15.5, decided=0.0155),
        requirement("rebound_speed", value=0.0, limit=3.5, si="m/s", final=2.72),
        requirement("energy_closure", value=0.15, limit=1.0, si="%", final=0.19),
    ]
    fault = FaultRow(
        name="spike", on="controller.acceleration", text="−30 g, one sample", when="6.0 ms", state="over"
    )
    return FakeSession(**{"rows": rows, "fault_rows": [fault], **given})


def battery(**given: Any) -> FakeSession:
    """A battery that failed, over minutes."""
    rows = [
        requirement(
            "no_propagation", "fail", note="beyond cell 1", value=2.0, limit=0.0, si="cells", decided=340.0
        ),
        requirement(
            "max_temperature", "fail", note="cells 2–5", value=574.0, limit=130.0, si="degC", decided=254.0
        ),
        requirement(
            "warning_lead",
            "fail",
            note="before hazard",
            value=281.0,
            limit=300.0,
            si="s",
            relation="min",
            decided=340.0,
        ),
        requirement(
            "contactor_open", "pass", note="after alarm", value=0.5, limit=1.0, si="s", decided=300.0
        ),
        requirement("energy_closure", value=0.04, limit=1.0, si="%"),
    ]
    faults = [
        FaultRow(name="ntc_offset", on="bms.temperature_2", text="−15 K", when="0:00 on", state="active"),
        FaultRow(name="late_sampling", on="bms.temperature_1", text="10 s", when="from 4:00", state="active"),
        FaultRow(name="stuck", on="bms.temperature_3", text="stuck", when="by hand", state="armed"),
    ]
    whole = {
        "name": "battery_runaway",
        "title": "five 18650 cells in a row, 40 W on the first, G 0.14 W/K",
        "horizon": 900.0,
        "ticks": 1800,
        "period": 0.5,
        "units": 7,
        "fmus": 1,
        "certified": 1,
        "digest": "",
        "rows": rows,
        "fault_rows": faults,
        "timing_row": timing(period=1e-3, by_unit=(), ratio=60.0),
        "word": ("fail", "no_propagation failed at 5:40"),
        "how": "Running 60 ×",
    }
    return FakeSession(**{**whole, **given})


def driving(*, silent: bool = False, **given: Any) -> FakeSession:
    """A live run; silent: its radar is, so that four of five requirements stay open for ever."""
    state: State = "inconclusive" if silent else "holding"
    rows = [
        requirement(
            "impact_speed", state, value=None if silent else 0.0, limit=0.0, si="km/h", relation="equals"
        ),
        requirement("min_ttc", state, value=None if silent else 0.82, limit=0.6, si="s", relation="min"),
        requirement("reaction", "pass", note="after alarm", value=600.0, limit=700.0, si="ms", decided=2.8),
        requirement(
            "deceleration",
            state if silent else "pass",
            note="after 0.4 s",
            value=None if silent else 9.0,
            limit=5.0,
            si="m/s^2",
            relation="min",
        ),
        requirement("no_false_brake", state, note="TTC > 4 s", value=None if silent else 0.0, limit=0.0),
    ]
    inputs = [
        InputRow(
            name="radar",
            endpoint="tcp://127.0.0.1:5555",
            age=0.246 if silent else 0.004,
            max_age=0.05,
            state="fail_safe" if silent else "fresh",
            received=3050,
        )
    ]
    late = 20e-6 + 18e-6 * np.random.default_rng(1).random(256)
    whole = {
        "name": "aeb_pedestrian",
        "title": "50 km/h, adult from the nearside at 5 km/h, impact point 75 %",
        "mode": "live",
        "horizon": 5.0,
        "ticks": 5000,
        "period": 1e-3,
        "rows": rows,
        "input_rows": inputs,
        "timing_row": timing(ticks=256, period=1e-3, late=late, p99=220e-6, ratio=1.0, by_unit=()),
        "word": ("inconclusive", "4 of 5 were not observed to the end")
        if silent
        else ("undecided", "2 of 5 decided"),
        "how": "Held, radar silent" if silent else "Live 1.00 ×",
        "gaps": [Silence(unit="radar", since=3.05, until=3.296)] if silent else [],
        "link_text": "radar_rig session 7",
    }
    return FakeSession(**{**whole, **given})


def crowded(**given: Any) -> FakeSession:
    """Too much of everything, with names that are too long."""
    states = ("pass", "fail", "at_risk", "inconclusive", "holding", "error", "not_applicable")
    rows = [
        requirement(
            f"requirement_with_a_long_name_{n}",
            states[n % 7],
            note="resultant acceleration, 3 ms clip",
            value=12345.678 * n,
            limit=77777.5,
            si="N*m/rad",
            final=9e4,
        )
        for n in range(22)
    ]
    inputs = [
        InputRow(
            name=f"input_{n}_with_a_long_name",
            endpoint="tcp://192.168.178.100:5555",
            age=(0.004, None, 0.3)[n],
            max_age=0.05,
            state=("fresh", "none", "held")[n],
            received=3,
        )
        for n in range(3)
    ]
    faults = [
        FaultRow(
            name=f"fault_{n}_with_a_long_name",
            on="controller.acceleration_filtered_somewhere",
            text="bias of −30 g for one sample or two",
            when="12.0 ms to 40.0 ms",
            state=("armed", "active", "over")[n % 3],
        )
        for n in range(5)
    ]
    whole = dict(
        rows=rows,
        input_rows=inputs,
        fault_rows=faults,
        timing_row=timing(missed=3),
        name="a_scene_whose_name_is_far_too_long_for_any_window_of_any_size",
        title="a title that goes on and on and never comes to an end, whatever there is to be said",
        word=(
            "inconclusive",
            "a reason that is longer than what there is of room in the headline of a window",
        ),
        how="Waiting for front, rear and left",
        warning="view 24 Hz, run unaffected",
    )
    return driving(**{**whole, **given})
