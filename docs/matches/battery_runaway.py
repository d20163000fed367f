"""What `battery_runaway` matches."""

from __future__ import annotations

import tempfile

import crumple
from crumple import Fmu, World
from matches import Figure

OVEN = "kinetics of Kim, Pesaran, Spotnitz (2007), solved implicitly (Radau)"
RISE = 578.7465  # [K], sum of the heats of all reactants over the heat capacity


def figures() -> list[Figure]:
    """The oven at 155 and 140 degC, and the adiabatic rise."""
    with tempfile.TemporaryDirectory() as folder:
        hot, warm = (
            crumple.run(
                "battery_runaway", set={"cells": 1, "h_W_m2K": 7.17, "oven_C": oven}, out=folder
            ).metrics
            for oven in (155, 140)
        )
    when, peak, safe = hot["runaway_min"], hot["max_temperature_C"], warm["max_temperature_C"]
    rise = adiabatic_rise()
    return [
        Figure("oven at 155 °C: runaway", "24.78 min", OVEN, f"{when:.2f} min", f"{when / 24.78 - 1:+.2%}"),
        Figure("oven at 155 °C: hottest", "523.35 °C", OVEN, f"{peak:.2f} °C", f"{peak - 523.35:+.2f} K"),
        Figure(
            "oven at 140 °C: hottest",
            "147.7 °C, no runaway",
            OVEN,
            f"{safe:.1f} °C, {'no runaway' if warm['runaway_min'] is None else 'runaway'}",
            f"{safe - 147.7:+.1f} K",
        ),
        Figure(
            "adiabatic rise",
            f"{RISE} K",
            "sum of the heats of reaction",
            f"{rise:.4f} K",
            f"{rise / RISE - 1:+.0e}",
        ),
    ]


def adiabatic_rise() -> float:
    """Of a cell that loses nothing, from 150 degC until nothing is left to react [K]."""
    world = World("100 s")
    start = {"start_temperature": "150 degC", "exposed_share": 0.0}
    world.add("cell", Fmu("battery_cell", start=start), isolate=False)
    world.reset()
    world.step(10_000)
    return float(world["cell.temperature"]) - 423.15
