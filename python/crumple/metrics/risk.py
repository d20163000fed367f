"""Risk of injury on the abbreviated injury scale (AIS), from what a dummy measured.

Each function takes the criterion and returns a probability, 0 to 1. They are the curves of the US New Car
Assessment Program. Source: NHTSA, 73 FR 40016 (2008), Consumer Information; New Car Assessment Program, and, for
THOR and BrIC, the request for comments of 2015, as listed in the Safety Companion 2023.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from crumple.metrics.signal import MetricError

BASELINE = 0.15  # average risk that a relative risk score is taken against. UNVERIFIED

_CHEST: Mapping[str, float] = MappingProxyType({"h3_50m": 1.568, "h3_05f": 1.7212})  # per mm^0.4612
_FEMUR: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"h3_50m": (5.795, 0.5196), "h3_05f": (5.7949, 0.7619)}
)
_NIJ: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"h3_50m": (3.2269, 1.9688), "thor_50m": (6.047, 5.44)}
)


def _logistic(exponent: float) -> float:
    """1 / (1 + exp(x)), of any x: beyond the range of doubles it is 0."""
    return 1.0 / (1.0 + math.exp(exponent)) if exponent < 700.0 else 0.0


def _of(table: Mapping[str, object], dummy: str) -> None:
    if dummy not in table:
        raise MetricError(f"'{dummy}' has no such risk curve. There are: {', '.join(table)}.")


def head_ais3(hic15: float) -> float:
    """AIS 3+ of the head from HIC15: the normal distribution of (ln HIC15 - 7.45231) / 0.73998. HIC 700: 11.2 %."""
    if hic15 <= 0.0:
        return 0.0
    return 0.5 * math.erfc((7.45231 - math.log(hic15)) / 0.73998 / math.sqrt(2.0))


def chest_ais3(deflection: float, *, dummy: str = "h3_50m") -> float:
    """AIS 3+ of the chest from its deflection [m]: 1 / (1 + exp(10.5456 - c D^0.4612)), D in mm. 42 mm: 14.7 %.

    dummy: "h3_50m" (c = 1.568) or "h3_05f" (1.7212).
    """
    _of(_CHEST, dummy)
    return _logistic(10.5456 - _CHEST[dummy] * (abs(deflection) * 1e3) ** 0.4612)


def chest_ais3_thor(deflection: float) -> float:
    """AIS 3+ of the chest of THOR 50M from its deflection [m]: 1 - exp(-(D / 58.183 mm)^2.997)."""
    return -math.expm1(-((abs(deflection) * 1e3 / 58.183) ** 2.997))


def neck_ais3(nij: float, *, dummy: str = "h3_50m") -> float:
    """AIS 3+ of the neck from Nij: 1 / (1 + exp(a - b Nij)). Nij 1: 22.1 % for the 50th male.

    dummy: "h3_50m" (3.2269, 1.9688) or "thor_50m" (6.047, 5.44).
    """
    _of(_NIJ, dummy)
    a, b = _NIJ[dummy]
    return _logistic(a - b * nij)


def neck_force_ais3(force: float) -> float:
    """AIS 3+ of the neck of H3-50M from tension or compression [N]: 1 / (1 + exp(10.9745 - 2.375 F)), F in kN."""
    return _logistic(10.9745 - 2.375 * abs(force) * 1e-3)


def femur_ais2(force: float, *, dummy: str = "h3_50m") -> float:
    """AIS 2+ of the femur from its compression [N]: 1 / (1 + exp(a - b F)), F in kN. 10 kN: 35.5 %.

    dummy: "h3_50m" (5.795, 0.5196) or "h3_05f" (5.7949, 0.7619).
    """
    _of(_FEMUR, dummy)
    a, b = _FEMUR[dummy]
    return _logistic(a - b * abs(force) * 1e-3)


def brain_ais3(bric: float) -> float:
    """AIS 3+ of the brain from BrIC: 1 - exp(-((B - 0.523) / 0.531)^1.8); 0 up to 0.523."""
    return _brain(bric, 0.531)


def brain_ais4(bric: float) -> float:
    """AIS 4+ of the brain from BrIC: as AIS 3+ with a scale of 0.647."""
    return _brain(bric, 0.647)


def _brain(bric: float, scale: float) -> float:
    return -math.expm1(-((max(bric - 0.523, 0.0) / scale) ** 1.8))


def joint(*probabilities: float) -> float:
    """Probability of at least one of several independent injuries: 1 - (1 - p1) (1 - p2) ..."""
    for p in probabilities:
        if not 0.0 <= p <= 1.0:
            raise MetricError(f"{p!r} is no probability; it must lie between 0 and 1.")
    return 1.0 - math.prod(1.0 - p for p in probabilities)


def relative_risk_score(probability: float) -> float:
    """A joint probability over the baseline of 15 %, which is UNVERIFIED; below 1 is better than average."""
    return probability / BASELINE
