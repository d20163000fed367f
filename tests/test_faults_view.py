"""How the viewer tells of faults: what the run said of them comes before what was planned."""

from __future__ import annotations

from typing import Any

import pytest

from crumple.faults import FaultPlan

pytest.importorskip("numpy")


def rows(planned: list[FaultPlan], events: list[dict[str, Any]], t: float) -> dict[str, tuple[str, str, str]]:
    from crumple.view.happenings import Faults

    faults = Faults(
        [plan.to_json() for plan in planned],
        period=0.1,
        start=0.0,
        time=lambda seconds: f"{seconds:g} s",
        si_of=lambda name: None,
    )
    faults.hear(events)
    return {row.name: (row.state, row.when, row.text) for row in faults.rows(t, [])}


def told(name: str, do: str, t: float) -> dict[str, Any]:
    return {"event": "fault", "fault": name, "do": do, "t": t}


PLANNED = [
    FaultPlan(name="asleep", on="a.u", kind="delay", delay=2, since=1, off=True),
    FaultPlan(name="sudden", on="a.u", kind="noise", value=2.0, si="m", when="a.u > 1 m"),
    FaultPlan(name="hand", on="a.u", kind="bias", value=3.0, si="m"),
    FaultPlan(name="perhaps", on="a", kind="kill", since=5, probability=0.5),
    FaultPlan(name="short", on="a.u", kind="stuck_at", since=5, duration=2),
]


def test_faults_that_have_not_acted_say_why() -> None:
    assert rows(PLANNED, [], 0.3) == {
        "asleep": ("off", "", "delay 200 ms"),
        "sudden": ("armed", "waits", "noise sigma 2 m"),
        "hand": ("armed", "by hand", "bias +3 m"),
        "perhaps": ("armed", "waits", "kill"),
        "short": ("armed", "0.5 s", "stuck at its last value"),
    }


def test_a_fault_acts_when_the_run_says_so() -> None:
    events = [told("sudden", "begins", 0.2), told("sudden", "ends", 0.4), told("asleep", "begins", 0.3)]
    assert rows(PLANNED, events, 0.25)["sudden"][:2] == ("active", "0.2 s")
    assert rows(PLANNED, events, 0.5)["sudden"][:2] == ("over", "0.2 s")
    assert rows(PLANNED, events, 0.5)["asleep"][:2] == ("active", "0.3 s")
    assert rows(PLANNED, [], 0.6)["short"][0] == "active"
    assert rows(PLANNED, [], 0.7)["short"][0] == "over"
