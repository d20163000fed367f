"""The bundled metrics of traffic and of contact with robots, as a scene sees them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from crumple.metrics import contact
from crumple.metrics import traffic as safety
from crumple.metrics.bundled import without_period
from crumple.metrics.extremes import abs_maximum
from crumple.metrics.metric import Metric
from crumple.metrics.signal import MetricError, Peak


def traffic() -> list[Metric]:
    """How near road users came to a collision."""
    near: dict[str, Any] = {
        "argument_si": "m",
        "signals": (2, 2),
        "takes": ("gap", "closing_speed"),
        "signal_sis": ("m", "m/s"),
        "group": "traffic",
    }
    soon = {
        **near,
        "signals": (3, 3),
        "takes": ("gap", "closing_speed", "closing_acceleration"),
        "signal_sis": ("m", "m/s", "m/s^2"),
    }
    alone = {**near, "takes": ("gap", "speed")}
    times: list[tuple[str, str, Callable[..., float], dict[str, Any], str, str]] = [
        (
            "ttc",
            "TTC",
            safety.time_to_collision,
            near,
            "time to collision, gap over closing speed",
            "Hayward 1972",
        ),
        (
            "ettc",
            "enhanced TTC",
            safety.enhanced_time_to_collision,
            soon,
            "time to collision at constant closing acceleration",
            "ISO 15623:2013",
        ),
        (
            "headway",
            "headway",
            safety.time_headway,
            alone,
            "time in which the follower drives the gap",
            "ISO 15622:2018",
        ),
    ]
    found = []
    for name, title, measure, takes, doc, source in times:
        found.append(
            Metric(
                name,
                title,
                without_period(partial(safety.each, measure, most=safety.LONGEST)),
                result_si="s",
                doc=f"{doc}, at every moment, at most 1000 s",
                source=source,
                scalar=False,
                **takes,
            )
        )
        found.append(
            Metric(
                f"min_{name}",
                f"smallest {title}",
                _smallest(measure),
                result_si="s",
                doc=f"smallest {doc}",
                source=source,
                **takes,
            )
        )
    return [
        *found,
        Metric(
            "drac",
            "DRAC",
            without_period(partial(safety.each, safety.deceleration_to_avoid, most=safety.STRONGEST)),
            result_si="m/s^2",
            doc="deceleration rate to avoid a crash, at every moment, at most 1000 m/s^2",
            source="Cooper and Ferguson 1976",
            scalar=False,
            **near,
        ),
        Metric(
            "max_drac",
            "largest DRAC",
            safety.largest_deceleration,
            result_si="m/s^2",
            doc="largest deceleration rate to avoid a crash while the gap was open",
            source="Cooper and Ferguson 1976",
            **near,
        ),
        Metric(
            "pet",
            "PET",
            safety.encroachment,
            argument_si=None,
            result_si="s",
            doc="time between the first leaving a conflict zone and the second entering it",
            source="Allen, Shin and Cooper 1978",
            signals=(2, 2),
            takes=("one_inside", "other_inside"),
            signal_sis=(None, None),
            group="traffic",
        ),
    ]


def _smallest(measure: Callable[..., float]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        return safety.smallest(measure, *arguments[:-1], period=arguments[-1])

    return call


def contacts() -> list[Metric]:
    """Contact of a robot with a human."""
    force: dict[str, Any] = {"argument_si": "N", "group": "contact"}
    return [
        Metric(
            "contact_use",
            "use of the allowed force",
            _contact_use,
            result_si="1",
            doc="largest share of the limits of force, transient for 0.5 s (UNVERIFIED), then quasi-static",
            source="ISO/TS 15066:2016, 5.5.5.4",
            numbers=("transient", "quasi_static"),
            number_sis=("N", "N"),
            **force,
        ),
        Metric(
            "contact_energy",
            "energy of the contact",
            _contact_energy,
            result_si="J",
            doc="energy in a body region at its largest force, F^2 / (2 k)",
            source="ISO/TS 15066:2016, A.3.4",
            numbers=("stiffness",),
            number_sis=("N/m",),
            **force,
        ),
        Metric(
            "contact_pressure",
            "pressure of the contact",
            _contact_pressure,
            result_si="N/cm^2",
            doc="force over the area of the contact, at every moment",
            source="ISO/TS 15066:2016, 5.5.5.4",
            scalar=False,
            numbers=("area",),
            number_sis=("m^2",),
            **force,
        ),
    ]


def _contact_use(force: Any, period: float, transient: float, quasi_static: float) -> Peak:
    return contact.contact_use(force, period, transient=transient, quasi_static=quasi_static)


def _contact_energy(force: Any, period: float, stiffness: float) -> Peak:
    if not stiffness > 0.0:
        raise MetricError(f"a stiffness of {stiffness:g} N/m: it must be above 0.")
    largest = abs_maximum(force, period)
    return Peak(largest.value**2 / (2.0 * stiffness), largest.t)


def _contact_pressure(force: Any, _period: float, area: float) -> Any:
    return np.abs(force) * contact.contact_pressure(1.0, area) * 1e-4
