"""The scene battery_runaway: the published oven, propagation through a pack, and the verdict of every fault."""

from __future__ import annotations

import csv
import functools
from pathlib import Path
from typing import Any

import pytest

import crumple

LONE = {"cells": 1, "coupling_W_K": 0, "minutes": 60}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Runs the scene, each case once."""
    folder = tmp_path_factory.mktemp("battery")

    @functools.cache
    def run(*inject: str, **settings: Any) -> crumple.Result:
        return crumple.run("battery_runaway", set={"minutes": 16, **settings}, inject=inject, out=folder)

    return run


def failed(result: crumple.Result) -> set[str]:
    return {found.name for found in result.requirements if found.status == "fail"}


# ---- The oven --------------------------------------------------------------------------------------------


def test_a_lone_cell_in_the_oven_at_155_degrees_is_the_published_experiment(run: Any) -> None:
    result = run(oven_C=155, h_W_m2K=7.17, **LONE)
    assert result.metrics["max_temperature_C"] == pytest.approx(523.35, abs=0.1)
    assert result.metrics["runaway_min"] == pytest.approx(24.78, rel=5e-3)
    assert result.metrics["cells_lost"] == 1
    assert failed(result) == {"no_propagation"}


def test_at_140_degrees_it_stays_whole(run: Any) -> None:
    result = run(oven_C=140, h_W_m2K=7.17, **LONE)
    assert result.verdict == "pass"
    assert result.metrics["max_temperature_C"] == pytest.approx(147.7, abs=0.05)
    assert result.metrics["runaway_min"] is None
    assert result.metrics["cells_lost"] == 0


@pytest.mark.parametrize(("oven", "lost"), [(150, 0), (155, 1)])
def test_with_the_calibrated_film_coefficient_150_degrees_is_safe_and_155_is_not(
    run: Any, oven: float, lost: int
) -> None:
    assert run(oven_C=oven, h_W_m2K=18, **LONE).metrics["cells_lost"] == lost


# ---- The pack --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("coupling", "lost"), [(0.105, 1), (0.11, 2), (0.125, 2), (0.13, 5)])
def test_one_more_cell_joins_from_a_coupling_of_0_11_on_and_all_from_0_13(
    run: Any, coupling: float, lost: int
) -> None:
    result = run(coupling_W_K=coupling)
    assert result.metrics["cells_lost"] == lost
    assert ("no_propagation" in failed(result)) == (lost > 1)


def test_the_first_cells_go_in_their_order(run: Any) -> None:
    result = run(coupling_W_K=0.14, minutes=15)
    lost = [int((result.signals["pack.cell_state"][:, i] > 1.5).argmax()) for i in range(5)]
    assert lost == sorted(lost) and lost[0] > 0
    assert result.metrics["runaway_min"] == pytest.approx(3.1, abs=0.1)


def test_what_a_cell_loses_its_neighbours_get(run: Any) -> None:
    result = run(coupling_W_K=0.3, cells=12, columns=4, minutes=10)
    assert abs(result.signals["pack.conducted"].sum(axis=1)).max() < 1e-9
    assert result.requirements["energy_closure"].value < 1e-9


def test_a_grid_burns_down_where_the_heat_of_its_cells_is_that_of_a_cell_of_today(run: Any) -> None:
    result = run(cells=16, columns=4, coupling_W_K=0.2, trigger_W=80, energy_scale=3.13, minutes=8)
    assert result.metrics["cells_lost"] == 16
    assert "no_propagation" in failed(result)


def test_a_hundred_cells_can_be_run(run: Any) -> None:
    result = run(cells=100, minutes=1)
    assert result.signals["pack.cell_temperature"].shape[1] == 100
    assert len(result.signals.keys("cell_*.temperature")) == 100


def test_a_rule_of_its_own_says_whether_there_is_a_trigger(run: Any) -> None:
    assert run(test="oven", minutes=5).metrics["cells_lost"] == 0  # five cells in a cool oven
    assert run(test="trigger", cells=1, minutes=5).metrics["cells_lost"] == 1
    assert run(trigger_W=0, minutes=5).metrics["cells_lost"] == 0


# ---- The device under test, and its faults ----------------------------------------------------------------

CHARGING = {"use": "charge", "trigger_W": 0, "minutes": 30}


@pytest.mark.parametrize(
    ("inject", "settings", "broken"),
    [
        ([], {}, set()),
        (["internal_short"], {}, {"no_propagation", "cell_temperature", "warning_lead"}),
        (["ntc_stuck"], {}, {"warned_before_vent"}),
        (["ntc_open"], {}, set()),
        (["ntc_offset"], {}, set()),
        (["late_sampling"], {}, {"warned_before_vent"}),
        (["contactor_welded"], {}, {"contactor_opens"}),
        ([], CHARGING, set()),
        (["charger_overvoltage"], CHARGING, set()),
        (["charger_overvoltage", "contactor_welded"], CHARGING, {"contactor_opens", "cell_voltage"}),
        ([], {**CHARGING, "odd_charge_pct": 15}, set()),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else None,
)
def test_each_fault_has_its_verdict(run: Any, inject: list[str], settings: Any, broken: set[str]) -> None:
    result = run(*inject, **settings)
    assert failed(result) == broken
    assert result.verdict == ("fail" if broken else "pass")


@pytest.mark.parametrize("watts", [10, 60])
def test_a_short_of_any_power_is_one_cell_more(run: Any, watts: float) -> None:
    assert run("internal_short", short_W=watts).metrics["cells_lost"] >= 2


def test_the_management_stops_an_overvoltage_and_says_why(run: Any) -> None:
    result = run("charger_overvoltage", **CHARGING)
    assert result.signals["bms.cause"][-1] == 5
    assert 4.25 <= result.signals["string.highest_voltage"].max() < 4.27
    assert result.metrics["warning_min"] is None


def test_a_deaf_management_is_found_out(run: Any) -> None:
    result = run(
        **{"bms.temperature_max": "1000 degC", "bms.rise_limit": "100 K/s", "bms.sensor_max": "2000 degC"}
    )
    assert "warned_before_vent" in failed(result)


# ---- The cases file --------------------------------------------------------------------------------------


def test_the_cases_file_has_the_oven_and_the_pack() -> None:
    path = Path(__file__).parents[2] / "scenes" / "campaigns" / "battery_runaway.csv"
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert 20 <= len(rows) <= 200
    assert {row["cells"] for row in rows} >= {"1", "5"}
    assert len({tuple(row.values()) for row in rows}) == len(rows)
