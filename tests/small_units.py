"""Units of a few lines for the tests of worlds."""

from __future__ import annotations

from crumple.unit import Input, Moment, Output, Unit


class Counter(Unit):
    """Counts its own steps."""

    n = Output()

    def step(self, now: Moment) -> None:
        self.n += 1.0


class Relay(Unit):
    """Gives what it gets, plus one."""

    u = Input()
    y = Output()

    def step(self, now: Moment) -> None:
        self.y = self.u + 1.0


class Walk(Unit):
    """A random walk with memory: it goes on only if its state, its stream and its outputs are all restored."""

    pull = Input("1")
    y = Output("1")
    places = Output("1", shape=(2,))

    def reset(self) -> None:
        self.past = [0.0]

    def step(self, now: Moment) -> None:
        self.past.append(self.past[-1] + self.random.normal() + self.pull)
        self.places[:] = self.past[-2:]
        self.y = self.y / 2 + self.past[-1]
