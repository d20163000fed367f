"""Euro NCAP 2026, crash avoidance: colour bands, points and test matrices of the frontal collision tests.

A test point is judged by a colour, a colour by a share of the points, and a scenario by the mean of its test
points. Speeds are in km/h, as the protocol writes them.

    >>> colour = impact_colour(50, 12)  # at 50 km/h, what is hit moves at 12 km/h relative to the car
    >>> colour, share(colour)
    ('orange', 0.5)

Source: Euro NCAP, Crash Avoidance - Frontal Collisions, protocol for 2026 (bands: 5.2, tolerance: 4.2.4), as in
Euro NCAP's own rating calculator, euroncap-rating-2026 5.4.9.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from crumple.metrics.signal import MetricError

Colour = Literal["green", "yellow", "orange", "brown", "red"]
COLOURS: tuple[Colour, ...] = ("green", "yellow", "orange", "brown", "red")  # from best to worst

SHARES: Mapping[Colour, float] = MappingProxyType(
    {"green": 1.0, "yellow": 0.75, "orange": 0.5, "brown": 0.25, "red": 0.0}
)
TOLERANCE_KMH = 2.0  # between a predicted and a measured impact speed

# test speed [km/h] from which a row holds: (impact speed [km/h] up to which, colour); green is no impact at all
_IMPACT: tuple[tuple[float, tuple[tuple[float, Colour], ...]], ...] = (
    (50.0, ((10.0, "yellow"), (20.0, "orange"), (30.0, "brown"))),
    (40.0, ((10.0, "orange"), (20.0, "brown"))),
    (30.0, ((10.0, "brown"),)),
    (0.0, ()),
)


def impact_colour(test_kmh: float, impact_kmh: float) -> Colour:
    """Colour of a test point where braking may avoid or mitigate: CCRs, CCRm, CCRb, CPNA, CPFA, CPNCO, CPLA ...

    test_kmh: speed of the car under test, >= 0.   impact_kmh: speed relative to the target at impact; 0 for none.
    10 and 20 km/h: green 0, else red. 30: brown below 10. 40: orange below 10, brown below 20. From 50 on: yellow
    below 10, orange below 20, brown below 30. A limit belongs to the worse colour.
    The protocol tests at multiples of 10 km/h; between two of them the row of the lower one holds here.
    Raises MetricError for a negative speed or one that is no number.
    """
    _speed(test_kmh, "test speed")
    _speed(impact_kmh, "impact speed")
    if impact_kmh == 0.0:
        return "green"
    bands = next(bands for least, bands in _IMPACT if test_kmh >= least)
    return next((colour for limit, colour in bands if impact_kmh < limit), "red")


def avoidance_colour(impact_kmh: float) -> Colour:
    """Colour of a test point that only avoidance passes (turning and crossing): green without impact, else red."""
    return "green" if _speed(impact_kmh, "impact speed") == 0.0 else "red"


def mitigation_colour(reduction_kmh: float) -> Colour:
    """Colour of an oncoming test (CCFhos, CCFhol) by the speed lost before impact: green >= 20, orange >= 10."""
    reduction = _speed(reduction_kmh, "speed reduction")
    return "green" if reduction >= 20.0 else "orange" if reduction >= 10.0 else "red"


def warning_colour(time_to_collision: float) -> Colour:
    """Colour of a forward collision warning issued at a time to collision [s]: green from 1.7 s on, else red."""
    return "green" if time_to_collision >= 1.7 else "red"


def applied_colour(predicted: Colour, test_kmh: float, impact_kmh: float) -> Colour:
    """The colour that counts where the maker predicted one: the prediction, if the impact is within 2 km/h of it.

    The predicted band is widened by `TOLERANCE_KMH` on both sides, red only upwards; an avoided impact stays green
    whatever was predicted. Outside of the widened band the measured colour counts. Errors as for `impact_colour`.
    """
    measured = impact_colour(test_kmh, impact_kmh)
    if predicted not in COLOURS:
        raise MetricError(f"'{predicted}' is no colour. There are: {', '.join(COLOURS)}.")
    bands = next(bands for least, bands in _IMPACT if test_kmh >= least)
    edges: dict[Colour, tuple[float, float]] = {"green": (0.0, 0.0)}
    lower = 0.0
    for upper, colour in bands:
        edges[colour] = lower, upper
        lower = upper
    if measured in ("green", predicted) or predicted not in edges:
        return measured
    lower, upper = edges[predicted]
    return predicted if lower - TOLERANCE_KMH <= impact_kmh < upper + TOLERANCE_KMH else measured


def share(colour: Colour, *, extended: bool = False) -> float:
    """Share of a test point's points, 0 to 1. In the extended range every colour but red has all of them."""
    if colour not in SHARES:
        raise MetricError(f"'{colour}' is no colour. There are: {', '.join(COLOURS)}.")
    if extended:
        return 0.0 if colour == "red" else 1.0
    return SHARES[colour]


