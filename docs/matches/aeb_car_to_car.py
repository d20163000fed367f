"""What `aeb_car_to_car` matches: closed forms of braking, and the rear-end tests of version 4."""

from __future__ import annotations

import tempfile
from typing import Any

import crumple
from matches import Figure


def run(**values: Any) -> crumple.Result:
    """One run of the scene."""
    with tempfile.TemporaryDirectory() as folder:
        return crumple.run("aeb_car_to_car", set=values, out=folder, isolate=False)


def figures() -> list[Figure]:
    """Runs CCRs against the closed form, and CCRb of version 4."""
    quiet = {"aeb.partial": 0.0, "aeb.brake_time": 0.0, "car.drag_area": 0.0, "car.rolling": 0.0}
    found = []
    for kmh in (80, 110):
        result = run(scenario="CCRs", ego_kmh=kmh, impact_location_pct=125, **quiet)
        v = kmh / 3.6
        way = 5.0 * v - v * float(
            result.metrics["braked_at_s"] or 0.0
        )  # to the target, once braking is asked for
        # 0.1 s dead time, 0.3 s ramp to 9 m/s^2: the ramp costs 1.35 m/s and v * 0.3 s - 0.135 m
        left = way - 0.1 * v - (0.3 * v - 9.0 * 0.09 / 6.0)
        impact = ((v - 1.35) ** 2 - 18.0 * left) ** 0.5 * 3.6
        ours = float(result.metrics["impact_speed_kmh"] or 0.0)
        found.append(
            Figure(
                what=f"impact speed from {kmh} km/h at an overlap of 25 %, braked too late",
                published=f"{impact:.3f} km/h",
                source="uniform deceleration behind dead time and ramp, closed form",
                ours=f"{ours:.3f} km/h",
                off=f"{abs(ours - impact):.3f} km/h",
            )
        )
    avoided = sum(
        run(scenario="CCRb", ego_kmh=50, headway_m=headway, target_deceleration=a).metrics["points"] == 1.0
        for headway in (12, 40)
        for a in (2, 6)
    )
    found.append(
        Figure(
            what="CCRb at 50 km/h, headway 12 and 40 m, 2 and 6 m/s²: avoided",
            published="4 of 4 is what scores fully",
            source="Euro NCAP AEB C2C 4.3.1",
            ours=f"{avoided} of 4",
            off=f"{4 - avoided}",
        )
    )
    return found
