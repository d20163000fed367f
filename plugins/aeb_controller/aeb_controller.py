"""Automatic emergency braking: the device under test of the scenes `aeb_pedestrian` and `aeb_car_to_car`."""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

from crumple import Input, Output, Parameter, Unit

OBJECTS = 4
CAR, PEDESTRIAN = 1.0, 2.0  # kinds as the camera tells them
NEVER = 99.0  # [s], time to collision where there is none on the way
OLDEST = 0.4  # [s]; an older frame is of no use
COAST = 0.3  # [s] for which a track lives on without a detection
HALF_BODY = 0.4  # [m], of a pedestrian across
CAR_WIDTH = 1.8  # [m], taken for any car: the sensors do not measure it


class Line:
    """Position and velocity along one axis: a Kalman filter whose target accelerates at random.

    x [m], v [m/s], with their variances and covariance; `rough` is the variance of the acceleration [m^2/s^4].
    """

    __slots__ = ("pvv", "pxv", "pxx", "rough", "v", "x")

    def __init__(self, x: float, v: float, *, sigma_x: float, sigma_v: float, rough: float) -> None:
        self.x, self.v, self.rough = x, v, rough
        self.pxx, self.pxv, self.pvv = sigma_x * sigma_x, 0.0, sigma_v * sigma_v

    def predict(self, dt: float) -> None:
        """On by `dt` [s]."""
        self.x += dt * self.v
        self.pxx += dt * (2.0 * self.pxv + dt * self.pvv) + 0.25 * self.rough * dt**4
        self.pxv += dt * self.pvv + 0.5 * self.rough * dt**3
        self.pvv += self.rough * dt * dt

    def see_position(self, x: float, sigma: float) -> None:
        """A measured position and its standard deviation [m]."""
        s = self.pxx + sigma * sigma
        kx, kv, miss = self.pxx / s, self.pxv / s, x - self.x
        self.x += kx * miss
        self.v += kv * miss
        self.pvv -= kv * self.pxv
        self.pxv -= kx * self.pxv
        self.pxx -= kx * self.pxx

    def see_velocity(self, v: float, sigma: float) -> None:
        """A measured velocity and its standard deviation [m/s]."""
        s = self.pvv + sigma * sigma
        kx, kv, miss = self.pxv / s, self.pvv / s, v - self.v
        self.x += kx * miss
        self.v += kv * miss
        self.pxx -= kx * self.pxv
        self.pxv -= kv * self.pxv
        self.pvv -= kv * self.pvv


class Track:
    """One object: along the road (in the car's own odometer), across it, and how well it is known."""

    def __init__(self, t: float, x: float, y: float) -> None:
        self.t = t  # of the state [s]
        self.along = Line(x, 0.0, sigma_x=1.0, sigma_v=15.0, rough=4.0)
        self.across = Line(y, 0.0, sigma_x=0.5, sigma_v=1.0, rough=2.0)
        self.acceleration = 0.0  # along the road, smoothed [m/s^2]
        self.hits = 0
        self.looks = 0  # of the camera
        self.seen = t  # last, by any sensor [s]
        self.kind = 0.0
        self.fast = False  # it was seen to move along the road

    def to(self, t: float) -> float:
        """Brings the state to `t`; returns how much older the measurement is than the state, at least 0 [s]."""
        if t > self.t:
            self.along.predict(t - self.t)
            self.across.predict(t - self.t)
            self.t = t
        return self.t - t


class Danger(NamedTuple):
    """An object on a collision course, and what is to be done about it."""

    stage: int  # 0 nothing yet, 1 warning, 2 partial braking, 3 full braking
    time: float  # to collision [s]
    gap: float  # [m]
    closing: float  # [m/s]
    lateral: float  # to the left [m]
    sideways: float  # its speed to the left [m/s]
    sure: bool  # nobody could get out of the way any more
    walks: bool  # a pedestrian