@dataclass(frozen=True, slots=True)
class PointMatrix:
    """What is tested in a scenario, and what it is worth.

    speeds: (car under test, target) [km/h], one a row.   locations: impact location or overlap in percent of the
    car's width, one a column.   extended: those that belong to the extended range.   extended_from: speed of the
    car [km/h] from which every column does.   standard_points, extended_points: most that can be had, day and
    night together; robustness adds as much as the extended range.
    """

    speeds: tuple[tuple[float, float], ...]
    locations: tuple[float, ...]
    extended: frozenset[float]
    standard_points: float
    extended_points: float
    extended_from: float = math.inf

    def is_extended(self, test_kmh: float, location: float) -> bool:
        """Whether a test point belongs to the extended range, not to the standard one."""
        return test_kmh >= self.extended_from or location in self.extended


def _same(target: float, *speeds: float) -> tuple[tuple[float, float], ...]:
    return tuple((float(speed), target) for speed in speeds)


def _matrix(
    speeds: tuple[tuple[float, float], ...],
    locations: tuple[float, ...],
    extended: tuple[float, ...],
    points: float,
    extended_from: float = math.inf,
) -> PointMatrix:
    return PointMatrix(speeds, locations, frozenset(extended), points, points / 8.0, extended_from)


_CAR = (125.0, 100.0, 75.0, 50.0, 25.0, 0.0, -25.0)
_PEDESTRIAN = (90.0, 75.0, 50.0, 25.0, 10.0)
_SLOW = (10, 20, 30, 40, 50, 60)
_BRAKING = tuple((float(v), float(v)) for v in range(30, 131, 10))
_FAST = ((90.0, 30.0), (100.0, 40.0), (110.0, 50.0), (120.0, 60.0), (130.0, 70.0))

MATRICES: Mapping[str, PointMatrix] = MappingProxyType(
    {
        "CCRs": _matrix(_same(0.0, *range(10, 81, 10)), _CAR, (125.0, -25.0), 1.2),
        "CCRm": _matrix((*_same(20.0, *range(30, 81, 10)), *_FAST), _CAR, (125.0, -25.0), 2.4),
        "CCRb": _matrix(_BRAKING, _CAR, (125.0, -25.0), 1.6, extended_from=90.0),
        "CPNA": _matrix(_same(5.0, *_SLOW), _PEDESTRIAN, (90.0, 10.0), 1.0),
        "CPFA": _matrix(_same(8.0, *_SLOW), _PEDESTRIAN, (90.0, 75.0, 25.0, 10.0), 1.0),
        "CPNCO": _matrix(_same(5.0, *_SLOW), (75.0, 50.0, 25.0), (75.0, 25.0), 2.0),
        "CPLA": _matrix(_same(5.0, *_SLOW), (75.0, 50.0, 25.0, 10.0), (75.0, 25.0, 10.0), 2.0),
    }
)


def point_matrix(scenario: str) -> PointMatrix:
    """The matrix of a scenario, one of `MATRICES`; a suffix such as "-50" (CPFA-50) is left out of account."""
    name = scenario.partition("-")[0]
    if name not in MATRICES:
        raise MetricError(f"'{scenario}' has no test matrix here. There are: {', '.join(MATRICES)}.")
    return MATRICES[name]


def standard_points(scenario: str, colours: Sequence[Colour]) -> float:
    """Points of a scenario's standard range: mean share of its test points times the most that can be had."""
    return _mean([share(colour) for colour in colours]) * point_matrix(scenario).standard_points


def extended_points(scenario: str, colours: Sequence[Colour]) -> float:
    """Points of a scenario's extended range, in steps: below half of its test points not red 0, then 50 %,
    from three quarters on 75 %, and everything only where no point is red."""
    passed = _mean([share(colour, extended=True) for colour in colours])
    step = next(step for step in (1.0, 0.75, 0.5, 0.0) if passed >= step - 1e-9)
    return step * point_matrix(scenario).extended_points


def _mean(shares: Sequence[float]) -> float:
    if not shares:
        raise MetricError("no test point was given; a score needs at least one.")
    return sum(shares) / len(shares)


def _speed(value: float, name: str) -> float:
    if not 0.0 <= value < math.inf:
        raise MetricError(f"a {name} of {value!r} km/h: it must be a number of at least 0.")
    return value
