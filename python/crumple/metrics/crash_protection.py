"""Euro NCAP 2026, crash protection: limits of adult dummies in frontal impacts, their colours and scores.

A criterion below its higher performance limit is green, at or above its lower one red, and between them, in thirds,
yellow, orange and brown; a limit belongs to the worse colour. A colour is a score, a body region has the score of
its worst criterion, and where a criterion reaches its capping limit the whole dummy has none.

    >>> limit("h3_50m_sled", "chest_deflection").colour(30.0)  # mm
    'orange'

Source: Euro NCAP, Crash Protection - Frontal Impact, protocol for 2026, as in Euro NCAP's own rating calculator,
euroncap-rating-2026 5.4.9. Values and limits are rounded to two decimals in these units, as there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from crumple.metrics.euro_ncap import COLOURS, Colour
from crumple.metrics.signal import MetricError

SCORES: Mapping[Colour, float] = MappingProxyType(
    {"green": 100.0, "yellow": 80.0, "orange": 40.0, "brown": 20.0, "red": 0.0}
)  # [%] of the points of a body region
HARD_CONTACT = 80.0  # [g] resultant head acceleration below which HIC15 and the 3 ms level are not assessed


@dataclass(frozen=True, slots=True)
class Limit:
    """Limits of one criterion, in the unit `si`: higher and lower performance, and capping (None without)."""

    higher: float
    lower: float
    capping: float | None
    si: str

    def colour(self, value: float) -> Colour:
        """The colour of a value >= 0 in the unit `si`. Equal limits know only green and red."""
        value = round(value, 2)
        third = (self.lower - self.higher) / 3.0
        edges = (self.higher, round(self.higher + third, 2), round(self.higher + 2.0 * third, 2), self.lower)
        return next((colour for colour, edge in zip(COLOURS, edges, strict=False) if value < edge), "red")

    def score(self, value: float) -> float:
        """The score [%] of a value in the unit `si`."""
        return SCORES[self.colour(value)]

    def caps(self, value: float) -> bool:
        """Whether a value in the unit `si` takes all points from the dummy."""
        return self.capping is not None and round(value, 2) >= self.capping


# criterion: unit
_UNITS = {
    "hic15": "1",
    "head_3ms": "g",
    "neck_shear": "kN",
    "neck_tension": "kN",
    "neck_extension": "Nm",
    "chest_deflection": "mm",
    "viscous_criterion": "m/s",
    "abdomen_compression": "mm",
    "acetabulum_force": "kN",
    "femur_force": "kN",
    "knee_displacement": "mm",
    "tibia_index": "1",
    "tibia_force": "kN",
}
_Row = tuple[float, float] | tuple[float, float, float]
_HEAD: dict[str, _Row] = {"hic15": (500, 700, 700), "head_3ms": (72, 80, 80)}
_MALE_NECK: dict[str, _Row] = {
    "neck_shear": (1.9, 3.1),
    "neck_tension": (2.7, 3.3),
    "neck_extension": (42, 57),
}
_FEMALE_NECK: dict[str, _Row] = {
    "neck_shear": (1.2, 2),
    "neck_tension": (1.7, 2.6),
    "neck_extension": (36, 49),
}
_MALE_LEG: dict[str, _Row] = {
    "femur_force": (3.8, 9.1),
    "knee_displacement": (6, 15),
    "tibia_index": (0.4, 1.3),
    "tibia_force": (2, 8),
}
_FEMALE_LEG: dict[str, _Row] = {
    "femur_force": (2.6, 6.2),
    "knee_displacement": (6, 15),
    "tibia_index": (1.3, 1.3),
    "tibia_force": (8, 8),
}
_FEMALE_CHEST: dict[str, _Row] = {"chest_deflection": (18, 34, 34), "viscous_criterion": (0.5, 1, 1)}
_THOR: dict[str, _Row] = {
    **_HEAD,
    **{name: (*limits, limits[1]) for name, limits in _MALE_NECK.items()},
    "abdomen_compression": (88, 88),
    "acetabulum_force": (3.3, 4.1),
    **_MALE_LEG,
}
_UNCAPPED_HEAD: dict[str, _Row] = {"hic15": (500, 700), "head_3ms": (72, 80)}
_TABLE: dict[str, dict[str, _Row]] = {
    "h3_50m_sled": {
        **_UNCAPPED_HEAD,
        **_MALE_NECK,
        "chest_deflection": (20, 42),
        "viscous_criterion": (0.5, 1),
        **_MALE_LEG,
    },
    "h3_95m_sled": {
        **_UNCAPPED_HEAD,
        "neck_shear": (2.3, 3.8),
        "neck_tension": (3.3, 4),
        "neck_extension": (56, 76),
        "chest_deflection": (28, 55),
        "viscous_criterion": (0.5, 1),
        "femur_force": (4.8, 11.5),
        "knee_displacement": (6, 17),
        "tibia_index": (1.3, 1.3),
        "tibia_force": (10, 10),
    },
    "h3_05f_sled": {
        **_UNCAPPED_HEAD,
        **_FEMALE_NECK,
        "chest_deflection": (22, 42),
        "viscous_criterion": (0.5, 1),
        **_FEMALE_LEG,
    },
    "h3_05f_mpdb": {**_HEAD, **_FEMALE_NECK, **_FEMALE_CHEST, **_FEMALE_LEG},
    "h3_05f_fwdb": {
        **_HEAD,
        "neck_shear": (1.2, 2, 2.7),
        "neck_tension": (1.7, 2.6, 2.9),
        "neck_extension": (36, 49, 57),
        **_FEMALE_CHEST,
        **_FEMALE_LEG,
    },
    "thor_50m_mpdb": {**_THOR, "chest_deflection": (35, 60, 60)},
    "thor_50m_fwdb": {**_THOR, "chest_deflection": (29, 54, 54)},
}


def _limit(criterion: str, row: _Row) -> Limit:
    capping = float(row[2]) if len(row) == 3 else None
    return Limit(float(row[0]), float(row[1]), capping, _UNITS[criterion])


LIMITS: Mapping[str, Mapping[str, Limit]] = MappingProxyType(
    {
        seat: MappingProxyType({criterion: _limit(criterion, row) for criterion, row in rows.items()})
        for seat, rows in _TABLE.items()
    }
)  # by dummy and load case, then by criterion; h3_05f_fwdb is the driver's


def limit(seat: str, criterion: str) -> Limit:
    """The limits of a criterion for a dummy in a load case. Raises MetricError, naming what there is."""
    if seat not in LIMITS:
        raise MetricError(f"'{seat}' has no limits here. There are: {', '.join(LIMITS)}.")
    if criterion not in LIMITS[seat]:
        raise MetricError(f"'{criterion}' is no criterion of {seat}. There are: {', '.join(LIMITS[seat])}.")
    return LIMITS[seat][criterion]


def head_score(peak: float, hic15: float, level_3ms: float, *, seat: str) -> float:
    """Score [%] of the head.

    peak: largest resultant acceleration [g]; below 80 g there was no hard contact, and the score is 100.
    hic15: [1].   level_3ms: acceleration exceeded for 3 ms [g].   seat: one of `LIMITS`.
    """
    if peak < HARD_CONTACT:
        return 100.0
    return min(limit(seat, "hic15").score(hic15), limit(seat, "head_3ms").score(level_3ms))


def region_score(values: Mapping[str, float], *, seat: str) -> float:
    """Score [%] of a body region: that of its worst criterion. values: by criterion, in the unit of its limits."""
    if not values:
        raise MetricError("a body region needs at least one criterion.")
    return min(limit(seat, criterion).score(value) for criterion, value in values.items())
