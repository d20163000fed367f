"""Units for the broken scenes. Nothing here is ever stepped."""

from __future__ import annotations

from crumple import Input, Output, Parameter, Unit


class Sensor(Unit):
    """Inputs and outputs of every kind."""

    acceleration = Input("m/s^2")
    mass = Input("kg")
    wheels = Input("m/s", shape=4)
    matrix = Input(shape=(2, 3))
    label = Input(kind="string")
    pulses = Input("mm", kind="integer")
    reading = Output("m/s^2")
    temperature = Output("degC")
    speeds = Output("m/s", shape=4)
    state = Output(kind="string")
    undeclared = Output()


class Controller(Unit):
    """Parameters of every kind."""

    acceleration = Input("m/s^2")
    fire = Output("1")
    threshold = Parameter(1.1, "m/s", min=0.0, max=20.0)
    mode = Parameter("normal", choices=["normal", "test"])
    delay = Parameter(2)
    armed = Parameter(True)


class Misspelt(Unit):
    """A port in a unit of measure that does not exist."""

    reading = Output("furlong/fortnight")
