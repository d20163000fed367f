"""Faults of a scene: on which input, how wrong, and when."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crumple.live.plan import FaultPlan
from crumple.scene import load_scene
from fmu_build import build_fmu
from live_scene import LIVE, written
from ramp_scene import mistakes, writer


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    return writer(tmp_path)


def test_faults_are_in_the_inputs_unit_from_tick_to_tick_and_in_the_order_of_their_names(write: Any) -> None:
    faults = """
[faults.loose]
on = "meter.a"
kind = "stuck_at"
value = "19.6133 m/s^2"
from = "12 ms"
until = "40.5 ms"
doc = "plug"
[faults.drop]
on = "meter.a"
kind = "gain"
value = "90 %"
from = "10.2 ms"
[faults.hand]
on = "squib.y"
kind = "bias"
value = 0.25
manual = true
[faults.frozen]
on = "squib.part"
kind = "stuck_at"
from = 0
"""
    assert written(write, faults).faults == (
        FaultPlan(name="drop", on="meter.a", kind="gain", value=0.9, since=11),
        FaultPlan(name="frozen", on="squib.part", kind="stuck_at", since=0),
        FaultPlan(name="hand", on="squib.y", kind="bias", value=0.25),
        FaultPlan(name="loose", on="meter.a", kind="stuck_at", value=2.0, since=12, until=41, doc="plug"),
    )


def test_a_bias_on_a_temperature_is_a_difference_and_an_item_has_its_number(write: Any) -> None:
    fmu = build_fmu("units2")
    text = f"""
crumple = 1
[clock]
period = "1 ms"
stop = "1 s"
start = "500 ms"
[units.a]
fmu = "{fmu}"
[units.b]
fmu = "{fmu}"
[connect]
"b.temperature_degC" = "a.temperature_out"
"b.gear" = "a.gear_out"
"""
    fault = '[faults.{}]\non = "{}"\nkind = "{}"\nvalue = {}\nfrom = "510 ms"\n'
    faults = fault.format("warm", "b.temperature_degC", "bias", '"5 K"')
    faults += fault.format("hot", "b.temperature_degC", "stuck_at", '"300 K"')
    if load_scene(write(text)).units["b"].ports.find_input("gear") is not None:  # type: ignore[union-attr]
        faults += fault.format("gear", "b.gear", "stuck_at", '"drive"')
    by_name = {plan.name: plan for plan in written(write, faults, text=text).faults}
    assert by_name["warm"].value == 5.0
    assert by_name["hot"].value == pytest.approx(26.85, rel=1e-14)
    assert by_name["warm"].since == 10  # counted from the start, 500 ms


def test_a_fault_on_an_element_needs_that_this_element_is_fed(write: Any) -> None:
    fmu = build_fmu("all_types3")
    text = f"""
crumple = 1
[clock]
period = "1 ms"
stop = "1 s"
[units.a]
fmu = "{fmu}"
start = {{ n = 2, v_in = [7, 8], grid_in = [[1, 2], [3, 4]] }}
[units.b]
fmu = "{fmu}"
start = {{ n = 2, v_in = [7, 8], grid_in = [[1, 2], [3, 4]] }}
[connect]
"b.v_in[1]" = "a.v_out[0]"
[faults.stuck]
on = "b.v_in[ELEMENT]"
kind = "stuck_at"
from = 0
"""
    assert len(written(write, text=text.replace("ELEMENT", "1")).faults) == 1
    [text] = mistakes(write(text.replace("ELEMENT", "0")))
    assert text.startswith('faults.stuck.on: "b.v_in[0]" is fed by nothing')


def test_a_fault_that_names_its_kind_replaces_the_included_one(write: Any) -> None:
    fault = '[faults.f]\non = "meter.a"\nkind = "gain"\nvalue = 2\nfrom = "1 ms"\nuntil = "2 ms"\n'
    write(LIVE + fault, "live.toml")
    text = 'crumple = 1\ninclude = "live.toml"\n[faults.f]\n'
    [later] = written(write, 'from = "2 ms"\nuntil = "3 ms"', text=text).faults
    assert (later.kind, later.since, later.until) == ("gain", 2, 3)
    [other] = written(write, 'on = "meter.a"\nkind = "stuck_at"\nmanual = true', text=text).faults
    assert other == FaultPlan(name="f", on="meter.a", kind="stuck_at")
