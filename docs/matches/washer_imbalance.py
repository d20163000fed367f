"""What `washer_imbalance` matches."""

from __future__ import annotations

import math
import tempfile

import crumple
from matches import Figure

SOURCE = "closed form of the damped rotor on springs"
LEAST = 0.3 * 0.24 / 40.0 * 1e3  # m r / M [mm]
FREQUENCY, ZETA = 2.5, 0.15


def response(rpm: float) -> tuple[float, float]:
    """Amplitude [mm] and transmitted force [N]."""
    w_n, w = math.tau * FREQUENCY, math.tau * rpm / 60
    q = w / w_n
    x = LEAST * q * q / math.hypot(1 - q * q, 2 * ZETA * q)
    return x, x * 1e-3 * 40.0 * w_n * math.hypot(w_n, 2 * ZETA * w)


def figures() -> list[Figure]:
    """Amplitude and force at 800 and 1600 rpm, and the peak."""
    peak = 60 * FREQUENCY / math.sqrt(1 - 2 * ZETA**2)
    with tempfile.TemporaryDirectory() as folder:
        found = {
            rpm: crumple.run("washer_imbalance", set={"speed_rpm": rpm}, out=folder).metrics
            for rpm in (peak, 800, 1600)
        }
    rows = [
        ("largest amplitude over m r / M", response(peak)[0] / LEAST, found[peak]["amplitude_mm"] / LEAST, "")
    ]
    for rpm in (800, 1600):
        amplitude, force = response(rpm)
        rows.append((f"amplitude at {rpm} rpm", amplitude, found[rpm]["amplitude_mm"], " mm"))
        rows.append((f"transmitted force at {rpm} rpm", force, found[rpm]["transmitted_force_N"], " N"))
    return [
        Figure(what, f"{exact:.4f}{si}", SOURCE, f"{ours:.4f}{si}", f"{ours / exact - 1:+.0e}")
        for what, exact, ours, si in rows
    ]
