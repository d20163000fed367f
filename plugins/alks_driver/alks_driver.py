"""Four models of when and how hard to brake for a car that cuts in: the device under test of the scene `cut_in`."""

from __future__ import annotations

from collections.abc import Callable

from crumple import Input, Output, Parameter, Unit

GRAVITY = 9.81  # [m/s^2], as the published models take it
HARDEST = 0.774 * GRAVITY  # braking of the competent and careful driver [m/s^2]
JERK = 12.65  # rise of the braking [m/s^3]: 0.774 g within 0.6 s
LENGTH = 4.3  # of both cars [m]
HALF = LENGTH / 2

CRITICAL_TTC = 2.0  # [s]; above it the competent and careful driver sees no risk
RELEASE = 0.4  # deceleration while that driver's foot moves from pedal to pedal [m/s^2]

LATERAL_SAFE = 0.5  # paragraph 5.2.5.2: sideways distance within which a car counts [m]
REG157_BRAKING = 6.0  # [m/s^2]

RSS_TIME, RSS_SPEEDING, RSS_BRAKING = 0.75, 3.0, 6.0  # response time [s], a of response, b [m/s^2]
RSS_LATERAL, RSS_MARGIN = 1.0, 0.3  # lateral acceleration [m/s^2], lateral margin [m]

FSM_TIME = 0.75  # reaction time [s]
FSM_SOFT, FSM_HARD, FSM_LEADER = 4.0, 6.0, 7.0  # comfortable and hard braking, that of the car ahead [m/s^2]
FSM_MARGIN = 2.0  # each of the two margins of the distance [m]


class AlksDriver(Unit):
    """Brakes for a car that cuts in, as one of four models would.

    `driver`: "cc", the competent and careful human driver of UN R157; "fsm", the fuzzy safety model; "rss",
    responsibility-sensitive safety; "reg157", paragraph 5.2.5.2 of the regulation as it first came out. It only brakes,
    and never speeds up again. Equations and sources are in README.md.
    """

    distance = Input(
        "m", start=100.0, doc="to the other car from middle to middle; below 0 where that is behind"
    )
    clearance = Input("m", start=1.6, doc="between the sides; below 0 where the cars overlap across the road")
    object_speed = Input("m/s", doc="of the other car along the road")
    lateral_speed = Input("m/s", doc="of the other car, towards the own lane")
    valid = Input("1", start=1.0, doc="below 0.5: no other car is seen")
    speed = Input("m/s", doc="own speed")
    deceleration = Output("m/s^2", doc="demanded of the brakes")
    risk = Output("1", doc="1 while the model sees a risk; fsm: its two fuzzy measures added, 0 to 2")
    braking = Output("1", doc="1 once the reaction time has passed and it brakes")
    driver = Parameter("cc", choices=["cc", "fsm", "rss", "reg157"], doc="which model drives")

    def reset(self) -> None:
        self._sees: Callable[[AlksDriver, float, float], float]
        self._sees, self._brakes, self._wait, self._meanwhile = MODELS[self.driver]
        self._rate = 1.0 / self.period  # a division by it is what the published verdicts were computed with
        self._moment = 1.0 / self._rate
        self._force = 0.0  # braking of the last step [m/s^2]
        self._before: float | None = None  # speed one step ago [m/s]

    def step(self, now) -> None:  # type: ignore[no-untyped-def]
        speed = self.speed
        distance = self.distance
        risk = 0.0
        if distance >= 0.0 and self.valid >= 0.5:
            risk = self._sees(self, distance, speed)
        self._before = speed
        self.risk = risk
        if risk == 0.0:
            self.deceleration = self.braking = 0.0
        elif self._wait > 0.0:
            self._wait -= self._moment
            self.deceleration = self._force = self._meanwhile
            self.braking = 0.0
        else:
            self.deceleration = self._force = self._brakes(self)
            self.braking = 1.0


def competent_sees(unit: AlksDriver, distance: float, speed: float) -> float:
    """1 where the cars overlap across the road and would meet within the critical time, either way."""
    if unit.clearance > 0.0:
        return 0.0
    closing = speed - unit.object_speed
    if closing == 0.0:
        return 0.0
    return 0.0 if abs((distance - HALF - HALF) / closing) > CRITICAL_TTC else 1.0


def competent_brakes(unit: AlksDriver) -> float:
    """From the release on ever harder, up to 0.774 g."""
    return min(unit._force + JERK / unit._rate, HARDEST)