class AebController(Unit):
    """Tracks what radar and camera see, predicts whether it will be in the way, warns, and brakes.

    Every cycle it asks of each object: if I go on like this, do we meet? If so: is there still room to stop when
    I brake fully one cycle later (a forward computation with the brakes' dead time and ramp)? If not, it brakes.
    Before that it brakes partly, and before that it warns. It brakes for what the camera has recognised, and for
    what the radar alone has seen moving; an echo that stands still and that the camera never knew is left alone.
    """

    speed = Input("m/s", doc="of the car, by its wheels")
    radar_valid = Input("1", shape=OBJECTS)
    radar_range = Input("m", shape=OBJECTS, doc="from the front bumper")
    radar_rate = Input("m/s", shape=OBJECTS)
    radar_azimuth = Input("rad", shape=OBJECTS, doc="to the left")
    radar_stamp = Input("s", start=-1.0, doc="when the frame was taken")
    camera_valid = Input("1", shape=OBJECTS)
    camera_range = Input("m", shape=OBJECTS, doc="from the camera")
    camera_azimuth = Input("rad", shape=OBJECTS, doc="to the left")
    camera_kind = Input("1", shape=OBJECTS, doc="1 car, 2 pedestrian")
    camera_stamp = Input("s", start=-1.0, doc="when the frame was taken")

    request = Output("m/s^2", doc="acceleration asked of the brakes, 0 or negative")
    warning = Output("1", doc="1 once the driver is warned")
    stage = Output("1", doc="0 none, 1 warning, 2 partial braking, 3 full braking")
    confident = Output(
        "1", doc="1 while an object is trusted and on a collision course that it cannot leave in time"
    )
    time_to_collision = Output(
        "s", start=NEVER, doc="of the most urgent object on a collision course; 99 s without"
    )
    needed = Output("s", doc="time to collision that stopping takes at the present closing speed")
    gap = Output("m", start=200.0, doc="to that object; 200 m without")
    lateral = Output("m", doc="of that object, to the left")
    lateral_speed = Output("m/s", doc="of that object, to the left")
    closing_speed = Output("m/s", doc="to that object")
    tracks = Output("1", doc="objects tracked")

    width = Parameter(1.815, "m", min=0.0, doc="of the car")
    camera_mount = Parameter(1.6, "m", min=0.0, doc="of the camera, behind the front bumper")
    dead_time = Parameter(0.1, "s", min=0.0, doc="of the brakes, as it knows them")
    ramp_time = Parameter(0.3, "s", min=0.0, doc="of the brakes, as it knows them")
    full = Parameter(9.0, "m/s^2", min=0.1, doc="full braking")
    planned = Parameter(8.7, "m/s^2", min=0.1, doc="of full braking that it counts on")
    partial = Parameter(4.0, "m/s^2", min=0.0, doc="partial braking")
    partial_lead = Parameter(
        0.4, "s", min=0.0, doc="by which partial braking begins before full braking must"
    )
    room = Parameter(0.6, "m", min=0.0, doc="that it means to leave")
    warn_time = Parameter(2.2, "s", min=0.0, doc="time to collision from which it warns")
    brake_time = Parameter(1.0, "s", min=0.0, doc="time to collision below which it brakes fully in any case")
    entry_time = Parameter(
        1.0, "s", min=0.0, doc="a pedestrian counts once he will be in the way within this time"
    )
    evasion_acceleration = Parameter(
        5.0, "m/s^2", min=0.1, doc="with which a driver could still steer past a car"
    )
    evasion_delay = Parameter(0.45, "s", min=0.0, doc="that steering takes to begin")
    looks = Parameter(
        3, min=0, doc="camera frames that make a recognised object; 0: it believes the radar alone"
    )
    hold = Parameter(1.0, "s", min=0.0, doc="for which it goes on braking fully when the object is lost")

    def reset(self) -> None:
        self._tracks: list[Track | None] = [None] * OBJECTS
        self._odometer = 0.0
        self._path: deque[tuple[float, float]] = deque(maxlen=max(2, round(1.0 / self.period)))
        self._stamps = {"radar": -1.0, "camera": -1.0}
        self._braked_until = -1.0
        self._to_rest = False
        self._warned_until = -1.0

    def step(self, now) -> None:  # type: ignore[no-untyped-def]
        t = now.t
        self._path.append((t, self._odometer))
        self._take_radar(t)
        self._take_camera(t)
        urgent: Danger | None = None
        for n, track in enumerate(self._tracks):
            if track is None:
                continue
            if t - track.seen > COAST:
                self._tracks[n] = None
                continue
            found = self._judge(track, t)
            if found and (not urgent or (found.stage, -found.time) > (urgent.stage, -urgent.time)):
                urgent = found
        self.tracks = float(sum(track is not None for track in self._tracks))
        self._tell(urgent, t)
        self._odometer += self.speed * now.dt

    # ---- what the sensors say

    def _way_at(self, t: float) -> float:
        """Odometer at a time in the last second [m]."""
        last_t, last = self._path[-1]
        back = round((last_t - t) / self.period)
        return self._path[max(-1 - back, -len(self._path))][1] if back > 0 else last

    def _is_new(self, name: str, stamp: float, t: float) -> bool:
        if stamp <= self._stamps[name] or t - stamp > OLDEST:
            return False
        self._stamps[name] = stamp
        return True

    def _track(self, n: int, stamp: float, x: float, y: float) -> tuple[Track, float]:
        track = self._tracks[n]
        if track is None:
            track = self._tracks[n] = Track(stamp, x, y)
        track.hits += 1
        track.seen = max(track.seen, stamp)
        return track, track.to(stamp)

    def _take_radar(self, t: float) -> None:
        stamp = self.radar_stamp
        if not self._is_new("radar", stamp, t):
            return
        way = self._way_at(stamp)
        for n in range(OBJECTS):
            if self.radar_valid[n] < 0.5:
                continue
            distance, angle = float(self.radar_range[n]), float(self.radar_azimuth[n])
            x, y = distance * math.cos(angle), distance * math.sin(angle)
            track, late = self._track(n, stamp, way + x, y)
            before = track.along.v
            track.along.see_position(way + x + late * track.along.v, 0.2)
            speed = self.speed + float(self.radar_rate[n]) / max(math.cos(angle), 0.5)
            track.along.see_velocity(speed, 0.2)
            if track.hits > 4:
                track.acceleration += 0.25 * ((track.along.v - before) / 0.05 - track.acceleration)
            track.across.see_position(y + late * track.across.v, 0.01 * distance + 0.1)
            track.fast = track.fast or (track.hits > 4 and track.along.v > 2.0)

    def _take_camera(self, t: float) -> None:
        stamp = self.camera_stamp
        if not self._is_new("camera", stamp, t):
            return
        way = self._way_at(stamp)
        for n in range(OBJECTS):
            if self.camera_valid[n] < 0.5:
                continue
            distance, angle = float(self.camera_range[n]), float(self.camera_azimuth[n])
            x = distance * math.cos(angle) - self.camera_mount
            track, late = self._track(n, stamp, way + x, distance * math.sin(angle))
            track.along.see_position(way + x + late * track.along.v, 0.03 * distance + 0.1)
            ahead = (
                track.along.x - late * track.along.v - way + self.camera_mount
            )  # better known than by the camera
            track.across.see_position(
                math.tan(angle) * ahead + late * track.across.v, 0.003 * distance + 0.03
            )
            track.kind = float(self.camera_kind[n])
            track.looks += 1

    # ---- what they mean

    def _judge(self, track: Track, t: float) -> Danger | None:
        late = t - track.t
        gap = track.along.x + late * track.along.v - self._odometer
        lateral, sideways = track.across.x + late * track.across.v, track.across.v
        closing = self.speed - track.along.v
        if track.hits < 3 or gap < -1.0 or (closing < 0.3 and track.acceleration > -1.0):
            return None
        recognised = track.looks >= self.looks  # once known, the radar alone may follow it
        if not recognised and not (track.fast and track.hits > 4):
            return None
        gap = max(gap, 0.05)
        slowing = min(track.acceleration + 0.5, 0.0) if track.fast else 0.0  # small ones are noise
        meet = gap / closing if closing > 0.1 else NEVER
        enters, leaves = self._crossing(track.kind, lateral, sideways)
        going_on = enters < min(meet, 10.0) + 0.1 and leaves > (-0.1 if self.stage >= 2.0 else meet - 0.1)
        if not going_on or leaves < -0.1:
            return None
        soon = enters <= self.entry_time
        steerable = self._steerable(lateral) if track.kind != PEDESTRIAN else 0.0
        wait = self.dead_time + self.period

        def tight(later: float) -> bool:
            return self._clearance(gap, track.along.v, slowing, wait + later) < self.room

        drive = tight(1.0)  # room gets no larger by waiting: what is not tight later is not tight now
        early = drive and tight(self.partial_lead)
        short = early and tight(0.0)
        hopeless = meet < steerable or track.kind == PEDESTRIAN or slowing < -2.0
        confident = soon and hopeless
        stage = 0
        if meet < self.warn_time or drive:
            stage = 1
        if early and soon and (meet < steerable + self.partial_lead or hopeless):
            stage = 2
        if (short or meet < self.brake_time) and confident:
            stage = 3
        walks = track.kind == PEDESTRIAN
        return Danger(stage, meet, gap, closing, lateral, sideways, confident, walks)

    def _crossing(self, kind: float, lateral: float, sideways: float) -> tuple[float, float]:
        """When the object enters the way of the car, and when it has left it [s]; 0 and 99 s while it is in it."""
        half = 0.5 * self.width + (HALF_BODY if kind == PEDESTRIAN else 0.5 * CAR_WIDTH - 0.25)
        if abs(sideways) < 0.3:
            return (0.0, NEVER) if abs(lateral) < half else (NEVER, NEVER)
        a, b = (-half - lateral) / sideways, (half - lateral) / sideways
        return max(min(a, b), 0.0), max(a, b)

    def _steerable(self, lateral: float) -> float:
        """Time to collision below which a driver could no longer steer past a car that is there [s]."""
        aside = max(0.5 * (self.width + CAR_WIDTH) + 0.2 - abs(lateral), 0.0)
        return self.evasion_delay + math.sqrt(2.0 * aside / self.evasion_acceleration)

    def _clearance(self, gap: float, other: float, slowing: float, wait: float) -> float:
        """Least gap [m] if the car brakes fully after `wait` [s] while the other goes on, slowing down to rest."""
        dt = 0.05
        mine, least, t = self.speed, gap, 0.0
        while mine > 0.0 and (mine > other or slowing < 0.0) and t < 8.0:
            ramp = (t + 0.5 * dt - wait) / self.ramp_time if self.ramp_time > 0.0 else (t + dt > wait)
            braking = self.planned * min(max(ramp, 0.0), 1.0)
            mine_after = max(mine - braking * dt, 0.0)
            other_after = max(other + slowing * dt, 0.0)
            gap += 0.5 * dt * (other + other_after - mine - mine_after)
            mine, other, t = mine_after, other_after, t + dt
            least = min(least, gap)
        return least

    # ---- what it does

    def _tell(self, urgent: Danger | None, t: float) -> None:
        stage = urgent.stage if urgent else 0
        if urgent and self.stage == 3.0:
            stage = 3  # to the end: brakes that come and go stop nobody
        if urgent and stage == 3:
            self._braked_until = t + self.hold
            self._to_rest = self._to_rest or urgent.walks
        elif t < self._braked_until and not urgent and self.tracks == 0.0:
            stage = 3  # the object was lost at the worst moment: go on
        if self._to_rest:
            stage = (
                3  # he may turn round: a car that has braked for a pedestrian comes to rest, and stays there
            )
        if stage > 0:
            self._warned_until = t + 1.0
        self.stage = float(stage)
        self.warning = 1.0 if t < self._warned_until else 0.0
        self.request = -self.full if stage == 3 else -self.partial if stage == 2 else 0.0
        self.confident = 1.0 if urgent and urgent.sure else 0.0
        if not urgent:
            self.time_to_collision, self.gap = NEVER, 200.0
            self.lateral = self.lateral_speed = self.closing_speed = self.needed = 0.0
            return
        self.time_to_collision = min(urgent.time, NEVER)
        self.gap, self.closing_speed = urgent.gap, urgent.closing
        self.lateral, self.lateral_speed = urgent.lateral, urgent.sideways
        self.needed = self.dead_time + 0.5 * self.ramp_time + 0.5 * max(urgent.closing, 0.0) / self.full
