"""The bundled metrics of injury risk, Euro NCAP scores and curve ratings, as a scene sees them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from crumple.metrics import (
    chest,
    clip,
    crash_protection,
    euro_ncap,
    head,
    neck,
    rating,
    risk,
    rotation,
)
from crumple.metrics.bundled import DUMMIES
from crumple.metrics.extremes import abs_maximum, maximum
from crumple.metrics.metric import Metric
from crumple.metrics.signal import Peak, Windowed

_NCAP = "US NCAP, 73 FR 40016 (2008)"
_NCAP_2015 = "US NCAP, request for comments of 2015"
_EURO_NCAP = "Euro NCAP, protocols for 2026"


def _percent(probability: Callable[..., float], found: Any) -> Any:
    """A probability [%] of what was found, with its time or window."""
    value = 100.0 * probability(float(found))
    if isinstance(found, Windowed):
        return Windowed(value, found.t1, found.t2)
    return Peak(value, found.t) if isinstance(found, Peak) else value


def risks() -> list[Metric]:
    """Probability of injury."""
    rates: dict[str, Any] = {
        "argument_si": "rad/s",
        "signals": (3, 3),
        "takes": ("rate_x", "rate_y", "rate_z"),
        "source": _NCAP_2015,
    }
    rows: list[tuple[str, str, Callable[..., Any], dict[str, Any]]] = [
        (
            "head_ais3",
            "AIS 3+ of the head, by HIC15",
            lambda a, p: _percent(risk.head_ais3, head.hic15(a, p)),
            {"argument_si": "g", "source": _NCAP},
        ),
        (
            "neck_force_ais3",
            "AIS 3+ of the neck of a Hybrid III 50th male, by tension or compression",
            lambda f, p: _percent(risk.neck_force_ais3, abs_maximum(f, p)),
            {"argument_si": "N", "source": _NCAP},
        ),
        (
            "chest_ais3_thor_50m",
            "AIS 3+ of the chest of a THOR 50th male, by deflection",
            lambda d, p: _percent(risk.chest_ais3_thor, abs_maximum(d, p)),
            {"argument_si": "m", "source": _NCAP_2015},
        ),
        (
            "brain_ais3",
            "AIS 3+ of the brain, by BrIC",
            lambda x, y, z, _: _percent(risk.brain_ais3, rotation.bric(x, y, z)),
            rates,
        ),
        (
            "brain_ais4",
            "AIS 4+ of the brain, by BrIC",
            lambda x, y, z, _: _percent(risk.brain_ais4, rotation.bric(x, y, z)),
            rates,
        ),
    ]
    for dummy, source in (("h3_50m", _NCAP), ("thor_50m", _NCAP_2015)):
        moment = {
            "argument_si": "N",
            "signals": (2, 2),
            "takes": ("axial_force", "moment"),
            "signal_sis": ("N", "Nm"),
            "source": source,
        }
        rows.append(
            (f"neck_ais3_{dummy}", f"AIS 3+ of the neck of a {DUMMIES[dummy]}, by Nij", _neck(dummy), moment)
        )
    for dummy in ("h3_50m", "h3_05f"):
        who = DUMMIES[dummy]
        deflection = {"argument_si": "m", "source": _NCAP}
        force = {"argument_si": "N", "source": _NCAP}
        rows.append(
            (
                f"chest_ais3_{dummy}",
                f"AIS 3+ of the chest of a {who}, by deflection",
                _chest(dummy),
                deflection,
            )
        )
        rows.append(
            (f"femur_ais2_{dummy}", f"AIS 2+ of the femur of a {who}, by force", _femur(dummy), force)
        )
    return [
        Metric(
            name,
            f"risk of {doc.partition(' of')[0]}",
            call,
            result_si="%",
            doc=f"risk of {doc}",
            group="risk",
            **takes,
        )
        for name, doc, call, takes in rows
    ]


def _neck(dummy: str) -> Callable[..., Any]:
    return lambda f, m, p: _percent(partial(risk.neck_ais3, dummy=dummy), neck.nij(f, m, p, dummy=dummy))


def _chest(dummy: str) -> Callable[..., Any]:
    return lambda d, p: _percent(partial(risk.chest_ais3, dummy=dummy), abs_maximum(d, p))


def _femur(dummy: str) -> Callable[..., Any]:
    return lambda f, p: _percent(partial(risk.femur_ais2, dummy=dummy), abs_maximum(f, p))


def euro_ncap_points() -> list[Metric]:
    """Shares and scores of Euro NCAP 2026."""
    percent: dict[str, Any] = {"result_si": "%", "source": _EURO_NCAP, "group": "Euro NCAP"}
    found = [
        Metric(
            "impact_share" + ("_extended" if extended else ""),
            "share of points",
            _impact_share(extended),
            argument_si="km/h",
            doc=f"crash avoidance, {where}: points for the largest impact speed (0: none) at a test speed",
            numbers=("test_speed",),
            number_sis=("km/h",),
            **percent,
        )
        for extended, where in ((False, "standard range"), (True, "extended range"))
    ]
    found.append(
        Metric(
            "score_head",
            "score of the head",
            _score_head,
            argument_si="g",
            doc="crash protection: head of an adult dummy, by peak, HIC15 and 3 ms level",
            **percent,
        )
    )
    for dummy, where in (("h3_50m", "sled"), ("h3_05f", "fwdb"), ("h3_95m", "sled"), ("thor_50m", "mpdb")):
        seat, who = f"{dummy}_{where}", f"{DUMMIES[dummy]}, {where.upper() if where != 'sled' else where}"
        found.append(
            Metric(
                f"score_neck_{dummy}",
                "score of the neck",
                _score_neck(seat),
                argument_si="kN",
                doc=f"crash protection: neck of a {who}, by shear, tension and extension",
                signals=(3, 3),
                takes=("shear_force", "axial_force", "moment"),
                signal_sis=("kN", "kN", "Nm"),
                **percent,
            )
        )
        several = dummy == "thor_50m"
        found.append(
            Metric(
                f"score_chest_{dummy}",
                "score of the chest",
                _score_chest(seat, dummy),
                argument_si="mm",
                doc=f"crash protection: chest of a {who}, by "
                + ("the largest of its deflections" if several else "deflection and viscous criterion"),
                signals=(1, 4) if several else (1, 1),
                takes=("upper_right", "upper_left", "lower_right", "lower_left") if several else (),
                **percent,
            )
        )
        found.append(
            Metric(
                f"score_femur_{dummy}",
                "score of the femur",
                _score_femur(seat),
                argument_si="kN",
                doc=f"crash protection: femur of a {who}, by force",
                **percent,
            )
        )
    return found


def _impact_share(extended: bool) -> Callable[..., Any]:
    def call(speed: Any, period: float, test_speed: float) -> Peak:
        impact = abs_maximum(speed, period)
        colour = euro_ncap.impact_colour(test_speed, impact.value)
        return Peak(100.0 * euro_ncap.share(colour, extended=extended), impact.t)

    return call


def _score_head(acceleration: Any, period: float) -> Peak:
    peak = abs_maximum(acceleration, period)
    level = clip.clip_3ms(acceleration, period, cumulative=True)
    hic15 = head.hic15(acceleration, period)
    return Peak(crash_protection.head_score(peak.value, hic15.value, level.value, seat="h3_50m_sled"), peak.t)


def _score_neck(seat: str) -> Callable[..., Any]:
    def call(shear: Any, axial: Any, moment: Any, period: float) -> float:
        values = {
            "neck_shear": abs_maximum(shear, period).value,
            "neck_tension": max(maximum(axial, period).value, 0.0),
            "neck_extension": max(maximum(-np.asarray(moment), period).value, 0.0),
        }
        return crash_protection.region_score(values, seat=seat)

    return call


def _score_chest(seat: str, dummy: str) -> Callable[..., Any]:
    def call(*arguments: Any) -> float:
        period = arguments[-1]
        values = {"chest_deflection": max(abs_maximum(d, period).value for d in arguments[:-1])}
        if dummy in chest.VISCOUS:
            metres = np.asarray(arguments[0]) * 1e-3
            values["viscous_criterion"] = chest.viscous_criterion(metres, period, dummy=dummy).value
        return crash_protection.region_score(values, seat=seat)

    return call


def _score_femur(seat: str) -> Callable[..., Any]:
    def call(force: Any, period: float) -> Peak:
        largest = abs_maximum(force, period)
        return Peak(crash_protection.limit(seat, "femur_force").score(largest.value), largest.t)

    return call


def curve_ratings() -> list[Metric]:
    """How well a simulated curve matches a measured one."""
    parts = {
        "": "corridor 40 %, phase, magnitude and slope 20 % each; above 0.94 excellent, 0.80 good, 0.58 fair",
        "_corridor": "corridor score",
        "_phase": "phase score",
        "_magnitude": "magnitude score",
        "_slope": "slope score",
    }
    return [
        Metric(
            f"iso18571{part}",
            f"ISO 18571 {part.strip('_') or 'rating'}",
            _rated(part.strip("_") or "overall"),
            argument_si=None,
            result_si="1",
            doc=f"rating of a curve against a measured one: {doc}",
            source="ISO/TS 18571:2014",
            signals=(2, 2),
            takes=("signal", "reference"),
            group="comparison",
        )
        for part, doc in parts.items()
    ]


def _rated(part: str) -> Callable[..., Any]:
    return lambda curve, reference, _: getattr(rating.iso18571(curve, reference), part)