def regulation_sees(unit: AlksDriver, distance: float, speed: float) -> float:
    """1 where the car is near enough sideways, and time to collision is at most that of paragraph 5.2.5.2."""
    if unit.clearance > LATERAL_SAFE:
        return 0.0
    closing = speed - unit.object_speed
    if closing == 0.0:
        return 0.0
    needed = closing / (2 * REG157_BRAKING) + 0.35 + 0.1
    return 0.0 if abs((distance - HALF - HALF) / closing) > needed else 1.0


def regulation_brakes(unit: AlksDriver) -> float:
    """At once and constantly."""
    return REG157_BRAKING


def rss_sees(unit: AlksDriver, distance: float, speed: float) -> float:
    """1 where both the longitudinal and the lateral distance are below their safe ones."""
    other, sideways = unit.object_speed, abs(unit.lateral_speed)
    fastest = speed + RSS_TIME * RSS_SPEEDING
    along = (
        speed * RSS_TIME
        + RSS_SPEEDING * RSS_TIME**2 / 2
        + fastest * fastest / (2 * RSS_BRAKING)
        - other * other / (2 * RSS_BRAKING)
    )
    if distance - HALF - HALF >= along:
        return 0.0
    faster = sideways + RSS_LATERAL * RSS_TIME
    across = (
        RSS_MARGIN
        + (2 * sideways + RSS_LATERAL * RSS_TIME) * RSS_TIME / 2
        + faster * faster / (2 * RSS_LATERAL)
    )
    return 1.0 if unit.clearance < across else 0.0


def fuzzy_sees(unit: AlksDriver, distance: float, speed: float) -> float:
    """The proactive and the critical fuzzy surrogate measure added; 0 also where the paths do not cross in time."""
    other, clearance = unit.object_speed, unit.clearance
    closing = speed - other
    if clearance > 0.0:
        sideways = unit.lateral_speed
        if sideways <= 0.0:
            return 0.0
        # how long until it is in the lane, against how long until the car under test has passed it altogether
        passing = (distance + HALF + HALF) / closing if closing else float("inf")
        if clearance / sideways > passing + 0.1:
            return 0.0
    before = unit._before
    acceleration = 0.0 if before is None else (speed - before) * unit._rate
    gap = distance - HALF - HALF
    unit._critical = critical_measure(gap, speed, other, acceleration)
    unit._proactive = proactive_measure(gap, speed, other)
    return unit._critical + unit._proactive


def fuzzy_brakes(unit: AlksDriver) -> float:
    """As hard as the measures say, but no faster than the jerk lets it rise."""
    critical = unit._critical
    wanted = critical * (FSM_HARD - FSM_SOFT) + FSM_SOFT if critical > 0.0 else unit._proactive * FSM_SOFT
    return min(unit._force + JERK / unit._rate, HARDEST, wanted)


def proactive_measure(gap: float, speed: float, other: float) -> float:
    """PFS, 0 to 1: the gap [m] against those needed if the other car braked hard, by own soft and hard braking."""
    gap -= FSM_MARGIN
    stop, theirs = speed * FSM_TIME, other * other / (2 * FSM_LEADER)
    safe = stop + speed * speed / (2 * FSM_SOFT) - theirs + FSM_MARGIN
    unsafe = stop + speed * speed / (2 * FSM_HARD) - theirs
    return _between(gap, unsafe, safe)


def critical_measure(gap: float, speed: float, other: float, acceleration: float) -> float:
    """CFS, 0 to 1: the gap [m] against those needed if the other car keeps its speed."""
    if speed <= other:
        return 0.0
    kept = max(acceleration, -FSM_SOFT)  # harder braking is not counted on
    after = speed + FSM_TIME * kept
    if after < other:  # it is slower than the other before the reaction time is over
        return 1.0 if gap < (speed - other) * (speed - other) / abs(acceleration * 2) else 0.0
    travelled = (speed + kept * FSM_TIME / 2 - other) * FSM_TIME
    left = (after - other) * (after - other)
    return _between(gap, travelled + left / (FSM_HARD * 2), travelled + left / (FSM_SOFT * 2))


def _between(value: float, low: float, high: float) -> float:
    """1 below `low`, 0 above `high`, straight in between."""
    if value > high:
        return 0.0
    if value < low:
        return 1.0
    return (value - high) / (low - high) if low != high else 0.0


# model: what it sees as a risk, how it brakes, reaction time [s], deceleration during that [m/s^2]
MODELS: dict[
    str, tuple[Callable[[AlksDriver, float, float], float], Callable[[AlksDriver], float], float, float]
] = {
    "cc": (competent_sees, competent_brakes, 0.75, RELEASE),
    "fsm": (fuzzy_sees, fuzzy_brakes, FSM_TIME, 0.0),
    "rss": (rss_sees, competent_brakes, RSS_TIME, 0.0),
    "reg157": (regulation_sees, regulation_brakes, 0.35, 0.0),
}
