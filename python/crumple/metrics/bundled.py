"""The bundled metrics on one signal of a vehicle or an occupant, as a scene sees them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from crumple.metrics import (
    airbag,
    barrier,
    chest,
    clip,
    energy,
    extremes,
    filters,
    head,
    neck,
    occupant,
    rotation,
)
from crumple.metrics.metric import Metric
from crumple.metrics.signal import MetricError, Peak

DUMMIES = {
    "h3_50m": "Hybrid III 50th male",
    "h3_05f": "Hybrid III 5th female",
    "h3_95m": "Hybrid III 95th male",
    "thor_50m": "THOR 50th male",
    "worldsid_50m": "WorldSID 50th male",
    "es2": "ES-2 or ES-2re",
    "sid_iis": "SID-IIs 5th female",
}


def without_period(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of signals as a metric's function, which is also given the period."""

    def call(*arguments: Any) -> Any:
        return function(*arguments[:-1])

    return call


def with_period(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that takes the period by keyword, as a metric's function, which is given it after the signals."""

    def call(*arguments: Any) -> Any:
        return function(*arguments[:-1], period=arguments[-1])

    return call


def general() -> list[Metric]:
    """Extremes, times, filters: of any signal."""
    same: dict[str, Any] = {
        "argument_si": None,
        "result_si": None,
        "source": "definition",
        "group": "any signal",
    }
    time: dict[str, Any] = {**same, "result_si": "s", "is_time": True}
    channels = [
        Metric(
            f"cfc{channel}",
            f"CFC {channel}",
            partial(filters.cfc, cfc_class=channel),
            doc=f"the signal filtered to channel frequency class {channel}, at zero phase",
            scalar=False,
            **{**same, "source": "SAE J211-1, ISO 6487"},
        )
        for channel in (60, 180, 600, 1000)
    ]
    return [
        Metric("max", "maximum", extremes.maximum, doc="largest value", **same),
        Metric("min", "minimum", extremes.minimum, doc="smallest value", **same),
        Metric("abs_max", "largest magnitude", extremes.abs_maximum, doc="largest magnitude", **same),
        Metric("mean", "mean", without_period(extremes.mean), doc="arithmetic mean of the samples", **same),
        Metric("final", "final value", extremes.final, doc="last value", **same),
        Metric(
            "value_at",
            "value",
            extremes.value_at,
            doc="value at a time of the run, or at the last sample before it",
            numbers=("time",),
            number_sis=("s",),
            moments=True,
            **same,
        ),
        Metric("time_of", "time", extremes.first_nonzero, doc="when it first becomes non-zero", **time),
        Metric(
            "first_time",
            "time",
            extremes.first_time,
            doc="when it first exceeds the threshold (0)",
            numbers=("threshold",),
            optional=1,
            **time,
        ),
        Metric(
            "resultant",
            "resultant",
            without_period(extremes.resultant),
            doc="magnitude of a vector, from its components",
            scalar=False,
            signals=(1, None),
            **same,
        ),
        *channels,
    ]


def _head() -> list[Metric]:
    in_g: dict[str, Any] = {"argument_si": "g", "group": "head"}
    about = {"average": "the average of CSDM and MPS", "mps": "MPS (strain)", "csdm": "CSDM (strain)"}
    return [
        *(
            Metric(
                f"hic{ms}",
                f"HIC{ms}",
                function,
                result_si="1",
                doc=f"head injury criterion over windows of up to {ms} ms, from the head's acceleration",
                source="FMVSS 208 S6, Euro NCAP",
                **in_g,
            )
            for ms, function in ((15, head.hic15), (36, head.hic36))
        ),
        Metric(
            "clip_3ms",
            "3 ms clip",
            clip.clip_3ms,
            result_si="g",
            doc="largest acceleration held for 3 ms in one stretch",
            source="SAE J1727, FMVSS 208",
            **in_g,
        ),
        Metric(
            "clip_3ms_cumulative",
            "3 ms clip (cumulative)",
            partial(clip.clip_3ms, cumulative=True),
            result_si="g",
            doc="largest acceleration exceeded for 3 ms in all",
            source="Euro NCAP, UN R94",
            **in_g,
        ),
        *(
            Metric(
                "bric" if critical == "average" else f"bric_{critical}",
                "BrIC" if critical == "average" else f"BrIC ({critical.upper()})",
                without_period(partial(rotation.bric, critical=critical)),
                argument_si="rad/s",
                result_si="1",
                doc=f"brain injury criterion, critical rates by {how}, from the head's angular velocities",
                source="Takhounts et al. 2013, Stapp Car Crash Journal 57",
                signals=(3, 3),
                takes=("rate_x", "rate_y", "rate_z"),
                group="head",
            )
            for critical, how in about.items()
        ),
    ]


def _neck() -> list[Metric]:
    two: dict[str, Any] = {"signals": (2, 2), "group": "neck"}
    return [
        *(
            Metric(
                f"nij_{dummy}",
                "Nij",
                _nij(dummy),
                argument_si="N",
                result_si="1",
                doc=f"largest neck load of a {DUMMIES[dummy]}, tension and flexion positive",
                source="FMVSS 208 S6.6",
                takes=("axial_force", "moment"),
                signal_sis=("N", "Nm"),
                **two,
            )
            for dummy in neck.INTERCEPTS
        ),
        Metric(
            "occipital_moment",
            "moment about the occipital condyles",
            without_period(neck.occipital_moment),
            argument_si="Nm",
            result_si="Nm",
            doc="upper neck moment less 17.78 mm (UNVERIFIED) of shear force, Hybrid III 50th male",
            source="SAE J1733; the arm is UNVERIFIED",
            scalar=False,
            takes=("moment", "shear_force"),
            signal_sis=("Nm", "N"),
            **two,
        ),
    ]


def _nij(dummy: str) -> Callable[..., Any]:
    def call(force: Any, moment: Any, period: float) -> Any:
        return neck.nij(force, moment, period, dummy=dummy)

    return call


def _chest() -> list[Metric]:
    return [
        Metric(
            "chest_deflection",
            "chest deflection",
            chest.chest_deflection,
            argument_si="mm",
            result_si="mm",
            doc="largest compression of the chest, of either sign",
            source="UN R94, FMVSS 208 S6",
            group="chest",
        ),
        *(
            Metric(
                f"vc_{dummy}",
                "viscous criterion",
                partial(chest.viscous_criterion, dummy=dummy),
                argument_si="m",
                result_si="m/s",
                doc=f"viscous criterion by the chest deflection of a {DUMMIES[dummy]}",
                source="Lau and Viano 1986, SAE J1727, UN R94",
                group="chest",
            )
            for dummy in chest.VISCOUS
        ),
        Metric(
            "tti",
            "TTI",
            without_period(chest.thoracic_trauma_index),
            argument_si="g",
            result_si="g",
            doc="thoracic trauma index, mean of the peaks of rib and lower spine",
            source="Eppinger, Marcus and Morgan 1984, FMVSS 214",
            signals=(2, 2),
            takes=("rib_acceleration", "spine_acceleration"),
            group="chest",
        ),
    ]


def _vehicle() -> list[Metric]:
    road: dict[str, Any] = {
        "argument_si": "m/s^2",
        "signals": (1, 3),
        "takes": ("acceleration_x", "acceleration_y", "yaw_rate"),
        "signal_sis": ("m/s^2", "m/s^2", "rad/s"),
        "group": "vehicle",
    }
    speed: dict[str, Any] = {"argument_si": "m/s", "group": "vehicle"}
    return [
        Metric(
            "delta_v",
            "delta-v",
            extremes.delta_v,
            argument_si="m/s^2",
            result_si="m/s",
            doc="largest change of velocity, from an acceleration along one axis",
            source="49 CFR 563 (maximum delta-V)",
            group="vehicle",
        ),
        Metric(
            "olc",
            "OLC",
            occupant.olc,
            result_si="g",
            doc="occupant load criterion, from the velocity of the vehicle",
            source="Kuebler et al. 2008 (65 mm free flight, 300 mm stop)",
            **speed,
        ),
        Metric(
            "asi",
            "ASI",
            with_period(barrier.acceleration_severity_index),
            argument_si="g",
            result_si="1",
            doc="acceleration severity index, means over 50 ms",
            source="EN 1317-1; its constants are UNVERIFIED",
            signals=(1, 3),
            takes=("acceleration_x", "acceleration_y", "acceleration_z"),
            group="vehicle",
        ),
        Metric(
            "thiv",
            "THIV",
            _thiv,
            result_si="km/h",
            doc="theoretical head impact velocity",
            source="EN 1317-1; its constants are UNVERIFIED",
            **road,
        ),
        Metric(
            "oiv",
            "OIV",
            _oiv,
            result_si="m/s",
            doc="occupant impact velocity, the larger of forward and sideways",
            source="MASH 2016; its constants are UNVERIFIED",
            **road,
        ),
        Metric(
            "ridedown",
            "ridedown acceleration",
            with_period(barrier.ridedown),
            result_si="g",
            doc="largest mean over 10 ms after the occupant's impact",
            source="MASH 2016; its constants are UNVERIFIED",
            **road,
        ),
        Metric(
            "five_inch_time",
            "5-inch time",
            airbag.free_flight_time,
            result_si="s",
            doc="when an occupant in free flight has moved 127 mm, from the velocity of the vehicle",
            source="Huang 2002, Vehicle Crash Mechanics",
            is_time=True,
            **speed,
        ),
        Metric(
            "required_fire_time",
            "required time to fire",
            airbag.required_fire_time,
            result_si="s",
            doc="5-inch rule: 30 ms before an occupant in free flight has moved 127 mm",
            source="Huang 2002, Vehicle Crash Mechanics",
            is_time=True,
            **speed,
        ),
        Metric(
            "fire_margin",
            "margin of the time to fire",
            airbag.fire_margin,
            argument_si=None,
            result_si="s",
            doc="how much earlier than the 5-inch rule asks it fired; negative where it was late",
            source="Huang 2002, Vehicle Crash Mechanics",
            signals=(2, 2),
            takes=("fire", "velocity"),
            signal_sis=(None, "m/s"),
            group="vehicle",
        ),
        Metric(
            "energy_closure",
            "energy closure",
            with_period(energy.energy_closure),
            argument_si="J",
            result_si="1",
            doc="largest imbalance of energy put in and found again, relative to the largest put in",
            source="first law of thermodynamics",
            signals=(2, None),
            takes=("put_in", "found"),
            group="vehicle",
        ),
    ]


def _met(found: Peak | None) -> Peak:
    """The same; without a contact there is no such velocity, and 0 or infinity would both be a verdict."""
    if found is None:
        raise MetricError("the occupant does not reach the interior within the signal: there is no impact.")
    return found


def _oiv(*arguments: Any) -> Peak:
    return _met(barrier.occupant_impact_velocity(*arguments[:-1], period=arguments[-1]))


def _thiv(*arguments: Any) -> Peak:
    found = _met(barrier.theoretical_head_impact_velocity(*arguments[:-1], period=arguments[-1]))
    return Peak(found.value * 3.6, found.t)


def occupants() -> list[Metric]:
    """Injury criteria of occupants and the severity of a vehicle's crash."""
    return [*_head(), *_neck(), *_chest(), *_vehicle()]
