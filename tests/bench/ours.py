"""Crumple in the benchmark: a ring of FMUs, a ring of Python plugins, and the empty call to compare with."""

from __future__ import annotations

import importlib
import importlib.util
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from engine import Absent, Engine
from rings import STEP, Ring


class Crumple(Engine):
    """A World of FMUs, built by calls."""

    name = "Crumple"
    package = "crumple"
    digest = True

    def __init__(self, ring: Ring, *, threads: int = 1, record: Path | None = None) -> None:
        super().__init__(ring, threads=threads, record=record)
        crumple = importlib.import_module("crumple")
        self._world = crumple.World(period=STEP, threads=threads, digest=self.digest, isolate=False)
        for i in range(ring.units):
            self._world.add(f"lag{i}", crumple.Fmu(ring.fmu, start=ring.start(i)))
        for source, output, target, name in ring.connections():
            self._world.connect(f"lag{source}.{output}", f"lag{target}.{name}")
        self._names = [f"lag{i}.{y}" for i in range(ring.units) for y in ring.outputs]
        self._recorder = None if record is None else self._world.record(record / "signals")
        self._world.reset(seed=0)

    @classmethod
    def prepare(cls) -> None:
        if importlib.util.find_spec("crumple") is None:
            raise Absent("not installed (pip install .)")
        try:
            core = importlib.util.find_spec("crumple._core")
        except ImportError:
            core = None
        if core is None:
            raise Absent("not built: crumple._core is missing (pip install .)")
        crumple = importlib.import_module("crumple")
        _ = crumple.World, crumple.Fmu, crumple.Unit

    def step(self, steps: int) -> None:
        self._world.step(steps)

    def outputs(self) -> np.ndarray:
        return np.array([self._world[name] for name in self._names], dtype=float)

    def recorded(self) -> np.ndarray | None:
        if self._recorder is None:
            return None
        ticks = self._world.tick
        self._world.end()  # closes the recording
        tables = [np.load(file, mmap_mode="r") for file in map(Path, self._recorder.files)]
        lengths = {len(table) for table in tables}
        if lengths != {ticks + 1}:  # tick 0 as well
            raise RuntimeError(f"{sorted(lengths)} rows recorded in {ticks} ticks")
        last = {name: table[name][-1] for table in tables for name in table.dtype.names or ()}
        return np.array([last[name] for name in self._names], dtype=float)

    def own_digest(self) -> str:
        return str(self._world.digest()) if self.digest else ""


class CrumpleWithoutDigest(Crumple):
    """The same with the digest switched off."""

    name = "Crumple, no digest"
    digest = False


class EmptyCall(Engine):
    """What a Python call costs that does nothing: the floor of every Python plugin."""

    name = "empty Python call"

    def step(self, steps: int) -> None:
        """Call a bound method with one argument, once per unit and step."""
        call = self._nothing
        for now in repeat(self, steps * self.ring.units):
            call(now)

    def _nothing(self, now: object) -> None:
        pass

    def outputs(self) -> np.ndarray:
        return np.zeros(0)  # nothing to compare


def mean_unit(crumple: Any) -> Any:
    """The plugin of the benchmark: two inputs, one output."""

    class Mean(crumple.Unit):  # type: ignore[misc, name-defined]
        """The mean of its inputs."""

        a = crumple.Input("1", doc="of the unit before")
        b = crumple.Input("1", doc="of the unit before that one")
        y = crumple.Output("1", start=1.0, doc="mean of the inputs, one step later")
        first = crumple.Parameter(1.0, "1", doc="what the output starts from")

        def reset(self) -> None:
            self.y = self.first

        def step(self, now: Any) -> None:
            self.y = 0.5 * (self.a + self.b)

    return Mean


class PluginRing(Crumple):
    """A World of Python plugins; unit i reads units i - 1 and i - 2."""

    name = "Crumple, Python plugin"

    def __init__(self, ring: Ring, *, threads: int = 1, record: Path | None = None) -> None:
        Engine.__init__(self, ring, threads=threads, record=record)
        crumple = importlib.import_module("crumple")
        kind = mean_unit(crumple)
        self._world = crumple.World(period=STEP, threads=threads)
        for i, first in enumerate(ring.x0):
            self._world.add(f"mean{i}", kind(first=float(first)))
        for i in range(ring.units):
            self._world.connect(f"mean{(i - 1) % ring.units}.y", f"mean{i}.a")
            self._world.connect(f"mean{(i - 2) % ring.units}.y", f"mean{i}.b")
        self._names = [f"mean{i}.y" for i in range(ring.units)]
        self._recorder = None
        self._world.reset(seed=0)


def plugin_reference(ring: Ring, steps: int) -> np.ndarray:
    """Outputs of the plugin ring after `steps` steps, (units,)."""
    y = ring.x0
    for _ in range(steps):
        y = 0.5 * (np.roll(y, 1) + np.roll(y, 2))
    return y
