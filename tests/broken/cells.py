"""Parts of which a scene has several."""

from crumple import Input, Output, Unit


class Cell(Unit):
    heat = Input("W")
    left = Input("degC")
    temperature = Output("degC")

    def step(self, now):
        pass


class Pack(Unit):
    mean = Input("degC")
    three = Input("W", shape=3)
    heat = Output("W", shape=3)
    colour = Output("1")

    def step(self, now):
        pass
