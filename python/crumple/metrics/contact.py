"""Contact of a robot with a human body region: force, pressure and energy against the limits of ISO/TS 15066.

The body region is a spring of stiffness `k` in front of an effective mass `mH`; the robot is an effective mass.
Their free collision, at relative speed v, has reduced mass mu = 1 / (1/mH + 1/mR) and is exact:

    F_max = v sqrt(mu k)        E = mu v^2 / 2 = F_max^2 / (2 k)        v_max = F_limit / sqrt(mu k)

Source: ISO/TS 15066:2016 annex A (now ISO 10218-2:2025): A.3.4 the model, table A.2 limits of force and pressure,
table A.3 effective masses and spring constants. Of the table below, the limits of force of the trunk and the arms,
the stiffnesses and the masses were read in secondary sources; the limits of force of head, neck and legs and all
limits of pressure are UNVERIFIED: compare them with the standard before you rely on them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from crumple.metrics.signal import MetricError, Peak, as_period, as_positive, as_signal, sample_time

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

TRANSIENT_END = 0.5  # [s] after first contact; from there on a contact is quasi-static. UNVERIFIED


@dataclass(frozen=True, slots=True)
class BodyRegion:
    """A region of the human body and what it may bear.

    stiffness: [N/m].   mass: effective, [kg].   force: quasi-static limit [N].   pressure: quasi-static limit [Pa].
    transient: factor on both for a transient contact; 1 where none is allowed (skull, face).
    """

    name: str
    stiffness: float
    mass: float
    force: float
    pressure: float
    transient: float

    @property
    def transient_force(self) -> float:
        """Limit [N] of a transient contact."""
        return self.transient * self.force

    @property
    def transient_pressure(self) -> float:
        """Limit [Pa] of a transient contact."""
        return self.transient * self.pressure

    @property
    def transient_energy(self) -> float:
        """Energy [J] that the region takes up when a transient contact reaches its limit: F^2 / (2 k)."""
        return self.transient_force**2 / (2.0 * self.stiffness)


# name: k [N/mm], mH [kg], force [N], pressure [N/cm^2], transient factor
_TABLE = {
    "skull": (150, 4.4, 130, 130, 1),
    "face": (75, 4.4, 65, 110, 1),
    "neck": (50, 1.2, 150, 140, 2),
    "back": (35, 40, 210, 160, 2),
    "chest": (25, 40, 140, 120, 2),
    "abdomen": (10, 40, 110, 140, 2),
    "pelvis": (25, 40, 180, 210, 2),
    "upper_arm": (30, 3, 150, 190, 2),
    "forearm": (40, 2, 160, 180, 2),
    "hand": (75, 0.6, 140, 190, 2),
    "thigh": (50, 75, 220, 220, 2),
    "lower_leg": (60, 75, 130, 210, 2),
}
REGIONS: Mapping[str, BodyRegion] = MappingProxyType(
    {
        name: BodyRegion(name, k * 1e3, float(mass), float(force), pressure * 1e4, float(transient))
        for name, (k, mass, force, pressure, transient) in _TABLE.items()
    }
)


def body_region(name: str) -> BodyRegion:
    """The region of that name, one of `REGIONS`. Raises MetricError, naming them all, for another."""
    if name not in REGIONS:
        raise MetricError(f"'{name}' is no body region. There are: {', '.join(REGIONS)}.")
    return REGIONS[name]


def robot_mass(moving: float, payload: float = 0.0) -> float:
    """Effective mass [kg] of a robot: half its moving parts and all of its payload, M / 2 + mL."""
    return 0.5 * moving + payload


def reduced_mass(human: float, robot: float) -> float:
    """mu [kg] of two effective masses [kg], both above 0. An infinite one (a clamped region) is allowed."""
    if not (human > 0.0 and robot > 0.0):
        raise MetricError(f"effective masses of {human!r} and {robot!r} kg: both must be above 0.")
    return 1.0 / (1.0 / human + 1.0 / robot)


def contact_force(speed: float, *, stiffness: float, mass: float) -> float:
    """Largest force [N] of a free collision: v sqrt(mu k).

    speed: relative, [m/s].   stiffness: k [N/m].   mass: mu [kg], see `reduced_mass`.
    """
    return speed * math.sqrt(mass * stiffness)


def contact_time(*, stiffness: float, mass: float) -> float:
    """How long [s] a free collision lasts, half a period of the oscillation: pi sqrt(mu / k)."""
    return math.pi * math.sqrt(mass / stiffness)


def contact_energy(speed: float, *, mass: float) -> float:
    """Energy [J] that a free collision puts into the region: mu v^2 / 2."""
    return 0.5 * mass * speed * speed


def contact_pressure(force: float, area: float) -> float:
    """Pressure [Pa] of a force [N] spread evenly over an area [m^2], above 0."""
    if not area > 0.0:
        raise MetricError(f"a contact area of {area!r} m^2: it must be above 0.")
    return force / area


def allowed_speed(region: BodyRegion, robot: float, *, area: float = math.inf) -> float:
    """Largest relative speed [m/s] of a transient contact: min(F_T, p_T A) / sqrt(mu k).

    robot: effective mass [kg], see `robot_mass`.   area: of the contact [m^2]; without one only the force counts.
    """
    allowed = min(region.transient_force, region.transient_pressure * area)
    return allowed / math.sqrt(reduced_mass(region.mass, robot) * region.stiffness)


def separation_distance(
    *,
    approach: float = 1.6,
    reaction: float,
    stopping: float,
    robot: float,
    braking: float,
    intrusion: float = 0.0,
) -> float:
    """Protective separation [m] below which a speed-and-separation monitor must stop the robot.

    approach: of the human [m/s].   reaction: of the monitor [s].   stopping: time the robot takes to stop [s].
    robot: its speed towards the human [m/s].   braking: distance it travels while stopping [m].
    intrusion: what can reach in before it is seen [m].
    S = approach (reaction + stopping) + robot reaction + braking + intrusion.
    Source: ISO/TS 15066:2016, 5.5.4.2.3, without its allowances for uncertainty of position; the default of
    1.6 m/s is that of ISO 13855 and UNVERIFIED.
    """
    return approach * (reaction + stopping) + robot * reaction + braking + intrusion


def contact_use(
    force: ArrayLike,
    period: float,
    *,
    transient: float,
    quasi_static: float,
    transient_end: float = TRANSIENT_END,
) -> Peak:
    """The largest share of the allowed force that a contact used [1], and when; above 1 a limit was exceeded.

    force: (n,) [N], 0 without contact; of a signed one the magnitude counts.
    transient, quasi_static: limits [N]; the first holds for `transient_end` seconds from the first touch, then the
    second. Each contact is counted from its own touch.
    Raises MetricError for limits that are not above 0.
    Source: ISO/TS 15066:2016, 5.5.5.4.
    """
    f, period = np.abs(as_signal(force, name="force")), as_period(period)
    sample = np.arange(len(f))
    touched = np.maximum.accumulate(np.where(f == 0.0, sample, -1)) + 1  # first sample of this contact
    lasts = (sample - touched) * period > transient_end + 1e-9 * period
    limits = np.where(
        lasts, as_positive(quasi_static, name="quasi_static"), as_positive(transient, name="transient")
    )
    k = int((f / limits).argmax())
    return Peak(float(f[k] / limits[k]), sample_time(k, period))
