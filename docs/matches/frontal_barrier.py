"""frontal_barrier against the measured crash that it is fitted to, NHTSA test 10146."""

from __future__ import annotations

import tempfile

import numpy as np

import crumple
from crumple.metrics import cfc, chest_deflection, clip_3ms, hic15, iso18571, resultant
from matches import REFERENCE, Figure

G = 9.80665
TEST = "NHTSA test 10146"


def measured(channel: int, cfc_class: float) -> np.ndarray:
    """A channel of the test from contact on, 120 ms at 10 kHz, filtered."""
    folder = REFERENCE / "nhtsa10146"
    return cfc(np.loadtxt(folder / f"v10146.{channel:03d}")[:, 1], 1e-4, cfc_class)[500:1701]


def figures() -> list[Figure]:
    """Run the scene and compare it with the driver of the test."""
    with tempfile.TemporaryDirectory() as out:
        signals = crumple.run("frontal_barrier", out=out).signals
        head = signals["occupant.head_acceleration"] / G
        chest = cfc(signals["occupant.chest_acceleration_x"] / G, 1e-4, 180)
        deflection = signals["occupant.chest_deflection"] * 1e3
    real_head = resultant(*(measured(n, 1000) for n in (1, 2, 3)))
    real_chest, real_deflection = measured(13, 180), np.abs(measured(19, 600))
    pairs = [
        ("HIC15 of the driver", hic15(real_head, 1e-4), hic15(head, 1e-4), ""),
        ("chest, 3 ms, along the car", clip_3ms(real_chest, 1e-4), clip_3ms(chest, 1e-4), " g"),
        (
            "chest deflection",
            chest_deflection(real_deflection, 1e-4),
            chest_deflection(deflection, 1e-4),
            " mm",
        ),
    ]
    found = [
        Figure(what, f"{real:.1f}{si}", TEST, f"{ours:.1f}{si}", f"{100 * (ours / real - 1):+.1f} %")
        for what, real, ours, si in pairs
    ]
    for what, ours, real in (("chest", chest[:1201], real_chest), ("head", head[:1201], real_head)):
        rating = iso18571(ours, real)
        found.append(
            Figure(
                f"curve of the {what} acceleration, 0 to 120 ms, rated by ISO/TS 18571",
                "1",
                TEST,
                f"{rating.overall:.2f} ({rating.grade})",
                f"{1 - rating.overall:.2f}",
            )
        )
    return found
