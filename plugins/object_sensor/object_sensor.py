"""What an automated lane keeping system sees of the car beside or before it."""

from __future__ import annotations

from crumple import Input, Output, Parameter, Unit


class ObjectSensor(Unit):
    """One object of a fused object list: where the other car is and how it moves, seen from the car under test.

    Without `noise` it is exact. Beyond `range` there is no object: `valid` is 0 and the rest keeps its last values.
    """

    ego_x = Input("m", doc="middle of the own car along the road")
    x = Input("m", doc="middle of the other car along the road")
    y = Input("m", doc="middle of the other car, to the left of the own lane's middle")
    speed = Input("m/s", doc="of the other car along the road")
    sideways = Input("m/s", doc="lateral speed of the other car, towards the own lane")
    distance = Output("m", doc="from middle to middle along the road; below 0 where the other car is behind")
    clearance = Output("m", doc="between the sides; below 0 where the cars overlap across the road")
    object_speed = Output("m/s", doc="of the other car along the road")
    lateral_speed = Output("m/s", doc="of the other car, towards the own lane")
    valid = Output("1", doc="1 while there is an object")
    width = Parameter(1.9, "m", min=0.1, doc="of both cars")
    range = Parameter(250.0, "m", min=1.0, doc="beyond which it sees nothing")
    noise = Parameter(0.0, "m", min=0.0, doc="standard deviation of the distance")

    def step(self, now) -> None:  # type: ignore[no-untyped-def]
        distance = self.x - self.ego_x
        if abs(distance) > self.range:
            self.valid = 0.0
            return
        if self.noise:
            distance += self.noise * float(self.random.normal())
        half = self.width / 2
        self.distance = distance
        self.clearance = abs(self.y) - half - half
        self.object_speed = self.speed
        self.lateral_speed = self.sideways
        self.valid = 1.0
