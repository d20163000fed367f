"""What `aeb_pedestrian` matches: the geometry of the crossings, and what stopping takes."""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np

import crumple
from matches import Figure

GEOMETRY = "Euro NCAP AEB/LSS VRU 4.5.1, as in Vector's OpenSCENARIO files"
IN_SWATH = {"CPNA-25": 0.327, "CPNA-75": 0.980, "CPFA-50": 0.408, "CPNCO-50": 0.653}
UNBRAKED = {"aeb.looks": 1000}  # nothing is ever recognised


def signals(scenario: str, *names: str, **values: Any) -> list[Any]:
    """Signals of a run."""
    with tempfile.TemporaryDirectory() as folder:
        result = crumple.run(
            "aeb_pedestrian", set={"scenario": scenario, **values}, out=folder, isolate=False
        )
        return [np.array(result.signals[name]) for name in names]


def stopping() -> Figure:
    """Time to collision that stopping from 50 km/h takes, from the request for full braking to rest."""
    quiet = {"aeb.partial": 0.0, "car.drag_area": 0.0, "car.rolling": 0.0}
    request, position = signals("CPNA-75", "aeb.request", "car.position", **quiet)
    way = position[-1] - position[int(np.argmax(request <= -9.0))]
    ours = way / (50 / 3.6)
    return Figure(
        what="time to collision that stopping from 50 km/h takes",
        published="1.0192 s",
        source="v t_d + v t_r/2 + v²/2a − a t_r²/24, closed form",
        ours=f"{ours:.4f} s",
        off=f"{abs(ours - 1.0192) * 1e3:.2f} ms",
    )


def figures() -> list[Figure]:
    """Runs the four crossings unbraked, and one that stops."""
    found = []
    for scenario, published in IN_SWATH.items():
        [entered] = signals(scenario, "meet.swath_time", **UNBRAKED)
        ours = 5.0 - float(entered.max())  # the car is at the crossing at 5 s; -1 s before he steps in
        found.append(
            Figure(
                what=f"{scenario}: time before the car until the impact location",
                published=f"{published:.3f} s",
                source=GEOMETRY,
                ours=f"{ours:.4f} s",
                off=f"{abs(ours - published) * 1e3:.1f} ms",
            )
        )
    return [*found, stopping()]
