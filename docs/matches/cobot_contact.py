"""What `cobot_contact` matches."""

from __future__ import annotations

import crumple
from crumple.metrics.contact import REGIONS, allowed_speed, contact_force, contact_time, reduced_mass
from matches import Figure

MODEL = "ISO/TS 15066:2016, A.3.4"


def figures() -> list[Figure]:
    """Force, time and allowed speed of a free contact, for all regions and robots of 5 to 25 kg."""
    grid = [(region, mass) for region in REGIONS for mass in (5, 10, 15, 25)]
    rows = [{"region": region, "robot_mass_kg": mass, "speed_mm_s": 250} for region, mass in grid]
    results = [result.metrics for result in crumple.cases("cobot_contact", rows)]
    force, speed, time = 0.0, 0.0, 0.0
    for (region, mass), found in zip(grid, results, strict=True):
        body = REGIONS[region]
        mu = reduced_mass(body.mass, mass)
        peak, allowed, lasts = (
            found[n] for n in ("peak_force_N", "allowed_speed_mm_s", "longest_contact_ms")
        )
        assert peak is not None and allowed is not None and lasts is not None
        force = max(force, abs(peak / contact_force(0.25, stiffness=body.stiffness, mass=mu) - 1))
        speed = max(speed, abs(allowed / (1e3 * allowed_speed(body, mass)) - 1))
        time = max(time, abs(lasts - 1e3 * contact_time(stiffness=body.stiffness, mass=mu)))
    chest = results[grid.index(("chest", 10))]
    return [
        Figure(
            "peak force, chest, 10 kg, 250 mm/s",
            "111.803 N = v sqrt(mu k)",
            MODEL,
            f"{chest['peak_force_N']:.3f} N",
            f"{force:.0e} of it, at most, over 12 regions and 4 masses",
        ),
        Figure(
            "speed allowed by force, same",
            "626.1 mm/s = F_T / sqrt(mu k)",
            MODEL,
            f"{chest['allowed_speed_mm_s']:.1f} mm/s",
            f"{speed:.0e} of it, at most, over all",
        ),
        Figure(
            "contact time, same",
            "56.20 ms = pi sqrt(mu/k)",
            MODEL,
            f"{chest['longest_contact_ms']:.1f} ms",
            f"{time:.2f} ms at most over all",
        ),
    ]
